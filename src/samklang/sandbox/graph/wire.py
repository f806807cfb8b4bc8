"""Stored items as Graph's event resource (Graph facts §4.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from samklang.sandbox import bodies, patterns
from samklang.sandbox.graph.call import Prefer, invalid
from samklang.sandbox.graph.times import event_times, stamp
from samklang.sandbox.model import Item, extended_key, merged, occurrence_id, occurrence_uid
from samklang.sandbox.recurrence import Occurrence

_NEVER = "0001-01-01T00:00:00Z"
_PROPERTY_ID = re.compile(
    r"(?P<kind>\w+) (?:\{(?P<set>[0-9A-Fa-f-]{36})\} (?:Name (?P<name>.+)|Id (?P<id>0x[0-9A-Fa-f]+))"
    r"|(?P<tag>0x[0-9A-Fa-f]+))"
)
_STUB = ("@odata.type", "@odata.etag", "id", "type", "seriesMasterId", "start", "end")
TYPE = "#microsoft.graph.event"

_text = lru_cache(maxsize=20_000)(bodies.to_text)


class Wire:
    """Writes events as one request's `Prefer` header wants them."""

    def __init__(self, prefer: Prefer) -> None:
        self._prefer = prefer

    def id(self, item: Item) -> str:
        return item.immutable_id if self._prefer.immutable else item.id

    def occurrence_id(self, master: Item, original: date) -> str:
        return self.id(master) + occurrence_id(master, original)[len(master.id) :]

    def entry(self, item: Item) -> dict[str, Any]:
        """A single event or a series master."""
        event = self._common(item, self.id(item))
        event["type"] = "seriesMaster" if item.recurrence else "singleInstance"
        event["recurrence"] = recurrence(item)
        return event

    def occurrence(self, master: Item, place: Occurrence) -> dict[str, Any]:
        """One date of a series, in full."""
        exception = master.exceptions.get(place.original)
        item = merged(master, exception, place.start, place.end)
        event = self._common(item, self.occurrence_id(master, place.original))
        event |= {
            "type": "exception" if exception is not None else "occurrence",
            "seriesMasterId": self.id(master),
            "originalStart": stamp(place.original_start),
            "occurrenceId": f"OID.{self.id(master)}.{place.original}",
            "iCalUId": occurrence_uid(master.uid, place.original),
        }
        event.pop("transactionId", None)
        return event

    def stub(self, master: Item, place: Occurrence) -> dict[str, Any]:
        """What a delta round says of a plain occurrence (Graph facts §1.2)."""
        item = merged(master, None, place.start, place.end)
        start, end = event_times(item, self._prefer.zone)
        return {
            "@odata.type": TYPE,
            "@odata.etag": etag(master),
            "id": self.occurrence_id(master, place.original),
            "type": "occurrence",
            "seriesMasterId": self.id(master),
            "start": start,
            "end": end,
        }

    def _common(self, item: Item, id: str) -> dict[str, Any]:
        start, end = event_times(item, self._prefer.zone)
        text = _text(item.body.content)
        location = _location(item.location)
        event: dict[str, Any] = {
            "@odata.etag": etag(item),
            "id": id,
            "createdDateTime": stamp(item.created),
            "lastModifiedDateTime": stamp(item.modified),
            "changeKey": item.change_key,
            "categories": item.categories,
            "originalStartTimeZone": item.start_zone,
            "originalEndTimeZone": item.end_zone,
            "iCalUId": item.uid,
            "uid": item.uid,
            "reminderMinutesBeforeStart": item.reminder.minutes,
            "isReminderOn": item.reminder.on,
            "hasAttachments": False,
            "subject": item.subject,
            "bodyPreview": text[:255],
            "importance": item.importance,
            "sensitivity": item.sensitivity,
            "isAllDay": item.all_day,
            "isCancelled": bool(item.appointment_state & 4),
            "isOrganizer": item.is_organizer,
            "isDraft": False,
            "responseRequested": bool(item.extra.get("responseRequested", True)),
            "seriesMasterId": None,
            "showAs": "unknown" if item.show_as == "noData" else item.show_as,
            "type": "singleInstance",
            "webLink": f"https://outlook.office365.com/owa/?itemid={id}&exvsurl=1&path=/calendar/item",
            "onlineMeetingUrl": None,
            "isOnlineMeeting": item.online_meeting,
            "onlineMeetingProvider": "teamsForBusiness" if item.online_meeting else "unknown",
            "allowNewTimeProposals": bool(item.extra.get("allowNewTimeProposals", True)),
            "hideAttendees": bool(item.extra.get("hideAttendees", False)),
            "onlineMeeting": None,
            "responseStatus": {"response": _my_response(item), "time": _NEVER},
            "body": {"contentType": "text", "content": text}
            if self._prefer.text
            else {"contentType": "html", "content": item.body.content},
            "start": start,
            "end": end,
            "location": location,
            "locations": [location] if item.location else [],
            "recurrence": None,
            "attendees": [_attendee(attendee) for attendee in item.attendees],
            "organizer": {
                "emailAddress": {
                    "name": item.organizer.name or item.organizer.address,
                    "address": item.organizer.address,
                }
            },
        }
        if item.transaction_id is not None:
            event["transactionId"] = item.transaction_id
        return event


