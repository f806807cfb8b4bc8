"""What a person sees of an entry, as plain words: nothing of the engine, whose own comparison is what is on trial.

Keys: "title", "place", "text", "time", "rule"; of one date of a series "2027-02-15 title" …, or
"2027-02-15": "cancelled".
Privacy is told apart from these, for one side keeps it as a type.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from samklang.engine.model import AllDay, Entry, Inexpressible, Recurrence, Timed, When

Shown = Mapping[str, str]
#: What Exchange puts before the title of a meeting somebody called off.
CALLED_OFF = "Canceled: "


def shown(entry: Entry) -> dict[str, str]:
    seen = {
        "title": entry.title.removeprefix(CALLED_OFF),
        "place": entry.place,
        "text": entry.text,
        "time": time(entry.when),
        "rule": rule(entry),
    }
    for day, changed in entry.exceptions.items():
        own = {"title": changed.title, "place": changed.place, "text": changed.text}
        for name, value in own.items():
            if value != seen[name]:
                seen[f"{day} {name}"] = value
        if time(changed.when) != time(on(entry.when, day)):
            seen[f"{day} time"] = time(changed.when)
    return seen | {str(day): "cancelled" for day in entry.cancelled}


def words(seen: Shown) -> set[str]:
    """The values of it that somebody may have typed."""
    return {value for key, value in seen.items() if key != "rule" and value not in ("", "cancelled")}


def time(when: When) -> str:
    if isinstance(when, AllDay):
        return f"{when.first}/{when.end}"
    return f"{when.start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}/{when.end.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def on(when: When, day: date) -> When:
    """The time of a series on one of its days: the same wall clock."""
    if isinstance(when, AllDay):
        return AllDay(day, day + (when.end - when.first))
    zone = ZoneInfo(when.zone)
    wall = when.start.astimezone(zone).time()
    start = datetime.combine(day, wall, zone).astimezone(UTC)
    return Timed(start, start + (when.end - when.start), when.zone)


def rule(entry: Entry) -> str:
    held = entry.recurrence
    if held is None:
        return ""
    assert isinstance(held, Recurrence) and not isinstance(held, Inexpressible)
    days = "".join(str(int(day)) for day in sorted(held.weekdays))
    return f"{held.frequency} {held.interval} {days} {held.count or held.until or 'endless'}"
