"""One pass over one user's mailbox: state -> observe -> plan -> (acceptance, brake) -> apply -> tokens.

Whatever ends it early, the next run goes on where it stopped: links say what is done, and tokens are stored only when
everything they covered is done or set aside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from samklang.engine.actions import Action, Plan
from samklang.engine.model import Link, LinkStatus, SeenActivity, SeenEvent, SetAside, Side
from samklang.engine.plan import make_plan
from samklang.engine.rules import Rules
from samklang.sync.apply import Applier
from samklang.sync.errors import SyncError, Throttled
from samklang.sync.observe import Observed, observe
from samklang.sync.parts import Parts
from samklang.sync.ports import MailboxState
from samklang.sync.record import Recorder
from samklang.sync.report import RunError, RunReport, Writes

#: Stands for the version of an entry that is not there.
_GONE = "-"
#: Actions between two reports of progress.
PROGRESS_EVERY = 25


def run(parts: Parts, *, reconcile: bool = False) -> RunReport:
    """Bring both calendars together. `reconcile` lists both sides wholly (rules 7.7, 9.1).

    Errors of a calendar end up in the report; anything else surfaces. Before the first plan is accepted nothing is
    written and the report names the plan that waits (rule 3.5); the same for a braked plan (rule 8.3).
    """
    return _Run(parts).go(reconcile)


def plan_now(parts: Parts, state: MailboxState, *, reconcile: bool = False) -> tuple[Observed, Plan]:
    """What a run started now would see and do."""
    rules = rules_of(parts, state)
    observed = observe(parts, state, rules, reconcile=reconcile)
    return observed, make_plan(observed.observation, rules, parts.now(), parts.clocks())


def rules_of(parts: Parts, state: MailboxState) -> Rules:
    """The rules with the mailbox's own start date, which is kept for good once it is set (rule 3.6)."""
    return replace(parts.rules, started_on=state.started_on or parts.rules.started_on)


class _Run:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store
        self._report = RunReport()
        #: Writes that took effect, by side and kind.
        self._written: Counter[tuple[Side, str]] = Counter()
        self._joined = 0
        self._requests = parts.requests()
        self._mails = parts.mails()
        #: Links and set-aside entries as they were read, while nothing changed them.
        self._standing: tuple[Sequence[Link], Sequence[SetAside]] | None = None

    def go(self, reconcile: bool) -> RunReport:
        try:
            self._pass(reconcile)
            if self._written[Side.EXCHANGE, "create"] and self._report.complete:
                # The token is older than the events just made, and no server tells of what came and went between two
                # tokens: a person who deletes one of them must find its activity gone, too.
                self._pass(False)
        except SyncError as error:
            self._report = replace(self._report, error=_described(error))
        return self._counted()

    def _pass(self, reconcile: bool) -> None:
        state = self._store.state()
        observed, plan = plan_now(self._parts, state, reconcile=reconcile)
        if not (plan.actions or observed.completed or observed.mended or observed.unreadable or observed.settled):
            self._standing = observed.observation.links, observed.observation.set_aside
        if not _may_begin(state, plan, rules_of(self._parts, state)):
            self._wait_for_acceptance(plan)
        else:
            self._carry_out(state, observed, plan)

    def _wait_for_acceptance(self, plan: Plan) -> None:
        self._report = replace(self._report, needs_acceptance=plan.id)
        if plan.brake is not None:
            brake = plan.brake
            self._report = replace(
                self._report,
                brake=brake.kind,
                brake_side=brake.side.value,
                brake_count=brake.count,
                brake_of=brake.of,
            )

    def _carry_out(self, state: MailboxState, observed: Observed, plan: Plan) -> None:
        rules = rules_of(self._parts, state)
        if state.started_on is None:
            self._store.begin_first_run(rules.started_on)
        if plan.brake is not None:
            self._store.begin_accepted(state.accepted_actions | plan.digests())
        recorder = Recorder(self._parts, observed.observation, self._written)
        try:
            self._act(state, observed, plan, rules, recorder)
        finally:
            self._joined += recorder.joined

    def _act(self, state: MailboxState, observed: Observed, plan: Plan, rules: Rules, recorder: Recorder) -> None:
        for side, link in observed.completed:
            recorder.write(link, side, "create", "10.4", after=link.base.of(side))
        for link in observed.mended:
            self._store.record(link)
        for begun_id, happened in observed.settled.items():  # after the links that were mended by what became of them
            self._store.settle(begun_id, happened=happened)
        for (side, entry_id), unread in observed.unreadable.items():
            recorder.put_aside(side, entry_id, "", unread.code, unread.kept, at_once=False)
        if plan.near_matches:
            self._store.note_near_matches(plan.near_matches)
        applier = Applier(observed.parts, rules, observed.observation, recorder)
        for number, action in enumerate(plan.actions):
            if self._store.should_stop():
                self._report = replace(self._report, stopped=True)
                return
            if number % PROGRESS_EVERY == 0:
                self._store.heard(self._parts.now(), {"done": number, "of": len(plan.actions)})
            applier.carry_out(action)
        self._lift_settled(observed, plan.actions, recorder)
        if observed.tokens != state.tokens:
            self._store.save_tokens(observed.tokens)
        if plan.brake is not None or state.accepted_actions:
            self._store.finish_accepted()
        if not state.first_run_done:
            self._store.finish_first_run()
            self._report = replace(self._report, finished_first_run=True)

    def _lift_settled(self, observed: Observed, actions: Iterable[Action], recorder: Recorder) -> None:
        """An entry that waited, was looked at in this run and asks for nothing any longer, waits no longer.

        Only when it was seen as it was set aside: another version may be one an answer lagged behind with, so that
        one is looked at once more.
        """
        asked_for = {entry for action in actions for entry in _entries(action)}
        for waiting in observed.observation.set_aside:
            if (waiting.side, waiting.id) in asked_for:
                continue
            version = _tried(observed, waiting, self._parts)
            if version in (_GONE, waiting.version):
                self._store.lift(waiting.side, waiting.id)
                self._standing = None
            elif version is not None:
                recorder.put_aside(waiting.side, waiting.id, version, waiting.code, waiting.params, at_once=True)
                self._standing = None

    def _counted(self) -> RunReport:
        links, waiting = self._standing or (self._store.links(), self._store.set_aside())
        retries = [entry.retry_at for entry in waiting if entry.retry_at is not None]
        report = replace(
            self._report,
            left_out=dict(Counter(link.reason for link in links if link.status is LinkStatus.LEFT_OUT)),
            set_aside=dict(Counter(entry.code for entry in waiting)),
            retry_at=min(retries, default=None),
            requests=self._parts.requests() - self._requests,
            mails=self._parts.mails() - self._mails,
        )
        written = self._written
        sides = {
            side: Writes(
                written[side, "create"],
                written[side, "update"] + written[side, "restore"],
                written[side, "delete"],
            )
            for side in Side
        }
        return replace(report, psa=sides[Side.PSA], exchange=sides[Side.EXCHANGE], joined=self._joined)


