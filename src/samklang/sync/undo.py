"""Put back what the sync went over, and take back a whole run of it (rule 11.2).

A restore is the user's own act in the PSA, journalled like any write; the next run carries it to Exchange. What a run
created is removed again and a mark left, so that its source, which a person typed, stays as it is and alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from samklang.engine.canonical import with_fields
from samklang.engine.marks import DELETED, UNDONE
from samklang.engine.model import Entry, FieldKey, Link, LinkStatus, SeenActivity, SeenEvent, Side
from samklang.engine.model import Person as Guest
from samklang.engine.people import is_about_people, is_person, names_in_text
from samklang.engine.rules import Rules, content, default_type, moved_type, seen_entry
from samklang.engine.uncanonical import entry_from
from samklang.sync.errors import ItemError, NotFound, VersionConflict
from samklang.sync.known import Known
from samklang.sync.look import BATCH
from samklang.sync.parts import Parts
from samklang.sync.ports import Activities, Change, Store

Seen = SeenActivity | SeenEvent


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks for it, on whose behalf we write."""

    psa_id: str
    #: "restore", "undo", "leaving".
    cause: str


def restore(activities: Activities, store: Store, rules: Rules, change: Change, person: Person, key: str) -> None:
    """Put back what one journalled write went over: the values it replaced, or the entry it deleted.

    `key` names this restore: repeated, it makes nothing twice. Raises ItemError: "nothing_to_restore", "entry_gone",
    "is_there", "not_taking_part", or what the calendar refuses.
    """
    if change.kind == "delete":
        _make_again(activities, store, rules, change, person, key)
        return
    values = values_before(change)
    if change.kind != "update" or not values or change.psa_id is None:
        raise ItemError("nothing_to_restore")
    _put_back(activities, store, rules, change.psa_id, values, person)


def values_before(change: Change) -> Mapping[FieldKey, str | None]:
    """What a restore of an update puts back, by field; None: the field had no value of its own.

    The values that lost a conflict, if any did: the others nobody disputes.
    """
    lost = {name.partition(":")[2]: value for name, value in change.losers.items()}
    keys = change.before.keys() | change.after.keys()
    return lost or {key: change.before.get(key) for key in keys if not is_about_people(key)}


def _put_back(
    activities: Activities,
    store: Store,
    rules: Rules,
    activity_id: str,
    values: Mapping[FieldKey, str | None],
    person: Person,
) -> None:
    activity = activities.get([activity_id]).get(activity_id)
    if activity is None:
        raise ItemError("entry_gone")
    now = dict(content(activity, rules))
    keys = frozenset(key for key, value in values.items() if now.get(key) != value)
    if not keys:
        return
    wanted = {key: value for key, value in {**now, **values}.items() if value is not None}
    source = entry_from(wanted, rules.zone)
    entry = with_fields(seen_entry(activity, rules), source, keys)
    type_id = moved_type(activity.type_id, source.sensitivity.is_private, rules) if "sensitivity" in keys else None
    change = Change(
        Side.PSA,
        "update",
        activity.id,
        None,
        before={key: now[key] for key in keys if key in now},
        after={key: wanted[key] for key in keys if key in wanted},
        rule=UNDONE,
        by=person.psa_id,
        cause=person.cause,
    )
    with _journalled(store, change):
        activities.update(activity, entry, keys, type_id)


def _make_again(activities: Activities, store: Store, rules: Rules, change: Change, person: Person, key: str) -> None:
    """Out of the trash if it is still there, with all the PSA alone knows of it; else anew, from what we remember."""
    found = activities.get([change.psa_id]).get(change.psa_id) if change.psa_id else None
    if found is not None:
        raise ItemError("is_there" if rules.user_id in (found.owner_id, *found.participant_ids) else "not_taking_part")
    again = Change(
        Side.PSA, "create", change.psa_id, None, after=change.before, rule=UNDONE, by=person.psa_id, cause=person.cause
    )
    with _journalled(store, again):
        try:
            activities.restore(change.psa_id or "")
        except NotFound:
            activities.create(_as_it_was(change, rules), _type_id(rules), key)


def _type_id(rules: Rules) -> str:
    kind = default_type(rules)
    if kind is None:
        raise ItemError("no_activity_type")
    return kind.id


def _as_it_was(change: Change, rules: Rules) -> Entry:
    """A meeting is made again without attendees, their names in the text (rule 7.2)."""
    entry = entry_from(change.before, rules.zone)
    people = [Guest(key[2:]) for key in sorted(change.before) if is_person(key)]
    return replace(entry, text=names_in_text(entry, people))


# --- a whole run ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of undoing one journalled write."""

    change: Change
    #: Why it was left as it is; "" when it was undone.
    code: str = ""


def undo(
    parts: Parts,
    changes: Sequence[Change],
    person: Person,
    done: Callable[[Change], None] = lambda change: None,
    touched: Collection[tuple[Side, str]] = (),
) -> list[Undone]:
    """Take back the writes of one run, the last first; `done` is told of each as soon as it is undone.

    What anybody edited since stays as it is: `touched` names what later runs wrote. An entry's writes are undone
    together or not at all.
    """
    present = _Present(parts, changes, touched)
    results = []
    for change in reversed(changes):
        code = present.why_not(change)
        if not code:
            try:
                _undo(parts, present, change, person)
                done(change)
            except ItemError as error:
                code = error.code
            except (VersionConflict, NotFound):
                code = "edited_since"
        results.append(Undone(change, code))
    return results


