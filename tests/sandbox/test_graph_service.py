"""Graph as a service: limits, faults, batches, meetings and their mails (Graph facts §5, §1.6)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.sandbox.graph_client import ALICE, BOB, Graph, code, graph, timed, weekly

__all__ = ["graph"]

PATH = f"/users/{ALICE}/events"


@pytest.fixture(autouse=True)
def answers_follow_the_schema(graph: Graph) -> Any:
    yield
    assert graph.sandbox.validation()["failures"] == []


def with_bob(**fields: Any) -> dict[str, Any]:
    attendees = [{"emailAddress": {"address": BOB, "name": "Bob"}, "type": "required"}]
    return {"subject": "Möte", "attendees": attendees, **timed("2026-03-02"), **fields}


def kinds(graph: Graph) -> list[str]:
    return [mail["kind"] for mail in graph.sandbox.mails()]


def bobs(graph: Graph) -> dict[str, Any]:
    (found,) = graph.get(f"/users/{BOB}/events")["value"]
    return dict(found)


# --- limits and faults
def test_the_fifth_request_at_once_is_throttled(graph: Graph) -> None:
    graph.sandbox.graph_behaves(latency_seconds=0.5)
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: Graph(graph.sandbox, graph.token).call("GET", PATH), range(5)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200, 200, 200, 200, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert code(refused) == (429, "ApplicationThrottled")
    assert refused.headers["Retry-After"] == "1"
    assert graph.sandbox.counts(ALICE)["max_concurrent"] == 5


@pytest.mark.parametrize(("form", "shape"), [("fractional", "."), ("date", "GMT"), ("absent", ""), ("seconds", "3")])
def test_retry_after_has_every_form_it_has_in_life(graph: Graph, form: str, shape: str) -> None:
    graph.sandbox.fault("throttle", {"protocol": "graph"}, {"times": 1}, form=form, seconds=3)
    answer = graph.call("GET", PATH)
    assert answer.status_code == 429
    assert shape in answer.headers.get("Retry-After", "")
    assert ("Retry-After" in answer.headers) == (form != "absent")
    assert graph.call("GET", PATH).status_code == 200


@pytest.mark.parametrize("form", ["fractional", "date", "seconds"])
def test_requests_of_an_app_that_was_told_to_wait_are_counted(graph: Graph, form: str) -> None:
    graph.sandbox.fault("throttle", {"protocol": "graph", "mailbox": ALICE}, {"times": 1}, form=form, seconds=600)
    assert graph.call("GET", PATH).status_code == 429
    assert graph.sandbox.counts(ALICE)["during_back_off"] == 0, "the one that is refused is not to blame"
    part = {"id": "1", "method": "GET", "url": PATH}
    graph.call("POST", "/$batch", {"requests": [part]})
    graph.call("GET", PATH)
    graph.call("GET", f"/users/{BOB}/events")
    assert graph.sandbox.counts(ALICE)["during_back_off"] == 2
    assert graph.sandbox.counts(BOB)["during_back_off"] == 0, "only this mailbox was to be left alone"


def test_a_part_of_a_batch_is_told_to_wait_for_itself(graph: Graph) -> None:
    graph.sandbox.fault("throttle", {"protocol": "graph", "mailbox": ALICE}, {"times": 1}, seconds=600)
    parts = [{"id": who, "method": "GET", "url": f"/users/{who}/events"} for who in (ALICE, BOB)]
    answers = graph.call("POST", "/$batch", {"requests": parts}).json()["responses"]
    assert {each["id"]: each["status"] for each in answers} == {ALICE: 429, BOB: 200}
    graph.call("GET", PATH)
    graph.call("GET", f"/users/{BOB}/events")
    assert [graph.sandbox.counts(who)["during_back_off"] for who in (ALICE, BOB)] == [1, 0]


def test_a_limit_of_requests_is_kept(graph: Graph) -> None:
    graph.sandbox.graph_behaves(requests_per_10_minutes=0)
    assert graph.call("GET", PATH).status_code == 429
    graph.sandbox.graph_behaves()
    assert graph.call("GET", PATH).status_code == 200


def test_a_write_whose_answer_is_lost_was_made(graph: Graph) -> None:
    where = {"protocol": "graph", "operation": r"events\.create"}
    graph.sandbox.fault("status", where, {"nth": 1, "side": "after"}, status=504)
    body = {"subject": "A", "transactionId": "t", **timed("2026-03-02")}
    assert graph.call("POST", PATH, body).status_code == 504
    again = graph.call("POST", PATH, body)
    assert again.status_code == 201
    assert [entry["id"] for entry in graph.sandbox.entries(ALICE)] == [again.json()["id"]]


def test_faults_speak_graph(graph: Graph) -> None:
    for what, expected in (
        ({"kind": "token_invalid"}, (401, "InvalidAuthenticationToken")),
        (
            {"kind": "response_code", "status": 500, "code": "ErrorInternalServerError"},
            (500, "ErrorInternalServerError"),
        ),
        ({"kind": "throttle", "status": 503}, (503, "ErrorServerBusy")),
    ):
        graph.sandbox.clear_faults()
        graph.sandbox.fault(**what, where={"protocol": "graph", "mailbox": ALICE})
        assert code(graph.call("GET", PATH)) == expected
        assert graph.call("GET", f"/users/{BOB}/events").status_code == 200
    graph.sandbox.clear_faults()
    graph.create(ALICE, subject="A", **timed("2026-03-02"))
    graph.create(ALICE, subject="B", **timed("2026-03-02"))
    graph.sandbox.fault("truncated_listing", {"protocol": "graph"})
    assert len(graph.get(PATH)["value"]) == 1


def test_a_race_can_be_lost_without_if_match_and_a_token_can_be_too_old(graph: Graph) -> None:
    made = graph.create(ALICE, subject="A", **timed("2026-03-02"))
    _, link = graph.round(ALICE)
    graph.sandbox.fault("stale", {"protocol": "graph"}, {"times": 2})
    assert code(graph.call("PATCH", f"{PATH}/{made['id']}", {"subject": "B"})) == (412, "ErrorIrresolvableConflict")
    assert code(graph.call("GET", link)) == (410, "SyncStateNotFound")
    assert graph.update(ALICE, made["id"], subject="B")["subject"] == "B"


# --- batches
def test_parts_of_a_batch_succeed_and_fail_each_on_its_own(graph: Graph) -> None:
    headers = {"Content-Type": "application/json"}
    body = {"subject": "A", **timed("2026-03-02")}
    parts = [
        {"id": "1", "method": "POST", "url": PATH, "headers": headers, "body": body},
        {"id": "2", "method": "GET", "url": f"{PATH}?$select=subject&$top=5", "dependsOn": ["1"]},
        {"id": "3", "method": "GET", "url": f"{PATH}/rubbish"},
        {"id": "4", "method": "GET", "url": PATH, "dependsOn": ["3"]},
    ]
    answer = graph.ok(graph.call("POST", "/$batch", {"requests": parts}))
    found = {part["id"]: part for part in answer["responses"]}
    assert {id: part["status"] for id, part in found.items()} == {"1": 201, "2": 200, "3": 400, "4": 424}
    assert [e["subject"] for e in found["2"]["body"]["value"]] == ["A"]
    assert graph.sandbox.counts(ALICE)["by_operation"]["events.create"] == 1


def test_twenty_parts_for_one_mailbox_do_not_all_get_through(graph: Graph) -> None:
    graph.sandbox.graph_behaves(concurrent_requests=3, latency_seconds=0.05)
    parts = [{"id": str(n), "method": "GET", "url": PATH} for n in range(20)]
    answer = graph.ok(graph.call("POST", "/$batch", {"requests": parts}))
    statuses = [part["status"] for part in answer["responses"]]
    assert {200, 429} == set(statuses)
    refused = next(part for part in answer["responses"] if part["status"] == 429)
    assert refused["headers"]["Retry-After"] == "1"


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [{"id": str(n), "method": "GET", "url": PATH} for n in range(21)],
        [{"id": "1", "method": "GET", "url": PATH}, {"id": "1", "method": "GET", "url": PATH}],
        [{"id": "1", "method": "GET", "url": PATH, "dependsOn": ["2"]}],
    ],
)
def test_what_is_no_batch_is_refused(graph: Graph, parts: list[dict[str, Any]]) -> None:
    assert graph.call("POST", "/$batch", {"requests": parts}).status_code == 400


# --- meetings
def test_no_event_without_attendees_mails_anybody(graph: Graph) -> None:
    made = graph.create(ALICE, subject="A", **timed("2026-03-02"))
    graph.update(ALICE, made["id"], subject="B")
    graph.delete(ALICE, made["id"])
    assert graph.sandbox.mails() == []


def test_every_write_of_a_meeting_mails_its_attendees_and_moves_their_copy(graph: Graph) -> None:
    meeting = graph.create(ALICE, **with_bob())
    copy = bobs(graph)
    assert (copy["subject"], copy["isOrganizer"], copy["iCalUId"]) == ("Möte", False, meeting["iCalUId"])
    assert copy["id"] != meeting["id"]
    assert copy["responseStatus"]["response"] == "notResponded"
    graph.update(ALICE, meeting["id"], **timed("2026-03-03"))
    assert bobs(graph)["start"]["dateTime"][:10] == "2026-03-03"
    graph.update(ALICE, meeting["id"], categories=["Blå"])
    graph.delete(ALICE, meeting["id"])
    assert kinds(graph) == ["invitation", "update", "cancellation"]
    assert (bobs(graph)["isCancelled"], bobs(graph)["subject"]) == (True, "Canceled: Möte")


def test_an_answer_reaches_the_organizer_only_by_mail(graph: Graph) -> None:
    meeting = graph.create(ALICE, **with_bob())
    copy = bobs(graph)
    path = f"/users/{BOB}/events/{copy['id']}"
    assert graph.call("POST", f"{path}/tentativelyAccept", {"sendResponse": False}).status_code == 202
    assert bobs(graph)["responseStatus"]["response"] == "tentativelyAccepted"
    assert graph.event(ALICE, meeting["id"])["attendees"][0]["status"]["response"] == "none"
    assert graph.call("POST", f"{path}/accept", {}).status_code == 202
    assert graph.event(ALICE, meeting["id"])["attendees"][0]["status"]["response"] == "accepted"
    assert kinds(graph) == ["invitation", "response"]


def test_a_declined_meeting_leaves_the_calendar(graph: Graph) -> None:
    graph.create(ALICE, **with_bob())
    path = f"/users/{BOB}/events/{bobs(graph)['id']}/decline"
    assert graph.call("POST", path, {"sendResponse": False}).status_code == 202
    assert graph.get(f"/users/{BOB}/events")["value"] == []


def test_what_only_the_other_side_of_a_meeting_may_do_is_refused(graph: Graph) -> None:
    meeting = graph.create(ALICE, **with_bob())
    copy = bobs(graph)
    own, others = f"/users/{ALICE}/events/{meeting['id']}", f"/users/{BOB}/events/{copy['id']}"
    assert code(graph.call("POST", f"{own}/accept", {})) == (400, "ErrorInvalidRequest")
    assert code(graph.call("POST", f"{others}/cancel", {})) == (400, "ErrorInvalidRequest")
    graph.update(BOB, copy["id"], subject="Mitt namn på det")
    assert graph.event(ALICE, meeting["id"])["subject"] == "Möte"
    assert graph.call("POST", f"{own}/cancel", {"comment": "tyvärr"}).status_code == 202
    assert kinds(graph) == ["invitation", "cancellation"]


def test_a_changed_series_mails_once_more_for_each_exception(graph: Graph) -> None:
    series = graph.create(ALICE, **with_bob(recurrence=weekly()))
    window = {"startDateTime": "2026-03-01", "endDateTime": "2026-05-01"}
    one = graph.get(f"{PATH}/{series['id']}/instances", **window)["value"][1]
    graph.update(ALICE, one["id"], subject="Annat")
    graph.update(ALICE, series["id"], location={"displayName": "Rum"})
    assert kinds(graph) == ["invitation", "update", "update", "update"]
    assert [e["type"] for e in graph.get(f"/users/{BOB}/events")["value"]] == ["seriesMaster"]
