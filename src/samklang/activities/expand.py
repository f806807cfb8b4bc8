"""What a calendar shows between two instants, also for repeat rules that are no pattern both sides know (rule 5.5).

The engine expands patterns; a rule kept as text (`Inexpressible`) is expanded here, for our own pages only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time

from dateutil.rrule import rrule, rruleset, rrulestr

from samklang.engine import recurrence, times
from samklang.engine.model import AllDay, Entry, Inexpressible, Occurrence, Timed, When

_UNTIL_IN_UTC = re.compile(r"(UNTIL=)(\d{8}T\d{6})Z", re.IGNORECASE)


def occurrences(entry: Entry, start: datetime, end: datetime, zone: str) -> list[tuple[date, Occurrence]]:
    """(original date, content) by time, as `engine.recurrence.occurrences`; whole days are reckoned in `zone`."""
    if not isinstance(entry.recurrence, Inexpressible):
        return recurrence.occurrences(entry, start, end, zone)
    found = []
    for day, shown in _candidates(entry, entry.recurrence.rule, end, zone):
        begins, ends = times.start_of(shown.when, zone), times.end_of(shown.when, zone)
        if begins < end and (ends > start or begins == ends == start):
            found.append((begins, day, shown))
    return [(day, shown) for _, day, shown in sorted(found, key=lambda item: item[:2])]


def moments(entry: Entry) -> Iterator[datetime]:
    """Wall times at which the rule text of a series puts its occurrences, in order; perhaps without end.

    A text nobody can read gives the first occurrence alone.
    """
    assert isinstance(entry.recurrence, Inexpressible)
    begin = _wall(entry.when)
    try:
        yield from _rule(entry.recurrence.rule, begin, entry.when)
    except (ValueError, TypeError):
        yield begin


def _candidates(entry: Entry, rule: str, end: datetime, zone: str) -> Iterator[tuple[date, Occurrence]]:
    last = times.add_days(times.to_wall(end, zone).date(), 2)
    for moment in moments(entry):
        if moment.date() > last:
            break
        if moment.date() not in entry.cancelled and moment.date() not in entry.exceptions:
            yield moment.date(), _regular(entry, moment)
    for day, changed in entry.exceptions.items():
        if day not in entry.cancelled:
            yield day, changed


def _regular(entry: Entry, moment: datetime) -> Occurrence:
    return Occurrence(
        entry.title, _at(entry.when, moment), entry.place, entry.text, entry.sensitivity, entry.availability
    )


def _at(when: When, moment: datetime) -> When:
    """The same length at another wall time."""
    if isinstance(when, AllDay):
        return AllDay(moment.date(), times.add_days(moment.date(), (when.end - when.first).days))
    end_zone = when.end_zone or when.zone
    length = times.to_wall(when.end, end_zone) - times.to_wall(when.start, when.zone)
    start = times.to_instant(moment, when.zone)
    end = max(start, times.to_instant(moment + length, end_zone))
    return Timed(start, end, when.zone, when.end_zone)


def _wall(when: When) -> datetime:
    if isinstance(when, AllDay):
        return datetime.combine(when.first, time())
    return times.to_wall(when.start, when.zone)


def _rule(text: str, begin: datetime, when: When) -> rrule | rruleset:
    def to_wall(match: re.Match[str]) -> str:
        until = datetime.strptime(match[2], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        wall = until.replace(tzinfo=None) if isinstance(when, AllDay) else times.to_wall(until, when.zone)
        return f"{match[1]}{wall:%Y%m%dT%H%M%S}"

    def to_day_end(match: re.Match[str]) -> str:
        return f"{match[1]}{match[2]}T235959"

    text = _UNTIL_IN_UTC.sub(to_wall, text)
    text = re.sub(r"(UNTIL=)(\d{8})(?!T|\d)", to_day_end, text, flags=re.IGNORECASE)
    return rrulestr(text, dtstart=begin, forceset="\n" in text)
