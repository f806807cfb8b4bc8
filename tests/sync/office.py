"""Alice, Bob and Carol: one organization in memory, each with a mailbox, and somebody outside who calls meetings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial

from samklang.engine.merge import IN_STEP
from samklang.engine.model import Link, LinkStatus, Person, SeenActivity, SeenEvent
from samklang.engine.people import Colleague, Directory
from samklang.engine.rules import Rules
from samklang.sync.memory import Faults, MemoryActivities, MemoryCalendar, MemoryStore, PostOffice
from samklang.sync.parts import Parts
from samklang.sync.report import RunReport
from samklang.sync.run import run
from tests.sync.world import MONDAY, TYPES, ZONE

NAMES = ("alice", "bob", "carol")


def person(name: str) -> Person:
    return Person(f"{name}@example.org", name.title())


class Desk:
    """One user: what he sees and does on either side, and his run."""

    def __init__(self, office: Office, name: str, colleague: MemoryActivities | None) -> None:
        self.name, self.address = name, f"{name}@example.org"
        self._office = office
        self.psa = MemoryActivities(
            office.clock, name, TYPES, faults=office.faults, colleague=colleague, people=office.people
        )
        self.exchange = MemoryCalendar(office.clock, faults=office.faults, address=self.address, post=office.post)
        # Ids are a mailbox's own.
        self.exchange.shelf.name = f"exchange of {name}"
        self.store = MemoryStore(faults=office.faults, mailbox_id=name, address=self.address)

    def run(self, *, reconcile: bool = False) -> RunReport:
        office = self._office
        office.later()
        rules = Rules(self.name, ZONE, TYPES, MONDAY, people=office.people)
        parts = Parts(
            self.psa, self.exchange, self.store, rules, office.clock, mails=partial(len, office.post.mails),
            clocks=lambda: IN_STEP,
        )  # fmt: skip
        return run(parts, reconcile=reconcile)

    @property
    def events(self) -> list[SeenEvent]:
        return list(self.exchange.shelf.shown().values())

    @property
    def event(self) -> SeenEvent:
        (only,) = self.events
        return only

    @property
    def links(self) -> list[Link]:
        return [link for link in self.store.links() if link.status is LinkStatus.LINKED]


class Office:
    """Everybody of `syncing` has switched on and had his first run over empty calendars."""

    def __init__(self, *syncing: str, outside: str = "") -> None:
        self.now = datetime(2026, 3, 2, 8, tzinfo=UTC)
        self.faults = Faults()
        self.post = PostOffice()
        self.people = Directory(
            tuple(Colleague(name, f"{name}@example.org", syncs=name in (syncing or NAMES)) for name in NAMES)
        )
        self.desks: dict[str, Desk] = {}
        for name in NAMES:
            first = next(iter(self.desks.values()), None)
            self.desks[name] = Desk(self, name, first.psa if first else None)
        self.alice, self.bob, self.carol = self.desks.values()
        self.syncing = [self.desks[name] for name in syncing or NAMES]
        for desk in self.syncing:
            desk.store.colleagues = [other.store for other in self.syncing if other is not desk]
            desk.store.accept(None)
            desk.run()
        #: Somebody who is no user of the PSA.
        self.outside = MemoryCalendar(self.clock, address="x@customer.example", post=self.post)

    def clock(self) -> datetime:
        return self.now

    def later(self) -> None:
        self.now += timedelta(minutes=1)

    def settle(self, order: Iterable[Desk] | None = None) -> list[RunReport]:
        """Everybody runs until all have heard of all; then a further round writes nothing."""
        order = list(order or self.syncing)
        reports = [desk.run() for _ in order for desk in order]
        for report in reports:
            assert report.error is None and report.needs_acceptance is None, report
        for desk in order:
            again = desk.run()
            assert again.writes == 0, (desk.name, again)
        return reports

    @property
    def activities(self) -> list[SeenActivity]:
        return list(self.alice.psa.shelf.shown().values())

    @property
    def activity(self) -> SeenActivity:
        (only,) = self.activities
        return only
