"""What a plan does about entries no link joins yet: match, make there, or leave out (rules 1.5, 3.1-3.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property

from samklang.engine.actions import Action, CreateActivity, CreateEvent, Forget, Join, LeaveOut, NearMatch
from samklang.engine.changes import base_after, pair
from samklang.engine.context import Context
from samklang.engine.edited import held_back
from samklang.engine.linked import plan_pair
from samklang.engine.matching import match
from samklang.engine.meetings import agreed, is_kept_apart
from samklang.engine.model import Base, Link, LinkStatus, SeenActivity, SeenEvent, Side
from samklang.engine.people import is_about_people, is_meeting_key, meeting_key, owner_of, takes_part
from samklang.engine.rules import content, is_eligible, is_matchable, type_for, wanted_activity, wanted_event

Seen = SeenActivity | SeenEvent


@dataclass
class Newcomers:
    """Plans for what is not linked; `actions` and `near` are the result."""

    context: Context
    #: Ids joined by a link, begun, or kept apart by a mark: not ours to touch.
    taken: Set[tuple[Side, str]]
    #: What was left out earlier, by entry.
    left_out: Mapping[tuple[Side, str], Link]
    actions: list[Action] = field(default_factory=list)
    near: tuple[NearMatch, ...] = ()

    @cached_property
    def _own_meetings(self) -> frozenset[str]:
        """Identities of the meetings of this mailbox that are linked; what took a linked one's place is no newcomer."""
        linked = (link for link in self.context.seen.links if link.status is LinkStatus.LINKED)
        gone = self.context.seen.gone_events
        return frozenset(link.uid for link in linked if link.uid and link.role.is_meeting and link.item_id not in gone)

    def plan(self) -> None:
        seen, user_id = self.context.seen, self.context.rules.user_id
        mine = [one for one in seen.activities.values() if takes_part(one, user_id)]
        activities = [one for one in mine if self._takes_part(one, is_matchable(one), "1.5")]
        events = [one for one in seen.events.values() if self._takes_part(one, not one.is_cancelled, "8.2")]
        met = {id_ for event in events for id_ in self._meet(event)}
        activities = [one for one in activities if one.id not in met and not self._is_a_meeting(one)]
        events = [one for one in events if one.id not in met]
        found = match(activities, events, self.context.rules)
        self.near = found.near
        pairs = [one for one in found.pairs if not _are_two_meetings(*one)]
        for activity, event in pairs:
            self._join(activity, event)
        joined = {one.id for pair in pairs for one in pair}
        for activity in activities:
            if activity.id not in joined:
                self._make_event(activity, (Side.PSA, activity.id) in found.surplus)
        for event in events:
            if event.id not in joined:
                self._make_activity(event, (Side.EXCHANGE, event.id) in found.surplus)

    def _takes_part(self, seen: Seen, allowed: bool, rule: str) -> bool:
        """Whether an entry is matched and maybe created; if not, what is to be said about it is said here."""
        side = _side(seen)
        link = self.left_out.get((side, seen.id))
        if (side, seen.id) in self.taken or self.context.waits(side, seen.id, seen.version):
            return False
        if not allowed:
            self._leave_out(seen, rule)
            return False
        refused = self.context.refuse_rule(seen, link)
        if refused is None:
            return True
        if self._is_cut_off(seen):
            self._leave_out(seen, "3.3")
        else:
            self.actions.extend(refused)
        return False

    def _was_edited(self, seen: Seen, link: Link) -> bool:
        return dict(link.base.of(_side(seen))) != dict(content(seen, self.context.rules))

    def _is_cut_off(self, seen: Seen) -> bool:
        """Rule 3.3 at first contact; what was left out then comes in once a person edits it (rule 3.4)."""
        link = self.left_out.get((_side(seen), seen.id))
        if link is not None:
            judged = not self._was_edited(seen, link)
        else:
            judged = self.context.seen.first_run or self.context.seen.resync
        return judged and self.context.is_too_old(seen.entry)

    # --- meetings that stand in a colleague's mailbox, too

    def _meet(self, event: SeenEvent) -> Iterable[str]:
        """Join a meeting to the activity it has through a colleague (rule 3.2); the ids that are settled thereby."""
        if event.is_meeting and event.uid in self._own_meetings:
            self._leave_out(event, "3.2")  # twice in one calendar it is one meeting all the same (rule 4.3)
            return (event.id,)
        shared = self.context.shared(event)
        if shared is None and self.context.is_one_date(event):
            # The series is in the organizer's calendar; a second activity would be a second meeting (rule 4.3).
            self._leave_out(event, "3.2")
            return (event.id,)
        if shared is None:
            return ()
        if is_kept_apart(shared):
            self._leave_out(event, "4.9")
            return (event.id,)
        activity = self.context.seen.activities.get(shared.psa_id)
        if activity is None:
            # Deleted, or not to be read just now: what becomes of it, or is made again, the colleague's link will tell.
            self._leave_out(event, "4.9")
            return (event.id,)
        if (Side.PSA, activity.id) not in self.taken:
            self.actions.extend(self._joined(activity, event))
        return (activity.id, event.id)

    def _joined(self, activity: SeenActivity, event: SeenEvent) -> Sequence[Action]:
        rules = self.context.rules
        ours, theirs = self.left_out.get((Side.PSA, activity.id)), self.left_out.get((Side.EXCHANGE, event.id))
        base = base_after(None, activity, event, rules)
        if activity.owner_id != rules.user_id:
            owns = activity.invitation and self._is_lower_than(activity.owner_id)
            comes_in = owns or not takes_part(activity, rules.user_id)
            return [Join(activity, event, base, ours or theirs, "3.2", comes_in, owns)]
        # What a colleague's copy and the activity last agreed on tells who changed what of the meeting since; where
        # they differ rule 7.4 settles it. Who may read it the owner's copy decides (rule 1.8), as if he just said so.
        shared = self.context.shared(event)
        known = agreed(shared.base) if shared else {}
        kept = {key: value for key, value in base.psa.items() if is_about_people(key) or key == "sensitivity"}
        own = {key: value for key, value in base.exchange.items() if is_about_people(key)}
        own["sensitivity"] = base.psa["sensitivity"]
        base = Base({**known, **kept}, {**known, **own})
        link = ours or theirs or Link("", LinkStatus.LINKED, None, None)
        link = replace(link, status=LinkStatus.LINKED, psa_id=activity.id, item_id=event.id, reason="")
        link = replace(link, base=base, type_id=activity.type_id)
        return plan_pair(pair(link, activity, event, rules), self.context, renew=True)

    def _is_lower_than(self, owner_id: str | None) -> bool:
        """Whether the user's address comes before the owner's (rule 4.2); groups do not list whom they invite."""
        people = self.context.rules.people
        user, owner = people.of_id(self.context.rules.user_id), people.of_id(owner_id)
        return user is not None and owner is not None and user.address < owner.address

    def _is_a_meeting(self, activity: SeenActivity) -> bool:
        """True when its invitation stands, or will, in this mailbox by the organizer's doing (rule 4.3): no copy, and
        it is no other meeting, however like. A colleague's mark keeps it apart as his link does (rule 4.9)."""
        seen = self.context.seen
        if not any(one.psa_id == activity.id for one in seen.colleagues):
            here = (event for event in seen.events.values() if event.is_meeting and event.uid)
            if activity.id not in seen.being_made or any(meeting_key(event.uid) == activity.key for event in here):
                return False
        self._leave_out(activity, "4.3")
        return True

    def _join(self, activity: SeenActivity, event: SeenEvent) -> None:
        ours, theirs = self.left_out.get((Side.PSA, activity.id)), self.left_out.get((Side.EXCHANGE, event.id))
        base = base_after(None, activity, event, self.context.rules)
        self.actions.append(Join(activity, event, base, ours or theirs))
        if ours is not None and theirs is not None:
            self.actions.append(Forget(theirs, "3.1"))

    def _make_event(self, activity: SeenActivity, surplus: bool) -> None:
        link = self.left_out.get((Side.PSA, activity.id))
        if not is_eligible(activity, self.context.rules):
            self._leave_out(activity, "1.5")
        elif self._is_cut_off(activity):
            self._leave_out(activity, "3.3")
        else:
            held, notes = held_back(activity, self.context)
            entry = wanted_event(activity, self.context.rules)
            self.actions.append(CreateEvent(activity, entry, link, _create_rule(surplus, link), held))
            self.actions.extend(notes)

    def _make_activity(self, event: SeenEvent, surplus: bool) -> None:
        link = self.left_out.get((Side.EXCHANGE, event.id))
        type_id = type_for(event, self.context.rules)
        if self._is_cut_off(event):
            self._leave_out(event, "3.3")
        elif type_id is None:
            self.actions.extend(self.context.put_aside(event, "no_activity_type", link))
        else:
            rules = self.context.rules
            entry = wanted_activity(event, rules, type_id)
            owner_id = owner_of(event, rules.people, rules.user_id)
            key = meeting_key(event.uid) if event.is_meeting and event.uid else ""
            rule = _create_rule(surplus, link)
            self.actions.append(CreateActivity(event, entry, type_id, link, rule, owner_id, key))

    def _leave_out(self, seen: Seen, rule: str) -> None:
        side = _side(seen)
        link = self.left_out.get((side, seen.id))
        now = content(seen, self.context.rules)
        base = Base(psa=now) if side is Side.PSA else Base(exchange=now)
        if link is None or link.reason != rule or link.base != base:
            self.actions.append(LeaveOut(side, seen, base, rule, link))


def _are_two_meetings(activity: SeenActivity, event: SeenEvent) -> bool:
    """Whether an activity was made of another meeting than this one, however like (rule 4.3): its create key tells."""
    key = activity.key or ""
    return event.is_meeting and event.uid != "" and is_meeting_key(key) and key != meeting_key(event.uid)


def left_out_entries(links: tuple[Link, ...]) -> dict[tuple[Side, str], Link]:
    """What earlier runs left out, by entry."""
    found = {}
    for link in links:
        if link.status is LinkStatus.LEFT_OUT:
            if link.psa_id is not None:
                found[Side.PSA, link.psa_id] = link
            if link.item_id is not None:
                found[Side.EXCHANGE, link.item_id] = link
    return found


def _create_rule(surplus: bool, link: Link | None) -> str:
    if surplus:
        return "3.1"
    return "3.4" if link is not None and link.reason == "3.3" else "1.5"


def _side(seen: Seen) -> Side:
    return Side.PSA if isinstance(seen, SeenActivity) else Side.EXCHANGE
