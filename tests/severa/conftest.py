from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.sandbox_client import Sandbox

if TYPE_CHECKING:
    from tests.severa.office import Office


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox asks for no pace here: requests follow each other."""
    from samklang.severa import slots

    monkeypatch.setattr("samklang.severa.opening.SharedSlots", lambda access, speed: slots.SharedSlots(access, 1e6))


@pytest.fixture(params=["ews", pytest.param("graph", marks=pytest.mark.full)])
def office(request: pytest.FixtureRequest, sandbox: Sandbox, db: None, no_waiting: None) -> Iterator[Office]:
    from tests.severa.office import Office

    office = Office(sandbox, request.param)
    yield office
    office.close()
    assert sandbox.validation()["failures"] == []
