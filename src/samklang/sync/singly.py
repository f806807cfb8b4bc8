"""Both calendars seen so that no series stands in them which the other side cannot express (rule 5.5).

Each occurrence of such a series inside the horizon is an entry of its own (`engine.materialize`), in every answer of
the ports; what is written to it is written to the occurrence. The rest of the sync never meets the series itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Generic, TypeVar

from samklang.engine import materialize
from samklang.engine.canonical import changed_keys, digest, fields, occurrence_of
from samklang.engine.marks import is_absent
from samklang.engine.matching import six_fields
from samklang.engine.materialize import day_of, part_id, whole_id
from samklang.engine.model import Entry, FieldKey, Fields, LinkStatus, Mail, SeenActivity, SeenEvent, Side
from samklang.engine.people import is_about_people
from samklang.engine.rules import Rules
from samklang.sync.errors import ItemError, NotFound, VersionConflict
from samklang.sync.known import Known
from samklang.sync.parts import Parts
from samklang.sync.ports import Activities, ActivityPage, Calendar, EventPage

S = TypeVar("S", SeenActivity, SeenEvent)


def singly(parts: Parts, rules: Rules, known: Known) -> Parts:
    """The parts of a run with both calendars seen singly."""
    within = materialize.horizon(parts.now(), rules.started_on, rules.zone)

    def taker(side: Side) -> Callable[[str], bool]:
        return lambda whole: _is_taken_apart(known, side, whole, refused=rules.refuse_inexpressible)

    activities = SinglyActivities(
        parts.activities, within, taker(Side.PSA), lambda seen: not parts.calendar.holds(seen.entry)
    )
    beyond = partial(_is_beyond, known, activities, rules)
    calendar = SinglyCalendar(parts.calendar, within, taker(Side.EXCHANGE), beyond)
    return replace(parts, activities=activities, calendar=calendar)


def _is_taken_apart(known: Known, side: Side, whole: str, *, refused: bool) -> bool:
    """Not while a mark keeps the series itself apart (rule 4.9), nor where its user wants it refused. What was taken
    apart stays so."""
    link = known.link_of(side, whole)
    if link is not None and link.status is LinkStatus.UNLINKED and not is_absent(link, side):
        return False
    return not refused or any(day_of(entry_id) is not None for entry_id in known.family(side, whole))


def _is_beyond(known: Known, activities: SinglyActivities, rules: Rules, seen: SeenEvent) -> bool:
    """Whether this PSA cannot keep a series as its pattern, though both sides know such, or not one of its dates.

    One that is linked as a whole, or is about to be matched with one there, stays whole whatever its clock (its owner's
    zone may have changed since, rule 6.4) and the dates both sides had. So does a meeting, which is one entry in
    everybody's calendar: of that the date waits.
    """
    link = known.link_of(Side.EXCHANGE, seen.id)
    if link is not None and link.status is LinkStatus.CREATING:
        return False
    if link is not None and link.status is LinkStatus.LINKED:
        return not (seen.is_meeting or activities.holds_dates(_news(seen.entry, link.base.exchange)))
    if not activities.holds(seen.entry):
        return True
    if seen.is_meeting or activities.holds_dates(seen.entry):
        return False
    new = (one.entry for one in activities.listed_series if known.link_of(Side.PSA, one.id) is None)
    return six_fields(seen.entry, rules) not in (six_fields(entry, rules) for entry in new)


def _news(entry: Entry, known: Fields) -> Entry:
    """The series with those of its changed and cancelled dates alone that differ from what is known."""
    days = {occurrence_of(key) for key in changed_keys(known, fields(entry))}
    return replace(
        entry,
        exceptions={day: one for day, one in entry.exceptions.items() if day in days},
        cancelled=entry.cancelled & days,
    )


@dataclass
class _Apart(Generic[S]):
    """Takes the answers of one side apart, and remembers the series they came from."""

    within: tuple[date, date]
    may: Callable[[str], bool]
    #: Whether a series of a pattern both sides know is nevertheless none the other one can keep.
    beyond: Callable[[S], bool]

    def __post_init__(self) -> None:
        self._wholes: dict[str, S] = {}
        #: Ids of what was listed.
        self._listed: set[str] = set()

    def listed(self, seen: S) -> Sequence[S]:
        """What a listing shows in the place of an entry: itself, or its occurrences inside the horizon."""
        self._listed.add(seen.id)
        return self._shown(seen)

    def _shown(self, seen: S) -> Sequence[S]:
        first, last = self.within
        found = self._taken(seen, first, last)
        if found is None:
            return [seen]
        if not found and materialize.starts(seen.entry) <= last:
            # Over before the horizon begins: left out whole, as any old series (rule 3.3).
            return [seen]
        return list(found.values())

    def asked(self, seen: S, days: Collection[date | None]) -> Mapping[date | None, S | None]:
        """What a question by id gets: parts wherever they are, and the entry itself if it is not taken apart.

        What was taken apart or put together since the listing is neither there nor gone: the next one shows it.
        """
        dates = [day for day in days if day is not None]
        found = self._taken(seen, min(dates, default=self.within[0]), max(dates, default=self.within[1]))
        answers: dict[date | None, S | None] = dict.fromkeys(days) if seen.id in self._listed else {}
        answers |= {day: found.get(day) for day in dates} if found is not None else {}
        if None in days and self._shown(seen) == [seen]:
            answers[None] = seen
        return answers

    def whole_of(self, part: S) -> S:
        """The series as it was last read. Raises VersionConflict when its occurrence is not as `part` has it."""
        whole = self._wholes.get(whole_id(part.id))
        if whole is None:
            raise NotFound
        day = day_of(part.id)
        assert day is not None, "a part names its date"
        held = (self._taken(whole, day, day) or {}).get(day)
        if held is None or held.version != part.version:
            raise VersionConflict
        return whole

    def part_of(self, whole: S, day: date) -> S:
        """The occurrence of a series as a write left it."""
        self._wholes[whole.id] = whole
        return self._part(whole, day, materialize.single(whole.entry, day))

    def _taken(self, seen: S, first: date, last: date) -> dict[date, S] | None:
        if seen.entry.recurrence is None or not self.may(seen.id):
            return None
        if not (materialize.is_inexpressible(seen.entry) or self.beyond(seen)):
            return None
        found = materialize.parts(seen.entry, first, last)
        if found is None:
            return None
        self._wholes[seen.id] = seen
        return {day: self._part(seen, day, entry) for day, entry in found.items()}

    def _part(self, seen: S, day: date, entry: Entry) -> S:
        # Its own version: an edit of one occurrence is none of the others.
        version = digest(fields(entry))[:32]
        part = replace(seen, id=part_id(seen.id, day), version=version, entry=entry, key=None)
        if isinstance(part, SeenEvent):
            return replace(part, uid=part.uid and part_id(part.uid, day), occurrence_ids={})
        return part


class SinglyActivities(Activities):
    """`Activities` whose series the other side cannot express come as their occurrences."""

    def __init__(
        self,
        inner: Activities,
        within: tuple[date, date],
        may: Callable[[str], bool],
        beyond: Callable[[SeenActivity], bool],
    ) -> None:
        self._inner = inner
        self._apart: _Apart[SeenActivity] = _Apart(within, may, beyond)
        #: Of what was read, the series, as they came.
        self.listed_series: list[SeenActivity] = []

    def read(self, token: str | None) -> Iterator[ActivityPage]:
        for page in self._inner.read(token):
            self.listed_series += (one for one in page.activities if one.entry.is_series)
            yield replace(page, activities=_all_listed(self._apart, page.activities))

    def get(self, activity_ids: Sequence[str]) -> Mapping[str, SeenActivity | None]:
        return _got(self._apart, self._inner.get, activity_ids)

    def find_created(self, key: str) -> SeenActivity | None:
        return self._inner.find_created(key)

    def holds(self, entry: Entry) -> bool:
        return self._inner.holds(entry)

    def holds_dates(self, entry: Entry) -> bool:
        return self._inner.holds_dates(entry)

    def create(
        self, entry: Entry, type_id: str, key: str, owner_id: str | None = None, edited: datetime | None = None
    ) -> SeenActivity:
        return self._inner.create(entry, type_id, key, owner_id, edited)

    def update(
        self,
        seen: SeenActivity,
        entry: Entry,
        changed: frozenset[FieldKey],
        type_id: str | None = None,
        edited: datetime | None = None,
    ) -> SeenActivity:
        day = day_of(seen.id)
        if day is None:
            return self._inner.update(seen, entry, changed, type_id, edited)
        # An occurrence has no type of its own; the mark of privacy says it.
        whole = self._apart.whole_of(seen)
        wanted, keys = _occurrence(whole.entry, day, entry, changed)
        return self._apart.part_of(self._inner.update(whole, wanted, keys, None, edited), day)

    def take_part(self, activity_id: str, response: str, *, owns: bool = False) -> SeenActivity:
        return self._as_asked(activity_id, self._inner.take_part(whole_id(activity_id), response, owns=owns))

    def hand_over(self, seen: SeenActivity, owner_id: str) -> SeenActivity:
        if day_of(seen.id) is None:
            return self._inner.hand_over(seen, owner_id)
        return self._as_asked(seen.id, self._inner.hand_over(self._apart.whole_of(seen), owner_id))

    def restore(self, activity_id: str) -> SeenActivity:
        return self._as_asked(activity_id, self._inner.restore(whole_id(activity_id)))

    def delete(self, seen: SeenActivity) -> None:
        day = day_of(seen.id)
        if day is None:
            self._inner.delete(seen)
            return
        whole = self._apart.whole_of(seen)
        self._inner.update(whole, *materialize.without_part(whole.entry, day))

    def _as_asked(self, activity_id: str, whole: SeenActivity) -> SeenActivity:
        day = day_of(activity_id)
        return whole if day is None else self._apart.part_of(whole, day)


class SinglyCalendar(Calendar):
    """`Calendar` whose series the other side cannot express come as their occurrences."""

    def __init__(
        self,
        inner: Calendar,
        within: tuple[date, date],
        may: Callable[[str], bool],
        beyond: Callable[[SeenEvent], bool],
    ) -> None:
        self._inner = inner
        self._apart: _Apart[SeenEvent] = _Apart(within, may, beyond)

    def read(self, token: str | None) -> Iterator[EventPage]:
        return self._pages(self._inner.read(token))

    def reconcile(self, known: Mapping[str, str]) -> Iterator[EventPage]:
        # A series that is taken apart is read each time: the horizon moved.
        apart = {whole_id(i): "" for i in known if day_of(i) is not None}
        others = {i: version for i, version in known.items() if day_of(i) is None}
        return self._pages(self._inner.reconcile(others | apart))

    def _pages(self, pages: Iterator[EventPage]) -> Iterator[EventPage]:
        for page in pages:
            yield replace(page, events=_all_listed(self._apart, page.events))

    def get(self, item_ids: Sequence[str]) -> Mapping[str, SeenEvent | None]:
        return _got(self._apart, self._inner.get, item_ids)

    def strangers(self, item_ids: Collection[str]) -> Collection[str]:
        strange = set(self._inner.strangers({whole_id(item_id) for item_id in item_ids}))
        return {item_id for item_id in item_ids if whole_id(item_id) in strange}

    def moved(self, uids: Collection[str]) -> Collection[str]:
        moved = set(self._inner.moved({whole_id(uid) for uid in uids}))
        return {uid for uid in uids if whole_id(uid) in moved}

    def find_created(self, key: str) -> SeenEvent | None:
        return self._inner.find_created(key)

    def holds(self, entry: Entry) -> bool:
        return self._inner.holds(entry)

    def create(self, entry: Entry, key: str) -> SeenEvent:
        return self._inner.create(entry, key)

    def update(self, seen: SeenEvent, entry: Entry, changed: frozenset[FieldKey], mail: Mail = Mail.NONE) -> SeenEvent:
        day = day_of(seen.id)
        if day is None:
            return self._inner.update(seen, entry, changed, mail)
        whole = self._apart.whole_of(seen)
        wanted, keys = _occurrence(whole.entry, day, entry, changed)
        return self._apart.part_of(self._inner.update(whole, wanted, keys, mail), day)

    def delete(self, seen: SeenEvent, mail: Mail = Mail.NONE) -> None:
        day = day_of(seen.id)
        if day is None:
            self._inner.delete(seen, mail)
            return
        whole = self._apart.whole_of(seen)
        self._inner.update(whole, *materialize.without_part(whole.entry, day), mail)

    def respond(self, seen: SeenEvent, response: str) -> SeenEvent | None:
        if day_of(seen.id) is not None:
            # An answer would be one to the whole series.
            raise ItemError("occurrence_without_people")
        return self._inner.respond(seen, response)


def _all_listed(apart: _Apart[S], entries: Iterable[S]) -> tuple[S, ...]:
    return tuple(shown for seen in entries for shown in apart.listed(seen))


def _got(
    apart: _Apart[S], get: Callable[[Sequence[str]], Mapping[str, S | None]], ids: Sequence[str]
) -> Mapping[str, S | None]:
    days: dict[str, list[date | None]] = {}
    for entry_id in ids:
        days.setdefault(whole_id(entry_id), []).append(day_of(entry_id))
    found: dict[str, S | None] = {}
    for whole, seen in get(list(days)).items():
        answers = apart.asked(seen, days[whole]) if seen is not None else dict.fromkeys(days[whole])
        found |= {whole if day is None else part_id(whole, day): one for day, one in answers.items()}
    return found


def _occurrence(
    whole: Entry, day: date, wanted: Entry, changed: frozenset[FieldKey]
) -> tuple[Entry, frozenset[FieldKey]]:
    """What is written to a series so that one occurrence is as wanted. Raises ItemError for what none can have."""
    if wanted.recurrence is not None:
        raise ItemError("occurrence_cannot_repeat")
    if any(map(is_about_people, changed)):
        raise ItemError("occurrence_without_people")
    return materialize.with_part(whole, day, wanted, changed)
