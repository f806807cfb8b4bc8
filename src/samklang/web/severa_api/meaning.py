"""What a POST or PATCH of activities and types means (Severa facts §1.7, §1.8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from samklang.accounts.models import User
from samklang.accounts.programs import Actor
from samklang.activities import queries
from samklang.activities.models import ActivityType
from samklang.activities.services import Changes
from samklang.connectors.severa.recurrence import NotARecurrence, from_json
from samklang.engine import times
from samklang.engine.model import AllDay, Category, Recurrence, Timed, When
from samklang.web.severa_api.problems import invalid
from samklang.web.severa_api.shape import instant, instants

_TEXTS = {"name": "name", "notes": "notes", "location": "location"}
_FLAGS = {"isClosed": "closed", "isUnassigned": "unassigned", "isDraft": "draft"}
#: What Severa lets nobody write (Severa facts §1.8): here whoever keeps the hours says by PATCH that some are booked.
_PATCHED_FLAGS = {"hasHours": "has_hours"}
_TIMES = {"startDateTime", "endDateTime", "isAllDay", "hasDuration"}
_KNOWN = {*_TEXTS, *_FLAGS, *_PATCHED_FLAGS, *_TIMES, "activityType", "ownerUser", "recurrence"}


def changes_of(body: Mapping[str, Any], who: Actor, old: queries.Shown | None) -> Changes:
    """What a POST (`old` None) or the replaced fields of a PATCH mean. Raises a 400 that names the field.

    What cannot be written is passed over in a POST, for programs send a copied activity back whole; a PATCH that names
    it is refused.
    """
    unknown = body.keys() - _KNOWN if old else None
    if unknown:
        raise invalid(400, f"{min(unknown)} cannot be changed", "RequestBody", min(unknown))
    changes: dict[str, Any] = {field: _text(body, name) for name, field in _TEXTS.items() if name in body}
    flags = _FLAGS | (_PATCHED_FLAGS if old else {})
    changes |= {field: _flag(body, name) for name, field in flags.items() if name in body}
    if "name" in changes and not changes["name"].strip():
        raise invalid(400, "name must not be empty", "RequestBody", "name")
    if body.get("activityType") is not None:
        changes["type"] = _the_type(_guid(body["activityType"], "activityType"), who)
    if "ownerUser" in body:
        named = body["ownerUser"]
        changes["owner"] = the_user(_guid(named, "ownerUser"), who, "ownerUser") if named else None
    if old is None or body.keys() & _TIMES:
        owner = changes.get("owner", old.activity.owner if old else None)
        changes |= _times(body, who, old, owner.zone if owner else who.zone)
    if "recurrence" in body:
        when = changes.get("when") or (old.when if old else None)
        changes["recurrence"] = _rule(body["recurrence"], when)
    return changes  # type: ignore[return-value]


def type_changes(body: Mapping[str, Any]) -> dict[str, Any]:
    """What the replaced fields of an activity type mean. Raises a 400 that names the field."""
    unknown = body.keys() - {"name", "code", "isActive", "isDefault"}
    if unknown:
        raise invalid(400, f"{min(unknown)} cannot be changed", "RequestBody", min(unknown))
    changes: dict[str, Any] = {name: _text(body, name) for name in ("name", "code") if name in body}
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


def new_type(body: Mapping[str, Any]) -> tuple[str, Category, dict[str, Any]]:
    """Name, category and what else a POST says of an activity type. Raises a 400 that names the field."""
    for name in ("name", "category"):
        if body.get(name) is None:
            raise invalid(400, f"{name} is required", "RequestBody", name)
    try:
        category = Category(body["category"])
    except ValueError:
        known = ", ".join(Category)
        raise invalid(400, f"category is one of {known}", "RequestBody", "category") from None
    more = {name: body[name] for name in ("code", "isActive", "isDefault") if body.get(name) is not None}
    return _text(body, "name"), category, type_changes(more)


def _the_type(guid: str, who: Actor) -> ActivityType:
    for type_ in ActivityType.objects.of(who.organization).filter(is_active=True):
        if str(type_.guid) == guid.lower():
            return type_
    raise invalid(400, "There is no such active activity type", "RequestBody", "activityType")


def the_user(guid: str, who: Actor, field: str) -> User:
    """The active colleague with this guid. Raises a 400 that names the `field` it was given in."""
    for colleague in User.objects.of(who.organization).active():
        if colleague.psa_id == guid.lower():
            return colleague
    raise invalid(400, "There is no such active user", "RequestBody", field)


def _rule(value: Any, when: When | None) -> Recurrence | None:
    if value is None or when is None:
        return None
    try:
        return from_json(value, times.local_day(when))
    except NotARecurrence as error:
        raise invalid(400, str(error), "RequestBody", "recurrence") from None


def _times(body: Mapping[str, Any], who: Actor, old: queries.Shown | None, zone: str) -> dict[str, Any]:
    """`when` and `has_duration`. No end or no duration means the whole day, not busy (rule 1.5).

    An activity has no zone of its own there: a new one is in its owner's, `zone` (Severa facts §1.6).
    """
    all_day = _flag(body, "isAllDay", isinstance(old.when, AllDay) if old else False)
    duration = _flag(body, "hasDuration", old.activity.has_duration if old else True)
    was_start, was_end = instants(old.when, old.activity, who) if old else (None, None)
    start = _moment(body, "startDateTime", who) or was_start
    if start is None:
        raise invalid(400, "startDateTime is required", "RequestBody", "startDateTime")
    end = _moment(body, "endDateTime", who)
    if end is None and "endDateTime" not in body and was_end is not None and was_start is not None:
        end = was_end if "startDateTime" not in body else start + (was_end - was_start)
    if end is None or not duration:
        all_day, duration = True, False
    zone = old.when.zone if old and isinstance(old.when, Timed) else zone
    if all_day:
        first = times.to_wall(start, zone).date()
        last = times.to_wall(end, zone) if end else None
        until = last.date() + timedelta(days=last.time() > time()) if last else None
        return {"when": AllDay(first, max(until or first, times.add_days(first, 1))), "has_duration": duration}
    assert end is not None
    if end < start:
        raise invalid(400, "endDateTime lies before startDateTime", "RequestBody", "endDateTime")
    return {"when": Timed(start.astimezone(UTC), end.astimezone(UTC), zone), "has_duration": True}


def _moment(body: Mapping[str, Any], name: str, who: Actor) -> datetime | None:
    """A date-time of the body; one without offset is meant in the caller's zone."""
    text = body.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise invalid(400, f"{name} is a date-time such as 2026-03-02T09:00:00+01:00", "RequestBody", name) from None
    return instant(moment, who, name, "RequestBody")
