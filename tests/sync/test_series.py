"""Series, their exceptions and cancelled occurrences."""

from __future__ import annotations

from dataclasses import replace

import pytest

from samklang.engine.model import Entry, Frequency, Inexpressible, Recurrence, Side, Timed, Weekday
from samklang.sync.errors import ItemError, Throttled
from samklang.sync.memory import PowerCut
from samklang.sync.preview import preview
from tests.sync.world import ZONE, World, at, monday, occurrence, single, weekly


def test_case_92_a_series_arrives_as_a_series_both_ways(world: World) -> None:
    world.add_to_psa(weekly("Ours"))
    world.add_to_exchange(weekly("Theirs", count=None))
    assert world.synced().writes == 2
    assert all(event.entry.is_series for event in world.events)
    assert all(activity.entry.is_series for activity in world.activities)


def test_a_series_arrives_with_its_exceptions_and_cancelled_dates(world: World) -> None:
    series = weekly()
    exception = occurrence(series, monday(2), title="Round with cake")
    world.add_to_exchange(replace(series, exceptions={monday(2): exception}, cancelled=frozenset({monday(4)})))
    assert world.synced().psa.created == 1
    assert world.activity.entry.exceptions[monday(2)].title == "Round with cake"
    assert world.activity.entry.cancelled == {monday(4)}


def test_case_110_one_renamed_occurrence_is_renamed_alone(world: World) -> None:
    series = weekly()
    item = world.add_to_exchange(series)
    world.synced()
    world.exchange.person_edits(item, exceptions={monday(2): occurrence(series, monday(2), title="Cake")})
    report = world.synced()
    assert (report.psa.updated, report.writes) == (1, 1)
    assert world.activity.entry.title == "Round"
    assert {day: o.title for day, o in world.activity.entry.exceptions.items()} == {monday(2): "Cake"}


def test_case_115_one_occurrence_cancelled_in_the_psa_is_cancelled_in_exchange(world: World) -> None:
    world.add_to_psa(weekly())
    world.synced()
    world.psa.person_edits(world.activity.id, cancelled=frozenset({monday(3)}))
    assert world.synced().writes == 1
    assert world.event.entry.cancelled == {monday(3)} and world.event.entry.title == "Round"


def test_rule_5_3_a_renamed_series_leaves_the_exceptions_own_title(world: World) -> None:
    series = weekly()
    world.add_to_exchange(replace(series, exceptions={monday(2): occurrence(series, monday(2), title="Cake")}))
    world.synced()
    renamed = replace(world.activity.entry, title="Circle")
    world.psa.person_edits(world.activity.id, title=renamed.title)
    world.synced()
    assert world.event.entry.title == "Circle"
    assert world.event.entry.exceptions[monday(2)].title == "Cake"


def test_case_94_a_changed_pattern_keeps_the_pair(world: World) -> None:
    item = world.add_to_exchange(weekly())
    world.synced()
    rule = Recurrence(Frequency.WEEKLY, interval=2, weekdays=(Weekday.MONDAY,), count=8)
    world.exchange.person_edits(item, recurrence=rule)
    report = world.synced()
    assert (report.psa.updated, report.writes) == (1, 1)
    assert world.activity.entry.recurrence == rule


def test_rule_5_4_exceptions_a_server_drops_with_the_pattern_are_written_again(world: World) -> None:
    world.exchange.drops_exceptions = True
    series = weekly()
    world.add_to_psa(
        replace(
            series,
            exceptions={monday(2): occurrence(series, monday(2), title="Cake")},
            cancelled=frozenset({monday(4)}),
        )
    )
    world.synced()
    rule = Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY,), count=10)
    world.psa.person_edits(world.activity.id, recurrence=rule)
    world.synced()
    world.synced()
    assert world.event.entry.exceptions[monday(2)].title == "Cake"
    assert world.event.entry.cancelled == {monday(4)}
    assert world.activity.entry.exceptions[monday(2)].title == "Cake"


def test_case_100_a_series_made_a_single_entry_stays_one_pair(world: World) -> None:
    item = world.add_to_exchange(weekly())
    world.synced()
    world.exchange.person_edits(item, recurrence=None)
    world.synced()
    assert not world.activity.entry.is_series and len(world.links) == 1


