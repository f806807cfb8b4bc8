"""What carries invitations between calendars in memory, and counts every mail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from samklang.engine.model import Mail, Person, SeenEvent

if TYPE_CHECKING:
    from samklang.sync.memory.calendar import MemoryCalendar


class PostOffice:
    """Delivers to the calendars it knows by address; everybody else is mailed all the same."""

    def __init__(self) -> None:
        self.calendars: dict[str, MemoryCalendar] = {}
        #: (kind, address) of every mail: "invitation", "update", "cancellation".
        self.mails: list[tuple[str, str]] = []

    def tell(self, before: SeenEvent, after: SeenEvent, mail: Mail) -> None:
        """The organizer wrote to his meeting."""
        if mail is Mail.NONE:
            return
        old, new = _attendees(before), _attendees(after)
        for address in old.keys() - new.keys():
            self._cancel(address, after)
        for address in new.keys() - old.keys():
            self._deliver("invitation", address, after)
        if mail is Mail.ALL:
            for address in new.keys() & old.keys():
                self._deliver("update", address, after)

    def cancel(self, event: SeenEvent, mail: Mail) -> None:
        """The organizer called it off."""
        if mail is not Mail.NONE:
            for address in _attendees(event):
                self._cancel(address, event)

    def _deliver(self, kind: str, address: str, event: SeenEvent) -> None:
        self.mails.append((kind, address))
        if address in self.calendars:
            self.calendars[address].receive(event)

    def _cancel(self, address: str, event: SeenEvent) -> None:
        self.mails.append(("cancellation", address))
        if address in self.calendars:
            self.calendars[address].hear_cancelled(event.uid)


def called_by(address: str, people: Iterable[Person]) -> tuple[Person, ...]:
    """The people of a meeting, its organizer first."""
    others = (person for person in people if not person.is_organizer)
    return (Person(address, address, response="organizer"), *others)


def as_attendees_copy(event: SeenEvent, copy: SeenEvent) -> SeenEvent:
    """An attendee's copy as the organizer's mail leaves it: his answer and his privacy are his own."""
    entry = replace(event.entry, sensitivity=copy.entry.sensitivity, availability=copy.entry.availability)
    return replace(copy, entry=entry, uid=event.uid, is_meeting=True, is_organizer=False, is_cancelled=False)


def _attendees(event: SeenEvent) -> dict[str, Person]:
    return {person.address.casefold(): person for person in event.entry.people if not person.is_organizer}
