"""What a person's browser asks and sends: the day of a calendar, and the fields of a form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from aiohttp import web


def day(request: web.Request, today: date) -> date:
    """The day asked for; `today` where none is."""
    try:
        return date.fromisoformat(request.query["date"])
    except (KeyError, ValueError):
        return today


async def fields(request: web.Request) -> dict[str, str]:
    return {name: str(value) for name, value in (await request.post()).items()}


def times(form: Mapping[str, str]) -> tuple[datetime, datetime]:
    """Start and end (`markup.when`) as wall clock; whole days, whose last is sent, end at the next midnight. Raises
    ValueError."""
    all_day = "all_day" in form
    start, end = (
        _moment(form[f"{name}_day"], "" if all_day else form.get(f"{name}_time", "")) for name in ("start", "end")
    )
    return start, end + timedelta(days=all_day)


def _moment(day: str, clock: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(day), time.fromisoformat(clock or "00:00"))
    except ValueError:
        raise ValueError("Start and end need a date and a time.") from None
