"""One side of a link is gone: what becomes of the other, and how what was deleted is made again (rules 4.7, 7.2, 8)."""

from __future__ import annotations

from dataclasses import replace

from samklang.engine import missing
from samklang.engine.actions import Action, Actions, CreateActivity, CreateEvent, Delete, Forget, Revive, Unlink, Update
from samklang.engine.canonical import with_fields
from samklang.engine.changes import Change, Pair
from samklang.engine.context import Context
from samklang.engine.edited import held_back
from samklang.engine.meetings import WITHOUT_ACTIVITY, attendee_left
from samklang.engine.model import Entry, Mail, Role, Sensitivity, Side
from samklang.engine.people import has_attendees, names_in_text, owner_of
from samklang.engine.rules import is_ticked, moved_type, type_for, type_of, wanted_activity, wanted_event


def left(pair: Pair, context: Context) -> Actions:
    """The user takes no part any longer (rule 4.7): his copy of it goes; what he made himself moves to a new owner who
    syncs, and stays otherwise; a meeting stays with its organizer."""
    link, event, activity = pair.link, pair.event, pair.activity
    if pair.exchange is Change.GONE or pair.is_called_off:
        return [Forget(link)]
    if event is None or event.is_meeting:
        return [Unlink(link, "4.7")]
    owner = context.rules.people.of_id(activity.owner_id) if activity else None
    moves = owner is not None and owner.syncs and activity is not None and is_ticked(activity.type_id, context.rules)
    if moves if link.role is Role.OWNER else link.born is Side.PSA:
        return [Delete(link, Side.EXCHANGE, event, "4.7")]
    return [Unlink(link, "4.7")]


def as_chosen(pair: Pair, context: Context) -> Actions:
    """One side is missing after lost state (rule 8.5): nothing happens until its user chose."""
    event_gone = pair.exchange is Change.GONE
    match missing.choice(pair, context):
        case None:
            return missing.ask(pair, context)
        case missing.Choice.REMOVE:
            return remove_activity(pair, context) if event_gone else remove_event(pair, context)
        case missing.Choice.PUT_BACK if event_gone:
            return make_event_again(pair, context, missing.MISSING)
        case _:
            made = make_activity_again(pair, context, missing.MISSING)
            return [_out_of_the_trash(one) if isinstance(one, CreateActivity) else one for one in made]


def _out_of_the_trash(action: CreateActivity) -> Action:
    """The activity itself, where the trash still has it, else one made anew."""
    if action.link is None:
        return action
    return Revive(action.link, action.event, action.entry, action.type_id, action.rule)


def remove_activity(pair: Pair, context: Context) -> Actions:
    """An event was deleted by its user (rule 8.2); the activity goes only if it is his and nothing of it is past."""
    activity, link = pair.activity, pair.link
    if activity is None:
        return []
    if not pair.is_called_off and (link.role is Role.ATTENDEE or not _may_remove(pair, context)):
        aside = attendee_left(pair, activity, context)
        if aside is not None:
            return aside
    over = context.is_over(activity.entry) and not context.is_in_series(link)
    if activity.closed or activity.has_hours or over:
        return [Unlink(link, "8.2")]
    shortened = context.ended_slots(activity.entry)
    if shortened is None:
        return [Delete(link, Side.PSA, activity)]
    # A running series: what is over stays, the rest goes.
    entry = with_fields(activity.entry, replace(activity.entry, recurrence=shortened), {"recurrence"})
    keys = frozenset({"recurrence"})
    return [
        Update(link, activity, None, to_psa=entry, psa_fields=keys, rule="8.2"),
        Unlink(link, "8.2"),
    ]


def _may_remove(pair: Pair, context: Context) -> bool:
    """The organizer of a meeting, the owner of anything else."""
    assert pair.activity is not None
    return pair.link.role is Role.ORGANIZER or pair.activity.owner_id == context.rules.user_id


def remove_event(pair: Pair, context: Context) -> Actions:
    """The activity was deleted (rule 8.2): its event goes, a meeting to come with mails that cancel it (rule 4.6)."""
    event, link = pair.event, pair.link
    if event is None:
        return []
    if event.is_meeting and not event.is_organizer:
        return [Unlink(link, WITHOUT_ACTIVITY)]
    if not (event.is_meeting and has_attendees(event)):
        return [Delete(link, Side.EXCHANGE, event)]
    if context.seen.first_run or context.is_over(event.entry):
        return [Unlink(link, "4.6")]
    return [Delete(link, Side.EXCHANGE, event, mail=Mail.ALL)]


def make_event_again(pair: Pair, context: Context, rule: str = "7.2") -> Actions:
    """The event is gone, the activity was edited (rule 7.2); or it is still to be made, as begun (rule 10.4)."""
    activity = pair.activity
    assert activity is not None
    entry = _unshortened(wanted_event(activity, context.rules), pair, Side.EXCHANGE)
    if pair.link.role.is_meeting:
        entry = replace(entry, text=names_in_text(entry, activity.entry.people))
    held, notes = held_back(activity, context)
    return [CreateEvent(activity, entry, pair.link, rule, held), *notes]


def make_activity_again(pair: Pair, context: Context, rule: str = "7.2") -> Actions:
    """The activity is gone, the event was edited (rule 7.2): under its old type, if that is still in use.

    A create that was begun and is still to do is done the same way (rule 10.4): its base is what it set out to write.
    """
    event = pair.event
    assert event is not None
    kind = type_of(pair.link.type_id, context.rules)
    type_id = kind.id if kind and kind.active else type_for(event, context.rules)
    if kind and event.entry.sensitivity.is_private is not _was_private(pair):
        # Edited; or this is the copy of one who took part, and what she made of it counts now (rule 1.8).
        type_id = moved_type(kind.id, event.entry.sensitivity.is_private, context.rules) or type_id
    if type_id is None:
        return context.put_aside(event, "no_activity_type", pair.link)
    entry = _unshortened(wanted_activity(event, context.rules, type_id), pair, Side.PSA)
    owner_id = owner_of(event, context.rules.people, context.rules.user_id)
    # Edited in several of its copies, or making it was cut off in one mailbox, it is made again once (rules 4.1, 4.3).
    key = key_of_again(pair.link.psa_id)
    return [CreateActivity(event, entry, type_id, pair.link, rule, owner_id, key)]


def key_of_again(psa_id: str | None) -> str:
    """The create key of what is made in the place of this activity; "" where there was none: any."""
    return "" if psa_id is None else f"again-{psa_id}"


def _was_private(pair: Pair) -> bool:
    """Whether the activity was private when both sides last agreed."""
    return Sensitivity(pair.link.base.psa.get("sensitivity", Sensitivity.NORMAL)).is_private


def _unshortened(entry: Entry, pair: Pair, target: Side) -> Entry:
    """What was not edited comes back as the target had it, not as the other side shortened or masked it (rule 2)."""
    now = pair.psa_now if target is Side.EXCHANGE else pair.exchange_now
    theirs, ours = pair.link.base.of(target.other), pair.link.base.of(target)
    kept = {
        key: ours[key]
        for key in ("title", "place", "text")
        if key in ours and key in theirs and now.get(key) == theirs[key]
    }
    return replace(entry, **kept)  # type: ignore[arg-type]
