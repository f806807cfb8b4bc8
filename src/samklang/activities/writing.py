"""How an activity is written: what may be given, what is checked, what is stored along. Used by `services` alone.

Call within a transaction, and `locked` or `editable` first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypedDict
from uuid import UUID

from django.db import models
from django.db.models import prefetch_related_objects
from django.utils.translation import gettext as _

from samklang import clock
from samklang.accounts.models import User
from samklang.accounts.programs import Actor
from samklang.activities import changes, people, rows, series
from samklang.activities.errors import NotAllowed, NotThere, Outdated, Refused
from samklang.activities.models import Activity, ActivityType, Override, Participant
from samklang.activities.people import Guest
from samklang.engine import canonical, times
from samklang.engine.model import (
    AllDay,
    Entry,
    FieldKey,
    Inexpressible,
    Occurrence,
    Recurrence,
    Sensitivity,
    When,
)
from samklang.engine.recurrence import problem, slot_days

_NAME_OF_FIELD: dict[str, FieldKey] = {
    "name": "title",
    "when": "time",
    "location": "place",
    "notes": "text",
    "recurrence": "recurrence",
}
#: Severa's limit (Severa facts §1.8).
LONGEST_PLACE = 1000


class OccurrenceChanges(TypedDict, total=False):
    """What may differ in one occurrence; what is left out stays."""

    name: str
    when: When
    location: str
    notes: str
    masked: bool


class Changes(OccurrenceChanges, total=False):
    """What may be written to an activity; what is left out stays."""

    recurrence: Recurrence | Inexpressible | None
    type: ActivityType
    owner: User | None
    #: All participants there shall be.
    participants: Sequence[Guest]
    has_duration: bool
    closed: bool
    draft: bool
    unassigned: bool
    has_hours: bool
    customer: str
    project: str
    phase: str
    project_task_status: str


@dataclass(frozen=True, slots=True)
class New:
    """An activity to be made with many others (an import)."""

    entry: Entry
    #: With a type.
    values: Changes
    import_uid: str
    #: External people; an address of a colleague stays external here.
    guests: Sequence[Guest] = ()


#: Columns set as they come.
PLAIN = (
    "type",
    "owner",
    "masked",
    "has_duration",
    "closed",
    "draft",
    "unassigned",
    "has_hours",
    "customer",
    "project",
    "phase",
    "project_task_status",
)


# --- who may --------------------------------------------------------------------------------------------------------


def may_edit(user: Actor, activity: Activity) -> bool:
    """The owner and who takes part; without owner also who made it and administrators; a program what it may see."""
    return user.pk in changes.people_of(activity) or may_delete(user, activity)


def may_delete(user: Actor, activity: Activity) -> bool:
    """The owner; without owner who made it and administrators; a program what it may see."""
    if activity.organization_id != user.organization_id:
        return False
    if user.acts_for_all:
        return user.sees_private or not activity.is_private
    if activity.owner_id is not None:
        return activity.owner_id == user.pk
    return user.is_administrator or activity.created_by_id == user.pk


# --- one write ----------------------------------------------------------------------------------------------------


def editable(by: Actor, guid: UUID | str, version: int | None) -> Activity:
    activity = locked(by, guid, version)
    if not may_edit(by, activity):
        raise NotAllowed("not_taking_part", _("Only those who take part in the activity can change it."))
    return activity


def locked(by: Actor, guid: UUID | str, version: int | None, *, trashed: bool = False) -> Activity:
    changes.lock(by.organization_id)
    mine = Activity.objects.of(by.organization_id).trashed() if trashed else Activity.objects.visible_to(by)
    activity = mine.filter(guid=guid).whole().first()
    if activity is None:
        raise NotThere("not_there", _("There is no such activity (any longer)."))
    check_version(activity, version)
    return activity


def check_version(activity: Activity, version: int | None) -> None:
    if version is not None and version != activity.version:
        raise Outdated("outdated", _("Somebody changed the activity meanwhile. Look at it again before you save."))


def with_rule_following(entry: Entry, values: Changes) -> Changes:
    """The changes, and the rule turned with them when a series is moved to a date its rule does not give."""
    if "when" not in values or "recurrence" in values or not isinstance(entry.recurrence, Recurrence):
        return values
    first = times.local_day(values["when"])
    if slot_days(replace(entry, when=values["when"]), first, first):
        return values
    _start, rule = series.moved(entry, times.local_day(entry.when), values["when"])
    return {**values, "recurrence": rule}


def entry_with(entry: Entry, values: Changes) -> Entry:
    """The entry with its own fields changed; what occurrences take from the series changes with it."""
    source = replace(
        entry,
        title=values.get("name", entry.title),
        when=values.get("when", entry.when),
        place=values.get("location", entry.place),
        text=values.get("notes", entry.text),
        recurrence=values.get("recurrence", entry.recurrence),
    )
    keys = {key for name, key in _NAME_OF_FIELD.items() if name in values}
    return canonical.with_fields(entry, source, keys)


def field_changes(
    activity: Activity, entry: Entry, keys: frozenset[FieldKey], type_: ActivityType | None = None
) -> Changes:
    """What changes besides the entry's own fields when `keys` are made as `entry` has them."""
    values = Changes()
    if type_ is not None:
        values["type"] = type_
    if "sensitivity" in keys:
        values["masked"] = entry.sensitivity.is_private and not (type_ or activity.type).is_private
    if "time" in keys:
        values["has_duration"] = True
    return values


