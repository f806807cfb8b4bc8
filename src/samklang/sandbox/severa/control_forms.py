"""What the control API is sent about Severa."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from samklang.sandbox.severa.model import Category, Notifications, Status, UserType


class SetUser(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A user of Severa. `zone` is a Windows or IANA name; `default_type` a type's guid or name."""

    email: str | UnsetType | None = UNSET
    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    zone: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    code: str | UnsetType | None = UNSET
    default_type: str | UnsetType | None = UNSET
    user_type: UserType | UnsetType = UNSET
    keywords: list[str] | UnsetType = UNSET
    business_unit: str | UnsetType | None = UNSET
    supervisor: str | UnsetType | None = UNSET
    notifications: Notifications | UnsetType = UNSET


class SetType(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An activity type; its category cannot change afterwards. `default`: the default of its category."""

    name: str | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    default: bool | UnsetType = UNSET
    code: str | UnsetType | None = UNSET


class SetContact(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A contact of a customer, by the customer's name."""

    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    emails: list[str] | UnsetType = UNSET
    phones: list[str] | UnsetType = UNSET
    customer: str | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class SetStatus(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A participant's answer."""

    status: Status
