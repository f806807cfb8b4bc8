"""What Exchange does with a calendar whoever asks, a person in Outlook, EWS or Graph: checks, rewrites,
consequences.

Every change of an item goes through here and ends in `Store.save`. Refusals carry Exchange's own error code.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from samklang.sandbox import recurrence, zones
from samklang.sandbox.model import (
    DELETED,
    RECOVERABLE,
    Changed,
    Item,
    Mailbox,
    Person,
    Reminder,
    SeriesException,
    merged,
    new_id,
)
from samklang.sandbox.store import Store

_LONGEST_TEXT = 255  # Graph facts §4.1
_FIRST, _LAST = datetime(1601, 1, 1, tzinfo=UTC), datetime(4500, 9, 1, tzinfo=UTC)
_LONGEST = timedelta(days=5 * 366)  # EWS facts §2.6
_SHAPE = ("start", "end", "start_zone", "all_day", "recurrence")  # what lays a series out in time


class CalendarError(ValueError):
    """A change Exchange refuses, with its error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def new_item(store: Store, mailbox: Mailbox, *, start: datetime, end: datetime, **fields: Any) -> Item:
    """An item of the mailbox's owner that is not saved yet: `create` does that. Instants are UTC."""
    id, now = new_id(), store.clock.now()
    defaults: dict[str, Any] = {
        "uid": new_uid(now),
        "organizer": Person(name=mailbox.name or mailbox.address, address=mailbox.address),
        "reminder": Reminder(on=False, minutes=mailbox.default_reminder_minutes),
        "last_modified_name": mailbox.name or mailbox.address,
        "start_zone": mailbox.zone,
    }
    defaults["end_zone"] = fields.get("start_zone", mailbox.zone)
    return Item(
        id=id,
        immutable_id=id,
        mailbox=mailbox.id,
        start=start,
        end=end,
        created=now,
        modified=now,
        **(defaults | fields),
    )


def new_uid(now: datetime) -> str:
    """A GlobalObjectId in hexadecimal, the UID of whatever Exchange makes itself (EWS facts §2.7)."""
    stamp = int(now.timestamp() * 10_000_000) + 116_444_736_000_000_000
    head = "040000008200E00074C5B7101A82E00800000000"
    return head + stamp.to_bytes(8, "little").hex().upper() + "0" * 16 + "10000000" + os.urandom(16).hex().upper()


def create(store: Store, item: Item) -> Item:
    """Raises CalendarError or RecurrenceError."""
    if item.recurrence is not None:
        recurrence.align(item)
    return _save(store, item)


def change(store: Store, item: Item, fields: Mapping[str, Any]) -> Item:
    """Sets fields of a single or a master (names of `Item`) and saves. A new zone without new times moves
    the entry, which keeps its wall clock (EWS facts §2.5); a series laid out anew loses its exceptions and
    its cancelled dates (§2.6). Raises CalendarError or RecurrenceError, the stored item then untouched."""
    before = _shape(item)
    moved = "recurrence" not in fields and fields.get("start", item.start) != item.start
    _move_with_zone(item, fields)
    for name, value in fields.items():
        setattr(item, name, value)
    if item.recurrence is not None:
        if moved:
            _start_rule_on(item)
        recurrence.align(item)
    _normalise(item)
    if _shape(item) != before:
        item.exceptions, item.cancelled = {}, []
        item.generation += 1
    return _save(store, item)


def _start_rule_on(item: Item) -> None:
    """A series given a new start starts its rule on that day."""
    assert item.recurrence is not None
    first = zones.to_local(item.start, item.start_zone).date()
    item.recurrence = item.recurrence | {"range": item.recurrence["range"] | {"startDate": str(first)}}


