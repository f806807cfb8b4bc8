"""What editing a series means, as values: this occurrence, this and following, the whole series moved.

Days are the dates of original starts in the series' zone, as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from samklang.engine import times
from samklang.engine.model import Entry, Frequency, Inexpressible, Occurrence, Recurrence, Timed, Weekday, When
from samklang.engine.recurrence import explicit, last_slot, slot, slot_days

#: How far a neighbour is looked for: the longest gap two patterns both sides know can leave (29 February, yearly).
_SPANS = (40, 400, 8 * 366 + 1)


def is_slot(entry: Entry, day: date) -> bool:
    """Whether the series' rule gives this date; for a rule kept as text only its changed dates are known."""
    return day in entry.exceptions or day in entry.cancelled or bool(slot_days(entry, day, day))


def neighbours(entry: Entry, day: date) -> tuple[date | None, date | None]:
    """The occurrences right before and after one, by original date, cancelled ones left out."""
    before = after = None
    for span in _SPANS:
        if before is None:
            earlier = slot_days(entry, times.add_days(day, -span), times.add_days(day, -1))
            before = max((other for other in earlier if other not in entry.cancelled), default=None)
        if after is None:
            later = slot_days(entry, times.add_days(day, 1), times.add_days(day, span))
            after = min((other for other in later if other not in entry.cancelled), default=None)
    return before, after


def crosses_neighbour(entry: Entry, day: date, when: When) -> bool:
    """Whether an occurrence moved to `when` would stand on or past the day of a neighbour, or run into the next one.

    Exchange refuses that (ErrorOccurrenceCrossingBoundary, ErrorOccurrenceTimeSpanTooBig: EWS facts §2.6, Graph facts
    §4.4), so nobody may do it here either (rule 5.2).
    """
    before, after = neighbours(entry, day)
    there = times.local_day(when)
    if before is not None and there <= times.local_day(_when(entry, before)):
        return True
    if after is None:
        return False
    following = _when(entry, after)
    zone = entry.when.zone if isinstance(entry.when, Timed) else "UTC"
    return there >= times.local_day(following) or times.end_of(when, zone) > times.start_of(following, zone)


def _when(entry: Entry, day: date) -> When:
    changed = entry.exceptions.get(day)
    return changed.when if changed else slot(entry, day)


def is_over_and_done(entry: Entry) -> bool:
    """Whether every occurrence is cancelled."""
    rule = entry.recurrence
    if not isinstance(rule, Recurrence) or (rule.until is None and rule.count is None):
        return False
    if any(day not in entry.cancelled for day in entry.exceptions):
        return False
    return last_slot(rule, times.local_day(entry.when), entry.cancelled) is None


def moved(entry: Entry, day: date, when: When) -> tuple[When, Recurrence | Inexpressible | None]:
    """First occurrence and rule of the whole series when its occurrence of `day` is dragged to `when`.

    The series moves by as many days; its time of day and length become those of `when`. A rule that names the days
    names the new ones then.
    """
    days = (times.local_day(when) - day).days
    first = times.add_days(times.local_day(entry.when), days)
    start = slot(replace(entry, when=when), first)
    rule = entry.recurrence
    if isinstance(rule, Recurrence) and days:
        rule = _turned(explicit(rule, times.local_day(entry.when)), first, days)
    return start, rule


def _turned(rule: Recurrence, first: date, days: int) -> Recurrence:
    until = rule.until and times.add_days(rule.until, days)
    if rule.frequency is Frequency.DAILY:
        return replace(rule, until=until)
    if rule.frequency is Frequency.WEEKLY:
        weekdays = tuple(sorted(Weekday((weekday + days) % 7) for weekday in rule.weekdays))
        return replace(rule, weekdays=weekdays, until=until)
    month = first.month if rule.frequency is Frequency.YEARLY else None
    if rule.position is None:
        return replace(rule, day_of_month=first.day, month=month, until=until)
    position = -1 if times.add_days(first, 7).month != first.month else (first.day - 1) // 7 + 1
    return replace(rule, position=position, weekdays=(Weekday(first.weekday()),), month=month, until=until)


def split(entry: Entry, day: date) -> tuple[Entry, Entry]:
    """The series shortened to what is before `day`, and the series of the rest (rule 5.4, "this and following").

    `day` must be a date of the rule, and not its first.
    """
    rule = entry.recurrence
    assert isinstance(rule, Recurrence)
    begun = times.local_day(entry.when)
    rule = explicit(rule, begun)
    earlier = slot_days(entry, begun, times.add_days(day, -1))
    count = None if rule.count is None else rule.count - len(earlier)
    head = replace(
        entry,
        recurrence=replace(rule, until=earlier[-1], count=None),
        exceptions=_part(entry.exceptions.items(), begun, day),
        cancelled=frozenset(other for other in entry.cancelled if other < day),
    )
    tail = replace(
        entry,
        when=slot(entry, day),
        recurrence=replace(rule, count=count),
        exceptions=_part(entry.exceptions.items(), day, date.max),
        cancelled=frozenset(other for other in entry.cancelled if other >= day),
    )
    return head, tail


def _part(exceptions: Iterable[tuple[date, Occurrence]], first: date, end: date) -> dict[date, Occurrence]:
    return {day: changed for day, changed in exceptions if first <= day < end}
