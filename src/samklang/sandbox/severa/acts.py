"""What Severa does with activities whoever asks, a program or a person: checks, consequences, mails.

Every change goes through here. Refusals are `SeveraError`; what is refused has changed nothing.
"""

from __future__ import annotations

import copy
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from samklang.sandbox import zones
from samklang.sandbox.severa import rules
from samklang.sandbox.severa.call import NotFoundError, impossible, invalid
from samklang.sandbox.severa.model import Activity, ActivityType, Body, Kind, Participant, Status, User
from samklang.sandbox.severa.series import MOST_DATES, Occurrence, is_too_long, shape
from samklang.sandbox.severa.service import Severa, Target, base

_FIRST_YEAR, _LAST_YEAR = 1753, 9998  # SQL Server's first; its last less one, so that every zone has it
_BLOCKS = re.compile(r"<(p|div|ul|ol|table|h\d|br)\b", re.IGNORECASE)
_FOLLOWING = ("name", "notes", "location", "activity_type", "owner_user", "is_closed", "customer", "phase")


@dataclass(frozen=True)
class Actor:
    """Who does it: a user, or a program (`client`), whose guid stands in `createdBy` all the same."""

    guid: str
    client: str = ""

    @classmethod
    def program(cls, client_id: str) -> Actor:
        return cls(str(uuid.uuid5(uuid.NAMESPACE_OID, client_id)), client_id)


def create(severa: Severa, actor: Actor, organization: str, body: Body) -> Activity:
    if body.recurrence_parent_activity_guid:
        raise impossible("An exception is made by changing an occurrence of its series.")
    now = severa.store.clock.now()
    owner = _owner(severa, organization, body, must_be_active=True)
    made = Activity(
        guid=str(uuid.uuid4()),
        organization=organization,
        created=now,
        created_by=actor.guid,
        updated=now,
        updated_by=actor.guid,
        body=_checked(severa, organization, body, owner),
        zone=owner.zone,
    )
    _save(severa, made)
    _count(severa, actor, "create")
    if severa.settings.new_activity_mails != "participants":
        _mail(severa, actor, made, [owner])
    return made


def change(severa: Severa, actor: Actor, target: Target, body: Body) -> Activity:
    """Gives an activity another body; of an occurrence, that makes an exception."""
    activity = _own(severa, actor, target)
    before, old = activity.body, copy.deepcopy(activity)
    if activity.parent and body.recurrence is not None:
        raise impossible("An exception has no recurrence of its own.")
    body.recurrence_parent_activity_guid = None
    owner = _owner(severa, activity.organization, body, must_be_active=body.owner_user != before.owner_user)
    activity.body = _checked(severa, activity.organization, body, owner, before)
    if _category(severa, before) != _category(severa, activity.body):
        raise impossible("The group of an activity cannot be changed after it was saved.")
    if shape(activity.body) != shape(before) or body.owner_user != before.owner_user:
        activity.zone = owner.zone
    if isinstance(target, Occurrence):
        _become_exception(severa, actor, target, activity)
    for row in severa.records.of(Participant, activity.guid):
        if row.who == owner.guid:
            severa.records.remove(row)
    if old.kind == "Series":
        _relaid(severa, actor, old, activity)
    _touch(severa, actor, activity)
    _count(severa, actor, "update")
    return activity


def delete(severa: Severa, actor: Actor, target: Target) -> None:
    """For good. Of a series, one date, where an occurrence or an exception is named."""
    if isinstance(target, Occurrence) or target.parent:
        _check_writable(severa)
        series = target.series if isinstance(target, Occurrence) else severa.records.get(Activity, target.parent)
        if isinstance(target, Activity):
            severa.records.remove(target)
        assert series is not None and target.original is not None
        series.deleted = sorted({*series.deleted, target.original})
        _exceptions_changed(severa, actor, series)
    else:
        severa.records.remove(target)
    _count(severa, actor, "delete")


def reset_exceptions(severa: Severa, actor: Actor, series: Target) -> None:
    """All dates as the rule has them. Raises NotFoundError where there is no series."""
    if isinstance(series, Occurrence) or series.kind != "Series":
        raise NotFoundError
    for each in severa.exceptions(series):
        severa.records.remove(each)
    series.deleted = []
    _exceptions_changed(severa, actor, series)
    _count(severa, actor, "update")


def set_hours(severa: Severa, activity: Activity, has_hours: bool) -> None:
    """Hours were booked on it, or taken away."""
    activity.has_hours = has_hours
    _save(severa, activity)


