"""What a link remembers between the two writes of an update, for a run that is cut off there (rules 5.4, 10.4)."""

from __future__ import annotations

from samklang.engine import canonical
from samklang.engine.actions import Update
from samklang.engine.model import Base, Entry, FieldKey, Fields


def lays_out_anew(wanted: Entry, keys: frozenset[FieldKey]) -> bool:
    """Whether a write makes a server drop a series' changed and cancelled dates, to be written again one by one."""
    given_back = any(key == canonical.occurrence_key(day) for key in keys if (day := canonical.occurrence_of(key)))
    return wanted.is_series and bool(keys & {"time", "recurrence"} or given_back)


def laid_out_still(action: Update) -> frozenset[FieldKey]:
    """Fields by which the next run must still see that Exchange dropped a series' dates, until they are written there
    again (rule 5.4): the new rule or time alone tells that nobody removed them."""
    dates_follow = any(canonical.occurrence_of(key) for key in action.exchange_fields)
    return action.psa_fields & {"time", "recurrence"} if dates_follow else frozenset()


def advanced(base: Base, now: Base, keys: frozenset[FieldKey], *, still: frozenset[FieldKey] = frozenset()) -> Base:
    """`base` with the fields `keys` as both sides hold them now; those `still` to do count as edited in Exchange,
    whatever it holds by then: somebody may have gone back to what they were. With them a series' dates stay there as
    they were before all were dropped."""

    def side(before: Fields, after: Fields, keys: frozenset[FieldKey], known: frozenset[FieldKey]) -> Fields:
        kept = {key: value for key, value in before.items() if key not in keys}
        return kept | {key: after[key] for key in known if key in after}

    there = frozenset(key for key in keys if not still or canonical.occurrence_of(key) is None)
    return Base(side(base.psa, now.psa, keys, keys), side(base.exchange, now.exchange, there, there - still))
