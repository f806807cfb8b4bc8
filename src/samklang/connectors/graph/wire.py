"""Graph's JSON to entries: pure, one event at a time, so that one bad event never spoils a page.

Sources: Graph facts §4 (properties, zones, recurrence), §1.7 (all-day entries float).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, time

from samklang.connectors.graph import people, recur_blob
from samklang.connectors.graph.recur_blob import RECUR_PROPERTY
from samklang.connectors.graph.schema import (
    KEY_PROPERTY,
    TRANSACTION,
    Body,
    DateTimeZone,
    Event,
    Page,
    PatternedRecurrence,
)
from samklang.connectors.short_months import same_dates
from samklang.engine import times
from samklang.engine.canonical import text_from_html
from samklang.engine.model import (
    AllDay,
    Availability,
    Entry,
    Frequency,
    Inexpressible,
    Occurrence,
    Recurrence,
    SeenEvent,
    Sensitivity,
    Timed,
    Weekday,
    When,
)

FREQUENCY = {
    "daily": Frequency.DAILY,
    "weekly": Frequency.WEEKLY,
    "absolutemonthly": Frequency.MONTHLY,
    "relativemonthly": Frequency.MONTHLY,
    "absoluteyearly": Frequency.YEARLY,
    "relativeyearly": Frequency.YEARLY,
}
WEEKDAY = {day.name.lower(): day for day in Weekday}
POSITION = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
AVAILABILITY = {
    "free": Availability.FREE,
    "tentative": Availability.TENTATIVE,
    "busy": Availability.BUSY,
    "oof": Availability.OUT_OF_OFFICE,
    "workingelsewhere": Availability.ELSEWHERE,
}
SENSITIVITY = {each.value: each for each in Sensitivity}
_OCCURRENCE_ID = re.compile(r"OID\.(.+)\.\d{4}-\d\d-\d\d")


def seen_event(event: Event, home: str) -> SeenEvent:
    """A single event, or a master with the exceptions and cancelled occurrences it was asked for.

    `home`: IANA name for events whose own zone cannot be understood (rule 6.3). Raises ValueError for an event
    without times or with ones that are none.
    """
    zone = series_zone(event, home) if event.recurrence else _zone(home, event.original_start_time_zone)
    when = _when(event, zone)
    changed = {original_date(each, zone): each for each in event.exception_occurrences or ()}
    # By its organizer: in the others' calendars such a date stays, marked, as a whole meeting does (Graph facts §4.1).
    called_off = {day for day, each in changed.items() if each.is_cancelled}
    kept = {day: each for day, each in changed.items() if day not in called_off}
    listed = people.read(event)
    entry = Entry(
        title=event.subject or "",
        when=when,
        place=(event.location and event.location.display_name) or "",
        text=text_of(event.body),
        sensitivity=SENSITIVITY.get((event.sensitivity or "").lower(), Sensitivity.NORMAL),
        availability=AVAILABILITY.get((event.show_as or "").lower(), Availability.BUSY),
        recurrence=_recurrence(event.recurrence, times.local_day(when)) if event.recurrence else None,
        exceptions={day: occurrence(each, zone) for day, each in kept.items()},
        cancelled=frozenset(called_off | (_cancelled(event, changed) or set())),
        people=listed,
    )
    return SeenEvent(
        id=event.id,
        version=event.change_key or "",
        entry=entry,
        uid=event.i_cal_uid or "",
        is_meeting=bool(listed) or event.is_organizer is False,
        is_organizer=event.is_organizer is not False,
        is_cancelled=bool(event.is_cancelled),
        response=people.response(event.response_status),
        modified=_instant(event.last_modified_date_time) if event.last_modified_date_time else None,
        key=_key(event),
        occurrence_ids={day: each.id for day, each in kept.items()},
    )


def is_plain_series(event: Event) -> bool:
    """Whether a listed master is known to have neither exceptions nor cancelled dates."""
    return recur_blob.is_plain(_property(event, RECUR_PROPERTY))


def tells_cancelled(event: Event, home: str) -> bool:
    """Whether a master that was asked for by id says which of its dates are cancelled, in one of two ways."""
    zone = series_zone(event, home)
    return _cancelled(event, {original_date(each, zone) for each in event.exception_occurrences or ()}) is not None


def _cancelled(event: Event, changed: Collection[date]) -> set[date] | None:
    """Dates that are cancelled by what the server says, and by the bytes MAPI keeps (Graph facts §4.5); None when
    neither is to be had."""
    said = event.cancelled_occurrences
    bytes_say = recur_blob.cancelled_days(_property(event, RECUR_PROPERTY), changed)
    if said is None and bytes_say is None:
        return None
    return {date.fromisoformat(each[-10:]) for each in said or ()} | (bytes_say or frozenset())


def master_of(item_id: str) -> str | None:
    """Id of the series an occurrence is named by in an "OID.{master id}.{original date}"; None for another id."""
    found = _OCCURRENCE_ID.fullmatch(item_id)
    return found and found[1]


def series_zone(event: Event, home: str) -> str:
    """The zone whose wall clock a series follows: its rule's own, else the one it was made in."""
    rule_zone = event.recurrence.range.recurrence_time_zone if event.recurrence else None
    return _zone(home, rule_zone, event.original_start_time_zone)


