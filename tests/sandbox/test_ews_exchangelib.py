"""The sandbox's EWS, seen by exchangelib."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.oracles import ALICE, USER, exchangelib
from tests.sandbox_client import Sandbox

pytestmark = pytest.mark.oracle

PLAN = {"subject": "Plan", "start": "2026-03-02T09:00", "end": "2026-03-02T10:00"}
WEEKLY = {
    "pattern": {"kind": "Weekly", "interval": 1, "weekdays": ["monday"], "first_day_of_week": "Monday"},
    "boundary": {"start": "2026-03-02", "number": 6},
}


def create(**fields: Any) -> dict[str, Any]:
    return {"do": "create", "fields": {**PLAN, **fields}}


@pytest.mark.parametrize("auth", ["basic", "ntlm", None])
def test_it_logs_on_by_every_method_and_learns_the_version(exchange: Sandbox, auth: str | None) -> None:
    (version,) = exchangelib(exchange, {"do": "version"}, auth=auth, version=None)
    assert version == ["15.0.1156.6", "Exchange2013_SP1"]
    assert exchange.counts(USER)["logons"] == 1
    assert exchange.counts(USER)["logons_refused"] == 0


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_a_wrong_password_is_one_refused_log_on(exchange: Sandbox, auth: str) -> None:
    (refused,) = exchangelib(exchange, {"do": "count"}, auth=auth, password="wrong")
    assert refused["error"] == "UnauthorizedError"
    assert (exchange.counts(USER)["logons"], exchange.counts(USER)["logons_refused"]) == (0, 1)


def test_an_account_without_the_right_cannot_impersonate(exchange: Sandbox) -> None:
    exchange.account(USER, "correct horse", impersonates=["bob@example.com"])
    (denied,) = exchangelib(exchange, {"do": "count"})
    assert denied["error"] == "ErrorImpersonateUserDenied"


@pytest.mark.parametrize("address", ["nobody@example.com", "al@example.com"])
def test_impersonation_wants_the_primary_address(exchange: Sandbox, address: str) -> None:
    (missing,) = exchangelib(exchange, {"do": "count"}, address=address)
    assert missing["error"] == "ErrorNonExistentMailbox"


def test_a_mailbox_opens_to_its_own_user(exchange: Sandbox) -> None:
    exchange.change_mailbox(ALICE, password="mine")
    count, *_ = exchangelib(exchange, {"do": "count"}, username=ALICE, password="mine", access="delegate", auth="ntlm")
    assert count == 0


def test_a_single_entry_goes_in_and_comes_back(exchange: Sandbox) -> None:
    given = {"location": "Room 1", "categories": ["A", "B"], "sensitivity": "Private", "legacy_free_busy_status": "OOF"}
    made, read, in_view, found = exchangelib(
        exchange,
        create(**given, body="Hej\n\nline 3", mark="m1"),
        {"do": "get", "id": "$0.id"},
        {"do": "view", "start": "2026-03-02T09:30", "end": "2026-03-02T09:45"},
        {"do": "filter", "by": {"mark": "m1"}},
    )
    assert {name: read[name] for name in given} == given
    assert (read["start"], read["end"]) == ("2026-03-02T08:00:00+00:00", "2026-03-02T09:00:00+00:00")
    assert (read["type"], read["body"], read["mark"]) == ("Single", "Hej\r\n\r\nline 3\r\n", "m1")
    assert (read["organizer"], read["my_response_type"]) == (ALICE, "Organizer")
    assert (read["is_meeting"], read["is_recurring"]) == (False, False)
    assert [[item["id"] for item in items] for items in (in_view, found)] == [[made["id"]], [made["id"]]]
    (stored,) = exchange.entries(ALICE)
    assert (stored["subject"], stored["zone"]) == ("Plan", "W. Europe Standard Time")
    assert exchange.counts(ALICE)["writes"] == {"create": 1, "update": 0, "delete": 0}


def test_html_is_rewritten_as_exchange_does(exchange: Sandbox) -> None:
    _, read = exchangelib(exchange, create(html="<p>Hello <b>you</b></p>"), {"do": "get", "id": "$0.id"})
    assert read["body"] != "<p>Hello <b>you</b></p>"
    assert "<p>Hello <b>you</b></p>" in read["body"]
    assert (read["body_kind"], read["text_body"]) == ("HTMLBody", "Hello you")


def test_an_all_day_entry_is_whole_days_of_its_zone(exchange: Sandbox) -> None:
    day = {
        "do": "create",
        "is_all_day": True,
        "fields": {"subject": "Fair", "start": "2026-03-28", "end": "2026-03-29"},
    }
    made, _ = exchangelib(exchange, day, {"do": "get", "id": "$0.id"})
    stored = exchange.entry(ALICE, made["id"])
    assert (stored["start"], stored["end"]) == ("2026-03-27T23:00:00Z", "2026-03-29T22:00:00Z")
    assert (stored["start_date"], stored["end_date"]) == ("2026-03-28", "2026-03-30")


def test_syncing_tells_created_updated_and_deleted(exchange: Sandbox) -> None:
    steps = [create(), create(subject="Other"), {"do": "sync", "page": 1}]
    steps += [{"do": "update", "id": "$0.id", "fields": {"subject": "New"}}, {"do": "delete", "id": "$1.id"}]
    steps += [create(subject="Third"), {"do": "sync", "state": "$2.state"}, {"do": "sync", "state": "$6.state"}]
    one, two, first, _, _, third, second, nothing = exchangelib(exchange, *steps)
    assert [change[0] for change in first["changes"]] == ["create", "create"]
    assert second["changes"] == [["update", one["id"]], ["delete", two["id"]], ["create", third["id"]]]
    assert nothing["changes"] == []


def test_a_sync_state_of_nobody_is_refused(exchange: Sandbox) -> None:
    (refused,) = exchangelib(exchange, {"do": "sync", "state": "bm9uc2Vuc2U="})
    assert refused["error"] == "ErrorInvalidSyncStateData"


def test_a_stale_change_key_is_refused_only_by_never_overwrite(exchange: Sandbox) -> None:
    edit = {"do": "update", "id": "$0.id", "changekey": "$0.changekey"}
    _, _, refused, taken = exchangelib(
        exchange,
        create(),
        {"do": "update", "id": "$0.id", "fields": {"subject": "Second"}},
        {**edit, "fields": {"subject": "Third"}, "conflict": "NeverOverwrite"},
        {**edit, "fields": {"subject": "Fourth"}, "conflict": "AlwaysOverwrite"},
    )
    assert refused["error"] == "ErrorIrresolvableConflict"
    assert "changekey" in taken
    assert exchange.entries(ALICE)[0]["subject"] == "Fourth"


@pytest.mark.parametrize(
    ("pattern", "dates"),
    [
        ({"kind": "Daily", "interval": 3}, ["2026-03-02", "2026-03-05", "2026-03-08"]),
        (
            {"kind": "Weekly", "interval": 2, "weekdays": ["monday", "friday"], "first_day_of_week": "Monday"},
            ["2026-03-02", "2026-03-06", "2026-03-16"],
        ),
        ({"kind": "AbsoluteMonthly", "interval": 1, "day_of_month": 31}, ["2026-03-31", "2026-04-30", "2026-05-31"]),
        (
            {"kind": "RelativeMonthly", "interval": 1, "weekday": "tuesday", "week_number": "Last"},
            ["2026-03-31", "2026-04-28", "2026-05-26"],
        ),
        ({"kind": "AbsoluteYearly", "day_of_month": 29, "month": "March"}, ["2026-03-29", "2027-03-29", "2028-03-29"]),
        (
            {"kind": "RelativeYearly", "weekday": "friday", "week_number": "Third", "month": "June"},
            ["2026-06-19", "2027-06-18", "2028-06-16"],
        ),
    ],
)
def test_each_pattern_is_kept_and_laid_out(exchange: Sandbox, pattern: dict[str, Any], dates: list[str]) -> None:
    boundary = {"start": "2026-03-02", "number": 3}
    made, read = exchangelib(
        exchange, create(recurrence={"pattern": pattern, "boundary": boundary}), {"do": "get", "id": "$0.id"}
    )
    assert made.keys() == {"id", "changekey"}
    assert (read["type"], read["is_recurring"]) == ("RecurringMaster", False)
    assert pattern["kind"] in read["recurrence"]
    shown = exchange.entries(ALICE, expand=("2026-01-01", "2029-01-01"))
    assert [occurrence["original"] for occurrence in shown] == dates


def test_a_series_follows_the_wall_clock_over_the_change(exchange: Sandbox) -> None:
    _, view = exchangelib(
        exchange,
        create(recurrence=WEEKLY),
        {"do": "view", "start": "2026-03-20T00:00", "end": "2026-04-01T00:00"},
    )
    assert [(item["type"], item["start"]) for item in view] == [
        ("Occurrence", "2026-03-23T08:00:00+00:00"),
        ("Occurrence", "2026-03-30T07:00:00+00:00"),
    ]
    assert all(item["is_recurring"] for item in view)


def test_occurrences_are_changed_and_deleted_by_index(exchange: Sandbox) -> None:
    moved = {"subject": "Moved", "start": "2026-03-10T13:00", "end": "2026-03-10T14:00"}
    steps = [create(recurrence=WEEKLY), {"do": "sync"}]
    steps += [{"do": "update", "id": "$0.id", "index": 2, "fields": moved}, {"do": "delete", "id": "$0.id", "index": 3}]
    steps += [
        {"do": "get", "id": "$0.id"},
        {"do": "get", "id": "$2.id"},
        {"do": "occurrence", "id": "$0.id", "index": 3},
    ]
    steps += [{"do": "occurrence", "id": "$0.id", "index": 7}, {"do": "master", "id": "$2.id"}]
    steps += [{"do": "sync", "state": "$1.state"}]
    made, _, changed, _, master, exception, gone, beyond, again, synced = exchangelib(exchange, *steps)
    assert master["modified"] == [["2026-03-09 08:00:00+00:00", "2026-03-10 12:00:00+00:00", changed["id"]]]
    assert master["deleted"] == ["2026-03-16 08:00:00+00:00"]
    assert (exception["type"], exception["subject"]) == ("Exception", "Moved")
    assert exception["original_start"] == "2026-03-09T08:00:00+00:00"
    assert gone["error"] == "ErrorCalendarOccurrenceIsDeletedFromRecurrence"
    assert beyond["error"] == "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange"
    assert again["id"] == made["id"]
    assert synced["changes"] == [["update", made["id"]]]
    assert exchange.counts(ALICE)["writes"] == {"create": 1, "update": 1, "delete": 1}


def test_an_exception_keeps_what_it_changed_when_its_master_is_edited(exchange: Sandbox) -> None:
    *_, exception, plain = exchangelib(
        exchange,
        create(recurrence=WEEKLY),
        {"do": "update", "id": "$0.id", "index": 2, "fields": {"subject": "Special"}},
        {"do": "update", "id": "$0.id", "fields": {"subject": "Renamed", "location": "Room 2"}},
        {"do": "get", "id": "$1.id"},
        {"do": "occurrence", "id": "$0.id", "index": 1},
    )
    assert (exception["subject"], exception["location"]) == ("Special", "Room 2")
    assert (plain["subject"], plain["location"]) == ("Renamed", "Room 2")


def test_an_occurrence_does_not_pass_its_neighbour(exchange: Sandbox) -> None:
    past = {"start": "2026-03-17T13:00", "end": "2026-03-17T14:00"}
    *_, refused = exchangelib(
        exchange, create(recurrence=WEEKLY), {"do": "update", "id": "$0.id", "index": 2, "fields": past}
    )
    assert refused["error"] == "ErrorOccurrenceCrossingBoundary"
    assert exchange.entries(ALICE)[0]["exceptions"] == []


def test_deleting_a_master_takes_its_occurrences(exchange: Sandbox) -> None:
    *_, gone, view = exchangelib(
        exchange,
        create(recurrence=WEEKLY),
        {"do": "occurrence", "id": "$0.id", "index": 2},
        {"do": "delete", "id": "$0.id", "how": "trash"},
        {"do": "get", "id": "$1.id"},
        {"do": "view", "start": "2026-03-01T00:00", "end": "2026-05-01T00:00"},
    )
    assert gone["error"] == "ErrorItemNotFound"
    assert view == []


def test_nobody_is_mailed_unless_it_is_asked_for(exchange: Sandbox) -> None:
    invite = {"required_attendees": ["bob@example.com", "carol@example.com"]}
    silent, _ = exchangelib(exchange, create(**invite), {"do": "get", "id": "$0.id"})
    assert exchange.mails() == []
    exchangelib(exchange, {"do": "delete", "id": silent["id"], "send": "SendToAllAndSaveCopy"})
    assert [(mail["recipient"], mail["kind"]) for mail in exchange.mails()] == [
        ("bob@example.com", "cancellation"),
        ("carol@example.com", "cancellation"),
    ]
    assert exchange.counts(ALICE)["mails"] == 2


def test_an_update_can_be_sent_to_those_it_concerns(exchange: Sandbox) -> None:
    more = {"required_attendees": ["bob@example.com", "carol@example.com"]}
    _, _, read = exchangelib(
        exchange,
        {**create(required_attendees=["bob@example.com"]), "send": "SendToAllAndSaveCopy"},
        {"do": "update", "id": "$0.id", "fields": more, "send": "SendToChangedAndSaveCopy"},
        {"do": "get", "id": "$0.id"},
    )
    assert [(mail["recipient"], mail["kind"]) for mail in exchange.mails()] == [
        ("bob@example.com", "invitation"),
        ("carol@example.com", "invitation"),
    ]
    assert (read["is_meeting"], read["attendees"]) == (True, more["required_attendees"])


@pytest.mark.parametrize("version", ["2010", "2010_sp2", "2013_sp1", "2016"])
def test_every_version_from_2010_is_spoken(exchange: Sandbox, version: str) -> None:
    exchange.server(version="se")
    made, read, synced = exchangelib(
        exchange,
        create(recurrence=WEEKLY),
        {"do": "get", "id": "$0.id"},
        {"do": "sync", "all_fields": True},
        version=version,
    )
    assert read["subject"] == "Plan"
    assert synced["changes"] == [["create", made["id"]]]


def test_an_older_server_makes_a_client_step_back(exchange: Sandbox) -> None:
    exchange.server(version="2010_sp2")
    (version,) = exchangelib(exchange, {"do": "version"}, version=None)
    assert version[1] == "Exchange2010_SP2"


def test_a_folder_of_two_thousand_entries_is_listed(exchange: Sandbox) -> None:
    stamps = [
        f"20260{month}{day:02d}T{hour:02d}0000Z" for month in (1, 2, 3, 4) for day in range(1, 26) for hour in range(20)
    ]
    events = [
        f"BEGIN:VEVENT\r\nUID:u{n}\r\nSUMMARY:E{n}\r\nDTSTART:{s}\r\nDTEND:{s}\r\nEND:VEVENT"
        for n, s in enumerate(stamps)
    ]
    text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n" + "\r\n".join(events) + "\r\nEND:VCALENDAR\r\n"
    assert exchange.load_ics(ALICE, text) == {"stored": 2000, "rejected": []}
    (synced,) = exchangelib(exchange, {"do": "sync", "page": 512})
    assert len({id for _, id in synced["changes"]}) == 2000
    assert exchange.counts(ALICE)["by_operation"]["SyncFolderItems"] == 4
