"""The journal: every write with before, after and cause, whatever happens between the write and its record (11.1)."""

from __future__ import annotations

import pytest

from samklang.engine.model import Side
from samklang.sync.errors import Unavailable
from samklang.sync.memory import PowerCut
from samklang.sync.ports import Change
from tests.sync.world import World, single


def _written(world: World) -> list[tuple[str, str, dict[str, str], dict[str, str]]]:
    return [(one.side.value, one.kind, dict(one.before), dict(one.after)) for one in world.store.journal]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("side", list(Side))
def test_an_update_cut_off_at_any_call_is_journalled_once(side: Side, after: bool) -> None:
    calls = 1
    while True:
        world = World().started()
        world.add_to_psa(single("Tea"))
        world.synced()
        if side is Side.EXCHANGE:
            world.psa.person_edits(world.activity.id, title="Coffee")
        else:
            world.exchange.person_edits(world.event.id, title="Coffee")
        world.faults.calls.clear()
        world.faults.arm(PowerCut(), nth=calls, after=after)
        try:
            world.run()
        except PowerCut:
            world.synced()
        else:
            break
        assert _written(world)[1:] == [(side.value, "update", {"title": "Tea"}, {"title": "Coffee"})], f"call {calls}"
        assert not world.store.begun()
        calls += 1
    assert calls > 8


@pytest.mark.parametrize("side", list(Side))
def test_a_delete_whose_record_was_lost_is_journalled_with_what_the_entry_held(world: World, side: Side) -> None:
    world.add_to_psa(single("Tea"))
    world.synced()
    if side is Side.EXCHANGE:
        world.psa.person_deletes(world.activity.id)
    else:
        world.exchange.person_deletes(world.event.id)
    world.faults.arm(PowerCut(), on=f"{side.value}.delete", after=True)
    with pytest.raises(PowerCut):
        world.run()
    world.synced()
    (_created, deleted) = world.store.journal
    assert (deleted.side, deleted.kind, deleted.before["title"]) == (side, "delete", "Tea")
    assert not world.store.begun()


def test_a_write_that_was_refused_leaves_no_row(world: World) -> None:
    world.add_to_psa(single("Tea"))
    world.synced()
    item = world.event.id
    world.psa.refuses = lambda entry: "double_booking" if entry.title == "Coffee" else None
    world.exchange.person_edits(item, title="Coffee")
    world.synced()
    assert [one.kind for one in world.store.journal] == ["create"]
    world.pairs_differ_by = "10.1: set aside"


def test_a_write_nobody_answered_stays_open_until_the_next_run_has_looked(world: World) -> None:
    world.add_to_psa(single("Tea"))
    world.synced()
    world.psa.person_edits(world.activity.id, title="Coffee")
    world.faults.arm(Unavailable(), on="exchange.update")
    world.run()
    assert len(world.store.begun()) == 1
    world.later(hours=1)
    world.synced()
    assert not world.store.begun()
    assert [one.kind for one in world.store.journal] == ["create", "update"]


def test_a_row_names_who_edited_the_activity(world: World) -> None:
    activity = world.add_to_psa(single("Tea"), modified_by="bob")
    world.synced()
    world.psa.person_edits(activity, title="Coffee")
    world.synced()
    rows: list[Change] = world.store.journal
    assert [(one.kind, one.by, one.cause) for one in rows] == [("create", "bob", "sync"), ("update", "bob", "sync")]
