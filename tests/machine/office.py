"""An office the machine works in: one PSA, several mailboxes, everything in memory; hands and runs by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from samklang.engine.merge import IN_STEP
from samklang.engine.model import (
    Base,
    Category,
    Entry,
    LinkStatus,
    Occurrence,
    Person,
    SeenActivity,
    SeenEvent,
    Sensitivity,
    Timed,
)
from samklang.engine.people import Colleague, Directory
from samklang.engine.rules import ActivityType, ConflictPolicy, Rules
from samklang.sync.memory import Faults, MemoryActivities, MemoryCalendar, MemoryStore, PostOffice
from samklang.sync.parts import Parts
from samklang.sync.ports import Tokens
from samklang.sync.report import RunReport
from samklang.sync.run import run
from tests.machine.shown import on, shown

ZONE = "Europe/Stockholm"
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
TYPES = (
    ActivityType("visit", "Visit", Category.CALENDAR_ENTRY, is_default=True, ticked=True),
    ActivityType("note", "Note", Category.CALENDAR_ENTRY),
    ActivityType("private", "Private", Category.CALENDAR_ENTRY, ticked=True),
)
#: Where an entry is: in the PSA, or in the mailbox of the person named.
PSA = "psa"


@dataclass(frozen=True)
class Item:
    """An entry as it stands in one place."""

    id: str
    entry: Entry
    #: In the PSA, who has it in his calendar, the owner first; elsewhere the mailbox's person.
    people: tuple[str, ...]
    private: bool
    type: str = ""

    @property
    def seen(self) -> dict[str, str]:
        return shown(self.entry)

    @property
    def born(self) -> str:
        """The first line of its text: who made it where, the same in every copy of it."""
        return self.entry.text.split("\n")[0]


@dataclass(frozen=True)
class Joined:
    """A link, or a mark (`status`)."""

    person: str
    psa_id: str | None
    item_id: str | None
    status: LinkStatus
    reason: str = ""
    #: What a pair matched at first contact differs in, with both values, until it is next edited (rule 3.1).
    unlike: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass
class Desk:
    """One person's part of the office."""

    name: str
    activities: MemoryActivities
    calendar: MemoryCalendar
    store: MemoryStore
    rules: Rules
    on: bool = True
    #: Moved into another calendar.
    elsewhere: set[str] = field(default_factory=set)


