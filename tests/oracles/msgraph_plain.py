"""Entries as plain values (tests/meant/table.py says which), read and written with msgraph-sdk.

What is read: instants as ISO text with an offset, whole days as dates (the last one exclusive), zones by their Windows
names, dates of a series by their original start.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_serialization_json.json_parse_node_factory import JsonParseNodeFactory
from msgraph.generated.models.event import Event
from msgraph.generated.users.item.calendar_view.calendar_view_request_builder import CalendarViewRequestBuilder
from msgraph.generated.users.item.events.item.event_item_request_builder import EventItemRequestBuilder
from msgraph.generated.users.item.events.item.instances.instances_request_builder import InstancesRequestBuilder

#: The mark our client puts on what it makes.
KEY = "String {8f2b6d0e-5a57-4c0e-9f0a-6b1f2f3c7d11} Name SamklangKey"
KINDS = ("daily", "weekly", "monthly", "yearly")
SHOWS = {"workingElsewhere": "elsewhere"}


# --- reading


async def read(user: Any, ids: list[str]) -> list[dict[str, Any]]:
    return [_told(await _event(user, id)) for id in ids]


async def dates(user: Any, start: str, end: str) -> dict[str, list[str]]:
    """Id of an event or a series' master -> the starts of all that takes place between two dates."""
    query = CalendarViewRequestBuilder.CalendarViewRequestBuilderGetQueryParameters(
        start_date_time=f"{start}T00:00:00Z",
        end_date_time=f"{end}T00:00:00Z",
        select=["id", "seriesMasterId", "start", "isAllDay"],
        top=500,
    )
    page = await user.calendar_view.get(RequestConfiguration(query_parameters=query))
    assert page.odata_next_link is None
    found: dict[str, list[str]] = {}
    for event in page.value:
        found.setdefault(event.series_master_id or event.id, []).append(_moment(event.start, event.is_all_day))
    return found


async def _event(user: Any, id: str) -> Event:
    query = EventItemRequestBuilder.EventItemRequestBuilderGetQueryParameters(
        select=[
            *("subject", "location", "body", "sensitivity", "showAs", "start", "end", "isAllDay", "type", "iCalUId"),
            *("originalStartTimeZone", "originalEndTimeZone", "recurrence", "cancelledOccurrences", "attendees"),
            *("isReminderOn", "reminderMinutesBeforeStart", "categories"),
        ],
        expand=["exceptionOccurrences", f"singleValueExtendedProperties($filter=id eq '{KEY}')"],
    )
    asked: Any = RequestConfiguration(query_parameters=query)
    asked.headers.add("Prefer", 'outlook.body-content-type="text"')
    return await user.events.by_event_id(id).get(asked)


def _told(event: Event) -> dict[str, Any]:
    properties = event.single_value_extended_properties or []
    exceptions = event.exception_occurrences or []
    limits = event.recurrence.range if event.recurrence else None
    return {
        **_content(event),
        "uid": event.i_cal_u_id,
        "windows": event.original_start_time_zone,
        "end_windows": event.original_end_time_zone,
        "rule": _rule(event.recurrence) if event.recurrence else None,
        "first": limits.start_date.isoformat() if limits else None,
        "changed": {each.original_start.isoformat(): _content(each) for each in exceptions},
        "cancelled": [each[-10:] for each in event.cancelled_occurrences or []],
        "people": [[one.type.value, one.email_address.address] for one in event.attendees or []],
        "reminder": event.reminder_minutes_before_start if event.is_reminder_on else None,
        "categories": event.categories or [],
        "key": properties[0].value if properties else None,
    }


def _content(event: Event) -> dict[str, Any]:
    shows = event.show_as.value
    return {
        "title": event.subject or "",
        "place": event.location.display_name or "",
        "text": event.body.content.replace("\r\n", "\n").removesuffix("\n"),
        "sensitivity": event.sensitivity.value,
        "shows": SHOWS.get(shows, shows),
        "start": _moment(event.start, event.is_all_day),
        "end": _moment(event.end, event.is_all_day),
        "all_day": event.is_all_day,
    }


def _moment(moment: Any, all_day: bool) -> str:
    assert moment.time_zone == "UTC", moment.time_zone
    if all_day:
        assert moment.date_time[10:] == "T00:00:00.0000000", moment.date_time
        return str(moment.date_time[:10])
    return f"{moment.date_time[:19]}+00:00"


