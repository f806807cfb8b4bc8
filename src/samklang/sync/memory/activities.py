"""The activities of an organization in memory, with a trash, as one of its users sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from samklang.engine.canonical import with_fields
from samklang.engine.model import Entry, FieldKey, Person, SeenActivity
from samklang.engine.people import NOBODY, Directory, is_about_people, takes_part
from samklang.engine.rules import ActivityType
from samklang.sync.errors import ItemError, NotFound
from samklang.sync.memory.faults import Faults
from samklang.sync.memory.shelf import Shelf, edited
from samklang.sync.ports import ActivityPage


class MemoryActivities:
    """Implements `ports.Activities` for `user_id`."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        user_id: str,
        types: Sequence[ActivityType],
        *,
        faults: Faults | None = None,
        page_size: int = 50,
        colleague: MemoryActivities | None = None,
        people: Directory = NOBODY,
    ) -> None:
        """`colleague`: the same activities as his, as `user_id` sees them. `people`: who is a user of this PSA."""
        self.shelf: Shelf[SeenActivity] = (
            colleague.shelf if colleague else Shelf[SeenActivity]("psa", clock, faults or Faults(), page_size)
        )
        self.faults = self.shelf.faults
        self.user_id = user_id
        self.people = people
        #: A code if this calendar refuses the entry (double booking …), else None.
        self.refuses: Callable[[Entry], str | None] = lambda entry: None
        #: Whether this calendar can keep a series as its pattern.
        self.holds: Callable[[Entry], bool] = lambda entry: True
        #: Whether it can keep the changed and cancelled dates of a series.
        self.holds_dates: Callable[[Entry], bool] = lambda entry: True
        #: Activities do not tell their create keys (as Severa's do not, rule 13.2).
        self.hides_keys = False
        #: Deleted activities, by id; `person_restores` brings one back.
        self.trash: dict[str, SeenActivity] = colleague.trash if colleague else {}
        #: Ids of what was this user's when he last read: of those he is told, also when he has left.
        self._were_mine: set[str] = set()
        self._categories = {kind.id: kind.category for kind in types}

    # -- the port

    def read(self, token: str | None) -> Iterator[ActivityPage]:
        ids, next_token = self.shelf.listing(token)
        self._were_mine |= self.mine().keys()
        others = self.shelf.shown().keys() - self._were_mine
        for page, last in self.shelf.pages([i for i in ids if i not in others]):
            shown = self.shelf.shown()
            yield ActivityPage(
                activities=tuple(self._told(shown[i]) for i in page if i in shown),
                removed=tuple(i for i in page if i not in shown),
                token=next_token if last else None,
            )

    def get(self, activity_ids: Sequence[str]) -> Mapping[str, SeenActivity | None]:
        with self.faults.call("psa.get"):
            found = {i: self.shelf.look(i) for i in activity_ids}
            return {i: self._told(one) if one else None for i, one in found.items()}

    def _told(self, activity: SeenActivity) -> SeenActivity:
        return replace(activity, key=None) if self.hides_keys else activity

    def find_created(self, key: str) -> SeenActivity | None:
        with self.faults.call("psa.find_created"):
            found = self.shelf.keyed(key)
            return found if found and takes_part(found, self.user_id) else None

    def create(
        self, entry: Entry, type_id: str, key: str, owner_id: str | None = None, edited: datetime | None = None
    ) -> SeenActivity:
        with self.faults.call("psa.create"):
            self.shelf.writes["create"] += 1
            self._check(entry)
            before = self.shelf.keyed(key)
            if before is not None:
                return self._joined(before, "none")
            trashed = next((one for one in self.trash.values() if one.key == key), None)
            if trashed is not None:
                entry = replace(entry, people=self.trash.pop(trashed.id).entry.people)
                made = replace(trashed, entry=entry, type_id=type_id, category=self._categories[type_id])
                return self._joined(self.shelf.put(made, edited), "none")
            owner_id = self.user_id if owner_id is None else owner_id or None
            made = SeenActivity("", "", entry, type_id, self._categories[type_id], owner_id=owner_id, key=key)
            made = self._with_people(replace(made, id=self.shelf.fresh_id()), entry.people)
            return self._joined(self.shelf.put(made, edited), "none")

    def update(
        self,
        seen: SeenActivity,
        entry: Entry,
        changed: frozenset[FieldKey],
        type_id: str | None = None,
        edited: datetime | None = None,
    ) -> SeenActivity:
        with self.faults.call("psa.update"):
            self.shelf.writes["update"] += 1
            held = self.shelf.current(seen)
            self._check(entry)
            kind = type_id or held.type_id
            now = replace(held, entry=with_fields(held.entry, entry, changed), type_id=kind)
            if any(is_about_people(key) for key in changed):
                now = self._with_people(now, entry.people)
            stamp = max(edited, held.modified) if edited and held.modified else edited
            return self.shelf.put(replace(now, category=self._categories[kind]), stamp)

    def delete(self, seen: SeenActivity) -> None:
        with self.faults.call("psa.delete"):
            self.shelf.writes["delete"] += 1
            try:
                self.shelf.current(seen)
            except NotFound:
                return
            self.trash[seen.id] = self.shelf.take(seen.id)

    def take_part(self, activity_id: str, response: str, *, owns: bool = False) -> SeenActivity:
        with self.faults.call("psa.take_part"):
            self.shelf.writes["update"] += 1
            held = self.shelf.look(activity_id)
            if held is None:
                raise NotFound
            joined = self._joined(held, response)
            before = self.people.of_id(joined.owner_id)
            if not owns or before is None:
                return joined
            people = (*joined.entry.people, Person(before.address))
            return self.shelf.put(self._with_people(replace(joined, owner_id=self.user_id), people))

    def hand_over(self, seen: SeenActivity, owner_id: str) -> SeenActivity:
        with self.faults.call("psa.hand_over"):
            self.shelf.writes["update"] += 1
            held = replace(self.shelf.current(seen), owner_id=owner_id)
            return self.shelf.put(self._with_people(held, held.entry.people), held.modified)

    def restore(self, activity_id: str) -> SeenActivity:
        with self.faults.call("psa.restore"):
            self.shelf.writes["update"] += 1
            if activity_id not in self.trash:
                raise NotFound
            return self.shelf.put(self.trash.pop(activity_id))

    def _check(self, entry: Entry) -> None:
        code = self.refuses(entry)
        if code is not None:
            raise ItemError(code)

    def _joined(self, held: SeenActivity, response: str) -> SeenActivity:
        user = self.people.of_id(self.user_id)
        if takes_part(held, self.user_id):
            return held
        if user is None:
            return self.shelf.put(replace(held, participant_ids=(*held.participant_ids, self.user_id)), held.modified)
        people = (*held.entry.people, Person(user.address, response=response))
        return self.shelf.put(self._with_people(held, people), held.modified)

    def _with_people(self, activity: SeenActivity, people: Iterable[Person]) -> SeenActivity:
        """With these participants: nobody twice, the owner not among them."""
        if not self.people.colleagues:
            return activity
        listed = {self.people.primary(person.address): person for person in people}
        known = {address: self.people.of_address(address) for address in listed}
        users = {address: one.psa_id for address, one in known.items() if one and one.psa_id != activity.owner_id}
        kept = tuple(person for address, person in listed.items() if address in users or not known[address])
        return replace(
            activity,
            entry=replace(activity.entry, people=kept),
            participant_ids=tuple(users.values()),
            invitation=any(person.is_organizer for person in kept),
        )

    def mine(self) -> dict[str, SeenActivity]:
        """By id, those the user owns or takes part in."""
        shown = self.shelf.shown()
        return {i: one for i, one in shown.items() if self.user_id in (one.owner_id, *one.participant_ids)}

    # -- a person's hands

    def person_adds(self, entry: Entry, type_id: str, **marks: Any) -> str:
        """Make an activity by hand; `marks` are fields of SeenActivity. Returns its id."""
        marks.setdefault("owner_id", self.user_id)
        activity_id = self.shelf.fresh_id()
        self.shelf.put(SeenActivity(activity_id, "", entry, type_id, self._categories[type_id], **marks))
        return activity_id

    def person_edits(self, activity_id: str, **changes: Any) -> None:
        """Change attributes of the entry; occurrences follow a series except in what is their own."""
        held = self.shelf.shown()[activity_id]
        self.shelf.put(replace(held, entry=edited(held.entry, changes)))

    def person_invites(self, activity_id: str, *people: Person) -> None:
        """Make these its participants, and no others."""
        self.shelf.put(self._with_people(self.shelf.shown()[activity_id], people))

    def person_marks(self, activity_id: str, **marks: Any) -> None:
        """Change fields of SeenActivity (type, closed, hours …); without any: a new version without a change."""
        held = replace(self.shelf.shown()[activity_id], **marks)
        self.shelf.put(replace(held, category=self._categories[held.type_id]))

    def person_deletes(self, activity_id: str) -> None:
        self.trash[activity_id] = self.shelf.take(activity_id)

    def person_restores(self, activity_id: str) -> None:
        self.shelf.put(self.trash.pop(activity_id))
