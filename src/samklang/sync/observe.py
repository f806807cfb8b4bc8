"""Look at both calendars: what came, changed and went since the last run, and what is needed to decide about it.

Nothing is decided here and nothing is written. A removal is believed only once the entry was asked for by id (8.1);
a create that an earlier run began is looked up before anybody tries it again (10.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from samklang.engine.actions import Observation
from samklang.engine.canonical import changed_keys
from samklang.engine.marks import ASKED, concerned
from samklang.engine.materialize import day_of, whole_id
from samklang.engine.meetings import made_again
from samklang.engine.model import Base, ColleagueLink, Fields, Gone, Link, LinkStatus, SeenActivity, SeenEvent, Side
from samklang.engine.people import is_about_people, is_meeting_key, series_uid
from samklang.engine.rules import Rules, content
from samklang.sync.begun import settle
from samklang.sync.halfway import said_last
from samklang.sync.known import Known, id_on
from samklang.sync.look import Look, Page
from samklang.sync.parts import Parts
from samklang.sync.ports import EventPage, MailboxState, Tokens, Unreadable
from samklang.sync.record import LAID_OUT_ANEW, without_missing_dates
from samklang.sync.singly import singly


@dataclass(frozen=True, slots=True)
class Observed:
    """What a run saw, and what it may remember of it."""

    #: The calendars as they were looked at: a series the other side cannot express shows as its occurrences (5.5).
    parts: Parts
    observation: Observation
    #: Where the round ended on both sides; to be stored when all it covered is safe.
    tokens: Tokens
    #: Begun creates found done, by where: already in the observation, still to be recorded.
    completed: tuple[tuple[Side, Link], ...] = ()
    #: Links with a new base, for their series was cut off half written or nobody answered for what was written, or with
    #: another id, for it is taken apart now or no longer: already in the observation, to be recorded too.
    mended: tuple[Link, ...] = ()
    #: What exists but could not be read, by id.
    unreadable: Mapping[tuple[Side, str], Unreadable] = field(default_factory=dict)
    #: Begun writes a run was cut off at, and whether they took effect.
    settled: Mapping[str, bool] = field(default_factory=dict)


def observe(parts: Parts, state: MailboxState, rules: Rules, *, reconcile: bool = False) -> Observed:
    """Read both sides since the stored tokens; wholly when there is none, it is rejected, or `reconcile` is asked.

    Raises the errors of `sync.errors` that end a run; a rejected token is not one of them.
    """
    known = Known(parts.store.links(), parts.store.set_aside())
    parts = singly(parts, rules, known)
    psa = Look(Side.PSA, known, rules, parts.activities.get)
    exchange = Look(Side.EXCHANGE, known, rules, parts.calendar.get)
    _read(parts, state, known, psa, exchange, reconcile)
    for look in (psa, exchange):
        look.confirm_removals()
        look.retry_due(parts.now())
    _find_strangers_anew(parts, exchange)
    _ask_for_namesakes(known, exchange)
    _tell_moved_from_gone(parts, known, exchange)
    settled, known_now = settle(parts, known, rules, {Side.PSA: psa, Side.EXCHANGE: exchange})
    completed = tuple(_complete_creates(parts, known, rules, psa, exchange))
    mended = (
        *known_now,
        *_mend_series(parts, known, rules, psa, exchange),
        *_follow(known, psa),
        *_follow(known, exchange),
    )
    _ask_about_marks(known, psa, exchange)
    _ask_for_twins(known, rules, psa, exchange)
    _ask_for_twins(known, rules, exchange, psa)
    colleagues = _look_to_colleagues(parts, known, psa, exchange)
    _fetch_counterparts(known, psa, exchange)
    lost = state.first_run_done and None in (state.tokens.psa, state.tokens.exchange)
    return Observed(
        parts,
        Observation(
            links=known.links(),
            activities=psa.seen,
            events=exchange.seen,
            gone_activities=psa.gone,
            gone_events=exchange.gone,
            set_aside=tuple(known.aside.values()),
            colleagues=colleagues,
            being_made=_being_made(parts, known, psa, colleagues),
            first_run=not state.first_run_done,
            complete={Side.PSA: psa.complete, Side.EXCHANGE: exchange.complete},
            resync=lost or psa.rejected or exchange.rejected,
        ),
        Tokens(psa.token, exchange.token),
        completed,
        mended,
        {(look.side, i): unread for look in (psa, exchange) for i, unread in look.unreadable.items()},
        settled,
    )


def _find_strangers_anew(parts: Parts, exchange: Look[SeenEvent]) -> None:
    """The mailbox was moved: what we know of it goes by ids of somewhere else. All of it is listed anew, to be found by
    UIDs and contents (rule 3.6), and what is not found counts as missing, never as deleted (rule 8.5)."""
    strange = parts.calendar.strangers(exchange.unreadable)
    if strange:
        exchange.lose(strange, lambda: _event_pages(parts.calendar.read(None)))


def _ask_for_namesakes(known: Known, exchange: Look[SeenEvent]) -> None:
    """Fetch linked events whose identity a new one has: an invitation sent anew may be told of before it is told that
    the old one is gone (rule 4.3)."""
    events = [event for event in exchange.seen.values() if known.link_of(Side.EXCHANGE, event.id) is None]
    new = {event.uid for event in events if event.uid}
    linked = [link for link in known.links() if link.status is LinkStatus.LINKED and link.uid in new] if new else []
    exchange.ask(exchange.missing([link.item_id for link in linked if link.item_id]))


def _tell_moved_from_gone(parts: Parts, known: Known, exchange: Look[SeenEvent]) -> None:
    """What left the default calendar for another one is not deleted (rule 8.2)."""
    gone = {i for i, how in exchange.gone.items() if how is Gone.CONFIRMED}
    links = (known.link_of(Side.EXCHANGE, i) for i in gone)
    by_uid = {link.uid: link.item_id for link in links if link is not None and link.uid}
    for uid in parts.calendar.moved(by_uid) if by_uid else ():
        exchange.gone[by_uid[uid] or ""] = Gone.MOVED


def _read(
    parts: Parts,
    state: MailboxState,
    known: Known,
    psa: Look[SeenActivity],
    exchange: Look[SeenEvent],
    reconcile: bool,
) -> None:
    def activity_pages(token: str | None) -> Iterator[Page[SeenActivity]]:
        for page in parts.activities.read(token):
            yield Page(page.activities, page.removed, page.token, ())

    psa.read(activity_pages, state.tokens.psa, wholly=reconcile)
    if reconcile and state.tokens.exchange is not None:
        pages = _event_pages(parts.calendar.reconcile(known.versions(Side.EXCHANGE)))
        exchange.reconcile(pages, state.tokens.exchange)
    else:
        exchange.read(lambda token: _event_pages(parts.calendar.read(token)), state.tokens.exchange)


def _event_pages(pages: Iterator[EventPage]) -> Iterator[Page[SeenEvent]]:
    for page in pages:
        yield Page(page.events, page.removed, page.token, page.unreadable)


def _complete_creates(
    parts: Parts, known: Known, rules: Rules, psa: Look[SeenActivity], exchange: Look[SeenEvent]
) -> Iterator[tuple[Side, Link]]:
    """Look up every begun create whose turn it is; see to it that its source can be decided about."""
    turns = [link for link in known.creating() if _has_its_turn(parts, known, psa, exchange, link)]
    psa.ask(psa.missing([link.psa_id for link in turns if link.psa_id is not None]))
    exchange.ask(exchange.missing([link.item_id for link in turns if link.item_id is not None]))
    for link in turns:
        made: SeenActivity | SeenEvent | None
        if link.item_id is None:
            made = event = parts.calendar.find_created(link.key)
            if event is None:
                continue
            exchange.seen[event.id] = event
            source = psa.seen.get(link.psa_id or "")
            done = replace(link, item_id=event.id, uid=event.uid, type_id=source.type_id if source else "")
        else:
            made = activity = parts.activities.find_created(link.key)
            if activity is None or known.plain_copy_of(activity.id) is not None:
                continue  # not made, or by a colleague's run, and the invitation is to replace a plain copy of it (4.1)
            psa.seen[activity.id] = activity
            done = replace(link, psa_id=activity.id, type_id=activity.type_id)
        assert made is not None
        # What both hold is compared with what the create set out to write: an edit made since is still an edit.
        now = content(made, rules)
        base = link.base
        if base.agreed and link.item_id is not None:
            base = said_last(base, now, parts.store.gone_over(link.item_id))
        base = without_missing_dates(base, now)
        if is_meeting_key(link.key) and isinstance(made, SeenActivity):
            base = _of_a_meeting(base, made, rules)
        done = replace(done, status=LinkStatus.LINKED, base=base)
        known.keep(done)
        yield (Side.EXCHANGE if link.item_id is None else Side.PSA), done


def _of_a_meeting(base: Base, made: SeenActivity, rules: Rules) -> Base:
    """The base for what a colleague's run may have made of the same meeting: it is joined as it stands (rule 4.3).

    To its owner what differs counts as edited on both sides (rule 7.4), for nobody can tell what a colleague's copy
    held when he made it from what a person changed since.
    """
    now = content(made, rules)
    if made.owner_id != rules.user_id:
        return replace(base, psa=now)
    apart = {key for key in changed_keys(base.psa, now) if not is_about_people(key)}
    sides = ({key: value for key, value in side.items() if key not in apart} for side in (now, base.exchange))
    return Base(*sides)


def _look_to_colleagues(
    parts: Parts, known: Known, psa: Look[SeenActivity], exchange: Look[SeenEvent]
) -> tuple[ColleagueLink, ...]:
    """What colleagues' mailboxes know of the meetings seen here (rules 3.2, 4.3), and what joining them needs."""
    touched = [link for i in (*exchange.seen, *exchange.gone) if (link := known.link_of(Side.EXCHANGE, i)) is not None]
    meetings = [event for event in exchange.seen.values() if event.is_meeting and event.uid]
    uids = {uid for event in meetings for uid in (event.uid, series_uid(event.uid))} | {
        link.uid for link in touched if link.uid and link.role.is_meeting
    }
    theirs = _left_to_their_meetings(parts, known)
    psa_ids = {*psa.seen, *theirs, *(link.psa_id for link in touched if link.psa_id)}
    if not (uids or psa_ids):
        return ()
    colleagues = tuple(parts.store.meetings(uids, psa_ids))
    new = {event.uid for event in meetings if known.link_of(Side.EXCHANGE, event.id) is None}
    shared = {one.psa_id for one in colleagues if one.uid in new}
    shared |= theirs - {one.psa_id for one in colleagues}  # no meeting any longer: he is to have a copy (rule 4.1)
    for link in known.links() if colleagues else ():
        again = made_again(link, psa.gone, colleagues)
        shared |= {again} if again else set()
        if link.item_id and (again or _comes_in(link, colleagues)):
            exchange.ask(exchange.missing([link.item_id]))
    psa.ask(psa.missing(shared))
    copies = (known.link_of(Side.PSA, psa_id) for psa_id in shared)
    exchange.ask(exchange.missing([link.item_id for link in copies if link is not None and link.item_id]))
    return colleagues


