"""What two calendars show, each by its own expansion: /rest-api of Samklang, the control API of the sandbox."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from samklang.sandbox import zones
from tests.installation import User
from tests.sandbox_client import Sandbox

#: Title, wall-clock start and end (dates for whole days), instant of the start.
Shown = tuple[str, str, str, str]
_STEP = timedelta(days=31)


def months(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        yield start, min(start + _STEP, end)
        start += _STEP


def activities(user: User) -> list[dict[str, Any]]:
    """Singles and series."""
    path = "/rest-api/v1/activities"
    return [one for kind in ("None", "Series") for one in user.pages(path, recurrenceType=kind)]


def here(user: User, start: datetime, end: datetime) -> Counter[Shown]:
    """The occurrences that start between two instants, as Samklang shows them."""
    shown: Counter[Shown] = Counter()
    for first, last in months(start, end):
        window = {"startDateTime": first.isoformat(), "endDateTime": last.isoformat()}
        for one in user.pages("/rest-api/v1/activities", **window):
            begins, ends = (datetime.fromisoformat(one[name]) for name in ("startDateTime", "endDateTime"))
            if one["isAllDay"]:
                if _is_day_in(str(begins.date()), first, last):
                    shown[_title(one["name"]), str(begins.date()), str(ends.date()), ""] += 1
            elif first <= begins < last:
                shown[_title(one["name"]), _wall(begins), _wall(ends), begins.astimezone(UTC).isoformat()] += 1
    return shown


def there(sandbox: Sandbox, address: str, start: datetime, end: datetime) -> Counter[Shown]:
    """The same as the server shows them."""
    shown: Counter[Shown] = Counter()
    for first, last in months(start, end):
        for one in sandbox.entries(address, expand=(first.isoformat(), last.isoformat())):
            begins, ends = (datetime.fromisoformat(one[name]).astimezone(UTC) for name in ("start", "end"))
            if one["all_day"]:
                if _is_day_in(one["start_date"], first, last):
                    shown[_title(one["subject"]), one["start_date"], one["end_date"], ""] += 1
            elif first <= begins < last:
                walls = (_wall(zones.to_local(moment, one["zone"])) for moment in (begins, ends))
                shown[_title(one["subject"]), *walls, begins.isoformat()] += 1
    return shown


def _is_day_in(day: str, first: datetime, last: datetime) -> bool:
    return str(first.date()) <= day < str(last.date())


def _title(text: str) -> str:
    return text.strip() or "(no subject)"


def _wall(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")
