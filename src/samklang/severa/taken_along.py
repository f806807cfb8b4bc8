"""What is kept here of a person's activities in Severa, for himself to take along (rule 12.2)."""

from __future__ import annotations

from typing import Any

from samklang.accounts.models import User
from samklang.connectors.severa import wire
from samklang.connectors.severa.feed import content_of
from samklang.connectors.severa.schema import Whole
from samklang.engine.canonical import fields
from samklang.severa.mirror import DjangoMirror


def activities_of(user: User) -> list[dict[str, Any]]:
    """What he owns or takes part in, as last seen; times in his own zone."""
    if not user.severa_id:
        return []
    return [_shown(content_of(row), user.zone) for row in DjangoMirror(user.organization_id).of_user(user.severa_id)]


def _shown(whole: Whole, zone: str) -> dict[str, Any]:
    activity = whole.activity
    return {
        "id": activity.guid,
        "type": activity.activity_type.name if activity.activity_type else None,
        "owner": activity.owner_user.name if activity.owner_user else None,
        "participants": [one.email or one.name for one in whole.participants]
        + [one.address or one.name for one in whole.ours.people],
        "closed": bool(activity.is_closed),
        "created": activity.created_date_time,
        "modified": activity.last_updated_date_time,
        "content": fields(wire.entry_of(whole, zone)),
    }