class Office:
    """In memory. `tests.machine.wire` has the same over HTTP."""

    def __init__(self, people: tuple[str, ...], policy: ConflictPolicy, *, page_size: int = 2) -> None:
        self.now = START
        self.faults = Faults()
        self.post = PostOffice()
        self.desks: dict[str, Desk] = {}
        directory = Directory(tuple(Colleague(name, address(name), syncs=True) for name in people))
        colleague: MemoryActivities | None = None
        for name in people:
            colleague = MemoryActivities(
                self.clock,
                name,
                TYPES,
                faults=self.faults,
                page_size=page_size,
                colleague=colleague,
                people=directory,
            )
            calendar = MemoryCalendar(
                self.clock, faults=self.faults, page_size=page_size, address=address(name), post=self.post
            )
            calendar.hides_keys = calendar.drops_exceptions = True
            calendar.shelf._made = 1000 * len(self.desks)  # ids and identities differ between mailboxes
            store = MemoryStore(faults=self.faults, mailbox_id=name, address=address(name))
            rules = Rules(
                name,
                ZONE,
                TYPES,
                START.date(),
                conflict=policy,
                brake_count=1000,
                brake_absolute=1000,
                people=directory,
            )
            self.desks[name] = Desk(name, colleague, calendar, store, rules)
            store.accept(None)
        for desk in self.desks.values():
            desk.store.colleagues = [other.store for other in self.desks.values() if other is not desk]

    # -- time

    def clock(self) -> datetime:
        return self.now

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    # -- what is there

    @property
    def people(self) -> tuple[str, ...]:
        return tuple(self.desks)

    @property
    def places(self) -> tuple[str, ...]:
        return (PSA, *self.desks)

    @property
    def _psa(self) -> MemoryActivities:
        return next(iter(self.desks.values())).activities

    def items(self, place: str) -> dict[str, Item]:
        if place == PSA:
            return {i: _of_activity(one) for i, one in self._psa.shelf.shown().items()}
        return {i: _of_event(one, place) for i, one in self.desks[place].calendar.shelf.shown().items()}

    def trash(self) -> dict[str, Item]:
        return {i: _of_activity(one) for i, one in self._psa.trash.items()}

    def joined(self) -> list[Joined]:
        return [
            Joined(name, link.psa_id, link.item_id, link.status, link.reason, unlike(link.base))
            for name, desk in self.desks.items()
            for link in desk.store.links()
        ]

    def set_aside(self) -> list[tuple[str, str]]:
        """(place, code) of whatever waits."""
        return [(name, waiting.code) for name, desk in self.desks.items() for waiting in desk.store.set_aside()]

    def losers(self) -> set[str]:
        """What the history keeps of what nobody sees any longer: the losers of conflicts; and, where somebody takes no
        part any longer, what he had typed in his copy, which goes all the same (rule 4.7). An answer of the PSA that
        lags behind may say so of him."""
        journal = [one for desk in self.desks.values() for one in desk.store.journal]
        copies = [one.before for one in journal if one.kind == "delete" and one.rule == "4.7"]
        return {value for kept in [*copies, *(one.losers for one in journal)] for value in kept.values()}

    def writes(self) -> int:
        return self._psa.shelf.all_writes + sum(desk.calendar.shelf.all_writes for desk in self.desks.values())

    def mails(self) -> int:
        return len(self.post.mails)

    # -- hands

    def add(self, place: str, entry: Entry, *, people: tuple[str, ...] = (), type: str = "visit") -> str:
        if place == PSA:
            # In one go, as a form is saved: there never was a version of it without its participants.
            entry = replace(entry, people=tuple(Person(address(name)) for name in people[1:]))
            made = self._psa.person_adds(entry, type, owner_id=people[0], participant_ids=people[1:])
        else:
            made = self.desks[place].calendar.person_adds(entry)
        self.later(minutes=1)
        return made

    def edit(self, place: str, id: str, /, **changes: Any) -> None:
        """Attributes of the entry; with a new time or rule Exchange forgets changed and cancelled dates (rule 5.4)."""
        entry = self.items(place)[id].entry
        if place != PSA and entry.is_series and changes.keys() & {"when", "recurrence"}:
            changes |= {"exceptions": {}, "cancelled": frozenset()}
        self._change(place, id, changes)

    def edit_occurrence(self, place: str, id: str, day: date, /, **changes: Any) -> None:
        entry = self.items(place)[id].entry
        held = entry.exceptions.get(day) or Occurrence(
            entry.title, on(entry.when, day), entry.place, entry.text, entry.sensitivity, entry.availability
        )
        self._change(place, id, {"exceptions": {**entry.exceptions, day: replace(held, **changes)}})

    def cancel(self, place: str, id: str, day: date) -> None:
        entry = self.items(place)[id].entry
        kept = {other: one for other, one in entry.exceptions.items() if other != day}
        self._change(place, id, {"exceptions": kept, "cancelled": entry.cancelled | {day}})

    def _change(self, place: str, id: str, changes: Mapping[str, Any]) -> None:
        side = self._psa if place == PSA else self.desks[place].calendar
        side.person_edits(id, **changes)
        self.later(minutes=1)

    def touch(self, place: str, id: str) -> None:
        """A new version without a change (a reminder, a category)."""
        (self._psa if place == PSA else self.desks[place].calendar).person_marks(id)

    def make_private(self, place: str, id: str, private: bool) -> None:
        if place == PSA:
            self.set_type(id, "private" if private else "visit")
        else:
            mark = Sensitivity.PRIVATE if private else Sensitivity.NORMAL
            self._change(place, id, {"sensitivity": mark})

    def set_type(self, id: str, type: str) -> None:
        self._psa.person_marks(id, type_id=type)
        self.later(minutes=1)

    def set_people(self, id: str, people: tuple[str, ...]) -> None:
        """Who has an activity; the owner first."""
        self._psa.person_marks(id, owner_id=people[0])
        self._psa.person_invites(id, *(Person(address(name)) for name in people[1:]))
        self.later(minutes=1)

    def delete(self, place: str, id: str) -> None:
        (self._psa if place == PSA else self.desks[place].calendar).person_deletes(id)
        self.later(minutes=1)

    def restore(self, id: str) -> None:
        """Out of the PSA's trash."""
        self._psa.person_restores(id)
        self.later(minutes=1)

    def move_away(self, person: str, id: str) -> None:
        self.desks[person].calendar.person_moves_away(id)
        self.desks[person].elsewhere.add(id)

    def move_back(self, person: str, id: str) -> None:
        self.desks[person].calendar.person_moves_back(id)
        self.desks[person].elsewhere.discard(id)

    # -- runs and trouble

    def run(self, person: str, *, reconcile: bool = False) -> RunReport:
        self.later(seconds=30)
        desk = self.desks[person]
        parts = Parts(
            desk.activities,
            desk.calendar,
            desk.store,
            desk.rules,
            self.clock,
            requests=lambda: 0,
            mails=lambda: len(self.post.mails),
            clocks=lambda: IN_STEP,
        )
        return run(parts, reconcile=reconcile)

    def forget_tokens(self, place: str) -> None:
        (self._psa if place == PSA else self.desks[place].calendar).shelf.forget_tokens()

    def switch(self, person: str, *, on: bool) -> None:
        """Off: no run of his. On again: everything is listed anew (rule 8.5)."""
        self.desks[person].on = on
        if on:
            self.desks[person].store.save_tokens(Tokens())

    def shelf(self, place: str) -> Any:
        return (self._psa if place == PSA else self.desks[place].calendar).shelf


def address(name: str) -> str:
    return f"{name}@example.org"


def unlike(base: Base) -> dict[str, frozenset[str]]:
    """Where the two sides of a base differ, by the keys of `shown`."""
    psa, exchange = base.psa, base.exchange
    compared = [key for key in {*psa, *exchange} if not key.startswith(("p:", "r:", "response"))]
    differing = [key for key in compared if psa.get(key) != exchange.get(key)]
    return {
        key.removeprefix("x:").replace(":", " "): frozenset({psa.get(key, ""), exchange.get(key, "")})
        for key in differing
    }


def _of_activity(seen: SeenActivity) -> Item:
    people = (seen.owner_id or "", *seen.participant_ids)
    return Item(
        seen.id, seen.entry, people, seen.type_id == "private" or seen.entry.sensitivity.is_private, seen.type_id
    )


def _of_event(seen: SeenEvent, person: str) -> Item:
    return Item(seen.id, seen.entry, (person,), seen.entry.sensitivity.is_private)


def timed(day: int, minutes: int = 0, length: int = 60) -> Timed:
    """A time so many days after the office opens, 9:00 UTC and so many minutes."""
    start = datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(days=day, minutes=minutes)
    return Timed(start, start + timedelta(minutes=length), ZONE)
