"""The ports of the sync core, and their contracts. Several implementations of each exist from day one.

All calls are synchronous and made from one thread per mailbox at a time. Times are aware UTC unless said otherwise.
Every method may raise the errors of `sync.errors`; which ones matter is said where it does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from samklang.engine.actions import NearMatch
from samklang.engine.model import (
    Base,
    ColleagueLink,
    Entry,
    FieldKey,
    Fields,
    Link,
    Mail,
    SeenActivity,
    SeenEvent,
    SetAside,
    Side,
)
from samklang.sync.errors import SAID


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry the server listed but we could not read; it is set aside, the page goes on (rule 10.1)."""

    id: str
    code: str = "unreadable"
    #: The server's own code, or what of it is not as the protocol says.
    detail: str = ""

    @property
    def kept(self) -> Mapping[str, str]:
        """What is kept of it with the entry while it waits."""
        return {SAID: self.detail} if self.detail else {}


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page of a calendar. A series always comes whole: master, exceptions and cancelled dates together."""

    events: tuple[SeenEvent, ...] = ()
    #: Ids whose removal the server named; not proof of deletion (Graph facts §1.4): the run asks by id.
    removed: tuple[str, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    #: Where the next read goes on; only the last page of a round has one.
    token: str | None = None


class Calendar(Protocol):
    """The default calendar of one mailbox on the Exchange side. Contract: tests/contract/calendar.py."""

    def read(self, token: str | None) -> Iterator[EventPage]:
        """Changes since `token`; every event of the calendar without one.

        Raises TokenRejected before or between pages when the server forgot the token. Own writes may be echoed.
        """

    def reconcile(self, known: Mapping[str, str]) -> Iterator[EventPage]:
        """Complete listing of all ids with content only where the version differs from `known` (item id -> version).

        An id listed with the version we know is simply not in `events`; every id of `known` the server no longer
        lists comes in `removed`, on the last page. Rules 7.7, 9.1. The last page has a fresh token.
        """

    def get(self, item_ids: Sequence[str]) -> Mapping[str, SeenEvent | None]:
        """The events with these ids; None for one that is not (any longer) in the default calendar.

        A server that still knows it by that id in another calendar may return it with `elsewhere` set: moved, not gone.
        An id that exists but could not be read is absent from the answer: it says nothing, and the entry is set aside.
        """

    def strangers(self, item_ids: Collection[str]) -> Collection[str]:
        """Those of these ids, which `get` left out, that are of no event of this mailbox, as the server says: it was
        moved and its events have other ids now (Graph facts §5.1). None where it never says so."""

    def moved(self, uids: Collection[str]) -> Collection[str]:
        """Those of these identities that stand in another calendar of the mailbox (rule 8.2).

        Asked for events `get` did not find. Where an id survives the move and `get` tells, none.
        """

    def find_created(self, key: str) -> SeenEvent | None:
        """The event our create with this key made, if it did (rule 10.4)."""

    def holds(self, entry: Entry) -> bool:
        """Whether a series like this can be kept here as its pattern; if not, it comes as single entries (rule 5.5)."""

    def create(self, entry: Entry, key: str) -> SeenEvent:
        """Make an event without attendees and mail; `key` makes repeating harmless.

        Returns what the server holds afterwards, exceptions and cancellations included. Interrupted between the
        master and its exceptions, the event exists and `find_created` finds it.

        What is returned here and by `update` is the event as *our* write left it (rule 7.5): the read-back when it
        carries the version the write returned, else (somebody edited meanwhile) what we wrote, with the version the
        write returned; the later edit then shows as a change in the next run.
        """

    def update(self, seen: SeenEvent, entry: Entry, changed: frozenset[FieldKey], mail: Mail = Mail.NONE) -> SeenEvent:
        """Make the fields `changed` (keys of `engine.canonical`) as `entry` has them; leave all others alone.

        Conditional on `seen.version`: raises VersionConflict. One remote write for a single entry or master, one for
        each exception or cancellation among `changed`. Returns what the server holds afterwards. Keys "p:..." ask for
        the attendees to be as `entry.people` has them; who stays keeps his address and kind.

        `mail`: whom the server tells. Raises ItemError("meeting_would_mail") where NONE cannot be kept (rule 4.6).
        """

    def delete(self, seen: SeenEvent, mail: Mail = Mail.NONE) -> None:
        """Remove the event (to Deleted Items). Already gone is success. Raises VersionConflict.

        With mail a meeting the user organizes is cancelled. Raises ItemError("meeting_would_mail") as `update` does.
        """

    def respond(self, seen: SeenEvent, response: str) -> SeenEvent | None:
        """Answer an invitation for the user, without mail: "accepted", "tentative" or "declined".

        Returns the event as the answer left it; None when the server took it out of the calendar (declined).
        Raises VersionConflict, NotFound.
        """


@dataclass(frozen=True, slots=True)
class ActivityPage:
    activities: tuple[SeenActivity, ...] = ()
    #: Ids deleted, or no longer owned by nor shared with this user.
    removed: tuple[str, ...] = ()
    token: str | None = None


class Activities(Protocol):
    """The activities one user owns or takes part in. Contract: tests/contract/activities.py."""

    def read(self, token: str | None) -> Iterator[ActivityPage]:
        """Changes since `token`; every activity of the user without one. Raises TokenRejected.

        An activity the user left (rule 4.7) comes as it is now: its owner and participants tell.
        """

    def get(self, activity_ids: Sequence[str]) -> Mapping[str, SeenActivity | None]:
        """The activities with these ids, the user's or not; None for one deleted (also into the trash).

        An id that exists but could not be read is absent from the answer.
        """

    def find_created(self, key: str) -> SeenActivity | None: ...

    def holds(self, entry: Entry) -> bool:
        """Whether a series like this can be kept here as its pattern; if not, it comes as single entries (rule 5.5)."""

    def holds_dates(self, entry: Entry) -> bool:
        """Whether the changed and cancelled dates of a series can be kept here as they are; if not, it comes as single
        entries (rule 13.5)."""

    def create(
        self, entry: Entry, type_id: str, key: str, owner_id: str | None = None, edited: datetime | None = None
    ) -> SeenActivity:
        """Make an activity with `entry.people` as participants; `key` makes repeating harmless.

        `owner_id`: PSA id of its owner, by default the user. Where the key made an activity before, that one is
        returned, and the user takes part in it: colleagues in whose mailboxes one meeting stands call with one key
        (rule 4.3). One that was deleted since comes out of the trash with the content it is now made with.

        `edited`: when a person made or changed what this carries over, as in `update`.
        """

    def update(
        self,
        seen: SeenActivity,
        entry: Entry,
        changed: frozenset[FieldKey],
        type_id: str | None = None,
        edited: datetime | None = None,
    ) -> SeenActivity:
        """Make the fields `changed` as `entry` has them, and the type if given. Raises VersionConflict.

        `edited`: when a person made the change this carries over, on this calendar's clock (default: now). It becomes
        `SeenActivity.modified` unless a later edit is there already, so that of two colleagues' edits the newer wins
        whoever's run comes first (rule 7.4).

        Keys "p:..." ask for the participants to be as `entry.people` has them (the owner stays), "r:..." for their
        status, "response" for the user's own.
        """

    def take_part(self, activity_id: str, response: str, *, owns: bool = False) -> SeenActivity:
        """Make the user take part in a colleague's activity, if he does not yet (rules 3.2, 4.3). Raises NotFound.

        `owns`: make it his; who owned it takes part from then on (rule 4.2).
        """

    def hand_over(self, seen: SeenActivity, owner_id: str) -> SeenActivity:
        """Make another PSA user the owner of what the user owned and left (rule 4.2). Raises VersionConflict."""

    def restore(self, activity_id: str) -> SeenActivity:
        """Take an activity out of the trash again (rule 8.2). Raises NotFound when it is gone for good."""

    def delete(self, seen: SeenActivity) -> None:
        """Put the activity into the trash, restorable with its links. Already gone is success."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Where the last complete round ended on either side; opaque, stored only when all it covered is safe."""

    psa: str | None = None
    exchange: str | None = None


