"""The parts of Severa's JSON we read, as msgspec structs (Severa facts §1.8-1.11). Unknown fields are skipped."""

from __future__ import annotations

from typing import Any

import msgspec

from samklang.engine import times


class _Wire(msgspec.Struct, rename="camel", omit_defaults=True):
    pass


class Named(_Wire):
    guid: str | None = None
    name: str | None = None
    #: Of an activity type.
    category: str | None = None


class Activity(_Wire):
    """A single activity, a series or one of its occurrences. Date-times as text: `wire.moment` reads them."""

    guid: str
    name: str | None = None
    start_date_time: str = ""
    end_date_time: str | None = None
    is_all_day: bool | None = None
    has_duration: bool | None = None
    is_closed: bool | None = None
    has_hours: bool | None = None
    notes: str | None = None
    location: str | None = None
    activity_type: Named | None = None
    owner_user: Named | None = None
    customer: Named | None = None
    phase: Named | None = None
    project_task_status: Named | None = None
    recurrence: dict[str, Any] | None = None
    recurrence_rule: str | None = None
    recurrence_parent_activity_guid: str | None = None
    created_date_time: str | None = None
    last_updated_date_time: str | None = None
    last_updated_by: Named | None = None

    @property
    def stamp(self) -> str:
        """When it was last changed, as Severa says it."""
        return self.last_updated_date_time or self.created_date_time or ""


class Participant(_Wire):
    guid: str | None = None
    participant_guid: str | None = None
    #: User, Contact, Resource, Other.
    type: str | None = None
    #: Unknown, Invited, Accepted, Tentative, Declined.
    status: str | None = None
    name: str | None = None
    email: str | None = None


class Zone(_Wire):
    iana_name: str | None = None
    system_name: str | None = None


class Notifications(_Wire):
    """What Severa mails a user; unless he says otherwise, everything (Severa facts §1.10)."""

    send_new_activity_email: bool | None = None


class User(_Wire):
    guid: str
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    is_active: bool | None = None
    timezone: Zone | None = None
    default_activity_type: Named | None = None
    notification_settings: Notifications | None = None

    @property
    def is_there(self) -> bool:
        """Not inactivated: users are never erased (Severa facts §1.10)."""
        return self.is_active is not False

    @property
    def address(self) -> str:
        """His e-mail, folded: addresses are compared without case. "" for none."""
        return (self.email or "").strip().casefold()

    @property
    def zone(self) -> str | None:
        """IANA name of his time zone (Severa facts §1.6); None where it is not told, or by no name we know."""
        names = (self.timezone.iana_name, self.timezone.system_name) if self.timezone else ()
        return next((name for each in names if each and (name := times.iana_name(each))), None)

    @property
    def default_type_id(self) -> str | None:
        """Guid of the activity type he chose for himself."""
        return (self.default_activity_type.guid if self.default_activity_type else None) or None


class ActivityType(_Wire):
    guid: str
    name: str = ""
    category: str = ""
    is_active: bool = True
    is_default: bool = False


class Contact(_Wire):
    """A customer's contact person."""

    guid: str | None = None
    emails: list[str] | None = None


# --- what is kept -----------------------------------------------------------------------------------------------------


class Outsider(msgspec.Struct, omit_defaults=True):
    """Somebody by his address alone, whom Severa cannot hold (rule 13.4)."""

    address: str
    name: str = ""
    response: str = "none"


class Ours(msgspec.Struct, omit_defaults=True):
    """What Severa has no place for, beside what it holds (rules 13.1-13.5)."""

    #: The create key of what we made.
    key: str = ""
    #: IANA names of the zones a timed entry was made in (rule 13.5).
    zone: str = ""
    end_zone: str | None = None
    people: list[Outsider] = []
    #: Why it took the place of another: "group_kept" or "field_fixed" (rule 13.3), "restored" (13.1); "" if it did not.
    instead: str = ""
    #: When a person made in Exchange what we wrote, aware ISO; holds while Severa has what we wrote (rule 7.4).
    edited: str = ""
    edited_version: str = ""


class Whole(msgspec.Struct, omit_defaults=True):
    """An activity with all that belongs to it, as last seen."""

    activity: Activity
    participants: list[Participant] = []
    #: Changed occurrences of a series, by the ISO date of their original start.
    exceptions: dict[str, Activity] = {}
    #: ISO dates of removed occurrences.
    cancelled: list[str] = []
    ours: Ours = msgspec.field(default_factory=Ours)

    @property
    def is_series(self) -> bool:
        return self.activity.recurrence is not None or bool(self.activity.recurrence_rule)
