"""The connector against our own Severa-compatible API, in this process: requests go through Django's test client."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.test import Client
from requests.adapters import BaseAdapter

from samklang.accounts import programs
from samklang.accounts.models import User
from samklang.clock import real_now
from samklang.connectors.severa.access import SCOPES, SeveraAccess
from samklang.connectors.severa.activities import SeveraActivities
from samklang.web.severa_api import caller as calling
from samklang.web.severa_api.caller import Quota
from tests.connectors.severa.connected import activities_of, client_of
from tests.connectors.severa.stub import instead_of_the_network

URL = "https://severa.example/rest-api/v1"


class ThroughDjango(BaseAdapter):
    """Sends each request to the pages of this process, and counts them by method and path without ids."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        #: What the writes among them said, in order.
        self.bodies: list[Any] = []
        #: Ids that listings leave out, and such they show as they were at first, as a replica does that lags behind.
        self.hidden: set[str] = set()
        self.stale: set[str] = set()
        self._first: dict[str, Any] = {}
        #: Changes each activity an answer shows.
        self.reshape: Callable[[dict[str, Any]], object] = lambda activity: None
        #: Called with "METHOD path" before a request is carried out, and after.
        self.before: Any = None
        self.after: Any = None

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        address = urlsplit(str(request.url))
        names = {
            name: value for name, value in request.headers.items() if name not in ("Content-Length", "Content-Type")
        }
        what = f"{request.method} {address.path.removeprefix('/rest-api/v1')}"
        self.sent.append(f"{what}?{address.query}" if address.query else what)
        if request.body and "token" not in what:
            self.bodies.append(json.loads(request.body))
        if self.before is not None:
            self.before(what)
        path = f"{address.path}?{address.query}" if address.query else address.path
        body = request.body or b""
        sent = Client(headers=names).generic(
            str(request.method), path, body, content_type="application/json", secure=True
        )
        if self.after is not None:
            self.after(what)
        response = requests.Response()
        response.status_code, response._content = sent.status_code, sent.content
        if sent.status_code in (200, 201):
            response._content = json.dumps(self._as_shown(what, json.loads(sent.content))).encode()
        response.headers.update(dict(sent.headers))
        response.request, response.url = request, str(request.url)
        return response

    def close(self) -> None:
        pass

    def _as_shown(self, what: str, body: Any) -> Any:
        for one in body if isinstance(body, list) else [body]:
            if "recurrenceType" in one:
                self.reshape(one)
        if what == "GET /activities":
            return self._as_listed(body)
        self._remember(body)
        return body

    def _as_listed(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        shown = [one for one in rows if one["guid"] not in self.hidden | self.stale]
        return shown + [self._first[id_] for id_ in sorted(self.stale)]

    def _remember(self, body: Any) -> None:
        if isinstance(body, dict) and "recurrenceType" in body:
            self._first.setdefault(body["guid"], body)

    def counted(self) -> Counter[str]:
        """Requests by method and what they are about: "GET activities", "GET activityparticipants" …"""
        return Counter(_kind(one) for one in self.sent)


def _kind(sent: str) -> str:
    method, _space, path = sent.partition("?")[0].partition(" ")
    parts = path.strip("/").split("/")
    return (
        f"{method} {parts[-1] if parts[-1] == 'activityparticipants' else parts[0]}{' one' if len(parts) == 2 else ''}"
    )


@dataclass
class Severa:
    """One organization's Severa, and its activities as each user sees them."""

    access: SeveraAccess
    network: ThroughDjango
    fresh: timedelta = timedelta()
    complete: timedelta = timedelta()
    #: How far its clock, and ours, is ahead of the machine's.
    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return real_now() + self.ahead

    def of(self, user: User) -> SeveraActivities:
        client, times = client_of(self.access, self.now), {"fresh": self.fresh, "complete": self.complete}
        return activities_of(client, user.organization_id, user.psa_id, now=self.now, **times)


def severa_of(user: User, network: ThroughDjango) -> Severa:
    client, secret = programs.make_client(user.organization, "Sync", programs.SCOPES, sees_private=True)
    scopes = tuple(scope for scope in SCOPES if scope in programs.SCOPES)
    return Severa(SeveraAccess(URL, str(client.guid), secret, scopes), network)


def reachable(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThroughDjango]:
    """Our API in the place of the network."""
    network = ThroughDjango()
    stands_in(monkeypatch, network)
    yield network


def stands_in(monkeypatch: pytest.MonkeyPatch, network: ThroughDjango, at: str = "https://") -> None:
    """Our API at these addresses; its quota lets everything through."""
    instead_of_the_network(monkeypatch, network, at)
    moments = iter(range(10**9))
    monkeypatch.setattr(calling, "quota", Quota(lambda: float(next(moments))))
