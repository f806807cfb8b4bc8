"""What is kept apart stays apart, and comes together again when the reason ends (rules 4.8, 4.9, 8.2)."""

from __future__ import annotations

from tests.sync.world import World, at, content_of, days, monday, single, weekly


def trash_of_ours(world: World, entry_title: str = "Tea") -> tuple[str, str]:
    """An event of a person, linked; the person deletes it; its activity is in the trash: (activity, event)."""
    item = world.add_to_exchange(single(entry_title))
    world.synced()
    activity = world.activity.id
    world.exchange.person_deletes(item)
    world.synced()
    assert activity in world.psa.trash
    return activity, item


# -- deleted, and back


def test_rule_8_2_an_event_restored_from_deleted_items_revives_the_same_activity(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    before = world.exchange.shelf.shown()[item]
    activity = world.activity.id
    world.exchange.person_deletes(item)
    world.synced()
    world.add_to_exchange(before.entry, uid=before.uid)
    report = world.synced()
    assert world.activity.id == activity and not world.psa.trash
    assert (report.psa.created, report.exchange.all) == (0, 0)


def test_rule_8_2_what_was_edited_before_it_came_back_is_brought_across(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    before = world.exchange.shelf.shown()[item]
    activity = world.activity.id
    world.exchange.person_deletes(item)
    world.synced()
    world.add_to_exchange(single("Coffee"), uid=before.uid)
    world.synced()
    assert (world.activity.id, world.activity.entry.title) == (activity, "Coffee")


def test_rule_8_2_an_event_that_comes_back_after_the_trash_was_emptied_gets_a_new_activity(world: World) -> None:
    activity, item = trash_of_ours(world)
    world.psa.trash.clear()
    world.add_to_exchange(single("Tea"), uid=f"uid-of-{item}")
    assert world.synced().psa.created == 1
    assert world.activity.id != activity and len(world.links) == 1


def test_rule_8_2_an_event_that_comes_back_under_its_old_id_revives_too(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    held = world.exchange.shelf.shown()[item]
    activity = world.activity.id
    world.exchange.person_deletes(item)
    world.synced()
    world.exchange.shelf.put(held)
    world.synced(reconcile=True)
    assert world.activity.id == activity and len(world.links) == 1


def test_case_58_a_restored_activity_is_relinked_under_its_old_link(world: World) -> None:
    activity = world.add_to_psa(single("Tea", place="Attic"))
    world.synced()
    (link,) = world.links
    world.psa.person_deletes(activity)
    world.synced()
    world.psa.person_restores(activity)
    assert world.synced().exchange.created == 1
    (again,) = world.links
    assert again.id == link.id and world.event.entry.place == "Attic"


def test_rule_8_4_what_was_deleted_costs_no_request_ever_after(world: World) -> None:
    world.add_to_psa(single("Stays", when=at(9)))
    activity = world.add_to_psa(single("Tea"))
    world.synced()
    world.psa.person_deletes(activity)
    world.synced()
    world.synced()
    quiet = world.synced(reconcile=True)
    world.faults.calls.clear()
    assert world.synced(reconcile=True).requests == quiet.requests
    assert not [call for call in world.faults.calls if call.endswith(".get")]


# -- unticked, and ticked again


def test_case_34_35_moved_to_an_unticked_type_it_stays_and_is_linked_again_when_ticked(world: World) -> None:
    activity = world.add_to_psa(single("Tea"))
    world.synced()
    world.psa.person_marks(activity, type_id="note")
    assert world.synced().writes == 0 and not world.links
    world.psa.person_edits(activity, title="Coffee")
    world.exchange.person_edits(world.event.id, place="Attic")
    assert world.synced().writes == 0, "edited or not, they stay apart"
    world.psa.person_marks(activity, type_id="visit")
    world.synced()
    assert len(world.links) == len(world.events) == 1
    assert (world.event.entry.title, world.activity.entry.place) == ("Coffee", "Attic")


def test_rule_4_9_an_event_moved_away_and_back_under_a_new_id_stays_apart_too(world: World) -> None:
    activity = world.add_to_psa(single("Tea"))
    world.synced()
    world.psa.person_marks(activity, type_id="note")
    world.synced()
    old = world.event
    world.exchange.person_deletes(old.id)
    world.synced()
    world.add_to_exchange(single("Tea"), uid=old.uid)
    assert world.synced().writes == 0
    assert world.synced(reconcile=True).writes == 0
    world.psa.person_marks(activity, type_id="visit")
    world.synced()
    assert len(world.links) == 1 and len(world.activities) == 1


def test_rule_4_9_ticked_again_after_its_event_went_it_is_matched_before_it_is_made(world: World) -> None:
    activity = world.add_to_psa(single("Tea"))
    world.synced()
    world.psa.person_marks(activity, type_id="note")
    world.synced()
    world.exchange.person_deletes(world.event.id)
    world.synced()
    world.psa.person_marks(activity, type_id="visit")
    world.add_to_exchange(single("Tea"))
    report = world.synced()
    assert (report.writes, report.joined) == (0, 1)
    assert len(world.links) == 1


# -- over


def test_rule_8_2_a_past_event_that_comes_back_is_linked_again(world: World) -> None:
    item = world.add_to_exchange(single(when=at(-3)))
    world.synced()
    held = world.exchange.shelf.shown()[item]
    world.exchange.person_deletes(item)
    world.synced()
    world.add_to_exchange(held.entry, uid=held.uid)
    assert world.synced().writes == 0
    assert len(world.links) == 1


def test_rule_8_2_a_whole_day_and_a_series_come_back_as_they_were(world: World) -> None:
    fair, round_ = world.add_to_exchange(single("Fair", days(9))), world.add_to_exchange(weekly())
    world.synced()
    held = [world.exchange.shelf.shown()[item] for item in (fair, round_)]
    ids = {activity.id for activity in world.activities}
    for item in (fair, round_):
        world.exchange.person_deletes(item)
    world.synced()
    assert not world.activities
    for one in held:
        world.add_to_exchange(one.entry, uid=one.uid)
    world.synced()
    assert {activity.id for activity in world.activities} == ids


def test_rule_8_2_a_running_series_that_comes_back_is_whole_again(world: World) -> None:
    item = world.add_to_exchange(weekly(day=-14, count=8))
    world.synced()
    world.exchange.person_edits(item, cancelled=frozenset({monday(3)}))
    world.synced()
    held = world.exchange.shelf.shown()[item]
    activity = world.activity.id
    world.exchange.person_deletes(item)
    world.synced()
    assert world.activity.entry.recurrence != held.entry.recurrence, "what is over stays"
    world.add_to_exchange(held.entry, uid=held.uid)
    world.synced()
    assert world.activity.id == activity
    assert content_of(world.activity.entry) == content_of(held.entry)


# -- left out, and changed since


def test_rule_3_4_an_old_entry_is_matched_with_its_left_out_twin_before_it_is_made(before_start: World) -> None:
    world = before_start
    activity = world.add_to_psa(single("Teh", at(-60)))
    world.add_to_exchange(single("Tea", at(-60)))
    world.started()
    assert not world.links
    world.psa.person_edits(activity, title="tea ")
    report = world.synced()
    assert (report.writes, report.joined) == (0, 1)
    assert len(world.activities) == len(world.events) == len(world.links) == 1
    world.pairs_differ_by = "3.1: a title that differs in case stays until edited"


def test_rule_3_4_an_old_entry_a_person_changes_is_synced_from_then_on(before_start: World) -> None:
    world = before_start
    item = world.add_to_exchange(single("Tea", at(-60)))
    world.started()
    assert not world.activities
    world.exchange.person_edits(item, place="Attic")
    assert world.synced().psa.created == 1
    world.exchange.person_edits(item, place="Cellar")
    assert world.synced().psa.updated == 1


def test_rule_8_2_who_deletes_an_entry_and_makes_a_like_one_means_both(world: World) -> None:
    item = world.add_to_exchange(single("Tea", text="old"))
    world.synced()
    before = world.activity.id
    world.exchange.person_deletes(item)
    world.add_to_exchange(single("Tea", text="new"))
    world.synced()
    assert world.activity.id != before and world.activity.entry.text == "new"
    assert [trashed.entry.text for trashed in world.psa.trash.values()] == ["old"]
