"""Users and activity types of an organization in Severa (Severa facts §1.9-1.10).

Kept for a day, so that an idle poll asks for none; whom the list does not know makes it read again, now and then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from samklang.connectors.severa import schema
from samklang.connectors.severa.client import SeveraClient
from samklang.connectors.severa.mirror import Mirror
from samklang.engine.model import Category
from samklang.sync.errors import ItemError

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
        self._know(msgspec.json.decode(kept, type=Lists) if kept else Lists())

    def users(self) -> list[schema.User]:
        return self._fresh().users

    def types(self) -> list[schema.ActivityType]:
        return self._fresh().types

    def user(self, user_id: str | None) -> schema.User | None:
        self._fresh()
        if user_id and user_id not in self._by_id:
            self._fresh(LASTS_WANTING)
        return self._by_id.get(user_id or "")

    def user_of(self, address: str) -> schema.User | None:
        """The active user with this address, compared without case (Severa facts §1.10); None for nobody or several."""
        self._fresh()
        found = self._by_address.get(address.strip().casefold(), ())
        return found[0] if len(found) == 1 else None

    def zone_of(self, user_id: str | None) -> str:
        """IANA name of the zone an owner's activities are dated in (Severa facts §1.6): an activity has none."""
        user = self.user(user_id)
        return (user.zone if user else None) or self._zone

    def category_of(self, type_id: str) -> Category:
        """The group of a type. Raises ItemError("type_unknown")."""
        for lasts in (LASTS, LASTS_WANTING):
            for one in self._fresh(lasts).types:
                if one.guid == type_id:
                    return category(one.category)
        raise ItemError("type_unknown")

    def _fresh(self, lasts: timedelta = LASTS) -> Lists:
        if self._now() - self._lists.read_at >= lasts:
            users = [one for page in self._client.rows("/users", schema.User) for one in page]
            types = [one for page in self._client.rows("/activitytypes", schema.ActivityType) for one in page]
            self._know(Lists(users, types, self._now()))
            self._mirror.save_state("lists", msgspec.json.encode(self._lists))
        return self._lists

    def _know(self, lists: Lists) -> None:
        self._lists = lists
        self._by_id = {one.guid: one for one in lists.users}
        self._by_address: dict[str, list[schema.User]] = defaultdict(list)
        for one in lists.users:
            if one.address and one.is_there:
                self._by_address[one.address].append(one)


def category(name: str | None) -> Category:
    """The group by Severa's name; one nobody knows is taken for a calendar entry."""
    try:
        return Category(name or "")
    except ValueError:
        return Category.CALENDAR_ENTRY
