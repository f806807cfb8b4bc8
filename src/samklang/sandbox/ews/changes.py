"""What a client sets or clears on an entry: elements of CreateItem and UpdateItem as fields of the stored
item."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lxml import etree

from samklang.sandbox import bodies
from samklang.sandbox.ews import extended
from samklang.sandbox.ews.caller import Caller, Entry
from samklang.sandbox.ews.properties import BY_URI
from samklang.sandbox.ews.soap import ItemError, T, children, text_of
from samklang.sandbox.ews.values import SHOW_AS, is_true, read_instant, read_recurrence, read_zone
from samklang.sandbox.ews.versions import V2010
from samklang.sandbox.meetings import answers_kept
from samklang.sandbox.model import Attendee, Body, Mailbox, Reminder

Fields = dict[str, Any]
_ATTENDEES = {"RequiredAttendees": "required", "OptionalAttendees": "optional", "Resources": "resource"}
_PEOPLE = {f"calendar:{tag}": kind for tag, kind in _ATTENDEES.items()}
# What the creation zone decides about (EWS facts §2.5).
_ZONED = frozenset(("start", "end", "all_day", "recurrence"))


def created(caller: Caller, mailbox: Mailbox, item: etree._Element) -> Fields:
    """The fields of a new CalendarItem. Raises ItemError for one that cannot be set."""
    fields: Fields = {
        "start_zone": (caller.zone if caller.rank >= V2010 else None) or "UTC",
        "reminder": Reminder(on=True, minutes=mailbox.default_reminder_minutes),
        "attendees": [],
        "extended": {},
    }
    for tag, element in children(item):
        if tag == "ExtendedProperty":
            key, value = extended.read(element)
            fields["extended"][key] = value
        else:
            _read(caller, tag, element, fields)
    fields.setdefault("end_zone", fields["start_zone"])
    fields["appointment_state"] = 1 if fields["attendees"] else 0
    return fields


def updated(caller: Caller, entry: Entry, updates: etree._Element) -> Fields:
    """The fields an ItemChange's Updates give new values. Raises ItemError."""
    fields: Fields = {}
    for action, update in children(updates):
        path, *given = update
        if action == "DeleteItemField":
            _clear(entry, path, fields)
        elif action == "SetItemField":
            _set(caller, entry, path, given[0] if given else None, fields)
        else:
            raise ItemError("ErrorInvalidPropertyAppend", "Append action is not supported for this property.")
    if "attendees" in fields:
        fields["appointment_state"] = 1 if fields["attendees"] else 0
        fields["attendees"] = answers_kept(entry.item.attendees, fields["attendees"])
    if caller.rank < V2010 and entry.master is None and "start_zone" not in fields and _ZONED & fields.keys():
        _in_utc(entry, fields)
    return fields


def _in_utc(entry: Entry, fields: Fields) -> None:
    """2007 without a MeetingTimeZone: the entry stays when it is, its creation zone is UTC (EWS facts §2.5)."""
    fields["start_zone"] = fields["end_zone"] = "UTC"
    fields.setdefault("start", entry.item.start)
    fields.setdefault("end", entry.item.end)


def _set(caller: Caller, entry: Entry, path: etree._Element, item: etree._Element | None, fields: Fields) -> None:
    """One property per SetItemField, and the one its path names."""
    if item is None or len(item) != 1:
        raise ItemError("ErrorUpdatePropertyMismatch")
    tag = item[0].tag.rpartition("}")[2]
    if path.tag == f"{T}ExtendedFieldURI":
        if tag != "ExtendedProperty":
            raise ItemError("ErrorUpdatePropertyMismatch")
        key, value = extended.read(item[0])
        if key != extended.Field.read(path).key:
            raise ItemError("ErrorUpdatePropertyMismatch")
        _own_extended(entry, fields)[key] = value
        return
    uri = path.get("FieldURI", "")
    if uri.partition(":")[2] != tag:
        raise ItemError("ErrorUpdatePropertyMismatch")
    if uri in _PEOPLE:
        _may_set_people(entry)
        others = [a for a in _people(entry, fields) if a.kind != _PEOPLE[uri]]
        fields["attendees"] = others
    if tag == "Recurrence" and entry.master is not None:
        raise ItemError("ErrorInvalidPropertySet")
    if tag in ("ReminderIsSet", "ReminderMinutesBeforeStart"):
        fields.setdefault("reminder", Reminder(on=entry.item.reminder.on, minutes=entry.item.reminder.minutes))
    _read(caller, tag, item[0], fields)


def _clear(entry: Entry, path: etree._Element, fields: Fields) -> None:
    if path.tag == f"{T}ExtendedFieldURI":
        _own_extended(entry, fields).pop(extended.Field.read(path).key, None)
        return
    uri = path.get("FieldURI", "")
    if uri in _PEOPLE:
        _may_set_people(entry)
        fields["attendees"] = [a for a in _people(entry, fields) if a.kind != _PEOPLE[uri]]
        return
    if uri not in _CLEARED or (uri == "calendar:Recurrence" and entry.master is not None):
        raise ItemError("ErrorInvalidPropertyDelete")
    fields.update(_CLEARED[uri]())


def _people(entry: Entry, fields: Fields) -> list[Attendee]:
    return list(fields.get("attendees", entry.item.attendees))


def _may_set_people(entry: Entry) -> None:
    """People belong to the organizer, and to the series as a whole (EWS facts §2.8)."""
    if entry.master is not None or not entry.item.is_organizer:
        raise ItemError("ErrorInvalidPropertySet")


