"""What a plan consists of: one frozen value per step, readable as a sentence, executed by `sync.apply`."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from samklang.engine.model import (
    Base,
    ColleagueLink,
    Entry,
    FieldKey,
    Link,
    Mail,
    SeenActivity,
    SeenEvent,
    SetAside,
    Side,
)


@dataclass(frozen=True, slots=True)
class Loser:
    """A value that lost a conflict (rule 7.4): kept in the history, restorable."""

    side: Side
    field: FieldKey
    value: str


@dataclass(frozen=True, slots=True)
class CreateEvent:
    """An activity has no event yet: make one in this mailbox."""

    activity: SeenActivity
    entry: Entry
    #: Set when a deleted event is made again (edit wins, rule 7.2), or a begun create is completed.
    link: Link | None = None
    rule: str = "1.5"
    #: Keys of the activity that stay behind for now (rule 5.2): `changes.base_after` keeps them out of the base.
    held: frozenset[FieldKey] = frozenset()


@dataclass(frozen=True, slots=True)
class CreateActivity:
    """An event has no activity yet: make one owned by the mailbox's user."""

    event: SeenEvent
    entry: Entry
    type_id: str
    link: Link | None = None
    rule: str = "1.5"
    #: PSA id of its owner (rule 4.2); None: the mailbox's user.
    owner_id: str | None = None
    #: Create key to use; "": a fresh one.
    key: str = ""


@dataclass(frozen=True, slots=True)
class Update:
    """Bring the changed fields of a link to one side, or to each side what the other changed (merge).

    `to_*` is the whole entry wanted there; `*_fields` the keys that differ from what was seen and shall be written.
    An empty set of keys means no write on that side. With "time" or "recurrence" of a series the keys of all its
    changed and cancelled dates come along, because servers drop them then (rule 5.4); a key that `to_exchange` itself
    has no value for is done with the drop.
    """

    link: Link
    activity: SeenActivity | None
    event: SeenEvent | None
    to_psa: Entry | None = None
    psa_fields: frozenset[FieldKey] = frozenset()
    #: New activity type when privacy moves it (rule 1.6), else None.
    psa_type_id: str | None = None
    #: When what goes to the PSA was edited, on the PSA's clock: there it competes with edits that come later from the
    #: mailboxes of colleagues (rule 7.4). None: unknown, the moment of the write counts.
    edited: datetime | None = None
    #: PSA id of the next owner of an invitation its owner left (rule 4.2), else None. Goes alone.
    psa_owner_id: str | None = None
    to_exchange: Entry | None = None
    exchange_fields: frozenset[FieldKey] = frozenset()
    #: Whom the server tells of the write to the event (rule 4.6).
    mail: Mail = Mail.NONE
    #: The user's answer to the invitation, to be given in his mailbox without mail (rule 4.5); "": none.
    response: str = ""
    losers: tuple[Loser, ...] = ()
    rule: str = "7.2"
    #: Keys the PSA changed that stay behind for now (rules 4.6, 5.2): `changes.base_after` keeps them out of the base.
    held: frozenset[FieldKey] = frozenset()


@dataclass(frozen=True, slots=True)
class Detach:
    """An exception that is over, on a date its series no longer gives, becomes a single entry on both sides (5.4)."""

    link: Link
    #: The series.
    activity: SeenActivity
    #: Original start, local date.
    day: date
    entry: Entry
    rule: str = "5.4"

    @property
    def key(self) -> str:
        """Create key: the same however often, and from whichever mailbox, it is tried."""
        return f"{self.activity.id}:{self.day.isoformat()}"


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the entry on `side` because a person removed its counterpart (rules 7.2, 8)."""

    link: Link
    side: Side
    seen: SeenActivity | SeenEvent | None
    rule: str = "8.2"
    #: Whom the server tells (rule 4.6).
    mail: Mail = Mail.NONE


@dataclass(frozen=True, slots=True)
class Join:
    """Two existing entries are one (rule 3.1), or a begun create was found done: link them, write nothing."""

    activity: SeenActivity
    event: SeenEvent
    base: Base
    link: Link | None = None
    rule: str = "3.1"
    #: The user is not on a colleague's activity yet: he is made to take part, the one write of a join (rule 4.3).
    takes_part: bool = False
    #: He becomes the owner of somebody's invitation, for his address is the lowest of those who sync (rule 4.2).
    owns: bool = False


@dataclass(frozen=True, slots=True)
class TakeOver:
    """An invitation takes the place of the user's plain copy of the activity (rule 4.1): the copy is removed."""

    link: Link
    activity: SeenActivity
    #: The invitation.
    event: SeenEvent
    #: The plain copy; None when it is gone already.
    copy: SeenEvent | None
    base: Base
    rule: str = "4.1"


@dataclass(frozen=True, slots=True)
class Rebase:
    """Both sides already agree, or only own fields changed: remember it, write nothing."""

    link: Link
    base: Base
    activity: SeenActivity | None = None
    event: SeenEvent | None = None
    rule: str = "7.3"


@dataclass(frozen=True, slots=True)
class Forget:
    """Gone on both sides: the link goes (rule 7.2)."""

    link: Link
    rule: str = "7.2"


