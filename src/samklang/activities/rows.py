"""Rows to neutral entries and back. Nothing here queries (rows come prefetched) or saves."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from samklang.activities.models import Activity, Override, Participant, TimeColumns
from samklang.engine import canonical, times
from samklang.engine.model import (
    AllDay,
    Availability,
    Category,
    Entry,
    Inexpressible,
    Occurrence,
    Person,
    Recurrence,
    SeenActivity,
    Sensitivity,
    Timed,
    When,
)
from samklang.engine.recurrence import last_end, slot

#: A date begins and ends at most this far from the same midnight in UTC.
_WIDEST_ZONE = timedelta(hours=14)

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")

_RESPONSES: dict[str, str] = {
    Participant.Status.ACCEPTED: "accepted",
    Participant.Status.TENTATIVE: "tentative",
    Participant.Status.DECLINED: "declined",
}


# --- reading --------------------------------------------------------------------------------------------------------


def seen_of(activity: Activity) -> SeenActivity:
    """The activity as the sync sees it; needs `Activity.objects.whole()`."""
    participants = activity.participants.all()
    return SeenActivity(
        id=activity.psa_id,
        version=str(activity.version),
        entry=entry_of(activity),
        type_id=str(activity.type.guid),
        category=Category(activity.type.category),
        owner_id=activity.owner.psa_id if activity.owner else None,
        participant_ids=tuple(row.user.psa_id for row in participants if row.user),
        invitation=is_invitation(activity),
        draft=activity.draft,
        closed=activity.closed,
        has_hours=activity.has_hours,
        modified=activity.edited,
        modified_by=activity.modified_by.psa_id if activity.modified_by else "",
        key=activity.create_key,
    )


def is_invitation(activity: Activity) -> bool:
    """Somebody outside called it: a meeting its owner was invited to (rule 4.2)."""
    return any(row.organizer and row.user is None for row in activity.participants.all())


def entry_of(activity: Activity) -> Entry:
    """The whole activity, unmasked; needs `Activity.objects.whole()`."""
    series = Entry(
        title=activity.name,
        when=when_of(activity),
        place=activity.location,
        text=activity.notes,
        sensitivity=_sensitivity(activity.is_private),
        availability=_availability(activity),
        recurrence=recurrence_of(activity.recurrence),
        people=_people(activity),
    )
    if not activity.is_series:
        return series
    overrides = activity.overrides.all()
    return replace(
        series,
        exceptions={o.day: _occurrence(o, activity, series) for o in overrides if not o.cancelled},
        cancelled=frozenset(o.day for o in overrides if o.cancelled),
    )


def when_of(row: TimeColumns) -> When:
    if row.first_day is not None:
        assert row.end_day is not None
        return AllDay(row.first_day, row.end_day)
    assert row.starts is not None and row.ends is not None
    return Timed(row.starts.astimezone(UTC), row.ends.astimezone(UTC), row.zone, row.end_zone or None)


def recurrence_of(stored: dict[str, Any] | None) -> Recurrence | Inexpressible | None:
    if stored is None:
        return None
    if "frequency" in stored:
        return msgspec.convert(stored, Recurrence)
    return msgspec.convert(stored, Inexpressible)


def _occurrence(override: Override, activity: Activity, series: Entry) -> Occurrence:
    timed = override.first_day is not None or override.starts is not None
    masked = activity.masked if override.masked is None else override.masked
    return Occurrence(
        title=series.title if override.name is None else override.name,
        when=when_of(override) if timed else slot(series, override.day),
        place=series.place if override.location is None else override.location,
        text=series.text if override.notes is None else override.notes,
        sensitivity=_sensitivity(masked or activity.type.is_private),
        availability=series.availability,
    )


def _sensitivity(private: bool) -> Sensitivity:
    return Sensitivity.PRIVATE if private else Sensitivity.NORMAL


def _availability(activity: Activity) -> Availability:
    if activity.type.category == Category.ABSENCE:
        return Availability.OUT_OF_OFFICE
    return Availability.BUSY if activity.has_duration else Availability.FREE


def _people(activity: Activity) -> tuple[Person, ...]:
    """Its participants, who called it first."""
    people = (_person(participant) for participant in activity.participants.all())
    return tuple(sorted(people, key=lambda person: not person.is_organizer))


def _person(participant: Participant) -> Person:
    return Person(
        address=participant.shown_address,
        name=participant.shown_name,
        resource=participant.kind == Participant.Kind.RESOURCE,
        response="organizer" if participant.organizer else _RESPONSES.get(participant.status, "none"),
    )


# --- writing --------------------------------------------------------------------------------------------------------


def put_entry(activity: Activity, entry: Entry) -> None:
    """Set the activity's own columns as the entry has them; its overrides are `overrides_of(entry)`."""
    activity.name = _storable(entry.title)
    activity.location = _storable(entry.place)
    activity.notes = _storable(entry.text)
    activity.recurrence = None if entry.recurrence is None else _stored(entry.recurrence)
    put_when(activity, entry.when)
    activity.opens, activity.over = reach(entry)


