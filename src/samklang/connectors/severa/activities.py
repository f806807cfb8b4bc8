"""The activities of one user in Severa, as the sync core sees them: implements `sync.ports.Activities`.

What is read comes from the mirror, which all mailboxes of the organization keep up to date together. Before each write
the activity is read again and compared (rule 13.2), for Severa has no version mark. A token is the mirror's name and
the number of its last row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from samklang.connectors.severa import people, wire, writing
from samklang.connectors.severa.acts import Acts, category_of
from samklang.connectors.severa.attendance import wanted_people
from samklang.connectors.severa.feed import content_of
from samklang.connectors.severa.mirror import Row
from samklang.connectors.severa.organization import SeveraOrganization
from samklang.connectors.severa.schema import Activity, Whole
from samklang.engine import canonical
from samklang.engine.model import Entry, FieldKey, Person, SeenActivity
from samklang.engine.people import is_about_people
from samklang.sync.errors import Inexpressible, ItemError, NotFound, TokenRejected, VersionConflict
from samklang.sync.ports import ActivityPage

#: Activities handed on at once.
PAGE = 500


class SeveraActivities:
    """What one user owns or takes part in; `user_id`: his guid in Severa. Not to be shared between threads."""

    def __init__(self, organization: SeveraOrganization, user_id: str) -> None:
        self._mirror = organization.mirror
        self._directory = organization.directory
        self._feed = organization.feed
        self._creations = organization.creations
        self._acts = Acts(organization)
        self._user_id = user_id

    # --- reading

    def read(self, token: str | None) -> Iterator[ActivityPage]:
        """Everything, or what changed since `token`; brings the mirror up to date first."""
        self._acts.finish()
        self._feed.refresh()
        if token is None:
            self._feed.look_for_memberships(self._user_id)
        newest = self._mirror.newest()
        rows = list(self._mirror.of_user(self._user_id)) if token is None else self._since(token)
        for page in _pages(rows):
            there = tuple(self._seen(content_of(row)) for row in page if not row.gone)
            yield ActivityPage(there, tuple(row.id for row in page if row.gone))
        yield ActivityPage(token=f"{self._mirror.epoch()} {newest}")

    def _since(self, token: str) -> Sequence[Row]:
        epoch, _space, number = token.partition(" ")
        rows = self._mirror.since(int(number), self._user_id) if number.isdecimal() else None
        if epoch != self._mirror.epoch() or rows is None:
            raise TokenRejected
        return rows

    def get(self, activity_ids: Sequence[str]) -> Mapping[str, SeenActivity | None]:
        """From the mirror, and asked for where that has none. What it has is gone once a complete listing misses it
        and it is not found by its id (rule 8.1): until then an answer "not found" says nothing."""
        rows = self._mirror.get(activity_ids)
        found: dict[str, SeenActivity | None] = {}
        for id in activity_ids:
            row = rows.get(id)
            whole = content_of(row) if row is not None and not row.gone else self._feed.fetch(id)
            found[id] = self._seen(whole) if whole is not None else None
        return found

    def find_created(self, key: str) -> SeenActivity | None:
        """What this key made, if the user takes part in it; if not, `create` has still to make him (rule 4.3)."""
        whole = self._acts.made(key)
        return self._seen(whole) if whole is not None and self._takes_part(whole) else None

    def holds(self, entry: Entry) -> bool:
        """Not a series that falls on other times by the clock of the user's zone in Severa (rule 13.5)."""
        try:
            writing.refuse(entry, self._directory.zone_of(self._user_id))
        except Inexpressible:
            return False
        return True

    def holds_dates(self, entry: Entry) -> bool:
        """Not where one date is private and the series is not, or the other way round: its type says it of all."""
        return writing.holds_dates(entry)

    # --- writing

    def create(
        self, entry: Entry, type_id: str, key: str, owner_id: str | None = None, edited: datetime | None = None
    ) -> SeenActivity:
        """See the port. An activity always has an owner in Severa: where nobody is to own it, the user does."""
        with self._mirror.alone(f"create {key}"):
            made = self._acts.made(key)
            if made is not None:
                return self._seen(self._joined(made, _own_response(entry, self._address())))
            owner = (self._owner_before(key) if owner_id is None else owner_id) or self._user_id
            whole = self._acts.make(entry, type_id, key, owner)
            return self._settled(self._joined(whole, "none"), edited, None)

    def update(
        self,
        seen: SeenActivity,
        entry: Entry,
        changed: frozenset[FieldKey],
        type_id: str | None = None,
        edited: datetime | None = None,
    ) -> SeenActivity:
        about_people = frozenset(filter(is_about_people, changed))
        whole = self._as_seen(seen, dates=any(map(canonical.occurrence_of, changed)), participants=bool(about_people))
        if not self._takes_part(whole):
            raise ItemError("not_allowed")
        held = self._entry(whole)
        wanted = canonical.with_fields(held, entry, changed - about_people)
        whole = self._acts.change(whole, held, wanted, type_id if type_id != seen.type_id else None)
        if about_people:
            there = people.people_of(whole, self._directory)
            whole = self._acts.attended(whole, wanted_people(there, entry.people, about_people, self._address()))
        return self._settled(whole, edited, seen.modified)

    def take_part(self, activity_id: str, response: str, *, owns: bool = False) -> SeenActivity:
        whole = self._there(activity_id)
        former = wire.owner_of(whole.activity)
        whole = self._joined(whole, response)
        if owns and former != self._user_id:
            whole = self._acts.owned_by(whole, self._user_id)
            address = self._address_of(former)
            there = [*people.people_of(whole, self._directory), *([Person(address)] if address else [])]
            whole = self._acts.attended(whole, there)
        return self._seen(whole)

    def hand_over(self, seen: SeenActivity, owner_id: str) -> SeenActivity:
        whole = self._as_seen(seen)
        if wire.owner_of(whole.activity) != self._user_id:
            raise ItemError("not_allowed", "owner_only")
        if self._directory.user(owner_id) is None:
            raise ItemError("owner_unknown")
        return self._seen(self._acts.owned_by(whole, owner_id))

    def restore(self, activity_id: str) -> SeenActivity:
        """Severa deletes for good: what it held is made anew, under another id (rule 13.1)."""
        there = self._feed.fetch(activity_id)
        if there is not None:
            return self._seen(there)
        held = self._feed.held([activity_id]).get(activity_id)
        if held is None:
            raise NotFound
        return self._seen(self._acts.restored(held, self._entry(held)))

    def delete(self, seen: SeenActivity) -> None:
        try:
            self._as_seen(seen)
        except NotFound:
            self._feed.remove(seen.id)
        else:
            self._feed.delete(seen.id)

    def _joined(self, whole: Whole, response: str) -> Whole:
        """With the user on it; if he is already, nothing is written."""
        if self._takes_part(whole):
            return whole
        there = people.people_of(whole, self._directory)
        return self._acts.attended(whole, [*there, Person(self._address(), response=response)])

    def _settled(self, whole: Whole, edited: datetime | None, before: datetime | None) -> SeenActivity:
        """As our write left it, with the moment of the person's edit it carried, unless a later one was there."""
        when = max(filter(None, (edited, before))) if edited else None
        whole.ours.edited = when.isoformat() if when else ""
        whole.ours.edited_version = _version(whole.activity, self._entry(whole)) if when else ""
        self._feed.keep(whole)
        return self._seen(whole)

    # --- looking

    def _as_seen(self, seen: SeenActivity, *, dates: bool = False, participants: bool = False) -> Whole:
        """The activity as it stands, if it is as it was seen. Raises VersionConflict, NotFound."""
        whole = self._there(seen.id, dates=dates, participants=participants)
        if _version(whole.activity, self._entry(whole)) != seen.version:
            raise VersionConflict
        return whole

    def _there(self, id: str, *, dates: bool = False, participants: bool = False) -> Whole:
        """Raises NotFound; if the mirror had it, everything is listed before anything is concluded from that."""
        whole = self._feed.fetch(id, dates=dates, participants=participants)
        if whole is None:
            if any(not row.gone for row in self._mirror.get([id]).values()):
                self._feed.mistrust()
            raise NotFound
        return whole

    def _owner_before(self, key: str) -> str | None:
        """Who owned what the key made before, and is gone."""
        id = self._creations.made(key)
        held = self._feed.held([id]).get(id) if id else None
        return wire.owner_of(held.activity) if held else None

    def _takes_part(self, whole: Whole) -> bool:
        return self._user_id in people.members(whole)

    def _seen(self, whole: Whole) -> SeenActivity:
        activity, ours = whole.activity, whole.ours
        entry = self._entry(whole)
        version = _version(activity, entry)
        outside = (one for one in entry.people if one.is_organizer and self._directory.user_of(one.address) is None)
        said = datetime.fromisoformat(ours.edited) if ours.edited and ours.edited_version == version else None
        return SeenActivity(
            id=activity.guid,
            version=version,
            entry=entry,
            type_id=wire.type_of(activity),
            category=category_of(activity),
            owner_id=wire.owner_of(activity),
            participant_ids=tuple(people.users_of(whole)),
            invitation=any(outside),
            closed=bool(activity.is_closed),
            has_hours=bool(activity.has_hours),
            modified=said or (wire.moment(activity.stamp) if activity.stamp else None),
            modified_by=(activity.last_updated_by.guid if activity.last_updated_by else None) or "",
            key=ours.key or None,
        )

    def _entry(self, whole: Whole) -> Entry:
        zone = self._directory.zone_of(wire.owner_of(whole.activity))
        return wire.entry_of(whole, zone, people.people_of(whole, self._directory))

    def _address(self) -> str:
        return self._address_of(self._user_id)

    def _address_of(self, user_id: str | None) -> str:
        user = self._directory.user(user_id)
        return (user.email or "") if user else ""


def _version(activity: Activity, entry: Entry) -> str:
    """Changes with all that is compared or decided on."""
    persons = sorted((one.address.casefold() or one.name, one.response) for one in entry.people)
    told = repr((sorted(canonical.fields(entry).items()), persons, wire.type_of(activity), wire.owner_of(activity)))
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _own_response(entry: Entry, address: str) -> str:
    folded = address.casefold()
    return next((one.response for one in entry.people if one.address.strip().casefold() == folded), "none")


def _pages(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    return (rows[start : start + PAGE] for start in range(0, len(rows), PAGE))
