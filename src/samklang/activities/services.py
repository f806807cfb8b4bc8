"""The one way to write activities. Every call is one transaction: rows, the log of changes and the mailboxes that are
due thereby (rules 9.1, 9.3).

`by` is the person who acts, or a program of the organization's own; what he may do is decided here (Severa facts §2.4):
the owner everything; who takes part edits, but removes only himself; nobody else anything; a program everything that it
may see. `version`, where given, is the version he saw: if the activity has another by now, Outdated is raised and
nothing is written. All calls raise NotThere for an activity `by` cannot see, NotAllowed, Outdated, and Refused for
values that are not possible. What the sync writes is in `run_writes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Unpack
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from samklang import clock
from samklang.accounts.models import Organization, User
from samklang.accounts.programs import Actor
from samklang.activities import changes, meetings, rows, series
from samklang.activities.errors import NotAllowed, NotThere, Outdated, Refused
from samklang.activities.models import Activity, ActivityType, Participant
from samklang.activities.people import Guest
from samklang.activities.types import default_type
from samklang.activities.writing import (
    PLAIN,
    Changes,
    New,
    OccurrenceChanges,
    check_when,
    editable,
    entry_with,
    field_changes,
    locked,
    may_delete,
    may_edit,
    needs_occurrence,
    occurrence_with,
    touch,
    with_rule_following,
    write,
    write_many,
)
from samklang.engine import canonical
from samklang.engine.model import Entry, FieldKey, Recurrence, When
from samklang.engine.recurrence import occurrence

__all__ = [
    "Changes",
    "Guest",
    "New",
    "NotAllowed",
    "NotThere",
    "OccurrenceChanges",
    "Outdated",
    "Refused",
    "cancel_following",
    "cancel_occurrence",
    "close",
    "create",
    "create_entry",
    "create_many",
    "leave",
    "may_delete",
    "may_edit",
    "move_series",
    "purge_trash",
    "reset_occurrences",
    "respond",
    "restore",
    "trash",
    "update",
    "update_following",
    "update_occurrence",
    "write_fields",
]

# --- the whole activity ---------------------------------------------------------------------------------------------


@transaction.atomic
def create(by: Actor, *, create_key: str | None = None, **values: Unpack[Changes]) -> Activity:
    """A new activity; `name` and `when` are needed. Owned by `by`, of the owner's default type, unless said otherwise.

    With a `create_key` that was used before, the activity made then is returned and nothing is written.
    """
    if "when" not in values:
        raise Refused("start_missing", _("The activity needs a start."))
    return _create(by, entry_with(Entry(title="", when=values["when"]), values), values, create_key)


def _write(activity: Activity, entry: Entry, values: Changes, by: Actor, now: datetime) -> Activity:
    """`write` what a person changed, unless it is the organizer's to change (rule 4.4)."""
    meetings.check(activity, entry, values)
    return write(activity, entry, values, by, now)


def _create(by: Actor, entry: Entry, values: Changes, create_key: str | None) -> Activity:
    changes.lock(by.organization_id)
    if create_key is not None:
        made = Activity.objects.of(by.organization_id).filter(create_key=create_key)
        if made.exists():
            return made.whole().get()
    now = clock.now()
    activity = Activity(
        organization=by.organization, created=now, created_by=by.person, create_key=create_key, version=0
    )
    values["owner"] = owner = values.get("owner", by.person)
    if "type" not in values:
        values["type"] = default_type(by.organization, owner)
    return write(activity, entry, values, by, now)


@transaction.atomic
def create_many(by: User, news: Sequence[New]) -> tuple[list[New], list[tuple[New, Refused]]]:
    """Many new activities of one owner at once (an import): those made, and those refused with the reason."""
    changes.lock(by.organization_id)
    return write_many(by, news, clock.now())


