"""Random hands on both calendars, crashes and faults at every call; a model of what people meant says what may happen.

Small pools make entries meet (few titles, few days, few weeks); every edit types a fresh word, so that each can be
followed. `tests/bugs` holds the seeded bugs this must find.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from samklang.engine.canonical import fields
from samklang.engine.marks import DELETED
from samklang.engine.model import Entry, LinkStatus, Recurrence, Side, Timed
from samklang.sync.errors import SyncError, Throttled, Unavailable
from samklang.sync.known import id_on
from samklang.sync.memory import PowerCut
from tests.sync.world import World, at, monday, occurrence, single, weekly

#: Far enough ahead that nothing is over, however long the machine waits.
WEEKS_AHEAD = 50

#: A new pattern, or a cancelled date that comes back, has a series' exceptions written again (rule 5.4): pattern and
#: three weeks.
WRITTEN_AGAIN = 4

#: Calls around which a crash tells most.
TELLING = st.sampled_from(
    [
        *("exchange.create", "exchange.update", "exchange.delete", "psa.create", "psa.update", "psa.delete"),
        *("store.begin_create", "store.record", "store.put_aside", "store.save_tokens"),
    ]
)

sides = st.sampled_from(list(Side))
DEEDS = st.sampled_from(["title", "place", "when", "delete"])
numbers = st.integers(0, 1000)
newcomers = st.tuples(st.sampled_from(["Tea", "Cake"]), st.integers(0, 1), st.booleans())


class TwoCalendars(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World(page_size=2)
        self.world.exchange.hides_keys = True
        self.fresh = 0
        #: Words and times people typed; those they overwrote or deleted knowingly.
        self.typed: set[str] = set()
        self.discarded: set[str] = set()
        #: What went with a delete whose counterpart nobody touched since the last rest: it may not come back.
        self.must_go: set[tuple[Side, str]] = set()
        #: Cancelled occurrences nobody touched on the other side: they must be cancelled there too.
        self.must_cancel: set[tuple[Side, str, date]] = set()
        #: Entries somebody touched since the last rest.
        self.touched: set[tuple[Side, str]] = set()
        #: Since the last rest: what people did, what went wrong, exceptions to be written again; writes made before.
        self.deeds = self.troubles = self.rewritten = 0
        self.writes_before = self.noted = 0
        self.lagged = False

    # -- the world

    def entries(self, side: Side) -> dict[str, Entry]:
        shelf: Any = self.world.psa.shelf if side is Side.PSA else self.world.exchange.shelf
        return {entry_id: seen.entry for entry_id, seen in shelf.shown().items()}

    def writes(self) -> int:
        return self.world.psa.shelf.all_writes + self.world.exchange.shelf.all_writes

    def word(self) -> str:
        self.fresh += 1
        self.typed.add(f"word {self.fresh}")
        return f"word {self.fresh}"

    def pick(self, side: Side, number: int, *, series: bool = False) -> str | None:
        ids = [i for i, entry in self.entries(side).items() if entry.is_series or not series]
        return ids[number % len(ids)] if ids else None

    def counterpart(self, side: Side, entry_id: str) -> str | None:
        for link in self.world.links:
            if id_on(link, side) == entry_id:
                return id_on(link, side.other)
        return None

    # -- a person's hands

    def newcomer(self, title: str, day: int, series: bool) -> Entry:
        self.fresh += 1
        text = f"born {self.fresh}"
        if series:
            return weekly(title, day=7 * WEEKS_AHEAD, text=text)
        return single(title, at(7 * WEEKS_AHEAD + day), text=text)

    def add(self, side: Side, newcomer: tuple[str, int, bool]) -> None:
        entry = self.newcomer(*newcomer)
        if side is Side.PSA:
            self.world.add_to_psa(entry)
        else:
            self.world.add_to_exchange(entry)
        self.deeds += 1

    def change(self, side: Side, entry_id: str, **changes: Any) -> None:
        before = words(self.entries(side)[entry_id])
        if side is Side.PSA:
            self.world.psa.person_edits(entry_id, **changes)
        else:
            self.world.exchange.person_edits(entry_id, **changes)
        self.discarded |= before - words(self.entries(side)[entry_id])
        self.world.later(minutes=1)
        self.touched.add((side, entry_id))
        self.must_go.discard((side, entry_id))
        self.deeds += 1

    def fresh_field(self, entry: Entry, field: str) -> dict[str, Any]:
        if field != "when":
            return {field: self.word()}
        assert isinstance(entry.when, Timed)
        self.fresh += 1
        start = datetime.combine(entry.when.start.date(), datetime.min.time(), entry.when.start.tzinfo)
        start += timedelta(hours=8, minutes=self.fresh)
        when = Timed(start, start + timedelta(minutes=30), entry.when.zone)
        self.typed.add(fields(replace(entry, when=when, recurrence=None))["time"])
        return {"when": when}

    @initialize(psa=st.lists(newcomers, max_size=3), exchange=st.lists(newcomers, max_size=3))
    def first_contact(self, psa: list[tuple[str, int, bool]], exchange: list[tuple[str, int, bool]]) -> None:
        for newcomer in psa:
            self.add(Side.PSA, newcomer)
        for newcomer in exchange:
            self.add(Side.EXCHANGE, newcomer)
        self.world.store.accept(None)

    @rule(side=sides, newcomer=newcomers)
    def adds(self, side: Side, newcomer: tuple[str, int, bool]) -> None:
        if len(self.entries(side)) < 6:
            self.add(side, newcomer)

    @rule(side=sides, number=numbers, field=st.sampled_from(["title", "place", "when"]))
    def somebody_edits(self, side: Side, number: int, field: str) -> None:
        self.edits(side, number, field)

    def edits(self, side: Side, number: int, field: str) -> None:
        entry_id = self.pick(side, number)
        if entry_id is None:
            return
        entry = self.entries(side)[entry_id]
        self.change(side, entry_id, **self.fresh_field(entry, field))
        if field == "when" and entry.is_series:
            self.rewritten += WRITTEN_AGAIN

    @rule(side=sides, number=numbers, week=st.integers(1, 3), field=st.sampled_from(["title", "place"]))
    def edits_an_occurrence(self, side: Side, number: int, week: int, field: str) -> None:
        entry_id, day = self.pick(side, number, series=True), monday(WEEKS_AHEAD + week)
        if entry_id is None:
            return
        entry = self.entries(side)[entry_id]
        if day in entry.cancelled:
            return
        held = entry.exceptions.get(day) or occurrence(entry, day)
        changed = replace(held, **self.fresh_field(entry, field))
        self.change(side, entry_id, exceptions={**entry.exceptions, day: changed})
        other = self.counterpart(side, entry_id)
        if other is not None:
            self.must_cancel.discard((side.other, other, day))

    @rule(side=sides, number=numbers, week=st.integers(1, 3))
    def cancels_an_occurrence(self, side: Side, number: int, week: int) -> None:
        entry_id, day = self.pick(side, number, series=True), monday(WEEKS_AHEAD + week)
        if entry_id is None:
            return
        entry = self.entries(side)[entry_id]
        if day in entry.cancelled:
            return
        exceptions = {d: o for d, o in entry.exceptions.items() if d != day}
        self.change(side, entry_id, cancelled=entry.cancelled | {day}, exceptions=exceptions)
        self.rewritten += WRITTEN_AGAIN
        other = self.counterpart(side, entry_id)
        if other is None or (side.other, other) not in self.touched:
            self.must_cancel.add((side, entry_id, day))

    @rule(side=sides, number=numbers)
    def lengthens_a_series(self, side: Side, number: int) -> None:
        entry_id = self.pick(side, number, series=True)
        if entry_id is None:
            return
        held = self.entries(side)[entry_id].recurrence
        assert isinstance(held, Recurrence) and held.count is not None
        self.change(side, entry_id, recurrence=replace(held, count=held.count + 1))
        self.rewritten += WRITTEN_AGAIN

    @rule(side=sides, number=numbers)
    def somebody_deletes(self, side: Side, number: int) -> None:
        self.deletes(side, number)

    def deletes(self, side: Side, number: int) -> None:
        entry_id = self.pick(side, number)
        first_run_done = self.world.store.state().first_run_done
        if entry_id is None or (len(self.entries(side)) == 1 and not first_run_done):
            return  # an empty listing in an interrupted first run proves nothing (rule 8.1)
        self.discarded |= words(self.entries(side)[entry_id])
        other = self.counterpart(side, entry_id)
        if other is not None and (side.other, other) not in self.touched and other in self.entries(side.other):
            self.must_go.add((side.other, other))
        if side is Side.PSA:
            self.world.psa.person_deletes(entry_id)
        else:
            self.world.exchange.person_deletes(entry_id)
        self.must_go.discard((side, entry_id))
        self.deeds += 1

    @rule(number=numbers, first=sides, one=DEEDS, other=DEEDS)
    def both_sides_of_a_pair_change(self, number: int, first: Side, one: str, other: str) -> None:
        links = self.world.links
        if not links:
            return
        link = links[number % len(links)]
        for side, deed in ((first, one), (first.other, other)):
            entry_id = id_on(link, side)
            if entry_id not in self.entries(side):
                continue
            position = list(self.entries(side)).index(entry_id)
            if deed == "delete":
                self.deletes(side, position)
            else:
                self.edits(side, position, deed)

    @rule(side=sides, number=numbers)
    def touches_without_changing(self, side: Side, number: int) -> None:
        entry_id = self.pick(side, number)
        if entry_id is not None:
            (self.world.psa if side is Side.PSA else self.world.exchange).person_marks(entry_id)

    # -- trouble

    @rule(
        call=st.one_of(st.tuples(st.just(""), st.integers(1, 40)), st.tuples(TELLING, st.integers(1, 2))),
        after=st.booleans(),
    )
    def the_power_goes(self, call: tuple[str, int], after: bool) -> None:
        self.world.faults.arm(PowerCut(), on=call[0], nth=call[1], after=after)
        with suppress(PowerCut):
            self.world.run()
        self.world.faults.disarm()
        self.troubles += 1

    @rule(
        error=st.sampled_from([Unavailable(), Throttled(1.0)]),
        on=st.sampled_from(["exchange.", "psa.", "exchange.create", "psa.create", "exchange.update", "psa.update"]),
        nth=st.integers(1, 6),
        after=st.booleans(),
        times=st.integers(1, 4),
    )
    def a_server_fails(self, error: SyncError, on: str, nth: int, after: bool, times: int) -> None:
        self.world.faults.arm(error, on=on, nth=nth, after=after, times=times)
        self.world.run()
        self.world.faults.disarm()
        self.troubles += times

    @rule(side=sides, number=numbers, field=st.sampled_from(["title", "place"]))
    def somebody_edits_while_we_write(self, side: Side, number: int, field: str) -> None:
        shelf: Any = self.world.psa.shelf if side is Side.PSA else self.world.exchange.shelf
        shelf.meanwhile.append(lambda: self.edits_now(side, number, field))
        self.world.run()
        shelf.meanwhile.clear()
        self.troubles += 1

    def edits_now(self, side: Side, number: int, field: str) -> None:
        entry_id = self.pick(side, number)
        if entry_id is not None:
            self.change(side, entry_id, **self.fresh_field(self.entries(side)[entry_id], field))

    @rule(side=sides)
    def a_replica_lags(self, side: Side) -> None:
        """An old answer to a question by id looks like an edit; what came of it the reconcile puts right."""
        shelf: Any = self.world.psa.shelf if side is Side.PSA else self.world.exchange.shelf
        shelf.stale_gets = 1
        self.world.run()
        shelf.stale_gets = 0
        self.must_go.clear()
        self.must_cancel.clear()
        self.lagged = True
        self.troubles += 1

    @precondition(lambda self: not self.deeds and not self.lagged)
    @rule(side=sides)
    def a_token_is_forgotten(self, side: Side) -> None:
        (self.world.psa if side is Side.PSA else self.world.exchange).shelf.forget_tokens()
        assert self.world.synced().writes == 0
        assert not self.world.store.set_aside()

    # -- rest

    @rule(reconcile=st.booleans())
    def comes_to_rest(self, reconcile: bool) -> None:
        self.settle(reconcile)

    def teardown(self) -> None:
        if self.world.store.state().accept_any or self.world.store.state().started_on:
            self.settle(False)

    def settle(self, reconcile: bool) -> None:
        stay = set(self.not_deleted())
        if reconcile or self.lagged:
            self.world.run(reconcile=True)
        for _ in range(8):
            report = self.world.run()
            assert report.needs_acceptance is None
            if report.complete and not report.set_aside:
                break
            self.world.later(days=1)
        assert report.complete and not report.set_aside, report
        written = self.writes() - self.writes_before
        allowed = self.deeds + self.rewritten + 4 * self.troubles
        journal = [
            (c.side.value, c.kind, sorted({*c.before, *c.after})) for c in self.world.store.journal[self.noted :]
        ]
        assert written <= allowed, f"{written} writes for {self.deeds} deeds: {journal}"
        self.check_quiet()
        self.check_pairs()
        present = {(side, i) for side in Side for i in self.entries(side)}
        assert stay <= present, "an entry nobody deleted is gone"
        assert not self.must_go & present, "a deleted entry came back"
        for side, entry_id, day in self.must_cancel:
            self.check_cancelled(side, entry_id, day)
        self.must_go.clear()
        self.must_cancel.clear()
        self.touched.clear()
        self.deeds = self.troubles = self.rewritten = 0
        self.lagged = False
        self.writes_before = self.writes()
        self.noted = len(self.world.store.journal)

    def not_deleted(self) -> Iterator[tuple[Side, str]]:
        """Entries that no delete on either side is about to take along."""
        begun = {link.key for link in self.world.store.links() if link.status is LinkStatus.CREATING}
        made = {seen.id for seen in [*self.world.activities, *self.world.events] if seen.key in begun}
        for side in Side:
            for entry_id in self.entries(side).keys() - made:
                other = self.counterpart(side, entry_id)
                if other is None or other in self.entries(side.other):
                    yield side, entry_id

    def check_quiet(self) -> None:
        before = self.writes()
        assert self.world.synced().writes == 0 and self.writes() == before, "the next run wrote"

    def check_pairs(self) -> None:
        """All there is is linked, and both sides of a link are equal but for the text they were born with."""
        links = self.world.links
        others = [link for link in self.world.store.links() if link not in links]
        assert all(link.reason == DELETED for link in others), "only what was deleted is kept apart"
        for side in Side:
            assert {id_on(link, side) for link in links} == set(self.entries(side)), "an entry without a link"
        for link in links:
            activity = self.entries(Side.PSA)[link.psa_id or ""]
            event = self.entries(Side.EXCHANGE)[link.item_id or ""]
            ours, theirs = compared(activity), compared(event)
            if activity.text != event.text:  # matched at first contact, where differing fields stay (rule 3.1)
                apart = {key for key in {*ours, *theirs} if link.base.psa.get(key) != link.base.exchange.get(key)}
                assert not apart & {"title", "time", "recurrence"}
                ours, theirs = ({k: v for k, v in one.items() if k not in apart} for one in (ours, theirs))
            assert ours == theirs

    def check_cancelled(self, side: Side, entry_id: str, day: date) -> None:
        entry = self.entries(side).get(entry_id)
        if entry is not None:
            assert day in entry.cancelled, "a cancelled occurrence came back"

    @invariant()
    def nothing_is_lost(self) -> None:
        self.discarded |= self.never_agreed()
        seen = {word for side in Side for entry in self.entries(side).values() for word in words(entry)}
        for change in self.world.store.journal:
            seen |= set(change.losers.values())
        lost = self.typed - self.discarded - seen
        assert not lost, f"typed by a person and nowhere to be found: {lost}"

    def never_agreed(self) -> set[str]:
        """What a pair matched at first contact differs in: the next edit of it, on either side, goes over it (3.1)."""
        found: set[str] = set()
        for link in self.world.links:
            psa, exchange = link.base.psa, link.base.exchange
            if psa.get("text") != exchange.get("text"):
                for key in {*psa, *exchange}:
                    if psa.get(key) != exchange.get(key):
                        found |= {psa.get(key, ""), exchange.get(key, "")}
        return found

    @invariant()
    def nothing_is_invented(self) -> None:
        for side in Side:
            born = [entry.text for entry in self.entries(side).values()]
            assert len(born) == len(set(born)), f"an entry twice in {side}"
            for entry in self.entries(side).values():
                texts = {entry.title, entry.place, *(o.title for o in entry.exceptions.values())}
                assert texts <= self.typed | {"", "Tea", "Cake"}

    @invariant()
    def nobody_is_mailed(self) -> None:
        assert self.world.exchange.post.mails == []


def words(entry: Entry) -> set[str]:
    """Every value of the entry a person may have typed."""
    typed = {entry.title, entry.place, fields(replace(entry, recurrence=None))["time"]}
    for changed in entry.exceptions.values():
        typed |= {changed.title, changed.place}
    return typed


def compared(entry: Entry) -> dict[str, str]:
    return {k: v for k, v in fields(entry).items() if not k.endswith(("text", "sensitivity"))}


TestTwoCalendars = TwoCalendars.TestCase
TestTwoCalendars.settings = settings(
    max_examples=100,
    stateful_step_count=25,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
