"""Reading and writing entries: GetItem, CreateItem, UpdateItem, DeleteItem, MoveItem (EWS facts §2.3)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from lxml import etree

from samklang.sandbox import calendar, meetings, messages, recurrence
from samklang.sandbox.ews import answers, changes, properties, soap
from samklang.sandbox.ews.caller import Caller, Entry, Place, entry_of, occurrence_entry, ordered_error
from samklang.sandbox.ews.shapes import item_id
from samklang.sandbox.ews.soap import ItemError, M, T
from samklang.sandbox.model import CALENDAR, DELETED, RECOVERABLE, Mailbox
from samklang.sandbox.recurrence import RecurrenceError

_ALL = frozenset(("SendOnlyToAll", "SendToAllAndSaveCopy"))
_CHANGED = frozenset(("SendOnlyToChanged", "SendToChangedAndSaveCopy"))


def per_item(
    caller: Caller,
    operation: str,
    parts: Iterable[etree._Element],
    act: Callable[[etree._Element], etree._Element | None],
) -> etree._Element:
    """Answers each part of a batch by itself: one that fails does not stop the others. `act` returns what
    goes into the success message, after its ResponseCode."""
    answer, messages = soap.response(operation)
    for number, part in enumerate(parts):
        try:
            ordered_error(caller.fault, number)
            with caller.store.transaction():
                content = act(part)
        except ItemError as error:
            failed = soap.failure(messages, operation, error)
            if operation in ("GetItem", "CreateItem", "UpdateItem", "MoveItem"):
                etree.SubElement(failed, f"{M}Items")
        except (calendar.CalendarError, RecurrenceError) as error:
            failed = soap.failure(messages, operation, ItemError(error.code, str(error)))
            if operation in ("CreateItem", "UpdateItem"):
                etree.SubElement(failed, f"{M}Items")
        else:
            message = soap.success(messages, operation)
            for element in () if content is None else list(content):
                message.append(element)
    return answer


def _content(*elements: etree._Element) -> etree._Element:
    holder = etree.Element("holder")
    holder.extend(elements)
    return holder


def _ids(entry: Entry) -> etree._Element:
    items = etree.Element(f"{M}Items")
    item = etree.SubElement(items, f"{T}CalendarItem")
    item.append(item_id(entry.id, entry.item.change_key))
    return items


def get_item(caller: Caller, request: etree._Element) -> etree._Element:
    item_shape = soap.need(request, f"{M}ItemShape")

    def act(id: etree._Element) -> etree._Element:
        shape = properties.shape(caller, item_shape, loaded=True)
        items = etree.Element(f"{M}Items")
        properties.write(caller.entry(id), shape, items)
        return _content(items)

    return per_item(caller, "GetItem", soap.need(request, f"{M}ItemIds"), act)


def create_item(caller: Caller, request: etree._Element) -> etree._Element:
    send = request.get("SendMeetingInvitations")
    target = request.find(f"{M}SavedItemFolderId")

    def act(element: etree._Element) -> etree._Element:
        if answers.is_one(element):
            entry = answers.give(caller, element, request.get("MessageDisposition"))
            return _content(etree.Element(f"{M}Items") if entry is None else _ids(entry))
        place = _calendar(caller, target)
        if element.tag != f"{T}CalendarItem":
            raise ItemError("ErrorInvalidItemForOperationCreateItem", "The item is not valid for CreateItem.")
        if send is None:
            raise ItemError("ErrorSendMeetingInvitationsRequired")
        fields = changes.created(caller, place.mailbox, element)
        start = fields.pop("start", caller.store.clock.now().replace(microsecond=0))
        end = fields.pop("end", start + timedelta(minutes=30))
        item = calendar.new_item(caller.store, place.mailbox, start=start, end=end, folder=place.key, **fields)
        invited = send in _ALL and bool(item.attendees)
        item.extra["invited"] = invited
        calendar.create(caller.store, item)
        if invited:
            meetings.invite(caller.store, place.mailbox, item, item.attendees)
        caller.store.count(place.mailbox.address, "writes:create")
        return _content(_ids(entry_of(item)))

    return per_item(caller, "CreateItem", soap.need(request, f"{M}Items"), act)


def _calendar(caller: Caller, target: etree._Element | None) -> Place:
    if target is not None and len(target):
        place = caller.folder(target[0])
        if not place.is_calendar and place.key != DELETED:
            raise ItemError(
                "ErrorCannotCreateCalendarItemInNonCalendarFolder", "Calendar items live in calendar folders."
            )
        return place
    if caller.mailbox is None:
        raise ItemError("ErrorMissingEmailAddress")
    return caller.place(caller.mailbox, CALENDAR)


def update_item(caller: Caller, request: etree._Element) -> etree._Element:
    resolution = request.get("ConflictResolution")
    send = request.get("SendMeetingInvitationsOrCancellations")

    def act(change: etree._Element) -> etree._Element:
        id, updates = change[0], soap.need(change, f"{T}Updates")
        entry = caller.entry(id)
        stale = _is_stale(id, entry)
        if messages.message_of(entry.item) is not None:
            raise ItemError("ErrorInvalidPropertySet")
        if send is None:
            raise ItemError("ErrorSendMeetingInvitationsOrCancellationsRequired")
        if stale and resolution == "NeverOverwrite":
            raise ItemError("ErrorIrresolvableConflict")
        fields = changes.updated(caller, entry, updates)
        conflicts = 0
        if stale and resolution == "AutoResolve" and "sensitivity" in fields:
            del fields["sensitivity"]  # the one rule a source gives (EWS facts §6)
            conflicts = 1
        saved = _save(caller, entry, fields, send)
        results = etree.Element(f"{M}ConflictResults")
        etree.SubElement(results, f"{T}Count").text = str(conflicts)
        return _content(_ids(saved), results)

    return per_item(caller, "UpdateItem", soap.need(request, f"{M}ItemChanges"), act)


def _is_stale(id: etree._Element, entry: Entry) -> bool:
    """Whether the change key is not the stored one. Raises ItemError where it is missing or malformed."""
    key = id.get("ChangeKey")
    if key is None:
        if id.tag == f"{T}OccurrenceItemId":
            return False
        raise ItemError("ErrorChangeKeyRequiredForWriteOperations")
    try:
        base64.b64decode(key, validate=True)
    except binascii.Error:
        raise ItemError("ErrorInvalidChangeKey") from None
    return key != entry.item.change_key


def _save(caller: Caller, entry: Entry, fields: dict[str, Any], send: str) -> Entry:
    mailbox = caller.mailbox
    assert mailbox is not None
    before = list(entry.item.attendees)
    item = entry.stored
    told: meetings.Told = "all" if send in _ALL else "changed" if send in _CHANGED else "none"
    mailed = entry.item.is_organizer and told != "none"
    if mailed:
        item.sequence += 1
    if entry.master is None:
        item = calendar.change(caller.store, item, fields)
        saved = entry_of(item)
        if mailed:
            meetings.update(caller.store, mailbox, item, before, told=told)
    else:
        assert entry.original is not None
        item = calendar.change_occurrence(caller.store, item, entry.original, fields)
        place = recurrence.series_of(item).occurrence(entry.original)
        assert place is not None
        saved = occurrence_entry(item, place)
        if mailed:
            meetings.update_date(caller.store, mailbox, item, entry.original, before, told=told)
    caller.store.count(mailbox.address, "writes:update")
    return saved


def delete_item(caller: Caller, request: etree._Element) -> etree._Element:
    send, how = request.get("SendMeetingCancellations"), request.get("DeleteType")

    def act(id: etree._Element) -> None:
        entry = caller.entry(id)
        mailbox = caller.mailbox
        assert mailbox is not None
        is_message = messages.message_of(entry.item) is not None
        if send is None and not is_message:
            raise ItemError("ErrorSendMeetingCancellationsRequired")
        if send in _ALL and not is_message and entry.item.is_organizer:
            _mail_cancellation(caller, mailbox, entry)
        if entry.master is not None:
            assert entry.original is not None
            calendar.cancel_occurrence(caller.store, entry.master, entry.original)
        elif how == "MoveToDeletedItems" and entry.item.folder != DELETED:
            calendar.delete(caller.store, entry.item, to=DELETED)
        else:
            calendar.delete(caller.store, entry.item, to=RECOVERABLE)
        caller.store.count(mailbox.address, "writes:delete")

    return per_item(caller, "DeleteItem", soap.need(request, f"{M}ItemIds"), act)


def _mail_cancellation(caller: Caller, mailbox: Mailbox, entry: Entry) -> None:
    people = entry.item.attendees
    if entry.original is None:
        meetings.cancel(caller.store, mailbox, entry.item, people)
    else:
        meetings.cancel_date(caller.store, mailbox, entry.stored, entry.original, people)


def move_item(caller: Caller, request: etree._Element) -> etree._Element:
    def act(id: etree._Element) -> etree._Element:
        place, entry = caller.folder(soap.first(request, f"{M}ToFolderId")), caller.entry(id)
        if entry.master is not None:
            raise ItemError("ErrorCalendarCannotMoveOrCopyOccurrence")
        fits = place.is_calendar if messages.message_of(entry.item) is None else place.key == messages.INBOX
        if not fits and place.key not in (DELETED, RECOVERABLE):
            raise ItemError("ErrorMoveCopyFailed", "The move or copy operation failed.")
        moved = caller.store.move(entry.item, place.key)
        caller.store.count(place.mailbox.address, "writes:update")
        return _content(_ids(entry_of(moved)))

    return per_item(caller, "MoveItem", soap.need(request, f"{M}ItemIds"), act)
