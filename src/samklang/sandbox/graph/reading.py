"""Graph's event resource as it is sent, as fields of a stored item (Graph facts §4.2-4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, Literal

from samklang.sandbox import bodies, zones
from samklang.sandbox.graph import times
from samklang.sandbox.graph.call import invalid
from samklang.sandbox.graph.wire import property_key
from samklang.sandbox.model import Attendee, Body, Item, Mailbox, Reminder
from samklang.sandbox.patterns import rule_of

_WRONG = "ErrorPropertyValidationFailure"
_PLAIN = {
    "subject": "subject",
    "categories": "categories",
    "importance": "importance",
    "sensitivity": "sensitivity",
    "isOnlineMeeting": "online_meeting",
}
_EXTRA = ("responseRequested", "allowNewTimeProposals", "hideAttendees")
_WHOLE = ("Integer", "Short", "Long")
_MOST_MINUTES = 2**31 - 1


def fields_of(body: Mapping[str, Any], mailbox: Mailbox, current: Item | None) -> dict[str, Any]:
    """What a request sets, by the names of `Item`; `current` is the event before a PATCH. Raises GraphError."""
    fields = {own: body[name] for name, own in _PLAIN.items() if body.get(name) is not None}
    if "body" in body:
        sent = body["body"] or {}
        kind: Literal["text", "html"] = "text" if str(sent.get("contentType", "text")).lower() == "text" else "html"
        fields["body"] = Body(type=kind, content=bodies.stored(kind, sent.get("content") or ""))
    if "location" in body or "locations" in body:
        places = [body.get("location") or {}, *(body.get("locations") or [])]
        fields["location"] = next((p["displayName"] for p in places if p.get("displayName")), "")
    if body.get("showAs") is not None:
        fields["show_as"] = "noData" if body["showAs"] == "unknown" else body["showAs"]
    fields |= _reminder(body, mailbox, current)
    if "attendees" in body:
        fields["attendees"] = _attendees(body["attendees"] or [], mailbox, current)
    extra = {name: body[name] for name in _EXTRA if name in body}
    if extra:
        fields["extra"] = (current.extra if current else {}) | extra
    if "singleValueExtendedProperties" in body:
        fields["extended"] = (current.extended if current else {}) | _extended(body["singleValueExtendedProperties"])
    return fields | _times(body, current)


def _reminder(body: Mapping[str, Any], mailbox: Mailbox, current: Item | None) -> dict[str, Any]:
    if current is not None and "isReminderOn" not in body and "reminderMinutesBeforeStart" not in body:
        return {}
    before = current.reminder if current else Reminder(on=True, minutes=mailbox.default_reminder_minutes)
    on, minutes = body.get("isReminderOn"), body.get("reminderMinutesBeforeStart")
    if minutes is not None and minutes > _MOST_MINUTES:
        raise invalid("reminderMinutesBeforeStart is no Edm.Int32.", "RequestBodyRead")
    return {
        "reminder": Reminder(on=before.on if on is None else on, minutes=before.minutes if minutes is None else minutes)
    }


def _attendees(sent: list[Mapping[str, Any]], mailbox: Mailbox, current: Item | None) -> list[Attendee]:
    """The organizer is not among them; who stays keeps his answer."""
    own = {address.casefold() for address in mailbox.addresses}
    known = {a.address.casefold(): a for a in (current.attendees if current else [])}
    found = []
    for person in sent:
        address = str((person.get("emailAddress") or {}).get("address") or "")
        if "@" not in address:
            raise invalid("At least one attendee has no valid e-mail address.", "ErrorInvalidRecipients")
        if address.casefold() in own:
            continue
        before = known.get(address.casefold(), Attendee())
        found.append(
            Attendee(
                name=(person.get("emailAddress") or {}).get("name") or before.name or address,
                address=address,
                kind=person.get("type") or "required",
                response=before.response,
                responded=before.responded,
            )
        )
    return found


def _extended(sent: list[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in sent:
        key, value = property_key(str(one.get("id"))), one.get("value")
        found[key] = _whole(value) if key.rsplit(":", 1)[1] in _WHOLE else value
    return found


def _whole(value: Any) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise invalid("The value of an extended property is none of its type.", _WRONG) from None


def _times(body: Mapping[str, Any], current: Item | None) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    all_day = body["isAllDay"] if body.get("isAllDay") is not None else bool(current and current.all_day)
    if body.get("isAllDay") is not None:
        fields["all_day"] = all_day
    sent = {name: times.read(body[name], name) for name in ("start", "end") if body.get(name) is not None}
    if all_day:
        _check_whole_days(sent, current, newly="all_day" in fields and not (current and current.all_day))
    for name, (wall, zone) in sent.items():
        fields[name], fields[f"{name}_zone"] = zones.to_utc(wall, zone), zones.windows_id(zone)
    start, end = fields.get("start", current and current.start), fields.get("end", current and current.end)
    if start is None or end is None:
        raise invalid("An event needs start and end.", _WRONG)
    if end < start:
        raise invalid("The end of the event is before its start.", _WRONG)
    if "recurrence" in body:
        fields |= _recurrence(body["recurrence"], fields, current, all_day=all_day)
    elif current is not None and current.recurrence is not None and "start" in fields:
        _check_same_day(fields, current)
    return fields


def _check_whole_days(sent: Mapping[str, tuple[datetime, str]], current: Item | None, *, newly: bool) -> None:
    known = {name: wall for name, (wall, _) in sent.items()}
    if current is not None and newly:
        known.setdefault("start", zones.to_local(current.start, current.start_zone))
        known.setdefault("end", zones.to_local(current.end, current.start_zone))
    for name, wall in known.items():
        if wall.time() != time():
            raise invalid(
                f"The Event.{name.capitalize()} property for an all-day event needs to be set to midnight.", _WRONG
            )
    if len(sent) == 2:
        if zones.windows_id(sent["start"][1]) != zones.windows_id(sent["end"][1]):
            raise invalid("Start and end of an all-day event need the same time zone.", _WRONG)
        if sent["start"][0] == sent["end"][0]:
            raise invalid("The duration of an event marked as All day must be at least 24 hours.", _WRONG)


def _recurrence(
    sent: Mapping[str, Any] | None, fields: Mapping[str, Any], current: Item | None, *, all_day: bool
) -> dict[str, Any]:
    """A recurrence decides the zone its event is kept in: its dates follow that zone's clocks."""
    if sent is None:
        return {"recurrence": None}
    pattern, limits = dict(sent.get("pattern") or {}), dict(sent.get("range") or {})
    own = fields.get("start_zone") or (current.start_zone if current else "UTC")
    named = limits.get("recurrenceTimeZone") or own
    try:
        zone = zones.windows_id(named)
    except zones.UnknownZoneError as error:
        raise invalid(f"The time zone '{named}' is not supported.", "TimeZoneNotSupportedException") from error
    start = fields.get("start") or (current.start if current else None)
    end = fields.get("end") or (current.end if current else None)
    assert start is not None and end is not None
    changed: dict[str, Any] = {"start_zone": zone, "start": start, "end": end}
    changed["end_zone"] = fields.get("end_zone") or (current.end_zone if current else zone)
    if all_day and zone != own:  # an all-day series keeps its dates, so its midnights move to the series' zone
        changed |= {name: zones.to_utc(zones.to_local(changed[name], own), zone) for name in ("start", "end")}
    if all_day:
        changed["end_zone"] = zone
    if limits.get("startDate") != str(zones.to_local(changed["start"], zone).date()):
        raise invalid("recurrence.range.startDate has to be the date of the event's start.", _WRONG)
    limits["recurrenceTimeZone"] = zone
    recurrence = {"pattern": pattern, "range": limits}
    if current is not None and current.recurrence and rule_of(recurrence) == rule_of(current.recurrence):
        recurrence = current.recurrence  # the same rule in other words lays nothing out anew
    return changed | {"recurrence": recurrence}


def _check_same_day(fields: Mapping[str, Any], current: Item) -> None:
    zone = current.start_zone
    if zones.to_local(fields["start"], zone).date() != zones.to_local(current.start, zone).date():
        raise invalid("A series that moves to another day needs its recurrence in the same request.", _WRONG)
