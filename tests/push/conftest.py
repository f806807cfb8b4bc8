from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.sandbox_client import Sandbox

if TYPE_CHECKING:
    from tests.acceptance.world import World


@pytest.fixture(params=["ews", "graph"])
def office(request: pytest.FixtureRequest, sandbox: Sandbox, db: None) -> Iterator[World]:
    """Alice and Bob sync; their first runs, over empty calendars, are done."""
    from tests.acceptance.world import World

    world = World(sandbox, request.param)
    yield world.started(world.alice, world.bob)
    world.close()
