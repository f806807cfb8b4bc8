"""Who takes part in an activity: users and contacts Severa holds, and people known by an address alone (rule 13.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from samklang.connectors.severa.directory import Directory
from samklang.connectors.severa.schema import Outsider, Participant, Whole
from samklang.connectors.severa.wire import owner_of, response_of
from samklang.engine.model import Person

USER, CONTACT, RESOURCE = "User", "Contact", "Resource"


def users_of(whole: Whole) -> list[str]:
    """PSA ids of the users who take part, the owner not among them."""
    owner = owner_of(whole.activity)
    return [one.participant_guid for one in whole.participants if is_user(one) and one.participant_guid != owner]  # type: ignore[misc]


def members(whole: Whole) -> frozenset[str]:
    """PSA ids of all users it concerns."""
    owner = owner_of(whole.activity)
    return frozenset(users_of(whole)) | ({owner} if owner else frozenset())


def is_user(participant: Participant) -> bool:
    return participant.type == USER and bool(participant.participant_guid)


def people_of(whole: Whole, directory: Directory) -> tuple[Person, ...]:
    """Participants as people: the organizer outside first, then whom Severa holds, then the others (rule 4.2)."""
    found = {person.address.casefold() or person.name: person for person in _held(whole, directory)}
    outside = []
    for one in whole.ours.people:
        person = Person(one.address, one.name, response=one.response)
        key = one.address.casefold()
        if key in found and person.is_organizer:
            found[key] = replace(found[key], response=person.response)
        elif key not in found:
            outside.append(person)
    return tuple(sorted((*found.values(), *outside), key=lambda person: not person.is_organizer))


def address_of(participant: Participant, directory: Directory) -> str:
    user = directory.user(participant.participant_guid) if is_user(participant) else None
    return (user.email if user else participant.email) or ""


def outsiders(people: Iterable[Person]) -> list[Outsider]:
    return [Outsider(person.address, person.name, person.response) for person in people]


def _held(whole: Whole, directory: Directory) -> Iterator[Person]:
    owner = owner_of(whole.activity)
    for one in whole.participants:
        if one.type != RESOURCE and not (is_user(one) and one.participant_guid == owner):
            yield Person(address_of(one, directory), one.name or "", response=response_of(one))
