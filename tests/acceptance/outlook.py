"""What people do in Outlook, through the sandbox's control API, where nobody counts it as a write."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.acceptance.when import FROM, TO, Rule, Time, at, wall
from tests.installation import ZONE
from tests.sandbox_client import Sandbox


class Outlook:
    """A person's hand in Outlook, and her eyes on that calendar."""

    def __init__(self, sandbox: Sandbox, address: str) -> None:
        self._sandbox, self._address = sandbox, address

    def makes(self, subject: str = "Tea", when: Time | None = None, rule: Rule | None = None, **more: Any) -> str:
        """Returns the entry's id."""
        when = when or at()
        if rule:
            more["recurrence"] = rule.for_outlook(when.start)
        times = {"start": when.start, "end": when.end, "all_day": when.all_day, "zone": ZONE}
        return str(self._sandbox.person_creates(self._address, subject=subject, **(times | more))["id"])

    def calls(
        self, *guests: str | dict[str, str], subject: str = "Lunch", send: str = "all", **more: Any
    ) -> dict[str, Any]:
        """Makes a meeting and sends it to these addresses; returns the entry. `more` as of `makes`."""
        id_ = self.makes(subject, attendees=_asked(guests), send=send, **more)
        return self.entry(id_)

    def asks(self, id: str, *guests: str | dict[str, str], send: str = "changed", **more: Any) -> None:
        """Makes these the attendees of an entry, and tells those who are new or out."""
        self.edits(id, attendees=_asked(guests), send=send, **more)

    def answers(self, id: str, response: str, *, on: date | None = None) -> None:
        """accepted, tentativelyAccepted or declined, with the mail that tells the organizer."""
        self._sandbox.person_answers(self._address, id, response, on)

    def asked_to(self, id: str) -> dict[str, str]:
        """The attendees of a meeting, and what they answered."""
        return {one["address"]: one["response"] for one in self.entry(id)["attendees"]}

    def edits(self, id: str, when: Time | None = None, *, on: date | None = None, **fields: Any) -> None:
        """The entry; with `on` the occurrence of that original date."""
        if when:
            fields |= {"start": when.start, "end": when.end, "zone": ZONE}
            fields |= {"all_day": when.all_day} if when.all_day else {}
        if isinstance(rule := fields.get("recurrence"), Rule):
            start = datetime.fromisoformat(self.entry(id)["start"]).astimezone(ZoneInfo(ZONE))
            fields["recurrence"] = rule.for_outlook(start.isoformat())
        self._sandbox.person_edits(self._address, id, on, **fields)

    def deletes(self, id: str, *, on: date | None = None, send: str = "none") -> None:
        """With `send="all"` a meeting of her own is cancelled."""
        self._sandbox.person_deletes(self._address, id, on, send=send)

    def moves_to(self, folder: str, id: str) -> str:
        return str(self._sandbox.person_moves(self._address, id, folder)["id"])

    def entry(self, id: str) -> dict[str, Any]:
        return self._sandbox.entry(self._address, id)

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Singles and series."""
        return self._sandbox.entries(self._address)

    @property
    def one(self) -> dict[str, Any]:
        (entry,) = self.entries
        return entry

    @property
    def occurrences(self) -> list[dict[str, Any]]:
        return self._sandbox.entries(self._address, expand=(FROM, TO))

    def starts(self) -> list[str]:
        """Wall-clock starts of everything, in Stockholm; dates for whole days."""
        return [o["start_date"] if o["all_day"] else wall(datetime.fromisoformat(o["start"])) for o in self.occurrences]


def _asked(guests: Iterable[str | dict[str, str]]) -> list[dict[str, str]]:
    return [{"address": one} if isinstance(one, str) else one for one in guests]
