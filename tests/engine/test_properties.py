"""What must hold whatever people do: converges, quiet, no loss, no invention, crash-free, bounded (acceptance.md).

The pools are small on purpose, so that edits meet and deletes hit; every text typed is a new one, so that nothing is
equal by chance; and an oracle remembers what people meant. Each of these properties was seen to fail for deliberate
mistakes in `decide`, `merge`, `changes`, `canonical`, `linked` and `newcomers`.
"""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from samklang.engine.actions import CreateEvent, Update
from samklang.engine.canonical import PLAIN_KEYS, changed_keys, fields, with_fields
from samklang.engine.model import (
    Entry,
    Frequency,
    LinkStatus,
    Occurrence,
    Recurrence,
    SeenActivity,
    SeenEvent,
    Sensitivity,
    Side,
)
from samklang.engine.recurrence import slot, slot_days
from tests.engine.make import all_day, at, day, entry, weekly
from tests.engine.toy import RULES, Crash, World

ACTS = (
    "add single",
    "add series",
    "title",
    "place",
    "text",
    "time",
    "privacy",
    "rule",
    "single or series",
    "occurrence",
    "occurrence",
    "move occurrence",
    "cancel",
    "delete",
    "nothing new",
    "run",
)
STEP = st.tuples(st.sampled_from(ACTS), st.sampled_from(Side), st.integers(0, 3), st.integers(0, 3))
STEPS = st.lists(STEP, max_size=12)
#: People at work, no run in between.
QUIET_STEP = STEP.filter(lambda step: step[0] != "run")
QUIET = st.lists(QUIET_STEP, max_size=8)
TIMES = [at("2026-03-02 09:00"), at("2026-03-02 14:00", hours=2), all_day("2026-03-02"), at("2026-03-03 09:00")]
RULE = [
    Recurrence(Frequency.WEEKLY),
    Recurrence(Frequency.WEEKLY, interval=2),
    Recurrence(Frequency.DAILY, count=20),
    Recurrence(Frequency.WEEKLY, until=day("2026-04-01")),
]
DAYS = [day(f"2026-03-{number:02}") for number in (2, 9, 16, 23)]


