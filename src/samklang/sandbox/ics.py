"""Calendars from iCalendar files (RFC 5545) as a mailbox would hold them, and what it cannot hold, with reasons.

Only the reading of the text is the `icalendar` library's; what a rule means for Exchange is decided in `rrules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

import icalendar
from icalendar.prop.broken import vBroken

from samklang.sandbox import bodies, recurrence, rrules, zones
from samklang.sandbox.icszones import FileZones
from samklang.sandbox.model import (
    Attendee,
    Body,
    Changed,
    Item,
    Mailbox,
    Person,
    Reminder,
    SeriesException,
    new_change_key,
    new_id,
)
from samklang.sandbox.rrules import RejectedError

_FIRST_YEAR, _LAST_YEAR = 1601, 4500  # what a FILETIME and Exchange's calendar hold
_LONGEST = timedelta(days=5 * 366)  # ErrorCalendarDurationIsTooLong, EWS facts §2.6
_NEEDED = ("DTSTART", "DTEND", "DURATION", "RRULE", "RECURRENCE-ID")
_BUSY = {"FREE": "free", "TENTATIVE": "tentative", "BUSY": "busy", "OOF": "oof", "WORKINGELSEWHERE": "workingElsewhere"}
_CLASSES = {"PRIVATE": "private", "CONFIDENTIAL": "confidential"}
_RESPONSES = {"ACCEPTED": "accepted", "TENTATIVE": "tentativelyAccepted", "DECLINED": "declined"}


@dataclass(frozen=True)
class Rejected:
    """A component that was not stored."""

    uid: str
    component: str
    reason: str


@dataclass(frozen=True)
class _When:
    start: datetime
    end: datetime
    start_zone: str
    end_zone: str
    all_day: bool


def load(text: str | bytes, protocol: str, *, zone: str = "UTC") -> tuple[list[Item], list[Rejected]]:
    """The items of a calendar file, their `mailbox` not set, and what was rejected.

    `zone` (Windows id or IANA name) is the mailbox's: for floating times and all-day entries. `protocol` is ews or
    graph; both stand before the same store, so today they hold the same. Raises ValueError for a text that is no
    calendar at all.
    """
    if protocol not in ("ews", "graph"):
        raise ValueError(f"protocol must be ews or graph, not {protocol!r}.")
    calendars = icalendar.Calendar.from_ical(text, multiple=True)
    if not calendars:
        raise ValueError("The text holds no VCALENDAR.")
    reader = _Reader(zones.windows_id(zone))
    for calendar in calendars:
        reader.read(calendar)
    return reader.items, reader.rejected


def adopt(item: Item, mailbox: Mailbox) -> Item:
    """Puts a loaded item into a mailbox: whose it is, and whose meeting. Nobody is mailed."""
    own = {address.casefold() for address in mailbox.addresses}
    item.mailbox = mailbox.id
    if item.organizer.address and item.organizer.address.casefold() not in own:
        item.appointment_state = 3
        mine = next((a for a in item.attendees if a.address.casefold() in own), None)
        item.my_response = "notResponded" if mine is None or mine.response == "none" else mine.response
        return item
    item.organizer = Person(name=mailbox.name, address=mailbox.address)
    item.attendees = [a for a in item.attendees if a.address.casefold() not in own]
    item.appointment_state = 1 if item.attendees else 0
    item.my_response = "organizer"
    return item


class _Reader:
    def __init__(self, zone: str) -> None:
        self._zone = zone
        self.items: list[Item] = []
        self.rejected: list[Rejected] = []

    def read(self, calendar: icalendar.Component) -> None:
        self._zones = FileZones(calendar, self._zone)
        masters: dict[str, Any] = {}
        parts: dict[str, dict[object, Any]] = {}
        for component in calendar.subcomponents:
            if component.name == "VEVENT":
                try:
                    self._sort(component, masters, parts)
                except RejectedError as error:
                    self._reject(component, str(error))
            elif component.name in ("VTODO", "VJOURNAL", "VFREEBUSY"):
                self._reject(component, "a calendar holds events only")
        for uid, overrides in parts.items():
            if uid not in masters:
                for component in overrides.values():
                    self._single(component)
        for uid, master in masters.items():
            overrides = parts.get(uid, {})
            if any(name in master for name in ("RRULE", "RDATE", "EXRULE")):
                self._series(master, overrides.values())
            else:
                self._single(master)
                for component in overrides.values():
                    self._reject(component, "its UID belongs to a single event")

    def _sort(self, event: Any, masters: dict[str, Any], parts: dict[str, dict[object, Any]]) -> None:
        """Of several versions of one event the newest counts."""
        uid = str(event.get("UID", "")) or f"{new_id()[:24]}@sandbox"
        event["UID"] = uid
        original = _value(event, "RECURRENCE-ID")
        known: dict[Any, Any] = masters if original is None else parts.setdefault(uid, {})
        key: object = uid if original is None else str(original.dt)
        if key in known:
            older, event = sorted((known[key], event), key=_version)
            self._reject(older, "a later version of the same UID follows")
        known[key] = event

    def _reject(self, component: Any, reason: str) -> None:
        self.rejected.append(Rejected(str(component.get("UID", "")), str(component.name), reason))

    def _single(self, event: Any) -> None:
        try:
            self.items.append(self._item(event))
        except RejectedError as error:
            self._reject(event, str(error))

    def _series(self, master: Any, overrides: Iterable[Any]) -> None:
        try:
            item = self._item(master)
            _only_one_rule(master)
            start = zones.to_local(item.start, item.start_zone)
            item.recurrence = rrules.recurrence_of(_value(master, "RRULE"), start, item.start_zone)
            self._cancel(item, master)
        except RejectedError as error:
            self._reject(master, str(error))
            for component in overrides:
                self._reject(component, "its series was rejected")
            return
        for component in overrides:
            try:
                self._override(item, component)
            except RejectedError as error:
                self._reject(component, str(error))
        self._put_back_crossing(item, list(overrides))
        self.items.append(item)

    def _cancel(self, item: Item, master: Any) -> None:
        series = recurrence.series_of(item)
        found = set()
        for listed in _listed(master, "EXDATE"):
            if isinstance(listed, vBroken):
                raise RejectedError("its EXDATE cannot be read")
            for moment in listed.dts:
                day, instant = self._original(item, moment.dt, listed.params.get("TZID"))
                occurrence = series.occurrence(day)
                if occurrence and instant in (None, occurrence.original_start):
                    found.add(day)
        item.cancelled = sorted(found)

    def _override(self, item: Item, event: Any) -> None:
        mark = _value(event, "RECURRENCE-ID")
        if "RANGE" in mark.params:
            raise RejectedError("Exchange cannot change this and all following occurrences at once")
        day, instant = self._original(item, mark.dt, mark.params.get("TZID"))
        series = recurrence.series_of(item)
        if day in item.cancelled:
            item.cancelled.remove(day)  # a date both excluded and described: the description counts
            series = recurrence.series_of(item)
        regular = series.occurrence(day)
        if regular is None or instant not in (None, regular.original_start):
            raise RejectedError("its RECURRENCE-ID is no date of the series")
        if _text(event, "STATUS").upper() == "CANCELLED":
            item.cancelled = sorted([*item.cancelled, day])
            return
        own = self._item(event)
        fields = _differences(item, own)
        if (own.start, own.end) != (regular.start, regular.end):
            fields |= {"start": own.start, "end": own.end}
        item.exceptions[day] = SeriesException(
            original_start=regular.original_start,
            fields=Changed(**fields),
            created=own.created,
            modified=own.modified,
        )

    def _put_back_crossing(self, item: Item, overrides: list[Any]) -> None:
        """Takes back the exceptions that stand on or behind their neighbour."""
        for event in overrides:
            mark = _value(event, "RECURRENCE-ID")
            day, _ = self._original(item, mark.dt, mark.params.get("TZID"))
            exception = item.exceptions.get(day)
            if exception is None or exception.fields.start is None or exception.fields.end is None:
                continue
            try:
                recurrence.series_of(item).check_exception(day, exception.fields.start, exception.fields.end)
            except recurrence.RecurrenceError as error:
                del item.exceptions[day]
                self._reject(event, f"{error.code}: {error}")

    def _original(self, item: Item, moment: date | datetime, tzid: str | None) -> tuple[date, datetime | None]:
        """The date in the series' zone that a RECURRENCE-ID or EXDATE names, and its instant unless it is a date."""
        if not isinstance(moment, datetime):
            return moment, None
        instant, _ = self._zones.instant(moment, tzid)
        return zones.to_local(instant, item.start_zone).date(), None if item.all_day else instant

    def _item(self, event: Any) -> Item:
        """Everything but the recurrence. Raises RejectedError."""
        if _text(event, "STATUS").upper() == "CANCELLED":
            raise RejectedError("it is cancelled")
        when = self._when(event)
        subject = _text(event, "SUMMARY")
        if len(subject) > 255:
            raise RejectedError("its title is longer than 255 characters")
        created = _stamp(event, "CREATED") or _stamp(event, "DTSTAMP") or datetime.now(UTC)
        organizer = _value(event, "ORGANIZER")
        attendees = [_attendee(value) for value in _listed(event, "ATTENDEE") if _address(value)]
        id = new_id()
        return Item(
            id=id,
            immutable_id=id,
            mailbox=0,
            change_key=new_change_key(),
            uid=str(event["UID"]),
            subject=subject,
            body=Body(type="text", content=bodies.from_text(_text(event, "DESCRIPTION"))),
            location=_text(event, "LOCATION").replace("\r", "").replace("\n", " ")[:255],
            start=when.start,
            end=when.end,
            start_zone=when.start_zone,
            end_zone=when.end_zone,
            all_day=when.all_day,
            sensitivity=cast("Any", _CLASSES.get(_text(event, "CLASS").upper(), "normal")),
            show_as=cast("Any", _show_as(event)),
            categories=_categories(event),
            reminder=_reminder(event),
            importance=cast("Any", _importance(event)),
            organizer=Person() if organizer is None else Person(name=_name(organizer), address=_address(organizer)),
            attendees=attendees,
            created=created,
            modified=_stamp(event, "LAST-MODIFIED") or created,
            sequence=int(event.get("SEQUENCE", 0) or 0) if not isinstance(event.get("SEQUENCE"), list) else 0,
        )

    def _when(self, event: Any) -> _When:
        begin, finish = _value(event, "DTSTART"), _value(event, "DTEND")
        duration = _value(event, "DURATION")
        if begin is None:
            raise RejectedError("it has no start")
        if not isinstance(begin.dt, datetime):
            when = self._whole_days(begin.dt, finish, duration)
        else:
            when = self._timed(begin, finish, duration)
        if when.end < when.start:
            raise RejectedError("it ends before it starts")
        if when.end - when.start > _LONGEST:
            raise RejectedError("ErrorCalendarDurationIsTooLong: it lasts more than 5 years")
        if when.start.year < _FIRST_YEAR or when.end.year > _LAST_YEAR:
            raise RejectedError(f"Exchange knows the years {_FIRST_YEAR} to {_LAST_YEAR}")
        return when

    def _whole_days(self, first: date, finish: Any, duration: Any) -> _When:
        if finish is not None:
            last = finish.dt.date() if isinstance(finish.dt, datetime) else finish.dt
        else:
            last = first + (duration.dt if duration is not None else timedelta(days=1))
        last = max(last, first + timedelta(days=1)) if last == first else last
        midnights = [zones.to_utc(datetime.combine(day, time()), self._zone) for day in (first, last)]
        return _When(midnights[0], midnights[1], self._zone, self._zone, all_day=True)

    def _timed(self, begin: Any, finish: Any, duration: Any) -> _When:
        start, start_zone = self._zones.instant(begin.dt, begin.params.get("TZID"))
        end, end_zone = start, start_zone
        if finish is not None:
            moment = finish.dt if isinstance(finish.dt, datetime) else datetime.combine(finish.dt, time())
            end, end_zone = self._zones.instant(moment, finish.params.get("TZID"))
        elif duration is not None:
            days = timedelta(days=duration.dt.days)  # days of a DURATION are nominal, its hours exact (RFC 5545 §3.3.6)
            end = zones.to_utc(zones.to_local(start, start_zone) + days, start_zone) + (duration.dt - days)
        return _When(start, end, start_zone, end_zone, all_day=False)


