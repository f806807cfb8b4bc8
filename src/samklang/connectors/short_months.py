"""What Exchange means by a day some months lack, in rules that mean the same dates to us. Pure.

Exchange takes the month's last day, our rules (RFC 5545) skip the month (EWS facts §2.6, Graph facts §4.4).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from samklang.engine.model import Frequency, Inexpressible, Recurrence
from samklang.engine.recurrence import EVERY_DAY, problem


def same_dates(rule: Recurrence, start: date) -> Recurrence | Inexpressible:
    """The rule as Exchange expands it. `start`: local date of the first occurrence.

    The 31st, and in a yearly rule every day its month may lack, is "the last day". The 29th and 30th of each month are
    no pattern of ours: "the last of the days 28 to 30", as text whose dates are known (rule 5.5).
    """
    if not _is_late(rule, start) or problem(rule, start) != "days_29_to_31":
        return rule
    if rule.frequency is Frequency.YEARLY or rule.day_of_month == 31:
        return replace(rule, weekdays=EVERY_DAY, position=-1, day_of_month=None)
    assert rule.day_of_month is not None
    last_days = ",".join(map(str, range(28, rule.day_of_month + 1)))
    text = f"FREQ=MONTHLY;INTERVAL={rule.interval};BYMONTHDAY={last_days};BYSETPOS=-1"
    if rule.count is not None:
        text += f";COUNT={rule.count}"
    if rule.until is not None:
        text += f";UNTIL={rule.until:%Y%m%d}"
    return Inexpressible("days_29_to_31", text)


def _is_late(rule: Recurrence, start: date) -> bool:
    """Whether it names a day that any month lacks. Asked first, of every series read: to know more is dear."""
    by_day = rule.frequency in (Frequency.MONTHLY, Frequency.YEARLY) and rule.position is None
    return by_day and (rule.day_of_month or start.day) > 28
