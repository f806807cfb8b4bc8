"""What every handler of Severa works on."""

from __future__ import annotations

from samklang.sandbox.severa.call import invalid
from samklang.sandbox.severa.model import ActivityType
from samklang.sandbox.severa.records import Records
from samklang.sandbox.severa.settings import SeveraSettings, settings
from samklang.sandbox.store import Store


class Severa:
    def __init__(self, store: Store) -> None:
        self.store, self.records = store, Records(store)

    @property
    def settings(self) -> SeveraSettings:
        return settings(self.store)

    def type_named(self, organization: str, name: str) -> ActivityType:
        """An activity type by guid or name. Raises SeveraError."""
        for each in self.records.all(ActivityType, organization):
            if name.casefold() in (each.guid, each.name.casefold()):
                return each
        raise invalid(f"There is no activity type {name}.", "activityType")
