"""A tenant of the sandbox with one app, and the ways in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from samklang.connectors.graph.access import GraphAccess
from samklang.connectors.graph.auth import Tokens
from samklang.connectors.graph.calendar import GraphCalendar
from samklang.connectors.graph.client import GraphClient
from samklang.connectors.graph.users import find_user
from tests.sandbox_client import Sandbox

TENANT = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
APP = "11111111-2222-4333-8444-555555555555"
SECRET = "only-for-tests"
ROLES = ["Calendars.ReadWrite", "User.Read.All"]


@pytest.fixture
def tenant(sandbox: Sandbox) -> Callable[..., None]:
    """Make (or change) the tenant; `app` changes its one app, e.g. {"roles": []}."""

    def make(app: dict[str, Any] | None = None, **details: Any) -> None:
        plain = {"client_id": APP, "secret": SECRET, "consented": True, "roles": ROLES}
        sandbox.tenant(TENANT, domains=["example.com"], apps=[plain | (app or {})], **details)

    make()
    return make


@pytest.fixture
def access(sandbox: Sandbox, tenant: Callable[..., None]) -> GraphAccess:
    return GraphAccess(
        sandbox.graph, sandbox.login, TENANT, APP, secret=SECRET, ca_file=sandbox.ca_file, allow_private=True
    )


ALICE = "alice@example.com"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def alice(sandbox: Sandbox, access: GraphAccess) -> str:
    """Alice's mailbox in the tenant, on 2 March 2026; gives her user id."""
    sandbox.set_clock(NOW, running=False)
    sandbox.mailbox(ALICE, name="Alice", zone="Europe/Stockholm", tenant=TENANT, aliases=["al@example.com"])
    tokens = Tokens(access)
    user = find_user(GraphClient(access, tokens), ALICE)
    tokens.close()
    return user.id


class Clock:
    """Domain time of the client; the sandbox has its own."""

    def __init__(self) -> None:
        self.moment = NOW

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


Open = Callable[[], GraphCalendar]


@pytest.fixture
def opened(sandbox: Sandbox, access: GraphAccess, alice: str, clock: Clock) -> Iterator[Open]:
    """Opens Alice's calendar with a token at hand; afterwards every message is known to have been valid."""
    tokens = Tokens(access)
    tokens.get()
    calendars: list[GraphCalendar] = []

    def make() -> GraphCalendar:
        calendars.append(GraphCalendar(access, tokens, alice, home="Europe/Stockholm", now=clock))
        return calendars[-1]

    yield make
    for calendar in calendars:
        calendar.close()
    tokens.close()
    assert sandbox.validation()["failures"] == []


@pytest.fixture
def calendar(sandbox: Sandbox, opened: Open) -> GraphCalendar:
    """Alice's calendar, and the sandbox's counts at zero."""
    sandbox.zero_counts()
    return opened()
