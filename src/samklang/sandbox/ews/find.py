"""FindItem: pages of a folder, calendar views, restrictions (EWS facts §2.3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from lxml import etree

from samklang.sandbox import recurrence
from samklang.sandbox.ews import extended, properties, soap
from samklang.sandbox.ews.caller import Caller, Entry, Place, entry_of, occurrence_entry
from samklang.sandbox.ews.shapes import Shape
from samklang.sandbox.ews.soap import ItemError, M, T, children
from samklang.sandbox.ews.values import boolean, read_instant
from samklang.sandbox.ews.versions import V2010

Test = Callable[[Entry], bool]
_PAGE, _RESTRICTED_PAGE = 1000, 250  # EWSFindCountLimit (EWS facts §2.9); the second from 2013 on
_NEVER_LOADED = ("item:Body", "item:TextBody", "item:Attachments")


def find_item(caller: Caller, request: etree._Element) -> etree._Element:
    answer, messages = soap.response("FindItem")
    for folder in soap.need(request, f"{M}ParentFolderIds"):
        try:
            place = caller.folder(folder)
            shape = _shape(caller, request)
            _answer(_view(caller, place, request), shape, messages)
        except ItemError as error:
            soap.failure(messages, "FindItem", error)
    return answer


def _shape(caller: Caller, request: etree._Element) -> Shape:
    item_shape = soap.need(request, f"{M}ItemShape")
    for path in item_shape.iterfind(f"{T}AdditionalProperties/{T}FieldURI"):
        if path.get("FieldURI") in _NEVER_LOADED:
            raise ItemError("ErrorInvalidPropertyForOperation")
    return properties.shape(caller, item_shape, loaded=False)


class _Page:
    """What a view gives: entries, how many there are in all, where the next page starts, whether this is the
    last."""

    def __init__(self, entries: list[Entry], total: int, next_offset: int | None, last: bool) -> None:
        self.entries, self.total, self.next_offset, self.last = entries, total, next_offset, last


def _view(caller: Caller, place: Place, request: etree._Element) -> _Page:
    view = request.find(f"{M}CalendarView")
    if view is not None:
        return _calendar_view(caller, place, view, request)
    restriction = request.find(f"{M}Restriction")
    indexed = request.find(f"{M}IndexedPageItemView")
    offset = int(indexed.get("Offset", "0")) if indexed is not None else 0
    size = _size(caller, place, indexed, restricted=restriction is not None)
    from_end = indexed is not None and indexed.get("BasePoint") == "End"
    ordered = request.find(f"{M}SortOrder")
    if restriction is None and ordered is None and not from_end:
        total = caller.store.count_items(place.mailbox, place.key)
        items = caller.store.items(place.mailbox, place.key, offset=offset, limit=size, newest_first=True)
        entries = [entry_of(item) for item in items]
        return _page(entries, total, offset)
    found = _restricted(caller, place, restriction[0] if restriction is not None else None)
    if ordered is not None:
        _sort(found, ordered)
    if from_end:
        found.reverse()
    return _page(found[offset : offset + size], len(found), offset)


def _size(caller: Caller, place: Place, indexed: etree._Element | None, *, restricted: bool) -> int:
    """How many entries a page may have. Over the server's budget old request versions get an error, later ones a
    shorter page (EWS facts §2.3, §2.9); 2007 has no budget."""
    total = caller.store.count_items(place.mailbox, place.key)
    wanted = total if indexed is None else int(indexed.get("MaxEntriesReturned", total))
    if caller.server.major == 8:
        return wanted
    budget = _RESTRICTED_PAGE if restricted and caller.server.major >= 15 else _PAGE
    if min(wanted, total) > budget and caller.rank <= V2010:
        raise ItemError("ErrorServerBusy")
    return min(wanted, budget)


def _page(entries: list[Entry], total: int, offset: int) -> _Page:
    end = offset + len(entries)
    return _Page(entries, total, end, end >= total)


def _calendar_view(caller: Caller, place: Place, view: etree._Element, request: etree._Element) -> _Page:
    if not place.is_calendar:
        raise ItemError("ErrorCalendarFolderIsInvalidForCalendarView")
    start = read_instant(view.get("StartDate", ""), caller.zone or "UTC")
    end = read_instant(view.get("EndDate", ""), caller.zone or "UTC")
    if end < start:
        raise ItemError("ErrorCalendarEndDateIsEarlierThanStartDate", "EndDate is earlier than StartDate")
    if end - start > timedelta(days=731):
        raise ItemError("ErrorCalendarViewRangeTooBig")
    entries: list[Entry] = []
    for item in caller.store.items_between(place.mailbox, start, end, place.key):
        if item.recurrence is not None:
            entries += (occurrence_entry(item, at) for at in recurrence.occurrences(item, start, end))
        elif item.start < end and item.end >= start:
            entries.append(entry_of(item))
    entries.sort(key=lambda entry: (entry.item.start, entry.id))
    most = int(view.get("MaxEntriesReturned", len(entries) + 1))
    return _Page(entries[:most], len(entries), None, len(entries) <= most)


def _answer(page: _Page, shape: Shape, messages: etree._Element) -> None:
    root = etree.SubElement(soap.success(messages, "FindItem"), f"{M}RootFolder")
    if page.next_offset is not None:
        root.set("IndexedPagingOffset", str(page.next_offset))
    root.set("TotalItemsInView", str(page.total))
    root.set("IncludesLastItemInRange", boolean(page.last))
    items = etree.SubElement(root, f"{T}Items")
    for entry in page.entries:
        properties.write(entry, shape, items)


# --- restrictions -------------------------------------------------------------------------------------------
def _restricted(caller: Caller, place: Place, expression: etree._Element | None) -> list[Entry]:
    """The folder's entries a restriction lets through, newest first. Equality of an extended property is
    looked up, everything else reads the folder."""
    if expression is None:
        items = caller.store.items(place.mailbox, place.key, newest_first=True)
        return [entry_of(item) for item in items]
    looked_up = _looked_up(caller, place, expression)
    if looked_up is not None:
        return looked_up
    test = _test(expression)
    items = caller.store.items(place.mailbox, place.key, newest_first=True)
    return [entry for item in items if test(entry := entry_of(item))]


def _looked_up(caller: Caller, place: Place, expression: etree._Element) -> list[Entry] | None:
    path = expression.find(f"{T}ExtendedFieldURI")
    constant = expression.find(f"{T}FieldURIOrConstant/{T}Constant")
    if expression.tag != f"{T}IsEqualTo" or path is None or constant is None:
        return None
    key, value = extended.Field.read(path).key, constant.get("Value", "")
    if key in (extended.GLOBAL_ID, extended.CLEAN_GLOBAL_ID):
        items = caller.store.items_by_uid(place.mailbox, extended.uid_in(value), place.key)
    else:
        items = caller.store.items_by_property(place.mailbox, key, value, place.key)
    return [entry_of(item) for item in items]


def _test(expression: etree._Element) -> Test:
    name, parts = etree.QName(expression).localname, list(expression)
    if name in ("And", "Or"):
        tests, every = [_test(part) for part in parts], name == "And"
        return lambda entry: all(t(entry) for t in tests) if every else any(t(entry) for t in tests)
    if name == "Not":
        inner = _test(parts[0])
        return lambda entry: not inner(entry)
    get = _operand(parts[0])
    if name == "Exists":
        return lambda entry: get(entry) not in (None, "", [])
    if name == "Contains":
        return _contains(expression, get)
    compare = _COMPARISONS.get(name)
    if compare is None:
        raise ItemError("ErrorUnsupportedPathForQuery", f"{name} is not supported.")
    other = _other(parts[1])
    return lambda entry: _compared(compare, get(entry), other(entry))


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "IsEqualTo": lambda a, b: a == b,
    "IsNotEqualTo": lambda a, b: a != b,
    "IsGreaterThan": lambda a, b: a > b,
    "IsGreaterThanOrEqualTo": lambda a, b: a >= b,
    "IsLessThan": lambda a, b: a < b,
    "IsLessThanOrEqualTo": lambda a, b: a <= b,
}


def _compared(compare: Callable[[Any, Any], bool], mine: Any, given: Any) -> bool:
    """Compares as the property's own type; a property that is not there never matches but by inequality."""
    if mine is None:
        return compare(1, 2) and not compare(2, 1) and compare is _COMPARISONS["IsNotEqualTo"]
    if isinstance(given, str):
        if isinstance(mine, datetime):
            given = read_instant(given, "UTC")
        elif isinstance(mine, bool):
            given = given in ("true", "1")
        elif isinstance(mine, int):
            given = int(given)
        elif isinstance(mine, list):
            return any(compare(one.casefold(), given.casefold()) for one in mine)
        else:
            mine, given = mine.casefold(), given.casefold()
    return compare(mine, given)


