"""Streaming notifications of Exchange 2010 SP1 and later: many mailboxes heard over one connection (EWS facts §2.3).

A notice only says "look at this mailbox now". Affinity keeps a group together: all its requests name the group's first
mailbox as anchor and bring the cookie that server gave (EWS facts §2.1); the session keeps cookies by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from samklang.connectors.ews import operations
from samklang.connectors.ews.access import EwsAccess
from samklang.connectors.ews.soap import Element, M, Soap, T, error_in, m, t
from samklang.sync.errors import ProtocolError, Unavailable

#: Subscriptions one connection takes (EWS facts §2.3).
MOST = 200
#: Minutes a connection is held; the server takes 1 to 30. Afterwards it is opened again, for whoever syncs then.
MINUTES = 10
#: Seconds after which a server that said nothing is given up.
_SILENCE = MINUTES * 60.0 + 60.0
#: Our name for a subscription that is no more, or missed something: another is needed, and a look (EWS facts §2.3).
_LOST = "subscription_lost"
_EVENTS = ("CreatedEvent", "ModifiedEvent", "DeletedEvent", "MovedEvent")


class Told(NamedTuple):
    """What came over the stream: ids of subscriptions. Both empty: a sign of life."""

    changed: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()


class Stream:
    """A group's requests. Not to be shared between threads. `anchor`: address of its first mailbox.

    Raises errors of `sync.errors`: of the mailbox subscribed to, of the server, or of the connection.
    """

    def __init__(self, access: EwsAccess, anchor: str) -> None:
        self.anchor = anchor
        self._soap = Soap(access, anchor, hangs=_SILENCE)

    @property
    def server_build(self) -> str:
        """Build the server said it is; "" before the first answer."""
        return self._soap.server_build

    def subscribe(self, address: str) -> str:
        """The id of a new subscription to this user's calendar.

        The first one asks the server who it is: one too old does not know the words it would refuse us in. Raises
        `Unavailable` ("no_streaming") for it.
        """
        folder = m(
            "StreamingSubscriptionRequest",
            t("FolderIds", t("DistinguishedFolderId", Id="calendar")),
            t("EventTypes", *(t("EventType", kind) for kind in _EVENTS)),
        )
        self._soap.mailbox = address
        try:
            if not self.server_build:
                self._soap.ask(operations.get_calendar_folder())
            if not self._soap.dialect.streaming:
                raise Unavailable("no_streaming", self.server_build)
            answer = self._soap.ask(m("Subscribe", folder))
        finally:
            self._soap.mailbox = self.anchor
        id = answer.findtext(M + "SubscriptionId")
        if not id:
            raise ProtocolError("malformed_answer", "a subscription without id", step="Subscribe")
        return id

    def listen(self, ids: Sequence[str]) -> Iterator[Told]:
        """What the server tells, until it closes the connection or a subscription is lost."""
        listed = m("SubscriptionIds", *(t("SubscriptionId", id) for id in ids))
        for message in self._soap.hear(m("GetStreamingEvents", listed, m("ConnectionTimeout", str(MINUTES)))):
            told = _told(message, ids)
            yield told
            if told.lost or message.findtext(M + "ConnectionStatus") == "Closed":
                return

    def close(self) -> None:
        self._soap.close()


def _told(message: Element, ids: Sequence[str]) -> Told:
    error = error_in(message)
    if error is not None:
        if error.code != _LOST:
            raise error
        # Which ones is not always said; then none can be relied on.
        return Told(lost=_ids(message.iterfind(f"{M}ErrorSubscriptionIds/{T}SubscriptionId")) or frozenset(ids))
    return Told(changed=_ids(message.iterfind(f"{M}Notifications/{T}Notification/{T}SubscriptionId")))


def _ids(elements: Iterable[Element]) -> frozenset[str]:
    return frozenset(each.text for each in elements if each.text)
