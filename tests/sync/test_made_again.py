"""What an edit brings back although it was deleted elsewhere (rule 7.2) is the same after a crash as without (10.4)."""

from __future__ import annotations

from contextlib import suppress

import pytest

from samklang.engine.model import Sensitivity
from samklang.sync.memory import PowerCut
from tests.sync.world import World, single

CUTS = pytest.mark.parametrize("cut", ["", "before", "after"])


def a_pair() -> World:
    """Joined at first contact, where each side keeps its own text (rule 3.1)."""
    world = World()
    world.add_to_psa(single("Tea", text="the PSA's"), type_id="absence")
    world.add_to_exchange(single("Tea", text="Exchange's"))
    return world.started()


def run(world: World, cut: str, call: str) -> None:
    if cut:
        world.faults.arm(PowerCut(), on=call, after=cut == "after")
        with suppress(PowerCut):
            world.run()
        assert not world.faults.armed
    world.synced()
    assert world.run().writes == 0


@CUTS
def test_an_activity_made_again_has_its_type_and_text(cut: str) -> None:
    world = a_pair()
    world.exchange.person_edits(world.event.id, title="Cake")
    world.psa.person_deletes(world.activity.id)
    run(world, cut, "psa.create")
    made = world.activity
    assert (made.type_id, made.entry.title, made.entry.text) == ("absence", "Cake", "the PSA's")
    assert not world.event.entry.sensitivity.is_private, "nobody edited that"
    assert [one.after["title"] for one in world.store.journal if one.kind == "create"] == ["Cake"]


@CUTS
def test_an_activity_made_again_of_what_became_private_has_the_type_for_it(cut: str) -> None:
    world = World().started()
    world.add_to_psa(single("Tea"))
    world.synced()
    world.exchange.person_edits(world.event.id, sensitivity=Sensitivity.PRIVATE)
    world.psa.person_deletes(world.activity.id)
    run(world, cut, "psa.create")
    assert world.activity.type_id == "private"


@CUTS
def test_an_event_made_again_has_its_text(cut: str) -> None:
    world = a_pair()
    world.psa.person_edits(world.activity.id, title="Cake")
    world.exchange.person_deletes(world.event.id)
    run(world, cut, "exchange.create")
    assert (world.event.entry.title, world.event.entry.text) == ("Cake", "Exchange's")


@CUTS
def test_what_is_edited_after_the_crash_is_in_what_is_made_again(cut: str) -> None:
    world = a_pair()
    world.exchange.person_edits(world.event.id, title="Cake")
    world.psa.person_deletes(world.activity.id)
    if cut:
        world.faults.arm(PowerCut(), on="psa.create", after=cut == "after")
        with suppress(PowerCut):
            world.run()
    world.exchange.person_edits(world.event.id, text="word")
    world.synced()
    assert (world.activity.type_id, world.activity.entry.text) == ("absence", "word")
