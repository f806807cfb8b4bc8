"""The values every other part speaks in. Nothing here decides anything.

Words follow `docs/words.md`: an *entry* is the neutral form of an activity (PSA side) or an event (Exchange side);
a *link* joins one activity to one event in one mailbox and keeps the *base*, what each side held when they last agreed.
Values are named by their moment: `Seen…` was just read, `Link` is what we knew, an `Action` is what shall be done,
an `Outcome` what came of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum, StrEnum


class Side(StrEnum):
    """One of the two calendars that are kept equal."""

    PSA = "psa"
    EXCHANGE = "exchange"

    @property
    def other(self) -> Side:
        return Side.EXCHANGE if self is Side.PSA else Side.PSA


class Sensitivity(StrEnum):
    """Who may read an entry. Everything but NORMAL counts as private (rule 1.6)."""

    NORMAL = "normal"
    PERSONAL = "personal"
    PRIVATE = "private"
    CONFIDENTIAL = "confidential"

    @property
    def is_private(self) -> bool:
        return self is not Sensitivity.NORMAL


class Availability(StrEnum):
    """How an entry shows in free/busy."""

    FREE = "free"
    TENTATIVE = "tentative"
    BUSY = "busy"
    OUT_OF_OFFICE = "oof"
    ELSEWHERE = "elsewhere"


class Mail(StrEnum):
    """Whom the server tells of a write to a meeting the user organizes (rule 4.6)."""

    NONE = "none"
    #: Only those added or removed.
    CHANGED = "changed"
    #: Every attendee.
    ALL = "all"


class Role(StrEnum):
    """What the mailbox's user is to a linked entry (rules 4.1-4.7)."""

    #: A plain event, and the activity is his.
    OWNER = "owner"
    #: A plain event: his copy of an activity somebody else owns.
    PARTICIPANT = "participant"
    #: The event is a meeting he called.
    ORGANIZER = "organizer"
    #: The event is a meeting he was invited to.
    ATTENDEE = "attendee"

    @property
    def is_meeting(self) -> bool:
        return self in (Role.ORGANIZER, Role.ATTENDEE)


class Category(StrEnum):
    """The group of an activity type (Severa's REST spelling, Severa facts §1.9)."""

    CALENDAR_ENTRY = "CalendarEntry"
    TO_DO = "SalesEvent"
    PROJECT_TASK = "Task"
    PERSONAL = "Personal"
    ABSENCE = "Absences"


