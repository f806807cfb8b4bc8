"""The sandbox's EWS, seen by the port of Microsoft's own client, from Exchange 2007 on."""

from __future__ import annotations

import pytest

from tests.sandbox.oracles import ALICE, USER, ews_javascript_api
from tests.sandbox_client import Sandbox

pytestmark = pytest.mark.oracle

PLAN = {"subject": "Plan", "start": "2026-03-02T09:00:00+01:00", "end": "2026-03-02T10:00:00+01:00"}
WEEKLY = {
    "pattern": {"kind": "Weekly", "interval": 1, "weekdays": ["monday"]},
    "boundary": {"start": "2026-03-02", "number": 6},
}
EVERY_SERVER = pytest.mark.parametrize(
    ("server", "version"),
    [
        ("2007_sp1", "2007_sp1"),
        pytest.param("2010", "2010", marks=pytest.mark.full),
        pytest.param("2010_sp1", "2010_sp1", marks=pytest.mark.full),
        ("2010_sp2", "2010_sp2"),
        ("2013_sp1", "2013_sp1"),
        pytest.param("2019", "2013_sp1", marks=pytest.mark.full),
        ("se", "2013_sp1"),
        pytest.param("se", "2007_sp1", marks=pytest.mark.full),
    ],
)


@EVERY_SERVER
def test_entries_go_in_come_back_and_are_synced(exchange: Sandbox, server: str, version: str) -> None:
    exchange.server(version=server)
    details = {"body": "Hello\n\nline 3", "location": "Room 1", "categories": ["A", "B"], "mark": "m1"}
    day = {"subject": "Fair", "start": "2026-03-29T00:00:00+01:00", "end": "2026-03-30T00:00:00+02:00"}
    made, read, fair, first, changed, second, marked, view = ews_javascript_api(
        exchange,
        {"do": "create", "fields": {**PLAN, **details, "sensitivity": "Private"}},
        {"do": "get", "id": "$0.id"},
        {"do": "create", "fields": {**day, "is_all_day": True}},
        {"do": "sync", "page": 1},
        {"do": "update", "id": "$0.id", "fields": {"subject": "New"}},
        {"do": "sync", "state": "$3.state"},
        {"do": "filter", "mark": "m1"},
        {"do": "view", "start": "2026-03-29T00:00:00Z", "end": "2026-03-29T12:00:00Z"},
        version=version,
    )
    assert (read["subject"], read["location"], read["mark"], read["sensitivity"]) == ("Plan", "Room 1", "m1", "Private")
    assert (read["start"], read["categories"]) == ("2026-03-02T08:00:00.000Z", ["A", "B"])
    assert read["uid"].startswith("040000008200E00074C5B7101A82E008")
    assert first["changes"] == [["Create", made["id"]], ["Create", fair["id"]]]
    assert changed["changekey"] != made["changekey"]
    assert second["changes"] == [["Update", made["id"]]]
    assert [item["subject"] for item in marked] == ["New"]
    assert [(item["subject"], item["is_all_day"]) for item in view] == [("Fair", True)]
    stored = exchange.entry(ALICE, fair["id"])
    assert (stored["start_date"], stored["end_date"], stored["zone"]) == (
        *("2026-03-29", "2026-03-30"),
        "W. Europe Standard Time",
    )


@EVERY_SERVER
def test_a_series_and_its_exceptions_are_understood(exchange: Sandbox, server: str, version: str) -> None:
    exchange.server(version=server)
    moved = {"subject": "Moved", "start": "2026-03-10T13:00:00+01:00", "end": "2026-03-10T14:00:00+01:00"}
    made, _, _, master, view = ews_javascript_api(
        exchange,
        {"do": "create", "fields": {**PLAN, "recurrence": WEEKLY}},
        {"do": "update", "id": "$0.id", "index": 2, "fields": moved},
        {"do": "delete", "id": "$0.id", "index": 3},
        {"do": "get", "id": "$0.id"},
        {"do": "view", "start": "2026-03-01T00:00:00Z", "end": "2026-05-01T00:00:00Z"},
        version=version,
    )
    assert made["id"] == master["id"]
    assert (master["type"], master["recurrence"]) == ("RecurringMaster", "WeeklyPattern")
    assert master["modified"] == [["2026-03-09T08:00:00.000Z", "2026-03-10T12:00:00.000Z"]]
    assert len(master["deleted"]) == 1
    assert [(item["subject"], item["type"], item["start"]) for item in view] == [
        ("Plan", "Occurrence", "2026-03-02T08:00:00.000Z"),
        ("Moved", "Exception", "2026-03-10T12:00:00.000Z"),
        ("Plan", "Occurrence", "2026-03-23T08:00:00.000Z"),
        ("Plan", "Occurrence", "2026-03-30T07:00:00.000Z"),
        ("Plan", "Occurrence", "2026-04-06T07:00:00.000Z"),
    ]


@pytest.mark.parametrize("server", ["2013_sp1", "se"])
def test_it_logs_on_by_ntlm_on_every_connection(exchange: Sandbox, server: str) -> None:
    exchange.server(version=server, auth=("ntlm",))
    first, second, found = ews_javascript_api(
        exchange,
        {"do": "create", "fields": PLAN},
        {"do": "sync"},
        {"do": "resolve", "name": "smtp:al@example.com"},
        auth="ntlm",
    )
    assert second["changes"] == [["Create", first["id"]]]
    assert found == [ALICE]
    assert exchange.counts(USER)["logons"] == 3


def test_a_newer_version_than_the_server_knows_is_refused(exchange: Sandbox) -> None:
    exchange.server(version="2010")
    (refused,) = ews_javascript_api(exchange, {"do": "sync"}, version="2013_sp1")
    assert "specified server version is invalid" in refused["message"]
