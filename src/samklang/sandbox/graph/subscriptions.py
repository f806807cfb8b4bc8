"""Subscriptions to change notifications: made after a handshake, for at most seven days (Graph facts §3.4)."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
import msgspec

from samklang.sandbox.graph import directory
from samklang.sandbox.graph.call import Answer, Call, GraphError, invalid
from samklang.sandbox.graph.service import Service
from samklang.sandbox.model import CALENDAR, Mailbox
from samklang.sandbox.store import Store

Params = Mapping[str, str]
_LONGEST, _SHORTEST = timedelta(minutes=10_080), timedelta(minutes=45)
_MOST = 1000
_VALIDATION_SECONDS = 10
_RESOURCE = re.compile(r"/?users/(?P<user>[^/]+)(?:/calendar|/calendars/(?P<calendar>[^/]+))?/events/?", re.IGNORECASE)
_LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))


class Subscription(msgspec.Struct, kw_only=True):
    """Kept as document ("graph-subscription", id). `position` is the last change told of."""

    id: str
    app: str
    tenant: str
    mailbox: int
    folder: str
    resource: str
    change_types: list[str]
    notification_url: str
    lifecycle_url: str | None
    client_state: str | None
    expires: datetime
    immutable: bool
    position: int

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "applicationId": self.app,
            "changeType": ",".join(self.change_types),
            "clientState": None,  # never told again
            "creatorId": None,
            "expirationDateTime": _zulu(self.expires),
            "includeResourceData": False,
            "lifecycleNotificationUrl": self.lifecycle_url,
            "notificationUrl": self.notification_url,
            "resource": self.resource,
        }


def _zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def every(store: Store) -> list[Subscription]:
    """Those that stand, in the order they were made in; the ones that are over are forgotten."""
    found = []
    for each in store.all("graph-subscription", Subscription).values():
        if each.expires <= store.clock.now():
            store.remove("graph-subscription", each.id)
        else:
            found.append(each)
    return sorted(found, key=lambda each: each.position)


def keep(store: Store, subscription: Subscription) -> None:
    store.put("graph-subscription", subscription.id, subscription)


async def create(service: Service, call: Call, params: Params) -> Answer:
    body: dict[str, Any] = call.body
    mailbox, folder = _subscribed(service, call, body["resource"])
    kinds = body["changeType"].split(",")
    standing = [each for each in every(service.store) if each.mailbox == mailbox.id]
    if any((s.app, s.folder, set(s.change_types)) == (_app(call), folder, set(kinds)) for s in standing):
        raise GraphError(409, "Conflict", "A subscription for this resource and change type exists already.")
    if len(standing) >= _MOST:
        raise GraphError(403, "ExtensionError", "The mailbox has reached its limit of subscriptions.")
    subscription = Subscription(
        id=str(uuid.uuid4()),
        app=_app(call),
        tenant=str(call.claims.get("tid")),
        mailbox=mailbox.id,
        folder=folder,
        resource=body["resource"],
        change_types=kinds,
        notification_url=body["notificationUrl"],
        lifecycle_url=body.get("lifecycleNotificationUrl"),
        client_state=body.get("clientState"),
        expires=_end(service, body["expirationDateTime"]),
        immutable=call.prefer.immutable,
        position=service.store.last_seq(),
    )
    for url in dict.fromkeys(filter(None, (subscription.notification_url, subscription.lifecycle_url))):
        await _validate(url)
    keep(service.store, subscription)
    return Answer(201, subscription.shown())


def _app(call: Call) -> str:
    return str(call.claims.get("appid"))


def _subscribed(service: Service, call: Call, resource: str) -> tuple[Mailbox, str]:
    """The mailbox and the calendar a resource names."""
    found = _RESOURCE.fullmatch(resource)
    if found is None:
        raise invalid("The resource is not one that can be subscribed to here.", "InvalidRequest")
    mailbox = directory.find(service.store, directory.tenant_of(service, call), unquote(found["user"]))
    if mailbox is None:
        raise GraphError(404, "Request_ResourceNotFound", "Resource does not exist.")
    if not mailbox.enabled:
        raise GraphError(400, "ExtensionError", "The mailbox is currently on backend 'Unknown'.")
    call.mailbox = mailbox
    folder = service.folder(call, {"calendar": found["calendar"]}) if found["calendar"] else CALENDAR
    return mailbox, folder


def _end(service: Service, asked: str) -> datetime:
    now = service.store.clock.now()
    end = datetime.fromisoformat(asked)
    if end > now + _LONGEST:
        raise invalid("Subscription expiration can only be 10080 minutes in the future.", "InvalidRequest")
    if end <= now:
        raise invalid("Subscription expiration must be in the future.", "InvalidRequest")
    return max(end, now + _SHORTEST)


async def _validate(url: str) -> None:
    """The receiver proves that it wants the notices: it answers in time with the token it is sent."""
    token = f"Validation: Testing client application reachability for subscription. {secrets.token_urlsafe(24)} å/+"
    try:
        async with (
            outgoing(_VALIDATION_SECONDS) as session,
            session.post(_local(url), params={"validationToken": token}) as answer,
        ):
            content = await answer.text()
            good = (answer.status, answer.content_type, content) == (200, "text/plain", token)
            why = f"HTTP status code is '{answer.status}'" if answer.status != 200 else "the token differs"
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        good, why = False, type(error).__name__
    if not good:
        raise GraphError(400, "ValidationError", f"Subscription validation request failed: {why}.")


def outgoing(seconds: float) -> aiohttp.ClientSession:
    """Where notices go out, each answered within so many seconds: the receiver's certificate is not looked at
    (docs/sandbox.md)."""
    connector = aiohttp.TCPConnector(ssl=False)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(seconds))


def _local(url: str) -> str:
    """Raises ValueError for an address outside this machine: the sandbox speaks to nobody else."""
    if urlsplit(url).hostname not in _LOOPBACK:
        raise ValueError("not on this machine")
    return url


def _mine(service: Service, call: Call, params: Params) -> Subscription:
    found = next((each for each in every(service.store) if each.id == params["subscription"]), None)
    if found is None or found.app != _app(call) or found.tenant != str(call.claims.get("tid")):
        raise GraphError(404, "ResourceNotFound", "The object was not found.")
    return found


def list_(service: Service, call: Call, params: Params) -> Answer:
    mine = [s for s in every(service.store) if (s.app, s.tenant) == (_app(call), str(call.claims.get("tid")))]
    return Answer(200, {"value": [each.shown() for each in mine]})


def get(service: Service, call: Call, params: Params) -> Answer:
    return Answer(200, _mine(service, call, params).shown())


def renew(service: Service, call: Call, params: Params) -> Answer:
    subscription = _mine(service, call, params)
    if "notificationUrl" in call.body:
        raise invalid("The sandbox does not change the address of a subscription.", "InvalidRequest")
    subscription.expires = _end(service, call.body["expirationDateTime"])
    keep(service.store, subscription)
    return Answer(200, subscription.shown())


def reauthorize(service: Service, call: Call, params: Params) -> Answer:
    _mine(service, call, params)
    return Answer(204)


def delete(service: Service, call: Call, params: Params) -> Answer:
    service.store.remove("graph-subscription", _mine(service, call, params).id)
    return Answer(204)
