"""What is needed to reach one organization's Microsoft 365, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit


class Cloud(NamedTuple):
    """Where one of Microsoft's clouds signs in and where its data is: one choice, never mixed (Graph facts §2.5)."""

    login_url: str
    graph_url: str


CLOUDS = {
    # Also GCC.
    "global": Cloud("https://login.microsoftonline.com", "https://graph.microsoft.com/v1.0"),
    "gcc-high": Cloud("https://login.microsoftonline.us", "https://graph.microsoft.us/v1.0"),
    "dod": Cloud("https://login.microsoftonline.us", "https://dod-graph.microsoft.us/v1.0"),
    "china": Cloud("https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn/v1.0"),
}


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
