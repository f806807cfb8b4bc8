"""A person at the sandbox's Outlook: entries in the words of its control API."""

from __future__ import annotations

from datetime import date
from typing import Any

from samklang.engine import times
from samklang.engine.model import AllDay, Availability, Entry, Frequency, Recurrence
from tests.sandbox_client import Sandbox

_SHOW_AS = {Availability.ELSEWHERE: "workingElsewhere"}
_INDEX = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}


class Person:
    """The owner of one mailbox of the sandbox, at his own calendar."""

    def __init__(self, sandbox: Sandbox, address: str) -> None:
        self.sandbox, self.address = sandbox, address

    def adds(self, entry: Entry) -> str:
        """Makes the entry; its item id."""
        return str(self.sandbox.person_creates(self.address, **as_fields(entry))["id"])

    def edits(self, id: str, **changes: Any) -> None:
        """Changes fields of an Entry: `edits(id, title=…, place=…)`."""
        names = {"title": "subject", "place": "location", "text": "body", "sensitivity": "sensitivity"}
        self.sandbox.person_edits(self.address, id, **{names[name]: value for name, value in changes.items()})

    def edits_date(self, id: str, day: date, title: str) -> None:
        self.sandbox.person_edits(self.address, id, occurrence=day, subject=title)

    def deletes(self, id: str) -> None:
        self.sandbox.person_deletes(self.address, id)

    def deletes_date(self, id: str, day: date) -> None:
        self.sandbox.person_deletes(self.address, id, occurrence=day)

    def touches(self, id: str) -> None:
        """Gives the entry a colour."""
        self.sandbox.person_edits(self.address, id, categories=["Green"])

    def writes(self) -> dict[str, int]:
        """Remote writes into this mailbox so far."""
        return dict(self.sandbox.counts(self.address)["writes"])

    def mails(self) -> int:
        return int(self.sandbox.counts(self.address)["mails"])


def as_fields(entry: Entry) -> dict[str, Any]:
    """The fields of the sandbox's neutral entry."""
    when = entry.when
    fields: dict[str, Any] = {
        "subject": entry.title,
        "location": entry.place,
        "body": entry.text,
        "sensitivity": entry.sensitivity.value,
        "show_as": _SHOW_AS.get(entry.availability, entry.availability.value),
    }
    if isinstance(when, AllDay):
        fields |= {"start": when.first.isoformat(), "end": when.end.isoformat(), "all_day": True}
    else:
        fields |= {"start": when.start.isoformat(), "end": when.end.isoformat(), "zone": when.zone}
    if entry.recurrence is not None:
        assert isinstance(entry.recurrence, Recurrence)
        fields["recurrence"] = _recurrence(entry.recurrence, times.local_day(when))
    return fields


def _recurrence(rule: Recurrence, start: date) -> dict[str, Any]:
    days = [day.name.lower() for day in rule.weekdays] or [start.strftime("%A").lower()]
    relative = rule.position is not None
    kinds = {
        Frequency.DAILY: "daily",
        Frequency.WEEKLY: "weekly",
        Frequency.MONTHLY: "relativeMonthly" if relative else "absoluteMonthly",
        Frequency.YEARLY: "relativeYearly" if relative else "absoluteYearly",
    }
    pattern: dict[str, Any] = {"type": kinds[rule.frequency], "interval": rule.interval}
    if rule.frequency is Frequency.WEEKLY or relative:
        pattern["daysOfWeek"] = days
    if rule.frequency is Frequency.WEEKLY:
        pattern["firstDayOfWeek"] = rule.week_start.name.lower()
    if rule.position is not None:
        pattern["index"] = _INDEX[rule.position]
    if rule.day_of_month is not None:
        pattern["dayOfMonth"] = rule.day_of_month
    if rule.month is not None:
        pattern["month"] = rule.month
    ends: dict[str, Any] = {"type": "noEnd", "startDate": start.isoformat()}
    if rule.until is not None:
        ends |= {"type": "endDate", "endDate": rule.until.isoformat()}
    if rule.count is not None:
        ends |= {"type": "numbered", "numberOfOccurrences": rule.count}
    return {"pattern": pattern, "range": ends}
