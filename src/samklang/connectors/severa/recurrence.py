"""Severa's recurrence model <-> ours (Severa facts §1.8, ActivityRecurrenceModel)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from samklang.engine.model import Frequency, Recurrence, Weekday

_MONTHS = "January February March April May June July August September October November December".split(" ")  # noqa: SIM905
_ORDINALS = {"First": 1, "Second": 2, "Third": 3, "Fourth": 4, "Last": -1}
_WORKDAYS = tuple(Weekday(day) for day in range(5))
_WEEKEND = (Weekday.SATURDAY, Weekday.SUNDAY)
_EVERY_DAY = tuple(Weekday)
_OPTIONS: dict[str, tuple[Weekday, ...]] = {day.name.title(): (day,) for day in Weekday} | {
    "WeekDay": _WORKDAYS,
    "WeekendDay": _WEEKEND,
    "Day": _EVERY_DAY,
}


class NotARecurrence(ValueError):
    """The field named by the message is missing or not possible."""


def to_json(rule: Recurrence, start: date) -> dict[str, Any]:
    """A rule as Severa writes it. Interval of yearly rules and the week's start have no field there."""
    pattern: dict[str, Any]
    if rule.frequency is Frequency.DAILY:
        pattern = {"daily": {"interval": rule.interval, "everyWeekday": False}}
    elif rule.frequency is Frequency.WEEKLY:
        chosen = rule.weekdays or (Weekday(start.weekday()),)
        pattern = {"weekly": {"interval": rule.interval, **{day.name.lower(): day in chosen for day in Weekday}}}
    else:
        day: dict[str, Any] = {"dayOfMonth": rule.day_of_month, "dayOrdinal": None, "dayOrdinalOption": None}
        if rule.position is not None:
            day["dayOrdinal"] = next(name for name, value in _ORDINALS.items() if value == rule.position)
            day["dayOrdinalOption"] = next(n for n, days in _OPTIONS.items() if set(days) == set(rule.weekdays))
        elif rule.day_of_month is None:
            day["dayOfMonth"] = start.day
        if rule.frequency is Frequency.MONTHLY:
            pattern = {"monthly": {"interval": rule.interval, **day}}
        else:
            pattern = {"yearly": {"month": _MONTHS[(rule.month or start.month) - 1], **day}}
    return {
        "frequency": rule.frequency.value.title(),
        "pattern": pattern,
        "range": {"maxOccurrences": rule.count, "recursUntilDate": rule.until.isoformat() if rule.until else None},
    }


def from_json(value: Mapping[str, Any], start: date) -> Recurrence:
    """Raises NotARecurrence naming the field."""
    value = _object(value, "recurrence")
    try:
        frequency = Frequency(str(value["frequency"]).lower())
    except (KeyError, ValueError):
        raise NotARecurrence("recurrence.frequency is one of Daily, Weekly, Monthly, Yearly") from None
    patterns = _object(value.get("pattern") or {}, "recurrence.pattern")
    pattern = _object(patterns.get(frequency.value) or {}, f"recurrence.pattern.{frequency.value}")
    span = _object(value.get("range") or {}, "recurrence.range")
    rule = {**_range(span), "interval": _interval(pattern, frequency)}
    if frequency is Frequency.DAILY and pattern.get("everyWeekday"):
        return Recurrence(Frequency.WEEKLY, weekdays=_WORKDAYS, **{**rule, "interval": 1})
    if frequency is Frequency.WEEKLY:
        chosen = tuple(day for day in Weekday if pattern.get(day.name.lower()))
        return Recurrence(frequency, weekdays=chosen or (Weekday(start.weekday()),), **rule)
    if frequency in (Frequency.MONTHLY, Frequency.YEARLY):
        rule |= _day(pattern, start)
    if frequency is Frequency.YEARLY:
        month = str(pattern.get("month") or _MONTHS[start.month - 1]).title()
        if month not in _MONTHS:
            raise NotARecurrence("recurrence.pattern.yearly.month is the English name of a month")
        rule["month"] = _MONTHS.index(month) + 1
    return Recurrence(frequency, **rule)


def _object(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise NotARecurrence(f"{name} is an object")
    return value


def _range(value: Mapping[str, Any]) -> dict[str, Any]:
    count, until = value.get("maxOccurrences"), value.get("recursUntilDate")
    if count is not None and (not isinstance(count, int) or not 1 <= count <= 9999):
        raise NotARecurrence("recurrence.range.maxOccurrences is a number from 1")
    try:
        last = date.fromisoformat(str(until)[:10]) if until else None
    except ValueError:
        raise NotARecurrence("recurrence.range.recursUntilDate is a date") from None
    if count and last:
        raise NotARecurrence("recurrence.range has either maxOccurrences or recursUntilDate")
    return {"count": count, "until": last}


def _interval(pattern: Mapping[str, Any], frequency: Frequency) -> int:
    interval = pattern.get("interval") or 1
    if frequency is Frequency.YEARLY:
        return 1
    if not isinstance(interval, int) or not 1 <= interval <= 999:
        raise NotARecurrence(f"recurrence.pattern.{frequency.value}.interval is a number from 1 to 999")
    return interval


def _day(pattern: Mapping[str, Any], start: date) -> dict[str, Any]:
    ordinal, option = pattern.get("dayOrdinal"), pattern.get("dayOrdinalOption")
    if ordinal and option:
        if ordinal not in _ORDINALS or option not in _OPTIONS:
            raise NotARecurrence(
                "dayOrdinal is First to Fourth or Last, dayOrdinalOption a day, WeekDay, WeekendDay, Day"
            )
        return {"position": _ORDINALS[ordinal], "weekdays": _OPTIONS[option]}
    day = pattern.get("dayOfMonth") or start.day
    if not isinstance(day, int) or not 1 <= day <= 31:
        raise NotARecurrence("dayOfMonth is a number from 1 to 31")
    return {"day_of_month": day}
