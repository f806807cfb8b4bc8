"""What EWS shows of an entry: one row per property, in the order the schema wants them.

A row says how the property is called in requests (`item:Subject`), since which request version it exists
(EWS facts §2.4), and writes its value. FindItem and SyncFolderItems do not load bodies, people and
recurrences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from lxml import etree

from samklang.sandbox import bodies, patterns, recurrence, zones
from samklang.sandbox.ews import extended
from samklang.sandbox.ews.caller import Caller, Entry, occurrence_entry
from samklang.sandbox.ews.soap import ItemError, T, children
from samklang.sandbox.ews.values import (
    RESPONSES,
    SHOW_AS,
    boolean,
    clean,
    duration,
    instant,
    write_recurrence,
    zone_name,
)
from samklang.sandbox.ews.versions import V2007, V2010, V2013
from samklang.sandbox.model import Attendee, Item, Person

Written = str | etree._Element | None


@dataclass
class Shape:
    """What a request wants to see. `loaded` False: FindItem and SyncFolderItems, which load no streams."""

    caller: Caller
    properties: list[Property]
    extended: list[extended.Field] = field(default_factory=list)
    body: str = "Best"
    loaded: bool = True

    def instant(self, moment: Any) -> str:
        return instant(moment, milliseconds=self.caller.milliseconds)


@dataclass(frozen=True)
class Property:
    uri: str
    write: Callable[[Entry, Shape], Written]
    since: int = V2007
    until: int = 99
    streamed: bool = False  # GetItem alone gives it
    default: bool = False  # part of the shape Default
    usual: bool = True  # part of AllProperties

    @property
    def tag(self) -> str:
        return self.uri.partition(":")[2]


def write(entry: Entry, shape: Shape, parent: etree._Element) -> etree._Element:
    """Appends a CalendarItem (another class of item: Message) with the wanted properties."""
    item = etree.SubElement(parent, f"{T}CalendarItem")
    extended_done = not shape.extended
    for prop in shape.properties:
        if not extended_done and ORDER[prop.uri] > _AFTER_EXTENDED:
            extended.write(entry, shape.extended, item)
            extended_done = True
        value = prop.write(entry, shape)
        if value is None:
            continue
        if isinstance(value, str):
            etree.SubElement(item, T + prop.tag).text = value
        else:
            item.append(value)
    if not extended_done:
        extended.write(entry, shape.extended, item)
    return item


def shape(caller: Caller, item_shape: etree._Element, *, loaded: bool) -> Shape:
    """The Shape of an ItemShape element. Raises ItemError for properties the operation or the version has
    not."""
    base = item_shape.findtext(f"{T}BaseShape", "IdOnly")
    if not loaded and item_shape.findtext(f"{T}IncludeMimeContent") in ("true", "1"):
        raise ItemError("ErrorInvalidPropertyForOperation")
    wanted = {"item:ItemId"}
    if base == "Default":
        wanted |= {p.uri for p in PROPERTIES if p.default}
    elif base == "AllProperties":
        wanted |= {p.uri for p in PROPERTIES if p.usual}
    fields: list[extended.Field] = []
    for name, path in children(item_shape.find(f"{T}AdditionalProperties")):
        if name == "ExtendedFieldURI":
            fields.append(extended.Field.read(path))
        elif name == "FieldURI":
            wanted.add(path.get("FieldURI", ""))
    chosen = [
        p for p in PROPERTIES if p.uri in wanted and p.since <= caller.rank < p.until and (loaded or not p.streamed)
    ]
    return Shape(caller, chosen, fields, item_shape.findtext(f"{T}BodyType", "Best"), loaded)


def only(caller: Caller, *uris: str) -> Shape:
    return Shape(caller, [BY_URI[uri] for uri in uris])


def item_id(id: str, change_key: str, tag: str = "ItemId") -> etree._Element:
    return etree.Element(T + tag, Id=id, ChangeKey=change_key)


# --- writers ------------------------------------------------------------------------------------------------
def _texts(tag: str, values: Iterable[str]) -> Written:
    whole = etree.Element(T + tag)
    for value in values:
        etree.SubElement(whole, f"{T}String").text = clean(value)
    return whole if len(whole) else None


def _body(entry: Entry, shape: Shape) -> Written:
    body = entry.item.body
    as_text = shape.body == "Text" or (shape.body == "Best" and body.type == "text")
    element = etree.Element(f"{T}Body", BodyType="Text" if as_text else "HTML")
    if shape.caller.rank >= V2013:
        element.set("IsTruncated", "false")
    text = bodies.to_text(body.content) if as_text else body.content
    # Converted texts end with a line end of Exchange's own.
    element.text = clean(text + "\r\n" if as_text and text else text)
    return element


def _text_body(entry: Entry, shape: Shape) -> Written:
    element = etree.Element(f"{T}TextBody", BodyType="Text", IsTruncated="false")
    element.text = clean(bodies.to_text(entry.item.body.content))
    return element


def _mailbox(person: Person | Attendee) -> etree._Element:
    element = etree.Element(f"{T}Mailbox")
    if person.name:
        etree.SubElement(element, f"{T}Name").text = clean(person.name)
    etree.SubElement(element, f"{T}EmailAddress").text = clean(person.address)
    etree.SubElement(element, f"{T}RoutingType").text = "SMTP"
    etree.SubElement(element, f"{T}MailboxType").text = "Mailbox"
    return element


def _organizer(entry: Entry, shape: Shape) -> Written:
    element = etree.Element(f"{T}Organizer")
    element.append(_mailbox(entry.item.organizer))
    return element


def _attendees(tag: str, kind: str) -> Callable[[Entry, Shape], Written]:
    def writer(entry: Entry, shape: Shape) -> Written:
        whole = etree.Element(T + tag)
        for person in entry.item.attendees:
            if person.kind != kind:
                continue
            attendee = etree.SubElement(whole, f"{T}Attendee")
            attendee.append(_mailbox(person))
            # 2010 leaves the response out until there is one (INTEROP MTGS R1281).
            if person.response != "none" or not V2010 <= shape.caller.rank < V2013:
                etree.SubElement(attendee, f"{T}ResponseType").text = RESPONSES[person.response]
            if person.responded is not None:
                etree.SubElement(attendee, f"{T}LastResponseTime").text = shape.instant(person.responded)
        return whole if len(whole) else None

    return writer


def rights(caller: Caller, *, container: bool) -> etree._Element:
    """EffectiveRights: everything; creating only inside a container."""
    element = etree.Element(f"{T}EffectiveRights")
    for name in ("CreateAssociated", "CreateContents", "CreateHierarchy"):
        etree.SubElement(element, T + name).text = boolean(container)
    for name in ("Delete", "Modify", "Read"):
        etree.SubElement(element, T + name).text = "true"
    if caller.rank >= V2010:
        etree.SubElement(element, f"{T}ViewPrivateItems").text = "true"
    return element


def _parent_folder(entry: Entry, shape: Shape) -> Written:
    mailbox, key = shape.caller.mailbox, entry.item.folder
    assert mailbox is not None
    folder = next(f for f in shape.caller.store.folders(mailbox) if key in (f.kind, f.id))
    return item_id(folder.id, FOLDER_KEY, "ParentFolderId")


# Change keys of what has none of its own here: folders, and items that are gone.
FOLDER_KEY = "AQAAABYAAAC8N8bKd3m6RIV6fy3vDUMUAAAA"
DELETED_KEY = "DwAAABYAAAC8N8bKd3m6RIV6fy3vDUMUAAAA"


def _recurrence(entry: Entry, shape: Shape) -> Written:
    item = entry.item
    if item.recurrence is None:
        return None
    return write_recurrence(item.recurrence, item.start_zone, first_day=shape.caller.rank >= V2010)


def _occurrence_info(tag: str, entry: Entry, shape: Shape) -> etree._Element:
    info = etree.Element(T + tag)
    info.append(item_id(entry.id, entry.item.change_key))
    etree.SubElement(info, f"{T}Start").text = shape.instant(entry.item.start)
    etree.SubElement(info, f"{T}End").text = shape.instant(entry.item.end)
    original = _original_start(entry)
    etree.SubElement(info, f"{T}OriginalStart").text = shape.instant(original or entry.item.start)
    return info


def _original_start(entry: Entry) -> Any:
    if entry.master is None or entry.original is None:
        return None
    return recurrence.series_of(entry.master).regular(entry.original)[0]


def _end_of_series(tag: str, pick: Callable[[recurrence.Series], recurrence.Occurrence | None]) -> Any:
    def writer(entry: Entry, shape: Shape) -> Written:
        if entry.item.recurrence is None:
            return None
        place = pick(recurrence.series_of(entry.item))
        return None if place is None else _occurrence_info(tag, occurrence_entry(entry.item, place), shape)

    return writer


def _last(series: recurrence.Series) -> recurrence.Occurrence | None:
    day = patterns.last_date(series.rule)
    if day is not None and day in series.cancelled:
        day = patterns.previous_date(series.rule, day, without=series.cancelled)
    return None if day is None else series.occurrence(day)


def _modified_occurrences(entry: Entry, shape: Shape) -> Written:
    if not entry.item.exceptions:
        return None
    series, whole = recurrence.series_of(entry.item), etree.Element(f"{T}ModifiedOccurrences")
    for original in sorted(entry.item.exceptions):
        place = series.occurrence(original)
        if place is not None:
            whole.append(_occurrence_info("Occurrence", occurrence_entry(entry.item, place), shape))
    return whole if len(whole) else None


def _deleted_occurrences(entry: Entry, shape: Shape) -> Written:
    if not entry.item.cancelled:
        return None
    series, whole = recurrence.series_of(entry.item), etree.Element(f"{T}DeletedOccurrences")
    for original in sorted(entry.item.cancelled):
        deleted = etree.SubElement(whole, f"{T}DeletedOccurrence")
        etree.SubElement(deleted, f"{T}Start").text = shape.instant(series.regular(original)[0])
    return whole


def _zone(tag: str, get: Callable[[Item], str]) -> Callable[[Entry, Shape], Written]:
    def writer(entry: Entry, shape: Shape) -> Written:
        zone = get(entry.item)
        return etree.Element(T + tag, Id=zone, Name=zone_name(zone, entry.item.start))

    return writer


def _meeting_zone(entry: Entry, shape: Shape) -> Written:
    zone = entry.item.start_zone
    element = etree.Element(f"{T}MeetingTimeZone", TimeZoneName=zone)
    offset = entry.item.start.astimezone(zones.zone(zone)).utcoffset() or timedelta(0)
    dst = entry.item.start.astimezone(zones.zone(zone)).dst() or timedelta(0)
    base = dst - offset  # Bias: what has to be added to local standard time to get UTC
    sign = "-" if base < timedelta(0) else ""
    etree.SubElement(element, f"{T}BaseOffset").text = sign + duration(abs(base))
    return element


def _time_zone(entry: Entry, shape: Shape) -> Written:
    if entry.kind == "Single" and shape.caller.server.major == 15 and shape.caller.server.minor >= 1:
        return None  # 2016 and later give it for series alone (INTEROP MTGS R2182)
    return zone_name(entry.item.start_zone, entry.item.start)


def _show_as(entry: Entry, shape: Shape) -> Written:
    value = SHOW_AS[entry.item.show_as]
    return "Free" if value == "WorkingElsewhere" and shape.caller.rank < V2013 else value


def _recipients(entry: Entry, shape: Shape) -> Written:
    return clean("; ".join(p.name or p.address for p in entry.item.attendees if p.kind == "required"))


def _reminder_due(entry: Entry, shape: Shape) -> Written:
    return shape.instant(entry.item.start)


def _wall_clock(get: Callable[[Item], Any], zone: Callable[[Item], str]) -> Callable[[Entry, Shape], Written]:
    def writer(entry: Entry, shape: Shape) -> Written:
        return str(get(entry.item).astimezone(zones.zone(zone(entry.item))).isoformat(timespec="seconds"))

    return writer


def _flag(get: Callable[[Entry], bool]) -> Callable[[Entry, Shape], Written]:
    return lambda entry, shape: boolean(get(entry))


def _constant(value: str) -> Callable[[Entry, Shape], Written]:
    return lambda entry, shape: value


def _moment(get: Callable[[Item], Any]) -> Callable[[Entry, Shape], Written]:
    return lambda entry, shape: shape.instant(get(entry.item))


def _text(get: Callable[[Item], str]) -> Callable[[Entry, Shape], Written]:
    return lambda entry, shape: clean(get(entry.item)) or None


def _original(entry: Entry, shape: Shape) -> Written:
    start = _original_start(entry)
    return None if start is None else shape.instant(start)


P = Property
PROPERTIES = (
    P("item:ItemId", lambda e, s: item_id(e.id, e.item.change_key), default=True),
    P("item:ParentFolderId", _parent_folder),
    P("item:ItemClass", lambda e, s: e.item.item_class if e.master is None else "IPM.Appointment.Occurrence"),
    P("item:Subject", _text(lambda i: i.subject), default=True),
    P("item:Sensitivity", lambda e, s: e.item.sensitivity.capitalize(), default=True),
    P("item:Body", _body, streamed=True, default=True),
    P("item:DateTimeReceived", _moment(lambda i: i.created)),
    P("item:Size", lambda e, s: str(1500 + len(e.item.body.content))),
    P("item:Categories", lambda e, s: _texts("Categories", e.item.categories)),
    P("item:Importance", lambda e, s: e.item.importance.capitalize()),
    P("item:IsSubmitted", _constant("false")),
    P("item:IsDraft", _constant("false")),
    P("item:IsFromMe", _constant("false")),
    P("item:IsResend", _constant("false")),
    P("item:IsUnmodified", _constant("false")),
    P("item:DateTimeSent", _moment(lambda i: i.created)),
    P("item:DateTimeCreated", _moment(lambda i: i.created), default=True),
    P("item:ReminderDueBy", _reminder_due),
    P("item:ReminderIsSet", _flag(lambda e: e.item.reminder.on)),
    P("item:ReminderMinutesBeforeStart", lambda e, s: str(e.item.reminder.minutes)),
    P("item:DisplayCc", _constant("")),
    P("item:DisplayTo", _recipients),
    P("item:HasAttachments", _constant("false"), default=True),
    P("item:Culture", _constant("en-US")),
    P("item:EffectiveRights", lambda e, s: rights(s.caller, container=False)),
    P("item:LastModifiedName", _text(lambda i: i.last_modified_name)),
    P("item:LastModifiedTime", _moment(lambda i: i.modified)),
    P("item:IsAssociated", _constant("false"), since=V2010),
    P("item:TextBody", _text_body, since=V2013, streamed=True, usual=False),
    P("calendar:UID", _text(lambda i: i.uid)),
    P("calendar:RecurrenceId", _original, usual=True),
    P("calendar:DateTimeStamp", _moment(lambda i: i.modified)),
    P("calendar:Start", _moment(lambda i: i.start), default=True),
    P("calendar:End", _moment(lambda i: i.end), default=True),
    P("calendar:OriginalStart", _original),
    P("calendar:IsAllDayEvent", _flag(lambda e: e.item.all_day)),
    P("calendar:LegacyFreeBusyStatus", _show_as, default=True),
    P("calendar:Location", _text(lambda i: i.location), default=True),
    P("calendar:IsMeeting", _flag(lambda e: e.item.is_meeting)),
    P("calendar:IsCancelled", _flag(lambda e: bool(e.item.appointment_state & 4))),
    # True of occurrences, not of the master (EWS facts §1.5).
    P("calendar:IsRecurring", _flag(lambda e: e.master is not None), default=True),
    P("calendar:MeetingRequestWasSent", _flag(lambda e: bool(e.item.extra.get("invited")))),
    P("calendar:IsResponseRequested", _constant("true")),
    P("calendar:CalendarItemType", lambda e, s: e.kind, default=True),
    P("calendar:MyResponseType", lambda e, s: RESPONSES[e.item.my_response], default=True),
    P("calendar:Organizer", _organizer, default=True),
    P("calendar:RequiredAttendees", _attendees("RequiredAttendees", "required"), streamed=True, default=True),
    P("calendar:OptionalAttendees", _attendees("OptionalAttendees", "optional"), streamed=True, default=True),
    P("calendar:Resources", _attendees("Resources", "resource"), streamed=True, default=True),
    P("calendar:ConflictingMeetingCount", _constant("0")),
    P("calendar:AdjacentMeetingCount", _constant("0")),
    P("calendar:Duration", lambda e, s: duration(e.item.end - e.item.start)),
    P("calendar:TimeZone", _time_zone),
    P("calendar:AppointmentSequenceNumber", lambda e, s: str(e.item.sequence)),
    P("calendar:AppointmentState", lambda e, s: str(e.item.appointment_state)),
    P("calendar:Recurrence", _recurrence, streamed=True, default=True),
    P("calendar:FirstOccurrence", _end_of_series("FirstOccurrence", lambda s: s.first()), streamed=True),
    P("calendar:LastOccurrence", _end_of_series("LastOccurrence", _last), streamed=True),
    P("calendar:ModifiedOccurrences", _modified_occurrences, streamed=True),
    P("calendar:DeletedOccurrences", _deleted_occurrences, streamed=True),
    P("calendar:MeetingTimeZone", _meeting_zone, until=V2010),
    P("calendar:StartTimeZone", _zone("StartTimeZone", lambda i: i.start_zone), since=V2010),
    P("calendar:EndTimeZone", _zone("EndTimeZone", lambda i: i.end_zone), since=V2010),
    P("calendar:ConferenceType", _constant("0")),
    P("calendar:AllowNewTimeProposal", _constant("true")),
    P("calendar:IsOnlineMeeting", _flag(lambda e: e.item.online_meeting)),
    P("calendar:StartWallClock", _wall_clock(lambda i: i.start, lambda i: i.start_zone), since=V2013),
    P("calendar:EndWallClock", _wall_clock(lambda i: i.end, lambda i: i.end_zone), since=V2013),
    P("calendar:StartTimeZoneId", lambda e, s: e.item.start_zone, since=V2013),
    P("calendar:EndTimeZoneId", lambda e, s: e.item.end_zone, since=V2013),
    P("calendar:IntendedFreeBusyStatus", _show_as, since=V2013),
    P("calendar:IsOrganizer", _flag(lambda e: e.item.is_organizer), since=V2013),
)
BY_URI = {prop.uri: prop for prop in PROPERTIES}
ORDER = {prop.uri: n for n, prop in enumerate(PROPERTIES)}
_AFTER_EXTENDED = ORDER["item:HasAttachments"]
