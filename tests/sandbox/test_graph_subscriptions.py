"""The sandbox's change notifications: handshake, life, delivery, and the ways they go astray."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from samklang.sandbox.graph.endpoints import Endpoints
from tests.push.receiver import Answer, Receiver, handshake, receiving, wait_until
from tests.sandbox.graph_client import ALICE, BOB, Graph, graph

__all__ = ["graph"]

EVENTS = f"/users/{ALICE}/events"
PLAN = {"subject": "Plan", "start": "2026-03-02T09:00", "end": "2026-03-02T10:00"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(handshake) as started:
        yield started


def asked(receiver: Receiver, **changed: Any) -> dict[str, Any]:
    return {
        "changeType": "created,updated,deleted",
        "resource": EVENTS,
        "notificationUrl": receiver.url + "/notices",
        "lifecycleNotificationUrl": receiver.url + "/life",
        "expirationDateTime": (datetime.now(UTC) + timedelta(days=6)).isoformat().replace("+00:00", "Z"),
        "clientState": "s3cret",
    } | changed


def subscribed(graph: Graph, receiver: Receiver, **changed: Any) -> dict[str, Any]:
    return graph.ok(graph.call("POST", "/subscriptions", asked(receiver, **changed)), 201)


def told(receiver: Receiver, count: int) -> list[dict[str, Any]]:
    return [json.loads(each.body)["value"][0] for each in receiver.waits_for(count)]


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat().replace("+00:00", "Z")


def test_both_addresses_prove_that_they_want_the_notices(graph: Graph, receiver: Receiver) -> None:
    made = subscribed(graph, receiver)
    assert [each.path.partition("?")[0] for each in receiver.handshakes] == ["/notices", "/life"]
    assert made["clientState"] is None
    assert graph.get("/subscriptions")["value"] == [made]


def test_a_receiver_that_does_not_answer_with_the_token_gets_no_subscription(graph: Graph, receiver: Receiver) -> None:
    receiver.then = lambda got: Answer(200, b"hello")
    refused = graph.call("POST", "/subscriptions", asked(receiver))
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "ValidationError")


def test_an_address_outside_this_machine_is_never_spoken_to(graph: Graph, receiver: Receiver) -> None:
    refused = graph.call("POST", "/subscriptions", asked(receiver, notificationUrl="https://example.com/notices"))
    assert refused.json()["error"]["code"] == "ValidationError"


def test_what_a_person_does_is_told_with_the_secret_and_no_content(graph: Graph, receiver: Receiver) -> None:
    made = subscribed(graph, receiver)
    entry = graph.sandbox.person_creates(ALICE, **PLAN)
    graph.sandbox.person_edits(ALICE, entry["id"], subject="Plan B")
    notices = sorted(told(receiver, 2), key=lambda each: each["changeType"])
    assert [each["changeType"] for each in notices] == ["created", "updated"]
    assert {each["clientState"] for each in notices} == {"s3cret"}
    assert {each["subscriptionId"] for each in notices} == {made["id"]}
    assert "Plan" not in json.dumps(notices)


def test_a_subscription_lives_seven_days_at_most_and_45_minutes_at_least(graph: Graph, receiver: Receiver) -> None:
    refused = graph.call("POST", "/subscriptions", asked(receiver, expirationDateTime=in_days(7.1)))
    assert refused.status_code == 400
    made = subscribed(graph, receiver, expirationDateTime=in_days(0.001))
    assert datetime.fromisoformat(made["expirationDateTime"]) > datetime.now(UTC) + timedelta(minutes=44)
    renewed = graph.ok(graph.call("PATCH", f"/subscriptions/{made['id']}", {"expirationDateTime": in_days(3)}))
    assert renewed["expirationDateTime"] > made["expirationDateTime"]


def test_one_that_is_over_tells_no_more_and_cannot_be_renewed(graph: Graph, receiver: Receiver) -> None:
    made = subscribed(graph, receiver)
    graph.sandbox.set_clock(datetime.now(UTC) + timedelta(days=8))
    graph.sandbox.person_creates(ALICE, **PLAN)
    gone = graph.call("PATCH", f"/subscriptions/{made['id']}", {"expirationDateTime": in_days(10)})
    assert gone.status_code == 404
    assert receiver.notices == []


def test_the_same_again_is_a_conflict(graph: Graph, receiver: Receiver) -> None:
    made = subscribed(graph, receiver)
    assert graph.call("POST", "/subscriptions", asked(receiver)).status_code == 409
    assert graph.call("DELETE", f"/subscriptions/{made['id']}").status_code == 204
    subscribed(graph, receiver)


def test_a_receiver_that_fails_is_told_again(graph: Graph, receiver: Receiver) -> None:
    subscribed(graph, receiver)
    answers = [Answer(500), Answer(202)]
    receiver.then = lambda got: answers.pop(0)
    graph.sandbox.person_creates(ALICE, **PLAN)
    receiver.waits_for(2)


def test_notices_come_twice_as_ordered(graph: Graph, receiver: Receiver) -> None:
    graph.sandbox.graph_behaves(notices="twice")
    subscribed(graph, receiver)
    graph.sandbox.person_creates(ALICE, **PLAN)
    assert [each["changeType"] for each in told(receiver, 2)] == ["created", "created"]


def test_notices_of_several_subscriptions_may_come_in_one_request(graph: Graph, receiver: Receiver) -> None:
    made = {subscribed(graph, receiver, resource=f"/users/{who}/events")["id"] for who in (ALICE, BOB)}
    graph.sandbox.graph_behaves(notices="together")
    graph.sandbox.person_creates(ALICE, **PLAN, attendees=[{"address": BOB, "name": "Bob"}], send="all")
    (together,) = receiver.waits_for(1)
    assert {each["subscriptionId"] for each in json.loads(together.body)["value"]} == made
    assert graph.sandbox.validation()["failures"] == []


def test_who_often_answers_late_is_told_no_longer(graph: Graph, receiver: Receiver) -> None:
    subscribed(graph, receiver)
    receiver.then = lambda got: Answer(503)
    for _ in range(3):
        graph.sandbox.person_creates(ALICE, **PLAN)
    receiver.waits_for(12)  # four tries each
    receiver.then = handshake
    graph.sandbox.graph_behaves(notice_states=True)
    graph.sandbox.person_creates(ALICE, **PLAN)
    wait_until(lambda: any(line["operation"] == "notice.dropped" for line in graph.sandbox.log()))
    assert len(receiver.notices) == 12


@pytest.mark.parametrize(
    ("late", "answers", "state"),
    [(9, 9, "normal"), (1, 10, "normal"), (3, 20, "slow"), (4, 20, "drop"), (20, 20, "drop")],
)
def test_a_host_is_judged_by_the_share_of_its_late_answers_in_ten_minutes(late: int, answers: int, state: str) -> None:
    moment = [0.0]
    endpoints = Endpoints(lambda: moment[0])
    for number in range(answers):
        endpoints.answered(f"https://host/{number}", in_time=number >= late)
    assert endpoints.state("https://host/another") == state
    assert endpoints.state("https://elsewhere/0") == "normal"
    moment[0] = 601
    assert endpoints.state("https://host/another") == "normal"


def test_a_lost_notice_never_comes(graph: Graph, receiver: Receiver) -> None:
    graph.sandbox.graph_behaves(notices="lost")
    subscribed(graph, receiver)
    graph.sandbox.person_creates(ALICE, **PLAN)
    graph.sandbox.graph_behaves()
    entry = graph.sandbox.person_creates(ALICE, **PLAN)
    graph.sandbox.person_deletes(ALICE, entry["id"])
    assert sorted(each["changeType"] for each in told(receiver, 2)) == ["created", "deleted"]


@pytest.mark.parametrize("event", ["reauthorizationRequired", "subscriptionRemoved", "missed", "somethingNew"])
def test_its_own_life_is_told_to_the_other_address(graph: Graph, receiver: Receiver, event: str) -> None:
    made = subscribed(graph, receiver)
    graph.sandbox.tells_lifecycle(made["id"], event)
    (notice,) = receiver.waits_for(1)
    assert notice.path == "/life"
    assert json.loads(notice.body)["value"][0]["lifecycleEvent"] == event
    assert bool(graph.get("/subscriptions")["value"]) is (event != "subscriptionRemoved")


def test_every_notice_holds_to_the_schema(graph: Graph, receiver: Receiver) -> None:
    made = subscribed(graph, receiver)
    graph.sandbox.person_creates(ALICE, **PLAN)
    graph.sandbox.tells_lifecycle(made["id"], "missed")
    receiver.waits_for(2)
    assert graph.sandbox.validation()["failures"] == []
