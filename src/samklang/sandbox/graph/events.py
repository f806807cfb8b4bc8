"""Events: create, read, change, delete, answer (Graph facts §4)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from samklang.sandbox import calendar, meetings
from samklang.sandbox.graph.call import Answer, Call, GraphError, invalid
from samklang.sandbox.graph.reading import fields_of
from samklang.sandbox.graph.service import Service, Target
from samklang.sandbox.graph.wire import etag
from samklang.sandbox.model import DELETED, Item, Response, merged

Params = Mapping[str, str]
# A change of these reaches the attendees.
_MAILED = ("subject", "body", "location", "start", "end", "all_day", "recurrence", "attendees", "importance")
_ANSWERS: dict[str, Response] = {
    "accept": "accepted",
    "tentativelyAccept": "tentativelyAccepted",
    "decline": "declined",
}


def create(service: Service, call: Call, params: Params) -> Answer:
    body: dict[str, Any] = call.body
    replayed = _replay(service, call, body)
    if replayed is not None:
        return Answer(201, service.event(call, Target(replayed)))
    fields = fields_of(body, call.box, None)
    extra = fields.pop("extra", {}) | ({"transaction": _digest(body)} if "transactionId" in body else {})
    attendees = fields.get("attendees") or []
    item = calendar.new_item(
        service.store,
        call.box,
        folder=service.folder(call, params),
        transaction_id=body.get("transactionId"),
        appointment_state=1 if attendees else 0,
        extra=extra,
        **fields,
    )
    with service.store.transaction():
        calendar.create(service.store, item)
        meetings.invite(service.store, call.box, item, attendees)
        service.note_write(call.box, "create")
    event = service.event(call, Target(item))
    return Answer(201, event, {"ETag": etag(item), "Location": f"{call.base}{call.path}/{event['id']}"})


def _replay(service: Service, call: Call, body: Mapping[str, Any]) -> Item | None:
    """The event an earlier request with this transactionId made. Raises GraphError where it was another event, or
    is deleted since."""
    transaction = body.get("transactionId")
    known = service.store.item_by_transaction(call.box, transaction) if transaction else None
    if known is None:
        return None
    if known.folder != DELETED and known.extra.get("transaction") == _digest(body):
        return known
    extra = {"existingEventId": known.id} if service.settings.existing_event_id else {}
    raise GraphError(
        service.settings.duplicate_transaction,
        "ErrorDuplicateTransactionId",
        "Your request can't be completed. The TransactionId value in your request is the same as in a previous"
        " request for creating an event.",
        extra=extra,
    )


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def get(service: Service, call: Call, params: Params) -> Answer:
    target = service.target(call, params)
    original = target.place.original if target.place else None
    event = service.shaped(call, service.event(call, target), target.item, original, by_id=True)
    return Answer(200, event, {"ETag": etag(target.item)})


def update(service: Service, call: Call, params: Params) -> Answer:
    target = service.target(call, params)
    _check_match(call, target.item)
    body: dict[str, Any] = call.body
    if target.place is not None and "recurrence" in body:
        raise invalid("An occurrence has no recurrence of its own.", "ErrorPropertyValidationFailure")
    shown = target.item if target.place is None else _whole(target)
    fields = fields_of(body, call.box, shown)
    if "attendees" in fields and shown.is_organizer:
        fields["appointment_state"] = 1 if fields["attendees"] or shown.is_meeting else 0
    before = list(shown.attendees)
    with service.store.transaction():
        mailed = shown.is_organizer and (before or fields.get("attendees")) and any(name in fields for name in _MAILED)
        # An update of the attendees alone is told to those that changed (Graph reference, event: update).
        told: meetings.Told = "changed" if body.keys() == {"attendees"} else "all"
        if target.place is None:
            exceptions = len(target.item.exceptions)
            item = calendar.change(service.store, target.item, fields)
            if mailed:
                meetings.update(service.store, call.box, item, before, told=told, exceptions=exceptions)
        else:
            original = target.place.original
            item = calendar.change_occurrence(service.store, target.item, original, fields)
            if mailed:
                meetings.update_date(service.store, call.box, item, original, before, told=told)
        service.note_write(call.box, "update")
    changed = service.target(call, params)
    return Answer(200, service.event(call, changed), {"ETag": etag(changed.item)})


def _whole(target: Target) -> Item:
    assert target.place is not None
    exception = target.item.exceptions.get(target.place.original)
    return merged(target.item, exception, target.place.start, target.place.end)


def _check_match(call: Call, item: Item) -> None:
    wanted = call.headers.get("if-match")
    if wanted not in (None, "*", etag(item)):
        raise conflict()


def conflict() -> GraphError:
    """Somebody else was first; also answered without If-Match when two write at once (Graph facts §4.2)."""
    return GraphError(
        412,
        "ErrorIrresolvableConflict",
        "The send or update operation could not be performed because the change key passed in the request does not"
        " match the current change key for the item.",
    )


def delete(service: Service, call: Call, params: Params) -> Answer:
    target = service.target(call, params)
    _check_match(call, target.item)
    item = target.item
    with service.store.transaction():
        if target.place is None:
            if item.is_organizer and item.attendees:
                meetings.cancel(service.store, call.box, item, item.attendees)
            calendar.delete(service.store, item, to=DELETED)
        else:
            original, people = target.place.original, _whole(target).attendees
            if item.is_organizer:
                meetings.cancel_date(service.store, call.box, item, original, people)
            calendar.cancel_occurrence(service.store, item, original)
        service.note_write(call.box, "delete")
    return Answer(204)


def respond(service: Service, call: Call, params: Params) -> Answer:
    """accept, tentativelyAccept, decline (Graph facts §4.2)."""
    target = service.target(call, params)
    body: dict[str, Any] = call.body or {}
    mail = body.get("sendResponse") is not False
    if target.item.is_organizer:
        raise invalid(
            "Your request can't be completed. You can't respond to this meeting because you're its organizer."
        )
    if body.get("proposedNewTime") and not mail:
        raise invalid("A new time can only be proposed with a response.", "ErrorInvalidParameter")
    original = target.place.original if target.place else None
    with service.store.transaction():
        answer = _ANSWERS[params["action"]]
        meetings.respond(service.store, call.box, target.item, answer, mail=mail, original=original)
        service.note_write(call.box, "update")
    return Answer(202)


def cancel(service: Service, call: Call, params: Params) -> Answer:
    target = service.target(call, params)
    if not target.item.is_organizer or not target.item.attendees:
        raise invalid("Your request can't be completed. You need to be an organizer to cancel a meeting.")
    delete(service, call, params)
    return Answer(202)
