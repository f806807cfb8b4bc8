"""Finding linked events again whose ids no longer tell (rules 3.6, 8.5): by UID, then by content.

Ids change when a mailbox moves to another server or service, when the connection does, and when a person moves an
event out of the calendar and back (EWS facts §2.7). UIDs mostly survive; where they do not, the event that still
holds what the link remembers is the one, and after that the one rule 3.1 matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from samklang.engine.context import Context
from samklang.engine.matching import match
from samklang.engine.model import Fields, Gone, Link, LinkStatus, SeenEvent
from samklang.engine.rules import content

#: Of the values a base remembers, those rule 3.1 compares.
_SIX = ("title", "time", "recurrence")


@dataclass(frozen=True)
class Refound:
    """Events that took the place of linked ones, by the link's id. Each is nobody else's."""

    by_link: Mapping[str, SeenEvent]

    def of(self, link: Link) -> SeenEvent | None:
        return self.by_link.get(link.id)


def refind(context: Context, free: Iterable[SeenEvent]) -> Refound:
    """What became of the links whose event is gone under its id, among the `free` events no link joins."""
    seen = context.seen
    lost = [one for one in seen.links if one.status is LinkStatus.LINKED and _is_gone(one, seen.gone_events)]
    here = {event.id: event for event in free if not event.is_cancelled} if lost else {}
    found: dict[str, SeenEvent] = {}
    if here:
        _by_uid(lost, here, found)
        # What a mark keeps apart, or was left out, is not ours to take by its content.
        others = {one.uid for one in seen.links if one.status is LinkStatus.UNLINKED}
        left_out = {one.item_id for one in seen.links if one.status is LinkStatus.LEFT_OUT}
        here = {id_: one for id_, one in here.items() if one.uid not in others and id_ not in left_out}
        _by_base([link for link in lost if link.id not in found], here, found, context)
        _by_matching([link for link in lost if link.id not in found], here, found, context)
    return Refound(found)


def _is_gone(link: Link, gone: Mapping[str, str]) -> bool:
    return link.item_id is not None and gone.get(link.item_id) in (Gone.CONFIRMED, Gone.MOVED)


def _by_uid(lost: list[Link], here: dict[str, SeenEvent], found: dict[str, SeenEvent]) -> None:
    by_uid = {event.uid: event for event in reversed(here.values()) if event.uid}
    for link in lost:
        event = by_uid.pop(link.uid, None)
        if event is not None:
            found[link.id] = here.pop(event.id)


def _by_base(lost: list[Link], here: dict[str, SeenEvent], found: dict[str, SeenEvent], context: Context) -> None:
    held: dict[tuple[str, ...], list[str]] = {}
    for event in sorted(here.values(), key=lambda one: one.id, reverse=True):
        held.setdefault(_six(content(event, context.rules)), []).append(event.id)
    for link in sorted(lost, key=lambda one: one.id):
        same = held.get(_six(link.base.exchange))
        if same:
            found[link.id] = here.pop(same.pop())


def _by_matching(lost: list[Link], here: dict[str, SeenEvent], found: dict[str, SeenEvent], context: Context) -> None:
    activities = {link.psa_id: link for link in lost if link.psa_id in context.seen.activities}
    seen = [context.seen.activities[psa_id] for psa_id in activities if psa_id is not None]
    for activity, event in match(seen, here.values(), context.rules).pairs:
        found[activities[activity.id].id] = event


def _six(values: Fields) -> tuple[str, ...]:
    return tuple(values.get(name, "") for name in _SIX)
