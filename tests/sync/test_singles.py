"""Creating, updating and deleting single entries. Numbers are those of the acceptance cases."""

from __future__ import annotations

from datetime import timedelta

from samklang.engine.merge import ServerClocks
from samklang.engine.model import LinkStatus, Sensitivity
from samklang.sync.errors import Unavailable
from tests.sync.world import World, at, days, single

# -- create


def test_case_02_an_activity_of_a_ticked_type_becomes_one_event(world: World) -> None:
    world.add_to_psa(single("Tea", at(3), place="Attic", text="Bring cups"))
    report = world.synced()
    assert report.exchange.created == 1 and report.psa.all == 0
    entry = world.event.entry
    assert (entry.title, entry.when, entry.place, entry.text) == ("Tea", at(3), "Attic", "Bring cups")


def test_case_04_a_project_task_is_not_synced_and_no_error(world: World) -> None:
    world.add_to_psa(single(), "task")
    assert world.synced().set_aside == {}
    assert not world.events


def test_an_activity_of_an_unticked_type_stays_home(world: World) -> None:
    world.add_to_psa(single(), "note")
    world.synced()
    assert not world.events


def test_case_05_an_event_becomes_an_activity_of_the_default_type_owned_by_the_user(world: World) -> None:
    world.add_to_exchange(single("Tea"))
    report = world.synced()
    assert report.psa.created == 1 and report.exchange.all == 0
    assert (world.activity.entry.title, world.activity.type_id, world.activity.owner_id) == ("Tea", "visit", "alice")


def test_a_private_event_gets_the_private_type(world: World) -> None:
    world.add_to_exchange(single(sensitivity=Sensitivity.CONFIDENTIAL))
    world.synced()
    assert world.activity.type_id == "private"
    assert world.event.entry.sensitivity is Sensitivity.CONFIDENTIAL


def test_case_166_an_activity_of_the_private_type_is_private_in_exchange(world: World) -> None:
    world.add_to_psa(single(), "private")
    world.synced()
    assert world.event.entry.sensitivity.is_private


def test_case_164_a_public_event_made_private_moves_the_activity_to_the_private_type(world: World) -> None:
    item = world.add_to_exchange(single())
    world.synced()
    world.exchange.person_edits(item, sensitivity=Sensitivity.PRIVATE)
    report = world.synced()
    assert world.activity.type_id == "private" and report.psa.updated == 1 and report.exchange.all == 0


def test_case_08_an_event_without_subject_is_not_renamed_by_the_echo(world: World) -> None:
    world.pairs_differ_by = "2: the replacement title stays on the PSA side"
    item = world.add_to_exchange(single(""))
    world.synced()
    assert world.activity.entry.title == "(no subject)"
    world.psa.person_edits(world.activity.id, place="Attic")
    world.synced()
    assert world.exchange.shelf.shown()[item].entry.title == ""
    assert world.exchange.shelf.shown()[item].entry.place == "Attic"


def test_case_11_a_server_that_rewrites_what_it_stores_causes_no_second_write(world: World) -> None:
    world.exchange.rewrites = lambda entry: single(
        entry.title + " ", entry.when, place=entry.place, text=entry.text.replace("\n", "\r\n") + "\r\n"
    )
    activity = world.add_to_psa(single(text="one\ntwo"))
    assert world.synced().writes == 1
    world.psa.person_edits(activity, text="one\ntwo\nthree")
    assert world.synced().writes == 1


def test_case_10_emoji_accents_and_control_characters_arrive_once(world: World) -> None:
    world.add_to_psa(single("Fika ☕ e\u0301té \u200fשלום", text="bell \x07 tab\tend"))
    world.add_to_exchange(single("Öl 🍺", at(2), text="\x00zero"))
    assert world.synced().writes == 2


def test_case_14_a_create_that_timed_out_but_was_stored_makes_one_event(world: World) -> None:
    world.add_to_psa(single())
    world.faults.arm(Unavailable(), on="exchange.create", after=True)
    world.run()
    assert world.synced().exchange.created == 1
    assert len(world.events) == 1 and len(world.links) == 1
    assert [change.kind for change in world.store.journal] == ["create"]


def test_case_20_a_draft_stays_home(world: World) -> None:
    activity = world.add_to_psa(single(), draft=True)
    world.synced()
    assert not world.events
    world.psa.person_marks(activity, draft=False)
    assert world.synced().exchange.created == 1


def test_case_35_a_type_changed_to_a_ticked_one_creates_the_event_once(world: World) -> None:
    activity = world.add_to_psa(single(), "note")
    world.synced()
    world.psa.person_marks(activity, type_id="visit")
    assert world.synced().exchange.created == 1


# -- update


