"""Listings: events, calendar views, a series' instances (Graph facts §3.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from samklang.sandbox import recurrence, zones
from samklang.sandbox.graph import odata, wire
from samklang.sandbox.graph.call import Answer, Call, invalid
from samklang.sandbox.graph.service import Service
from samklang.sandbox.graph.times import utc_midnights, window_edge
from samklang.sandbox.graph.wire import Wire
from samklang.sandbox.model import Item
from samklang.sandbox.recurrence import Occurrence

Params = Mapping[str, str]
Row = tuple[dict[str, Any], Item, date | None]  # an event in full, what is stored, and the original date
LONGEST_WINDOW = timedelta(days=1825)  # Graph facts §3.1
_PAGE, _MOST = 10, 1000
_DAY = timedelta(days=1)
_SINCE = re.compile(r"lastModifiedDateTime (?:ge|gt) (\S+)", re.IGNORECASE)


def window(call: Call) -> tuple[datetime, datetime]:
    """The window of a view. Raises GraphError."""
    start = window_edge(call.query.get("startdatetime"), "startDateTime")
    end = window_edge(call.query.get("enddatetime"), "endDateTime")
    if end < start:
        raise invalid("The end of the window is before its start.", "ErrorInvalidParameter")
    if end - start > LONGEST_WINDOW:
        raise invalid("The range between the start and end dates is over 1825 days.")
    return start, end


def touches(start: datetime, end: datetime, first: datetime, last: datetime) -> bool:
    """Whether start … end (end exclusive, or both equal) lies in the window."""
    return start < last and (end > first or start == end == first)


def places(item: Item, first: datetime, last: datetime) -> Iterator[Occurrence]:
    """A series' occurrences in a window; all-day ones are matched by their dates as UTC midnights."""
    if not item.all_day:
        yield from recurrence.occurrences(item, first, last)
        return
    for place in recurrence.occurrences(item, first - _DAY, last + _DAY):
        if touches(*_dates(item, place), first, last):
            yield place


def _dates(item: Item, place: Occurrence) -> tuple[datetime, datetime]:
    start, end = (zones.to_local(moment, item.start_zone) for moment in (place.start, place.end))
    return datetime.combine(start.date(), time(), UTC), datetime.combine(end.date(), time(), UTC)


def calendar_view(service: Service, call: Call, params: Params) -> Answer:
    first, last = window(call)
    found: list[tuple[datetime, Item, Occurrence | None]] = []
    for item in service.store.items_between(call.box, first - _DAY, last + _DAY, service.folder(call, params)):
        if item.recurrence is not None:
            found += [(place.start, item, place) for place in places(item, first, last)]
        elif touches(*utc_midnights(item), first, last):
            found.append((item.start, item, None))
    found.sort(key=lambda row: (row[0], row[1].id))
    return _page(service, call, found)


def instances(service: Service, call: Call, params: Params) -> Answer:
    item = service.target(call, params).item
    if item.recurrence is None:
        raise invalid("Only a series has instances.")
    first, last = window(call)
    return _page(service, call, [(place.start, item, place) for place in places(item, first, last)])


def _page(service: Service, call: Call, found: list[tuple[datetime, Item, Occurrence | None]]) -> Answer:
    shown = Wire(call.prefer)

    def row(item: Item, place: Occurrence | None) -> Row:
        if place is None:
            return shown.entry(item), item, None
        return shown.occurrence(item, place), item, place.original

    if "$filter" in call.query or "$orderby" in call.query:
        return _filtered(service, call, [row(item, place) for _, item, place in found])
    size, skip = _size(call)
    part = [service.shaped(call, *row(item, place)) for _, item, place in found[skip : skip + size]]
    return listing(call, part, skip + size if len(found) > skip + size else None)


def events(service: Service, call: Call, params: Params) -> Answer:
    """Singles and masters."""
    folder, shown = service.folder(call, params), Wire(call.prefer)
    if "$filter" in call.query or "$orderby" in call.query:
        since = _SINCE.fullmatch(call.query.get("$filter", ""))
        if since:
            items = service.store.items_modified_since(call.box, window_edge(since[1], "$filter"), folder)
        else:
            items = service.store.items(call.box, folder)
        return _filtered(service, call, [(shown.entry(item), item, None) for item in items])
    size, skip = _size(call)
    items = service.store.items(call.box, folder, offset=skip, limit=size + 1)
    rows = [service.shaped(call, shown.entry(item), item, None) for item in items[:size]]
    return listing(call, rows, skip + size if len(items) > size else None)


def _size(call: Call) -> tuple[int, int]:
    top = odata.whole_number(call.query, "$top", most=_MOST, default=min(call.prefer.page_size or _PAGE, _MOST))
    return top, odata.whole_number(call.query, "$skip", most=10**9, default=0)


def _filtered(service: Service, call: Call, rows: list[Row]) -> Answer:
    """Tests and sorts whole events, extended properties with them, and shapes the page that is asked for."""
    text = call.query.get("$filter")
    if text:
        asked, test = odata.quoted(text), odata.predicate(text)
        rows = [row for row in rows if test(row[0] | _properties(row[1], asked))]
    rows = odata.ordered(rows, call.query.get("$orderby"))
    size, skip = _size(call)
    part = [service.shaped(call, *row) for row in rows[skip : skip + size]]
    return listing(call, part, skip + size if len(rows) > skip + size else None)


def _properties(item: Item, asked: list[str]) -> dict[str, Any]:
    return {"singleValueExtendedProperties": wire.extended(item.extended, asked)} if asked else {}


def listing(call: Call, rows: list[dict[str, Any]], next_skip: int | None) -> Answer:
    body: dict[str, Any] = {"@odata.context": f"{call.base}/$metadata#Collection(event)"}
    if "$count" in call.query and call.query["$count"].lower() == "true":
        body["@odata.count"] = len(rows)
    body["value"] = rows
    if next_skip is not None:
        body["@odata.nextLink"] = call.link(skip=str(next_skip))
    return Answer(200, body)
