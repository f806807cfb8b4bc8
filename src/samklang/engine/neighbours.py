"""Changed occurrences that got in the way of their neighbours (rule 5.2)."""

from __future__ import annotations

from datetime import date

from samklang.engine import recurrence, times
from samklang.engine.model import AllDay, Entry, Recurrence, Timed, When


def crossing(entry: Entry) -> frozenset[date]:
    """Changed occurrences Exchange does not let go where they are: onto or past the day of a neighbour, or into its
    time (rule 5.2; EWS facts §2.6, Graph facts §4.4). Cancelled occurrences are no neighbours."""
    if not isinstance(entry.recurrence, Recurrence):
        return frozenset()
    return frozenset(
        day
        for day, one in entry.exceptions.items()
        if day not in entry.cancelled and _moved(one.when, recurrence.slot(entry, day)) and _crosses(entry, day)
    )


def _moved(now: When, before: When) -> bool:
    return any(reach(now, "UTC") != reach(before, "UTC") for reach in (times.start_of, times.end_of))


def _crosses(entry: Entry, day: date) -> bool:
    one = entry.exceptions[day].when
    zone = entry.when.zone if isinstance(entry.when, Timed) else "UTC"
    here = _day_in(one, zone)
    start, end = times.start_of(one, zone), times.end_of(one, zone)
    before, after = _neighbour(entry, day, -1), _neighbour(entry, day, 1)
    if before is not None:
        other = recurrence.occurrence(entry, before).when
        if here <= _day_in(other, zone) or start < times.end_of(other, zone):
            return True
    if after is not None:
        other = recurrence.occurrence(entry, after).when
        if here >= _day_in(other, zone) or end > times.start_of(other, zone):
            return True
    return False


def _neighbour(entry: Entry, day: date, step: int) -> date | None:
    """The next (or previous) date of the series that is not cancelled."""
    span = 40
    edge = date.max if step > 0 else times.local_day(entry.when)
    while True:
        far = times.add_days(day, step * span)
        first, last = (times.add_days(day, 1), far) if step > 0 else (far, times.add_days(day, -1))
        found = [one for one in recurrence.slot_days(entry, first, last) if one not in entry.cancelled]
        if found:
            return found[0] if step > 0 else found[-1]
        if (far >= edge if step > 0 else far <= edge) or span > 400 * 366:
            return None
        span *= 4


def _day_in(when: When, zone: str) -> date:
    return when.first if isinstance(when, AllDay) else times.to_wall(when.start, zone).date()