def _rule(recurrence: Any) -> dict[str, Any]:
    pattern, limits = recurrence.pattern, recurrence.range
    kind, ends = pattern.type.value, limits.type.value
    every = next(name for name in KINDS if kind.lower().endswith(name))
    relative, absolute, weekly = kind.startswith("relative"), kind.startswith("absolute"), kind == "weekly"
    return {
        "every": every,
        "interval": pattern.interval,
        "days": [day.value for day in pattern.days_of_week or []] if relative or weekly else [],
        "week_start": pattern.first_day_of_week.value if weekly else None,
        "day": pattern.day_of_month if absolute else None,
        "position": pattern.index.value if relative else None,
        "month": pattern.month if every == "yearly" else None,
        "until": limits.end_date.isoformat() if ends == "endDate" else None,
        "count": limits.number_of_occurrences if ends == "numbered" else None,
    }


# --- writing


async def write(user: Any, meant: dict[str, Any]) -> str:
    """Makes the entry and what differs on its dates; its id."""
    body = _fields(meant, meant)
    if meant["rule"]:
        body["recurrence"] = _recurrence(meant["rule"], meant["start"][:10], meant["windows"])
    if meant["people"]:
        body["attendees"] = [{"type": kind, "emailAddress": {"address": one}} for kind, one in meant["people"]]
    made = await user.events.post(_model(body))
    if meant["slots"]:
        await _vary(user, made.id, meant)
    return str(made.id)


async def _vary(user: Any, id: str, meant: dict[str, Any]) -> None:
    query = InstancesRequestBuilder.InstancesRequestBuilderGetQueryParameters(
        start_date_time="2026-01-01T00:00:00Z", end_date_time="2026-06-01T00:00:00Z", top=100
    )
    page = await user.events.by_event_id(id).instances.get(RequestConfiguration(query_parameters=query))
    found = {_moment(each.start, each.is_all_day)[:16]: each.id for each in page.value}
    for day, slot in meant["slots"].items():
        start = day if len(meant["start"]) == 10 else _in_utc(slot)[:16]
        item = user.events.by_event_id(found[start])
        if day in meant["cancelled"]:
            await item.delete()
        else:
            await item.patch(_model(_fields(meant["changed"][day], meant)))


def _fields(given: dict[str, Any], meant: dict[str, Any]) -> dict[str, Any]:
    """The fields `given` names of an entry or of one of its dates."""
    body: dict[str, Any] = {}
    if "title" in given:
        body["subject"] = given["title"]
    if "place" in given:
        body["location"] = {"displayName": given["place"]}
    if "text" in given:
        body["body"] = {"contentType": "text", "content": given["text"]}
    if "sensitivity" in given:
        body["sensitivity"] = given["sensitivity"]
    if "shows" in given:
        body["showAs"] = {"elsewhere": "workingElsewhere"}.get(given["shows"], given["shows"])
    if "start" in given:
        zones = (meant["windows"], meant["end_windows"] or meant["windows"])
        body["isAllDay"] = len(given["start"]) == 10
        for name, zone in zip(("start", "end"), zones, strict=True):
            text = given[name] if zone != "UTC" else _in_utc(given[name])
            body[name] = {
                "dateTime": f"{text[:10]}T00:00:00" if body["isAllDay"] else f"{text[:16]}:00",
                "timeZone": zone,
            }
    return body


def _in_utc(text: str) -> str:
    return text if len(text) == 10 else datetime.fromisoformat(text).astimezone(UTC).isoformat()


def _recurrence(rule: dict[str, Any], start: str, zone: str) -> dict[str, Any]:
    kind = rule["every"]
    if kind in ("monthly", "yearly"):
        kind = ("relative" if rule["position"] else "absolute") + kind.capitalize()
    fields = {
        "daysOfWeek": rule["days"] or None,
        "firstDayOfWeek": rule["week_start"],
        "dayOfMonth": rule["day"],
        "index": rule["position"],
        "month": rule["month"],
    }
    pattern = {"type": kind, "interval": rule["interval"]} | {name: value for name, value in fields.items() if value}
    ends: dict[str, Any] = {"type": "noEnd"}
    if rule["until"]:
        ends = {"type": "endDate", "endDate": rule["until"]}
    if rule["count"]:
        ends = {"type": "numbered", "numberOfOccurrences": rule["count"]}
    return {"pattern": pattern, "range": ends | {"startDate": start, "recurrenceTimeZone": zone}}


def _model(fields: dict[str, Any]) -> Event:
    node = JsonParseNodeFactory().get_root_parse_node("application/json", json.dumps(fields).encode())
    return node.get_object_value(Event.create_from_discriminator_value(node))  # type: ignore[arg-type]
