"""What EWS shows of an entry: one row per property, in the order the schema wants them.

A row says how the property is called in requests (`item:Subject`), since which request version it exists (EWS facts
§2.4), and writes its value. FindItem and SyncFolderItems do not load bodies, people and recurrences.
"""

from __future__ import annotations

from lxml import etree

from samklang.sandbox import messages
from samklang.sandbox.ews import extended, message_rows, writers
from samklang.sandbox.ews.caller import Caller, Entry
from samklang.sandbox.ews.shapes import Property, Shape, item_id
from samklang.sandbox.ews.soap import ItemError, T, children
from samklang.sandbox.ews.values import RESPONSES, duration
from samklang.sandbox.ews.versions import V2010, V2013


def write(entry: Entry, shape: Shape, parent: etree._Element) -> etree._Element:
    """Appends a CalendarItem, or a meeting message, with the wanted properties."""
    message = messages.message_of(entry.item)
    tag = "CalendarItem" if message is None else message_rows.TAGS[message.kind]
    item = etree.SubElement(parent, T + tag)
    extended_done = not shape.extended
    for prop in shape.rows_of(tag):
        if not extended_done and ORDER.get(prop.uri, _LAST) > _AFTER_EXTENDED:
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
    named = {"item:ItemId"}
    fields: list[extended.Field] = []
    for name, path in children(item_shape.find(f"{T}AdditionalProperties")):
        if name == "ExtendedFieldURI":
            fields.append(extended.Field.read(path))
        elif name == "FieldURI":
            named.add(path.get("FieldURI", ""))
    body = item_shape.findtext(f"{T}BodyType", "Best")
    return Shape(caller, TABLES, base, frozenset(named), fields, body, loaded)


