"""Whose tenant a connection reaches: checked against the organization's own domains after a consent, for the redirect
could name any tenant (Graph facts §2.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from samklang.connectors.graph.client import GraphClient
from samklang.connectors.graph.schema import Page
from samklang.sync.errors import ProtocolError


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
        """Whether all these e-mail addresses are in its verified domains; false for none."""
        domains = {address.rpartition("@")[2].strip().lower() for address in addresses}
        return bool(domains) and domains <= self.domains


def tenant_of(client: GraphClient) -> Tenant:
    """The tenant our token reaches. Raises ProtocolError when the answer names none."""
    try:
        found = _decode(client.get("/organization", {"$select": "id,displayName,verifiedDomains"})).value[0]
    except (msgspec.MsgspecError, IndexError) as error:
        raise ProtocolError("malformed_answer", type(error).__name__, step="read organization") from None
    domains = frozenset(each.name.lower() for each in found.verified_domains or () if each.name)
    return Tenant(found.id, found.display_name or "", domains)
