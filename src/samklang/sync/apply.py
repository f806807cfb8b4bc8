"""Carry out a plan, one action at a time: look again, write conditionally, record link, journal and base in one go.

What remains of the race (somebody edits between our look and our write) the condition of the write catches: the link
is then decided again from what stands now. Every step can be killed and run again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from uuid import uuid4

from samklang.engine import canonical
from samklang.engine.actions import (
    Action,
    CreateActivity,
    CreateEvent,
    Delete,
    Detach,
    Forget,
    Join,
    Observation,
    Rebase,
    Revive,
    TakeOver,
    Unlink,
    Update,
)
from samklang.engine.changes import base_after
from samklang.engine.marks import reason_of_delete
from samklang.engine.meetings import REMOVED
from samklang.engine.model import (
    Base,
    Fields,
    Link,
    LinkStatus,
    SeenActivity,
    SeenEvent,
    Side,
)
from samklang.engine.people import ATTENDS, RESPONSE, is_about_people, owner_of, person_key
from samklang.engine.plan import make_plan
from samklang.engine.readback import still_to_bring, written_again, zone_lost
from samklang.engine.rules import Rules, content, content_to_be, wanted_event
from samklang.sync.afresh import Afresh, Get, NotAsDecided, S, ask
from samklang.sync.errors import ItemError, NotFound, ProtocolError, Unavailable, VersionConflict
from samklang.sync.halfway import advanced, brings_dates, lays_out_anew, said_last
from samklang.sync.known import id_on, version_on
from samklang.sync.parts import Parts
from samklang.sync.record import Recorder, linked, only

#: How often one link is decided in one run before it is set aside because somebody keeps changing it.
MAX_DECISIONS = 4
#: Failures of the server at entries in a row that end the run: it is the server then, not the entry.
MAX_FAULTS_IN_A_ROW = 3


class _KeepsChanging(Exception):
    """Decided MAX_DECISIONS times and changed again."""


class Applier:
    """Carries out the actions of one run on both calendars."""

    def __init__(self, parts: Parts, rules: Rules, observation: Observation, recorder: Recorder) -> None:
        self._activities = parts.activities
        self._calendar = parts.calendar
        self._now = parts.now
        self._clocks = parts.clocks
        self._rules = rules
        self._user_id = rules.user_id
        self._observation = observation
        self._afresh = Afresh(parts, rules, observation)
        self._recorder = recorder
        self._faults_in_a_row = 0
        #: Ids of links of which something was set aside: what was to follow it waits, too.
        self._waiting: set[str] = set()
        #: The side the present step writes to.
        self._target = Side.EXCHANGE
        #: Side, id and version of what the present step carries: set aside when the step fails.
        self._subject: tuple[Side, str, str] = (Side.PSA, "", "")

    def carry_out(self, action: Action) -> None:
        """Do it, or set its entry aside with a reason. Raises only what must end the run."""
        link_id = action.link.id if action.link else ""
        if link_id in self._waiting:
            return
        try:
            self._do(action, decisions=1)
        except ItemError as error:
            self._put_aside(link_id, error.code, error.kept, at_once=False)
        except _KeepsChanging:
            self._put_aside(link_id, "keeps_changing", {}, at_once=True)
        except (Unavailable, ProtocolError) as error:
            self._put_aside(link_id, error.code, error.kept, at_once=True)
            self._faults_in_a_row += 1
            if self._faults_in_a_row == MAX_FAULTS_IN_A_ROW:
                raise
        else:
            self._faults_in_a_row = 0

    def _put_aside(self, link_id: str, code: str, params: Mapping[str, str], *, at_once: bool) -> None:
        self._recorder.put_aside(*self._subject, code, params, at_once=at_once)
        self._waiting |= {link_id} - {""}

    def _do(self, action: Action, decisions: int) -> None:
        match action:
            case CreateEvent():
                self._create_event(action)
            case CreateActivity():
                self._create_activity(action, decisions)
            case Revive():
                self._revive(action, decisions)
            case Detach():
                self._detach(action)
            case Join() if action.takes_part:
                self._take_part(action)
            case Update() | Delete() | TakeOver():
                try:
                    self._change(action)
                except (NotAsDecided, VersionConflict, NotFound):
                    self._decide_again(action, decisions)
            case _:
                self._recorder.remember(action)

    def _change(self, action: Update | Delete | TakeOver) -> None:
        match action:
            case Update():
                self._update(action)
            case Delete():
                self._delete(action)
            case TakeOver():
                self._take_over(action)

    def _aim(self, target: Side, source_id: str | None, version: str) -> None:
        """What follows carries the source, on the other side, to `target`."""
        self._target = target
        self._subject = (target.other, source_id or "", version)

    # -- creating

    def _create_event(self, action: CreateEvent) -> None:
        activity, link = action.activity, action.link
        self._aim(Side.EXCHANGE, activity.id, activity.version)
        held_now = base_after(link, activity, None, self._rules, action.held).psa
        intended = Base(held_now, canonical.fields(action.entry))
        begun = self._recorder.begin_create(Side.EXCHANGE, activity.id, link, intended)
        event = self._calendar.create(action.entry, begun.key)
        base = Base(held_now, content(event, self._rules))
        lost = zone_lost(action.entry, event.entry)
        link = linked(begun, activity, event, still_to_bring(base) if lost else base, self._user_id)
        self._recorder.write(link, Side.EXCHANGE, "create", action.rule, after=base.exchange, by=_editor(activity))
        if lost:
            self._do(written_again(link, activity, event, action.entry), decisions=1)

    def _create_activity(self, action: CreateActivity, decisions: int) -> None:
        event = action.event
        self._aim(Side.PSA, event.id, event.version)
        theirs = content(event, self._rules)
        people = {key: value for key, value in theirs.items() if is_about_people(key)}
        before = action.link.base if action.link else Base()
        known = bool(before.psa and before.exchange)
        agreed = before.agreed or (before.exchange if known else {})
        intended = Base({**content_to_be(action.entry, action.type_id, self._rules), **people}, theirs, agreed)
        begun = self._recorder.begin_create(
            Side.PSA, event.id, action.link, intended, action.key, type_id=action.type_id, uid=event.uid
        )
        edited = self._clocks().on_psa_clock(event.modified)
        activity = self._activities.create(action.entry, action.type_id, begun.key, action.owner_id, edited)
        copy = self._recorder.known.plain_copy_of(activity.id)
        if copy is not None:
            self._put_in_place_of(copy, begun, activity, event, decisions)
            return
        base = base_after(begun, activity, event, self._rules)
        differing = {k for k in canonical.changed_keys(intended.psa, base.psa) if not is_about_people(k)}
        apart = known and bool(differing)
        if apart:
            base = said_last(before, base.psa, self._recorder.gone_over(event.id))
        link = linked(begun, activity, event, base, self._user_id)
        self._recorder.write(link, Side.PSA, "create", action.rule, after=content(activity, self._rules))
        if apart:
            # A colleague's run made it from his copy: what this copy and that one say is merged by what both said last.
            self._bring(link, activity, event, decisions)

    def _detach(self, action: Detach) -> None:
        """Make the single entry on both sides; done before, nothing is left to do."""
        self._aim(Side.PSA, action.link.psa_id, action.activity.version)
        activity = self._activities.create(action.entry, action.activity.type_id, action.key)
        if self._recorder.known.link_of(Side.PSA, activity.id) is not None:
            return
        self._create_event(CreateEvent(activity, wanted_event(activity, self._rules), rule=action.rule))
        link = self._recorder.known.link_of(Side.PSA, activity.id)
        assert link is not None, "its event was just made"
        self._recorder.write(link, Side.PSA, "create", action.rule, after=content(activity, self._rules))

    def _revive(self, action: Revive, decisions: int) -> None:
        """Out of the trash, with all it had there; then what was edited since is brought across."""
        link, event = action.link, action.event
        self._aim(Side.PSA, event.id, event.version)
        try:
            activity = self._activities.restore(link.psa_id or "")
        except NotFound:
            owner_id = owner_of(event, self._rules.people, self._user_id)
            again = CreateActivity(event, action.entry, action.type_id, link, action.rule, owner_id)
            self._create_activity(again, decisions)
            return
        link = replace(linked(link, activity, None, link.base, self._user_id), item_id=event.id, uid=event.uid)
        self._recorder.write(link, Side.PSA, "restore", action.rule, after=content(activity, self._rules))
        self._bring(link, activity, event, decisions)

    # -- meetings

    def _take_part(self, action: Join) -> None:
        """Put the user on a colleague's activity and link his invitation to it (rule 4.3)."""
        event, before = action.event, action.activity
        self._aim(Side.PSA, event.id, event.version)
        link = replace(action.link or Link("", LinkStatus.LINKED, None, None), psa_id=before.id, item_id=event.id)
        held = content(before, self._rules)
        with self._recorder.writing(link, Side.PSA, "update", action.rule, {}, self._the_user(held)):
            activity = self._activities.take_part(before.id, event.response, owns=action.owns)
            base = base_after(None, activity, event, self._rules)
            link = linked(link, activity, event, base, self._user_id)
            self._recorder.write(link, Side.PSA, "update", action.rule, before=held, after=base.psa)

    def _take_over(self, action: TakeOver) -> None:
        """Remove the plain copy, then let the invitation have its link (rule 4.1): in this order a crash leaves nothing
        behind that could be taken for a new entry."""
        self._aim(Side.EXCHANGE, action.link.psa_id, action.link.psa_version)
        link = linked(action.link, action.activity, action.event, action.base, self._user_id)
        if action.copy is None:
            self._recorder.remember(Rebase(link, action.base, action.activity, action.event, action.rule))
            return
        fresh = self._afresh.event(action.copy, action.copy.id)
        held = content(fresh, self._rules)
        with self._recorder.writing(action.link, Side.EXCHANGE, "delete", action.rule, held, {}):
            self._calendar.delete(fresh)
            self._recorder.write(link, Side.EXCHANGE, "delete", action.rule, before=held)

    def _put_in_place_of(
        self, copy: Link, begun: Link, activity: SeenActivity, event: SeenEvent, decisions: int
    ) -> None:
        """A colleague's run had made the activity of this meeting, and a plain copy of it came here before the
        invitation was seen: that takes its place (rule 4.1), once what was typed into the copy is brought across."""
        seen = ask(self._calendar.get, copy.item_id or "")
        if seen is not None and content(seen, self._rules) != dict(copy.base.exchange):
            raise _KeepsChanging
        self._recorder.remember(Forget(begun, "4.1"))
        self._do(TakeOver(copy, activity, event, seen, base_after(None, activity, event, self._rules)), decisions)

    def _hand_over(self, action: Update, owner_id: str) -> None:
        """Make the next of those invited the owner (rule 4.2)."""
        link, seen = action.link, action.activity
        assert seen is not None, "its owner is known"
        self._aim(Side.PSA, link.item_id, link.item_version)
        fresh, held = self._afresh.activity(seen, seen.id), content(seen, self._rules)
        with self._recorder.writing(link, Side.PSA, "update", action.rule, self._the_user({}), {}):
            after = self._activities.hand_over(fresh, owner_id)
            link = replace(link, psa_version=after.version)
            self._recorder.write(link, Side.PSA, "update", action.rule, before=held, after=content(after, self._rules))
        self._afresh.left[Side.PSA, after.id] = after

    def _the_user(self, beside: Fields) -> Fields:
        """That he is on an activity, unless `beside` says so already."""
        user = self._rules.people.of_id(self._user_id)
        said = {person_key(user.address): ATTENDS} if user else {}
        return {key: value for key, value in said.items() if key not in beside}

    def _respond(self, action: Update, activity: SeenActivity | None) -> None:
        """Give the user's answer in his mailbox, without mail (rule 4.5); a server may take a declined copy away."""
        link = self._as_decided(action.link)
        self._aim(Side.EXCHANGE, link.psa_id, activity.version if activity else link.psa_version)
        held = self._afresh.left.get((Side.EXCHANGE, link.item_id or ""), action.event)
        seen = held if isinstance(held, SeenEvent) else None
        fresh = self._afresh.event(seen, link.item_id)
        before = content(fresh, self._rules)
        with self._recorder.writing(link, Side.EXCHANGE, "update", "4.5", {}, {RESPONSE: action.response}):
            after = self._calendar.respond(fresh, action.response)
            base = base_after(link, activity, after or fresh, self._rules, action.held)
            link = linked(link, activity, after or fresh, base, self._user_id)
            now = {**before, RESPONSE: action.response}
            self._recorder.write(link, Side.EXCHANGE, "update", "4.5", before=before, after=now)
        if after is None:
            self._recorder.remember(Unlink(link, REMOVED))

    # -- updating

    def _update(self, action: Update) -> None:
        """Write to the PSA, then to Exchange, as far as either is wanted; record after each write."""
        if not action.link.id:  # just joined; both writes are recorded of one link
            action = replace(action, link=replace(action.link, id=str(uuid4())))
        activity = action.activity
        if action.psa_owner_id is not None:
            self._hand_over(action, action.psa_owner_id)
            return
        if action.psa_fields or action.psa_type_id:
            activity = self._update_activity(action)
        if action.exchange_fields:
            self._update_event(action, activity)
        if action.response:
            self._respond(action, activity)

    def _update_activity(self, action: Update) -> SeenActivity:
        link, event = action.link, action.event
        self._aim(Side.PSA, link.item_id, event.version if event else link.item_version)
        fresh = self._afresh.activity(action.activity, link.psa_id)
        wanted = action.to_psa or fresh.entry
        before = content(fresh, self._rules)
        to_be = replace(fresh, entry=wanted, type_id=action.psa_type_id or fresh.type_id)
        with self._writing(action, Side.PSA, before, content(to_be, self._rules)):
            after = self._activities.update(fresh, wanted, action.psa_fields, action.psa_type_id, action.edited)
            base = base_after(link, after, event, self._rules, action.held)
            link = linked(link, after, event, base, self._user_id)
            if action.exchange_fields or action.response:
                # Only the fields this write carried agree now. A crash before the second write must leave the others
                # looking as edited as they are, and the event as not looked at yet.
                base = advanced(action.link.base, base, action.psa_fields, dates_follow=brings_dates(action))
                link = replace(link, base=base, item_version="")
            self._recorder.write(
                link,
                Side.PSA,
                "update",
                action.rule,
                before=before,
                after=content(after, self._rules),
                losers=action.losers,
            )
        self._afresh.left[Side.PSA, after.id] = after
        return after

    def _update_event(self, action: Update, activity: SeenActivity | None) -> None:
        link = action.link
        self._aim(Side.EXCHANGE, link.psa_id, activity.version if activity else link.psa_version)
        if action.event is not None and self._recorder.known.of_id(link.id) is None:
            # Just joined, and nothing is recorded: by the event it is found again, whose meeting it is (rule 4.3).
            self._subject = (Side.EXCHANGE, action.event.id, action.event.version)
        fresh = self._afresh.event(action.event, link.item_id)
        wanted = action.to_exchange or fresh.entry
        before = content(fresh, self._rules)
        if lays_out_anew(wanted, action.exchange_fields):
            self._recorder.expect_dropped_dates(link)
        with self._writing(action, Side.EXCHANGE, before, content(replace(fresh, entry=wanted), self._rules)):
            after = self._calendar.update(fresh, wanted, action.exchange_fields, action.mail)
            base = base_after(link, activity, after, self._rules, action.held)
            if action.response:
                base = advanced(link.base, base, frozenset(base.psa) - {RESPONSE})
            lost = "recurrence" in action.exchange_fields and zone_lost(wanted, after.entry)
            self._recorder.write(
                linked(link, activity, after, still_to_bring(base) if lost else base, self._user_id),
                Side.EXCHANGE,
                "update",
                action.rule,
                before=before,
                after=content(after, self._rules),
                losers=action.losers,
                by=_editor(action.activity),
            )
        self._afresh.left[Side.EXCHANGE, after.id] = after
        if lost:
            raise ItemError("zone_not_kept")

    def _writing(self, action: Update, side: Side, before: Fields, after: Fields) -> AbstractContextManager[None]:
        keys = action.psa_fields if side is Side.PSA else action.exchange_fields
        by = _editor(action.activity) if side is Side.EXCHANGE else ""
        return self._recorder.writing(
            action.link, side, "update", action.rule, only(before, keys), only(after, keys), action.losers, by
        )

    # -- deleting

    def _delete(self, action: Delete) -> None:
        link, side = action.link, action.side
        entry_id = id_on(link, side)
        assert entry_id is not None, "only a linked entry is deleted"
        self._target = side
        self._subject = (side, entry_id, action.seen.version if action.seen else version_on(link, side))
        if side is Side.PSA:
            self._delete_from(self._activities.get, self._activities.delete, action, entry_id)
        else:
            delete = partial(self._calendar.delete, mail=action.mail)
            self._delete_from(self._calendar.get, delete, action, entry_id)

    def _delete_from(self, get: Get[S], delete: Callable[[S], None], action: Delete, entry_id: str) -> None:
        """Nothing is deleted that a person changed since it was decided."""
        fresh = ask(get, entry_id)
        if fresh is None:
            raise NotAsDecided
        held = content(fresh, self._rules)
        decided_on = action.link.base.of(action.side) if action.seen is None else content(action.seen, self._rules)
        if held != dict(decided_on):
            raise NotAsDecided
        with self._recorder.writing(action.link, action.side, "delete", action.rule, held, {}):
            delete(fresh)
            mark = replace(action.link, status=LinkStatus.UNLINKED, reason=reason_of_delete(action.rule))
            self._recorder.write(mark, action.side, "delete", action.rule, before=held)

    # -- deciding again

    def _decide_again(self, action: Update | Delete | TakeOver, decisions: int) -> None:
        """Look anew, and do what both sides call for now."""
        if decisions == MAX_DECISIONS:
            raise _KeepsChanging
        self._do_all(self._afresh.observation(self._as_decided(action.link), self._target), decisions)

    def _as_decided(self, link: Link) -> Link:
        """The link as it is recorded by now, perhaps after the first of two writes; with the ids decided on."""
        recorded = self._recorder.known.of_id(link.id)
        return link if recorded is None else replace(recorded, psa_id=link.psa_id, item_id=link.item_id)

    def _bring(self, link: Link, activity: SeenActivity, event: SeenEvent, decisions: int) -> None:
        """Bring across what either side has that its base does not know."""
        seen = replace(self._observation, links=(link,), set_aside=(), complete={}, gone_activities={}, gone_events={})
        self._do_all(replace(seen, activities={activity.id: activity}, events={event.id: event}), decisions)

    def _do_all(self, seen: Observation, decisions: int) -> None:
        """What is called for by what was seen of one link."""
        for again in make_plan(seen, self._rules, self._now(), self._clocks()).actions:
            self._do(again, decisions + 1)


def _editor(activity: SeenActivity | None) -> str:
    """PSA id of who changed it last."""
    return activity.modified_by if activity else ""
