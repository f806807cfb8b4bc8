"""Who takes part in an activity: colleagues, and external people by name and address, with what they answered
(rules 4.2, 4.5). One person takes part once, under whatever spelling of his address.

The owner is no participant of his own activity. Call within a transaction that holds the organization's lock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from samklang.accounts.models import User, normal_address
from samklang.activities.errors import Refused
from samklang.activities.models import Activity, Participant
from samklang.engine.model import FieldKey, Person

_STATUSES = {
    "accepted": Participant.Status.ACCEPTED,
    "organizer": Participant.Status.ACCEPTED,
    "tentative": Participant.Status.TENTATIVE,
    "declined": Participant.Status.DECLINED,
}


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody to take part: a user, or an external person. An address of a colleague means the colleague."""

    user: User | None = None
    name: str = ""
    address: str = ""
    kind: Participant.Kind = Participant.Kind.OTHER
    #: UNKNOWN: who is there already keeps his.
    status: Participant.Status = Participant.Status.UNKNOWN
    #: Called the meeting. None: who is there already keeps what he is.
    organizer: bool | None = None

    @classmethod
    def of(cls, row: Participant) -> Guest:
        kind, status = Participant.Kind(row.kind), Participant.Status(row.status)
        return cls(row.user, row.name, row.address, kind, status, row.organizer)

    @classmethod
    def of_person(cls, person: Person) -> Guest:
        """Somebody on an event's list."""
        status = status_of(person.response)
        return cls(name=person.name, address=person.address, status=status, organizer=person.is_organizer)

    @property
    def folded_address(self) -> str:
        return (self.user.email if self.user else self.address).strip().casefold()


def status_of(response: str) -> Participant.Status:
    """What an answer of Exchange (`Person.response`) is here; who did not answer is invited."""
    return _STATUSES.get(response, Participant.Status.INVITED)


def guests_of(people: Iterable[Person]) -> list[Guest]:
    """The people of an event; rooms and resources are none (rule 4.2)."""
    return [Guest.of_person(p) for p in people if not p.resource and (p.address.strip() or p.name.strip())]


def as_wanted(
    there: Sequence[Guest], people: Iterable[Person], keys: Collection[FieldKey], own_address: str
) -> list[Guest]:
    """The guests `there`, and what the keys name as `people` have it (see `sync.ports.Activities.update`)."""
    wanted = {guest.folded_address: guest for guest in guests_of(people) if guest.address}
    nameless = [guest for guest in there if not guest.folded_address]
    guests = {guest.folded_address: guest for guest in there if guest.folded_address}
    for key in sorted(keys):
        what, _colon, address = key.partition(":")
        address = address or own_address.casefold()
        if what == "p" and address not in wanted:
            guests.pop(address, None)
        elif what == "p":
            guests.setdefault(address, wanted[address])
        elif address in guests and address in wanted:
            guests[address] = replace(guests[address], status=wanted[address].status)
    return [*guests.values(), *nameless]


def put(activity: Activity, guests: Sequence[Guest]) -> None:
    """Make the rows as wanted; somebody who stays keeps his guid, and what his guest does not tell."""
    wanted = {_key(guest): guest for guest in _known(guests, activity)}
    there = {(p.user_id, p.address.casefold() or p.name): p for p in Participant.objects.filter(activity=activity)}
    Participant.objects.filter(pk__in=[row.pk for key, row in there.items() if key not in wanted]).delete()
    new, changed = [], []
    for key, guest in wanted.items():
        row = there.get(key)
        if row is None:
            row = Participant(activity=activity, user=guest.user, kind=guest.kind)
            new.append(row)
        before = _told(row)
        if not guest.user:
            row.name, row.address = guest.name.strip()[:200], guest.address.strip()
        if guest.status is not Participant.Status.UNKNOWN:
            row.status = guest.status
        if guest.organizer is not None:
            row.organizer = guest.organizer
        if key in there and _told(row) != before:
            changed.append(row)
    Participant.objects.bulk_create(new)
    Participant.objects.bulk_update(changed, ["name", "address", "status", "organizer"])


def _told(row: Participant) -> tuple[str, str, str, bool]:
    return row.name, row.address, row.status, row.organizer


def _key(guest: Guest) -> tuple[int | None, str]:
    if guest.user:
        return guest.user.pk, ""
    return None, guest.address.strip().casefold() or guest.name.strip()[:200]


def _known(guests: Sequence[Guest], activity: Activity) -> Iterable[Guest]:
    """Addresses of colleagues become the colleagues; the owner is no participant of his own activity."""
    addresses = [normal_address(guest.address) for guest in guests if not guest.user and guest.address]
    colleagues = {user.email: user for user in User.objects.of(activity.organization).filter(email__in=addresses)}
    for guest in guests:
        user = guest.user or colleagues.get(normal_address(guest.address))
        if user is None:
            if not (guest.name.strip() or guest.address.strip()):
                raise Refused("participant_empty", _("A participant needs a name or an e-mail address."))
            yield guest
        elif user.organization_id != activity.organization_id:
            raise Refused("participant_unknown", _("There is no such user in your organization."))
        elif user.pk != activity.owner_id:
            yield replace(guest, user=user, name="", address="", kind=Participant.Kind.USER)
