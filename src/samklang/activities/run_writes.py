"""What a run of the sync writes, as the system: services for `activities.source` and nobody else.

One meeting stands in the mailboxes of several colleagues, and the run of each may do for its activity what he alone
could not: own it to somebody else, join it, bring it back (rules 4.2, 4.3, 8.2). Otherwise as `services`: one
transaction each, with the log of changes and the mailboxes that are due thereby, save that of `by`, who just got what
is written. All raise NotThere for an activity that is not in his organization, NotAllowed, Outdated and Refused.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from samklang import clock
from samklang.accounts.models import User
from samklang.activities import changes, people, rows
from samklang.activities.errors import NotAllowed, NotThere
from samklang.activities.models import Activity, ActivityType, Participant
from samklang.activities.people import Guest
from samklang.activities.writing import Changes, check_version, field_changes, may_edit, touch, write
from samklang.engine import canonical
from samklang.engine.model import Entry, FieldKey
from samklang.engine.people import is_about_people


@transaction.atomic
def create(
    by: User, entry: Entry, type_: ActivityType, key: str, owner: User | None, edited: datetime | None = None
) -> Activity:
    """A new activity with the entry's whole content and people.

    Where the key made one before, that is returned as it is, and `by` takes part in it. One that somebody deleted since
    comes out of the trash with this content: what it said then is nobody's edit. `edited`: when a person did in his
    mailbox what it is made from, if known (rule 7.4).
    """
    changes.lock(by.organization_id)
    now, status = clock.now(), _own_status(by, entry)
    edited = min(edited, now) if edited else now
    made = Activity.objects.of(by.organization_id).filter(create_key=key).whole().first()
    if made is not None and made.trashed_at is None:
        return _joined(made, by, status)
    masked = entry.sensitivity.is_private and not type_.is_private
    values = Changes(type=type_, masked=masked)
    if made is not None:
        made.trashed_at = None
        return write(made, entry, values | _with(made, by, status), by, now, own_run=True, edited=edited)
    activity = Activity(
        organization=by.organization, created=now, created_by=by, create_key=key, version=0, owner=owner
    )
    guests = people.guests_of(entry.people)
    if by != owner and by.email not in {guest.folded_address for guest in guests}:
        guests.append(Guest(by, status=Participant.Status.INVITED))
    values |= Changes(owner=owner, participants=guests)
    return write(activity, entry, values, by, now, own_run=True, edited=edited)


@transaction.atomic
def update(
    by: User,
    guid: UUID | str,
    entry: Entry,
    keys: frozenset[FieldKey],
    *,
    version: int,
    type_: ActivityType | None,
    edited: datetime | None = None,
) -> Activity:
    """Make what `keys` name (fields of `engine.canonical`, and people) as `entry` has it, and the type if given.

    `edited`: when a person did that in his mailbox, if known (rule 7.4).
    """
    activity = _taken_part_in(by, guid, version)
    values = field_changes(activity, entry, keys, type_)
    about_people = frozenset(filter(is_about_people, keys))
    if about_people:
        there = [Guest.of(row) for row in activity.participants.all()]
        values["participants"] = people.as_wanted(there, entry.people, about_people, by.email)
    wanted = canonical.with_fields(rows.entry_of(activity), entry, keys - about_people)
    now = clock.now()
    edited = max(activity.edited, min(edited, now)) if edited else now
    return write(activity, wanted, values, by, now, own_run=True, edited=edited)


@transaction.atomic
def take_part(by: User, guid: UUID | str, status: Participant.Status, *, owns: bool = False) -> Activity:
    """Make `by` take part in a colleague's activity; if he does already, nothing is written (rules 3.2, 4.3).

    `owns`: it becomes his, and who owned it takes part (rule 4.2).
    """
    activity = _joined(_found(by, guid), by, status)
    if not owns or activity.owner_id == by.pk:
        return activity
    there = [guest for row in activity.participants.all() if (guest := Guest.of(row)).folded_address != by.email]
    former = [Guest(activity.owner, status=Participant.Status.INVITED)] if activity.owner else []
    values = Changes(owner=by, participants=[*there, *former])
    return write(activity, rows.entry_of(activity), values, by, clock.now(), own_run=True)


@transaction.atomic
def hand_over(by: User, guid: UUID | str, owner: User, *, version: int) -> Activity:
    """Make somebody else the owner of what `by` owned and left: an invitation (rule 4.2)."""
    activity = _found(by, guid, version)
    if activity.owner_id != by.pk:
        raise NotAllowed("owner_only", _("Only the owner can hand the activity over to somebody else."))
    return write(activity, rows.entry_of(activity), Changes(owner=owner), by, clock.now(), own_run=True)


@transaction.atomic
def trash(by: User, guid: UUID | str, *, version: int) -> None:
    """Put the activity into the trash for everybody: the run decided that it is to go (rule 8.2)."""
    activity = _taken_part_in(by, guid, version)
    activity.trashed_at = clock.now()
    touch(activity, by, changes.people_of(activity), own_run=True)


@transaction.atomic
def restore(by: User, guid: UUID | str) -> Activity:
    """Take the activity out of the trash; one that is not in it stays as it is (rule 8.2)."""
    activity = _found(by, guid, trashed=True)
    if activity.trashed_at is not None:
        activity.trashed_at = None
        touch(activity, by, changes.people_of(activity), own_run=True)
    return activity


def _joined(activity: Activity, by: User, status: Participant.Status) -> Activity:
    """The activity with `by` on it; if he is already, nothing is written."""
    values = _with(activity, by, status)
    if not values:
        return activity
    return write(activity, rows.entry_of(activity), values, by, clock.now(), own_run=True)


def _with(activity: Activity, by: User, status: Participant.Status) -> Changes:
    """What puts `by` on the activity; nothing where he is."""
    if by.pk in changes.people_of(activity):
        return Changes()
    there = [guest for row in activity.participants.all() if (guest := Guest.of(row)).folded_address != by.email]
    return Changes(participants=[*there, Guest(by, status=status)])


def _own_status(by: User, entry: Entry) -> Participant.Status:
    mine = (person for person in entry.people if person.address.strip().casefold() == by.email)
    return next((people.status_of(person.response) for person in mine), Participant.Status.INVITED)


def _found(by: User, guid: UUID | str, version: int | None = None, *, trashed: bool = False) -> Activity:
    """Whoever takes part; drafts too. In the trash only if asked for."""
    changes.lock(by.organization_id)
    there = Activity.objects.of(by.organization_id).filter(guid=guid).whole()
    activity: Activity | None = (there if trashed else there.filter(trashed_at=None)).first()
    if activity is None:
        raise NotThere("not_there", _("There is no such activity (any longer)."))
    check_version(activity, version)
    return activity


def _taken_part_in(by: User, guid: UUID | str, version: int) -> Activity:
    activity = _found(by, guid, version)
    if not may_edit(by, activity):
        raise NotAllowed("not_taking_part", _("Only those who take part in the activity can change it."))
    return activity
