"""Short names for the values the engine's tests speak of."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from samklang.engine import times
from samklang.engine.model import AllDay, Entry, Frequency, Recurrence, Timed, When

STOCKHOLM = "Europe/Stockholm"


def at(text: str, hours: float = 1, zone: str = STOCKHOLM) -> Timed:
    """`at("2026-03-02 09:00")`: that wall time in a zone, for so many hours."""
    wall = datetime.fromisoformat(text)
    start = times.to_instant(wall, zone)
    return Timed(start, start + timedelta(hours=hours), zone)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def day(text: str) -> date:
    return date.fromisoformat(text)


def all_day(first: str, last: str | None = None) -> AllDay:
    """Whole days from `first` to `last`, both inclusive."""
    return AllDay(day(first), day(last or first) + timedelta(days=1))


def entry(title: str = "Lunch", when: When | None = None, **more: Any) -> Entry:
    return Entry(title, when or at("2026-03-02 12:00"), **more)


def weekly(title: str = "Standup", when: When | None = None, **more: Any) -> Entry:
    """Every Monday at nine in Stockholm, from 2 March 2026, unless said otherwise."""
    rule = more.pop("rule", Recurrence(Frequency.WEEKLY))
    return Entry(title, when or at("2026-03-02 09:00"), recurrence=rule, **more)
