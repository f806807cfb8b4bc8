"""Random people at work on both sides of several mailboxes, random trouble, and what must be true when all is at rest.

Small pools make entries meet (few titles, few days); every edit types a fresh word, so that each can be followed; and
the record says what was meant. After each rest the properties of the acceptance cases are asserted: **converges**,
**quiet**, **no loss**, **no invention**, **order-free**, **crash-free**, **no mail**, **bounded** (docs/proof.md).
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from samklang.engine.model import AllDay, Entry, Frequency, LinkStatus, Recurrence, Timed, Weekday
from samklang.engine.rules import ConflictPolicy
from samklang.sync.errors import SyncError, Throttled, Unavailable
from samklang.sync.memory import PowerCut
from tests.machine.office import PSA, Item, Office, timed
from tests.machine.record import Record
from tests.machine.shown import on, time, words

#: Far enough ahead that nothing is over, however long the machine waits; a Monday.
AHEAD = 7 * 50
#: Writes a new pattern, a new time or a cancelled date may cost besides: exceptions are written again (rule 5.4).
WRITTEN_AGAIN = 5

PEOPLE = ("alice", "bob")
#: What waits for good: it cannot be written without mailing somebody (rule 4.6).
STAYS = frozenset({"meeting_would_mail"})
#: Calls around which a crash tells most.
TELLING = st.sampled_from(
    [
        *("exchange.create", "exchange.update", "exchange.delete", "psa.create", "psa.update", "psa.delete"),
        *("store.begin_create", "store.record", "store.put_aside", "store.save_tokens"),
    ]
)
CALLS = st.one_of(st.tuples(st.just(""), st.integers(1, 40)), st.tuples(TELLING, st.integers(1, 2)))
ERRORS = st.sampled_from([Unavailable(), Throttled(1.0)])
people = st.sampled_from(PEOPLE)
places = st.sampled_from([PSA, *PEOPLE])
numbers = st.integers(0, 1000)
weeks = st.integers(1, 3)
plain = st.sampled_from(["title", "place", "text", "when"])
deeds = st.sampled_from(["title", "place", "when", "delete"])
#: Title, day, and what kind of entry.
newcomers = st.tuples(
    st.sampled_from(["Tea", "Cake"]), st.integers(0, 1), st.sampled_from(["single", "all day", "series", "private"])
)
orders = st.permutations(PEOPLE)


class People(RuleBasedStateMachine):
    """The rules. `office` is where they work; another one is given by a subclass."""

    #: Steps done by all machines of this process.
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.office: Any = None
        self.record = Record()

    # -- the first day

    def opens(self, policy: ConflictPolicy) -> Any:
        return Office(PEOPLE, policy)

    @initialize(
        policy=st.sampled_from(list(ConflictPolicy)),
        psa=st.lists(st.tuples(newcomers, people, st.booleans()), max_size=2),
        exchange=st.lists(st.tuples(newcomers, people), max_size=3),
    )
    def first_contact(
        self,
        policy: ConflictPolicy,
        psa: list[tuple[tuple[str, int, str], str, bool]],
        exchange: list[tuple[tuple[str, int, str], str]],
    ) -> None:
        self.office = self.opens(policy)
        for newcomer, person, together in psa:
            self._add(PSA, newcomer, _with_others(person) if together else (person,))
        for newcomer, person in exchange:
            self._add(person, newcomer, (person,))

    # -- hands

    def _add(self, place: str, newcomer: tuple[str, int, str], who: tuple[str, ...]) -> None:
        title, day, kind = newcomer
        entry = Entry(title, timed(AHEAD + day), text=f"born {self.record.number()}")
        if kind == "series":
            every_monday = Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY,), count=8)
            entry = replace(entry, when=timed(AHEAD), recurrence=every_monday)
        elif kind == "all day":
            first = date(2026, 3, 2) + timedelta(days=AHEAD + day)
            entry = replace(entry, when=AllDay(first, first + timedelta(days=1 + day)))
        id = self.office.add(place, entry, people=who)
        if kind == "private":
            self.office.make_private(place, id, True)
        self.record.pool |= words(self.office.items(place)[id].seen)
        self.record.deed(reach=len(PEOPLE) + 1)

    @rule(newcomer=newcomers, person=people, together=st.booleans())
    def adds_to_the_psa(self, newcomer: tuple[str, int, str], person: str, together: bool) -> None:
        if len(self.office.items(PSA)) < 6:
            self._add(PSA, newcomer, _with_others(person) if together else (person,))

    @rule(newcomer=newcomers, person=people)
    def adds_to_the_calendar(self, newcomer: tuple[str, int, str], person: str) -> None:
        if len(self.office.items(person)) < 6:
            self._add(person, newcomer, (person,))

    @rule(place=places, number=numbers, field=plain)
    def somebody_edits(self, place: str, number: int, field: str) -> None:
        self._edit(place, self._pick(place, number), field)

    @rule(place=places, number=numbers, week=weeks, field=st.sampled_from(["title", "place", "when"]))
    def edits_an_occurrence(self, place: str, number: int, week: int, field: str) -> None:
        item, day = self._pick(place, number, series=True), _monday(week)
        if item is None or day in item.entry.cancelled or day not in _days(item.entry):
            return
        changes, value = self._fresh(item, field, day)
        key = f"{day} {'time' if field == 'when' else field}"
        with self._changing(place, item, {key: value}):
            self.office.edit_occurrence(place, item.id, day, **changes)

    @rule(place=places, number=numbers, week=weeks)
    def cancels_an_occurrence(self, place: str, number: int, week: int) -> None:
        item, day = self._pick(place, number, series=True), _monday(week)
        if item is None or day in item.entry.cancelled or day not in _days(item.entry):
            return
        with self._changing(place, item, {str(day): "cancelled"}):
            self.office.cancel(place, item.id, day)
        self.record.rewritten += WRITTEN_AGAIN

    @rule(place=places, number=numbers, more=st.integers(1, 2))
    def lengthens_a_series(self, place: str, number: int, more: int) -> None:
        item = self._pick(place, number, series=True)
        if item is None:
            return
        held = item.entry.recurrence
        assert isinstance(held, Recurrence) and held.count is not None
        longer = replace(held, count=held.count + more)
        with self._changing(place, item, {"rule": None}):
            self.office.edit(place, item.id, recurrence=longer)
        self.record.rewritten += WRITTEN_AGAIN

    @rule(place=places, number=numbers, private=st.booleans())
    def changes_privacy(self, place: str, number: int, private: bool) -> None:
        item = self._pick(place, number)
        if item is not None and item.private is not private and item.type != "note":
            with self._changing(place, item, {}):
                self.office.make_private(place, item.id, private)

    @rule(number=numbers, type=st.sampled_from(["visit", "note"]))
    def changes_the_type(self, number: int, type: str) -> None:
        item = self._pick(PSA, number)
        if item is not None and not item.private and item.type != type:
            with self._changing(PSA, item, {}):
                self.office.set_type(item.id, type)
            if type == "visit":
                self.record.deed(reach=len(PEOPLE) * self.record.while_apart.pop(item.born, 0))
            else:
                self.record.goes_apart(item, [(PSA, item.id), *self._copies(PSA, item.id)])

    @rule(place=places, number=numbers)
    def somebody_deletes(self, place: str, number: int) -> None:
        self._delete(place, self._pick(place, number))

    @rule(number=numbers, person=people, first=st.booleans(), one=deeds, other=deeds)
    def both_sides_of_a_pair_change(self, number: int, person: str, first: bool, one: str, other: str) -> None:
        linked = [j for j in self.office.joined() if j.person == person and j.status is LinkStatus.LINKED]
        if not linked:
            return
        pair = linked[number % len(linked)]
        sides = [(PSA, pair.psa_id), (person, pair.item_id)]
        for (place, id), deed in zip(sides if first else sides[::-1], (one, other), strict=True):
            item = self.office.items(place).get(id)
            if deed == "delete":
                self._delete(place, item)
            else:
                self._edit(place, item, deed)

    @rule(place=places, number=numbers)
    def touches_without_changing(self, place: str, number: int) -> None:
        item = self._pick(place, number)
        if item is not None:
            self.office.touch(place, item.id)

    @rule(number=numbers)
    def restores_from_the_trash(self, number: int) -> None:
        there = {(item.born, id) for id, item in self.office.items(PSA).items()}
        for link in self.office.joined():
            event = self.office.items(link.person).get(link.item_id)
            before = self.office.trash().get(link.psa_id)
            there |= {(one.born, link.psa_id) for one in (event, before) if event and one}
        # Perhaps it was made again (rule 7.2); both at once nobody wants back.
        again = {id for id, item in self.office.trash().items() if any(b == item.born and i != id for b, i in there)}
        trash = sorted(self.office.trash().keys() - again)
        if trash:
            id = trash[number % len(trash)]
            self.office.restore(id)
            # Whoever still has its event, whatever his run made of the delete meanwhile, has it again.
            copies = [(one.person, one.item_id) for one in self.office.joined() if one.psa_id == id]
            self.record.came_back(PSA, self.office.items(PSA)[id], copies)
            self.record.deed(reach=len(PEOPLE))

    # -- what hands have in common

    def _pick(self, place: str, number: int, *, series: bool = False) -> Item | None:
        items = [item for item in self.office.items(place).values() if item.entry.is_series or not series]
        return items[number % len(items)] if items else None

    def _fresh(self, item: Item, field: str, day: date | None = None) -> tuple[dict[str, Any], str]:
        """A value nobody typed before, and how it reads."""
        number = self.record.number()
        if field == "text":
            text = f"{item.born}\nword {number}"
            return {"text": text}, text
        if field != "when":
            return {field: f"word {number}"}, f"word {number}"
        when = item.entry.when if day is None else on(item.entry.when, day)
        if isinstance(when, Timed):
            midnight = when.start.replace(hour=0, minute=0)
            start = midnight + timedelta(hours=7, minutes=number)
            moved: Any = Timed(start, start + timedelta(minutes=30), when.zone)
        else:
            moved = AllDay(when.first, when.first + timedelta(days=2 + number % 500))
        return {"when": moved}, time(moved)

    def _edit(self, place: str, item: Item | None, field: str) -> None:
        if item is None:
            return
        changes, value = self._fresh(item, field)
        with self._changing(place, item, {"time" if field == "when" else field: value}):
            self.office.edit(place, item.id, **changes)
        if field == "when" and item.entry.is_series:
            self.record.rewritten += WRITTEN_AGAIN

    def _changing(self, place: str, item: Item, meant: dict[str, str | None]) -> Any:
        return self.record.changing(self.office, place, item, meant)

    def _copies(self, place: str, id: str) -> list[tuple[str, str]]:
        """The other places of an entry."""
        return copies(self.office, place, id)

    def _delete(self, place: str, item: Item | None) -> None:
        if item is None or not self._may_delete(place, item):
            return
        others = self._copies(place, item.id)
        self.office.delete(place, item.id)
        self.record.deleted(self.office, place, item, others)

    def _may_delete(self, place: str, item: Item) -> bool:
        """An empty listing proves nothing (rule 8.1): in an interrupted first run, or where the notice may be lost."""
        if self.record.rests and not self.record.lagged:
            return True
        items = self.office.items(place).values()
        return all(any(one.id != item.id and person in one.people for one in items) for person in item.people)

    # -- runs and trouble

    @rule(person=people)
    def somebody_runs(self, person: str) -> None:
        self._run(person)
        self.record.interrupted()

    def _run(self, person: str) -> None:
        if self.office.desks[person].on:
            report = self.office.run(person)
            assert report.needs_acceptance is None

    @rule(person=people, call=CALLS, after=st.booleans())
    def the_power_goes(self, person: str, call: tuple[str, int], after: bool) -> None:
        self.office.faults.arm(PowerCut(), on=call[0], nth=call[1], after=after)
        with suppress(PowerCut):
            self._run(person)
        self.office.faults.disarm()
        self.record.trouble()

    @rule(
        person=people,
        error=ERRORS,
        on=st.sampled_from(["exchange.", "psa.", "exchange.create", "psa.create", "exchange.update", "psa.update"]),
        nth=st.integers(1, 6),
        after=st.booleans(),
        times=st.integers(1, 4),
    )
    def a_server_fails(self, person: str, error: SyncError, on: str, nth: int, after: bool, times: int) -> None:
        self.office.faults.arm(error, on=on, nth=nth, after=after, times=times)
        self._run(person)
        self.office.faults.disarm()
        self.record.trouble(times)

    @rule(person=people, place=places, number=numbers, field=st.sampled_from(["title", "place"]))
    def somebody_edits_while_we_write(self, person: str, place: str, number: int, field: str) -> None:
        shelf = self.office.shelf(place)
        shelf.meanwhile.append(lambda: self._edit(place, self._pick(place, number), field))
        self._run(person)
        shelf.meanwhile.clear()
        self.record.trouble()

    @rule(person=people, place=places)
    def a_replica_lags(self, person: str, place: str) -> None:
        """An old answer to a question by id looks like an edit; what came of it the reconcile puts right."""
        shelf = self.office.shelf(place)
        shelf.stale_gets = 1
        self._run(person)
        shelf.stale_gets = 0
        self.record.lied_to()

    @rule(place=places, lost=st.integers(1, 3))
    def notices_are_lost(self, place: str, lost: int) -> None:
        """Only a full listing tells of these changes (rule 7.7), and only if it is not empty (rule 8.1)."""
        items = self.office.items(place).values()
        if not all(any(person in item.people for item in items) for person in (PEOPLE if place == PSA else (place,))):
            return
        self.office.shelf(place).miss_changes(lost)
        self.record.lagged = True

    @rule(person=people, place=places, number=numbers)
    def a_listing_leaves_out(self, person: str, place: str, number: int) -> None:
        """… an entry that is there: nothing is concluded from it (rule 8.1)."""
        item, shelf = self._pick(place, number), self.office.shelf(place)
        if item is None:
            return
        shelf.omits.add(item.id)
        with suppress(PowerCut):
            if self.office.desks[person].on:
                self.office.run(person, reconcile=True)
        shelf.omits.clear()
        self.record.lagged = True
        self.record.trouble()

    @precondition(lambda self: self.record.is_at_rest)
    @rule(place=places)
    def a_token_is_forgotten(self, place: str) -> None:
        self.office.forget_tokens(place)
        before = self.office.writes()
        for person in PEOPLE:
            self._run(person)
        assert self.office.writes() == before, "a rejected token made us write"
        assert not {code for _, code in self.office.set_aside()} - STAYS

    # -- rest

    @rule(order=orders, reconcile=st.booleans())
    def comes_to_rest(self, order: Sequence[str], reconcile: bool) -> None:
        self.settle(order, reconcile)

    @rule(order=orders, call=CALLS, after=st.booleans(), person=people)
    def comes_to_rest_as_if_nothing_had_happened(
        self, order: Sequence[str], call: tuple[str, int], after: bool, person: str
    ) -> None:
        """Crash-free: a crash anywhere and another run end as without it."""
        filled = any(self._bare())  # with what may be like something nobody has noticed yet
        self._fill()
        filled = filled or self._may_be_joined_late()
        twin = copy.deepcopy(self.office)
        self.the_power_goes(person, call, after)
        unlike = filled or self.record.contested or any(self._bare())  # at rest none of it is so
        self.settle(order, False)
        bring_to_rest(twin, [person, *order], reconcile=True)
        if not unlike:
            assert state(self.office) == state(twin), "a crash shows in the end"

    @precondition(lambda self: not self.record.contested)
    @rule(order=orders)
    def comes_to_rest_in_whatever_order(self, order: Sequence[str]) -> None:
        """Order-free: it does not show who ran first."""
        self._fill()
        twin = copy.deepcopy(self.office)
        reconcile = self.record.lagged
        self.settle(order, reconcile)
        bring_to_rest(twin, order[::-1], reconcile=reconcile)
        assert state(self.office) == state(twin), "it shows who ran first"

    def teardown(self) -> None:
        if self.office is not None:
            self.settle(PEOPLE, False)

    def settle(self, order: Sequence[str], reconcile: bool) -> None:
        self._fill()
        stay = {(place, id): self.office.items(place)[id].born for place, id in self._not_deleted()}
        bring_to_rest(self.office, order, reconcile=reconcile or self.record.lagged)
        waiting = [(place, code) for place, code in self.office.set_aside() if code not in STAYS]
        assert not waiting, waiting
        self.record.check_writes(self.office)
        self._check_pairs()
        self._check_meant()
        present = {(place, id) for place in self.office.places for id in self.office.items(place)}
        gone = {one for one in stay.keys() - present if not self._took_its_place(one[0], stay[one])}
        assert not gone, f"an entry nobody deleted is gone: {gone}"
        assert not self.record.must_go & present, "a deleted entry came back"
        self.record.rest(self.office)

    def _fill(self) -> None:
        """Where notices were lost only a listing tells what is gone, and an empty one proves nothing (rule 8.1)."""
        for place, person in tuple(self._bare()):
            self._add(place, ("Tea", 0, "single"), (person,))

    def _bare(self) -> Iterator[tuple[str, str]]:
        """Where somebody's listing would be empty while one is needed."""
        for place in self.office.places if self.record.lagged else ():
            for person in PEOPLE if place == PSA else (place,):
                if not any(person in item.people for item in self.office.items(place).values()):
                    yield place, person

    def _may_be_joined_late(self) -> bool:
        """Whether two that are alike are joined by a run that lists all, and by one that heard of one alone doubled."""
        for person in PEOPLE if self.record.lagged else ():
            here, there = self.office.items(person), self.office.items(PSA)
            new = [one for id, one in here.items() if not self._copies(person, id)]
            his = [one for id, one in there.items() if person not in (place for place, _ in self._copies(PSA, id))]
            if any(_is_like(one, other) for one in new for other in his):
                return True
        return False

    def _took_its_place(self, place: str, born: str) -> bool:
        """Whether another entry rightly stands where one was that nobody deleted, or stands beside it until a run."""
        return False

    def _not_deleted(self) -> Iterator[tuple[str, str]]:
        """Entries that no delete anywhere is about to take along."""
        creating = any(joined.status is LinkStatus.CREATING for joined in self.office.joined())
        here = {place: self.office.items(place) for place in self.office.places}
        going = [one for id, one in here[PSA].items() if any(c not in here[p] for p, c in self._copies(PSA, id))]
        for place in self.office.places:
            for id, item in here[place].items():
                others = self._copies(place, id)
                # What is like something that goes may be joined to it first (rule 3.1).
                joins = not others and any(place in one.people and _is_like(item, one) for one in going)
                begun = creating and not others
                if not (begun or joins) and all(other in here[where] for where, other in others):
                    yield place, id

    def _check_pairs(self) -> None:
        """Converges: everything is joined, or has a mark, and both sides of a link are equal."""
        office = self.office
        self._note_matched()
        joined = {PSA: set(), **{person: set() for person in PEOPLE}}
        for link in office.joined():
            assert link.status is not LinkStatus.CREATING
            joined[PSA].add(link.psa_id)
            joined[link.person].add(link.item_id)
            if link.status is not LinkStatus.LINKED:
                continue
            activity, event = office.items(PSA)[link.psa_id], office.items(link.person)[link.item_id]
            unlike = set(link.unlike) if (link.person, link.item_id) in self.record.matched else set()
            assert not {"title", "time", "recurrence"} & unlike, link
            unlike |= self._held_back(link.psa_id)
            ours, theirs = ({k: v for k, v in one.seen.items() if k not in unlike} for one in (activity, event))
            assert ours == theirs, f"{link}: {ours} {theirs}"
            if link.person == activity.people[0]:  # of several copies the owner's privacy decides (rule 1.8)
                assert activity.private is event.private or "sensitivity" in unlike, link
        for place in office.places:
            for id, item in office.items(place).items():
                if place != PSA or item.type != "note":
                    assert id in joined[place], f"{item} of {place} is not joined"

    def _was_joined_unlike(self, link: Any) -> bool:
        return "text" in link.unlike or (link.person, link.item_id) in self.record.matched

    def _note_matched(self) -> None:
        """What first contact joined although different people made it, as long as its text tells."""
        here = {place: self.office.items(place) for place in self.office.places}
        for link in self.office.joined():
            activity, event = here[PSA].get(link.psa_id), here[link.person].get(link.item_id)
            if link.status is LinkStatus.LINKED and activity and event and activity.born != event.born:
                self.record.matched.add((link.person, link.item_id))

    def _check_meant(self) -> None:
        """What one place alone typed into a field is what every place shows; of several, one of what was typed."""
        for group in groups(self.office):
            items = [self.office.items(place)[id] for place, id in group]
            typed = self.record.typed_in(group, matched=len({item.born for item in items}) > 1)
            joined = [link for link in self.office.joined() if (link.person, link.item_id) in group]
            matched = [link for link in joined if (link.person, link.item_id) in self.record.matched]
            apart = {key for link in matched for key in link.unlike}
            apart |= {key for link in joined for key in self._held_back(link.psa_id)}
            for key, values in typed.items():
                if key in apart:  # differing fields stay on each side until they are edited next (rule 3.1)
                    continue
                for item in items:
                    assert item.seen.get(key) in values, f"{key}: {values} was typed, {item} of {group} shows otherwise"

    def _held_back(self, psa_id: str) -> set[str]:
        """Fields of an activity that rightly wait, so that its copies may show otherwise."""
        return set()

    # -- always

    @invariant()
    def nothing_is_lost(self) -> None:
        People.steps += 1
        if self.office is None:
            return
        there = {
            word
            for place in self.office.places
            for item in self.office.items(place).values()
            for word in words(item.seen)
        }
        self._note_matched()
        for link in self.office.joined():  # the next edit of it, on either side, goes over what differs (rule 3.1)
            if self._was_joined_unlike(link):
                self.record.discarded |= set().union(*link.unlike.values())
        lost = self.record.typed - self.record.discarded - there
        if lost:
            lost -= self.office.losers()
        assert not lost, f"typed by a person and nowhere to be found: {lost}"

    @invariant()
    def nothing_is_invented(self) -> None:
        if self.office is None:
            return
        for place in self.office.places:
            items = self.office.items(place).values()
            times = Counter(item.born for item in items)
            doubled = [born for born in times if times[born] > 1 and not self._took_its_place(place, born)]
            assert not doubled, f"twice in {place}: {doubled}"
            for item in items:
                assert words(item.seen) <= self.record.typed | self.record.pool

    @invariant()
    def nobody_is_mailed(self) -> None:
        if self.office is not None:
            assert self.office.mails() == 0


