"""The parts of Graph's JSON we read, as msgspec structs straight from bytes (Graph facts §4.1).

Null is legal almost everywhere in live answers, so nearly every field may be None; unknown fields are skipped.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from samklang.connectors.graph.recur_blob import RECUR_PROPERTY

T = TypeVar("T")

#: Our origin mark: the create key, as a named property of its own property set.
KEY_PROPERTY = "String {8f2b6d0e-5a57-4c0e-9f0a-6b1f2f3c7d11} Name SamklangKey"


class _Wire(msgspec.Struct, rename="camel"):
    pass


class DateTimeZone(_Wire):
    #: Local time with up to seven decimals and no offset.
    date_time: str
    time_zone: str | None = None


class Body(_Wire):
    content: str | None = None
    content_type: str | None = None


class Location(_Wire):
    display_name: str | None = None


class EmailAddress(_Wire):
    address: str | None = None
    name: str | None = None


class Recipient(_Wire):
    email_address: EmailAddress | None = None


class ResponseStatus(_Wire):
    response: str | None = None


class Attendee(_Wire):
    email_address: EmailAddress | None = None
    #: required, optional or resource.
    type: str | None = None
    status: ResponseStatus | None = None


class Pattern(_Wire):
    """Unused fields carry defaults (month 0, index "first", …) that are not values (Graph facts §4.4)."""

    type: str
    interval: int = 1
    month: int | None = None
    day_of_month: int | None = None
    days_of_week: list[str] | None = None
    first_day_of_week: str | None = None
    index: str | None = None


class Range(_Wire):
    type: str
    start_date: str | None = None
    end_date: str | None = None
    number_of_occurrences: int | None = None
    recurrence_time_zone: str | None = None


class PatternedRecurrence(_Wire):
    pattern: Pattern
    range: Range


class ExtendedProperty(_Wire):
    id: str
    value: str | None = None


class Removed(_Wire):
    """Says "deleted" also of what only left the delta's window (Graph facts §1.4)."""

    reason: str | None = None


class Event(_Wire):
    id: str
    change_key: str | None = None
    #: singleInstance, occurrence, exception or seriesMaster.
    type: str | None = None
    series_master_id: str | None = None
    #: "OID.{master id}.{original date}"; live answers have it, the metadata does not.
    occurrence_id: str | None = None
    i_cal_uid: str | None = msgspec.field(name="iCalUId", default=None)
    transaction_id: str | None = None
    last_modified_date_time: str | None = None
    subject: str | None = None
    body: Body | None = None
    location: Location | None = None
    start: DateTimeZone | None = None
    end: DateTimeZone | None = None
    original_start: str | None = None
    original_start_time_zone: str | None = None
    original_end_time_zone: str | None = None
    is_all_day: bool | None = None
    sensitivity: str | None = None
    show_as: str | None = None
    recurrence: PatternedRecurrence | None = None
    organizer: Recipient | None = None
    attendees: list[Attendee] | None = None
    is_organizer: bool | None = None
    is_cancelled: bool | None = None
    response_status: ResponseStatus | None = None
    #: Only on a master asked for by id.
    cancelled_occurrences: list[str] | None = None
    exception_occurrences: list[Event] | None = None
    more_exceptions: str | None = msgspec.field(name="exceptionOccurrences@odata.nextLink", default=None)
    single_value_extended_properties: list[ExtendedProperty] | None = None
    removed: Removed | None = msgspec.field(name="@removed", default=None)


class Page(msgspec.Struct, Generic[T]):
    """One page of a listing; of a delta round too, where exactly one of the links is present."""

    value: list[T]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)
    delta_link: str | None = msgspec.field(name="@odata.deltaLink", default=None)


class Id(msgspec.Struct):
    """What is still read of an event that cannot be read."""

    id: str


class Version(_Wire):
    """An event as the reconcile lists it."""

    id: str
    change_key: str | None = None
    type: str | None = None


#: `$select` of every listing and read of events.
FIELDS = (
    "id,changeKey,type,seriesMasterId,iCalUId,transactionId,lastModifiedDateTime,subject,body,location,start,end,"
    "originalStart,originalStartTimeZone,originalEndTimeZone,isAllDay,sensitivity,showAs,recurrence,organizer,"
    "attendees,isOrganizer,isCancelled,responseStatus"
)
#: `$expand` that brings our mark along, or the recurrence's bytes too; impossible in a delta query (Graph facts §3.1).
MARK = f"singleValueExtendedProperties($filter=id eq '{KEY_PROPERTY}')"
MARK_AND_RECUR = f"singleValueExtendedProperties($filter=id eq '{KEY_PROPERTY}' or id eq '{RECUR_PROPERTY}')"
#: Put before the key, so that another program's transactionId is never taken for ours.
TRANSACTION = "samklang:"

decode_event = msgspec.json.Decoder(Event).decode
decode_id = msgspec.json.Decoder(Id).decode
decode_page = msgspec.json.Decoder(Page[msgspec.Raw]).decode
decode_events = msgspec.json.Decoder(Page[Event]).decode
decode_versions = msgspec.json.Decoder(Page[Version]).decode
