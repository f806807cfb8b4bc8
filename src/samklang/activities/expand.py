"""What a calendar shows between two instants, also for repeat rules that are no pattern both sides know (rule 5.5).

The engine expands patterns; a rule kept as text (`Inexpressible`) may put two occurrences on one day, so our own pages
lay it out by its moments.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time

from samklang.engine import recurrence, ruletext, times
from samklang.engine.model import Entry, Inexpressible, Occurrence


def occurrences(entry: Entry, start: datetime, end: datetime, zone: str) -> list[tuple[date, Occurrence]]:
    """(original date, content) by time, as `engine.recurrence.occurrences`; whole days are reckoned in `zone`."""
    if not isinstance(entry.recurrence, Inexpressible):
        return recurrence.occurrences(entry, start, end, zone)
    found = []
    for day, shown in _candidates(entry, entry.recurrence.rule, end, zone):
        begins, ends = times.start_of(shown.when, zone), times.end_of(shown.when, zone)
        if begins < end and (ends > start or begins == ends == start):
            found.append((begins, day, shown))
    return [(day, shown) for _, day, shown in sorted(found, key=lambda item: item[:2])]


def _candidates(entry: Entry, rule: str, end: datetime, zone: str) -> Iterator[tuple[date, Occurrence]]:
    horizon = datetime.combine(times.add_days(times.to_wall(end, zone).date(), 2), time())
    regular = recurrence.regular(entry)
    for moment in ruletext.moments(rule, entry.when, horizon):
        if moment.date() not in entry.cancelled and moment.date() not in entry.exceptions:
            yield moment.date(), replace(regular, when=ruletext.at(entry.when, moment))
    for day, changed in entry.exceptions.items():
        if day not in entry.cancelled:
            yield day, changed
