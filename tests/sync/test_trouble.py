"""Lost tokens, short listings, mass deletes, refused access: nothing is lost, nothing doubled."""

from __future__ import annotations

from contextlib import suppress

import pytest

from samklang.sync.errors import (
    ConnectionRefused,
    MailboxError,
    ProtocolError,
    SyncError,
    Throttled,
    Unavailable,
)
from samklang.sync.memory import PowerCut
from samklang.sync.ports import Tokens
from samklang.sync.preview import preview
from tests.sync.world import World, at, single, weekly


def many(world: World, count: int) -> None:
    for number in range(count):
        world.add_to_exchange(single(f"Tea {number}", at(number + 3)))
    world.synced()


@pytest.mark.parametrize("side", ["psa", "exchange"])
def test_case_182_a_rejected_token_lists_again_and_deletes_nothing(world: World, side: str) -> None:
    many(world, 5)
    (world.psa if side == "psa" else world.exchange).shelf.forget_tokens()
    assert world.synced().writes == 0
    assert len(world.activities) == len(world.events) == len(world.links) == 5


def test_rule_8_5_what_is_missing_after_a_lost_token_waits_for_its_user(world: World) -> None:
    world.pairs_differ_by = "8.5: one side is missing until the user chooses"
    many(world, 3)
    world.exchange.person_deletes(world.events[0].id)
    world.exchange.shelf.forget_tokens()
    report = world.synced()
    assert report.writes == 0 and sum(report.set_aside.values()) == 1
    assert len(world.activities) == 3


def test_case_77_tokens_lost_with_a_restored_backup_create_nothing(world: World) -> None:
    many(world, 4)
    world.store.save_tokens(Tokens())
    assert world.synced().writes == 0


def test_an_idle_mailbox_costs_one_request(world: World) -> None:
    many(world, 2)
    world.synced()
    assert world.run().requests == 1


def test_case_61_a_listing_that_breaks_off_concludes_nothing(world: World) -> None:
    many(world, 8)
    world.exchange.shelf.forget_tokens()
    world.faults.arm(Unavailable(), on="exchange.read", nth=3)
    report = world.run()
    assert report.error is not None and report.error.code == "unavailable"
    assert len(world.activities) == 8


def test_a_listing_that_leaves_entries_out_deletes_none_that_are_there(world: World) -> None:
    many(world, 4)
    world.exchange.shelf.omits = {world.events[0].id}
    assert world.synced(reconcile=True).writes == 0
    assert len(world.activities) == 4


def test_an_empty_listing_proves_nothing(world: World) -> None:
    many(world, 4)
    for event in world.events:
        world.exchange.person_deletes(event.id)
    assert world.synced(reconcile=True).writes == 0
    assert len(world.activities) == 4
    assert world.synced().psa.deleted == 4  # the delta names them


def test_the_reconcile_finds_what_the_delta_missed(world: World) -> None:
    many(world, 4)
    world.exchange.person_deletes(world.events[0].id)
    world.exchange.person_edits(world.events[0].id, title="Coffee")
    world.exchange.shelf.miss_changes(2)
    assert world.synced().writes == 0
    report = world.synced(reconcile=True)
    assert (report.psa.deleted, report.psa.updated) == (1, 1)


def test_case_59_more_removals_than_the_brake_allows_wait_for_a_person(world: World) -> None:
    many(world, 15)
    for event in world.events[:12]:
        world.exchange.person_deletes(event.id)
    report = world.run()
    assert report.brake == "removals" and report.brake_side == "psa" and report.brake_count == 12
    assert report.writes == 0 and len(world.activities) == 15
    again = world.run()
    assert again.needs_acceptance == report.needs_acceptance is not None
    assert preview(world.parts).brake is not None
    world.store.accept(report.needs_acceptance)
    assert world.synced().psa.deleted == 12


def test_case_62_everything_changed_at_once_stops_and_asks(world: World) -> None:
    many(world, 12)
    for event in world.events:
        world.exchange.person_edits(event.id, place="Elsewhere")
    report = world.run()
    assert report.brake == "changes" and report.writes == 0
    assert report.needs_acceptance is not None
    world.store.accept(report.needs_acceptance)
    assert world.synced().psa.updated == 12