P = Property
PROPERTIES = (
    P("item:ItemId", lambda e, s: item_id(e.id, e.item.change_key), default=True),
    P("item:ParentFolderId", writers.parent_folder),
    P("item:ItemClass", lambda e, s: e.item.item_class if e.master is None else "IPM.Appointment.Occurrence"),
    P("item:Subject", writers.text(lambda i: i.subject), default=True),
    P("item:Sensitivity", lambda e, s: e.item.sensitivity.capitalize(), default=True),
    P("item:Body", writers.body, streamed=True, default=True),
    P("item:DateTimeReceived", writers.moment(lambda i: i.created)),
    P("item:Size", lambda e, s: str(1500 + len(e.item.body.content))),
    P("item:Categories", lambda e, s: writers.texts("Categories", e.item.categories)),
    P("item:Importance", lambda e, s: e.item.importance.capitalize()),
    P("item:IsSubmitted", writers.constant("false")),
    P("item:IsDraft", writers.constant("false")),
    P("item:IsFromMe", writers.constant("false")),
    P("item:IsResend", writers.constant("false")),
    P("item:IsUnmodified", writers.constant("false")),
    P("item:DateTimeSent", writers.moment(lambda i: i.created)),
    P("item:DateTimeCreated", writers.moment(lambda i: i.created), default=True),
    P("item:ReminderDueBy", writers.reminder_due),
    P("item:ReminderIsSet", writers.flag(lambda e: e.item.reminder.on)),
    P("item:ReminderMinutesBeforeStart", lambda e, s: str(e.item.reminder.minutes)),
    P("item:DisplayCc", writers.constant("")),
    P("item:DisplayTo", writers.recipients),
    P("item:HasAttachments", writers.constant("false"), default=True),
    P("item:Culture", writers.constant("en-US")),
    P("item:EffectiveRights", lambda e, s: writers.rights(s.caller, container=False)),
    P("item:LastModifiedName", writers.text(lambda i: i.last_modified_name)),
    P("item:LastModifiedTime", writers.moment(lambda i: i.modified)),
    P("item:IsAssociated", writers.constant("false"), since=V2010),
    P("item:TextBody", writers.text_body, since=V2013, streamed=True, usual=False),
    P("calendar:UID", writers.text(lambda i: "" if i.without_uid else i.uid)),
    P("calendar:RecurrenceId", writers.original_start),
    P("calendar:DateTimeStamp", writers.moment(lambda i: i.modified)),
    P("calendar:Start", writers.moment(lambda i: i.start), default=True),
    P("calendar:End", writers.moment(lambda i: i.end), default=True),
    P("calendar:OriginalStart", writers.original_start),
    P("calendar:IsAllDayEvent", writers.flag(lambda e: e.item.all_day)),
    P("calendar:LegacyFreeBusyStatus", writers.show_as, default=True),
    P("calendar:Location", writers.text(lambda i: i.location), default=True),
    P("calendar:IsMeeting", writers.flag(lambda e: e.item.is_meeting)),
    P("calendar:IsCancelled", writers.flag(lambda e: bool(e.item.appointment_state & 4))),
    # True of occurrences, not of the master (EWS facts §1.5).
    P("calendar:IsRecurring", writers.flag(lambda e: e.master is not None), default=True),
    P("calendar:MeetingRequestWasSent", writers.flag(lambda e: bool(e.item.extra.get("invited")))),
    P("calendar:IsResponseRequested", writers.constant("true")),
    P("calendar:CalendarItemType", lambda e, s: e.kind, default=True),
    P("calendar:MyResponseType", lambda e, s: RESPONSES[e.item.my_response], default=True),
    P("calendar:Organizer", writers.organizer, default=True),
    P("calendar:RequiredAttendees", writers.attendees("RequiredAttendees", "required"), streamed=True, default=True),
    P("calendar:OptionalAttendees", writers.attendees("OptionalAttendees", "optional"), streamed=True, default=True),
    P("calendar:Resources", writers.attendees("Resources", "resource"), streamed=True, default=True),
    P("calendar:ConflictingMeetingCount", writers.constant("0")),
    P("calendar:AdjacentMeetingCount", writers.constant("0")),
    P("calendar:Duration", lambda e, s: duration(e.item.end - e.item.start)),
    P("calendar:TimeZone", writers.time_zone),
    P("calendar:AppointmentSequenceNumber", lambda e, s: str(e.item.sequence)),
    P("calendar:AppointmentState", lambda e, s: str(e.item.appointment_state)),
    P("calendar:Recurrence", writers.recurrence_element, streamed=True, default=True),
    P("calendar:FirstOccurrence", writers.end_of_series("FirstOccurrence", lambda s: s.first()), streamed=True),
    P("calendar:LastOccurrence", writers.end_of_series("LastOccurrence", writers.last), streamed=True),
    P("calendar:ModifiedOccurrences", writers.modified_occurrences, streamed=True),
    P("calendar:DeletedOccurrences", writers.deleted_occurrences, streamed=True),
    P("calendar:MeetingTimeZone", writers.meeting_zone, until=V2010),
    P("calendar:StartTimeZone", writers.zone_element("StartTimeZone", lambda i: i.start_zone), since=V2010),
    P("calendar:EndTimeZone", writers.zone_element("EndTimeZone", lambda i: i.end_zone), since=V2010),
    P("calendar:ConferenceType", writers.constant("0")),
    P("calendar:AllowNewTimeProposal", writers.constant("true")),
    P("calendar:IsOnlineMeeting", writers.flag(lambda e: e.item.online_meeting)),
    P("calendar:StartWallClock", writers.wall_clock(lambda i: i.start, lambda i: i.start_zone), since=V2013),
    P("calendar:EndWallClock", writers.wall_clock(lambda i: i.end, lambda i: i.end_zone), since=V2013),
    P("calendar:StartTimeZoneId", lambda e, s: e.item.start_zone, since=V2013),
    P("calendar:EndTimeZoneId", lambda e, s: e.item.end_zone, since=V2013),
    P("calendar:IntendedFreeBusyStatus", writers.show_as, since=V2013),
    P("calendar:IsOrganizer", writers.flag(lambda e: e.item.is_organizer), since=V2013),
)
TABLES = {"CalendarItem": PROPERTIES, **message_rows.tables(PROPERTIES)}
BY_URI = {prop.uri: prop for prop in PROPERTIES}
ORDER = {prop.uri: n for n, prop in enumerate(PROPERTIES)}
_AFTER_EXTENDED, _LAST = ORDER["item:HasAttachments"], len(ORDER)
