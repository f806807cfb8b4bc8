"""From what was seen to what shall be done: one ordered list, or a brake. Pure: same input, same plan.

Links first (`linked`), then what no link joins yet (`newcomers`); then everything is put in order: what writes
nothing, creates, updates, deletes, and last what separates or waits.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TypeGuard

from samklang.engine.actions import (
    Action,
    Actions,
    Brake,
    CreateActivity,
    CreateEvent,
    Delete,
    Detach,
    Forget,
    Join,
    LeaveOut,
    Observation,
    Plan,
    PutAside,
    Rebase,
    Revive,
    TakeOver,
    Unlink,
    Update,
    signature,
)
from samklang.engine.changes import Change, Pair, base_after
from samklang.engine.context import Context
from samklang.engine.gone import key_of_again, make_activity_again, make_event_again
from samklang.engine.linked import plan_pair
from samklang.engine.marks import Marks
from samklang.engine.materialize import family
from samklang.engine.meetings import made_again
from samklang.engine.merge import IN_STEP, ServerClocks
from samklang.engine.model import Gone, Link, LinkStatus, SeenActivity, SeenEvent, Side
from samklang.engine.newcomers import Newcomers, left_out_entries
from samklang.engine.people import is_about_people
from samklang.engine.refind import refind
from samklang.engine.rules import Rules, is_matchable

_ORDER = (
    Join,
    TakeOver,
    Rebase,
    LeaveOut,
    Revive,
    CreateEvent,
    CreateActivity,
    Detach,
    Update,
    Delete,
    Unlink,
    Forget,
    PutAside,
)


def make_plan(seen: Observation, rules: Rules, now: datetime, clocks: ServerClocks = IN_STEP) -> Plan:
    """What one run shall do. `now` is aware UTC and read only by rules 3.3, 8.2 and 10.1.

    An entry of `seen.links` that is neither among the seen nor the gone counts as unchanged. Both sides of a link one
    side of which changed must be among the seen, and every set-aside entry whose time has come.
    """
    aside = {(waiting.side, waiting.id): waiting for waiting in seen.set_aside}
    context = Context(seen, rules, now, clocks, aside)
    planner = _Planner(context)
    for link in seen.links:
        planner.link(link)
    newcomers = Newcomers(context, planner.taken, left_out_entries(seen.links) | planner.marks.ended)
    newcomers.plan()
    actions = sorted([*planner.actions, *newcomers.actions], key=_place)
    return Plan(tuple(actions), _brake(planner, rules), newcomers.near)


def _place(action: Action) -> tuple[int, str]:
    return _ORDER.index(type(action)), signature(action)


class _Planner:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.actions: list[Action] = []
        self.taken: set[tuple[Side, str]] = set()
        #: What became of the linked entries, for the brake.
        self.pairs: list[Pair] = []
        joined = [link for link in context.seen.links if link.status is not LinkStatus.LEFT_OUT]
        known = {link.psa_id for link in joined} | {link.item_id for link in joined}
        events = [event for event in context.seen.events.values() if event.id not in known]
        activities = [activity for activity in context.seen.activities.values() if activity.id not in known]
        #: Entries no link joins, the first of each identity and each create key.
        self._event_by_uid = {event.uid: event for event in reversed(events) if event.uid}
        self._event_by_key = {event.key: event for event in reversed(events) if event.key}
        self._activity_by_key = {one.key: one for one in reversed(activities) if one.key}
        self._refound = refind(context, events)
        for event in self._refound.by_link.values():
            self._event_by_uid.pop(event.uid, None)
        self.marks = Marks(context, self._event_by_uid, self._take)

    def link(self, link: Link) -> None:
        if link.status is LinkStatus.LEFT_OUT:
            return
        again = self._made_again(link)
        if again is not None:
            self.actions.extend(self._follow(link, again))
            return
        if link.status is LinkStatus.UNLINKED:
            self.actions.extend(self.marks.plan(link))
            return
        self._take(link)
        if link.status is LinkStatus.LINKED:
            self.actions.extend(self._linked(link))
        else:
            self.actions.extend(self._creating(link))

    def _made_again(self, link: Link) -> SeenActivity | None:
        """The activity a colleague's copy made of the link's meeting; also one he was cut off at before he had it in
        his records: its key tells (rules 4.3, 10.4)."""
        seen = self.context.seen
        again = made_again(link, seen.gone_activities, seen.colleagues)
        if again is not None:
            return seen.activities.get(again)
        gone = seen.gone_activities.get(link.psa_id or "") == Gone.CONFIRMED
        if not (gone and link.role.is_meeting and link.status is LinkStatus.LINKED):
            return None
        return self._activity_by_key.get(key_of_again(link.psa_id))

    def _follow(self, link: Link, activity: SeenActivity) -> Actions:
        """Let the link go to the activity its meeting has now."""
        again = self._refound.of(link)
        if again is not None:
            link = replace(link, item_id=again.id)
        elif link.status is LinkStatus.UNLINKED:
            link, _ = self.marks.found_again(link)  # whoever had declined may have been invited anew
        link = replace(link, status=LinkStatus.LINKED, psa_id=activity.id, reason="")
        link = replace(link, type_id=activity.type_id)
        self._take(link)
        found = self.context.pair(link)
        return [] if found.stands else plan_pair(found, self.context, renew=True)

    def _take(self, link: Link) -> None:
        if link.psa_id is not None:
            self.taken.add((Side.PSA, link.psa_id))
        if link.item_id is not None:
            self.taken.add((Side.EXCHANGE, link.item_id))

    def _linked(self, link: Link) -> Actions:
        found = self.context.pair(link)
        moved = self._refound.of(link)
        if moved is not None:
            link = replace(link, item_id=moved.id)
            self._take(link)
            found = self.context.pair(link)
        self.pairs.append(found)
        invitation = self._invitation(found)
        if invitation is not None:
            return self._taken_over(found, invitation)
        return plan_pair(found, self.context)

    def _invitation(self, found: Pair) -> SeenEvent | None:
        """The invitation to what the user has a plain copy of: the activity became a colleague's meeting (rule 4.1).

        An edited copy is brought across first; the next run sees to the rest.
        """
        if found.link.role.is_meeting or found.exchange not in (Change.SAME, Change.GONE):
            return None
        if found.event is not None and found.event.is_meeting:
            return None  # no plain copy: a meeting of its own, whose link does not know it yet
        shared = (one for one in self.context.seen.colleagues if one.psa_id == found.link.psa_id)
        uids = sorted(one.uid for one in shared if one.uid)
        invitations = (self._event_by_uid.get(uid) for uid in uids)
        return next((one for one in invitations if one is not None and one.is_meeting), None)

    def _taken_over(self, found: Pair, invitation: SeenEvent) -> Actions:
        activity, link = found.activity, found.link
        if activity is None or found.psa is Change.GONE:
            return plan_pair(found, self.context)
        self.taken.add((Side.EXCHANGE, invitation.id))
        copy = found.event if found.exchange is not Change.GONE else None
        if copy is None and found.exchange is not Change.GONE:
            return []  # not read in this run, which it has to be before it is removed
        return [TakeOver(link, activity, invitation, copy, base_after(None, activity, invitation, self.context.rules))]

    # --- a create that was begun ---

    def _creating(self, link: Link) -> Actions:
        """Complete what an earlier run began (rule 10.4): the source is still there, its twin was not found."""
        if link.item_id is None:
            event = self._event_by_key.get(link.key)
            if event is not None:
                return self._found_done(replace(link, item_id=event.id, uid=event.uid))
            return self._create_event_again(link)
        activity = self._activity_by_key.get(link.key)
        if activity is not None:
            return self._found_done(replace(link, psa_id=activity.id, type_id=activity.type_id))
        return self._create_activity_again(link)

    def _found_done(self, link: Link) -> Actions:
        link = replace(link, status=LinkStatus.LINKED)
        self._take(link)
        found = self.context.pair(link)
        if found.activity is None or found.event is None:
            return []
        if not link.base.psa and not link.base.exchange:
            base = base_after(None, found.activity, found.event, self.context.rules)
            return [Join(found.activity, found.event, base, link, "10.4")]
        return plan_pair(found, self.context, renew=True)

    def _create_event_again(self, link: Link) -> Actions:
        seen = self.context.seen
        activity = seen.activities.get(link.psa_id or "")
        if activity is None:
            return [Forget(link, "10.4")] if link.psa_id in seen.gone_activities else []
        if self.context.waits(Side.PSA, activity.id, activity.version):
            return []
        if not is_matchable(activity):
            return [Forget(link, "1.5")]
        refused = self.context.refuse_rule(activity, link)
        if refused is not None:
            return refused
        return make_event_again(self.context.pair(link), self.context, "10.4")

    def _create_activity_again(self, link: Link) -> Actions:
        seen = self.context.seen
        event = seen.events.get(link.item_id or "")
        if event is None:
            return [Forget(link, "10.4")] if link.item_id in seen.gone_events else []
        if event.is_cancelled:
            return [Forget(link, "8.2")]
        if self.context.waits(Side.EXCHANGE, event.id, event.version):
            return []
        refused = self.context.refuse_rule(event, link)
        if refused is not None:
            return refused
        return make_activity_again(self.context.pair(link), self.context, "10.4")


# --- the brake ------------------------------------------------------------------------------------------------------


def _brake(planner: _Planner, rules: Rules) -> Brake | None:
    """Rule 8.3: too much would go, or too much changed, at once. A series counts as one entry."""
    linked = len({family(one.link) for one in planner.pairs})
    for side in Side:
        removed = len({family(action.link) for action in planner.actions if _removes(action, side)})
        many = removed > rules.brake_count and removed > rules.brake_share * linked
        if many or removed > rules.brake_absolute:
            return Brake("removals", side, removed, linked)
    for side in Side:
        edited = len({family(one.link) for one in planner.pairs if _is_edited(one, side)})
        if edited > rules.brake_count and edited > rules.brake_changed * linked:
            return Brake("changes", side, edited, linked)
    return None


def _is_edited(one: Pair, side: Side) -> bool:
    """Somebody added, removed or renamed in the directory may touch every meeting there is: that is no mass edit."""
    if one.of(side) is not Change.EDITED:  # asked first: the bases of links nothing was seen of stay closed
        return False
    keys = one.psa_keys if side is Side.PSA else one.exchange_keys
    return not all(is_about_people(key) for key in keys)


def _removes(action: Action, side: Side) -> TypeGuard[Delete | Update]:
    if isinstance(action, Delete):
        return action.side is side
    # A running series that is cut short loses its future.
    return isinstance(action, Update) and action.rule == "8.2" and side is Side.PSA
