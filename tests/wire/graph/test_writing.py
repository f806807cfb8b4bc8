"""Entries as we send them to Graph: what the service would refuse is refused by its schema here."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from samklang.connectors.graph import people, writing
from samklang.engine.model import (
    Availability,
    Entry,
    Frequency,
    Inexpressible,
    Person,
    Recurrence,
    SeenEvent,
    Sensitivity,
    Timed,
    Weekday,
)
from samklang.sync.errors import Inexpressible as Refused
from tests.engine.make import STOCKHOLM, all_day, at, entry
from tests.wire.graph.schemas import assert_valid

MON, TUE, WED, THU, FRI, SAT, SUN = Weekday


def created(wanted: Entry, *, is_past: bool = False) -> dict[str, Any]:
    body = writing.create_body(wanted, "key-1", home=STOCKHOLM, is_past=is_past)
    assert_valid("request.event.create", body)
    return body


def updated(wanted: Entry, *changed: str) -> dict[str, Any]:
    body = writing.update_body(wanted, changed, STOCKHOLM)
    assert_valid("request.event.update", body)
    return body


def repeated(rule: Recurrence, when: str = "2026-03-02 09:00") -> dict[str, Any]:
    return dict(created(entry(when=at(when), recurrence=rule))["recurrence"])


def test_a_created_event_carries_its_key_twice_and_no_attendees() -> None:
    body = created(entry(text="Bring soup", place="Kitchen"))
    assert body["transactionId"] == "samklang:key-1"
    assert body["singleValueExtendedProperties"][0]["value"] == "key-1"
    assert "attendees" not in body


def test_a_created_event_has_no_reminder_when_its_start_is_past_and_else_the_mailboxes() -> None:
    assert created(entry(), is_past=True)["isReminderOn"] is False
    assert "isReminderOn" not in created(entry())


def test_times_travel_in_the_entrys_own_zone_by_its_windows_name() -> None:
    start = created(entry(when=at("2026-03-02 12:00")))["start"]
    assert start == {"dateTime": "2026-03-02T12:00:00", "timeZone": "W. Europe Standard Time"}


def test_an_end_in_another_zone_travels_in_that_zone() -> None:
    start = datetime(2026, 3, 2, 11, tzinfo=UTC)
    body = created(entry(when=Timed(start, start + timedelta(hours=11), "Europe/Stockholm", "Asia/Tokyo")))
    assert body["end"] == {"dateTime": "2026-03-03T07:00:00", "timeZone": "Tokyo Standard Time"}


@pytest.mark.parametrize("hour", [0, 1], ids=["first", "second"])
def test_a_wall_time_that_happens_twice_travels_as_utc(hour: int) -> None:
    start = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
    body = created(entry(when=Timed(start, start + timedelta(hours=3), "Europe/Stockholm")))
    assert body["start"] == {"dateTime": f"2026-10-25T0{hour}:30:00", "timeZone": "UTC"}
    assert body["end"]["timeZone"] == "UTC"


def test_a_zone_exchange_does_not_know_travels_as_utc() -> None:
    assert created(entry(when=at("2026-03-02 12:00", zone="Antarctica/Troll")))["start"]["timeZone"] == "UTC"


def test_all_day_dates_never_pass_through_a_zone() -> None:
    body = created(entry(when=all_day("2026-03-02", "2026-03-03")))
    assert (body["start"]["dateTime"], body["end"]["dateTime"]) == ("2026-03-02T00:00:00", "2026-03-04T00:00:00")
    assert body["isAllDay"] is True
    # The user's own midnight, for programs that take it for an instant.
    assert body["start"]["timeZone"] == body["end"]["timeZone"] == "W. Europe Standard Time"


def test_privacy_and_availability_are_written_on_create() -> None:
    body = created(entry(sensitivity=Sensitivity.CONFIDENTIAL, availability=Availability.ELSEWHERE))
    assert (body["sensitivity"], body["showAs"]) == ("confidential", "workingElsewhere")


@pytest.mark.parametrize(
    ("rule", "pattern"),
    [
        (Recurrence(Frequency.DAILY, 2), {"type": "daily", "interval": 2}),
        (
            Recurrence(Frequency.WEEKLY, 2, (MON, FRI), SUN),
            {"type": "weekly", "interval": 2, "daysOfWeek": ["monday", "friday"], "firstDayOfWeek": "sunday"},
        ),
        (
            Recurrence(Frequency.WEEKLY),
            {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"},
        ),
        (
            Recurrence(Frequency.MONTHLY, day_of_month=2),
            {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 2},
        ),
        (
            Recurrence(Frequency.MONTHLY, weekdays=(MON, TUE, WED, THU, FRI), position=1),
            {
                "type": "relativeMonthly",
                "interval": 1,
                "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
                "index": "first",
            },
        ),
        (
            Recurrence(Frequency.YEARLY),
            {"type": "absoluteYearly", "interval": 1, "dayOfMonth": 2, "month": 3},
        ),
        (
            Recurrence(Frequency.YEARLY, weekdays=(MON,), position=-1, month=3),
            {"type": "relativeYearly", "interval": 1, "daysOfWeek": ["monday"], "index": "last", "month": 3},
        ),
    ],
)
def test_a_pattern_carries_only_the_fields_of_its_type(rule: Recurrence, pattern: dict[str, Any]) -> None:
    assert repeated(rule)["pattern"] == pattern


def test_a_range_starts_on_the_local_date_in_the_series_zone() -> None:
    # Half past midnight in Stockholm is the day before in UTC.
    limits = repeated(Recurrence(Frequency.DAILY), "2026-03-02 00:30")["range"]
    assert limits == {"type": "noEnd", "startDate": "2026-03-02", "recurrenceTimeZone": "W. Europe Standard Time"}


def test_the_three_ends_of_a_range() -> None:
    assert repeated(Recurrence(Frequency.DAILY, count=5))["range"]["numberOfOccurrences"] == 5
    assert repeated(Recurrence(Frequency.DAILY, until=date(2026, 4, 1)))["range"]["endDate"] == "2026-04-01"
    assert repeated(Recurrence(Frequency.DAILY))["range"]["type"] == "noEnd"


def test_a_count_above_999_is_written_as_an_end_date() -> None:
    limits = repeated(Recurrence(Frequency.DAILY, count=1000), "2026-03-02 09:00")["range"]
    assert (limits["type"], limits["endDate"]) == ("endDate", "2028-11-25")


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (Inexpressible("position_set"), "position_set"),
        (Recurrence(Frequency.MONTHLY, day_of_month=31), "days_29_to_31"),
    ],
)
def test_a_rule_graph_cannot_hold_is_refused_with_its_reason(rule: Recurrence | Inexpressible, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        writing.create_body(entry(recurrence=rule), "key-1", home=STOCKHOLM, is_past=False)
    assert refused.value.params["reason"] == reason


def test_a_series_keeps_its_zone_even_when_it_starts_in_a_doubled_hour() -> None:
    start = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    wanted = entry(when=Timed(start, start, "Europe/Stockholm"), recurrence=Recurrence(Frequency.DAILY))
    assert created(wanted)["start"]["timeZone"] == "W. Europe Standard Time"


def test_an_update_carries_only_what_changed() -> None:
    assert updated(entry("Supper"), "title") == {"subject": "Supper"}
    assert updated(entry(place=""), "place") == {"location": {"displayName": ""}}
    assert set(updated(entry(), "time")) == {"start", "end", "isAllDay"}


def test_a_moved_series_sends_its_rule_with_the_new_start_date() -> None:
    body = updated(entry(when=at("2026-03-03 09:00"), recurrence=Recurrence(Frequency.DAILY)), "time")
    assert body["recurrence"]["range"]["startDate"] == "2026-03-03"


def test_a_series_that_becomes_a_single_event_sends_null() -> None:
    assert updated(entry(), "recurrence") == {"recurrence": None}


def test_a_changed_occurrence_sends_only_its_own_fields() -> None:
    from samklang.engine.model import Occurrence

    body = writing.occurrence_body(
        Occurrence("Supper", at("2026-03-02 18:00"), text="Soup"), {"title", "time"}, STOCKHOLM
    )
    assert_valid("request.event.update", body)
    assert set(body) == {"subject", "start", "end", "isAllDay"}


ORGANIZER = Person("alice@example.com", "Alice", response="organizer")
BOB, EVE = Person("Bob@Example.com", "Bob", response="accepted"), Person("eve@example.com", optional=True)
ROOM = Person("room@example.com", resource=True)


def listed(*wanted: Person) -> list[tuple[str, str]]:
    """(kind, address) of whom a meeting with Bob, Eve and a room has after a write."""
    called = SeenEvent("AAMkA=", "CK1", entry(people=(ORGANIZER, BOB, EVE, ROOM)), is_meeting=True)
    body = {"attendees": people.attendees_body(called, entry(people=wanted))}
    assert_valid("request.event.update", body)
    return [(each["type"], each["emailAddress"]["address"]) for each in body["attendees"]]


def test_who_stays_keeps_kind_and_address_and_who_comes_must_come() -> None:
    assert listed(Person("bob@example.com"), Person("EVE@example.com"), Person("carol@example.com")) == [
        ("required", "Bob@Example.com"),
        ("optional", "eve@example.com"),
        ("resource", "room@example.com"),
        ("required", "carol@example.com"),
    ]


def test_rooms_stay_and_the_organizer_is_no_attendee() -> None:
    assert listed(Person("Alice@example.com")) == [("resource", "room@example.com")]
