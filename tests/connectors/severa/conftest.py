from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.connectors.severa.compatible import Severa, ThroughDjango
    from tests.people import People


@pytest.fixture
def them(db: None) -> People:
    from tests.people import people

    return people()


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThroughDjango]:
    from tests.connectors.severa.compatible import reachable

    yield from reachable(monkeypatch)


@pytest.fixture
def severa(them: People, network: ThroughDjango) -> Severa:
    from tests.connectors.severa.compatible import severa_of

    return severa_of(them.alice, network)


@pytest.fixture
def no_entry_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contract's entries are of March 2026, and of 1962."""
    monkeypatch.setattr("samklang.connectors.severa.feed.PAST", timedelta(days=100 * 365))