def occurrence_with(shown: Occurrence, values: OccurrenceChanges, activity: Activity) -> Occurrence:
    private = Sensitivity.PRIVATE if values.get("masked") or activity.type.is_private else Sensitivity.NORMAL
    return replace(
        shown,
        title=values.get("name", shown.title),
        when=values.get("when", shown.when),
        place=values.get("location", shown.place),
        text=values.get("notes", shown.text),
        sensitivity=private if "masked" in values else shown.sensitivity,
    )


def write(
    activity: Activity,
    entry: Entry,
    values: Changes,
    by: Actor,
    now: datetime,
    *,
    own_run: bool = False,
    edited: datetime | None = None,
) -> Activity:
    """Check and store everything, number the change, and make the mailboxes of all concerned due.

    `edited`: when a person did what a run writes; without it the run's write counts as nobody's edit (rule 7.4).
    """
    is_new = activity.pk is None
    before = frozenset() if is_new else changes.people_of(activity)
    _set_plain(activity, values)
    _check(entry, activity)
    rows.put_entry(activity, entry)
    activity.version += 1
    activity.modified, activity.modified_by = now, by.person
    activity.edited = (edited or activity.edited or now) if own_run else now
    activity.save()
    if is_new:
        _put_parts(activity, entry, values)
    else:
        activity = _replace_parts(activity, entry, values)
    concerned = before | changes.people_of(activity)
    changes.log_all(activity.organization_id, [(activity.guid, concerned)], runs_for=by.pk if own_run else None)
    return activity


def _put_parts(activity: Activity, entry: Entry, values: Changes) -> None:
    """Store what a new activity has besides its row, and have it at hand; what there is none of is not asked for."""
    overrides = [own.put(Override(activity=activity, day=day)) for day, own in rows.overrides_of(entry).items()]
    guests = values.get("participants", ())
    if overrides:
        Override.objects.bulk_create(overrides)
    if guests:
        people.put(activity, guests)
    if overrides or guests:
        prefetch_related_objects([activity], "overrides", "participants__user")
    else:
        _has_no(activity, "overrides", Override.objects.none())
        _has_no(activity, "participants", Participant.objects.none())


def _has_no(activity: Activity, related: str, none: models.QuerySet) -> None:
    """Leave behind what `prefetch_related_objects` would if it found nothing: it asks the database, and this is the
    most frequent write of a first run."""
    none._result_cache = []
    activity.__dict__.setdefault("_prefetched_objects_cache", {})[related] = none


def _replace_parts(activity: Activity, entry: Entry, values: Changes) -> Activity:
    _put_overrides(activity, entry)
    if "participants" in values:
        people.put(activity, values["participants"])
    if "owner" in values:
        Participant.objects.filter(activity=activity, user=values["owner"]).delete()
    whole: Activity = Activity.objects.whole().get(pk=activity.pk)
    return whole


