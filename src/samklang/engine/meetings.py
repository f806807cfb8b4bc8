"""Meetings: whose copy carries which edits, who is told, and what becomes of a copy that is left (rules 4.1-4.7).

One meeting is one activity, in however many mailboxes it stands; each mailbox has a link of its own. A link's role says
what its copy may carry:

| role | from Exchange to the PSA | from the PSA to Exchange |
|---|---|---|
| owner | everything | everything but people: nobody is mailed |
| participant | everything but privacy | everything but people |
| either, beside an organizer's copy | privacy if his, text | everything but people; what he changed goes back |
| organizer | everything, answers too | everything but answers; aloud, or held back (rule 4.6) |
| attendee, no organizer's copy here | everything but a colleague's privacy | his answer, privacy; the rest goes back |
| attendee, beside an organizer's copy | his answer | his answer, privacy |
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from samklang.engine import recurrence, times
from samklang.engine.actions import Action, Loser, Unlink, Update
from samklang.engine.canonical import field_name, occurrence_of
from samklang.engine.changes import Change, Pair
from samklang.engine.context import Context
from samklang.engine.merge import Merged
from samklang.engine.model import (
    Base,
    ColleagueLink,
    FieldKey,
    Fields,
    Gone,
    Link,
    LinkStatus,
    Mail,
    Role,
    SeenActivity,
    SeenEvent,
    Side,
)
from samklang.engine.people import (
    RESPONSE,
    has_attendees,
    is_about_people,
    is_answer,
    is_person,
    organizer_of,
    person_key,
    role_of,
    with_answer,
)

#: What is nobody's business but the reader's own: it changes no meeting, and nobody is told of it (rules 4.4, 4.6).
_OWN = ("sensitivity", "text")
#: Reason of the mark of an attendee's copy whose activity was deleted: the copy is its organizer's to remove.
WITHOUT_ACTIVITY = "4.4"
#: Reason of the mark of a copy whose user declined or removed it. Ends when it is back, or when he takes part again in
#: the PSA (rule 4.5).
REMOVED = "4.5"


def role_in(pair: Pair, context: Context) -> Role:
    """What the user is to this pair as it stands now."""
    return role_of(pair.activity, pair.event, context.rules.user_id, pair.link.role)


# --- who carries ----------------------------------------------------------------------------------------------------


def others(pair: Pair, context: Context, *, attendees: bool) -> list[ColleagueLink]:
    """Links of colleagues' mailboxes to the same meeting: of its attendees, or of its organizer, whose own link may
    not have heard yet that the entry became a meeting."""
    link = pair.link
    known = (one for one in context.seen.colleagues if one.linked)
    same = (one for one in known if one.psa_id == link.psa_id or one.uid == link.uid != "")
    return [one for one in same if (one.role is Role.ATTENDEE) is attendees]


def carries(pair: Pair, context: Context) -> bool:
    """Whether an attendee's copy speaks for the meeting: no organizer's copy is linked here, and his address is the
    lowest of those whose copies are (rules 4.2, 4.4)."""
    if others(pair, context, attendees=False):
        return False
    user = context.rules.people.of_id(context.rules.user_id)
    own = user.address if user else ""
    return all(own <= one.address for one in others(pair, context, attendees=True))


def is_kept_apart(organizers: ColleagueLink) -> bool:
    """True for the mark of who called the meeting: no invitation to it is joined to his activity then (rule 4.9)."""
    return organizers.role is Role.ORGANIZER and not organizers.linked


def _is_foreign(pair: Pair, context: Context) -> bool:
    """True where nobody's mailbox of ours can change the meeting: its organizer does not sync (rule 4.4), or his copy
    is kept apart (rule 4.9)."""
    if pair.event is None or role_in(pair, context) is not Role.ATTENDEE or others(pair, context, attendees=False):
        return False
    organizer = organizer_of(pair.event)
    known = context.rules.people.of_address(organizer.address) if organizer else None
    apart = any(one.uid == pair.link.uid != "" and is_kept_apart(one) for one in context.seen.colleagues)
    return known is None or not known.syncs or apart


def carried(merged: Merged, pair: Pair, context: Context) -> Merged:
    """What of a merge this copy may carry; what may not stays as each side's own base."""
    role = role_in(pair, context)
    to_psa, to_exchange = set(merged.to_psa), set(merged.to_exchange)
    losers = list(merged.losers)
    always_on = _always_on(pair, context)
    # Whoever called or owns it is on it: struck off on one side, he is put back there.
    to_psa |= to_exchange & always_on
    to_psa = {key for key in to_psa if key not in always_on or key in pair.exchange_now}
    to_exchange -= always_on
    # Whoever came by an invitation of his own is asked already, if only by the name of a group he is in.
    asked = {person_key(one.address) for one in others(pair, context, attendees=True)}
    to_exchange -= {key for key in asked if key in pair.psa_now}
    if not _is_owner(pair, context):
        to_psa = {key for key in to_psa if field_name(key) != "sensitivity"}  # rule 1.8: the owner's decides
    match role:
        case Role.OWNER | Role.PARTICIPANT:
            if _is_called_by_a_colleague(pair, context):
                back = {key for key in to_psa if _is_the_meetings(key)}
                to_psa -= back
                to_exchange |= back
                losers += _lost(Side.EXCHANGE, pair.exchange_now, back)
            to_exchange = {key for key in to_exchange if not is_about_people(key)}
        case Role.ORGANIZER:
            to_exchange = {key for key in to_exchange if not is_about_people(key) or is_person(key)}
            to_psa.discard(RESPONSE)
        case Role.ATTENDEE:
            back = {key for key in to_exchange if _is_the_meetings(key)}
            to_exchange = {key for key in to_exchange if key == RESPONSE or field_name(key) == "sensitivity"}
            if not carries(pair, context):
                to_psa &= {RESPONSE}
            elif _is_foreign(pair, context):
                to_psa |= back
                losers += _lost(Side.PSA, pair.psa_now, back)
            if _is_owner(pair, context):
                to_psa.discard(RESPONSE)  # an owner has no answer to show
    goes = {Side.PSA: to_psa, Side.EXCHANGE: to_exchange}
    kept = tuple(loser for loser in losers if loser.field in goes[loser.side])
    return Merged(frozenset(to_psa), frozenset(to_exchange), kept)


