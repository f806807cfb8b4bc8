"""Calendar text to entries. The reading of the text is the `icalendar` library's; what it means is decided here.

Nothing is approximated: a repeat rule that is no pattern both sides know is kept as text, and what cannot be kept at
all is left out with its reason.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import icalendar
from django.utils.translation import gettext as _
from icalendar.prop.broken import vBroken

from samklang.activities.ical.zones import FileZones
from samklang.activities.writing import LONGEST_PLACE
from samklang.engine import rrule, times
from samklang.engine.model import (
    AllDay,
    Entry,
    Inexpressible,
    Occurrence,
    Person,
    Recurrence,
    Sensitivity,
    Timed,
    When,
)
from samklang.engine.recurrence import slot, slot_days

_LONGEST_KEY = 200
_HIDDEN = {"PRIVATE": Sensitivity.PRIVATE, "CONFIDENTIAL": Sensitivity.CONFIDENTIAL}
_RESPONSES = {"ACCEPTED": "accepted", "TENTATIVE": "tentative", "DECLINED": "declined"}


class NotACalendar(ValueError):
    """The file is no iCalendar text."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry as read from a file."""

    #: UID; for a stand-alone occurrence with its date.
    key: str
    entry: Entry
    categories: tuple[str, ...] = ()
    #: False: a whole day that does not keep the person busy.
    has_duration: bool = True


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A component that did not become an activity."""

    uid: str
    #: Its start, as far as it could be read.
    day: date | None
    code: str
    reason: str

    def __str__(self) -> str:
        return f"{self.day.isoformat() if self.day else '?'} · {self.reason} (UID {self.uid[:60]})"


@dataclass
class Contents:
    """What a file holds."""

    drafts: list[Draft] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


class _Refused(Exception):
    """Carries code and sentence."""


def read(text: bytes, zone: str) -> Contents:
    """The entries of a file; `zone` (IANA) is the reader's, for floating times. Raises NotACalendar."""
    try:
        calendars = _parsed(text)
    except (ValueError, IndexError, KeyError, UnicodeDecodeError) as error:
        raise NotACalendar(_("The file is no iCalendar text.")) from error
    if not calendars or any(calendar.name != "VCALENDAR" for calendar in calendars):
        raise NotACalendar(_("The file holds no calendar."))
    reader = _Reader(FileZones(calendars, zone))
    reader.read(event for calendar in calendars for event in calendar.walk("VEVENT"))
    return reader.contents


