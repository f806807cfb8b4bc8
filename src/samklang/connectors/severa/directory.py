"""Users, activity types and contacts of an organization in Severa (Severa facts §1.9-1.10).

Kept for a day, so that an idle poll asks for none; whom the list does not know makes it read again, now and then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from samklang.connectors.severa import schema
from samklang.connectors.severa.client import SeveraClient
from samklang.connectors.severa.mirror import Mirror
from samklang.engine import times
from samklang.engine.model import Category
from samklang.sync.errors import ItemError

T = TypeVar("T")

#: How long a list is believed, and how long one that lacks somebody.
LASTS, LASTS_WANTING = timedelta(days=1), timedelta(minutes=10)


class Lists(msgspec.Struct, omit_defaults=True):
    """What is kept between runs."""

    users: list[schema.User] = []
    types: list[schema.ActivityType] = []
    read_at: datetime = datetime.min.replace(tzinfo=UTC)


class Directory:
    """`zone`: of the organization, by IANA name, for who has none of his own. `now`: our clock."""

    def __init__(self, client: SeveraClient, mirror: Mirror, *, zone: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._mirror = mirror
        self._zone = zone
        self._now = now
        kept = mirror.state("lists")
        self._lists = msgspec.json.decode(kept, type=Lists) if kept else Lists()

    def users(self) -> list[schema.User]:
        return self._fresh().users

    def types(self) -> list[schema.ActivityType]:
        return self._fresh().types

    def user(self, user_id: str | None) -> schema.User | None:
        return self._found(lambda lists: {one.guid: one for one in lists.users}, user_id or "")

    def user_of(self, address: str) -> schema.User | None:
        """The active user with this address, compared without case (Severa facts §1.10); None for nobody or several."""
        folded = address.strip().casefold()
        found = [one for one in self.users() if one.is_active is not False and _address(one) == folded]
        return found[0] if folded and len(found) == 1 else None

    def zone_of(self, user_id: str | None) -> str:
        """IANA name of the zone an owner's activities are dated in (Severa facts §1.6): an activity has none."""
        user = self.user(user_id)
        zone = user.timezone if user else None
        names = (zone.iana_name, zone.system_name) if zone else ()
        return next((name for each in names if each and (name := times.iana_name(each))), self._zone)

    def category_of(self, type_id: str) -> Category:
        """The group of a type. Raises ItemError("type_unknown")."""
        found = self._found(lambda lists: {one.guid: one for one in lists.types}, type_id)
        if found is None:
            raise ItemError("type_unknown")
        return category(found.category)

    def _found(self, by_id: Callable[[Lists], Mapping[str, T]], wanted: str) -> T | None:
        found = by_id(self._fresh()).get(wanted)
        return found if found is not None or not wanted else by_id(self._fresh(LASTS_WANTING)).get(wanted)

    def _fresh(self, lasts: timedelta = LASTS) -> Lists:
        if self._now() - self._lists.read_at >= lasts:
            users = [one for page in self._client.rows("/users", schema.User) for one in page]
            types = [one for page in self._client.rows("/activitytypes", schema.ActivityType) for one in page]
            self._lists = Lists(users, types, self._now())
            self._mirror.save_state("lists", msgspec.json.encode(self._lists))
        return self._lists


def category(name: str | None) -> Category:
    """The group by Severa's name; one nobody knows is taken for a calendar entry."""
    try:
        return Category(name or "")
    except ValueError:
        return Category.CALENDAR_ENTRY


def _address(user: schema.User) -> str:
    return (user.email or "").strip().casefold()
