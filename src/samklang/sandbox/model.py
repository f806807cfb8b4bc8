"""What a mailbox stores: one `Item` per single entry or series master, with a series' exceptions inside it.

Exchange keeps exceptions as attachments of the master (EWS facts §2.3), hence one row, one change key, one
line in the change log for a series and all that happened to it. Instants are aware UTC datetimes; zones are
Windows ids, as Exchange keeps them. A recurrence is `{"pattern": {...}, "range": {...}}` in Graph's field
names.
"""

from __future__ import annotations

import base64
import os
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

import msgspec

Sensitivity = Literal["normal", "personal", "private", "confidential"]
ShowAs = Literal["free", "tentative", "busy", "oof", "workingElsewhere", "noData"]
Response = Literal["none", "organizer", "accepted", "tentativelyAccepted", "declined", "notResponded"]

CALENDAR, DELETED, RECOVERABLE = "calendar", "deleteditems", "recoverableitemsdeletions"


class Body(msgspec.Struct, kw_only=True):
    """A text. Stored as HTML whatever it was sent as; `type` says what a client that asks for no type
    gets."""

    type: Literal["html", "text"] = "html"
    content: str = ""


class Reminder(msgspec.Struct, kw_only=True):
    on: bool = False
    minutes: int = 15


class Person(msgspec.Struct, kw_only=True):
    name: str = ""
    address: str = ""


class Attendee(msgspec.Struct, kw_only=True):
    name: str = ""
    address: str = ""
    kind: Literal["required", "optional", "resource"] = "required"
    response: Response = "none"
    responded: datetime | None = None


