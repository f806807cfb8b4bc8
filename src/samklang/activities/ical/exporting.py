"""A user's activities as a calendar file that any calendar reads, and that imports here without doubling."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

import icalendar
from icalendar import Event, vCalAddress, vRecur, vText

from samklang import __version__
from samklang.accounts.models import User
from samklang.activities import rows
from samklang.activities.models import Activity, Participant
from samklang.engine import rrule, times
from samklang.engine.model import AllDay, Entry, Inexpressible, Occurrence, When
from samklang.engine.recurrence import slot

_PARTSTAT = {
    Participant.Status.ACCEPTED: "ACCEPTED",
    Participant.Status.TENTATIVE: "TENTATIVE",
    Participant.Status.DECLINED: "DECLINED",
}


def export_calendar(user: User) -> bytes:
    """Everything the user owns or takes part in, series with their exceptions, and the zones they need."""
    calendar = icalendar.Calendar()
    calendar.add("PRODID", f"-//Samklang//{__version__}//EN")
    calendar.add("VERSION", "2.0")
    for activity in Activity.objects.of_person(user).whole().order_by("pk").iterator(chunk_size=500):
        for event in _events(activity):
            calendar.add_component(event)
    calendar.add_missing_timezones()
    return calendar.to_ical()


def _events(activity: Activity) -> Iterable[Event]:
    entry = rows.entry_of(activity)
    whole = Occurrence(entry.title, entry.when, entry.place, entry.text, entry.sensitivity)
    master = _event(activity, whole)
    if entry.recurrence is not None:
        _add_rule(master, entry)
        for day in sorted(entry.cancelled):
            master.add("EXDATE", _start(slot(entry, day)))
    yield master
    for day, changed in sorted(entry.exceptions.items()):
        event = _event(activity, changed)
        event.add("RECURRENCE-ID", _start(slot(entry, day)))
        yield event


def _event(activity: Activity, shown: Occurrence) -> Event:
    event = Event()
    event.add("UID", activity.import_uid or activity.psa_id)
    event.add("DTSTAMP", activity.modified)
    event.add("CREATED", activity.created)
    event.add("LAST-MODIFIED", activity.modified)
    event.add("SUMMARY", shown.title)
    event.add("DTSTART", _start(shown.when))
    event.add("DTEND", _end(shown.when))
    if shown.place:
        event.add("LOCATION", shown.place)
    if shown.text:
        event.add("DESCRIPTION", shown.text)
    if shown.sensitivity.is_private:
        event.add("CLASS", "PRIVATE")
    event.add("CATEGORIES", [activity.type.name])
    event.add("TRANSP", "OPAQUE" if activity.has_duration else "TRANSPARENT")
    for participant in activity.participants.all():
        event.add("ATTENDEE", _attendee(participant))
    return event


def _attendee(participant: Participant) -> vCalAddress:
    address = participant.shown_address
    attendee = vCalAddress(f"mailto:{address}" if address else "invalid:nomail")
    attendee.params["CN"] = vText(participant.shown_name)
    attendee.params["PARTSTAT"] = vText(_PARTSTAT.get(Participant.Status(participant.status), "NEEDS-ACTION"))
    if participant.kind == Participant.Kind.RESOURCE:
        attendee.params["CUTYPE"] = vText("RESOURCE")
    return attendee


def _add_rule(event: Event, entry: Entry) -> None:
    rule = entry.recurrence
    if not isinstance(rule, Inexpressible):
        assert rule is not None
        event.add("RRULE", vRecur.from_ical(rrule.text(rule, entry.when)))
        return
    for line in rule.rule.splitlines():
        name, colon, value = line.partition(":")
        if name.upper() == "RDATE":
            moments = [datetime.strptime(text, "%Y%m%dT%H%M%S") for text in value.split(",")]  # noqa: DTZ007
            event.add("RDATE", [_at(entry.when, moment) for moment in moments])
        else:
            event.add("RRULE", vRecur.from_ical(value if colon else name))


def _at(when: When, wall: datetime) -> date | datetime:
    return wall.date() if isinstance(when, AllDay) else wall.replace(tzinfo=ZoneInfo(when.zone))


def _start(when: When) -> date | datetime:
    return when.first if isinstance(when, AllDay) else _zoned(when.start, when.zone)


def _end(when: When) -> date | datetime:
    return when.end if isinstance(when, AllDay) else _zoned(when.end, when.end_zone or when.zone)


def _zoned(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(times.zone_info(zone))
