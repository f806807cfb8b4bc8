"""Calendar items as XML and as entries; pure."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from samklang.connectors.ews import people, recurrence_wire, zones
from samklang.connectors.ews.dialect import Dialect
from samklang.connectors.ews.operations import key_path
from samklang.connectors.ews.soap import Element, M, T, t
from samklang.engine import times
from samklang.engine.canonical import canonical_text, text_from_html
from samklang.engine.model import (
    AllDay,
    Availability,
    Entry,
    Occurrence,
    SeenEvent,
    Sensitivity,
    Timed,
    When,
)
from samklang.engine.recurrence import slot_days
from samklang.sync import errors

_SENSITIVITY = {each.value.title(): each for each in Sensitivity}
_AVAILABILITY = {
    "Free": Availability.FREE,
    "Tentative": Availability.TENTATIVE,
    "Busy": Availability.BUSY,
    "OOF": Availability.OUT_OF_OFFICE,
    "WorkingElsewhere": Availability.ELSEWHERE,
    "NoData": Availability.BUSY,
}
_AVAILABILITY_NAMES = {value: name for name, value in _AVAILABILITY.items() if name != "NoData"}

#: AppointmentState is a set of bits: 1 a meeting, 2 received from its organizer, 4 cancelled (EWS facts §2.8).
_RECEIVED, _CANCELLED = 2, 4


# --- entries out ----------------------------------------------------------------------------------------------------


def item_id(id: str, version: str | None = None) -> Element:
    return t("ItemId", Id=id, ChangeKey=version) if version else t("ItemId", Id=id)


def occurrence_id(series_id: str, version: str, series: Entry, day: date) -> Element:
    """Address of a date of a series: its place among all dates of the pattern, from 1, cancelled ones included.

    Raises `ItemError` for a date the pattern does not give.
    """
    days = slot_days(series, times.local_day(series.when), day)
    if not days or days[-1] != day:
        raise errors.ItemError(detail="date not in series", day=day.isoformat())
    return t("OccurrenceItemId", RecurringMasterId=series_id, ChangeKey=version, InstanceIndex=str(len(days)))


def new_item(entry: Entry, key: str, *, home: str, reminder: bool, dialect: Dialect) -> Element:
    """The CalendarItem of a create. `reminder` False: none; else the mailbox's default."""
    when = dict(_when(entry.when, home, dialect, series=entry.is_series))
    return t(
        "CalendarItem",
        t("Subject", entry.title),
        t("Sensitivity", entry.sensitivity.value.title()),
        t("Body", entry.text, BodyType="Text") if entry.text else None,
        None if reminder else t("ReminderIsSet", "false"),
        t("ExtendedProperty", key_path(), t("Value", key)),
        when["Start"],
        when["End"],
        t("IsAllDayEvent", "true") if isinstance(entry.when, AllDay) else None,
        t("LegacyFreeBusyStatus", availability_name(entry.availability, dialect)),
        t("Location", entry.place) if entry.place else None,
        recurrence_wire.write(entry.recurrence, times.local_day(entry.when), dialect) if entry.recurrence else None,
        *(when.get(name) for name in ("MeetingTimeZone", "StartTimeZone", "EndTimeZone")),
    )


def change(address: Element, fields: Iterable[Element]) -> Element:
    return t("ItemChange", address, t("Updates", *fields))


def set_text(uri: str, name: str, value: str) -> Element:
    """SetItemField for a text, or DeleteItemField where it became empty (a subject may be empty, a place goes)."""
    if not value and uri != "item:Subject":
        return t("DeleteItemField", t("FieldURI", FieldURI=uri))
    return _set(uri, t(name, value))


def set_body(text: str, html: str | None) -> Element:
    return _set("item:Body", t("Body", html, BodyType="HTML") if html else t("Body", text, BodyType="Text"))


def set_sensitivity(value: Sensitivity) -> Element:
    return _set("item:Sensitivity", t("Sensitivity", value.value.title()))


def set_when(when: When, home: str, dialect: Dialect, *, series: bool, was_all_day: bool) -> Iterator[Element]:
    """Start, end and both zones together: a zone set alone moves the event (EWS facts §2.5)."""
    for name, element in _when(when, home, dialect, series=series):
        yield _set(f"calendar:{name}", element)
    if isinstance(when, AllDay) is not was_all_day:
        yield _set("calendar:IsAllDayEvent", t("IsAllDayEvent", "false" if was_all_day else "true"))


def set_recurrence(entry: Entry, dialect: Dialect) -> Element:
    """The rule as `entry` has it; taken away from what becomes a single entry."""
    if entry.recurrence is None:
        return t("DeleteItemField", t("FieldURI", FieldURI="calendar:Recurrence"))
    return _set("calendar:Recurrence", recurrence_wire.write(entry.recurrence, times.local_day(entry.when), dialect))


def availability_name(value: Availability, dialect: Dialect) -> str:
    if value is Availability.ELSEWHERE and not dialect.working_elsewhere:
        return "Free"
    return _AVAILABILITY_NAMES[value]


