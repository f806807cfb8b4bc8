"""Times as Graph writes and reads them (Graph facts §4.1, §4.3)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Any

from samklang.sandbox import calendar, zones
from samklang.sandbox.graph.call import invalid
from samklang.sandbox.model import Item

_WALL = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?")
_WINDOW = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?\s*(Z|[+-]\d\d:\d\d)?)?", re.IGNORECASE)


def stamp(instant: datetime) -> str:
    """An instant with seven decimals and Z."""
    return f"{_seven(instant.astimezone(UTC))}Z"


def _seven(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "0"


def zoned(instant: datetime, zone: str | None) -> dict[str, str]:
    """A `dateTimeTimeZone` in the zone asked for; None: UTC."""
    if zone is None:
        return {"dateTime": _seven(instant), "timeZone": "UTC"}
    return {"dateTime": _seven(zones.to_local(instant, zone)), "timeZone": zone}


def floating(day: date, zone: str | None) -> dict[str, str]:
    """A date of an all-day event: its own midnight, whatever zone was asked for (Graph facts §1.7)."""
    return {"dateTime": f"{day}T00:00:00.0000000", "timeZone": zone or "UTC"}


def event_times(item: Item, zone: str | None) -> tuple[dict[str, str], dict[str, str]]:
    """Start and end as an answer shows them."""
    if not item.all_day:
        return zoned(item.start, zone), zoned(item.end, zone)
    first, last = calendar.all_day_dates(item)
    return floating(first, zone), floating(last, zone)


def read(value: Any, what: str) -> tuple[datetime, str]:
    """A `dateTimeTimeZone` of a request: the wall clock time, and its zone as it was named. Raises GraphError."""
    text = value.get("dateTime") if isinstance(value, dict) else None
    match = _WALL.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise invalid(f"{what}.dateTime is not a time without offset.", "ErrorPropertyValidationFailure")
    try:
        wall = datetime.fromisoformat(f"{match[1]}:{match[2] or '00'}")
    except ValueError as error:
        raise invalid(f"{what}.dateTime is no time.", "ErrorPropertyValidationFailure") from error
    wall = wall.replace(microsecond=int((match[3] or "0").ljust(7, "0")[:6]))
    zone = value.get("timeZone")
    try:
        zones.zone(str(zone))
    except zones.UnknownZoneError as error:
        raise invalid(
            f"A valid TimeZone value must be specified. The following TimeZone value is not supported: '{zone}'.",
            "TimeZoneNotSupportedException",
        ) from error
    return wall, str(zone)


def window_edge(text: str | None, name: str) -> datetime:
    """A bound of a calendar view: offsets count, none means UTC. Raises GraphError."""
    match = _WINDOW.fullmatch(text.strip().replace(" ", "+")) if text else None
    if match is None:
        raise invalid(
            "This request requires a time window specified by the query string parameters StartDateTime and"
            f" EndDateTime ({name} is missing or is no time).",
            "ErrorInvalidParameter",
        )
    day, clock, _, offset = match.groups()
    moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{(offset or '+00:00').upper()}")
    return moment.astimezone(UTC)


def utc_midnights(item: Item) -> tuple[datetime, datetime]:
    """What a calendar view's window is matched to: an all-day event's dates as UTC midnights, else its instants."""
    if not item.all_day:
        return item.start, item.end
    first, last = (datetime.combine(day, time(), UTC) for day in calendar.all_day_dates(item))
    return first, last
