"""Field by field: what travels which way when one or both sides were edited (rules 7.3, 7.4, 4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from samklang.engine.actions import Loser
from samklang.engine.canonical import CANCELLED, known_days, occurrence_key, occurrence_of
from samklang.engine.changes import Pair
from samklang.engine.model import FieldKey, Fields, Side
from samklang.engine.rules import ConflictPolicy


@dataclass(frozen=True, slots=True)
class Merged:
    """Keys to bring to either side, and the values that lost."""

    to_psa: frozenset[FieldKey] = frozenset()
    to_exchange: frozenset[FieldKey] = frozenset()
    losers: tuple[Loser, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerClocks:
    """How the two servers' clocks compare, as seen in their answers (rule 7.4)."""

    #: Exchange's clock minus the PSA's.
    offset: timedelta = timedelta()
    #: The offset moved by more than 60 s between runs: stamps prove nothing.
    unsure: bool = False

    def on_psa_clock(self, exchange_modified: datetime | None) -> datetime | None:
        """Exchange's stamp as the PSA's clock showed that moment; None where that cannot be told."""
        return None if self.unsure or exchange_modified is None else exchange_modified - self.offset


IN_STEP = ServerClocks()


def winner(
    policy: ConflictPolicy, psa_modified: datetime | None, exchange_modified: datetime | None, clocks: ServerClocks
) -> Side:
    """Who wins a conflict; a tie, an unsure clock or a missing stamp goes to Exchange."""
    if policy is ConflictPolicy.PSA:
        return Side.PSA
    edited = clocks.on_psa_clock(exchange_modified)
    if policy is ConflictPolicy.EXCHANGE or psa_modified is None or edited is None:
        return Side.EXCHANGE
    return Side.PSA if psa_modified > edited else Side.EXCHANGE


def merge(pair: Pair, outgoing: Fields, incoming: Fields, wins: Side, first: Side | None = None) -> Merged:
    """What each side's changed keys do, every key judged against that side's own base.

    `outgoing` is the activity as Exchange would hold it, `incoming` the event as the PSA would: two values that agree
    once translated are no conflict. `first`: who wins where the two sides never agreed on a field (default: `wins`).
    """
    dropped = dropped_by_server(pair)
    merging = _Merging(pair, outgoing, incoming, wins, first or wins, pair.exchange_keys - dropped)
    merging.to_exchange.update(key for key in dropped if key in pair.psa_now)
    keys = pair.psa_keys | pair.exchange_keys - dropped
    for key in sorted(key for key in keys if occurrence_of(key) is None):
        merging.settle(key)
    for day in sorted({day for key in keys if (day := occurrence_of(key)) is not None}):
        merging.settle_occurrence(day)
    return Merged(frozenset(merging.to_psa), frozenset(merging.to_exchange), tuple(merging.losers))


def dropped_by_server(pair: Pair) -> frozenset[FieldKey]:
    """What Exchange threw away when a person there changed a series' pattern or time: all changed and cancelled dates.

    Nobody meant that; those that still have a place are written again (rule 5.4). What he typed into one of the dates
    since is his edit.
    """
    base, now, event = pair.link.base.exchange, pair.exchange_now, pair.event
    own = {key: day for key in base if (day := occurrence_of(key)) is not None}
    if event is None or not own or not pair.exchange_keys & {"time", "recurrence"}:
        return frozenset()
    if any(now.get(key) == base[key] for key in own):
        return frozenset()
    fitting = known_days(event.entry, frozenset(own.values())) if event.entry.is_series else []
    typed = {day for key in now if (day := occurrence_of(key)) is not None}
    removed = {day for day in typed if now.get(occurrence_key(day)) == CANCELLED}

    def is_his(key: FieldKey, day: date) -> bool:
        return key in now or day in removed or (day in typed and base[key] == CANCELLED)

    return frozenset(key for key, day in own.items() if day in fitting and not is_his(key, day))


class _Merging:
    def __init__(
        self,
        pair: Pair,
        outgoing: Fields,
        incoming: Fields,
        wins: Side,
        first: Side,
        exchange_keys: frozenset[FieldKey],
    ) -> None:
        self._pair = pair
        self._outgoing = outgoing
        self._incoming = incoming
        self._wins = wins
        self._first = first
        self._psa_keys = pair.psa_keys
        self._exchange_keys = exchange_keys
        self.to_psa: set[FieldKey] = set()
        self.to_exchange: set[FieldKey] = set()
        self.losers: list[Loser] = []

    def settle(self, key: FieldKey) -> None:
        if key not in self._exchange_keys:
            self.to_exchange.add(key)
        elif key not in self._psa_keys:
            self.to_psa.add(key)
        elif not self._agree(key):
            loser = (self._wins if self._was_agreed(key) else self._first).other
            lost = self._now(loser).get(key, "")
            (self.to_psa if loser is Side.PSA else self.to_exchange).add(key)
            self.losers.append(Loser(loser, key, lost))

    def settle_occurrence(self, day: date) -> None:
        psa = {key for key in self._psa_keys if occurrence_of(key) == day}
        exchange = {key for key in self._exchange_keys if occurrence_of(key) == day}
        if not exchange:
            self.to_exchange |= psa
        elif not psa:
            self.to_psa |= exchange
        else:
            self._settle_both(day, psa | exchange)

    def _settle_both(self, day: date, keys: set[FieldKey]) -> None:
        cancelled = {side: self._now(side).get(occurrence_key(day)) == CANCELLED for side in Side}
        if cancelled[Side.PSA] and cancelled[Side.EXCHANGE]:
            return
        if not any(cancelled.values()):
            for key in sorted(keys):
                self.settle(key)
            return
        # Removed on one side, edited on the other: as in rule 7.2 the edit wins, and the occurrence comes back whole.
        (self.to_psa if cancelled[Side.PSA] else self.to_exchange).update(keys)

    def _now(self, side: Side) -> Fields:
        return self._pair.psa_now if side is Side.PSA else self._pair.exchange_now

    def _was_agreed(self, key: FieldKey) -> bool:
        """A date of a series may be new on both sides; the fields of an entry are not, once it is linked."""
        base = self._pair.link.base
        return occurrence_of(key) is not None or key in base.psa or key in base.exchange

    def _agree(self, key: FieldKey) -> bool:
        psa, exchange = self._pair.psa_now.get(key), self._pair.exchange_now.get(key)
        return self._outgoing.get(key) == exchange or self._incoming.get(key) == psa
