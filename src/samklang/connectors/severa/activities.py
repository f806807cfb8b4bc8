"""The activities of one user in Severa, as the sync core sees them: implements `sync.ports.Activities`.

What is read comes from the mirror, which all mailboxes of the organization keep up to date together. Before each write
the activity is read again and compared (rule 13.2), for Severa has no version mark. A token is the mirror's name and
the number of its last row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from samklang.connectors.severa import people, wire, writing
from samklang.connectors.severa.attendance import Attendance, is_about_people, wanted_people
from samklang.connectors.severa.client import SeveraClient
from samklang.connectors.severa.creating import Creations
from samklang.connectors.severa.directory import Directory, category
from samklang.connectors.severa.feed import Feed, content_of
from samklang.connectors.severa.mirror import Mirror, Row
from samklang.connectors.severa.occurrences import Occurrences
from samklang.connectors.severa.schema import Activity, Ours, Whole
from samklang.engine import canonical
from samklang.engine.model import Category, Entry, FieldKey, Person, SeenActivity
from samklang.sync.errors import ItemError, NotFound, TokenRejected, VersionConflict
from samklang.sync.ports import ActivityPage

#: Activities handed on at once.
PAGE = 500


class SeveraActivities:
    """What one user owns or takes part in. Not to be shared between threads.

    `user_id`: his guid in Severa. `feed`, `mirror` and `directory` are his organization's, over `client`.
    """

    def __init__(
        self,
        client: SeveraClient,
        mirror: Mirror,
        directory: Directory,
        feed: Feed,
        user_id: str,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._mirror = mirror
        self._directory = directory
        self._feed = feed
        self._user_id = user_id
        self._attendance = Attendance(client, directory)
        self._creations = Creations(client, mirror, feed, now)

    # --- reading

    def read(self, token: str | None) -> Iterator[ActivityPage]:
        """Everything, or what changed since `token`; brings the mirror up to date first."""
        self._feed.refresh()
        newest = self._mirror.newest()
        if token is None:
            rows: Sequence[Row] = list(self._mirror.of_user(self._user_id))
        else:
            rows = self._since(token)
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
        """From the mirror, and asked for where it has none. What it had is gone once a complete listing misses it, too
        (rule 8.1): until then an answer "not found" says nothing."""
        rows = self._mirror.get(activity_ids)
        found: dict[str, SeenActivity | None] = {}
        for id in activity_ids:
            row = rows.get(id)
            whole = content_of(row) if row is not None and not row.gone else self._feed.fetch(id)
            found[id] = self._seen(whole) if whole is not None else None
        return found

    def find_created(self, key: str) -> SeenActivity | None:
        """What this key made, if the user takes part in it; if not, `create` has still to make him (rule 4.3)."""
        whole = self._made(key)
        return self._seen(whole) if whole is not None and self._takes_part(whole) else None

    # --- writing

    def create(
        self, entry: Entry, type_id: str, key: str, owner_id: str | None = None, edited: datetime | None = None
    ) -> SeenActivity:
        """See the port. An activity always has an owner in Severa: where nobody is to own it, the user does."""
        with self._mirror.alone(f"create {key}"):
            made = self._made(key)
            if made is not None:
                return self._seen(self._joined(made, _own_response(entry, self._address())))
            before = self._feed.held(filter(None, [self._creations.made(key)]))
            old = next((wire.owner_of(whole.activity) for whole in before.values()), None)
            owner = (owner_id if owner_id is not None else old) or self._user_id
            return self._settled(self._make(entry, type_id, key, owner), edited, None)

    def update(
        self,
        seen: SeenActivity,
        entry: Entry,
        changed: frozenset[FieldKey],
        type_id: str | None = None,
        edited: datetime | None = None,
    ) -> SeenActivity:
        whole = self._as_seen(seen)
        if not self._takes_part(whole):
            raise ItemError("not_allowed")
        about_people = frozenset(filter(is_about_people, changed))
        held = self._entry(whole)
        wanted = canonical.with_fields(held, entry, changed - about_people)
        if type_id is not None and type_id != seen.type_id and self._leaves_its_group(whole, type_id):
            whole = self._made_anew(whole, wanted, type_id)
        else:
            whole = self._written(whole, held, wanted, type_id)
        if about_people:
            there = people.people_of(whole, self._directory)
            whole = self._attended(whole, wanted_people(there, entry.people, about_people, self._address()))
        return self._settled(whole, edited, seen.modified)

    def take_part(self, activity_id: str, response: str, *, owns: bool = False) -> SeenActivity:
        whole = self._there(activity_id)
        former = wire.owner_of(whole.activity)
        whole = self._joined(whole, response)
        if owns and former != self._user_id:
            whole = self._owned_by(whole, self._user_id)
            address = self._address_of(former)
            there = [*people.people_of(whole, self._directory), *([Person(address)] if address else [])]
            whole = self._attended(whole, there)
        return self._seen(whole)

    def hand_over(self, seen: SeenActivity, owner_id: str) -> SeenActivity:
        whole = self._as_seen(seen)
        if wire.owner_of(whole.activity) != self._user_id:
            raise ItemError("not_allowed", "owner_only")
        if self._directory.user(owner_id) is None:
            raise ItemError("owner_unknown")
        return self._seen(self._owned_by(whole, owner_id))

    def restore(self, activity_id: str) -> SeenActivity:
        """Severa deletes for good: what it held is made anew, under another id (rule 13.1)."""
        row = self._mirror.get([activity_id]).get(activity_id)
        there = self._feed.fetch(activity_id)
        if there is not None:
            return self._seen(there)
        if row is None:
            raise NotFound
        whole = content_of(row)
        type_id = whole.activity.activity_type.guid if whole.activity.activity_type else None
        return self._seen(self._made_again(whole, self._entry(whole), type_id or ""))

    def delete(self, seen: SeenActivity) -> None:
        try:
            self._as_seen(seen)
            self._client.delete(_at(seen.id))
        except NotFound:
            pass
        self._feed.remove(seen.id)

    # --- steps of writing

    def _make(self, entry: Entry, type_id: str, key: str, owner: str, like: Activity | None = None) -> Whole:
        """Make it with its people and what deviates; `like`: whose links to customer and phase it takes."""
        zone = self._directory.zone_of(owner)
        body = writing.body_of(entry, type_id, owner, zone) | (writing.links_of(like) if like else {})
        activity = self._creations.make(key, body)
        ours = Ours(key=key)
        writing.zones_of(entry, ours)
        whole = Whole(activity, ours=ours)
        # Known from here on, should what follows be cut off.
        self._feed.keep(whole)
        present = list(entry.people)
        if owner != self._user_id and not _is_among(present, self._address()):
            present.append(Person(self._address()))
        whole = self._attended(whole, [person for person in present if not person.resource])
        if whole.is_series:
            whole = self._kept(Occurrences(self._client, self._feed, zone).make(whole, entry))
        return whole

    def _written(self, whole: Whole, held: Entry, wanted: Entry, type_id: str | None) -> Whole:
        zone = self._zone(whole)
        lasts = whole.activity.end_date_time is not None and whole.activity.has_duration is not False
        values = writing.replaced(held, wanted, zone, lasts=lasts)
        if type_id is not None:
            values.append(("/activityType/guid", type_id))
        if values:
            writing.zones_of(wanted, whole.ours)
            whole = self._kept(self._feed.whole(self._replaced(whole, values), whole))
        if whole.is_series:
            whole = self._kept(Occurrences(self._client, self._feed, zone).make(whole, wanted))
        return whole

    def _replaced(self, whole: Whole, values: writing.Values) -> Activity:
        changed = self._client.replace(_at(whole.activity.guid), values, list[Activity])
        found = next((one for one in changed if one.guid == whole.activity.guid), None)
        return found if found is not None else self._client.get(_at(whole.activity.guid), Activity)

    def _leaves_its_group(self, whole: Whole, type_id: str) -> bool:
        """Whether the type is of another group, which an activity cannot change to (Severa facts §2.4)."""
        return self._directory.category_of(type_id) is not _category(whole.activity)

    def _made_anew(self, whole: Whole, wanted: Entry, type_id: str) -> Whole:
        """Under another type, whose group differs: made once more, then the old one goes (rule 13.3).

        Raises ItemError("group_kept") for what has hours booked or is closed.
        """
        if whole.activity.has_hours or whole.activity.is_closed:
            raise ItemError("group_kept")
        made = self._made_again(whole, wanted, type_id)
        self._client.delete(_at(whole.activity.guid))
        self._feed.remove(whole.activity.guid)
        return made

    def _made_again(self, whole: Whole, entry: Entry, type_id: str) -> Whole:
        """What an activity held, as a new one; done before and cut off, that one is found."""
        key = f"again {hashlib.sha256(f'{whole.activity.guid} {type_id}'.encode()).hexdigest()[:40]}"
        with self._mirror.alone(f"create {key}"):
            made = self._made(key)
            if made is None:
                owner = wire.owner_of(whole.activity) or self._user_id
                made = self._make(entry, type_id, key, owner, whole.activity)
        self._creations.succeed(whole.ours.key, made.activity.guid)
        self._mirror.succeed(whole.activity.guid, made.activity.guid)
        made.ours.key = whole.ours.key
        return self._kept(made)

    def _joined(self, whole: Whole, response: str) -> Whole:
        """With the user on it; if he is already, nothing is written."""
        if self._takes_part(whole):
            return whole
        there = people.people_of(whole, self._directory)
        return self._attended(whole, [*there, Person(self._address(), response=response)])

    def _owned_by(self, whole: Whole, owner_id: str) -> Whole:
        """A new owner is no participant any longer."""
        self._replaced(whole, [("/ownerUser/guid", owner_id)])
        for one in whole.participants:
            if one.participant_guid == owner_id:
                self._attendance.remove(whole.activity.guid, one)
        others = [one for one in whole.participants if one.participant_guid != owner_id]
        activity = self._client.get(_at(whole.activity.guid), Activity)
        return self._kept(msgspec.structs.replace(whole, activity=activity, participants=others))

    def _attended(self, whole: Whole, wanted: Sequence[Person]) -> Whole:
        return self._kept(self._attendance.make(whole, wanted))

    def _kept(self, whole: Whole) -> Whole:
        self._feed.keep(whole)
        return whole

    def _settled(self, whole: Whole, edited: datetime | None, before: datetime | None) -> SeenActivity:
        """As our write left it, with the moment of the person's edit it carried, unless a later one was there."""
        when = max(filter(None, (edited, before))) if edited else None
        whole.ours.edited = when.isoformat() if when else ""
        whole.ours.edited_version = self._version(whole) if when else ""
        return self._seen(self._kept(whole))

    # --- looking

    def _as_seen(self, seen: SeenActivity) -> Whole:
        """The activity as it stands, if it is as it was seen. Raises VersionConflict, NotFound."""
        whole = self._there(seen.id)
        if self._version(whole) != seen.version:
            raise VersionConflict
        return whole

    def _there(self, id: str) -> Whole:
        """Raises NotFound; if the mirror had it, everything is listed before anything is concluded from that."""
        whole = self._feed.fetch(id)
        if whole is None:
            if any(not row.gone for row in self._mirror.get([id]).values()):
                self._feed.mistrust()
            raise NotFound
        return whole

    def _made(self, key: str) -> Whole | None:
        id = self._creations.made(key)
        whole = self._feed.fetch(id) if id else None
        if whole is not None and not whole.ours.key:
            # The create that made it was cut off before it could say whose it is.
            whole.ours.key = key
            self._feed.keep(whole)
        return whole

    def _takes_part(self, whole: Whole) -> bool:
        return self._user_id in people.members(whole)

    def _seen(self, whole: Whole) -> SeenActivity:
        activity, entry, version = whole.activity, self._entry(whole), self._version(whole)
        outside = (one for one in entry.people if one.is_organizer and self._directory.user_of(one.address) is None)
        ours = whole.ours
        said = datetime.fromisoformat(ours.edited) if ours.edited and ours.edited_version == version else None
        return SeenActivity(
            id=activity.guid,
            version=version,
            entry=entry,
            type_id=(activity.activity_type.guid if activity.activity_type else None) or "",
            category=_category(activity),
            owner_id=wire.owner_of(activity),
            participant_ids=tuple(people.users_of(whole)),
            invitation=any(outside),
            closed=bool(activity.is_closed),
            has_hours=bool(activity.has_hours),
            modified=said or (wire.moment(activity.stamp) if activity.stamp else None),
            modified_by=(activity.last_updated_by.guid if activity.last_updated_by else None) or "",
            key=ours.key or None,
        )

    def _version(self, whole: Whole) -> str:
        """Changes with all that is compared or decided on."""
        entry = self._entry(whole)
        persons = sorted((one.address.casefold() or one.name, one.response) for one in entry.people)
        kind = whole.activity.activity_type.guid if whole.activity.activity_type else ""
        told = repr((sorted(canonical.fields(entry).items()), persons, kind, wire.owner_of(whole.activity)))
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    def _entry(self, whole: Whole) -> Entry:
        return wire.entry_of(whole, self._zone(whole), people.people_of(whole, self._directory))

    def _zone(self, whole: Whole) -> str:
        return self._directory.zone_of(wire.owner_of(whole.activity))

    def _address(self) -> str:
        return self._address_of(self._user_id)

    def _address_of(self, user_id: str | None) -> str:
        user = self._directory.user(user_id)
        return (user.email or "") if user else ""


def _category(activity: Activity) -> Category:
    """A project task is known by its status, too (Severa facts §1.9)."""
    if activity.project_task_status is not None:
        return Category.PROJECT_TASK
    return category(activity.activity_type.category if activity.activity_type else None)


def _own_response(entry: Entry, address: str) -> str:
    folded = address.casefold()
    return next((one.response for one in entry.people if one.address.strip().casefold() == folded), "none")


def _is_among(people_: Sequence[Person], address: str) -> bool:
    return any(one.address.strip().casefold() == address.casefold() for one in people_)


def _at(id: str) -> str:
    return f"/activities/{id}"


def _pages(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    return (rows[start : start + PAGE] for start in range(0, len(rows), PAGE))
