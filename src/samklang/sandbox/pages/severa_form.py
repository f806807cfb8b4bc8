"""The form of one activity in Severa: what it shows, and what a person set in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec

from samklang.sandbox import zones
from samklang.sandbox.pages import sent
from samklang.sandbox.pages.markup import Markup, field, h, select, when
from samklang.sandbox.severa.model import MONTHS, Recurrence, Status
from samklang.sandbox.severa.people import ActivityFields

_REPEATS = {"none": "Does not repeat", "Daily": "Daily", "Weekly": "Weekly", "Monthly": "Monthly", "Yearly": "Yearly"}
Shown = dict[str, Any]  # an activity as `people.described` describes it


def blank(day: date, zone: str) -> Shown:
    start = zones.to_utc(datetime.combine(day, time(9)), zone)
    return {
        **dict.fromkeys(("name", "location", "notes", "type"), ""),
        "zone": zone,
        "start": start.isoformat(),
        "end": (start + timedelta(hours=1)).isoformat(),
        "all_day": False,
        "closed": False,
        "recurrence": None,
        "kind": "None",
        "participants": [],
    }


def markup(shown: Shown, types: Sequence[str], action: str, *, is_new: bool, error: str = "") -> Markup:
    start, end = _clock(shown)
    kept = {"keep": "As before"} if shown["recurrence"] else {}
    repeats = select("repeat", kept | _REPEATS, "keep" if kept else "none")
    deleting = h("button", "Delete", name="action", value="delete", class_="danger", formnovalidate=True)
    return h(
        "form",
        h("h2", "New activity" if is_new else "Edit activity"),
        h("p", error, class_="wrong", role="alert") if error else None,
        field("Name", h("input", name="name", value=shown["name"], required=True, autofocus=True)),
        field("Activity type", select("type", {name: name for name in types}, shown["type"] or "")),
        when("Start", "start", start),
        when("End", "end", end - timedelta(days=shown["all_day"])),
        _tick("all_day", "All day", chosen=shown["all_day"]),
        _tick("closed", "Closed", chosen=shown["closed"]),
        field("Repeat", repeats) if shown["kind"] in ("None", "Series") else None,
        field("Location", h("input", name="location", value=shown["location"] or "", maxlength=1000)),
        field("Notes", h("textarea", shown["notes"] or "", name="notes", rows=4)),
        h(
            "div",
            h("button", "Save", name="action", value="save", class_="main"),
            None if is_new else deleting,
            class_="buttons reversed",
        ),
        method="post",
        action=action,
        class_="entry-form",
    )


def people(shown: Shown, user: str, action: str) -> Markup:
    """Who takes part, with what the user can do about it."""
    rows = [
        h(
            "li",
            h("span", row["name"] or row["email"], " ", h("small", f"{row['kind']} · {row['status']}")),
            [_button(action, label, answer=each) for each, label in _ANSWERS.items()] if row["who"] == user else None,
            _button(action, "Remove", remove=row["guid"]),
        )
        for row in shown["participants"]
    ]
    adding = h(
        "form",
        field("Add by e-mail", h("input", name="add", type="email", required=True)),
        h("button", "Add"),
        method="post",
        action=action,
    )
    return h("section", h("h2", "Participants"), h("ul", rows, class_="mailboxes") if rows else None, adding)


_ANSWERS: dict[Status, str] = {"Accepted": "Accept", "Tentative": "Tentative", "Declined": "Decline"}


def changes(form: Mapping[str, str], before: Shown) -> ActivityFields:
    """What a person set that is different now. Raises ValueError for what cannot be read."""
    all_day, zone = "all_day" in form, before["zone"]
    start, end = sent.times(form)
    fields: dict[str, Any] = {
        "name": form.get("name", ""),
        "type": form.get("type", ""),
        "location": form.get("location", ""),
        "notes": form.get("notes", "").replace("\r\n", "\n"),
        "all_day": all_day,
        "closed": "closed" in form,
    }
    fields = {name: value for name, value in fields.items() if (value or None) != (before[name] or None)}
    if (start, end, all_day) != (*_clock(before), before["all_day"]) or not before["name"]:
        fields |= {"start": start.isoformat(), "end": end.isoformat(), "zone": zone}
    repeat = form.get("repeat", "keep")
    if repeat != "keep" and (repeat != "none" or before["recurrence"]):
        fields["recurrence"] = None if repeat == "none" else _recurrence(repeat, start)
    return msgspec.convert(fields, ActivityFields)


def _recurrence(frequency: str, start: datetime) -> Recurrence:
    """The plainest of a frequency that begins on a day."""
    patterns: dict[str, dict[str, Any]] = {
        "Daily": {"interval": 1},
        "Weekly": {"interval": 1, f"{start:%A}".lower(): True},
        "Monthly": {"interval": 1, "dayOfMonth": start.day},
        "Yearly": {"month": MONTHS[start.month - 1], "dayOfMonth": start.day},
    }
    pattern = {frequency.lower(): patterns.get(frequency)}
    return msgspec.convert({"frequency": frequency, "pattern": pattern}, Recurrence)


def _clock(shown: Shown) -> tuple[datetime, datetime]:
    """Start and end as wall clock of the activity's zone."""
    start, end = (datetime.fromisoformat(shown[name] or shown["start"]) for name in ("start", "end"))
    return zones.to_local(start, shown["zone"]), zones.to_local(end, shown["zone"])


def _tick(name: str, label: str, *, chosen: bool) -> Markup:
    return h("label", h("input", type="checkbox", name=name, checked=chosen), f" {label} ", class_="check")


def _button(action: str, label: str, **value: str) -> Markup:
    ((name, given),) = value.items()
    return h("form", h("button", label, name=name, value=given), method="post", action=action)
