"""Every case runs over EWS and over Graph, and ends with what must hold after every case."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox_client import Sandbox

if TYPE_CHECKING:
    from tests.acceptance.world import World


@pytest.fixture(params=["ews", "graph"])
def office(request: pytest.FixtureRequest, sandbox: Sandbox, db: None) -> Iterator[World]:
    """Alice and Bob, nobody syncing yet: for cases about the first run."""
    from tests.acceptance.world import World

    world = World(sandbox, request.param)
    yield world
    world.close()


@pytest.fixture
def world(office: World) -> World:
    """Alice syncs: her first run, over two empty calendars, is done."""
    return office.started(office.alice)


@pytest.fixture
def both(office: World) -> World:
    """Alice and Bob sync."""
    return office.started(office.alice, office.bob)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Part of each case, so that a case fails by it: see `World.is_at_rest`."""
    result = yield
    office = pyfuncitem.funcargs.get("office")
    if office is not None:
        try:
            office.is_at_rest()
        finally:
            pyfuncitem.user_properties += office.figures.items()
    return result