@dataclass(frozen=True, slots=True)
class MailboxState:
    """What the mailbox row says when a run opens."""

    mailbox_id: str
    tokens: Tokens = Tokens()
    #: Day of the first run in the user's zone; set when the first plan is accepted; kept for good (rule 3.6).
    started_on: date | None = None
    #: The first run was completed.
    first_run_done: bool = False
    #: Plan the user (first run) or an operator (brake) accepted; None: nothing accepted.
    accepted_plan: str | None = None
    #: Start the first run whatever its plan holds ("start without preview", rule 3.5).
    accept_any: bool = False
    #: Digests of what an accepted braked plan does, from when it began to be carried out until it is done: cut off, it
    #: goes on without being asked for again (rules 8.3, 10.4).
    accepted_actions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """One journalled write: before and after of what changed on one side (rule 11.1)."""

    side: Side
    #: "create", "update", "delete", "restore" (out of the PSA's trash).
    kind: str
    psa_id: str | None
    item_id: str | None
    before: Mapping[FieldKey, str] = field(default_factory=dict)
    after: Mapping[FieldKey, str] = field(default_factory=dict)
    #: Values that lost a conflict, by "<side>:<field>".
    losers: Mapping[str, str] = field(default_factory=dict)
    rule: str = ""
    #: PSA id of the person whose edit in the PSA it carries over or (restore, undo) who asked for it; "" when unknown.
    by: str = ""
    #: "sync", "restore", "undo", "leaving".
    cause: str = "sync"

    @property
    def entry_id(self) -> str:
        """The entry on `side`; "" before it has an id."""
        return (self.psa_id if self.side is Side.PSA else self.item_id) or ""


