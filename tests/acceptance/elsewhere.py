"""Another Samklang, the PSA of the cases: its people use the built-in calendar, ours asks it over its Severa-compatible
API. Both live in this process and on one connection to the database; the other's tables are in a schema of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import requests
from django.db import connection

from samklang.accounts import programs
from samklang.accounts.models import Organization
from tests.acceptance.laid_out import laid_out
from tests.acceptance.polled import Polled
from tests.acceptance.psa import BuiltIn
from tests.acceptance.when import NOW
from tests.connectors.severa.compatible import ThroughDjango, stands_in
from tests.installation import Installation, User, database_url

if TYPE_CHECKING:
    from tests.acceptance.people import Person

_HOST = "https://severa.example"
_COMPANY = "Nordhavn Elsewhere"
#: So that nothing of one is taken for something of the other.
_FIRST_ID = 1_000_000


def made() -> None:
    """Empty tables of it, as ours are, for all tests of a session."""
    with psycopg.connect(database_url(), autocommit=True) as ours:
        ours.execute("DROP SCHEMA IF EXISTS elsewhere CASCADE")
        ours.execute("CREATE SCHEMA elsewhere")
        for (table,) in ours.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            ours.execute(f"CREATE TABLE elsewhere.{table} (LIKE public.{table} INCLUDING ALL)")
        ours.execute("INSERT INTO elsewhere.django_migrations SELECT * FROM public.django_migrations")
        for (ids,) in ours.execute("SELECT sequencename FROM pg_sequences WHERE schemaname = 'elsewhere'").fetchall():
            ours.execute(f"ALTER SEQUENCE elsewhere.{ids} RESTART {_FIRST_ID}")


@contextmanager
def elsewhere() -> Iterator[None]:
    """Within, this process is the other Samklang."""
    with connection.cursor() as cursor:
        cursor.execute("SET search_path TO elsewhere, public")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET search_path TO public")


class ToElsewhere(ThroughDjango):
    """… while it answers a request, too."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        with elsewhere():
            return super().send(request)


class UserElsewhere(User):
    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        with elsewhere():
            return super().ask(method, path, body, **query)


class Elsewhere(Polled, BuiltIn):
    another_type = "Workshop"

    def __init__(self, installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(installation)
        self._network = ToElsewhere()
        stands_in(monkeypatch, self._network, _HOST)
        self._users: dict[str, User] = {}
        with elsewhere():
            self._client, self._secret = laid_out("elsewhere", self._founded)

    def _founded(self) -> tuple[str, str]:
        """Credentials of a program, in a company whose administrator has an activity, and knows nothing of us: no
        listing is empty, which would prove nothing (rule 8.1)."""
        cilla = self._installation.add_user("cilla@example.org", "Cilla Al", _COMPANY, "--admin")
        workshop = cilla.ask("POST", "/rest-api/v1/activitytypes", {"name": "Workshop", "category": "CalendarEntry"})
        owner = cilla.ask("GET", "/rest-api/v1/users", email=cilla.email)[0]
        far = (NOW + timedelta(days=700)).isoformat()
        own = {"name": "Cilla's own", "startDateTime": far, "ownerUser": owner, "activityType": workshop}
        cilla.ask("POST", "/rest-api/v1/activities", own)
        company = Organization.objects.get(name=_COMPANY)
        client, secret = programs.make_client(company, "Sync", programs.SCOPES, sees_private=True)
        return str(client.guid), secret

    def takes_in(self, email: str, name: str, zone: str) -> None:
        first = () if self._users else ("--admin",)
        with elsewhere():
            token = self._installation.add_user(email, name, _COMPANY, *first, zone=zone).token
        self._users[email] = UserElsewhere(self._installation, email, token)
        self.reads_anew()

    def begins(self) -> None:
        self.connects(f"{_HOST}/rest-api/v1", self._client, self._secret)

    def _as(self, person: Person) -> User:
        return self._users[person.email]

    def deletes(self, person: Person, guid: str, on: date | None) -> None:
        super().deletes(person, guid, on)
        self.has_deleted = on is None or self.has_deleted

    def answers(self, person: Person, guid: str, answer: str) -> None:
        with elsewhere():
            super().answers(person, guid, answer)

    def holds(self, *addresses: str) -> set[str]:
        """Rule 13.4: its users."""
        return set(addresses) & self._users.keys()

    def changes_type(self, person: Person, name: str, fields: dict[str, bool]) -> None:
        super().changes_type(person, name, fields)
        self.reads_anew()

    def lets_time_pass(self) -> None:
        super().lets_time_pass()
        self._network.sent.clear()

    def writes(self) -> int:
        return sum(not one.startswith("GET") and "token" not in one for one in self._network.sent)
