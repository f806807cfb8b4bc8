"""The built-in calendar as a person writes it through the history (rules 11.2, 12.1): with his rights and no more.

What a run writes, the user's own mailbox has just got; what a person writes makes everybody's due, his own included.
"""

from __future__ import annotations

from datetime import datetime

from samklang.activities import services
from samklang.activities.rows import seen_of
from samklang.activities.source import BuiltInActivities, as_sync_errors
from samklang.engine.model import Entry, FieldKey, SeenActivity
from samklang.sync.errors import NotFound


class PersonsActivities(BuiltInActivities):
    """Implements what `sync.undo` and `sync.leave` ask of `sync.ports.Activities`, by `activities.services`."""

    def create(
        self, entry: Entry, type_id: str, key: str, owner_id: str | None = None, edited: datetime | None = None
    ) -> SeenActivity:
        with as_sync_errors():
            return seen_of(services.create_entry(self._user, entry, self._type(type_id), key))

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
            return seen_of(
                services.write_fields(self._user, seen.id, entry, changed, version=int(seen.version), type_=type_)
            )

    def restore(self, activity_id: str) -> SeenActivity:
        with as_sync_errors():
            return seen_of(services.restore(self._user, activity_id))

    def delete(self, seen: SeenActivity) -> None:
        try:
            with as_sync_errors():
                services.trash(self._user, seen.id, version=int(seen.version))
        except NotFound:
            return
