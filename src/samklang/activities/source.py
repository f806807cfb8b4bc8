"""The built-in calendar behind the sync's port `Activities`: what one user owns or takes part in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

from samklang.accounts.models import User
from samklang.activities import changes, services
from samklang.activities.errors import NotAllowed, NotThere, Outdated, Refused
from samklang.activities.models import Activities, Activity, ActivityType
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
        found = {a.psa_id: seen_of(a) for page in _pages(activity_ids) for a in self._mine().filter(guid__in=page)}
        return {id_: found.get(id_) for id_ in activity_ids}

    def find_created(self, key: str) -> SeenActivity | None:
        activity = self._mine().filter(create_key=key).first()
        return seen_of(activity) if activity else None

    def create(self, entry: Entry, type_id: str, key: str, owner_id: str | None = None) -> SeenActivity:
        """Make an activity owned by the user; the one made with this key before, if there is one."""
        type_ = self._type(type_id)
        with _as_sync_errors():
            activity = services.create_from(
                self._user,
                entry,
                type_,
                create_key=key,
                own_run=True,
                masked=entry.sensitivity.is_private and not type_.is_private,
            )
        return seen_of(activity)

    def update(
        self, seen: SeenActivity, entry: Entry, changed: frozenset[FieldKey], type_id: str | None = None
    ) -> SeenActivity:
        with _as_sync_errors():
            activity = services.write_fields(
                self._user,
                seen.id,
                entry,
                changed,
                version=int(seen.version),
                type_=self._type(type_id) if type_id is not None else None,
                own_run=True,
            )
        return seen_of(activity)

    def delete(self, seen: SeenActivity) -> None:
        """The owner's activity goes into the trash; from somebody else's the user is removed (rule 8.2)."""
        try:
            with _as_sync_errors():
                if seen.owner_id == self._user.psa_id or not self._takes_part(seen):
                    services.trash(self._user, seen.id, version=int(seen.version), own_run=True)
                else:
                    services.leave(self._user, seen.id, own_run=True)
        except NotFound:
            return

    def take_part(self, activity_id: str, response: str) -> SeenActivity:
        raise NotImplementedError

    def hand_over(self, seen: SeenActivity, owner_id: str) -> SeenActivity:
        raise NotImplementedError

    def restore(self, activity_id: str) -> SeenActivity:
        raise NotImplementedError

    def _mine(self) -> Activities:
        return Activity.objects.of_person(self._user).whole()

    def _type(self, type_id: str) -> ActivityType:
        if type_id not in self._types:
            type_ = ActivityType.objects.of(self._organization).filter(guid=type_id).first()
            if type_ is None:
                raise ItemError("type_unknown")
            self._types[type_id] = type_
        return self._types[type_id]

    def _takes_part(self, seen: SeenActivity) -> bool:
        return self._user.psa_id in seen.participant_ids


@contextmanager
def _as_sync_errors() -> Iterator[None]:
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
