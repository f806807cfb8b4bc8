"""What every handler of Severa works on: its records, and which activity a guid names."""

from __future__ import annotations

import uuid

from samklang.sandbox.severa.call import NotFoundError, invalid
from samklang.sandbox.severa.model import Activity, ActivityType, Participant, User
from samklang.sandbox.severa.records import Records
from samklang.sandbox.severa.series import Layout, Occurrence, date_of, tail_of
from samklang.sandbox.severa.settings import SeveraSettings, settings
from samklang.sandbox.store import Store

Target = Activity | Occurrence


class Severa:
    def __init__(self, store: Store) -> None:
        self.store, self.records = store, Records(store)

    @property
    def settings(self) -> SeveraSettings:
        return settings(self.store)

    def target(self, guid: str, organization: str = "") -> Target:
        """An activity, or the date of a series that has no activity of its own; where an organization is named, of that
        alone. Raises NotFoundError."""
        try:
            guid = str(uuid.UUID(guid))
        except ValueError:
            raise NotFoundError from None
        found = self.records.get(Activity, guid, organization)
        if found is not None:
            return found
        series = self.records.series_like(tail_of(guid), organization)
        day = date_of(guid, series) if series is not None else None
        place = self.layout(series).occurrence(day) if series is not None and day is not None else None
        if place is None:
            raise NotFoundError
        return place

    def layout(self, series: Activity) -> Layout:
        moved = {each.original for each in self.exceptions(series) if each.original is not None}
        return Layout(series, moved, last_day=self.settings.short_months == "last_day")

    def exceptions(self, series: Activity) -> list[Activity]:
        return self.records.of(Activity, series.guid)

    def participants(self, activity: Activity) -> list[Participant]:
        """Those added to it, and the owner where the sandbox is told to list him."""
        found = self.records.of(Participant, activity.guid)
        owner = activity.body.owner_user.guid
        if not self.settings.owner_participates or activity.body.is_unassigned:
            return found
        shown = Participant(
            guid=owner_row(activity),
            organization=activity.organization,
            created=activity.created,
            updated=activity.updated,
            activity=activity.guid,
            kind="User",
            who=owner,
            status="Accepted",
        )
        return [shown, *found]

    def user_named(self, organization: str, name: str) -> User | None:
        """A user by guid or e-mail; "" is nobody's."""
        for each in self.records.all(User, organization):
            if name and name.casefold() in (each.guid, each.address.casefold()):
                return each
        return None

    def type_named(self, organization: str, name: str) -> ActivityType:
        """An activity type by guid or name. Raises SeveraError."""
        for each in self.records.all(ActivityType, organization):
            if name.casefold() in (each.guid, each.name.casefold()):
                return each
        raise invalid(f"There is no activity type {name}.", "activityType")


def owner_row(activity: Activity) -> str:
    """The guid of the owner among the participants: nobody can be removed by it."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, activity.guid))


def base(target: Target) -> Activity:
    """The activity itself, or the series of an occurrence."""
    return target.series if isinstance(target, Occurrence) else target
