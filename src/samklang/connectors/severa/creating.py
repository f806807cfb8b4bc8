"""Making an activity once, whatever happens on the way (rules 10.4, 13.2): Severa knows no key of ours.

What is about to be made is written down first. A create that is begun again looks for what the first one may have
made: of the same owner, name, type, start, end and place, made since, and not in the mirror before.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from samklang.connectors.severa import wire
from samklang.connectors.severa.client import SeveraClient
from samklang.connectors.severa.feed import OVERLAP, as_query, content_of
from samklang.connectors.severa.mirror import Creation, Mirror
from samklang.connectors.severa.patching import Patching
from samklang.connectors.severa.schema import Activity


class _Begun(msgspec.Struct):
    """What was about to be made, and since when, by Severa's clock."""

    owner: str
    type: str
    name: str
    place: str
    start: datetime
    end: datetime
    since: datetime
    series: bool
    #: Number of the mirror's last row at that time.
    newest: int


class Creations:
    def __init__(self, client: SeveraClient, patching: Patching, mirror: Mirror, now: Callable[[], datetime]) -> None:
        self._client = client
        self._patching = patching
        self._mirror = mirror
        self._now = now

    def made(self, key: str) -> str | None:
        """Id of what this key made, or may have made when it was cut off; there still or not."""
        creation = self._mirror.creation(key)
        if creation is None:
            return None
        return creation.id or self._found(key, creation)

    def make(self, key: str, body: dict[str, Any]) -> Activity:
        """Make it, though the key may have made something before that is gone."""
        begun = _Begun(
            owner=body["ownerUser"]["guid"],
            type=body["activityType"]["guid"],
            name=body["name"],
            place=body["location"] or "",
            start=wire.moment(body["startDateTime"]),
            end=wire.moment(body["endDateTime"]),
            since=self._now() + (self._client.counts.ahead or timedelta()),
            series=bool(body.get("recurrence")),
            newest=self._mirror.newest(),
        )
        content = msgspec.json.encode(begun)
        self._mirror.save_creation(key, Creation(content))
        text = body["notes"]
        activity = self._client.post("/activities", body | {"notes": self._patching.notes(text)}, Activity)
        self._mirror.save_creation(key, Creation(content, activity.guid))
        return self._patching.kept_notes(activity, text)

    def succeed(self, key: str, id: str) -> None:
        """What the key made was made anew under another id."""
        creation = self._mirror.creation(key) if key else None
        if creation is not None:
            self._mirror.save_creation(key, Creation(creation.content, id))

    def _found(self, key: str, creation: Creation) -> str | None:
        begun = msgspec.json.decode(creation.content, type=_Begun)
        query = [
            ("recurrenceType", "Series" if begun.series else "None"),
            ("changedSince", as_query(begun.since - OVERLAP)),
            ("userGuids", begun.owner),
        ]
        pages = self._client.rows("/activities", Activity, query)
        alike = [one for page in pages for one in page if _is_what_was_begun(one, begun)]
        rows = self._mirror.get([one.guid for one in alike])
        # What was there before, or another key made, is not ours, though it looks the same.
        others = {
            row.id for row in rows.values() if row.number <= begun.newest or content_of(row).ours.key not in ("", key)
        }
        found = min((one.guid for one in alike if one.guid not in others), default=None)
        if found is not None:
            self._mirror.save_creation(key, Creation(creation.content, found))
        return found


def _is_what_was_begun(one: Activity, begun: _Begun) -> bool:
    made = wire.moment(one.created_date_time) if one.created_date_time else begun.since
    ends = wire.moment(one.end_date_time or one.start_date_time)
    same = (one.name, wire.type_of(one), one.location or "") == (begun.name, begun.type, begun.place)
    return (
        same and (wire.moment(one.start_date_time), ends) == (begun.start, begun.end) and made >= begun.since - OVERLAP
    )
