"""The form of one entry: what it shows, and what a person changed in it."""

from __future__ import annotations

import calendar as months
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from samklang.sandbox import bodies, patterns, zones
from samklang.sandbox.entries import EntryFields
from samklang.sandbox.model import Item, Mailbox
from samklang.sandbox.pages import sent
from samklang.sandbox.pages.markup import Markup, field, h, select, when

_REPEATS = {
    "none": "Does not repeat",
    "daily": "Daily",
    "weekly": "Weekly",
    "absoluteMonthly": "Monthly",
    "absoluteYearly": "Yearly",
}
_SHOW_AS = {
    "busy": "Busy",
    "free": "Free",
    "tentative": "Tentative",
    "oof": "Out of office",
    "workingElsewhere": "Working elsewhere",
}
_PRIVACY = {"normal": "Normal", "private": "Private", "personal": "Personal", "confidential": "Confidential"}


@dataclass(frozen=True)
class Values:
    """What the fields hold; days inclusive, times in the mailbox's zone."""

    subject: str
    all_day: bool
    start: datetime
    end: datetime
    location: str
    show_as: str
    sensitivity: str
    text: str
    recurrence: dict[str, Any] | None
    is_date_of_series: bool = False

    @property
    def last(self) -> datetime:
        """The end as it is shown: on the last of whole days."""
        return self.end - timedelta(days=self.all_day)


def of_item(item: Item, mailbox: Mailbox, *, is_date_of_series: bool = False) -> Values:
    zone = item.start_zone if item.all_day else mailbox.zone
    return Values(
        subject=item.subject,
        all_day=item.all_day,
        start=zones.to_local(item.start, zone),
        end=zones.to_local(item.end, zone),
        location=item.location,
        show_as="busy" if item.show_as == "noData" else item.show_as,
        sensitivity=item.sensitivity,
        text=bodies.to_text(item.body.content).replace("\r\n", "\n"),
        recurrence=item.recurrence,
        is_date_of_series=is_date_of_series,
    )


def new(start: datetime) -> Values:
    end = start + timedelta(hours=1)
    return Values("", False, start, end, "", "busy", "normal", "", None)


def markup(values: Values, action: str, *, is_new: bool, whole_url: str = "", error: str = "") -> Markup:
    """`whole_url` leads from one date to the whole series."""
    v = values
    title = "New event" if is_new else "Edit this date" if v.is_date_of_series else "Edit event"
    rows = [
        h("p", error, class_="wrong", role="alert") if error else None,
        h("p", "One date of a series. ", h("a", "Open the series", href=whole_url)) if whole_url else None,
        field("Title", h("input", name="subject", value=v.subject, maxlength=255, autofocus=True)),
        when("Start", "start", v.start),
        when("End", "end", v.last),
        h("label", h("input", type="checkbox", name="all_day", checked=v.all_day), " All day", class_="check"),
        None if v.is_date_of_series else _repeat(v),
        field("Place", h("input", name="location", value=v.location, maxlength=255)),
        h(
            "div",
            field("Show as", select("show_as", _SHOW_AS, v.show_as)),
            field("Privacy", select("sensitivity", _PRIVACY, v.sensitivity)),
            class_="row",
        ),
        field("Text", h("textarea", v.text, name="text", rows=4)),
        h(  # Save stands first: Enter in a field presses the first button
            "div",
            h("button", "Save", name="action", value="save", class_="main"),
            h("a", "Cancel", href="./", class_="button cancel"),
            None
            if is_new
            else h("button", "Delete", name="action", value="delete", class_="danger", formnovalidate=True),
            class_="buttons reversed",
        ),
    ]
    return h("form", h("h2", title), rows, method="post", action=action, class_="entry-form")


def _repeat(v: Values) -> Markup:
    kind, interval, until = "none", 1, ""
    choices = dict(_REPEATS)
    if v.recurrence is not None:
        rule = patterns.rule_of(v.recurrence)
        kind, interval, until = "keep", rule.interval, str(rule.until or "")
        choices = {"keep": described(rule)} | choices
    return h(
        "div",
        field("Repeat", select("repeat", choices, kind)),
        field("every", h("input", type="number", name="interval", value=interval, min=1, max=99)),
        field("until", h("input", type="date", name="until", value=until)),
        class_="row",
    )