def original_date(event: Event, zone: str) -> date:
    """The local date the series' rule gave an occurrence, whatever became of it. Raises ValueError without one."""
    if event.occurrence_id:
        return date.fromisoformat(event.occurrence_id[-10:])
    if event.start is None:
        raise ValueError("an occurrence without start")
    if event.is_all_day and event.type == "occurrence":
        return _local(event.start).date()
    original = _instant(event.original_start) if event.original_start else _aware(event.start)
    wall = times.to_wall(original, zone)
    # The slot of an all-day event is a midnight: of the series' zone, or, as the event floats, of UTC.
    return original.date() if event.is_all_day and wall.time() != time() else wall.date()


def occurrence_ids(page: Page[Event], zone: str, all_day: bool) -> dict[date, str]:
    """Ids of a series' occurrences by original date. Stubs do not say that they are all-day, hence `all_day`."""
    found = {}
    for each in page.value:
        each.is_all_day = all_day if each.is_all_day is None else each.is_all_day
        found[original_date(each, zone)] = each.id
    return found


def text_of(body: Body | None) -> str:
    """Plain text of a body, sent as HTML or as text."""
    if body is None or not body.content:
        return ""
    return text_from_html(body.content) if (body.content_type or "").lower() == "html" else body.content


def occurrence(event: Event, zone: str) -> Occurrence:
    """The content of a changed occurrence of a series that follows `zone`. Raises ValueError without times."""
    return Occurrence(
        title=event.subject or "",
        when=_when(event, zone),
        place=(event.location and event.location.display_name) or "",
        text=text_of(event.body),
        sensitivity=SENSITIVITY.get((event.sensitivity or "").lower(), Sensitivity.NORMAL),
        availability=AVAILABILITY.get((event.show_as or "").lower(), Availability.BUSY),
    )


def _when(event: Event, zone: str) -> When:
    if event.start is None or event.end is None:
        raise ValueError("an event without start or end")
    if event.is_all_day:
        return AllDay(_local(event.start).date(), _local(event.end).date())
    own_end = event.recurrence is None and event.type in ("singleInstance", None)
    end_zone = _zone(zone, event.original_end_time_zone) if own_end else zone
    return Timed(_aware(event.start), _aware(event.end), zone, None if end_zone == zone else end_zone)


def _local(moment: DateTimeZone) -> datetime:
    # Seven decimals; Python keeps six.
    return datetime.fromisoformat(moment.date_time[:26])


def _aware(moment: DateTimeZone) -> datetime:
    local = _local(moment)
    if moment.time_zone in ("UTC", None):
        return local.replace(tzinfo=UTC)
    return times.to_instant(local, _zone("UTC", moment.time_zone))


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text.rstrip("Zz")[:26])
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _zone(home: str, *names: str | None) -> str:
    """IANA name for the first name somebody knows; "tzone://Microsoft/Custom" nobody does (Graph facts §4.1).

    A Windows zone that is the user's own is the user's: Stockholm, not Berlin.
    """
    for name in names:
        if name and name.lower() == "tzone://microsoft/utc":
            return "Etc/UTC"
        found = times.iana_name(name) if name else None
        if found:
            return home if name != found and name == times.windows_id(home) else found
    return home


def _recurrence(rule: PatternedRecurrence, start: date) -> Recurrence | Inexpressible:
    pattern, limits = rule.pattern, rule.range
    kind = pattern.type.lower()
    frequency = FREQUENCY.get(kind)
    if frequency is None:
        return Inexpressible("unknown_pattern", pattern.type)
    relative, absolute, yearly = kind.startswith("relative"), kind.startswith("absolute"), kind.endswith("yearly")
    weekly = frequency is Frequency.WEEKLY
    read = Recurrence(
        frequency,
        interval=max(pattern.interval, 1),
        weekdays=_weekdays(pattern.days_of_week) if weekly or relative else (),
        # Left out, it is Sunday (Graph facts §4.4).
        week_start=WEEKDAY[(pattern.first_day_of_week or "sunday").lower()] if weekly else Weekday.MONDAY,
        day_of_month=pattern.day_of_month if absolute else None,
        position=POSITION[(pattern.index or "first").lower()] if relative else None,
        month=pattern.month if yearly else None,
        until=date.fromisoformat(limits.end_date or "") if limits.type.lower() == "enddate" else None,
        count=limits.number_of_occurrences if limits.type.lower() == "numbered" else None,
    )
    return same_dates(read, start)


def _weekdays(names: Iterable[str] | None) -> tuple[Weekday, ...]:
    return tuple(sorted({WEEKDAY[name.lower()] for name in names or ()}))


def _key(event: Event) -> str | None:
    if key := _property(event, KEY_PROPERTY):
        return key
    if event.transaction_id and event.transaction_id.startswith(TRANSACTION):
        return event.transaction_id.removeprefix(TRANSACTION)
    return None


def _property(event: Event, id: str) -> str | None:
    """Value of an extended property; None when the event came without it."""
    found = (each.value for each in event.single_value_extended_properties or () if each.id.lower() == id.lower())
    return next(found, None)
