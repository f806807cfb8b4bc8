"""An Exchange of the sandbox with its delegate account, and Alice's mailbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from samklang.connectors.ews import EwsAccess, EwsCalendar
from tests.contract.person import Person
from tests.sandbox_client import Sandbox
from tests.wire.ews.scripted import script

__all__ = ["script"]

ALICE = "alice@example.com"
PASSWORD = "only-for-tests"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

Open = Callable[[], EwsCalendar]


@pytest.fixture
def product() -> tuple[str, str]:
    """The server there is, and the product an administrator chose for it."""
    return "2013_sp1", "2013"


@pytest.fixture
def exchange(sandbox: Sandbox, product: tuple[str, str]) -> Sandbox:
    """The delegate account may act for everybody; what is exchanged must have been valid in the end."""
    sandbox.server(product[0], ("ntlm",))
    sandbox.account("CONTOSO\\sync", PASSWORD, "*")
    sandbox.mailbox(ALICE, aliases=["alice.a@example.com"], name="Alice A", zone="Europe/Stockholm")
    return sandbox


@pytest.fixture
def access(exchange: Sandbox, product: tuple[str, str]) -> EwsAccess:
    certificate = exchange.ca_file
    return EwsAccess(
        exchange.ews, "CONTOSO", "sync", PASSWORD, ca_file=certificate, allow_private=True, version=product[1]
    )


@pytest.fixture
def opened(exchange: Sandbox, access: EwsAccess) -> Iterator[Open]:
    """Opens Alice's calendar; afterwards all of them are closed and every message is known to have been valid."""
    calendars: list[EwsCalendar] = []

    def make() -> EwsCalendar:
        calendars.append(EwsCalendar(access, ALICE, home="Europe/Stockholm", now=lambda: NOW))
        return calendars[-1]

    yield make
    for calendar in calendars:
        calendar.close()
    assert exchange.validation()["failures"] == []


@pytest.fixture
def alice(exchange: Sandbox) -> Person:
    return Person(exchange, ALICE)
