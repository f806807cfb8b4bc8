"""Marks: two entries kept apart on purpose (rule 4.9), and what a plan does about them until the reason ends.

A mark is a link with status UNLINKED: it keeps both ids, the UID and the base. Its reason is the rule that separated
the two, and says what ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from samklang.engine.actions import Actions, Forget, Revive, Unlink
from samklang.engine.canonical import occurrence_of
from samklang.engine.changes import Change, Pair
from samklang.engine.context import Context
from samklang.engine.gone import make_event_again
from samklang.engine.linked import plan_pair
from samklang.engine.meetings import REMOVED, taken_back
from samklang.engine.model import Base, Gone, Link, LinkStatus, Role, SeenActivity, SeenEvent, Side
from samklang.engine.people import RESPONSE
from samklang.engine.rules import is_ticked, type_for, type_of, wanted_activity

#: A person deleted the entry on one side, we on the other (rule 8.4). Ends when either is back: taken out of the PSA's
#: trash, or out of Deleted Items (rule 8.2).
DELETED = "8.4"
#: Its user asked for it to be synced again: ended already, whatever it was for.
ASKED = "4.9"
#: Its user undid the run that had made one of them from the other (rule 11.2). Ends when he asks.
UNDONE = "11.2"
#: The activity stays while the event went or was moved to another calendar. End when the event is back (rule 8.2).
_WITHOUT_EVENT = frozenset({"8.2", REMOVED})


def reason_of_delete(rule: str) -> str:
    """The reason of the mark a delete leaves: what went with a person's delete is back with the entry itself; what
    left the user's calendar because he takes no part any longer (4.7) is back when he does."""
    return rule if rule == "4.7" else DELETED


def is_absent(link: Link, side: Side) -> bool:
    """True where the entry of a mark is expected to be gone: that it is missing is no news, that it is there is."""
    if link.status is not LinkStatus.UNLINKED:
        return False
    if link.reason == "8.2" and link.role is Role.ATTENDEE:
        return False  # called off it still stands there, until its user clears it away
    return link.reason == DELETED or (side is Side.EXCHANGE and link.reason in _WITHOUT_EVENT)


def concerned(link: Link, side: Side, *, anew: bool) -> bool:
    """Whether the entry of a mark seen on `side` may end it, so that the other side must be looked at, too.

    `anew`: it was found there by its UID under another id than the mark's.
    """
    if link.reason in (DELETED, ASKED):
        return True
    if link.reason == UNDONE:
        return False
    if side is Side.EXCHANGE:
        return anew or link.reason in _WITHOUT_EVENT
    return link.reason not in _WITHOUT_EVENT


