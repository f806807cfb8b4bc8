"""Which of Exchange's zones a TZID of an iCalendar file means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from samklang.sandbox import zones
from samklang.sandbox.rrules import RejectedError

# Tried first among the zones whose clocks agree with a definition, so that the usual name is found.
_LIKELY = (
    "UTC",
    "W. Europe Standard Time",
    "GMT Standard Time",
    "FLE Standard Time",
    "Romance Standard Time",
    "Eastern Standard Time",
    "Pacific Standard Time",
)


class FileZones:
    """The VTIMEZONE definitions of one file; `mailbox_zone` (Windows id) is for floating times."""

    def __init__(self, calendar: Any, mailbox_zone: str) -> None:
        self._mailbox_zone = mailbox_zone
        self._definitions = {str(part.get("TZID")): part for part in calendar.walk("VTIMEZONE")}
        self._rules: dict[str, tzinfo] = {}
        self._named: dict[tuple[str, int], str] = {}

    def instant(self, moment: datetime, tzid: str | None) -> tuple[datetime, str]:
        """The UTC instant of a DTSTART or the like, and the Windows id of its zone. Raises RejectedError."""
        if tzid is None:
            if moment.tzinfo is not None:
                return moment.astimezone(UTC), "UTC"
            return zones.to_utc(moment, self._mailbox_zone), self._mailbox_zone
        name = self._known(str(tzid))
        wall = moment.replace(tzinfo=None)
        if name is not None:
            return zones.to_utc(wall, name), zones.windows_id(name)
        rules = self._definition(str(tzid))
        return wall.replace(tzinfo=rules).astimezone(UTC), self._likeness(str(tzid), rules, wall.year)

    def _known(self, tzid: str) -> str | None:
        """A name Exchange knows: as it is, or behind a vendor's prefix (`/vendor.example/Europe/Oslo`)."""
        parts = tzid.strip().strip('"').split("/")
        for n in range(len(parts)):
            try:
                return zones.iana_name("/".join(parts[n:]))
            except zones.UnknownZoneError:
                continue
        return None

    def _definition(self, tzid: str) -> tzinfo:
        if tzid not in self._rules:
            if tzid not in self._definitions:
                raise RejectedError(f"its time zone {tzid} is unknown and not defined in the file")
            try:
                self._rules[tzid] = self._definitions[tzid].to_tz(lookup_tzid=False)
            except (ValueError, KeyError, TypeError, IndexError) as error:
                raise RejectedError(f"its time zone {tzid} has no usable definition") from error
        return self._rules[tzid]

    def _likeness(self, tzid: str, rules: tzinfo, year: int) -> str:
        """The Windows zone whose clocks agree with a definition through a year and the next."""
        if (tzid, year) not in self._named:
            first = datetime(year, 1, 1, 12, tzinfo=UTC)
            moments = [first + timedelta(days=5 * n) for n in range(146)]
            offsets = [moment.astimezone(rules).utcoffset() for moment in moments]
            for name in (*_LIKELY, *zones.windows_ids()):
                known = zones.zone(name)
                if all(m.astimezone(known).utcoffset() == o for m, o in zip(moments, offsets, strict=True)):
                    self._named[tzid, year] = name
                    break
            else:
                raise RejectedError(f"its time zone {tzid} is like none that Windows knows")
        return self._named[tzid, year]
