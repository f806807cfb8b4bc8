"""On no day on which anybody's clocks change does anything shift, in either direction (rules 6.1, 6.2): one person in
each of forty zones, and a life of whole days and series around every change of clocks from 2026 to 2028."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.people import Person
from tests.acceptance.when import Time, daily
from tests.acceptance.world import World

ZONES = (
    *("Pacific/Pago_Pago", "Pacific/Honolulu", "America/Anchorage", "America/Los_Angeles", "America/Denver"),
    *("America/Phoenix", "America/Chicago", "America/Mexico_City", "America/New_York", "America/Havana"),
    *("America/Halifax", "America/Santiago", "America/Asuncion", "America/St_Johns", "America/Sao_Paulo"),
    *("America/Nuuk", "Atlantic/Azores", "Atlantic/Reykjavik", "Europe/London", "Europe/Lisbon"),
    *("Africa/Casablanca", "Europe/Stockholm", "Europe/Helsinki", "Europe/Chisinau", "Africa/Cairo"),
    *("Asia/Beirut", "Asia/Jerusalem", "Europe/Istanbul", "Europe/Moscow", "Asia/Dubai"),
    *("Asia/Kolkata", "Asia/Kathmandu", "Asia/Shanghai", "Asia/Tokyo", "Australia/Adelaide"),
    *("Australia/Sydney", "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Kiritimati"),
)
FIRST, LAST = date(2026, 2, 3), date(2028, 12, 31)
ALL = (FIRST.isoformat() + "T00:00:00+00:00", (LAST + timedelta(days=9)).isoformat() + "T00:00:00+00:00")
#: Wall times at which a series begins: around midnight, and in the hour that clocks leave out or have twice.
HOURS = (time(0, 15), time(2, 30), time(23, 40))


def changes(zone: str) -> Iterator[date]:
    """The days of that zone which are not 24 hours long."""
    law = ZoneInfo(zone)
    for day in (FIRST + timedelta(days=number) for number in range((LAST - FIRST).days)):
        midnight, next_one = (datetime.combine(one, time(), law) for one in (day, day + timedelta(days=1)))
        if midnight.utcoffset() != next_one.utcoffset():
            yield day


def whole_days(zone: str, everybodys: list[date]) -> dict[str, date]:
    """By title, every day on which anybody's clocks change; half of them are made on either side."""
    return {f"Day {day} {zone}": day for day in everybodys}


def series(zone: str) -> dict[str, datetime]:
    """By title, the first wall time of three in a row, the change of clocks in their middle."""
    return {
        f"Round {day} {hour:%H:%M} {zone}": datetime.combine(day - timedelta(days=1), hour)
        for day in changes(zone)
        for hour in HOURS
    }


def meant(zone: str, everybodys: list[date]) -> set[tuple[str, str]]:
    """What both calendars are to show: dates, and instants of what the wall clock says there."""
    law = ZoneInfo(zone)
    dates = {(title, day.isoformat()) for title, day in whole_days(zone, everybodys).items()}
    moments = {
        (title, (first + timedelta(days=number)).replace(tzinfo=law).astimezone(UTC).isoformat())
        for title, first in series(zone).items()
        for number in range(3)
    }
    return dates | moments


def lives(office: World, person: Person, zone: str, everybodys: list[date]) -> None:
    """Her entries, in turn in the PSA and in Outlook."""
    for number, (title, day) in enumerate(whole_days(zone, everybodys).items()):
        when = Time(day.isoformat(), (day + timedelta(days=1)).isoformat(), all_day=True)
        if number % 2:
            person.makes(title, when)
        else:
            makes_in_outlook(office, person, zone, title, when)
    for number, (title, first) in enumerate(series(zone).items()):
        when = Time(first.isoformat(), (first + timedelta(minutes=30)).isoformat())
        if number % 2:
            person.makes(title, when, daily(count=3))
        else:
            limit = {"type": "numbered", "startDate": when.start[:10], "numberOfOccurrences": 3}
            rule = {"pattern": {"type": "daily", "interval": 1}, "range": {**limit, "recurrenceTimeZone": zone}}
            makes_in_outlook(office, person, zone, title, when, recurrence=rule)


def makes_in_outlook(office: World, person: Person, zone: str, title: str, when: Time, **more: Any) -> None:
    times = {"start": when.start, "end": when.end, "all_day": when.all_day, "zone": zone}
    office.sandbox.person_creates(person.email, subject=title, **times, **more)


def instant(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat()


def shown_here(person: Person) -> list[tuple[str, str]]:
    found = person.sees_of(person, *ALL)
    return [
        (one["name"], one["startDateTime"][:10] if one["isAllDay"] else instant(one["startDateTime"])) for one in found
    ]


def shown_there(office: World, person: Person) -> list[tuple[str, str]]:
    found = office.sandbox.entries(person.email, expand=ALL)
    return [(one["subject"], one["start_date"] if one["all_day"] else instant(one["start"])) for one in found]


@pytest.mark.full
@pytest.mark.not_in_severa("a question to the two protocols")
def test_nothing_shifts_on_any_day_on_which_clocks_change_anywhere(office: World) -> None:
    everybodys = sorted({day for zone in ZONES for day in changes(zone)})
    people = {}
    for number, zone in enumerate(ZONES):
        email = f"person{number}@example.org"
        office.mailbox(email, zone=zone)
        people[zone] = office.person(email, f"Person {number}", zone=zone)
        lives(office, people[zone], zone, everybodys)
    # All of the three years is seen once the window of two years has moved (rule 9.1).
    for later in (0, 420):
        office.later(days=later)
        for person in people.values():
            if not later:
                person.switches_on()
            assert not person.runs("--reconcile")["error"]
    for zone, person in people.items():
        wanted = sorted(meant(zone, everybodys))
        assert sorted(shown_there(office, person)) == wanted, zone
        assert sorted(shown_here(person)) == wanted, zone
        again = person.runs("--reconcile")
        assert not any((*again["psa"].values(), *again["exchange"].values())), zone
