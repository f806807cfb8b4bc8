"""What Exchange calls a zone, and which of ours it is (EWS facts §2.5)."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import win_tz

from samklang.connectors.ews.soap import Element, T
from samklang.engine import times

#: Names of UTC that are no Windows ids.
_UTC = {"tzone://Microsoft/Utc", "Etc/UTC", "UTC"}

#: "-PT1H", "PT5H30M", "P1DT2H": xs:duration as far as zones use it.
_DURATION = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:[\d.]+S)?)?")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@lru_cache(maxsize=1024)
def known(name: str, home: str) -> str | None:
    """IANA name of what the server calls `name`; None when only its rules can tell ("Customized Time Zone").

    A Windows id stands for many places: it is `home`, the user's own zone, where that is one of them.
    """
    if name in _UTC:
        return "UTC"
    if times.windows_id(home) == name:
        return home
    return times.iana_name(name)


def by_rules(definition: Element, at: datetime, home: str) -> str | None:
    """The zone whose clocks stand as the definition says all through the year of `at`; the user's if it does.

    None for rules no zone has, or that cannot be read.
    """
    try:
        wanted = _offsets(definition, at.year)
    except (KeyError, ValueError, IndexError, AttributeError):
        return None
    for name in dict.fromkeys((home, *(str(each) for each in win_tz.values()))):
        if times.iana_name(name) and _offsets_of(name, at.year) == wanted:
            return name
    return None


def _instants(year: int) -> list[datetime]:
    """Twice a week through the year, in UTC: clocks that differ for days differ in one of them."""
    return [datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(hours=84 * n) for n in range(104)]


@lru_cache(maxsize=512)
def _offsets_of(name: str, year: int) -> tuple[timedelta | None, ...]:
    zone = ZoneInfo(name)
    return tuple(instant.astimezone(zone).utcoffset() for instant in _instants(year))


def _offsets(definition: Element, year: int) -> tuple[timedelta, ...]:
    """UTC offsets through a year by a TimeZoneDefinition's Periods, TransitionsGroups and Transitions.

    A Bias is what is added to local time to get UTC, so the offset is its negative.
    """
    biases = {each.get("Id"): _duration(each.get("Bias", "")) for each in definition.iterfind(f"{T}Periods/{T}Period")}
    groups = {each.get("Id"): each for each in definition.iterfind(f"{T}TransitionsGroups/{T}TransitionsGroup")}
    group = None
    for transition in definition.iterfind(f"{T}Transitions/*"):
        begins = transition.findtext(T + "DateTime")
        if begins is None or int(begins[:4]) <= year:
            group = groups[transition.findtext(T + "To")]
    if group is None:
        return tuple(-next(iter(biases.values())) for _ in _instants(year))
    changes = sorted((_moment(each, year), -biases[each.findtext(T + "To")]) for each in group)
    # A moment is wall time by the offset in force before it; before the first of a year the last one's is.
    before = [changes[-1][1], *(offset for _, offset in changes)]
    moments = [(moment - old, offset) for (moment, offset), old in zip(changes, before, strict=False)]
    found = []
    for instant in _instants(year):
        now = instant.replace(tzinfo=None)
        found.append(next((offset for moment, offset in reversed(moments) if moment <= now), before[0]))
    return tuple(found)


def _moment(transition: Element, year: int) -> datetime:
    """Wall time in `year` at which a transition of a group happens; the plain one stands for the whole year."""
    month = transition.findtext(T + "Month")
    if month is None:
        return datetime(year - 1, 12, 1)  # noqa: DTZ001 - a wall time
    offset = _duration(transition.findtext(T + "TimeOffset") or "PT0S")
    day = transition.findtext(T + "Day")
    if day is None:
        weekday = _WEEKDAYS.index(transition.findtext(T + "DayOfWeek") or "")
        when = _nth(year, int(month), weekday, int(transition.findtext(T + "Occurrence") or "1"))
    else:
        when = date(year, int(month), int(day))
    return datetime(when.year, when.month, when.day) + offset  # noqa: DTZ001 - a wall time


def _nth(year: int, month: int, weekday: int, occurrence: int) -> date:
    last = monthrange(year, month)[1]
    days = [date(year, month, day) for day in range(1, last + 1) if date(year, month, day).weekday() == weekday]
    return days[occurrence] if occurrence < 0 else days[min(occurrence, len(days)) - 1]


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(text)
    sign, days, hours, minutes = found.groups()
    length = timedelta(days=int(days or 0), hours=int(hours or 0), minutes=int(minutes or 0))
    return -length if sign else length