def _lost(side: Side, now: Fields, keys: Collection[FieldKey]) -> list[Loser]:
    """What is taken back on a side, to be kept in the history."""
    return [Loser(side, key, now.get(key, "")) for key in sorted(keys)]


def _is_called_by_a_colleague(pair: Pair, context: Context) -> bool:
    """True where a plain copy stands beside the meeting itself: a change of it would be mailed (rules 4.4, 4.6)."""
    return any(one.role is Role.ORGANIZER for one in others(pair, context, attendees=False))


def _is_owner(pair: Pair, context: Context) -> bool:
    """Nobody's activity is everybody's."""
    activity = pair.activity
    return activity is None or activity.owner_id in (None, context.rules.user_id)


def _always_on(pair: Pair, context: Context) -> set[FieldKey]:
    """Keys of those who cannot be struck off: the organizer, and the activity's owner."""
    people = context.rules.people
    owner = people.of_id(pair.activity.owner_id) if pair.activity else None
    organizer = organizer_of(pair.event) if pair.event and pair.event.is_meeting else None
    found = {person_key(owner.address)} if owner else set()
    return found | ({person_key(people.primary(organizer.address))} if organizer else set())


def _is_the_meetings(key: FieldKey) -> bool:
    """Fields that belong to the meeting, not to who looks at it (rule 4.4): his notes, answer and privacy do not."""
    return field_name(key) not in _OWN and (not is_about_people(key) or is_person(key))


def agreed(base: Base) -> Fields:
    """What a copy of a meeting and its activity said alike when they were last compared, and every other copy then:
    neither notes nor people. What an attendee's copy may not carry (rule 4.4) differs in its base."""
    alike = (key for key, value in base.psa.items() if base.exchange.get(key) == value)
    return {key: base.psa[key] for key in alike if field_name(key) not in _OWN and not is_about_people(key)}


def answers_aside(pair: Pair) -> Pair:
    """The pair with answers left out of what an edit is, for an edit beats a delete (rule 7.2): a meeting that was
    called off does not come back because somebody had accepted or declined it (rule 4.5), nor an invitation its user
    removed because somebody else came or went."""
    psa, exchange = pair.psa, pair.exchange
    is_aside = is_about_people if pair.link.role is Role.ATTENDEE else is_answer
    if psa is Change.EDITED and (pair.is_called_off or exchange is Change.GONE) and all(map(is_aside, pair.psa_keys)):
        psa = Change.SAME
    if exchange is Change.EDITED and psa is Change.GONE and all(map(is_answer, pair.exchange_keys)):
        exchange = Change.SAME
    return replace(pair, psa=psa, exchange=exchange)


