from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.web.house import House


@pytest.fixture
def house(db: None) -> House:
    from tests.web.house import furnish

    return furnish()