# --- participants
def add_participant(
    severa: Severa,
    actor: Actor,
    target: Target,
    kind: Kind,
    who: str,
    *,
    name: str = "",
    email: str = "",
    status: Status = "Invited",
) -> Participant:
    """`who`: the guid of a user or contact; "" is somebody Severa does not know, by name or address."""
    rows = severa.records.of(Participant, base(target).guid)
    if who in {base(target).body.owner_user.guid, *(row.who for row in rows)}:
        raise impossible("He takes part in the activity already.")
    activity, now = written(severa, actor, target), severa.store.clock.now()
    made = Participant(
        guid=str(uuid.uuid4()),
        organization=activity.organization,
        created=now,
        created_by=actor.guid,
        updated=now,
        activity=activity.guid,
        kind=kind,
        who=who or str(uuid.uuid4()),
        name=name,
        email=email,
        status=status,
    )
    severa.records.save(made)
    _participants_changed(severa, actor, activity)
    user = severa.records.get(User, made.who)
    _mail(severa, actor, activity, [user] if user is not None else [])
    return made


def remove_participant(severa: Severa, actor: Actor, target: Target, guid: str) -> None:
    rows = {row.guid: row for row in severa.records.of(Participant, base(target).guid)}
    gone = rows.get(guid.lower())
    if gone is None:
        raise NotFoundError
    activity = written(severa, actor, target)
    for row in severa.records.of(Participant, activity.guid):  # of a new exception: other rows, the same people
        if row.who == gone.who:
            severa.records.remove(row)
    _participants_changed(severa, actor, activity)


def set_status(severa: Severa, actor: Actor, row: Participant, status: Status) -> Participant:
    activity = severa.records.get(Activity, row.activity)
    assert activity is not None
    row.status = status
    row.updated, row.updated_by = severa.store.clock.now(), actor.guid
    severa.records.save(row)
    _participants_changed(severa, actor, activity)
    return row


def _participants_changed(severa: Severa, actor: Actor, activity: Activity) -> None:
    if "participants" in severa.settings.touched_by:
        _touch(severa, actor, activity)
    _count(severa, actor, "update")


# --- series and their exceptions
def _own(severa: Severa, actor: Actor, target: Target) -> Activity:
    """What is to be changed: a copy, of an occurrence the exception it would be. Nothing is saved yet."""
    if isinstance(target, Activity):
        if target.parent:
            _check_writable(severa)
        return target
    _check_writable(severa)
    series, now = target.series, severa.store.clock.now()
    same = severa.settings.exception_guid == "same"
    return Activity(
        guid=target.guid if same else str(uuid.uuid4()),
        organization=series.organization,
        created=now,
        created_by=actor.guid,
        updated=now,
        updated_by=actor.guid,
        body=target.body,
        zone=series.zone,
        parent=series.guid,
        original=target.original,
    )


def written(severa: Severa, actor: Actor, target: Target) -> Activity:
    """The activity to write to; an occurrence becomes an exception."""
    activity = _own(severa, actor, target)
    if isinstance(target, Occurrence):
        _become_exception(severa, actor, target, activity)
    return activity


def _become_exception(severa: Severa, actor: Actor, place: Occurrence, exception: Activity) -> None:
    """Saves it, with the people of its series."""
    _save(severa, exception)
    for row in severa.records.of(Participant, place.series.guid):
        row.guid, row.activity = str(uuid.uuid4()), exception.guid
        severa.records.save(row)
    _exceptions_changed(severa, actor, place.series)


def _exceptions_changed(severa: Severa, actor: Actor, series: Activity) -> None:
    if "exceptions" in severa.settings.touched_by:
        _touch(severa, actor, series)
    else:
        _save(severa, series)


def _check_writable(severa: Severa) -> None:
    if not severa.settings.occurrences_writable:
        raise impossible("One date of a recurring activity cannot be changed.")


def _relaid(severa: Severa, actor: Actor, old: Activity, new: Activity) -> None:
    """What a change of a series does to its exceptions and deleted dates. The series itself is not saved yet."""
    exceptions, chosen = severa.exceptions(new), severa.settings
    if new.kind != "Series" or (shape(old.body) != shape(new.body) and chosen.relaid_exceptions == "reset"):
        for each in exceptions:
            severa.records.remove(each)
        new.deleted = []
        return
    layout, before = severa.layout(new), severa.layout(old)
    for each in exceptions:
        assert each.original is not None
        if not layout.has(each.original):
            severa.records.remove(each)
        elif chosen.exceptions_follow:
            _follow(each, old.body, new.body)
            if each.body.start_date_time == before.at(each.original).start:
                there = layout.at(each.original)
                each.body.start_date_time, each.body.end_date_time = there.start, there.end
            _touch(severa, actor, each)
    new.deleted = [day for day in new.deleted if layout.has(day)]


