"""Whose tenant a connection reaches: checked against the organization's own domains after a consent, for the redirect
could name any tenant (Graph facts §2.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from samklang.connectors.graph.auth import Tokens
from samklang.connectors.graph.client import GraphClient
from samklang.connectors.graph.schema import Page
from samklang.sync.errors import ConnectionRefused, ProtocolError


class _Domain(msgspec.Struct):
    name: str | None = None


class _Organization(msgspec.Struct, rename="camel"):
    id: str
    display_name: str | None = None
    verified_domains: list[_Domain] | None = None


_decode = msgspec.json.Decoder(Page[_Organization]).decode


@dataclass(frozen=True, slots=True)
class Tenant:
    id: str
    name: str
    #: Verified domains, lower case.
    domains: frozenset[str]

    def holds(self, addresses: Iterable[str]) -> bool:
        """Whether one of these e-mail addresses is in its verified domains."""
        return any(address.rpartition("@")[2].strip().lower() in self.domains for address in addresses)


def tenant_of(client: GraphClient) -> Tenant:
    """The tenant our token reaches. Raises ProtocolError when the answer names none."""
    try:
        found = _decode(client.get("/organization", {"$select": "id,displayName,verifiedDomains"})).value[0]
    except (msgspec.MsgspecError, IndexError) as error:
        raise ProtocolError("malformed_answer", type(error).__name__, step="read organization") from None
    domains = frozenset(each.name.lower() for each in found.verified_domains or () if each.name)
    return Tenant(found.id, found.display_name or "", domains)


def tenant_behind(client: GraphClient, tokens: Tokens) -> Tenant:
    """As `tenant_of`; where the app may not ask, its id alone, which the token tells."""
    try:
        return tenant_of(client)
    except ConnectionRefused as refused:
        if refused.code != "permission_missing" or not tokens.tenant():
            raise
        return Tenant(tokens.tenant(), "", frozenset())
