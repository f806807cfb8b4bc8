"""A thousand mailboxes behind a server that asks many of them to wait: it is obeyed, nobody else waits for them, and
nothing is lost (rule 10.2)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.proof.crowd import Crowd, working
from tests.push.receiver import wait_until
from tests.sandbox_client import Sandbox

FEW, MANY = 20, 1000
#: Seconds within which something must have gone wrong.
PATIENCE = 900


@pytest.fixture(
    params=[(protocol, FEW) for protocol in ("ews", "graph")]
    + [pytest.param((protocol, MANY), marks=pytest.mark.full) for protocol in ("ews", "graph")],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def crowd(request: pytest.FixtureRequest, sandbox: Sandbox, transactional_db: None) -> Iterator[Crowd]:
    made = Crowd(sandbox, *request.param)
    yield made
    made.close()


def test_who_is_to_wait_is_left_alone_until_his_time_comes_and_nobody_waits_with_him(crowd: Crowd) -> None:
    soon = crowd.free | crowd.those(1, 1.5, 1.128)
    assert len(crowd.held) > len(crowd.waits) / 10
    with working():
        crowd.switch_on()
        wait_until(lambda: soon <= crowd.finished and crowd.held <= crowd.told_to_wait, PATIENCE, look=0.2)
        # Their time has not come: they had one run, and what it was told ended it.
        assert crowd.held.isdisjoint(crowd.finished)
        assert set(crowd.runs(crowd.held)) == {1}
        assert set(crowd.runs(crowd.free)) == {1}, "nobody else waits"
        assert crowd.too_early() == 0
        assert crowd.tokens_asked_for() == (crowd.protocol == "graph"), "one for the whole tenant that is to wait"
        crowd.time_comes()
        wait_until(lambda: crowd.finished == set(crowd.waits), PATIENCE, look=0.2)
    assert set(crowd.runs(crowd.held)) == {2}, "as soon as his time has come"
    assert crowd.here() == crowd.there() == crowd.everything()
