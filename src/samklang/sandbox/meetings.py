"""What mails do: invitations, updates, cancellations and answers, and the copies they make in others' calendars.

Used by whoever sends, a person in Outlook or either protocol; a change that is made without mail reaches nobody (EWS
facts §2.8, Graph facts §1.6). An address may be a group's: its members are mailed and get the copies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Literal

import msgspec

from samklang.sandbox import calendar, messages, recurrence
from samklang.sandbox.model import (
    CALENDAR,
    DELETED,
    Attendee,
    Item,
    Mailbox,
    Person,
    Response,
    merged,
    new_id,
    occurrence_uid,
    split_occurrence_uid,
)
from samklang.sandbox.store import Store

Told = Literal["all", "changed", "none"]
# What an attendee's copy keeps for itself when the organizer's update arrives.
_OWN = ("sensitivity", "categories", "reminder", "show_as", "my_response", "extended", "extra", "created")
_RECEIVED, _CANCELLED = 3, 7
_PREFIX = "Canceled: "


def answers_kept(before: Iterable[Attendee], now: Iterable[Attendee]) -> list[Attendee]:
    """A new list of attendees; who was on the old one keeps the answer he gave."""
    known = {a.address.casefold(): a for a in before}
    return [
        msgspec.structs.replace(a, response=old.response, responded=old.responded)
        if (old := known.get(a.address.casefold()))
        else a
        for a in now
    ]


# --- by the organizer
def invite(store: Store, organizer: Mailbox, item: Item, attendees: Iterable[Attendee]) -> None:
    """Mails invitations; whoever has a mailbox here finds the meeting in his calendar."""
    for address in _reached(store, attendees):
        _mail(store, organizer, address, "invitation", item)
        _deliver(store, organizer, item, address)


def update(
    store: Store,
    organizer: Mailbox,
    item: Item,
    before: Iterable[Attendee],
    *,
    told: Told = "all",
    exceptions: int = 0,
) -> None:
    """Mails a changed meeting: invitations to the new, cancellations to who was removed, and, unless only those are
    `told`, an update (one more per changed exception) to who stays."""
    stay, come, go = _sorted(before, item.attendees)
    cancel(store, organizer, item, go)
    invite(store, organizer, item, come)
    for address in _reached(store, stay if told == "all" else ()):
        for _ in range(1 + exceptions):
            _mail(store, organizer, address, "update", item)
        _deliver(store, organizer, item, address)


def update_date(
    store: Store, organizer: Mailbox, master: Item, original: date, before: Iterable[Attendee], *, told: Told = "all"
) -> None:
    """As `update`, of one date of a series. Who is asked to that date alone gets it as an entry of its own."""
    place = recurrence.series_of(master).occurrence(original)
    assert place is not None
    whole = merged(master, master.exceptions.get(original), place.start, place.end)
    alone = msgspec.structs.replace(whole, uid=occurrence_uid(master.uid, original))
    stay, come, go = _sorted(before, whole.attendees)
    cancel_date(store, organizer, master, original, go)
    groups: tuple[tuple[list[Attendee], messages.Kind], ...]
    groups = ((come, "invitation"), (stay if told == "all" else [], "update"))
    for people, kind in groups:
        for address in _reached(store, people):
            has_series = bool(_copies(store, master.uid, address, organizer))
            if has_series:
                _mail(store, organizer, address, kind, master, whole, original)
            else:
                _mail(store, organizer, address, kind, master, alone)
            _deliver(store, organizer, master if has_series else alone, address)


def _sorted(
    before: Iterable[Attendee], after: Iterable[Attendee]
) -> tuple[list[Attendee], list[Attendee], list[Attendee]]:
    """Who stays, who comes, who goes."""
    old = {a.address.casefold(): a for a in before}
    now = {a.address.casefold(): a for a in after}
    return (
        [a for key, a in now.items() if key in old],
        [a for key, a in now.items() if key not in old],
        [a for key, a in old.items() if key not in now],
    )


def cancel(store: Store, organizer: Mailbox, item: Item, attendees: Iterable[Attendee]) -> None:
    """Mails cancellations; copies stay in their calendars, marked (Graph facts §4.1 `isCancelled`)."""
    for address in _reached(store, attendees):
        _mail(store, organizer, address, "cancellation", item)
        for copy in _copies(store, item.uid, address, organizer):
            for name, value in _marked(copy.subject).items():
                setattr(copy, name, value)
            store.save(copy, ends=recurrence.ends(copy))


def cancel_date(store: Store, organizer: Mailbox, master: Item, original: date, attendees: Iterable[Attendee]) -> None:
    """Mails cancellations of one date; in the copies it stays, marked, as an exception."""
    place = recurrence.series_of(master).occurrence(original)
    date_of = None if place is None else merged(master, master.exceptions.get(original), place.start, place.end)
    for address in _reached(store, attendees):
        _mail(store, organizer, address, "cancellation", master, date_of, original)
        for copy in _copies(store, master.uid, address, organizer):
            if recurrence.series_of(copy).occurrence(original) is not None:
                held = copy.exceptions.get(original)
                subject = (held and held.fields.subject) or copy.subject
                calendar.change_occurrence(store, copy, original, _marked(subject))
        for copy in _copies(store, occurrence_uid(master.uid, original), address, organizer):
            calendar.change(store, copy, _marked(copy.subject))


def _marked(subject: str) -> dict[str, Any]:
    """What a cancellation makes of a copy."""
    prefix = "" if subject.startswith(_PREFIX) else _PREFIX
    return {"subject": f"{prefix}{subject}"[:255], "appointment_state": _CANCELLED, "show_as": "free"}


# --- by an attendee
def respond(
    store: Store,
    attendee: Mailbox,
    item: Item,
    response: Response,
    *,
    mail: bool,
    original: date | None = None,
    anew: bool = False,
) -> Item | None:
    """An attendee's answer, in his copy; with mail also in the organizer's. A declined copy goes to Deleted Items, a
    declined date from his series (None where nothing is left of it).

    `anew`: the copy gets another id, as EWS makes it anew (Managed API, `CalendarActionResults`).
    """
    if mail:
        store.send_mail(attendee.address, [item.organizer.address], "response", item.id)
        sender = Person(name=attendee.name, address=attendee.address)
        answer = messages.Message(kind="response", sender=sender, response=response, original=original)
        messages.deliver(store, item.organizer.address, item, answer)
        _note_answer(store, attendee, item, response, original)
    show_as = "tentative" if response == "tentativelyAccepted" else "busy"
    if original is not None:
        if response == "declined":
            return calendar.cancel_occurrence(store, item, original)
        return calendar.change_occurrence(store, item, original, {"my_response": response, "show_as": show_as})
    saved = calendar.change(store, item, {"my_response": response, "show_as": show_as})
    if response == "declined" or anew:
        return store.move(saved, DELETED if response == "declined" else saved.folder)
    return saved


def _note_answer(store: Store, attendee: Mailbox, item: Item, response: Response, original: date | None) -> None:
    organizer = store.mailbox(item.organizer.address)
    alone = split_occurrence_uid(item.uid)
    uid, day = alone if alone and original is None else (item.uid, original)
    for held in store.items_by_uid(organizer, uid) if organizer else []:
        if day is None:
            calendar.change(store, held, {"attendees": _answered(store, attendee, held.attendees, response)})
        elif recurrence.series_of(held).occurrence(day) is not None:
            own = held.exceptions[day].fields.attendees if day in held.exceptions else None
            people = _answered(store, attendee, own or held.attendees, response)
            calendar.change_occurrence(store, held, day, {"attendees": people})


def _answered(store: Store, attendee: Mailbox, people: Sequence[Attendee], response: Response) -> list[Attendee]:
    own = {address.casefold() for address in attendee.addresses}
    now = store.clock.now()
    return [
        msgspec.structs.replace(a, response=response, responded=now) if a.address.casefold() in own else a
        for a in people
    ]


# --- mails and copies
def _reached(store: Store, attendees: Iterable[Attendee]) -> list[str]:
    """Addresses that are mailed, each once, with a group's members in its place."""
    found: dict[str, str] = {}
    waiting = [attendee.address for attendee in attendees]
    seen: set[str] = set()
    while waiting:
        address = waiting.pop(0)
        members = store.group(address)
        if members is None:
            found.setdefault(address.casefold(), address)
        elif address.casefold() not in seen:
            seen.add(address.casefold())
            waiting += members
    return list(found.values())