def _undo(parts: Parts, present: _Present, change: Change, person: Person) -> None:
    rules = parts.rules
    if change.kind == "create":
        link, seen = present.link(change), present.seen(change)
        assert link is not None and seen is not None, "asked before"
        mark = replace(link, status=LinkStatus.UNLINKED, reason=UNDONE)
        parts.store.record(mark)
        remove(parts, mark, change.side, seen, person, keep=True)
    elif change.kind == "delete":
        key = f"undo:{change.side.value}:{change.psa_id}:{change.item_id}"[:100]
        _make_again(parts.activities, parts.store, rules, change, person, key)
    elif change.psa_id is not None:
        values = {key: change.before.get(key) for key in change.before.keys() | change.after.keys()}
        values = {key: value for key, value in values.items() if not is_about_people(key)}
        _put_back(parts.activities, parts.store, rules, change.psa_id, values, person)


def remove(parts: Parts, link: Link, side: Side, seen: Seen, person: Person, *, keep: bool = False) -> None:
    """Remove what the sync made on `side`, and the link, or `keep` it without that entry as a mark."""
    held = content(seen, parts.rules)
    change = Change(
        side, "delete", link.psa_id, link.item_id, before=held, rule=link.reason, by=person.psa_id, cause=person.cause
    )
    if keep:
        link = replace(link, psa_id=None) if side is Side.PSA else replace(link, item_id=None, item_version="")
    with _journalled(parts.store, change, link, remove=not keep):
        if isinstance(seen, SeenActivity):
            parts.activities.delete(seen)
        else:
            parts.calendar.delete(seen)


class _Present:
    """The entries a run wrote as they stand now, both sides of each."""

    def __init__(self, parts: Parts, changes: Sequence[Change], touched: Collection[tuple[Side, str]]) -> None:
        self._touched = touched
        self._rules = parts.rules
        self._known = Known(parts.store.links(), ())
        pairs = [(change.psa_id, change.item_id) for change in changes]
        self._activities: dict[str, SeenActivity | None] = {}
        self._events: dict[str, SeenEvent | None] = {}
        for ids in _batches([psa_id for psa_id, _ in pairs]):
            self._activities.update(parts.activities.get(ids))
        for ids in _batches([item_id for _, item_id in pairs]):
            self._events.update(parts.calendar.get(ids))
        #: Whether an entry can be taken back is judged once, before the first of its writes is.
        self._judged: dict[str, str] = {}

    def link(self, change: Change) -> Link | None:
        for side, entry_id in ((Side.PSA, change.psa_id), (Side.EXCHANGE, change.item_id)):
            link = self._known.link_of(side, entry_id) if entry_id else None
            if link is not None:
                return link
        return None

    def seen(self, change: Change) -> Seen | None:
        if change.side is Side.PSA:
            return self._activities.get(change.psa_id or "")
        return self._events.get(change.item_id or "")

    def why_not(self, change: Change) -> str:
        """Why the entry must stay as it is; "" when nobody touched it since."""
        entry = change.psa_id or change.item_id or ""
        if entry not in self._judged:
            self._judged[entry] = self._judge(change)
        code = self._judged[entry]
        return code or (self._why_it_stays(change) if change.kind == "create" else "")

    def _judge(self, change: Change) -> str:
        if (Side.PSA, change.psa_id) in self._touched or (Side.EXCHANGE, change.item_id) in self._touched:
            return "edited_since"
        activity, event = self._activities.get(change.psa_id or ""), self._events.get(change.item_id or "")
        link = self.link(change)
        if change.kind == "delete":
            deleted = link is None or (link.status is LinkStatus.UNLINKED and link.reason == DELETED)
            return "" if activity is None and event is None and deleted else "edited_since"
        if activity is None or event is None or link is None:
            return "entry_gone"
        if link.status is LinkStatus.UNLINKED and link.reason == UNDONE:
            return ""  # an undo that was cut off
        as_left = dict(link.base.psa) == content(activity, self._rules) and dict(link.base.exchange) == content(
            event, self._rules
        )
        return "" if as_left and link.status is LinkStatus.LINKED else "edited_since"

    def _why_it_stays(self, change: Change) -> str:
        activity, event = self._activities.get(change.psa_id or ""), self._events.get(change.item_id or "")
        return why_it_stays(activity, event)


def why_it_stays(activity: SeenActivity | None, event: SeenEvent | None) -> str:
    """Why a made entry is not removed again: others, or the books, rely on it. "" when nothing speaks against it."""
    if event is not None and (event.is_meeting or activity is None):
        return "has_attendees" if event.is_meeting else ""
    if activity is not None:
        if activity.participant_ids or any(not one.resource for one in activity.entry.people):
            return "has_attendees"
        if activity.has_hours:
            return "has_hours"
        if activity.closed:
            return "is_closed"
    return ""


# --- helpers --------------------------------------------------------------------------------------------------------


@contextmanager
def _journalled(store: Store, change: Change, link: Link | None = None, *, remove: bool = False) -> Iterator[None]:
    """Around one write of ours: journalled before it is made, settled by what comes of it (rule 11.1)."""
    begun = store.begin(change)
    try:
        yield
    except (ItemError, NotFound, VersionConflict):
        store.settle(begun, happened=False)
        raise
    store.record(link, change, remove=remove, begun=begun)


def _batches(ids: Sequence[str | None]) -> Iterator[list[str]]:
    wanted = sorted({one for one in ids if one})
    return (wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH))
