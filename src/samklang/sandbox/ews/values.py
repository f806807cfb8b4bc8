"""Single values on the wire: instants, enumerations, zones, recurrences; both ways."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from lxml import etree

from samklang.sandbox import zones
from samklang.sandbox.ews.soap import ItemError, T, children, text_of

SHOW_AS = {
    "free": "Free",
    "tentative": "Tentative",
    "busy": "Busy",
    "oof": "OOF",
    "workingElsewhere": "WorkingElsewhere",
    "noData": "NoData",
}
RESPONSES = {
    "none": "Unknown",
    "organizer": "Organizer",
    "tentativelyAccepted": "Tentative",
    "accepted": "Accept",
    "declined": "Decline",
    "notResponded": "NoResponseReceived",
}
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PATTERNS = ("daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly", "relativeYearly")
_GROUPS = {
    7: ("Day", "sunday monday tuesday wednesday thursday friday saturday"),
    5: ("Weekday", "monday tuesday wednesday thursday friday"),
    2: ("WeekendDay", "saturday sunday"),
}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def clean(text: str) -> str:
    """Without the characters XML cannot carry."""
    return _ILLEGAL.sub("", text)


def boolean(flag: bool) -> str:
    return "true" if flag else "false"


def is_true(text: str) -> bool:
    return text.strip() in ("true", "1")


def instant(moment: datetime, *, milliseconds: bool = False) -> str:
    """UTC with Z; without fractions unless DateTimePrecision asked for them."""
    text = moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat()
    return f"{text}.{moment.microsecond // 1000:03d}Z" if milliseconds else f"{text}Z"


def read_instant(text: str, zone: str) -> datetime:
    """An xs:dateTime as UTC; one without offset is wall clock in `zone`. Raises ItemError."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ItemError("ErrorInvalidRequest", f"{text!r} is no dateTime.") from None
    return moment.astimezone(UTC) if moment.tzinfo else zones.to_utc(moment, zone)


def duration(length: timedelta) -> str:
    days, seconds = length.days, length.seconds
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    clock = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if n)
    return f"P{f'{days}D' if days else ''}{f'T{clock}' if clock else ''}" if days or clock else "PT0S"


def zone_name(zone: str, moment: datetime) -> str:
    """A display name of the kind servers give: offset and id."""
    offset = moment.astimezone(zones.zone(zone)).utcoffset() or timedelta(0)
    minutes = int(offset.total_seconds() // 60)
    sign = "-" if minutes < 0 else "+"
    return f"(UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}) {zone}"


def read_zone(id: str) -> str:
    """The Windows id of a zone a client names, which knows no other names (EWS facts §2.5). Raises ItemError."""
    try:
        return zones.windows_only(id)
    except zones.UnknownZoneError:
        raise ItemError("ErrorCalendarInvalidTimeZone", "The time zone is invalid.") from None


def day_with_offset(day: date, zone: str) -> str:
    """A recurrence date as servers write it: with the zone's offset (EWS facts §2.6)."""
    local = datetime.combine(day, datetime.min.time(), tzinfo=zones.zone(zone))
    minutes = int((local.utcoffset() or timedelta(0)).total_seconds() // 60)
    if not minutes:
        return f"{day}Z"
    return f"{day}{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def write_recurrence(recurrence: dict[str, Any], zone: str, *, first_day: bool) -> etree._Element:
    """`first_day`: the schema knows FirstDayOfWeek (2010 and later, EWS facts §2.4)."""
    whole = etree.Element(f"{T}Recurrence")
    pattern, limits = recurrence["pattern"], recurrence["range"]
    kind, interval = pattern["type"], int(pattern.get("interval") or 1)
    if kind.endswith("Yearly") and interval > 1:
        # EWS has no interval of years: the store's months show through.
        kind, interval = kind.replace("Yearly", "Monthly"), interval * 12
    part = etree.SubElement(whole, f"{T}{kind[0].upper()}{kind[1:]}Recurrence")

    def add(tag: str, value: object) -> None:
        etree.SubElement(part, T + tag).text = str(value)

    if not kind.endswith("Yearly"):
        add("Interval", interval)
    if kind in ("absoluteMonthly", "absoluteYearly"):
        add("DayOfMonth", pattern["dayOfMonth"])
    if kind in ("relativeMonthly", "relativeYearly"):
        add("DaysOfWeek", _one_day(pattern["daysOfWeek"]))
        add("DayOfWeekIndex", str(pattern.get("index") or "first").capitalize())
    if kind == "weekly":
        add("DaysOfWeek", " ".join(day.capitalize() for day in pattern["daysOfWeek"]))
        if first_day:
            add("FirstDayOfWeek", str(pattern.get("firstDayOfWeek") or "sunday").capitalize())
    if kind.endswith("Yearly"):
        add("Month", _MONTHS[int(pattern["month"]) - 1])
    names = {"noEnd": "NoEnd", "endDate": "EndDate", "numbered": "Numbered"}
    part = etree.SubElement(whole, f"{T}{names[limits['type']]}Recurrence")
    add("StartDate", day_with_offset(date.fromisoformat(limits["startDate"]), zone))
    if limits["type"] == "endDate":
        add("EndDate", day_with_offset(date.fromisoformat(limits["endDate"]), zone))
    if limits["type"] == "numbered":
        add("NumberOfOccurrences", limits["numberOfOccurrences"])
    return whole


def _one_day(days: list[str]) -> str:
    name, members = _GROUPS.get(len(days), ("", ""))
    if name and {day.lower() for day in days} == set(members.split()):
        return name
    return days[0].capitalize()


def read_recurrence(element: etree._Element) -> dict[str, Any]:
    """The recurrence document of a Recurrence element; its dates' offsets are dropped (EWS facts §2.6)."""
    parts = dict(children(element))
    pattern: dict[str, Any] = {}
    for kind in _PATTERNS:
        part = parts.get(f"{kind[0].upper()}{kind[1:]}Recurrence")
        if part is not None:
            pattern = {"type": kind, "interval": int(text_of(part, "Interval", "1"))}
            pattern |= _read_pattern(part)
    limits: dict[str, Any] = {}
    for kind in ("noEnd", "endDate", "numbered"):
        part = parts.get(f"{kind[0].upper()}{kind[1:]}Recurrence")
        if part is not None:
            limits = {"type": kind, "startDate": text_of(part, "StartDate")[:10]}
            if kind == "endDate":
                limits["endDate"] = text_of(part, "EndDate")[:10]
            if kind == "numbered":
                limits["numberOfOccurrences"] = int(text_of(part, "NumberOfOccurrences"))
    if not pattern or not limits:
        raise ItemError("ErrorUnsupportedRecurrence", "The recurrence is not supported.")
    return {"pattern": pattern, "range": limits}


def _read_pattern(part: etree._Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, child in children(part):
        text = (child.text or "").strip()
        if name == "DaysOfWeek":
            found["daysOfWeek"] = [day for word in text.split() for day in _spelled_out(word)]
        elif name == "DayOfWeekIndex":
            found["index"] = text.lower()
        elif name == "DayOfMonth":
            found["dayOfMonth"] = int(text)
        elif name == "Month":
            found["month"] = _MONTHS.index(text) + 1
        elif name == "FirstDayOfWeek":
            found["firstDayOfWeek"] = text.lower()
    return found


def _spelled_out(word: str) -> list[str]:
    for name, members in _GROUPS.values():
        if word == name:
            return members.split()
    return [word.lower()]
