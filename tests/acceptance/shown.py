"""What the cases compare: an entry as either side shows it, and the places of a mailbox that differ."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any


def places(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> int:
    """How many entries of a mailbox differ, each date of a series that differs from it counted by itself.

    Where rule, times or a cancelled date changed, servers drop all such dates, and each is a place again (rule 5.4).
    """
    old, new = ({one["id"]: one for one in entries} for entries in (before, after))
    return sum(_places_of(old.get(id_), new.get(id_)) for id_ in old.keys() | new.keys())


def _places_of(old: dict[str, Any] | None, new: dict[str, Any] | None) -> int:
    if old is None or new is None:
        return 1 if new is None else 1 + len(_dates(new))
    kept_by_servers = ("change_key", "modified", "exceptions", "cancelled")
    own = any(new[name] != old[name] for name in new if name not in kept_by_servers)
    before, after = _dates(old), _dates(new)
    laid_out_anew = any(new[name] != old[name] for name in ("start", "end", "zone", "recurrence") if name in new)
    if laid_out_anew or any(before[day] is None and after.get(day) is not None for day in before):
        return 1 + len(after)
    return own + sum(before.get(day, 0) != after.get(day, 0) for day in before.keys() | after.keys())


def _dates(entry: dict[str, Any]) -> dict[str, Any]:
    """Dates of a series that are not as the series: content of the changed ones, None for the cancelled."""
    changed = {one["original"]: one for one in entry.get("exceptions", ())}
    return changed | dict.fromkeys(entry.get("cancelled", ()), None)


def whole(one: dict[str, Any]) -> str:
    """The activity an occurrence is of, or that this is."""
    return str(one["recurrenceParentActivityGuid"] or one["guid"])


def activity_shown(one: dict[str, Any]) -> tuple[str, str, str, str]:
    start, end = one["startDateTime"], one["endDateTime"]
    if end is None:
        # Rule 1.5: its whole day.
        times = start[:10], str(date.fromisoformat(start[:10]) + timedelta(days=1))
    elif one["isAllDay"]:
        times = start[:10], end[:10]
    else:
        times = _instant(start), _instant(end)
    return (one["name"].strip(), one["location"] or "", *times)


def event_shown(one: dict[str, Any]) -> tuple[str, str, str, str]:
    if one["all_day"]:
        times = one["start_date"], one["end_date"]
    else:
        times = _instant(one["start"]), _instant(one["end"])
    return (one["subject"].strip(), one["location"].strip(), *times)


def _instant(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="seconds")


def letters(text: str) -> str:
    """Its letters: how lines, lists and links of HTML are laid out as text is each reader's own."""
    return "".join(letter for letter in text if letter.isalnum())
