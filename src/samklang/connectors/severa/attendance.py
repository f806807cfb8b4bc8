"""Making an activity's participants as wanted (rules 4.2, 13.4; Severa facts §1.8).

Users and contacts of the organization become participants there. Whoever is known by an address alone cannot: he is
kept beside the activity, and nowhere removed. Severa changes no participant's answer: he is taken off and put on again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from samklang.connectors.severa import people
from samklang.connectors.severa.client import SeveraClient
from samklang.connectors.severa.directory import Directory
from samklang.connectors.severa.schema import Activity, Contact, Participant, Whole
from samklang.connectors.severa.wire import STATUS_OF, owner_of, response_of
from samklang.engine.model import FieldKey, Person
from samklang.engine.people import NOBODY, RESPONSE, with_people
from samklang.sync.errors import ConnectionRefused, ItemError, NotFound


def wanted_people(
    held: tuple[Person, ...], wanted: tuple[Person, ...], keys: Iterable[FieldKey], own_address: str
) -> tuple[Person, ...]:
    """The people `held`, and what the keys name as `wanted` has it (see `sync.ports.Activities.update`)."""
    own = f"r:{own_address.casefold()}"
    return with_people(held, wanted, (own if key == RESPONSE else key for key in keys), NOBODY)


@dataclass(frozen=True, slots=True)
class _Place:
    """A participant as Severa would name him."""

    guid: str
    type: str


class Attendance:
    def __init__(self, client: SeveraClient, directory: Directory) -> None:
        self._client = client
        self._directory = directory

    def make(self, whole: Whole, wanted: Sequence[Person]) -> Whole:
        """The activity with exactly these people beside its owner; each comes and goes by a request of his own."""
        owner = owner_of(whole.activity)
        staying, outside = dict[str, tuple[_Place, Person]](), dict[str, Person]()
        held = {one.participant_guid: one for one in whole.participants}
        known = {_folded(people.address_of(one, self._directory)) or one.name: one for one in whole.participants}
        for person in wanted:
            place = self._place(person, known.get(_folded(person.address) or person.name))
            nobody = place is None and not (person.address or person.name)
            if nobody or (place is not None and place.guid == owner):
                continue
            if place is None or person.is_organizer:
                outside.setdefault(_folded(person.address) or person.name, person)
            if place is not None:
                staying.setdefault(place.guid, (place, person))
        participants = [one for one in whole.participants if self._stays(one, staying, owner)]
        for gone in (one for one in whole.participants if one not in participants):
            self.remove(whole.activity.guid, gone)
        for guid, (place, person) in staying.items():
            before = held.get(guid)
            if before is None or before not in participants:
                participants.append(self._add(whole.activity.guid, place, person))
        ours = msgspec.structs.replace(whole.ours, people=people.outsiders(outside.values()))
        activity = whole.activity
        if participants != whole.participants:
            # It may count as a change of the activity, whose stamp would then be news to the next poll.
            activity = self._client.get(f"/activities/{activity.guid}", Activity)
        return msgspec.structs.replace(whole, activity=activity, participants=participants, ours=ours)

    def _stays(self, one: Participant, staying: dict[str, tuple[_Place, Person]], owner: str | None) -> bool:
        """Resources are no people and stay; so does an owner who is listed. An organizer's answer is none."""
        if one.type == people.RESOURCE or one.participant_guid == owner:
            return True
        found = staying.get(one.participant_guid or "")
        return found is not None and (found[1].is_organizer or found[1].response == response_of(one))

    def _place(self, person: Person, there: Participant | None) -> _Place | None:
        """How Severa names him: as the participant, user or contact he is; None for an address alone."""
        if there is not None and there.participant_guid and there.type:
            return _Place(there.participant_guid, there.type)
        user = self._directory.user_of(person.address)
        if user is not None:
            return _Place(user.guid, people.USER)
        contact = self._contact_of(person.address)
        return _Place(contact, people.CONTACT) if contact else None

    def _contact_of(self, address: str) -> str | None:
        """The active contact with this address; None for nobody or several, and where we may not look."""
        if not address or not self._client.may("customers:read"):
            return None
        query = [("active", "true"), ("textToSearch", address)]
        try:
            found = self._client.get("/contactpersons", list[Contact], query)
        except (NotFound, ItemError, ConnectionRefused):
            return None
        folded = _folded(address)
        guids = {one.guid for one in found if one.guid and folded in map(_folded, one.emails or ())}
        return guids.pop() if len(guids) == 1 else None

    def _add(self, activity_id: str, place: _Place, person: Person) -> Participant:
        status = STATUS_OF.get(person.response, "Invited")
        body = {"activityGuid": activity_id, "participantGuid": place.guid, "type": place.type, "status": status}
        return self._client.post("/activityparticipants", body, Participant)

    def remove(self, activity_id: str, participant: Participant) -> None:
        """Take him off; he may be off already."""
        self._client.remove(f"/activities/{activity_id}/activityparticipants/{participant.guid}")


def _folded(address: str) -> str:
    return address.strip().casefold()
