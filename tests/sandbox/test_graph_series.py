"""Series over Graph: occurrences, exceptions, deleted dates, and what a new rule does (Graph facts §4.4-4.5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.graph_client import ALICE, STOCKHOLM, Graph, code, graph, timed, weekly

__all__ = ["graph"]

SPRING = {"startDateTime": "2026-03-01T00:00:00Z", "endDateTime": "2026-05-01T00:00:00Z"}


@pytest.fixture(autouse=True)
def answers_follow_the_schema(graph: Graph) -> Any:
    yield
    assert graph.sandbox.validation()["failures"] == []


@pytest.fixture
def series(graph: Graph) -> dict[str, Any]:
    return graph.create(ALICE, subject="Vecka", recurrence=weekly(), **timed("2026-03-02"))


def instances(graph: Graph, series: dict[str, Any], **query: str) -> list[dict[str, Any]]:
    return list(graph.get(f"/users/{ALICE}/events/{series['id']}/instances", **SPRING, **query)["value"])


def test_a_series_is_one_master_with_defaults_in_unused_fields(graph: Graph, series: dict[str, Any]) -> None:
    assert (series["type"], series["seriesMasterId"]) == ("seriesMaster", None)
    assert series["recurrence"]["pattern"] == {
        "type": "weekly",
        "interval": 1,
        "month": 0,
        "dayOfMonth": 0,
        "daysOfWeek": ["monday"],
        "firstDayOfWeek": "monday",
        "index": "first",
    }
    assert series["recurrence"]["range"]["endDate"] == "0001-01-01"
    assert series["recurrence"]["range"]["recurrenceTimeZone"] == STOCKHOLM


def test_occurrences_keep_the_wall_clock_and_have_ids_and_uids_of_their_own(
    graph: Graph, series: dict[str, Any]
) -> None:
    found = instances(graph, series)
    assert [o["start"]["dateTime"][5:16] for o in found] == [
        "03-02T08:00",
        "03-09T08:00",
        "03-16T08:00",
        "03-23T08:00",
        "03-30T07:00",
        "04-06T07:00",
    ]
    assert len({o["id"] for o in found}) == len({o["iCalUId"] for o in found}) == 6
    assert {(o["type"], o["seriesMasterId"], o["uid"]) for o in found} == {
        ("occurrence", series["id"], series["iCalUId"])
    }
    assert found[4]["originalStart"] == "2026-03-30T07:00:00.0000000Z"
    assert graph.event(ALICE, found[2]["id"])["subject"] == "Vecka"


def test_an_occurrence_becomes_an_exception_in_place(graph: Graph, series: dict[str, Any]) -> None:
    one = instances(graph, series)[1]
    changed = graph.update(ALICE, one["id"], subject="Annat", **timed("2026-03-10", "13:00", "14:00"))
    assert (changed["id"], changed["type"], changed["originalStart"][:16]) == (
        one["id"],
        "exception",
        "2026-03-09T08:00",
    )
    query = {"select": "subject,cancelledOccurrences", "expand": "exceptionOccurrences"}
    graph.delete(ALICE, instances(graph, series)[2]["id"])
    master = graph.event(ALICE, series["id"], **query)
    assert [e["subject"] for e in master["exceptionOccurrences"]] == ["Annat"]
    assert master["cancelledOccurrences"] == [f"OID.{series['id']}.2026-03-16"]
    assert "cancelledOccurrences" not in graph.event(ALICE, series["id"])
    assert [o["start"]["dateTime"][5:10] for o in instances(graph, series)] == [
        "03-02",
        "03-10",
        "03-23",
        "03-30",
        "04-06",
    ]


def test_a_later_edit_of_the_master_leaves_what_the_exception_changed(graph: Graph, series: dict[str, Any]) -> None:
    one = instances(graph, series)[1]
    graph.update(ALICE, one["id"], subject="Annat")
    graph.update(ALICE, series["id"], subject="Ny", location={"displayName": "Rum"})
    found = graph.event(ALICE, one["id"])
    assert (found["subject"], found["location"]["displayName"]) == ("Annat", "Rum")


def test_an_exception_cannot_be_moved_onto_its_neighbours_day(graph: Graph, series: dict[str, Any]) -> None:
    one = instances(graph, series)[1]
    path = f"/users/{ALICE}/events/{one['id']}"
    refused = graph.call("PATCH", path, timed("2026-03-16", "20:00", "21:00"))
    assert code(refused) == (400, "ErrorOccurrenceCrossingBoundary")


def test_the_same_rule_again_keeps_exceptions_and_a_new_one_drops_them(graph: Graph, series: dict[str, Any]) -> None:
    one = instances(graph, series)[1]
    graph.update(ALICE, one["id"], subject="Annat")
    graph.update(ALICE, series["id"], recurrence=weekly(), **timed("2026-03-02"))
    assert graph.event(ALICE, one["id"])["subject"] == "Annat"
    longer = weekly(numberOfOccurrences=8)
    graph.update(ALICE, series["id"], recurrence=longer)
    found = instances(graph, series)
    assert (len(found), {o["type"] for o in found}) == (8, {"occurrence"})
    assert code(graph.call("GET", f"/users/{ALICE}/events/{one['id']}")) == (404, "ErrorItemNotFound")
    assert found[1]["id"] != one["id"]


def test_a_series_becomes_a_single_event_and_back_under_one_id(graph: Graph, series: dict[str, Any]) -> None:
    single = graph.update(ALICE, series["id"], recurrence=None)
    assert (single["id"], single["type"], single["iCalUId"]) == (series["id"], "singleInstance", series["iCalUId"])
    again = graph.update(ALICE, series["id"], recurrence=weekly())
    assert (again["id"], again["type"]) == (series["id"], "seriesMaster")


def test_moving_a_series_to_another_day_needs_its_rule_too(graph: Graph, series: dict[str, Any]) -> None:
    path = f"/users/{ALICE}/events/{series['id']}"
    assert code(graph.call("PATCH", path, timed("2026-03-03")))[0] == 400
    moved = graph.update(ALICE, series["id"], recurrence=weekly("2026-03-03", "tuesday"), **timed("2026-03-03"))
    assert moved["start"]["dateTime"][:10] == "2026-03-03"


def test_an_occurrence_has_no_rule_and_a_deleted_one_is_gone(graph: Graph, series: dict[str, Any]) -> None:
    one = instances(graph, series)[1]
    path = f"/users/{ALICE}/events/{one['id']}"
    assert code(graph.call("PATCH", path, {"recurrence": weekly()}))[0] == 400
    assert graph.delete(ALICE, one["id"]).status_code == 204
    assert code(graph.call("GET", path)) == (404, "ErrorItemNotFound")
    assert code(graph.delete(ALICE, one["id"])) == (404, "ErrorItemNotFound")


@pytest.mark.parametrize(
    "recurrence",
    [
        {"pattern": {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 2, "daysOfWeek": ["monday"]}},
        {"pattern": {"type": "daily", "interval": 0}},
        {"pattern": {"type": "absoluteYearly", "interval": 3, "dayOfMonth": 2, "month": 3}},
        {"range": {"type": "numbered", "startDate": "2026-03-02", "numberOfOccurrences": 1000}},
        {"range": {"type": "endDate", "startDate": "2026-03-02", "endDate": "2026-03-01"}},
    ],
)
def test_a_rule_exchange_does_not_hold_is_refused(graph: Graph, recurrence: dict[str, Any]) -> None:
    body = {"subject": "x", "recurrence": weekly() | recurrence, **timed("2026-03-02")}
    assert graph.call("POST", f"/users/{ALICE}/events", body).status_code == 400


def test_a_calendar_view_shows_occurrences_in_full_and_all_day_by_their_dates(
    graph: Graph, series: dict[str, Any]
) -> None:
    day = {"dateTime": "2026-03-10T00:00:00", "timeZone": "Pacific/Kiritimati"}
    end = {"dateTime": "2026-03-11T00:00:00", "timeZone": "Pacific/Kiritimati"}
    graph.create(ALICE, subject="Dag", isAllDay=True, start=day, end=end)
    window = {"startDateTime": "2026-03-10T00:00:00Z", "endDateTime": "2026-03-17T00:00:00Z"}
    found = graph.get(f"/users/{ALICE}/calendarView", **window, select="subject,type")["value"]
    assert [(e["subject"], e["type"]) for e in found] == [("Dag", "singleInstance"), ("Vecka", "occurrence")]
    before = {"startDateTime": "2026-03-09T12:00:00Z", "endDateTime": "2026-03-10T00:00:00Z"}
    assert graph.get(f"/users/{ALICE}/calendarView", **before)["value"] == []
    far = {"startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2031-01-02T00:00:00Z"}
    assert code(graph.call("GET", f"/users/{ALICE}/calendarView", **far)) == (400, "ErrorInvalidRequest")