def _left_to_their_meetings(parts: Parts, known: Known) -> set[str]:
    """Activities no copy was made of because an invitation to a colleague's meeting stands, or will, in its place."""
    left_out = (link for link in known.links() if (link.status, link.reason) == (LinkStatus.LEFT_OUT, "4.3"))
    return {link.psa_id for link in left_out if link.psa_id and not known.waits(link, parts.now())}


def _being_made(
    parts: Parts, known: Known, psa: Look[SeenActivity], colleagues: tuple[ColleagueLink, ...]
) -> frozenset[str]:
    """Activities no copy was made of that are meetings by their keys, though no colleague has them in his links yet
    (rule 10.4)."""
    linked = {one.psa_id for one in colleagues}
    meetings = (one for one in psa.seen.values() if is_meeting_key(one.key or "") and one.id not in linked)
    links = ((one, known.link_of(Side.PSA, one.id)) for one in meetings)
    ids = {one.key: one.id for one, link in links if one.key and (link is None or link.status is LinkStatus.LEFT_OUT)}
    return frozenset(ids[key] for key in parts.store.being_made(ids)) if ids else frozenset()


def _comes_in(link: Link, colleagues: tuple[ColleagueLink, ...]) -> bool:
    """Whether an invitation was left out while its organizer's copy was kept apart (rule 4.9), and no longer is."""
    left_out = link.status is LinkStatus.LEFT_OUT and link.reason == "4.9"
    return left_out and any(one.linked and one.uid == link.uid for one in colleagues)


