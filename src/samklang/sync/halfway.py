"""What a link remembers while half of what was decided is done, for a run that is cut off there (rules 5.4, 10.4)."""

from __future__ import annotations

from collections.abc import Collection

from samklang.engine import canonical
from samklang.engine.actions import Update
from samklang.engine.model import Base, Entry, FieldKey, Fields
from samklang.engine.people import is_about_people


def lays_out_anew(wanted: Entry, keys: frozenset[FieldKey]) -> bool:
    """Whether a write makes a server drop a series' changed and cancelled dates, to be written again one by one."""
    given_back = any(key == canonical.occurrence_key(day) for key in keys if (day := canonical.occurrence_of(key)))
    return wanted.is_series and bool(keys & {"time", "recurrence"} or given_back)


def brings_dates(action: Update) -> bool:
    """Whether changed dates of a series are to be written to Exchange after the PSA."""
    return any(canonical.occurrence_of(key) for key in action.exchange_fields)


def advanced(base: Base, now: Base, keys: frozenset[FieldKey], *, dates_follow: bool = False) -> Base:
    """`base` with the fields `keys` as both sides hold them now.

    Where a new pattern or time of Exchange's dropped a series' dates and they follow, the next run must still see that,
    until they are written again (rule 5.4): that pattern or time alone tells that nobody removed them. It counts as
    edited there, whatever Exchange holds by then (somebody may have gone back to what it was), and with it all dates
    stay as they were before they were dropped.
    """
    anew: set[FieldKey] = set()
    if dates_follow:
        anew = {key for key in ("time", "recurrence") if base.exchange.get(key) != now.exchange.get(key)}
    if anew:
        keys = frozenset(key for key in keys if canonical.occurrence_of(key) is None)

    def side(before: Fields, after: Fields, known: frozenset[FieldKey]) -> Fields:
        kept = {key: value for key, value in before.items() if key not in keys}
        return kept | {key: after[key] for key in known if key in after}

    return Base(side(base.psa, now.psa, keys), side(base.exchange, now.exchange, keys - anew))


def said_last(before: Base, now: Fields, gone_over: Collection[Fields]) -> Base:
    """What both sides said last, of something made again that an activity was found of: `now` is what that holds, and
    `gone_over` what our writes replaced before it was deleted.

    Where a run was cut off at making it, only what the activity has as that create was to write it can be of that; the
    rest a colleague's run made. He may not have heard yet of what was written: a value that had been gone over comes of
    his copy and is nobody's word, and what replaced it stands as this side's edit (rules 7.2, 7.4).
    """
    psa, exchange = dict(before.psa), dict(before.exchange)
    if before.agreed:
        ours = {key for key in {*psa, *exchange} if now.get(key) == psa.get(key)}
        agreed = {key: value for key, value in before.agreed.items() if key not in ours}
        psa, exchange = ({**agreed, **{key: side[key] for key in ours if key in side}} for side in (psa, exchange))
    for key in [key for key in psa if canonical.occurrence_of(key) is None and not is_about_people(key)]:
        if key in now and now[key] != psa[key] and any(one.get(key) == now[key] for one in gone_over):
            psa[key] = now[key]
            exchange.pop(key, None)
    return Base(psa, exchange)
