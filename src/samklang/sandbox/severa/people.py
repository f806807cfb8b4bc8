"""What a person does with activities in Severa's own pages, and what he sees there."""

from __future__ import annotations

import copy
import html
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from samklang.sandbox import bodies, zones
from samklang.sandbox.severa import acts
from samklang.sandbox.severa.acts import Actor
from samklang.sandbox.severa.call import NotFoundError, SeveraError, invalid
from samklang.sandbox.severa.model import (
    Activity,
    ActivityType,
    Body,
    Contact,
    Kind,
    Named,
    Participant,
    Phase,
    Recurrence,
    Reference,
    Status,
    User,
)
from samklang.sandbox.severa.service import Severa, Target, base


class ActivityFields(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a person can set. `start` and `end`: ISO times, with an offset or as wall clock in `zone` (the owner's when
    left out); dates for an all-day activity, `end` exclusive. `notes` are lines of text. `type` is a type's name or
    guid, `owner` a user's address or guid; `recurrence` is as in the public document. `has_hours`: hours are booked."""

    name: str | UnsetType = UNSET
    start: str | UnsetType = UNSET
    end: str | UnsetType | None = UNSET
    zone: str | UnsetType = UNSET
    all_day: bool | UnsetType = UNSET
    duration: bool | UnsetType = UNSET
    location: str | UnsetType | None = UNSET
    notes: str | UnsetType | None = UNSET
    type: str | UnsetType = UNSET
    owner: str | UnsetType = UNSET
    closed: bool | UnsetType = UNSET
    unassigned: bool | UnsetType = UNSET
    has_hours: bool | UnsetType = UNSET
    customer: Named | UnsetType | None = UNSET
    phase: Phase | UnsetType | None = UNSET
    task_status: Named | UnsetType | None = UNSET
    recurrence: Recurrence | UnsetType | None = UNSET


class NewParticipant(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`who`: a user's or contact's address or guid, or the address of somebody Severa does not know. A `Resource` has a
    name alone."""

    who: str = ""
    name: str = ""
    kind: Kind | None = None
    status: Status = "Invited"


# --- acts
def create(severa: Severa, user: User, given: ActivityFields) -> Activity:
    """Raises SeveraError, ValueError."""
    if given.name is UNSET or given.start is UNSET:
        raise ValueError("An activity needs name and start.")
    default = _default_type(severa, user)
    now = severa.store.clock.now()
    body = Body(
        name=given.name,
        start_date_time=now,
        activity_type=Reference(guid=default.guid if default else "none"),
        owner_user=Reference(guid=user.guid),
        has_duration=True,
    )
    _fill(severa, user.organization, body, given)
    with severa.store.by_person():
        made = acts.create(severa, Actor(user.guid), user.organization, body)
        if given.has_hours is not UNSET:
            acts.set_hours(severa, made, given.has_hours)
    return made


def change(severa: Severa, user: User, target: Target, given: ActivityFields) -> Activity:
    body = copy.deepcopy(target.body)
    _fill(severa, user.organization, body, given)
    with severa.store.by_person():
        changed = acts.change(severa, Actor(user.guid), target, body)
        if given.has_hours is not UNSET:
            acts.set_hours(severa, changed, given.has_hours)
    return changed


def delete(severa: Severa, user: User, target: Target) -> None:
    """Raises SeveraError where he only takes part (Severa facts §2.4)."""
    if _only_takes_part(severa, user, base(target)):
        raise SeveraError("PermissionDenied", "Participants can edit an activity, but not delete it.")
    with severa.store.by_person():
        acts.delete(severa, Actor(user.guid), target)


def add_participant(severa: Severa, user: User, target: Target, given: NewParticipant) -> Participant:
    known = _known(severa, user.organization, given.who)
    if known is not None:
        kind: Kind = "User" if isinstance(known, User) else "Contact"
        who, name, email = known.guid, "", ""
    else:
        kind, who, name, email = given.kind or "Other", "", given.name or given.who, given.who
    with severa.store.by_person():
        return acts.add_participant(
            severa, Actor(user.guid), target, kind, who, name=name, email=email, status=given.status
        )


def remove_participant(severa: Severa, user: User, target: Target, who: str) -> None:
    """Raises SeveraError where a participant removes anybody but himself."""
    row = _row(severa, user, target, who)
    if row.who != user.guid and _only_takes_part(severa, user, base(target)):
        raise SeveraError("PermissionDenied", "Participants can remove nobody but themselves.")
    with severa.store.by_person():
        acts.remove_participant(severa, Actor(user.guid), target, row.guid)


def answer(severa: Severa, user: User, target: Target, status: Status) -> None:
    """A participant answers. On one date of a series that makes an exception."""
    with severa.store.by_person():
        activity = acts.written(severa, Actor(user.guid), target)
        acts.set_status(severa, Actor(user.guid), _row(severa, user, activity, user.guid), status)


def _row(severa: Severa, user: User, target: Target, who: str) -> Participant:
    known = _known(severa, user.organization, who)
    names = {who.casefold(), known.guid if known else ""} - {""}
    for row in severa.records.of(Participant, base(target).guid):
        if names & {row.guid, row.who, row.email.casefold(), row.name.casefold()}:
            return row
    raise NotFoundError


def _known(severa: Severa, organization: str, who: str) -> User | Contact | None:
    """A user or contact by guid or address."""
    if not who:
        return None
    user = severa.user_named(organization, who)
    if user is not None:
        return user
    for contact in severa.records.all(Contact, organization):
        if who.casefold() in (contact.guid, *(email.casefold() for email in contact.emails)):
            return contact
    return None


def _owns(user: User, activity: Activity) -> bool:
    return user.guid == activity.body.owner_user.guid


def _only_takes_part(severa: Severa, user: User, activity: Activity) -> bool:
    if _owns(user, activity):
        return False
    return any(row.who == user.guid for row in severa.records.of(Participant, activity.guid))


def _default_type(severa: Severa, user: User) -> ActivityType | None:
    entries = [each for each in severa.records.all(ActivityType, user.organization) if each.active]
    own = [each for each in entries if each.guid == user.default_type]
    return next(
        iter(own + sorted(entries, key=lambda each: (each.category != "CalendarEntry", not each.default))), None
    )


# --- what was given, as a body
def _fill(severa: Severa, organization: str, body: Body, given: ActivityFields) -> None:
    if given.owner is not UNSET:
        owner = severa.user_named(organization, given.owner)
        if owner is None:
            raise invalid(f"There is no user {given.owner}.", "ownerUser")
        body.owner_user = Reference(guid=owner.guid)
    if given.type is not UNSET:
        body.activity_type = Reference(guid=severa.type_named(organization, given.type).guid)
    for name, value in (
        ("name", given.name),
        ("is_all_day", given.all_day),
        ("has_duration", given.duration),
        ("location", given.location),
        ("is_closed", given.closed),
        ("is_unassigned", given.unassigned),
        ("customer", given.customer),
        ("phase", given.phase),
        ("project_task_status", given.task_status),
        ("recurrence", given.recurrence),
    ):
        if value is not UNSET:
            setattr(body, name, value)
    if given.notes is not UNSET:
        is_html = severa.settings.notes == "html" and given.notes
        body.notes = _html(given.notes or "") if is_html else given.notes
    _fill_times(severa, organization, body, given)


def _fill_times(severa: Severa, organization: str, body: Body, given: ActivityFields) -> None:
    owner = severa.records.get(User, body.owner_user.guid, organization)
    zone = given.zone or (owner.zone if owner else "UTC")
    if given.start is not UNSET:
        body.start_date_time = _instant(given.start, zone)
    if given.end is not UNSET:
        body.end_date_time = None if given.end is None else _instant(given.end, zone)
    elif given.start is not UNSET and body.end_date_time is None and not body.is_all_day and body.has_duration:
        body.end_date_time = body.start_date_time + timedelta(hours=1)


def _instant(text: str, zone: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo is not None else zones.to_utc(moment, zone)


def _html(text: str) -> str:
    """What Severa's editor makes of lines, where notes are HTML."""
    return f"<p>{'<br>'.join(html.escape(line, quote=False) for line in text.split(chr(10)))}</p>"


# --- what a person sees
def activities_of(severa: Severa, user: User) -> Iterator[Activity]:
    """Singles, series and exceptions he owns or takes part in."""
    for kind in ("None", "Series", "Exception"):
        for activity in severa.records.activities(user.organization, kind):
            if _owns(user, activity) or _only_takes_part(severa, user, activity):
                yield activity


def expanded(severa: Severa, user: User, start: datetime, end: datetime) -> list[Target]:
    """Everything of his that touches `start` … `end`, series as their occurrences, by start."""
    found: list[Target] = []
    for activity in activities_of(severa, user):
        if activity.kind == "Series":
            found += severa.layout(activity).between(start, end)
        elif activity.start <= end and activity.end >= start:
            found.append(activity)
    return sorted(found, key=lambda each: (each.start, each.end, each.guid))


def occurrence(severa: Severa, target: Target, day: str) -> Target:
    """One date of a series by its original date, whether it is an exception by now or not. Raises SeveraError."""
    if not isinstance(target, Activity) or target.kind != "Series":
        raise invalid("The activity is no series: it has no occurrences.", "occurrence")
    for each in severa.exceptions(target):
        if str(each.original) == day:
            return each
    found = severa.layout(target).occurrence(datetime.fromisoformat(day).date())
    if found is None:
        raise NotFoundError
    return found


def described(severa: Severa, target: Target) -> dict[str, Any]:
    """Plain JSON, whatever the switches say: instants in UTC, dates in the owner's zone for all-day."""
    activity, body = base(target), target.body
    type = severa.records.get(ActivityType, body.activity_type.guid)
    shown: dict[str, Any] = {
        "guid": target.guid,
        "kind": target.kind,
        "series": target.parent or None,
        "original": str(target.original) if target.original else None,
        "deleted": [str(day) for day in activity.deleted],
        "name": body.name,
        "start": target.start.isoformat(),
        "end": target.end.isoformat() if body.end_date_time else None,
        "zone": activity.zone,
        "all_day": body.is_all_day,
        "duration": body.has_duration,
        "location": body.location,
        "notes": text_of(severa, body.notes),
        "type": type.name if type else None,
        "category": type.category if type else None,
        "owner": body.owner_user.guid,
        "closed": body.is_closed,
        "unassigned": body.is_unassigned,
        "has_hours": activity.has_hours,
        "customer": body.customer,
        "phase": body.phase,
        "task_status": body.project_task_status,
        "recurrence": body.recurrence,
        "participants": [_described(severa, row) for row in severa.records.of(Participant, activity.guid)],
        "updated": activity.updated.isoformat(),
        "updated_by": activity.updated_by,
    }
    if body.is_all_day:
        shown["start_date"], shown["end_date"] = (
            str(zones.to_local(moment, activity.zone).date()) for moment in (target.start, target.end)
        )
    return shown


def _described(severa: Severa, row: Participant) -> dict[str, Any]:
    known = severa.records.get(User, row.who) or severa.records.get(Contact, row.who)
    name, email = (known.name, known.address) if known else (row.name, row.email)
    return {"guid": row.guid, "who": row.who, "kind": row.kind, "name": name, "email": email, "status": row.status}


def text_of(severa: Severa, notes: str | None) -> str:
    """Notes as a person reads them."""
    if severa.settings.notes == "plain":
        return notes or ""
    return bodies.to_text(notes or "").replace("\r\n", "\n").strip("\n")