@pytest.mark.parametrize(
    "error",
    [Throttled(30.0), Unavailable(), MailboxError(), ConnectionRefused(), ProtocolError()],
    ids=lambda e: e.code,
)
def test_trouble_ends_the_run_cleanly_and_the_next_one_goes_on(world: World, error: SyncError) -> None:
    many(world, 3)
    for event in world.events:
        world.exchange.person_edits(event.id, place="Attic")
    world.faults.arm(error, on="psa.update", nth=2, times=3)
    report = world.run()
    if not isinstance(error, Unavailable | ProtocolError):
        assert report.error is not None and report.error.code == error.code
    if isinstance(error, Throttled):
        assert report.error is not None and report.error.retry_after == 30.0
    world.faults.disarm()
    world.synced()
    assert [activity.entry.place for activity in world.activities] == ["Attic"] * 3


def test_a_server_that_is_down_ends_the_run_after_three_entries(world: World) -> None:
    many(world, 6)
    for event in world.events:
        world.exchange.person_edits(event.id, place="Attic")
    world.faults.arm(Unavailable(), on="psa.update", times=99)
    report = world.run()
    assert report.error is not None and world.psa.shelf.writes["update"] == 0
    assert sum(call == "psa.update" for call in world.faults.calls) == 3
    world.faults.disarm()
    assert world.synced().psa.updated == 6


def test_case_200_one_poisonous_entry_does_not_stop_the_others(world: World) -> None:
    world.psa.refuses = lambda entry: "refused_by_server" if entry.title == "Poison" else None
    for title in ("Tea", "Poison", "Coffee"):
        world.add_to_exchange(single(title))
    report = world.synced()
    assert report.psa.created == 2 and report.set_aside == {"refused_by_server": 1}


def test_an_entry_that_cannot_be_read_waits_and_the_others_go_on(world: World) -> None:
    item = world.add_to_exchange(single("Torn"))
    world.add_to_exchange(single("Tea"))
    world.exchange.unreadable = {item}
    report = world.synced()
    assert report.set_aside == {"unreadable": 1} and report.psa.created == 1
    world.exchange.unreadable = set()
    world.later(days=2)
    assert world.synced().psa.created == 1
    assert not world.store.set_aside()


def test_case_185_tokens_are_stored_only_when_all_they_covered_is_safe(world: World) -> None:
    tokens = world.store.state().tokens
    world.add_to_exchange(single("Tea"))
    world.add_to_exchange(single("Coffee"))
    world.store.stop_after = 1
    world.run()
    assert world.store.state().tokens == tokens
    world.store.stop_after = None
    world.synced()
    assert world.store.state().tokens != tokens and len(world.activities) == 2


def test_edits_made_after_a_crash_in_a_create_are_merged_as_after_any_other(world: World) -> None:
    activity = world.add_to_psa(single("Tea"))
    world.faults.arm(PowerCut(), on="exchange.create", after=True)
    with pytest.raises(PowerCut):
        world.run()
    world.psa.person_edits(activity, title="Coffee")
    world.exchange.person_edits(world.event.id, place="Attic")
    world.synced()
    assert (world.event.entry.title, world.event.entry.place) == ("Coffee", "Attic")
    assert (world.activity.entry.title, world.activity.entry.place) == ("Coffee", "Attic")
    assert not any(change.losers for change in world.store.journal)


@pytest.mark.parametrize("loser", ["psa", "exchange"])
def test_the_value_that_lost_is_kept_through_a_crash_right_after_the_write(world: World, loser: str) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    sides = [("psa", world.psa, world.activity.id), ("exchange", world.exchange, item)]
    for name, side, entry_id in sorted(sides, key=lambda one: one[0] != loser):
        world.later(minutes=1)
        side.person_edits(entry_id, title=f"Typed in {name}")  # type: ignore[attr-defined]
    world.faults.arm(PowerCut(), on=f"{loser}.update", after=True)
    with pytest.raises(PowerCut):
        world.run()
    world.synced()
    assert world.event.entry.title == world.activity.entry.title != f"Typed in {loser}"
    kept = [value for change in world.store.journal for value in change.losers.values()]
    assert kept == [f"Typed in {loser}"]


