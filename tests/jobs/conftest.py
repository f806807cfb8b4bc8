"""Fixtures of the job engine's tests; what they make stands in `world`, which needs Django to be set up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.jobs.world import Boxes, Runs


@pytest.fixture(autouse=True)
def no_jobs_left(transactional_db: None) -> Iterator[None]:
    from tests.jobs import world

    yield
    world.no_jobs_left()


@pytest.fixture
def boxes(transactional_db: None) -> Boxes:
    from tests.jobs.world import make_boxes

    return make_boxes()


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Runs are written down instead of made; everything around them is real."""
    from tests.jobs.world import write_runs_down

    return write_runs_down(monkeypatch)
