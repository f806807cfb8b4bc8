"""What the tests of the sandbox share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.oracles import ALICE, PASSWORD, USER
from tests.sandbox_client import Sandbox


@pytest.fixture
def exchange(sandbox: Sandbox) -> Iterator[Sandbox]:
    """An Exchange 2013 with alice's mailbox and an account that may impersonate her; checks at the end that every
    answer was valid."""
    sandbox.mailbox(ALICE, name="Alice", aliases=["al@example.com"], zone="Europe/Stockholm")
    sandbox.account(USER, PASSWORD)
    yield sandbox
    assert sandbox.validation()["failures"] == []