def _own_extended(entry: Entry, fields: Fields) -> dict[str, Any]:
    """The extended properties to be saved: an exception keeps only those it set itself."""
    if "extended" not in fields:
        exception = entry.stored.exceptions.get(entry.original) if entry.original else None
        own = (exception.fields.extended if exception else None) or {}
        fields["extended"] = dict(own if entry.master is not None else entry.item.extended)
    found: dict[str, Any] = fields["extended"]
    return found


def _read(caller: Caller, tag: str, element: etree._Element, fields: Fields) -> None:
    """Adds what one property element says."""
    if tag in _IGNORED or (tag == "MeetingTimeZone" and caller.rank >= V2010):
        return
    reader = _READERS.get(tag)
    if reader is None or (f"item:{tag}" not in BY_URI and f"calendar:{tag}" not in BY_URI):
        raise ItemError("ErrorInvalidPropertySet")
    reader(caller, element, fields)


def _text(name: str) -> Callable[[Caller, etree._Element, Fields], None]:
    def read(caller: Caller, element: etree._Element, fields: Fields) -> None:
        fields[name] = element.text or ""

    return read


def _enumerated(name: str, words: Mapping[str, str]) -> Callable[[Caller, etree._Element, Fields], None]:
    def read(caller: Caller, element: etree._Element, fields: Fields) -> None:
        value = words.get((element.text or "").strip())
        if value is None:
            raise ItemError("ErrorInvalidRequest", f"{element.text!r} is no value of {name}.")
        fields[name] = value

    return read


def _instant(name: str) -> Callable[[Caller, etree._Element, Fields], None]:
    def read(caller: Caller, element: etree._Element, fields: Fields) -> None:
        fields[name] = read_instant(element.text or "", caller.zone or "UTC")

    return read


def _attendees(kind: Any) -> Callable[[Caller, etree._Element, Fields], None]:
    def read(caller: Caller, element: etree._Element, fields: Fields) -> None:
        people = fields.setdefault("attendees", [])
        for _, attendee in children(element):
            address = text_of(attendee, "Mailbox/EmailAddress")
            if not address:
                raise ItemError("ErrorInvalidRecipients", "At least one recipient is not valid.")
            name = text_of(attendee, "Mailbox/Name") or address
            people.append(Attendee(name=name, address=address, kind=kind))

    return read


def _body(caller: Caller, element: etree._Element, fields: Fields) -> None:
    kind: Any = "text" if element.get("BodyType") == "Text" else "html"
    fields["body"] = Body(type=kind, content=bodies.stored(kind, element.text or ""))


def _categories(caller: Caller, element: etree._Element, fields: Fields) -> None:
    fields["categories"] = list(dict.fromkeys(child.text or "" for child in element))


def _all_day(caller: Caller, element: etree._Element, fields: Fields) -> None:
    fields["all_day"] = is_true(element.text or "")


def _reminder_on(caller: Caller, element: etree._Element, fields: Fields) -> None:
    fields["reminder"].on = is_true(element.text or "")


def _reminder_minutes(caller: Caller, element: etree._Element, fields: Fields) -> None:
    fields["reminder"].minutes = int(element.text or "0")


def _recurrence(caller: Caller, element: etree._Element, fields: Fields) -> None:
    fields["recurrence"] = read_recurrence(element)


def _zone(*names: str, attribute: str = "Id") -> Callable[[Caller, etree._Element, Fields], None]:
    def read(caller: Caller, element: etree._Element, fields: Fields) -> None:
        zone = read_zone(element.get(attribute, ""))
        fields.update(dict.fromkeys(names, zone))

    return read


def _start_zone(caller: Caller, element: etree._Element, fields: Fields) -> None:
    fields["start_zone"] = read_zone(element.get("Id", ""))


_READERS: dict[str, Callable[[Caller, etree._Element, Fields], None]] = {
    "ItemClass": _text("item_class"),
    "Subject": _text("subject"),
    "Sensitivity": _enumerated(
        "sensitivity", {w.capitalize(): w for w in ("normal", "personal", "private", "confidential")}
    ),
    "Body": _body,
    "Categories": _categories,
    "Importance": _enumerated("importance", {w.capitalize(): w for w in ("low", "normal", "high")}),
    "ReminderIsSet": _reminder_on,
    "ReminderMinutesBeforeStart": _reminder_minutes,
    "UID": _text("uid"),
    "Start": _instant("start"),
    "End": _instant("end"),
    "IsAllDayEvent": _all_day,
    "LegacyFreeBusyStatus": _enumerated("show_as", {word: name for name, word in SHOW_AS.items()}),
    "Location": _text("location"),
    **{tag: _attendees(kind) for tag, kind in _ATTENDEES.items()},
    "Recurrence": _recurrence,
    "MeetingTimeZone": _zone("start_zone", "end_zone", attribute="TimeZoneName"),
    "StartTimeZone": _start_zone,
    "EndTimeZone": _zone("end_zone"),
}
# Taken without an error and without a trace (docs/sandbox.md).
_IGNORED = frozenset(
    (
        "Culture",
        "ConferenceType",
        "AllowNewTimeProposal",
        "IsResponseRequested",
        "ReminderDueBy",
        "IsOnlineMeeting",
        "MeetingWorkspaceUrl",
        "NetShowUrl",
        "DateTimeStamp",
        "EnhancedLocation",
        "ReminderNextTime",
        "Flag",
        "RecurrenceId",
    )
)
_CLEARED: dict[str, Callable[[], Fields]] = {
    "item:Subject": lambda: {"subject": ""},
    "item:Body": lambda: {"body": Body()},
    "item:Categories": lambda: {"categories": []},
    "item:Sensitivity": lambda: {"sensitivity": "normal"},
    "item:Importance": lambda: {"importance": "normal"},
    "calendar:Location": lambda: {"location": ""},
    "calendar:Recurrence": lambda: {"recurrence": None},
}
