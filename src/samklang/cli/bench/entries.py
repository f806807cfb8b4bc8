"""Calendars of any size, made by rule: nine single entries, then one series, with bodies as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: One entry in so many repeats: about what calendars hold (EWS facts §1.4).
SERIES_EVERY = 10
#: Dates each series has.
OCCURRENCES = 8


def calendar(entries: int, begin: datetime, *, name: str) -> bytes:
    """`entries` iCalendar events, one an hour from `begin` (aware), no two of them alike.

    `name` tells one such calendar from another: no entry of one looks like an entry of the other.
    """
    first = begin.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    events = [line for number in range(entries) for line in _event(number, first, name)]
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Samklang//bench//EN", *events, "END:VCALENDAR", ""]
    return "\r\n".join(lines).encode()


def _event(number: int, first: datetime, name: str) -> list[str]:
    start = first + timedelta(hours=number)
    lines = [
        "BEGIN:VEVENT",
        f"UID:{name}-{number}@bench.example",
        f"DTSTAMP:{first:%Y%m%dT%H%M%SZ}",
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
        f"DTEND:{start + timedelta(minutes=45):%Y%m%dT%H%M%SZ}",
        f"SUMMARY:{name} {number}",
        f"LOCATION:Room {number % 7}",
        f"DESCRIPTION:Agenda of meeting {number}\\n1. What was done\\n2. What comes next",
    ]
    if number % SERIES_EVERY == SERIES_EVERY - 1:
        lines.append(f"RRULE:FREQ=WEEKLY;COUNT={OCCURRENCES}")
    return [*lines, "END:VEVENT"]