class _Reader:
    def __init__(self, zones: FileZones) -> None:
        self._zones = zones
        self.contents = Contents()

    def read(self, events: Iterable[Any]) -> None:
        masters: dict[str, list[Any]] = defaultdict(list)
        changed: dict[str, list[Any]] = defaultdict(list)
        for event in events:
            (changed if "RECURRENCE-ID" in event else masters)[_uid(event)].append(event)
        for uid in [*masters, *(uid for uid in changed if uid not in masters)]:
            for number, master in enumerate(masters.get(uid, [])):
                # A UID used twice is against the standard; its entries are kept apart.
                key = uid if number == 0 else f"{uid}#{number}"
                with self._or_left_out(master):
                    self._master(master, key, changed[uid] if number == 0 else [])
            if uid not in masters:
                self._all_alone(changed[uid])

    @contextmanager
    def _or_left_out(self, event: Any) -> Iterator[None]:
        """What goes wrong with one component is its own affair."""
        try:
            yield
        except _Refused as refused:
            code, reason = refused.args
        except (ValueError, TypeError, AttributeError, OverflowError):  # what the library makes of broken values
            code, reason = "unreadable", _("a value of it cannot be read")
        else:
            return
        self.contents.left_out.append(LeftOut(_uid(event), _day(event), code, reason))

    # -- masters and singles

    def _master(self, event: Any, key: str, changed: list[Any]) -> None:
        if _text(event, "STATUS").upper() == "CANCELLED":
            raise _Refused("cancelled", _("it is cancelled"))
        entry, zone_is_sure = self._entry(event)
        rule = self._rule(event, entry.when)
        if rule is not None and not zone_is_sure:
            raise _Refused("zone_custom", _("it repeats in a time zone of its own that is like none known"))
        entry = replace(entry, recurrence=rule)
        if rule is not None:
            entry = replace(entry, cancelled=self._excluded(event, entry))
            for other in changed:
                with self._or_left_out(other):
                    entry = self._with_exception(entry, other)
        else:
            self._all_alone(changed)
        self._add(event, key, entry)

    def _all_alone(self, events: Iterable[Any]) -> None:
        for event in events:
            with self._or_left_out(event):
                self._alone(event)

    def _alone(self, event: Any) -> None:
        """A changed occurrence without its series (an invitation to one date), or of a date its rule does not give."""
        if _text(event, "STATUS").upper() == "CANCELLED":
            raise _Refused("cancelled", _("it is cancelled"))
        entry, _sure = self._entry(event)
        self._add(event, f"{_uid(event)}@{_one(event, 'RECURRENCE-ID').to_ical().decode()}", entry)

    def _add(self, event: Any, key: str, entry: Entry) -> None:
        free = isinstance(entry.when, AllDay) and _text(event, "TRANSP").upper() == "TRANSPARENT"
        self.contents.drafts.append(Draft(short_key(key), entry, _categories(event), has_duration=not free))

    def _entry(self, event: Any) -> tuple[Entry, bool]:
        when, zone_is_sure = self._when(event)
        return (
            Entry(
                title=_text(event, "SUMMARY").strip() or _("(no subject)"),
                when=when,
                place=_text(event, "LOCATION")[:LONGEST_PLACE],
                text=_text(event, "DESCRIPTION"),
                sensitivity=_HIDDEN.get(_text(event, "CLASS").upper(), Sensitivity.NORMAL),
                people=tuple(_people(event)),
            ),
            zone_is_sure,
        )

    # -- times

    def _when(self, event: Any) -> tuple[When, bool]:
        start, end = _one(event, "DTSTART"), _one(event, "DTEND")
        length = _one(event, "DURATION")
        if start is None or not isinstance(getattr(start, "dt", None), date):
            raise _Refused("start_missing", _("it has no start"))
        if not isinstance(start.dt, datetime):
            return AllDay(start.dt, _end_day(start.dt, end, length)), True
        instant, zone, sure = self._moment(start)
        if end is not None and isinstance(end.dt, datetime):
            ends, end_zone, _sure = self._moment(end)
        elif end is not None:
            ends, end_zone = times.midnight(end.dt, zone), zone
        else:
            ends, end_zone = _after(instant, zone, length.dt if length is not None else timedelta()), zone
        other = end_zone if end_zone != zone else None
        return Timed(instant, max(ends, instant), zone, other), sure

    def _moment(self, value: Any) -> tuple[datetime, str, bool]:
        return self._zones.read(value.dt, value.params.get("TZID"))

    def _slot_day(self, value: date | datetime, tzid: str | None, entry: Entry) -> date | None:
        """The original date an EXDATE or RECURRENCE-ID names; None when no occurrence starts just then."""
        if not isinstance(value, datetime):
            return value
        if isinstance(entry.when, AllDay):
            return value.date()
        instant, _zone, _sure = self._zones.read(value, tzid)
        day = times.to_wall(instant, entry.when.zone).date()
        regular = slot(entry, day)
        return day if isinstance(regular, Timed) and regular.start == instant else None

    # -- what repeats

    def _rule(self, event: Any, when: When) -> Recurrence | Inexpressible | None:
        rules = [value.to_ical().decode() for value in _all(event, "RRULE")]
        extra = sorted({self._wall(moment, tzid, when) for moment, tzid in _dates(event, "RDATE")})
        if not rules and not extra:
            return None
        if "EXRULE" in event:
            raise _Refused("exrule", _("it has a rule of exceptions (EXRULE), which is no longer in use"))
        if len(rules) == 1 and not extra:
            parsed = rrule.parse(rules[0], when)
            if isinstance(parsed, Inexpressible) and parsed.reason in ("invalid_rule", "sub_daily"):
                raise _Refused(parsed.reason, _REASONS[parsed.reason]())
            return parsed
        if any(_is_wrong(rule, when) for rule in rules):
            raise _Refused("invalid_rule", _REASONS["invalid_rule"]())
        if not rules:
            extra = sorted({_wall_start(when), *extra})
        lines = [f"RRULE:{rule}" for rule in rules]
        if extra:
            lines.append("RDATE:" + ",".join(f"{moment:%Y%m%dT%H%M%S}" for moment in extra))
        return Inexpressible("rule_and_extra_dates", "\n".join(lines))

    def _wall(self, moment: date | datetime, tzid: str | None, when: When) -> datetime:
        """A date of an RDATE as wall time in the series' zone."""
        if isinstance(when, AllDay) or not isinstance(moment, datetime):
            return datetime.combine(date(moment.year, moment.month, moment.day), _wall_start(when).time())
        instant, _zone, _sure = self._zones.read(moment, tzid)
        return times.to_wall(instant, when.zone)

    def _excluded(self, event: Any, entry: Entry) -> frozenset[date]:
        days = {self._slot_day(moment, tzid, entry) for moment, tzid in _dates(event, "EXDATE")}
        return frozenset(day for day in days if day is not None)

    def _with_exception(self, entry: Entry, event: Any) -> Entry:
        """The series with one changed occurrence; one whose date the rule does not give becomes a single entry."""
        original = _one(event, "RECURRENCE-ID")
        if str(original.params.get("RANGE", "")).upper() == "THISANDFUTURE":
            raise _Refused("this_and_future", _("it changes this and all later occurrences in one (RANGE)"))
        day = self._slot_day(original.dt, original.params.get("TZID"), entry)
        pattern = isinstance(entry.recurrence, Recurrence)
        if day is None or (pattern and not slot_days(entry, day, day)):
            self._alone(event)
            return entry
        if _text(event, "STATUS").upper() == "CANCELLED":
            return replace(entry, cancelled=entry.cancelled | {day})
        shown, _sure = self._entry(event)
        changed = Occurrence(shown.title, shown.when, shown.place, shown.text, shown.sensitivity)
        return replace(entry, exceptions={**entry.exceptions, day: changed}, cancelled=entry.cancelled - {day})


