"""What is needed to reach one organization's Microsoft 365, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

#: (login, Graph) per national cloud: one choice, never mixed (Graph facts §2.5).
CLOUDS = {
    "worldwide": ("https://login.microsoftonline.com", "https://graph.microsoft.com/v1.0"),
    "us_gov_l4": ("https://login.microsoftonline.us", "https://graph.microsoft.us/v1.0"),
    "us_gov_l5": ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us/v1.0"),
    "china": ("https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn/v1.0"),
}

#: Application permissions asked for by the consent and looked for in the token (Graph facts §2.4).
CALENDARS_PERMISSION = "Calendars.ReadWrite"
USERS_PERMISSION = "User.Read.All"


@dataclass(frozen=True, slots=True)
class GraphAccess:
    """Addresses and credentials of our app in one tenant. Never shown: `repr` leaves the credentials out."""

    #: With the version, e.g. "https://graph.microsoft.com/v1.0".
    graph_url: str
    #: Without the tenant, e.g. "https://login.microsoftonline.com".
    login_url: str
    #: GUID or verified domain.
    tenant: str
    app_id: str
    secret: str | None = field(default=None, repr=False)
    #: PEM text holding the private key and the certificate; used instead of a secret.
    certificate: str | None = field(default=None, repr=False)
    #: PEM file of authorities trusted besides the system's.
    ca_file: Path | str | None = None
    #: Loopback and private addresses may be connected to (tests, demo).
    allow_private: bool = False

    @property
    def scope(self) -> str:
        """The `.default` scope of the configured Graph host."""
        graph = urlsplit(self.graph_url)
        return f"{graph.scheme}://{graph.netloc}/.default"

    @property
    def authority(self) -> str:
        return f"{self.login_url.rstrip('/')}/{self.tenant}"
