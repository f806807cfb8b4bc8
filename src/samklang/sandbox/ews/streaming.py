"""Streaming notifications: Subscribe, Unsubscribe, and GetStreamingEvents that answers as things happen (EWS facts
§2.3). Pull and push subscriptions are not spoken."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Iterable

import msgspec
from aiohttp import web
from lxml import etree

from samklang.sandbox.accounts import server
from samklang.sandbox.ews import soap
from samklang.sandbox.ews.caller import Caller
from samklang.sandbox.ews.shapes import FOLDER_KEY, item_id
from samklang.sandbox.ews.soap import ItemError, M, T
from samklang.sandbox.ews.validation import Schemas
from samklang.sandbox.ews.versions import V2010_SP1
from samklang.sandbox.model import Mailbox
from samklang.sandbox.store import Store
from samklang.sandbox.watch import Happened, happened

_EVENTS = {"created": "CreatedEvent", "updated": "ModifiedEvent", "deleted": "DeletedEvent"}
#: Affinity: the answer to the first Subscribe says which server holds the subscriptions (EWS facts §2.1).
AFFINITY = "X-BackEndOverrideCookie"
#: Seconds between two signs of life on a connection where nothing happens.
_HEARTBEAT = 30.0
_MOST_PER_CONNECTION = 200
_SERVER = "sandbox"


class Subscription(msgspec.Struct, kw_only=True):
    """Kept as document ("ews-subscription", id). `position` is the last change told of."""

    id: str
    account: str
    mailbox: int
    folders: list[str]
    events: list[str]
    position: int


def every(store: Store) -> list[Subscription]:
    return list(store.all("ews-subscription", Subscription).values())


def subscribe(caller: Caller, request: etree._Element) -> etree._Element:
    wanted = request.find(f"{M}StreamingSubscriptionRequest")
    if wanted is None or caller.rank < V2010_SP1:
        raise soap.SoapFault("ErrorInvalidRequest", "The sandbox knows streaming subscriptions only.")
    answer, messages = soap.response("Subscribe")
    try:
        folders = [caller.folder(id) for id in soap.children_of(wanted.find(f"{T}FolderIds"))]
        mailbox = folders[0].mailbox if folders else caller.mailbox
        if mailbox is None:
            raise ItemError("ErrorMissingEmailAddress")
        subscription = Subscription(
            id=secrets.token_urlsafe(32),
            account=caller.account.username.casefold(),
            mailbox=mailbox.id,
            folders=[place.key for place in folders] or ["calendar"],
            events=[type.text or "" for type in wanted.iterfind(f"{T}EventTypes/{T}EventType")],
            position=caller.store.last_seq(),
        )
    except ItemError as error:
        soap.failure(messages, "Subscribe", error)
        return answer
    caller.store.put("ews-subscription", subscription.id, subscription)
    message = soap.success(messages, "Subscribe")
    etree.SubElement(message, f"{M}SubscriptionId").text = subscription.id
    return answer


def affinity(request: web.Request) -> str:
    """The name of the server a client is held to; one that brings a name keeps it."""
    return request.cookies.get(AFFINITY) or f"{_SERVER}~{secrets.token_hex(8)}"


def unsubscribe(caller: Caller, request: etree._Element) -> etree._Element:
    answer, messages = soap.response("Unsubscribe")
    if caller.store.remove("ews-subscription", request.findtext(f"{M}SubscriptionId", "")):
        soap.success(messages, "Unsubscribe")
        caller.store.on_change()
    else:
        soap.failure(messages, "Unsubscribe", _not_found())
    return answer


def _not_found() -> ItemError:
    return ItemError("ErrorSubscriptionNotFound", "The specified subscription was not found.")


def forget(store: Store, mailbox: Mailbox) -> None:
    """Its subscriptions are no more: the database that held them is another."""
    for each in every(store):
        if each.mailbox == mailbox.id:
            store.remove("ews-subscription", each.id)
    store.on_change()


class Stream:
    """One GetStreamingEvents: envelopes, one after the other, until its time is over or a subscription is gone."""

    def __init__(self, caller: Caller, request: etree._Element, schemas: Schemas) -> None:
        self._caller, self._schemas, self._store = caller, schemas, caller.store
        self._ids = [each.text or "" for each in request.iterfind(f"{M}SubscriptionIds/{T}SubscriptionId")]
        minutes = int(request.findtext(f"{M}ConnectionTimeout", "1"))
        self._until = time.monotonic() + minutes * server(self._store).stream_minute_seconds

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/xml; charset=utf-8"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            async for envelope in self._envelopes():
                await response.write(envelope)
            await response.write_eof()
        except ConnectionError:
            pass  # the client has gone
        return response

    async def _envelopes(self) -> AsyncIterator[bytes]:
        yield self._status("OK")
        spoken = time.monotonic()
        while True:
            known = {each.id: each for each in every(self._store) if each.account == self._account}
            lost = [id for id in self._ids if id not in known]
            if lost or len(self._ids) > _MOST_PER_CONNECTION:
                yield self._lost(lost)
                return
            told = [(each, happenings) for id in self._ids if (happenings := self._news(each := known[id]))]
            if told:
                yield self._notifications(told)
                spoken = time.monotonic()
            left = self._until - time.monotonic()
            if left <= 0 or self._caller.sandbox.watch.is_over:
                yield self._status("Closed")
                return
            if time.monotonic() - spoken >= _HEARTBEAT:
                yield self._status("OK")
                spoken = time.monotonic()
            await self._caller.sandbox.watch.change(min(left, _HEARTBEAT))

    @property
    def _account(self) -> str:
        return self._caller.account.username.casefold()

    def _news(self, subscription: Subscription) -> list[tuple[str, Happened]]:
        """What happened since, by folder; the position moves with it."""
        found = [
            (folder, each)
            for folder in subscription.folders
            for each in happened(self._store, subscription.mailbox, subscription.position, folder)
        ]
        if found:
            subscription.position = max(each.seq for _, each in found)
            self._store.put("ews-subscription", subscription.id, subscription)
        return sorted(found, key=lambda each: each[1].seq)

    # --- envelopes
    def _status(self, status: str) -> bytes:
        answer, messages = soap.response("GetStreamingEvents")
        message = soap.success(messages, "GetStreamingEvents")
        etree.SubElement(message, f"{M}ConnectionStatus").text = status
        return self._said(answer)

    def _lost(self, ids: Iterable[str]) -> bytes:
        answer, messages = soap.response("GetStreamingEvents")
        message = soap.failure(messages, "GetStreamingEvents", _not_found())
        listed = etree.SubElement(message, f"{M}ErrorSubscriptionIds")
        for id in ids:
            etree.SubElement(listed, f"{T}SubscriptionId").text = id
        etree.SubElement(message, f"{M}ConnectionStatus").text = "Closed"
        return self._said(answer)

    def _notifications(self, told: list[tuple[Subscription, list[tuple[str, Happened]]]]) -> bytes:
        answer, messages = soap.response("GetStreamingEvents")
        message = soap.success(messages, "GetStreamingEvents")
        notifications = etree.SubElement(message, f"{M}Notifications")
        for subscription, found in told:
            notification = etree.Element(f"{T}Notification")
            etree.SubElement(notification, f"{T}SubscriptionId").text = subscription.id
            for folder, each in found:
                if _EVENTS[each.kind] in subscription.events:
                    self._event(notification, subscription, folder, each)
            if len(notification) > 1:
                notifications.append(notification)
        if not len(notifications):
            message.remove(notifications)
            etree.SubElement(message, f"{M}ConnectionStatus").text = "OK"
        return self._said(answer)

    def _event(self, parent: etree._Element, subscription: Subscription, folder: str, what: Happened) -> None:
        mailbox = self._store.mailbox_by_id(subscription.mailbox)
        assert mailbox is not None
        place = next(each for each in self._store.folders(mailbox) if folder in (each.kind, each.id))
        event = etree.SubElement(parent, T + _EVENTS[what.kind])
        etree.SubElement(event, f"{T}TimeStamp").text = what.at[:19] + "Z"
        item = self._store.item(what.item)
        event.append(item_id(what.item, item.change_key if item else "AAAA"))
        event.append(item_id(place.id, FOLDER_KEY, "ParentFolderId"))

    def _said(self, answer: etree._Element) -> bytes:
        self._schemas.check_answer("GetStreamingEvents", answer, self._caller.rank)
        return soap.envelope(answer, self._caller.server.header())
