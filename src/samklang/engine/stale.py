"""Exceptions a changed pattern no longer gives: those to come are dropped, those over become single entries (5.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from samklang.engine import recurrence, times
from samklang.engine.actions import Detach
from samklang.engine.canonical import CANCELLED, known_days, occurrence_key, occurrence_of
from samklang.engine.changes import Pair
from samklang.engine.context import Context
from samklang.engine.model import Entry, LinkStatus, Occurrence, Recurrence, Role, SeenActivity, SeenEvent
from samklang.engine.rules import seen_entry, wanted_activity


def detached(pair: Pair, written: Entry | None, context: Context) -> Iterator[Detach]:
    """Single entries to be made of what was an exception of a series; `written`: the activity as it will be written,
    None when it stays as it is.

    A date a new series of the same run has went there ("this and following"). Its owner's mailbox does it, for all.
    """
    activity, event = pair.activity, pair.event
    if activity is None:
        return
    after = written or seen_entry(activity, context.rules)
    if not isinstance(after.recurrence, Recurrence) or pair.link.role not in (Role.OWNER, Role.ORGANIZER):
        return
    held = {day for key in pair.link.base.psa if (day := occurrence_of(key)) is not None}
    stale = held.difference(known_days(after, frozenset(held)))
    sources = [seen_entry(activity, context.rules)]
    if event is not None and stale:
        sources.append(wanted_activity(event, context.rules, activity.type_id))
    for day in sorted(stale):
        one = next((entry.exceptions[day] for entry in sources if day in entry.exceptions), None)
        if one is None or pair.link.base.psa.get(occurrence_key(day)) == CANCELLED:
            continue
        if times.end_of(one.when, context.rules.zone) <= context.now and not _went_on(pair, day, context):
            yield Detach(pair.link, activity, day, _single(one, activity))


def _single(one: Occurrence, activity: SeenActivity) -> Entry:
    people = activity.entry.people
    return Entry(one.title, one.when, one.place, one.text, one.sensitivity, one.availability, people=people)


def _went_on(pair: Pair, day: date, context: Context) -> bool:
    joined = [link for link in context.seen.links if link.status is not LinkStatus.LEFT_OUT]
    linked = {entry_id for link in joined for entry_id in (link.psa_id, link.item_id)}
    new: Iterable[SeenActivity | SeenEvent] = (
        seen
        for side in (context.seen.activities, context.seen.events)
        for seen in side.values()
        if seen.entry.is_series and seen.id not in linked
    )
    return any(day in recurrence.slot_days(seen.entry, day, day) for seen in new)
