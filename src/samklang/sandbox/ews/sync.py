"""SyncFolderItems: the changes of a folder since a state the client keeps and does not understand.

The state holds the folder and a position in the store's sequence; `known` is where the client's round began,
which tells a creation from an update. Two entries of one page are never the same item (EWS facts §2.3). A state is good
until the mailbox is moved to another database, or, where the server forgets, for so many days.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from lxml import etree

from samklang.sandbox.accounts import server
from samklang.sandbox.ews import properties, soap
from samklang.sandbox.ews.caller import Caller, Place, decode_token, encode_token, entry_of
from samklang.sandbox.ews.shapes import DELETED_KEY, Shape, item_id
from samklang.sandbox.ews.soap import ItemError, M, T
from samklang.sandbox.ews.values import boolean
from samklang.sandbox.store import Change

_MARK, _END = "samklang-sync-2", "end"  # what a truncated state lacks


def sync_folder_items(caller: Caller, request: etree._Element) -> etree._Element:
    answer, messages = soap.response("SyncFolderItems")
    try:
        place = caller.folder(soap.first(request, f"{M}SyncFolderId"))
        known, position = _read_state(caller, place, request.findtext(f"{M}SyncState") or "")
        shape = properties.shape(caller, soap.need(request, f"{M}ItemShape"), loaded=False)
        _changes(caller, place, request, shape, known, position, messages)
    except ItemError as error:
        message = soap.failure(messages, "SyncFolderItems", error)
        if error.code == "ErrorInvalidSyncStateData":
            etree.SubElement(message, f"{M}SyncState")
            etree.SubElement(message, f"{M}IncludesLastItemInRange").text = "true"
    return answer


def _read_state(caller: Caller, place: Place, state: str) -> tuple[int, int]:
    if caller.fault is not None and caller.fault.kind == "stale":
        raise ItemError("ErrorInvalidSyncStateData")
    if not state.strip():
        return 0, 0
    parts = decode_token(state)
    if parts is None or len(parts) != 7 or (*parts[:3], parts[6]) != (_MARK, place.id, str(place.mailbox.moves), _END):
        raise ItemError("ErrorInvalidSyncStateData")
    known, position = int(parts[3]), int(parts[4])
    age, limit = caller.store.clock.now() - datetime.fromisoformat(parts[5]), server(caller.store).sync_state_days
    if position > caller.store.last_seq() or (limit is not None and age > timedelta(days=limit)):
        raise ItemError("ErrorInvalidSyncStateData")
    return known, position


def _state(caller: Caller, place: Place, known: int, position: int) -> str:
    told = caller.store.clock.now().isoformat()
    return encode_token(_MARK, place.id, place.mailbox.moves, known, position, told, _END)


def _changes(
    caller: Caller,
    place: Place,
    request: etree._Element,
    shape: Shape,
    known: int,
    position: int,
    messages: etree._Element,
) -> None:
    limit = int(request.findtext(f"{M}MaxChangesReturned") or 0)
    if not 1 <= limit <= 512:
        raise ItemError("ErrorInvalidRequest", "MaxChangesReturned must be 1 to 512.")
    found = caller.store.changes(place.mailbox, position, limit + 1, place.key)
    last, page = len(found) <= limit, found[:limit]
    if caller.fault is not None and caller.fault.kind == "truncated_listing":
        page, last = page[: int(caller.fault.what.get("items", len(page) // 2))], True
    if page:
        position = page[-1].seq
    ignored = {id.get("Id") for id in request.iterfind(f"{M}Ignore/{T}ItemId")}
    message = soap.success(messages, "SyncFolderItems")
    etree.SubElement(message, f"{M}SyncState").text = _state(caller, place, position if last else known, position)
    etree.SubElement(message, f"{M}IncludesLastItemInRange").text = boolean(last)
    _write(caller, [change for change in page if change.id not in ignored], shape, known, message)


def _write(caller: Caller, page: list[Change], shape: Shape, known: int, message: Any) -> None:
    listed = etree.SubElement(message, f"{M}Changes")
    items = caller.store.items_by_id(change.id for change in page if not change.deleted)
    for change in page:
        if change.deleted:
            deleted = etree.SubElement(listed, f"{T}Delete")
            deleted.append(item_id(change.id, DELETED_KEY))
        elif change.id in items:
            kind = "Create" if change.created_seq > known else "Update"
            properties.write(entry_of(items[change.id]), shape, etree.SubElement(listed, T + kind))
