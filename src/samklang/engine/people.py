"""The people of an entry: who is on it, what each of them answered, and what that makes of a link (rules 4.1-4.7).

People are compared one by one, so that two sides may each add somebody. Keys beside those of `canonical`:
"p:anna@example.org" (value "attends") for everybody on it, owner and organizer included, rooms not;
"r:anna@example.org" (her answer) where the copy is the organizer's; "response" (the user's own) where it is an
attendee's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from samklang.engine.model import Entry, FieldKey, Person, Role, SeenActivity, SeenEvent

ATTENDS = "attends"
#: The user's own answer to an invitation.
RESPONSE: FieldKey = "response"
#: Answers that say something; "none" has no key.
ANSWERS = frozenset({"accepted", "tentative", "declined"})


@dataclass(frozen=True, slots=True)
class Colleague:
    """A user of the PSA in the same organization, whether or not he syncs."""

    psa_id: str
    #: Primary address, folded.
    address: str
    #: Every other address of his mailbox, folded.
    aliases: frozenset[str] = frozenset()
    syncs: bool = False
    #: The activity type he chose for what comes from Exchange.
    default_type_id: str | None = None


@dataclass(frozen=True)
class Directory:
    """The organization's users, found by any address and by PSA id; alias and primary are one person (rule 4.2)."""

    #: May be read only when somebody is first looked up: an idle run looks nobody up.
    colleagues: Sequence[Colleague] = ()

    @cached_property
    def _by_address(self) -> Mapping[str, Colleague]:
        found = {alias: one for one in self.colleagues for alias in one.aliases}
        return found | {one.address: one for one in self.colleagues}

    @cached_property
    def _by_id(self) -> Mapping[str, Colleague]:
        return {one.psa_id: one for one in self.colleagues}

    def of_address(self, address: str) -> Colleague | None:
        return self._by_address.get(address.casefold())

    def of_id(self, psa_id: str | None) -> Colleague | None:
        return self._by_id.get(psa_id or "")

    def primary(self, address: str) -> str:
        """What the person is known by: a colleague's primary address, else the address itself; folded."""
        known = self.of_address(address)
        return known.address if known else address.strip().casefold()


NOBODY = Directory()


# --- keys -----------------------------------------------------------------------------------------------------------


def person_key(address: str) -> FieldKey:
    return f"p:{address}"


def is_person(key: FieldKey) -> bool:
    """True for a key that says somebody is on the entry."""
    return key.startswith("p:")


def is_answer(key: FieldKey) -> bool:
    return is_about_people(key) and not is_person(key)


def is_about_people(key: FieldKey) -> bool:
    return key.startswith(("p:", "r:")) or key == RESPONSE


def event_people(event: SeenEvent, directory: Directory) -> dict[FieldKey, str]:
    """The people keys of a meeting; none of a plain event, whose organizer is its owner."""
    if not event.is_meeting:
        return {}
    found = _keys(event.entry.people, directory, answers=event.is_organizer)
    if not event.is_organizer and event.response in ANSWERS:
        found[RESPONSE] = event.response
    return found


def activity_people(activity: SeenActivity, directory: Directory, user_id: str) -> dict[FieldKey, str]:
    """The people keys of an activity, as its user's mailbox is concerned."""
    found = _keys(activity.entry.people, directory, answers=True)
    owner, user = directory.of_id(activity.owner_id), directory.of_id(user_id)
    if owner is not None:
        found[person_key(owner.address)] = ATTENDS
    own = found.get(f"r:{user.address}") if user else None
    return found | ({RESPONSE: own} if own else {})


def _keys(people: Iterable[Person], directory: Directory, *, answers: bool) -> dict[FieldKey, str]:
    found: dict[FieldKey, str] = {}
    for person in people:
        if person.resource or not person.address:
            continue
        address = directory.primary(person.address)
        found[person_key(address)] = ATTENDS
        if answers and person.response in ANSWERS:
            found[f"r:{address}"] = person.response
    return found


# --- people across ----------------------------------------------------------------------------------------------------


