"""Entries to Graph's JSON: pure. Bodies are sparse, so what nobody changed is never touched (Graph facts §4.2-4.4)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time
from typing import Any

from samklang.connectors.graph.schema import KEY_PROPERTY, TRANSACTION
from samklang.connectors.graph.wire import AVAILABILITY, POSITION
from samklang.engine import recurrence, times
from samklang.engine.model import AllDay, Entry, Frequency, Occurrence, Recurrence, When
from samklang.sync.errors import Inexpressible

Json = dict[str, Any]

_SHOW_AS = {each: name for name, each in AVAILABILITY.items()} | {AVAILABILITY["workingelsewhere"]: "workingElsewhere"}
_INDEX = {number: name for name, number in POSITION.items()}


def create_body(entry: Entry, key: str, *, home: str, is_past: bool) -> Json:
    """Body of POST …/events for a single event or a master, without attendees, marked with our key.

    `home`: IANA zone of the user, in whose midnights whole days are kept. `is_past`: its start is over, so it gets no
    reminder; else the mailbox's default (rule 2). Raises Inexpressible.
    """
    body: Json = {
        "subject": entry.title,
        "body": text_body(entry.text),
        "location": {"displayName": entry.place},
        "sensitivity": entry.sensitivity.value,
        "showAs": _SHOW_AS[entry.availability],
        "transactionId": TRANSACTION + key,
        "singleValueExtendedProperties": [{"id": KEY_PROPERTY, "value": key}],
        **when_body(entry.when, home, is_series=entry.is_series),
    }
    if entry.recurrence is not None:
        body["recurrence"] = recurrence_body(entry, home)
    if is_past:
        body["isReminderOn"] = False
    return body


def update_body(entry: Entry, changed: Collection[str], home: str) -> Json:
    """Body of PATCH for a single event or a master; empty when `changed` names only occurrences.

    The text is not in it: it may need the online-meeting block that stands on the server. Raises Inexpressible.
    """
    body: Json = _plain(entry, changed)
    # The rule says on which date and in which zone the series starts, so neither travels without the other.
    if "time" in changed or (entry.is_series and "recurrence" in changed):
        body |= when_body(entry.when, home, is_series=entry.is_series)
    if "recurrence" in changed or ("time" in changed and entry.is_series):
        body["recurrence"] = recurrence_body(entry, home)
    return body


def occurrence_body(wanted: Occurrence, changed: Collection[str], home: str) -> Json:
    """Body of PATCH for one occurrence; `changed` are field names without their date."""
    body: Json = _plain(wanted, changed)
    if "text" in changed:
        body["body"] = text_body(wanted.text)
    if "time" in changed:
        body |= when_body(wanted.when, home, is_series=False)
    return body


def _plain(content: Entry | Occurrence, changed: Collection[str]) -> Json:
    body: Json = {}
    if "title" in changed:
        body["subject"] = content.title
    if "place" in changed:
        body["location"] = {"displayName": content.place}
    if "sensitivity" in changed:
        body["sensitivity"] = content.sensitivity.value
    if "availability" in changed:
        body["showAs"] = _SHOW_AS[content.availability]
    return body


def text_body(text: str) -> Json:
    """The server makes HTML of it, which reads back as the same text."""
    return {"contentType": "text", "content": text}


def when_body(when: When, home: str, *, is_series: bool) -> Json:
    """start, end and isAllDay. All-day dates float and never pass through a zone (Graph facts §1.7).

    Their midnights are still said to be the user's own, for programs that take them for instants.
    """
    if isinstance(when, AllDay):
        last = max(when.end, times.add_days(when.first, 1))
        return {"start": _midnight(when.first, home), "end": _midnight(last, home), "isAllDay": True}
    zone, end_zone = when.zone, when.end_zone or when.zone
    if not is_series and not (_keeps_instant(zone, when.start) and _keeps_instant(end_zone, when.end)):
        zone = end_zone = "UTC"
    return {
        "start": _point(times.to_wall(when.start, zone), zone),
        "end": _point(times.to_wall(when.end, end_zone), end_zone),
        "isAllDay": False,
    }


def recurrence_body(entry: Entry, home: str) -> Json | None:
    """pattern and range; None makes a series a single event again. Raises Inexpressible with the reason as detail."""
    if entry.recurrence is None:
        return None
    start = times.local_day(entry.when)
    reason = recurrence.problem(entry.recurrence, start)
    if reason is not None or not isinstance(entry.recurrence, Recurrence):
        raise Inexpressible("recurrence_inexpressible", reason=reason or "")
    rule = recurrence.within_limits(recurrence.explicit(entry.recurrence, start), start)
    zone = _midnight(start, home)["timeZone"] if isinstance(entry.when, AllDay) else _name(entry.when.zone)
    return {"pattern": _pattern(rule, entry.recurrence), "range": _range(rule, start) | {"recurrenceTimeZone": zone}}


def _pattern(rule: Recurrence, given: Recurrence) -> Json:
    """Only the fields of its type: a stray value in an ignored field is an error (Graph facts §4.4)."""
    pattern: Json = {"interval": rule.interval}
    days = [day.name.lower() for day in rule.weekdays]
    match rule.frequency:
        case Frequency.DAILY:
            return pattern | {"type": "daily"}
        case Frequency.WEEKLY:
            # As given, even where it decides nothing: people see it in Outlook.
            return pattern | {"type": "weekly", "daysOfWeek": days, "firstDayOfWeek": given.week_start.name.lower()}
    if rule.position is None:
        pattern |= {"type": "absolute", "dayOfMonth": rule.day_of_month}
    else:
        pattern |= {"type": "relative", "daysOfWeek": days, "index": _INDEX[rule.position]}
    if rule.frequency is Frequency.YEARLY:
        pattern["month"] = rule.month
    pattern["type"] += rule.frequency.value.capitalize()
    return pattern


def _range(rule: Recurrence, start: date) -> Json:
    begin = {"startDate": start.isoformat()}
    if rule.until is not None:
        return begin | {"type": "endDate", "endDate": rule.until.isoformat()}
    if rule.count is not None:
        return begin | {"type": "numbered", "numberOfOccurrences": rule.count}
    return begin | {"type": "noEnd"}


def _midnight(day: date, home: str) -> Json:
    return _point(datetime.combine(day, time()), home if times.windows_id(home) else "UTC")


def _point(wall: datetime, zone: str) -> Json:
    return {"dateTime": wall.isoformat(), "timeZone": _name(zone)}


def _name(zone: str) -> str:
    """The Windows id Exchange keeps; a name it has none for is sent as it is, and may be refused."""
    return "UTC" if zone == "UTC" else times.windows_id(zone) or zone


def _keeps_instant(zone: str, instant: datetime) -> bool:
    """Whether the wall time sent for this instant means this instant to the server.

    Not when it happens twice (autumn), when Exchange does not know the zone, or when the rules behind its Windows id
    differ from the zone's own at that time: then the event travels in UTC (Graph facts §4.3).
    """
    known = times.windows_id(zone)
    if known is None:
        return zone == "UTC"
    wall = times.to_wall(instant, zone)
    return all(times.to_instant(wall.replace(fold=fold), known) == instant for fold in (0, 1))
