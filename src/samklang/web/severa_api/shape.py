"""Activities as Severa's JSON, and back: the fields of ActivityModel (Severa facts §1.8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from samklang.accounts.models import User
from samklang.activities import queries, rows
from samklang.activities.models import Activity, ActivityType, Participant
from samklang.activities.services import Changes
from samklang.activities.types import default_type, private_type
from samklang.engine import rrule, times
from samklang.engine.model import AllDay, Inexpressible, Recurrence, Timed, When
from samklang.web.severa_api.problems import invalid
from samklang.web.severa_api.recurrence import NotARecurrence, from_json, to_json


def occurrence_guid(activity: Activity, day: date) -> str:
    """Occurrences have no row of their own; theirs names series and original date."""
    return f"{activity.guid}_{day:%Y%m%d}"


def split_guid(guid: str) -> tuple[str, date | None]:
    """The activity's guid, and the original date where an occurrence is named. Raises 404."""
    head, _sep, day = guid.partition("_")
    try:
        return str(UUID(head)), datetime.strptime(day, "%Y%m%d").date() if day else None  # noqa: DTZ007
    except ValueError:
        raise invalid(404, "Resource not found", "PathParameter", "guid") from None


def activity_json(seen: queries.Shown, reader: User) -> dict[str, Any]:
    """One activity, series or occurrence as its reader may see it."""
    activity = seen.activity
    start, end = _instants(seen.when, activity, reader)
    kind = "None"
    if activity.is_series:
        kind = "Series" if seen.day is None else "Exception" if seen.changed else "Occurrence"
    guid = activity.psa_id if seen.day is None else occurrence_guid(activity, seen.day)
    rule = rows.recurrence_of(activity.recurrence) if kind == "Series" and not seen.masked else None
    return {
        "guid": guid,
        "name": seen.title,
        "startDateTime": start.isoformat(),
        "endDateTime": end.isoformat(),
        "isClosed": activity.closed and not seen.masked,
        "isDraft": activity.draft,
        "isAllDay": isinstance(seen.when, AllDay),
        "hasDuration": activity.has_duration,
        "isUnassigned": activity.unassigned and not seen.masked,
        "hasHours": activity.has_hours and not seen.masked,
        "notes": seen.text or None,
        "location": seen.place or None,
        "activityType": _type_json(masking_type(activity) if seen.masked else activity.type),
        "ownerUser": _user_json(activity.owner) if activity.owner else None,
        "customer": None,
        "phase": None,
        "projectTaskStatus": None,
        "recurrence": _recurrence_json(activity, rule) if isinstance(rule, Recurrence) else None,
        "recurrenceRule": _rule_text(rule, seen.when),
        "recurrenceType": kind,
        "recurrenceParentActivityGuid": activity.psa_id if seen.day is not None else None,
        "createdDateTime": activity.created.isoformat(),
        "lastUpdatedDateTime": activity.modified.isoformat(),
        "createdBy": None,
        "lastUpdatedBy": None,
    }


def _rule_text(rule: Recurrence | Inexpressible | None, when: When) -> str | None:
    if rule is None:
        return None
    return rrule.text(rule, when) if isinstance(rule, Recurrence) else rule.rule


def _instants(when: When, activity: Activity, reader: User) -> tuple[datetime, datetime]:
    """With the offset of the activity's zone; whole days from local midnight to local midnight (Severa facts §1.6)."""
    if isinstance(when, Timed):
        info = times.zone_info(when.zone)
        return when.start.astimezone(info), when.end.astimezone(info)
    zone = activity.owner.zone if activity.owner else reader.zone
    info = times.zone_info(zone)
    return datetime.combine(when.first, time(), info), datetime.combine(when.end, time(), info)


def _recurrence_json(activity: Activity, rule: Recurrence) -> dict[str, Any]:
    entry = rows.entry_of(activity)
    days = sorted(entry.cancelled | entry.exceptions.keys())
    return {
        **to_json(rule, times.local_day(entry.when)),
        "exceptions": [datetime.combine(day, time()).isoformat() for day in days],
    }


