"""A series laid out in time: its dates by the rule, as wall clock of its zone, and the occurrences they are."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice

from dateutil.rrule import rrule, rrulestr

from samklang.sandbox import zones
from samklang.sandbox.severa import rules
from samklang.sandbox.severa.model import Activity, Body

_HEAD = 8  # hexadecimal digits of a guid in which an occurrence differs from its series


@dataclass(frozen=True)
class Occurrence:
    """One date of a series that is no exception. `start`, `end`: UTC. What an activity tells too has the same name."""

    series: Activity
    original: date
    start: datetime
    end: datetime

    @property
    def guid(self) -> str:
        return guid_of(self.series, self.original)

    @property
    def kind(self) -> str:
        """`recurrenceType`."""
        return "Occurrence"

    @property
    def parent(self) -> str:
        return self.series.guid

    @property
    def body(self) -> Body:
        """Its series' at this date, a copy: what an exception begins with."""
        body = copy.deepcopy(self.series.body)
        body.recurrence, body.start_date_time = None, self.start
        body.end_date_time = self.end if body.end_date_time else None
        return body


def guid_of(series: Activity, day: date) -> str:
    """The guid of an occurrence: that of the series, its head turned by the date."""
    return f"{int(series.guid[:_HEAD], 16) ^ day.toordinal():08x}{series.guid[_HEAD:]}"


def tail_of(guid: str) -> str:
    """What an occurrence's guid has in common with its series'."""
    return guid[_HEAD:]


def date_of(guid: str, series: Activity) -> date | None:
    """The date an occurrence's guid stands for; None where it is no such guid."""
    try:
        return date.fromordinal(int(guid[:_HEAD], 16) ^ int(series.guid[:_HEAD], 16))
    except (ValueError, OverflowError):
        return None


MOST_DATES = 10_000


def is_too_long(text: str, start: datetime) -> bool:
    """Whether a rule that ends has more dates than anybody waits for."""
    ends = "COUNT=" in text or "UNTIL=" in text
    return ends and next(islice(_rule(text, start), MOST_DATES, None), None) is not None


class Layout:
    """`last_day`: what the days 29 to 31 mean (see `rules`). `moved`: the dates that are exceptions."""

    def __init__(self, series: Activity, moved: set[date], *, last_day: bool) -> None:
        body = series.body
        assert body.recurrence is not None
        self.moved = moved
        self._series, self._gone = series, moved | set(series.deleted)
        self._start = zones.to_local(body.start_date_time, series.zone)
        self._length = zones.to_local(body.end, series.zone) - self._start
        self.text = rules.text_of(body.recurrence, last_day=last_day)
        self._rule = _rule(self.text, self._start)

    def occurrence(self, day: date) -> Occurrence | None:
        """The occurrence on a date; None where the rule has none, or it was deleted or changed."""
        return self.at(day) if day not in self._gone and self.has(day) else None

    def has(self, day: date) -> bool:
        """Whether the rule has this date, whatever became of it."""
        return bool(self._rule.between(datetime.combine(day, time.min), datetime.combine(day, time.max), inc=True))

    def between(self, start: datetime | None, end: datetime) -> Iterator[Occurrence]:
        """The occurrences that touch `start` … `end` (UTC), limits included."""
        margin = timedelta(days=1)
        first = self._start if start is None else _local(start, -self._length - margin)
        last = _local(end, margin)
        for moment in self._rule.xafter(max(first, self._start), inc=True):
            if moment > last:
                return
            found = self.at(moment.date())
            if found.original not in self._gone and found.start <= end and (start is None or found.end >= start):
                yield found

    def last(self) -> Occurrence | None:
        """The last one by the rule; None for a series that never ends, or has no date at all."""
        last = None if self.endless else deque(self._rule, maxlen=1)
        return self.at(last[0].date()) if last else None

    @property
    def endless(self) -> bool:
        return "COUNT=" not in self.text and "UNTIL=" not in self.text

    def at(self, day: date) -> Occurrence:
        """What the rule would put on a date."""
        local = datetime.combine(day, self._start.time())
        start, end = (_instant(moment, self._series.zone) for moment in (local, local + self._length))
        return Occurrence(self._series, day, start, max(start, end))


def shape(body: Body) -> tuple[object, ...]:
    """What lays a series out in time."""
    return body.start_date_time, body.end_date_time, body.is_all_day, body.recurrence


def _local(instant: datetime, shift: timedelta) -> datetime:
    """A wall clock time near an instant, kept inside the calendar; near enough, since `shift` has a day to spare."""
    try:
        return instant.replace(tzinfo=None) + shift
    except OverflowError:
        return datetime.combine(date.min if shift < timedelta(0) else date.max, time.min)


@lru_cache(maxsize=65536)
def _instant(local: datetime, zone: str) -> datetime:
    return zones.to_utc(local, zone)


@lru_cache(maxsize=512)
def _rule(text: str, start: datetime) -> rrule:
    found = rrulestr(text, dtstart=start, cache=True)
    assert isinstance(found, rrule)
    return found
