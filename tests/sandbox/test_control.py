"""The control API: mailboxes, a person's acts, the clock, faults and state that survives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from tests.sandbox_client import Refused, Sandbox

ALICE = "alice@example.com"
MEETING = {"subject": "Plan", "start": "2026-03-02T09:00", "end": "2026-03-02T10:00"}
WEEKLY = {
    "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"},
    "range": {"type": "numbered", "startDate": "2026-03-02", "numberOfOccurrences": 6},
}


@pytest.fixture
def alice(sandbox: Sandbox) -> str:
    sandbox.mailbox(ALICE, aliases=["al@example.com"], zone="Europe/Stockholm")
    return ALICE


def test_a_mailbox_is_found_by_any_address_and_none_is_given_twice(sandbox: Sandbox, alice: str) -> None:
    assert sandbox.entries("AL@Example.com") == []
    with pytest.raises(Refused) as refused:
        sandbox.mailbox("al@example.com")
    assert refused.value.status == 409
    assert "al@example.com" in refused.value.detail


def test_a_person_creates_moves_and_deletes(sandbox: Sandbox, alice: str) -> None:
    made = sandbox.person_creates(alice, **MEETING, body="line one\nline two", show_as="busy")
    assert (made["start"], made["end"]) == ("2026-03-02T08:00:00Z", "2026-03-02T09:00:00Z")
    assert made["zone"] == "W. Europe Standard Time"
    assert made["text"] == "line one\r\nline two"
    moved = sandbox.person_edits(alice, made["id"], start="2026-03-03T09:00", end="2026-03-03T10:30")
    assert moved["start"] == "2026-03-03T08:00:00Z"
    assert moved["change_key"] != made["change_key"]
    sandbox.person_deletes(alice, made["id"])
    assert sandbox.entries(alice) == []


def test_what_a_person_deleted_can_be_put_back(sandbox: Sandbox, alice: str) -> None:
    made = sandbox.person_creates(alice, **MEETING)
    sandbox.person_deletes(alice, made["id"])
    (deleted,) = sandbox.entries(alice, folder="deleteditems")
    assert (deleted["uid"], deleted["immutable_id"]) == (made["uid"], made["immutable_id"])
    back = sandbox.person_moves(alice, deleted["id"], "calendar")
    assert [entry["id"] for entry in sandbox.entries(alice)] == [back["id"]] != [made["id"]]
    sandbox.person_moves(alice, back["id"], "Training")
    assert sandbox.entries(alice) == []
    assert len(sandbox.entries(alice, folder="Training")) == 1


def test_an_all_day_entry_keeps_its_dates_when_the_clocks_change(sandbox: Sandbox, alice: str) -> None:
    made = sandbox.person_creates(alice, subject="Spring", start="2026-03-29", end="2026-03-30", all_day=True)
    assert (made["start_date"], made["end_date"]) == ("2026-03-29", "2026-03-30")
    assert (made["start"], made["end"]) == ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z")


def test_one_date_of_a_series_is_moved_and_another_cancelled(sandbox: Sandbox, alice: str) -> None:
    series = sandbox.person_creates(alice, **MEETING, recurrence=WEEKLY)
    times = {"start": "2026-03-10T11:00", "end": "2026-03-10T12:00"}
    sandbox.person_edits(alice, series["id"], "2026-03-09", subject="Later", **times)
    sandbox.person_deletes(alice, series["id"], "2026-03-16")
    stored = sandbox.entry(alice, series["id"])
    assert stored["cancelled"] == ["2026-03-16"]
    assert [(e["original"], e["subject"]) for e in stored["exceptions"]] == [("2026-03-09", "Later")]
    shown = sandbox.entries(alice, expand=("2026-03-01", "2026-04-30"))
    assert [(o["original"], o["subject"], o["start"][:16]) for o in shown] == [
        ("2026-03-02", "Plan", "2026-03-02T08:00"),
        ("2026-03-09", "Later", "2026-03-10T10:00"),
        ("2026-03-23", "Plan", "2026-03-23T08:00"),
        ("2026-03-30", "Plan", "2026-03-30T07:00"),
        ("2026-04-06", "Plan", "2026-04-06T07:00"),
    ]


def test_an_occurrence_cannot_pass_its_neighbour(sandbox: Sandbox, alice: str) -> None:
    series = sandbox.person_creates(alice, **MEETING, recurrence=WEEKLY)
    with pytest.raises(Refused) as refused:
        times = {"start": "2026-03-17T11:00", "end": "2026-03-17T12:00"}
        sandbox.person_edits(alice, series["id"], "2026-03-09", **times)
    assert refused.value.code == "ErrorOccurrenceCrossingBoundary"


def test_a_new_pattern_drops_exceptions_and_cancelled_dates(sandbox: Sandbox, alice: str) -> None:
    series = sandbox.person_creates(alice, **MEETING, recurrence=WEEKLY)
    sandbox.person_edits(alice, series["id"], "2026-03-09", subject="Later")
    sandbox.person_deletes(alice, series["id"], "2026-03-16")
    renamed = sandbox.person_edits(alice, series["id"], subject="Planning")
    assert len(renamed["exceptions"]) == 1
    fortnightly = {**WEEKLY, "pattern": {**WEEKLY["pattern"], "interval": 2}}
    changed = sandbox.person_edits(alice, series["id"], recurrence=fortnightly)
    assert (changed["exceptions"], changed["cancelled"]) == ([], [])


def test_what_is_wrong_is_named(sandbox: Sandbox, alice: str) -> None:
    for fields, word in (
        ({**MEETING, "start": "soon"}, "'soon' is no ISO time"),
        ({**MEETING, "zone": "Mars/Olympus"}, "Mars/Olympus"),
        ({**MEETING, "titel": "x"}, "titel"),
        ({"subject": "x"}, "start and end"),
    ):
        with pytest.raises(Refused) as refused:
            sandbox.person_creates(alice, **fields)
        assert refused.value.status == 400
        assert word in refused.value.detail


def test_the_clock_stands_runs_and_comes_back(sandbox: Sandbox) -> None:
    sandbox.set_clock("2014-01-02T12:00:00Z", running=False)
    assert sandbox.ask("GET", "/clock") == {"now": "2014-01-02T12:00:00+00:00", "running": False}
    sandbox.set_clock("2014-01-02T12:00:00Z")
    assert sandbox.ask("GET", "/clock")["now"].startswith("2014-01-02T12:00")
    sandbox.set_clock(None)
    assert sandbox.ask("GET", "/clock")["now"] > "2020"


def test_everything_survives_a_kill(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as first:
        first.mailbox(ALICE)
        made = first.person_creates(ALICE, **MEETING)
        first.set_clock("2014-01-02T12:00:00Z", running=False)
        first.stop(kill=True)
        first.start()
        assert first.entry(ALICE, made["id"]) == made
        assert first.ask("GET", "/clock")["now"].startswith("2014-01-02T12:00")


def test_the_tls_port_is_trusted_by_its_own_ca_alone(sandbox: Sandbox) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(sandbox.ews, timeout=10)
    assert requests.get(sandbox.ews, verify=sandbox.ca_file, timeout=10).status_code < 500


def test_the_description_names_every_operation(sandbox: Sandbox) -> None:
    described = sandbox.ask("GET", "/openapi.json")
    assert {"get", "post"} <= set(described["paths"]["/mailboxes/{address}/entries"])
    assert "EntryFields" in described["components"]["schemas"]
    assert json.dumps(described)


def test_faults_are_counted_and_removed(sandbox: Sandbox) -> None:
    id = sandbox.fault("status", {"protocol": "ews"}, {"nth": 2}, status=503)
    assert [(f["id"], f["matched"]) for f in sandbox.ask("GET", "/faults")] == [(id, 0)]
    with pytest.raises(Refused, match=r"what\.kind"):
        sandbox.fault("explode")
    sandbox.clear_faults()
    assert sandbox.ask("GET", "/faults") == []