def _type_json(type_: ActivityType) -> dict[str, Any]:
    return {"guid": str(type_.guid), "name": type_.name, "category": type_.category}


def masking_type(activity: Activity) -> ActivityType:
    """What a private entry of a colleague shows as: its own type would tell of it (rule 1.8)."""
    return private_type(activity.organization) or default_type(activity.organization)


def type_json(type_: ActivityType) -> dict[str, Any]:
    return {
        **_type_json(type_),
        "code": type_.code or None,
        "isActive": type_.is_active,
        "isDefault": type_.is_default,
    }


def _user_json(user: User) -> dict[str, Any]:
    return {"guid": user.psa_id, "name": user.name, "code": None, "keywords": []}


def user_json(user: User) -> dict[str, Any]:
    first, _sep, last = user.name.rpartition(" ")
    return {
        "guid": user.psa_id,
        "firstName": first or last,
        "lastName": last if first else "–",
        "email": user.email,
        "isActive": user.is_active,
        "timezone": {"ianaName": user.zone, "systemName": times.windows_id(user.zone)},
    }


def participant_json(participant: Participant, activity: Activity) -> dict[str, Any]:
    return {
        "guid": str(participant.guid),
        "activityGuid": activity.psa_id,
        "participantGuid": participant.user.psa_id if participant.user else str(participant.guid),
        "type": participant.kind,
        "status": participant.status,
        "name": participant.shown_name,
        "email": participant.shown_address or None,
        "phone": None,
        "mobilePhone": None,
        "isActive": True,
    }


# --- writing ----------------------------------------------------------------------------------------------------------

_TEXTS = {"name": "name", "notes": "notes", "location": "location"}
_FLAGS = {"isClosed": "closed", "isUnassigned": "unassigned", "isDraft": "draft"}
#: What Severa lets nobody write (Severa facts §1.8): here whoever keeps the hours says by PATCH that some are booked.
#: In a new activity it is passed over, as there: programs send a copied activity back whole.
_PATCHED_FLAGS = {"hasHours": "has_hours"}
#: Years of an activity: instants of their ends exist in every zone.
_FIRST_YEAR, _LAST_YEAR = 2, 9998


def changes_of(body: Mapping[str, Any], user: User, old: queries.Shown | None) -> Changes:
    """What a POST (`old` None) or the replaced fields of a PATCH mean. Raises a 400 that names the field."""
    changes: dict[str, Any] = {field: _text(body, name) for name, field in _TEXTS.items() if name in body}
    flags = _FLAGS | (_PATCHED_FLAGS if old else {})
    changes |= {field: _flag(body, name) for name, field in flags.items() if name in body}
    if "name" in changes and not changes["name"].strip():
        raise invalid(400, "name must not be empty", "RequestBody", "name")
    if body.get("activityType") is not None:
        changes["type"] = _the_type(_guid(body["activityType"], "activityType"), user)
    if "ownerUser" in body:
        changes["owner"] = _the_user(_guid(body["ownerUser"], "ownerUser"), user) if body["ownerUser"] else None
    if old is None or body.keys() & {"startDateTime", "endDateTime", "isAllDay", "hasDuration"}:
        changes |= _times(body, user, old)
    if "recurrence" in body:
        when = changes.get("when") or (old.when if old else None)
        changes["recurrence"] = _rule(body["recurrence"], when)
    return changes  # type: ignore[return-value]


def type_changes(body: Mapping[str, Any]) -> dict[str, Any]:
    """What the replaced fields of an activity type mean. Raises a 400 that names the field."""
    unknown = body.keys() - {"name", "isActive", "isDefault"}
    if unknown:
        raise invalid(400, f"{min(unknown)} cannot be changed", "RequestBody", min(unknown))
    changes: dict[str, Any] = {"name": _text(body, "name")} if "name" in body else {}
    flags = {"isActive": "is_active", "isDefault": "is_default"}
    return changes | {field: _flag(body, name) for name, field in flags.items() if name in body}


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body[name]
    if value is not None and not isinstance(value, str):
        raise invalid(400, f"{name} is text", "RequestBody", name)
    if value and "\x00" in value:
        raise invalid(400, f"{name} holds a character that cannot be stored", "RequestBody", name)
    return value or ""


