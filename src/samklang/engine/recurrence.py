"""What a repeat rule means: its dates, its times across clock changes, its end, and when two rules are the same.

A *slot* is a date the rule gives, in the series' own zone; it is the key of an exception or a cancelled occurrence.
Slots follow the wall clock (rule 6.1). RRULE text is the business of `rrule`.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import Literal

from dateutil.rrule import DAILY, FR, MO, MONTHLY, SA, SU, TH, TU, WE, WEEKLY, YEARLY, rrule, rrulestr

from samklang.engine import ruletext, times
from samklang.engine.model import (
    AllDay,
    Entry,
    Frequency,
    Inexpressible,
    Occurrence,
    Recurrence,
    Weekday,
    When,
)

EVERY_DAY = tuple(Weekday)
WORKDAYS = EVERY_DAY[:5]
WEEKEND = EVERY_DAY[5:]

#: What Exchange holds at most (EWS facts §2.6, Graph facts §4.4).
MAX_COUNT = 999
MAX_INTERVAL = {Frequency.DAILY: 999, Frequency.WEEKLY: 99, Frequency.MONTHLY: 99, Frequency.YEARLY: 1}
MAX_UNTIL = date(4500, 8, 31)

#: Days within which every rule that gives a date at all gives one.
_FAR = 40 * 366

#: Dates of a rule we cannot keep that are walked to find its end.
_MOST_READ = 10_000

_DAYS = (MO, TU, WE, TH, FR, SA, SU)
_FREQUENCY: dict[Frequency, Literal[0, 1, 2, 3]] = {
    Frequency.DAILY: DAILY,
    Frequency.WEEKLY: WEEKLY,
    Frequency.MONTHLY: MONTHLY,
    Frequency.YEARLY: YEARLY,
}


# --- one rule, one form ---------------------------------------------------------------------------------------------


def explicit(rule: Recurrence, start: date) -> Recurrence:
    """The rule with everything its start implies written out, and in its simplest spelling.

    Weekly without days means the start's weekday; monthly without a day the start's; "every day of the week" is
    daily; every 12 months is yearly; the week start is kept only where it decides something.
    """
    days = tuple(Weekday(day) for day in sorted(set(rule.weekdays)))
    match rule.frequency:
        case Frequency.DAILY:
            return replace(rule, weekdays=(), week_start=Weekday.MONDAY, day_of_month=None, position=None, month=None)
        case Frequency.WEEKLY:
            days = days or (Weekday(start.weekday()),)
            if rule.interval == 1 and days == EVERY_DAY:
                return explicit(replace(rule, frequency=Frequency.DAILY), start)
            moot = rule.interval == 1 or _weeks(days, start, rule.week_start) == _weeks(days, start, Weekday.MONDAY)
            week_start = Weekday.MONDAY if moot else rule.week_start
            return replace(rule, weekdays=days, week_start=week_start, day_of_month=None, position=None, month=None)
        case Frequency.MONTHLY if rule.interval == 12:
            return explicit(replace(rule, frequency=Frequency.YEARLY, interval=1, month=start.month), start)
    month = (rule.month or start.month) if rule.frequency is Frequency.YEARLY else None
    if rule.position is not None:
        day, weekdays = None, days or (Weekday(start.weekday()),)
    else:
        day, weekdays = rule.day_of_month or start.day, ()
    return replace(rule, weekdays=weekdays, week_start=Weekday.MONDAY, day_of_month=day, month=month)


def _weeks(days: tuple[Weekday, ...], start: date, first: Weekday) -> list[bool]:
    """Which of these days come before the start's in a week that begins on `first`: those are a week further on."""
    return [(day - first) % 7 < (start.weekday() - first) % 7 for day in days]


def within_limits(rule: Recurrence, start: date) -> Recurrence:
    """The rule with an end date in the place of a count no server holds (rule 5.6): the same dates."""
    if rule.count is None or rule.count <= MAX_COUNT or rule.until is not None or not _is_possible(rule):
        return rule
    last = _last_of_count(rule, start)
    return replace(rule, until=last, count=None) if last else rule