def _parsed(text: bytes) -> list[Any]:
    """The calendars of the text, without the definitions of zones where one of these is broken (case 155)."""
    try:
        return list(icalendar.Calendar.from_ical(text, multiple=True))
    except (ValueError, KeyError):
        bare = _ZONE_BLOCK.sub(b"", text)
        if bare == text:
            raise
        return list(icalendar.Calendar.from_ical(bare, multiple=True))


_ZONE_BLOCK = re.compile(rb"^BEGIN:VTIMEZONE\r?\n.*?^END:VTIMEZONE\r?\n", re.MULTILINE | re.DOTALL | re.IGNORECASE)

_REASONS = {
    "invalid_rule": lambda: _("its repeat rule is not valid"),
    "sub_daily": lambda: _("it repeats more than once a day"),
}


def short_key(uid: str) -> str:
    """A UID as it is stored: long ones by their digest."""
    return uid if len(uid) <= _LONGEST_KEY else "sha256:" + hashlib.sha256(uid.encode()).hexdigest()


def _is_wrong(rule: str, when: When) -> bool:
    parsed = rrule.parse(rule, when)
    return isinstance(parsed, Inexpressible) and parsed.reason in ("invalid_rule", "sub_daily")


def _wall_start(when: When) -> datetime:
    if isinstance(when, AllDay):
        return datetime.combine(when.first, time())
    return times.to_wall(when.start, when.zone)


def _end_day(first: date, end: Any, length: Any) -> date:
    """Exclusive; without a sensible end the entry lasts one day (RFC 5545 §3.6.1)."""
    if end is not None:
        last = end.dt.date() if isinstance(end.dt, datetime) else end.dt
    else:
        last = times.add_days(first, length.dt.days if length is not None else 1)
    return max(last, times.add_days(first, 1))


def _after(start: datetime, zone: str, length: timedelta) -> datetime:
    """Days by the wall clock, the rest by elapsed time (RFC 5545 §3.3.6); 24 hours come as a day from the library."""
    wall = times.to_wall(start, zone) + timedelta(days=length.days)
    days_later = times.to_instant(wall, zone) if length.days else start
    return days_later + timedelta(seconds=length.seconds)


# --- values of a component ------------------------------------------------------------------------------------------


def _all(event: Any, name: str) -> list[Any]:
    """All values of a property. Raises ValueError for one the library could not read."""
    values = _as_found(event, name)
    if any(isinstance(value, vBroken) for value in values):
        raise ValueError(name)
    return values


def _as_found(event: Any, name: str) -> list[Any]:
    value = event.get(name)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _one(event: Any, name: str) -> Any:
    """The first value, where a file gives several."""
    return next(iter(_all(event, name)), None)


def _text(event: Any, name: str) -> str:
    value = _one(event, name)
    return "" if value is None else str(value)


def _uid(event: Any) -> str:
    """Its UID; without one a digest of what it is, so that importing it again finds it."""
    uid = _text(event, "UID").strip()
    if uid:
        return uid
    parts = [_text(event, "SUMMARY"), *(str(value) for value in _as_found(event, "DTSTART"))]
    return "none:" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _day(event: Any) -> date | None:
    found = next(iter(_as_found(event, "DTSTART")), None)
    value = None if found is None or isinstance(found, vBroken) else found.dt
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None


def _dates(event: Any, name: str) -> Iterable[tuple[date | datetime, str | None]]:
    """The dates of all EXDATE or RDATE lines with their TZID. Raises _Refused for a period."""
    for line in _all(event, name):
        for value in line.dts:
            if not isinstance(value.dt, date):
                raise _Refused("extra_periods", _("it names extra periods of another length (RDATE)"))
            moment = value.dt
            in_utc = isinstance(moment, datetime) and moment.tzinfo is UTC
            yield moment, None if in_utc else line.params.get("TZID")


def _categories(event: Any) -> tuple[str, ...]:
    return tuple(str(name).strip() for value in _all(event, "CATEGORIES") for name in getattr(value, "cats", [value]))


def _people(event: Any) -> Iterable[Person]:
    """Attendees, and an organizer who is not among them, by address."""
    seen: set[str] = set()
    for name in ("ATTENDEE", "ORGANIZER"):
        for value in _as_found(event, name):
            if isinstance(value, vBroken):
                continue
            address = str(value)
            address = address[7:] if address.lower().startswith("mailto:") else ""
            called = str(value.params.get("CN", "")).strip('" ')
            if not (address or called) or (address.casefold() or called) in seen:
                continue
            seen.add(address.casefold() or called)
            yield Person(
                address=address,
                name=called,
                resource=str(value.params.get("CUTYPE", "")).upper() in ("ROOM", "RESOURCE"),
                response=_RESPONSES.get(str(value.params.get("PARTSTAT", "")).upper(), "none"),
            )
