"""Exchange's own reading of a recurrence: six patterns, three ends (EWS facts §2.6, Graph facts §4.4).

A recurrence is kept as `{"pattern": {...}, "range": {...}}` in Graph's field names. Two things differ from
RFC 5545: a day 29-31 falls on the last day of a shorter month, and several weekdays in a relative pattern
mean "the n-th day that is any of them".

Everything here works on dates of the series' zone; `recurrence` puts times on them.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# EWS names for groups of days; Graph spells the days out.
GROUPS = {"day": DAYS, "weekday": DAYS[:5], "weekendday": DAYS[5:]}
INDEXES = ("first", "second", "third", "fourth", "last")
MAX_OCCURRENCES = 999
MAX_INTERVAL = {
    "daily": 999,
    "weekly": 99,
    "absoluteMonthly": 99,
    "relativeMonthly": 99,
    "absoluteYearly": 1,  # EWS has no field for it
    "relativeYearly": 1,
}
LAST_DATE = date(4500, 8, 31)  # Exchange's end of time


class RecurrenceError(ValueError):
    """A recurrence Exchange does not hold, with Exchange's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Rule:
    """A recurrence read from its document; hashable, so that counted ends are found once."""

    kind: str
    interval: int
    days: frozenset[int]  # 0 is Monday
    week_start: int
    day: int
    month: int
    index: str
    start: date
    until: date | None
    count: int | None

    @property
    def yearly(self) -> bool:
        return self.kind in ("absoluteYearly", "relativeYearly")

    def period_of(self, day: date) -> int:
        """The number of the period (day, week, month, year) that holds a date; 0 holds the start."""
        if self.kind == "daily":
            return (day - self.start).days // self.interval
        if self.kind == "weekly":
            return (day - self._first_week).days // (7 * self.interval)
        if self.yearly:
            return (day.year - self.start.year) // self.interval
        months = (day.year - self.start.year) * 12 + day.month - self.start.month
        return months // self.interval

    def period(self, number: int) -> list[date]:
        """The dates a period holds, ascending, even those before the start. Raises OverflowError."""
        if self.kind == "daily":
            return [self.start + timedelta(days=number * self.interval)]
        if self.kind == "weekly":
            week = self._first_week + timedelta(days=7 * self.interval * number)
            return [day for n in range(7) if (day := week + timedelta(days=n)).weekday() in self.days]
        if self.yearly:
            year, month = self.start.year + number * self.interval, self.month
        else:
            months = self.start.month - 1 + number * self.interval
            year, month = self.start.year + months // 12, months % 12 + 1
        if not 1 <= year <= LAST_DATE.year:
            raise OverflowError
        if self.kind in ("absoluteMonthly", "absoluteYearly"):
            return [date(year, month, min(self.day, monthrange(year, month)[1]))]
        return [self._nth_day(year, month)]

    @property
    def _first_week(self) -> date:
        return self.start - timedelta(days=(self.start.weekday() - self.week_start) % 7)

    def _nth_day(self, year: int, month: int) -> date:
        length = monthrange(year, month)[1]
        matching = [d for n in range(1, length + 1) if (d := date(year, month, n)).weekday() in self.days]
        return matching[-1 if self.index == "last" else INDEXES.index(self.index)]


def rule_of(recurrence: Mapping[str, Any]) -> Rule:
    """Reads a recurrence document. Raises RecurrenceError for one that Exchange refuses."""
    pattern, limits = recurrence.get("pattern") or {}, recurrence.get("range") or {}
    kind = _of(pattern.get("type"), MAX_INTERVAL, "pattern.type")
    interval = int(pattern.get("interval") or 0)
    if not 1 <= interval <= MAX_INTERVAL[kind]:
        raise _invalid(f"interval of a {kind} pattern must be 1 to {MAX_INTERVAL[kind]}")
    by_weekday = kind in ("weekly", "relativeMonthly", "relativeYearly")
    days = frozenset(_days(pattern.get("daysOfWeek") or []) if by_weekday else ())
    if by_weekday and not days:
        raise _invalid(f"a {kind} pattern needs daysOfWeek")
    absolute = kind in ("absoluteMonthly", "absoluteYearly")
    day = int(pattern.get("dayOfMonth") or 0) if absolute else 0
    if absolute and not 1 <= day <= 31:
        raise _invalid("dayOfMonth must be 1 to 31")
    month = int(pattern.get("month") or 0) if kind.endswith("Yearly") else 0
    if kind.endswith("Yearly"):
        if not 1 <= month <= 12:
            raise _invalid("month must be 1 to 12")
        if kind == "absoluteYearly" and day > monthrange(2000, month)[1]:
            raise _invalid("dayOfMonth does not exist in that month")
    return Rule(
        kind=kind,
        interval=interval,
        days=days,
        week_start=DAYS.index(_of(pattern.get("firstDayOfWeek") or "sunday", DAYS, "firstDayOfWeek")),
        day=day,
        month=month,
        index=_of(pattern.get("index") or "first", INDEXES, "index"),
        **_limits(limits),
    )


