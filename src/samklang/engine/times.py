"""Zones and instants: Windows and IANA names, wall clock and instant, whole days, the 30-day cut-off.

Every function is total: names nobody knows fall back, and times at either end of the calendar (year 1, year 9999)
are held at the end instead of overflowing. Instants are aware UTC; wall times are naive.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import tz_win, win_tz

from samklang.engine.model import AllDay, Timed, When

#: Rule 3.3: entries that ended more than this before the first run are left out.
CUT_OFF = timedelta(days=30)

_FIRST = datetime(1, 1, 1)  # noqa: DTZ001 - a wall time is naive by nature
_LAST = datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001


def windows_id(zone: str) -> str | None:
    """Windows id of an IANA zone ("Europe/Stockholm" -> "W. Europe Standard Time"); a Windows id is its own.

    None when Windows knows no such zone. Source: CLDR windowsZones as tzlocal carries it (EWS facts §2.5).
    """
    if zone in win_tz:
        return zone
    # tzlocal's table has an entry for "" that CLDR does not know.
    return str(tz_win[zone]) if zone and zone in tz_win else None


def iana_name(zone: str) -> str | None:
    """IANA name for a Windows id or an IANA name; None when it is neither ("Customized Time Zone")."""
    name = str(win_tz.get(zone, zone))
    return name if _load(name) else None


def canonical_zone(zone: str) -> str:
    """One name for zones that are the same to Windows, so that Stockholm coming back as Berlin is no change (6.3).

    The Windows id where there is one, else the name as given.
    """
    return windows_id(zone) or zone


def zone_info(zone: str) -> ZoneInfo:
    """The rules of a zone by IANA or Windows name; UTC for a name nobody knows."""
    return _load(str(win_tz.get(zone, zone))) or ZoneInfo("UTC")


@lru_cache(maxsize=1024)
def _load(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, malformed ("../x"), a folder ("Europe")
        return None


def to_instant(wall: datetime, zone: str) -> datetime:
    """The instant of a naive wall time in a zone (rule 6.4).

    A time that happens twice is the first one unless `wall.fold` is 1; a time the clocks skip is reckoned with the
    offset before the change, as RFC 5545 §3.3.5 asks (02:30 becomes 03:30).
    """
    try:
        return wall.replace(tzinfo=zone_info(zone)).astimezone(UTC)
    except OverflowError:
        return wall.replace(tzinfo=UTC, fold=0)


def to_wall(instant: datetime, zone: str) -> datetime:
    """The naive wall time of an instant in a zone; `fold` tells the second of two equal times."""
    try:
        return instant.astimezone(zone_info(zone)).replace(tzinfo=None)
    except OverflowError:
        return _FIRST if instant.year < 5000 else _LAST


def midnight(day: date, zone: str) -> datetime:
    """The instant a day begins in a zone."""
    return to_instant(datetime.combine(day, time()), zone)


def add_days(day: date, days: int) -> date:
    """`day` so many days later (or earlier), held at the ends of the calendar."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min


def local_day(when: When) -> date:
    """The date on which `when` starts, in the zone it was made in."""
    return when.first if isinstance(when, AllDay) else to_wall(when.start, when.zone).date()


def start_of(when: When, zone: str) -> datetime:
    """The instant something starts; whole days start at midnight in `zone`."""
    return when.start if isinstance(when, Timed) else midnight(when.first, zone)


def end_of(when: When, zone: str) -> datetime:
    """The instant something ends; whole days end at the midnight in `zone` that follows them."""
    return when.end if isinstance(when, Timed) else midnight(when.end, zone)


def is_before_cut_off(end: datetime, started_on: date, zone: str) -> bool:
    """True when what ended at `end` is left out by rule 3.3.

    Days are counted in the user's `zone`: the day of the first run minus 30 days is still in, and something that
    ended at the very midnight which opens that day is in as well.
    """
    return to_wall(end, zone).date() < add_days(started_on, -CUT_OFF.days)