def _only_one_rule(event: Any) -> None:
    if "RRULE" not in event or isinstance(event["RRULE"], list):
        raise RejectedError("Exchange holds exactly one rule per series")
    for name in ("RDATE", "EXRULE"):
        if name in event:
            raise RejectedError(f"Exchange knows no {name}")


def _differences(master: Item, own: Item) -> dict[str, Any]:
    """What an exception says otherwise than its series; times apart."""
    names = ("subject", "body", "location", "all_day", "sensitivity", "show_as", "categories", "reminder", "importance")
    return {name: getattr(own, name) for name in names if getattr(own, name) != getattr(master, name)}


def _value(event: Any, name: str) -> Any:
    """The first value of a property, None if there is none. Raises RejectedError for one that cannot be read and
    without which the entry would be another."""
    value = event.get(name)
    value = value[0] if isinstance(value, list) else value
    if not isinstance(value, vBroken):
        return value
    if name in _NEEDED:
        raise RejectedError(f"its {name} cannot be read")
    return None


def _listed(event: Any, name: str) -> list[Any]:
    value = event.get(name, [])
    return list(value) if isinstance(value, list) else [value]


def _text(event: Any, name: str) -> str:
    value = _value(event, name)
    return "" if value is None else str(value)


def _version(event: Any) -> tuple[int, str]:
    sequence = event.get("SEQUENCE", 0)
    modified = _value(event, "LAST-MODIFIED") or _value(event, "DTSTAMP")
    return (0 if isinstance(sequence, list) else int(sequence), str(modified.dt) if modified is not None else "")


