"""Which zone a TZID of a calendar file means (rule 6.3).

An IANA or Windows name is itself, whatever the file says of it. Of any other name the definition in the file counts,
and is compared with the zones we know; without one, a name that is only spelled otherwise or has a vendor's prefix will
do, else the reader's own zone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from tzlocal.windows_tz import win_tz

from samklang.engine import times


class FileZones:
    """The zones of one file; `own_zone` (IANA) is the reader's, for floating times and what nobody can make out."""

    def __init__(self, calendars: list[Any], own_zone: str) -> None:
        self._own = own_zone
        self._definitions = {
            str(part.get("TZID")).strip(): part for calendar in calendars for part in calendar.walk("VTIMEZONE")
        }
        self._rules: dict[str, tzinfo | None] = {}
        self._alike: dict[tuple[str, int], str | None] = {}

    def read(self, moment: datetime, tzid: str | None) -> tuple[datetime, str, bool]:
        """UTC instant, IANA zone, and whether that zone's clocks are the ones meant (a series needs them)."""
        wall = moment.replace(tzinfo=None)
        if tzid is None:
            if moment.tzinfo is not None:
                return moment.astimezone(UTC), "UTC", True
            return times.to_instant(wall, self._own), self._own, True
        tzid = tzid.strip().strip('"')
        rules = None if times.iana_name(tzid) else self._definition(tzid)
        if rules is None:
            name = times.iana_name(tzid) or _similar(tzid) or self._own
            return times.to_instant(wall, name), name, True
        instant = wall.replace(tzinfo=rules).astimezone(UTC)
        alike = self._like(tzid, rules, wall.year)
        return instant, alike or self._own, alike is not None

    def _definition(self, tzid: str) -> tzinfo | None:
        """The clocks a VTIMEZONE describes; None without a usable one."""
        if tzid not in self._rules:
            part = self._definitions.get(tzid)
            try:
                self._rules[tzid] = part.to_tz(lookup_tzid=False) if part is not None else None
            except (ValueError, KeyError, TypeError, IndexError, AttributeError):
                self._rules[tzid] = None
        return self._rules[tzid]

    def _like(self, tzid: str, rules: tzinfo, year: int) -> str | None:
        """A zone whose clocks agree with a definition through a year and the next, likely ones first."""
        year = min(max(year, 2), 9997)
        if (tzid, year) not in self._alike:
            moments = [datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(days=5 * n) for n in range(146)]
            offsets = [moment.astimezone(rules).utcoffset() for moment in moments]
            likely = (_similar(tzid) or self._own, self._own, "UTC", *win_tz.values())
            agree = (name for name in likely if _offsets(name, moments) == offsets)
            self._alike[tzid, year] = next(agree, None)
        return self._alike[tzid, year]


def _offsets(zone: str, moments: list[datetime]) -> list[timedelta | None]:
    clocks = times.zone_info(zone)
    return [moment.astimezone(clocks).utcoffset() for moment in moments]


@cache
def _similar(tzid: str) -> str | None:
    """The zone of this name, or behind a vendor's prefix ("/vendor.example/20260101/Europe/Oslo"), in any case."""
    parts = tzid.split("/")
    for start in range(len(parts)):
        found = _names().get("/".join(parts[start:]).casefold())
        if found:
            return found
    return None


@cache
def _names() -> dict[str, str]:
    windows = {name.casefold(): str(zone) for name, zone in win_tz.items()}
    return windows | {name.casefold(): name for name in available_timezones()}
