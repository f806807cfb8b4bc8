"""Events as Graph sends them: seven decimals, UTC, nulls, and defaults in the unused fields of a recurrence."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def point(moment: str, zone: str = "UTC") -> Json:
    return {"dateTime": f"{moment}.0000000", "timeZone": zone}


def event(**changes: Any) -> Json:
    """Lunch on 2 March 2026, 12-13 in Stockholm; a change to None is null in the answer."""
    sample: Json = {
        "@odata.etag": 'W/"CK1"',
        "id": "AAMkA=",
        "changeKey": "CK1",
        "type": "singleInstance",
        "seriesMasterId": None,
        "iCalUId": "040000008200E00074C5B7101A82E008",
        "transactionId": None,
        "createdDateTime": "2026-02-01T08:00:00.1234567Z",
        "lastModifiedDateTime": "2026-02-02T09:30:00.1234567Z",
        "subject": "Lunch",
        "body": {"contentType": "html", "content": "<html><body><p>Bring soup</p></body></html>"},
        "location": {"displayName": "Kitchen", "locationType": "default"},
        "start": point("2026-03-02T11:00:00"),
        "end": point("2026-03-02T12:00:00"),
        "originalStartTimeZone": "W. Europe Standard Time",
        "originalEndTimeZone": "W. Europe Standard Time",
        "isAllDay": False,
        "sensitivity": "normal",
        "showAs": "busy",
        "recurrence": None,
        "organizer": {"emailAddress": {"name": "Alice", "address": "alice@example.com"}},
        "attendees": [],
        "isOrganizer": True,
        "isCancelled": False,
        "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
    }
    return sample | changes


def rule(type: str, range: Json | None = None, **pattern: Any) -> Json:
    """A recurrence as answers carry it, with the defaults that are no values."""
    defaults = {
        "interval": 1,
        "month": 0,
        "dayOfMonth": 0,
        "daysOfWeek": [],
        "firstDayOfWeek": "sunday",
        "index": "first",
    }
    end = {"type": "noEnd", "endDate": "0001-01-01", "numberOfOccurrences": 0}
    base = {"startDate": "2026-03-02", "recurrenceTimeZone": "W. Europe Standard Time"}
    return {"pattern": {"type": type} | defaults | pattern, "range": base | end | (range or {})}


def series(recurrence: Json, **changes: Any) -> Json:
    return event(type="seriesMaster", recurrence=recurrence, **changes)


def exception(original: str, **changes: Any) -> Json:
    """A changed occurrence; `original` is the instant its rule gave it."""
    return event(type="exception", seriesMasterId="AAMkA=", originalStart=f"{original}Z", **changes)
