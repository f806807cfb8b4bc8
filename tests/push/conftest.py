from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.push.receiver import Answer, Got, Receiver, receiving
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


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where notices for Samklang arrive: they are handed to its page."""
    with receiving(_to_samklang) as started:
        yield started


def _to_samklang(got: Got) -> Answer:
    from django.db import connections
    from django.test import Client

    answer = Client().post(got.path, got.body, content_type="application/json")
    connections.close_all()  # of this thread
    return Answer(answer.status_code, answer.content, answer.headers["Content-Type"])


@pytest.fixture
def told(sandbox: Sandbox, transactional_db: None, receiver: Receiver) -> Iterator[World]:
    """Alice's and Bob's calendars are kept up to date continuously, and Office 365 can reach us."""
    from tests.acceptance.world import COMPANY, World
    from tests.jobs.world import no_jobs_left

    world = World(sandbox, "graph")
    world.settings(SAMKLANG_NOTIFICATION_URL=receiver.url)
    world.done("connection", "set", "--mode", "continuous", "--org", COMPANY)
    yield world.started(world.alice, world.bob)
    world.close()
    no_jobs_left()