def test_case_101_the_first_occurrence_deleted_leaves_the_rest(world: World) -> None:
    item = world.add_to_exchange(weekly())
    world.synced()
    world.exchange.person_edits(item, cancelled=frozenset({monday(1)}))
    world.synced()
    assert world.activity.entry.cancelled == {monday(1)} and world.activity.entry.is_series


def test_different_occurrences_changed_on_both_sides_are_both_kept(world: World) -> None:
    series = weekly()
    item = world.add_to_exchange(series)
    world.synced()
    world.exchange.person_edits(item, exceptions={monday(2): occurrence(series, monday(2), title="Cake")})
    world.psa.person_edits(world.activity.id, exceptions={monday(3): occurrence(series, monday(3), place="Attic")})
    assert world.synced().writes == 2
    for entry in (world.activity.entry, world.event.entry):
        assert entry.exceptions[monday(2)].title == "Cake"
        assert entry.exceptions[monday(3)].place == "Attic"


def test_case_91_a_rule_nobody_can_keep_is_set_aside_and_the_others_go_on(world: World) -> None:
    strange = replace(weekly("Strange"), recurrence=Inexpressible("position_set"))
    item = world.add_to_exchange(strange)
    world.add_to_exchange(single("Tea"))
    report = world.synced()
    assert sum(report.set_aside.values()) == 1 and report.psa.created == 1
    assert [activity.entry.title for activity in world.activities] == ["Tea"]
    world.exchange.person_edits(item, recurrence=weekly().recurrence)
    report = world.synced()
    assert report.set_aside == {} and report.psa.created == 1


def test_case_112_an_occurrence_the_server_refuses_waits_and_the_others_go_on(world: World) -> None:
    series = weekly()
    world.add_to_psa(series)
    world.add_to_psa(single("Tea"))
    world.synced()
    over = occurrence(series, monday(2), when=at(21))
    world.exchange.refuses = lambda entry: "occurrence_crosses_neighbour" if entry.exceptions else None
    round_id, tea_id = (activity.id for activity in world.activities)
    world.psa.person_edits(round_id, exceptions={monday(2): over})
    world.psa.person_edits(tea_id, title="Coffee")
    report = world.synced()
    assert report.set_aside == {"occurrence_crosses_neighbour": 1}
    assert {event.entry.title for event in world.events} == {"Round", "Coffee"}
    assert world.synced().writes == 0  # no try before its time
    world.psa.person_edits(round_id, exceptions={})
    assert world.synced().set_aside == {}


def test_a_refused_entry_is_tried_again_later_and_longer_apart(world: World) -> None:
    world.exchange.refuses = lambda entry: "refused_by_server"
    world.add_to_psa(single())
    waits = []
    for _ in range(4):
        report = world.synced()
        assert report.retry_at is not None
        waits.append(report.retry_at - world.now)
        assert world.synced().set_aside == {"refused_by_server": 1}  # before its time: it waits, and nobody asks
        world.now = report.retry_at
    assert waits == sorted(waits) and waits[0] < waits[-1]
    world.exchange.refuses = lambda entry: None
    assert world.synced().exchange.created == 1
    assert ItemError().code == "refused_by_server"


# -- exceptions a changed pattern no longer gives (rule 5.4)


def _two_exceptions(world: World, side: Side) -> str:
    """A weekly series with an exception that is over and one to come; its id on `side`."""
    series = weekly()
    exceptions = {week: occurrence(series, monday(week_number), title="Cake") for week_number, week in _WEEKS}
    entry = replace(series, exceptions=exceptions)
    found = world.add_to_psa(entry) if side is Side.PSA else world.add_to_exchange(entry)
    world.synced()
    world.later(days=20)
    return found


_WEEKS = [(2, monday(2)), (5, monday(5))]
_TUESDAYS = Recurrence(Frequency.WEEKLY, weekdays=(Weekday.TUESDAY,), count=8)


@pytest.mark.parametrize("side", list(Side), ids=str)
def test_rule_5_4_an_exception_that_is_over_becomes_a_single_entry_and_one_to_come_is_dropped(
    world: World, side: Side
) -> None:
    world.exchange.drops_exceptions = True
    id = _two_exceptions(world, side)
    hand = world.psa if side is Side.PSA else world.exchange
    changes = {"recurrence": _TUESDAYS}
    hand.person_edits(id, **changes | ({"exceptions": {}} if side is Side.EXCHANGE else {}))
    detached = [row.title for row in preview(world.parts).rows if row.kind == "Detach"]
    assert detached == ["Cake"], "the preview says so"
    world.synced()
    for entries in ([one.entry for one in world.activities], [one.entry for one in world.events]):
        (alone,) = [entry for entry in entries if not entry.is_series]
        (series,) = [entry for entry in entries if entry.is_series]
        assert (alone.title, alone.when) == ("Cake", occurrence(weekly(), monday(2)).when)
        assert not series.exceptions or side is Side.PSA
    assert len(world.links) == 2


