"""What a plan does about one link, by what happened to its two sides (rules 4.4-4.8, 7.2, 8.1-8.5)."""

from __future__ import annotations

from dataclasses import replace

from samklang.engine import missing
from samklang.engine.actions import Actions, Unlink
from samklang.engine.changes import Change, Pair
from samklang.engine.context import Context
from samklang.engine.decide import Verdict, decide
from samklang.engine.edited import bring
from samklang.engine.gone import as_chosen, left, make_activity_again, make_event_again, remove_activity, remove_event
from samklang.engine.meetings import WITHOUT_ACTIVITY, answers_aside, attendee_left, carries
from samklang.engine.model import Gone, Role, Side
from samklang.engine.rules import is_ticked, private_type


def plan_pair(pair: Pair, context: Context, *, renew: bool = False) -> Actions:
    """The actions for one link; `renew` remembers it anew even when nothing has changed (a mark that ended)."""
    if pair.stands and not renew:
        return []
    renew = renew or missing.is_found_again(pair, context)
    if (not renew and _waits(pair, context)) or Change.UNSURE in (pair.psa, pair.exchange):
        return []
    if pair.psa_gone is Gone.LEFT:
        return left(pair, context)
    if pair.exchange_gone is Gone.MOVED:
        return [Unlink(pair.link, "8.4" if pair.psa is Change.GONE else "8.2")]
    pair = answers_aside(pair)
    if pair.event is not None and pair.is_called_off:
        if pair.psa is not Change.GONE and not pair.event.is_organizer and not carries(pair, context):
            return [Unlink(pair.link, "8.2")]  # its organizer's own copy says what becomes of the activity
        pair = replace(pair, exchange=Change.GONE)
        if pair.psa is Change.EDITED:
            return [Unlink(pair.link, "8.2")]
    if missing.is_missing(pair, context):
        return as_chosen(pair, context)
    if _was_unticked(pair, context):
        return [Unlink(pair.link, "4.8")]
    for seen in (pair.activity, pair.event):
        refused = context.refuse_rule(seen, pair.link)
        if refused is not None and Change.GONE not in (pair.psa, pair.exchange):
            return refused
    match decide(pair.psa, pair.exchange):
        case Verdict.FORGET:
            return [Unlink(pair.link, "8.4")]  # the mark alone is left: either may be restored
        case Verdict.REMOVE_ACTIVITY:
            return remove_activity(pair, context)
        case Verdict.REMOVE_EVENT:
            return remove_event(pair, context)
        case Verdict.MAKE_EVENT_AGAIN:
            # An edit beats a delete, but who is out of a meeting stays out, whatever becomes of it (rule 4.5).
            out = pair.activity if pair.link.role is Role.ATTENDEE else None
            aside = attendee_left(pair, out, context) if out else None
            return make_event_again(pair, context) if aside is None else aside
        case Verdict.MAKE_ACTIVITY_AGAIN:
            if pair.link.role is Role.ATTENDEE and not carries(pair, context):
                # The copy that speaks for the meeting makes it again; this one follows it then (`meetings.made_again`).
                return [Unlink(pair.link, WITHOUT_ACTIVITY)]
            return make_activity_again(pair, context)
        case _:
            return bring(pair, context, renew)


def _waits(pair: Pair, context: Context) -> bool:
    """A set-aside side waits until it changes or its time comes; an edit on the other side starts a new try."""
    activity_waits = context.waits(Side.PSA, pair.link.psa_id, pair.activity.version if pair.activity else None)
    event_waits = context.waits(Side.EXCHANGE, pair.link.item_id, pair.event.version if pair.event else None)
    if activity_waits:
        return pair.exchange is not Change.EDITED
    return event_waits and pair.psa is not Change.EDITED


def _was_unticked(pair: Pair, context: Context) -> bool:
    """A person moved the activity from a ticked to an unticked type (rules 1.5, 4.8)."""
    activity, rules = pair.activity, context.rules
    if activity is None or activity.type_id == pair.link.type_id or is_ticked(activity.type_id, rules):
        return False
    hidden = private_type(rules)
    by_us = (
        pair.event is not None
        and pair.event.entry.sensitivity.is_private
        and hidden is not None
        and hidden.id == activity.type_id
    )
    return is_ticked(pair.link.type_id, rules) and not by_us
