"""Does the server hold what was written? A series whose zone was not taken would drift when clocks change (6.1)."""

from __future__ import annotations

from dataclasses import replace

from samklang.engine import canonical
from samklang.engine.actions import Update
from samklang.engine.model import Base, Entry, Link, SeenActivity, SeenEvent, Timed
from samklang.engine.times import canonical_zone


def zone_lost(wanted: Entry, held: Entry) -> bool:
    """True when a series was written with one zone and stands there with another."""
    if not (isinstance(wanted.when, Timed) and isinstance(held.when, Timed) and held.is_series and wanted.is_series):
        return False
    return canonical_zone(wanted.when.zone) != canonical_zone(held.when.zone)


def still_to_bring(base: Base) -> Base:
    """The base without the rule the PSA has: it counts as edited until Exchange holds it."""
    return replace(base, psa={key: value for key, value in base.psa.items() if key != "recurrence"})


def written_again(link: Link, activity: SeenActivity, event: SeenEvent, wanted: Entry) -> Update:
    """The rule and its zone once more, with the dates a server drops then (rule 5.4)."""
    dates = {key for key in canonical.fields(wanted) if canonical.occurrence_of(key) is not None}
    keys = frozenset({"time", "recurrence", *dates})
    return Update(link, activity, event, to_exchange=wanted, exchange_fields=keys, rule="6.1")
