from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sandbox_client import Sandbox
    from tests.web.connected import Connected
    from tests.web.house import House


@pytest.fixture
def house(db: None) -> House:
    from tests.web.house import furnish

    return furnish()


@pytest.fixture
def connected(db: None, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connected]:
    from samklang.config import config
    from tests.web.connected import furnish, reach

    reach(sandbox, monkeypatch)
    yield furnish(sandbox)
    monkeypatch.undo()
    config.cache_clear()