@dataclass(frozen=True, slots=True)
class Unlink:
    """Separate the two, leave both as they are, leave a mark (rule 4.9)."""

    link: Link
    rule: str


@dataclass(frozen=True, slots=True)
class Revive:
    """A deleted event is back (rule 8.2): take its activity out of the trash; gone for good, make it anew."""

    link: Link
    event: SeenEvent
    #: The activity to make where there is none in the trash any longer, and its type.
    entry: Entry
    type_id: str
    rule: str = "8.2"


@dataclass(frozen=True, slots=True)
class LeaveOut:
    """Not synced by rule; remember its content (rule 3.4)."""

    side: Side
    seen: SeenActivity | SeenEvent
    base: Base
    rule: str
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class PutAside:
    """This entry cannot be synced now; the others go on (rule 10.1)."""

    entry: SetAside
    link: Link | None = None


Action = (
    CreateEvent
    | CreateActivity
    | Revive
    | Update
    | Detach
    | Delete
    | Join
    | TakeOver
    | Rebase
    | Forget
    | Unlink
    | LeaveOut
    | PutAside
)
Actions = Sequence[Action]


@dataclass(frozen=True, slots=True)
class NearMatch:
    """Five of the six fields equal (rule 3.1): shown to the user, not linked."""

    psa_id: str
    item_id: str
    #: The one field that differs: "title", "start_date", "start_time", "end_date", "end_time", "recurrence".
    differs: str


@dataclass(frozen=True, slots=True)
class Brake:
    """Why the plan stops before its first write and waits for a person (rule 8.3)."""

    #: "removals" or "changes" or "lost_state" (rule 8.5).
    kind: str
    side: Side
    count: int
    of: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one run would do, in order. The preview prints what the run executes."""

    actions: tuple[Action, ...] = ()
    brake: Brake | None = None
    near_matches: tuple[NearMatch, ...] = ()

    @property
    def id(self) -> str:
        """Digest of what would be done: the same observation gives the same id, any difference another."""
        digest = hashlib.sha256()
        for action in self.actions:
            digest.update(signature(action).encode())
        return digest.hexdigest()[:32]

    def digests(self) -> frozenset[str]:
        """What it removes and changes, each by a digest: the same again after a part of it was done."""
        return frozenset(digest_of(action) for action in self.actions if isinstance(action, Delete | Update))

    def counts(self) -> Mapping[str, int]:
        """Actions by kind, e.g. {"CreateEvent": 3, "Join": 12}."""
        return Counter(type(action).__name__ for action in self.actions)


def digest_of(action: Action) -> str:
    return hashlib.sha256(signature(action).encode()).hexdigest()[:16]


def signature(action: Action) -> str:
    """What the action does to what it saw, as text: equal actions are equal, and plans are put in order by it."""
    match action:
        case CreateEvent():
            parts: tuple[object, ...] = (action.activity.id, action.activity.version)
        case CreateActivity():
            parts = (action.event.id, action.event.version)
        case Update():
            seen = [s.version if s else "" for s in (action.activity, action.event)]
            keys = (*sorted(action.psa_fields), "|", *sorted(action.exchange_fields))
            parts = (action.link.id, *seen, *keys, action.mail, action.response, action.psa_owner_id or "")
        case Join():
            parts = (action.activity.id, action.activity.version, action.event.id, action.event.version)
        case TakeOver():
            parts = (action.link.id, action.event.id)
        case LeaveOut():
            parts = (action.side, action.seen.id, action.rule)
        case PutAside():
            parts = (action.entry.side, action.entry.id, action.entry.code)
        case Detach():
            parts = (action.link.id, action.day)
        case Delete():
            parts = (action.link.id, action.side, action.mail)
        case _:
            parts = (action.link.id,)
    return "\x1f".join([type(action).__name__, *map(str, parts)]) + "\x1e"


@dataclass(frozen=True, slots=True)
class Observation:
    """All a plan is made from: what we knew and what was just read. An entry not named here is unchanged."""

    links: tuple[Link, ...] = ()
    #: Activities read in this run, by id; `gone_activities` tells of those that are not there any longer.
    activities: Mapping[str, SeenActivity] = field(default_factory=dict)
    events: Mapping[str, SeenEvent] = field(default_factory=dict)
    gone_activities: Mapping[str, str] = field(default_factory=dict)
    gone_events: Mapping[str, str] = field(default_factory=dict)
    set_aside: tuple[SetAside, ...] = ()
    #: Links of colleagues' mailboxes to the meetings and activities seen here (rules 3.2, 4.3).
    colleagues: tuple[ColleagueLink, ...] = ()
    #: Activities seen here that a colleague's run makes, or made, of a meeting without having it in his links yet.
    being_made: frozenset[str] = frozenset()
    #: True while no plan was ever accepted for this mailbox: rules 3.1-3.3 apply.
    first_run: bool = False
    #: True when this run listed that side completely (first run, reconcile, rejected token).
    complete: Mapping[Side, bool] = field(default_factory=dict)
    #: A token was rejected or state restored (rule 8.5): no delete follows from what is missing.
    resync: bool = False
