"""Activities as Severa's JSON, and back: the fields of ActivityModel (Severa facts §1.8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import available_timezones

from django.conf import settings

from samklang.accounts.models import Organization, User
from samklang.accounts.programs import Actor
from samklang.activities import queries, rows
from samklang.activities.models import Activity, ActivityType, Participant
from samklang.activities.types import default_type, private_type
from samklang.connectors.severa.recurrence import to_json
from samklang.engine import rrule, times
from samklang.engine.model import AllDay, Inexpressible, Recurrence, Timed, When
from samklang.web.severa_api.problems import invalid

#: Years of an activity: instants of their ends exist in every zone.
_FIRST_YEAR, _LAST_YEAR = 2, 9998
_LARGEST_OFFSET = timedelta(hours=14)
#: Stands for the owner of what has none: the field is demanded, and never null (ActivityModel).
NOBODY: dict[str, Any] = {"guid": str(UUID(int=0)), "name": None, "code": None, "keywords": []}
#: Time zones have no ids of their own here: theirs is made of their name.
_ZONES = UUID("6f9b4b1e-3f0f-4c0e-8a43-7b4f4c1f1d10")


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


def activity_json(seen: queries.Shown, reader: Actor) -> dict[str, Any]:
    """One activity, series or occurrence as its reader may see it."""
    activity = seen.activity
    start, end = instants(seen.when, activity, reader)
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
        "ownerUser": _owner_json(activity.owner) if activity.owner else NOBODY,
        "customer": None,
        "phase": None,
        "projectTaskStatus": None,
        "recurrence": _recurrence_json(activity, rule) if isinstance(rule, Recurrence) else None,
        "recurrenceRule": _rule_text(rule, seen.when),
        "recurrenceType": kind,
        "recurrenceParentActivityGuid": activity.psa_id if seen.day is not None else None,
        "createdDateTime": activity.created.isoformat(),
        "lastUpdatedDateTime": activity.modified.isoformat(),
        "createdBy": None if seen.masked else _who_json(activity.created_by),
        "lastUpdatedBy": None if seen.masked else _who_json(activity.modified_by),
    }


def _rule_text(rule: Recurrence | Inexpressible | None, when: When) -> str | None:
    if rule is None:
        return None
    return rrule.text(rule, when) if isinstance(rule, Recurrence) else rule.rule


def instants(when: When, activity: Activity, reader: Actor) -> tuple[datetime, datetime]:
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
        "isPaidLeave": None,
        "createdDateTime": type_.created.isoformat(),
        "createdBy": None,
        "lastUpdatedDateTime": type_.changed.isoformat(),
        "lastUpdatedBy": None,
    }


def _owner_json(user: User) -> dict[str, Any]:
    return {"guid": user.psa_id, "name": user.name, "code": None, "keywords": []}


def _who_json(user: User | None) -> dict[str, Any] | None:
    """Who did something; None for a program, and for who is erased."""
    if user is None:
        return None
    first, last = _names(user)
    return {"guid": user.psa_id, "firstName": first, "lastName": last, "name": user.name, "code": None}


def _names(user: User) -> tuple[str, str]:
    """First and last name, neither empty (UserOutputModel); we keep the whole name only."""
    first, _sep, last = user.name.rpartition(" ")
    return (first, last) if first else (last, "–")


def user_json(user: User, types: Mapping[str, ActivityType]) -> dict[str, Any]:
    """`types`: the organization's, by guid."""
    first, last = _names(user)
    own = types.get(user.default_activity_type)
    return {
        "guid": user.psa_id,
        "firstName": first,
        "lastName": last,
        "email": user.email,
        "code": None,
        "isActive": user.is_active,
        "language": language_json(user.language) | {"englishName": None},
        "timezone": zone_json(user.zone),
        "defaultActivityType": {"guid": str(own.guid), "name": own.name} if own else None,
        "userType": "FullUser" if user.is_administrator else "Employee",
        "notificationSettings": {
            "sendNewActivityEmail": False,
            "sendTodaysAgendaEmail": False,
            "sendWeeklySummaryEmail": False,
        },
        "createdDateTime": user.created.isoformat(),
        "lastUpdatedDateTime": user.changed.isoformat(),
    }


def language_json(code: str) -> dict[str, Any]:
    return {"guid": str(uuid5(_ZONES, code)), "code": code, "name": str(dict(settings.LANGUAGES).get(code, code))}


def zone_json(name: str) -> dict[str, Any]:
    return {"guid": zone_guid(name), "name": name, "ianaName": name, "systemName": times.windows_id(name)}


def zone_guid(name: str) -> str:
    return str(uuid5(_ZONES, name))


def zones() -> list[str]:
    """IANA names of the zones a person may choose, in order."""
    return sorted(available_timezones())


def organization_json(organization: Organization) -> dict[str, Any]:
    """What is kept of an organization; companies, addresses and money are not."""
    zone = zone_json(organization.zone)
    return {
        "guid": str(organization.guid),
        "name": organization.name,
        "language": language_json(organization.language),
        "formatting": None,
        "timezone": {"guid": zone["guid"], "name": zone["name"]},
        "activeCompanies": [],
        "activeAddons": [],
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


def instant(moment: datetime, who: Actor, name: str, place: str = "UriParameter") -> datetime:
    """The moment, meant in the user's zone where it has no offset. Raises a 400 outside the years we keep, and for an
    offset a DateTimeOffset (Severa facts §1.6), and PostgreSQL, do not know."""
    if abs(moment.utcoffset() or timedelta()) > _LARGEST_OFFSET:
        raise invalid(400, f"{name} has an offset of more than 14 hours", place, name)
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise invalid(400, f"{name} lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}", place, name)
    return moment if moment.tzinfo else times.to_instant(moment, who.zone)