@dataclass
class People:
    """Two people who work on the same calendar from either side, and what they meant to keep."""

    world: World = field(default_factory=World)
    #: Texts typed by somebody and not knowingly removed by anybody.
    meant: set[str] = field(default_factory=set)
    typed: set[str] = field(default_factory=set)
    edits: int = 0
    _texts: itertools.count[int] = field(default_factory=itertools.count)

    @classmethod
    def at_work(cls, *steps: tuple[str, Side, int, int]) -> People:
        """People whose calendars agree on a single entry and two series, after these steps."""
        people = cls(World(rules=replace(RULES, brake_count=1000)))
        people.act("add single", Side.PSA, 0, 0)
        people.act("add series", Side.PSA, 0, 0)
        people.act("add series", Side.EXCHANGE, 0, 2)
        people.world.run()
        for step in steps:
            people.act(*step)
        return people

    def act(self, what: str, side: Side, which: int, how: int) -> None:
        if what == "run":
            self.world.run()
        elif what == "add single":
            self._add(side, entry(self._text(), TIMES[how]))
        elif what == "add series":
            self._add(side, weekly(self._text(), at("2026-03-02 09:00"), rule=RULE[how]))
        else:
            seen = self._pick(side, which)
            if seen is not None:
                self.edits += 1
                self._edit(what, side, seen, how)

    def _edit(self, what: str, side: Side, seen: SeenActivity | SeenEvent, how: int) -> None:
        held = seen.entry
        on = DAYS[how]
        match what:
            case "delete":
                self._forget(_texts(held))
                (self.world.activities if side is Side.PSA else self.world.events).pop(seen.id)
                return
            case "nothing new":
                changes: dict[str, object] = {}
            case "title" | "place" | "text":
                changes = {what: self._text()}
            case "time":
                changes = {"when": TIMES[how]}
            case "privacy":
                if side is Side.PSA:
                    changes = {"type_id": ("meet", "private", "visit", "gym")[how]}
                else:
                    changes = {"sensitivity": list(Sensitivity)[how]}
            case "rule" if held.recurrence is not None:
                changes = {"recurrence": RULE[how]}
            case "single or series":
                changes = {"recurrence": None if held.recurrence else RULE[how]}
            case "occurrence" if _has(held, on):
                one = held.exceptions.get(on) or Occurrence(held.title, slot(held, on), held.place, held.text)
                changes = {"exceptions": {**held.exceptions, on: replace(one, title=self._text())}}
            case "move occurrence" if _has(held, on):
                one = held.exceptions.get(on) or Occurrence(held.title, slot(held, on), held.place, held.text)
                moved = at(f"{on} {15 + how}:00")
                changes = {"exceptions": {**held.exceptions, on: replace(one, when=moved)}}
            case "cancel" if _has(held, on):
                kept = {key: one for key, one in held.exceptions.items() if key != on}
                changes = {"exceptions": kept, "cancelled": held.cancelled | {on}}
            case _:
                return
        after = replace(held, **{name: value for name, value in changes.items() if name != "type_id"})
        after = _tidy(held, after)
        self._forget(_texts(held) - _texts(after))
        if side is Side.EXCHANGE and changed_keys(fields(held), fields(after)) & {"time", "recurrence"}:
            # The server drops what deviates; texts nobody on the other side has seen are lost on it.
            kept = replace(after, exceptions={}, cancelled=frozenset())
            self._forget(_texts(after) - _texts(kept) - _shown(self.world, Side.PSA))
            after = kept
        edit = self.world.psa_edits if side is Side.PSA else self.world.exchange_edits
        marks = {"type_id": changes["type_id"]} if "type_id" in changes else {}
        edit(seen.id, **{name: getattr(after, name) for name in Entry.__slots__}, **marks)

    def _add(self, side: Side, made: Entry) -> None:
        self.edits += 1
        if len(self.world.activities) < 5 and len(self.world.events) < 5:
            (self.world.psa_adds if side is Side.PSA else self.world.exchange_adds)(made)
        else:
            self._forget({made.title})

    def _pick(self, side: Side, which: int) -> SeenActivity | SeenEvent | None:
        """An entry of a side; the same number names the same pair on either side, so that edits meet."""
        world = self.world
        joined = (link for link in world.links.values() if link.status is not LinkStatus.UNLINKED)
        pairs = [(link.psa_id or "", link.item_id or "") for link in joined]
        if which < 3 and pairs:
            activity, event = pairs[which % len(pairs)]
            return world.activities.get(activity) if side is Side.PSA else world.events.get(event)
        store = world.activities if side is Side.PSA else world.events
        return store[max(store)] if store else None

    def _text(self) -> str:
        text = f"text {next(self._texts)}"
        self.meant.add(text)
        self.typed.add(text)
        return text

    def _forget(self, texts: set[str]) -> None:
        self.meant -= texts


def _has(held: Entry, on: date) -> bool:
    return held.recurrence is not None and on in slot_days(held, on, on) and on not in held.cancelled


def _tidy(before: Entry, after: Entry) -> Entry:
    """A calendar of one's own follows one's edits: occurrences take over what they did not change themselves."""
    whole = [key for key in changed_keys(fields(before), fields(after)) if key in PLAIN_KEYS]
    if not whole:
        return after
    return with_fields(before, after, whole)


def _texts(held: Entry) -> set[str]:
    found = {held.title, held.place, held.text}
    for one in held.exceptions.values():
        found |= {one.title, one.place, one.text}
    return found - {""}


def _shown(world: World, *sides: Side) -> set[str]:
    stores = {Side.PSA: world.activities, Side.EXCHANGE: world.events}
    entries = [seen.entry for side in sides or Side for seen in stores[side].values()]
    return set().union(*map(_texts, entries)) if entries else set()


def _lost_values(world: World) -> set[str]:
    """Losers of conflicts, which the history keeps, and what went with an occurrence a new rule has no place for."""
    lost = {loser.value for action in world.log if isinstance(action, Update) for loser in action.losers}
    for action in world.log:
        if isinstance(action, Update):
            for seen, wanted in ((action.activity, action.to_psa), (action.event, action.to_exchange)):
                if seen is not None and wanted is not None and seen.entry.recurrence != wanted.recurrence:
                    lost |= _texts(seen.entry) - {seen.entry.title, seen.entry.place, seen.entry.text}
    return lost


