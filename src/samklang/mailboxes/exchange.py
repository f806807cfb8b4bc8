"""From a connection's row to its Exchange Server: account, certificate authorities, proxy, and the door it passes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from samklang.config import config
from samklang.connectors.ews.access import EwsAccess
from samklang.mailboxes.doors import SharedDoor
from samklang.mailboxes.models import Connection
from samklang.mailboxes.secrets import open_sealed


def access_of(connection: Connection, *, keeps_connection: bool = True) -> EwsAccess:
    """`keeps_connection`: as for `SharedDoor`."""
    password, proxy = open_sealed(connection.password), _proxy(connection)
    whose = f"{connection.url}\n{connection.domain}\\{connection.username}".casefold()
    return EwsAccess(
        url=connection.url,
        domain=connection.domain,
        username=connection.username,
        password=password,
        auth=connection.auth,
        ca_file=_authorities(connection),
        version=connection.version,
        build=connection.server_build,
        proxy=proxy,
        allow_private=config().allow_private_addresses,
        # A proxy that refused its password is no reason to stay away once it has another.
        door=SharedDoor(whose, f"{connection.auth} {password}{proxy}", keeps_connection=keeps_connection),
    )


def _proxy(connection: Connection) -> str:
    """Its URL with user and password in it."""
    if not connection.proxy_username:
        return connection.proxy
    secret = open_sealed(connection.proxy_password)
    parts = urlsplit(connection.proxy)
    who = f"{quote(connection.proxy_username, safe='')}:{quote(secret, safe='')}"
    return urlunsplit((parts.scheme, f"{who}@{parts.netloc}", "", "", ""))


def _authorities(connection: Connection) -> Path | None:
    """The installation's and the organization's own certificate authorities as one file."""
    installation = config().ca_file
    if not connection.ca_certificate:
        return installation
    pem = connection.ca_certificate + "\n" + (installation.read_text() if installation else "")
    path = config().data / "ca" / f"{hashlib.sha256(pem.encode()).hexdigest()[:24]}.pem"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{id(path)}")
        fresh.write_text(pem)
        fresh.replace(path)
    return path
