"""Entries as plain values (tests/meant/table.py says which), read and written with exchangelib.

What is read: instants as ISO text with an offset, whole days as dates (the last one exclusive), zones by their Windows
names, dates of a series by their original start.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import exchangelib as x
from exchangelib import recurrence as r
from exchangelib.extended_properties import ExtendedProperty
from exchangelib.items import CalendarItem
from exchangelib.properties import ItemId


class Key(ExtendedProperty):  # type: ignore[misc]
    """The mark our client puts on what it makes."""

    property_set_id = "6f0d1c4e-52a7-4b0f-9a3e-8c1d7f2b9e45"
    property_name = "SamklangKey"
    property_type = "String"


CalendarItem.register("samklang_key", Key)

KINDS = {
    "daily": (r.DailyPattern, None),
    "weekly": (r.WeeklyPattern, None),
    "monthly": (r.AbsoluteMonthlyPattern, r.RelativeMonthlyPattern),
    "yearly": (r.AbsoluteYearlyPattern, r.RelativeYearlyPattern),
}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
GROUPS = {"Day": DAYS, "Weekday": DAYS[:5], "WeekendDay": DAYS[5:]}
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
SHOWS = {"WorkingElsewhere": "elsewhere"}
ONE_DAY = dt.timedelta(days=1)


# --- reading


def read(account: x.Account, ids: list[str]) -> list[dict[str, Any]]:
    items = _fetched(account, ids)
    changed = [occurrence.id for item in items for occurrence in item.modified_occurrences or ()]
    contents = dict(zip(changed, _fetched(account, changed), strict=True))
    return [_told(item, contents) for item in items]


def dates(account: x.Account, start: str, end: str) -> dict[str, list[str]]:
    """UID -> the starts of all that takes place between two dates, in order."""
    found: dict[str, list[str]] = {}
    for item in _view(account, start, end).only("uid", "start", "is_all_day"):
        found.setdefault(item.uid, []).append(item.start.isoformat())
    return found


def _view(account: x.Account, start: str, end: str) -> Any:
    first, last = (x.EWSDateTime.fromisoformat(f"{day}T00:00:00+00:00") for day in (start, end))
    return account.calendar.view(start=first, end=last)


def _fetched(account: x.Account, ids: list[str]) -> list[CalendarItem]:
    found = list(account.fetch(ids=[ItemId(id=id) for id in ids])) if ids else []
    for item in found:
        if isinstance(item, Exception):
            raise item
    return found


def _told(item: CalendarItem, contents: dict[str, CalendarItem]) -> dict[str, Any]:
    people = (
        ("required", item.required_attendees),
        ("optional", item.optional_attendees),
        ("resource", item.resources),
    )
    return {
        **_content(item),
        "uid": item.uid,
        "windows": item._start_timezone.ms_id,
        "end_windows": item._end_timezone.ms_id,
        "rule": _rule(item.recurrence) if item.recurrence else None,
        "first": item.recurrence.boundary.start.isoformat() if item.recurrence else None,
        "changed": {
            each.original_start.isoformat(): _content(contents[each.id]) for each in item.modified_occurrences or ()
        },
        "cancelled": [each.start.isoformat() for each in item.deleted_occurrences or ()],
        "people": [[kind, one.mailbox.email_address] for kind, listed in people for one in listed or ()],
        "reminder": item.reminder_minutes_before_start if item.reminder_is_set else None,
        "categories": item.categories or [],
        "key": item.samklang_key,
    }


def _content(item: CalendarItem) -> dict[str, Any]:
    # It gives the last of whole days, not the day after.
    end = item.end + ONE_DAY if item.is_all_day else item.end
    return {
        "title": item.subject or "",
        "place": item.location or "",
        "text": str(item.body or "").replace("\r\n", "\n").removesuffix("\n"),
        "sensitivity": item.sensitivity.lower(),
        "shows": SHOWS.get(item.legacy_free_busy_status, item.legacy_free_busy_status.lower()),
        "start": item.start.isoformat(),
        "end": end.isoformat(),
        "all_day": item.is_all_day,
    }


def _rule(recurrence: r.Recurrence) -> dict[str, Any]:
    pattern, boundary = recurrence.pattern, recurrence.boundary
    every = next(name for name, kinds in KINDS.items() if type(pattern) in kinds)
    weekday = getattr(pattern, "weekday", None)
    number = getattr(pattern, "week_number", None)
    first = getattr(pattern, "first_day_of_week", None)
    month = getattr(pattern, "month", None)
    return {
        "every": every,
        "interval": getattr(pattern, "interval", None) or 1,
        "days": _days([weekday] if weekday is not None else getattr(pattern, "weekdays", None) or []),
        "week_start": _named(first, DAYS).lower() if first else None,
        "day": getattr(pattern, "day_of_month", None),
        "position": _named(number, ("First", "Second", "Third", "Fourth", "Last")).lower() if number else None,
        "month": MONTHS.index(_named(month, MONTHS)) + 1 if month else None,
        "until": end.isoformat() if (end := getattr(boundary, "end", None)) else None,
        "count": getattr(boundary, "number", None),
    }


def _named(value: Any, names: tuple[str, ...]) -> str:
    """It gives some of them by number, from 1."""
    return names[value - 1] if isinstance(value, int) else str(value)


def _days(names: list[Any]) -> list[str]:
    plain = [_named(name, (*DAYS, "Day", "Weekday", "WeekendDay")) for name in names]
    return [day.lower() for name in plain for day in GROUPS.get(name, (name,))]


# --- writing


def write(account: x.Account, meant: dict[str, Any]) -> str:
    """Makes the entry and what differs on its dates; its id."""
    fields = _fields(meant, meant)
    if meant["rule"]:
        fields["recurrence"] = _recurrence(meant["rule"], meant["start"][:10])
    for kind in ("required", "optional", "resource"):
        addresses = [address for each, address in meant["people"] if each == kind]
        name = "resources" if kind == "resource" else f"{kind}_attendees"
        fields[name] = [x.Attendee(mailbox=x.Mailbox(email_address=one), response_type="Unknown") for one in addresses]
    item = CalendarItem(account=account, folder=account.calendar, **fields)
    item.save(send_meeting_invitations="SendToNone")
    if meant["slots"]:
        _vary(account, item.id, meant)
    return str(item.id)


def _vary(account: x.Account, id: str, meant: dict[str, Any]) -> None:
    (master,) = _fetched(account, [id])
    there = _view(account, meant["start"][:10], "2026-06-01")
    occurrences = {item.start.isoformat(): item for item in there if item.uid == master.uid}
    for day, slot in meant["slots"].items():
        item = occurrences[day if master.is_all_day else _when(slot, "UTC").isoformat()]
        if day in meant["cancelled"]:
            item.delete(send_meeting_cancellations="SendToNone")
            continue
        fields = _fields(meant["changed"][day], meant)
        for name, value in fields.items():
            setattr(item, name, value)
        # Each date written gives the series another version.
        told = {"send_meeting_invitations": "SendToNone", "conflict_resolution": "AlwaysOverwrite"}
        item.save(update_fields=list(fields), **told)


def _fields(given: dict[str, Any], meant: dict[str, Any]) -> dict[str, Any]:
    """The fields `given` names of an entry or of one of its dates."""
    names = {"title": "subject", "place": "location", "text": "body"}
    fields = {names[name]: value for name, value in given.items() if name in names}
    if "sensitivity" in given:
        fields["sensitivity"] = given["sensitivity"].capitalize()
    if "shows" in given:
        other = {"oof": "OOF", "elsewhere": "WorkingElsewhere"}
        fields["legacy_free_busy_status"] = other.get(given["shows"], given["shows"].capitalize())
    if "start" in given:
        all_day = len(given["start"]) == 10
        end_zone = meant["end_zone"] or meant["zone"]
        fields |= {"start": _when(given["start"], meant["zone"]), "end": _when(given["end"], end_zone)}
        fields["is_all_day"] = all_day
        if all_day:
            fields["end"] -= ONE_DAY
    return fields


def _when(text: str, zone: str) -> Any:
    if len(text) == 10:
        return x.EWSDate.fromisoformat(text)
    return dt.datetime.fromisoformat(text).astimezone(x.EWSTimeZone(zone))


def _recurrence(rule: dict[str, Any], start: str) -> r.Recurrence:
    absolute, relative = KINDS[rule["every"]]
    fields: dict[str, Any] = {} if rule["every"] == "yearly" else {"interval": rule["interval"]}
    days = [day.capitalize() for day in rule["days"]]
    if rule["every"] == "weekly":
        fields |= {"weekdays": days, "first_day_of_week": rule["week_start"].capitalize()}
    elif days:
        group = next((name for name, all in GROUPS.items() if list(all) == days), days[0])
        fields |= {"weekday": group, "week_number": rule["position"].capitalize()}
    elif rule["every"] != "daily":
        fields["day_of_month"] = rule["day"]
    if rule["month"]:
        fields["month"] = MONTHS[rule["month"] - 1]
    end = {"end": x.EWSDate.fromisoformat(rule["until"])} if rule["until"] else {}
    end |= {"number": rule["count"]} if rule["count"] else {}
    made = (relative if rule["position"] else absolute)(**fields)
    return r.Recurrence(pattern=made, start=x.EWSDate.fromisoformat(start), **end)