def _set(uri: str, element: Element) -> Element:
    return t("SetItemField", t("FieldURI", FieldURI=uri), t("CalendarItem", element))


def _when(when: When, home: str, dialect: Dialect, *, series: bool) -> Iterator[tuple[str, Element]]:
    """Start, End, StartTimeZone and EndTimeZone (2007: MeetingTimeZone), in the order of the schema.

    Whole days run from midnight to midnight in the user's zone, where Outlook shows them (EWS facts §2.5).
    """
    if isinstance(when, AllDay):
        zone = home if times.windows_id(home) else "UTC"
        start, end, zone_end = times.midnight(when.first, zone), times.midnight(when.end, zone), zone
    else:
        start, end, zone, zone_end = when.start, when.end, when.zone, when.end_zone or when.zone
    if series and not times.windows_id(zone):
        raise errors.Inexpressible("recurrence_inexpressible", reason="zone_unknown_to_windows", zone=zone)
    yield "Start", t("Start", _instant(start))
    yield "End", t("End", _instant(end))
    if not dialect.two_zones:
        yield "MeetingTimeZone", t("MeetingTimeZone", TimeZoneName=times.windows_id(zone) or "UTC")
        return
    yield "StartTimeZone", t("StartTimeZone", Id=times.windows_id(zone) or "UTC")
    yield "EndTimeZone", t("EndTimeZone", Id=times.windows_id(zone_end) or "UTC")


def _instant(moment: datetime) -> str:
    """xs:dateTime in whole seconds; years before 1000 with all four digits."""
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"


# --- entries in -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Changes:
    """One page of SyncFolderItems: (id, version) of what is there, ids of what is gone."""

    present: tuple[tuple[str, str], ...]
    removed: tuple[str, ...]
    state: str
    last: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """An event as one item tells it; a series still lacks the content of its changed occurrences."""

    event: SeenEvent
    folder: str
    #: Changed occurrences: original date -> item id.
    occurrences: dict[date, str]
    #: Names of zones only their definitions can explain.
    odd_zone: bool


def read_changes(message: Element) -> Changes:
    present, removed = [], []
    changes = message.find(M + "Changes")
    for each in () if changes is None else changes:
        item = each[0]
        if each.tag == T + "Delete":
            removed.append(item.get("Id", ""))
        elif item.tag == T + "CalendarItem":
            # Anything else people put into a calendar folder is no event; ReadFlagChange is no change of one.
            present.append(read_id(item))
    return Changes(
        tuple(present),
        tuple(removed),
        message.findtext(M + "SyncState") or "",
        message.findtext(M + "IncludesLastItemInRange") == "true",
    )


def read_id(item: Element) -> tuple[str, str]:
    """(id, version) of an item. Raises ValueError without one."""
    return _both_ids(item.find(T + "ItemId"))


def read_event(item: Element, home: str, definitions: Element | None = None) -> Draft:
    """One item as a draft. `definitions`: the same item with its zones' rules, if they were needed.

    Raises ValueError, KeyError or IndexError for what no schema allows.
    """
    found = {child.tag: child for child in item}
    zone, end_zone, odd = _zones(found, definitions, home)
    when, day_zone = _read_when(found, zone, end_zone, home)
    recurrence = recurrence_wire.read(found[T + "Recurrence"]) if T + "Recurrence" in found else None

    def original(instant: datetime) -> date:
        return _nearest_day(instant, day_zone) if isinstance(when, AllDay) else times.to_wall(instant, zone).date()

    modified = found.get(T + "ModifiedOccurrences", ())
    deleted = found.get(T + "DeletedOccurrences", ())
    occurrences = {original(_moment(each.findtext(T + "OriginalStart"))): read_id(each)[0] for each in modified}
    state = _state(found)
    listed = people.read(found)
    title, place, text, sensitivity, availability = _content(found)
    id, version = _both_ids(found.get(T + "ItemId"))
    stamp = _text(found, "LastModifiedTime")
    folder = found.get(T + "ParentFolderId")
    key = found.get(T + "ExtendedProperty")
    event = SeenEvent(
        id=id,
        version=version,
        entry=Entry(
            title=title,
            when=when,
            place=place,
            text=text,
            sensitivity=sensitivity,
            availability=availability,
            recurrence=recurrence,
            cancelled=frozenset(original(_moment(each.findtext(T + "Start"))) for each in deleted),
            people=listed,
        ),
        uid=_text(found, "UID"),
        is_meeting=bool(state & _RECEIVED) or any(not person.is_organizer for person in listed),
        is_organizer=not state & _RECEIVED,
        is_cancelled=bool(state & _CANCELLED),
        response=people.RESPONSE.get(_text(found, "MyResponseType"), "none"),
        modified=_moment(stamp) if stamp else None,
        key=None if key is None else key.findtext(T + "Value"),
        occurrence_ids=occurrences,
    )
    return Draft(event, "" if folder is None else folder.get("Id", ""), occurrences, odd)


