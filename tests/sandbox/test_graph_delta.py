"""calendarView/delta and its traps (Graph facts §1.1-1.4, §3.1)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.graph_client import ALICE, BOB, Graph, code, graph, timed, weekly

__all__ = ["graph"]

SMALL = {"Prefer": "odata.maxpagesize=2"}


@pytest.fixture(autouse=True)
def answers_follow_the_schema(graph: Graph) -> Any:
    yield
    assert graph.sandbox.validation()["failures"] == []


def kinds(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Each row as type (or `removed`) and date."""
    return [
        ("removed", row["id"]) if "@removed" in row else (row["type"], row["start"]["dateTime"][:10]) for row in rows
    ]


def test_a_round_holds_singles_masters_stubs_and_exceptions(graph: Graph) -> None:
    graph.create(ALICE, subject="Ett", **timed("2026-03-03"))
    series = graph.create(ALICE, subject="Vecka", recurrence=weekly(numberOfOccurrences=3), **timed("2026-03-02"))
    graph.create(ALICE, subject="Utanför", **timed("2028-03-03"))
    rows, link = graph.round(ALICE)
    assert kinds(rows) == [
        ("singleInstance", "2026-03-03"),
        ("seriesMaster", "2026-03-02"),
        ("occurrence", "2026-03-02"),
        ("occurrence", "2026-03-09"),
        ("occurrence", "2026-03-16"),
    ]
    stub = rows[3]
    assert set(stub) == {"@odata.type", "@odata.etag", "id", "type", "seriesMasterId", "start", "end"}
    graph.update(ALICE, stub["id"], subject="Annat")
    rows, link = graph.round(ALICE, link)
    assert kinds(rows)[0] == ("seriesMaster", "2026-03-02")
    (exception,) = [row for row in rows if row["type"] == "exception"]
    assert (exception["subject"], exception["seriesMasterId"], exception["id"]) == ("Annat", series["id"], stub["id"])
    assert graph.round(ALICE, link)[0] == []


def test_a_master_that_began_before_the_window_comes_with_its_first_occurrence(graph: Graph) -> None:
    limits = weekly("2020-03-02", "monday", type="noEnd")
    graph.create(ALICE, subject="Gammal", recurrence=limits, **timed("2020-03-02"))
    rows, _ = graph.round(ALICE)
    assert kinds(rows)[0] == ("seriesMaster", "2020-03-02")
    assert {date[:4] for _, date in kinds(rows)[1:]} == {"2026"}
    assert len(rows) == 1 + 52


def test_rounds_come_in_pages_one_of_them_empty_and_one_event_twice(graph: Graph) -> None:
    ids = [graph.create(ALICE, subject=str(n), **timed(f"2026-03-0{n}"))["id"] for n in range(1, 6)]
    window = {"startDateTime": "2026-01-01", "endDateTime": "2027-01-01"}
    page = graph.get(f"/users/{ALICE}/calendarView/delta", SMALL, **window)
    sizes, seen = [], []
    while True:
        sizes.append(len(page["value"]))
        seen += [row["id"] for row in page["value"]]
        if "@odata.deltaLink" in page:
            break
        page = graph.get(page["@odata.nextLink"], SMALL)
    assert (sizes, seen) == ([2, 0, 2, 2], [*ids, ids[0]])


def test_a_series_is_never_split_over_pages(graph: Graph) -> None:
    graph.create(ALICE, subject="Vecka", recurrence=weekly(), **timed("2026-03-02"))
    graph.create(ALICE, subject="Ett", **timed("2026-03-03"))
    window = {"startDateTime": "2026-01-01", "endDateTime": "2027-01-01"}
    page = graph.get(f"/users/{ALICE}/calendarView/delta", SMALL, **window)
    assert (len(page["value"]), "@odata.nextLink" in page) == (7, True)


def test_only_what_changed_is_told_and_own_writes_come_back(graph: Graph) -> None:
    kept = graph.create(ALICE, subject="A", **timed("2026-03-02"))
    gone = graph.create(ALICE, subject="B", **timed("2026-03-03"))
    _, link = graph.round(ALICE)
    new = graph.create(ALICE, subject="C", **timed("2026-03-04"))
    graph.update(ALICE, kept["id"], subject="A2")
    graph.delete(ALICE, gone["id"])
    graph.delete(ALICE, graph.create(ALICE, subject="kort", **timed("2026-03-05"))["id"])
    rows, link = graph.round(ALICE, link)
    assert {row["id"]: row.get("subject", "removed") for row in rows} == {
        kept["id"]: "A2",
        new["id"]: "C",
        gone["id"]: "removed",
    }
    assert next(row for row in rows if row["id"] == gone["id"])["@removed"] == {"reason": "deleted"}
    assert graph.round(ALICE, link)[0] == []


