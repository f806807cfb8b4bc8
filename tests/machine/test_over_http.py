"""Random people over EWS and Graph, with a real database: the same steps at every run, or those of a seed asked for.

`./run prove ews|graph` sets the first seed, how many follow one another, and the number of steps of each.
"""

from __future__ import annotations

import os

import pytest

from tests.installation import PROTOCOLS
from tests.sandbox_client import Sandbox

SEED, STEPS = int(os.environ.get("SAMKLANG_SEED", "1")), int(os.environ.get("SAMKLANG_STEPS", "8"))
SEEDS = range(SEED, SEED + int(os.environ.get("SAMKLANG_SEEDS", "1")))


@pytest.mark.django_db
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_whatever_people_and_the_wire_do_both_sides_agree_and_nothing_is_lost(
    protocol: str, seed: int, sandbox: Sandbox
) -> None:
    from tests.acceptance.world import World
    from tests.machine.over_http import Days

    world = World(sandbox, protocol)
    try:
        Days(world, seed).go(STEPS)
    finally:
        world.close()
