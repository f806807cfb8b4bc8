"""What a Severa keeps. Texts have the names of the public document (`severa-openapi.json`), in snake case.

Instants are aware UTC datetimes; zones are IANA names; every record has a guid and belongs to an organization.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

Category = Literal["Personal", "Absences", "CalendarEntry", "SalesEvent", "Task"]
Status = Literal["Unknown", "Invited", "Accepted", "Tentative", "Declined"]
Kind = Literal["User", "Contact", "Resource", "Other"]
UserType = Literal["FullUser", "Employee", "RestrictedEmployee", "Subcontractor"]
Frequency = Literal["Daily", "Weekly", "Monthly", "Yearly"]
Ordinal = Literal["First", "Second", "Third", "Fourth", "Last"]
DayOption = Literal[
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "WeekDay", "Saturday", "WeekendDay", "Day"
]
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
SCOPES = (
    *("activities:read", "activities:write", "activities:delete", "customers:read"),
    *("organization:read", "settings:read", "users:read"),
)
_Interval = Annotated[int, msgspec.Meta(ge=1)]


class _Wire(msgspec.Struct, kw_only=True, rename="camel"):
    """A part of the public document."""


# --- the parts of an activity that can be written
class Reference(_Wire, kw_only=True):
    guid: Annotated[str, msgspec.Meta(min_length=1)]


class Named(_Wire, kw_only=True):
    guid: str | None = None
    name: str | None = None


class Phase(Named, kw_only=True):
    """A phase of a project. Only a person in Severa gives it the rest; the last two are not shown, but filtered by."""

    project_guid: str | None = None
    project_name: str | None = None
    project_owner_guid: str | None = None
    parent_guid: str | None = None
    project_business_unit_guid: str | None = None


class Daily(_Wire, kw_only=True):
    interval: _Interval | None = None
    every_weekday: bool = False


class Weekly(_Wire, kw_only=True):
    interval: _Interval = 1
    monday: bool = False
    tuesday: bool = False
    wednesday: bool = False
    thursday: bool = False
    friday: bool = False
    saturday: bool = False
    sunday: bool = False


class _ByMonth(_Wire, kw_only=True):
    day_of_month: Annotated[int, msgspec.Meta(ge=1, le=31)] | None = None
    day_ordinal: Ordinal | None = None
    day_ordinal_option: DayOption | None = None


class Monthly(_ByMonth, kw_only=True):
    interval: _Interval = 1


class Yearly(_ByMonth, kw_only=True):
    """There is no interval: every year."""

    month: Literal[MONTHS] = "January"  # type: ignore[valid-type]


class Pattern(_Wire, kw_only=True):
    daily: Daily | None = None
    weekly: Weekly | None = None
    monthly: Monthly | None = None
    yearly: Yearly | None = None


class Range(_Wire, kw_only=True):
    """Neither: the series never ends."""

    max_occurrences: Annotated[int, msgspec.Meta(ge=1)] | None = None
    recurs_until_date: date | None = None


class Recurrence(_Wire, kw_only=True):
    frequency: Frequency
    pattern: Pattern | None = None
    range: Range | None = None


class Body(_Wire, kw_only=True):
    """An activity as it is sent; what is left out is false or null."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    start_date_time: datetime
    end_date_time: datetime | None = None
    activity_type: Reference
    owner_user: Reference
    is_closed: bool = False
    is_all_day: bool = False
    has_duration: bool = False
    is_unassigned: bool = False
    notes: str | None = None
    location: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    customer: Named | None = None
    phase: Phase | None = None
    project_task_status: Named | None = None
    recurrence: Recurrence | None = None
    recurrence_parent_activity_guid: str | None = None

    @property
    def end(self) -> datetime:
        return self.end_date_time or self.start_date_time


# --- records
class Record(msgspec.Struct, kw_only=True):
    guid: str
    organization: str  # its key
    created: datetime
    created_by: str = ""  # the guid of a user or a client
    updated: datetime
    updated_by: str = ""


class Activity(Record, kw_only=True):
    """A single activity, a series, or an exception: one date of a series (`parent`, `original`) that has become an
    activity of its own. `zone` is the owner's when it was laid out; `deleted`: the dates a series lost."""

    body: Body
    zone: str
    has_hours: bool = False
    parent: str = ""
    original: date | None = None
    deleted: list[date] = msgspec.field(default_factory=list)

    @property
    def start(self) -> datetime:
        return self.body.start_date_time

    @property
    def end(self) -> datetime:
        return self.body.end

    @property
    def kind(self) -> str:
        """`recurrenceType`."""
        if self.parent:
            return "Exception"
        return "Series" if self.body.recurrence else "None"


class Participant(Record, kw_only=True):
    """`who` is the guid of a user, a contact or a resource; of somebody Severa does not know it is one of its own."""

    activity: str
    kind: Kind
    who: str
    name: str = ""
    email: str = ""
    status: Status = "Invited"


class ActivityType(Record, kw_only=True):
    name: str
    category: Category
    active: bool = True
    default: bool = False
    code: str | None = None


class Notifications(_Wire, kw_only=True):
    send_new_activity_email: bool = True
    send_todays_agenda_email: bool = True
    send_weekly_summary_email: bool = True


class _Person(Record, kw_only=True):
    """`address`, of those below: where mail goes; "" where none is known."""

    first_name: str
    last_name: str
    active: bool = True

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


class User(_Person, kw_only=True):
    email: str | None
    zone: str = "Europe/Stockholm"
    language: str = "en"
    code: str | None = None
    default_type: str | None = None
    user_type: UserType = "FullUser"
    keywords: list[str] = msgspec.field(default_factory=list)
    business_unit: str | None = None
    supervisor: str | None = None
    notifications: Notifications = msgspec.field(default_factory=Notifications)

    @property
    def address(self) -> str:
        return self.email or ""


class Contact(_Person, kw_only=True):
    """A person of a customer."""

    emails: list[str] = msgspec.field(default_factory=list)
    phones: list[str] = msgspec.field(default_factory=list)
    customer: Named

    @property
    def address(self) -> str:
        return next(iter(self.emails), "")


class Client(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Credentials of a program, made in Settings > Integrations > REST API."""

    client_id: str
    secret: str
    scopes: list[str] = msgspec.field(default_factory=lambda: list(SCOPES))


class Organization(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A customer of Severa. Kept as document ("severa-organization", key)."""

    key: str
    name: str = ""
    zone: str = "Europe/Stockholm"
    language: str = "en"
    addons: list[str] = msgspec.field(default_factory=lambda: ["RestApi"])
    clients: list[Client] = msgspec.field(default_factory=list)