@transaction.atomic
def update(by: Actor, guid: UUID | str, *, version: int | None = None, **values: Unpack[Changes]) -> Activity:
    """Change an activity or a whole series; occurrences keep what they have of their own (rule 5.3).

    A series moved to another date, without a new rule, turns its rule along: weekly on Mondays becomes on Tuesdays.
    """
    activity = editable(by, guid, version)
    if "owner" in values and values["owner"] != activity.owner and not may_delete(by, activity):
        raise NotAllowed("owner_only", _("Only the owner can hand the activity over to somebody else."))
    entry = rows.entry_of(activity)
    values = meetings.with_organizer(activity, values)
    return _write(activity, entry_with(entry, with_rule_following(entry, values)), values, by, clock.now())


@transaction.atomic
def write_fields(
    by: User,
    guid: UUID | str,
    entry: Entry,
    keys: frozenset[FieldKey],
    *,
    version: int | None = None,
    type_: ActivityType | None = None,
) -> Activity:
    """Make the fields `keys` (of `engine.canonical`) as `entry` has them: what an import or a restore writes."""
    activity = editable(by, guid, version)
    wanted = canonical.with_fields(rows.entry_of(activity), entry, keys)
    return _write(activity, wanted, field_changes(activity, entry, keys, type_), by, clock.now())


@transaction.atomic
def create_entry(by: User, entry: Entry, type_: ActivityType, create_key: str) -> Activity:
    """A new activity with the entry's whole content, exceptions and cancelled occurrences included; as `create`."""
    masked = entry.sensitivity.is_private and not type_.is_private
    return _create(by, entry, Changes(type=type_, masked=masked), create_key)


@transaction.atomic
def trash(by: Actor, guid: UUID | str, *, version: int | None = None) -> None:
    """Put the activity into the trash, for everybody who takes part. The owner's right."""
    activity = locked(by, guid, version)
    if not may_delete(by, activity):
        raise NotAllowed("owner_only", _("Only the owner can delete the activity; you can remove yourself from it."))
    activity.trashed_at = clock.now()
    touch(activity, by, changes.people_of(activity))


@transaction.atomic
def restore(by: User, guid: UUID | str) -> Activity:
    """Take the activity out of the trash again, as it was."""
    activity = locked(by, guid, None, trashed=True)
    if not may_delete(by, activity):
        raise NotAllowed("owner_only", _("Only the owner can restore the activity."))
    activity.trashed_at = None
    touch(activity, by, changes.people_of(activity))
    return activity


@transaction.atomic
def leave(by: User, guid: UUID | str) -> None:
    """Remove oneself from somebody else's activity."""
    activity = locked(by, guid, None)
    before = changes.people_of(activity)
    removed, _rows = Participant.objects.filter(activity=activity, user=by).delete()
    if not removed:
        raise NotAllowed("not_taking_part", _("You do not take part in this activity."))
    touch(activity, by, before)


@transaction.atomic
def respond(by: User, guid: UUID | str, status: Participant.Status) -> None:
    """Say whether one comes."""
    activity = locked(by, guid, None)
    if not Participant.objects.filter(activity=activity, user=by).update(status=status):
        raise NotAllowed("not_taking_part", _("You do not take part in this activity."))
    touch(activity, by, changes.people_of(activity))


def close(by: User, guid: UUID | str, *, closed: bool = True, version: int | None = None) -> Activity:
    """Mark the activity as done, or open it again; nothing changes in Exchange (rule 1.5)."""
    return update(by, guid, version=version, closed=closed)


@transaction.atomic
def purge_trash(organization: Organization, before: datetime) -> int:
    """Delete for good what was put into the trash before that time; returns how many activities."""
    changes.lock(organization.pk)
    old = Activity.objects.of(organization).filter(trashed_at__lt=before)
    count = old.count()
    old.delete()
    return count


# --- occurrences of a series ----------------------------------------------------------------------------------------


