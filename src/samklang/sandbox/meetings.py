"""What mails do: invitations, updates, cancellations and answers, and the copies they make in others' calendars.

Used by whichever protocol sends; a change that is made without mail reaches nobody (EWS facts §2.8, Graph facts §1.6).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from samklang.sandbox import recurrence
from samklang.sandbox.model import DELETED, Attendee, Item, Mailbox, Response, new_id
from samklang.sandbox.store import Store

# What an attendee's copy keeps for itself when the organizer's update arrives.
_OWN = ("sensitivity", "categories", "reminder", "show_as", "my_response", "extended", "extra", "created")
_RECEIVED, _CANCELLED = 3, 7


def invite(store: Store, organizer: Mailbox, item: Item, attendees: Iterable[Attendee]) -> None:
    """Mails invitations; whoever has a mailbox here finds the meeting in his calendar."""
    people = list(attendees)
    store.send_mail(organizer.address, [a.address for a in people], "invitation", item.id)
    for attendee in people:
        _deliver(store, organizer, item, attendee.address)


def update(store: Store, organizer: Mailbox, item: Item, before: Iterable[Attendee], *, exceptions: int = 0) -> None:
    """Mails a changed meeting: an update (one more per changed exception) to who stays, invitations to the new,
    cancellations to who was removed."""
    old = {a.address.casefold(): a for a in before}
    now = {a.address.casefold(): a for a in item.attendees}
    cancel(store, organizer, item, [a for key, a in old.items() if key not in now])
    invite(store, organizer, item, [a for key, a in now.items() if key not in old])
    for key in now.keys() & old.keys():
        for _ in range(1 + exceptions):
            store.send_mail(organizer.address, [now[key].address], "update", item.id)
        _deliver(store, organizer, item, now[key].address)


def cancel(store: Store, organizer: Mailbox, item: Item, attendees: Iterable[Attendee]) -> None:
    """Mails cancellations; copies stay in their calendars, marked (Graph facts §4.1 `isCancelled`)."""
    for attendee in attendees:
        store.send_mail(organizer.address, [attendee.address], "cancellation", item.id)
        for copy in _copies(store, item.uid, attendee.address, organizer):
            copy.appointment_state = _CANCELLED
            if not copy.subject.startswith("Canceled: "):
                copy.subject = f"Canceled: {copy.subject}"[:255]
            copy.show_as = "free"
            store.save(copy, ends=recurrence.ends(copy))


def respond(store: Store, attendee: Mailbox, item: Item, response: Response, *, mail: bool) -> Item:
    """An attendee's answer, in his copy; with mail also in the organizer's. A declined copy goes to Deleted Items."""
    item.my_response = response
    item.show_as = "tentative" if response == "tentativelyAccepted" else "busy"
    saved = store.save(item, ends=recurrence.ends(item))
    if mail:
        store.send_mail(attendee.address, [item.organizer.address], "response", item.id)
        _note_answer(store, attendee, item, response)
    return store.move(saved, DELETED) if response == "declined" else saved


def _note_answer(store: Store, attendee: Mailbox, item: Item, response: Response) -> None:
    organizer = store.mailbox(item.organizer.address)
    own = {address.casefold() for address in attendee.addresses}
    for original in store.items_by_uid(organizer, item.uid) if organizer else []:
        for person in original.attendees:
            if person.address.casefold() in own:
                person.response, person.responded = response, store.clock.now()
        store.save(original, ends=recurrence.ends(original))


def _copies(store: Store, uid: str, address: str, organizer: Mailbox) -> list[Item]:
    mailbox = store.mailbox(address)
    if mailbox is None or mailbox.id == organizer.id:
        return []
    return [item for item in store.items_by_uid(mailbox, uid) if not item.is_organizer]


def _deliver(store: Store, organizer: Mailbox, item: Item, address: str) -> None:
    mailbox = store.mailbox(address)
    if mailbox is None or mailbox.id == organizer.id or not item.uid:
        return
    known = _copies(store, item.uid, address, organizer)
    fields: dict[str, Any] = {
        "mailbox": mailbox.id,
        "appointment_state": _RECEIVED,
        "folder": "calendar",
        "transaction_id": None,
    }
    if known:
        fields |= {name: getattr(known[0], name) for name in ("id", "immutable_id", *_OWN)}
    else:
        id = new_id()
        fields |= {"id": id, "immutable_id": id, "my_response": "notResponded", "show_as": "tentative"}
        fields |= {"created": store.clock.now(), "extended": {}, "extra": {}, "categories": []}
    copy = msgspec.json.decode(msgspec.json.encode(msgspec.structs.replace(item, **fields)), type=Item)
    store.save(copy, ends=recurrence.ends(copy))
