"""What a calendar shows between two instants, also for repeat rules that are no pattern both sides know (rule 5.5).

The engine expands patterns; a rule kept as text (`Inexpressible`) is expanded here, for our own pages only.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from itertools import islice

from dateutil.rrule import rrule, rrulestr

from samklang.engine import recurrence, times
from samklang.engine.model import AllDay, Entry, Inexpressible, Occurrence, Timed, When

_PART = re.compile(r";?\b(COUNT|UNTIL)=([0-9TZ]+)", re.IGNORECASE)


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


def moments(entry: Entry, horizon: datetime) -> Iterator[datetime]:
    """Wall times up to `horizon` at which the rule text of a series puts its occurrences, in order.

    A text nobody can read gives the first occurrence alone.
    """
    assert isinstance(entry.recurrence, Inexpressible)
    begin = _wall(entry.when)
    try:
        lines = [_line(line, begin, entry.when, horizon) for line in entry.recurrence.rule.splitlines()]
    except (ValueError, TypeError):
        lines = [iter([begin])]
    last = None
    for moment in heapq.merge(*lines):
        if moment != last and moment <= horizon:
            yield moment
        last = moment


def _candidates(entry: Entry, rule: str, end: datetime, zone: str) -> Iterator[tuple[date, Occurrence]]:
    horizon = datetime.combine(times.add_days(times.to_wall(end, zone).date(), 2), time())
    for moment in moments(entry, horizon):
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


def _line(line: str, begin: datetime, when: When, horizon: datetime) -> Iterator[datetime]:
    """The dates of one RRULE or RDATE line. The walk is bounded by the horizon, whatever the rule asks for."""
    name, _, value = line.rpartition(":")
    if name.upper() == "RDATE":
        return iter(sorted(datetime.strptime(text, "%Y%m%dT%H%M%S") for text in value.split(",")))  # noqa: DTZ007
    limits = {part.upper(): limit.upper() for part, limit in _PART.findall(value)}
    until = min(horizon, _until(limits["UNTIL"], when)) if "UNTIL" in limits else horizon
    rule = rrulestr(_PART.sub("", value).strip(";"), dtstart=begin)
    assert isinstance(rule, rrule)
    return islice(rule.replace(until=until), int(limits["COUNT"]) if "COUNT" in limits else None)


def _until(text: str, when: When) -> datetime:
    """The wall time an UNTIL means: a date includes its whole day."""
    if len(text) == 8:
        return datetime.combine(date.fromisoformat(text), time.max)
    moment = datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007
    if text.endswith("Z") and isinstance(when, Timed):
        return times.to_wall(moment.replace(tzinfo=UTC), when.zone)
    return moment
