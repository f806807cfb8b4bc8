"""A series as MAPI keeps it: PidLidAppointmentRecur, the bytes both protocols give as an extended property.

Structure: MS-OXOCAL 2.2.1.44.1 and 2.2.1.44.5 (Graph facts §4.5b). Exceptions carry their times; what else they
changed is not in the bytes here, as the override flags say.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from struct import pack

from samklang.sandbox import patterns, recurrence, zones
from samklang.sandbox.model import Item
from samklang.sandbox.patterns import Rule

_EPOCH = datetime(1601, 1, 1)  # noqa: DTZ001  (local time, as the structure has it)
_DAY = 1440
_NEVER = 0x5AE980DF
_FREQUENCY = {"daily": 0x200A, "weekly": 0x200B, "absoluteMonthly": 0x200C, "relativeMonthly": 0x200C}
_YEARLY = 0x200D


def appointment_recur(item: Item) -> bytes:
    """The property of a series master."""
    assert item.recurrence is not None
    rule = patterns.rule_of(item.recurrence)
    series = recurrence.series_of(item)
    places = [place for day in sorted(item.exceptions) if (place := series.occurrence(day))]
    last = patterns.last_date(rule)
    moved = [(_local(place.start, item), _local(place.end, item), place.original) for place in places]
    gone = sorted([*item.cancelled, *item.exceptions])
    start, end = _local(item.start, item), _local(item.end, item)
    opening = start % _DAY
    return b"".join(
        (
            pack("<HHHHH", 0x3004, 0x3004, _FREQUENCY.get(rule.kind, _YEARLY), _pattern_type(rule), 0),
            pack("<III", *_first_and_period(rule), 0),
            _specific(rule),
            _range(rule),
            _dates([_minutes(day) for day in gone]),
            _dates(sorted(begin - begin % _DAY for begin, _, _ in moved)),
            pack("<II", _minutes(rule.start), _NEVER if last is None else _minutes(last)),
            pack("<IIII", 0x3006, 0x3009, opening, opening + end - start),
            pack("<H", len(moved)),
            *(pack("<IIIH", begin, end, _minutes(original) + opening, 0) for begin, end, original in moved),
            pack("<I", 0),
            *(pack("<II", 0, 0) for _ in moved),
            pack("<I", 0),
        )
    )


def _minutes(day: date) -> int:
    return int((datetime.combine(day, time()) - _EPOCH) / timedelta(minutes=1))


def _local(instant: datetime, item: Item) -> int:
    return int((zones.to_local(instant, item.start_zone) - _EPOCH) / timedelta(minutes=1))


def _dates(minutes: list[int]) -> bytes:
    return pack(f"<I{len(minutes)}I", len(minutes), *minutes)


def _pattern_type(rule: Rule) -> int:
    if rule.kind == "daily":
        return 0
    if rule.kind == "weekly":
        return 1
    return 3 if rule.kind.startswith("relative") else 2


def _first_and_period(rule: Rule) -> tuple[int, int]:
    """FirstDateTime: where the periods counted from 1601 meet the series; and the period."""
    if rule.kind == "daily":
        return _minutes(rule.start) % (rule.interval * _DAY), rule.interval * _DAY
    if rule.kind == "weekly":
        week = rule.start - timedelta(days=(rule.start.weekday() - rule.week_start) % 7)
        return _minutes(week) % (rule.interval * 7 * _DAY), rule.interval
    period = rule.interval * (12 if rule.yearly else 1)
    month = rule.month if rule.yearly else rule.start.month
    months = ((rule.start.year - 1601) * 12 + month - 1) % period
    return _minutes(date(1601 + months // 12, months % 12 + 1, 1)), period


def _specific(rule: Rule) -> bytes:
    if rule.kind == "daily":
        return b""
    bits = sum(1 << (day + 1) % 7 for day in rule.days)
    if rule.kind == "weekly":
        return pack("<I", bits)
    if rule.kind.startswith("relative"):
        return pack("<II", bits, patterns.INDEXES.index(rule.index) + 1)
    return pack("<I", rule.day)


def _range(rule: Rule) -> bytes:
    kind = 0x2022 if rule.count else 0x2021 if rule.until else 0x2023
    return pack("<III", kind, rule.count or 10, (rule.week_start + 1) % 7)
