"""Making the occurrences of a series deviate as wanted (rules 5.2-5.4).

An occurrence has an id of its own: writing to it makes it an exception, deleting it removes the date. Only all that
deviates can be reset at once (Severa facts §1.8): so a changed one is made regular by its regular content, and to hold
a removed date again all is reset and the others are written once more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from datetime import date

from samklang.connectors.severa import wire, writing
from samklang.connectors.severa.client import SeveraClient
from samklang.connectors.severa.feed import Feed, as_query
from samklang.connectors.severa.findings import Findings
from samklang.connectors.severa.patching import Patching
from samklang.connectors.severa.schema import Activity, Whole
from samklang.engine import canonical, recurrence, times
from samklang.engine.model import Entry, FieldKey, Timed
from samklang.sync.errors import ItemError

#: Rounds of writing until the series must hold what is wanted.
_ROUNDS = 3


class Occurrences:
    """`zone`: the owner's."""

    def __init__(self, client: SeveraClient, patching: Patching, feed: Feed, findings: Findings, zone: str) -> None:
        self._client = client
        self._findings = findings
        self._patching = patching
        self._feed = feed
        self._zone = zone

    def make(self, whole: Whole, wanted: Entry) -> Whole:
        """The series with what deviates as `wanted` has it; one write for each date, and then it is read again.

        Raises ItemError("occurrence_not_kept") when Severa does not hold what was written.
        """
        for _ in range(_ROUNDS):
            held = wire.entry_of(whole, self._zone)
            keys = _differing(held, wanted)
            if not keys:
                return whole
            if any(day in held.cancelled and day not in wanted.cancelled for day in keys):
                self._client.delete(f"{_at(whole)}/exceptions")
                held = replace(held, exceptions={}, cancelled=frozenset())
                keys = _differing(held, wanted)
            self._write(whole, held, wanted, keys)
            activity = self._client.get(_at(whole), Activity)
            self._learn(activity, keys.keys() - wanted.cancelled)
            whole = self._feed.whole(activity, whole)
        if _differing(wire.entry_of(whole, self._zone), wanted):
            raise ItemError("occurrence_not_kept")
        return whole

    def _write(self, whole: Whole, held: Entry, wanted: Entry, keys: dict[date, frozenset[FieldKey]]) -> None:
        ids = {date.fromisoformat(day): one.guid for day, one in whole.exceptions.items()}
        ids = {day: guid for day, guid in ids.items() if day in held.exceptions}
        regular = [day for day in keys if day not in ids]
        ids |= self._regular(whole, held, regular) if regular else {}
        for day, names in sorted(keys.items()):
            if day not in ids:
                raise ItemError("occurrence_not_kept")
            if day in wanted.cancelled:
                self._client.remove(f"/activities/{ids[day]}")
                continue
            before, after = recurrence.occurrence(held, day), recurrence.occurrence(wanted, day)
            values = writing.replaced_of_occurrence(before, after, names, self._zone)
            self._patching.replace(ids[day], values)

    def _learn(self, series: Activity, changed: Collection[date]) -> None:
        """Whether a series lists the dates that were changed, or those alone that were removed."""
        if changed:
            missing = not set(wire.listed_dates(series, self._zone)).issuperset(changed)
            self._findings.note(only_removed_are_listed=missing)

    def _regular(self, whole: Whole, held: Entry, days: list[date]) -> dict[date, str]:
        """Ids of regular occurrences, by their date: they are listed for this alone, in the span asked for."""
        first, last = writing.days_between(days)
        span = [
            ("startDateTime", as_query(times.midnight(first, self._zone))),
            ("endDateTime", as_query(times.midnight(last, self._zone))),
        ]
        owner = wire.owner_of(whole.activity)
        query = [("recurrenceType", "Occurrence"), *span, *([("userGuids", owner)] if owner else [])]
        zone = held.when.zone if isinstance(held.when, Timed) else self._zone
        found = {}
        for page in self._client.rows("/activities", Activity, query):
            for one in page:
                if one.recurrence_parent_activity_guid == whole.activity.guid:
                    found[times.local_day(wire.when_of(one, zone))] = one.guid
        return {day: found[day] for day in days if day in found}


def _differing(held: Entry, wanted: Entry) -> dict[date, frozenset[FieldKey]]:
    """Names of the fields to be written, by original date."""
    keys = canonical.changed_keys(canonical.fields(held), canonical.fields(wanted))
    found: dict[date, set[FieldKey]] = defaultdict(set)
    for key in keys:
        day = canonical.occurrence_of(key)
        if day is not None:
            found[day].add(canonical.field_name(key) if len(key) > len("x:2026-03-02") else "cancelled")
    return {day: frozenset(names) for day, names in found.items()}


def _at(whole: Whole) -> str:
    return f"/activities/{whole.activity.guid}"
