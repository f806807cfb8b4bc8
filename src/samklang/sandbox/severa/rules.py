"""A recurrence of Severa's as an RFC 5545 rule: `recurrenceRule`, and what its dates are counted with."""

from __future__ import annotations

from datetime import datetime

from samklang.sandbox.severa.call import invalid
from samklang.sandbox.severa.model import MONTHS, Daily, Monthly, Pattern, Recurrence, Weekly, Yearly

_WEEK = (("monday", "MO"), ("tuesday", "TU"), ("wednesday", "WE"), ("thursday", "TH"), ("friday", "FR"))
_DAYS = dict((*_WEEK, ("saturday", "SA"), ("sunday", "SU")))
_GROUPS = {"WeekDay": "MO,TU,WE,TH,FR", "WeekendDay": "SA,SU"}
_POSITIONS = {"First": 1, "Second": 2, "Third": 3, "Fourth": 4, "Last": -1}


def text_of(recurrence: Recurrence, *, last_day: bool) -> str:
    """The rule. `last_day`: a day 29 to 31 is the last one of shorter months, instead of none. Raises SeveraError for
    a recurrence without a meaning."""
    pattern = recurrence.pattern or Pattern()
    match recurrence.frequency:
        case "Daily":
            parts = _daily(pattern.daily or Daily())
        case "Weekly":
            parts = _weekly(pattern.weekly or Weekly())
        case "Monthly":
            monthly = pattern.monthly or Monthly()
            parts = ["FREQ=MONTHLY", f"INTERVAL={monthly.interval}", *_day_of_month(monthly, last_day=last_day)]
        case "Yearly":
            yearly = pattern.yearly or Yearly()
            month = f"BYMONTH={MONTHS.index(yearly.month) + 1}"
            parts = ["FREQ=YEARLY", month, *_day_of_month(yearly, last_day=last_day)]
    return ";".join([*parts, *_limits(recurrence)])


def _daily(daily: Daily) -> list[str]:
    if daily.every_weekday:
        return ["FREQ=WEEKLY", "INTERVAL=1", f"BYDAY={_GROUPS['WeekDay']}"]
    return ["FREQ=DAILY", f"INTERVAL={daily.interval or 1}"]


def _weekly(weekly: Weekly) -> list[str]:
    days = [short for name, short in _DAYS.items() if getattr(weekly, name)]
    if not days:
        raise invalid("A weekly recurrence needs a day of the week.", "recurrence.pattern.weekly")
    return ["FREQ=WEEKLY", f"INTERVAL={weekly.interval}", f"BYDAY={','.join(days)}", "WKST=MO"]


def _day_of_month(part: Monthly | Yearly, *, last_day: bool) -> list[str]:
    if part.day_ordinal and part.day_ordinal_option:
        position, option = _POSITIONS[part.day_ordinal], part.day_ordinal_option
        if option == "Day":
            return [f"BYMONTHDAY={position}"]
        return [f"BYDAY={_GROUPS.get(option) or _DAYS[option.lower()]}", f"BYSETPOS={position}"]
    day = part.day_of_month
    if day is None:
        raise invalid(
            "A recurrence by month needs dayOfMonth, or dayOrdinal and dayOrdinalOption.", "recurrence.pattern"
        )
    if day > 28 and last_day:
        return [f"BYMONTHDAY={','.join(map(str, range(28, day + 1)))}", "BYSETPOS=-1"]
    return [f"BYMONTHDAY={day}"]


def _limits(recurrence: Recurrence) -> list[str]:
    limits = recurrence.range
    if limits is None:
        return []
    if limits.recurs_until_date is not None:
        # The last day is one of the series' own zone, like every date of the rule: no Z.
        end = datetime.combine(limits.recurs_until_date, datetime.max.time())
        return [f"UNTIL={end:%Y%m%dT%H%M%S}"]
    return [] if limits.max_occurrences is None else [f"COUNT={limits.max_occurrences}"]
