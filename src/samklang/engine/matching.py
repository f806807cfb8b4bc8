"""First contact (rule 3.1): which existing activities and events are the same entry. Writes nothing, and is linear.

Six fields decide: title, start date, start time, end date, end time and recurrence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from samklang.engine import times
from samklang.engine.actions import NearMatch
from samklang.engine.canonical import canonical_title, digest, fields
from samklang.engine.model import AllDay, Entry, SeenActivity, SeenEvent, Side
from samklang.engine.recurrence import aligned
from samklang.engine.recurrence import canonical as canonical_rule
from samklang.engine.rules import Rules, seen_entry, shorten

FIELDS = ("title", "start_date", "start_time", "end_date", "end_time", "recurrence")

#: The values of FIELDS, in their order.
Six = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    pairs: tuple[tuple[SeenActivity, SeenEvent], ...]
    #: True duplicates that found no partner: created like any other entry, and reported.
    surplus: frozenset[tuple[Side, str]]
    near: tuple[NearMatch, ...]


def match(activities: Iterable[SeenActivity], events: Iterable[SeenEvent], rules: Rules) -> Matches:
    """Pairs with all six fields equal, the same whatever the order of the input.

    Among true duplicates those alike in everything else are paired first, then by id. One activity takes at most one
    event and the other way round.
    """
    theirs: dict[Six, list[SeenEvent]] = defaultdict(list)
    for event in sorted(events, key=lambda seen: seen.id):
        theirs[six_fields(event.entry, rules)].append(event)
    ours: dict[Six, list[SeenActivity]] = defaultdict(list)
    for activity in sorted(activities, key=lambda seen: seen.id):
        ours[six_fields(activity.entry, rules)].append(activity)

    pairs: list[tuple[SeenActivity, SeenEvent]] = []
    surplus: set[tuple[Side, str]] = set()
    for key in ours.keys() & theirs.keys():
        found = _paired(ours[key], theirs[key], rules)
        pairs.extend(found)
        taken = {activity.id for activity, _ in found}, {event.id for _, event in found}
        ours[key] = [one for one in ours[key] if one.id not in taken[0]]
        theirs[key] = [one for one in theirs[key] if one.id not in taken[1]]
        surplus.update((Side.PSA, one.id) for one in ours[key])
        surplus.update((Side.EXCHANGE, one.id) for one in theirs[key])
    pairs.sort(key=lambda pair: pair[0].id)
    return Matches(tuple(pairs), frozenset(surplus), tuple(_near(ours, theirs)))


def six_fields(entry: Entry, rules: Rules) -> Six:
    """The values rule 3.1 compares: title folded, timed entries by instant, whole days by date, the rule by pattern.

    Dates and times of day are told in the user's zone, where people see them; equal there is equal as instants. An
    event without a subject counts as having the title its activity would get, a long title ends where either side
    cuts it, and a series starts on the first date its rule gives.
    """
    limits = [limit for limit in (rules.psa_title_limit, rules.exchange_title_limit) if limit is not None]
    title = shorten(canonical_title(entry.title), min(limits, default=None)) or rules.no_subject
    title = " ".join(title.casefold().split())
    entry = aligned(entry)
    when = entry.when
    if isinstance(when, AllDay):
        return (title, when.first.isoformat(), "", when.end.isoformat(), "", _rule(entry))
    start, end = (times.to_wall(moment, rules.zone).replace(microsecond=0) for moment in (when.start, when.end))
    return (
        title,
        start.date().isoformat(),
        f"{start:%H:%M:%S}~{start.fold}",
        end.date().isoformat(),
        f"{end:%H:%M:%S}~{end.fold}",
        _rule(entry),
    )


def _rule(entry: Entry) -> str:
    if entry.recurrence is None:
        return ""
    rule = canonical_rule(entry.recurrence, times.local_day(entry.when))
    if isinstance(entry.when, AllDay):
        return rule
    return f"{rule}@{times.to_wall(entry.when.start, entry.when.zone):%H:%M:%S}"


def _paired(
    activities: list[SeenActivity], events: list[SeenEvent], rules: Rules
) -> list[tuple[SeenActivity, SeenEvent]]:
    if len(activities) == len(events) == 1:
        return [(activities[0], events[0])]
    alike: dict[str, list[SeenEvent]] = defaultdict(list)
    for event in reversed(events):
        alike[digest(fields(seen_entry(event, rules)))].append(event)
    found = []
    unpaired = []
    for activity in activities:
        same = alike[digest(fields(seen_entry(activity, rules)))]
        if same:
            found.append((activity, same.pop()))
        else:
            unpaired.append(activity)
    rest = sorted((event for same in alike.values() for event in same), key=lambda event: event.id)
    return found + list(zip(unpaired, rest, strict=False))


def _near(ours: dict[Six, list[SeenActivity]], theirs: dict[Six, list[SeenEvent]]) -> Iterable[NearMatch]:
    """Pairs of what is left with five of the six equal; every entry in one at most."""
    for index, name in enumerate(FIELDS):
        waiting: dict[Six, list[tuple[Six, SeenEvent]]] = defaultdict(list)
        for key in sorted(theirs, reverse=True):
            for event in reversed(theirs[key]):
                waiting[key[:index] + key[index + 1 :]].append((key, event))
        for key in sorted(ours):
            five = key[:index] + key[index + 1 :]
            for activity in list(ours[key]):
                if waiting[five]:
                    other, event = waiting[five].pop()
                    ours[key].remove(activity)
                    theirs[other].remove(event)
                    yield NearMatch(activity.id, event.id, name)
