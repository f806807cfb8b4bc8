"""A mailbox's default calendar in memory, with the meetings that come by post."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from samklang.engine.canonical import with_fields
from samklang.engine.model import Entry, FieldKey, Mail, Person, SeenEvent
from samklang.sync.errors import ItemError, NotFound
from samklang.sync.memory.faults import Faults
from samklang.sync.memory.post import PostOffice, as_attendees_copy, called_by
from samklang.sync.memory.shelf import Shelf, edited
from samklang.sync.ports import EventPage, Unreadable


class MemoryCalendar:
    """Implements `ports.Calendar`; a person's hands and the server's moods are methods and attributes of their own."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        faults: Faults | None = None,
        page_size: int = 50,
        address: str = "",
        post: PostOffice | None = None,
    ) -> None:
        """`address`: its user's, at which `post` delivers invitations."""
        self.shelf: Shelf[SeenEvent] = Shelf("exchange", clock, faults or Faults(), page_size)
        self.faults = self.shelf.faults
        self.address = address
        self.post = post or PostOffice()
        self.post.calendars[address] = self
        #: The server rewrites what it is given (line ends, blanks …).
        self.rewrites: Callable[[Entry], Entry] = lambda entry: entry
        #: A code if the server refuses this entry for good, else None.
        self.refuses: Callable[[Entry], str | None] = lambda entry: None
        #: Whether this calendar can keep a series as its pattern.
        self.holds: Callable[[Entry], bool] = lambda entry: True
        #: The server drops all exceptions when a write changes pattern or time (as Exchange does, rule 5.4).
        self.drops_exceptions = False
        #: Listings do not show our create keys; only `find_created` knows them (Graph facts §1.4).
        self.hides_keys = False
        #: Ids that can be listed but not read.
        self.unreadable: set[str] = set()
        #: Ids of no event of this mailbox, as it says when asked for them.
        self.strange: set[str] = set()
        self._elsewhere: dict[str, SeenEvent] = {}

    # -- the port

    def read(self, token: str | None) -> Iterator[EventPage]:
        ids, next_token = self.shelf.listing(token)
        for page, last in self.shelf.pages(ids):
            yield self._page(page, next_token if last else None)

    def reconcile(self, known: Mapping[str, str]) -> Iterator[EventPage]:
        ids, next_token = self.shelf.listing(None)
        listed = set(ids) - self.shelf.omits
        for page, last in self.shelf.pages(ids):
            changed = [i for i in page if known.get(i) != self.shelf.shown()[i].version]
            answer = self._page(changed, next_token if last else None)
            yield replace(answer, removed=tuple(i for i in known if i not in listed)) if last else answer

    def get(self, item_ids: Sequence[str]) -> Mapping[str, SeenEvent | None]:
        with self.faults.call("exchange.get"):
            unread = self.unreadable | self.strange
            return {i: self._elsewhere.get(i) or self.shelf.look(i) for i in item_ids if i not in unread}

    def strangers(self, item_ids: Collection[str]) -> Collection[str]:
        return self.strange & set(item_ids)

    def moved(self, uids: Collection[str]) -> Collection[str]:
        return ()  # ids survive a move here, so `get` tells

    def find_created(self, key: str) -> SeenEvent | None:
        with self.faults.call("exchange.find_created"):
            return self.shelf.keyed(key)

    def create(self, entry: Entry, key: str) -> SeenEvent:
        with self.faults.call("exchange.create"):
            self.shelf.writes["create"] += 1
            self._check(entry)
            before = self.shelf.keyed(key)
            if before is not None:
                return before
            item_id = self.shelf.fresh_id()
            return self.shelf.put(SeenEvent(item_id, "", self.rewrites(entry), uid=f"uid-of-{item_id}", key=key))

    def update(self, seen: SeenEvent, entry: Entry, changed: frozenset[FieldKey], mail: Mail = Mail.NONE) -> SeenEvent:
        with self.faults.call("exchange.update"):
            occurrences = {key.split(":")[1] for key in changed if key.startswith("x:")}
            self.shelf.writes["update"] += len(occurrences) + any(not key.startswith("x:") for key in changed)
            held = self.shelf.current(seen)
            self._check(entry)
            self._may_be_silent(held, mail)
            now = held.entry
            if self.drops_exceptions and changed & {"time", "recurrence"}:
                now = replace(now, exceptions={}, cancelled=frozenset())
            now = self.rewrites(with_fields(now, entry, changed))
            if any(key.startswith("p:") for key in changed):
                now = replace(now, people=called_by(self.address, entry.people))
            after = self.shelf.put(replace(held, entry=now, is_meeting=self._is_meeting(held, now)))
            self.post.tell(held, after, mail)
            return after

    def delete(self, seen: SeenEvent, mail: Mail = Mail.NONE) -> None:
        with self.faults.call("exchange.delete"):
            self.shelf.writes["delete"] += 1
            try:
                held = self.shelf.current(seen)
            except NotFound:
                return
            self._may_be_silent(held, mail)
            self.post.cancel(self.shelf.take(seen.id), mail)

    def respond(self, seen: SeenEvent, response: str) -> SeenEvent | None:
        with self.faults.call("exchange.respond"):
            self.shelf.writes["update"] += 1
            held = self.shelf.current(seen)
            if response == "declined":
                self.shelf.take(seen.id)
                return None
            return self.shelf.put(replace(held, response=response))

    def _page(self, ids: Sequence[str], token: str | None) -> EventPage:
        shown = self.shelf.shown()
        events = (shown[i] for i in ids if i in shown and i not in self.unreadable)
        return EventPage(
            events=tuple(replace(event, key=None) if self.hides_keys else event for event in events),
            removed=tuple(i for i in ids if i not in shown),
            unreadable=tuple(Unreadable(i, "unreadable") for i in ids if i in self.unreadable),
            token=token,
        )

    def _check(self, entry: Entry) -> None:
        code = self.refuses(entry)
        if code is not None:
            raise ItemError(code)

    def _may_be_silent(self, held: SeenEvent, mail: Mail) -> None:
        """Graph cannot write silently to a meeting with attendees (Graph facts §1.6); nor can this calendar."""
        if mail is Mail.NONE and held.is_organizer and len(held.entry.people) > 1:
            raise ItemError("meeting_would_mail")

    def _is_meeting(self, held: SeenEvent, now: Entry) -> bool:
        return not held.is_organizer or len(now.people) > 1

    # -- what the post brings

    def receive(self, meeting: SeenEvent) -> None:
        """An invitation, or the update of one."""
        copy = self._copy(meeting.uid) or SeenEvent(self.shelf.fresh_id(), "", meeting.entry)
        self.shelf.put(as_attendees_copy(meeting, copy))

    def hear_cancelled(self, uid: str) -> None:
        copy = self._copy(uid)
        if copy is not None:
            entry = replace(copy.entry, title=f"Canceled: {copy.entry.title}")
            self.shelf.put(replace(copy, entry=entry, is_cancelled=True))

    def _copy(self, uid: str) -> SeenEvent | None:
        return next((one for one in self.shelf.shown().values() if one.uid == uid and not one.is_organizer), None)

    # -- a person's hands

    def person_calls(self, entry: Entry, *people: Person, mail: Mail = Mail.ALL) -> str:
        """Make a meeting by hand, or of one's own event with this content; attendees are invited."""
        item_id = self.person_adds(entry)
        self.person_invites(item_id, *people, mail=mail)
        return item_id

    def person_invites(self, item_id: str, *people: Person, mail: Mail = Mail.ALL) -> None:
        """Make these the attendees of one's own event, and no others."""
        held = self.shelf.shown()[item_id]
        entry = replace(held.entry, people=called_by(self.address, people))
        after = self.shelf.put(replace(held, entry=entry, is_meeting=self._is_meeting(held, entry)))
        self.post.tell(held, after, mail)

    def person_tells(self, item_id: str, **changes: Any) -> None:
        """Change a meeting one called, and send the update."""
        held = self.shelf.shown()[item_id]
        self.person_edits(item_id, **changes)
        self.post.tell(held, self.shelf.shown()[item_id], Mail.ALL)

    def person_cancels(self, item_id: str) -> None:
        """Call a meeting off."""
        self.post.cancel(self.shelf.take(item_id), Mail.ALL)

    def person_adds(self, entry: Entry, **marks: Any) -> str:
        """Make an event by hand; `marks` are fields of SeenEvent. Returns its item id."""
        item_id = self.shelf.fresh_id()
        marks.setdefault("uid", f"uid-of-{item_id}")
        self.shelf.put(SeenEvent(item_id, "", entry, **marks))
        return item_id

    def person_edits(self, item_id: str, **changes: Any) -> None:
        """Change attributes of the entry; occurrences follow a series except in what is their own."""
        held = self.shelf.shown()[item_id]
        self.shelf.put(replace(held, entry=edited(held.entry, changes)))

    def person_marks(self, item_id: str, **marks: Any) -> None:
        """Change fields of SeenEvent; without any: a new version without a change (a reminder, a response …)."""
        self.shelf.put(replace(self.shelf.shown()[item_id], **marks))

    def person_deletes(self, item_id: str) -> None:
        self.shelf.take(item_id)

    def person_moves_away(self, item_id: str) -> None:
        """Into another calendar."""
        self._elsewhere[item_id] = replace(self.shelf.take(item_id), elsewhere=True)

    def person_moves_back(self, item_id: str) -> None:
        self.shelf.put(replace(self._elsewhere.pop(item_id), elsewhere=False))
