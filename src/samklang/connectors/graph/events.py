"""Reading one mailbox's default calendar: whole events, listings, delta rounds (Graph facts §3).

A series is read whole by asking for its master by id. Which of its dates are cancelled is found in three ways (§4.5):
the answer says so; the bytes MAPI keeps say so; or, where neither is to be had, they are the dates of the rule that its
instances lack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from urllib.parse import quote

import msgspec

from samklang.connectors.graph import schema, wire
from samklang.connectors.graph.anchor import FUTURE
from samklang.connectors.graph.client import GraphClient, Query
from samklang.connectors.graph.codes import ITEM_FAILED
from samklang.connectors.graph.schema import FIELDS, MARK, MARK_AND_RECUR, Event, Page
from samklang.engine import recurrence, times
from samklang.engine.model import Occurrence, Recurrence, SeenEvent, Timed
from samklang.sync.errors import ItemError, NotFound, ProtocolError, TokenRejected, Unavailable
from samklang.sync.ports import Unreadable

T = TypeVar("T")

#: Events per page of a full listing; of versions; and what a delta page is asked for (it may give less).
PAGE, VERSIONS_PAGE, DELTA_PAGE = 500, 1000, 500
#: No listing of one mailbox is longer: a server that always has one more page is broken.
MOST_PAGES = 5000
#: Two changed occurrences further apart are looked up by two requests; Graph grants 1,825 days (§3.1).
APART = timedelta(days=180)
LONGEST = timedelta(days=1800)


class WholeDelta(StrEnum):
    """How a service tracks the events of a calendar themselves, and not a window of it (Graph facts §1.5)."""

    UNKNOWN = ""
    NO = "no"
    #: By rows of ids, which are to be asked for; or by rows of as little, where `$select` is refused.
    IDS = "ids"
    PLAIN = "plain"


@dataclass(slots=True)
class Batch:
    """One page of events, sorted: what can be taken as it is and what leads to a series."""

    #: Single events, and series known to have nothing that deviates.
    events: list[SeenEvent] = field(default_factory=list)
    #: Ids of masters of other series that came, or of which an occurrence came; and of events of which no more came.
    masters: dict[str, None] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)


class Events:
    """The default calendar of one user. `home`: IANA, for events in zones nobody knows (rule 6.3). `now`: wiring's
    clock, where series are to be looked through for what the server keeps to itself."""

    def __init__(self, client: GraphClient, user_id: str, home: str, now: Callable[[], datetime] | None = None) -> None:
        self.client = client
        self._now = now
        self._user = f"/users/{quote(user_id, safe='')}"
        self.home = home
        self.path = f"{self._user}/calendar/events"

    def at(self, item_id: str) -> str:
        """Path of one event."""
        return f"{self.path}/{quote(item_id, safe='')}"

    # --- whole events

    def get(self, item_id: str, *, elsewhere: bool = False) -> SeenEvent:
        """A single event, or a series with its exceptions and cancelled occurrences.

        `elsewhere`: look in all calendars of the mailbox. Raises NotFound, and ItemError for one that exists but makes
        no sense or that the server fails to give.
        """
        query = {"$select": FIELDS + ",cancelledOccurrences", "$expand": f"exceptionOccurrences,{MARK_AND_RECUR}"}
        try:
            path = f"{self._user}/events/{quote(item_id, safe='')}" if elsewhere else self.at(item_id)
            return self.read(self.client.get(path, query), whole=True)
        except Unavailable as error:
            if error.code != ITEM_FAILED:
                raise
            raise ItemError("unreadable", error.detail) from None

    def read(self, content: bytes, *, whole: bool = False) -> SeenEvent:
        """The event of an answer; further pages of its exceptions are fetched.

        `whole`: it was asked for all that deviates from a series; what it keeps to itself is found another way.
        """
        try:
            event = schema.decode_event(content)
            link = event.more_exceptions
            while link:
                more = schema.decode_events(self.client.get(link))
                event.exception_occurrences = [*(event.exception_occurrences or ()), *more.value]
                link = more.next_link
            seen = wire.seen_event(event, self.home)
            silent = whole and event.recurrence is not None and not wire.tells_cancelled(event, self.home)
        except (msgspec.MsgspecError, ValueError, KeyError) as error:
            raise ItemError("unreadable", type(error).__name__) from None
        return self._without_missing(seen) if silent else seen

    def _without_missing(self, seen: SeenEvent) -> SeenEvent:
        """The series with those dates cancelled that its rule gives and its instances lack. Further ahead than changes
        are followed, none is."""
        entry = seen.entry
        if self._now is None or not isinstance(entry.recurrence, Recurrence):
            return seen
        last = times.to_wall(self._now() + FUTURE, self.home).date()
        held = entry.exceptions.keys() | entry.cancelled
        days = [day for day in recurrence.slot_days(entry, times.local_day(entry.when), last) if day not in held]
        missing = set(days) - self.occurrence_ids(seen, days).keys()
        return replace(seen, entry=replace(entry, cancelled=entry.cancelled | missing))

    def html(self, item_id: str) -> str:
        """The body as the server keeps it."""
        try:
            event = schema.decode_event(self.client.get(self.at(item_id), {"$select": "id,body"}))
        except msgspec.MsgspecError as error:
            raise ItemError("unreadable", type(error).__name__) from None
        return (event.body and event.body.content) or ""

    def read_occurrence(self, content: bytes, master: SeenEvent) -> tuple[Occurrence, str]:
        """The changed occurrence of an answer, and the version it carries."""
        when = master.entry.when
        try:
            event = schema.decode_event(content)
            return wire.occurrence(event, when.zone if isinstance(when, Timed) else "UTC"), event.change_key or ""
        except (msgspec.MsgspecError, ValueError, KeyError) as error:
            raise ItemError("unreadable", type(error).__name__) from None

    def series(self, masters: Iterable[str]) -> Batch:
        """Those series, whole. One that is not there any longer comes in `removed`."""
        batch = Batch()
        for item_id in masters:
            try:
                batch.events.append(self.get(item_id))
            except NotFound:
                batch.removed.append(item_id)
            except ItemError as error:
                batch.unreadable.append(Unreadable(item_id, error.code, error.detail))
        return batch

    # --- listings

    def all(self) -> Iterator[Batch]:
        """Every single event and master, page by page."""
        query: Query = {"$top": PAGE, "$select": FIELDS, "$expand": MARK_AND_RECUR}
        return map(self.sorted_out, self._pages(schema.decode_page, self.path, query))

    def first(self) -> None:
        """Ask for one event: whether this calendar may be read at all."""
        self._page(schema.decode_versions, self.path, {"$top": 1, "$select": "id"})

    def versions(self) -> dict[str, schema.Version]:
        """Id, version and type of every single event and master."""
        query: Query = {"$top": VERSIONS_PAGE, "$select": "id,changeKey,type"}
        pages = self._pages(schema.decode_versions, self.path, query)
        return {each.id: each for page in pages for each in page.value}

    def marked(self, key: str) -> list[Event]:
        """Events that carry our mark with this key, copies made by people included."""
        quoted = key.replace("'", "''")
        where = f"ep/id eq '{schema.KEY_PROPERTY}' and ep/value eq '{quoted}'"
        any_mark = f"singleValueExtendedProperties/Any(ep: {where})"
        query: Query = {"$filter": any_mark, "$select": FIELDS, "$expand": MARK}
        return [each for page in self._pages(schema.decode_events, self.path, query) for each in page.value]

    def occurrence_ids(self, master: SeenEvent, days: Iterable[date]) -> dict[date, str]:
        """Ids of the occurrences with these original dates, as far as the series has them."""
        when = master.entry.when
        zone, all_day = (when.zone, False) if isinstance(when, Timed) else ("UTC", True)
        wanted = sorted(days)
        found: dict[date, str] = {}
        for first, last in _spans(wanted):
            query: Query = {
                # A day and the widest zone around the first and last, for all-day events match as UTC midnights.
                "startDateTime": f"{times.add_days(first, -2)}T00:00:00Z",
                "endDateTime": f"{times.add_days(last, 3)}T00:00:00Z",
                "$top": VERSIONS_PAGE,
                "$select": "id,type,originalStart,start,end,isAllDay",
            }
            for page in self._pages(schema.decode_events, f"{self.at(master.id)}/instances", query):
                found |= wire.occurrence_ids(page, zone, all_day)
        return {day: found[day] for day in wanted if day in found}

    # --- delta

    def delta(self, link: str) -> Page[msgspec.Raw]:
        """One page of a round. Raises TokenRejected when the server does not know the link any longer."""
        try:
            return self._page(schema.decode_page, link, page_size=DELTA_PAGE)
        except ItemError as error:
            # Some expiries are plain 400s, e.g. a malformed id after the mailbox moved (Graph facts §3.1).
            raise TokenRejected(detail=error.detail) from None

    def start_delta(self, start: datetime, end: datetime) -> str:
        """A link for everything that changes from now on in the window, both aware UTC.

        The first round lists the window's present content, which is read past: a full listing tells more.
        """
        query = {"startDateTime": _stamp(start), "endDateTime": _stamp(end)}
        return self._end_of_round(f"{self._user}/calendarView/delta", query)

    def start_whole_delta(self, way: WholeDelta) -> str:
        """A link for everything that changes from now on, without a window. Raises ItemError where the service does not
        track events that way (Graph facts §1.5)."""
        calendar = schema.decode_id(self.client.get(f"{self._user}/calendar", {"$select": "id"})).id
        path = f"{self._user}/calendars/{quote(calendar, safe='')}/events/delta"
        query: Query = {"$select": "id"} if way is WholeDelta.IDS else {}
        return self._end_of_round(path, query)

    def _end_of_round(self, path: str, query: Query) -> str:
        for page in self._pages(schema.decode_page, path, query, DELTA_PAGE):
            if page.delta_link is not None:
                return page.delta_link
        raise ProtocolError("malformed_answer", "a delta round without end", step="delta")

    def sorted_out(self, page: Page[msgspec.Raw]) -> Batch:
        """A page's events read one by one: a bad one is set aside, the others go on (rule 10.1)."""
        batch = Batch()
        for raw in page.value:
            try:
                event = schema.decode_event(raw)
                master = event.series_master_id or wire.master_of(event.id)
                if event.removed is not None and master is None:
                    batch.removed.append(event.id)
                elif event.removed is not None or event.type in ("occurrence", "exception"):
                    # One date of a series, there or not: only the series tells what became of it.
                    batch.masters[master or event.id] = None
                elif event.change_key is None or (event.recurrence and not wire.is_plain_series(event)):
                    # One that comes as little more than its id, too (Graph facts §1.5).
                    batch.masters[event.id] = None
                else:
                    batch.events.append(wire.seen_event(event, self.home))
            except (msgspec.MsgspecError, ValueError, KeyError) as error:
                batch.unreadable.append(Unreadable(_id_of(raw), "unreadable", type(error).__name__))
        return batch

    def _pages(
        self,
        decode: Callable[[bytes], Page[T]],
        path: str,
        query: Query,
        page_size: int | None = None,
    ) -> Iterator[Page[T]]:
        page = self._page(decode, path, query, page_size)
        for _ in range(MOST_PAGES):
            yield page
            if page.next_link is None:
                return
            page = self._page(decode, page.next_link, page_size=page_size)
        raise ProtocolError("malformed_answer", "a listing without end", step="list events")

    def _page(
        self,
        decode: Callable[[bytes], Page[T]],
        path: str,
        query: Query | None = None,
        page_size: int | None = None,
    ) -> Page[T]:
        try:
            return decode(self.client.get(path, query, page_size=page_size))
        except msgspec.MsgspecError as error:
            raise ProtocolError("malformed_answer", type(error).__name__, step="list events") from None


def _id_of(raw: msgspec.Raw) -> str:
    try:
        return schema.decode_id(raw).id
    except msgspec.MsgspecError:
        raise ProtocolError("malformed_answer", "an event without id", step="list events") from None


def _spans(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Dates (ascending) as few windows, none too long and none over a long gap."""
    first = last = None
    for day in days:
        if first is None or last is None:
            first = last = day
        elif day - last > APART or day - first > LONGEST:
            yield first, last
            first = last = day
        last = day
    if first is not None and last is not None:
        yield first, last


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