class Frequency(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"


class Weekday(IntEnum):
    """Days as `date.weekday()` counts them."""

    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6


@dataclass(frozen=True, slots=True)
class Timed:
    """An instant plus the zone it was made in (rule 6.1)."""

    #: Aware, in UTC.
    start: datetime
    #: Aware, in UTC; never before `start`.
    end: datetime
    #: IANA name; a series follows the wall clock of this zone.
    zone: str
    #: IANA name when the end was given in another zone (a flight), else None.
    end_zone: str | None = None


@dataclass(frozen=True, slots=True)
class AllDay:
    """Whole days by date, never converted through a zone (rule 6.2)."""

    first: date
    #: Exclusive: the day after the last one.
    end: date


When = Timed | AllDay


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A repeat rule in the form both sides know (rule 5.1).

    WEEKLY uses `weekdays` and `week_start`. MONTHLY and YEARLY use either `day_of_month` or `position` with
    `weekdays` (one day, or MO-FR for "weekday", SA+SU for "weekend day", all seven for "day"). YEARLY also has `month`.
    At most one of `until` and `count`; neither: never-ending.
    """

    frequency: Frequency
    interval: int = 1
    weekdays: tuple[Weekday, ...] = ()
    week_start: Weekday = Weekday.MONDAY
    #: 1..31.
    day_of_month: int | None = None
    #: 1..4, or -1 for the last.
    position: int | None = None
    #: 1..12.
    month: int | None = None
    #: Local date of the last possible start, inclusive.
    until: date | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Inexpressible:
    """A repeat rule this product cannot keep as a pattern (until rule 5.5): the entry is set aside with this reason."""

    #: e.g. "several_dates_of_month", "yearly_interval", "position_set", "rule_and_extra_dates".
    reason: str
    #: The rule as found, for "why?". Holds no personal content.
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """The whole content of one changed occurrence, as a reader of the calendar sees it."""

    title: str
    when: When
    place: str = ""
    text: str = ""
    sensitivity: Sensitivity = Sensitivity.NORMAL
    availability: Availability = Availability.BUSY


@dataclass(frozen=True, slots=True)
class Person:
    #: E-mail address as given; compare without case. Empty when unknown.
    address: str
    name: str = ""
    #: True for rooms and other resources, which are not people (rule 4.2).
    resource: bool = False
    #: "none", "organizer", "accepted", "tentative", "declined". The one with "organizer" called the meeting.
    response: str = "none"
    #: Need not come.
    optional: bool = False

    @property
    def is_organizer(self) -> bool:
        return self.response == "organizer"


@dataclass(frozen=True, slots=True)
class Entry:
    """An activity or an event in neutral form: a single entry, or a whole series with what deviates from it."""

    title: str
    when: When
    place: str = ""
    #: Plain text; compared in canonical form.
    text: str = ""
    sensitivity: Sensitivity = Sensitivity.NORMAL
    availability: Availability = Availability.BUSY
    recurrence: Recurrence | Inexpressible | None = None
    #: Changed occurrences, keyed by the local *date* of their original start in the series' zone. All patterns
    #: both sides know have at most one occurrence a day, and a date survives a later change of the time of day.
    exceptions: Mapping[date, Occurrence] = field(default_factory=dict)
    #: Removed occurrences, keyed the same way.
    cancelled: frozenset[date] = frozenset()
    #: Of a meeting its organizer, then attendees, then resources; of an activity its participants, not its owner.
    people: tuple[Person, ...] = ()

    @property
    def is_series(self) -> bool:
        return self.recurrence is not None


#: One comparable piece of an entry: "title", "time", "place", "text", "sensitivity", "recurrence"; for a series also
#: "x:2026-03-02:title" (that exception's own title) and "x:2026-03-02" (value "cancelled"). People have keys of their
#: own, see `engine.people`: "p:anna@example.org", "r:anna@example.org" and "response".
FieldKey = str

#: Canonical value per field. Two entries are equal when these are; an absent exception field means "as the series".
Fields = Mapping[FieldKey, str]


@dataclass(frozen=True, slots=True)
class SeenActivity:
    """An activity as just read from the PSA for one user. `entry.sensitivity` is not used: type and category speak."""

    id: str
    #: Opaque; changes with the activity.
    version: str
    entry: Entry
    type_id: str
    category: Category
    #: PSA user id of the owner; None for an activity without owner.
    owner_id: str | None = None
    #: PSA user ids of participants who are users.
    participant_ids: tuple[str, ...] = ()
    #: Somebody who is no PSA user called it: a meeting the owner was invited to (rule 4.2).
    invitation: bool = False
    draft: bool = False
    closed: bool = False
    has_hours: bool = False
    #: When a person last edited it, by the server's stamp, aware UTC: of what a run brought, the moment of the edit it
    #: carried where the PSA keeps that (rule 7.4), else of the write.
    modified: datetime | None = None
    #: PSA id of the user who made the last change; "" when the PSA does not tell. For the history alone (rule 11.1).
    modified_by: str = ""
    #: The create key we gave it, if we made it.
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """An event as just read from a mailbox's default calendar: a single one, or a master with its exceptions."""

    id: str
    #: ChangeKey or ETag: a hint and a write guard, never proof of a change of content (rule 7.1).
    version: str
    entry: Entry
    #: Identity across mailboxes; "" when the server has none.
    uid: str = ""
    #: It has attendees (rooms count), or somebody else called it.
    is_meeting: bool = False
    #: True for plain appointments too: nobody else organizes them.
    is_organizer: bool = True
    is_cancelled: bool = False
    #: The user's own response: "none", "organizer", "accepted", "tentative", "declined".
    response: str = "none"
    modified: datetime | None = None
    #: Our origin mark: the create key found on it. A hint only: copies carry it too (rule 3.2).
    key: str | None = None
    #: Found, but in another calendar than the default one: moved there by a person (rule 8.2). Only `get` sets it.
    elsewhere: bool = False
    #: Item ids of the exceptions, by original date, for the connector's own use.
    occurrence_ids: Mapping[date, str] = field(default_factory=dict)


class Gone(StrEnum):
    """Why an entry is believed not to be there, weakest first (rule 8.1)."""

    #: Missing from a complete listing; to be confirmed by asking for it.
    ABSENT = "absent"
    #: The server named its removal; to be confirmed.
    NAMED = "named"
    #: Asked for by id and not found.
    CONFIRMED = "confirmed"
    #: Found, but in another calendar than the default one: unlinked, never deleted (rule 8.2).
    MOVED = "moved"
    #: (PSA) there, but the user neither owns it nor takes part any longer.
    LEFT = "left"


class LinkStatus(StrEnum):
    #: A create was begun with `key`; look for it before trying again (rule 10.4).
    CREATING = "creating"
    LINKED = "linked"
    #: Separated on purpose: neither side is matched or created again while this stands (rule 4.9).
    UNLINKED = "unlinked"
    #: Left out by rule at first contact; its content is remembered so that a later edit brings it in (rule 3.4).
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class Base:
    """What each side held when they last agreed, in that side's own canonical values.

    One map a side, because a side may hold a shortened, masked or replaced value (rule 2) that must never travel back,
    and because matching leaves differing fields as each side's own base (rule 3.1).
    """

    psa: Fields = field(default_factory=dict)
    exchange: Fields = field(default_factory=dict)
    #: While something deleted is being made again: what its source held when both sides last agreed. Then the two above
    #: are what the create is to write and what the source held by then.
    agreed: Fields = field(default_factory=dict)

    def of(self, side: Side) -> Fields:
        return self.psa if side is Side.PSA else self.exchange


@dataclass(frozen=True, slots=True)
class Link:
    """One activity joined to one event in one mailbox; or one side alone while CREATING, UNLINKED or LEFT_OUT."""

    id: str
    status: LinkStatus
    psa_id: str | None
    item_id: str | None
    uid: str = ""
    #: Create key of our own create on the side that was not `born`: idempotency key and origin mark.
    key: str = ""
    #: The side on which a person made the entry; matched pairs count as born in the PSA.
    born: Side = Side.PSA
    base: Base = field(default_factory=Base)
    psa_version: str = ""
    item_version: str = ""
    #: Type of the activity when last agreed (rule 4.8: ticked -> unticked unlinks).
    type_id: str = ""
    #: What the mailbox's user is to the entry, when last agreed.
    role: Role = Role.OWNER
    #: Rule that made it UNLINKED or LEFT_OUT, e.g. "3.3", "8.2".
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ColleagueLink:
    """A meeting as a colleague's mailbox of the same organization has it linked (rules 3.2, 4.3).

    Its role is a plain one while that mailbox has not heard yet that its entry became a meeting.
    """

    uid: str
    psa_id: str
    role: Role
    #: The colleague's own address, folded.
    address: str
    #: False for a mark (rule 4.9): it tells which activity the meeting is, and carries nothing.
    linked: bool = True
    #: What his copy and the activity held when they last agreed.
    base: Base = field(default_factory=Base)


@dataclass(frozen=True, slots=True)
class SetAside:
    """An entry that waits with a reason and a retry; the others go on (rule 10.1)."""

    side: Side
    #: Activity id or item id on `side`.
    id: str
    #: Stable code, e.g. "recurrence_inexpressible", "occurrence_crosses_neighbour", "refused_by_server".
    code: str
    #: Values for the sentence shown, e.g. {"reason": "yearly_interval"}; no titles or texts.
    params: Mapping[str, str] = field(default_factory=dict)
    tries: int = 0
    #: Aware UTC; None: only a person or a change of the entry starts a new try.
    retry_at: datetime | None = None
    #: Version of the entry when set aside: a newer one is tried at once.
    version: str = ""
