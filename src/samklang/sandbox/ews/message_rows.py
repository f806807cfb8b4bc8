"""What EWS shows of a meeting message: what it is called, and its properties in the order the schema wants them.

A message shares the rows of items and of calendar items (`properties.py`); its own are here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lxml import etree

from samklang.sandbox import messages
from samklang.sandbox.ews import writers
from samklang.sandbox.ews.caller import Entry
from samklang.sandbox.ews.shapes import Property, Shape, Written, item_id
from samklang.sandbox.ews.soap import T
from samklang.sandbox.ews.values import RESPONSES
from samklang.sandbox.ews.versions import V2013
from samklang.sandbox.messages import Message

TAGS = {
    "invitation": "MeetingRequest",
    "update": "MeetingRequest",
    "cancellation": "MeetingCancellation",
    "response": "MeetingResponse",
}
# In the schema before the times; a message has them right after what it says of itself.
_IDENTITY = ("calendar:UID", "calendar:RecurrenceId", "calendar:DateTimeStamp")
_NOT_OF_REQUESTS = ("calendar:IsResponseRequested", "calendar:IntendedFreeBusyStatus", "calendar:IsOrganizer")
_OF_OTHERS = ("calendar:Start", "calendar:End", "calendar:Location", "calendar:Recurrence", "calendar:CalendarItemType")


def _message(entry: Entry) -> Message:
    found = messages.message_of(entry.item)
    assert found is not None
    return found


def _sender(tag: str) -> Property:
    def write(entry: Entry, shape: Shape) -> Written:
        element = etree.Element(T + tag)
        element.append(writers.mailbox(_message(entry).sender))
        return element

    return Property(f"message:{tag}", write, default=True)


def _associated(entry: Entry, shape: Shape) -> Written:
    mailbox = shape.caller.mailbox
    found = mailbox and messages.about(shape.caller.store, mailbox, entry.item)
    if not found:
        return None
    return item_id(messages.id_of(*found), found[0].change_key, "AssociatedCalendarItemId")


def _response(entry: Entry, shape: Shape) -> Written:
    message = _message(entry)
    return RESPONSES[message.response] if message.kind == "response" else None


def _request_type(entry: Entry, shape: Shape) -> Written:
    return "NewMeetingRequest" if _message(entry).kind == "invitation" else "FullUpdate"


def tables(rows: Sequence[Property]) -> dict[str, list[Property]]:
    """The rows of each element, from those of calendar items."""
    by_uri = {row.uri: row for row in rows}
    head = [row for row in rows if row.uri.startswith("item:")]
    own = [
        _sender("Sender"),
        _sender("From"),
        Property("message:IsRead", writers.constant("false"), default=True),
        Property("meeting:AssociatedCalendarItemId", _associated, default=True),
        Property("meeting:IsDelegated", writers.constant("false"), default=True),
        Property("meeting:IsOutOfDate", writers.constant("false"), default=True),
        Property("meeting:HasBeenProcessed", writers.constant("true"), default=True),
        Property("meeting:ResponseType", _response, default=True),
        *(by_uri[uri] for uri in _IDENTITY),
    ]
    request = [
        Property("meetingRequest:MeetingRequestType", _request_type, default=True),
        replace(by_uri["calendar:IntendedFreeBusyStatus"], uri="meetingRequest:IntendedFreeBusyStatus", since=0),
        *(r for r in rows if r.uri.startswith("calendar:") and r.uri not in (*_IDENTITY, *_NOT_OF_REQUESTS)),
    ]
    others = [replace(by_uri[uri], since=V2013) for uri in _OF_OTHERS]
    return {
        tag: [*head, *own, *(request if tag == "MeetingRequest" else others)] for tag in dict.fromkeys(TAGS.values())
    }
