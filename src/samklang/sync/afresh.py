"""Looking again, right before a write, at what was decided on; and at all of a link that is decided once more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from samklang.engine.actions import Observation
from samklang.engine.model import Gone, Link, SeenActivity, SeenEvent, Side
from samklang.engine.rules import Rules
from samklang.sync.errors import ItemError
from samklang.sync.look import alike
from samklang.sync.parts import Parts

S = TypeVar("S", SeenActivity, SeenEvent)
Get = Callable[[Sequence[str]], Mapping[str, S | None]]


class NotAsDecided(Exception):
    """The entry is not as it was when the action was decided."""


class Afresh:
    """Entries as they stand now, beside what the run has seen."""

    def __init__(self, parts: Parts, rules: Rules, observation: Observation) -> None:
        self._activities = parts.activities
        self._calendar = parts.calendar
        self._rules = rules
        self._observation = observation
        #: Entries as our own writes left them.
        self.left: dict[tuple[Side, str], SeenActivity | SeenEvent] = {}

    def activity(self, seen: SeenActivity | None, psa_id: str | None) -> SeenActivity:
        """The activity as it stands, if it still holds what was decided on. Raises NotAsDecided, ItemError."""
        return self._as_decided(self._activities.get, seen, psa_id)

    def event(self, seen: SeenEvent | None, item_id: str | None) -> SeenEvent:
        """The event as it stands, if it still holds what was decided on. Raises NotAsDecided, ItemError."""
        return self._as_decided(self._calendar.get, seen, item_id)

    def _as_decided(self, get: Get[S], seen: S | None, entry_id: str | None) -> S:
        fresh = ask(get, entry_id) if entry_id else None
        if fresh is None or seen is None or not alike(fresh, seen, self._rules):
            raise NotAsDecided
        return fresh

    def observation(self, link: Link, target: Side) -> Observation:
        """What is to be decided on for one link when `target` was not as decided: that side is asked anew.

        The other side stays as this run's pages showed it, for asking again might reach a replica that lags behind;
        what changes there meanwhile the next run sees.
        """
        seen = replace(self._observation, links=(link,), activities={}, events={}, set_aside=(), complete={})
        seen = self._with_psa(seen, link.psa_id, fresh=target is Side.PSA)
        return self._with_exchange(seen, link.item_id, fresh=target is Side.EXCHANGE)

    def _with_psa(self, seen: Observation, psa_id: str | None, *, fresh: bool) -> Observation:
        if psa_id is None or (not fresh and psa_id in self._observation.gone_activities):
            return seen
        held = self.left.get((Side.PSA, psa_id)) or self._observation.activities.get(psa_id)
        if fresh or not isinstance(held, SeenActivity):
            held = ask(self._activities.get, psa_id)
        if held is None:
            return replace(seen, gone_activities={**seen.gone_activities, psa_id: Gone.CONFIRMED})
        return replace(seen, activities={psa_id: held}, gone_activities={})

    def _with_exchange(self, seen: Observation, item_id: str | None, *, fresh: bool) -> Observation:
        if item_id is None or (not fresh and item_id in self._observation.gone_events):
            return seen
        held = self._observation.events.get(item_id)
        if fresh or held is None:
            held = ask(self._calendar.get, item_id)
        if held is None or held.elsewhere:
            why = Gone.CONFIRMED if held is None else Gone.MOVED
            return replace(seen, gone_events={**seen.gone_events, item_id: why})
        return replace(seen, events={item_id: held}, gone_events={})


def ask(get: Get[S], entry_id: str) -> S | None:
    """One entry; None when it is gone. Raises ItemError("unreadable")."""
    answer = get([entry_id])
    if entry_id not in answer:
        raise ItemError("unreadable")
    return answer[entry_id]
