"""RFC 5545 recurrence rules as the recurrences Exchange holds, or the reason why it cannot hold one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

from samklang.sandbox import patterns, zones
from samklang.sandbox.patterns import DAYS, RecurrenceError

_DAYS = {"MO": 0, "TU": 1, "WE": 2, "TH": 3, "FR": 4, "SA": 5, "SU": 6}
_INDEX = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}
_KNOWN = frozenset(("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"))
_LOOKED_AT = 500  # dates compared where Exchange reads a rule otherwise than RFC 5545


class RejectedError(ValueError):
    """What Exchange cannot hold; the text says why."""


def recurrence_of(rrule: Mapping[str, Any], start: datetime, zone: str) -> dict[str, Any]:
    """The recurrence of a rule, as a document of `Item.recurrence`. `start` is the first date's wall clock time in
    `zone`. Raises RejectedError."""
    parts = {str(key).upper(): _values(value) for key, value in rrule.items()}
    unknown = sorted(set(parts) - _KNOWN)
    if unknown:
        raise RejectedError(f"the rule has {', '.join(unknown)}, which Exchange cannot express")
    frequency = str(parts["FREQ"][0]).upper() if parts.get("FREQ") else ""
    make = {"DAILY": _daily, "WEEKLY": _weekly, "MONTHLY": _monthly, "YEARLY": _yearly}.get(frequency)
    if make is None:
        raise RejectedError(f"Exchange knows no {frequency or 'rule without'} frequency")
    pattern = make(_Parts(parts, start.date()))
    pattern["interval"] = int(parts.get("INTERVAL", [1])[0])
    if frequency == "YEARLY" and pattern["interval"] != 1:
        raise RejectedError("Exchange cannot express a yearly INTERVAL")
    pattern.setdefault("firstDayOfWeek", DAYS[_DAYS[str(parts.get("WKST", ["MO"])[0]).upper()]])
    recurrence = {"pattern": pattern, "range": _range(parts, start, zone)}
    _check(recurrence, parts, start.date())
    return recurrence


def _values(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


class _Parts:
    """The BY… parts of a rule, each taken once; what is left over was not understood."""

    def __init__(self, parts: Mapping[str, list[Any]], start: date) -> None:
        self.start = start
        self.days = [str(day).upper() for day in parts.get("BYDAY", [])]
        self.month_days = [int(day) for day in parts.get("BYMONTHDAY", [])]
        self.months = [int(month) for month in parts.get("BYMONTH", [])]
        self.positions = [int(position) for position in parts.get("BYSETPOS", [])]

    def none_of(self, **names: list[Any]) -> None:
        for name, values in names.items():
            if values:
                raise RejectedError(f"Exchange cannot express {name.upper()} here")

    def plain_days(self) -> list[str]:
        if any(day not in _DAYS for day in self.days):
            raise RejectedError("Exchange cannot express numbered BYDAY here")
        return [DAYS[_DAYS[day]] for day in self.days]

    def month_day(self) -> int:
        if len(self.month_days) > 1:
            raise RejectedError("Exchange cannot express several BYMONTHDAY")
        day = self.month_days[0] if self.month_days else self.start.day
        if day == -1:
            return 31  # Exchange's day 31 is the last day of every month
        if day < 1:
            raise RejectedError("Exchange cannot count BYMONTHDAY from the end")
        return day

    def relative(self) -> dict[str, Any]:
        """ "The second Tuesday", or "the first of Monday to Friday"."""
        if len(self.days) == 1 and self.days[0] not in _DAYS:
            self.none_of(bysetpos=self.positions)
            number, names = self.days[0][:-2], [DAYS[_DAYS[self.days[0][-2:]]]]
        else:
            names = self.plain_days()
            if len(self.positions) != 1:
                raise RejectedError("Exchange cannot express BYDAY without one position")
            number = str(self.positions[0])
        if int(number) not in _INDEX:
            raise RejectedError(f"Exchange has no position {number}")
        return {"daysOfWeek": names, "index": _INDEX[int(number)]}


def _daily(parts: _Parts) -> dict[str, Any]:
    parts.none_of(byday=parts.days, bymonthday=parts.month_days, bymonth=parts.months, bysetpos=parts.positions)
    return {"type": "daily"}


def _weekly(parts: _Parts) -> dict[str, Any]:
    parts.none_of(bymonthday=parts.month_days, bymonth=parts.months, bysetpos=parts.positions)
    return {"type": "weekly", "daysOfWeek": parts.plain_days() or [DAYS[parts.start.weekday()]]}


def _monthly(parts: _Parts) -> dict[str, Any]:
    parts.none_of(bymonth=parts.months)
    if parts.days:
        parts.none_of(bymonthday=parts.month_days)
        return {"type": "relativeMonthly", **parts.relative()}
    parts.none_of(bysetpos=parts.positions)
    return {"type": "absoluteMonthly", "dayOfMonth": parts.month_day()}


def _yearly(parts: _Parts) -> dict[str, Any]:
    if len(parts.months) > 1:
        raise RejectedError("Exchange cannot express several BYMONTH")
    month = parts.months[0] if parts.months else parts.start.month
    if parts.days:
        parts.none_of(bymonthday=parts.month_days)
        if not parts.months:
            raise RejectedError("Exchange cannot express a yearly BYDAY without BYMONTH")
        return {"type": "relativeYearly", "month": month, **parts.relative()}
    parts.none_of(bysetpos=parts.positions)
    if parts.month_days and not parts.months:
        raise RejectedError("Exchange cannot express a yearly BYMONTHDAY without BYMONTH")
    day = parts.month_day()
    return {"type": "absoluteYearly", "month": month, "dayOfMonth": day}


def _range(parts: Mapping[str, list[Any]], start: datetime, zone: str) -> dict[str, Any]:
    limits: dict[str, Any] = {"startDate": start.date().isoformat(), "recurrenceTimeZone": zone}
    if "COUNT" in parts:
        return limits | {"type": "numbered", "numberOfOccurrences": int(parts["COUNT"][0])}
    if "UNTIL" not in parts:
        return limits | {"type": "noEnd"}
    end = _last_day(parts["UNTIL"][0], start, zone)
    if end > patterns.LAST_DATE:
        return limits | {"type": "noEnd"}
    return limits | {"type": "endDate", "endDate": end.isoformat()}


def _last_day(until: date | datetime, start: datetime, zone: str) -> date:
    """The last date on which an occurrence may start. An UNTIL without a time means that whole day."""
    if not isinstance(until, datetime):
        return until
    local = zones.to_local(until.astimezone(UTC), zone) if until.tzinfo else until
    return local.date() if start.time() <= local.time() else local.date() - timedelta(days=1)


def _check(recurrence: Mapping[str, Any], parts: Mapping[str, list[Any]], start: date) -> None:
    try:
        rule = patterns.rule_of(recurrence)
    except RecurrenceError as error:
        raise RejectedError(str(error)) from error
    if patterns.first_date(rule) != start:
        raise RejectedError("the start is no date of the rule")
    substitutes = rule.day > 28 and -1 not in [int(day) for day in parts.get("BYMONTHDAY", [])]
    if substitutes:
        looked_at = islice(patterns.dates(rule, rule.start, patterns.LAST_DATE), _LOOKED_AT)
        if any(day.day != rule.day for day in looked_at):
            raise RejectedError(f"Exchange takes the last day of months without a day {rule.day}, the rule skips them")