@lru_cache(maxsize=1024)
def _last_of_count(rule: Recurrence, start: date) -> date | None:
    return last_slot(rule, start)


def canonical(rule: Recurrence | Inexpressible, start: date) -> str:
    """Text that is equal for equal rules: pattern and range, without zone or time of day."""
    if isinstance(rule, Inexpressible):
        return f"?{rule.reason};{rule.rule}"
    rule = within_limits(explicit(rule, start), start)
    parts = [rule.frequency.value, str(rule.interval)]
    if rule.position is not None:
        parts.append(f"position={rule.position}")
    if rule.weekdays:
        parts.append("days=" + ",".join(day.name[:2] for day in rule.weekdays))
    if rule.week_start is not Weekday.MONDAY:
        parts.append(f"week={rule.week_start.name[:2]}")
    if rule.day_of_month is not None:
        parts.append(f"day={rule.day_of_month}")
    if rule.month is not None:
        parts.append(f"month={rule.month}")
    if rule.until is not None:
        parts.append(f"until={rule.until.isoformat()}")
    if rule.count is not None:
        parts.append(f"count={rule.count}")
    return ";".join(parts)


def problem(rule: Recurrence | Inexpressible, start: date) -> str | None:
    """Why the other side cannot keep this rule as a pattern (rule 5.5), as a code; None when it can."""
    if isinstance(rule, Inexpressible):
        return rule.reason
    rule = explicit(rule, start)
    if not _is_possible(rule):
        return "invalid_rule"
    if rule.until is not None and rule.count is not None:
        return "count_and_until"
    if rule.frequency is Frequency.YEARLY and rule.interval > 1:
        return "yearly_interval"
    if rule.interval > MAX_INTERVAL[rule.frequency]:
        return "interval_too_large"
    rule = within_limits(rule, start)
    if rule.until is not None and rule.until > MAX_UNTIL:
        return "ends_too_late"
    if rule.position is not None:
        grouped = len(rule.weekdays) == 1 or rule.weekdays in (EVERY_DAY, WORKDAYS, WEEKEND)
        if rule.position not in (1, 2, 3, 4, -1) or not grouped:
            return "position_set"
    if rule.day_of_month is not None and rule.day_of_month > 28 and _meets_a_short_month(rule, start):
        return "days_29_to_31"
    if next(days(rule, start, start, times.add_days(start, _FAR)), None) is None:
        return "no_occurrence"
    return None


def _meets_a_short_month(rule: Recurrence, start: date) -> bool:
    """Whether a month comes along that lacks the day: Exchange takes its last day then, RFC 5545 skips it."""
    assert rule.day_of_month is not None
    step = 12 if rule.month is not None else rule.interval
    month = (rule.month or start.month) - 1
    year = start.year
    # Four years of every month, or eight of one, meet each kind of February; a count may end it before.
    for _ in range(min(rule.count or 100, 100)):
        if year > 9999 or (rule.until and date(year, month + 1, 1) > rule.until):
            return False
        if monthrange(year, month + 1)[1] < rule.day_of_month:
            return True
        year, month = year + (month + step) // 12, (month + step) % 12
    return False


# --- dates ----------------------------------------------------------------------------------------------------------


def days(rule: Recurrence, start: date, first: date, last: date) -> Iterator[date]:
    """The rule's dates from `first` to `last`, both inclusive; none before `start`.

    A start the rule does not give is no occurrence: the first date that matches is (Exchange does the same).
    Without a count the walk begins near `first`, however long ago the series began.
    """
    first = max(first, start)
    last = min(last, rule.until or last)
    rule = explicit(rule, start)
    if first > last or not _is_possible(rule):
        return
    for moment in _dates(rule, start, first):
        day = moment.date()
        if day > last:
            return
        if day >= first:
            yield day


