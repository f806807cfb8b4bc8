"""The people of a calendar item as XML; pure (EWS facts §2.8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from samklang.connectors import meetings
from samklang.connectors.ews.soap import Element, T, t
from samklang.engine.model import Entry, Person, SeenEvent

RESPONSE = {"Organizer": "organizer", "Accept": "accepted", "Tentative": "tentative", "Decline": "declined"}
_LISTS = ("RequiredAttendees", "OptionalAttendees", "Resources")


def read(found: Mapping[str, Element]) -> tuple[Person, ...]:
    """Organizer first, then attendees, then rooms. `found`: an item's children by tag."""
    return meetings.in_order(_listed(found))


def _listed(found: Mapping[str, Element]) -> Iterator[Person]:
    organizer = found.get(T + "Organizer")
    if organizer is not None and len(organizer):
        yield _person(organizer[0], "organizer", "Organizer")
    for name in _LISTS:
        for attendee in found.get(T + name, ()):
            # 2010 leaves the response out until there is one (EWS facts §2.4).
            response = RESPONSE.get(attendee.findtext(T + "ResponseType") or "", "none")
            yield _person(attendee[0], response, name)


def _person(mailbox: Element, response: str, name: str) -> Person:
    told = {each.tag: each.text or "" for each in mailbox}
    address, called = told.get(T + "EmailAddress", ""), told.get(T + "Name", "")
    return Person(address, called, name == "Resources", response, name == "OptionalAttendees")


def set_attendees(seen: SeenEvent, entry: Entry) -> Iterator[Element]:
    """Each list of attendees that changes, whole: SetItemField, or DeleteItemField for one that becomes empty."""
    before, after = _by_list(meetings.attendees(seen.entry)), _by_list(meetings.invited(seen, entry))
    for name in _LISTS:
        if _addresses(before[name]) == _addresses(after[name]):
            continue
        path = t("FieldURI", FieldURI=f"calendar:{name}")
        if after[name]:
            listed = t(name, *(_attendee(person) for person in after[name]))
            yield t("SetItemField", path, t("CalendarItem", listed))
        else:
            yield t("DeleteItemField", path)


def _by_list(people: Sequence[Person]) -> dict[str, list[Person]]:
    lists: dict[str, list[Person]] = {name: [] for name in _LISTS}
    for person in people:
        lists["Resources" if person.resource else "OptionalAttendees" if person.optional else _LISTS[0]].append(person)
    return lists


def _addresses(people: Sequence[Person]) -> set[str]:
    return {person.address.casefold() for person in people}


def _attendee(person: Person) -> Element:
    name = t("Name", person.name) if person.name else None
    return t("Attendee", t("Mailbox", name, t("EmailAddress", person.address)))
