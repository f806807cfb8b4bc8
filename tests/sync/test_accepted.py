"""An accepted plan that was cut off goes on without being asked for again (rules 8.3, 10.4)."""

from __future__ import annotations

import pytest

from samklang.sync.memory import PowerCut
from tests.sync.world import World, at, single


def full(world: World, count: int = 40) -> list[str]:
    items = [world.add_to_exchange(single(f"Tea {number}", at(number + 1))) for number in range(count)]
    world.synced()
    return items


def accepted(world: World, items: list[str]) -> None:
    """So many events vanish; somebody accepts the plan that waits."""
    for item in items:
        world.exchange.person_deletes(item)
    stopped = world.run()
    assert stopped.brake == "removals" and stopped.writes == 0
    world.store.accept(stopped.needs_acceptance)


def test_rule_8_3_a_crash_in_the_middle_of_an_accepted_plan_does_not_ask_again(world: World) -> None:
    accepted(world, full(world)[:30])
    world.faults.arm(PowerCut(), on="psa.delete", nth=12)
    with pytest.raises(PowerCut):
        world.run()
    assert len(world.activities) == 29
    assert world.synced().psa.deleted == 19
    assert len(world.activities) == 10


def test_rule_8_3_what_vanished_since_is_not_covered_by_what_was_accepted(world: World) -> None:
    items = full(world, 60)
    accepted(world, items[:20])
    world.faults.arm(PowerCut(), on="psa.delete", nth=5)
    with pytest.raises(PowerCut):
        world.run()
    for item in items[20:40]:
        world.exchange.person_deletes(item)
    stopped = world.run()
    assert stopped.brake == "removals" and stopped.writes == 0
    world.store.accept(stopped.needs_acceptance)
    world.synced()
    assert len(world.activities) == 20


def test_rule_8_3_once_it_is_done_the_next_such_plan_is_asked_for(world: World) -> None:
    items = full(world, 60)
    accepted(world, items[:20])
    world.synced()
    for item in items[20:40]:
        world.exchange.person_deletes(item)
    assert world.run().brake == "removals"
    world.pairs_differ_by = "8.3"
    assert len(world.activities) == 40