def write_many(by: User, news: Sequence[New], now: datetime) -> tuple[list[New], list[tuple[New, Refused]]]:
    """Store new activities of one owner, in a fixed number of queries for each few hundred."""
    made: list[tuple[Activity, New]] = []
    refused = []
    for new in news:
        activity = Activity(
            organization=by.organization, owner=by, import_uid=new.import_uid, created=now, created_by=by, version=1
        )
        activity.modified, activity.modified_by, activity.edited = now, by, now
        _set_plain(activity, new.values)
        try:
            _check(new.entry, activity)
        except Refused as error:
            refused.append((new, error))
            continue
        rows.put_entry(activity, new.entry)
        made.append((activity, new))
    Activity.objects.bulk_create([activity for activity, _new in made], batch_size=500)
    overrides = (
        own.put(Override(activity=activity, day=day))
        for activity, new in made
        for day, own in rows.overrides_of(new.entry).items()
    )
    Override.objects.bulk_create(overrides, batch_size=500)
    guests = (
        Participant(activity=activity, kind=g.kind, status=g.status, name=g.name[:200], address=g.address[:320])
        for activity, new in made
        for g in new.guests
    )
    Participant.objects.bulk_create(guests, batch_size=500)
    changes.log_all(by.organization_id, [(activity.guid, frozenset({by.pk})) for activity, _new in made])
    return [new for _activity, new in made], refused


def _set_plain(activity: Activity, values: Changes) -> None:
    for name in PLAIN:
        if name in values:
            setattr(activity, name, values[name])  # type: ignore[literal-required]


def touch(activity: Activity, by: Actor, before: frozenset[int], *, own_run: bool = False) -> None:
    activity.version += 1
    activity.modified, activity.modified_by = clock.now(), by.person
    activity.save(update_fields=["trashed_at", "version", "modified", "modified_by"])
    changes.log_all(activity.organization_id, [(activity.guid, before)], runs_for=by.pk if own_run else None)


def _put_overrides(activity: Activity, entry: Entry) -> None:
    """Make the rows as the entry says; an occurrence that stays changed keeps its guid."""
    wanted = rows.overrides_of(entry)
    there = {override.day: override for override in Override.objects.filter(activity=activity)}
    Override.objects.filter(activity=activity, day__in=there.keys() - wanted.keys()).delete()
    for day, own in wanted.items():
        own.put(there.get(day) or Override(activity=activity, day=day)).save()


def needs_occurrence(entry: Entry, day: date) -> None:
    if not entry.is_series or day in entry.cancelled or not series.is_slot(entry, day):
        raise Refused("occurrence_unknown", _("The series has no occurrence on %(day)s.") % {"day": day.isoformat()})


def _check(entry: Entry, activity: Activity) -> None:
    """Raises Refused for what cannot be kept."""
    if not entry.title.strip():
        raise Refused("name_missing", _("The activity needs a name."))
    if len(entry.place) > LONGEST_PLACE:
        message = _("The place is longer than %(most)d characters; put the rest into the notes.")
        raise Refused("place_too_long", message % {"most": LONGEST_PLACE})
    if activity.type.organization_id != activity.organization_id:
        raise Refused("type_unknown", _("There is no such activity type in your organization."))
    if activity.owner and activity.owner.organization_id != activity.organization_id:
        raise Refused("owner_unknown", _("There is no such user in your organization."))
    check_when(entry.when)
    if entry.recurrence is not None:
        _check_rule(entry.recurrence, entry.when)


def check_when(when: When) -> None:
    if isinstance(when, AllDay):
        if when.end <= when.first:
            raise Refused("end_before_start", _("The activity ends before it starts."))
        return
    if when.end < when.start:
        raise Refused("end_before_start", _("The activity ends before it starts."))
    for zone in (when.zone, when.end_zone):
        if zone is not None and times.iana_name(zone) is None:
            raise Refused("zone_unknown", _("“%(zone)s” is no time zone.") % {"zone": zone})


def _check_rule(rule: Recurrence | Inexpressible, when: When) -> None:
    """Rules nobody could follow are refused; one that only Exchange cannot hold is kept (rule 5.5)."""
    wrong = {
        "invalid_rule": _("The repeat rule is not valid: interval and count start at 1."),
        "count_and_until": _("Give either a number of occurrences or an end date, not both."),
        "no_occurrence": _("No date matches this repeat rule."),
    }
    code = problem(rule, times.local_day(when)) if isinstance(rule, Recurrence) else None
    if code in wrong:
        raise Refused(code, wrong[code])