def _other(side: etree._Element) -> Callable[[Entry], Any]:
    inside = side[0]
    if inside.tag == f"{T}Constant":
        value = inside.get("Value", "")
        return lambda entry: value
    return _operand(inside)


def _contains(expression: etree._Element, get: Callable[[Entry], Any]) -> Test:
    constant = expression.find(f"{T}Constant")
    wanted = "" if constant is None else constant.get("Value", "")
    mode = expression.get("ContainmentMode", "FullString")
    exact = expression.get("ContainmentComparison", "Exact") == "Exact"
    matches: dict[str, Callable[[str, str], bool]] = {
        "Substring": lambda text, part: part in text,
        "Prefixed": lambda text, part: text.startswith(part),
        "FullString": lambda text, part: text == part,
        "PrefixOnWords": lambda text, part: any(word.startswith(part) for word in text.split()),
        "ExactPhrase": lambda text, part: part in text,
    }

    def test(entry: Entry) -> bool:
        value = get(entry)
        texts = [str(one) for one in value] if isinstance(value, list) else [str(value or "")]
        part = wanted if exact else wanted.casefold()
        return any(matches[mode](text if exact else text.casefold(), part) for text in texts)

    return test


_VALUES: dict[str, Callable[[Entry], Any]] = {
    "item:Subject": lambda e: e.item.subject,
    "item:ItemClass": lambda e: e.item.item_class,
    "item:Categories": lambda e: e.item.categories,
    "item:Sensitivity": lambda e: e.item.sensitivity,
    "item:Importance": lambda e: e.item.importance,
    "item:DateTimeCreated": lambda e: e.item.created,
    "item:DateTimeReceived": lambda e: e.item.created,
    "item:LastModifiedTime": lambda e: e.item.modified,
    "item:ReminderIsSet": lambda e: e.item.reminder.on,
    "calendar:Start": lambda e: e.item.start,
    "calendar:End": lambda e: e.item.end,
    "calendar:Location": lambda e: e.item.location,
    "calendar:IsAllDayEvent": lambda e: e.item.all_day,
    "calendar:IsMeeting": lambda e: e.item.is_meeting,
    "calendar:IsRecurring": lambda e: e.item.recurrence is not None,
    "calendar:LegacyFreeBusyStatus": lambda e: e.item.show_as,
    "calendar:AppointmentState": lambda e: e.item.appointment_state,
}


def _operand(path: etree._Element) -> Callable[[Entry], Any]:
    if path.tag == f"{T}ExtendedFieldURI":
        key = extended.Field.read(path).key
        return lambda entry: extended.value_of(entry, key)
    get = _VALUES.get(path.get("FieldURI", ""))
    if get is None:
        raise ItemError("ErrorUnsupportedPathForQuery")  # calendar:UID among them (EWS facts §2.7)
    return get


def _sort(found: list[Entry], ordered: etree._Element) -> None:
    for _, field_order in reversed(list(children(ordered))):
        get = _operand(field_order[0])
        least = datetime.min.replace(tzinfo=UTC)

        def key(entry: Entry, get: Callable[[Entry], Any] = get, least: datetime = least) -> tuple[bool, Any]:
            value = get(entry)
            return value is not None, value if value is not None else least

        found.sort(key=key, reverse=field_order.get("Order") == "Descending")