def _may_begin(state: MailboxState, plan: Plan, rules: Rules) -> bool:
    """A first run wants the acceptance of its plan or of any; a braked plan that of this very plan, or to be what is
    left of one that was accepted and cut off, with no more beside it than any run may do (rule 8.3)."""
    if plan.id == state.accepted_plan:
        return True
    if plan.brake is not None:
        fresh = plan.digests() - state.accepted_actions
        return bool(state.accepted_actions) and len(fresh) <= rules.brake_count
    return state.started_on is not None or state.accept_any


def _described(error: SyncError) -> RunError:
    wait = error.retry_after if isinstance(error, Throttled) else None
    return RunError(error.code, type(error).__name__, error.detail, dict(error.params), wait)


def _entries(action: Action) -> Iterable[tuple[Side, str]]:
    """The entries an action is about."""
    for name in ("activity", "event", "seen"):
        seen = getattr(action, name, None)
        if isinstance(seen, SeenActivity):
            yield Side.PSA, seen.id
        elif isinstance(seen, SeenEvent):
            yield Side.EXCHANGE, seen.id
    link = getattr(action, "link", None)
    if link is not None:
        yield Side.PSA, link.psa_id
        yield Side.EXCHANGE, link.item_id
    entry = getattr(action, "entry", None)
    if isinstance(entry, SetAside):
        yield entry.side, entry.id


def _tried(observed: Observed, waiting: SetAside, parts: Parts) -> str | None:
    """The version of a waiting entry that was looked at in this run, _GONE if it is not there, else None."""
    seen = observed.observation
    here = seen.activities if waiting.side is Side.PSA else seen.events
    gone = seen.gone_activities if waiting.side is Side.PSA else seen.gone_events
    if waiting.id in gone:
        return _GONE
    entry = here.get(waiting.id)
    if entry is None:
        return None
    due = waiting.retry_at is not None and waiting.retry_at <= parts.now()
    return entry.version if due or entry.version != waiting.version else None