def _check(people: People) -> None:
    world = people.world
    world.settle()
    # Converges: both sides equal, unless the mark says why not, or a person's choice of privacy is not ours to undo.
    for differing, (activity, event) in zip(world.differing(), world.pairs(), strict=True):
        if activity.category.value == "Personal" or event.entry.sensitivity is not Sensitivity.NORMAL:
            differing = {key for key in differing if not key.endswith("sensitivity")}
        assert not differing, (differing, activity, event)
    linked = [link for link in world.links.values() if link.status is LinkStatus.LINKED]
    assert len(linked) == len(world.activities) == len(world.events)
    # No loss, no invention.
    shown = _shown(world)
    assert people.meant <= shown | _lost_values(world), people.meant - shown
    assert shown <= people.typed


@settings(max_examples=250, deadline=None)
@given(STEPS)
def test_whatever_people_do_both_sides_end_equal_and_nothing_typed_is_lost(steps) -> None:
    people = People.at_work(*steps)
    _check(people)


@settings(max_examples=120, deadline=None)
@given(STEPS, QUIET, st.lists(st.tuples(st.integers(0, 4), st.booleans(), QUIET_STEP), min_size=1, max_size=4))
def test_rule_10_4_a_crash_at_any_write_and_another_run_is_as_no_crash(before, after, crashes) -> None:
    people = People.at_work(*before)
    people.world.run()
    for step in after:
        people.act(*step)
    for at_write, took_effect, step in crashes:
        people.act(*step)
        people.world.crash_at, people.world.crash_after = at_write, took_effect
        with suppress(Crash):
            people.world.run()
        people.world.crash_at = None
    _check(people)


@settings(max_examples=120, deadline=None)
@given(STEPS, QUIET)
def test_rule_7_6_writes_are_bounded_by_edits(before, after) -> None:
    people = People.at_work(*before)
    people.world.settle()
    people.world.writes.clear()
    people.edits = 0
    for step in after:
        people.act(*step)
    people.world.settle()
    updates = [action for action in people.world.log if isinstance(action, Update)]
    conflicts = sum(len(update.losers) for update in updates)
    # What Exchange dropped with a new rule or time is written again (rule 5.4).
    again = sum(bool(update.psa_fields & {"time", "recurrence"} and update.exchange_fields) for update in updates)
    assert len(people.world.writes) <= people.edits + conflicts + again


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_rule_8_5_with_every_link_lost_nothing_is_created_or_deleted_again(steps) -> None:
    people = People.at_work(*steps)
    people.world.settle()
    world = people.world
    pairs = len(world.pairs())
    six = {(one.entry.title, str(one.entry.when), str(one.entry.recurrence)) for one in world.activities.values()}
    world.links.clear()
    world.writes.clear()
    world.resync = True
    world.settle()
    assert world.writes == []
    assert len(world.pairs()) == pairs
    assert len(six) == pairs


@settings(max_examples=60, deadline=None)
@given(STEPS, QUIET, st.sampled_from(Side), st.integers(0, 2))
def test_rule_8_4_what_a_person_deleted_and_nobody_edited_is_gone_for_good(before, after, side, which) -> None:
    people = People.at_work(*before)
    people.world.settle()
    links = [link for link in people.world.links.values() if link.status is LinkStatus.LINKED]
    if not links:
        return
    link = links[which % len(links)]
    title = people.world.activities[link.psa_id or ""].entry.title
    store, entry_id = (
        (people.world.activities, link.psa_id) if side is Side.PSA else (people.world.events, link.item_id)
    )
    del store[entry_id or ""]  # type: ignore[attr-defined]
    for what, who, _, how in after:
        if what.startswith("add"):
            people.act(what, who, 0, how)
    people.world.settle()
    assert title not in _titles(people.world)
    people.world.settle()
    assert title not in _titles(people.world)


def _titles(world: World) -> set[str]:
    return {title for titles in world.titles() for title in titles}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60))
def test_rule_3_3_the_cut_off_is_one_day_sharp(back: int) -> None:
    world = World()
    ended = RULES.started_on - timedelta(days=back)
    world.psa_adds(entry("x", at(f"{ended} 12:00")))
    made = [action for action in world.plan().actions if isinstance(action, CreateEvent)]
    assert bool(made) is (back <= 30)
