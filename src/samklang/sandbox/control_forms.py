"""What the control API is sent."""

from __future__ import annotations

from typing import Literal

import msgspec


class NewMailbox(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`zone` is a Windows or IANA name. With a password the mailbox's user can log on himself, as `username`
    or by address."""

    address: str
    aliases: list[str] = msgspec.field(default_factory=list)
    name: str = ""
    zone: str = "UTC"
    username: str = ""
    password: str = ""
    tenant: str = ""
    user_principal_name: str = ""
    default_reminder_minutes: int = 15


class ChangeMailbox(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    address: str | msgspec.UnsetType = msgspec.UNSET
    aliases: list[str] | msgspec.UnsetType = msgspec.UNSET
    name: str | msgspec.UnsetType = msgspec.UNSET
    zone: str | msgspec.UnsetType = msgspec.UNSET
    password: str | msgspec.UnsetType = msgspec.UNSET
    tenant: str | msgspec.UnsetType = msgspec.UNSET
    user_principal_name: str | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET
    ews_enabled: bool | msgspec.UnsetType = msgspec.UNSET
    default_reminder_minutes: int | msgspec.UnsetType = msgspec.UNSET


class MoveEntry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`folder`: calendar, deleteditems, recoverableitemsdeletions, or a calendar by its name, made if there is none."""

    folder: str


class Answer(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A person's answer to an invitation. `mail` false: he tells Outlook to send nothing. `anew`: he answers by a
    program that speaks EWS, which makes the entry anew under another id."""

    response: Literal["accepted", "tentativelyAccepted", "declined"]
    mail: bool = True
    anew: bool = False


class Group(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A distribution list: `members` are addresses, of mailboxes here, of other groups, or of people outside."""

    address: str
    members: list[str]


class LifecycleEvent(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`event`: reauthorizationRequired, subscriptionRemoved (which ends it), missed, or one nobody knows yet."""

    event: str


class SetClock(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`now` null: the machine's time. `running` false: stands still."""

    now: str | None = None
    running: bool = True