def copies(office: Any, place: str, id: str) -> list[tuple[str, str]]:
    """The other places of an entry, as far as links join them."""
    for group in groups(office, there=False):
        if (place, id) in group:
            return [one for one in group if one != (place, id)]
    return []


def groups(office: Any, *, there: bool = True) -> list[list[tuple[str, str]]]:
    """What links join: each activity with its events; only what is `there`, or all that links name."""
    found: dict[str, list[tuple[str, str]]] = {}
    for link in office.joined():
        if link.status is LinkStatus.LINKED:
            found.setdefault(link.psa_id, [(PSA, link.psa_id)]).append((link.person, link.item_id))
    if not there:
        return list(found.values())
    return [[one for one in group if one[1] in office.items(one[0])] for group in found.values()]


def bring_to_rest(office: Any, order: Sequence[str], *, reconcile: bool = False) -> None:
    """Runs of everybody until nobody writes any longer; then one more of each, which must write nothing."""
    for number in range(10):
        before, complete = office.writes(), True
        for person in order:
            if office.desks[person].on:
                report = office.run(person, reconcile=reconcile and number == 0)
                assert report.needs_acceptance is None
                complete = complete and report.complete and not report.set_aside.keys() - STAYS
        if complete and office.writes() == before and number:
            return
        if not complete:
            office.later(days=1)
    raise AssertionError("it does not come to rest")


def state(office: Any) -> dict[str, list[Any]]:
    """What everybody sees, whatever the ids."""
    return {
        place: sorted((item.born, sorted(item.seen.items())) for item in office.items(place).values())
        for place in office.places
    }


def _is_like(one: Item, other: Item) -> bool:
    """Whether first contact may join the two."""
    return all(one.seen.get(key) == other.seen.get(key) for key in ("title", "time", "rule"))


def _with_others(person: str) -> tuple[str, ...]:
    return (person, *(other for other in PEOPLE if other != person))


def _monday(week: int) -> date:
    return date(2026, 3, 2) + timedelta(days=AHEAD, weeks=week)


def _days(entry: Entry) -> list[date]:
    """The days of a weekly series."""
    held, when = entry.recurrence, entry.when
    assert isinstance(held, Recurrence) and held.count is not None and isinstance(when, Timed)
    return [when.start.date() + timedelta(weeks=week) for week in range(held.count)]


SHORT = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

People.TestCase.settings = SHORT
