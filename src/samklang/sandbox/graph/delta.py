"""calendarView/delta with its traps (Graph facts §1.1-1.4, §3.1).

A round lists the window as it stands and ends with a deltaLink; the next round tells what changed since. Tokens are
opaque, carry the window, and belong to one calendar of one mailbox.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from samklang.sandbox.graph import views
from samklang.sandbox.graph.call import Answer, Call, GraphError, invalid
from samklang.sandbox.graph.service import Service
from samklang.sandbox.graph.times import utc_midnights
from samklang.sandbox.graph.wire import TYPE, Wire
from samklang.sandbox.model import Item
from samklang.sandbox.store import Change

Params = Mapping[str, str]
_PAGE, _MOST = 50, 500
_DAY = timedelta(days=1)
_UNSUPPORTED = ("$orderby", "$filter", "$select", "$expand", "$search")
_MARK = "SBX1."
_BARE = ("id", "type", "start", "end")
_EARLIEST, _LATEST = datetime(1602, 1, 1, tzinfo=UTC), datetime(9990, 1, 1, tzinfo=UTC)


class Token(msgspec.Struct, kw_only=True, array_like=True):
    """Where a client stands. `listing`: still in a first round. `since`: the position the round started from (of a
    first round: when it began); `position`: how far the round has come. `page` counts; `again` is an event the last
    page of a first round repeats. `only`: the properties a row has, of a round without a window."""

    owner: str
    folder: str
    first: datetime
    last: datetime
    listing: bool
    since: int
    position: int
    page: int = 1
    again: str = ""
    only: tuple[str, ...] = ()

    def text(self) -> str:
        return _MARK + base64.urlsafe_b64encode(msgspec.json.encode(self)).rstrip(b"=").decode()


def expired(status: int = 410) -> GraphError:
    return GraphError(
        status,
        "SyncStateNotFound",
        "The sync state generation is not found; generation=149;[highest=157]. Start again without a token.",
    )


def round_(service: Service, call: Call, params: Params) -> Answer:
    for name in _UNSUPPORTED:
        if name in call.query:
            raise invalid(
                f"The following parameters are not supported with change tracking over the 'CalendarView' resource:"
                f" '{', '.join(_UNSUPPORTED)}'.",
                "ErrorInvalidUrlQuery",
            )
    folder = service.folder(call, params)
    text = call.query.get("$skiptoken") or call.query.get("$deltatoken")
    if text:
        token = _token(text, call, folder)
        headers = {}
    else:
        first, last = views.window(call)
        token = Token(
            owner=call.box.object_id,
            folder=folder,
            first=first,
            last=last,
            listing=True,
            since=service.store.last_seq(),
            position=0,
        )
        headers = {"Preference-Applied": "odata.track-changes"}
    answer = _Round(service, call, token).page()
    return Answer(200, answer, headers)


def _token(text: str, call: Call, folder: str) -> Token:
    """Raises GraphError: 400 for what is no token of ours or of another calendar."""
    try:
        if not text.startswith(_MARK):
            raise ValueError
        raw = base64.urlsafe_b64decode(text[len(_MARK) :] + "=" * (-(len(text) - len(_MARK)) % 4))
        token = msgspec.json.decode(raw, type=Token)
    except (ValueError, msgspec.DecodeError) as error:
        raise invalid("The sync state is not valid: badly formed token.", "SyncStateInvalid") from error
    if token.owner != call.box.object_id or token.folder != folder:
        raise expired()
    return token


class _Round:
    def __init__(self, service: Service, call: Call, token: Token) -> None:
        self._service, self._call, self._token = service, call, token
        self._settings, self._wire = service.settings, Wire(call.prefer)
        self._odd = self._settings.delta_traps == "odd" and not token.listing
        self._size = 1 if self._odd else min(call.prefer.page_size or _PAGE, _MOST)

    def page(self) -> dict[str, Any]:
        token = self._token
        rows, position, more = self._listing() if token.listing else self._changes()
        if self._settings.delta_traps and token.page == (1 if self._odd else 2) and (rows or token.listing):
            return self._linked([], token.position, more=True)  # a page may be empty and have a nextLink
        if self._settings.delta_traps and not more and token.page > 1:
            rows += self._repeated() or rows[: self._odd]
        return self._linked(rows, position, more=more)

    def _linked(self, rows: list[dict[str, Any]], position: int, *, more: bool) -> dict[str, Any]:
        token = self._token
        body: dict[str, Any] = {"@odata.context": f"{self._call.base}/$metadata#Collection(event)", "value": rows}
        if more:
            again = token.again or next((r["id"] for r in rows if r.get("type") == "singleInstance"), "")
            following = msgspec.structs.replace(token, position=position, page=token.page + 1, again=again)
            body["@odata.nextLink"] = self._link("$skiptoken", following)
        else:
            reached = token.since if token.listing else position
            following = msgspec.structs.replace(token, listing=False, since=reached, position=reached, page=1, again="")
            body["@odata.deltaLink"] = self._link("$deltatoken", following)
        return body

    def _link(self, name: str, token: Token) -> str:
        return f"{self._call.base}{self._call.path}?{name}={token.text()}"

    # --- a first round: everything in the window
    def _listing(self) -> tuple[list[dict[str, Any]], int, bool]:
        token, position = self._token, self._token.position
        rows: list[dict[str, Any]] = []
        while True:
            found = self._service.store.window_page(
                self._call.box, token.first - _DAY, token.last + _DAY, position, self._size + 1, token.folder
            )
            for created, item in found:
                if len(rows) >= self._size:
                    return rows, position, True
                rows += self._rows(item)
                position = created
            if len(found) <= self._size:
                return rows, position, False

    def _repeated(self) -> list[dict[str, Any]]:
        store = self._service.store
        item = store.item(self._token.again) or store.item_by_immutable_id(self._token.again)
        return self._rows(item) if item is not None and item.folder == self._token.folder else []

    # --- later rounds: what changed
    def _changes(self) -> tuple[list[dict[str, Any]], int, bool]:
        token, store = self._token, self._service.store
        rows: list[dict[str, Any]] = []
        until = self._until()
        changes = store.changes(self._call.box, token.position, self._size + 1, token.folder)
        due = [change for change in changes if change.seq <= until]
        items = store.items_by_id(change.id for change in due if not change.deleted)
        position = token.position
        for change in due:
            if len(rows) >= self._size:
                return rows, position, True
            rows += self._told(change, items.get(change.id))
            position = change.seq
        return rows, position, len(due) > self._size

    def _until(self) -> int:
        lag = self._settings.delta_lag_seconds or self._call.stale_seconds
        store = self._service.store
        return store.seq_until(store.clock.now() - timedelta(seconds=lag)) if lag else store.last_seq()

    def _told(self, change: Change, item: Item | None) -> Iterator[dict[str, Any]]:
        if item is None:
            yield _removed(change.immutable_id if self._call.prefer.immutable else change.id)
            return
        way = self._settings.deleted_occurrence
        thinned = way not in ("resend", "removed") and self._service.store.only_thinned(item.id, self._token.since)
        rows = [] if thinned else list(self._rows(item))
        if not rows and not thinned:  # outside: said to be deleted, known to the client or not (Graph facts §1.4)
            yield _removed(self._wire.id(item))
        stubs = [row for row in rows if "seriesMasterId" in row and row["type"] != "seriesMaster"]
        yield from stubs if self._odd and stubs else rows
        if way.startswith("removed") and (rows or thinned):
            yield from self._removed_days(item, way)

    def _removed_days(self, item: Item, way: str) -> Iterator[dict[str, Any]]:
        master = self._wire.id(item)
        for day in item.cancelled:
            by_name = way == "removed_by_name"
            row = _removed(f"OID.{master}.{day}" if by_name else self._wire.occurrence_id(item, day))
            yield row | ({"seriesMasterId": master} if way == "removed_alone" else {})

    def _rows(self, item: Item) -> list[dict[str, Any]]:
        """An item as a round tells it: nothing when it is outside the window; a series in one piece."""
        token = self._token
        if item.recurrence is None:
            inside = views.touches(*utc_midnights(item), token.first, token.last)
            return [{"@odata.type": TYPE} | self._wire.entry(item)] if inside else []
        places = list(views.places(item, token.first, token.last))
        if not places:
            return []
        rows = [{"@odata.type": TYPE} | self._wire.entry(item)]
        for place in places:
            full = place.exception
            rows.append(
                {"@odata.type": TYPE} | self._wire.occurrence(item, place) if full else self._wire.stub(item, place)
            )
        return rows


def _removed(id: str) -> dict[str, Any]:
    return {"@odata.type": TYPE, "id": id, "@removed": {"reason": "deleted"}}


def events_round(service: Service, call: Call, params: Params) -> Answer:
    """/events/delta: masters and singles without a window, in the forms seen of it (Graph facts §1.5)."""
    way = service.settings.events_delta
    if way == "unsupported":
        raise invalid("Change tracking is not supported against 'microsoft.graph.event'.")
    select = call.query.get("$select", "")
    if select and (way, select) != ("ids", "id"):
        raise invalid("The $select option is not supported with change tracking.", "ErrorInvalidUrlQuery")
    folder = service.folder(call, params)
    text = call.query.get("$skiptoken") or call.query.get("$deltatoken")
    token = _token(text, call, folder) if text else None
    if token is None:
        token = Token(
            owner=call.box.object_id,
            folder=folder,
            first=_EARLIEST,
            last=_LATEST,
            listing=True,
            since=service.store.last_seq(),
            position=0,
            only=("id",) if select else _BARE,
        )
    return Answer(200, _WholeRound(service, call, token).page())


class _WholeRound(_Round):
    def _rows(self, item: Item) -> list[dict[str, Any]]:
        whole = self._wire.entry(item)
        return [{"@odata.type": TYPE} | {name: whole[name] for name in self._token.only}]
