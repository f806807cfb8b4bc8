"""The connector against the sandbox's Severa: a witness that knows nothing of us, over real HTTPS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from samklang.accounts.models import Organization
from samklang.connectors.severa.access import SeveraAccess
from samklang.connectors.severa.activities import SeveraActivities
from samklang.connectors.severa.client import SeveraClient
from tests.connectors.severa.connected import activities_of, client_of
from tests.sandbox.severa_client import CLIENT, SECRET, Severa
from tests.sandbox_client import Sandbox


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Acme:
    """The sandbox's organization, with the connector as each of its users' mailbox has it."""

    severa: Severa
    organization: Organization
    fresh: timedelta = timedelta()
    complete: timedelta = timedelta()
    now: Callable[[], datetime] = _now
    clients: list[SeveraClient] = field(default_factory=list)

    @classmethod
    def of_sandbox(cls, sandbox: Sandbox, organization: Organization, **behaviour: Any) -> Acme:
        severa = Severa(sandbox)
        severa.behaves(**behaviour)
        return cls(severa, organization)

    @property
    def sandbox(self) -> Sandbox:
        return self.severa.sandbox

    @property
    def access(self) -> SeveraAccess:
        url = f"{self.sandbox.severa}/v1"
        return SeveraAccess(url, CLIENT, SECRET, ca_file=self.sandbox.ca_file, allow_private=True)

    def port(self, user: dict[str, Any]) -> SeveraActivities:
        client, times = client_of(self.access, self.now), {"fresh": self.fresh, "complete": self.complete}
        self.clients.append(client)
        return activities_of(client, self.organization.pk, user["guid"], now=self.now, **times)
