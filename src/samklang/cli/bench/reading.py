"""Processor time to read one event: our connectors against the clients others use, each on the same bytes.

Every client is a process of its own that reads recorded pages from a server of ours: requests, decoding and whatever it
makes of an event, all in. The first pass is not counted, so that imports and caches are not either. Of the others the
quickest counts, of several turns the two take: whatever else the machine does meanwhile only adds to it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

from samklang.cli.bench import entries
from samklang.cli.bench.place import APP, DELEGATE, DELEGATE_PASSWORD, DOMAIN, SECRET, TENANT, Place
from samklang.cli.bench.replay import Replay
from samklang.cli.output import Failure
from samklang.clock import real_now
from samklang.connectors.ews import operations, wire
from samklang.connectors.ews.access import EwsAccess
from samklang.connectors.ews.calendar import SYNC_PAGE
from samklang.connectors.ews.fetch import GET_BATCH
from samklang.connectors.ews.soap import Soap, envelope
from samklang.connectors.graph.schema import FIELDS, MARK_AND_RECUR

#: Turns each client takes.
_TURNS = 2
#: Where `./run bench` puts the clients we did not write.
ORACLES = Path(".venv-oracles/bin/python")
HOW_TO_GET = "'./run bench' installs the other clients into .venv-oracles."
_HERE = Path(__file__).parent
_PEERS = {"ews": "exchangelib", "graph": "msgraph-sdk"}


@dataclass(frozen=True)
class Reading:
    """Microseconds of processor time an event."""

    peer: str
    own_us: float
    #: None where the other client is not installed.
    peer_us: float | None

    @property
    def ratio(self) -> float | None:
        return self.peer_us and round(self.peer_us / self.own_us, 1)


def reading(place: Place, protocol: str, events: int, passes: int) -> Reading:
    """Record the pages of a mailbox with so many events once, and let both clients read them."""
    address = place.mailbox(protocol)
    begin = real_now() + timedelta(days=1)
    place.fill_exchange(address, entries.calendar(events, begin, name="reading"))
    order = {"address": address, "passes": passes, "ca_file": place.urls["ca_file"]}
    with (_ews if protocol == "ews" else _graph)(place, address, events) as recorded:
        order |= recorded
        own, peer = [], []
        for _ in range(_TURNS):
            own.append(_measure(sys.executable, f"own_{protocol}.py", order))
            if ORACLES.exists():
                peer.append(_measure(str(ORACLES), f"{_PEERS[protocol].partition('-')[0]}_reader.py", order))
    return Reading(_PEERS[protocol], min(own), min(peer, default=None))


def _measure(python: str, client: str, order: dict[str, Any]) -> float:
    """What one event costs this client in its quickest pass. Raises Failure."""
    environment = os.environ | {"REQUESTS_CA_BUNDLE": order["ca_file"], "NO_PROXY": "127.0.0.1"}
    command = [python, str(_HERE / "clients" / client)]
    done = subprocess.run(command, input=json.dumps(order), capture_output=True, text=True, env=environment)  # noqa: S603
    if done.returncode:
        raise Failure(f"{client} failed: {done.stderr[-500:]}")
    measured = json.loads(done.stdout)
    if measured["events"] != order["events"]:
        raise Failure(f"{client} read {measured['events']} events, not {order['events']}.")
    seconds: float = min(measured["passes"]) / measured["events"]
    return round(seconds * 1e6, 1)


@contextmanager
def _ews(place: Place, address: str, events: int) -> Iterator[dict[str, Any]]:
    """GetItem answers as our connector asks for them."""
    ca_file = place.urls["ca_file"]
    access = EwsAccess(
        place.urls["ews"], DOMAIN, DELEGATE, DELEGATE_PASSWORD, auth="basic", ca_file=ca_file, allow_private=True
    )
    soap, state = Soap(access, address), None
    ids: list[str] = []
    while len(ids) < events:
        changes = wire.read_changes(soap.ask(operations.sync_items(state, SYNC_PAGE)))
        ids += [id for id, _ in changes.present]
        state = changes.state
    pages = []
    for start in range(0, events, GET_BATCH):
        asked = operations.get_items(ids[start : start + GET_BATCH], soap.dialect)
        answer = requests.post(
            access.endpoint,
            data=envelope(asked, soap.dialect, address),
            headers={"Content-Type": "text/xml; charset=utf-8"},
            auth=(access.account, access.password),
            verify=ca_file,
            timeout=60,
        )
        pages.append(answer.content)
    with Replay(pages, "text/xml; charset=utf-8", place.certificate) as replay:
        yield {"url": f"{replay.address}/EWS/Exchange.asmx", "ids": ids, "batch": GET_BATCH, "events": events}


@contextmanager
def _graph(place: Place, address: str, events: int) -> Iterator[dict[str, Any]]:
    """One page of events as our connector asks for it."""
    ca_file, form = place.urls["ca_file"], {"grant_type": "client_credentials", "client_id": APP}
    form |= {"client_secret": SECRET, "scope": place.urls["graph"].rpartition("/")[0] + "/.default"}
    login = f"{place.urls['login']}/{TENANT}/oauth2/v2.0/token"
    token = requests.post(login, data=form, verify=ca_file, timeout=60).json()["access_token"]
    answer = requests.get(
        f"{place.urls['graph']}/users/{address}/calendar/events",
        params={"$top": str(events), "$select": FIELDS, "$expand": MARK_AND_RECUR},
        headers={"Authorization": f"Bearer {token}", "Prefer": 'IdType="ImmutableId", outlook.timezone="UTC"'},
        verify=ca_file,
        timeout=60,
    )
    with Replay([answer.content], "application/json", place.certificate) as replay:
        yield {"url": f"{replay.address}/v1.0", "events": events}
