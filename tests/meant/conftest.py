"""Servers of every kind in the sandbox, with what our client wrote there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from samklang.connectors.ews import EwsAccess, EwsCalendar
from samklang.connectors.graph.access import GraphAccess
from samklang.connectors.graph.auth import Tokens
from samklang.connectors.graph.calendar import GraphCalendar
from samklang.connectors.graph.client import GraphClient
from samklang.connectors.graph.users import find_user
from samklang.sync.ports import Calendar
from tests.meant.ours import HOME
from tests.sandbox.graph_client import APP, ROLES, SECRET, TENANT
from tests.sandbox.oracles import ALICE, PASSWORD, USER, ews_javascript_api, exchangelib, msgraph_sdk
from tests.sandbox_client import Sandbox

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Server:
    """One of the servers; `kind` is which of the table's entries it holds, and how."""

    name: str
    #: As an administrator names it.
    product: str
    kind: str


SERVERS = {
    each.name: each
    for each in (
        Server("2007_sp1", "2007", "2007"),
        Server("2007_sp2", "2007", "2007"),
        Server("2007_sp3", "2007", "2007"),
        Server("2010", "2010", "2010"),
        Server("2010_sp1", "2010", "2010"),
        Server("2010_sp2", "2010", "2010"),
        Server("2010_sp3", "2010", "2010"),
        Server("2013", "2013", "2013"),
        Server("2013_sp1", "2013", "2013"),
        Server("2016", "2016", "2013"),
        Server("2019", "2019", "2013"),
        Server("se", "se", "2013"),
        Server("graph", "office365", "graph"),
    )
}


def on(*names: str) -> list[Any]:
    """Parameters: these servers in every run, the others in the whole matrix."""
    return [
        pytest.param(each, id=name, marks=() if name in names else (pytest.mark.full,))
        for name, each in SERVERS.items()
    ]


#: Request versions in the order of the servers that came to know them, by the names others' scripts have for them.
_VERSIONS = (
    *("2007_sp1", "2010", "2010_sp1", "2010_sp2", "2013", "2013_sp1", "2015", "2016"),
    *("v2015_10_05", "v2016_01_06", "v2016_04_13", "v2016_07_13", "v2016_10_10"),
    *("v2017_01_07", "v2017_04_14", "v2017_07_11"),
)
#: The newest that servers understand which have none of their own (EWS facts §2.1).
_NEWEST = {"2007_sp2": "2007_sp1", "2007_sp3": "2007_sp1", "2010_sp3": "2010_sp2"} | dict.fromkeys(
    ("2016", "2019", "se"), "v2017_07_11"
)


@dataclass(frozen=True)
class Other:
    """A client nobody here wrote, at work in Alice's mailbox."""

    client: str
    version: str
    #: Does the steps; one result for each.
    does: Callable[..., list[Any]]

    @property
    def name(self) -> str:
        return f"{self.client} {self.version}"

    @property
    def kind(self) -> str:
        """The kind of server whose schema it speaks."""
        return {"1": "graph", "2": self.version[:4], "v": "2013"}[self.version[0]]


def others(sandbox: Sandbox, server: Server) -> Iterator[Other]:
    """Those that speak to this server."""
    if server.kind == "graph":
        yield Other("msgraph_sdk", "1.0", partial(msgraph_sdk, sandbox))
        return
    *_, newest = _versions(server, _VERSIONS[:6])
    yield Other("ews_javascript_api", newest, partial(ews_javascript_api, sandbox, version=newest))
    if server.kind != "2007":
        yield Other("exchangelib", newest, partial(exchangelib, sandbox, version=newest))


def in_every_version(sandbox: Sandbox, server: Server) -> Iterator[Other]:
    """Microsoft's client in each version the server understands; exchangelib takes the one a server reports."""
    for version in _versions(server, _VERSIONS):
        yield Other("ews_javascript_api", version, partial(ews_javascript_api, sandbox, version=version))


def _versions(server: Server, known: Sequence[str]) -> Sequence[str]:
    newest = _NEWEST.get(server.name, server.name)
    return known[: known.index(newest) + 1] if newest in known else known


@pytest.fixture
def place(sandbox: Sandbox) -> Sandbox:
    """Alice's mailbox on the first of March; what is exchanged must have been valid in the end."""
    sandbox.set_clock(NOW, running=False)
    sandbox.account(USER, PASSWORD)
    app = {"client_id": APP, "secret": SECRET, "consented": True, "roles": ROLES}
    sandbox.tenant(TENANT, domains=["example.com"], apps=[app])
    return sandbox


@contextmanager
def our_calendar(sandbox: Sandbox, server: Server) -> Iterator[Calendar]:
    """Alice's mailbox on that server, opened by our client."""
    if server.kind == "graph":
        sandbox.mailbox(ALICE, name="Alice", zone=HOME, tenant=TENANT)
        with _on_graph(sandbox) as calendar:
            yield calendar
        return
    sandbox.server(server.name, ("ntlm", "basic"))
    sandbox.mailbox(ALICE, name="Alice", zone=HOME)
    domain, name = USER.split("\\")
    access = EwsAccess(
        sandbox.ews, domain, name, PASSWORD, ca_file=sandbox.ca_file, allow_private=True, version=server.product
    )
    with closing(EwsCalendar(access, ALICE, home=HOME, now=lambda: NOW)) as calendar:
        yield calendar


@contextmanager
def _on_graph(sandbox: Sandbox) -> Iterator[Calendar]:
    access = GraphAccess(
        sandbox.graph, sandbox.login, TENANT, APP, secret=SECRET, ca_file=sandbox.ca_file, allow_private=True
    )
    with closing(Tokens(access)) as tokens:
        user = find_user(GraphClient(access, tokens), ALICE)
        with closing(GraphCalendar(access, tokens, user.id, home=HOME, now=lambda: NOW)) as calendar:
            yield calendar