def _stamp(event: Any, name: str) -> datetime | None:
    value = _value(event, name)
    moment = getattr(value, "dt", None)
    if not isinstance(moment, datetime):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _show_as(event: Any) -> str:
    said = _text(event, "X-MICROSOFT-CDO-BUSYSTATUS").upper()
    if said in _BUSY:
        return _BUSY[said]
    if _text(event, "TRANSP").upper() == "TRANSPARENT":
        return "free"
    return "tentative" if _text(event, "STATUS").upper() == "TENTATIVE" else "busy"


def _importance(event: Any) -> str:
    try:
        priority = int(_text(event, "PRIORITY") or 5)
    except ValueError:
        return "normal"
    return "high" if 1 <= priority <= 4 else "low" if priority >= 6 else "normal"


def _categories(event: Any) -> list[str]:
    found = [str(name) for value in _listed(event, "CATEGORIES") for name in getattr(value, "cats", [])]
    return list(dict.fromkeys(name.strip() for name in found if name.strip()))


def _reminder(event: Any) -> Reminder:
    for alarm in event.subcomponents:
        trigger = _value(alarm, "TRIGGER") if alarm.name == "VALARM" else None
        before = getattr(trigger, "dt", None)
        if isinstance(before, timedelta) and before <= timedelta(0):
            return Reminder(on=True, minutes=int(-before.total_seconds() // 60))
    return Reminder()


def _address(value: Any) -> str:
    text = str(value)
    address = text[7:] if text.lower().startswith("mailto:") else text
    return address if "@" in address else ""


def _name(value: Any) -> str:
    parameters = cast("Mapping[str, str]", getattr(value, "params", {}))
    return str(parameters.get("CN", "")) or _address(value)


def _attendee(value: Any) -> Attendee:
    kind = "resource" if value.params.get("CUTYPE", "") in ("ROOM", "RESOURCE") else "required"
    if kind == "required" and value.params.get("ROLE", "") == "OPT-PARTICIPANT":
        kind = "optional"
    response = _RESPONSES.get(str(value.params.get("PARTSTAT", "")).upper(), "none")
    return Attendee(name=_name(value), address=_address(value), kind=cast("Any", kind), response=cast("Any", response))
