"""Who is on a meeting after a write, whichever protocol carries it."""

from __future__ import annotations

from samklang.connectors.meetings import in_order, invited
from samklang.engine.model import Person, SeenEvent
from tests.engine.make import entry

ALICE = Person("alice@example.com", "Alice", response="organizer")
BOB = Person("Bob@Example.com", "Bob", response="accepted")
EVE = Person("eve@example.com", "Eve", optional=True)
ROOM = Person("room@example.com", "Room", resource=True)
CALLED = SeenEvent("id", "v1", entry(people=(ALICE, BOB, EVE, ROOM)), is_meeting=True)


def after(*people: Person) -> list[Person]:
    return list(invited(CALLED, entry(people=people)))


def test_an_organizer_who_is_listed_among_the_attendees_too_is_one_person() -> None:
    listed = (ROOM, EVE, Person("ALICE@example.com"), BOB, ALICE)
    assert in_order(listed) == (ALICE, BOB, EVE, ROOM)


def test_who_is_asked_for_by_his_address_in_other_letters_stays_as_he_is() -> None:
    assert after(Person("bob@example.com"), Person("EVE@example.com")) == [BOB, EVE, ROOM]


def test_rooms_stay_whoever_goes() -> None:
    assert after() == [ROOM]


def test_the_organizer_does_not_become_an_attendee() -> None:
    assert after(BOB, EVE, Person("Alice@Example.com")) == [BOB, EVE, ROOM]


def test_who_comes_has_not_answered_yet() -> None:
    assert after(BOB, EVE, Person("david@example.com", "David", response="accepted"))[-1] == Person(
        "david@example.com", "David"
    )
