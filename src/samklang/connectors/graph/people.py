"""The people of an event as JSON; pure (Graph facts §4.1, §4.2)."""

from __future__ import annotations

from typing import Any

from samklang.connectors import meetings
from samklang.connectors.graph.schema import Attendee, EmailAddress, Event, ResponseStatus
from samklang.engine.model import Entry, Person, SeenEvent

_RESPONSE = {
    "organizer": "organizer",
    "accepted": "accepted",
    "tentativelyaccepted": "tentative",
    "declined": "declined",
}
#: The action that gives an answer.
ANSWERS = {"accepted": "accept", "tentative": "tentativelyAccept", "declined": "decline"}


def response(status: ResponseStatus | None) -> str:
    """An answer in our words; "none" for one not given yet."""
    return _RESPONSE.get(((status and status.response) or "").lower(), "none")


def read(event: Event) -> tuple[Person, ...]:
    """The organizer, then the attendees, then rooms; nobody for a plain event, whose organizer is its owner."""
    if not event.attendees and event.is_organizer is not False:
        return ()
    called = event.organizer and event.organizer.email_address
    organizer = [_person(called, "organizer")] if called else []
    return meetings.in_order([*organizer, *map(_attendee, event.attendees or ())])


def _attendee(attendee: Attendee) -> Person:
    return _person(attendee.email_address, response(attendee.status), (attendee.type or "").lower())


def _person(address: EmailAddress | None, answer: str, kind: str = "") -> Person:
    known = address or EmailAddress()
    return Person(known.address or "", known.name or "", kind == "resource", answer, kind == "optional")


def attendees_body(seen: SeenEvent, entry: Entry) -> list[dict[str, Any]]:
    """`attendees` of a PATCH: the whole list, so that whoever is not in it is uninvited."""
    return [_body(person) for person in meetings.invited(seen, entry)]


def _body(person: Person) -> dict[str, Any]:
    kind = "resource" if person.resource else "optional" if person.optional else "required"
    name = {"name": person.name} if person.name else {}
    return {"type": kind, "emailAddress": {"address": person.address, **name}}
