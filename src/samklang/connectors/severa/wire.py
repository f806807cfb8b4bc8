"""Severa's activities as neutral entries (Severa facts §1.6, §1.8). Pure.

An activity has no zone: times are instants, and the zone is the one it was made in if we know (rule 13.5), else its
owner's. Whole days run from local midnight to local midnight. A series is its pattern, with the occurrences that
deviate beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from samklang.connectors.severa import recurrence as severa_recurrence
from samklang.connectors.severa.schema import Activity, Participant, Whole
from samklang.engine import recurrence, rrule, times
from samklang.engine.canonical import text_from_html
from samklang.engine.model import (
    AllDay,
    Availability,
    Entry,
    Inexpressible,
    Occurrence,
    Person,
    Recurrence,
    Timed,
    When,
)
from samklang.sync.errors import ProtocolError

#: Notes that are a whole piece of HTML; whether Severa keeps such is not stated (facts §1.8).
_HTML = re.compile(r"\s*<(\w+)\b[^>]*>.*</\w+>\s*", re.DOTALL)
_STATUSES = {"Accepted": "accepted", "Tentative": "tentative", "Declined": "declined"}
STATUS_OF = {response: status for status, response in _STATUSES.items()}
_HALF_A_DAY = timedelta(hours=12)
#: Days by which an occurrence may have been moved, where nothing tells.
_FAR_MOVED = 62


def moment(text: str) -> datetime:
    """An instant, aware UTC; one without offset is taken for UTC (Severa facts §1.6). Raises ProtocolError."""
    found = _parsed(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def owner_of(activity: Activity) -> str | None:
    """PSA id of its owner; None for the id of nobody."""
    guid = activity.owner_user.guid if activity.owner_user else None
    return None if not guid or not guid.strip("0-") else guid


def type_of(activity: Activity) -> str:
    """Guid of its type; "" where it has none."""
    return (activity.activity_type.guid if activity.activity_type else None) or ""


# --- reading ----------------------------------------------------------------------------------------------------------


def entry_of(whole: Whole, zone: str, people: Sequence[Person] = ()) -> Entry:
    """The whole activity. `zone`: its owner's."""
    activity = whole.activity
    zone, end_zone = _zones(whole, zone)
    when = when_of(activity, zone, end_zone)
    series = Entry(
        title=activity.name or "",
        when=when,
        place=activity.location or "",
        text=text_of(activity),
        availability=Availability.BUSY if lasts(activity) else Availability.FREE,
        recurrence=rule_of(activity, when, zone),
        people=tuple(people),
    )
    if series.recurrence is None:
        return series
    changed = {date.fromisoformat(day): occurrence_of(one, zone) for day, one in whole.exceptions.items()}
    return replace(series, exceptions=changed, cancelled=frozenset(map(date.fromisoformat, whole.cancelled)))


def occurrence_of(activity: Activity, zone: str) -> Occurrence:
    return Occurrence(
        title=activity.name or "",
        when=when_of(activity, zone),
        place=activity.location or "",
        text=text_of(activity),
        availability=Availability.BUSY if lasts(activity) else Availability.FREE,
    )


def when_of(activity: Activity, zone: str, end_zone: str | None = None) -> When:
    """Whole days where it says so, and where it has no end or no duration (rule 1.5)."""
    start = moment(activity.start_date_time)
    end = moment(activity.end_date_time) if activity.end_date_time else None
    if activity.is_all_day:
        # Midnight where it was made: a day does not move because its owner did (rules 6.2, 6.4).
        first = (times.to_wall(start, zone) + _HALF_A_DAY).date()
        until = (times.to_wall(end, zone) + _HALF_A_DAY).date() if end else first
    elif end is None or activity.has_duration is False:
        first = times.to_wall(start, zone).date()
        last = times.to_wall(end, zone) if end else None
        until = times.add_days(last.date(), last.time() > time()) if last else first
    else:
        return Timed(start, max(start, end), zone, end_zone)
    return AllDay(first, max(until, times.add_days(first, 1)))


def text_of(activity: Activity) -> str:
    notes = activity.notes or ""
    return text_from_html(notes) if is_html(notes) else notes


def is_html(notes: str | None) -> bool:
    return bool(notes) and _HTML.fullmatch(notes or "") is not None


