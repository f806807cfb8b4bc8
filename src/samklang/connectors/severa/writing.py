"""What is sent to Severa: an activity to be made, and the fields of one to be replaced (Severa facts §1.6-1.8). Pure.

Never written from here: project, customer, phase, hours, closed (rule 2). All of an activity's other links survive
because only what changed is replaced.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from samklang.connectors.severa import recurrence as severa_recurrence
from samklang.connectors.severa.schema import Activity, Ours
from samklang.engine import canonical, recurrence, times
from samklang.engine.model import AllDay, Entry, FieldKey, Inexpressible, Occurrence, Recurrence, Timed, Weekday, When
from samklang.sync import errors

Values = list[tuple[str, Any]]

#: How far two zones must agree for a series to be dated alike in both: every change of clocks comes once a year.
_AGREE = timedelta(days=3 * 366)


def body_of(entry: Entry, type_id: str, owner_id: str, zone: str) -> dict[str, Any]:
    """The body of a POST. `zone`: the owner's. Raises Inexpressible."""
    refuse(entry, zone)
    entry = recurrence.aligned(entry)
    body: dict[str, Any] = {
        "name": entry.title,
        "activityType": {"guid": type_id},
        "ownerUser": {"guid": owner_id},
        "location": entry.place or None,
        "notes": entry.text or None,
        **times_of(entry.when, zone),
    }
    if entry.recurrence is not None:
        body["recurrence"] = _rule(entry)
    return body


def links_of(activity: Activity) -> dict[str, Any]:
    """The links of an activity that is made anew, which are the PSA's own (rule 13.3)."""
    links = {"customer": activity.customer, "phase": activity.phase}
    return {name: {"guid": link.guid} for name, link in links.items() if link is not None and link.guid}


def replaced(held: Entry, wanted: Entry, zone: str, *, lasts: bool = True) -> Values:
    """What a PATCH replaces, so that the activity (its occurrences apart) is as wanted. Raises Inexpressible where its
    dates are to be others: those it has, Severa holds, whatever Exchange can (rule 5.5).

    `lasts`: it has an end and a duration; one that has none keeps having none (rule 1.5).
    """
    before, after = canonical.fields(held), canonical.fields(wanted)
    keys = {key for key in canonical.PLAIN_KEYS if before[key] != after[key]}
    if keys & {"time", "recurrence"}:
        refuse(wanted, zone)
    values = _texts(wanted, keys)
    if "time" in keys:
        values += _times(held.when, wanted.when, zone, lasts=lasts)
    if "recurrence" in keys:
        values.append(("/recurrence", _rule(wanted) if wanted.recurrence is not None else None))
    return values


def replaced_of_occurrence(held: Occurrence, wanted: Occurrence, keys: frozenset[FieldKey], zone: str) -> Values:
    values = _texts(wanted, keys)
    if "time" in keys:
        values += _times(held.when, wanted.when, zone)
    return values


def times_of(when: When, zone: str) -> dict[str, Any]:
    """Instants with the offset of the owner's zone; whole days from local midnight to local midnight, with both flags
    (Severa facts §1.6)."""
    if isinstance(when, AllDay):
        start, end = times.midnight(when.first, zone), times.midnight(when.end, zone)
    else:
        start, end = when.start, when.end
    return {
        "startDateTime": _text(start, zone),
        "endDateTime": _text(end, zone),
        "isAllDay": isinstance(when, AllDay),
        "hasDuration": True,
    }


def zones_of(entry: Entry, ours: Ours) -> None:
    """Remember the zones an entry was made in: Severa has no place for them (rule 13.5)."""
    when = entry.when
    ours.zone, ours.end_zone = (when.zone, when.end_zone) if isinstance(when, Timed) else ("", None)


def refuse(entry: Entry, zone: str) -> None:
    """Raises Inexpressible for a series that Severa cannot hold, or would date otherwise (rules 5.5, 13.5).

    `zone`: of its owner.
    """
    if entry.recurrence is None:
        return
    start = times.local_day(entry.when)
    reason = recurrence.problem(entry.recurrence, start)
    if reason is not None or isinstance(entry.recurrence, Inexpressible):
        raise errors.Inexpressible("recurrence_inexpressible", reason=str(reason))
    if recurrence.explicit(entry.recurrence, start).week_start is not Weekday.MONDAY:
        # Severa has no field for it (ActivityRecurrenceModel).
        raise errors.Inexpressible("severa_week_start")
    if not _dated_alike(entry, zone):
        raise errors.Inexpressible("severa_series_zone")


def holds_dates(entry: Entry) -> bool:
    """Whether no date of a series is private unlike the others: in Severa the type says that, of all of them."""
    return all(one.sensitivity.is_private is entry.sensitivity.is_private for one in entry.exceptions.values())


def refuse_dates(entry: Entry) -> None:
    """Raises Inexpressible for a series one of whose dates only is to be private, before a word of that date is written
    where all may read it (rules 1.6, 13.5)."""
    if not holds_dates(entry):
        raise errors.Inexpressible("severa_private_date")


def _dated_alike(entry: Entry, zone: str) -> bool:
    """Whether a series falls on the same instants where its owner lives, by whose clock Severa repeats it."""
    when = entry.when
    if isinstance(when, AllDay) or times.canonical_zone(when.zone) == times.canonical_zone(zone):
        return True
    start = times.local_day(when)
    for day in recurrence.slot_days(entry, start, times.add_days(start, _AGREE.days)):
        shown = recurrence.slot(entry, day)
        assert isinstance(shown, Timed), "a timed series has timed occurrences"
        if times.to_wall(shown.start, zone) != times.to_wall(shown.start, when.zone):
            return False
    return True


def _texts(wanted: Entry | Occurrence, keys: set[FieldKey] | frozenset[FieldKey]) -> Values:
    fields: dict[FieldKey, tuple[str, Any]] = {
        "title": ("/name", wanted.title),
        "place": ("/location", wanted.place or None),
        "text": ("/notes", wanted.text or None),
    }
    return [value for key, value in fields.items() if key in keys]


def _times(held: When, wanted: When, zone: str, *, lasts: bool = True) -> Values:
    values = times_of(wanted, zone)
    if not lasts and isinstance(wanted, AllDay):
        return [("/startDateTime", values["startDateTime"]), ("/endDateTime", values["endDateTime"])]
    same_kind = isinstance(held, AllDay) is isinstance(wanted, AllDay) and lasts
    return [(f"/{name}", value) for name, value in values.items() if name.endswith("DateTime") or not same_kind]


def _rule(entry: Entry) -> dict[str, Any]:
    assert isinstance(entry.recurrence, Recurrence), "an inexpressible rule was refused"
    start = times.local_day(entry.when)
    return severa_recurrence.to_json(recurrence.explicit(entry.recurrence, start), start)


def _text(moment: datetime, zone: str) -> str:
    try:
        local = moment.astimezone(times.zone_info(zone))
    except OverflowError:
        local = moment
    # An offset with seconds, as of 1900, is none that a server reads.
    return (local if local.utcoffset() is None or not _has_seconds(local) else moment.astimezone(UTC)).isoformat()


def _has_seconds(local: datetime) -> bool:
    return bool((local.utcoffset() or timedelta()).total_seconds() % 60)


def days_between(days: list[date]) -> tuple[date, date]:
    """A span that surely holds what starts on these dates, in any zone."""
    return times.add_days(min(days), -1), times.add_days(max(days), 2)
