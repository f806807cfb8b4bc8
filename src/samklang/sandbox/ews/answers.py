"""Response objects in CreateItem: an attendee's answer, an organizer's cancellation (EWS facts §2.8)."""

from __future__ import annotations

from lxml import etree

from samklang.sandbox import calendar, meetings
from samklang.sandbox.ews import soap
from samklang.sandbox.ews.caller import Caller, Entry, entry_of
from samklang.sandbox.ews.soap import ItemError, T
from samklang.sandbox.model import DELETED, Mailbox, Response

_ANSWERS: dict[str, tuple[Response, str]] = {
    "AcceptItem": ("accepted", "ErrorCalendarIsOrganizerForAccept"),
    "TentativelyAcceptItem": ("tentativelyAccepted", "ErrorCalendarIsOrganizerForTentative"),
    "DeclineItem": ("declined", "ErrorCalendarIsOrganizerForDecline"),
}
_CANCEL = "CancelCalendarItem"


def is_one(element: etree._Element) -> bool:
    name = etree.QName(element).localname
    return name in _ANSWERS or name == _CANCEL


def give(caller: Caller, element: etree._Element, disposition: str | None) -> Entry | None:
    """What is left of the entry: an answered one is made anew, with another id; a declined one lies in Deleted Items.

    SaveOnly sends nothing. Raises ItemError.
    """
    if disposition is None:
        raise ItemError("ErrorMessageDispositionRequired", "Message disposition is required.")
    entry = caller.meant(caller.entry(soap.need(element, f"{T}ReferenceItemId")))
    mailbox, mail = caller.mailbox, disposition != "SaveOnly"
    assert mailbox is not None
    name = etree.QName(element).localname
    if name == _CANCEL:
        _cancel(caller, mailbox, entry, mail=mail)
        return None
    response, of_organizer = _ANSWERS[name]
    if entry.item.is_organizer:
        raise ItemError(of_organizer, "The organizer cannot answer the invitation.")
    left = meetings.respond(
        caller.store, mailbox, entry.stored, response, mail=mail, original=entry.original, anew=entry.master is None
    )
    caller.store.count(mailbox.address, "writes:update")
    if left is None or entry.original in left.cancelled:
        return None
    return entry_of(left) if entry.master is None else caller.entry_by_id(entry.id)


def _cancel(caller: Caller, mailbox: Mailbox, entry: Entry, *, mail: bool) -> None:
    if not entry.item.is_organizer or not entry.item.is_meeting:
        raise ItemError("ErrorCalendarIsNotOrganizer", "You must be the organizer to perform this action.")
    people = entry.item.attendees if mail else ()
    if entry.original is None:
        meetings.cancel(caller.store, mailbox, entry.item, people)
        calendar.delete(caller.store, entry.item, to=DELETED)
    else:
        meetings.cancel_date(caller.store, mailbox, entry.stored, entry.original, people)
        calendar.cancel_occurrence(caller.store, entry.stored, entry.original)
    caller.store.count(mailbox.address, "writes:delete")
