"""Random hands on both sides: seeded, never both on one entry, each leaving a title nobody else has."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from tests.installation import User
from tests.proof.both_sides import activities
from tests.sandbox_client import Sandbox

#: What is done, as often as it stands here among twenty.
_ACTS = ["rename"] * 5 + ["move"] * 4 + ["place"] * 2 + ["text"] * 2 + ["make"] * 3 + ["delete"] + ["occurrence"] * 2
_ACTS += ["series"]


@dataclass
class Hands:
    """Edits of one round; `titles` are those that must be on both sides afterwards, once each."""

    user: User
    sandbox: Sandbox
    start: datetime
    seed: int
    titles: list[str] = field(default_factory=list)
    made: int = 0
    deleted: int = 0

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        there = self.sandbox.entries(self.user.email)
        # What is done to a meeting here is told to who is invited (rule 4.6); these hands are to mail nobody.
        meetings = {_key(one["subject"], one["start"]) for one in there if one["attendees"]}
        here = [(_key(one["name"], one["startDateTime"]), one) for one in activities(self.user)]
        ours = [one for key, one in here if key not in meetings and _is_even(key)]
        theirs = [one for one in there if not one["attendees"] and not _is_even(_key(one["subject"], one["start"]))]
        self._ours = [one for one in ours if one["recurrenceType"] == "None" and self._is_near(one["startDateTime"])]
        self._theirs = [one for one in theirs if not one["recurrence"] and self._is_near(one["start"])]
        self._our_series = _unique([one for one in ours if one["recurrenceType"] == "Series"], "name")
        # A series that was left out comes in when it is edited (rule 3.4); these hands edit what is there.
        ahead = self.sandbox.entries(self.user.email, expand=(self.start.isoformat(), _after(self.start, 700)))
        running = {one["series"] for one in ahead}
        self._their_series = _unique([one for one in theirs if one["id"] in running], "subject")
        for some in (self._ours, self._theirs):
            self._dice.shuffle(some)

    def _is_near(self, text: str) -> bool:
        begins = datetime.fromisoformat(text)
        return self.start + timedelta(days=2) < begins < self.start + timedelta(days=700)

    def act(self, count: int) -> None:
        """So many edits on each side."""
        for number in range(count):
            for side in ("here", "there"):
                title = f"Hand {side} {self.seed} {number}"
                kind = self._dice.choice(_ACTS)
                if getattr(self, f"_{side}")(kind, title):
                    self.titles.append(title)

    def _here(self, kind: str, title: str) -> bool:
        begins = self.start + timedelta(days=self._dice.randrange(3, 300), hours=self._dice.randrange(24))
        if kind == "make":
            kinds = self.user.pages("/rest-api/v1/activitytypes")
            body = {
                "name": title,
                "startDateTime": begins.isoformat(),
                "endDateTime": (begins + timedelta(minutes=45)).isoformat(),
                "activityType": {"guid": next(one["guid"] for one in kinds if one["name"] == "Meeting")},
                "ownerUser": {"guid": self.user.ask("GET", "/rest-api/v1/users", email=self.user.email)[0]["guid"]},
            }
            self.user.ask("POST", "/rest-api/v1/activities", body)
            self.made += 1
            return True
        if kind in ("series", "occurrence") and self._our_series:
            guid = self._our_series.pop()["guid"]
            if kind == "occurrence":
                window = {"startDateTime": self.start.isoformat(), "endDateTime": _after(self.start, 700)}
                shown = self.user.pages("/rest-api/v1/activities", recurrenceType="Occurrence", **window)
                dates = [one["guid"] for one in shown if one["recurrenceParentActivityGuid"] == guid]
                if not dates:
                    return False
                guid = dates[0]
            self._patch(guid, name=title)
            return kind == "occurrence"
        guid = self._ours.pop()["guid"]
        if kind == "delete":
            self.user.ask("DELETE", f"/rest-api/v1/activities/{guid}")
            self.deleted += 1
            return False
        fields: dict[str, Any] = {"name": title}
        if kind == "move":
            fields |= {
                "startDateTime": begins.isoformat(),
                "endDateTime": _after(begins, minutes=50),
                "isAllDay": False,
            }
        elif kind == "place":
            fields["location"] = "Attic"
        elif kind == "text":
            fields["notes"] = "Bring cups.\nAnd a pot."
        self._patch(guid, **fields)
        return True

    def _patch(self, guid: str, **fields: Any) -> None:
        patch = [{"op": "Replace", "path": f"/{name}", "value": value} for name, value in fields.items()]
        self.user.ask("PATCH", f"/rest-api/v1/activities/{guid}", patch)

    def _there(self, kind: str, title: str) -> bool:
        begins = self.start + timedelta(days=self._dice.randrange(3, 300), hours=self._dice.randrange(24))
        address = self.user.email
        times = {"start": begins.isoformat(), "end": _after(begins, minutes=50)}
        if kind == "make":
            self.sandbox.person_creates(address, subject=title, **times)
            self.made += 1
            return True
        if kind in ("series", "occurrence") and self._their_series:
            item = self._their_series.pop()["id"]
            if kind == "series":
                self.sandbox.person_edits(address, item, subject=title)
                return False
            window = (self.start.isoformat(), _after(self.start, 700))
            shown = [one for one in self.sandbox.entries(address, expand=window) if one["series"] == item]
            if not shown:
                return False
            self.sandbox.person_edits(address, item, shown[0]["original"], subject=title)
            return True
        item = self._theirs.pop()["id"]
        if kind == "delete":
            self.sandbox.person_deletes(address, item)
            self.deleted += 1
            return False
        fields: dict[str, Any] = {"subject": title}
        if kind == "move":
            fields |= times | {"all_day": False}
        elif kind == "place":
            fields["location"] = "Attic"
        elif kind == "text":
            fields["body"] = "Bring cups.\nAnd a pot."
        self.sandbox.person_edits(address, item, **fields)
        return True


def _key(title: str, start: str) -> str:
    """What an entry has in common with its counterpart."""
    return f"{title.strip()}|{datetime.fromisoformat(start).astimezone(UTC).isoformat()}"


def _is_even(key: str) -> bool:
    """Which side's hands an entry is for."""
    return crc32(key.encode()) % 2 == 0


def _unique(series: list[dict[str, Any]], title: str) -> list[dict[str, Any]]:
    seen = Counter(one[title] for one in series)
    return [one for one in series if seen[one[title]] == 1]


def _after(moment: datetime, days: int = 0, minutes: int = 0) -> str:
    return (moment + timedelta(days=days, minutes=minutes)).isoformat()