@dataclass(frozen=True)
class Marks:
    """Plans for the marks of a mailbox."""

    context: Context
    #: Events no link joins, by their identity.
    event_by_uid: Mapping[str, SeenEvent]
    #: To be told of a link whose entries are joined, or kept apart: they are nobody else's.
    take: Callable[[Link], None]
    #: Marks that ended while only one entry is there: matched by rule 3.1 before it is made on the other side.
    ended: dict[tuple[Side, str], Link] = field(default_factory=dict)

    def plan(self, link: Link) -> Actions:
        """Two entries kept apart stay apart until the reason ends, whatever ids they have by then."""
        link, moved = self.found_again(link)
        found = self.context.pair(link)
        if self._is_over(found):
            return self._sync_again(found)
        self.take(link)
        if link.reason != DELETED and _both_gone(found):
            # What was moved away may be moved back yet (rule 8.2).
            return [Unlink(link, DELETED) if link.reason in _WITHOUT_EVENT else Forget(link, "4.9")]
        return [Unlink(link, link.reason)] if moved else []

    def found_again(self, link: Link) -> tuple[Link, bool]:
        """The mark with the id its event has now, and whether that is another one: a moved or restored event gets a new
        one (EWS facts §2.7), and so does an invitation that is sent again."""
        seen = self.context.seen
        there = link.item_id in seen.events
        away = link.item_id is None or link.item_id in seen.gone_events or is_absent(link, Side.EXCHANGE)
        event = self.event_by_uid.get(link.uid) if away and not there else None
        return (link, False) if event is None else (replace(link, item_id=event.id), True)

    def _is_over(self, found: Pair) -> bool:
        """Whether the reason has ended."""
        link = found.link
        activity = found.activity if found.psa is not Change.GONE else None
        if link.reason in (ASKED, UNDONE):
            return link.reason == ASKED
        if link.reason in _WITHOUT_EVENT:
            due = activity is not None and (_takes_part_again(found) or self._lives_on(found, activity))
            return due or _event_of(found) is not None
        if link.reason == "4.8":
            return activity is not None and is_ticked(activity.type_id, self.context.rules)
        if link.reason == DELETED and _event_of(found) is not None:
            # A participant's copy that comes back does not bring back what its owner deleted.
            return activity is not None or link.role in (Role.OWNER, Role.ORGANIZER)
        return activity is not None

    def _lives_on(self, found: Pair, activity: SeenActivity) -> bool:
        """Whether an invitation was called off, and cleared away by its user, while the activity was edited and lives
        on as no meeting any longer: he has a copy of it like everybody (rules 4.1, 7.2)."""
        if found.link.role is not Role.ATTENDEE or found.exchange_gone is not Gone.CONFIRMED:
            return False
        if activity.closed or activity.has_hours or self.context.is_over(activity.entry):
            return False
        there = (one for one in self.context.seen.colleagues if one.psa_id == activity.id)
        return not any(one.role is Role.ORGANIZER or (one.linked and one.role.is_meeting) for one in there)

    def _sync_again(self, found: Pair) -> Actions:
        """The two are one entry again; what of it is missing comes back (rules 8.2, 8.4)."""
        link, event = found.link, _event_of(found)
        if found.psa_gone is Gone.LEFT and event is not None and link.reason == ASKED:
            # Somebody else's now: his own entry is one of its own.
            self.ended[Side.EXCHANGE, event.id] = replace(link, psa_id=None)
            return []
        if found.psa is not Change.GONE and found.activity is not None:
            return self._activity_is_there(found)
        self.take(link)
        if _both_gone(found):
            return [Forget(link, "4.9")]
        gone = found.psa_gone is Gone.CONFIRMED
        return self._revive(found) if gone and event is not None else []

    def _activity_is_there(self, found: Pair) -> Actions:
        link, activity = found.link, found.activity
        assert activity is not None
        whole = replace(link, status=LinkStatus.LINKED, type_id=activity.type_id, reason="")
        event_gone = found.exchange is Change.GONE or link.item_id is None
        if found.is_called_off or (found.event is None and event_gone):
            if link.reason not in {DELETED, *_WITHOUT_EVENT} and not found.is_called_off:
                self.ended[Side.PSA, activity.id] = replace(link, item_id=None)
                return []
            self.take(link)
            if found.psa_now.get(RESPONSE) == "declined":
                return [Unlink(link, REMOVED)]  # who is out stays out, also of what comes back
            if link.reason == DELETED or found.is_called_off:
                return make_event_again(self.context.pair(whole), self.context, "8.2")
            # As any activity's copy, not as the invitation it was: whom the meeting is with, the invitation says.
            copy = replace(whole, role=Role.PARTICIPANT, base=Base())
            return make_event_again(self.context.pair(copy), self.context, "4.1")
        self.take(link)
        if found.event is None and is_absent(link, Side.EXCHANGE):
            return []  # not read in this run
        if link.reason in _WITHOUT_EVENT:
            whole = replace(whole, base=_as_cut_short(whole.base))
        pair = self.context.pair(whole)
        returned = taken_back(pair, activity, self.context) if link.reason == REMOVED else []
        return [*returned, *plan_pair(pair, self.context, renew=True)]

    def _revive(self, found: Pair) -> Actions:
        """The event is back, its activity is not: out of the trash, or made anew under its old type (rule 8.2)."""
        event, rules = found.event, self.context.rules
        assert event is not None
        kind = type_of(found.link.type_id, rules)
        type_id = kind.id if kind and kind.active else type_for(event, rules)
        if type_id is None:
            return self.context.put_aside(event, "no_activity_type", found.link)
        return [Revive(found.link, event, wanted_activity(event, rules, type_id), type_id)]


def _event_of(found: Pair) -> SeenEvent | None:
    """The event as it stands in the calendar; None for a meeting called off."""
    return None if found.is_called_off else found.event


def _takes_part_again(found: Pair) -> bool:
    """Who had declined, or removed his copy, says in the PSA that he comes, or is put on it anew there: he gets a copy
    of his own, for the invitation is not ours to send (rules 4.1, 4.5)."""
    if found.link.reason != REMOVED or found.event is not None:
        return False
    answer, before = found.psa_now.get(RESPONSE), found.link.base.psa.get(RESPONSE)
    return answer in ("accepted", "tentative") or before == "declined" != answer


def _both_gone(found: Pair) -> bool:
    """For good: an activity that is somebody else's now may be this user's again."""
    event_gone = found.exchange is Change.GONE or found.link.item_id is None
    return found.psa is Change.GONE and found.psa_gone is not Gone.LEFT and event_gone


def _as_cut_short(base: Base) -> Base:
    """Of a running series that went with its event the activity keeps what is over (rule 8.2): the whole series that is
    back is more than both held then, and counts as edited."""
    ours, theirs = base.psa, base.exchange
    if ours.get("recurrence") == theirs.get("recurrence"):
        return base
    kept = {key: value for key, value in theirs.items() if key in ours or occurrence_of(key) is None}
    return Base(ours, {**kept, "recurrence": ours.get("recurrence", "")})
