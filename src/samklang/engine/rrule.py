"""RRULE text (RFC 5545 §3.3.10) to the neutral rule and back.

Only what both sides can keep as a pattern is read as one (rule 5.1); everything else comes back as `Inexpressible`
with its reason and its text (rule 5.5). Nothing is ever approximated.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

from samklang.engine import times
from samklang.engine.model import AllDay, Frequency, Inexpressible, Recurrence, Weekday, When
from samklang.engine.recurrence import EVERY_DAY, explicit, problem

_CODES = {"MO": 0, "TU": 1, "WE": 2, "TH": 3, "FR": 4, "SA": 5, "SU": 6}
_NAMES = {Weekday(number): code for code, number in _CODES.items()}
_KNOWN = {"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "UNTIL", "COUNT", "WKST"}
_BY_TIME = {"BYHOUR", "BYMINUTE", "BYSECOND"}


class _Refused(ValueError):
    """Carries the reason code."""


def parse(text: str, when: When) -> Recurrence | Inexpressible:
    """The rule of a series whose first occurrence is at `when`.

    `text` is the value of one RRULE, with or without its name; several lines, RDATE or EXRULE are refused.
    Reasons: "invalid_rule", "rule_and_extra_dates", "sub_daily", "several_dates_of_month", "several_months",
    "position_set", "day_and_weekday", "every_weekday_of_month", "week_or_day_of_year", "yearly_interval",
    "days_29_to_31", "count_and_until", "interval_too_large", "ends_too_late", "no_occurrence".
    """
    text = text.strip()
    try:
        rule = _rule(_parts(text), when)
    except _Refused as refused:
        return Inexpressible(str(refused), text)
    except ValueError:
        return Inexpressible("invalid_rule", text)
    reason = problem(rule, times.local_day(when))
    return Inexpressible(reason, text) if reason else rule


def _parts(text: str) -> dict[str, str]:
    if "\n" in text or "RDATE" in text.upper() or "EXRULE" in text.upper():
        raise _Refused("rule_and_extra_dates")
    body = text.upper().removeprefix("RRULE:").removeprefix("RRULE").strip(";")
    parts: dict[str, str] = {}
    for piece in body.split(";"):
        name, equals, value = piece.partition("=")
        if not equals or not value or name in parts:
            raise _Refused("invalid_rule")
        parts[name] = value
    return parts


def _rule(parts: dict[str, str], when: When) -> Recurrence:
    frequency = parts.get("FREQ", "")
    if frequency in ("HOURLY", "MINUTELY", "SECONDLY") or parts.keys() & _BY_TIME:
        raise _Refused("sub_daily")
    if parts.keys() & {"BYWEEKNO", "BYYEARDAY"}:
        raise _Refused("week_or_day_of_year")
    if parts.keys() - _KNOWN:
        raise _Refused("invalid_rule")
    if "UNTIL" in parts and "COUNT" in parts:
        raise _Refused("count_and_until")
    count = int(parts["COUNT"]) if "COUNT" in parts else None
    interval = int(parts.get("INTERVAL", "1"))
    if interval < 1 or (count is not None and count < 1):
        raise _Refused("invalid_rule")
    rule = Recurrence(
        Frequency(frequency.lower()),
        interval=interval,
        week_start=Weekday(_code(parts.get("WKST", "MO"))),
        until=_until(parts["UNTIL"], when) if "UNTIL" in parts else None,
        count=count,
    )
    return _pattern(rule, parts, times.local_day(when))


def _pattern(rule: Recurrence, parts: dict[str, str], start: date) -> Recurrence:
    positions, weekdays = _by_day(parts.get("BYDAY", ""))
    set_positions = _numbers(parts.get("BYSETPOS", ""))
    month_days = _numbers(parts.get("BYMONTHDAY", ""))
    months = _numbers(parts.get("BYMONTH", ""))
    if any(not 1 <= month <= 12 for month in months) or any(not 1 <= abs(day) <= 31 for day in month_days):
        raise _Refused("invalid_rule")
    match rule.frequency:
        case Frequency.DAILY | Frequency.WEEKLY:
            return _daily_or_weekly(rule, positions | set(set_positions), weekdays, bool(months), bool(month_days))
        case Frequency.MONTHLY if months:
            raise _Refused("several_months")
        case Frequency.YEARLY:
            if len(months) > 1:
                raise _Refused("several_months")
            if rule.interval > 1:
                raise _Refused("yearly_interval")
            if not months and (month_days or weekdays):
                # Without a month these parts mean "in every month" or "of the year".
                raise _Refused("several_dates_of_month" if month_days else "week_or_day_of_year")
            rule = replace(rule, month=months[0] if months else start.month)
    return _monthly_or_yearly(rule, positions, weekdays, set_positions, month_days)


def _daily_or_weekly(
    rule: Recurrence, positions: set[int], weekdays: tuple[Weekday, ...], by_month: bool, by_month_day: bool
) -> Recurrence:
    if by_month:
        raise _Refused("several_months")
    if by_month_day:
        raise _Refused("day_and_weekday" if weekdays else "several_dates_of_month")
    if positions:
        raise _Refused("position_set")
    if not weekdays:
        return rule
    if rule.frequency is Frequency.DAILY:
        if rule.interval > 1:
            raise _Refused("day_and_weekday")
        return replace(rule, frequency=Frequency.WEEKLY, weekdays=weekdays)
    return replace(rule, weekdays=weekdays)


def _monthly_or_yearly(
    rule: Recurrence,
    positions: set[int],
    weekdays: tuple[Weekday, ...],
    set_positions: list[int],
    month_days: list[int],
) -> Recurrence:
    if len(month_days) > 1:
        raise _Refused("several_dates_of_month")
    if weekdays and month_days:
        raise _Refused("day_and_weekday")
    if month_days == [-1]:
        return replace(rule, position=-1, weekdays=EVERY_DAY)
    if month_days and month_days[0] < 0:
        raise _Refused("position_set")
    if month_days:
        return replace(rule, day_of_month=month_days[0])
    if not weekdays:
        if set_positions:
            raise _Refused("position_set")
        return rule
    if len(positions) + len(set_positions) != 1:
        raise _Refused("position_set" if positions or set_positions else "every_weekday_of_month")
    if positions and len(weekdays) > 1:
        raise _Refused("position_set")
    return replace(rule, position=(*positions, *set_positions)[0], weekdays=weekdays)


def _code(text: str) -> int:
    if text not in _CODES:
        raise _Refused("invalid_rule")
    return _CODES[text]


def _numbers(text: str) -> list[int]:
    return sorted({int(number) for number in text.split(",")}) if text else []


def _by_day(text: str) -> tuple[set[int], tuple[Weekday, ...]]:
    """Positions ("2MO" -> 2) and weekdays of a BYDAY; mixed positions are refused."""
    found = [(item[:-2], Weekday(_code(item[-2:]))) for item in text.split(",")] if text else []
    positions = {int(position) for position, _ in found if position}
    if positions and len({position for position, _ in found}) > 1:
        raise _Refused("position_set")
    return positions, tuple(sorted({day for _, day in found}))


def _until(text: str, when: When) -> date:
    """The last date on which an occurrence can still start (UNTIL is an instant, a wall time or a date)."""
    day = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    if len(text) == 8 or isinstance(when, AllDay):
        return day
    moment = datetime.combine(day, time.fromisoformat(text[9:15]))
    if text.endswith("Z"):
        moment = times.to_wall(moment.replace(tzinfo=UTC), when.zone)
    starts = times.to_wall(when.start, when.zone).time()
    return moment.date() if moment.time() >= starts else times.add_days(moment.date(), -1)


def text(rule: Recurrence, when: When) -> str:
    """The RRULE value of a series whose first occurrence is at `when`.

    UNTIL is a date for whole days, else the UTC instant at which an occurrence on the last date starts (RFC 5545
    asks for UTC when the start has a zone).
    """
    rule = explicit(rule, times.local_day(when))
    parts = [f"FREQ={rule.frequency.upper()}"]
    if rule.interval != 1:
        parts.append(f"INTERVAL={rule.interval}")
    if rule.month is not None:
        parts.append(f"BYMONTH={rule.month}")
    if rule.day_of_month is not None:
        parts.append(f"BYMONTHDAY={rule.day_of_month}")
    codes = [_NAMES[day] for day in rule.weekdays]
    if rule.position is not None and len(codes) == 1:
        parts.append(f"BYDAY={rule.position}{codes[0]}")
    elif codes:
        parts.append("BYDAY=" + ",".join(codes))
        if rule.position is not None:
            parts.append(f"BYSETPOS={rule.position}")
    if rule.week_start is not Weekday.MONDAY:
        parts.append(f"WKST={_NAMES[rule.week_start]}")
    if rule.count is not None:
        parts.append(f"COUNT={rule.count}")
    if rule.until is not None:
        parts.append(f"UNTIL={_until_text(rule.until, when)}")
    return ";".join(parts)


def _until_text(until: date, when: When) -> str:
    if isinstance(when, AllDay):
        return f"{until:%Y%m%d}"
    wall = datetime.combine(until, times.to_wall(when.start, when.zone).time())
    instant = times.to_instant(wall, when.zone)
    return f"{instant:%Y%m%dT%H%M%SZ}"
