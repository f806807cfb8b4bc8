"""First contact: matching, cut-off, preview and acceptance; stopping and going on."""

from __future__ import annotations

import pytest

from samklang.engine.model import LinkStatus
from samklang.sync.memory import PowerCut
from samklang.sync.preview import preview
from tests.sync.world import World, at, days, single, weekly


def test_nothing_is_written_before_the_plan_is_accepted(before_start: World) -> None:
    world = before_start
    world.add_to_psa(single("Tea"))
    world.add_to_exchange(single("Coffee"))
    report = world.run()
    assert report.needs_acceptance is not None and report.brake is None
    assert report.writes == 0 and not world.store.links() and world.store.state().started_on is None


def test_the_accepted_plan_is_the_one_that_runs(before_start: World) -> None:
    world = before_start
    world.add_to_psa(single("Tea"))
    world.add_to_exchange(single("Coffee", at(3)))
    seen = preview(world.parts)
    assert {(row.kind, row.title) for row in seen.rows} == {
        ("CreateEvent", "Tea"),
        ("CreateActivity", "Coffee"),
    }
    assert world.run().needs_acceptance == seen.plan_id
    world.store.accept(seen.plan_id)
    report = world.synced()
    assert report.finished_first_run and (report.exchange.created, report.psa.created) == (1, 1)


def test_case_85_entries_changed_after_the_preview_make_a_new_plan(before_start: World) -> None:
    world = before_start
    item = world.add_to_exchange(single("Tea"))
    old = preview(world.parts).plan_id
    world.exchange.person_edits(item, title="Coffee")
    world.store.accept(old)
    new = world.run().needs_acceptance
    assert new not in (None, old)
    now = preview(world.parts)
    assert now.plan_id == new and [row.title for row in now.rows] == ["Coffee"]
    world.store.accept(new)
    world.exchange.person_edits(item, title="Cocoa")
    assert world.run().needs_acceptance not in (None, old, new)


def test_case_68_the_same_six_fields_on_both_sides_are_linked_without_a_write(before_start: World) -> None:
    world = before_start
    for entry in (single("Tea"), single("Fair", days(3, 2)), weekly("Round")):
        world.add_to_psa(entry)
        world.add_to_exchange(entry)
    world.started()
    assert len(world.links) == 3 and len(world.events) == len(world.activities) == 3
    assert world.psa.shelf.all_writes == world.exchange.shelf.all_writes == 0


def test_case_70_case_and_outer_spaces_of_the_title_do_not_matter(before_start: World) -> None:
    world = before_start
    world.pairs_differ_by = "3.1: matching writes nothing"
    world.add_to_psa(single("Tea  time"))
    world.add_to_exchange(single(" TEA time "))
    world.started()
    assert len(world.links) == 1 and world.exchange.shelf.all_writes == 0


def test_what_a_matched_pair_differs_in_stays_until_it_is_edited(before_start: World) -> None:
    world = before_start
    world.pairs_differ_by = "3.1: matching writes nothing"
    activity = world.add_to_psa(single("Tea", place="Attic"))
    item = world.add_to_exchange(single("Tea", place="Cellar"))
    (row,) = preview(world.parts).rows
    assert row.kind == "Join" and row.differs == ("place",)
    world.started()
    world.psa.person_edits(activity, title="Coffee")
    world.synced()
    assert world.exchange.shelf.shown()[item].entry.place == "Cellar"
    world.psa.person_edits(activity, place="Garden")
    world.synced()
    assert world.event.entry.place == "Garden"


def test_case_71_of_two_equal_candidates_one_is_paired_and_the_other_created(before_start: World) -> None:
    world = before_start
    world.add_to_psa(single("Tea"))
    world.add_to_psa(single("Tea"))
    world.add_to_exchange(single("Tea"))
    world.started()
    assert len(world.links) == 2 and len(world.events) == len(world.activities) == 2


def test_case_73_a_whole_day_is_not_a_day_of_24_hours(before_start: World) -> None:
    world = before_start
    world.add_to_psa(single("Fair", days(3)))
    world.add_to_exchange(single("Fair", at(3, 0, 24 * 60)))
    world.started()
    assert len(world.links) == 2


def test_near_matches_are_named_in_the_preview(before_start: World) -> None:
    world = before_start
    world.add_to_psa(single("Tea", at(3, 9, 60)))
    world.add_to_exchange(single("Tea", at(3, 9, 90)))
    near = [row for row in preview(world.parts).rows if row.kind == "NearMatch"]
    assert len(near) == 1 and near[0].differs == ("end_time",)


def test_case_74_what_ended_more_than_30_days_ago_is_left_out_until_edited(before_start: World) -> None:
    world = before_start
    world.add_to_psa(single("Old", at(-40)))
    item = world.add_to_exchange(single("Older", at(-50)))
    world.add_to_exchange(single("Recent", at(-20)))
    world.started()
    assert {e.entry.title for e in world.events} == {"Older", "Recent"}
    assert [link.status for link in world.store.links()].count(LinkStatus.LEFT_OUT) == 2
    world.exchange.person_marks(item)
    assert world.synced().writes == 0
    world.exchange.person_edits(item, title="Older, but edited")
    assert world.synced().psa.created == 1


def test_a_long_series_with_dates_to_come_is_in(before_start: World) -> None:
    world = before_start
    world.add_to_exchange(weekly("Ended", day=-70, count=3))
    world.add_to_exchange(weekly("Runs", day=-70, count=None))
    world.started()
    assert [activity.entry.title for activity in world.activities] == ["Runs"]


def test_case_83_a_first_run_can_be_stopped_and_continued_and_shows_progress(before_start: World) -> None:
    world = before_start
    for number in range(30):
        world.add_to_exchange(single(f"Tea {number}", at(number)))
    world.store.accept(preview(world.parts).plan_id)
    world.store.stop_after = 10
    report = world.run()
    assert report.stopped and report.psa.created == 10 and not report.finished_first_run
    world.store.stop_after = None
    assert world.run().finished_first_run
    assert len(world.activities) == 30
    assert all(progress["done"] < progress["of"] for progress in world.store.reports)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_case_194_the_power_goes_at_every_single_call_of_an_accepted_first_run(after: bool) -> None:
    calls = 1
    while True:
        world = World()
        for number in range(3):
            world.add_to_psa(single(f"Tea {number}", at(number)))
            world.add_to_exchange(single(f"Coffee {number}", at(number + 10)))
        world.add_to_psa(weekly("Round"))
        world.add_to_exchange(weekly("Round"))
        world.store.accept(preview(world.parts).plan_id)
        world.faults.calls.clear()
        world.faults.arm(PowerCut(), nth=calls, after=after)
        try:
            world.run()
        except PowerCut:
            report = world.synced()
        else:
            break
        assert report.needs_acceptance is None
        assert len(world.activities) == len(world.events) == len(world.links) == 7, f"call {calls}"
        world.check_at_rest()
        calls += 1
    assert calls > 30
