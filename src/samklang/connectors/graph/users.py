"""Finding a user's mailbox by e-mail address (rule 1.3, Graph facts §2.4)."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from samklang.connectors.graph.client import GraphClient
from samklang.connectors.graph.schema import Page
from samklang.sync.errors import MailboxError, ProtocolError

_SELECT = "id,displayName,mail,userPrincipalName,proxyAddresses"


class _User(msgspec.Struct, rename="camel"):
    id: str
    display_name: str | None = None
    mail: str | None = None
    user_principal_name: str | None = None
    #: "SMTP:" before the primary address, "smtp:" before the others.
    proxy_addresses: tuple[str, ...] = ()


_decode = msgspec.json.Decoder(Page[_User]).decode


@dataclass(frozen=True, slots=True)
class FoundUser:
    #: Object id: stays when the address changes.
    id: str
    #: Primary address.
    address: str
    name: str
    #: "primary" when mail or sign-in name is the address, else "alias": shown to the administrator.
    matched_by: str
    #: Every SMTP address of the user, primary first.
    aliases: tuple[str, ...] = ()


def find_user(client: GraphClient, address: str) -> FoundUser:
    """The one user with this address, primary or secondary, whatever its case.

    Raises MailboxError "mailbox_not_found" or "mailbox_ambiguous", and what the client raises: a connection without
    the permission to read users is refused with "permission_missing".
    """
    quoted = address.strip().replace("'", "''")
    primary = f"mail eq '{quoted}' or userPrincipalName eq '{quoted}'"
    users = _ask(client, primary)
    matched_by = "primary"
    if not users:
        users, matched_by = _ask(client, f"proxyAddresses/any(p:p eq 'smtp:{quoted}')", advanced=True), "alias"
    if not users:
        raise MailboxError("mailbox_not_found")
    if len({user.id for user in users}) > 1:
        raise MailboxError("mailbox_ambiguous", f"{len(users)} users")
    user = users[0]
    primary = user.mail or user.user_principal_name or address
    proxies = [proxy[5:] for proxy in user.proxy_addresses if proxy[:5].casefold() == "smtp:"]
    return FoundUser(
        user.id, primary, user.display_name or "", matched_by, _distinct([primary, *proxies, address.strip()])
    )


def _distinct(addresses: list[str]) -> tuple[str, ...]:
    """Each address once, whatever its case."""
    first: dict[str, str] = {}
    for address in addresses:
        first.setdefault(address.strip().casefold(), address.strip())
    return tuple(first.values())


def _ask(client: GraphClient, where: str, *, advanced: bool = False) -> list[_User]:
    query: dict[str, str | int] = {"$filter": where, "$select": _SELECT}
    if advanced:
        query["$count"] = "true"
    try:
        return _decode(
            client.get("/users", query, headers={"ConsistencyLevel": "eventual"} if advanced else None)
        ).value
    except msgspec.MsgspecError as error:
        raise ProtocolError("malformed_answer", type(error).__name__, step="find user") from None