class Changed(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The fields an exception changed itself; None is "as the master"."""

    subject: str | None = None
    body: Body | None = None
    location: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    start_zone: str | None = None
    end_zone: str | None = None
    all_day: bool | None = None
    sensitivity: Sensitivity | None = None
    show_as: ShowAs | None = None
    categories: list[str] | None = None
    reminder: Reminder | None = None
    importance: Literal["low", "normal", "high"] | None = None
    attendees: list[Attendee] | None = None
    my_response: Response | None = None
    appointment_state: int | None = None
    extended: dict[str, Any] | None = None
    extra: dict[str, Any] | None = None


class SeriesException(msgspec.Struct, kw_only=True):
    """A changed occurrence. `original_start` is the instant the rule gives it."""

    original_start: datetime
    fields: Changed
    created: datetime
    modified: datetime


class Item(msgspec.Struct, kw_only=True):
    """A single entry or a series master.

    `start` and `end` of an all-day entry are the midnights of its zone, `end` exclusive. `extended` maps
    `extended_key(...)` to a text, a number, or a list of them. `immutable_id` stays through moves inside the
    mailbox while `id` is new after each (EWS facts §2.3). `extra` holds what only one protocol knows.
    """

    id: str
    immutable_id: str
    mailbox: int
    folder: str = CALENDAR
    change_key: str = ""
    uid: str = ""
    without_uid: bool = False  # EWS does not tell it
    item_class: str = "IPM.Appointment"
    subject: str = ""
    body: Body = msgspec.field(default_factory=Body)
    location: str = ""
    start: datetime
    end: datetime
    start_zone: str = "UTC"
    end_zone: str = "UTC"
    all_day: bool = False
    sensitivity: Sensitivity = "normal"
    show_as: ShowAs = "busy"
    categories: list[str] = msgspec.field(default_factory=list)
    reminder: Reminder = msgspec.field(default_factory=Reminder)
    importance: Literal["low", "normal", "high"] = "normal"
    recurrence: dict[str, Any] | None = None
    exceptions: dict[date, SeriesException] = msgspec.field(default_factory=dict)
    cancelled: list[date] = msgspec.field(default_factory=list)
    organizer: Person = msgspec.field(default_factory=Person)
    attendees: list[Attendee] = msgspec.field(default_factory=list)
    my_response: Response = "organizer"
    appointment_state: int = 0  # EWS facts §2.8: 0 appointment, 1 organizer's meeting, 3 received, 5 and 7 cancelled
    extended: dict[str, Any] = msgspec.field(default_factory=dict)
    created: datetime
    modified: datetime
    last_modified_name: str = ""
    transaction_id: str | None = None
    online_meeting: bool = False
    sequence: int = 0  # AppointmentSequenceNumber
    generation: int = 0  # grows when the rule changes: the occurrences' ids change with it (Graph facts §4.4)
    extra: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def is_meeting(self) -> bool:
        return bool(self.appointment_state & 1)

    @property
    def is_organizer(self) -> bool:
        return not self.appointment_state & 2


class Mailbox(msgspec.Struct, kw_only=True):
    """`zone` is a Windows id: the mailbox's regional setting, which neither protocol lets a sync client rely
    on."""

    id: int = 0
    address: str
    name: str = ""
    aliases: list[str] = msgspec.field(default_factory=list)
    zone: str = "UTC"
    password: str = ""
    username: str = ""
    tenant: str = ""
    user_principal_name: str = ""  # the sign-in name, where it is another than the address
    object_id: str = ""
    enabled: bool = True
    ews_enabled: bool = True  # Set-CASMailbox -EwsEnabled
    default_reminder_minutes: int = 15
    moves: int = 0  # how often it was moved to another database
    extra: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def addresses(self) -> list[str]:
        return [self.address, *self.aliases]

    @property
    def principal(self) -> str:
        return self.user_principal_name or self.address


_OVERRIDABLE = [f for f in Changed.__struct_fields__ if f not in ("extended", "extra")]


def merged(master: Item, exception: SeriesException | None, start: datetime, end: datetime) -> Item:
    """The occurrence of a series as an entry of its own: the master's fields, the exception's over them.

    `start` and `end` are the instants the rule gives; an exception's own instants win. Ids stay the master's.
    """
    fields: dict[str, Any] = {
        "start": start,
        "end": end,
        "recurrence": None,
        "exceptions": {},
        "cancelled": [],
    }
    if exception is not None:
        own = exception.fields
        fields |= {name: value for name in _OVERRIDABLE if (value := getattr(own, name)) is not None}
        fields["extended"] = master.extended | (own.extended or {})
        fields["extra"] = master.extra | (own.extra or {})
        fields["modified"] = exception.modified
    return msgspec.structs.replace(master, **fields)


# --- ids ----------------------------------------------------------------------------------------------------
# Opaque, case-sensitive, without characters a URL would have to escape. An occurrence has no row: its id is
# its master's followed by its original date, and stays the same when it becomes an exception.
_ID_BYTES, _ID_LENGTH, _INFIX = 87, 120, "BAgA"


def new_id() -> str:
    return "AAMk" + base64.urlsafe_b64encode(os.urandom(_ID_BYTES)).decode()


def new_change_key() -> str:
    """A mark that is new at every save. Raises nothing; standard base64, as Exchange's."""
    return base64.b64encode(b"\x0f\x00\x00\x00\x16\x00\x00\x00" + os.urandom(22)).decode()


def occurrence_id(master: Item, original: date) -> str:
    """`original` is the occurrence's date by the rule, in the series' zone."""
    raw = bytes([7, master.generation % 256]) + original.toordinal().to_bytes(4, "big")
    return master.id + _INFIX + base64.urlsafe_b64encode(raw).decode()


class OccurrenceId(NamedTuple):
    master_id: str
    original: date
    generation: int  # modulo 256


def split_occurrence_id(item_id: str) -> OccurrenceId | None:
    """The parts of an occurrence's id, None for any other text."""
    if len(item_id) != _ID_LENGTH + len(_INFIX) + 8 or item_id[_ID_LENGTH : _ID_LENGTH + 4] != _INFIX:
        return None
    try:
        raw = base64.b64decode(item_id[-8:], altchars=b"-_", validate=True)
        return OccurrenceId(item_id[:_ID_LENGTH], date.fromordinal(int.from_bytes(raw[2:], "big")), raw[1])
    except ValueError:
        return None


# --- UIDs ---------------------------------------------------------------------------------------------------
_GLOBAL_ID = "040000008200E00074C5B7101A82E008"  # how a UID that Exchange made itself begins


def occurrence_uid(uid: str, original: date) -> str:
    """Different for each occurrence (Graph facts §4.1): a GlobalObjectId carries the date in its own place."""
    if not uid.upper().startswith(_GLOBAL_ID) or len(uid) < 40:
        return f"{uid}_{original:%Y%m%d}"
    mark = f"{original.year:04X}{original.month:02X}{original.day:02X}"
    return uid[:32] + mark + uid[40:]


def split_occurrence_uid(uid: str) -> tuple[str, date] | None:
    """The series' UID and the date of an occurrence's; None for any other."""
    mark = uid[32:40]
    if not uid.upper().startswith(_GLOBAL_ID) or mark in ("", "0" * 8):
        return None
    return uid[:32] + "0" * 8 + uid[40:], date(int(mark[:4], 16), int(mark[4:6], 16), int(mark[6:], 16))


# --- extended (named) properties ----------------------------------------------------------------------------
# Property sets both protocols know by a name (EWS DistinguishedPropertySetId).
PROPERTY_SETS = {
    "Meeting": "6ed8da90-450b-101b-98da-00aa003f1305",
    "Appointment": "00062002-0000-0000-c000-000000000046",
    "Common": "00062008-0000-0000-c000-000000000046",
    "PublicStrings": "00020329-0000-0000-c000-000000000046",
    "Address": "00062004-0000-0000-c000-000000000046",
    "InternetHeaders": "00020386-0000-0000-c000-000000000046",
    "CalendarAssistant": "11000e07-b51b-40d6-af21-caa85edab1d0",
    "UnifiedMessaging": "4442858e-a9e3-4e80-b900-317a210cc15b",
    "Task": "00062003-0000-0000-c000-000000000046",
    "Sharing": "00062040-0000-0000-c000-000000000046",
}


def extended_key(
    kind: str,
    *,
    set_guid: str | None = None,
    name: str | None = None,
    id: int | None = None,
    tag: int | None = None,
) -> str:
    """The key of `Item.extended`, the same for both protocols: `tag:0x1035:String`,
    `{guid}:name:Mark:String` or `{guid}:id:0x3:Binary`. `kind` is the MAPI type as EWS spells it (String,
    Integer, SystemTime, StringArray …)."""
    if tag is not None:
        return f"tag:0x{tag:x}:{kind}"
    if not set_guid:
        raise ValueError("A named property needs its property set.")
    middle = f"name:{name}" if name is not None else f"id:0x{id:x}"
    return f"{{{set_guid.lower().strip('{}')}}}:{middle}:{kind}"
