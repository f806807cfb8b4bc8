"""Series the other side cannot express: single entries inside a horizon that moves (rule 5.5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from samklang.engine import times
from samklang.engine.model import Entry, Frequency, Inexpressible, LinkStatus, Recurrence, Sensitivity, Side, Timed
from samklang.sync.memory import PowerCut
from tests.sync.world import World, at, occurrence, single, weekly

#: The tenth and the twentieth of each month, from 10 March 2026 on.
TWICE_A_MONTH = Inexpressible("several_dates_of_month", "FREQ=MONTHLY;BYMONTHDAY=10,20")
#: What Exchange means by "the 30th of each month": the last day of February (Graph facts §4.4).
THIRTIETH = Inexpressible("days_29_to_31", "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1")


def twice(title: str = "Report", rule: Inexpressible = TWICE_A_MONTH) -> Entry:
    return Entry(title, at(8), recurrence=rule)


def ending(rule: Inexpressible, count: int) -> Inexpressible:
    return replace(rule, rule=f"{rule.rule};COUNT={count}")


def days_of(entries: list[Entry]) -> list[date]:
    return sorted(times.local_day(entry.when) for entry in entries)


@pytest.fixture(params=[Side.PSA, Side.EXCHANGE], ids=str)
def here(request: pytest.FixtureRequest) -> Side:
    """The side on which the series stands."""
    return Side(request.param)


class Hands:
    """The series on one side, the single entries on the other."""

    def __init__(self, world: World, here: Side, entry: Entry) -> None:
        self.world, self.here = world, here
        self.id = world.add_to_psa(entry) if here is Side.PSA else world.add_to_exchange(entry)
        self._near = world.psa if here is Side.PSA else world.exchange
        self._far = world.exchange if here is Side.PSA else world.psa

    @property
    def series(self) -> Entry:
        return self._near.shelf.shown()[self.id].entry

    @property
    def singles(self) -> dict[date, Entry]:
        shown = self._far.shelf.shown().values()
        return {times.local_day(seen.entry.when): seen.entry for seen in shown}

    def far_id(self, day: date) -> str:
        return next(s.id for s in self._far.shelf.shown().values() if times.local_day(s.entry.when) == day)

    def edits_series(self, **changes: object) -> None:
        self._near.person_edits(self.id, **changes)

    def edits_single(self, day: date, **changes: object) -> None:
        self._far.person_edits(self.far_id(day), **changes)

    def deletes_single(self, day: date) -> None:
        self._far.person_deletes(self.far_id(day))

    def deletes_series(self) -> None:
        self._near.person_deletes(self.id)

    @property
    def writes_here(self) -> int:
        return self._near.shelf.all_writes

    @property
    def writes_there(self) -> int:
        return self._far.shelf.all_writes


@pytest.fixture
def hands(world: World, here: Side) -> Hands:
    found = Hands(world, here, twice(rule=ending(TWICE_A_MONTH, 6)))
    world.pairs_differ_by = "5.5: a single entry is linked to an occurrence"
    world.synced()
    return found


FIRST, SECOND = date(2026, 3, 10), date(2026, 3, 20)


def test_it_comes_as_single_entries_at_its_dates(hands: Hands) -> None:
    assert sorted(hands.singles) == [date(2026, month, day) for month in (3, 4, 5) for day in (10, 20)]
    assert {entry.recurrence for entry in hands.singles.values()} == {None}
    assert (hands.writes_here, hands.writes_there) == (0, 6)


def test_its_clock_follows_its_zone(hands: Hands) -> None:
    hours = {times.to_wall(one.when.start, one.when.zone).hour for one in hands.singles.values()}  # type: ignore[union-attr]
    assert hours == {10}


def test_a_single_entry_renamed_is_an_exception(hands: Hands) -> None:
    hands.edits_single(SECOND, title="Long report")
    report = hands.world.synced()
    assert report.writes == 1
    assert {day: one.title for day, one in hands.series.exceptions.items()} == {SECOND: "Long report"}


def test_a_single_entry_moved_is_a_moved_occurrence(hands: Hands) -> None:
    hands.edits_single(SECOND, when=at(19))
    assert hands.world.synced().writes == 1
    assert hands.series.exceptions[SECOND].when == at(19)


def test_a_single_entry_deleted_is_a_cancelled_occurrence(hands: Hands) -> None:
    hands.deletes_single(SECOND)
    assert hands.world.synced().writes == 1
    assert hands.series.cancelled == {SECOND} and SECOND not in hands.singles
    assert hands.world.synced(reconcile=True).writes == 0


def test_a_single_entry_made_private_makes_one_occurrence_private(hands: Hands) -> None:
    if hands.here is Side.PSA:
        hands.edits_single(SECOND, sensitivity=Sensitivity.PRIVATE)
        assert hands.world.synced().writes == 1
        assert hands.series.exceptions[SECOND].sensitivity is Sensitivity.PRIVATE
        assert hands.world.activity.type_id == "visit"


def test_a_renamed_series_renames_its_single_entries(hands: Hands) -> None:
    hands.edits_single(SECOND, title="Long report")
    hands.world.synced()
    hands.edits_series(title="Account")
    report = hands.world.synced()
    assert report.writes == 5
    assert [entry.title for _, entry in sorted(hands.singles.items())] == ["Account", "Long report", *["Account"] * 4]


def test_an_occurrence_changed_and_one_cancelled_reach_their_single_entries_alone(hands: Hands) -> None:
    changed = occurrence(hands.series, SECOND, title="Long report")
    hands.edits_series(exceptions={SECOND: changed}, cancelled=frozenset({FIRST}))
    assert hands.world.synced().writes == 2
    assert FIRST not in hands.singles and hands.singles[SECOND].title == "Long report"


def test_the_series_deleted_takes_its_single_entries_along(hands: Hands) -> None:
    hands.deletes_series()
    assert hands.world.synced().writes == 6
    assert hands.singles == {}


def test_different_fields_of_one_occurrence_edited_on_both_sides_are_both_kept(hands: Hands) -> None:
    hands.edits_series(exceptions={SECOND: occurrence(hands.series, SECOND, place="Attic")})
    hands.edits_single(SECOND, title="Long report")
    hands.world.synced()
    assert (hands.singles[SECOND].title, hands.singles[SECOND].place) == ("Long report", "Attic")
    changed = hands.series.exceptions[SECOND]
    assert (changed.title, changed.place) == ("Long report", "Attic")


def test_two_occurrences_edited_at_once_are_written_one_after_the_other(hands: Hands) -> None:
    hands.edits_single(FIRST, title="Short report")
    hands.edits_single(SECOND, title="Long report")
    assert hands.world.synced().writes == 2
    assert {day: one.title for day, one in hands.series.exceptions.items()} == {
        FIRST: "Short report",
        SECOND: "Long report",
    }


def test_a_single_entry_made_a_series_is_set_aside_with_the_reason(hands: Hands) -> None:
    hands.edits_single(SECOND, recurrence=Recurrence(Frequency.DAILY, count=3))
    assert hands.world.synced().set_aside == {"occurrence_cannot_repeat": 1}
    assert not hands.series.exceptions


# -- the horizon


def test_the_horizon_is_two_years_and_moves_with_the_reconcile(world: World, here: Side) -> None:
    world.pairs_differ_by = "5.5"
    hands = Hands(world, here, twice())
    world.synced()
    assert max(hands.singles) == date(2028, 2, 20) and len(hands.singles) == 48
    world.later(days=31)
    assert world.synced().writes == 0
    assert world.synced(reconcile=True).writes == 2
    assert max(hands.singles) == date(2028, 3, 20) and min(hands.singles) == FIRST
    world.later(days=365)
    world.synced(reconcile=True)
    assert min(hands.singles) == FIRST, "what is past stays"
    assert world.synced(reconcile=True).writes == 0


def test_what_lies_before_the_cut_off_is_left_out(here: Side) -> None:
    world = World()
    world.pairs_differ_by = "5.5"
    old = replace(
        twice(), when=Timed(datetime(2025, 3, 10, 9, tzinfo=UTC), datetime(2025, 3, 10, 10, tzinfo=UTC), "UTC")
    )
    hands = Hands(world, here, old)
    world.store.accept(None)
    assert world.synced().left_out == {}, "nobody needs to remember what lies before the horizon"
    assert min(hands.singles) == date(2026, 2, 10)
    world.check_at_rest()


def test_a_series_beyond_the_horizon_waits_for_it(world: World, here: Side) -> None:
    world.pairs_differ_by = "5.5"
    hands = Hands(world, here, replace(twice(), when=at(3 * 365)))
    report = world.synced()
    assert (report.writes, report.set_aside) == (0, {})
    world.later(days=400)
    world.synced(reconcile=True)
    assert hands.singles


# -- becoming and ceasing to be expressible


def test_a_series_that_becomes_inexpressible_keeps_its_pair(world: World, here: Side) -> None:
    world.pairs_differ_by = "5.5"
    hands = Hands(world, here, replace(weekly(), when=at(8)))
    world.synced()
    before = set(hands._far.shelf.shown())
    hands.edits_series(recurrence=ending(TWICE_A_MONTH, 6))
    world.synced()
    assert before < set(hands._far.shelf.shown()), "the entry stays and becomes the first of the single ones"
    assert len(hands.singles) == 6 and not any(entry.is_series for entry in hands.singles.values())


def test_a_single_entry_that_becomes_inexpressible_keeps_its_pair(world: World, here: Side) -> None:
    world.pairs_differ_by = "5.5"
    hands = Hands(world, here, single("Report", at(8)))
    world.synced()
    hands.edits_series(recurrence=ending(TWICE_A_MONTH, 6))
    report = world.synced()
    assert (report.writes, len(hands.singles)) == (5, 6)


def test_a_series_that_becomes_a_pattern_is_one_series_there(hands: Hands) -> None:
    hands.edits_series(recurrence=Recurrence(Frequency.MONTHLY, day_of_month=10, count=4))
    hands.world.synced()
    (entry,) = hands.singles.values()
    assert entry.is_series and len(hands.world.links) == 1
    hands.world.pairs_differ_by = ""


def test_over_occurrences_are_no_double_once_the_series_is_a_pattern(hands: Hands) -> None:
    hands.world.later(days=40)
    hands.edits_series(recurrence=Recurrence(Frequency.MONTHLY, day_of_month=10, count=4))
    hands.world.synced()
    assert hands.singles[FIRST].is_series
    # 10 April is over and one of the series' dates; 20 March is over and none: an activity that is over stays (8.2).
    assert hands.singles.keys() - {FIRST} == (set() if hands.here is Side.PSA else {SECOND})


# -- apart, refused, braked, cut off


def test_a_user_may_have_it_refused_instead(here: Side) -> None:
    world = World(refuse_inexpressible=True).started()
    hands = Hands(world, here, twice())
    report = world.synced()
    assert (report.writes, report.set_aside) == (0, {"recurrence_inexpressible": 1})
    world.rules = replace(world.rules, refuse_inexpressible=False)
    report = world.synced(reconcile=True)
    assert len(hands.singles) == 48 and report.set_aside == {}
    world.pairs_differ_by = "5.5"
    world.check_at_rest()


def test_what_was_taken_apart_stays_synced_when_its_user_refuses_the_next(hands: Hands) -> None:
    hands.world.rules = replace(hands.world.rules, refuse_inexpressible=True)
    assert hands.world.synced(reconcile=True).writes == 0
    hands.edits_single(SECOND, title="Long report")
    assert hands.world.synced().writes == 1


def test_two_occurrences_on_one_day_are_set_aside(world: World, here: Side) -> None:
    rule = Inexpressible("rule_and_extra_dates", "RRULE:FREQ=WEEKLY;COUNT=3\nRDATE:20260310T150000")
    Hands(world, here, twice(rule=rule))
    assert world.synced().set_aside == {"recurrence_inexpressible": 1}


def test_an_extra_date_keeps_its_own_time_of_day(world: World, here: Side) -> None:
    world.pairs_differ_by = "5.5"
    rule = Inexpressible("rule_and_extra_dates", "RRULE:FREQ=WEEKLY;COUNT=3\nRDATE:20260312T150000")
    hands = Hands(world, here, twice(rule=rule))
    world.synced()
    extra = date(2026, 3, 12)
    assert len(hands.singles) == 4
    assert times.to_wall(hands.singles[extra].when.start, "Europe/Stockholm").hour == 15  # type: ignore[union-attr]
    hands.edits_single(extra, title="Extra report")
    assert world.synced().writes == 1
    assert world.synced().writes == 0
    assert times.to_wall(hands.singles[extra].when.start, "Europe/Stockholm").hour == 15  # type: ignore[union-attr]


def test_existing_single_entries_are_matched_with_the_occurrences(here: Side) -> None:
    world = World()
    world.pairs_differ_by = "5.5"
    hands = Hands(world, here, twice(rule=ending(TWICE_A_MONTH, 3)))
    add = world.add_to_exchange if here is Side.PSA else world.add_to_psa
    for day in (8, 18):
        add(single("Report", at(day)))
    world.store.accept(None)
    report = world.synced()
    assert (report.joined, report.writes) == (2, 1)
    assert len(hands.singles) == 3
    world.check_at_rest()


def test_a_series_counts_as_one_entry_for_the_brake(world: World, here: Side) -> None:
    world.pairs_differ_by = "5.5"
    hands = Hands(world, here, twice())
    for day in range(12):
        world.add_to_psa(single(f"Tea {day}", at(day)))
    world.synced()
    hands.edits_series(title="Account")
    assert world.run().brake is None
    hands.deletes_series()
    assert world.run().brake is None
    assert hands.singles.keys() == {times.local_day(at(day)) for day in range(12)} or here is Side.EXCHANGE


def test_a_crash_between_single_entries_doubles_none(world: World, here: Side) -> None:
    world.pairs_differ_by = "5.5"
    hands = Hands(world, here, twice(rule=ending(TWICE_A_MONTH, 5)))
    target = "exchange.create" if here is Side.PSA else "psa.create"
    for nth in (2, 1):
        world.faults.arm(PowerCut(), on=target, nth=nth, after=True)
        with pytest.raises(PowerCut):
            world.run()
    world.faults.disarm()
    world.synced()
    assert len(hands.singles) == 5 == len(hands._far.shelf.shown())


def test_the_state_rebuilt_from_nothing_matches_all_single_entries(hands: Hands) -> None:
    world = hands.world
    world.store = type(world.store)(faults=world.faults)
    world.store.accept(None)
    report = world.synced()
    assert (report.joined, report.writes) == (6, 0)


def test_a_single_entry_a_person_unlinked_is_not_made_again(hands: Hands) -> None:
    if hands.here is Side.EXCHANGE:
        hands.world.psa.person_marks(hands.far_id(FIRST), has_hours=True)
        hands.world.synced()
        hands.edits_series(cancelled=frozenset({FIRST}))
        assert hands.world.synced().writes == 0
        assert FIRST in hands.singles
        marks = [link for link in hands.world.store.links() if link.status is LinkStatus.UNLINKED]
        assert len(marks) == 1


# --- what this PSA alone cannot keep (rules 5.5, 13.5) ----------------------------------------------------------------


def keeps_no_series(world: World) -> None:
    world.psa.holds = lambda entry: entry.recurrence is None
    world.pairs_differ_by = "5.5: a single entry is linked to an occurrence"


def test_rule_13_5_a_series_the_psa_cannot_keep_comes_as_its_occurrences(world: World) -> None:
    keeps_no_series(world)
    hands = Hands(world, Side.EXCHANGE, weekly(count=4))
    world.synced()
    assert len(hands.singles) == 4
    assert {entry.recurrence for entry in hands.singles.values()} == {None}
    assert world.synced(reconcile=True).writes == 0
    day = sorted(hands.singles)[1]
    hands.edits_single(day, title="With cake")
    assert world.synced().writes == 1
    assert {d: one.title for d, one in hands.series.exceptions.items()} == {day: "With cake"}


def test_rule_13_5_what_is_linked_as_a_whole_stays_whole(world: World) -> None:
    whole = Hands(world, Side.EXCHANGE, weekly("Whole", count=4))
    world.synced()
    keeps_no_series(world)
    Hands(world, Side.EXCHANGE, weekly("Apart", count=4))
    whole.edits_series(place="Attic")
    world.synced(reconcile=True)
    shown = [seen.entry for seen in world.psa.shelf.shown().values()]
    assert [(entry.title, entry.place) for entry in shown if entry.recurrence] == [("Whole", "Attic")]
    assert [entry.title for entry in shown if not entry.recurrence] == ["Apart"] * 4


def test_rule_5_5_a_series_the_calendar_cannot_keep_comes_as_its_occurrences(world: World) -> None:
    world.exchange.holds = lambda entry: entry.recurrence is None
    world.pairs_differ_by = "5.5: a single entry is linked to an occurrence"
    hands = Hands(world, Side.PSA, weekly(count=4))
    world.synced()
    assert {entry.recurrence for entry in hands.singles.values()} == {None} and len(hands.singles) == 4
    assert world.synced(reconcile=True).writes == 0
    day = sorted(hands.singles)[1]
    hands.edits_single(day, title="With cake")
    assert world.synced().writes == 1
    assert {d: one.title for d, one in hands.series.exceptions.items()} == {day: "With cake"}


def test_rule_13_5_once_the_psa_can_keep_it_nothing_is_double(world: World) -> None:
    keeps_no_series(world)
    hands = Hands(world, Side.EXCHANGE, weekly(count=4))
    world.synced()
    world.psa.holds = lambda entry: True
    world.later(days=40)
    hands.edits_series(place="Attic")
    world.synced()
    shown = [seen.entry for seen in world.psa.shelf.shown().values()]
    assert [entry.place for entry in shown if entry.recurrence] == ["Attic"]


# --- a date this PSA cannot keep (rules 1.6, 13.5) --------------------------------------------------------------------

SECRET = date(2026, 3, 16)


def keeps_no_private_date(world: World) -> None:
    def holds_dates(entry: Entry) -> bool:
        return all(one.sensitivity is entry.sensitivity for one in entry.exceptions.values())

    world.psa.holds_dates = holds_dates
    world.pairs_differ_by = "5.5: a single entry is linked to an occurrence"


def with_a_private_date(**more: Any) -> Entry:
    series = weekly(count=4, **more)
    secret = occurrence(series, SECRET, title="Doctor", sensitivity=Sensitivity.PRIVATE)
    return replace(series, exceptions={SECRET: secret})


def private_days(entries: dict[date, Entry]) -> list[date]:
    return [day for day, entry in entries.items() if entry.sensitivity.is_private]


@pytest.mark.parametrize("linked", [False, True])
def test_rule_13_5_a_series_with_a_date_the_psa_cannot_keep_comes_as_its_occurrences(
    world: World, linked: bool
) -> None:
    keeps_no_private_date(world)
    hands = Hands(world, Side.EXCHANGE, weekly(count=4) if linked else with_a_private_date())
    world.synced()
    if linked:
        hands.edits_series(exceptions=with_a_private_date().exceptions)
        world.synced()
    assert len(hands.singles) == 4 and private_days(hands.singles) == [SECRET]
    assert {entry.recurrence for entry in hands.singles.values()} == {None}
    assert world.synced(reconcile=True).writes == 0


def test_rule_13_5_once_its_dates_are_alike_it_is_one_series_again(world: World) -> None:
    keeps_no_private_date(world)
    hands = Hands(world, Side.EXCHANGE, with_a_private_date())
    world.synced()
    hands.edits_series(exceptions={})
    world.synced()
    (entry,) = hands.singles.values()
    assert entry.is_series and not entry.sensitivity.is_private


def test_rule_3_1_a_series_the_psa_has_as_well_is_matched_whatever_of_its_dates_is_private(world: World) -> None:
    keeps_no_private_date(world)
    world.add_to_psa(weekly(count=4))
    hands = Hands(world, Side.EXCHANGE, with_a_private_date())
    assert world.synced().writes == 0
    hands.edits_series(place="Attic")
    assert world.synced().writes == 1
    (entry,) = hands.singles.values()
    assert (entry.place, entry.is_series, entry.exceptions) == ("Attic", True, {})


def test_rule_4_3_a_meeting_is_not_taken_apart_for_the_sake_of_one_date(world: World) -> None:
    keeps_no_private_date(world)
    organizer = {"is_meeting": True, "is_organizer": True, "uid": "uid-1"}
    item = world.add_to_exchange(weekly(count=4), **organizer)
    world.synced()
    world.exchange.person_edits(item, exceptions=with_a_private_date().exceptions)
    world.psa.refuses = lambda entry: None if world.psa.holds_dates(entry) else "severa_private_date"
    world.run()
    assert world.activity.entry.is_series and len(world.store.set_aside()) == 1


# --- turned since the listing -----------------------------------------------------------------------------------------


def test_rule_8_1_a_series_that_became_inexpressible_unheard_is_not_gone(world: World, here: Side) -> None:
    world.pairs_differ_by = "5.5"
    hands = Hands(world, here, replace(weekly(), when=at(8)))
    world.synced()
    near, far = (world.psa, world.exchange) if here is Side.PSA else (world.exchange, world.psa)
    (theirs,) = far.shelf.shown()
    hands.edits_series(recurrence=ending(TWICE_A_MONTH, 6))
    near.shelf.miss_changes(1)
    far.person_edits(theirs, place="Attic")
    world.run()
    assert [seen.entry.place for seen in far.shelf.shown().values()] == ["Attic"], "it is there as it was"
    world.later(minutes=10)
    world.run(reconcile=True)
    assert theirs in far.shelf.shown() and len(hands.singles) == 6


def test_rule_8_1_single_entries_of_what_became_a_pattern_unheard_are_not_gone(hands: Hands) -> None:
    world, far = hands.world, hands._far
    hands.edits_series(recurrence=Recurrence(Frequency.MONTHLY, day_of_month=10, count=4))
    hands._near.shelf.miss_changes(1)
    hands.edits_single(SECOND, place="Attic")
    world.run()
    assert len(hands.singles) == 6
    world.later(minutes=10)
    world.run(reconcile=True)
    (seen,) = (one for one in far.shelf.shown().values() if one.entry.is_series)
    assert times.local_day(seen.entry.when) == FIRST
    world.pairs_differ_by = ""
