"""Time zone names as Exchange knows them: Windows ids inside, IANA names accepted (Graph facts §4.3)."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import tz_win, win_tz

_WINDOWS = {name.casefold(): name for name in win_tz}
_IANA = {name.casefold(): name for name in tz_win}
_ALSO_UTC = frozenset({"tzone://microsoft/utc", "etc/utc", "z", "gmt", "etc/gmt"})


class UnknownZoneError(ValueError):
    """A name that is neither a Windows id nor an IANA name Exchange maps to one."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Unknown time zone {name!r}; use a Windows id or an IANA name.")
        self.name = name


@lru_cache(maxsize=1024)
def windows_id(name: str) -> str:
    """The Windows id for a Windows or IANA name, in Microsoft's spelling. Raises UnknownZoneError."""
    folded = name.strip().casefold()
    if folded in _WINDOWS:
        return _WINDOWS[folded]
    if folded in _ALSO_UTC:
        return "UTC"
    if folded in _IANA:
        return tz_win[_IANA[folded]]
    raise UnknownZoneError(name)


def windows_only(name: str) -> str:
    """As `windows_id`, for who knows no IANA names: Exchange Server. Raises UnknownZoneError."""
    if name.strip().casefold() not in _WINDOWS:
        raise UnknownZoneError(name)
    return windows_id(name)


@lru_cache(maxsize=1024)
def iana_name(name: str) -> str:
    """The IANA name for a Windows or IANA name; an IANA name stays what it is. Raises UnknownZoneError."""
    folded = name.strip().casefold()
    if folded in _IANA:
        return _IANA[folded]
    windows = windows_id(name)
    return "Etc/UTC" if windows == "UTC" else win_tz[windows]


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The rules behind a Windows or IANA name. Raises UnknownZoneError."""
    return ZoneInfo(iana_name(name))


def to_utc(local: datetime, name: str) -> datetime:
    """The UTC instant of a wall clock time (naive). Of a time that happens twice the first is meant; one that
    the clocks skip is read with the offset before the jump."""
    return local.replace(tzinfo=zone(name)).astimezone(UTC)


def to_local(instant: datetime, name: str) -> datetime:
    """The wall clock time (naive) of an aware instant in a zone."""
    return instant.astimezone(zone(name)).replace(tzinfo=None)


def windows_ids() -> list[str]:
    return sorted(_WINDOWS.values())


def iana_names() -> list[str]:
    return sorted(_IANA.values())
