"""Two calendars, a person on each side, and the simplest loop that executes plans: a model of what `sync` does.

Everything is in memory and goes through the engine's public functions only. Writes are counted. `Crash` can be armed
to strike before or after any single write.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from samklang.engine.actions import (
    Action,
    CreateActivity,
    CreateEvent,
    Delete,
    Forget,
    Join,
    LeaveOut,
    Observation,
    Plan,
    PutAside,
    Rebase,
    Revive,
    Unlink,
    Update,
)
from samklang.engine.canonical import fields, with_fields
from samklang.engine.changes import base_after
from samklang.engine.marks import reason_of_delete
from samklang.engine.model import (
    Base,
    Category,
    ColleagueLink,
    Entry,
    Gone,
    Link,
    LinkStatus,
    SeenActivity,
    SeenEvent,
    SetAside,
    Side,
)
from samklang.engine.people import is_about_people, is_person, role_of
from samklang.engine.plan import make_plan
from samklang.engine.rules import ActivityType, Rules, content
from tests.engine.make import STOCKHOLM, day, utc

TYPES = (
    ActivityType("meet", "Meeting", Category.CALENDAR_ENTRY, is_default=True, ticked=True),
    ActivityType("private", "Privat", Category.CALENDAR_ENTRY, ticked=True),
    ActivityType("visit", "Visit", Category.CALENDAR_ENTRY, ticked=True),
    ActivityType("call", "Call", Category.TO_DO),
    ActivityType("gym", "Gym", Category.PERSONAL, ticked=True),
    ActivityType("sick", "Sick", Category.ABSENCE, ticked=True),
    ActivityType("task", "Task", Category.PROJECT_TASK, ticked=True),
)
NOON = utc("2026-03-01 12:00")
RULES = Rules(user_id="alice", zone=STOCKHOLM, types=TYPES, started_on=day("2026-03-01"))


class Crash(Exception):
    pass


@dataclass
class World:
    """`world.run()` is one sync; `world.activities` and `world.events` are what people see."""

    rules: Rules = RULES
    now: datetime = NOON
    activities: dict[str, SeenActivity] = field(default_factory=dict)
    events: dict[str, SeenEvent] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    aside: dict[tuple[Side, str], SetAside] = field(default_factory=dict)
    #: What a write did, e.g. "update exchange".
    writes: list[str] = field(default_factory=list)
    first_run: bool = True
    resync: bool = False
    #: What the Exchange server makes of an entry it is given.
    rewrite: Callable[[Entry], Entry] = lambda entry: entry
    #: Strike at the nth write from now; before it takes effect, or after.
    crash_at: int | None = None
    crash_after: bool = False
    gone: dict[str, Gone] = field(default_factory=dict)
    #: What colleagues' mailboxes have linked.
    colleagues: list[ColleagueLink] = field(default_factory=list)
    log: list[Action] = field(default_factory=list)
    _ids: itertools.count[int] = field(default_factory=itertools.count)

    # -- people

    def psa_adds(self, entry: Entry, type_id: str = "meet", **more: object) -> str:
        made = self._activity(entry, type_id)
        more = {name: value for name, value in more.items() if name in SeenActivity.__slots__}
        self.activities[made.id] = replace(made, **more)  # type: ignore[arg-type]
        return made.id

    def exchange_adds(self, entry: Entry, **more: object) -> str:
        made = SeenEvent(self._id("e"), self._id("v"), entry, uid=self._id("uid"))
        self.events[made.id] = replace(made, **more)  # type: ignore[arg-type]
        return made.id

    def psa_edits(self, activity_id: str, **changes: object) -> None:
        old = self.activities[activity_id]
        marks = {key: changes.pop(key) for key in list(changes) if key in SeenActivity.__slots__}
        if "type_id" in marks:
            marks["category"] = _category(str(marks["type_id"]))
        entry = replace(old.entry, **changes)  # type: ignore[arg-type]
        self.activities[activity_id] = replace(old, version=self._id("v"), entry=entry, **marks)  # type: ignore[arg-type]

    def exchange_edits(self, event_id: str, **changes: object) -> None:
        old = self.events[event_id]
        marks = {key: changes.pop(key) for key in list(changes) if key in SeenEvent.__slots__}
        entry = replace(old.entry, **changes)  # type: ignore[arg-type]
        self.events[event_id] = replace(old, version=self._id("v"), entry=entry, **marks)  # type: ignore[arg-type]

    def linked(self, entry: Entry, type_id: str = "meet", born: Side = Side.PSA, **more: object) -> tuple[str, str]:
        """A pair that agrees: (activity id, event id)."""
        if born is Side.PSA:
            self.psa_adds(entry, type_id, **more)
        else:
            self.exchange_adds(entry, **more)
        self.run()
        link = list(self.links.values())[-1]
        self.writes.clear()
        assert link.psa_id and link.item_id
        return link.psa_id, link.item_id

    # -- one run

    def observe(self) -> Observation:
        ids = [link.psa_id for link in self.links.values() if link.psa_id]
        items = [link.item_id for link in self.links.values() if link.item_id]
        return Observation(
            links=tuple(self.links.values()),
            activities=dict(self.activities),
            events=dict(self.events),
            gone_activities={i: self.gone.get(i, Gone.CONFIRMED) for i in ids if i not in self.activities},
            gone_events={i: self.gone.get(i, Gone.CONFIRMED) for i in items if i not in self.events},
            set_aside=tuple(self.aside.values()),
            first_run=self.first_run,
            resync=self.resync,
            colleagues=tuple(self.colleagues),
        )

    def plan(self) -> Plan:
        return make_plan(self.observe(), self.rules, self.now)

    def run(self) -> Plan:
        plan = self.plan()
        if plan.brake is None:
            for action in plan.actions:
                self.log.append(action)
                self._apply(action)
            self.first_run = self.resync = False
        return plan

    def settle(self) -> None:
        """Run until nothing more is planned; the first run's writes must be the only ones."""
        self.run()
        before = len(self.writes)
        again = self.run()
        assert len(self.writes) == before, self.writes[before:]
        third = self.plan()
        assert not third.actions, (again, third)

    def _apply(self, action: Action) -> None:
        match action:
            case CreateEvent():
                self._create_event(action)
            case CreateActivity():
                self._create_activity(action)
            case Update():
                self._update(action)
            case Delete():
                store = self.activities if action.side is Side.PSA else self.events
                assert action.seen is not None
                self._write(f"delete {action.side}", lambda: store.pop(action.seen.id, None))  # type: ignore[union-attr]
                reason = reason_of_delete(action.rule)
                self.links[action.link.id] = replace(action.link, status=LinkStatus.UNLINKED, reason=reason)
            case Revive():  # there is no trash here
                self._create_activity(CreateActivity(action.event, action.entry, action.type_id, action.link))
            case Join():
                link = action.link or Link(self._id("l"), LinkStatus.LINKED, None, None)
                self._record(link, action.activity, action.event, action.base)
            case Rebase():
                self._record(action.link, action.activity, action.event, action.base)
            case Forget():
                del self.links[action.link.id]
            case Unlink():
                self.links[action.link.id] = replace(action.link, status=LinkStatus.UNLINKED, reason=action.rule)
            case LeaveOut():
                psa = action.side is Side.PSA
                link = action.link or Link(self._id("l"), LinkStatus.LEFT_OUT, None, None)
                self.links[link.id] = replace(
                    link,
                    psa_id=action.seen.id if psa else None,
                    item_id=None if psa else action.seen.id,
                    base=action.base,
                    reason=action.rule,
                )
            case PutAside():
                self.aside[action.entry.side, action.entry.id] = action.entry
                if action.link is not None:
                    held = self.links.get(action.link.id, action.link)
                    self.links[action.link.id] = replace(
                        action.link, base=held.base, psa_version=held.psa_version, item_version=held.item_version
                    )

    def _create_event(self, action: CreateEvent) -> None:
        meant = Base(psa=content(action.activity, self.rules), exchange=fields(action.entry))
        link = self._begin(action.link, Side.EXCHANGE, meant, psa_id=action.activity.id, item_id=None)
        made = next((event for event in self.events.values() if event.key == link.key), None)
        if made is None:
            made = SeenEvent(self._id("e"), self._id("v"), self.rewrite(action.entry), self._id("uid"), key=link.key)
            self._write("create exchange", lambda: self.events.update({made.id: made}))
        base = base_after(None, action.activity, made, self.rules, action.held)
        self._record(link, action.activity, made, base)

    def _create_activity(self, action: CreateActivity) -> None:
        meant = Base(psa=fields(action.entry), exchange=content(action.event, self.rules))
        link = self._begin(action.link, Side.PSA, meant, psa_id=None, item_id=action.event.id)
        made = next((one for one in self.activities.values() if one.key == link.key), None)
        if made is None:
            made = replace(self._activity(action.entry, action.type_id), key=link.key)
            self._write("create psa", lambda: self.activities.update({made.id: made}))
        self._record(link, made, action.event, base_after(None, made, action.event, self.rules))

    def _begin(self, link: Link | None, side: Side, base: Base, psa_id: str | None, item_id: str | None) -> Link:
        key = link.key if link and link.status is LinkStatus.CREATING else self._id("key")
        link = link or Link(self._id("l"), LinkStatus.CREATING, None, None, born=side.other)
        link = replace(link, status=LinkStatus.CREATING, key=key, psa_id=psa_id, item_id=item_id, base=base)
        self.links[link.id] = link
        return link

    def _update(self, action: Update) -> None:
        activity, event = action.activity, action.event
        if action.to_exchange is not None and event is not None:
            held = self.events[event.id]
            now = held.entry
            if action.exchange_fields & {"time", "recurrence"}:
                now = replace(now, exceptions={}, cancelled=frozenset())
            entry = self.rewrite(with_fields(now, action.to_exchange, action.exchange_fields))
            if any(map(is_person, action.exchange_fields)):
                entry = replace(entry, people=action.to_exchange.people)
            event = replace(held, version=self._id("v"), entry=entry)
            done = event
            self._write("update exchange", lambda: self.events.update({done.id: done}))
        if action.to_psa is not None and activity is not None:
            kept = self.activities[activity.id]
            type_id = action.psa_type_id or kept.type_id
            people = action.to_psa.people if any(map(is_about_people, action.psa_fields)) else kept.entry.people
            activity = replace(
                kept,
                version=self._id("v"),
                entry=replace(with_fields(kept.entry, action.to_psa, action.psa_fields), people=people),
                type_id=type_id,
                category=_category(type_id),
            )
            written = activity
            self._write("update psa", lambda: self.activities.update({written.id: written}))
        self._record(action.link, activity, event, base_after(action.link, activity, event, self.rules, action.held))

    def _record(self, link: Link, activity: SeenActivity | None, event: SeenEvent | None, base: Base) -> None:
        if activity is not None:
            link = replace(link, psa_id=activity.id, psa_version=activity.version, type_id=activity.type_id)
            self.aside.pop((Side.PSA, activity.id), None)
        if event is not None:
            link = replace(link, item_id=event.id, item_version=event.version, uid=event.uid)
            self.aside.pop((Side.EXCHANGE, event.id), None)
        role = role_of(activity, event, self.rules.user_id, link.role)
        self.links[link.id] = replace(link, status=LinkStatus.LINKED, base=base, role=role, reason="")

    def _write(self, what: str, effect: Callable[[], object]) -> None:
        if self.crash_at is not None:
            self.crash_at -= 1
            if self.crash_at < 0 and not self.crash_after:
                self.crash_at = None
                raise Crash
        effect()
        self.writes.append(what)
        if self.crash_at is not None and self.crash_at < 0:
            self.crash_at = None
            raise Crash

    # -- looking

    def pairs(self) -> list[tuple[SeenActivity, SeenEvent]]:
        return [
            (self.activities[link.psa_id or ""], self.events[link.item_id or ""])
            for link in self.links.values()
            if link.status is LinkStatus.LINKED
        ]

    def differing(self) -> list[set[str]]:
        """For every pair, the fields in which its sides differ (privacy compared as private or not)."""
        found = []
        for activity, event in self.pairs():
            ours, theirs = dict(content(activity, self.rules)), dict(fields(event.entry))
            theirs["sensitivity"] = "private" if event.entry.sensitivity.is_private else "normal"
            found.append({key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)})
        return found

    def titles(self) -> tuple[list[str], list[str]]:
        return (
            sorted(one.entry.title for one in self.activities.values()),
            sorted(one.entry.title for one in self.events.values()),
        )

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    def _activity(self, entry: Entry, type_id: str) -> SeenActivity:
        return SeenActivity(self._id("a"), self._id("v"), entry, type_id, _category(type_id), owner_id="alice")

    def _id(self, kind: str) -> str:
        return f"{kind}{next(self._ids):05}"


def _category(type_id: str) -> Category:
    return next(kind.category for kind in TYPES if kind.id == type_id)