def _limits(limits: Mapping[str, Any]) -> dict[str, Any]:
    kind = _of(limits.get("type"), ("noEnd", "endDate", "numbered"), "range.type")
    start, until, count = _date(limits.get("startDate"), "startDate"), None, None
    if kind == "endDate":
        until = _date(limits.get("endDate"), "endDate")
        if until > LAST_DATE:
            raise RecurrenceError("ErrorRecurrenceEndDateTooBig", "It ends too far in the future.")
        if until < start:
            raise RecurrenceError("ErrorRecurrenceHasNoOccurrence", "The recurrence ends before it starts.")
    elif kind == "numbered":
        count = int(limits.get("numberOfOccurrences") or 0)
        if not 1 <= count <= MAX_OCCURRENCES:
            raise _invalid(f"numberOfOccurrences must be 1 to {MAX_OCCURRENCES}")
    return {"start": start, "until": until, "count": count}


def _days(names: Collection[str]) -> Iterator[int]:
    for name in names:
        for single in GROUPS.get(name.lower(), (name,)):
            yield DAYS.index(_of(single, DAYS, "daysOfWeek"))


def _of(value: Any, allowed: Collection[str], field: str) -> str:
    """The allowed spelling of a value, whose case does not matter."""
    for name in allowed:
        if isinstance(value, str) and name.lower() == value.lower():
            return name
    raise _invalid(f"{field} has no value {value!r}")


def _date(value: Any, field: str) -> date:
    try:
        return date.fromisoformat(str(value)[:10])  # EWS dates may carry an offset: the date part counts
    except ValueError:
        raise _invalid(f"{field} is no date") from None


def _invalid(message: str) -> RecurrenceError:
    return RecurrenceError("ErrorPropertyValidationFailure", f"The recurrence is not valid: {message}.")


def dates(rule: Rule, first: date, last: date) -> Iterator[date]:
    """The series' dates from `first` to `last`, both included, ascending. Jumps to `first`: a never-ending
    series costs the same in any century. Cancelled and moved occurrences are not considered."""
    if rule.count is not None:
        last = min(last, _counted(rule)[-1])
    if rule.until is not None:
        last = min(last, rule.until)
    first, last = max(first, rule.start), min(last, LAST_DATE)
    number = max(0, rule.period_of(first))
    while first <= last:
        try:
            period = rule.period(number)
        except OverflowError:
            return
        for day in period:
            if day > last:
                return
            if day >= first:
                yield day
        number += 1


@lru_cache(maxsize=4096)
def _counted(rule: Rule) -> tuple[date, ...]:
    assert rule.count is not None
    found: list[date] = []
    number = 0
    while len(found) < rule.count:
        try:
            period = rule.period(number)
        except OverflowError:
            break
        found += [day for day in period if day >= rule.start]
        number += 1
    return tuple(found[: rule.count]) or (rule.start,)


def contains(rule: Rule, day: date) -> bool:
    """Whether the rule has an occurrence on a date (of its zone)."""
    return next(dates(rule, day, day), None) is not None


def first_date(rule: Rule) -> date | None:
    """The date of the first occurrence; it may be later than the range's start. None: there is none."""
    return next(dates(rule, rule.start, LAST_DATE), None)


def last_date(rule: Rule) -> date | None:
    """The date of the last occurrence; None for a never-ending series and for one without occurrences."""
    if rule.count is not None:
        return _counted(rule)[-1]
    return None if rule.until is None else previous_date(rule, rule.until + timedelta(days=1))


def next_date(rule: Rule, day: date, without: Collection[date] = ()) -> date | None:
    """The first date after a given one that is not among `without`."""
    return next((d for d in dates(rule, day + timedelta(days=1), LAST_DATE) if d not in without), None)


def previous_date(rule: Rule, day: date, without: Collection[date] = ()) -> date | None:
    """The last date before a given one that is not among `without`."""
    if rule.count is not None:
        return next((d for d in reversed(_counted(rule)) if d < day and d not in without), None)
    end = min(day - timedelta(days=1), rule.until or LAST_DATE)
    if end < rule.start:
        return None
    for number in range(max(0, rule.period_of(end)), -1, -1):
        for found in reversed(rule.period(number)):
            if rule.start <= found <= end and found not in without:
                return found
    return None
