"""What the tests of pages and APIs share: people with something to hide, and ways to speak for each of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client

from samklang.accounts.models import PersonalToken, User
from samklang.accounts.services import make_token
from samklang.activities import services
from samklang.activities.models import Activity
from samklang.activities.services import Guest
from samklang.engine.model import Frequency, Recurrence, Timed, Weekday
from samklang.mailboxes.models import Connection, Mailbox
from samklang.mailboxes.services import connection_of, save_connection
from tests.people import People, people

NINE = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # a Monday, 09:00 in Stockholm
WEEKLY = Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY,), count=6)
#: What nobody of another organization may ever read.
SECRETS = ("Merger talks", "Weekly coffee", "Nordhavn", "alice@", "bob@", "Alice", "Bob Dahl", "exchange.nordhavn")


def timed(hours: float = 0, length: float = 1) -> Timed:
    start = NINE + timedelta(hours=hours)
    return Timed(start, start + timedelta(hours=length), "Europe/Stockholm")


@dataclass
class House:
    """Alice's organization with a meeting, a series and a connection; Charlie's with one activity of his own."""

    them: People
    meeting: Activity
    series: Activity
    connection: Connection
    token_of_alice: PersonalToken

    @property
    def alice(self) -> User:
        return self.them.alice

    @property
    def bob(self) -> User:
        return self.them.bob

    @property
    def charlie(self) -> User:
        return self.them.charlie


def furnish() -> House:
    them = people()
    alice, bob = them.alice, them.bob
    meeting = services.create(alice, name="Merger talks", when=timed(), participants=[Guest(user=bob)])
    series = services.create(alice, name="Weekly coffee", when=timed(3), recurrence=WEEKLY)
    services.create(them.charlie, name="Charlie's own", when=timed())
    connection = connection_of(them.company)
    # An address in a private network: refused before anything is sent.
    settings = {"version": "2013", "domain": "NORDHAVN", "url": "https://127.0.0.1:9/EWS/Exchange.asmx"}
    save_connection(connection, {**settings, "username": "exchange.nordhavn", "password": "hush"}, by=alice)
    token, _secret = make_token(alice, "backup", made_by=PersonalToken.Maker.SELF)
    return House(them, meeting, series, connection, token)


def as_person(user: User | None) -> Client:
    """A browser, signed in as this user, or as nobody."""
    client = Client()
    if user is not None:
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def as_program(user: User) -> Client:
    """A program with a personal access token of this user."""
    _token, secret = make_token(user, "test", made_by=PersonalToken.Maker.SELF)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def send(client: Client, method: str, path: str, body: Any = None, **query: Any) -> Any:
    """A JSON request; the answer's JSON is at `.json()`."""
    address = path if not query else f"{path}?{_query(query)}"
    return client.generic(method, address, _dump(body), content_type="application/json")


def _dump(body: Any) -> bytes:
    import json

    return b"" if body is None else json.dumps(body, default=str).encode()


def _query(query: dict[str, Any]) -> str:
    from urllib.parse import urlencode

    return urlencode(query, doseq=True)


def mailbox_of(user: User) -> Mailbox:
    return Mailbox.objects.get(user=user)
