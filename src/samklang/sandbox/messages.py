"""What meetings leave in inboxes: a message for each mail that reaches somebody who has a mailbox here.

A message is an item of the inbox: the meeting as its sender had it, with `extra["message"]`. What it asks for is done
already, as by the server's own attendant: the meeting stands in the calendar (docs/sandbox.md).
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import msgspec

from samklang.sandbox import recurrence
from samklang.sandbox.model import Item, Mailbox, Person, Response, new_id, occurrence_id
from samklang.sandbox.store import Store

INBOX = "inbox"
Kind = Literal["invitation", "update", "cancellation", "response"]
# Message classes (MS-OXOCAL), and what Outlook puts before the subject.
_CLASSES = {
    "invitation": ("IPM.Schedule.Meeting.Request", ""),
    "update": ("IPM.Schedule.Meeting.Request", ""),
    "cancellation": ("IPM.Schedule.Meeting.Canceled", "Canceled: "),
    "accepted": ("IPM.Schedule.Meeting.Resp.Pos", "Accepted: "),
    "tentativelyAccepted": ("IPM.Schedule.Meeting.Resp.Tent", "Tentative: "),
    "declined": ("IPM.Schedule.Meeting.Resp.Neg", "Declined: "),
}


class Message(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`original`: the date of a series it is about. `response`: what a response says."""

    kind: Kind
    sender: Person
    response: Response = "none"
    original: date | None = None


def message_of(item: Item) -> Message | None:
    """None for an entry of a calendar."""
    held = item.extra.get("message")
    return None if held is None else msgspec.convert(held, Message)


def deliver(store: Store, address: str, item: Item, message: Message) -> None:
    """Into the inbox of whoever has this address; nowhere where nobody here has it."""
    mailbox = store.mailbox(address)
    if mailbox is None:
        return
    item_class, prefix = _CLASSES[message.response if message.kind == "response" else message.kind]
    id, now = new_id(), store.clock.now()
    fields: dict[str, Any] = {
        "id": id,
        "immutable_id": id,
        "mailbox": mailbox.id,
        "folder": INBOX,
        "item_class": item_class,
        "subject": (prefix + item.subject.removeprefix(prefix))[:255],
        "created": now,
        "transaction_id": None,
        "extended": {},
        "extra": {"message": msgspec.to_builtins(message)},
    }
    copy = msgspec.json.decode(msgspec.json.encode(msgspec.structs.replace(item, **fields)), type=Item)
    store.save(copy, ends=recurrence.ends(copy))


def about(store: Store, mailbox: Mailbox, item: Item) -> tuple[Item, date | None] | None:
    """What stands in the calendar of the meeting a message is about, and which date of it; None: nothing any longer."""
    message, held = message_of(item), store.items_by_uid(mailbox, item.uid)
    if message is None or not held:
        return None
    return held[0], message.original if held[0].recurrence is not None else None


def id_of(held: Item, original: date | None) -> str:
    return held.id if original is None else occurrence_id(held, original)