def test_a_create_that_waits_is_looked_up_before_a_newcomer_is_taken_for_a_persons(world: World) -> None:
    world.exchange.hides_keys = True
    world.add_to_psa(single("Tea"))
    for after in (False, False, True):  # the third time it was made after all, and waits for five minutes
        world.faults.arm(Unavailable(), on="exchange.create", after=after)
        world.run()
    world.synced()
    assert len(world.events) == len(world.activities) == len(world.links) == 1


def busy_world() -> World:
    """Everything at once: creates, edits, a merge, deletes and a series, all of them waiting for one run."""
    world = World().started()
    for number in range(6):
        world.add_to_exchange(single(f"Tea {number}", at(number + 3)))
    world.add_to_exchange(weekly("Round"))
    world.synced()
    tea = [activity.id for activity in world.activities]
    items = [event.id for event in world.events]
    world.psa.person_edits(tea[0], title="Edited in the PSA")
    world.exchange.person_edits(items[1], place="Edited in Exchange")
    world.psa.person_edits(tea[2], title="Merged")
    world.exchange.person_edits(items[2], place="Merged too")
    world.psa.person_deletes(tea[3])
    world.exchange.person_deletes(items[4])
    world.psa.person_deletes(tea[5])
    world.exchange.person_edits(items[5], title="Edit beats delete")
    world.exchange.person_edits(items[6], cancelled=frozenset({at(14).start.date()}))
    world.add_to_psa(single("New in the PSA"))
    world.add_to_exchange(single("New in Exchange"))
    return world


def picture(world: World) -> set[tuple[str, str]]:
    return {(event.entry.title, event.entry.place) for event in world.events}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "error", [PowerCut(), Unavailable(), Throttled(1.0)], ids=["crash", "unavailable", "throttled"]
)
def test_case_193_194_every_call_fails_once_and_the_end_is_the_same(error: BaseException, after: bool) -> None:
    expected = busy_world()
    expected.synced()
    position = 0
    while True:
        position += 1
        world = busy_world()
        made = len(world.faults.calls)
        on = "" if isinstance(error, PowerCut) else ("exchange", "psa")[position % 2]
        nth = position if isinstance(error, PowerCut) else (position + 1) // 2
        world.faults.arm(error, on=on, nth=nth, after=after)
        with suppress(PowerCut):
            world.run()
        fired = not world.faults.armed
        world.faults.disarm()
        for _ in range(2):
            world.synced()
        where = world.faults.calls[made:][nth - 1 : nth]
        assert picture(world) == picture(expected), (position, where)
        assert len(world.events) == len(world.activities) == len(world.links), (position, where)
        world.check_at_rest()
        if not fired and position > 60:
            break


def test_rule_7_2_an_edit_between_the_decision_to_delete_and_the_delete_wins(world: World, monkeypatch) -> None:
    activity = world.add_to_psa(single())
    world.synced()
    item, get, asked = world.event.id, world.exchange.get, []

    def edited_before_the_second_question(ids):
        asked.append(ids)
        if len(asked) == 2:
            world.exchange.person_edits(item, title="Supper")
        return get(ids)

    monkeypatch.setattr(world.exchange, "get", edited_before_the_second_question)
    world.psa.person_deletes(activity)
    world.synced()
    monkeypatch.undo()
    world.synced()
    assert (world.activity.entry.title, world.event.entry.title) == ("Supper", "Supper")


def test_rule_8_2_what_comes_and_goes_between_two_tokens_is_noticed(world: World) -> None:
    """No server tells of an entry that was made and deleted since a token: the token stored must know of it."""
    world.add_to_psa(single())
    world.synced()
    tokens = world.store.state().tokens
    assert world.exchange.shelf.listing(tokens.exchange)[0] == []
