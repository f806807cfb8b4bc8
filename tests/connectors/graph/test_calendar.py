"""What is Graph's own in a calendar: the delta window, stubs, ids of occurrences, request counts, silence.

What every calendar does is in tests/contract/calendar.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from samklang.connectors.graph.calendar import GraphCalendar
from samklang.connectors.graph.schema import KEY_PROPERTY
from samklang.engine import canonical
from samklang.engine.model import Entry, Frequency, Occurrence, Recurrence, SeenEvent, Weekday
from samklang.sync.errors import (
    ConnectionRefused,
    ItemError,
    MailboxError,
    NotFound,
    ProtocolError,
    SyncError,
    Throttled,
    TokenRejected,
    Unavailable,
    VersionConflict,
)
from samklang.sync.ports import EventPage
from tests.connectors.graph.conftest import ALICE, Clock
from tests.engine.make import at, entry, weekly
from tests.sandbox_client import Sandbox

MONDAYS = {
    "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"},
    "range": {"type": "noEnd", "startDate": "2026-03-02"},
}
WEEK_2, WEEK_3, WEEK_4 = date(2026, 3, 9), date(2026, 3, 16), date(2026, 3, 23)


def person_adds(sandbox: Sandbox, subject: str = "Lunch", day: str = "2026-03-02", **more: Any) -> str:
    fields = {"start": f"{day}T12:00:00", "end": f"{day}T13:00:00", "zone": "Europe/Stockholm"} | more
    return str(sandbox.person_creates(ALICE, subject=subject, **fields)["id"])


def events(pages: Iterable[EventPage]) -> list[SeenEvent]:
    return [event for page in pages for event in page.events]


def titles(pages: Iterable[EventPage]) -> list[str]:
    return sorted(event.entry.title for event in events(pages))


def token_of(pages: Iterable[EventPage]) -> str:
    *_, last = pages
    assert last.token is not None
    return last.token


def requests(sandbox: Sandbox) -> int:
    return int(sandbox.counts(ALICE)["requests"])


def writes(sandbox: Sandbox) -> dict[str, int]:
    return {kind: n for kind, n in sandbox.counts(ALICE)["writes"].items() if n}


def changed(seen: SeenEvent, wanted: Entry) -> frozenset[str]:
    return canonical.changed_keys(canonical.fields(seen.entry), canonical.fields(wanted))


# --- reading


def test_a_calendar_where_nothing_happened_costs_one_request(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    person_adds(sandbox)
    person_adds(sandbox, "Standup", recurrence=MONDAYS)
    token = token_of(calendar.read(None))
    sandbox.zero_counts()
    pages = list(calendar.read(token))
    assert events(pages) == [] and pages[-1].removed == ()
    assert requests(sandbox) == 1


def test_a_first_run_costs_a_listing_a_delta_round_and_a_request_for_each_series_that_deviates(
    sandbox: Sandbox, calendar: GraphCalendar
) -> None:
    for number in range(12):
        person_adds(sandbox, f"Lunch {number}", f"2026-04-{number + 1:02}")
    person_adds(sandbox, "Plain", recurrence=MONDAYS)
    sandbox.person_deletes(ALICE, person_adds(sandbox, "Thinned", recurrence=MONDAYS), WEEK_2)
    sandbox.person_edits(ALICE, person_adds(sandbox, "Changed", recurrence=MONDAYS), WEEK_2, subject="Talk")
    sandbox.zero_counts()
    found = {event.entry.title: event.entry for event in events(calendar.read(None))}
    assert len(found) == 15
    assert found["Thinned"].cancelled == {WEEK_2} and set(found["Changed"].exceptions) == {WEEK_2}
    assert requests(sandbox) == 4


PATTERNS: dict[str, dict[str, Any]] = {
    "daily": {"type": "daily", "interval": 2},
    "weekly": MONDAYS["pattern"],
    "monthly by date": {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 2},
    "monthly by weekday": {"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["monday"], "index": "first"},
    "yearly by date": {"type": "absoluteYearly", "interval": 1, "dayOfMonth": 2, "month": 3},
    "yearly by weekday": {
        "type": "relativeYearly",
        "interval": 1,
        "daysOfWeek": ["monday"],
        "index": "first",
        "month": 3,
    },
}


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS.keys())
def test_a_series_of_any_pattern_that_deviates_is_asked_for(
    sandbox: Sandbox, calendar: GraphCalendar, pattern: dict[str, Any]
) -> None:
    series = {"pattern": pattern, "range": MONDAYS["range"]}
    person_adds(sandbox, "Plain", recurrence=series)
    item_id = person_adds(sandbox, "Thinned", recurrence=series)
    sandbox.person_deletes(ALICE, item_id, "2026-03-02")
    sandbox.zero_counts()
    found = {event.entry.title: event.entry.cancelled for event in events(calendar.read(None))}
    assert found == {"Plain": frozenset(), "Thinned": {date(2026, 3, 2)}}
    assert sandbox.counts(ALICE)["by_operation"]["events.get"] == 1


def test_events_outside_the_window_are_in_the_first_run(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    person_adds(sandbox, "Long ago", "2019-05-06")
    person_adds(sandbox, "Far ahead", "2033-05-06")
    assert titles(calendar.read(None)) == ["Far ahead", "Long ago"]


def test_what_leaves_or_enters_the_window_by_time_alone_is_no_change(
    sandbox: Sandbox, calendar: GraphCalendar, clock: Clock
) -> None:
    person_adds(sandbox, "Far ahead", "2028-06-01")
    token = token_of(calendar.read(None))
    clock.moment += timedelta(days=200)
    pages = list(calendar.read(token))
    assert events(pages) == [] and pages[-1].removed == ()


def test_before_half_of_the_window_is_used_up_a_new_one_is_begun(
    sandbox: Sandbox, calendar: GraphCalendar, clock: Clock
) -> None:
    token = token_of(calendar.read(None))
    person_adds(sandbox, "Seen by the old window")
    clock.moment += timedelta(days=366)
    pages = list(calendar.read(token))
    assert titles(pages) == ["Seen by the old window"]
    until = json.loads(pages[-1].token or "")["until"]
    assert until.startswith(str((clock.moment + timedelta(days=730)).date()))
    person_adds(sandbox, "Seen by the new window alone", "2028-09-01")
    assert "Seen by the new window alone" in titles(calendar.read(pages[-1].token))


def test_an_event_moved_out_of_the_window_is_there_when_asked_for(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    item_id = person_adds(sandbox)
    token = token_of(calendar.read(None))
    sandbox.person_edits(ALICE, item_id, start="2035-03-02T12:00:00", end="2035-03-02T13:00:00")
    pages = list(calendar.read(token))
    named = [id for page in pages for id in page.removed]
    found = calendar.get(named or [item_id])
    assert [event.entry.title for event in found.values() if event] == ["Lunch"]


def test_an_event_moved_to_another_calendar_is_not_taken_for_deleted(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    item_id = person_adds(sandbox)
    pages = list(calendar.read(None))
    (known,) = events(pages)
    sandbox.person_moves(ALICE, item_id, "Football")
    *_, last = calendar.read(pages[-1].token)
    assert last.removed == (known.id,)
    moved = calendar.get([known.id])[known.id]
    assert moved is not None and moved.elsewhere
    with pytest.raises(NotFound):
        calendar.update(known, replace(known.entry, title="Not ours"), frozenset({"title"}))


def test_one_changed_date_brings_its_series_whole(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    item_id = person_adds(sandbox, "Standup", recurrence=MONDAYS)
    token = token_of(calendar.read(None))
    sandbox.person_edits(ALICE, item_id, WEEK_2, subject="Long standup")
    sandbox.person_deletes(ALICE, item_id, WEEK_3)
    (series,) = events(calendar.read(token))
    assert series.entry.exceptions[WEEK_2].title == "Long standup"
    assert series.entry.cancelled == {WEEK_3}


def test_a_cancelled_date_arrives_by_the_delta_or_at_the_latest_by_the_reconcile(
    sandbox: Sandbox, calendar: GraphCalendar
) -> None:
    item_id = person_adds(sandbox, "Standup", recurrence=MONDAYS)
    (known,) = events(calendar.read(None))
    sandbox.person_deletes(ALICE, item_id, WEEK_3)
    (series,) = events(calendar.reconcile({known.id: known.version}))
    assert series.entry.cancelled == {WEEK_3}


@pytest.mark.parametrize(
    ("told", "asked"),
    [(["cancelledOccurrences"], 1), (["0x8216"], 1), (["cancelledOccurrences", "0x8216"], 1), ([], 2)],
    ids=["said outright", "in the bytes MAPI keeps", "in both", "the rule less its instances"],
)
def test_a_cancelled_date_is_found_in_each_way_there_is(
    sandbox: Sandbox, calendar: GraphCalendar, told: list[str], asked: int
) -> None:
    sandbox.graph_behaves(cancelled_told=told)
    item_id = person_adds(sandbox, "Standup", recurrence=MONDAYS)
    sandbox.person_edits(ALICE, item_id, WEEK_2, start="2026-03-10T12:00:00", end="2026-03-10T13:00:00")
    sandbox.person_deletes(ALICE, item_id, WEEK_3)
    (listed,) = events(calendar.read(None))
    assert (listed.entry.cancelled, set(listed.entry.exceptions)) == ({WEEK_3}, {WEEK_2})
    sandbox.zero_counts()
    found = calendar.get([listed.id])[listed.id]
    assert found is not None and found.entry == listed.entry
    assert requests(sandbox) == asked


def test_a_series_of_which_the_server_keeps_its_cancelled_dates_to_itself_has_them_as_far_as_changes_are_followed(
    sandbox: Sandbox, calendar: GraphCalendar
) -> None:
    """A series of years, and of whole days."""
    sandbox.graph_behaves(cancelled_told=[])
    rule = {"pattern": {"type": "daily", "interval": 1}, "range": {"type": "noEnd", "startDate": "2019-01-07"}}
    whole = {"start": "2019-01-07", "end": "2019-01-08", "all_day": True}
    item_id = person_adds(sandbox, "On duty", recurrence=rule, **whole)
    days = {date(2019, 1, 9), date(2023, 12, 31), date(2028, 2, 29)}
    for day in days:
        sandbox.person_deletes(ALICE, item_id, day)
    (listed,) = events(calendar.read(None))
    assert listed.entry.cancelled == days


@pytest.mark.parametrize("mode", ["resend", "removed", "removed_alone", "removed_by_name"])
@pytest.mark.parametrize("traps", [True, "odd"])
def test_a_date_cancelled_meanwhile_brings_its_series_in_whatever_way_delta_tells(
    sandbox: Sandbox, calendar: GraphCalendar, mode: str, traps: bool | str
) -> None:
    sandbox.graph_behaves(deleted_occurrence=mode, delta_traps=traps)
    item_id = person_adds(sandbox, "Standup", recurrence=MONDAYS)
    token = token_of(calendar.read(None))
    sandbox.person_deletes(ALICE, item_id, WEEK_3)
    assert {event.id: event.entry.cancelled for event in events(calendar.read(token))}.popitem()[1] == {WEEK_3}


def test_a_reconcile_of_an_unchanged_calendar_fetches_no_contents(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    person_adds(sandbox)
    person_adds(sandbox, "Standup", recurrence=MONDAYS)
    known = {event.id: event.version for event in events(calendar.read(None))}
    sandbox.zero_counts()
    pages = list(calendar.reconcile(known))
    assert events(pages) == [] and pages[-1].removed == ()
    assert requests(sandbox) == 2


@pytest.mark.parametrize(
    "token", ["", "{}", "not json", '{"link": "https://evil.example/v1.0/x", "until": "2027-01-01"}']
)
def test_a_token_that_is_not_this_services_is_rejected_before_anybody_is_asked(
    sandbox: Sandbox, calendar: GraphCalendar, token: str
) -> None:
    with pytest.raises(TokenRejected):
        list(calendar.read(token))
    assert requests(sandbox) == 0


@pytest.mark.parametrize("status", [410, 400])
def test_a_delta_link_the_server_forgot_is_a_rejected_token(
    sandbox: Sandbox, calendar: GraphCalendar, status: int
) -> None:
    token = token_of(calendar.read(None))
    code = "SyncStateNotFound" if status == 410 else "ErrorInvalidIdMalformed"
    sandbox.fault("response_code", {"protocol": "graph"}, status=status, code=code)
    with pytest.raises(TokenRejected):
        list(calendar.read(token))


def test_the_zone_of_a_series_is_the_one_its_dates_follow(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    person_adds(sandbox, "Standup", recurrence=MONDAYS, zone="America/New_York")
    (series,) = events(calendar.read(None))
    assert canonical.times.canonical_zone(series.entry.when.zone) == "Eastern Standard Time"  # type: ignore[union-attr]


# --- writing


def test_a_create_whose_answer_was_lost_makes_no_second_event(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    sandbox.fault("drop", {"protocol": "graph", "operation": ".*"}, {"nth": 1, "side": "after"})
    with pytest.raises(Unavailable):
        calendar.create(entry(), "key-1")
    again = calendar.create(entry(), "key-1")
    found = calendar.find_created("key-1")
    assert found is not None and found.id == again.id
    assert len(sandbox.entries(ALICE)) == 1


def test_a_create_repeated_with_other_contents_finds_the_first(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    first = calendar.create(entry("Lunch"), "key-1")
    assert calendar.create(entry("Supper"), "key-1").id == first.id
    assert len(sandbox.entries(ALICE)) == 1


def test_a_copy_made_by_a_person_is_not_what_our_key_made(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    made = calendar.create(entry(), "key-1")
    calendar.delete(made)
    # A copy in Outlook carries the mark along, but no transaction.
    calendar._client.post(
        calendar._events.path,
        {
            "subject": "Copy",
            "start": {"dateTime": "2026-03-05T12:00:00", "timeZone": "UTC"},
            "end": {"dateTime": "2026-03-05T13:00:00", "timeZone": "UTC"},
            "singleValueExtendedProperties": [{"id": KEY_PROPERTY, "value": "key-1"}],
        },
    )
    assert calendar.find_created("key-1") is None


def test_a_series_is_made_with_one_write_and_one_for_each_date_that_deviates(
    sandbox: Sandbox, calendar: GraphCalendar
) -> None:
    wanted = weekly(
        exceptions={
            WEEK_2: Occurrence("Long standup", at("2026-03-09 09:00", 2)),
            WEEK_4: Occurrence("Standup", at("2026-03-24 10:00")),
        },
        cancelled=frozenset({WEEK_3}),
    )
    made = calendar.create(wanted, "key-1")
    assert canonical.fields(made.entry) == canonical.fields(wanted)
    assert writes(sandbox) == {"create": 1, "update": 2, "delete": 1}


def test_one_changed_field_is_one_write_and_touches_no_other(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    item_id = person_adds(sandbox, categories=["Red"], show_as="tentative", location="Kitchen")
    (seen,) = events(calendar.read(None))
    sandbox.zero_counts()
    wanted = replace(seen.entry, title="Supper")
    after = calendar.update(seen, wanted, changed(seen, wanted))
    assert (after.entry.title, after.entry.place) == ("Supper", "Kitchen")
    stored = sandbox.entry(ALICE, item_id)
    assert (stored["categories"], stored["show_as"]) == (["Red"], "tentative")
    assert writes(sandbox) == {"update": 1}
    assert requests(sandbox) == 1


def test_a_new_rule_keeps_the_exceptions_that_still_fit(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    made = calendar.create(
        weekly(
            exceptions={WEEK_2: Occurrence("Long standup", at("2026-03-09 09:00", 2))}, cancelled=frozenset({WEEK_3})
        ),
        "key-1",
    )
    rule = Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY, Weekday.WEDNESDAY))
    wanted = replace(made.entry, recurrence=rule)
    after = calendar.update(made, wanted, changed(made, wanted))
    assert canonical.fields(after.entry) == canonical.fields(wanted)
    assert set(after.entry.exceptions) == {WEEK_2} and after.entry.cancelled == {WEEK_3}


def test_a_moved_series_keeps_its_exceptions(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    made = calendar.create(weekly(exceptions={WEEK_2: Occurrence("Talk", at("2026-03-09 15:00"))}), "key-1")
    wanted = canonical.with_fields(made.entry, weekly(when=at("2026-03-02 10:00")), {"time"})
    after = calendar.update(made, wanted, changed(made, wanted))
    assert canonical.fields(after.entry) == canonical.fields(wanted)


def test_a_cancelled_date_is_given_back_and_the_others_stay(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    made = calendar.create(
        weekly(exceptions={WEEK_4: Occurrence("Talk", at("2026-03-23 09:00"))}, cancelled=frozenset({WEEK_2, WEEK_3})),
        "key-1",
    )
    wanted = replace(made.entry, cancelled=frozenset({WEEK_3}))
    after = calendar.update(made, wanted, changed(made, wanted))
    assert after.entry.cancelled == {WEEK_3}
    assert after.entry.exceptions[WEEK_4].title == "Talk"
    assert canonical.fields(after.entry)["recurrence"] == canonical.fields(made.entry)["recurrence"]


def test_a_change_of_one_date_is_refused_when_somebody_edited_the_series(
    sandbox: Sandbox, calendar: GraphCalendar
) -> None:
    made = calendar.create(weekly(), "key-1")
    sandbox.person_edits(ALICE, sandbox.entries(ALICE)[0]["id"], location="Elsewhere")
    wanted = replace(made.entry, exceptions={WEEK_2: Occurrence("Talk", at("2026-03-09 09:00"))})
    sandbox.zero_counts()
    with pytest.raises(VersionConflict):
        calendar.update(made, wanted, changed(made, wanted))
    assert writes(sandbox) == {}


def test_an_exception_past_its_neighbour_is_refused_by_name(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    made = calendar.create(weekly(), "key-1")
    wanted = replace(made.entry, exceptions={WEEK_2: Occurrence("Standup", at("2026-03-17 09:00"))})
    with pytest.raises(ItemError) as refused:
        calendar.update(made, wanted, changed(made, wanted))
    assert refused.value.code == "occurrence_crosses_neighbour"


def test_a_series_becomes_a_single_event_and_a_single_event_a_series(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    made = calendar.create(weekly(), "key-1")
    single = replace(made.entry, recurrence=None)
    after = calendar.update(made, single, changed(made, single))
    assert after.entry.recurrence is None
    again = calendar.update(after, made.entry, changed(after, made.entry))
    assert canonical.fields(again.entry) == canonical.fields(made.entry)
    assert again.id == made.id


def test_the_block_of_an_online_meeting_stays_when_the_text_changes(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    line = "_" * 80
    block = (
        f'<div>{line}</div><div><a href="https://teams.microsoft.com/l/meetup-join/1">Join</a></div><div>{line}</div>'
    )
    person_adds(sandbox, body={"type": "html", "content": f"<p>Agenda: old</p>{block}"})
    (seen,) = events(calendar.read(None))
    wanted = replace(seen.entry, text="Agenda: new")
    after = calendar.update(seen, wanted, changed(seen, wanted))
    assert after.entry.text.startswith("Agenda: new")
    assert "meetup-join" in sandbox.entries(ALICE)[0]["body"]["content"]


def test_a_created_event_reminds_as_the_mailbox_does_unless_its_start_is_past(
    sandbox: Sandbox, calendar: GraphCalendar
) -> None:
    calendar.create(entry("Past", at("2026-03-01 12:00")), "key-1")
    calendar.create(entry("To come", at("2026-03-03 12:00")), "key-2")
    reminders = {each["subject"]: each["reminder"]["on"] for each in sandbox.entries(ALICE)}
    assert reminders == {"Past": False, "To come": True}


# --- meetings: never a mail


def meeting(sandbox: Sandbox, calendar: GraphCalendar) -> SeenEvent:
    person_adds(sandbox, "Planning", attendees=[{"address": "bob@elsewhere.example", "name": "Bob"}])
    (seen,) = events(calendar.read(None))
    return seen


def test_a_meeting_the_user_organizes_is_neither_changed_nor_removed_for_that_would_mail(
    sandbox: Sandbox, calendar: GraphCalendar
) -> None:
    seen = meeting(sandbox, calendar)
    mails = len(sandbox.mails())
    wanted = replace(seen.entry, title="Other")
    with pytest.raises(ItemError, match="meeting_would_mail"):
        calendar.update(seen, wanted, changed(seen, wanted))
    with pytest.raises(ItemError, match="meeting_would_mail"):
        calendar.delete(seen)
    assert len(sandbox.mails()) == mails
    assert writes(sandbox) == {}


# --- when it fails


def test_an_id_of_another_mailbox_or_form_is_a_stranger_and_not_gone(calendar: GraphCalendar) -> None:
    assert calendar.get(["nonsense"]) == {}
    assert set(calendar.strangers(["nonsense", "never-asked-for"])) == {"nonsense"}


@pytest.mark.parametrize(
    ("fault", "details", "kind", "code"),
    [
        ("html", {}, ProtocolError, "malformed_answer"),
        ("status", {"status": 503}, Unavailable, "unavailable"),
        ("drop", {}, Unavailable, "connection_lost"),
        (
            "status",
            {"status": 302, "headers": {"Location": "https://evil.example/"}},
            ProtocolError,
            "redirected",
        ),
        ("response_code", {"status": 403, "code": "ErrorAccessDenied"}, MailboxError, "mailbox_access_denied"),
        ("response_code", {"status": 404, "code": "MailboxNotEnabledForRESTAPI"}, MailboxError, "mailbox_not_enabled"),
        (
            "response_code",
            {"status": 403, "code": "Authorization_RequestDenied"},
            ConnectionRefused,
            "permission_missing",
        ),
    ],
)
def test_each_trouble_has_a_name(
    sandbox: Sandbox, calendar: GraphCalendar, fault: str, details: dict[str, Any], kind: type[SyncError], code: str
) -> None:
    token = token_of(calendar.read(None))
    sandbox.fault(fault, {"protocol": "graph"}, **details)
    with pytest.raises(kind) as trouble:
        list(calendar.read(token))
    assert trouble.value.code == code


@pytest.mark.parametrize(("form", "seconds"), [("seconds", 3), ("fractional", 3.128), ("date", 3), ("absent", None)])
def test_throttling_says_how_long_to_wait(
    sandbox: Sandbox, calendar: GraphCalendar, form: str, seconds: float | None
) -> None:
    sandbox.fault("throttle", {"protocol": "graph"}, form=form, seconds=3)
    with pytest.raises(Throttled) as throttled:
        list(calendar.read(None))
    about = None if seconds is None else pytest.approx(seconds, abs=1 if form == "date" else 0.001)
    assert throttled.value.retry_after == about


def test_a_token_the_service_no_longer_takes_is_renewed_once(sandbox: Sandbox, calendar: GraphCalendar) -> None:
    sandbox.fault("token_invalid", {"protocol": "graph"}, {"times": 1})
    assert events(calendar.read(None)) == []
    sandbox.fault("token_invalid", {"protocol": "graph"})
    with pytest.raises(ConnectionRefused) as refused:
        list(calendar.read(None))
    assert refused.value.code == "token_refused"