def change_occurrence(store: Store, master: Item, original: date, fields: Mapping[str, Any]) -> Item:
    """Makes an exception of an occurrence, or changes it further, and saves the master. Raises CalendarError
    or RecurrenceError: no such date, or it would cross its neighbours."""
    series = recurrence.series_of(master)
    place = series.occurrence(original)
    if place is None:
        raise _no_occurrence(master, original)
    now = store.clock.now()
    exception = master.exceptions.get(original) or SeriesException(
        original_start=place.original_start, fields=Changed(), created=now, modified=now
    )
    whole = merged(master, exception, place.start, place.end)
    _move_with_zone(whole, fields)
    for name, value in fields.items():
        setattr(whole, name, value)
    _normalise(whole)
    changed = dict(fields)
    if (whole.start, whole.end) != (place.start, place.end):
        series.check_exception(original, whole.start, whole.end)
        changed |= {"start": whole.start, "end": whole.end}
    for name, value in changed.items():
        setattr(exception.fields, name, value)
    exception.modified = now
    master.exceptions[original] = exception
    return _save(store, master)


def cancel_occurrence(store: Store, master: Item, original: date) -> Item | None:
    """Deletes one date of a series and saves the master; the last date takes the series with it (None).
    Raises CalendarError where the series has no such date."""
    if recurrence.series_of(master).occurrence(original) is None:
        raise _no_occurrence(master, original)
    master.exceptions.pop(original, None)
    master.cancelled = sorted([*master.cancelled, original])
    if recurrence.series_of(master).first() is None:
        delete(store, master, to=DELETED)
        return None
    return _save(store, master, thinned=True)


def delete(store: Store, item: Item, *, to: str = RECOVERABLE) -> None:
    """Takes an item from its folder; it stays restorable in Deleted Items or the recoverable items."""
    store.move(item, to)


def _no_occurrence(master: Item, original: date) -> CalendarError:
    if original in master.cancelled:
        code = "ErrorCalendarOccurrenceIsDeletedFromRecurrence"
        return CalendarError(code, "The occurrence was deleted from the recurrence.")
    return CalendarError("ErrorItemNotFound", "The specified object was not found in the store.")


def _shape(item: Item) -> tuple[Any, ...]:
    return tuple(
        msgspec.json.encode(value) if value is not None else None for value in map(item.__getattribute__, _SHAPE)
    )


def _move_with_zone(item: Item, fields: Mapping[str, Any]) -> None:
    """A zone alone keeps the wall clock and moves the instant."""
    for time, zone in (("start", "start_zone"), ("end", "end_zone")):
        if zone in fields and time not in fields and fields[zone] != getattr(item, zone):
            wall_clock = zones.to_local(getattr(item, time), getattr(item, zone))
            setattr(item, time, zones.to_utc(wall_clock, fields[zone]))


def _normalise(item: Item) -> None:
    if len(item.subject) > _LONGEST_TEXT or len(item.location) > _LONGEST_TEXT:
        raise CalendarError(
            "ErrorPropertyValidationFailure",
            f"Property validation failed: a subject or place has at most {_LONGEST_TEXT} characters.",
        )
    if item.all_day:
        _push_to_midnight(item)
    if item.end < item.start:
        raise CalendarError(
            "ErrorCalendarEndDateIsEarlierThanStartDate",
            "The End date is earlier than the Start date.",
        )
    if item.start < _FIRST or item.end > _LAST:
        raise CalendarError("ErrorCalendarOutOfRange", "The date is outside the calendar's range.")
    if item.end - item.start > _LONGEST:
        raise CalendarError("ErrorCalendarDurationIsTooLong", "Duration is too long.")


def _push_to_midnight(item: Item) -> None:
    """An all-day entry covers whole days of its zone: start to the midnight before, end to the one after."""
    start = zones.to_local(item.start, item.start_zone)
    end = zones.to_local(item.end, item.start_zone)
    first = start.date()
    last = end.date() if end.time() == datetime.min.time() else end.date() + timedelta(days=1)
    last = max(last, first + timedelta(days=1))
    item.start = zones.to_utc(datetime.combine(first, datetime.min.time()), item.start_zone)
    item.end = zones.to_utc(datetime.combine(last, datetime.min.time()), item.start_zone)


def _save(store: Store, item: Item, *, thinned: bool = False) -> Item:
    _normalise(item)
    return store.save(item, ends=recurrence.ends(item), thinned=thinned)


def all_day_dates(item: Item) -> tuple[date, date]:
    """First day and the day after the last of an all-day entry, in its zone."""
    return (
        zones.to_local(item.start, item.start_zone).date(),
        zones.to_local(item.end, item.start_zone).date(),
    )
