"""Events as Graph sends them, read into entries."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from samklang.connectors.graph import wire
from samklang.connectors.graph.access import GraphAccess
from samklang.connectors.graph.auth import Tokens
from samklang.connectors.graph.client import GraphClient
from samklang.connectors.graph.events import Events
from samklang.connectors.graph.schema import KEY_PROPERTY, Event, decode_page
from samklang.engine.model import (
    AllDay,
    Availability,
    Frequency,
    Inexpressible,
    Person,
    Recurrence,
    SeenEvent,
    Sensitivity,
    Timed,
    Weekday,
)
from tests.wire.graph.samples import Json, event, exception, point, rule, series
from tests.wire.graph.schemas import assert_valid

ACCESS = GraphAccess("https://graph.example.com/v1.0", "https://login.example.com", "tenant", "app")
MON, WED, FRI, SUN = Weekday.MONDAY, Weekday.WEDNESDAY, Weekday.FRIDAY, Weekday.SUNDAY


def seen(sample: Json, home: str = "Europe/Helsinki") -> SeenEvent:
    assert_valid("microsoft.graph.event", sample)
    return wire.seen_event(msgspec.json.decode(msgspec.json.encode(sample), type=Event), home)


def recurrence(sample: Json) -> Any:
    return seen(series(sample)).entry.recurrence


def test_a_single_event_is_an_instant_in_the_zone_it_was_made_in() -> None:
    lunch = seen(event())
    start = datetime(2026, 3, 2, 11, tzinfo=UTC)
    assert lunch.entry.when == Timed(start, start.replace(hour=12), "Europe/Berlin")
    assert (lunch.entry.title, lunch.entry.place, lunch.entry.text) == ("Lunch", "Kitchen", "Bring soup")
    assert (lunch.id, lunch.version, lunch.uid) == ("AAMkA=", "CK1", "040000008200E00074C5B7101A82E008")
    assert lunch.modified == datetime(2026, 2, 2, 9, 30, 0, 123456, UTC)
    assert lunch.is_organizer and not lunch.is_meeting and lunch.response == "organizer"


def test_an_end_in_another_zone_is_kept() -> None:
    flight = seen(event(originalEndTimeZone="Tokyo Standard Time"))
    assert isinstance(flight.entry.when, Timed)
    assert flight.entry.when.end_zone == "Asia/Tokyo"


def test_an_iana_name_is_understood() -> None:
    assert seen(event(originalStartTimeZone="Europe/Oslo", originalEndTimeZone=None)).entry.when.zone == "Europe/Oslo"


@pytest.mark.parametrize("name", ["tzone://Microsoft/Custom", "Nowhere Standard Time", "", None])
def test_a_zone_nobody_knows_falls_back_to_the_users(name: str | None) -> None:
    assert seen(event(originalStartTimeZone=name, originalEndTimeZone=name)).entry.when.zone == "Europe/Helsinki"


def test_a_series_of_a_custom_zone_follows_the_zone_of_its_rule() -> None:
    weekly = rule("weekly", daysOfWeek=["monday"])
    assert seen(series(weekly, originalStartTimeZone="tzone://Microsoft/Custom")).entry.when.zone == "Europe/Berlin"


def test_times_sent_in_another_zone_than_asked_for_are_converted() -> None:
    sample = event(start=point("2026-03-02T12:00:00", "W. Europe Standard Time"))
    assert seen(sample).entry.when.start == datetime(2026, 3, 2, 11, tzinfo=UTC)


def test_an_all_day_event_keeps_its_dates_whatever_the_zones() -> None:
    sample = event(
        isAllDay=True,
        start=point("2026-03-02T00:00:00"),
        end=point("2026-03-04T00:00:00"),
        originalStartTimeZone="Line Islands Standard Time",
    )
    assert seen(sample, "Pacific/Niue").entry.when == AllDay(date(2026, 3, 2), date(2026, 3, 4))


def test_nulls_where_live_answers_have_them_are_no_obstacle() -> None:
    fields = (
        "subject body location iCalUId organizer attendees responseStatus sensitivity showAs isAllDay "
        "lastModifiedDateTime originalStartTimeZone originalEndTimeZone changeKey isOrganizer isCancelled"
    )
    bare = seen(event(**dict.fromkeys(fields.split())))
    assert (bare.entry.title, bare.entry.text, bare.uid, bare.entry.people) == ("", "", "", ())
    assert bare.is_organizer and not bare.is_meeting


def test_a_subject_that_is_not_given_is_empty() -> None:
    sample = event()
    del sample["subject"]
    assert seen(sample).entry.title == ""


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (rule("daily", interval=3), Recurrence(Frequency.DAILY, 3)),
        (
            rule("weekly", interval=2, daysOfWeek=["friday", "monday"], firstDayOfWeek="sunday"),
            Recurrence(Frequency.WEEKLY, 2, (MON, FRI), SUN),
        ),
        (rule("absoluteMonthly", dayOfMonth=15), Recurrence(Frequency.MONTHLY, day_of_month=15)),
        (
            rule("relativeMonthly", daysOfWeek=["wednesday"], index="last"),
            Recurrence(Frequency.MONTHLY, weekdays=(WED,), position=-1),
        ),
        (
            rule("absoluteYearly", dayOfMonth=6, month=6),
            Recurrence(Frequency.YEARLY, day_of_month=6, month=6),
        ),
        (
            rule("relativeYearly", daysOfWeek=["friday"], index="fourth", month=11),
            Recurrence(Frequency.YEARLY, weekdays=(FRI,), position=4, month=11),
        ),
        (
            rule("daily", {"type": "endDate", "endDate": "2026-04-01"}),
            Recurrence(Frequency.DAILY, until=date(2026, 4, 1)),
        ),
        (rule("daily", {"type": "numbered", "numberOfOccurrences": 12}), Recurrence(Frequency.DAILY, count=12)),
    ],
)
def test_patterns_are_read_without_the_defaults_that_are_no_values(pattern: Json, expected: Recurrence) -> None:
    assert recurrence(pattern) == expected


def test_the_31st_of_each_month_is_its_last_day_as_exchange_means_it() -> None:
    last_day = recurrence(rule("absoluteMonthly", dayOfMonth=31))
    assert last_day == Recurrence(Frequency.MONTHLY, weekdays=tuple(Weekday), position=-1)
    assert isinstance(recurrence(rule("absoluteMonthly", dayOfMonth=30)), Inexpressible)


def test_exceptions_and_cancelled_dates_are_keyed_by_original_local_date() -> None:
    late = {"start": point("2026-03-09T22:30:00"), "end": point("2026-03-09T23:30:00")}
    sample = series(
        rule("daily"),
        start=point("2026-03-02T23:30:00"),
        end=point("2026-03-03T00:30:00"),
        exceptionOccurrences=[exception("2026-03-08T23:30:00", id="X1", subject="Supper", **late)],
        cancelledOccurrences=["OID.AAMkA=.2026-03-12"],
    )
    master = seen(sample)
    # 23:30 UTC on the 8th is 00:30 on the 9th in the series' zone.
    assert list(master.entry.exceptions) == [date(2026, 3, 9)]
    assert master.entry.exceptions[date(2026, 3, 9)].title == "Supper"
    assert master.entry.cancelled == {date(2026, 3, 12)}
    assert master.occurrence_ids == {date(2026, 3, 9): "X1"}


@pytest.mark.parametrize("original", ["2026-03-08T23:00:00", "2026-03-09T00:00:00"])
def test_the_slot_of_an_all_day_exception_is_its_zones_midnight_or_utcs(original: str) -> None:
    days = {"isAllDay": True, "start": point("2026-03-10T00:00:00"), "end": point("2026-03-11T00:00:00")}
    sample = series(rule("daily"), exceptionOccurrences=[exception(original, **days)], **days)
    master = seen(sample)
    assert list(master.entry.exceptions) == [date(2026, 3, 9)]
    assert master.entry.exceptions[date(2026, 3, 9)].when == AllDay(date(2026, 3, 10), date(2026, 3, 11))


def test_the_occurrence_id_of_an_exception_wins_over_its_original_start() -> None:
    moved = exception("2026-03-20T08:00:00", occurrenceId="OID.AAMkA=.2026-03-09")
    assert list(seen(series(rule("daily"), exceptionOccurrences=[moved])).entry.exceptions) == [date(2026, 3, 9)]


def test_privacy_and_availability_are_read_whatever_their_case() -> None:
    entry = seen(event(sensitivity="private", showAs="workingElsewhere")).entry
    assert (entry.sensitivity, entry.availability) == (Sensitivity.PRIVATE, Availability.ELSEWHERE)
    assert seen(event(showAs="unknown")).entry.availability is Availability.BUSY


def test_a_meeting_tells_organizer_attendees_rooms_and_the_users_own_answer() -> None:
    sample = event(
        isOrganizer=False,
        responseStatus={"response": "tentativelyAccepted", "time": "2026-02-03T00:00:00Z"},
        attendees=[
            {"type": "required", "emailAddress": {"address": "bob@example.com", "name": "Bob"}},
            {"type": "resource", "emailAddress": {"address": "room@example.com", "name": "Room"}},
            {
                "type": "optional",
                "status": {"response": "declined", "time": "2026-02-03T00:00:00Z"},
                "emailAddress": {"address": "eve@example.com", "name": "Eve"},
            },
            {"type": "required", "emailAddress": {"address": "Alice@example.com", "name": "Alice"}},
        ],
    )
    meeting = seen(sample)
    assert meeting.is_meeting and not meeting.is_organizer and meeting.response == "tentative"
    assert [replace(person, name="") for person in meeting.entry.people] == [
        Person("alice@example.com", response="organizer"),
        Person("bob@example.com"),
        Person("eve@example.com", response="declined", optional=True),
        Person("room@example.com", resource=True),
    ]


def test_a_date_its_organizer_cancelled_is_a_cancelled_date_and_no_changed_one() -> None:
    held = exception("2026-03-09T11:00:00", subject="Canceled: Lunch", isCancelled=True)
    master = seen(series(rule("daily"), exceptionOccurrences=[held]))
    assert (master.entry.exceptions, master.entry.cancelled) == ({}, {date(2026, 3, 9)})


def test_a_cancelled_meeting_says_so() -> None:
    assert seen(event(isCancelled=True)).is_cancelled


def test_our_mark_is_read_from_the_property_or_the_transaction() -> None:
    mark = [{"id": KEY_PROPERTY.replace("String", "string"), "value": "key-1"}]
    assert seen(event(singleValueExtendedProperties=mark)).key == "key-1"
    assert seen(event(transactionId="samklang:key-2")).key == "key-2"
    assert seen(event(transactionId="somebody else's")).key is None


@pytest.mark.parametrize("broken", [{"start": None}, {"start": {"dateTime": "yesterday", "timeZone": "UTC"}}])
def test_an_event_without_sensible_times_is_refused(broken: Json) -> None:
    with pytest.raises(ValueError, match=r"start|isoformat"):
        wire.seen_event(msgspec.json.decode(msgspec.json.encode(event(**broken)), type=Event), "UTC")


def test_one_bad_event_is_set_aside_and_the_page_goes_on() -> None:
    rows = [event(id="good"), event(id="no times", start=None), event(id="odd", subject=7), event(id="fine")]
    client = GraphClient(ACCESS, Tokens(ACCESS))
    batch = Events(client, "user", "UTC").sorted_out(decode_page(msgspec.json.encode({"value": rows})))
    assert [each.id for each in batch.events] == ["good", "fine"]
    assert [(each.id, each.code) for each in batch.unreadable] == [("no times", "unreadable"), ("odd", "unreadable")]
