"""How an organization's Exchange is reached, and the one attempt to sign in to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from requests_ntlm import HttpNtlmAuth
from spnego.exceptions import SpnegoError

from samklang.connectors.door import Door, OwnDoor
from samklang.connectors.ews.codes import STATUSES
from samklang.sync.errors import ConnectionRefused, SyncError, Unavailable

_PATH = "/EWS/Exchange.asmx"


@dataclass(frozen=True, slots=True)
class EwsAccess:
    """Everything needed to speak to an organization's Exchange Server as its delegate account."""

    #: Address of the server, with or without "/EWS/Exchange.asmx". https only: the password goes over it.
    url: str
    #: Windows domain of the delegate account; may be empty when `username` is "user@domain".
    domain: str
    username: str
    password: str = field(repr=False)
    #: "ntlm" or "basic".
    auth: str = "ntlm"
    #: PEM file of authorities added to the system's.
    ca_file: Path | str | None = None
    #: Product as the administrator chose it: "2007", "2010", "2013", "2016", "2019", "se".
    version: str = "2013"
    #: Build the server last reported, e.g. "15.0.1497.2"; it counts more than `version`. "": not known.
    build: str = ""
    #: URL of the http or https proxy that leads there, with user and password if it wants them; "": none.
    proxy: str = field(default="", repr=False)
    #: Loopback and private addresses may be connected to; where a proxy leads, the proxy alone is looked at.
    allow_private: bool = False
    #: Where all who use this account sign in.
    door: Door = field(default_factory=OwnDoor, repr=False, compare=False)

    @property
    def endpoint(self) -> str:
        """The address requests go to. Raises `Unavailable`: "https_required", "unknown_host"."""
        parts = urlsplit(self.url if "//" in self.url else f"https://{self.url}")
        if parts.scheme != "https":
            raise Unavailable("https_required", parts.scheme)
        if not parts.hostname or parts.username:
            raise Unavailable("unknown_host", "not an address")
        return urlunsplit(("https", parts.netloc, parts.path if parts.path.strip("/") else _PATH, "", ""))

    @property
    def account(self) -> str:
        return f"{self.domain}\\{self.username}" if self.domain else self.username

    def authentication(self) -> AuthBase:
        if self.auth == "basic":
            return HTTPBasicAuth(self.account.encode(), self.password.encode())
        return _Ntlm(self.account, self.password)


class _Ntlm(HttpNtlmAuth):  # type: ignore[misc,unused-ignore]
    """NTLM that answers one challenge and takes no for an answer (rule 10.3: no lock-out).

    NTLM belongs to the TCP connection (EWS facts §2.2); a refused log-on comes back as the 401 it is.
    """

    def retry_using_http_NTLM_auth(self, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: N802
        try:
            return super().retry_using_http_NTLM_auth(*args, **kwargs)
        except (PermissionError, KeyError, ValueError, SpnegoError):
            # The server broke the handshake off: no challenge, or one that cannot be read.
            raise ConnectionRefused("sign_in_failed", "no NTLM challenge") from None


def refused(response: requests.Response, access: EwsAccess) -> SyncError:
    """What a 401 means: the method is not on offer, or name or password are wrong (or the account is locked)."""
    offered = {value.split()[0].lower() for value in _challenges(response) if value.strip()}
    wanted = {"basic"} if access.auth == "basic" else {"ntlm", "negotiate"}
    if offered and not offered & wanted:
        return ConnectionRefused("auth_method_not_offered", ", ".join(sorted(offered)))
    return STATUSES[401].error("HTTP 401")


def _challenges(response: requests.Response) -> list[str]:
    return [part.strip() for part in response.headers.get("WWW-Authenticate", "").split(",")]
