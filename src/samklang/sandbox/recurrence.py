"""A series laid out in time: its occurrences with exceptions and cancelled dates, in the zone it was made in.

Times are wall clock: start and end of an occurrence are the series' start and end times of day, in its zone,
on the occurrence's date; a day of 23 hours shortens what spans the change (EWS facts §2.5).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache

from samklang.sandbox import patterns, zones
from samklang.sandbox.model import Item
from samklang.sandbox.patterns import RecurrenceError, Rule

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One date of a series. All instants are UTC; `original` is its date by the rule, in the series' zone."""

    original: date
    original_start: datetime
    start: datetime
    end: datetime
    exception: bool = False


@dataclass(frozen=True)
class Series:
    """What the layout needs to know. `start` and `end` are the wall clock times of one of its dates; `moved`
    holds the instants of the exceptions that have times of their own, None for those that do not."""

    rule: Rule
    zone: str
    start: datetime
    end: datetime
    moved: Mapping[date, Span | None] = field(default_factory=dict)
    cancelled: Set[date] = frozenset()

    def regular(self, day: date) -> Span:
        """Start and end (UTC) that the rule gives an occurrence."""
        shift = day - self.start.date()
        return _instant(self.start + shift, self.zone), _instant(self.end + shift, self.zone)

    def occurrence(self, day: date) -> Occurrence | None:
        """The occurrence the rule puts on a date; None if there is none or it was cancelled."""
        if day in self.cancelled or not patterns.contains(self.rule, day):
            return None
        start, end = self.regular(day)
        if day not in self.moved:
            return Occurrence(day, start, start, end)
        return Occurrence(day, start, *(self.moved[day] or (start, end)), exception=True)

    def between(self, start: datetime, end: datetime) -> Iterator[Occurrence]:
        """The occurrences that touch `start` … `end` (UTC, end exclusive), by original date. Exceptions are
        looked at where they are now, wherever the rule had put them."""
        span = self.end - self.start + timedelta(days=1)
        first = _day(start, self.zone, -span)
        last = _day(end, self.zone, timedelta(days=1))
        days = [d for d in patterns.dates(self.rule, first, last) if d not in self.moved] + list(self.moved)
        for day in sorted(days):
            found = self.occurrence(day) if day in self.moved else self._plain(day)
            if found and found.start < end and (found.end > start or found.start == found.end == start):
                yield found

    def first(self) -> Occurrence | None:
        """The first occurrence that is not cancelled."""
        day = patterns.next_date(self.rule, self.rule.start - timedelta(days=1), without=self.cancelled)
        return None if day is None else self.occurrence(day)

    def last_end(self) -> datetime | None:
        """When the last occurrence is over (UTC); None for a never-ending series."""
        day = patterns.last_date(self.rule)
        if day is None:
            return None
        ends = [moved[1] for moved in self.moved.values() if moved]
        return max([self.regular(day)[1], *ends])

    def check_exception(self, day: date, start: datetime, end: datetime) -> None:
        """Raises RecurrenceError where Exchange does not let an occurrence go to `start` … `end` (UTC): onto
        or past the day of a neighbour, or into the next one's time (Graph facts §4.4, EWS facts §2.6)."""
        there = zones.to_local(start, self.zone).date()
        before = patterns.previous_date(self.rule, day, without=self.cancelled)
        after = patterns.next_date(self.rule, day, without=self.cancelled)
        if (before is not None and there <= self._day_now(before)) or (
            after is not None and there >= self._day_now(after)
        ):
            raise RecurrenceError(
                "ErrorOccurrenceCrossingBoundary",
                "The occurrence would be on or past the day of its neighbour.",
            )
        following = self.occurrence(after) if after is not None else None
        if following is not None and end > following.start:
            raise RecurrenceError(
                "ErrorOccurrenceTimeSpanTooBig", "The occurrence would overlap the one that follows it."
            )

    def _plain(self, day: date) -> Occurrence | None:
        if day in self.cancelled:
            return None
        start, end = self.regular(day)
        return Occurrence(day, start, start, end)

    def _day_now(self, day: date) -> date:
        moved = self.moved.get(day)
        return zones.to_local(moved[0], self.zone).date() if moved else day


@lru_cache(maxsize=65536)
def _instant(local: datetime, zone: str) -> datetime:
    return zones.to_utc(local, zone)


def _day(instant: datetime, zone: str, shift: timedelta) -> date:
    """The local date of an instant moved by `shift`, kept inside the calendar."""
    try:
        return zones.to_local(instant + shift, zone).date()
    except OverflowError:
        return date.min if shift < timedelta(0) else date.max


def series_of(item: Item) -> Series:
    """The layout of a stored series. Raises RecurrenceError for an item without a recurrence Exchange holds."""
    zone = item.start_zone
    length = item.end - item.start
    moved: dict[date, Span | None] = {}
    for day, exception in item.exceptions.items():
        start = exception.fields.start
        moved[day] = None if start is None else (start, exception.fields.end or start + length)
    return Series(
        rule=patterns.rule_of(item.recurrence or {}),
        zone=zone,
        start=zones.to_local(item.start, zone),
        end=zones.to_local(item.end, zone),
        moved=moved,
        cancelled=frozenset(item.cancelled),
    )


def occurrences(item: Item, start: datetime, end: datetime) -> Iterator[Occurrence]:
    """The occurrences of a stored series that touch `start` … `end` (UTC, end exclusive)."""
    return series_of(item).between(start, end)


def ends(item: Item) -> datetime | None:
    """What `Store.save(ends=…)` wants of a series: when its last occurrence is over; None if never."""
    return series_of(item).last_end() if item.recurrence else None


def align(item: Item) -> None:
    """Moves a series' start and end to its first date by the rule, as Exchange does when it saves a master.
    Raises RecurrenceError, also where the rule has no date at all."""
    series = series_of(item)
    first = patterns.first_date(series.rule)
    if first is None:
        raise RecurrenceError("ErrorRecurrenceHasNoOccurrence", "The recurrence has no occurrence in its range.")
    if first != series.start.date():
        item.start, item.end = series.regular(first)


__all__ = ["Occurrence", "RecurrenceError", "Series", "align", "ends", "occurrences", "series_of"]