@transaction.atomic
def update_occurrence(
    by: Actor, guid: UUID | str, day: date, *, version: int | None = None, **values: Unpack[OccurrenceChanges]
) -> Activity:
    """Change this occurrence alone ("this"). `day` is the date of its original start in the series' zone.

    Raises Refused ("occurrence_crosses_neighbour") when it would stand on or past the day of its neighbour.
    """
    activity = editable(by, guid, version)
    entry = rows.entry_of(activity)
    needs_occurrence(entry, day)
    if "when" in values:
        check_when(values["when"])
        if series.crosses_neighbour(entry, day, values["when"]):
            message = _("The occurrence would stand on or past the day of its neighbour in the series. Choose a time")
            message += " " + _("between the occurrence before and the one after it.")
            raise Refused("occurrence_crosses_neighbour", message)
    changed = occurrence_with(occurrence(entry, day), values, activity)
    entry = replace(entry, exceptions={**entry.exceptions, day: changed})
    return _write(activity, entry, Changes(), by, clock.now())


@transaction.atomic
def cancel_occurrence(by: Actor, guid: UUID | str, day: date, *, version: int | None = None) -> Activity:
    """Remove this occurrence alone; with the last one the whole activity goes into the trash."""
    activity = editable(by, guid, version)
    entry = rows.entry_of(activity)
    needs_occurrence(entry, day)
    entry = replace(entry, cancelled=entry.cancelled | {day})
    if series.is_over_and_done(entry):
        trash(by, guid)
        return activity
    return _write(activity, entry, Changes(), by, clock.now())


@transaction.atomic
def reset_occurrences(by: Actor, guid: UUID | str, day: date | None = None, *, version: int | None = None) -> Activity:
    """Make one occurrence (or all) as the series has it again, changed or cancelled."""
    activity = editable(by, guid, version)
    entry = rows.entry_of(activity)
    exceptions = {other: changed for other, changed in entry.exceptions.items() if day not in (None, other)}
    cancelled = frozenset(other for other in entry.cancelled if day not in (None, other))
    entry = replace(entry, exceptions=exceptions, cancelled=cancelled)
    return _write(activity, entry, Changes(), by, clock.now())


@transaction.atomic
def update_following(
    by: User, guid: UUID | str, day: date, *, version: int | None = None, **values: Unpack[Changes]
) -> Activity:
    """Change this occurrence and all later ones: the series is shortened, a new one begins at `day` (rule 5.4).

    Returns the new series; at the first occurrence, the changed old one. A `recurrence` given is the new series' rule.
    """
    activity = editable(by, guid, version)
    entry = rows.entry_of(activity)
    needs_occurrence(entry, day)
    if not isinstance(entry.recurrence, Recurrence):
        raise Refused("series_kept_as_text", _("This series has a rule that can only be changed as a whole."))
    if not series.neighbours(replace(entry, cancelled=frozenset()), day)[0]:
        return update(by, guid, version=version, **values)
    head, tail = series.split(entry, day)
    guests = [Guest.of(p) for p in activity.participants.all()]
    now = clock.now()
    rest = Activity(organization=activity.organization, created=now, created_by=by, version=0)
    plain = Changes(**{name: getattr(activity, name) for name in PLAIN}, participants=guests)  # type: ignore[typeddict-item]
    _write(activity, head, Changes(), by, now)
    return write(rest, entry_with(tail, with_rule_following(tail, values)), plain | values, by, now)


@transaction.atomic
def cancel_following(by: User, guid: UUID | str, day: date, *, version: int | None = None) -> None:
    """End the series before this occurrence; from the first one on, the activity goes into the trash."""
    activity = editable(by, guid, version)
    entry = rows.entry_of(activity)
    needs_occurrence(entry, day)
    if not isinstance(entry.recurrence, Recurrence):
        raise Refused("series_kept_as_text", _("This series has a rule that can only be changed as a whole."))
    if not series.neighbours(replace(entry, cancelled=frozenset()), day)[0]:
        trash(by, guid, version=version)
        return
    _write(activity, series.split(entry, day)[0], Changes(), by, clock.now())


@transaction.atomic
def move_series(by: User, guid: UUID | str, day: date, when: When, *, version: int | None = None) -> Activity:
    """Move the whole series so that its occurrence of `day` is at `when` (a drag of one occurrence, "all")."""
    activity = editable(by, guid, version)
    first, rule = series.moved(rows.entry_of(activity), day, when)
    return update(by, guid, version=version, when=first, recurrence=rule)
