"""The connection test: each step of reaching a mailbox by itself, so that a failure names what to mend."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from samklang.connectors.graph.access import CALENDARS_PERMISSION, GraphAccess
from samklang.connectors.graph.auth import Tokens
from samklang.connectors.graph.calendar import GraphCalendar
from samklang.connectors.graph.client import GraphClient
from samklang.connectors.graph.events import Events
from samklang.connectors.graph.organization import tenant_of
from samklang.connectors.graph.users import find_user
from samklang.connectors.steps import Step, in_turn
from samklang.engine.model import Availability, Entry, Sensitivity, Timed
from samklang.sync.errors import ConnectionRefused


def probe(
    access: GraphAccess,
    tokens: Tokens,
    now: Callable[[], datetime],
    address: str | None = None,
    *,
    write: bool = False,
) -> Iterator[Step]:
    """The steps "token", "permissions", "organization", "user", "calendar read" and "calendar write", until one fails.
    At most one token is asked for. What is found: the tenant's name, how the user matched.

    `address`: the user whose mailbox is looked up and read; None ends after the organization. `write`: also make an
    event there and remove it at once, only with that user's own leave (rule 1.4).
    """
    mailbox = ""

    def token() -> str:
        tokens.reset()
        tokens.get()
        return ""

    def permissions() -> str:
        roles = tokens.roles()
        # A scope by "RBAC for Applications" grants the calendar without this role: reading tells (Graph facts §2.4).
        if roles is not None and not roles and address is None:
            raise ConnectionRefused("permission_missing", f"no role; {CALENDARS_PERMISSION} expected")
        return " ".join(sorted(roles or ()))

    def organization() -> str:
        return tenant_of(client).name

    def user() -> str:
        nonlocal mailbox
        assert address is not None
        found = find_user(client, address)
        mailbox = found.id
        return found.matched_by

    def read() -> str:
        Events(GraphClient(access, tokens, mailbox), mailbox, "UTC").first()
        return ""

    def write_and_remove() -> str:
        calendar = GraphCalendar(access, tokens, mailbox, home="UTC", now=now)
        begin = now().replace(microsecond=0) - timedelta(days=1)
        when = Timed(begin, begin + timedelta(minutes=5), "UTC")
        entry = Entry("Samklang", when, sensitivity=Sensitivity.PRIVATE, availability=Availability.FREE)
        calendar.delete(calendar.create(entry, f"probe-{secrets.token_hex(8)}"))
        return ""

    client = GraphClient(access, tokens)
    steps: list[tuple[str, Callable[[], str]]] = [
        ("token", token),
        ("permissions", permissions),
        ("organization", organization),
    ]
    if address is not None:
        steps += [("user", user), ("calendar read", read)]
    if address is not None and write:
        steps.append(("calendar write", write_and_remove))
    yield from in_turn(steps)
