"""Times and repeat rules of the cases, each in the words of both sides."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.installation import ZONE

#: A Monday morning. Days in cases are counted from it.
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
MONDAY = date(2026, 3, 2)
#: What is compared after each case: from well before the cut-off to two years ahead.
FROM, TO = "2025-12-01T00:00:00+00:00", "2028-03-01T00:00:00+00:00"


@dataclass(frozen=True)
class Time:
    """Start and end as both APIs take them: wall clock in Stockholm, or dates for all day (end exclusive)."""

    start: str
    end: str
    all_day: bool = False


def at(day: int = 7, hour: float = 9, minutes: int = 60) -> Time:
    """So many days after Monday 2026-03-02, wall clock in Stockholm."""
    start = datetime.combine(MONDAY, time()) + timedelta(days=day, hours=hour)
    return Time(start.isoformat(), (start + timedelta(minutes=minutes)).isoformat())


def days(first: int = 7, count: int = 1) -> Time:
    start = MONDAY + timedelta(days=first)
    return Time(start.isoformat(), (start + timedelta(days=count)).isoformat(), all_day=True)


def utc(text: str) -> Time:
    """An hour from a wall time in Stockholm."""
    start = datetime.fromisoformat(text)
    return Time(start.isoformat(), (start + timedelta(hours=1)).isoformat())


_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Rule:
    severa: dict[str, Any]
    microsoft: dict[str, Any]
    limit: dict[str, Any] = field(default_factory=dict)

    def for_psa(self) -> dict[str, Any]:
        limits = {"maxOccurrences": self.limit.get("count"), "recursUntilDate": self.limit.get("until")}
        return {**self.severa, "range": limits}

    def for_outlook(self, start: str) -> dict[str, Any]:
        kind: dict[str, Any] = {"type": "noEnd"}
        if "count" in self.limit:
            kind = {"type": "numbered", "numberOfOccurrences": self.limit["count"]}
        if "until" in self.limit:
            kind = {"type": "endDate", "endDate": self.limit["until"]}
        return {"pattern": self.microsoft, "range": {"startDate": start[:10], "recurrenceTimeZone": ZONE, **kind}}


def weekly(*names: str, every: int = 1, **limit: Any) -> Rule:
    """On these days ("monday", …)."""
    names = names or ("monday",)
    severa = {"interval": every, **{day: day in names for day in _DAYS}}
    microsoft = {"type": "weekly", "interval": every, "daysOfWeek": list(names), "firstDayOfWeek": "monday"}
    return Rule({"frequency": "Weekly", "pattern": {"weekly": severa}}, microsoft, limit)


def daily(every: int = 1, **limit: Any) -> Rule:
    severa = {"frequency": "Daily", "pattern": {"daily": {"interval": every, "everyWeekday": False}}}
    return Rule(severa, {"type": "daily", "interval": every}, limit)


def monthly(day: int, **limit: Any) -> Rule:
    severa = {"frequency": "Monthly", "pattern": {"monthly": {"interval": 1, "dayOfMonth": day}}}
    return Rule(severa, {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": day}, limit)


def monthly_on(position: str, day: str, **limit: Any) -> Rule:
    """E.g. the "last" "friday" of each month."""
    ordinal = {"dayOrdinal": position.title(), "dayOrdinalOption": day.title()}
    severa = {"frequency": "Monthly", "pattern": {"monthly": {"interval": 1, **ordinal}}}
    microsoft = {"type": "relativeMonthly", "interval": 1, "daysOfWeek": [day], "index": position}
    return Rule(severa, microsoft, limit)


def yearly(month: str, number: int, day: int, **limit: Any) -> Rule:
    severa = {"frequency": "Yearly", "pattern": {"yearly": {"month": month, "dayOfMonth": day}}}
    return Rule(severa, {"type": "absoluteYearly", "interval": 1, "month": number, "dayOfMonth": day}, limit)


def wall(moment: datetime) -> str:
    """In Stockholm, to the minute."""
    return moment.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None).isoformat(timespec="minutes")
