"""A mailbox's calendar laid out as a month or a week, in the mailbox's zone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from urllib.parse import urlencode

from samklang.sandbox import zones
from samklang.sandbox.entries import expanded
from samklang.sandbox.model import Mailbox
from samklang.sandbox.pages.markup import Markup, h
from samklang.sandbox.store import Store

View = Literal["month", "week"]
_DAY = timedelta(days=1)
_MINUTES = 24 * 60
_SHORTEST = 25  # minutes a block is high at least, so that it can be read


@dataclass(frozen=True)
class Shown:
    """An entry as a grid shows it; `start` and `end` are wall clock times of the mailbox."""

    id: str
    series: str
    original: str
    subject: str
    location: str
    start: datetime
    end: datetime
    all_day: bool
    private: bool
    show_as: str

    @property
    def last_day(self) -> date:
        """The last date it covers."""
        return max(self.start.date(), (self.end - timedelta(microseconds=1)).date())


def days_of(view: View, day: date) -> list[date]:
    """The dates a view shows: the week, or the whole weeks of the month. Weeks begin on Monday."""
    if view == "week":
        first = day - timedelta(days=day.weekday())
        return [first + n * _DAY for n in range(7)]
    start = day.replace(day=1)
    first = start - timedelta(days=start.weekday())
    last = (start + timedelta(days=31)).replace(day=1) - _DAY
    weeks = ((last - first).days // 7) + 1
    return [first + n * _DAY for n in range(weeks * 7)]


def shown(store: Store, mailbox: Mailbox, days: list[date]) -> list[Shown]:
    """What touches the dates, by start."""
    start = zones.to_utc(datetime.combine(days[0], time()), mailbox.zone) - _DAY
    end = zones.to_utc(datetime.combine(days[-1], time()), mailbox.zone) + 2 * _DAY
    found = []
    for entry in expanded(store, mailbox, start, end):
        if entry["all_day"]:
            first, last = (
                datetime.combine(date.fromisoformat(entry[name]), time()) for name in ("start_date", "end_date")
            )
        else:
            first, last = (
                zones.to_local(datetime.fromisoformat(entry[name]).astimezone(UTC), mailbox.zone)
                for name in ("start", "end")
            )
        one = Shown(
            id=entry["id"],
            series=entry["series"] or "",
            original=entry["original"] or "",
            subject=entry["subject"] or "(no subject)",
            location=entry["location"],
            start=first,
            end=last,
            all_day=entry["all_day"],
            private=entry["sensitivity"] != "normal",
            show_as=entry["show_as"],
        )
        if one.start.date() <= days[-1] and one.last_day >= days[0]:
            found.append(one)
    return sorted(found, key=lambda one: (not one.all_day, one.start, one.subject))


def grid(store: Store, mailbox: Mailbox, view: View, day: date, today: date) -> Markup:
    days = days_of(view, day)
    found = shown(store, mailbox, days)
    make = _week if view == "week" else _month
    return h("section", make(mailbox, days, found, day, today), id="grid", aria_label=f"Calendar, {view}")


def entry_url(mailbox: Mailbox, one: Shown) -> str:
    query = {"id": one.series or one.id} | ({"occurrence": one.original} if one.original else {})
    return f"/mailboxes/{mailbox.address}/entry?{urlencode(query)}"


def _month(mailbox: Mailbox, days: list[date], found: list[Shown], day: date, today: date) -> list[Markup]:
    names = [h("div", f"{d:%a}", class_="name") for d in days[:7]]
    cells = []
    for d in days:
        chips = [_chip(mailbox, one, d) for one in found if one.start.date() <= d <= one.last_day]
        classes = f"day{' other' if d.month != day.month else ''}{' today' if d == today else ''}"
        number = h("a", str(d.day), href=f"?view=week&date={d}", class_="number", aria_label=f"{d:%A %d %B %Y}")
        cells.append(h("div", number, chips, class_=classes, data_day=d))
    return [h("div", names, cells, class_="month")]


def _chip(mailbox: Mailbox, one: Shown, day: date) -> Markup:
    clock = "" if one.all_day or one.start.date() < day else f"{one.start:%H:%M}"
    return _entry(mailbox, one, f"chip {'whole' if one.all_day else 'timed'}", clock)


def _week(mailbox: Mailbox, days: list[date], found: list[Shown], day: date, today: date) -> list[Markup]:
    head = [h("div", class_="corner")]
    for d in days:
        label = h("span", f"{d:%a} ", h("b", str(d.day)))
        head.append(h("div", label, class_=f"name{' today' if d == today else ''}"))
    whole = [h("div", "all day", class_="corner")]
    for d in days:
        chips = [
            _entry(mailbox, one, "chip whole", "")
            for one in found
            if _spans_days(one) and one.start.date() <= d <= one.last_day
        ]
        whole.append(h("div", chips, class_="cell", data_day=d))
    hours = h("div", [h("div", f"{n:02}:00" if n else "", class_="hour") for n in range(24)], class_="hours")
    columns = [hours]
    for d in days:
        timed = [one for one in found if not _spans_days(one) and one.start.date() == d]
        blocks = [_block(mailbox, one, lane, lanes) for one, lane, lanes in _lanes(timed)]
        columns.append(h("div", blocks, class_=f"column{' today' if d == today else ''}", data_day=d))
    return [
        h("div", head, class_="week head"),
        h("div", whole, class_="week whole-days"),
        h("div", h("div", columns, class_="week hours-grid"), class_="scroll", tabindex="0", aria_label="Hours"),
    ]


def _spans_days(one: Shown) -> bool:
    return one.all_day or one.last_day > one.start.date()


def _lanes(entries: Iterable[Shown]) -> list[tuple[Shown, int, int]]:
    """Side by side where they overlap: (entry, its lane, lanes of its group)."""
    placed: list[tuple[Shown, int, int]] = []
    group: list[tuple[Shown, int]] = []
    ends: list[datetime] = []
    for one in entries:
        if ends and one.start >= max(ends):
            placed += [(entry, lane, len(ends)) for entry, lane in group]
            group, ends = [], []
        lane = next((n for n, end in enumerate(ends) if end <= one.start), len(ends))
        over = max(one.end, one.start + timedelta(minutes=_SHORTEST))
        ends[lane : lane + 1] = [over]
        group.append((one, lane))
    return placed + [(entry, lane, len(ends)) for entry, lane in group]


def _block(mailbox: Mailbox, one: Shown, lane: int, lanes: int) -> Markup:
    top = one.start.hour * 60 + one.start.minute
    length = max(_SHORTEST, int((one.end - one.start).total_seconds() // 60))
    style = (
        f"top:{100 * top / _MINUTES:.3f}%;height:{100 * min(length, _MINUTES - top) / _MINUTES:.3f}%;"
        f"left:{100 * lane / lanes:.2f}%;width:{100 / lanes:.2f}%"
    )
    return _entry(mailbox, one, "block", f"{one.start:%H:%M}", style)


def _entry(mailbox: Mailbox, one: Shown, classes: str, clock: str, style: str = "") -> Markup:
    when = f"{one.start:%a %d %b}" if one.all_day else f"{one.start:%a %d %b %H:%M}–{one.end:%H:%M}"
    marks = ("🔒" if one.private else "") + ("↻" if one.series else "")
    return h(
        "a",
        h("span", marks, class_="marks", aria_hidden="true") if marks else None,
        h("time", clock) if clock else None,
        h("span", one.subject, class_="subject"),
        h("span", one.location, class_="place") if one.location else None,
        href=entry_url(mailbox, one),
        class_=f"entry {classes} {one.show_as}",
        style=style or None,
        draggable="true",
        title=f"{one.subject}\n{when}{chr(10) + one.location if one.location else ''}",
        aria_label=f"{one.subject}, {when}",
        data_id=one.id,
        data_entry=one.series or one.id,
        data_occurrence=one.original or None,
        data_start=one.start.isoformat(timespec="minutes"),
        data_minutes=int((one.end - one.start).total_seconds() // 60),
        data_whole="1" if one.all_day else None,
    )
