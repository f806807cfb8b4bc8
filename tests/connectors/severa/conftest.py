from __future__ import annotations

from collections.abc import Iterator
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
