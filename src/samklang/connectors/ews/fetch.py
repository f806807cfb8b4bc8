"""Whole events by id: GetItem for the items, for the zones nobody knows by name and for changed occurrences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date

from samklang.connectors.ews import operations, wire
from samklang.connectors.ews.soap import Element, M, Soap, T, error_in
from samklang.engine.model import Occurrence, SeenEvent
from samklang.sync.errors import ItemError, NotFound, ProtocolError, SyncError, Unavailable
from samklang.sync.ports import Unreadable

#: Items per GetItem: as many as other clients ask for (EWS facts §1.2). Microsoft advises ten, since a server stops a
#: batch after about a minute (EWS facts §2.3); but it charges items one by one whatever the batch, and of what a server
#: stopped only the rest is asked again, in halves.
GET_BATCH = 100

#: What an unreadable item can raise while it is read; anything else is our own defect.
_UNREADABLE = (ValueError, KeyError, IndexError, TypeError, AttributeError)


class Fetcher:
    """Reads events of the mailbox `soap` speaks for. `home`: IANA zone of its user."""

    def __init__(self, soap: Soap, home: str) -> None:
        self._soap = soap
        self._home = home

    def events(self, ids: Sequence[str], folder: str = "") -> tuple[dict[str, SeenEvent], list[Unreadable]]:
        """Whole events by id, and the ones that cannot be read. An id that is gone is in neither.

        `folder`: what lies in another folder than this counts as gone; "": wherever it lies.
        """
        unreadable: list[Unreadable] = []
        items = dict(self._items(ids, lambda batch: operations.get_items(batch, self._soap.dialect), unreadable))
        drafts = self._drafts(items, {}, unreadable)
        # 2007 has no definitions to ask for: what it has no name for is the user's own zone (rule 6.3).
        odd = [id for id, draft in drafts.items() if draft.odd_zone and self._soap.dialect.two_zones]
        rules = dict(self._items(odd, operations.get_zone_rules, unreadable))
        drafts |= self._drafts({id: items[id] for id in rules}, rules, unreadable)
        drafts = {id: draft for id, draft in drafts.items() if not folder or draft.folder in ("", folder)}
        drafts |= self._identified(drafts, unreadable)
        exceptions = self._exceptions(drafts, unreadable)
        unread = {each.id for each in unreadable}
        events = {
            id: wire.with_occurrences(draft.event, exceptions.get(id, {}))
            for id, draft in drafts.items()
            if id not in unread
        }
        return events, unreadable

    def _drafts(
        self, items: Mapping[str, Element], rules: Mapping[str, Element], unreadable: list[Unreadable]
    ) -> dict[str, wire.Draft]:
        drafts = {}
        for id, item in items.items():
            try:
                drafts[id] = wire.read_event(item, self._home, rules.get(id))
            except _UNREADABLE as error:
                unreadable.append(Unreadable(id, "unreadable", type(error).__name__))
        return drafts

    def _identified(self, drafts: Mapping[str, wire.Draft], unreadable: list[Unreadable]) -> dict[str, wire.Draft]:
        """Meetings without a UID, by what it is made of; nothing else is known by its identity (rule 3.2)."""
        nameless = [id for id, draft in drafts.items() if draft.event.is_meeting and not draft.event.uid]
        found = {}
        for id, item in self._items(nameless, operations.get_global_ids, unreadable):
            with suppress(ValueError):
                found[id] = wire.with_global_id(drafts[id], item)
        return found

    def _exceptions(
        self, drafts: Mapping[str, wire.Draft], unreadable: list[Unreadable]
    ) -> dict[str, dict[date, Occurrence | None]]:
        """Content of the changed occurrences of all these series, in as few requests as there are batches.

        A series always comes whole: one that lacks an exception is unreadable.
        """
        places = {item: (id, day) for id, draft in drafts.items() for day, item in draft.occurrences.items()}
        found: dict[str, dict[date, Occurrence | None]] = {}
        failed: list[Unreadable] = []
        items = self._items(list(places), lambda batch: operations.get_occurrences(batch, self._soap.dialect), failed)
        for occurrence_id, item in items:
            id, day = places[occurrence_id]
            try:
                found.setdefault(id, {})[day] = wire.read_occurrence(item, drafts[id].event, self._home)
            except _UNREADABLE as error:
                failed.append(Unreadable(occurrence_id, "unreadable", type(error).__name__))
        why = {places[each.id][0]: each.detail for each in failed}
        for id, draft in drafts.items():
            if len(found.get(id, {})) < len(draft.occurrences):
                unreadable.append(Unreadable(id, "unreadable", why.get(id, "a changed occurrence is gone")))
        return found

    def _items(
        self, ids: Sequence[str], request: Callable[[Sequence[str]], Element], unreadable: list[Unreadable]
    ) -> list[tuple[str, Element]]:
        """GetItem for these ids, in batches. Gone ones are left out; what a server stopped is asked again in halves."""
        found: list[tuple[str, Element]] = []
        waiting = [list(ids[start : start + GET_BATCH]) for start in range(0, len(ids), GET_BATCH)]
        while waiting:
            batch = waiting.pop(0)
            messages = self._soap.call(request(batch))
            if len(messages) != len(batch):
                raise ProtocolError("malformed_answer", "not one response message per item")
            stopped = []
            for id, message in zip(batch, messages, strict=True):
                error = error_in(message)
                item = message.find(f"{M}Items/{T}CalendarItem")
                if error is None and item is not None:
                    found.append((id, item))
                elif _is_stop(error) and len(batch) > 1:
                    stopped.append(id)
                elif error is None or isinstance(error, ItemError) or _is_stop(error):
                    unreadable.append(Unreadable(id, "unreadable", error.detail if error else "no calendar item"))
                elif not isinstance(error, NotFound):
                    raise error
            half = (len(stopped) + 1) // 2
            waiting[:0] = [part for part in (stopped[:half], stopped[half:]) if part]
        return found


def _is_stop(error: SyncError | None) -> bool:
    """The server ran out of time for the batch (EWS facts §2.3)."""
    return isinstance(error, Unavailable) and error.detail == "ErrorBatchProcessingStopped"
