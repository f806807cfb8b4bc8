"""The dates of a repeat rule that is kept as text, because no pattern both sides know is that rule (rule 5.5).

The text is one or more lines, each an RRULE (with or without its name) or `RDATE:` with wall times, as RFC 5545 §3.8.5
writes them. python-dateutil reads them.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from itertools import islice

from dateutil.rrule import rrule, rrulestr

from samklang.engine import times
from samklang.engine.model import AllDay, Timed, When

_PART = re.compile(r";?\b(COUNT|UNTIL)=([0-9TZ]+)", re.IGNORECASE)


def moments(text: str, when: When, horizon: datetime) -> Iterator[datetime]:
    """Wall times up to `horizon` (naive, in the series' zone) at which the text puts occurrences, in order.

    `when` is the first occurrence. A text nobody can read gives that one alone.
    """
    begin = wall_start(when)
    try:
        lines = [_line(line, begin, when, horizon) for line in text.splitlines()]
    except (ValueError, TypeError):
        lines = [iter([begin])]
    last = None
    for moment in heapq.merge(*lines):
        if moment != last and moment <= horizon:
            yield moment
        last = moment


def is_readable(text: str, when: When) -> bool:
    """Whether the text is one whose dates we know."""
    begin = wall_start(when)
    try:
        return bool([_line(line, begin, when, begin) for line in text.splitlines()])
    except (ValueError, TypeError):
        return False


def extra_moment(text: str, day: date) -> datetime | None:
    """The wall time at which an RDATE line puts an occurrence on a date; None when no such line names the date."""
    for line in text.splitlines():
        found = re.search(rf"\b{day:%Y%m%d}T\d{{6}}", line) if line.upper().startswith("RDATE") else None
        if found:
            return datetime.strptime(found[0], "%Y%m%dT%H%M%S")  # noqa: DTZ007
    return None


def wall_start(when: When) -> datetime:
    """The naive wall time at which something starts; whole days start at midnight."""
    if isinstance(when, AllDay):
        return datetime.combine(when.first, time())
    return times.to_wall(when.start, when.zone)


def at(when: When, moment: datetime) -> When:
    """`when` moved to another wall time of its zone, with the same length by the clock."""
    if isinstance(when, AllDay):
        return AllDay(moment.date(), times.add_days(moment.date(), (when.end - when.first).days))
    end_zone = when.end_zone or when.zone
    length = times.to_wall(when.end, end_zone) - times.to_wall(when.start, when.zone)
    start = times.to_instant(moment, when.zone)
    end = max(start, times.to_instant(moment + length, end_zone))
    return Timed(start, end, when.zone, when.end_zone)


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
