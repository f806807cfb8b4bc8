"""Delivers notices to those who subscribed, as Graph does or as a test ordered it (Graph facts §3.4)."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any, NamedTuple

import aiohttp
import msgspec
from aiohttp import web

from samklang.sandbox.context import Sandbox, log
from samklang.sandbox.graph.endpoints import IN_TIME, SLOW_WAITS, Endpoints
from samklang.sandbox.graph.schemas import Schemas
from samklang.sandbox.graph.settings import settings
from samklang.sandbox.graph.subscriptions import Subscription, every, keep, outgoing
from samklang.sandbox.watch import Happened, happened

_TRIES, _PAUSE = 4, 0.5  # the service goes on for four hours
_SCHEMA = "microsoft.graph.changeNotificationCollection"
_LIFECYCLE = ("reauthorizationRequired", "subscriptionRemoved", "missed")


def add_delivery(app: web.Application, sandbox: Sandbox) -> None:
    """Runs as long as the service does."""
    delivery = Delivery(sandbox)

    async def run(_: web.Application) -> Any:
        task = asyncio.create_task(delivery.run())
        yield
        task.cancel()

    app.cleanup_ctx.append(run)


class Notice(NamedTuple):
    subscription: Subscription
    content: dict[str, Any]


class Delivery:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox, self._store = sandbox, sandbox.store
        self._endpoints = Endpoints()
        self._sending: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        while True:
            try:
                self._deliver([each for subscription in every(self._store) for each in self._tell(subscription)])
            except Exception:
                log.exception("notices failed")
            await self._sandbox.watch.change(5)

    def _tell(self, subscription: Subscription) -> list[Notice]:
        """What is to be told of, once each."""
        found = happened(self._store, subscription.mailbox, subscription.position, subscription.folder)
        if not found:
            return []
        subscription.position = found[-1].seq
        keep(self._store, subscription)
        return [
            Notice(subscription, self._notice(subscription, each))
            for each in found
            if each.kind in subscription.change_types
        ]

    def _deliver(self, notices: list[Notice]) -> None:
        way = settings(self._store).notices
        if way == "reversed":
            notices.reverse()
        parcels = [[each] for each in notices for _ in range(2 if way == "twice" else 1)]
        if way == "together":
            urls = dict.fromkeys(each.subscription.notification_url for each in notices)
            parcels = [[each for each in notices if each.subscription.notification_url == url] for url in urls]
        for parcel in parcels if way != "lost" else ():
            task = asyncio.create_task(
                send(self._sandbox, parcel[0].subscription.notification_url, parcel, self._endpoints)
            )
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def _notice(self, subscription: Subscription, what: Happened) -> dict[str, Any]:
        mailbox = self._store.mailbox_by_id(subscription.mailbox)
        assert mailbox is not None
        item = self._store.item(what.item)
        id = what.immutable_id if subscription.immutable else what.item
        resource = f"Users/{mailbox.object_id}/Events/{id}"
        data = {"@odata.type": "#Microsoft.Graph.Event", "@odata.id": resource, "id": id}
        if item is not None:
            data["@odata.etag"] = f'W/"{item.change_key}"'
        return common(subscription) | {"changeType": what.kind, "resource": resource, "resourceData": data}


def common(subscription: Subscription) -> dict[str, Any]:
    return {
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": subscription.shown()["expirationDateTime"],
        "clientState": subscription.client_state,
        "tenantId": subscription.tenant,
    }


async def lifecycle(sandbox: Sandbox, id: str, event: str) -> bool:
    """Tell of a subscription's own life; `subscriptionRemoved` ends it. False: there is none of that id."""
    found = next((each for each in every(sandbox.store) if each.id == id), None)
    if found is None:
        return False
    if event == "subscriptionRemoved":
        sandbox.store.remove("graph-subscription", id)
    notice = common(found) | {"resource": found.resource, "lifecycleEvent": event}
    await send(sandbox, found.lifecycle_url or found.notification_url, [Notice(found, notice)], Endpoints())
    return True


async def send(sandbox: Sandbox, url: str, notices: list[Notice], endpoints: Endpoints) -> None:
    """Some notices in one request, again until they are taken. What became of each try is in the log of requests, as
    `notice`; of those that were not sent for their address is not to be relied on, as `notice.dropped`."""
    body = {"value": [each.content | {"id": str(uuid.uuid4())} for each in notices]}
    if notices[0].content.get("lifecycleEvent", _LIFECYCLE[0]) in _LIFECYCLE:  # a test may send one nobody knows yet
        _check(sandbox, body)
    mailbox = sandbox.store.mailbox_by_id(notices[0].subscription.mailbox)
    address = mailbox.address if mailbox else ""
    state = endpoints.state(url) if settings(sandbox.store).notice_states else "normal"
    if state == "drop":
        sandbox.store.log_request("graph", "notice.dropped", address, 0)
        return
    await asyncio.sleep(SLOW_WAITS if state == "slow" else 0)
    async with outgoing(IN_TIME) as session:
        for number in range(_TRIES):
            try:
                headers = {"Content-Type": "application/json; charset=utf-8"}
                async with session.post(url, data=msgspec.json.encode(body), headers=headers) as answer:
                    status = answer.status
            except (aiohttp.ClientError, TimeoutError):
                status = 0
            taken = 200 <= status < 300
            endpoints.answered(url, in_time=taken)
            sandbox.store.log_request("graph", "notice", address, status)
            if taken:
                return
            await asyncio.sleep(_PAUSE * 2**number)


def _check(sandbox: Sandbox, body: dict[str, Any]) -> None:
    schemas = Schemas(sandbox.schemas)
    if schemas.file is not None:
        sandbox.validation.answer("graph", "v1.0", "notice", schemas.violation(_SCHEMA, body))