def _follow(exception: Activity, old: Body, new: Body) -> None:
    for name in _FOLLOWING:
        if getattr(exception.body, name) == getattr(old, name):
            setattr(exception.body, name, getattr(new, name))


# --- checks
def _checked(severa: Severa, organization: str, body: Body, owner: User, before: Body | None = None) -> Body:
    """A body as it is kept: times in UTC, guids as they are kept, an all-day one from midnight to midnight. What is as
    it was `before` is not asked about again."""
    type = severa.records.get(ActivityType, body.activity_type.guid, organization)
    is_new_type = type is not None and (before is None or type.guid != before.activity_type.guid)
    if type is None or (is_new_type and not type.active):
        raise invalid("There is no such active activity type.", "activityType")
    body.activity_type.guid, body.owner_user.guid = type.guid, owner.guid
    naive = severa.settings.naive_times
    body.start_date_time = _utc(body.start_date_time, "startDateTime", naive)
    if body.end_date_time is not None:
        body.end_date_time = _utc(body.end_date_time, "endDateTime", naive)
    if before is None or shape(body) != shape(before) or body.owner_user != before.owner_user:
        _check_times(severa, body, owner.zone)
    if severa.settings.notes == "html" and body.notes and not _BLOCKS.search(body.notes):
        body.notes = f"<p>{body.notes}</p>"
    return body


def _check_times(severa: Severa, body: Body, zone: str) -> None:
    if not all(_FIRST_YEAR <= moment.year <= _LAST_YEAR for moment in (body.start_date_time, body.end)):
        raise invalid(f"The years are {_FIRST_YEAR} to {_LAST_YEAR}.", "startDateTime")
    if body.is_all_day:
        _check_all_day(body, zone)
    if body.end < body.start_date_time:
        raise invalid("The activity ends before it starts.", "endDateTime")
    if body.recurrence is not None:
        text = rules.text_of(body.recurrence, last_day=severa.settings.short_months == "last_day")
        if is_too_long(text, zones.to_local(body.start_date_time, zone)):
            raise invalid(f"A series has at most {MOST_DATES} dates.", "recurrence.range")


def _utc(moment: datetime, name: str, naive: str) -> datetime:
    if moment.tzinfo is None and naive == "refused":
        raise invalid(f"{name} has no offset.", name)
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise invalid(f"{name} is outside the calendar.", name) from None


def _check_all_day(body: Body, zone: str) -> None:
    """Severa facts §1.6: from midnight to midnight where the owner is, with a duration; without an end, one day."""
    start = zones.to_local(body.start_date_time, zone)
    end = start + timedelta(days=1) if body.end_date_time is None else zones.to_local(body.end_date_time, zone)
    if start.time() != time.min or end.time() != time.min or not body.has_duration:
        raise invalid("An all-day activity has a duration, from midnight to midnight.", "isAllDay")
    body.end_date_time = zones.to_utc(end, zone)


def _owner(severa: Severa, organization: str, body: Body, *, must_be_active: bool) -> User:
    owner = severa.records.get(User, body.owner_user.guid, organization)
    if owner is None or (must_be_active and not owner.active):
        raise invalid("There is no such active user.", "ownerUser")
    return owner


def _category(severa: Severa, body: Body) -> str:
    type = severa.records.get(ActivityType, body.activity_type.guid)
    return type.category if type is not None else ""


# --- saving, counting, mailing
def _save(severa: Severa, activity: Activity) -> None:
    if activity.kind != "Series":
        severa.records.save(activity)
        return
    layout = severa.layout(activity)
    last = layout.last()
    ends = last.end if last is not None else activity.body.end
    severa.records.save(activity, None if layout.endless else ends)


def _touch(severa: Severa, actor: Actor, activity: Activity) -> None:
    activity.updated, activity.updated_by = severa.store.clock.now(), actor.guid
    _save(severa, activity)


def _count(severa: Severa, actor: Actor, kind: str) -> None:
    if actor.client:
        severa.store.count(actor.client, f"writes:{kind}")


def _mail(severa: Severa, actor: Actor, activity: Activity, users: list[User]) -> None:
    """The mail about a new activity, to whom wants it; nobody is told of what he did himself."""
    if actor.client and severa.settings.new_activity_mails == "nobody":
        return
    by = severa.records.get(User, actor.guid)
    told = [
        user.address
        for user in users
        if user.address and user.active and user.notifications.send_new_activity_email and user.guid != actor.guid
    ]
    severa.store.send_mail(actor.client or (by.address if by else ""), told, "new_activity", activity.guid)
