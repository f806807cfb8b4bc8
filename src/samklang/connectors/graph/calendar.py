"""The default calendar of one Microsoft 365 mailbox, as the sync core sees it: implements `sync.ports.Calendar`.

The first run and the reconcile list all events; between them `calendarView/delta` serves each run with one request
when nothing changed (rule 7.7, Graph facts §3). The token holds the delta link and the window frozen in it. Where a
service tracks the events themselves, its link has no window, and each change is asked for by id (§1.5); going over from
one to the other begins with a listing or a comparison, so that nothing is lost between them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

import msgspec

from samklang.connectors import http, meetings
from samklang.connectors.body import has_meeting_block, with_meeting_block
from samklang.connectors.graph import people, schema
from samklang.connectors.graph.access import GraphAccess
from samklang.connectors.graph.anchor import FUTURE, PAST, Anchor
from samklang.connectors.graph.auth import Tokens
from samklang.connectors.graph.client import GraphClient
from samklang.connectors.graph.codes import DUPLICATE, STRANGE_ID
from samklang.connectors.graph.events import PAGE, Batch, Events, WholeDelta
from samklang.connectors.graph.schema import Page
from samklang.connectors.graph.series import differing, write_occurrences
from samklang.connectors.graph.writing import Json, create_body, text_body, update_body
from samklang.connectors.relaid import relaid
from samklang.engine import canonical, times
from samklang.engine.model import Entry, FieldKey, Mail, SeenEvent
from samklang.sync.errors import (
    ItemError,
    MailboxError,
    NotFound,
    ProtocolError,
    TokenRejected,
    Unavailable,
    VersionConflict,
)
from samklang.sync.ports import EventPage

#: Series hydrated per page handed on.
SERIES_PAGE = 25


class GraphCalendar:
    """One mailbox's default calendar. Not to be shared between threads.

    `user_id`: object id of its user. `home`: IANA zone of its user, for whole days and for zones nobody knows.
    `now`: wiring's clock; windows and the reminders of created events are reckoned by it.
    """

    def __init__(
        self,
        access: GraphAccess,
        tokens: Tokens,
        user_id: str,
        *,
        home: str,
        now: Callable[[], datetime],
        whole_delta: WholeDelta = WholeDelta.NO,
    ) -> None:
        #: What is known of the service, and what was found out.
        self.whole_delta = whole_delta
        self._client = GraphClient(access, tokens, mailbox=user_id)
        self._events = Events(self._client, user_id, home, now)
        self._home = home
        self._now = now
        self._strangers: set[str] = set()

    @property
    def counts(self) -> http.Counts:
        """Requests sent so far; those for tokens are in `Tokens.counts`."""
        return self._client.counts

    def close(self) -> None:
        self._client.close()

    # --- reading

    def read(self, token: str | None) -> Iterator[EventPage]:
        if token is None:
            # The link first, so that a change made while we list is in the next round.
            anchor = self._new_anchor()
            for batch in self._events.all():
                yield self._whole(batch)
            yield EventPage(token=anchor.token())
            return
        anchor = Anchor.of(token, self._client)
        # What enters or leaves the window did not change (rule 7.7), so a new link only replaces the old one after its
        # last round.
        fresh = self._new_anchor() if anchor.is_half_used(self._now()) else None
        yield from self._round(anchor, fresh)

    def _round(self, anchor: Anchor, fresh: Anchor | None) -> Iterator[EventPage]:
        removed: dict[str, None] = {}
        masters: dict[str, None] = {}
        page = self._first_page(anchor)
        while True:
            batch = self._events.sorted_out(page)
            # An item may come twice, in any order; the last row wins (Graph facts §3.1).
            for each in batch.events:
                removed.pop(each.id, None)
            masters |= batch.masters
            removed |= dict.fromkeys(batch.removed)
            if page.next_link is None:
                break
            if batch.events or batch.unreadable:
                yield EventPage(events=tuple(batch.events), unreadable=tuple(batch.unreadable))
            page = self._events.delta(page.next_link)
        if page.delta_link is None:
            raise ProtocolError("malformed_answer", "a delta page without link", step="delta")
        # Asked for at the end, a series is at least as new as any row about it.
        for chunk in _chunks([each for each in masters if each not in removed]):
            series = self._events.series(chunk)
            removed |= dict.fromkeys(series.removed)
            batch.events += series.events
            batch.unreadable += series.unreadable
            if len(batch.events) >= SERIES_PAGE:
                yield EventPage(events=tuple(batch.events), unreadable=tuple(batch.unreadable))
                batch = Batch()
        token = fresh or anchor.at(page.delta_link)
        yield EventPage(tuple(batch.events), tuple(removed), tuple(batch.unreadable), token.token())

    def reconcile(self, known: Mapping[str, str]) -> Iterator[EventPage]:
        anchor = self._new_anchor()
        listed = self._events.versions()
        differ = {id: each for id, each in listed.items() if known.get(id) != each.change_key}
        masters = [id for id, each in differ.items() if each.type == "seriesMaster"]
        if len(differ) - len(masters) > len(listed) / PAGE + 1:
            # So many that paging through everything costs fewer requests.
            for batch in self._events.all():
                batch.events = [each for each in batch.events if known.get(each.id) != each.version]
                batch.masters = {id: None for id in batch.masters if id in differ or id not in listed}
                yield self._whole(batch)
        else:
            for chunk in _chunks(list(differ)):
                batch = self._events.series(chunk)
                yield EventPage(events=tuple(batch.events), unreadable=tuple(batch.unreadable))
        yield EventPage(removed=tuple(id for id in known if id not in listed), token=anchor.token())

    def get(self, item_ids: Sequence[str]) -> Mapping[str, SeenEvent | None]:
        found: dict[str, SeenEvent | None] = {}
        for item_id in item_ids:
            # What could not be read, or whose id means nothing to this mailbox: that says nothing about the event.
            try:
                found[item_id] = self._look(item_id)
            except ItemError as error:
                if error.code == STRANGE_ID:
                    self._strangers.add(item_id)
        return found

    def strangers(self, item_ids: Collection[str]) -> Collection[str]:
        return self._strangers & set(item_ids)

    def _look(self, item_id: str) -> SeenEvent | None:
        try:
            return self._events.get(item_id)
        except NotFound:
            pass
        try:
            # Ids stay when a person moves an event to another calendar: that is no deletion (rule 8.2).
            return replace(self._events.get(item_id, elsewhere=True), elsewhere=True)
        except NotFound:
            return None

    def moved(self, uids: Collection[str]) -> Collection[str]:
        """None: ids survive the move, so `get` tells."""
        return ()

    def find_created(self, key: str) -> SeenEvent | None:
        for event in self._events.marked(key):
            # A copy made by a person carries the mark too, but not the transaction (rule 3.2).
            if event.transaction_id == schema.TRANSACTION + key:
                return self._events.get(event.id)
        return None

    def holds(self, entry: Entry) -> bool:
        return True

    # --- writing

    def create(self, entry: Entry, key: str) -> SeenEvent:
        is_past = times.start_of(entry.when, self._home) < self._now()
        made = self._made(create_body(entry, key, home=self._home, is_past=is_past), key)
        keys = differing(made.entry, entry)
        return write_occurrences(self._events, made, entry, keys) if keys else made

    def _made(self, body: Json, key: str) -> SeenEvent:
        try:
            return replace(self._events.read(self._client.post(self._events.path, body)), key=key)
        except ItemError as error:
            if error.code != DUPLICATE:
                raise
            # The key made an event before, with other contents: an earlier try.
            found = self.find_created(key)
            if found is None:
                raise ItemError(detail=error.detail) from None
            return found

    def update(self, seen: SeenEvent, entry: Entry, changed: frozenset[FieldKey], mail: Mail = Mail.NONE) -> SeenEvent:
        """See the port. A cancelled date comes back only when its series is laid out anew, which costs a write more."""
        _refuse_mail(seen, changed, mail)
        meetings.refuse_others(seen, changed)
        occurrences = frozenset(key for key in changed if canonical.occurrence_of(key))
        back = _given_back(seen, entry, occurrences)
        body = self._body(seen, entry, changed | {"recurrence"} if back else changed)
        version = seen.version
        if body:
            made = self._events.read(self._client.patch(self._events.at(seen.id), body, version))
            version = made.version
            deviates = occurrences or _deviates(entry) or _deviates(seen.entry)
            if entry.recurrence is None or not deviates:
                return replace(made, key=seen.key)
        held = self._events.get(seen.id)
        if held.version != version:
            raise VersionConflict(detail="changed between our reads")
        if back & held.entry.cancelled:
            held = self._lay_out_anew(held, entry)
        # A new rule or start drops what deviates (Graph facts §4.4): all of it is looked at again.
        keys = differing(held.entry, entry) if "recurrence" in body else occurrences
        return write_occurrences(self._events, held, entry, keys) if keys else held

    def _lay_out_anew(self, held: SeenEvent, entry: Entry) -> SeenEvent:
        version = held.version
        for each in (relaid(entry), entry):
            body = update_body(each, {"recurrence"}, self._home)
            version = self._events.read(self._client.patch(self._events.at(held.id), body, version)).version
        return self._events.get(held.id)

    def delete(self, seen: SeenEvent, mail: Mail = Mail.NONE) -> None:
        called = meetings.is_called(seen)
        if called and mail is Mail.NONE:
            raise ItemError("meeting_would_mail")
        try:
            if called or seen.is_meeting:
                self._check_version(seen)
            if called:
                self._client.post(f"{self._events.at(seen.id)}/cancel", {})
            elif seen.is_organizer or seen.is_cancelled:
                self._client.delete(self._events.at(seen.id), seen.version)
            else:
                # Declining moves it to Deleted Items, and sends nothing (Graph facts §4.2).
                self._client.post(f"{self._events.at(seen.id)}/decline", {"sendResponse": False})
                self._client.delete(self._events.at(seen.id))
        except NotFound:
            return

    def respond(self, seen: SeenEvent, response: str) -> SeenEvent | None:
        """See the port. The actions take no condition, so the version is asked for just before."""
        action = people.ANSWERS.get(response)
        if action is None:
            raise ItemError("response_not_possible", response)
        self._check_version(seen)
        self._client.post(f"{self._events.at(seen.id)}/{action}", {"sendResponse": False})
        try:
            after = self._events.get(seen.id)
        except NotFound:
            return None
        answered = replace(seen, response=response)
        if after.response != response or canonical.fields(after.entry) != canonical.fields(seen.entry):
            # Somebody edited meanwhile, which the next run sees; the answer itself carries no version (rule 7.5).
            return answered
        return replace(after, key=seen.key)

    def _check_version(self, seen: SeenEvent) -> None:
        if self._events.get(seen.id).version != seen.version:
            raise VersionConflict(detail="changed between our reads")

    def _body(self, seen: SeenEvent, entry: Entry, changed: frozenset[FieldKey]) -> Json:
        body = update_body(entry, changed, self._home)
        if "text" in changed:
            body["body"] = self._new_text(seen, entry.text)
        if any(map(meetings.is_person_key, changed)):
            body["attendees"] = people.attendees_body(seen, entry)
        return body

    def _new_text(self, seen: SeenEvent, text: str) -> Json:
        if has_meeting_block(seen.entry.text):
            current = self._events.html(seen.id)
            kept = with_meeting_block(current, text)
            if kept is not None:
                return {"contentType": "html", "content": kept}
        return text_body(text)

    # --- parts

    def _whole_link(self) -> str | None:
        """Where the service tracks the events themselves; tried where that is not known yet."""
        ways = (WholeDelta.IDS, WholeDelta.PLAIN) if self.whole_delta is WholeDelta.UNKNOWN else (self.whole_delta,)
        for way in ways:
            try:
                link = None if way is WholeDelta.NO else self._events.start_whole_delta(way)
            except ItemError:
                continue
            except (MailboxError, NotFound, Unavailable):
                return None  # that says nothing of it
            self.whole_delta = way
            return link
        self.whole_delta = WholeDelta.NO
        return None

    def _whole(self, batch: Batch) -> EventPage:
        series = self._events.series(batch.masters)
        events = (*batch.events, *series.events)
        return EventPage(events=events, unreadable=(*batch.unreadable, *series.unreadable))

    def _first_page(self, anchor: Anchor) -> Page[msgspec.Raw]:
        try:
            return self._events.delta(anchor.link)
        except TokenRejected as error:
            if anchor.until is None and error.detail.startswith("400"):
                # Its first round was answered, but it is not tracked that way after all.
                self.whole_delta = WholeDelta.NO
            raise

    def _new_anchor(self) -> Anchor:
        link = self._whole_link()
        if link is not None:
            return Anchor(link)
        now = self._now()
        return Anchor(self._events.start_delta(now - PAST, now + FUTURE), now + FUTURE)


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + SERIES_PAGE] for start in range(0, len(ids), SERIES_PAGE))


def _deviates(entry: Entry) -> bool:
    return bool(entry.exceptions or entry.cancelled)


def _given_back(seen: SeenEvent, entry: Entry, occurrences: frozenset[FieldKey]) -> frozenset[date]:
    """Dates that were cancelled and shall be held again."""
    days = {day for key in occurrences if (day := canonical.occurrence_of(key))}
    return frozenset(days & seen.entry.cancelled - entry.cancelled)


def _refuse_mail(seen: SeenEvent, changed: frozenset[FieldKey], mail: Mail) -> None:
    """Graph tells all attendees of every write to a meeting one calls, and those added or removed of one that changes
    nothing else (§1.6; "event: update" of its reference). What must tell fewer is not made (rule 4.6)."""
    only_people = all(map(meetings.is_person_key, changed))
    calls = meetings.is_called(seen) or (seen.is_organizer and any(map(meetings.is_person_key, changed)))
    if calls and (mail is Mail.NONE or (mail is Mail.CHANGED and not only_people)):
        raise ItemError("meeting_would_mail")
