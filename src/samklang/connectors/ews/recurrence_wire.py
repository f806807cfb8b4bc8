"""Repeat rules on the wire: the six patterns and three ends of Exchange (EWS facts §2.6), and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from samklang.connectors.ews.dialect import Dialect
from samklang.connectors.ews.soap import Element, T, t
from samklang.connectors.short_months import same_dates
from samklang.engine.model import Frequency, Inexpressible, Recurrence, Weekday
from samklang.engine.recurrence import EVERY_DAY, WEEKEND, WORKDAYS, explicit, problem, within_limits
from samklang.sync import errors

_DAYS = {day.name.title(): day for day in Weekday}
_GROUPS = {"Day": EVERY_DAY, "Weekday": WORKDAYS, "WeekendDay": WEEKEND}
_POSITIONS = {"First": 1, "Second": 2, "Third": 3, "Fourth": 4, "Last": -1}
_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)

_DAY_NAMES = {day: name for name, day in _DAYS.items()}
_GROUP_NAMES = {days: name for name, days in _GROUPS.items()}
_POSITION_NAMES = {position: name for name, position in _POSITIONS.items()}


def read(element: Element) -> Recurrence | Inexpressible:
    """The rule in a Recurrence element. Raises ValueError or KeyError when it is none of the six by three."""
    pattern, end = element
    name = pattern.tag.removeprefix(T)
    found = {child.tag.removeprefix(T): child.text or "" for child in pattern}
    interval = int(found.get("Interval", "1"))
    match name:
        case "DailyRecurrence":
            rule = Recurrence(Frequency.DAILY, interval)
        case "WeeklyRecurrence":
            first = _DAYS[found.get("FirstDayOfWeek", "Sunday")]
            rule = Recurrence(Frequency.WEEKLY, interval, _weekdays(found["DaysOfWeek"]), first)
        case "AbsoluteMonthlyRecurrence":
            rule = Recurrence(Frequency.MONTHLY, interval, day_of_month=int(found["DayOfMonth"]))
        case "RelativeMonthlyRecurrence":
            position = _POSITIONS[found["DayOfWeekIndex"]]
            rule = Recurrence(Frequency.MONTHLY, interval, _weekdays(found["DaysOfWeek"]), position=position)
        case "AbsoluteYearlyRecurrence":
            month = _MONTHS.index(found["Month"]) + 1
            rule = Recurrence(Frequency.YEARLY, day_of_month=int(found["DayOfMonth"]), month=month)
        case "RelativeYearlyRecurrence":
            month, position = _MONTHS.index(found["Month"]) + 1, _POSITIONS[found["DayOfWeekIndex"]]
            rule = Recurrence(Frequency.YEARLY, 1, _weekdays(found["DaysOfWeek"]), position=position, month=month)
        case _:
            raise ValueError(name)
    return same_dates(_ended(rule, end), _date(end.findtext(T + "StartDate") or ""))


def _ended(rule: Recurrence, end: Element) -> Recurrence:
    until, count = end.findtext(T + "EndDate"), end.findtext(T + "NumberOfOccurrences")
    return Recurrence(
        rule.frequency,
        rule.interval,
        rule.weekdays,
        rule.week_start,
        rule.day_of_month,
        rule.position,
        rule.month,
        until=_date(until) if until else None,
        count=int(count) if count else None,
    )


def write(rule: Recurrence | Inexpressible, start: date, dialect: Dialect) -> Element:
    """The Recurrence element. `start`: local date of the first occurrence.

    Raises `Inexpressible` ("recurrence_inexpressible", with the reason of `engine.recurrence.problem`).
    """
    reason = problem(rule, start)
    if reason is not None or isinstance(rule, Inexpressible):
        raise errors.Inexpressible("recurrence_inexpressible", reason=str(reason))
    if not holds(rule, start, dialect):
        raise errors.Inexpressible("recurrence_inexpressible", reason="week_start")
    rule = within_limits(explicit(rule, start), start)
    return t("Recurrence", _pattern(rule, dialect), _end(rule, start))


def holds(rule: Recurrence, start: date, dialect: Dialect) -> bool:
    """Whether a server of this dialect has the rule's weeks: not where its own begin on another day, and that decides
    which dates it has. `start`: local date of the first occurrence."""
    if dialect.first_day_of_week:
        return True
    return explicit(rule, start) == explicit(replace(rule, week_start=Weekday.SUNDAY), start)


def _pattern(rule: Recurrence, dialect: Dialect) -> Element:
    interval = t("Interval", str(rule.interval))
    if rule.frequency is Frequency.DAILY:
        return t("DailyRecurrence", interval)
    if rule.frequency is Frequency.WEEKLY:
        days = t("DaysOfWeek", " ".join(_DAY_NAMES[day] for day in rule.weekdays))
        first = t("FirstDayOfWeek", _DAY_NAMES[rule.week_start]) if dialect.first_day_of_week else None
        return t("WeeklyRecurrence", interval, days, first)
    month = t("Month", _MONTHS[rule.month - 1]) if rule.month else None
    if rule.position is None:
        day = t("DayOfMonth", str(rule.day_of_month))
        if month is not None:
            return t("AbsoluteYearlyRecurrence", day, month)
        return t("AbsoluteMonthlyRecurrence", interval, day)
    days = t("DaysOfWeek", _GROUP_NAMES.get(rule.weekdays) or _DAY_NAMES[rule.weekdays[0]])
    position = t("DayOfWeekIndex", _POSITION_NAMES[rule.position])
    if month is not None:
        return t("RelativeYearlyRecurrence", days, position, month)
    return t("RelativeMonthlyRecurrence", interval, days, position)


def _end(rule: Recurrence, start: date) -> Element:
    first = t("StartDate", start.isoformat())
    if rule.until is not None:
        return t("EndDateRecurrence", first, t("EndDate", rule.until.isoformat()))
    if rule.count is not None:
        return t("NumberedRecurrence", first, t("NumberOfOccurrences", str(rule.count)))
    return t("NoEndRecurrence", first)


def _weekdays(names: str) -> tuple[Weekday, ...]:
    found: set[Weekday] = set()
    for name in names.split():
        found.update(_GROUPS.get(name) or (_DAYS[name],))
    return tuple(sorted(found))


def _date(text: str) -> date:
    """The date of an xs:date, which may come with an offset ("2026-01-05+01:00")."""
    return date.fromisoformat(text[:10])
