"""Writing what deviates from a series: Graph takes exceptions and cancellations only one occurrence at a time, by the
occurrence's own id, and drops them all when the rule changes (Graph facts §4.4).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date

from samklang.connectors.graph.events import Events
from samklang.connectors.graph.writing import Json, occurrence_body
from samklang.engine import canonical, recurrence
from samklang.engine.model import Entry, FieldKey, Occurrence, SeenEvent
from samklang.sync.errors import ItemError, NotFound


def differing(held: Entry, wanted: Entry) -> frozenset[FieldKey]:
    """Keys of occurrences that must be written so that a series holds what is wanted."""
    keys = canonical.changed_keys(canonical.fields(held), canonical.fields(wanted))
    return frozenset(key for key in keys if canonical.occurrence_of(key))


def write_occurrences(events: Events, held: SeenEvent, wanted: Entry, keys: Collection[FieldKey]) -> SeenEvent:
    """Make the occurrences named by `keys` as `wanted` has them; one write each. Returns what the server holds.

    An occurrence the rule does not give, or which is gone, is passed over. Raises ItemError
    ("occurrence_crosses_neighbour", "occurrence_not_restorable").
    """
    cancel, change = _work(held.entry, wanted, keys, events.home)
    ids = dict(held.occurrence_ids)
    if missing := [day for day in (*cancel, *change) if day not in ids]:
        ids |= events.occurrence_ids(held, missing)
    version = held.version
    exceptions, cancelled = dict(held.entry.exceptions), set(held.entry.cancelled)
    # Cancellations first: an exception may have been moved to the day of one.
    for day in cancel:
        cancelled.add(day)
        exceptions.pop(day, None)
        try:
            if day in ids:
                events.client.delete(events.at(ids[day]))
        except NotFound:
            continue
    for day, body in change.items():
        if day in ids:
            answer = events.read_occurrence(events.client.patch(events.at(ids[day]), body), held)
            exceptions[day], version = answer
    ours = replace(held.entry, exceptions=exceptions, cancelled=frozenset(cancelled))
    now = events.get(held.id)
    if canonical.fields(now.entry) == canonical.fields(ours):
        return now
    # Somebody edited meanwhile: what we wrote is what we know, their edit shows in the next run (rule 7.5).
    return replace(held, entry=ours, version=version, occurrence_ids=ids)


def _work(held: Entry, wanted: Entry, keys: Collection[FieldKey], home: str) -> tuple[list[date], dict[date, Json]]:
    """Dates to cancel, and the bodies of those to change, both ascending."""
    names: dict[date, set[str]] = {}
    for key in keys:
        if day := canonical.occurrence_of(key):
            names.setdefault(day, set()).add(key[13:])
    cancel = sorted(day for day in names if day in wanted.cancelled and day not in held.cancelled)
    change = {}
    for day in sorted(names.keys() - wanted.cancelled):
        if day in held.cancelled:
            raise ItemError("occurrence_not_restorable", date=day.isoformat())
        content = recurrence.occurrence(wanted, day)
        if body := occurrence_body(content, names[day] | _availability(held, day, content), home):
            change[day] = body
    return cancel, change


def _availability(held: Entry, day: date, content: Occurrence) -> frozenset[str]:
    """Written when the exception is made; later changes by a person stay (rule 2)."""
    new = day not in held.exceptions and content.availability is not held.availability
    return frozenset({"availability"}) if new else frozenset()
