"""What was meant in the words of our client, and what others told of it, to be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from samklang.engine import canonical
from samklang.engine.model import (
    AllDay,
    Availability,
    Entry,
    Frequency,
    Mail,
    Occurrence,
    Person,
    Recurrence,
    SeenEvent,
    Sensitivity,
    Timed,
    Weekday,
    When,
)
from samklang.sync.ports import Calendar
from tests.meant.table import TABLE, Meant, Rule

#: Zone of the user, in which whole days are days.
HOME = "Europe/Stockholm"
_POSITIONS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_CONTENT = ("title", "place", "text", "sensitivity", "shows", "start", "end")
Plain = dict[str, Any]


def held_by(kind: str) -> dict[str, Meant]:
    """What a kind of server ("2007", "2010", "2013", "graph") can hold of the table, as it holds it."""
    return {name: shown_by(kind, meant) for name, meant in TABLE.items() if meant.otherwise.get(kind, {}) is not None}


def shown_by(kind: str, meant: Meant) -> Meant:
    """What is held, in the schema of a kind of server."""
    return replace(meant, **meant.otherwise.get(kind) or {})


def was(meant: Meant) -> Meant:
    """As it was made."""
    return replace(meant, **meant.before)


# --- dates of a series


def slot(meant: Meant, day: str) -> tuple[str, str]:
    """Start and end the series has on a date, by the wall clock of its zone."""
    if _is_day(meant.start):
        length = date.fromisoformat(meant.end) - date.fromisoformat(meant.start)
        return day, (date.fromisoformat(day) + length).isoformat()
    zone, on = ZoneInfo(meant.zone), date.fromisoformat(day)
    start, end = (datetime.fromisoformat(text) for text in (meant.start, meant.end))
    begins = datetime.combine(on, start.time(), zone)
    return begins.isoformat(), (begins + (end - start)).isoformat()


def contents(meant: Meant) -> dict[str, Plain]:
    """The whole content of the dates that differ, by original date."""
    regular = {name: getattr(meant, name) for name in _CONTENT}
    times = {day: dict(zip(("start", "end"), slot(meant, day), strict=True)) for day in meant.changed}
    return {day: regular | times[day] | dict(own) for day, own in meant.changed.items()}


def _is_day(text: str) -> bool:
    return len(text) == len("2026-03-02")


# --- our client


def entry_of(meant: Meant) -> Entry:
    changed = {date.fromisoformat(day): _occurrence(own, meant.zone) for day, own in contents(meant).items()}
    return Entry(
        meant.title,
        _when(meant.start, meant.end, meant.zone, meant.end_zone),
        meant.place,
        meant.text,
        Sensitivity(meant.sensitivity),
        Availability(meant.shows),
        _recurrence(meant.rule) if meant.rule else None,
        changed,
        frozenset(map(date.fromisoformat, meant.cancelled)),
        tuple(Person(address, "", kind == "resource", "none", kind == "optional") for kind, address in meant.people),
    )


def write(port: Calendar, meant: Meant, key: str) -> SeenEvent:
    """Our client makes it as it was, and changes that into what is meant."""
    made = port.create(entry_of(was(meant)), key)
    if not meant.before:
        return made
    wanted = entry_of(meant)
    invited = {f"p:{address}" for _, address in meant.people}
    return port.update(made, wanted, _differing(made.entry, wanted) | invited, Mail.CHANGED if invited else Mail.NONE)


def _differing(one: Entry, other: Entry) -> frozenset[str]:
    before, after = canonical.fields(one), canonical.fields(other)
    return frozenset(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


def _when(start: str, end: str, zone: str, end_zone: str | None = None) -> When:
    if _is_day(start):
        return AllDay(date.fromisoformat(start), date.fromisoformat(end))
    return Timed(*(datetime.fromisoformat(text).astimezone(UTC) for text in (start, end)), zone, end_zone)


def _occurrence(own: Plain, zone: str) -> Occurrence:
    return Occurrence(
        own["title"],
        _when(own["start"], own["end"], zone),
        own["place"],
        own["text"],
        Sensitivity(own["sensitivity"]),
        Availability(own["shows"]),
    )


def _recurrence(rule: Rule) -> Recurrence:
    return Recurrence(
        Frequency(rule.every),
        rule.interval,
        tuple(Weekday[day.upper()] for day in rule.days),
        Weekday[(rule.week_start or "monday").upper()],
        rule.day,
        _POSITIONS[rule.position] if rule.position else None,
        rule.month,
        until=date.fromisoformat(rule.until) if rule.until else None,
        count=rule.count,
    )


# --- others


def for_others(meant: Meant) -> Plain:
    """What a client nobody here wrote is told to write: the values, and the slots of dates that differ."""
    plain = asdict(meant)
    for own in (plain, *plain["changed"].values()):
        if "start" in own:
            all_day = _is_day(own["start"])
            own |= {"from": _begin(own["start"]), "to": _begin(own["end"]), "all_day": all_day}
    days = (*meant.changed, *meant.cancelled)
    return plain | {"slots": {day: _begin(slot(meant, day)[0]) for day in days}}


def _begin(text: str) -> str:
    """The instant, of a whole day the one it begins at."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(HOME))).astimezone(UTC).isoformat()


def as_meant(meant: Meant, key: str, *, week_start: bool = True) -> Plain:
    """What others must tell of it. `week_start`: whether the server can say when a week starts."""
    rule = asdict(meant.rule) if meant.rule else None
    if rule and not week_start:
        rule["week_start"] = None
    return {
        **_content({name: getattr(meant, name) for name in _CONTENT}),
        "windows": meant.windows,
        "end_windows": meant.end_windows or meant.windows,
        "rule": _plain(rule),
        "first": meant.start[:10] if rule else None,
        "changed": {day: _content(own) for day, own in contents(meant).items()},
        "cancelled": sorted(meant.cancelled),
        "people": sorted([*each] for each in meant.people),
        "reminder": meant.reminder,
        "categories": [],
        "key": key,
    }


def as_told(told: Mapping[str, Any], meant: Meant) -> Plain:
    """The same of what others told: instants in UTC, whole days as dates, dates of a series by its own zone."""
    zone = HOME if told["all_day"] else meant.zone
    reduced = {name: value for name, value in told.items() if name not in ("uid", *_CONTENT, "all_day")}
    return reduced | {
        **_content(told),
        "rule": _plain(told["rule"]),
        "changed": {_day(start, zone): _content(own) for start, own in told["changed"].items()},
        "cancelled": sorted(_day(start, zone) for start in told["cancelled"]),
        "people": sorted(told["people"]),
    }


def starts(listed: list[str] | tuple[str, ...], meant: Meant) -> list[str]:
    """Starts to compare: instants in UTC, or dates."""
    return sorted(_day(text, HOME) if _is_day(meant.start) else _instant(text) for text in listed)


def _content(own: Mapping[str, Any]) -> Plain:
    all_day = own.get("all_day", _is_day(own["start"]))
    times = {name: _day(own[name], HOME) if all_day else _instant(own[name]) for name in ("start", "end")}
    return {name: own[name] for name in _CONTENT} | times | {"all_day": all_day}


def _plain(rule: Plain | None) -> Plain | None:
    return rule and rule | {"days": sorted(rule["days"])}


def _day(text: str, zone: str) -> str:
    return text if _is_day(text) else datetime.fromisoformat(text).astimezone(ZoneInfo(zone)).date().isoformat()


def _instant(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0).isoformat()
