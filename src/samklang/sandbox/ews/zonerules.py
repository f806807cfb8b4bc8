"""A zone with its rules, as Exchange gives it: periods, and when in a year one follows the other (EWS facts §2.5).

The rules are those of one year, said to be every year's: that is enough for whoever asks about an item in it.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from lxml import etree

from samklang.sandbox import zones
from samklang.sandbox.ews.soap import NAMESPACES, T
from samklang.sandbox.ews.values import duration, zone_name

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def definition(tag: str, zone: str, at: datetime) -> etree._Element:
    """A TimeZoneDefinition named `tag` of a Windows zone, by its rules of the year of `at`."""
    return deepcopy(_definition(tag, zone, zone_name(zone, at), at.year))


@lru_cache(maxsize=512)
def _definition(tag: str, zone: str, name: str, year: int) -> etree._Element:
    changes = _changes(zone, year)
    offsets = {offset for change in changes for offset in change[1:]} or {
        _offset(zone, datetime(year, 7, 1, tzinfo=UTC))
    }
    ids = {offset: _period_id(zone, n) for n, offset in enumerate(sorted(offsets))}
    whole = etree.Element(T + tag, Id=zone, Name=name, nsmap={"t": NAMESPACES["t"]})
    periods = etree.SubElement(whole, f"{T}Periods")
    for offset, id in ids.items():
        etree.SubElement(periods, f"{T}Period", Bias=_bias(offset), Name=id.rpartition("-")[2], Id=id)
    groups = etree.SubElement(whole, f"{T}TransitionsGroups")
    group = etree.SubElement(groups, f"{T}TransitionsGroup", Id="0")
    for instant, old, new in changes:
        _recurring(group, instant.replace(tzinfo=None) + old, ids[new])
    if not changes:
        _to(etree.SubElement(group, f"{T}Transition"), "Period", *ids.values())
    _to(etree.SubElement(etree.SubElement(whole, f"{T}Transitions"), f"{T}Transition"), "Group", "0")
    return whole


def _recurring(group: etree._Element, wall: datetime, to: str) -> None:
    """`wall`: when it happens, by the clocks that are about to change."""
    change = etree.SubElement(group, f"{T}RecurringDayTransition")
    _to(change, "Period", to)
    is_last = (wall + timedelta(days=7)).month != wall.month
    parts = {
        "TimeOffset": duration(timedelta(hours=wall.hour, minutes=wall.minute)),
        "Month": str(wall.month),
        "DayOfWeek": _DAYS[wall.weekday()],
        "Occurrence": "-1" if is_last else str((wall.day - 1) // 7 + 1),
    }
    for name, text in parts.items():
        etree.SubElement(change, T + name).text = text


def _to(transition: etree._Element, kind: str, id: str) -> None:
    etree.SubElement(transition, f"{T}To", Kind=kind).text = id


def _period_id(zone: str, n: int) -> str:
    """The smallest offset is the standard one."""
    return f"trule:Microsoft/Registry/{zone}/{n or 1}-{'Daylight' if n else 'Standard'}"


def _bias(offset: timedelta) -> str:
    """What has to be added to local time to get UTC."""
    return f"-{duration(offset)}" if offset > timedelta(0) else duration(-offset)


def _changes(zone: str, year: int) -> list[tuple[datetime, timedelta, timedelta]]:
    """(instant, offset before, offset after) of each change of the clocks in a year, to the minute."""
    found = []
    day = datetime(year, 1, 1, tzinfo=UTC)
    for _ in range(365):
        old, new = _offset(zone, day), _offset(zone, day + timedelta(days=1))
        if old != new:
            minute = next(n for n in range(1, 1441) if _offset(zone, day + timedelta(minutes=n)) != old)
            found.append((day + timedelta(minutes=minute), old, new))
        day += timedelta(days=1)
    return found


def _offset(zone: str, instant: datetime) -> timedelta:
    return instant.astimezone(zones.zone(zone)).utcoffset() or timedelta(0)
