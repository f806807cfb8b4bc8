"""How a cancelled date comes back: its series is laid out anew. Pure.

Removed dates cannot be written (EWS facts §2.6); a changed pattern drops them, and the same pattern may be taken for
no change. So the rule is written in other words and then in its own; what deviates from it is written again after.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from samklang.engine import recurrence, times
from samklang.engine.model import Entry, Recurrence


def relaid(entry: Entry) -> Entry:
    """A series with the same dates by another range.

    Never-ending becomes "until the end of the century", harmless should the second write never come.
    """
    rule, start = entry.recurrence, times.local_day(entry.when)
    assert isinstance(rule, Recurrence)
    if rule.count is not None:
        other = replace(rule, count=None, until=recurrence.last_slot(rule, start))
    elif rule.until is not None:
        count = sum(1 for _ in recurrence.days(rule, start, start, rule.until))
        other = replace(rule, until=None, count=min(count, recurrence.MAX_COUNT))
    else:
        other = replace(rule, until=date(2099, 12, 31))
    return replace(entry, recurrence=other)