@dataclass(frozen=True, slots=True)
class Begun:
    """A write that was journalled before it was made, and never heard of since: a run was cut off there."""

    id: str
    change: Change


class Store(Protocol):
    """What we know of one mailbox. Each method is one transaction; nothing stays open across a remote call."""

    def state(self) -> MailboxState: ...

    def links(self) -> Sequence[Link]:
        """All links and marks of the mailbox, loaded in bulk."""

    def set_aside(self) -> Sequence[SetAside]: ...

    def meetings(self, uids: Collection[str], psa_ids: Collection[str]) -> Sequence[ColleagueLink]:
        """Links of colleagues' mailboxes that have one of these identities, or are meetings of these activities.

        Of unlinked ones those that still name an activity: one meeting is one activity (rule 4.3).
        """

    def being_made(self, keys: Collection[str]) -> Collection[str]:
        """Those of these create keys with which a colleague's mailbox has begun a create and not recorded it yet."""

    def begin_create(
        self, side: Side, seen_id: str, link: Link | None, base: Base | None = None, key: str = "", uid: str = ""
    ) -> Link:
        """Insert (or renew) a CREATING link before a remote create on `side`; committed when this returns.

        `seen_id` is the entry on the other side, which becomes `born` of a new link. `base`, if given, is stored: what
        the source holds now and what the create will write, so that an edit made after a crash is still seen as one.
        A link that is CREATING already keeps its key (the create may have happened); every other gets a fresh one,
        and its id on `side`, which is gone, is cleared. `key`: the key to use instead of a fresh one. `uid`: the
        identity of the event the create is of, by which it is known should it be sent anew meanwhile (rule 4.3).
        """

    def begin(self, change: Change) -> str:
        """Journal a write that is about to be made; returns the id `record` and `settle` know it by.

        A crash between a write and its record must not lose its journal row, nor the values it went over (rule 11.1).
        """

    def begun(self) -> Sequence[Begun]:
        """What `begin` journalled and nobody has settled."""

    def gone_over(self, item_id: str) -> Sequence[Fields]:
        """What journalled updates of the event with this id and of its activity replaced, one mapping for each."""

    def settle(self, begun_id: str, *, happened: bool) -> None:
        """A begun write took effect, or did not: then its journal row goes."""

    def record(self, link: Link | None, change: Change | None = None, *, remove: bool = False, begun: str = "") -> None:
        """Store the link (or remove it) and journal the write, and lift any set-aside of its entries, in one go.

        A link whose id is "" is new: the store names it. `begun`: the journal row of this write, which is settled.
        """

    def put_aside(self, entry: SetAside, link: Link | None = None) -> None:
        """Insert or replace the set-aside row of (side, id); the link, if given, is stored with it."""

    def lift(self, side: Side, entry_id: str) -> None:
        """The entry waits no longer: remove its set-aside row, if there is one."""

    def save_tokens(self, tokens: Tokens) -> None: ...

    def begin_accepted(self, actions: Collection[str]) -> None:
        """The accepted braked plan starts writing: remember the digests of what it does, until `finish_accepted`."""

    def finish_accepted(self) -> None:
        """All of it is done or set aside."""

    def begin_first_run(self, started_on: date) -> None:
        """The accepted first run starts writing: a crash from here on continues without a new acceptance."""

    def finish_first_run(self) -> None:
        """All the first run covered is done or set aside; what was accepted is used up."""

    def note_near_matches(self, found: Sequence[NearMatch]) -> None:
        """Pairs that were nearly equal and not joined (rule 3.1), for the user to look at; each once."""

    def heard(self, at: datetime, progress: Mapping[str, int]) -> None:
        """Report progress of the run for the status page."""

    def should_stop(self) -> bool:
        """True once the user asked the run to stop, the switch went off or the connection paused."""
