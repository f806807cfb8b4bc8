"""A series the other side cannot express, as single entries inside a horizon that moves forward (rule 5.5). Pure.

Towards plan and links such a series does not exist. Each of its occurrences is an entry of its own, a *part*, whose id
names the series and the original date; so parts are matched, created, merged, kept apart and counted as single entries
are, and a crash, a retry or an undo treats them as such. What shall be done to a part is done to its occurrence: an
edit makes an exception, a removal cancels (`sync.singly`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time

from samklang.engine import recurrence, ruletext, times
from samklang.engine.canonical import occurrence_key
from samklang.engine.model import Entry, FieldKey, Inexpressible, Link, Occurrence, Side

#: How far ahead occurrences become single entries.
HORIZON_YEARS = 2

#: What `recurrence.problem` says of rules that are valid, at most one occurrence a day, and no pattern of both sides.
SINGLY = frozenset(
    {
        "several_dates_of_month",
        "several_months",
        "position_set",
        "day_and_weekday",
        "every_weekday_of_month",
        "week_or_day_of_year",
        "yearly_interval",
        "days_29_to_31",
        "interval_too_large",
        "ends_too_late",
        "rule_and_extra_dates",
    }
)

_PART = re.compile(r"(.+)#(\d{4}-\d{2}-\d{2})", re.DOTALL)


# --- names ----------------------------------------------------------------------------------------------------------


def part_id(whole: str, day: date) -> str:
    """The id of the occurrence of an original date."""
    return f"{whole}#{day.isoformat()}"


def whole_id(entry_id: str) -> str:
    """The id of the series a part belongs to; of anything else its own."""
    found = _PART.fullmatch(entry_id)
    return found[1] if found else entry_id


def day_of(entry_id: str) -> date | None:
    """The original date of a part; None for an id that names no part."""
    found = _PART.fullmatch(entry_id)
    return date.fromisoformat(found[2]) if found else None


def family(link: Link) -> tuple[Side, str]:
    """What links of the parts of one series have in common: a series counts as one entry (rule 8.3)."""
    for side, entry_id in ((Side.PSA, link.psa_id), (Side.EXCHANGE, link.item_id)):
        if entry_id is not None and day_of(entry_id) is not None:
            return side, whole_id(entry_id)
    return Side.PSA, f"link {link.id}"


# --- taking apart ---------------------------------------------------------------------------------------------------


def horizon(now: datetime, started_on: date, zone: str) -> tuple[date, date]:
    """First and last original date that becomes a single entry: from the cut-off of rule 3.3, which is kept for good,
    to two years from now."""
    today = times.to_wall(now, zone).date()
    # 29 February plus two years is the 28th.
    day = today.day if (today.month, today.day) != (2, 29) else 28
    year = min(today.year + HORIZON_YEARS, date.max.year)
    return times.add_days(started_on, -times.CUT_OFF.days), today.replace(year=year, day=day)


def is_inexpressible(entry: Entry) -> bool:
    """Whether the series is valid, but no pattern of both sides."""
    if entry.recurrence is None:
        return False
    return recurrence.problem(entry.recurrence, times.local_day(entry.when)) in SINGLY


def starts(entry: Entry) -> date:
    """The date of the first occurrence."""
    return times.local_day(entry.when)


def parts(entry: Entry, first: date, last: date) -> Mapping[date, Entry] | None:
    """The occurrences of original dates `first` to `last`, inclusive, as single entries; cancelled ones left out.

    None when nobody knows the dates of the rule, or two fall on one day, where nothing tells them apart.
    """
    regular = _dates(entry, first, last)
    if regular is None:
        return None
    changed = {day for day in entry.exceptions if first <= day <= last}
    return {day: single(entry, day) for day in sorted((regular | changed) - entry.cancelled)}


def single(entry: Entry, day: date) -> Entry:
    """The occurrence of an original date as an entry of its own."""
    one = recurrence.occurrence(entry, day)
    return replace(
        entry,
        title=one.title,
        when=one.when,
        place=one.place,
        text=one.text,
        sensitivity=one.sensitivity,
        availability=one.availability,
        recurrence=None,
        exceptions={},
        cancelled=frozenset(),
    )


def _dates(entry: Entry, first: date, last: date) -> set[date] | None:
    rule = entry.recurrence
    if not isinstance(rule, Inexpressible):
        return set(recurrence.slot_days(entry, first, last))
    if not ruletext.is_readable(rule.rule, entry.when):
        return None
    found: set[date] = set()
    for moment in ruletext.moments(rule.rule, entry.when, datetime.combine(last, time.max)):
        if moment.date() in found:
            return None
        found.add(moment.date())
    return {day for day in found if day >= first}


# --- putting back ---------------------------------------------------------------------------------------------------


def with_part(whole: Entry, day: date, part: Entry, keys: frozenset[FieldKey]) -> tuple[Entry, frozenset[FieldKey]]:
    """The series with one occurrence as `part` has it in the fields `keys`, and the keys of the series to write."""
    one = Occurrence(part.title, part.when, part.place, part.text, part.sensitivity, part.availability)
    changed = replace(whole, exceptions={**whole.exceptions, day: one}, cancelled=whole.cancelled - {day})
    return changed, frozenset(occurrence_key(day, name) for name in keys - {"recurrence"})


def without_part(whole: Entry, day: date) -> tuple[Entry, frozenset[FieldKey]]:
    """The series with one occurrence cancelled, and the key to write."""
    return replace(whole, cancelled=whole.cancelled | {day}), frozenset({occurrence_key(day)})
