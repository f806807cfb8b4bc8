"""Crash-free, exhaustively: power goes before and after each call and commit of a whole round of runs (rule 10.4)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date

import pytest

from samklang.engine.model import Entry, Frequency, Person, Recurrence, Weekday
from samklang.engine.rules import ConflictPolicy
from samklang.sync.memory import PowerCut
from tests.machine.machine import bring_to_rest, state
from tests.machine.office import PSA, Office, address, timed

MONDAYS = Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY,), count=6)
SECOND, THIRD = date(2026, 3, 16), date(2026, 3, 23)


def _id(office: Office, place: str, title: str) -> str:
    return next(id for id, item in office.items(place).items() if item.seen["title"] == title)


def first_contact(office: Office) -> None:
    for person in office.people:
        office.add(person, Entry("Tea", timed(7), text=f"born of {person}"))
        office.add(PSA, Entry("Tea", timed(7), text=f"born here for {person}"), people=(person,))
    office.add(PSA, Entry("Round", timed(7), text="born together", recurrence=MONDAYS), people=("alice", "bob"))
    office.add("bob", Entry("Trip", timed(8), text="born alone"))


def edits(office: Office) -> None:
    office.add(PSA, Entry("Tea", timed(7), text="born 1"), people=("alice", "bob"))
    office.add(PSA, Entry("Round", timed(7), text="born 2", recurrence=MONDAYS), people=("alice",))
    bring_to_rest(office, office.people)
    office.edit("bob", _id(office, "bob", "Tea"), place="Attic")
    office.edit(PSA, _id(office, PSA, "Tea"), title="Supper")
    office.edit_occurrence("alice", _id(office, "alice", "Round"), SECOND, title="Cake")
    office.cancel(PSA, _id(office, PSA, "Round"), THIRD)


def a_new_rule(office: Office) -> None:
    office.add(PSA, Entry("Round", timed(7), text="born", recurrence=MONDAYS), people=("alice",))
    office.edit_occurrence(PSA, _id(office, PSA, "Round"), SECOND, title="Cake")
    office.cancel(PSA, _id(office, PSA, "Round"), THIRD)
    bring_to_rest(office, office.people)
    office.edit(PSA, _id(office, PSA, "Round"), recurrence=replace(MONDAYS, count=8))


def deletes(office: Office) -> None:
    for number, title in enumerate(("Tea", "Cake", "Trip")):
        office.add(PSA, Entry(title, timed(7 + number), text=f"born {number}"), people=("alice", "bob"))
    bring_to_rest(office, office.people)
    office.delete(PSA, _id(office, PSA, "Tea"))
    office.delete("alice", _id(office, "alice", "Cake"))
    office.delete(PSA, _id(office, PSA, "Trip"))
    office.edit("bob", _id(office, "bob", "Trip"), title="Voyage")


def an_invitation(office: Office) -> None:
    calendar = office.desks["alice"].calendar
    calendar.person_calls(Entry("Review", timed(7), text="born"), Person(address("bob")))


def an_answer(office: Office) -> None:
    an_invitation(office)
    bring_to_rest(office, office.people)
    office.desks["bob"].calendar.person_marks(_id(office, "bob", "Review"), response="accepted")
    office.desks["alice"].calendar.person_tells(_id(office, "alice", "Review"), title="Retrospect")


SCENARIOS = [first_contact, edits, a_new_rule, deletes, an_invitation, an_answer]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.__name__)
def test_a_crash_at_every_position_leaves_no_trace(scenario: Callable[[Office], None], after: bool) -> None:
    office = Office(("alice", "bob"), ConflictPolicy.NEWEST)
    scenario(office)
    undisturbed = copy.deepcopy(office)
    mails, begun = office.mails(), len(office.faults.calls)
    bring_to_rest(undisturbed, office.people)
    for position in range(1, len(undisturbed.faults.calls) - begun + 1):
        struck = copy.deepcopy(office)
        struck.faults.arm(PowerCut(), nth=position, after=after)
        with suppress(PowerCut):
            bring_to_rest(struck, office.people)
        struck.faults.disarm()
        bring_to_rest(struck, office.people)
        assert state(struck) == state(undisturbed), f"a crash at call {position} shows"
        assert struck.mails() == mails