def _mend_series(
    parts: Parts, known: Known, rules: Rules, psa: Look[SeenActivity], exchange: Look[SeenEvent]
) -> Iterator[Link]:
    """Have the dates written again that Exchange dropped before a run was cut off (rule 5.4)."""
    laid_out = (one for one in known.links() if one.status is LinkStatus.LINKED and one.reason == LAID_OUT_ANEW)
    cut_off = [link for link in laid_out if not known.waits(link, parts.now())]
    exchange.ask(exchange.missing([link.item_id for link in cut_off if link.item_id is not None]))
    psa.ask(psa.missing([link.psa_id for link in cut_off if link.psa_id is not None]))
    for link in cut_off:
        event = exchange.seen.get(link.item_id or "")
        if event is not None:
            mended = replace(link, reason="", base=without_missing_dates(link.base, content(event, rules)))
            known.keep(mended)
            yield mended


def _follow(known: Known, look: Look[Any]) -> Iterator[Link]:
    """Keep the pair when a rule became, or ceased to be, one the other side cannot express (rules 5.4, 5.5).

    The link of the series becomes that of its first occurrence, and the other way round; the entry on the other side
    becomes a single one or a series in place.
    """
    gone = sorted(entry_id for entry_id, how in look.gone.items() if how is Gone.CONFIRMED)
    free: dict[str, str] = {}
    for entry_id in sorted(look.seen, reverse=True) if gone else ():
        if known.link_of(look.side, entry_id) is None:
            free[whole_id(entry_id)] = entry_id
    for entry_id in gone:
        link, heir = known.link_of(look.side, entry_id), free.get(whole_id(entry_id))
        if link is None or link.status is not LinkStatus.LINKED or heir is None:
            continue
        if day_of(entry_id) is not None and day_of(heir) is not None:
            continue  # a date that is gone, and new ones: each is an entry of its own
        del free[whole_id(entry_id)]
        known.drop(link)
        link = replace(link, psa_id=heir) if look.side is Side.PSA else replace(link, item_id=heir)
        known.keep(link)
        yield link