def rule_of(activity: Activity, when: When, zone: str) -> Recurrence | Inexpressible | None:
    """`zone`: the one the activity is read in."""
    if activity.recurrence is None:
        return rrule.parse(activity.recurrence_rule, when) if activity.recurrence_rule else None
    value = dict(activity.recurrence)
    span = value.get("range")
    if isinstance(span, dict) and span.get("maxOccurrences") and span.get("recursUntilDate"):
        value["range"] = _told_both(span, value.get("lastOccurrenceDateTime"), when, zone)
    try:
        return severa_recurrence.from_json(value, times.local_day(when))
    except severa_recurrence.NotARecurrence:
        return Inexpressible("invalid_rule", activity.recurrence_rule or "")


def _told_both(span: dict[str, Any], last: str | None, when: When, zone: str) -> dict[str, Any]:
    """Where a series has a number of dates and an end, which of them counts no source tells; but it says its last date
    (ActivityRecurrenceModel)."""
    if not last:
        return {"maxOccurrences": span["maxOccurrences"]}
    wall = times.to_wall(moment(last), zone) + (_HALF_A_DAY if isinstance(when, AllDay) else timedelta())
    return {"recursUntilDate": wall.date().isoformat()}


def response_of(participant: Participant) -> str:
    return _STATUSES.get(participant.status or "", "none")


def lasts(activity: Activity) -> bool:
    """It has an end and a duration; what has none is its whole day, and free (rule 1.5)."""
    return activity.end_date_time is not None and activity.has_duration is not False


def _zones(whole: Whole, owners: str) -> tuple[str, str | None]:
    """Zone of start and end: those it was made in; of a series only where the owner's dates it alike."""
    ours = whole.ours
    if not ours.zone:
        return owners, None
    if whole.is_series:
        start = moment(whole.activity.start_date_time)
        alike = times.to_wall(start, ours.zone) == times.to_wall(start, owners)
        return (ours.zone if alike else owners), None
    return ours.zone, ours.end_zone


# --- the dates of a series that deviate -------------------------------------------------------------------------------


def listed_dates(series: Activity, zone: str) -> list[date]:
    """The original dates of a series that are changed or removed (ActivityRecurrenceModel.exceptions)."""
    listed = (series.recurrence or {}).get("exceptions") or ()
    return sorted({_day(str(text), zone) for text in listed})


def arranged(
    series: Activity,
    changed: Iterable[Activity],
    zone: str,
    known: Mapping[str, str],
    *,
    only_removed_are_listed: bool = False,
) -> tuple[dict[str, Activity], list[str]]:
    """Changed occurrences by original date, and removed dates, both in ISO.

    An occurrence does not say its original date: `known` are those we saw before, by guid. Of the others each takes
    its own date if that deviates, else the nearest that does. Whichever of two moved occurrences came from which date,
    a calendar shows the same. `only_removed_are_listed`: then each takes its own date, or the nearest the rule gives.
    """
    listed = {day.isoformat(): day for day in listed_dates(series, zone)}
    free = _slots_near(series, changed, zone, listed) if only_removed_are_listed else dict(listed)
    placed: dict[str, Activity] = {}
    waiting = []
    for one in sorted(changed, key=lambda one: (one.start_date_time, one.guid)):
        day = known.get(one.guid) or _own_day(one, zone).isoformat()
        if day in free or one.guid in known:
            free.pop(day, None)
            placed[day] = one
        else:
            waiting.append(one)
    for one in waiting:
        own = _own_day(one, zone)
        nearest = min(free.values(), key=lambda day: (abs(day - own), day), default=own).isoformat()
        free.pop(nearest, None)
        placed.setdefault(nearest, one)
    return placed, sorted(set(listed if only_removed_are_listed else free) - placed.keys())


def _slots_near(
    series: Activity, changed: Iterable[Activity], zone: str, removed: Mapping[str, date]
) -> dict[str, date]:
    """The dates of the rule around the changed occurrences, those removed apart."""
    entry = entry_of(Whole(series), zone)
    days = [_own_day(one, zone) for one in changed]
    if not days or entry.recurrence is None:
        return {}
    first, last = times.add_days(min(days), -_FAR_MOVED), times.add_days(max(days), _FAR_MOVED)
    slots = recurrence.slot_days(entry, first, last)
    return {day.isoformat(): day for day in slots if day.isoformat() not in removed}


def _own_day(one: Activity, zone: str) -> date:
    return times.local_day(when_of(one, zone))


def _day(text: str, zone: str) -> date:
    """The date of an exception; without offset it is the series' own."""
    found = _parsed(text)
    return times.to_wall(found, zone).date() if found.tzinfo else found.date()


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ProtocolError("malformed_answer", "not a date-time") from None
