"""Every case ends at rest: see `World.check_at_rest`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings

from tests.sync.world import World

# For seeded bugs: that a test fails is all they want to know (`pytest --hypothesis-profile=no-shrinking`).
settings.register_profile("no-shrinking", phases=[Phase.explicit, Phase.generate])


@pytest.fixture
def world() -> Iterator[World]:
    """Alice's calendars, after an empty first run."""
    world = World().started()
    yield world
    world.check_at_rest()


@pytest.fixture
def before_start() -> Iterator[World]:
    """Alice's calendars before she ever synced."""
    world = World()
    yield world
    world.check_at_rest()
