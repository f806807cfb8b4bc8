"""An independent reading of a calendar file: icalendar for the text, dateutil for the dates, nothing of ours."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
from dateutil.rrule import rruleset, rrulestr

#: (title, start, end) with instants in UTC or, for whole days, dates.
Seen = tuple[str, datetime | date, datetime | date]


def expand(text: bytes, zone: str, start: datetime, end: datetime) -> list[Seen]:
    """All occurrences that overlap [start, end), sorted; `zone` is for floating times and for placing whole days."""
    events = icalendar.Calendar.from_ical(text).walk("VEVENT")
    changed: dict[str, list[Any]] = defaultdict(list)
    for event in events:
        if "RECURRENCE-ID" in event:
            changed[str(event["UID"])].append(event)
    found: list[Seen] = []
    for event in events:
        if "RECURRENCE-ID" not in event:
            replaced = {_utc(other["RECURRENCE-ID"].dt, zone) for other in changed[str(event["UID"])]}
            found += [
                _seen(event, begin, zone) for begin in _starts(event, zone, end) if _utc(begin, zone) not in replaced
            ]
    found += [_seen(event, event["DTSTART"].dt, zone) for others in changed.values() for event in others]
    inside = [one for one in found if _overlaps(one, zone, start, end)]
    return sorted(inside, key=lambda one: (_utc(one[1], zone), str(one)))


def _starts(event: Any, zone: str, end: datetime) -> list[datetime | date]:
    begin = event["DTSTART"].dt
    if "RRULE" not in event:
        return [begin]
    clocks = _clocks(begin, zone)
    wall = datetime.combine(begin, time()) if not isinstance(begin, datetime) else begin.replace(tzinfo=None)
    rules = rruleset()
    rule = event["RRULE"]
    until = rule.pop("UNTIL", [None])[0]
    parsed = rrulestr(rule.to_ical().decode(), dtstart=wall)
    if until is not None:
        rule["UNTIL"] = [until]
        if not isinstance(until, datetime):
            until = datetime.combine(until, time.max)
        elif until.tzinfo is not None and isinstance(begin, datetime):
            until = until.astimezone(clocks)
        parsed = parsed.replace(until=until.replace(tzinfo=None))
    rules.rrule(parsed)
    excluded = event.get("EXDATE", [])
    for line in excluded if isinstance(excluded, list) else [excluded]:
        for value in line.dts:
            out = value.dt
            if not isinstance(out, datetime):
                out = datetime.combine(out, time())
            elif out.tzinfo is not None and isinstance(begin, datetime):
                out = out.astimezone(clocks)
            rules.exdate(out.replace(tzinfo=None))
    last = end.replace(tzinfo=None) + timedelta(days=2)
    walls = rules.between(wall - timedelta(days=1), last, inc=True)
    return [one.replace(tzinfo=clocks) if isinstance(begin, datetime) else one.date() for one in walls]


def _seen(event: Any, begin: datetime | date, zone: str) -> Seen:
    title = str(event.get("SUMMARY", "")).strip() or "(no subject)"
    first = event["DTSTART"].dt
    if not isinstance(begin, datetime):
        length = event["DTEND"].dt - first if "DTEND" in event else timedelta(days=1)
        return title, begin, begin + max(length, timedelta(days=1))
    clocks = _clocks(first, zone)
    if "DTEND" in event:
        last = event["DTEND"].dt
        # The same length by the wall clock, which in these files is the same zone at both ends.
        length = last.replace(tzinfo=None) - first.replace(tzinfo=None)
    else:
        length = event["DURATION"].dt if "DURATION" in event else timedelta()
    wall = begin.replace(tzinfo=None)
    return title, _utc(wall.replace(tzinfo=clocks), zone), _utc((wall + length).replace(tzinfo=clocks), zone)


def _clocks(moment: datetime | date, zone: str) -> Any:
    return (isinstance(moment, datetime) and moment.tzinfo) or ZoneInfo(zone)


def _utc(moment: datetime | date, zone: str) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _overlaps(seen: Seen, zone: str, start: datetime, end: datetime) -> bool:
    begins, ends = _utc(seen[1], zone), _utc(seen[2], zone)
    return begins < end and (ends > start or begins == ends == start)