def _has_its_turn(parts: Parts, known: Known, psa: Look[SeenActivity], exchange: Look[SeenEvent], link: Link) -> bool:
    """False while the create is set aside and nothing about it is new: waiting costs no request."""
    source: Look[SeenActivity] | Look[SeenEvent] = psa if link.item_id is None else exchange
    target: Look[SeenActivity] | Look[SeenEvent] = exchange if link.item_id is None else psa
    source_id = id_on(link, source.side) or ""
    if (source.side, source_id) not in known.aside or not source.missing([source_id]):
        return True
    # A newcomer may be what the create made: listings need not show our keys.
    return any(known.link_of(target.side, entry_id) is None for entry_id in target.seen)


def _fetch_counterparts(known: Known, psa: Look[SeenActivity], exchange: Look[SeenEvent]) -> None:
    """Fetch the other side of every touched link, for a decision needs both."""
    pairs = [(link, link.psa_id, link.item_id) for link in known.links()]
    exchange.ask(exchange.missing([item for link, act, item in pairs if act and item and psa.touched(link, act)]))
    psa.ask(psa.missing([act for link, act, item in pairs if act and item and exchange.touched(link, item)]))


def _ask_about_marks(known: Known, psa: Look[SeenActivity], exchange: Look[SeenEvent]) -> None:
    """Fetch what tells whether a mark has ended, where something was seen that may end it (rule 4.9)."""
    new = {event.uid for event in exchange.seen.values() if event.uid and not known.link_of(Side.EXCHANGE, event.id)}
    activities: set[str] = set()
    events: set[str] = set()
    for link in known.links():
        if link.status is not LinkStatus.UNLINKED:
            continue
        anew = link.uid in new
        event_seen = (anew or link.item_id in exchange.seen) and concerned(link, Side.EXCHANGE, anew=anew)
        activity_seen = link.psa_id in psa.seen and concerned(link, Side.PSA, anew=False)
        if event_seen or activity_seen or link.reason == ASKED or link.item_id in exchange.gone:
            activities |= {link.psa_id} if link.psa_id else set()
            events |= {link.item_id} if link.item_id else set()
    psa.ask(psa.missing(activities))
    exchange.ask(exchange.missing(events))


def _ask_for_twins(
    known: Known,
    rules: Rules,
    here: Look[SeenActivity] | Look[SeenEvent],
    there: Look[SeenActivity] | Look[SeenEvent],
) -> None:
    """Fetch what was left out `there` and is like what may be about to be made: rule 3.1 comes first (3.4)."""
    new = [
        seen for seen in here.seen.values() if _may_be_made(known.link_of(here.side, seen.id), here.side, seen, rules)
    ]
    if not new:
        return
    wanted = {_likeness(content(seen, rules)) for seen in new}
    left_out = (link for link in known.links() if link.status is LinkStatus.LEFT_OUT)
    named = ((id_on(link, there.side), link) for link in left_out)
    there.ask(
        there.missing([i for i, link in named if i is not None and _likeness(link.base.of(there.side)) in wanted])
    )


def _may_be_made(link: Link | None, side: Side, seen: SeenActivity | SeenEvent, rules: Rules) -> bool:
    if link is None:
        return True
    return link.status is LinkStatus.LEFT_OUT and content(seen, rules) != dict(link.base.of(side))


def _likeness(values: Fields) -> tuple[str, ...]:
    """Of what rule 3.1 compares, as a base remembers it; the title folded as it folds it."""
    title = " ".join(values.get("title", "").casefold().split())
    return title, values.get("time", ""), values.get("recurrence", "")
