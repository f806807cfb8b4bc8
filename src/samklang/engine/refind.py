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
    if here and seen.resync:
        # Only where ids changed by themselves: else who deletes an entry and makes a like one means both (rule 8.2).
        others = {(one.status, _name(one)) for one in seen.links if one.status is not LinkStatus.LINKED}
        here = {id_: event for id_, event in here.items() if not _names(event) & others}
        _by_base([link for link in lost if link.id not in found], here, found, context)
        _by_matching([link for link in lost if link.id not in found], here, found, context)
    return Refound(found)


def _name(link: Link) -> str | None:
    """What a link that is none knows its event by."""
    if link.status is LinkStatus.UNLINKED:
        return link.uid
    return link.item_id if link.status is LinkStatus.LEFT_OUT else link.key


def _names(event: SeenEvent) -> set[tuple[LinkStatus, str | None]]:
    """What a mark keeps apart, was left out, or a create of ours just made is not to be taken by its content."""
    apart, left_out, creating = LinkStatus.UNLINKED, LinkStatus.LEFT_OUT, LinkStatus.CREATING
    return {(apart, event.uid), (left_out, event.id), (creating, event.key)}


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
        held.setdefault(_six(content(event, context.rules), event.is_meeting), []).append(event.id)
    for link in sorted(lost, key=lambda one: one.id):
        same = held.get(_six(link.base.exchange, link.role.is_meeting))
        if same:
            found[link.id] = here.pop(same.pop())


def _by_matching(lost: list[Link], here: dict[str, SeenEvent], found: dict[str, SeenEvent], context: Context) -> None:
    here = {id_: event for id_, event in here.items() if not event.is_meeting}
    plain = [link for link in lost if not link.role.is_meeting]
    activities = {link.psa_id: link for link in plain if link.psa_id in context.seen.activities}
    seen = [context.seen.activities[psa_id] for psa_id in activities if psa_id is not None]
    for activity, event in match(seen, here.values(), context.rules).pairs:
        found[activities[activity.id].id] = event


def _six(values: Fields, meeting: bool) -> tuple[str, ...]:
    """… and whether it is a meeting: an invitation does not take the place of a plain copy here (rule 4.1)."""
    return (*(values.get(name, "") for name in _SIX), str(meeting))