def _flag(body: Mapping[str, Any], name: str, default: bool = False) -> bool:
    """A boolean; a PATCH may write it as text (Severa facts §1.7)."""
    value = body.get(name, default)
    value = {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value
    if value is not None and not isinstance(value, bool):
        raise invalid(400, f"{name} is true or false", "RequestBody", name)
    return bool(value)


def _guid(value: Any, field: str) -> str:
    guid = value.get("guid") if isinstance(value, Mapping) else None
    if not isinstance(guid, str):
        raise invalid(400, f"{field}.guid is required", "RequestBody", field)
    return guid


def _the_type(guid: str, user: User) -> ActivityType:
    for type_ in ActivityType.objects.of(user.organization).filter(is_active=True):
        if str(type_.guid) == guid.lower():
            return type_
    raise invalid(400, "There is no such active activity type", "RequestBody", "activityType")


def _the_user(guid: str, user: User) -> User:
    for colleague in User.objects.of(user.organization).active():
        if colleague.psa_id == guid.lower():
            return colleague
    raise invalid(400, "There is no such active user", "RequestBody", "ownerUser")


def _rule(value: Any, when: When | None) -> Recurrence | None:
    if value is None or when is None:
        return None
    try:
        return from_json(value, times.local_day(when))
    except NotARecurrence as error:
        raise invalid(400, str(error), "RequestBody", "recurrence") from None


def _times(body: Mapping[str, Any], user: User, old: queries.Shown | None) -> dict[str, Any]:
    """`when` and `has_duration`. No end or no duration means the whole day, not busy (rule 1.5)."""
    all_day = _flag(body, "isAllDay", isinstance(old.when, AllDay) if old else False)
    duration = _flag(body, "hasDuration", old.activity.has_duration if old else True)
    was_start, was_end = _instants(old.when, old.activity, user) if old else (None, None)
    start = _moment(body, "startDateTime", user) or was_start
    if start is None:
        raise invalid(400, "startDateTime is required", "RequestBody", "startDateTime")
    end = _moment(body, "endDateTime", user)
    if end is None and "endDateTime" not in body and was_end is not None and was_start is not None:
        end = was_end if "startDateTime" not in body else start + (was_end - was_start)
    if end is None or not duration:
        all_day, duration = True, False
    zone = old.when.zone if old and isinstance(old.when, Timed) else user.zone
    if all_day:
        first = times.to_wall(start, zone).date()
        last = times.to_wall(end, zone) if end else None
        until = last.date() + timedelta(days=last.time() > time()) if last else None
        return {"when": AllDay(first, max(until or first, times.add_days(first, 1))), "has_duration": duration}
    assert end is not None
    if end < start:
        raise invalid(400, "endDateTime lies before startDateTime", "RequestBody", "endDateTime")
    return {"when": Timed(start.astimezone(UTC), end.astimezone(UTC), zone), "has_duration": True}


def _moment(body: Mapping[str, Any], name: str, user: User) -> datetime | None:
    """A date-time of the body; one without offset is meant in the user's zone."""
    text = body.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise invalid(400, f"{name} is a date-time such as 2026-03-02T09:00:00+01:00", "RequestBody", name) from None
    return instant(moment, user, name, "RequestBody")


def instant(moment: datetime, user: User, name: str, place: str = "UriParameter") -> datetime:
    """The moment, meant in the user's zone where it has no offset. Raises a 400 outside the years we keep."""
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise invalid(400, f"{name} lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}", place, name)
    return moment if moment.tzinfo else times.to_instant(moment, user.zone)