def made_again(link: Link, gone: Mapping[str, str], colleagues: Iterable[ColleagueLink]) -> str | None:
    """PSA id of what a meeting is now, where a colleague's copy made its activity again (4.3, 7.2): one meeting is
    one activity in every mailbox. `gone`: activities that are not there any longer."""
    parted = link.status is LinkStatus.UNLINKED and link.reason == WITHOUT_ACTIVITY
    if not (link.role.is_meeting and link.uid and (parted or gone.get(link.psa_id or "") == Gone.CONFIRMED)):
        return None
    same = (one.psa_id for one in colleagues if one.linked and one.uid == link.uid)
    return min((psa_id for psa_id in same if psa_id != link.psa_id), default=None)


# --- who is told ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """How a write to a meeting the user organizes goes out: these keys wait, these people are told."""

    held: frozenset[FieldKey] = frozenset()
    mail: Mail = Mail.NONE


def told(event: SeenEvent, keys: Collection[FieldKey], context: Context) -> Told:
    """Rule 4.6: aloud if a person changed what belongs to a meeting still to come; else not at all, for no server has
    to be able to write silently."""
    if not (event.is_meeting and event.is_organizer and has_attendees(event)):
        return Told()
    aloud = {key for key in keys if _is_the_meetings(key) and not _is_over(event, key, context)}
    if not aloud or context.seen.first_run:
        return Told(frozenset(keys))
    if all(is_person(key) for key in aloud):
        return Told(frozenset(keys) - aloud, Mail.CHANGED)
    return Told(frozenset(key for key in keys if _is_the_meetings(key) and key not in aloud), Mail.ALL)


def _is_over(event: SeenEvent, key: FieldKey, context: Context) -> bool:
    """For the past nobody is mailed: a meeting that is over, an occurrence that is."""
    day = occurrence_of(key)
    if day is None:
        return context.is_over(event.entry)
    when = recurrence.occurrence(event.entry, day).when
    return times.end_of(when, context.rules.zone) <= context.now


# --- a copy that is left --------------------------------------------------------------------------------------------


def attendee_left(pair: Pair, activity: SeenActivity, context: Context) -> list[Action] | None:
    """An attendee removed the meeting from his calendar (rule 4.5): his participation changes, nothing else.

    None when it was he who owned the activity of somebody's invitation and nobody is left who syncs: then rule 8.2
    decides about the activity.
    """
    link, user_id = pair.link, context.rules.user_id
    if activity.owner_id == user_id and activity.invitation:
        staying = sorted(others(pair, context, attendees=True), key=lambda one: one.address)
        heirs = [known for one in staying if (known := context.rules.people.of_address(one.address))]
        if not heirs:
            return None
        return [Update(link, activity, None, psa_owner_id=heirs[0].psa_id, rule="4.2"), Unlink(link, REMOVED)]
    declined = answering("declined", pair, activity, context)
    return [*([declined] if declined else []), Unlink(link, REMOVED)]


def taken_back(pair: Pair, activity: SeenActivity, context: Context) -> list[Action]:
    """Who had removed a copy of his own and takes it back takes part again (rules 4.5, 8.2). An invitation that is back
    tells its answer itself."""
    declined = pair.link.role is Role.PARTICIPANT and pair.psa_now.get(RESPONSE) == "declined"
    accepted = answering("accepted", pair, activity, context) if declined else None
    return [accepted] if accepted else []


def answering(response: str, pair: Pair, activity: SeenActivity, context: Context) -> Update | None:
    """The user's own participation becomes `response`; None where it is, or where he has none."""
    user = context.rules.people.of_id(context.rules.user_id)
    entry = activity.entry
    if user is None or pair.psa_now.get(RESPONSE) == response:
        return None
    if not any(context.rules.people.primary(one.address) == user.address for one in entry.people):
        return None
    people = with_answer(entry.people, user.address, response, context.rules.people)
    wanted = replace(entry, people=people)
    return Update(pair.link, activity, None, to_psa=wanted, psa_fields=frozenset({RESPONSE}), rule="4.5")