def _is_possible(rule: Recurrence) -> bool:
    """False for a rule that gives no date, however far one looks."""
    if rule.interval < 1 or (rule.count is not None and rule.count < 1) or not 1 <= (rule.month or 1) <= 12:
        return False
    longest = monthrange(2000, rule.month or 1)[1]
    return 1 <= (rule.day_of_month or 1) <= longest


def _dates(rule: Recurrence, start: date, first: date) -> rrule:
    begin = start if rule.count is not None else _near(rule, start, first)
    weekdays = [_DAYS[day] for day in rule.weekdays]
    if rule.position is not None and len(weekdays) == 1:
        weekdays = [weekdays[0](rule.position)]
    return rrule(
        _FREQUENCY[rule.frequency],
        dtstart=datetime.combine(begin, time()),
        interval=rule.interval,
        wkst=_DAYS[rule.week_start],
        count=rule.count,
        byweekday=weekdays or None,
        bymonthday=rule.day_of_month,
        bymonth=rule.month,
        bysetpos=rule.position if len(weekdays) > 1 else None,
    )


def _near(rule: Recurrence, start: date, first: date) -> date:
    """A date in a period the rule visits, not after `first` and not before `start`."""
    if rule.frequency is Frequency.DAILY:
        return first - timedelta(days=(first - start).days % rule.interval)
    if rule.frequency is Frequency.WEEKLY:
        into_week = (start.weekday() - rule.week_start) % 7
        weeks = ((first - start).days + into_week) // 7 // rule.interval * rule.interval
        return start if weeks == 0 else start + timedelta(days=7 * weeks - into_week)
    step = rule.interval * (12 if rule.frequency is Frequency.YEARLY else 1)
    months = (first.year - start.year) * 12 + first.month - start.month
    months = months // step * step
    if months == 0:
        return start
    total = start.year * 12 + start.month - 1 + months
    return date(total // 12, total % 12 + 1, 1)


def last_slot(rule: Recurrence, start: date, without: frozenset[date] = frozenset()) -> date | None:
    """The last date of a rule with an end that is not in `without`; None if there is none."""
    if rule.count is not None:
        final = None
        for day in days(rule, start, start, date.max):
            final = final if day in without else day
        return final
    assert rule.until is not None, "a never-ending rule has no last date"
    # From the end, in ever larger steps: a rule may end centuries from now.
    last, span = rule.until, 400
    while last >= start:
        first = times.add_days(last, -span)
        found = [day for day in days(rule, start, first, last) if day not in without]
        if found:
            return found[-1]
        if first <= start:
            return None
        last, span = times.add_days(first, -1), span * 2
    return None


def slot_days(entry: Entry, first: date, last: date) -> list[date]:
    """Dates of the series' pattern between two dates, inclusive, whether changed or cancelled or not.

    A single entry has its own date.
    """
    start = times.local_day(entry.when)
    if entry.recurrence is None:
        return [start] if first <= start <= last else []
    if isinstance(entry.recurrence, Inexpressible):
        found = ruletext.moments(entry.recurrence.rule, entry.when, datetime.combine(last, time.max))
        return sorted({moment.date() for moment in found if first <= moment.date()})
    return list(days(entry.recurrence, start, first, last))


def aligned(entry: Entry) -> Entry:
    """A series that starts on the first date its rule gives, as Exchange keeps it (Graph facts §4.4).

    A start off the rule is no occurrence, so this is the same series.
    """
    if not isinstance(entry.recurrence, Recurrence):
        return entry
    start = times.local_day(entry.when)
    first = next(days(entry.recurrence, start, start, times.add_days(start, _FAR)), start)
    if first == start:
        return entry
    return replace(entry, when=slot(entry, first), recurrence=explicit(entry.recurrence, start))


# --- times ----------------------------------------------------------------------------------------------------------


def slot(entry: Entry, day: date) -> When:
    """When the series' pattern puts the occurrence of a date: same wall clock and length as the first (rule 6.1)."""
    when = entry.when
    if isinstance(when, AllDay):
        return AllDay(day, times.add_days(day, (when.end - when.first).days))
    if isinstance(entry.recurrence, Inexpressible):
        extra = ruletext.extra_moment(entry.recurrence.rule, day)
        if extra is not None:
            return ruletext.at(when, extra)
    start = times.to_wall(when.start, when.zone)
    if day == start.date():
        return when
    length = times.to_wall(when.end, when.zone).replace(fold=0) - start.replace(fold=0)
    begin = datetime.combine(day, start.time().replace(fold=0))
    try:
        end = begin + length
    except OverflowError:
        end = begin
    starts = times.to_instant(begin, when.zone)
    # A length in wall time can turn negative where the clocks go back within it.
    return replace(when, start=starts, end=max(times.to_instant(end, when.zone), starts))


def occurrence(entry: Entry, day: date) -> Occurrence:
    """The content of one date as a reader sees it, changed or not."""
    return entry.exceptions.get(day) or replace(regular(entry), when=slot(entry, day))


def regular(entry: Entry) -> Occurrence:
    """What an occurrence takes from its series; at the time of the first."""
    return Occurrence(entry.title, entry.when, entry.place, entry.text, entry.sensitivity, entry.availability)


def occurrences(entry: Entry, start: datetime, end: datetime, zone: str = "UTC") -> list[tuple[date, Occurrence]]:
    """What a calendar shows between two instants: (original date, content), by time.

    Cancelled dates are left out, changed ones appear where they were moved to. Whole days are reckoned in the
    reader's `zone`. A single entry counts as its own only occurrence. Zero length at `start` is in.
    """
    length = times.end_of(entry.when, zone) - times.start_of(entry.when, zone)
    first = times.add_days(times.to_wall(start, zone).date(), -length.days - 2)
    last = times.add_days(times.to_wall(end, zone).date(), 2)
    candidates = {day for day in slot_days(entry, first, last) if day not in entry.cancelled}
    candidates.update(day for day in entry.exceptions if day not in entry.cancelled)
    found = []
    for day in candidates:
        shown = occurrence(entry, day)
        begins, ends = times.start_of(shown.when, zone), times.end_of(shown.when, zone)
        if begins < end and (ends > start or begins == ends == start):
            found.append((begins, day, shown))
    return [(day, shown) for _, day, shown in sorted(found, key=lambda item: item[:2])]


def last_end(entry: Entry, zone: str) -> datetime | None:
    """The instant after which the entry has no occurrence; None when it never ends.

    Exceptions and cancelled dates count. A series without any occurrence left ended with its first slot.
    """
    rule = entry.recurrence
    ends = [times.end_of(changed.when, zone) for day, changed in entry.exceptions.items() if day not in entry.cancelled]
    start = times.local_day(entry.when)
    if isinstance(rule, Inexpressible):
        last = _last_of_text(rule.rule, start)
        return times.end_of(slot(entry, last), zone) if last else None
    if rule is None:
        return times.end_of(entry.when, zone)
    if rule.until is None and rule.count is None:
        return None
    untouched = last_slot(rule, start, entry.cancelled | frozenset(entry.exceptions))
    if untouched is not None:
        ends.append(times.end_of(slot(entry, untouched), zone))
    return max(ends, default=times.end_of(entry.when, zone))


def has_future(entry: Entry, now: datetime, zone: str) -> bool:
    """True when some occurrence is not over at `now`."""
    end = last_end(entry, zone)
    return end is None or end > now


@lru_cache(maxsize=1024)
def _last_of_text(rule: str, start: date) -> date | None:
    """The last date of an RRULE we cannot keep, as far as its text tells; None: never-ending, or not an RRULE."""
    parts = dict(part.partition("=")[::2] for part in rule.upper().removeprefix("RRULE:").split(";"))
    try:
        if "UNTIL" in parts:
            return date.fromisoformat(parts["UNTIL"][:8])
        if "COUNT" in parts:
            dates = list(islice(rrulestr(rule, dtstart=datetime.combine(start, time())), _MOST_READ + 1))
            return dates[-1].date() if 0 < len(dates) <= _MOST_READ else None
    except (ValueError, TypeError):
        return None
    return None
