"""What the machine found, in the fewest steps: each was a violation once."""

from __future__ import annotations

from datetime import date

import pytest

from samklang.engine.model import Entry, Frequency, Recurrence, Weekday
from samklang.engine.rules import ConflictPolicy
from tests.machine.machine import bring_to_rest
from tests.machine.office import PSA, Office, timed


@pytest.fixture
def office() -> Office:
    return Office(("alice", "bob"), ConflictPolicy.NEWEST)


def _only(office: Office, place: str) -> str:
    (id,) = office.items(place)
    return id


def test_rule_4_1_an_activity_deleted_while_two_copies_of_it_are_edited_is_made_again_once(office: Office) -> None:
    office.add(PSA, Entry("Tea", timed(7), text="born"), people=("alice", "bob"))
    bring_to_rest(office, office.people)
    office.edit("alice", _only(office, "alice"), title="Alice's")
    office.edit("bob", _only(office, "bob"), place="Bob's")
    office.delete(PSA, _only(office, PSA))
    bring_to_rest(office, office.people)
    for place in office.places:
        seen = office.items(place)[_only(office, place)].seen
        assert (seen["title"], seen["place"]) == ("Alice's", "Bob's")


def test_rule_4_1_of_two_copies_that_say_different_things_the_value_that_lost_is_kept(office: Office) -> None:
    office.add(PSA, Entry("Tea", timed(7), text="born"), people=("alice", "bob"))
    bring_to_rest(office, office.people)
    office.edit("alice", _only(office, "alice"), title="Alice's")
    office.edit("bob", _only(office, "bob"), title="Bob's")
    office.delete(PSA, _only(office, PSA))
    bring_to_rest(office, office.people)
    titles = {office.items(place)[_only(office, place)].seen["title"] for place in office.places}
    assert len(titles) == 1
    assert titles | office.losers() >= {"Alice's", "Bob's"}


@pytest.mark.parametrize("policy", list(ConflictPolicy))
def test_rule_5_4_a_cancelled_date_that_exchange_dropped_and_somebody_changed_then_stays(
    policy: ConflictPolicy,
) -> None:
    office = Office(("alice", "bob"), policy)
    every_monday = Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY,), count=8)
    office.add(PSA, Entry("Tea", timed(7), text="born", recurrence=every_monday), people=("alice",))
    bring_to_rest(office, office.people)
    first, second = date(2026, 3, 16), date(2026, 3, 23)
    for day in (first, second):
        office.cancel(PSA, _only(office, PSA), day)
    bring_to_rest(office, office.people)
    event = _only(office, "alice")
    office.edit("alice", event, when=timed(7, 30))
    office.edit_occurrence("alice", event, first, place="Alice's")
    office.edit(PSA, _only(office, PSA), when=timed(7, 60))
    bring_to_rest(office, office.people)
    for place in (PSA, "alice"):
        seen = office.items(place)[_only(office, place)].seen
        assert seen[f"{first} place"] == "Alice's"
        assert seen[str(second)] == "cancelled"


@pytest.mark.parametrize("private", [True, False])
def test_rule_1_6_an_activity_made_again_is_as_private_as_its_event_is_now(office: Office, private: bool) -> None:
    office.add(PSA, Entry("Tea", timed(7), text="born"), people=("alice",), type="visit" if private else "private")
    bring_to_rest(office, office.people)
    office.make_private("alice", _only(office, "alice"), private)
    office.delete(PSA, _only(office, PSA))
    bring_to_rest(office, office.people)
    assert office.items(PSA)[_only(office, PSA)].private is private


def test_rule_7_2_an_activity_restored_and_deleted_anew_is_made_again_once_more(office: Office) -> None:
    """… although what was made of it the first time is in the trash, and a mark remembers it as deleted."""
    activity = office.add(PSA, Entry("Tea", timed(7), text="born"), people=("bob",))
    bring_to_rest(office, office.people)
    for title in ("First", "Second"):
        office.edit("bob", _only(office, "bob"), title=title)
        office.delete(PSA, activity)
        bring_to_rest(office, office.people)
        assert office.items(PSA)[_only(office, PSA)].seen["title"] == title
        if title == "First":
            office.delete("bob", _only(office, "bob"))
            bring_to_rest(office, office.people)
            office.restore(activity)
            bring_to_rest(office, office.people)
    assert office.items("bob")[_only(office, "bob")].seen["title"] == "Second"