def test_case_22_a_changed_subject_is_one_write_of_that_field(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    world.psa.person_edits(world.activity.id, title="Coffee")
    report = world.synced()
    assert (report.exchange.updated, report.writes) == (1, 1)
    assert world.store.journal[-1].after == {"title": "Coffee"}
    assert world.store.journal[-1].before == {"title": "Tea"}
    assert world.exchange.shelf.shown()[item].entry.title == "Coffee"


def test_case_23_a_moved_event_moves_the_activity_and_keeps_its_type(world: World) -> None:
    world.add_to_psa(single(when=at(3)), "visit")
    world.synced()
    world.exchange.person_edits(world.event.id, when=at(4, 13))
    report = world.synced()
    assert (report.psa.updated, report.writes) == (1, 1)
    assert world.activity.entry.when == at(4, 13) and world.activity.type_id == "visit"


def test_case_25_a_new_version_without_new_content_writes_nothing(world: World) -> None:
    world.add_to_psa(single())
    world.synced()
    world.exchange.person_marks(world.event.id, response="organizer")
    world.psa.person_marks(world.activity.id, closed=True)
    assert world.synced().writes == 0


def test_case_29_changed_and_changed_back_between_runs_writes_nothing(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    world.exchange.person_edits(item, title="Coffee")
    world.exchange.person_edits(item, title="Tea")
    assert world.synced().writes == 0


def test_case_34_a_type_changed_to_an_unticked_one_unlinks_and_the_event_stays(world: World) -> None:
    activity = world.add_to_psa(single())
    world.synced()
    world.psa.person_marks(activity, type_id="note")
    assert world.synced().writes == 0
    assert len(world.events) == 1
    world.psa.person_edits(activity, title="Coffee")
    world.synced()
    assert world.event.entry.title == "Tea"
    assert [link.status for link in world.store.links()] == [LinkStatus.UNLINKED]


def test_different_fields_changed_on_both_sides_are_both_kept(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    world.exchange.person_edits(item, place="Attic")
    world.psa.person_edits(world.activity.id, title="Coffee")
    assert world.synced().writes == 2
    assert (world.event.entry.title, world.event.entry.place) == ("Coffee", "Attic")


def test_an_edit_taken_back_after_it_was_synced_is_an_edit(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    for title in ("Coffee", "Tea"):
        world.psa.person_edits(world.activity.id, title=title)
        assert world.synced().exchange.updated == 1
        assert world.exchange.shelf.shown()[item].entry.title == title


def test_case_173_the_same_value_typed_on_both_sides_is_no_conflict(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    world.exchange.person_edits(item, title="Coffee")
    world.psa.person_edits(world.activity.id, title="Coffee")
    assert world.synced().writes == 0


def test_case_172_the_newest_value_wins_and_the_loser_is_kept(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    world.psa.person_edits(world.activity.id, title="Cocoa")
    world.later(minutes=5)
    world.exchange.person_edits(item, title="Coffee")
    assert world.synced().writes == 1
    assert world.activity.entry.title == "Coffee"
    (conflict,) = (change for change in world.store.journal if change.losers)
    assert conflict.losers == {"psa:title": "Cocoa"}


def test_rule_7_4_a_server_whose_clock_runs_ahead_does_not_win_by_it(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    world.exchange.person_edits(item, title="Coffee")
    world.later(minutes=5)
    world.psa.person_edits(world.activity.id, title="Cocoa")
    world.clocks = ServerClocks(timedelta(minutes=-10))
    world.synced()
    assert world.event.entry.title == "Coffee", "ten minutes behind: what it stamps earlier was typed later"


def test_rule_7_4_clocks_that_jumped_prove_nothing_and_exchange_wins(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    world.exchange.person_edits(item, title="Coffee")
    world.later(minutes=5)
    world.psa.person_edits(world.activity.id, title="Cocoa")
    world.clocks = ServerClocks(unsure=True)
    world.synced()
    assert world.activity.entry.title == "Coffee"


def test_a_race_between_our_look_and_our_write_is_decided_again(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    world.psa.person_edits(world.activity.id, title="Coffee")
    world.exchange.shelf.meanwhile.append(lambda: world.exchange.person_edits(item, place="Attic"))
    world.synced()
    assert (world.activity.entry.place, world.event.entry.title) == ("Attic", "Coffee")
    assert (world.event.entry.place, world.activity.entry.title) == ("Attic", "Coffee")


def test_an_entry_that_never_stops_changing_waits_and_the_others_go_on(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    tea = world.activity.id
    world.psa.person_edits(tea, title="Coffee")
    world.add_to_psa(single("Cake", at(5)))
    for number in range(9):
        world.exchange.shelf.meanwhile.append(
            lambda n=number: world.exchange.person_edits(item, place=f"Attic {n}")  # type: ignore[misc]
        )
    report = world.synced()
    assert report.set_aside == {"keeps_changing": 1} and report.exchange.created == 1
    world.exchange.shelf.meanwhile.clear()
    assert world.synced().set_aside == {}
    assert world.exchange.shelf.shown()[item].entry.title == "Coffee"


def test_a_lagging_replica_does_not_undo_an_edit(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    world.exchange.person_edits(item, title="Coffee")
    world.psa.person_edits(world.activity.id, place="Attic")
    world.exchange.shelf.stale_gets = 2
    world.synced()
    assert (world.event.entry.title, world.event.entry.place) == ("Coffee", "Attic")


# -- delete


def test_a_deleted_activity_takes_its_event_along(world: World) -> None:
    activity = world.add_to_psa(single())
    world.synced()
    world.psa.person_deletes(activity)
    assert world.synced().exchange.deleted == 1
    assert not world.events and not world.links


def test_case_67_a_deleted_event_trashes_its_activity_and_nothing_is_resurrected(world: World) -> None:
    item = world.add_to_exchange(single())
    world.synced()
    activity = world.activity.id
    world.exchange.person_deletes(item)
    assert world.synced().psa.deleted == 1
    assert activity in world.psa.trash and not world.activities and not world.events


def test_case_46_an_event_deleted_when_it_is_over_leaves_the_activity(world: World) -> None:
    item = world.add_to_exchange(single(when=at(1)))
    world.synced()
    world.later(days=5)
    world.exchange.person_deletes(item)
    assert world.synced().writes == 0
    assert len(world.activities) == 1


def test_case_47_an_activity_with_hours_or_closed_stays(world: World) -> None:
    first, second = world.add_to_exchange(single("A")), world.add_to_exchange(single("B"))
    world.synced()
    for activity, mark in zip(world.activities, ("has_hours", "closed"), strict=True):
        world.psa.person_marks(activity.id, **{mark: True})
    world.synced()
    world.exchange.person_deletes(first)
    world.exchange.person_deletes(second)
    assert world.synced().writes == 0
    assert len(world.activities) == 2


def test_case_50_deleted_on_both_sides_forgets_the_link(world: World) -> None:
    item = world.add_to_exchange(single())
    world.synced()
    world.psa.person_deletes(world.activity.id)
    world.exchange.person_deletes(item)
    assert world.synced().writes == 0
    assert not world.links


def test_case_52_an_edit_beats_a_delete(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    world.psa.person_deletes(world.activity.id)
    world.exchange.person_edits(item, title="Coffee")
    assert world.synced().psa.created == 1
    assert world.activity.entry.title == "Coffee" and world.event.id == item


def test_an_edited_activity_makes_its_deleted_event_again(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    world.exchange.person_deletes(item)
    world.psa.person_edits(world.activity.id, title="Coffee")
    assert world.synced().exchange.created == 1
    assert world.event.entry.title == "Coffee" and len(world.activities) == 1


def test_case_53_a_removal_of_an_unknown_entry_is_ignored(world: World) -> None:
    item = world.add_to_exchange(single())
    world.exchange.person_deletes(item)
    assert world.synced().writes == 0


def test_case_56_a_delete_that_fails_is_tried_again_and_not_reported_as_done(world: World) -> None:
    activity = world.add_to_psa(single())
    world.synced()
    world.psa.person_deletes(activity)
    for _ in range(3):
        world.faults.arm(Unavailable(), on="exchange.delete")
        assert world.run().exchange.deleted == 0
        assert len(world.links) == 1
        world.later(days=2)
    assert world.synced().exchange.deleted == 1
    assert not world.events


def test_an_entry_edited_just_before_its_delete_survives(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    world.psa.person_deletes(world.activity.id)
    world.exchange.shelf.meanwhile.append(lambda: world.exchange.person_edits(item, title="Coffee"))
    world.synced()
    assert world.event.entry.title == world.activity.entry.title == "Coffee"


def test_case_58_an_activity_restored_from_the_trash_gets_its_event_again(world: World) -> None:
    activity = world.add_to_psa(single("Tea", place="Attic"))
    world.synced()
    world.psa.person_deletes(activity)
    world.synced()
    world.psa.person_restores(activity)
    world.synced()
    assert world.event.entry.place == "Attic"


def test_an_event_moved_to_another_calendar_is_unlinked_not_deleted(world: World) -> None:
    item = world.add_to_exchange(single())
    world.synced()
    world.exchange.person_moves_away(item)
    assert world.synced().writes == 0
    assert len(world.activities) == 1


# -- all-day


def test_case_148_three_whole_days_stay_three_days(world: World) -> None:
    world.add_to_psa(single(when=days(3, 3)))
    world.add_to_exchange(single("Fair", days(10, 3)))
    world.synced()
    assert {event.entry.when for event in world.events} == {days(3, 3), days(10, 3)}
    assert {activity.entry.when for activity in world.activities} == {days(3, 3), days(10, 3)}


def test_a_whole_day_made_timed_and_back_is_one_write_each(world: World) -> None:
    item = world.add_to_exchange(single(when=days(3)))
    world.synced()
    for when in (at(3), days(3)):
        world.exchange.person_edits(item, when=when)
        assert world.synced().writes == 1
        assert world.activity.entry.when == when


def test_case_160_zero_length_and_two_weeks_long_arrive(world: World) -> None:
    world.add_to_psa(single("Zero", at(1, minutes=0)))
    world.add_to_psa(single("Long", at(1, minutes=14 * 24 * 60)))
    world.synced()
    lengths = {event.entry.title: event.entry.when for event in world.events}
    assert lengths == {"Zero": at(1, minutes=0), "Long": at(1, minutes=14 * 24 * 60)}
    assert timedelta(minutes=0) == lengths["Zero"].end - lengths["Zero"].start  # type: ignore[union-attr]
