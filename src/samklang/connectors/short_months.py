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

    The 31st, and in a yearly rule every day its month may lack, is "the last day"; the 29th and 30th of each month
    have no word.
    """
    if problem(rule, start) != "days_29_to_31":
        return rule
    if rule.frequency is Frequency.YEARLY or rule.day_of_month == 31:
        return replace(rule, weekdays=EVERY_DAY, position=-1, day_of_month=None)
    return Inexpressible("days_29_to_31", f"monthly;{rule.interval};day={rule.day_of_month}")
