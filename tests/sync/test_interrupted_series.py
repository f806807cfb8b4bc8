"""A series takes several writes where a server has one for each date: cut off in between, nothing is lost (5.2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from samklang.engine.model import Entry, FieldKey, Frequency, Mail, Recurrence, SeenEvent, Weekday
from samklang.sync.errors import ItemError
from samklang.sync.memory import MemoryCalendar, PowerCut
from tests.sync.world import World, at, monday, occurrence, weekly


class CutOff(MemoryCalendar):
    """Writes a series' dates one by one, as servers have it; after `left` of its writes power, or the server, fails."""

    left = 99
    fails: BaseException = PowerCut()

    def create(self, entry: Entry, key: str) -> SeenEvent:
        made = super().create(replace(entry, exceptions={}, cancelled=frozenset()), key)
        return self._dates(made, entry)

    def update(self, seen: SeenEvent, entry: Entry, changed: frozenset[FieldKey], mail: Mail = Mail.NONE) -> SeenEvent:
        plain = frozenset(key for key in changed if not key.startswith("x:"))
        back = seen.entry.cancelled - entry.cancelled
        if back or plain & {"time", "recurrence"}:
            seen = super().update(seen, replace(entry, exceptions={}, cancelled=frozenset()), plain | {"recurrence"})
        elif plain:
            seen = super().update(seen, entry, plain)
        return self._dates(seen, entry)

    def _dates(self, seen: SeenEvent, entry: Entry) -> SeenEvent:
        for day in sorted(entry.cancelled | set(entry.exceptions)):
            self.left -= 1
            if self.left < 0:
                self.left = 99
                raise self.fails
            held = seen.entry
            if day in entry.cancelled:
                seen = self.shelf.put(replace(seen, entry=replace(held, cancelled=held.cancelled | {day})))
            else:
                exceptions = {**held.exceptions, day: entry.exceptions[day]}
                seen = self.shelf.put(replace(seen, entry=replace(held, exceptions=exceptions)))
        return seen


SERIES = weekly()
DEVIATING = replace(
    SERIES,
    exceptions={
        monday(2): occurrence(SERIES, monday(2), title="Cake"),
        monday(3): occurrence(SERIES, monday(3), place="Garden"),
    },
    cancelled=frozenset({monday(4), monday(5)}),
)


TWICE_A_WEEK = Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY, Weekday.FRIDAY), count=20)


@pytest.fixture
def cut(world: World) -> CutOff:
    world.exchange = CutOff(world.clock, faults=world.faults, page_size=3)
    world.exchange.drops_exceptions = True
    return world.exchange


def held(world: World) -> tuple[dict[date, str], dict[date, str], frozenset[date]]:
    """Titles and places of the changed dates, and the cancelled ones; the same on both sides."""
    sides = [
        (
            {day: each.title for day, each in entry.exceptions.items() if each.title != entry.title},
            {day: each.place for day, each in entry.exceptions.items() if each.place != entry.place},
            entry.cancelled,
        )
        for entry in (world.activity.entry, world.event.entry)
    ]
    assert sides[0] == sides[1]
    return sides[0]


def run_into_the_cut(world: World, cut: CutOff, writes: int) -> None:
    cut.left = writes
    with pytest.raises(PowerCut):
        world.run()
    world.synced()


@pytest.mark.parametrize("writes", range(4))
def test_a_create_cut_off_after_any_write_loses_no_date(world: World, cut: CutOff, writes: int) -> None:
    world.add_to_psa(DEVIATING)
    run_into_the_cut(world, cut, writes)
    assert held(world) == ({monday(2): "Cake"}, {monday(3): "Garden"}, {monday(4), monday(5)})
    assert len(world.events) == 1


@pytest.mark.parametrize("writes", range(4))
def test_a_new_rule_cut_off_after_any_write_loses_no_date(world: World, cut: CutOff, writes: int) -> None:
    activity = world.add_to_psa(DEVIATING)
    world.synced()
    world.psa.person_edits(activity, recurrence=TWICE_A_WEEK)
    run_into_the_cut(world, cut, writes)
    assert held(world) == ({monday(2): "Cake"}, {monday(3): "Garden"}, {monday(4), monday(5)})
    assert world.event.entry.recurrence == TWICE_A_WEEK


@pytest.mark.parametrize("writes", range(4))
def test_a_new_rule_whose_dates_the_server_refused_for_a_while_loses_none(
    world: World, cut: CutOff, writes: int
) -> None:
    activity = world.add_to_psa(DEVIATING)
    world.synced()
    world.psa.person_edits(activity, recurrence=TWICE_A_WEEK)
    cut.left, cut.fails = writes, ItemError("refused")
    world.synced()
    world.later(days=1)
    world.synced()
    assert held(world) == ({monday(2): "Cake"}, {monday(3): "Garden"}, {monday(4), monday(5)})


@pytest.mark.parametrize("writes", range(4))
def test_another_time_of_day_cut_off_after_any_write_loses_no_date(world: World, cut: CutOff, writes: int) -> None:
    activity = world.add_to_psa(DEVIATING)
    world.synced()
    later = weekly()
    moved = replace(DEVIATING, when=at(7, 11))
    exceptions = {day: replace(each, when=occurrence(moved, day).when) for day, each in DEVIATING.exceptions.items()}
    world.psa.person_edits(activity, when=moved.when, exceptions=exceptions)
    run_into_the_cut(world, cut, writes)
    assert held(world) == ({monday(2): "Cake"}, {monday(3): "Garden"}, {monday(4), monday(5)})
    assert world.event.entry.when != later.when


@pytest.mark.parametrize("writes", range(3))
def test_a_date_given_back_cut_off_after_any_write_loses_no_other(world: World, cut: CutOff, writes: int) -> None:
    activity = world.add_to_psa(DEVIATING)
    world.synced()
    world.psa.person_edits(activity, cancelled=frozenset({monday(5)}))
    run_into_the_cut(world, cut, writes)
    assert held(world) == ({monday(2): "Cake"}, {monday(3): "Garden"}, {monday(5)})


def test_what_a_person_removed_in_exchange_is_still_removed(world: World, cut: CutOff) -> None:
    world.add_to_psa(DEVIATING)
    world.synced()
    kept = {monday(3): DEVIATING.exceptions[monday(3)]}
    cut.person_edits(world.event.id, exceptions=kept, cancelled=frozenset({monday(4)}))
    world.synced()
    assert held(world) == ({}, {monday(3): "Garden"}, {monday(4)})


def test_rule_7_2_a_rule_taken_back_in_exchange_while_the_psa_was_written_is_taken_back_there_too(
    world: World, cut: CutOff
) -> None:
    activity = world.add_to_psa(DEVIATING)
    world.synced()
    event, before = world.event.id, world.event.entry.recurrence
    renamed = {**DEVIATING.exceptions, monday(2): occurrence(SERIES, monday(2), title="Pie")}
    world.psa.person_edits(activity, exceptions=renamed)
    cut.person_edits(event, recurrence=Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY,), count=9))
    world.psa.shelf.meanwhile.append(lambda: cut.person_edits(event, recurrence=before))
    world.synced()
    assert held(world) == ({monday(2): "Pie"}, {monday(3): "Garden"}, {monday(4), monday(5)})
    assert world.activity.entry.recurrence == world.event.entry.recurrence == before
