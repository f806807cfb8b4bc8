"""Subscriptions to Graph's change notifications, and what a notice says (Graph facts §3.4).

A notice only says "look at this mailbox now": what changed is read by delta. Nothing of its contents is used,
not even the id in `resourceData`: a round tells of that event too, and of those whose notices were lost. What delta
keeps to itself (§1.3) the nightly comparison finds, notice or not.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from samklang.connectors.graph.client import GraphClient
from samklang.sync.errors import ConnectionRefused, ItemError, MailboxError, NotFound, ProtocolError

#: A day under the longest life of a subscription to events, 10,080 minutes (Graph facts §3.4).
LIFE = timedelta(days=6)
#: Characters a `clientState` may have (Graph facts §3.4).
SECRET_LENGTH = 128
_CHANGES = "created,updated,deleted"


class Subscription(msgspec.Struct, frozen=True, rename="camel"):
    """What Graph promised. `expiration_date_time` is aware UTC by Graph's clock."""

    id: str
    expiration_date_time: datetime
    resource: str = ""


class _Page(msgspec.Struct, frozen=True):
    value: list[Subscription]
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")


class Life(StrEnum):
    """Events of a subscription's own life; others may come and mean nothing to us."""

    REAUTHORIZE = "reauthorizationRequired"
    REMOVED = "subscriptionRemoved"
    MISSED = "missed"


class Notice(msgspec.Struct, frozen=True, rename="camel"):
    """One notice as it came in: not believed before `is_from_graph`."""

    subscription_id: str
    client_state: str | None = None
    lifecycle_event: str | None = None

    def is_from_graph(self, secret: str) -> bool:
        """Whether it carries the subscription's secret; takes as long either way."""
        return hmac.compare_digest((self.client_state or "").encode(), secret.encode())


class _Raw(msgspec.Struct, frozen=True):
    value: list[msgspec.Raw]


class Notices(NamedTuple):
    read: list[Notice]
    #: Those that make no sense.
    malformed: int


def read_notices(body: bytes) -> Notices:
    """The notices of one POST; rubbish counts as one malformed notice. They may be of several tenants and mailboxes."""
    try:
        raw = msgspec.json.decode(body, type=_Raw).value
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Notices([], 1)
    read = []
    for each in raw:
        try:
            read.append(msgspec.json.decode(each, type=Notice))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
    return Notices(read, len(raw) - len(read))


class Subscriptions:
    """Makes, renews and ends the subscription to one user's events. `client`: of that mailbox; `user_id`: object id.

    Raises errors of `sync.errors`; a refusal to subscribe never speaks for the whole connection ("push_refused").
    """

    def __init__(self, client: GraphClient, user_id: str) -> None:
        self._client = client
        self._resource = f"/users/{user_id}/events"

    def make(self, url: str, secret: str, until: datetime) -> Subscription:
        """Graph tries `url` before it answers. One of ours that nobody remembers is replaced."""
        try:
            return self._post(url, secret, until)
        except ItemError as error:
            # The same resource and changes are subscribed to already (Graph facts §3.4).
            if not error.detail.startswith("409"):
                raise MailboxError("push_refused", error.detail) from None
        for forgotten in self._standing():
            self.end(forgotten.id)
        return self._post(url, secret, until)

    def renew(self, id: str, until: datetime) -> Subscription | None:
        """None when there is none of that id any longer."""
        try:
            return _read(self._client.patch(_at(id), {"expirationDateTime": _zulu(until)}))
        except (NotFound, MailboxError) as error:
            _only_gone(error)
            return None

    def end(self, id: str) -> None:
        try:
            self._client.delete(_at(id))
        except (NotFound, MailboxError) as error:
            _only_gone(error)

    def _post(self, url: str, secret: str, until: datetime) -> Subscription:
        body = {
            "changeType": _CHANGES,
            "resource": self._resource,
            "notificationUrl": url,
            # It cannot be added later (Graph facts §3.4).
            "lifecycleNotificationUrl": url,
            "expirationDateTime": _zulu(until),
            "clientState": secret,
        }
        try:
            return _read(self._client.post("/subscriptions", body))
        except ConnectionRefused as error:
            if error.code != "permission_missing":
                raise
            raise MailboxError("push_refused", error.detail) from None

    def _standing(self) -> list[Subscription]:
        """Our app's subscriptions to this resource; they are listed for the whole tenant."""
        found: list[Subscription] = []
        link: str | None = "/subscriptions"
        while link:
            try:
                page = msgspec.json.decode(self._client.get(link), type=_Page)
            except msgspec.MsgspecError:
                raise ProtocolError("malformed_answer", "no list of subscriptions", step="subscriptions") from None
            found += [each for each in page.value if each.resource.casefold() == self._resource.casefold()]
            link = page.next_link
        return found


def _only_gone(error: NotFound | MailboxError) -> None:
    """A subscription that is not there is 404, with codes of its own."""
    if not error.detail.startswith("404"):
        raise error


def _at(id: str) -> str:
    return f"/subscriptions/{quote(id, safe='')}"


def _zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _read(content: bytes) -> Subscription:
    try:
        return msgspec.json.decode(content, type=Subscription)
    except msgspec.MsgspecError:
        raise ProtocolError("malformed_answer", "no subscription", step="subscriptions") from None
