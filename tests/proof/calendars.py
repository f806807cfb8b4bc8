"""An independent reading of the real calendars: icalendar for the text, dateutil for the dates, nothing of ours."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import icalendar
import pytest
from dateutil.rrule import rrulestr

FOLDER = Path(os.environ.get("SAMKLANG_CALENDARS", Path(__file__).parents[2].parent / "shared" / "calendars"))


def the_file(name: str) -> Path:
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"{name} is not at hand; SAMKLANG_CALENDARS names the folder of real calendars")
    return path


@dataclass(frozen=True)
class Table:
    """What is to become of the singles and series of a file, by title."""

    #: What comes across (rule 3.3).
    brought: Counter[str]
    #: Those that ended more than 30 days before the first run.
    left_out: Counter[str]


class Reading:
    """The single entries and series of a file that a mailbox holds, and which of them are in scope."""

    def __init__(self, text: bytes, zone: str, rejected: set[str]) -> None:
        calendar = icalendar.Calendar.from_ical(text)
        self._own = ZoneInfo(zone)
        self._definitions = {str(part["TZID"]): part for part in calendar.walk("VTIMEZONE")}
        events = calendar.walk("VEVENT")
        masters = [one for one in events if "RECURRENCE-ID" not in one]
        uids = {str(one.get("UID")) for one in masters}
        alone = [one for one in events if "RECURRENCE-ID" in one and str(one.get("UID")) not in uids]
        self.changed = [one for one in events if "RECURRENCE-ID" in one and str(one.get("UID")) in uids]
        #: Singles and series a mailbox can hold; the others by UID are the sandbox's to name.
        self.kept = [one for one in masters + alone if str(one.get("UID")) not in rejected]

    def table(self, started: datetime) -> Table:
        cut_off = datetime.combine(started.astimezone(self._own).date() - timedelta(days=30), time(), self._own)
        found: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
        for event in self.kept:
            found[self._is_in(event, cut_off, started)][str(event.get("SUMMARY", "")).strip()] += 1
        return Table(found[True], found[False])

    def _is_in(self, event: Any, cut_off: datetime, started: datetime) -> bool:
        start, end = self._times(event)
        if "RRULE" not in event:
            return end >= cut_off
        overrides = [self._times(other)[1] for other in self.changed if other.get("UID") == event.get("UID")]
        length = end - start
        rule = event["RRULE"]
        if "COUNT" not in rule and "UNTIL" not in rule:
            return True
        # Wall clock, as rules count.
        zone = self._zone(event["DTSTART"])
        wall = start.astimezone(zone).replace(tzinfo=None)
        text = ";".join(part for part in rule.to_ical().decode().split(";") if not part.startswith("UNTIL"))
        dates = rrulestr(text, dtstart=wall)
        if "UNTIL" in rule:
            until = rule["UNTIL"][0]
            if not isinstance(until, datetime):
                last = datetime.combine(until, time.max)
            else:
                last = until.astimezone(zone).replace(tzinfo=None) if until.tzinfo else until
            dates = dates.replace(until=last)
        gone = {self._instant(value.dt, zone) for line in _all(event, "EXDATE") for value in line.dts}
        replaced = {
            self._instant(other["RECURRENCE-ID"].dt, zone)
            for other in self.changed
            if other.get("UID") == event.get("UID")
        }
        soonest = cut_off.astimezone(zone).replace(tzinfo=None) - length - timedelta(days=2)
        for begin in dates.xafter(soonest, inc=True):
            instant = begin.replace(tzinfo=zone).astimezone(UTC)
            if instant in gone or instant in replaced:
                continue
            if instant + length >= cut_off:
                return True
        return any(end >= cut_off for end in overrides)

    # -- times
    def _times(self, event: Any) -> tuple[datetime, datetime]:
        begin = event["DTSTART"]
        zone = self._zone(begin)
        start = self._instant(begin.dt, zone)
        if "DTEND" in event:
            end = self._instant(event["DTEND"].dt, self._zone(event["DTEND"]))
        elif "DURATION" in event:
            end = start + event["DURATION"].dt
        else:
            end = start if isinstance(begin.dt, datetime) else self._instant(begin.dt + timedelta(days=1), zone)
        if not isinstance(begin.dt, datetime):
            end = max(end, self._instant(begin.dt + timedelta(days=1), zone))
        return start, end

    def _zone(self, value: Any) -> tzinfo:
        """A TZID that is no exact IANA or Windows name takes the file's own VTIMEZONE (rule 6.3)."""
        tzid = value.params.get("TZID")
        if not isinstance(value.dt, datetime):
            return self._own
        if tzid is None:
            return UTC if value.dt.tzinfo is not None else self._own
        return self._named(str(tzid))

    @cache  # noqa: B019  (a reading lives as long as its test)
    def _named(self, tzid: str) -> tzinfo:
        try:
            return ZoneInfo(tzid)
        except (ZoneInfoNotFoundError, ValueError):
            return self._definitions[tzid].to_tz(lookup_tzid=False) if tzid in self._definitions else self._own

    def _instant(self, moment: date | datetime, zone: tzinfo) -> datetime:
        if not isinstance(moment, datetime):
            return datetime.combine(moment, time(), self._own).astimezone(UTC)
        if moment.tzinfo is UTC:
            return moment
        return moment.replace(tzinfo=zone).astimezone(UTC)


def _all(event: Any, name: str) -> list[Any]:
    value = event.get(name, [])
    return value if isinstance(value, list) else [value]


def part_of(text: bytes, every: int) -> bytes:
    """A calendar of all series with their exceptions and every n-th single entry, as found."""
    calendar = icalendar.Calendar.from_ical(text)
    repeating = {str(one.get("UID")) for one in calendar.walk("VEVENT") if "RRULE" in one or "RECURRENCE-ID" in one}
    number = 0
    for one in calendar.walk("VEVENT"):
        if str(one.get("UID")) not in repeating:
            number += 1
            if number % every:
                calendar.subcomponents.remove(one)
    return bytes(calendar.to_ical())