def read_occurrence(item: Element, series: SeenEvent, home: str) -> Occurrence | None:
    """A changed occurrence; a zone of its own without a name is the series'. None: its organizer cancelled it, which
    leaves an exception in the others' calendars."""
    found = {child.tag: child for child in item}
    if _state(found) & _CANCELLED:
        return None
    zone = series.entry.when.zone if isinstance(series.entry.when, Timed) else home
    name = _zone_name(found, "StartTimeZone")
    own = zones.known(name, home) or zone
    when, _ = _read_when(found, own, own, home)
    title, place, text, sensitivity, availability = _content(found)
    return Occurrence(title, when, place, text, sensitivity, availability)


def with_global_id(draft: Draft, item: Element) -> Draft:
    """A draft without a UID, with the one its global id stands for: the id in hex, or what another program called the
    entry, which Exchange wraps (EWS facts §2.7). Raises ValueError for an id that is none."""
    found = item.findtext(f"{T}ExtendedProperty/{T}Value")
    id = b64decode(found or "", validate=True)
    uid = id[52:].rstrip(b"\0").decode() if id[40:48] == b"vCal-Uid" else id.hex().upper()
    return replace(draft, event=replace(draft.event, uid=uid))


def with_occurrences(event: SeenEvent, found: dict[date, Occurrence | None]) -> SeenEvent:
    """The series with its changed occurrences; None for those its organizer cancelled."""
    changed = {day: content for day, content in found.items() if content is not None}
    cancelled = event.entry.cancelled | (found.keys() - changed.keys())
    return replace(event, entry=replace(event.entry, exceptions=changed, cancelled=cancelled)) if found else event


def _zones(found: dict[str, Element], definitions: Element | None, home: str) -> tuple[str, str, bool]:
    """IANA names of start and end zone, and whether a definition is needed to know them."""
    start_name, end_name = _zone_name(found, "StartTimeZone"), _zone_name(found, "EndTimeZone")
    start = zones.known(start_name, home)
    end = start if end_name == start_name else zones.known(end_name, home)
    if start and end:
        return start, end, False
    if definitions is not None:
        at = _moment(_text(found, "Start"))
        given = {child.tag: child for child in definitions}
        if start is None and T + "StartTimeZone" in given:
            start = zones.by_rules(given[T + "StartTimeZone"], at, home)
        if end is None and T + "EndTimeZone" in given:
            end = start if end_name == start_name else zones.by_rules(given[T + "EndTimeZone"], at, home)
    start = start or home
    return start, end or start, definitions is None


def _zone_name(found: dict[str, Element], name: str) -> str:
    by_id = found.get(T + name + "Id")
    if by_id is not None:
        return by_id.text or ""
    definition = found.get(T + name)
    if definition is not None:
        return definition.get("Id", "")
    both = found.get(T + "MeetingTimeZone")
    return "" if both is None else both.get("TimeZoneName", "")


def _read_when(found: dict[str, Element], zone: str, end_zone: str, home: str) -> tuple[When, str]:
    """When it is, and the zone in which its whole days are days."""
    start, end = _moment(_text(found, "Start")), _moment(_text(found, "End"))
    if _text(found, "IsAllDayEvent") != "true":
        return Timed(start, max(start, end), zone, None if end_zone == zone else end_zone), zone
    day_zone = next((each for each in (zone, home) if _is_midnight(start, each) and _is_midnight(end, each)), zone)
    first = _nearest_day(start, day_zone)
    # Dates after conversion; a day may have 23 hours (EWS facts §2.5).
    return AllDay(first, max(_nearest_day(end, day_zone), first + timedelta(days=1))), day_zone


def _is_midnight(instant: datetime, zone: str) -> bool:
    wall = times.to_wall(instant, zone)
    return not (wall.hour or wall.minute or wall.second)


def _nearest_day(instant: datetime, zone: str) -> date:
    """The day whose midnight is nearest: entries made in another zone do not start at one."""
    return (times.to_wall(instant, zone) + timedelta(hours=12)).date()


def _content(found: dict[str, Element]) -> tuple[str, str, str, Sensitivity, Availability]:
    body = found.get(T + "Body")
    text = "" if body is None else body.text or ""
    if text and body is not None:
        text = text_from_html(text) if body.get("BodyType") == "HTML" else canonical_text(text)
    return (
        _text(found, "Subject"),
        _text(found, "Location"),
        text,
        _SENSITIVITY.get(_text(found, "Sensitivity"), Sensitivity.NORMAL),
        _AVAILABILITY.get(_text(found, "LegacyFreeBusyStatus"), Availability.BUSY),
    )


def _both_ids(found: Element | None) -> tuple[str, str]:
    if found is None:
        raise ValueError("no ItemId")
    return found.get("Id", ""), found.get("ChangeKey", "")


def _state(found: dict[str, Element]) -> int:
    return int(_text(found, "AppointmentState") or "0")


def _text(found: dict[str, Element], name: str) -> str:
    element = found.get(T + name)
    return "" if element is None else element.text or ""


def _moment(text: str | None) -> datetime:
    """An xs:dateTime with "Z" or an offset, with or without fractions. Raises ValueError for one without a zone."""
    moment = datetime.fromisoformat(text or "")
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        raise ValueError("time without zone")
    return moment.astimezone(UTC)
