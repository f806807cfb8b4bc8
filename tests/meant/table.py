"""Entries as plain values: what was meant, written down by hand and apart from all code that writes or reads them.

Times are wall times with their offset, or dates for whole days (the last one exclusive). Nothing here is computed:
where the clocks change, the offsets say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MONDAY_TO_FRIDAY = ("monday", "tuesday", "wednesday", "thursday", "friday")
EVERY_DAY = (*MONDAY_TO_FRIDAY, "saturday", "sunday")
WEEKEND = ("saturday", "sunday")


@dataclass(frozen=True)
class Rule:
    """A repeat rule; what a kind of rule does not have is None or empty."""

    every: str
    interval: int = 1
    days: tuple[str, ...] = ()
    week_start: str | None = None
    day: int | None = None
    position: str | None = None
    month: int | None = None
    until: str | None = None
    count: int | None = None


@dataclass(frozen=True)
class Meant:
    title: str
    start: str
    end: str
    place: str = ""
    text: str = ""
    sensitivity: str = "normal"
    shows: str = "busy"
    #: As we call the zone it was made in, and as Exchange does.
    zone: str = "Europe/Stockholm"
    windows: str = "W. Europe Standard Time"
    #: Of the end, where it is another one.
    end_zone: str | None = None
    end_windows: str | None = None
    rule: Rule | None = None
    #: Original date -> what differs there.
    changed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    cancelled: tuple[str, ...] = ()
    #: (required, optional or resource, address)
    people: tuple[tuple[str, str], ...] = ()
    #: Minutes before; None: no reminder.
    reminder: int | None = 15
    #: When a series takes place from January 2026 to May 2027: its starts, in order.
    dates: tuple[str, ...] = ()
    #: What it was when it was made, if it was something else first.
    before: Mapping[str, Any] = field(default_factory=dict)
    #: What some servers hold otherwise, by "2007", "2010" or "graph"; None: it cannot be written there.
    otherwise: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)


MORNING = {"start": "2026-03-02T09:00+01:00", "end": "2026-03-02T10:00+01:00"}
LATER = {"start": "2026-03-23T09:00+01:00", "end": "2026-03-23T09:45+01:00"}
#: Before Exchange 2013 whoever works elsewhere shows as free, and 2007 has one zone for start and end.
OLD_FREE = {"2007": {"shows": "free"}, "2010": {"shows": "free"}}
ONE_ZONE = {"2007": {"end_windows": None}}
#: The wall time alone does not tell which of two instants is meant, so Graph is told it in UTC.
IN_UTC = {"graph": {"windows": "UTC"}}
TEXT = "Agenda:\n\n  1. <b>not bold</b> & \"quoted\" 'too'\n  2. café – naïve, 日本語 👍🏽\nhttps://example.com/?a=1&b=2\n\nend"

SINGLES = {
    "an entry with everything": Meant("Planning ☕ åäö <&>", **MORNING, place='Room 3 <A & "B">', text=TEXT),
    "an entry with nothing": Meant("", **MORNING),
    "private, out of office": Meant("Doctor", **MORNING, sensitivity="private", shows="oof"),
    "personal, tentative": Meant("Perhaps", **MORNING, sensitivity="personal", shows="tentative"),
    "confidential, free": Meant("Secret", **MORNING, sensitivity="confidential", shows="free"),
    "working elsewhere": Meant("From home", **MORNING, shows="elsewhere", otherwise=OLD_FREE),
    "of no length": Meant("Call him", "2026-03-02T09:00+01:00", "2026-03-02T09:00+01:00"),
    "over several days": Meant("Trip", "2026-05-04T12:00+02:00", "2026-05-08T11:30+02:00"),
    "over the night without its hour": Meant("Night", "2026-03-28T22:00+01:00", "2026-03-29T06:00+02:00"),
    "the second of two equal wall times": Meant(
        "Again", "2026-10-25T02:30+01:00", "2026-10-25T02:45+01:00", otherwise=IN_UTC
    ),
    "over by now": Meant("Past", "2026-02-10T09:00+01:00", "2026-02-10T10:00+01:00", reminder=None),
    "one whole day": Meant("Day", "2026-06-01", "2026-06-02"),
    "the spring day of 23 hours": Meant("Spring", "2026-03-29", "2026-03-30"),
    "the autumn day of 25 hours": Meant("Autumn", "2026-10-25", "2026-10-26"),
    "several whole days": Meant("Fair", "2026-03-28", "2026-03-31", place="Hall 7", shows="oof"),
    "a meeting": Meant(
        "Budget",
        **MORNING,
        people=(("required", "bob@example.com"), ("optional", "carol@example.com"), ("resource", "room@example.com")),
        before={"people": ()},
    ),
}
ZONES = {
    "New York, two days after its change": Meant(
        "NY",
        *("2026-03-10T09:00-04:00", "2026-03-10T10:00-04:00"),
        zone="America/New_York",
        windows="Eastern Standard Time",
    ),
    "a quarter of an hour off": Meant(
        "Kathmandu",
        *("2026-03-02T09:00+05:45", "2026-03-02T10:00+05:45"),
        zone="Asia/Kathmandu",
        windows="Nepal Standard Time",
    ),
    "half an hour of summer time": Meant(
        "Lord Howe",
        *("2026-04-01T09:00+11:00", "2026-04-01T10:00+11:00"),
        zone="Australia/Lord_Howe",
        windows="Lord Howe Standard Time",
    ),
    "nearly fourteen hours ahead": Meant(
        "Chatham",
        *("2026-03-02T09:00+13:45", "2026-03-02T10:00+13:45"),
        zone="Pacific/Chatham",
        windows="Chatham Islands Standard Time",
    ),
    "a name of three parts": Meant(
        "Buenos Aires",
        *("2026-03-02T09:00-03:00", "2026-03-02T10:00-03:00"),
        zone="America/Argentina/Buenos_Aires",
        windows="Argentina Standard Time",
    ),
    "a city spelt anew": Meant(
        "Kyiv", "2026-03-02T09:00+02:00", "2026-03-02T10:00+02:00", zone="Europe/Kyiv", windows="FLE Standard Time"
    ),
    "UTC": Meant("UTC", "2026-03-02T09:00+00:00", "2026-03-02T10:00+00:00", zone="UTC", windows="UTC"),
    "a zone Windows has no name for": Meant(
        "Troll", "2026-03-02T09:00+00:00", "2026-03-02T10:00+00:00", zone="Antarctica/Troll", windows="UTC"
    ),
    "a flight": Meant(
        "SK 903",
        "2026-03-02T10:25+01:00",
        "2026-03-02T13:05-05:00",
        end_zone="America/New_York",
        end_windows="Eastern Standard Time",
        otherwise=ONE_ZONE,
    ),
}
SERIES = {
    "every third day over the change": Meant(
        "Watering",
        "2026-03-24T08:30+01:00",
        "2026-03-24T08:45+01:00",
        rule=Rule("daily", 3, count=5),
        dates=(
            *("2026-03-24T08:30+01:00", "2026-03-27T08:30+01:00"),
            *("2026-03-30T08:30+02:00", "2026-04-02T08:30+02:00", "2026-04-05T08:30+02:00"),
        ),
    ),
    "every hundredth day without end": Meant(
        "Filter",
        **MORNING,
        rule=Rule("daily", 100),
        dates=(
            *("2026-03-02T09:00+01:00", "2026-06-10T09:00+02:00", "2026-09-18T09:00+02:00"),
            *("2026-12-27T09:00+01:00", "2027-04-06T09:00+02:00"),
        ),
    ),
    "Mondays and Thursdays until a date": Meant(
        "Stand-up",
        **LATER,
        place="Room 3",
        text="One\n\ntwo <3 & more",
        rule=Rule("weekly", days=("monday", "thursday"), week_start="monday", until="2026-04-09"),
        dates=(
            *("2026-03-23T09:00+01:00", "2026-03-26T09:00+01:00", "2026-03-30T09:00+02:00"),
            *("2026-04-02T09:00+02:00", "2026-04-06T09:00+02:00", "2026-04-09T09:00+02:00"),
        ),
    ),
    "workdays": Meant(
        "Tea",
        "2026-03-26T15:00+01:00",
        "2026-03-26T15:15+01:00",
        rule=Rule("weekly", days=MONDAY_TO_FRIDAY, week_start="monday", count=6),
        dates=(
            *("2026-03-26T15:00+01:00", "2026-03-27T15:00+01:00", "2026-03-30T15:00+02:00"),
            *("2026-03-31T15:00+02:00", "2026-04-01T15:00+02:00", "2026-04-02T15:00+02:00"),
        ),
    ),
    "every second week from Sunday": Meant(
        "Shift A",
        **MORNING,
        rule=Rule("weekly", 2, ("monday", "sunday"), "sunday", count=5),
        dates=(
            *("2026-03-02T09:00+01:00", "2026-03-15T09:00+01:00", "2026-03-16T09:00+01:00"),
            *("2026-03-29T09:00+02:00", "2026-03-30T09:00+02:00"),
        ),
    ),
    "every second week from Monday": Meant(
        "Shift B",
        **MORNING,
        rule=Rule("weekly", 2, ("monday", "sunday"), "monday", count=5),
        dates=(
            *("2026-03-02T09:00+01:00", "2026-03-08T09:00+01:00", "2026-03-16T09:00+01:00"),
            *("2026-03-22T09:00+01:00", "2026-03-30T09:00+02:00"),
        ),
        # Its weeks start on Sunday, and there is no way to say otherwise.
        otherwise={"2007": None},
    ),
    "every second month by date": Meant(
        "Invoices",
        **MORNING,
        rule=Rule("monthly", 2, day=2, count=4),
        dates=(
            *("2026-03-02T09:00+01:00", "2026-05-02T09:00+02:00"),
            *("2026-07-02T09:00+02:00", "2026-09-02T09:00+02:00"),
        ),
    ),
    "the first Monday of the month": Meant(
        "Board",
        **MORNING,
        rule=Rule("monthly", days=("monday",), position="first", count=3),
        dates=("2026-03-02T09:00+01:00", "2026-04-06T09:00+02:00", "2026-05-04T09:00+02:00"),
    ),
    "the last workday of the month": Meant(
        "Reports",
        "2026-03-31T16:00+02:00",
        "2026-03-31T17:00+02:00",
        rule=Rule("monthly", days=MONDAY_TO_FRIDAY, position="last", until="2026-06-15"),
        dates=("2026-03-31T16:00+02:00", "2026-04-30T16:00+02:00", "2026-05-29T16:00+02:00"),
    ),
    "the last day of the month": Meant(
        "Closing",
        "2026-03-31T16:00+02:00",
        "2026-03-31T17:00+02:00",
        rule=Rule("monthly", days=EVERY_DAY, position="last", count=4),
        dates=(
            *("2026-03-31T16:00+02:00", "2026-04-30T16:00+02:00"),
            *("2026-05-31T16:00+02:00", "2026-06-30T16:00+02:00"),
        ),
    ),
    "the second weekend day of the month": Meant(
        "Cabin",
        "2026-03-07T10:00+01:00",
        "2026-03-07T18:00+01:00",
        rule=Rule("monthly", days=WEEKEND, position="second", count=3),
        dates=("2026-03-07T10:00+01:00", "2026-04-05T10:00+02:00", "2026-05-03T10:00+02:00"),
    ),
    "every year by date, without end": Meant(
        "Founded",
        **MORNING,
        rule=Rule("yearly", day=2, month=3),
        dates=("2026-03-02T09:00+01:00", "2027-03-02T09:00+01:00"),
    ),
    "the third Thursday of March": Meant(
        "Meeting of the year",
        "2026-03-19T18:00+01:00",
        "2026-03-19T21:00+01:00",
        rule=Rule("yearly", days=("thursday",), position="third", month=3, count=2),
        dates=("2026-03-19T18:00+01:00", "2027-03-18T18:00+01:00"),
    ),
    "whole days": Meant(
        "Off",
        "2026-03-23",
        "2026-03-24",
        rule=Rule("weekly", days=("monday",), week_start="monday", count=3),
        dates=("2026-03-23", "2026-03-30", "2026-04-06"),
    ),
    "Thursdays in New York over its change": Meant(
        "NY weekly",
        "2026-03-05T09:00-05:00",
        "2026-03-05T10:00-05:00",
        zone="America/New_York",
        windows="Eastern Standard Time",
        rule=Rule("weekly", days=("thursday",), week_start="monday", count=3),
        dates=("2026-03-05T09:00-05:00", "2026-03-12T09:00-04:00", "2026-03-19T09:00-04:00"),
    ),
    "Wednesdays on Lord Howe over its half hour": Meant(
        "Lord Howe weekly",
        "2026-04-01T09:00+11:00",
        "2026-04-01T10:00+11:00",
        zone="Australia/Lord_Howe",
        windows="Lord Howe Standard Time",
        rule=Rule("weekly", days=("wednesday",), week_start="monday", count=2),
        dates=("2026-04-01T09:00+11:00", "2026-04-08T09:00+10:30"),
    ),
}
MONDAYS = Rule("weekly", days=("monday",), week_start="monday", count=5)
EXCEPTIONS = {
    "dates moved, changed and cancelled": Meant(
        "Weekly",
        **LATER,
        place="Room 3",
        text="Every week",
        rule=MONDAYS,
        changed={
            "2026-03-30": {"title": "Weekly with cake", "place": "Kitchen", "text": "Cake <3\n& coffee"},
            "2026-04-06": {"start": "2026-04-07T13:00+02:00", "end": "2026-04-07T14:30+02:00"},
            "2026-04-20": {"sensitivity": "private"},
        },
        cancelled=("2026-03-23", "2026-04-13"),
        dates=("2026-03-30T09:00+02:00", "2026-04-07T13:00+02:00", "2026-04-20T09:00+02:00"),
    ),
    "whole days moved and cancelled": Meant(
        "Off too",
        "2026-03-23",
        "2026-03-24",
        rule=MONDAYS,
        changed={"2026-03-30": {"title": "Off, a day later", "start": "2026-03-31", "end": "2026-04-02"}},
        cancelled=("2026-04-06",),
        dates=("2026-03-23", "2026-03-31", "2026-04-13", "2026-04-20"),
    ),
    "a date in another zone's series": Meant(
        "NY with a change",
        "2026-03-05T19:00-05:00",
        "2026-03-05T20:00-05:00",
        zone="America/New_York",
        windows="Eastern Standard Time",
        rule=Rule("weekly", days=("thursday",), week_start="monday", count=3),
        # Midnight has passed in UTC: the date is New York's.
        changed={"2026-03-12": {"start": "2026-03-12T22:00-04:00", "end": "2026-03-12T23:00-04:00"}},
        cancelled=("2026-03-19",),
        dates=("2026-03-05T19:00-05:00", "2026-03-12T22:00-04:00"),
    ),
}
REWRITTEN = {
    "every text anew": Meant(
        "New",
        **MORNING,
        text="new\ntext",
        sensitivity="private",
        before={"title": "Old", "place": "Old room", "text": TEXT, "sensitivity": "normal"},
    ),
    "moved into another zone": Meant(
        "Moved",
        "2026-03-10T09:00-04:00",
        "2026-03-10T10:00-04:00",
        zone="America/New_York",
        windows="Eastern Standard Time",
        before=MORNING | {"zone": "Europe/Stockholm"},
    ),
    "whole days that had hours": Meant("Whole", "2026-03-28", "2026-03-30", before=MORNING),
    "hours of what was whole days": Meant("Hours", **MORNING, before={"start": "2026-03-28", "end": "2026-03-30"}),
    "a series that was single": Meant(
        "Repeated",
        **LATER,
        rule=Rule("weekly", days=("monday",), week_start="monday", count=2),
        dates=("2026-03-23T09:00+01:00", "2026-03-30T09:00+02:00"),
        before={"rule": None},
    ),
    "a single entry that was a series": Meant("Once", **LATER, before={"rule": MONDAYS}),
    "another rule": Meant(
        "Daily now",
        **LATER,
        rule=Rule("daily", 4, until="2026-04-01"),
        dates=("2026-03-23T09:00+01:00", "2026-03-27T09:00+01:00", "2026-03-31T09:00+02:00"),
        before={"rule": MONDAYS},
    ),
    "dates given back, and others changed": Meant(
        "Back again",
        **LATER,
        rule=MONDAYS,
        changed={"2026-04-13": {"title": "Special"}},
        cancelled=("2026-04-20",),
        dates=(
            *("2026-03-23T09:00+01:00", "2026-03-30T09:00+02:00"),
            *("2026-04-06T09:00+02:00", "2026-04-13T09:00+02:00"),
        ),
        before={"changed": {"2026-03-30": {"title": "Was special"}}, "cancelled": ("2026-04-06",)},
    ),
    "another time of day with dates that differ": Meant(
        "Afternoons",
        "2026-03-23T14:00+01:00",
        "2026-03-23T15:00+01:00",
        rule=MONDAYS,
        changed={"2026-03-30": {"start": "2026-03-31T09:00+02:00", "end": "2026-03-31T10:00+02:00"}},
        cancelled=("2026-04-06",),
        dates=(
            *("2026-03-23T14:00+01:00", "2026-03-31T09:00+02:00"),
            *("2026-04-13T14:00+02:00", "2026-04-20T14:00+02:00"),
        ),
        before=LATER,
    ),
}
TABLE = SINGLES | ZONES | SERIES | EXCEPTIONS | REWRITTEN
