"""What both protocols do alike with the people of a meeting (rule 4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from samklang.engine.canonical import occurrence_of
from samklang.engine.model import Entry, FieldKey, Person, SeenEvent
from samklang.sync.errors import ItemError

#: What only the organizer's copy carries (rule 4.4): his next update overwrites it in all others (EWS facts §2.8).
_ORGANIZERS = frozenset({"title", "time", "place", "recurrence"})


def is_person_key(key: FieldKey) -> bool:
    """Whether a key asks for somebody to attend, or no longer to."""
    return key.startswith("p:")


def in_order(people: Iterable[Person]) -> tuple[Person, ...]:
    """Organizer, then attendees who must come, may come, then resources. Nobody twice: some servers list the organizer
    among the attendees too."""
    listed: dict[str, Person] = {}
    for person in sorted(people, key=_rank):
        listed.setdefault(person.address.casefold() or person.name, person)
    return tuple(listed.values())


def _rank(person: Person) -> int:
    return 0 if person.is_organizer else 3 if person.resource else 2 if person.optional else 1


def attendees(entry: Entry) -> tuple[Person, ...]:
    """Everybody but the organizer, resources included."""
    return tuple(person for person in entry.people if not person.is_organizer)


def is_called(seen: SeenEvent) -> bool:
    """Whether the user called this meeting and somebody is to come: writing it may mail (rule 4.6)."""
    return seen.is_organizer and bool(attendees(seen.entry))


def invited(seen: SeenEvent, entry: Entry) -> tuple[Person, ...]:
    """The attendees `seen` shall have so that the people of `entry` are on it.

    Who stays keeps his kind and his address as the server gave it. Resources are not people (rule 4.2): they stay.
    """
    held = {person.address.casefold(): person for person in attendees(seen.entry)}
    asked = {person.address.casefold(): person for person in attendees(entry)}
    called = {person.address.casefold() for person in seen.entry.people if person.is_organizer}
    stay = [person for address, person in held.items() if address in asked or person.resource]
    come = [person for address, person in asked.items() if address not in held.keys() | called]
    return (*stay, *(replace(person, response="none") for person in come))


def with_invited(seen: SeenEvent, entry: Entry) -> Entry:
    """`entry` with the people a write leaves on it: the organizer and whom `invited` names."""
    called = [person for person in seen.entry.people if person.is_organizer]
    return replace(entry, people=(*called, *invited(seen, entry)))


def refuse_others(seen: SeenEvent, changed: Collection[FieldKey]) -> None:
    """Raise `ItemError` for fields that are the organizer's to change when he is somebody else (rule 4.4)."""
    if seen.is_organizer:
        return
    if any(key in _ORGANIZERS or is_person_key(key) or occurrence_of(key) for key in changed):
        raise ItemError("not_organizer")
