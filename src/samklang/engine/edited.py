"""Both sides of a link are there: what each gets of the other (rules 7.2-7.4), and what stays behind (4.6, 5.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from samklang.engine.actions import Actions, Loser, PutAside, Rebase, Update
from samklang.engine.canonical import CANCELLED, changed_keys, fields, known_days, occurrence_of, with_fields
from samklang.engine.changes import Change, Pair, base_after
from samklang.engine.context import PARTIAL, Context
from samklang.engine.meetings import carried, told
from samklang.engine.merge import merge, winner
from samklang.engine.model import Entry, FieldKey, Fields, Mail, Person, SeenActivity, SeenEvent, Sensitivity, Side
from samklang.engine.neighbours import crossing
from samklang.engine.people import RESPONSE, activity_people, event_people, is_person, with_answer, with_people
from samklang.engine.recurrence import aligned
from samklang.engine.rules import (
    ConflictPolicy,
    Rules,
    moved_type,
    seen_entry,
    stays_private,
    wanted_activity,
    wanted_event,
)
from samklang.engine.stale import detached

_NO_KEYS: frozenset[FieldKey] = frozenset()


@dataclass(frozen=True, slots=True)
class _Write:
    """What one side is to get: the whole entry wanted there and the keys that differ."""

    entry: Entry | None = None
    keys: frozenset[FieldKey] = _NO_KEYS
    type_id: str | None = None
    held: frozenset[FieldKey] = _NO_KEYS
    mail: Mail = Mail.NONE
    response: str = ""


def bring(pair: Pair, context: Context, renew: bool) -> Actions:
    """Bring each side what the other changed, conflicts settled (rules 7.2-7.4)."""
    activity, event, rules = pair.activity, pair.event, context.rules
    outgoing = wanted_event(activity, rules) if activity else None
    type_id = activity.type_id if activity else pair.link.type_id
    incoming = wanted_activity(event, rules, type_id) if event else None
    stamps = activity.modified if activity else None, event.modified if event else None, context.clocks
    wins = winner(rules.conflict, *stamps)
    # Of what a colleague's run made of a meeting nobody can tell whether a person said it in the PSA: that it wins
    # always does not mean that it goes over what the organizer has edited since, and mails it (rule 4.6).
    first = winner(ConflictPolicy.NEWEST, *stamps) if rules.conflict is ConflictPolicy.PSA else wins
    held, wanted = _outgoing(activity, outgoing, rules), _incoming(event, incoming, rules)
    merged = carried(merge(pair, held, wanted, wins, first), pair, context)
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
            rule=_rule_of(pair, merged.losers),
            held=exchange.held,
        )
        return [*detached(pair, psa.entry, context), update, *_notes(pair, exchange.held, context, anew=True)]
    base = base_after(pair.link, activity, event, rules, exchange.held)
    if renew or base != pair.link.base or _versions_moved(pair):
        return [Rebase(pair.link, base, activity, event), *_notes(pair, exchange.held, context, anew=True)]
    return _notes(pair, exchange.held, context)


def _rule_of(pair: Pair, losers: tuple[Loser, ...]) -> str:
    """Without a conflict nothing loses but what only the organizer may change, and what is taken back."""
    if pair.psa is Change.EDITED and pair.exchange is Change.EDITED:
        return "7.3"
    return "4.4" if losers else "7.2"


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
    if pair.activity is None:
        waiting = context.aside.get((Side.PSA, pair.link.psa_id or ""))
        return [PutAside(waiting, pair.link)] if anew and waiting and waiting.code in PARTIAL else []
    if not held:
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
