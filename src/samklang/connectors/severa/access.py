"""What is needed to reach one organization's Severa, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

#: Production (Severa facts, head of §1); `/v1` and `/v1.0` both answer (§1.1).
PRODUCTION = "https://api.severa.visma.com/rest-api/v1"

#: What the sync asks for (Severa facts §1.2): activities, and the users, types, zones and contacts they name.
SCOPES = (
    "activities:read",
    "activities:write",
    "activities:delete",
    "users:read",
    "settings:read",
    "organization:read",
    "customers:read",
)


@dataclass(frozen=True, slots=True)
class SeveraAccess:
    """Address and client credentials of one organization. Never shown: `repr` leaves the secret out."""

    #: With the version, as `PRODUCTION`.
    url: str
    client_id: str
    secret: str = field(repr=False)
    scopes: tuple[str, ...] = SCOPES
    #: PEM file of authorities trusted besides the system's.
    ca_file: Path | str | None = None
    #: Loopback and private addresses may be connected to (tests, demo).
    allow_private: bool = False

    @property
    def root(self) -> str:
        return self.url.rstrip("/")
