"""Switching off and removing what the sync made on either side (rule 12.1).

Only what nobody but the sync had a hand in goes; everything else stays and is listed with the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from samklang.engine import recurrence, times
from samklang.engine.model import Entry, Link, LinkStatus, Recurrence, SeenActivity, SeenEvent, Side
from samklang.engine.rules import content
from samklang.sync.errors import ItemError, NotFound, VersionConflict
from samklang.sync.known import id_on
from samklang.sync.look import BATCH
from samklang.sync.parts import Parts
from samklang.sync.ports import Tokens
from samklang.sync.preview import Row
from samklang.sync.undo import Person, remove, why_it_stays


@dataclass(frozen=True, slots=True)
class Made:
    """An entry the sync made, with its other half as it stands, and why it stays ("": it goes)."""

    link: Link
    side: Side
    activity: SeenActivity | None
    event: SeenEvent | None
    code: str

    @property
    def seen(self) -> SeenActivity | SeenEvent | None:
        return self.activity if self.side is Side.PSA else self.event

    def row(self) -> Row:
        """As the preview shows it: "Delete", or "Stay" with its code."""
        seen = self.seen
        return Row(
            kind="Stay" if self.code else "Delete",
            title=seen.entry.title if seen else "",
            when=seen.entry.when if seen else None,
            series=seen.entry.is_series if seen else False,
            psa_id=self.link.psa_id,
            item_id=self.link.item_id,
            side=self.side.value,
            rule="12.1",
            code=self.code,
        )


def made(parts: Parts, sides: Collection[Side], edited: Collection[tuple[Side, str]]) -> Iterator[Made]:
    """What the sync made on these sides and is still there. Reads both sides, writes nothing.

    `edited` names the links, by side, on which a person's edit was carried over since.
    """
    ours = [
        (link, side)
        for link in parts.store.links()
        for side in Side
        if side in sides and link.status is LinkStatus.LINKED and link.key and link.born is side.other
    ]
    for start in range(0, len(ours), BATCH):
        batch = ours[start : start + BATCH]
        activities = parts.activities.get(_ids(batch, Side.PSA))
        events = parts.calendar.get(_ids(batch, Side.EXCHANGE))
        for link, side in batch:
            one = Made(link, side, activities.get(link.psa_id or ""), events.get(link.item_id or ""), "")
            if one.seen is not None:
                yield replace(one, code=_why_it_stays(parts, one, edited))


def leave(parts: Parts, sides: Collection[Side], edited: Collection[tuple[Side, str]], person: Person) -> list[Row]:
    """Remove what can go; the rows of what stayed. Cut off, the next call goes on."""
    stayed = []
    for one in made(parts, sides, edited):
        if not one.code:
            try:
                assert one.seen is not None, "only what is there is listed"
                remove(parts, one.link, one.side, one.seen, person)
            except ItemError as error:
                one = replace(one, code=error.code)
            except (VersionConflict, NotFound):
                one = replace(one, code="edited_since")
        if one.code:
            stayed.append(one.row())
    # Switched on again, both sides are listed anew and matched (rules 8.5, 12.1).
    parts.store.save_tokens(Tokens())
    return stayed


def _ids(batch: Sequence[tuple[Link, Side]], side: Side) -> list[str]:
    return sorted({entry_id for link, _ in batch if (entry_id := id_on(link, side))})


def _why_it_stays(parts: Parts, one: Made, edited: Collection[tuple[Side, str]]) -> str:
    assert one.seen is not None, "only what is there is asked about"
    relied_on = why_it_stays(one.activity, one.event)
    if relied_on:
        return relied_on
    if (one.side, one.link.id) in edited or dict(one.link.base.of(one.side)) != content(one.seen, parts.rules):
        return "edited_since"
    if one.side is Side.PSA and one.activity is not None and one.activity.owner_id != parts.rules.user_id:
        return "has_attendees"
    if _has_begun(one.seen.entry, parts):
        return "is_over"
    return ""


def _has_begun(entry: Entry, parts: Parts) -> bool:
    """Over, or a series part of which is: nothing of the past is removed."""
    zone = parts.rules.zone
    if isinstance(entry.recurrence, Recurrence):
        first = recurrence.slot(entry, times.local_day(entry.when))
        return times.end_of(first, zone) <= parts.now()
    return times.end_of(entry.when, zone) <= parts.now()


def shown(rows: Sequence[Row]) -> list[Mapping[str, Any]]:
    """The rows in plain values."""
    return [row.as_json() for row in rows]
