"""Alice's two calendars in memory, a clock, and the checks every case ends with."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from samklang.engine.canonical import fields
from samklang.engine.merge import IN_STEP
from samklang.engine.model import (
    AllDay,
    Category,
    Entry,
    Frequency,
    Link,
    LinkStatus,
    Occurrence,
    Recurrence,
    SeenActivity,
    SeenEvent,
    Timed,
    Weekday,
)
from samklang.engine.recurrence import slot
from samklang.engine.rules import ActivityType, Rules
from samklang.sync.memory import Faults, MemoryActivities, MemoryCalendar, MemoryStore
from samklang.sync.parts import Parts
from samklang.sync.report import RunReport
from samklang.sync.run import run

ZONE = "Europe/Stockholm"
MONDAY = date(2026, 3, 2)
TYPES = (
    ActivityType("visit", "Visit", Category.CALENDAR_ENTRY, is_default=True, ticked=True),
    ActivityType("note", "Note", Category.CALENDAR_ENTRY),
    ActivityType("private", "Private", Category.PERSONAL, ticked=True),
    ActivityType("absence", "Parental leave", Category.ABSENCE, ticked=True),
    ActivityType("task", "Task", Category.PROJECT_TASK, ticked=True),
)


def at(day: int = 0, hour: int = 9, minutes: int = 60, zone: str = ZONE) -> Timed:
    """A time `day` days after Monday 2026-03-02; hours in UTC."""
    start = datetime(2026, 3, 2, hour, tzinfo=UTC) + timedelta(days=day)
    return Timed(start, start + timedelta(minutes=minutes), zone)


def days(first: int = 0, count: int = 1) -> AllDay:
    start = MONDAY + timedelta(days=first)
    return AllDay(start, start + timedelta(days=count))


def single(title: str = "Tea", when: Timed | AllDay | None = None, **more: Any) -> Entry:
    return Entry(title, when or at(7), **more)


def weekly(title: str = "Round", day: int = 7, count: int | None = 8, **more: Any) -> Entry:
    """Every Monday, from a week after `MONDAY` on."""
    rule = Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY,), count=count)
    return Entry(title, at(day), recurrence=rule, **more)


def monday(week: int) -> date:
    return MONDAY + timedelta(weeks=week)


def occurrence(series: Entry, day: date, **changes: Any) -> Occurrence:
    """The occurrence of that day as the series gives it, changed."""
    as_series: dict[str, Any] = {
        "title": series.title,
        "when": slot(series, day),
        "place": series.place,
        "text": series.text,
        "sensitivity": series.sensitivity,
        "availability": series.availability,
    }
    return Occurrence(**(as_series | changes))


class World:
    """Both sides, the store between them, and the hands that change things."""

    def __init__(self, *, page_size: int = 3, **rules: Any) -> None:
        self.now = datetime(2026, 3, 2, 8, tzinfo=UTC)
        self.faults = Faults()
        self.psa = MemoryActivities(self.clock, "alice", TYPES, faults=self.faults, page_size=page_size)
        self.exchange = MemoryCalendar(self.clock, faults=self.faults, page_size=page_size)
        self.store = MemoryStore(faults=self.faults)
        self.rules = Rules("alice", ZONE, TYPES, MONDAY, **rules)
        #: How the two servers' clocks compare (rule 7.4).
        self.clocks = IN_STEP
        #: Set by a case whose pairs rightly differ, with the rule that says so.
        self.pairs_differ_by = ""

    def clock(self) -> datetime:
        return self.now

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    @property
    def parts(self) -> Parts:
        return Parts(
            self.psa,
            self.exchange,
            self.store,
            self.rules,
            self.clock,
            requests=lambda: sum(call.startswith("exchange.") for call in self.faults.calls),
            mails=lambda: len(self.exchange.post.mails),
            clocks=lambda: self.clocks,
        )

    def run(self, *, reconcile: bool = False) -> RunReport:
        self.later(minutes=1)
        return run(self.parts, reconcile=reconcile)

    def synced(self, *, reconcile: bool = False) -> RunReport:
        """A run that must go through."""
        report = self.run(reconcile=reconcile)
        assert report.error is None and report.needs_acceptance is None, report
        return report

    def started(self) -> World:
        """The first run, taken unseen."""
        self.store.accept(None)
        report = self.synced()
        assert report.finished_first_run
        return self

    # -- what a person sees

    @property
    def activities(self) -> list[SeenActivity]:
        return list(self.psa.shelf.shown().values())

    @property
    def events(self) -> list[SeenEvent]:
        return list(self.exchange.shelf.shown().values())

    @property
    def activity(self) -> SeenActivity:
        (only,) = self.activities
        return only

    @property
    def event(self) -> SeenEvent:
        (only,) = self.events
        return only

    def add_to_psa(self, entry: Entry, type_id: str = "visit", **marks: Any) -> str:
        return self.psa.person_adds(entry, type_id, **marks)

    def add_to_exchange(self, entry: Entry, **marks: Any) -> str:
        return self.exchange.person_adds(entry, **marks)

    @property
    def links(self) -> list[Link]:
        return [link for link in self.store.links() if link.status is LinkStatus.LINKED]

    # -- the checks

    def check_at_rest(self) -> None:
        """After every case: a second run writes nothing, nobody was mailed, every linked pair is equal."""
        self.faults.disarm()
        before = (self.psa.shelf.all_writes, self.exchange.shelf.all_writes)
        report = self.run()
        assert report.writes == 0, f"a second run wrote: {report}"
        assert (self.psa.shelf.all_writes, self.exchange.shelf.all_writes) == before, "a second run wrote"
        assert self.exchange.post.mails == []
        if self.pairs_differ_by:
            return
        for link in self.links:
            activity = self.psa.shelf.shown()[link.psa_id or ""]
            event = self.exchange.shelf.shown()[link.item_id or ""]
            assert content_of(activity.entry) == content_of(event.entry)


def content_of(entry: Entry) -> dict[str, str]:
    """What both sides must agree on; privacy is a type on one side and a mark on the other."""
    return {key: value for key, value in fields(entry).items() if "sensitivity" not in key}
