"""After lost state (rules 3.6, 8.5): what is found again is linked again, what is not waits for its user's choice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from samklang.engine.missing import ANSWER, CODE
from samklang.engine.model import SetAside, Side
from tests.sync.world import World, at, single, weekly


def lost(world: World) -> None:
    """The server forgets our token."""
    world.exchange.shelf.forget_tokens()


def chosen(world: World, choice: str) -> None:
    """Its user answers, as `mailboxes.choices` writes it down."""
    (waiting,) = world.store.set_aside()
    assert waiting.code == CODE
    world.store.put_aside(replace(waiting, params={ANSWER: choice}, retry_at=world.now))


def one_missing(world: World, side: Side) -> tuple[str, str]:
    """A pair one side of which went while our token was lost: (activity, event)."""
    item = world.add_to_exchange(single("Tea"))
    world.add_to_exchange(single("Stays", at(9)))
    world.synced()
    (activity,) = (one.id for one in world.activities if one.entry.title == "Tea")
    if side is Side.EXCHANGE:
        world.exchange.person_deletes(item)
    else:
        world.psa.person_deletes(activity)
    lost(world)
    assert world.synced().writes == 0
    return activity, item


@pytest.mark.parametrize("side", list(Side))
def test_rule_8_5_what_is_missing_is_listed_and_nothing_is_written_until_chosen(world: World, side: Side) -> None:
    activity, item = one_missing(world, side)
    world.pairs_differ_by = "8.5"
    assert world.synced().set_aside == {CODE: 1}
    if side is Side.EXCHANGE:
        world.psa.person_edits(activity, title="Coffee")
    else:
        world.exchange.person_edits(item, title="Coffee")
    assert world.synced().writes == 0, "edited or not"
    world.later(days=40)
    assert world.synced(reconcile=True).writes == 0
    assert world.synced().set_aside == {CODE: 1}


@pytest.mark.parametrize("side", list(Side))
def test_rule_8_5_chosen_to_be_removed_what_is_left_goes(world: World, side: Side) -> None:
    one_missing(world, side)
    chosen(world, "remove")
    assert world.synced().writes == 1
    assert len(world.activities) == len(world.events) == 1
    assert not world.store.set_aside()


@pytest.mark.parametrize("side", list(Side))
def test_rule_8_5_chosen_to_be_put_back_the_same_entry_is_there_again(world: World, side: Side) -> None:
    activity, _ = one_missing(world, side)
    chosen(world, "put_back")
    world.synced()
    assert len(world.activities) == len(world.events) == len(world.links) == 2
    assert activity in {one.id for one in world.activities}, "out of the trash"
    assert not world.store.set_aside()


def test_rule_8_5_what_turns_up_again_needs_no_choice(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.add_to_exchange(single("Stays", at(9)))
    world.synced()
    held = world.exchange.shelf.shown()[item]
    world.exchange.person_deletes(item)
    lost(world)
    world.synced()
    world.exchange.shelf.put(held)
    assert world.synced().writes == 0
    assert not world.store.set_aside() and len(world.links) == 2
    world.exchange.person_deletes(item)
    assert world.synced().psa.deleted == 1, "a delete counts again"


def test_rule_8_5_a_mark_holds_when_state_is_lost(world: World) -> None:
    world.add_to_exchange(single("Stays", at(9)))
    activity = world.add_to_psa(single("Tea"))
    world.synced()
    world.psa.person_marks(activity, type_id="note")
    world.synced()
    lost(world)
    world.psa.shelf.forget_tokens()
    assert world.synced().writes == 0
    assert len(world.links) == 1


# -- every id is another


def moved_house(world: World, *, keeps_uids: bool, forgets: bool = True) -> None:
    """All events get new ids, as in a mailbox moved to another server; it need not know our token (`forgets`)."""
    for event in world.events:
        world.exchange.person_deletes(event.id)
        marks = {"uid": event.uid} if keeps_uids else {}
        world.add_to_exchange(event.entry, key=event.key, **marks)
    if forgets:
        lost(world)


@pytest.mark.parametrize("keeps_uids", [True, False])
def test_case_79_every_id_changed_everything_is_relinked_and_nothing_is_doubled(world: World, keeps_uids: bool) -> None:
    for number in range(4):
        world.add_to_exchange(single(f"Tea {number}", at(number)))
    world.add_to_psa(single("Visit", at(5)))
    world.add_to_psa(weekly())
    world.synced()
    before = {link.id: link.psa_id for link in world.links}
    moved_house(world, keeps_uids=keeps_uids)
    assert world.synced().writes == 0
    assert {link.id: link.psa_id for link in world.links} == before
    assert not world.store.set_aside()


@pytest.mark.parametrize("keeps_uids", [True, False])
def test_ids_the_server_calls_strange_are_found_anew_though_our_token_is_good(world: World, keeps_uids: bool) -> None:
    for number in range(4):
        world.add_to_exchange(single(f"Tea {number}", at(number)))
    world.add_to_psa(weekly())
    world.synced()
    before = {link.id: link.psa_id for link in world.links}
    world.exchange.strange = {event.id for event in world.events}
    moved_house(world, keeps_uids=keeps_uids, forgets=False)
    assert world.synced().writes == 0
    assert {link.id: link.psa_id for link in world.links} == before
    assert not world.store.set_aside()


def test_rule_8_5_no_delete_follows_from_a_strange_id_of_what_is_nowhere(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.add_to_exchange(single("Stays", at(9)))
    world.synced()
    world.exchange.strange = {item}
    world.exchange.person_deletes(item)
    world.pairs_differ_by = "8.5"
    assert world.synced().writes == 0
    assert world.synced().set_aside == {CODE: 1}
    assert len(world.activities) == 2


def test_rule_8_1_strange_ids_in_a_calendar_that_shows_nothing_wait(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    world.exchange.strange = {item}
    world.exchange.person_deletes(item)
    world.pairs_differ_by = "8.1"
    assert world.run().writes == 0
    assert [waiting.code for waiting in world.store.set_aside()] == ["unreadable"]
    assert len(world.activities) == 1


def test_case_79_an_edit_meanwhile_is_brought_across(world: World) -> None:
    world.add_to_exchange(single("Tea"))
    world.synced()
    moved_house(world, keeps_uids=False)
    world.psa.person_edits(world.activity.id, title="Coffee")
    world.synced()
    assert world.event.entry.title == world.activity.entry.title == "Coffee"


def test_case_77_links_lost_everything_is_matched_again_without_a_create(world: World) -> None:
    for number in range(6):
        world.add_to_exchange(single(f"Tea {number}", at(number)))
    world.synced()
    for link in world.store.links():
        world.store.record(link, remove=True)
    lost(world)
    world.psa.shelf.forget_tokens()
    report = world.synced()
    assert (report.writes, report.joined) == (0, 6)


def test_rule_3_6_a_twin_is_not_taken_for_what_a_mark_keeps_apart(world: World) -> None:
    activity = world.add_to_psa(single("Tea"))
    world.add_to_exchange(single("Stays", at(9)))
    world.synced()
    world.psa.person_marks(activity, type_id="note")
    world.synced()
    moved_house(world, keeps_uids=True)
    assert world.synced().writes == 0
    assert len(world.links) == 1


def test_what_waits_is_told_by_the_side_that_is_left() -> None:
    assert SetAside(Side.PSA, "a", CODE).params == {}
