"""Base + seen -> same, edited or gone, for each side of a link (rule 7.1).

A side has changed when its canonical content differs from its own base. Versions, time stamps and listings decide
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from samklang.engine.canonical import changed_keys
from samklang.engine.model import Base, FieldKey, Fields, Gone, Link, Role, SeenActivity, SeenEvent, Side
from samklang.engine.people import takes_part
from samklang.engine.rules import Rules, content


class Change(StrEnum):
    """What happened to one side of a link since both last agreed."""

    SAME = "same"
    EDITED = "edited"
    GONE = "gone"
    #: Named or missing, but not asked for (rule 8.1): nothing is decided about it yet.
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Pair:
    """A link with what was seen of both its sides in this run; a side not seen is as its base says."""

    link: Link
    activity: SeenActivity | None
    event: SeenEvent | None
    psa: Change
    exchange: Change
    #: Canonical values each side holds now.
    psa_now: Fields
    exchange_now: Fields
    psa_gone: Gone | None = None
    exchange_gone: Gone | None = None

    def of(self, side: Side) -> Change:
        return self.psa if side is Side.PSA else self.exchange

    @property
    def stands(self) -> bool:
        """True when nothing was seen or missed of either side. Its base is not looked at: opening it costs."""
        return (self.activity, self.event, self.psa_gone, self.exchange_gone) == (None, None, None, None)

    @property
    def is_called_off(self) -> bool:
        """The event is the copy of a meeting its organizer cancelled."""
        return self.event is not None and self.event.is_cancelled

    @property
    def psa_keys(self) -> frozenset[FieldKey]:
        """What a person changed in the PSA."""
        return changed_keys(self.link.base.psa, self.psa_now)

    @property
    def exchange_keys(self) -> frozenset[FieldKey]:
        """What a person changed in Exchange."""
        return changed_keys(self.link.base.exchange, self.exchange_now)


def pair(
    link: Link,
    activity: SeenActivity | None,
    event: SeenEvent | None,
    rules: Rules,
    gone_activities: Mapping[str, str] | None = None,
    gone_events: Mapping[str, str] | None = None,
) -> Pair:
    """The two sides of a link as this run saw them."""
    psa_gone = _gone(link.psa_id, activity, gone_activities or {})
    if activity is not None and link.role is not Role.ORGANIZER and not takes_part(activity, rules.user_id):
        psa_gone = Gone.LEFT  # there, but not the user's any longer (rule 4.7)
    exchange_gone = _gone(link.item_id, event, gone_events or {})
    psa_now = content(activity, rules) if activity else link.base.psa
    exchange_now = content(event, rules) if event else link.base.exchange
    return Pair(
        link=link,
        activity=activity,
        event=event,
        psa=_change(link.base.psa, psa_now, psa_gone),
        exchange=_change(link.base.exchange, exchange_now, exchange_gone),
        psa_now=psa_now,
        exchange_now=exchange_now,
        psa_gone=psa_gone,
        exchange_gone=exchange_gone,
    )


def base_after(
    link: Link | None,
    activity: SeenActivity | None,
    event: SeenEvent | None,
    rules: Rules,
    held: frozenset[FieldKey] = frozenset(),
) -> Base:
    """What both sides hold once an action is done; a side not seen keeps the link's base.

    `held` are the keys of an action that were kept back from Exchange: there the PSA's base stays as it was, so that
    they still count as edited and travel when they can.
    """
    old = link.base if link else Base()
    psa = dict(content(activity, rules)) if activity else dict(old.psa)
    for key in held:
        psa.pop(key, None)
        if key in old.psa:
            psa[key] = old.psa[key]
    return Base(psa=psa, exchange=content(event, rules) if event else old.exchange)


def _gone(entry_id: str | None, seen: object, gone: Mapping[str, str]) -> Gone | None:
    if seen is not None or entry_id is None or entry_id not in gone:
        return None
    return Gone(gone[entry_id])


def _change(base: Fields, now: Fields, gone: Gone | None) -> Change:
    if gone in (Gone.ABSENT, Gone.NAMED):
        return Change.UNSURE
    if gone is not None:
        return Change.GONE
    return Change.SAME if now is base or not changed_keys(base, now) else Change.EDITED
