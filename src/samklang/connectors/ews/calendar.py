"""The default calendar of one Exchange mailbox: implements `sync.ports.Calendar` over EWS.

SyncFolderItems says what changed, by id; GetItem says how (EWS facts §2.3). A series is one item of the folder; its
changed occurrences are fetched by their own ids, its removed ones are listed on it. Nobody is mailed unless asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from samklang.connectors import http, meetings
from samklang.connectors.body import with_meeting_block
from samklang.connectors.ews import operations, people, recurrence_wire, wire
from samklang.connectors.ews.access import EwsAccess
from samklang.connectors.ews.dates import dates_in, deviates, own_names, to_complete
from samklang.connectors.ews.fetch import GET_BATCH, Fetcher
from samklang.connectors.ews.soap import Element, M, Soap, T, error_in, raise_for
from samklang.connectors.relaid import relaid
from samklang.engine import times
from samklang.engine.canonical import occurrence_of, with_fields
from samklang.engine.model import AllDay, Entry, FieldKey, Mail, Occurrence, Recurrence, SeenEvent
from samklang.engine.recurrence import occurrence
from samklang.sync.errors import (
    ItemError,
    NotFound,
    ProtocolError,
    SyncError,
    TokenRejected,
    VersionConflict,
)
from samklang.sync.ports import EventPage

#: Ids per SyncFolderItems: of the 512 a server gives at most (EWS facts §2.3) as many as fill whole batches.
SYNC_PAGE = 5 * GET_BATCH


class EwsCalendar:
    """One mailbox's default calendar. Not to be shared between threads.

    `mailbox`: its SMTP address. `home`: IANA zone of its user, for whole days and for zones nobody knows.
    `now`: wiring's clock; a created event whose start is past gets no reminder (rule 2).

    A repeated `create` with the same key is harmless within one instance; another one asks `find_created` first.
    """

    def __init__(
        self,
        access: EwsAccess,
        mailbox: str,
        *,
        home: str,
        now: Callable[[], datetime],
        counts: http.Counts | None = None,
    ) -> None:
        self._soap = Soap(access, mailbox, counts)
        self._fetch = Fetcher(self._soap, home).events
        self._home = home
        self._now = now
        self._folder = ""
        self._tried: set[str] = set()

    @property
    def counts(self) -> http.Counts:
        """Requests sent so far, log-on legs apart."""
        return self._soap.counts

    @property
    def server_build(self) -> str:
        """Build the server said it is; "" before the first answer."""
        return self._soap.server_build

    def close(self) -> None:
        self._soap.close()

    # --- reading

    def read(self, token: str | None) -> Iterator[EventPage]:
        """See the port. One request when nothing changed.

        The server gives a state with each page; we hand on the last one alone, which covers them all. What a page
        tells cannot be acted on before the others are known, and a state that were kept earlier would lose it in a
        crash (docs/tour.md).
        """
        for changes in self._changes(token):
            removed = changes.removed
            wanted = [id for id, _ in changes.present]
            for start in range(0, len(wanted), GET_BATCH) or (0,):
                last = start + GET_BATCH >= len(wanted)
                events, unreadable = self._fetch(wanted[start : start + GET_BATCH])
                done = changes.state if last and changes.last else None
                yield EventPage(tuple(events.values()), removed if last else (), tuple(unreadable), done)

    def reconcile(self, known: Mapping[str, str]) -> Iterator[EventPage]:
        """See the port. Items whose change key is the known one are listed only, not fetched."""
        missing = set(known)
        for changes in self._changes(None):
            missing.difference_update(id for id, _ in changes.present)
            wanted = [id for id, version in changes.present if known.get(id) != version]
            for start in range(0, len(wanted), GET_BATCH):
                events, unreadable = self._fetch(wanted[start : start + GET_BATCH])
                yield EventPage(tuple(events.values()), (), tuple(unreadable))
            if changes.last:
                yield EventPage(removed=tuple(sorted(missing)), token=changes.state)

    def get(self, item_ids: Sequence[str]) -> Mapping[str, SeenEvent | None]:
        """See the port. What lies in another folder counts as gone."""
        found: dict[str, SeenEvent | None] = {}
        for start in range(0, len(item_ids), GET_BATCH):
            batch = list(dict.fromkeys(item_ids[start : start + GET_BATCH]))
            events, unreadable = self._fetch(batch, self._calendar_folder())
            unread = {each.id for each in unreadable}
            found.update((id, events.get(id)) for id in batch if id not in unread)
        return found

    def strangers(self, item_ids: Collection[str]) -> Collection[str]:
        """None: Exchange has no such answer that is known to mean it."""
        return ()

    def moved(self, uids: Collection[str]) -> Collection[str]:
        """See the port. A move gives a new id and UIDs cannot be searched for (EWS facts §2.7), so the mailbox's other
        calendars are listed, ids and UIDs alone: one request to find them, one for each thousand entries."""
        folders = self._soap.ask(operations.find_folders())
        found: set[str] = set()
        for folder in folders.iterfind(f"{M}RootFolder/{T}Folders/{T}CalendarFolder/{T}FolderId"):
            if folder.get("Id") != self._calendar_folder():
                found |= self._uids_in(folder.get("Id", ""))
        return found & set(uids)

    def _uids_in(self, folder: str) -> set[str]:
        uids: set[str] = set()
        offset = 0
        while True:
            root = self._soap.ask(operations.list_uids(folder, offset)).find(f"{M}RootFolder")
            if root is None:
                raise ProtocolError("malformed_answer", "a listing without its root")
            page = [item.findtext(f"{T}UID") or "" for item in root.iterfind(f"{T}Items/{T}CalendarItem")]
            uids.update(page)
            offset += len(page)
            if not page or root.get("IncludesLastItemInRange") == "true":
                return uids

    def find_created(self, key: str) -> SeenEvent | None:
        """See the port. A copy somebody made of the event carries the key too; the oldest is ours."""
        message = self._soap.ask(operations.find_key(key))
        ids = [wire.read_id(item)[0] for item in message.iterfind(f"{M}RootFolder/{T}Items/{T}CalendarItem")]
        for id in ids[:1]:
            events, _ = self._fetch([id])
            return events.get(id)
        return None

    def holds(self, entry: Entry) -> bool:
        """See the port. Exchange 2007 has weeks that begin on Sunday (EWS facts §2.4)."""
        rule, start = entry.recurrence, times.local_day(entry.when)
        return not isinstance(rule, Recurrence) or recurrence_wire.holds(rule, start, self._soap.dialect)

    def _changes(self, token: str | None) -> Iterator[wire.Changes]:
        while True:
            changes = wire.read_changes(self._soap.ask(operations.sync_items(token, SYNC_PAGE)))
            if not changes.state:
                raise TokenRejected(detail="no SyncState")
            if not changes.last and changes.state == token:
                raise ProtocolError("malformed_answer", "the listing does not move on")
            yield changes
            token = changes.state
            if changes.last:
                return

    def _calendar_folder(self) -> str:
        if not self._folder:
            folder = self._soap.ask(operations.get_calendar_folder()).find(f"{M}Folders/*/{T}FolderId")
            self._folder = "" if folder is None else folder.get("Id", "")
        return self._folder

    # --- writing

    def create(self, entry: Entry, key: str) -> SeenEvent:
        """See the port."""
        if key in self._tried:
            made = self.find_created(key)
            if made is not None:
                return made
        reminder = times.start_of(entry.when, self._home) >= self._now()
        item = wire.new_item(entry, key, home=self._home, reminder=reminder, dialect=self._soap.dialect)
        self._tried.add(key)
        id, version = self._written(operations.create_item(item), entry)
        if deviates(entry):
            days = frozenset(entry.exceptions) | entry.cancelled
            self._write_occurrences(id, version, entry, {day: own_names(entry, day) for day in days})
            return self._seen(id, None, SeenEvent(id, version, entry, key=key), frozenset())
        return self._seen(id, version, SeenEvent(id, version, entry, key=key), frozenset())

    def update(self, seen: SeenEvent, entry: Entry, changed: frozenset[FieldKey], mail: Mail = Mail.NONE) -> SeenEvent:
        """See the port. The first write is conditional; what it lets through, the following ones complete.

        A cancelled occurrence cannot be given back alone: its series' rule is written again, which drops all changed
        and cancelled dates, and those that remain are written after it. The same mends what the server drops when
        the time or the rule of a series changes (rule 5.4).
        """
        meetings.refuse_others(seen, changed)
        dates = dates_in(changed)
        plain = {key for key in changed if occurrence_of(key) is None}
        given_back = seen.entry.cancelled & dates.keys() - entry.cancelled
        if given_back:
            plain.add("recurrence")
        version = seen.version
        if plain:
            # What a date given back takes to come is nobody's business; that it came is.
            told = Mail.NONE if given_back else mail
            version = self._write_master(seen, seen.version, entry, plain, told)
            if entry.is_series and plain & {"time", "recurrence"} and (dates or deviates(seen.entry)):
                held = self._held(seen.id)
                stays = bool(given_back & held.cancelled)
                if stays:
                    version = self._write_master(seen, version, relaid(entry), {"recurrence"}, Mail.NONE)
                if stays or told is not mail:
                    version = self._write_master(seen, version, entry, {"recurrence"}, mail)
                    held = self._held(seen.id)
                dates = to_complete(held, entry, dates)
        if dates:
            self._write_occurrences(seen.id, version, entry, dates, guarded=not plain, mail=mail)
        wrote = None if dates else version
        after = with_fields(seen.entry, entry, changed)
        if any(map(meetings.is_person_key, changed)):
            after = meetings.with_invited(seen, replace(after, people=entry.people))
        return self._seen(seen.id, wrote, replace(seen, entry=after), changed)

    def delete(self, seen: SeenEvent, mail: Mail = Mail.NONE) -> None:
        """See the port. DeleteItem itself takes no condition, so the version is asked for just before."""
        try:
            self._check_version(seen)
            self._delete([wire.item_id(seen.id, seen.version)], mail)
        except NotFound:
            return

    def respond(self, seen: SeenEvent, response: str) -> SeenEvent | None:
        """See the port. Conditional as `delete` is.

        The server makes the event anew, or moves the declined one to Deleted Items: either way its id is another
        (Managed API: CalendarActionResults).
        """
        self._check_version(seen)
        answer = self._soap.ask(operations.respond(seen.id, seen.version, response))
        # Several items may come, copies of the answer among them (exchangelib#886).
        made = dict(map(wire.read_id, answer.iterfind(f"{M}Items/{T}CalendarItem")))
        events, unreadable = self._fetch([*made] or [seen.id], self._calendar_folder())
        if unreadable:
            raise ItemError("unreadable", unreadable[0].detail)
        after = next(iter(events.values()), None)
        if after is None or made.get(after.id) in (None, after.version):
            return after
        # Edited meanwhile: the answer is all we know of (rule 7.5).
        ids = after.occurrence_ids
        return replace(seen, id=after.id, version=made[after.id], response=response, occurrence_ids=ids)

    def _write_master(self, seen: SeenEvent, version: str, entry: Entry, names: Iterable[str], mail: Mail) -> str:
        """One conditional UpdateItem of a single entry or a master; its new version."""
        update = wire.change(wire.item_id(seen.id, version), self._fields(seen, entry, names))
        return self._written(operations.update_items([update], only_if_unchanged=True, mail=mail), entry)[1]

    def _held(self, id: str) -> Entry:
        """What the server holds of a series just written. Raises `NotFound`, `ItemError`."""
        events, unreadable = self._fetch([id])
        if unreadable:
            raise ItemError("unreadable", unreadable[0].detail)
        if id not in events:
            raise NotFound(detail="gone after it was written")
        return events[id].entry

    def _written(self, request: Element, entry: Entry) -> tuple[str, str]:
        """Send a write of one item; its id and new version."""
        message = self._soap.ask(request, self._creation_zone(entry))
        item = message.find(f"{M}Items/{T}CalendarItem")
        if item is None:
            raise ProtocolError("malformed_answer", "a write without the id of what it wrote")
        return wire.read_id(item)

    def _creation_zone(self, entry: Entry) -> str | None:
        """Windows id of the zone an entry is written in (EWS facts §2.5)."""
        return times.windows_id(self._home if isinstance(entry.when, AllDay) else entry.when.zone)

    def _fields(self, seen: SeenEvent, entry: Entry, names: Iterable[str]) -> Iterator[Element]:
        """The changes of one UpdateItem of a single entry or master."""
        when_too = "time" in names
        if "recurrence" in names:
            # The dates of a rule hang on the start and its zone: they are written as one. 2007 takes a rule whose zone
            # is not told anew for one in UTC, and a zone alone may move the event (EWS facts §2.5).
            when_too = when_too or not self._soap.dialect.two_zones
            when_too = when_too or _zone(seen.entry) != _zone(entry) or seen.entry.is_series is not entry.is_series
        rule_too = "recurrence" in names or (
            when_too and entry.is_series and times.local_day(seen.entry.when) != times.local_day(entry.when)
        )
        yield from self._content(seen.id, entry, names)
        if when_too:
            was_all_day = isinstance(seen.entry.when, AllDay)
            dialect, series = self._soap.dialect, entry.is_series
            yield from wire.set_when(entry.when, self._home, dialect, series=series, was_all_day=was_all_day)
        if rule_too:
            yield wire.set_recurrence(entry, self._soap.dialect)
        if any(map(meetings.is_person_key, names)):
            yield from people.set_attendees(seen, entry)

    def _content(self, id: str, content: Entry | Occurrence, names: Iterable[str]) -> Iterator[Element]:
        if "title" in names:
            yield wire.set_text("item:Subject", "Subject", content.title)
        if "sensitivity" in names:
            yield wire.set_sensitivity(content.sensitivity)
        if "text" in names:
            yield wire.set_body(content.text, self._with_meeting(id, content.text) if id else None)
        if "place" in names:
            yield wire.set_text("calendar:Location", "Location", content.place)

    def _with_meeting(self, id: str, text: str) -> str | None:
        """The new text with the online-meeting block of the present body; None when it has none."""
        item = self._soap.ask(operations.get_body(id)).find(f"{M}Items/{T}CalendarItem/{T}Body")
        return None if item is None else with_meeting_block(item.text or "", text)

    def _write_occurrences(
        self,
        id: str,
        version: str,
        entry: Entry,
        dates: Mapping[date, frozenset[str]],
        *,
        guarded: bool = False,
        mail: Mail = Mail.NONE,
    ) -> None:
        """Change and cancel dates of a series: one write each, in two requests (three when guarded).

        `guarded`: nothing was written yet, so the first write has to be conditional on `version`.
        """
        zone = self._creation_zone(entry)
        address = {day: wire.occurrence_id(id, version, entry, day) for day in sorted(dates)}
        updates = [
            wire.change(address[day], self._occurrence_fields(entry, day, dates[day]))
            for day in sorted(dates)
            if day not in entry.cancelled and dates[day]
        ]
        if guarded and updates:
            raise_for(self._soap.ask(operations.update_items(updates[:1], only_if_unchanged=True, mail=mail), zone))
            updates = updates[1:]
        elif guarded:
            self._check_version(SeenEvent(id, version, entry))
        failures: list[SyncError] = []
        if updates:
            answers = self._soap.call(operations.update_items(updates, only_if_unchanged=False, mail=mail), zone)
            failures += [error for error in map(error_in, answers) if error is not None]
        cancelled = [address[day] for day in sorted(dates) if day in entry.cancelled]
        if cancelled:
            try:
                self._delete(cancelled, mail)
            except SyncError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _occurrence_fields(self, entry: Entry, day: date, names: frozenset[str]) -> list[Element]:
        """The changes of one UpdateItem of an occurrence; what it no longer has of its own becomes as the series."""
        content = occurrence(entry, day)
        changes = list(self._content("", content, names))
        if "time" in names:
            was_all_day = isinstance(entry.when, AllDay)
            dialect = self._soap.dialect
            changes += wire.set_when(content.when, self._home, dialect, series=False, was_all_day=was_all_day)
        return changes

    def _delete(self, ids: Sequence[Element], mail: Mail) -> None:
        """Remove items or occurrences; gone already is success."""
        for message in self._soap.call(operations.delete_items(ids, mail=mail)):
            error = error_in(message)
            if error is not None and not isinstance(error, NotFound):
                raise error

    def _check_version(self, seen: SeenEvent) -> None:
        item = self._soap.ask(operations.get_versions([seen.id])).find(f"{M}Items/{T}CalendarItem")
        if item is not None and wire.read_id(item)[1] != seen.version:
            raise VersionConflict(detail="change key")

    def _seen(self, id: str, version: str | None, wrote: SeenEvent, changed: frozenset[FieldKey]) -> SeenEvent:
        """What the server holds after our write, as our write left it (rule 7.5).

        `version`: what the write returned; another one in the read-back means somebody edited meanwhile, and then
        what we wrote is what we know. None after writes to occurrences, whose series' version no answer tells: there
        the read-back counts for the fields we wrote and what we had seen for all others.
        """
        events, unreadable = self._fetch([id])
        event = events.get(id)
        if event is None:
            if unreadable:
                raise ItemError("unreadable", unreadable[0].detail)
            return wrote if version is None else replace(wrote, version=version)
        if version is not None and event.version != version:
            return replace(event, entry=wrote.entry, version=version)
        if version is None and changed:
            return replace(event, entry=with_fields(wrote.entry, event.entry, changed))
        return event


def _zone(entry: Entry) -> str:
    return "" if isinstance(entry.when, AllDay) else times.canonical_zone(entry.when.zone)