def test_rule_5_4_what_is_cut_off_between_the_two_single_entries_is_completed(world: World) -> None:
    world.exchange.drops_exceptions = True
    id = _two_exceptions(world, Side.PSA)
    world.psa.person_edits(id, recurrence=_TUESDAYS)
    world.faults.arm(PowerCut(), on="exchange.create", after=True)
    with pytest.raises(PowerCut):
        world.run()
    world.synced()
    assert len(world.events) == len(world.activities) == 2


def test_rule_5_4_this_and_following_takes_its_exceptions_along(world: World) -> None:
    id = _two_exceptions(world, Side.PSA)
    old = world.activity.entry
    rest = Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY,), count=7)
    world.psa.person_edits(id, exceptions={}, recurrence=replace(old.recurrence, count=None, until=monday(1)))
    world.add_to_psa(replace(old, when=occurrence(old, monday(2)).when, recurrence=rest))
    world.synced()
    assert len(world.events) == 2 and all(event.entry.is_series for event in world.events)


# -- a server that does not take the zone (case 158)


def _in_utc(entry: Entry) -> Entry:
    assert isinstance(entry.when, Timed)
    return replace(entry, when=replace(entry.when, zone="UTC"))


def test_case_158_a_zone_ignored_on_create_is_seen_in_the_read_back_and_written_once_more(world: World) -> None:
    moods = iter([_in_utc])
    world.exchange.rewrites = lambda entry: next(moods, lambda held: held)(entry)
    world.add_to_psa(weekly())
    report = world.synced()
    assert (report.exchange.created, report.exchange.updated, report.set_aside) == (1, 1, {})
    assert isinstance(world.event.entry.when, Timed) and world.event.entry.when.zone == ZONE


def test_case_158_a_zone_the_server_never_takes_is_reported(world: World) -> None:
    world.pairs_differ_by = "6.1: the server keeps another zone"
    world.exchange.rewrites = _in_utc
    world.add_to_psa(weekly())
    assert world.synced().set_aside == {"zone_not_kept": 1}
    assert world.synced().writes == 0
    world.later(days=1)
    world.exchange.rewrites = lambda entry: entry
    assert world.synced().set_aside == {}
    assert isinstance(world.event.entry.when, Timed) and world.event.entry.when.zone == ZONE
    world.pairs_differ_by = ""


def test_rule_5_4_cut_off_between_the_two_writes_a_lengthened_series_still_gets_its_dropped_dates_back(
    world: World,
) -> None:
    series = weekly(count=4)
    changed = replace(series, exceptions={monday(2): occurrence(series, monday(2), title="Other")})
    world.add_to_psa(changed)
    world.synced()
    longer = replace(series.recurrence, count=5)
    world.exchange.person_edits(world.event.id, recurrence=longer, exceptions={})
    world.faults.arm(Throttled(60), on="exchange.update")
    assert world.run().error is not None
    world.later(hours=1)
    world.synced()
    assert world.event.entry.exceptions[monday(2)].title == "Other"
    assert world.activity.entry.exceptions[monday(2)].title == "Other"


def test_rule_5_4_a_date_typed_anew_after_a_server_dropped_all_of_them_leaves_the_others_to_be_written_again(
    world: World,
) -> None:
    series = weekly(count=4)
    own = {day: occurrence(series, day, title="Other", place="Hall") for day in (monday(2), monday(3))}
    world.add_to_psa(replace(series, exceptions=own))
    world.synced()
    longer = replace(series.recurrence, count=5)
    typed = occurrence(series, monday(3), title="Third")
    world.exchange.person_edits(world.event.id, recurrence=longer, exceptions={monday(3): typed})
    world.synced()
    for entry in (world.activity.entry, world.event.entry):
        assert [entry.exceptions[day].title for day in own] == ["Other", "Third"]
        assert [entry.exceptions[day].place for day in own] == ["Hall", "Hall"]
