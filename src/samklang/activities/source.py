"""The built-in calendar behind the sync's port `Activities`: what one user owns or takes part in.

Asked for by id, an activity of his organization is found also when he does not take part (any longer): its owner and
participants tell the run that he left it (rule 4.7). What comes from here is for the engine, never for a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from samklang.accounts.models import User
from samklang.activities import changes, run_writes
from samklang.activities.errors import NotAllowed, NotThere, Outdated, Refused
from samklang.activities.models import Activities, Activity, ActivityType
from samklang.activities.people import status_of
from samklang.activities.rows import seen_of
from samklang.engine.model import Entry, FieldKey, SeenActivity
from samklang.sync.errors import ItemError, NotFound, TokenRejected, VersionConflict
from samklang.sync.ports import ActivityPage

#: Activities read at once.
PAGE = 500

T = TypeVar("T")


class BuiltInActivities:
    """Implements `sync.ports.Activities` for one user. A token is the number of the last change read."""

    def __init__(self, user: User) -> None:
        self._user = user
        self._organization = user.organization_id
        self._types: dict[str, ActivityType] = {}

    def read(self, token: str | None) -> Iterator[ActivityPage]:
        """Everything, or what changed since `token`. Raises TokenRejected when the log does not reach back so far."""
        newest = changes.newest(self._organization)
        if token is None:
            yield from self._everything(newest)
            return
        number = int(token) if token.isdecimal() else -1
        if not changes.is_known(self._organization, number):
            raise TokenRejected
        guids = changes.since(self._organization, self._user.pk, number)
        for page in _pages(guids):
            found = self.get([str(guid) for guid in page])
            yield ActivityPage(
                activities=tuple(seen for seen in found.values() if seen),
                removed=tuple(id_ for id_, seen in found.items() if seen is None),
            )
        yield ActivityPage(token=str(newest))

    def _everything(self, newest: int) -> Iterator[ActivityPage]:
        """All pages by key, so that what is written meanwhile neither doubles nor hides anything; the delta has it."""
        last = 0
        while page := list(self._mine().filter(pk__gt=last).order_by("pk")[:PAGE]):
            last = page[-1].pk
            yield ActivityPage(activities=tuple(seen_of(activity) for activity in page))
        yield ActivityPage(token=str(newest))

    def get(self, activity_ids: Sequence[str]) -> Mapping[str, SeenActivity | None]:
        there = Activity.objects.of(self._organization).filter(trashed_at=None).whole()
        found = {a.psa_id: seen_of(a) for page in _pages(activity_ids) for a in there.filter(guid__in=page)}
        return {id_: found.get(id_) for id_ in activity_ids}

    def find_created(self, key: str) -> SeenActivity | None:
        """What this key made, if the user takes part in it; if not, `create` has still to make him (rule 4.3)."""
        activity = self._mine().filter(create_key=key).first()
        return seen_of(activity) if activity else None

    def holds(self, entry: Entry) -> bool:
        """Always: it keeps every rule."""
        return True

    def holds_dates(self, entry: Entry) -> bool:
        """Always: a date has its own of all a series has."""
        return True

    def create(
        self, entry: Entry, type_id: str, key: str, owner_id: str | None = None, edited: datetime | None = None
    ) -> SeenActivity:
        """Make an activity, owned by the user unless said otherwise ("": by nobody); the one made with this key
        before, if there is one."""
        with as_sync_errors():
            owner = self._user if owner_id is None else self._colleague(owner_id) if owner_id else None
            return seen_of(run_writes.create(self._user, entry, self._type(type_id), key, owner, edited))

    def update(
        self,
        seen: SeenActivity,
        entry: Entry,
        changed: frozenset[FieldKey],
        type_id: str | None = None,
        edited: datetime | None = None,
    ) -> SeenActivity:
        type_ = self._type(type_id) if type_id is not None else None
        with as_sync_errors():
            activity = run_writes.update(
                self._user, seen.id, entry, changed, version=int(seen.version), type_=type_, edited=edited
            )
        return seen_of(activity)

    def take_part(self, activity_id: str, response: str, *, owns: bool = False) -> SeenActivity:
        with as_sync_errors():
            return seen_of(run_writes.take_part(self._user, activity_id, status_of(response), owns=owns))

    def hand_over(self, seen: SeenActivity, owner_id: str) -> SeenActivity:
        with as_sync_errors():
            owner = self._colleague(owner_id)
            return seen_of(run_writes.hand_over(self._user, seen.id, owner, version=int(seen.version)))

    def restore(self, activity_id: str) -> SeenActivity:
        with as_sync_errors():
            return seen_of(run_writes.restore(self._user, activity_id))

    def delete(self, seen: SeenActivity) -> None:
        """Put the activity into the trash; somebody who does not take part cannot (rule 8.2)."""
        try:
            with as_sync_errors():
                run_writes.trash(self._user, seen.id, version=int(seen.version))
        except NotFound:
            return

    def _mine(self) -> Activities:
        return Activity.objects.of_person(self._user).whole()

    def _type(self, type_id: str) -> ActivityType:
        if type_id not in self._types:
            type_ = ActivityType.objects.of(self._organization).filter(guid=type_id).first()
            if type_ is None:
                raise ItemError("type_unknown")
            self._types[type_id] = type_
        return self._types[type_id]

    def _colleague(self, psa_id: str) -> User:
        colleague: User | None = User.objects.of(self._organization).filter(guid=psa_id).first()
        if colleague is None:
            raise ItemError("owner_unknown")
        return colleague


@contextmanager
def as_sync_errors() -> Iterator[None]:
    """The calendar's refusals in the terms a run decides by."""
    try:
        yield
    except NotThere:
        raise NotFound from None
    except Outdated:
        raise VersionConflict from None
    except NotAllowed as refused:
        raise ItemError("not_allowed", refused.code) from None
    except Refused as refused:
        raise ItemError(refused.code) from None


def _pages(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    return (ids[start : start + PAGE] for start in range(0, len(ids), PAGE))
