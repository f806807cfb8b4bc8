"""The demo's calendar: about 150 entries of three colleagues, laid around the present week.

Made for this purpose by the project's authors: series of every kind, exceptions, cancelled occurrences, all-day and
private entries, two zones. Each person gets part of it on the PSA side and part in Exchange; some entries stand on both
sides already, so that the first run has something to match.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from icalendar import Calendar, Event, vRecur

ZONE = "Europe/Stockholm"


@dataclass(frozen=True)
class Series:
    title: str
    #: Days from Monday of the present week to the day from which the first occurrence is sought.
    day: int
    start: str
    minutes: int
    rule: str
    place: str = ""
    #: Which occurrences are cancelled, counted from 0.
    cancelled: tuple[int, ...] = ()
    #: (which occurrence, new title, hours later).
    moved: tuple[tuple[int, str, int], ...] = ()
    private: bool = False


_SERIES = (
    Series("Morgonmöte", -28, "09:00", 15, "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "Teams", cancelled=(23,)),
    Series(
        "Säljmöte", -28, "10:00", 60, "FREQ=WEEKLY;BYDAY=MO", "Rum Vättern", moved=((5, "Säljmöte med Nordfrakt", 3),)
    ),
    Series("Projektmöte Hamnen", -26, "13:00", 90, "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", "Rum Mälaren", cancelled=(3,)),
    Series("Ledningsgrupp", -25, "08:30", 120, "FREQ=MONTHLY;BYDAY=1TH", "Styrelserummet"),
    Series("Månadsbokslut", -20, "15:00", 60, "FREQ=MONTHLY;BYMONTHDAY=10", moved=((1, "Månadsbokslut (kort)", 1),)),
    Series("Träning", -27, "17:30", 60, "FREQ=WEEKLY;BYDAY=TU,TH", "Gymmet", private=True),
    Series("Kaffekorgen fylls på", -24, "14:00", 15, "FREQ=WEEKLY;BYDAY=FR;COUNT=20", "Köket"),
    Series("Kvartalsgenomgång", -12, "09:30", 120, "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=15", "Rum Vättern"),
)

_ALL_DAY = (
    ("Semester Bo", 16, 5, False),
    ("Mässa i Göteborg", 9, 2, False),
    ("Kundbesök Oslo", 22, 1, False),
    ("Tandläkaren (ledig)", 11, 1, True),
    ("Konferens", 37, 3, False),
    ("Planeringsdag", -4, 1, False),
)

_SINGLES = (
    "Offertgenomgång Nordfrakt", "Lunch med Karin", "Intervju utvecklare", "Demo för Havsvik", "Avstämning budget",
    "Workshop arkitektur", "Telefonmöte Lindholm", "Uppstart Projekt Fyren", "Designgenomgång", "Utvecklingssamtal",
    "Genomgång testplan", "Kontraktsmöte", "Leveransmöte Hamnen", "Rapportskrivning", "Kundintervju", "Retro",
    "Nyhetsbrev", "Fakturering", "Möte med revisorn", "Introduktion ny kollega", "Sprintplanering", "Riskmöte",
    "Videomöte Tammerfors", "Avtalsförhandling", "Kodgranskning", "Statusrapport",
)  # fmt: skip
_PLACES = ("Rum Mälaren", "Teams", "Rum Vättern", "", "Hos kunden")


def entries(today: date) -> list[Event]:
    """All entries as iCalendar components, in a fixed order: series, whole days, singles."""
    monday = today - timedelta(days=today.weekday())
    found: list[Event] = []
    for number, series in enumerate(_SERIES):
        found += _series(series, monday, f"demo-series-{number}")
    for number, (title, offset, days, private) in enumerate(_ALL_DAY):
        first = monday + timedelta(days=offset)
        found.append(_event(title, first, first + timedelta(days=days), f"demo-day-{number}", private=private))
    for number in range(130):
        # Five weeks of working days from last week on, the same number on each.
        day = monday + timedelta(weeks=number // 5 % 5 - 1, days=number % 5)
        start = _at(day, f"{8 + (number // 3 * 2 + number) % 9:02}:{number // 2 % 2 * 30:02}")
        title = _SINGLES[number % len(_SINGLES)] + (
            f" {number // len(_SINGLES) + 1}" if number >= len(_SINGLES) else ""
        )
        length = timedelta(minutes=(30, 45, 60, 90)[number % 4])
        found.append(
            _event(title, start, start + length, f"demo-{number}", _PLACES[number % 5], private=number % 17 == 0)
        )
    return found


def part(all_entries: list[Event], *, of: int, person: int, side: str) -> bytes:
    """One person's calendar on one side: his share of the entries; every eighth of them stands on both sides."""
    calendar = Calendar()
    calendar.add("prodid", "-//Samklang//demo//EN")
    calendar.add("version", "2.0")
    uids = list(dict.fromkeys(str(event["uid"]) for event in all_entries))
    for number, uid in enumerate(uids):
        if number % of != person:
            continue
        turn = number // of
        if turn % 8 == 0 or (side == "psa") == (turn % 2 == 0):
            for event in all_entries:
                if str(event["uid"]) == uid:
                    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), ZoneInfo(ZONE))


def _series(series: Series, monday: date, uid: str) -> list[Event]:
    slots = list(islice(rrulestr(series.rule, dtstart=_at(monday + timedelta(days=series.day), series.start)), 30))
    first = slots[0]
    length = timedelta(minutes=series.minutes)
    master = _event(series.title, first, first + length, uid, series.place, private=series.private)
    master.add("rrule", vRecur.from_ical(series.rule))
    for which in series.cancelled:
        master.add("exdate", slots[which])
    exceptions = []
    for which, title, hours in series.moved:
        start = slots[which] + timedelta(hours=hours)
        exception = _event(title, start, start + length, uid, series.place, private=series.private)
        exception.add("recurrence-id", slots[which])
        exceptions.append(exception)
    return [master, *exceptions]


def _event(title: str, start: Any, end: Any, uid: str, place: str = "", *, private: bool = False) -> Event:
    event = Event()
    event.add("uid", f"{uid}@demo.samklang.example")
    event.add("summary", title)
    event.add("dtstart", start)
    event.add("dtend", end)
    event.add("dtstamp", datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")))
    if place:
        event.add("location", place)
    if private:
        event.add("class", "PRIVATE")
    return event
