"""What every operation of Graph shares: the sandbox, and how an id finds its event."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from samklang.sandbox import recurrence
from samklang.sandbox.context import Sandbox
from samklang.sandbox.graph import odata, wire
from samklang.sandbox.graph.call import Call, GraphError, not_found
from samklang.sandbox.graph.schemas import Schemas
from samklang.sandbox.graph.settings import GraphSettings, settings
from samklang.sandbox.graph.wire import Wire
from samklang.sandbox.messages import INBOX
from samklang.sandbox.model import (
    CALENDAR,
    DELETED,
    PROPERTY_SETS,
    RECOVERABLE,
    Item,
    Mailbox,
    extended_key,
    split_occurrence_id,
)
from samklang.sandbox.recur_blob import appointment_recur
from samklang.sandbox.recurrence import Occurrence
from samklang.sandbox.store import Store

_ALWAYS = ("@odata.etag", "id")
_DEFAULT_CALENDAR = re.compile(r"/users/[^/]+/calendar/", re.IGNORECASE)
_RECUR_ID = "0x8216"
_RECUR = extended_key("Binary", set_guid=PROPERTY_SETS["Appointment"], id=0x8216)
_ON_DEMAND = ("cancelledOccurrences", "exceptionOccurrences", "singleValueExtendedProperties")


@dataclass(frozen=True)
class Target:
    """An event that a request names: an item, or one occurrence of it."""

    item: Item
    place: Occurrence | None = None


class Service:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.store: Store = sandbox.store
        self.schemas = Schemas(sandbox.schemas)

    @property
    def settings(self) -> GraphSettings:
        return settings(self.store)

    def folder(self, call: Call, params: Mapping[str, str]) -> str:
        """The key of the calendar a path names; without one, the default calendar. Raises GraphError."""
        id = params.get("calendar")
        if not id:
            return CALENDAR
        key = self.store.folder_key(call.box, id)
        if key is None or key in (DELETED, RECOVERABLE):
            raise not_found()
        return key

    def target(self, call: Call, params: Mapping[str, str]) -> Target:
        """The event of a path. Raises GraphError: 400 for an id of another form or mailbox, else 404."""
        id = params["event"]
        parts = split_occurrence_id(id)
        item = self._item(parts.master_id if parts else id)
        if item is None:
            if not id.startswith("AAMk") or len(id) < 100:
                raise GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")
            raise not_found()
        if item.mailbox != call.box.id:
            raise GraphError(400, "ErrorInvalidIdMalformed", "The id does not belong to the targeted mailbox.")
        if item.folder in (DELETED, RECOVERABLE, INBOX):
            raise not_found()
        named = params.get("calendar") or _DEFAULT_CALENDAR.match(call.path)
        if named and item.folder != self.folder(call, params):
            raise not_found()
        if parts is None:
            return Target(item)
        if item.recurrence is None or item.generation % 256 != parts.generation:
            raise not_found()
        place = recurrence.series_of(item).occurrence(parts.original)
        if place is None:
            raise not_found()
        return Target(item, place)

    def _item(self, id: str) -> Item | None:
        return self.store.item(id) or self.store.item_by_immutable_id(id)

    def event(self, call: Call, target: Target) -> dict[str, Any]:
        """One event as this request wants it, before $select and $expand."""
        shown = Wire(call.prefer)
        if target.place is None:
            return shown.entry(target.item)
        return shown.occurrence(target.item, target.place)

    def shaped(
        self, call: Call, event: dict[str, Any], item: Item, original: date | None, *, by_id: bool = False
    ) -> dict[str, Any]:
        """An event with what $expand adds and $select leaves."""
        expand = odata.expansions(call.query.get("$expand"))
        selected = odata.names(call.query.get("$select"))
        if "singleValueExtendedProperties" in expand:
            event["singleValueExtendedProperties"] = self._extended(
                item, original, expand["singleValueExtendedProperties"].get("filter", "")
            )
        if by_id and item.recurrence is not None and original is None:
            self._series_parts(call, event, item, expand, selected)
        if selected is None:
            return event
        kept = {*selected, *_ALWAYS, *(name for name in expand if name in _ON_DEMAND)}
        return {name: value for name, value in event.items() if name in kept}

    def _extended(self, item: Item, original: date | None, filter: str) -> list[dict[str, str]]:
        exception = item.exceptions.get(original) if original else None
        own = exception.fields.extended or {} if exception is not None else {}
        held = item.extended | own
        told = _RECUR_ID in self.settings.cancelled_told
        if told and original is None and item.recurrence is not None and _RECUR_ID in filter.lower():
            held |= {_RECUR: b64encode(appointment_recur(item)).decode()}
        return wire.extended(held, odata.quoted(filter))

    def _series_parts(
        self,
        call: Call,
        event: dict[str, Any],
        item: Item,
        expand: Mapping[str, Mapping[str, str]],
        selected: list[str] | None,
    ) -> None:
        """Deleted and changed dates, only on a GET by id that asks for them (Graph facts §4.5)."""
        shown = Wire(call.prefer)
        if "cancelledOccurrences" in (selected or ()) and "cancelledOccurrences" in self.settings.cancelled_told:
            event["cancelledOccurrences"] = [f"OID.{shown.id(item)}.{day}" for day in item.cancelled]
        if "exceptionOccurrences" in expand:
            series = recurrence.series_of(item)
            places = [place for day in sorted(item.exceptions) if (place := series.occurrence(day))]
            wanted = odata.names(expand["exceptionOccurrences"].get("select"))
            event["exceptionOccurrences"] = [
                {k: v for k, v in shown.occurrence(item, place).items() if not wanted or k in {*wanted, *_ALWAYS}}
                for place in places
            ]

    def note_write(self, mailbox: Mailbox, kind: str) -> None:
        self.store.count(mailbox.address, f"writes:{kind}")
