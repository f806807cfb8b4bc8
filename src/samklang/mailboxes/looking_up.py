"""Where an organization's Exchange Server is, looked up by Autodiscover and told in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from samklang.accounts.models import User
from samklang.accounts.services import audit
from samklang.connectors.ews import autodiscover
from samklang.connectors.ews.dialect import product_of
from samklang.mailboxes import messages, services
from samklang.mailboxes.exchange import access_of
from samklang.mailboxes.models import Connection
from samklang.mailboxes.way_words import WAYS
from samklang.sync.errors import SyncError


@dataclass(frozen=True, slots=True)
class Tried:
    """One place that was asked, in words."""

    how: str
    host: str
    code: str
    detail: str

    @property
    def title(self) -> str:
        return str(WAYS[self.how])

    @property
    def sentence(self) -> str:
        return messages.explain(self.code).sentence if self.code else ""

    def as_json(self) -> dict[str, str]:
        return {"how": self.how, "host": self.host, "code": self.code, "detail": self.detail, "cause": self.sentence}


@dataclass(frozen=True, slots=True)
class LookedUp:
    """The EWS address that was found, or why none was, and each step."""

    #: "" when nothing was found.
    url: str
    #: Why not; "" when it was.
    code: str
    steps: tuple[Tried, ...] = ()
    #: Hosts outside the domain that a person may confirm.
    foreign: tuple[str, ...] = ()
    #: The product of the server that told it, e.g. "Exchange 2016"; "" when it did not say.
    server: str = ""

    @property
    def where(self) -> Tried | None:
        """Who told it."""
        return self.steps[-1] if self.url else None

    @property
    def sentence(self) -> str:
        return messages.explain(self.code).sentence if self.code else ""

    @property
    def remedy(self) -> str:
        return messages.explain(self.code).remedy if self.code else ""

    def as_json(self) -> dict[str, object]:
        answer: dict[str, object] = {"url": self.url, "server": self.server, "foreign": list(self.foreign)}
        if self.code:
            answer |= {"code": self.code, "cause": self.sentence, "remedy": self.remedy}
        return answer | {"steps": [step.as_json() for step in self.steps]}


def look_up(
    connection: Connection,
    address: str,
    *,
    by: User | None,
    values: Mapping[str, Any] | None = None,
    trusted: Collection[str] = (),
) -> LookedUp:
    """Search for an e-mail address of the organization, in one log-on attempt; saves nothing.

    `values`: settings in place of those saved, as for `services.put`. `trusted`: hosts outside the address's domain
    that a person confirmed. Raises Refused("proxy_address").
    """
    tried = Connection.objects.select_related("organization").get(pk=connection.pk)
    services.put(tried, values or {})
    if not tried.username:
        return LookedUp("", "no_account")
    # Signed in at the domain's hosts, whatever address is entered; a person asks, so what was refused is tried again.
    tried.url = address.rpartition("@")[2].casefold()
    access = replace(access_of(tried), url="")
    access.door.forget()
    try:
        found = autodiscover.look_up(access, address.strip(), trusted)
    except SyncError as error:
        return LookedUp("", error.code)
    audit(connection.organization, "connection.look_up", by=by, found=bool(found.url), trusted=sorted(trusted))
    steps = tuple(Tried(step.how, step.host, step.code, step.detail) for step in found.steps)
    product = product_of(found.build)
    server = str(Connection.Version(product).label) if product else ""
    return LookedUp(found.url, found.code, steps, found.foreign, server)