def described(rule: patterns.Rule) -> str:
    """A rule in words."""
    unit = {"daily": "day", "weekly": "week"}.get(rule.kind, "year" if rule.yearly else "month")
    text = f"Every {unit}" if rule.interval == 1 else f"Every {rule.interval} {unit}s"
    if rule.days:
        names = ", ".join(patterns.DAYS[day][:3].title() for day in sorted(rule.days))
        text += f" on {names}" if rule.kind == "weekly" else f" on the {rule.index} {names}"
    if rule.day:
        text += f" on day {rule.day}"
    if rule.month:
        text += f" of {months.month_name[rule.month]}"
    return text + (f", {rule.count} times" if rule.count else "")


def changes(form: Mapping[str, str], before: Values | None, mailbox: Mailbox) -> EntryFields:
    """What a person set in a sent form; of an entry that existed `before`, only what is different now. Raises
    ValueError for what cannot be read."""
    all_day = "all_day" in form
    start, end = sent.times(form)
    fields: dict[str, Any] = {
        "subject": form.get("subject", ""),
        "location": form.get("location", ""),
        "show_as": form.get("show_as", "busy"),
        "sensitivity": form.get("sensitivity", "normal"),
        "body": form.get("text", "").replace("\r\n", "\n"),
        "all_day": all_day,
    }
    if before is not None:
        known = {
            "subject": before.subject,
            "location": before.location,
            "show_as": before.show_as,
            "sensitivity": before.sensitivity,
            "body": before.text,
            "all_day": before.all_day,
        }
        fields = {name: value for name, value in fields.items() if value != known[name]}
    moved = before is None or (start, end, all_day) != (before.start, before.end, before.all_day)
    if moved:
        fields |= _times(start, end, mailbox, all_day=all_day, is_new=before is None)
    if before is None or not before.is_date_of_series:
        fields |= _recurrence(form, start.date(), before)
    return EntryFields(**fields)


def _times(start: datetime, end: datetime, mailbox: Mailbox, *, all_day: bool, is_new: bool) -> dict[str, Any]:
    if all_day:
        return {"start": str(start.date()), "end": str(end.date())}
    if is_new:
        return {"start": start.isoformat(), "end": end.isoformat(), "zone": mailbox.zone}
    return {n: zones.to_utc(moment, mailbox.zone).isoformat() for n, moment in (("start", start), ("end", end))}


def _recurrence(form: Mapping[str, str], first: date, before: Values | None) -> dict[str, Any]:
    """The rule that was chosen; a kept rule follows its series to another day."""
    kind, known = form.get("repeat", "none"), before.recurrence if before else None
    if kind == "none":
        return {"recurrence": None} if known else {}
    until = form.get("until", "")
    limits: dict[str, Any] = {"type": "noEnd", "startDate": str(first)}
    if until:
        limits |= {"type": "endDate", "endDate": until}
    if kind == "keep":
        return _kept(known or {}, limits, first, before)
    pattern: dict[str, Any] = {"type": kind, "interval": int(form.get("interval") or 1)}
    pattern |= _places(kind, first)
    return {"recurrence": {"pattern": pattern, "range": limits}}


def _kept(known: dict[str, Any], limits: dict[str, Any], first: date, before: Values | None) -> dict[str, Any]:
    rule = patterns.rule_of(known)
    if rule.count:
        limits |= {"type": "numbered", "numberOfOccurrences": rule.count}
    moved = before is not None and before.start.date() != first
    same_end = str(rule.until or "") == str(limits.get("endDate", "")) or bool(rule.count)
    if not moved and same_end:
        return {}
    pattern = dict(known["pattern"])
    if moved:
        if rule.kind.startswith("relative"):
            raise ValueError("Choose how the series repeats from its new day on.")
        pattern |= _places(rule.kind, first)
    return {"recurrence": {"pattern": pattern, "range": limits}}


def _places(kind: str, first: date) -> dict[str, Any]:
    """The parts of a simple pattern that follow from its first date."""
    if kind == "weekly":
        return {"daysOfWeek": [patterns.DAYS[first.weekday()]], "firstDayOfWeek": "monday"}
    if kind == "daily":
        return {}
    return {"dayOfMonth": first.day} | ({"month": first.month} if kind == "absoluteYearly" else {})