def _mail(
    store: Store,
    organizer: Mailbox,
    address: str,
    kind: messages.Kind,
    item: Item,
    shown: Item | None = None,
    original: date | None = None,
) -> None:
    """`shown`: the date of the series it is about, as it stands, and `original` which one, for who has the series."""
    if address.casefold() not in {own.casefold() for own in organizer.addresses}:
        store.send_mail(organizer.address, [address], kind, item.id)
        message = messages.Message(kind=kind, sender=item.organizer, original=original)
        messages.deliver(store, address, shown or item, message)


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
        "folder": CALENDAR,
        "transaction_id": None,
        # Answers are the organizer's to know.
        "attendees": [msgspec.structs.replace(a, response="none", responded=None) for a in item.attendees],
    }
    if known:
        fields |= {name: getattr(known[0], name) for name in ("id", "immutable_id", *_OWN)}
        fields |= _own_dates(known[0], item)
    else:
        id = new_id()
        fields |= {"id": id, "immutable_id": id, "my_response": "notResponded", "show_as": "tentative"}
        fields |= {"created": store.clock.now(), "extended": {}, "extra": {}, "categories": []}
    copy = msgspec.json.decode(msgspec.json.encode(msgspec.structs.replace(item, **fields)), type=Item)
    store.save(copy, ends=recurrence.ends(copy))


def _own_dates(copy: Item, item: Item) -> dict[str, Any]:
    """Dates of a series that an update does not bring back: those the attendee removed, and those the organizer
    cancelled, which stay marked. A series laid out anew begins anew."""
    if copy.recurrence is None or copy.generation != item.generation:
        return {}
    marked = {day: x for day, x in copy.exceptions.items() if x.fields.appointment_state == _CANCELLED}
    gone = {*item.cancelled, *copy.cancelled} - marked.keys()
    exceptions = {day: x for day, x in item.exceptions.items() if day not in gone} | marked
    return {"cancelled": sorted(gone), "exceptions": exceptions}