def stub_of(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: event[name] for name in _STUB if name in event}


def etag(item: Item) -> str:
    return f'W/"{item.change_key}"'


def recurrence(item: Item) -> dict[str, Any] | None:
    """With the values the service gives to fields a pattern does not use (Graph facts §4.4)."""
    if item.recurrence is None:
        return None
    rule = patterns.rule_of(item.recurrence)
    pattern: dict[str, Any] = {
        "type": rule.kind,
        "interval": rule.interval,
        "month": rule.month,
        "dayOfMonth": rule.day,
        "firstDayOfWeek": patterns.DAYS[rule.week_start],
        "index": rule.index,
    }
    if rule.days:
        pattern["daysOfWeek"] = [patterns.DAYS[day] for day in sorted(rule.days, key=lambda d: (d + 1) % 7)]
    kind = "numbered" if rule.count else "endDate" if rule.until else "noEnd"
    return {
        "pattern": pattern,
        "range": {
            "type": kind,
            "startDate": str(rule.start),
            "endDate": str(rule.until) if rule.until else "0001-01-01",
            "recurrenceTimeZone": item.start_zone,
            "numberOfOccurrences": rule.count or 0,
        },
    }


def _location(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"displayName": name, "locationType": "default", "uniqueIdType": "unknown"}
    if name:
        found |= {"uniqueId": name, "uniqueIdType": "private"}
    return found


def _attendee(attendee: Any) -> dict[str, Any]:
    responded = stamp(attendee.responded) if attendee.responded else _NEVER
    return {
        "type": attendee.kind,
        "status": {"response": attendee.response, "time": responded},
        "emailAddress": {"name": attendee.name or attendee.address, "address": attendee.address},
    }


def _my_response(item: Item) -> str:
    if item.is_organizer:
        return "organizer"
    return item.my_response if item.my_response != "organizer" else "none"


def property_key(id: str) -> str:
    """The key of `Item.extended` for Graph's `String {guid} Name X` and the like. Raises GraphError."""
    match = _PROPERTY_ID.fullmatch(id)
    if match is None:
        raise invalid(f"'{id}' is no id of an extended property.", "ErrorInvalidProperty")
    kind, number, tag = match["kind"], match["id"], match["tag"]
    if tag:
        return extended_key(kind, tag=int(tag, 16))
    if number:
        return extended_key(kind, set_guid=match["set"], id=int(number, 16))
    return extended_key(kind, set_guid=match["set"], name=match["name"])


def extended(held: Mapping[str, Any], ids: list[str]) -> list[dict[str, str]]:
    """The single-value extended properties an $expand asked for by id."""
    found = ((id, held.get(property_key(id))) for id in ids)
    return [{"id": id, "value": str(value)} for id, value in found if value is not None]