def put_when(row: TimeColumns, when: When) -> None:
    if isinstance(when, AllDay):
        row.first_day, row.end_day = when.first, when.end
        row.starts = row.ends = row.start_wall = row.end_wall = None
        row.zone = row.end_zone = ""
        return
    row.first_day = row.end_day = None
    row.starts, row.ends = when.start, when.end
    row.zone, row.end_zone = when.zone, when.end_zone or ""
    row.start_wall = times.to_wall(when.start, when.zone)
    row.end_wall = times.to_wall(when.end, when.end_zone or when.zone)


def reach(entry: Entry) -> tuple[datetime, datetime | None]:
    """The first instant of anything in the entry, and the last; None when it never ends."""
    whens = [entry.when, *(changed.when for changed in entry.exceptions.values())]
    opens = min(times.start_of(when, "UTC") for when in whens)
    extra_dates = isinstance(entry.recurrence, Inexpressible) and "\n" in entry.recurrence.rule
    over = None if extra_dates else last_end(entry, "UTC")
    if any(isinstance(when, AllDay) for when in whens):
        opens = _moved(opens, -_WIDEST_ZONE)
        over = over and _moved(over, _WIDEST_ZONE)
    return opens, over


@dataclass(frozen=True, slots=True)
class Own:
    """What one occurrence has of its own; None means "as the series"."""

    cancelled: bool = False
    name: str | None = None
    notes: str | None = None
    location: str | None = None
    masked: bool | None = None
    when: When | None = None

    def put(self, override: Override) -> Override:
        """Set the override's columns."""
        override.cancelled = self.cancelled
        override.name, override.notes, override.location = self.name, self.notes, self.location
        override.masked = self.masked
        if self.when is not None:
            put_when(override, self.when)
        else:
            override.first_day = override.end_day = override.starts = override.ends = None
            override.start_wall = override.end_wall = None
            override.zone = override.end_zone = ""
        return override


def overrides_of(entry: Entry) -> dict[date, Own]:
    """What each changed or cancelled occurrence has of its own (rule 5.3), by the canonical comparison."""
    own: dict[date, dict[str, Any]] = {}
    for key in canonical.fields(entry) if entry.exceptions or entry.cancelled else ():
        day = canonical.occurrence_of(key)
        if day is None:
            continue
        values = own.setdefault(day, {})
        changed = entry.exceptions.get(day)
        match key[13:]:
            case "":
                values["cancelled"] = True
            case "title" if changed:
                values["name"] = _storable(changed.title)
            case "text" if changed:
                values["notes"] = _storable(changed.text)
            case "place" if changed:
                values["location"] = _storable(changed.place)
            case "time" if changed:
                values["when"] = changed.when
            case "sensitivity" if changed:
                values["masked"] = changed.sensitivity.is_private
    return {day: Own(**values) for day, values in own.items()}


def _storable(text: str) -> str:
    """Without what PostgreSQL cannot hold in a text: NUL and lone surrogates. The canonical form has neither."""
    return _NOT_STORABLE.sub("", text)


def _stored(recurrence: Recurrence | Inexpressible) -> dict[str, Any]:
    stored: dict[str, Any] = msgspec.to_builtins(recurrence)
    return stored


def _moved(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return moment
