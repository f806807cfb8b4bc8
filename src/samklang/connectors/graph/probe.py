"""The connection test: each step of reaching a mailbox by itself, so that a failure names what to mend."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

from samklang.connectors.graph.access import GraphAccess
from samklang.connectors.graph.auth import Tokens
from samklang.connectors.graph.calendar import GraphCalendar
from samklang.connectors.graph.client import GraphClient
from samklang.connectors.graph.events import Events
from samklang.connectors.graph.organization import tenant_of
from samklang.connectors.graph.permissions import CALENDARS, missing
from samklang.connectors.graph.users import find_user
from samklang.connectors.steps import Step, in_turn
from samklang.engine.model import Availability, Entry, Sensitivity, Timed
from samklang.sync.errors import ConnectionRefused, MailboxError


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
        # Given over some mailboxes alone, the calendars are in no token: reading tells (Graph facts §2.4).
        lacks = [] if roles is None else missing(roles, scoped=bool(roles and address))
        if lacks:
            raise ConnectionRefused("permission_missing", " ".join(lacks))
        return " ".join(sorted(roles or ()))

    def organization() -> str:
        try:
            return tenant_of(client).name
        except ConnectionRefused as refused:
            # Its name is of no use to the sync, and some tenants do not show it.
            if refused.code != "permission_missing":
                raise
            return ""

    def user() -> str:
        nonlocal mailbox
        assert address is not None
        found = find_user(client, address)
        mailbox = found.id
        return found.matched_by

    def read() -> str:
        try:
            Events(GraphClient(access, tokens, mailbox), mailbox, "UTC").first()
        except MailboxError as error:
            if error.code == "mailbox_access_denied" and CALENDARS not in (tokens.roles() or {CALENDARS}):
                raise MailboxError("calendar_not_granted", error.detail) from None
            raise
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


def open_calendar(access: GraphAccess, tokens: Tokens, user_id: str) -> None:
    """See whether a user's calendar is open to us, by its id alone: nothing of what is in it is asked for.

    Raises SyncError: MailboxError "mailbox_access_denied", "mailbox_not_enabled" …
    """
    client = GraphClient(access, tokens, user_id)
    try:
        client.get(f"/users/{quote(user_id, safe='')}/calendar", {"$select": "id"})
    finally:
        client.close()
