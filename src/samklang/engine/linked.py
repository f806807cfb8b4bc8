"""What a plan does about one link (rules 4.4-4.8, 5.2-5.4, 7.2-7.4, 8.1-8.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from samklang.engine import missing
from samklang.engine.actions import (
    Action,
    CreateActivity,
    CreateEvent,
    Delete,
    Forget,
    Rebase,
    Revive,
    Unlink,
    Update,
)
from samklang.engine.canonical import CANCELLED, changed_keys, fields, known_days, occurrence_of, with_fields
from samklang.engine.changes import Change, Pair, base_after
from samklang.engine.context import Context
from samklang.engine.decide import Verdict, decide
from samklang.engine.meetings import (
    WITHOUT_ACTIVITY,
    answers_aside,
    attendee_left,
    carried,
    carries,
    is_foreign,
    told,
)
from samklang.engine.merge import merge, winner
from samklang.engine.model import (
    Entry,
    FieldKey,
    Fields,
    Gone,
    Mail,
    Person,
    Role,
    SeenActivity,
    SeenEvent,
    Sensitivity,
    Side,
)
from samklang.engine.neighbours import crossing
from samklang.engine.people import (
    RESPONSE,
    activity_people,
    event_people,
    has_attendees,
    is_person,
    names_in_text,
    owner_of,
    with_answer,
    with_people,
)
from samklang.engine.recurrence import aligned
from samklang.engine.rules import (
    Rules,
    is_ticked,
    moved_type,
    private_type,
    seen_entry,
    stays_private,
    type_for,
    type_of,
    wanted_activity,
    wanted_event,
)
from samklang.engine.stale import detached

Actions = Sequence[Action]

_NO_KEYS: frozenset[FieldKey] = frozenset()


def plan_pair(pair: Pair, context: Context, *, renew: bool = False) -> Actions:
    """The actions for one link; `renew` remembers it anew even when nothing has changed (a mark that ended)."""
    if pair.stands and not renew:
        return []
    renew = renew or missing.is_found_again(pair, context)
    if (not renew and _waits(pair, context)) or Change.UNSURE in (pair.psa, pair.exchange):
        return []
    if pair.psa_gone is Gone.LEFT:
        return _left(pair, context)
    if pair.exchange_gone is Gone.MOVED:
        return [Unlink(pair.link, "8.4" if pair.psa is Change.GONE else "8.2")]
    pair = answers_aside(pair)
    if pair.event is not None and pair.event.is_cancelled:
        if pair.psa is not Change.GONE and not pair.event.is_organizer and not carries(pair, context):
            return [Unlink(pair.link, "8.2")]  # its organizer's own copy says what becomes of the activity
        pair = replace(pair, exchange=Change.GONE)
        if pair.psa is Change.EDITED:
            return [Unlink(pair.link, "8.2")]
    if missing.is_missing(pair, context):
        return _as_chosen(pair, context)
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
            return _remove_activity(pair, context)
        case Verdict.REMOVE_EVENT:
            return _remove_event(pair, context)
        case Verdict.MAKE_EVENT_AGAIN:
            # An edit beats a delete, but who is out of a meeting stays out, whatever becomes of it (rule 4.5).
            out = pair.activity if pair.link.role is Role.ATTENDEE else None
            left = attendee_left(pair, out, context) if out else None
            return make_event_again(pair, context) if left is None else left
        case Verdict.MAKE_ACTIVITY_AGAIN:
            if pair.link.role is Role.ATTENDEE and not carries(pair, context):
                # The copy that speaks for the meeting makes it again; this one follows it then (`meetings.made_again`).
                return [Unlink(pair.link, WITHOUT_ACTIVITY)]
            return make_activity_again(pair, context)
        case _:
            return _bring(pair, context, renew)


def _waits(pair: Pair, context: Context) -> bool:
    """A set-aside side waits until it changes or its time comes; an edit on the other side starts a new try."""
    activity_waits = context.waits(Side.PSA, pair.link.psa_id, pair.activity.version if pair.activity else None)
    event_waits = context.waits(Side.EXCHANGE, pair.link.item_id, pair.event.version if pair.event else None)
    if activity_waits:
        return pair.exchange is not Change.EDITED
    return event_waits and pair.psa is not Change.EDITED


# --- gone -----------------------------------------------------------------------------------------------------------


def _left(pair: Pair, context: Context) -> Actions:
    """The user takes no part any longer (rule 4.7): his copy of it goes; what he made himself moves to a new owner who
    syncs, and stays otherwise; a meeting stays with its organizer."""
    link, event, activity = pair.link, pair.event, pair.activity
    if pair.exchange is Change.GONE or (event is not None and event.is_cancelled):
        return [Forget(link)]
    if event is None or event.is_meeting:
        return [Unlink(link, "4.7")]
    owner = context.rules.people.of_id(activity.owner_id) if activity else None
    moves = owner is not None and owner.syncs and activity is not None and is_ticked(activity.type_id, context.rules)
    if moves if link.role is Role.OWNER else link.born is Side.PSA:
        return [Delete(link, Side.EXCHANGE, event, "4.7")]
    return [Unlink(link, "4.7")]


def _as_chosen(pair: Pair, context: Context) -> Actions:
    """One side is missing after lost state (rule 8.5): nothing happens until its user chose."""
    event_gone = pair.exchange is Change.GONE
    match missing.choice(pair, context):
        case None:
            return missing.ask(pair, context)
        case missing.Choice.REMOVE:
            return _remove_activity(pair, context) if event_gone else _remove_event(pair, context)
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


def _remove_activity(pair: Pair, context: Context) -> Actions:
    """An event was deleted by its user (rule 8.2); the activity goes only if it is his and nothing of it is past."""
    activity, link = pair.activity, pair.link
    if activity is None:
        return []
    cancelled = pair.event is not None and pair.event.is_cancelled
    if not cancelled and (link.role is Role.ATTENDEE or not _may_remove(pair, context)):
        left = attendee_left(pair, activity, context)
        if left is not None:
            return left
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


def _remove_event(pair: Pair, context: Context) -> Actions:
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
    if kind and "sensitivity" in pair.exchange_keys:
        type_id = moved_type(kind.id, event.entry.sensitivity.is_private, context.rules) or type_id
    if type_id is None:
        return context.put_aside(event, "no_activity_type", pair.link)
    entry = _unshortened(wanted_activity(event, context.rules, type_id), pair, Side.PSA)
    owner_id = owner_of(event, context.rules.people, context.rules.user_id)
    # Edited in several of its copies, it is made again once (rule 4.1).
    key = "" if event.is_meeting or pair.link.psa_id is None else f"again-{pair.link.psa_id}"
    return [CreateActivity(event, entry, type_id, pair.link, rule, owner_id, key)]


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


# --- edited ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Write:
    """What one side is to get: the whole entry wanted there and the keys that differ."""

    entry: Entry | None = None
    keys: frozenset[FieldKey] = _NO_KEYS
    type_id: str | None = None
    held: frozenset[FieldKey] = _NO_KEYS
    mail: Mail = Mail.NONE
    response: str = ""


def _bring(pair: Pair, context: Context, renew: bool) -> Actions:
    """Bring each side what the other changed, conflicts settled (rules 7.2-7.4)."""
    activity, event, rules = pair.activity, pair.event, context.rules
    outgoing = wanted_event(activity, rules) if activity else None
    type_id = activity.type_id if activity else pair.link.type_id
    incoming = wanted_activity(event, rules, type_id) if event else None
    wins = winner(
        rules.conflict,
        activity.modified if activity else None,
        event.modified if event else None,
        context.clocks,
    )
    merged = carried(
        merge(pair, _outgoing(activity, outgoing, rules), _incoming(event, incoming, rules), wins), pair, context
    )
    psa = _for_psa(pair, merged.to_psa, context) if merged.to_psa else _Write()
    exchange = _for_exchange(pair, outgoing, merged.to_exchange, context) if merged.to_exchange else _Write()
    if psa.keys or psa.type_id or exchange.keys or exchange.response:
        update = Update(
            pair.link,
            activity,
            event,
            to_psa=psa.entry if psa.keys or psa.type_id else None,
            psa_fields=psa.keys,
            psa_type_id=psa.type_id,
            edited=context.clocks.on_psa_clock(event.modified) if event else None,
            to_exchange=exchange.entry if exchange.keys else None,
            exchange_fields=exchange.keys,
            mail=exchange.mail,
            response=exchange.response,
            losers=merged.losers,
            rule=_rule_of(pair, context),
            held=exchange.held,
        )
        return [*detached(pair, psa.entry, context), update, *_notes(pair, exchange.held, context, anew=True)]
    base = base_after(pair.link, activity, event, rules, exchange.held)
    if renew or base != pair.link.base or _versions_moved(pair):
        return [Rebase(pair.link, base, activity, event), *_notes(pair, exchange.held, context, anew=True)]
    return _notes(pair, exchange.held, context)


def _rule_of(pair: Pair, context: Context) -> str:
    if pair.psa is Change.EDITED and pair.exchange is Change.EDITED:
        return "7.3"
    return "4.4" if pair.psa is Change.EDITED and is_foreign(pair, context) else "7.2"


def _versions_moved(pair: Pair) -> bool:
    activity, event, link = pair.activity, pair.event, pair.link
    if activity is not None and (activity.version, activity.type_id) != (link.psa_version, link.type_id):
        return True
    return event is not None and event.version != link.item_version


def _for_psa(pair: Pair, keys: frozenset[FieldKey], context: Context) -> _Write:
    activity, event, rules = pair.activity, pair.event, context.rules
    assert event is not None
    if activity is None:
        return _Write(wanted_activity(event, rules, pair.link.type_id), keys)
    private = event.entry.sensitivity.is_private
    type_id = None
    if "sensitivity" in keys:
        type_id = moved_type(activity.type_id, private, rules)
        if not private and stays_private(activity, rules):
            keys -= {"sensitivity"}
        elif not (rules.psa_masks or rules.show_private):
            # Where the PSA cannot mask, the stand-in comes and goes with the privacy (rule 1.6).
            keys |= {"title", "place", "text"}
    current = seen_entry(activity, rules)
    wanted = wanted_activity(event, rules, type_id or activity.type_id, activity.owner_id)
    entry = replace(with_fields(current, wanted, keys), people=_participants(pair, activity, wanted, keys, rules))
    after = activity_people(replace(activity, entry=entry), rules.people, rules.user_id)
    people = changed_keys(activity_people(activity, rules.people, rules.user_id), after) & keys
    return _Write(entry, changed_keys(fields(current), fields(entry)) | people, type_id)


def _participants(
    pair: Pair, activity: SeenActivity, wanted: Entry, keys: frozenset[FieldKey], rules: Rules
) -> tuple[Person, ...]:
    """Who takes part once the people among `keys` are as the meeting has them."""
    event = pair.event
    assert event is not None
    people = with_people(activity.entry.people, wanted.people, keys, rules.people)
    user = rules.people.of_id(rules.user_id)
    if RESPONSE in keys and user is not None:
        people = with_answer(people, user.address, event.response, rules.people)
    return people


def _for_exchange(pair: Pair, outgoing: Entry | None, keys: frozenset[FieldKey], context: Context) -> _Write:
    activity, event = pair.activity, pair.event
    assert activity is not None and outgoing is not None
    blocked = crossing(activity.entry)
    held = frozenset(key for key in keys if occurrence_of(key) in blocked)
    if event is None:
        return _Write(outgoing, keys - held, held=held)
    response = pair.psa_now.get(RESPONSE, "") if RESPONSE in keys else ""
    keys = frozenset(key for key in keys - held - {RESPONSE} if not _would_lower(key, event))
    entry, differing = _event_with(event, outgoing, activity, keys, context.rules)
    how = told(event, differing, context)
    if how.held:
        held |= how.held
        entry, differing = _event_with(event, outgoing, activity, keys - how.held, context.rules)
    return _Write(entry, _with_rewritten(differing, event.entry, entry), held=held, mail=how.mail, response=response)


def _event_with(
    event: SeenEvent, outgoing: Entry, activity: SeenActivity, keys: frozenset[FieldKey], rules: Rules
) -> tuple[Entry, frozenset[FieldKey]]:
    """The event with the named fields as the activity has them, and the keys in which that differs."""
    entry = aligned(with_fields(event.entry, outgoing, keys))
    owner = rules.people.of_id(activity.owner_id)
    invited = (*activity.entry.people, *([Person(owner.address)] if owner else []))
    entry = replace(entry, people=with_people(event.entry.people, invited, filter(is_person, keys), rules.people))
    after = replace(event, entry=entry)
    people = changed_keys(event_people(event, rules.people), event_people(after, rules.people))
    return entry, changed_keys(fields(event.entry), fields(entry)) | people


def _would_lower(key: FieldKey, event: SeenEvent) -> bool:
    """`confidential` and `personal` were set by a person and are never lowered by us (rule 1.7)."""
    if not key.endswith("sensitivity"):
        return False
    day = occurrence_of(key)
    changed = event.entry.exceptions.get(day) if day else None
    held = (changed or event.entry).sensitivity
    return held in (Sensitivity.CONFIDENTIAL, Sensitivity.PERSONAL)


def _with_rewritten(keys: frozenset[FieldKey], old: Entry, new: Entry) -> frozenset[FieldKey]:
    """The keys to write: a new pattern, or a cancelled date coming back, makes servers drop every exception (5.4)."""
    before, after = fields(old), fields(new)
    returning = any(before.get(key) == CANCELLED and after.get(key) != CANCELLED for key in keys)
    if not new.is_series or not (returning or keys & {"time", "recurrence"}):
        return keys
    days = known_days(new, frozenset(day for key in keys if (day := occurrence_of(key)) is not None))
    kept = {key for key in keys if occurrence_of(key) in (None, *days)}
    return frozenset(kept | {"recurrence"} | {key for key in after if occurrence_of(key) is not None})


def held_back(activity: SeenActivity, context: Context) -> tuple[frozenset[FieldKey], Actions]:
    """Keys of the exceptions an event made from this activity cannot hold (rule 5.2), and the note that says so."""
    blocked = crossing(activity.entry)
    if not blocked:
        return _NO_KEYS, []
    keys = fields(seen_entry(activity, context.rules))
    held = frozenset(key for key in keys if occurrence_of(key) in blocked)
    return held, _crossing_note(activity, held, context)


def _notes(pair: Pair, held: frozenset[FieldKey], context: Context, *, anew: bool = False) -> Actions:
    """Why some keys stay behind; said `anew` beside an action, for recording that lifts what was said before."""
    if pair.activity is None or not held:
        return []
    context = replace(context, aside={}) if anew else context
    if pair.event is not None and pair.event.is_meeting:
        # A link that is just being made has no id yet: the action beside this one records it.
        return context.put_aside(pair.activity, "meeting_would_mail", pair.link if pair.link.id else None)
    return _crossing_note(pair.activity, held, context)


def _crossing_note(activity: SeenActivity, held: frozenset[FieldKey], context: Context) -> Actions:
    dates = sorted({str(occurrence_of(key)) for key in held})
    return context.put_aside(activity, "occurrence_crosses_neighbour", dates=" ".join(dates))


def _outgoing(activity: SeenActivity | None, entry: Entry | None, rules: Rules) -> Fields:
    """The activity as its event would hold it."""
    if activity is None or entry is None:
        return {}
    return {**fields(entry), **activity_people(activity, rules.people, rules.user_id)}


def _incoming(event: SeenEvent | None, entry: Entry | None, rules: Rules) -> Fields:
    """The event as its activity would hold it."""
    if event is None or entry is None:
        return {}
    return {**fields(entry), **event_people(event, rules.people)}
