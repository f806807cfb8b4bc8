"""The control API's neutral entries: what a person does in Outlook, and what a mailbox holds, as plain
JSON."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Literal

import msgspec

from samklang.sandbox import bodies, calendar, recurrence, zones
from samklang.sandbox.meetings import answers_kept
from samklang.sandbox.model import (
    Attendee,
    Body,
    Item,
    Mailbox,
    Reminder,
    Sensitivity,
    ShowAs,
    merged,
    occurrence_id,
)
from samklang.sandbox.store import Store


class EntryFields(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a person can set. `start` and `end`: ISO times, with an offset or as wall clock in `zone` (a
    Windows or IANA name; the mailbox's own when left out); dates for an all-day entry, `end` exclusive.
    `recurrence` is Graph's `{"pattern": …, "range": …}`. `body` given as a text is plain text. `without_uid`: EWS
    tells no UID of it, as of some copied items (EWS facts §2.7)."""

    subject: str | msgspec.UnsetType = msgspec.UNSET
    body: Body | str | msgspec.UnsetType = msgspec.UNSET
    location: str | msgspec.UnsetType = msgspec.UNSET
    start: str | msgspec.UnsetType = msgspec.UNSET
    end: str | msgspec.UnsetType = msgspec.UNSET
    zone: str | msgspec.UnsetType = msgspec.UNSET
    all_day: bool | msgspec.UnsetType = msgspec.UNSET
    sensitivity: Sensitivity | msgspec.UnsetType = msgspec.UNSET
    show_as: ShowAs | msgspec.UnsetType = msgspec.UNSET
    categories: list[str] | msgspec.UnsetType = msgspec.UNSET
    recurrence: dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET
    attendees: list[Attendee] | msgspec.UnsetType = msgspec.UNSET
    reminder: Reminder | msgspec.UnsetType = msgspec.UNSET
    importance: Literal["low", "normal", "high"] | msgspec.UnsetType = msgspec.UNSET
    without_uid: bool | msgspec.UnsetType = msgspec.UNSET


def create(store: Store, mailbox: Mailbox, given: EntryFields) -> Item:
    """Raises ValueError (also CalendarError, RecurrenceError) saying what cannot be."""
    if given.start is msgspec.UNSET or given.end is msgspec.UNSET:
        raise ValueError("An entry needs start and end.")
    zone = zones.windows_id(given.zone or mailbox.zone)
    fields = _fields(given, zone, all_day=bool(given.all_day))
    return calendar.create(store, calendar.new_item(store, mailbox, **({"start_zone": zone} | fields)))


def change(store: Store, item: Item, given: EntryFields, occurrence: date | None) -> Item:
    """Changes an entry, or one date of a series. Raises ValueError as `create` does."""
    zone = zones.windows_id(given.zone or item.start_zone)
    all_day = given.all_day if given.all_day is not msgspec.UNSET else item.all_day
    fields = _fields(given, zone, all_day=all_day)
    if "attendees" in fields:
        fields["attendees"] = answers_kept(item.attendees, fields["attendees"])
        if not item.is_organizer:
            del fields["appointment_state"]
    if occurrence is None:
        return calendar.change(store, item, fields)
    if "recurrence" in fields:
        raise ValueError("One date of a series has no recurrence of its own.")
    return calendar.change_occurrence(store, item, occurrence, fields)


def _fields(given: EntryFields, zone: str, *, all_day: bool) -> dict[str, Any]:
    """The fields of `Item` that were given."""
    names = [name for name in given.__struct_fields__ if getattr(given, name) is not msgspec.UNSET]
    fields = {name: getattr(given, name) for name in names if name != "zone"}
    for name in ("start", "end"):
        if name in fields:
            fields[name] = _instant(fields[name], zone, all_day=all_day)
    if "zone" in names:
        fields |= {"start_zone": zone, "end_zone": zone}
    if "body" in fields:
        body = fields["body"]
        given_body = Body(type="text", content=body) if isinstance(body, str) else body
        fields["body"] = Body(type=given_body.type, content=bodies.stored(given_body.type, given_body.content))
    if "attendees" in fields:
        fields["appointment_state"] = 1 if fields["attendees"] else 0
    return fields


def _instant(text: str, zone: str, *, all_day: bool) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no ISO time.") from None
    if moment.tzinfo is not None and not all_day:
        return moment.astimezone(UTC)
    return zones.to_utc(moment.replace(tzinfo=None), zone)


def described(item: Item) -> dict[str, Any]:
    """A single or a master as plain JSON: instants in UTC, exceptions with what they changed, dates for
    all-day."""
    entry: dict[str, Any] = msgspec.to_builtins(item)
    for internal in ("mailbox", "exceptions", "extra", "generation", "without_uid"):
        del entry[internal]
    entry["zone"] = item.start_zone
    entry["text"] = bodies.to_text(item.body.content)
    if item.all_day:
        entry["start_date"], entry["end_date"] = map(str, calendar.all_day_dates(item))
    entry["exceptions"] = [
        {
            "original": str(original),
            "original_start": exception.original_start.isoformat(),
            "id": occurrence_id(item, original),
            **msgspec.to_builtins(exception.fields),
        }
        for original, exception in sorted(item.exceptions.items())
    ]
    return entry


def expanded(store: Store, mailbox: Mailbox, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Everything that touches start … end (UTC), series as their occurrences, by start; the sandbox's own
    expansion."""
    found = []
    for item in store.items_between(mailbox, start, end):
        if item.recurrence is None:
            if item.start < end and (item.end > start or item.start == item.end == start):
                found.append(_shown(item, item.id, None))
            continue
        for place in recurrence.occurrences(item, start, end):
            whole = merged(item, item.exceptions.get(place.original), place.start, place.end)
            found.append(_shown(whole, occurrence_id(item, place.original), place.original))
    return sorted(found, key=lambda shown: (shown["start"], shown["id"]))


def _shown(item: Item, id: str, original: date | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": id,
        "uid": item.uid,
        "series": item.id if original else None,
        "original": str(original) if original else None,
        "subject": item.subject,
        "location": item.location,
        "start": item.start.isoformat(),
        "end": item.end.isoformat(),
        "zone": item.start_zone,
        "all_day": item.all_day,
        "sensitivity": item.sensitivity,
        "show_as": item.show_as,
    }
    if item.all_day:
        shown["start_date"], shown["end_date"] = map(str, calendar.all_day_dates(item))
    return shown
