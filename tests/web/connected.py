"""Alice's organization connected to an Exchange of the sandbox, and the command line in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from samklang.activities import services as activities
from samklang.activities.types import set_ticks, types_for_rules
from samklang.cli import main
from samklang.clock import now
from samklang.config import config
from samklang.engine.model import Timed
from samklang.mailboxes import services
from samklang.mailboxes.models import Connection
from samklang.wiring import test_connection as try_connection
from tests.people import People, people
from tests.sandbox_client import Sandbox

TENANT = "5a3c1a9e-0000-4000-8000-00000000f1fe"
APP, SECRET = "5a3c1a9e-0000-4000-8000-0000000000a1", "the-apps-secret"
ROLES = ["Calendars.ReadWrite", "User.Read.All"]


@dataclass
class Connected:
    them: People
    sandbox: Sandbox
    connection: Connection

    def writes(self) -> int:
        return sum(sum(counts["writes"].values()) for counts in self.sandbox.counts().values())

    def logons(self) -> int:
        return sum(c["logons"] + c["logons_refused"] for c in self.sandbox.counts().values())

    def tokens(self) -> int:
        return sum(c["token_requests"] for c in self.sandbox.counts().values())

    def save(self, **values: Any) -> None:
        services.save_connection(self.connection, values, by=self.them.alice)


def reach(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """This installation's settings lead to the sandbox; its commands use this test's database."""
    for area in ("sync", "connection"):
        monkeypatch.setattr(f"samklang.cli.{area}.open_database", lambda: None)
    for name, value in {
        "CA_FILE": sandbox.ca_file,
        "ALLOW_PRIVATE_ADDRESSES": "1",
        "GRAPH_URL": sandbox.graph,
        "LOGIN_URL": sandbox.login,
        "CONSENT_URL": sandbox.pages + "/login",
        "APP_ID": APP,
        "APP_SECRET": SECRET,
    }.items():
        monkeypatch.setenv(f"SAMKLANG_{name}", value)
    config.cache_clear()


def furnish(sandbox: Sandbox) -> Connected:
    """Exchange 2013 with Alice's and Bob's mailboxes, tested and on; Alice has an activity, her mailbox an event."""
    them = people()
    sandbox.server("2013_sp1")
    sandbox.account(r"EXAMPLE\sync", "right password")
    tomorrow = now().replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
    for user in (them.alice, them.bob):
        sandbox.mailbox(user.email, name=user.name, zone="Europe/Stockholm")
    end = tomorrow + timedelta(hours=1)
    sandbox.person_creates(
        them.alice.email, subject="Dentist", start=end.isoformat(), end=(end + timedelta(hours=1)).isoformat()
    )
    activities.create(them.alice, name="Planning", when=Timed(tomorrow, end, "Europe/Stockholm"))
    connection = services.connection_of(them.company)
    exchange = {"version": "2013", "domain": "EXAMPLE", "url": sandbox.ews, "username": "sync", "auth": "ntlm"}
    services.save_connection(connection, {**exchange, "password": "right password"}, by=them.alice)
    set_ticks(them.company, [t.id for t in types_for_rules(them.company)], by=them.alice)
    assert all(step.ok for step in try_connection(connection, them.alice.email, by=them.alice))
    services.enable(connection, by=them.alice)
    sandbox.zero_counts()
    return Connected(them, sandbox, connection)


def command(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    """Exit status and JSON of one `samklang … --json`; what it says on standard error when it prints none."""
    with pytest.raises(SystemExit) as ended:
        main([*words, "--json"])
    said = capsys.readouterr()
    return int(ended.value.code or 0), json.loads(said.out) if said.out else said.err
