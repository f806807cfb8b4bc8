"""Which dates of a series a write has to touch, and what of each; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from samklang.engine.canonical import fields, occurrence_of
from samklang.engine.model import Entry, FieldKey
from samklang.engine.recurrence import slot_days


def deviates(entry: Entry) -> bool:
    """Whether it has changed or cancelled dates."""
    return bool(entry.exceptions or entry.cancelled)


def to_complete(held: Entry, entry: Entry, asked: Mapping[date, frozenset[str]]) -> dict[date, frozenset[str]]:
    """What of a series' dates is to be written after its master: what was asked for, and what the server dropped."""
    wanted = frozenset(entry.exceptions) | entry.cancelled
    if wanted:
        wanted &= frozenset(slot_days(entry, min(wanted), max(wanted)))
    dropped = {
        day: own_names(entry, day)
        for day in wanted
        if (day not in held.cancelled if day in entry.cancelled else day not in held.exceptions)
    }
    # A date given back is as the series by now; one the new rule does not give has nothing left to write.
    still = {day: names for day, names in asked.items() if day in wanted or day in held.exceptions}
    return still | {day: names | still.get(day, frozenset()) for day, names in dropped.items()}


def dates_in(changed: Iterable[FieldKey]) -> dict[date, frozenset[str]]:
    """Field names by date; a date named as a whole (cancelled, given back) has no names of its own."""
    found: dict[date, set[str]] = {}
    for key in changed:
        day = occurrence_of(key)
        if day is not None:
            found.setdefault(day, set()).update({key[13:]} - {""})
    return {day: frozenset(names) for day, names in found.items()}


def own_names(entry: Entry, day: date) -> frozenset[str]:
    """Names of the fields a changed occurrence has of its own."""
    prefix = f"x:{day.isoformat()}:"
    return frozenset(key.removeprefix(prefix) for key in fields(entry) if key.startswith(prefix))
