"""Canonical fields back to an entry, for what is put back from the history (rule 11.2).

The inverse of `canonical.fields`, as far as the canonical form tells: a single timed entry does not say in which zone
it was made, and nobody's availability is kept.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from samklang.engine.canonical import CANCELLED, occurrence_of
from samklang.engine.model import (
    AllDay,
    Entry,
    Fields,
    Frequency,
    Inexpressible,
    Occurrence,
    Recurrence,
    Sensitivity,
    Timed,
    Weekday,
    When,
)
from samklang.engine.recurrence import slot

_DAYS = {day.name[:2]: day for day in Weekday}


def entry_from(values: Fields, zone: str) -> Entry:
    """The entry that has these canonical fields ("title" and "time" at least); `zone` where they name none.

    Raises ValueError for values no canonical form has.
    """
    rule, _at, named = values.get("recurrence", "").partition("@")
    when = when_from(values["time"], named or zone)
    series = Entry(
        title=values["title"],
        when=when,
        place=values.get("place", ""),
        text=values.get("text", ""),
        sensitivity=Sensitivity(values.get("sensitivity", Sensitivity.NORMAL)),
        recurrence=rule_from(rule) if rule else None,
    )
    if series.recurrence is None:
        return series
    own: dict[date, dict[str, str]] = {}
    cancelled = set()
    for key, value in values.items():
        day = occurrence_of(key)
        if day is not None and value == CANCELLED and len(key) == len("x:2026-03-02"):
            cancelled.add(day)
        elif day is not None:
            own.setdefault(day, {})[key[13:]] = value
    exceptions = {day: _occurrence(series, day, changed, named or zone) for day, changed in own.items()}
    return Entry(
        series.title,
        series.when,
        series.place,
        series.text,
        series.sensitivity,
        recurrence=series.recurrence,
        exceptions=exceptions,
        cancelled=frozenset(cancelled),
    )


def when_from(text: str, zone: str) -> When:
    """The time a canonical value means, in `zone`."""
    start, end = text.split("/")
    if "T" not in start:
        return AllDay(date.fromisoformat(start), date.fromisoformat(end))
    return Timed(_instant(start), _instant(end), zone)


def rule_from(text: str) -> Recurrence | Inexpressible:
    """The rule of `recurrence.canonical`'s text."""
    if text.startswith("?"):
        reason, _, rule = text[1:].partition(";")
        return Inexpressible(reason, rule)
    frequency, interval, *more = text.split(";")
    parts = dict(part.split("=", 1) for part in more)
    numbers: dict[str, Any] = {
        name: int(value) for name, value in parts.items() if name in ("position", "month", "count")
    }
    return Recurrence(
        Frequency(frequency),
        interval=int(interval),
        weekdays=tuple(_DAYS[name] for name in parts["days"].split(",")) if "days" in parts else (),
        week_start=_DAYS[parts.get("week", "MO")],
        day_of_month=int(parts["day"]) if "day" in parts else None,
        until=date.fromisoformat(parts["until"]) if "until" in parts else None,
        **numbers,
    )


def _occurrence(series: Entry, day: date, own: dict[str, str], zone: str) -> Occurrence:
    return Occurrence(
        title=own.get("title", series.title),
        when=when_from(own["time"], zone) if "time" in own else slot(series, day),
        place=own.get("place", series.place),
        text=own.get("text", series.text),
        sensitivity=Sensitivity(own.get("sensitivity", series.sensitivity)),
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
