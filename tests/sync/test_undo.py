"""Restore what was deleted or overwritten, undo a whole run (rule 11.2)."""

from __future__ import annotations

from datetime import date

import pytest

from samklang.engine.model import LinkStatus, Side
from samklang.sync.errors import ItemError
from samklang.sync.memory import PowerCut
from samklang.sync.ports import Change
from samklang.sync.undo import Person, Undone, restore, undo
from tests.sync.world import World, at, monday, occurrence, single, weekly

ALICE = Person("alice", "restore")


def _restore(world: World, change: Change) -> None:
    restore(world.psa, world.store, world.rules, change, ALICE, "restore-1")


def _undo(world: World, since: int) -> list[Undone]:
    return undo(world.parts, world.store.journal[since:], Person("alice", "undo"))


def test_case_172_the_loser_of_a_conflict_is_put_back_and_reaches_both_sides(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    world.synced()
    world.psa.person_edits(world.activity.id, title="Cocoa", place="Attic")
    world.later(minutes=5)
    world.exchange.person_edits(item, title="Coffee")
    world.synced()
    (row,) = (change for change in world.store.journal if change.losers)
    _restore(world, row)
    assert world.synced().exchange.updated == 1
    assert world.event.entry.title == world.activity.entry.title == "Cocoa"
    assert world.event.entry.place == "Attic"
    assert world.store.journal[-2].cause == "restore"


@pytest.mark.parametrize("field", ["title", "when", "place", "text", "recurrence"])
def test_an_overwritten_value_of_any_kind_is_put_back(world: World, field: str) -> None:
    series = weekly("Tea", place="Attic", text="Black")
    changed = {
        "title": "Coffee",
        "when": at(7, 14, 30),
        "place": "Cellar",
        "text": "Green\nor white",
        "recurrence": weekly(count=3).recurrence,
    }
    item = world.add_to_exchange(series)
    world.synced()
    world.exchange.person_edits(item, **{field: changed[field]})
    world.synced()
    _restore(world, world.store.journal[-1])
    world.synced()
    assert getattr(world.event.entry, field) == getattr(world.activity.entry, field) == getattr(series, field)


def test_a_changed_and_a_cancelled_occurrence_are_put_back(world: World) -> None:
    series = weekly("Round")
    item = world.add_to_exchange(series)
    world.synced()
    gone: date = monday(2)
    changed = occurrence(series, monday(3), title="Other", when=at(22, 15))
    world.exchange.person_edits(item, exceptions={monday(3): changed}, cancelled=frozenset({gone}))
    world.synced()
    _restore(world, world.store.journal[-1])
    world.synced()
    assert not world.event.entry.exceptions and not world.event.entry.cancelled


@pytest.mark.parametrize("side", list(Side))
def test_case_58_a_deleted_entry_comes_out_of_the_trash_and_is_made_again(world: World, side: Side) -> None:
    world.add_to_exchange(single("Tea", place="Attic"))
    world.synced()
    if side is Side.EXCHANGE:
        world.psa.person_deletes(world.activity.id)
    else:
        world.exchange.person_deletes(world.event.id)
    world.synced()
    assert not world.events and not world.activities
    _restore(world, world.store.journal[-1])
    assert world.synced().exchange.created == 1
    assert (world.event.entry.title, world.event.entry.place) == ("Tea", "Attic")


def test_what_is_gone_from_the_trash_too_is_made_from_what_the_journal_holds(world: World) -> None:
    series = weekly("Round", cancelled=frozenset({monday(3)}))
    world.add_to_exchange(series)
    world.synced()
    world.exchange.person_deletes(world.event.id)
    world.synced()
    world.psa.trash.clear()
    _restore(world, world.store.journal[-1])
    world.synced()
    assert world.event.entry.recurrence == world.activity.entry.recurrence == series.recurrence
    assert world.event.entry.cancelled == series.cancelled


def test_restoring_twice_makes_nothing_twice(world: World) -> None:
    world.add_to_exchange(single("Tea"))
    world.synced()
    world.exchange.person_deletes(world.event.id)
    world.synced()
    row = world.store.journal[-1]
    _restore(world, row)
    with pytest.raises(ItemError, match="is_there"):
        _restore(world, row)
    world.synced()
    assert len(world.activities) == len(world.events) == 1


def test_there_is_nothing_to_restore_in_a_create(world: World) -> None:
    world.add_to_exchange(single("Tea"))
    world.synced()
    with pytest.raises(ItemError, match="nothing_to_restore"):
        _restore(world, world.store.journal[-1])


def test_case_226_an_undone_run_leaves_the_calendars_as_they_were(world: World) -> None:
    kept = world.add_to_psa(single("Kept"))
    gone = world.add_to_psa(single("Gone", at(9)))
    world.synced()
    since = len(world.store.journal)
    world.psa.person_edits(kept, title="Overwritten")
    world.psa.person_deletes(gone)
    world.add_to_psa(single("New here", at(10)))
    world.add_to_exchange(single("New there", at(11)))
    world.synced()
    assert {one.code for one in _undo(world, since)} == {""}
    world.synced()
    assert sorted(one.entry.title for one in world.events) == ["Gone", "Kept", "New there"]
    assert sorted(one.entry.title for one in world.activities) == ["Gone", "Kept", "New here"]
    assert [link.reason for link in world.store.links() if link.status is LinkStatus.UNLINKED] == ["11.2", "11.2"]

    here = next(one for one in world.activities if one.entry.title == "New here")
    there = next(one for one in world.events if one.entry.title == "New there")
    world.psa.person_edits(here.id, title="Edited here")
    world.exchange.person_edits(there.id, title="Edited there")
    world.synced()
    assert sorted(one.entry.title for one in world.events) == ["Edited there", "Gone", "Kept"]
    assert sorted(one.entry.title for one in world.activities) == ["Edited here", "Gone", "Kept"]


def test_what_somebody_edited_since_stays(world: World) -> None:
    item = world.add_to_exchange(single("Tea"))
    other = world.add_to_exchange(single("Coffee", at(9)))
    world.synced()
    world.exchange.person_edits(item, title="Tea, green")
    results = _undo(world, 0)
    assert sorted(one.code for one in results) == ["", "edited_since"]
    assert [one.entry.title for one in world.activities] == ["Tea"]
    world.synced()
    assert world.activity.entry.title == "Tea, green" and len(world.events) == 2
    assert world.exchange.shelf.shown()[other].entry.title == "Coffee"


@pytest.mark.parametrize(
    ("marks", "code"),
    [
        ({"closed": True}, "is_closed"),
        ({"has_hours": True}, "has_hours"),
        ({"participant_ids": ("bob",)}, "has_attendees"),
    ],
)
def test_what_others_or_the_books_rely_on_stays(world: World, marks: dict[str, object], code: str) -> None:
    world.add_to_exchange(single("Tea"))
    world.synced()
    world.psa.person_marks(world.activity.id, **marks)
    assert [one.code for one in _undo(world, 0)] == [code]
    assert len(world.activities) == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_undo_cut_off_at_any_call_is_completed_by_the_next(after: bool) -> None:
    calls = 1
    while True:
        world = World().started()
        kept = world.add_to_psa(single("Kept"))
        world.synced()
        since = len(world.store.journal)
        world.psa.person_edits(kept, title="Overwritten")
        world.add_to_exchange(single("New there", at(11)))
        world.synced()
        rows = world.store.journal[since:]
        world.faults.calls.clear()
        world.faults.arm(PowerCut(), nth=calls, after=after)
        left = list(rows)
        try:
            undo(world.parts, rows, Person("alice", "undo"), left.remove)
        except PowerCut:
            undo(world.parts, left, Person("alice", "undo"), left.remove)
        else:
            break
        world.synced()
        assert sorted(one.entry.title for one in world.events) == ["Kept", "New there"], f"call {calls}"
        assert [one.entry.title for one in world.activities] == ["Kept"], f"call {calls}"
        calls += 1
    assert calls > 8