def test_what_happens_outside_the_window_is_told_as_removed_even_of_unknown_events(graph: Graph) -> None:
    known = graph.create(ALICE, subject="A", **timed("2026-03-02"))
    _, link = graph.round(ALICE)
    graph.update(ALICE, known["id"], **timed("2028-03-02"))
    unknown = graph.create(ALICE, subject="B", **timed("2028-03-03"))
    rows, _ = graph.round(ALICE, link)
    assert sorted(kinds(rows)) == sorted([("removed", known["id"]), ("removed", unknown["id"])])
    assert graph.event(ALICE, known["id"])["subject"] == "A"


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("resend", ["seriesMaster", "occurrence"]),
        ("silent", []),
        ("removed", ["seriesMaster", "occurrence", "removed"]),
        ("removed_alone", ["removed"]),
        ("removed_by_name", ["removed"]),
    ],
)
def test_a_deleted_occurrence_is_told_in_the_way_that_was_chosen(graph: Graph, mode: str, told: list[str]) -> None:
    graph.sandbox.graph_behaves(deleted_occurrence=mode)
    series = graph.create(ALICE, subject="V", recurrence=weekly(numberOfOccurrences=2), **timed("2026-03-02"))
    rows, link = graph.round(ALICE)
    graph.delete(ALICE, rows[2]["id"])
    rows, link = graph.round(ALICE, link)
    assert [kind for kind, _ in kinds(rows)] == told
    graph.update(ALICE, series["id"], subject="W")
    assert "seriesMaster" in [kind for kind, _ in kinds(graph.round(ALICE, link)[0])]


def test_a_date_that_is_removed_alone_leads_to_its_series_one_way_or_the_other(graph: Graph) -> None:
    told = {}
    for mode in ("removed_alone", "removed_by_name"):
        graph.sandbox.graph_behaves(deleted_occurrence=mode)
        series = graph.create(ALICE, subject="V", recurrence=weekly(numberOfOccurrences=2), **timed("2026-03-02"))
        rows, link = graph.round(ALICE)
        (date_id,) = (row["id"] for row in rows if row.get("seriesMasterId") == series["id"] and "03-09" in str(row))
        graph.delete(ALICE, date_id)
        ((told[mode],), _) = graph.round(ALICE, link)
        assert told[mode]["@removed"] == {"reason": "deleted"}
        graph.delete(ALICE, series["id"])
    assert told["removed_alone"]["seriesMasterId"]
    assert told["removed_by_name"]["id"].startswith("OID.") and told["removed_by_name"]["id"].endswith(".2026-03-09")


def test_later_rounds_can_be_as_odd_as_they_come(graph: Graph) -> None:
    series = graph.create(ALICE, subject="V", recurrence=weekly(numberOfOccurrences=2), **timed("2026-03-02"))
    _, link = graph.round(ALICE)
    graph.sandbox.graph_behaves(delta_traps="odd")
    single = graph.create(ALICE, subject="A", **timed("2026-03-04"))
    graph.update(ALICE, series["id"], subject="W")
    sizes, page = [], graph.get(link)
    rows = list(page["value"])
    while "@odata.nextLink" in page:
        sizes.append(len(page["value"]))
        page = graph.get(page["@odata.nextLink"])
        rows += page["value"]
    assert sizes == [0, 1], "an empty page, then one change at a time"
    assert [row["id"] for row in rows].count(single["id"]) == 2
    assert {row["type"] for row in rows if row["id"] != single["id"]} == {"occurrence"}, "no master"
    assert graph.round(ALICE, page["@odata.deltaLink"])[0] == []


def test_ids_can_be_immutable(graph: Graph) -> None:
    immutable = {"Prefer": 'IdType="ImmutableId"'}
    made = graph.create(ALICE, immutable, subject="A", **timed("2026-03-02"))
    rows, _ = graph.round(ALICE, "", immutable)
    assert rows[0]["id"] == made["id"]
    assert graph.event(ALICE, rows[0]["id"], immutable)["id"] == made["id"]


def test_a_token_belongs_to_one_mailbox_and_can_expire_in_both_forms(graph: Graph) -> None:
    _, link = graph.round(ALICE)
    assert code(graph.call("GET", link.replace(ALICE, BOB))) == (410, "SyncStateNotFound")
    assert code(graph.call("GET", link + "x"))[0] in (400, 410)
    assert code(graph.call("GET", link.split("?")[0] + "?$deltatoken=rubbish")) == (400, "SyncStateInvalid")
    for status, name in ((410, "SyncStateNotFound"), (400, "syncStateInvalid")):
        graph.sandbox.clear_faults()
        where = {"protocol": "graph", "operation": "calendarView.delta"}
        graph.sandbox.fault("token_invalid", where, token="delta", status=status, code=name)
        assert code(graph.call("GET", link)) == (status, name)
        assert graph.get(f"/users/{ALICE}/calendarView/delta", startDateTime="2026-01-01", endDateTime="2026-02-01")
    graph.sandbox.clear_faults()
    assert graph.round(ALICE, link)[0] == []


def test_changes_may_be_told_late(graph: Graph) -> None:
    _, link = graph.round(ALICE)
    graph.sandbox.graph_behaves(delta_lag_seconds=3600)
    graph.create(ALICE, subject="A", **timed("2026-03-02"))
    rows, link = graph.round(ALICE, link)
    assert rows == []
    graph.sandbox.graph_behaves()
    assert len(graph.round(ALICE, link)[0]) == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"startDateTime": "2026-01-01"}, 400),
        ({"startDateTime": "2026-01-01", "endDateTime": "2031-01-01"}, 400),
        ({"startDateTime": "2026-01-01T00:00:00+01:00", "endDateTime": "2027-01-01"}, 200),
        ({"startDateTime": "2026-01-01", "endDateTime": "2027-01-01", "select": "subject"}, 400),
    ],
)
def test_a_round_begins_with_a_window_and_knows_no_other_option(
    graph: Graph, query: dict[str, str], status: int
) -> None:
    assert graph.call("GET", f"/users/{ALICE}/calendarView/delta", **query).status_code == status


def test_delta_of_events_is_not_supported(graph: Graph) -> None:
    assert code(graph.call("GET", f"/users/{ALICE}/events/delta")) == (400, "ErrorInvalidRequest")