def with_people(
    target: tuple[Person, ...], source: tuple[Person, ...], keys: Iterable[FieldKey], directory: Directory
) -> tuple[Person, ...]:
    """`target` with those among the keys as `source` has them; everybody else stays as the target names him."""
    keys = frozenset(keys)
    theirs = {directory.primary(one.address): one for one in source if one.address and not one.resource}
    kept = []
    named = set()
    for person in target:
        address = directory.primary(person.address)
        if not person.resource and person_key(address) in keys and address not in theirs:
            continue
        if not person.resource and f"r:{address}" in keys:
            answer = theirs[address].response if address in theirs else "none"
            person = person if person.is_organizer else replace(person, response=answer)
        named.add(address)
        kept.append(person)
    added = [one for address, one in theirs.items() if person_key(address) in keys and address not in named]
    return (*kept, *added)


def with_answer(people: tuple[Person, ...], address: str, response: str, directory: Directory) -> tuple[Person, ...]:
    """The people with one person's answer changed; `address` is his primary one."""
    return tuple(
        replace(one, response=response) if directory.primary(one.address) == address else one for one in people
    )


def participants_of(event: SeenEvent, owner_id: str | None, directory: Directory) -> tuple[Person, ...]:
    """The people of a meeting as participants of its activity: no rooms, nobody twice, not the owner (rule 4.2)."""
    owner = directory.of_id(owner_id)
    found: dict[str, Person] = {}
    for person in event.entry.people if event.is_meeting else ():
        address = directory.primary(person.address)
        if person.resource or not address or (owner is not None and address == owner.address):
            continue
        outside = person.is_organizer and directory.of_address(address) is None
        response = person.response if outside or not person.is_organizer else "none"
        found.setdefault(address, Person(address, person.name, response=response))
    return tuple(found.values())


def organizer_of(event: SeenEvent) -> Person | None:
    return next((person for person in event.entry.people if person.is_organizer), None)


def has_attendees(event: SeenEvent) -> bool:
    """Somebody would be mailed if the event were written aloud; rooms answer mails, too."""
    return any(not person.is_organizer for person in event.entry.people)


def owner_of(event: SeenEvent, directory: Directory, user_id: str) -> str:
    """PSA id of who owns the activity of this event (rule 4.2): its organizer, if he is a user, whether he syncs or
    not; else the syncing attendee with the lowest address, whoever runs first."""
    if not event.is_meeting or event.is_organizer:
        return user_id
    organizer = organizer_of(event)
    known = directory.of_address(organizer.address) if organizer else None
    if known is not None:
        return known.psa_id
    invited = (directory.of_address(one.address) for one in event.entry.people if not one.resource)
    syncing = [one for one in invited if one is not None and one.syncs]
    return min(syncing, key=lambda one: one.address).psa_id if syncing else user_id


def names_in_text(entry: Entry, people: Iterable[Person]) -> str:
    """The text of a meeting made again without attendees: their names follow it, once (rule 7.2)."""
    names = ", ".join(one.name or one.address for one in people if not one.resource)
    return entry.text if entry.text.endswith(names) else f"{entry.text}\n\n{names}".strip()


def role_of(activity: SeenActivity | None, event: SeenEvent | None, user_id: str, before: Role) -> Role:
    """What the user is to a pair; a side that was not read stays as it was."""
    if event is None:
        meeting = before.is_meeting
    elif event.is_meeting:
        return Role.ORGANIZER if event.is_organizer else Role.ATTENDEE
    else:
        meeting = False
    if meeting or activity is None:
        return before
    return Role.OWNER if activity.owner_id == user_id else Role.PARTICIPANT


def takes_part(activity: SeenActivity, user_id: str) -> bool:
    """False once he neither owns it nor takes part (rule 4.7)."""
    return user_id == activity.owner_id or user_id in activity.participant_ids


def series_uid(uid: str) -> str:
    """The identity of the series an invitation to one of its dates belongs to; any other identity as it is.

    A UID of Microsoft's is the hex of a GlobalObjectId, whose bytes 16 to 19 are that date, or zero (EWS facts §2.8,
    CleanGlobalObjectId).
    """
    is_global = uid[:32].upper() == _GLOBAL_OBJECT_ID and len(uid) >= 40
    return f"{uid[:32]}{'0' * 8}{uid[40:]}" if is_global else uid


_GLOBAL_OBJECT_ID = "040000008200E00074C5B7101A82E008"
_MEETING = "meeting-"


def meeting_key(uid: str) -> str:
    """The create key of a meeting's activity: the same from every mailbox that shows the meeting (rule 4.3)."""
    return f"{_MEETING}{hashlib.sha256(uid.encode()).hexdigest()[:40]}"


def is_meeting_key(key: str) -> bool:
    """True for a create another mailbox may have done for us."""
    return key.startswith(_MEETING)
