"""A company whose activities are in the sandbox's Severa, and its mailboxes in the sandbox's Exchange or Microsoft 365.

Spoken to as its operator and its people do: commands and HTTP. Writes are those the sandbox counted.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.installation import ZONE, Installation, User
from tests.sandbox.severa_client import CLIENT, SECRET, Severa
from tests.sandbox_client import Sandbox

COMPANY = "Acme"
ANNA, BO = "anna@example.com", "bo@example.com"
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


class Office(Installation):
    """Anna (administrator) and Bo, each in Severa, with a mailbox and an account; nobody syncs yet."""

    def __init__(self, sandbox: Sandbox, protocol: str) -> None:
        super().__init__(sandbox, protocol, NOW, domain="example.com")
        self.severa = Severa(sandbox)
        for address, name in ((ANNA, "Anna Ek"), (BO, "Bo By")):
            self.mailbox(address, name=name)
        self.anna = self.add_user(ANNA, "Anna Ek", COMPANY, "--admin")
        self.bo = self.add_user(BO, "Bo By", COMPANY)
        self.connect(COMPANY)

    def named(self, *, secret: str = SECRET, client: str = CLIENT) -> None:
        """The credentials are saved."""
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(secret)
            file.flush()
            address = f"{self.sandbox.severa}/v1"
            self.done("severa", "set", "--url", address, "--client-id", client, "--secret-file", file.name)

    def arranged(self) -> Office:
        """Everything is set, tested and confirmed, and the activities are Severa's from now on."""
        self.named()
        self.done("severa", "test")
        self.done("severa", "set", "--types", "all", "--confirm")
        self.done("severa", "enable")
        return self

    def synced(self, *people: User, **flags: Any) -> dict[str, Any]:
        """Runs of these a minute later, of which the last is reported; each must go through."""
        self.later(minutes=2)
        report: dict[str, Any] = {}
        for person in people:
            report = person.runs()
            assert report["error"] is None, report
            assert report["waiting_for"] is None, report
        return report

    def started(self, *people: User) -> Office:
        """They switch on and their first runs are done."""
        for person in people:
            person.switches_on()
        self.synced(*people)
        return self

    # -- what there is
    def has(self, owner: dict[str, Any], name: str, *, day: int = 7, **fields: Any) -> str:
        """Somebody makes an activity in Severa, so many days from now; its guid."""
        start = NOW + timedelta(days=day, hours=2)
        times = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
        return str(self.sandbox.severa_creates(owner["guid"], name=name, **(times | fields))["guid"])

    def makes(self, address: str, subject: str, *, day: int = 8, **fields: Any) -> str:
        """Somebody makes an entry in Outlook; its id."""
        start = NOW + timedelta(days=day, hours=2)
        times = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat(), "zone": ZONE}
        return str(self.sandbox.person_creates(address, subject=subject, **(times | fields))["id"])

    def activities(self, owner: dict[str, Any]) -> list[str]:
        return sorted(one["name"] for one in self.sandbox.severa_activities(owner["guid"]))

    def events(self, address: str) -> list[str]:
        return sorted(one["subject"] for one in self.sandbox.entries(address))
