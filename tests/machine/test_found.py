"""What the machine found, in the fewest steps: each was a violation once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date

import pytest

from samklang.engine.model import Entry, Frequency, Person, Recurrence, Weekday
from samklang.engine.rules import ConflictPolicy
from samklang.sync.errors import Throttled, Unavailable
from samklang.sync.memory import PowerCut
from tests.machine.machine import bring_to_rest
from tests.machine.meetings import MeetingOffice
from tests.machine.office import PSA, Office, timed

EVERY_MONDAY = Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY,), count=8)
FIRST, SECOND = date(2026, 3, 16), date(2026, 3, 23)


@pytest.fixture
def office() -> Office:
    return Office(("alice", "bob"), ConflictPolicy.NEWEST)


@pytest.fixture
def meetings() -> MeetingOffice:
    return MeetingOffice(("alice", "bob"), ConflictPolicy.NEWEST)


def _only(office: Office, place: str) -> str:
    (id,) = office.items(place)
    return id


def _series(office: Office) -> str:
    """Every Monday for alice, at rest; the id of her event."""
    office.add(PSA, Entry("Tea", timed(7), text="born", recurrence=EVERY_MONDAY), people=("alice",))
    bring_to_rest(office, office.people)
    return _only(office, "alice")


def _calls(meetings: MeetingOffice, by: str, *others: str) -> str:
    """A meeting `by` calls; the id of his event."""
    entry = Entry("Review", timed(7), text="born")
    return meetings.desks[by].calendar.person_calls(entry, *(Person(other) for other in others))


def _unheard_invitation(meetings: MeetingOffice) -> str:
    """Of bob to a meeting whose activity came to him as a plain copy, for alice's run was cut off at making it; its
    id. The PSA tells no create keys, which would have told that it is a meeting's."""
    bring_to_rest(meetings, meetings.people)
    for desk in meetings.desks.values():
        desk.activities.hides_keys = True
    _calls(meetings, "alice", "bob@example.org")
    invitation = _only(meetings, "bob")
    meetings.shelf("bob").miss_changes(1)
    meetings.faults.arm(Throttled(1.0), on="psa.create", after=True)
    meetings.run("alice")
    meetings.faults.disarm()
    meetings.run("bob")
    return invitation


def _is_one_for_everybody(meetings: MeetingOffice) -> bool:
    """Whether the one activity is joined to the one event each has."""
    joined = {(link.person, link.psa_id, link.item_id) for link in meetings.joined()}
    return joined == {(person, _only(meetings, PSA), _only(meetings, person)) for person in meetings.people}


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
    office.add(PSA, Entry("Tea", timed(7), text="born", recurrence=EVERY_MONDAY), people=("alice",))
    bring_to_rest(office, office.people)
    for day in (FIRST, SECOND):
        office.cancel(PSA, _only(office, PSA), day)
    bring_to_rest(office, office.people)
    event = _only(office, "alice")
    office.edit("alice", event, when=timed(7, 30))
    office.edit_occurrence("alice", event, FIRST, place="Alice's")
    office.edit(PSA, _only(office, PSA), when=timed(7, 60))
    bring_to_rest(office, office.people)
    for place in (PSA, "alice"):
        seen = office.items(place)[_only(office, place)].seen
        assert seen[f"{FIRST} place"] == "Alice's"
        assert seen[str(SECOND)] == "cancelled"


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


def test_rule_5_4_dates_are_laid_out_again_by_a_reconcile_after_the_server_failed_between_two_writes(
    office: Office,
) -> None:
    event = _series(office)
    office.cancel("alice", event, FIRST)
    bring_to_rest(office, office.people)
    office.edit("alice", event, when=timed(7, 30))
    office.faults.arm(Throttled(1.0), on="exchange.get")
    office.run("alice")
    bring_to_rest(office, office.people, reconcile=True)
    assert [office.items(place)[_only(office, place)].seen[str(FIRST)] for place in (PSA, "alice")] == ["cancelled"] * 2


def test_rule_5_4_a_date_whose_cancelling_was_written_unanswered_outlives_a_new_time(office: Office) -> None:
    event = _series(office)
    office.cancel("alice", event, FIRST)
    office.faults.arm(Unavailable(), on="psa.update", after=True)
    office.run("alice")
    office.edit("alice", event, when=timed(7, 30))
    office.edit(PSA, _only(office, PSA), place="Garden")
    bring_to_rest(office, office.people)
    assert [office.items(place)[_only(office, place)].seen[str(FIRST)] for place in (PSA, "alice")] == ["cancelled"] * 2


def test_rule_5_4_a_changed_date_outlives_an_edit_while_it_is_laid_out_again(office: Office) -> None:
    event = _series(office)
    office.edit_occurrence("alice", event, SECOND, title="Cake")
    bring_to_rest(office, office.people)
    office.edit("alice", event, recurrence=Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY,), count=9))
    office.edit_occurrence("alice", event, FIRST, place="Garden")
    office.shelf("alice").meanwhile.append(lambda: office.edit("alice", event, place="Attic"))
    bring_to_rest(office, office.people)
    for place in (PSA, "alice"):
        seen = office.items(place)[_only(office, place)].seen
        assert (seen[f"{SECOND} title"], seen[f"{FIRST} place"], seen["place"]) == ("Cake", "Garden", "Attic")


def test_rule_4_3_who_called_a_meeting_joins_it_once_though_both_sides_have_something_to_get() -> None:
    meetings = MeetingOffice(("alice", "bob"), ConflictPolicy.PSA)
    bring_to_rest(meetings, meetings.people)
    _calls(meetings, "bob", "alice@example.org", "x@customer.example")
    meetings.run("alice")
    activity = _only(meetings, PSA)
    meetings.edit(PSA, activity, when=timed(8))
    meetings.make_private(PSA, activity, True)
    bring_to_rest(meetings, meetings.people)
    (link,) = meetings.desks["bob"].store.links()
    assert link.psa_id == activity
    assert len(meetings.items("bob")) == 1


def test_rule_4_6_what_waits_lest_somebody_is_mailed_is_told_until_it_is_settled(meetings: MeetingOffice) -> None:
    event = _calls(meetings, "alice", "bob@example.org")
    bring_to_rest(meetings, meetings.people)
    meetings.edit(PSA, _only(meetings, PSA), text="born\nAgenda")
    meetings.edit("alice", event, place="Attic")
    bring_to_rest(meetings, meetings.people)
    assert meetings.untold() == {_only(meetings, PSA)}
    bring_to_rest(meetings, meetings.people)
    meetings.touch("alice", event)
    bring_to_rest(meetings, meetings.people)
    assert meetings.untold() == {_only(meetings, PSA)}


def test_rule_4_5_who_had_declined_is_asked_anew_though_the_activity_was_made_again(meetings: MeetingOffice) -> None:
    event = _calls(meetings, "alice", "bob@example.org")
    bring_to_rest(meetings, meetings.people)
    meetings.delete("bob", _only(meetings, "bob"))
    bring_to_rest(meetings, meetings.people)
    meetings.delete(PSA, _only(meetings, PSA))
    meetings.edit("alice", event, place="Attic")
    assert meetings.items("bob"), "Exchange asks him again"
    bring_to_rest(meetings, meetings.people)
    assert _is_one_for_everybody(meetings)


def test_rule_4_5_who_declined_stays_out_of_a_meeting_called_off_and_restored(meetings: MeetingOffice) -> None:
    event = _calls(meetings, "bob", "alice@example.org")
    bring_to_rest(meetings, meetings.people)
    activity = _only(meetings, PSA)
    meetings.edit(PSA, activity, title="Preview")
    meetings.run("bob")
    meetings.delete("alice", _only(meetings, "alice"))
    meetings.run("alice")
    meetings.delete("bob", event)
    bring_to_rest(meetings, meetings.people)
    meetings.restore(activity)
    bring_to_rest(meetings, meetings.people)
    assert [meetings.items(place)[_only(meetings, place)].seen["title"] for place in (PSA, "bob")] == ["Preview"] * 2
    assert not meetings.items("alice")


def test_rule_4_6_nobody_is_mailed_for_what_the_organizer_changed_before_his_own_run() -> None:
    """… although the PSA always wins: a colleague's run made the activity, and nobody had edited it there."""
    meetings = MeetingOffice(("alice", "bob"), ConflictPolicy.PSA)
    bring_to_rest(meetings, meetings.people)
    event = _calls(meetings, "bob", "alice@example.org")
    meetings.run("alice")
    meetings.edit("bob", event, when=timed(8))
    bring_to_rest(meetings, ("bob", "alice"))
    assert meetings.mails() == 0
    assert {meetings.items(place)[_only(meetings, place)].entry.when for place in meetings.places} == {timed(8)}


def test_rule_4_3_an_invitation_sent_anew_before_it_is_told_that_the_old_one_is_gone(meetings: MeetingOffice) -> None:
    event = _calls(meetings, "alice", "bob@example.org")
    meetings.run("bob")  # who called it has not looked yet
    meetings.delete("bob", _only(meetings, "bob"))
    meetings.shelf("bob").miss_changes(1)
    meetings.edit("alice", event, title="Preview")
    meetings.run("bob")
    assert [link.item_id for link in meetings.joined() if link.person == "bob"] == [_only(meetings, "bob")]
    bring_to_rest(meetings, meetings.people)
    assert _is_one_for_everybody(meetings)


def test_rule_7_2_two_copies_made_again_as_one_are_merged_in_the_run_that_joins_the_second(office: Office) -> None:
    office.add(PSA, Entry("Tea", timed(7), text="born"), people=("alice", "bob"))
    bring_to_rest(office, office.people)
    office.edit("bob", _only(office, "bob"), place="Bob's")
    office.edit("alice", _only(office, "alice"), title="Alice's")
    office.delete(PSA, _only(office, PSA))
    office.run("alice")
    office.run("bob")
    assert office.items(PSA)[_only(office, PSA)].seen["place"] == "Bob's"


def test_rule_4_5_who_declined_and_is_asked_anew_after_a_crash_has_the_invitation_as_before(
    meetings: MeetingOffice,
) -> None:
    event = _calls(meetings, "bob", "alice@example.org")
    bring_to_rest(meetings, meetings.people)
    meetings.delete("alice", _only(meetings, "alice"))
    meetings.faults.arm(PowerCut(), on="psa.update", after=True)
    with suppress(PowerCut):
        meetings.run("alice")
    meetings.faults.disarm()
    meetings.edit("bob", event, place="Attic")
    bring_to_rest(meetings, meetings.people)
    assert _is_one_for_everybody(meetings)


@pytest.mark.parametrize("policy", list(ConflictPolicy))
def test_rule_4_6_nor_for_an_activity_that_somebody_only_touched_since(policy: ConflictPolicy) -> None:
    meetings = MeetingOffice(("alice", "bob"), policy)
    bring_to_rest(meetings, meetings.people)
    event = _calls(meetings, "bob", "alice@example.org")
    meetings.run("alice")
    meetings.edit("bob", event, when=timed(8))
    meetings.touch(PSA, _only(meetings, PSA))
    bring_to_rest(meetings, ("bob", "alice"))
    assert meetings.mails() == 0
    assert {meetings.items(place)[_only(meetings, place)].entry.when for place in meetings.places} == {timed(8)}


@pytest.mark.parametrize("policy", list(ConflictPolicy))
def test_rule_4_6_what_somebody_changed_in_the_psa_before_the_organizers_run_reaches_him(
    policy: ConflictPolicy,
) -> None:
    meetings = MeetingOffice(("alice", "bob"), policy)
    bring_to_rest(meetings, meetings.people)
    event = _calls(meetings, "bob", "alice@example.org")
    meetings.run("alice")
    meetings.edit(PSA, _only(meetings, PSA), place="Attic")
    meetings.edit("bob", event, when=timed(8))
    bring_to_rest(meetings, ("bob", "alice"))
    for place in meetings.places:
        item = meetings.items(place)[_only(meetings, place)]
        assert (item.entry.place, item.entry.when) == ("Attic", timed(8))


def test_rule_4_5_who_removed_his_copy_stays_out_of_what_is_deleted_and_restored(office: Office) -> None:
    activity = office.add(PSA, Entry("Tea", timed(7), text="born"), people=("alice", "bob"))
    bring_to_rest(office, office.people)
    office.delete("bob", _only(office, "bob"))
    bring_to_rest(office, office.people)
    office.delete(PSA, activity)
    bring_to_rest(office, office.people)
    office.restore(activity)
    bring_to_rest(office, office.people)
    assert office.items("alice")
    assert not office.items("bob")


def test_rule_4_3_two_meetings_alike_stay_two_though_making_the_activity_of_one_was_cut_off(
    meetings: MeetingOffice,
) -> None:
    entry = Entry("Review", timed(7), text="born 1")
    alice = meetings.desks["alice"].calendar
    alice.person_calls(entry, Person("bob@example.org"))
    meetings.faults.arm(PowerCut(), on="psa.create", after=True)
    with suppress(PowerCut):
        meetings.run("alice")
    meetings.faults.disarm()
    meetings.delete("bob", _only(meetings, "bob"))
    alice.person_calls(Entry("Review", timed(7), text="born 2"), Person("bob@example.org"))
    bring_to_rest(meetings, ("bob", "alice"))
    assert sorted(item.born for item in meetings.items("alice").values()) == ["born 1", "born 2"]
    assert sorted(item.born for item in meetings.items(PSA).values()) == ["born 1", "born 2"]
    joined = [(link.person, link.psa_id, link.item_id) for link in meetings.joined() if link.item_id]
    for person, activity, event in joined:
        item = meetings.items(person).get(event)
        assert item is None or item.born == meetings.items(PSA)[activity].born


@pytest.mark.parametrize("policy", list(ConflictPolicy))
@pytest.mark.parametrize("after", [False, True], ids=["before the create", "after it"])
def test_rule_7_2_who_was_cut_off_at_making_it_again_loses_nothing_to_a_colleague_who_made_it(
    after: bool, policy: ConflictPolicy
) -> None:
    office = Office(("alice", "bob"), policy)
    activity = office.add(PSA, Entry("Tea", timed(7), text="born"), people=("alice", "bob"))
    bring_to_rest(office, office.people)
    office.delete(PSA, activity)
    office.edit("alice", _only(office, "alice"), title="Alice's")
    office.edit("bob", _only(office, "bob"), place="Bob's")
    office.faults.arm(PowerCut(), on="psa.create", after=after)
    with suppress(PowerCut):
        office.run("bob")
    office.faults.disarm()
    bring_to_rest(office, office.people)
    for place in office.places:
        item = office.items(place)[_only(office, place)]
        assert (item.entry.title, item.entry.place) == ("Alice's", "Bob's")
    made = [one for one in office.desks["bob"].store.journal if one.kind == "create" and one.psa_id != activity]
    assert [one.side.value for one in made] == ["psa"]


@pytest.mark.parametrize("after", [False, True], ids=["before the create", "after it"])
def test_rule_7_2_of_two_who_typed_into_the_same_field_of_what_was_deleted_neither_is_forgotten(
    office: Office, after: bool
) -> None:
    activity = office.add(PSA, Entry("Tea", timed(7), text="born"), people=("alice", "bob"))
    bring_to_rest(office, office.people)
    office.delete(PSA, activity)
    office.edit("alice", _only(office, "alice"), title="Alice's")
    office.edit("bob", _only(office, "bob"), title="Bob's")
    office.run("bob")
    office.faults.arm(Throttled(1.0), on="psa.create", after=after, times=4)
    office.run("alice")
    office.faults.disarm()
    bring_to_rest(office, office.people)
    (title,) = {item.entry.title for place in office.places for item in office.items(place).values()}
    assert {title} | office.losers() >= {"Alice's", "Bob's"}


def test_rule_5_4_both_sides_typed_the_new_rule_and_an_old_answer_comes_between_the_two_writes(office: Office) -> None:
    alice = _series(office)
    activity = _only(office, PSA)
    office.edit_occurrence(PSA, activity, FIRST, title="Cake")
    bring_to_rest(office, office.people)
    longer = replace(EVERY_MONDAY, count=9)
    office.edit("alice", alice, recurrence=longer)
    office.edit_occurrence("alice", alice, SECOND, title="Cocoa")
    office.edit(PSA, activity, recurrence=longer)
    office.shelf("alice").stale_gets = 1
    office.run("alice")
    bring_to_rest(office, office.people)
    for place in (PSA, "alice"):
        exceptions = office.items(place)[_only(office, place)].entry.exceptions
        assert {day: one.title for day, one in exceptions.items()} == {FIRST: "Cake", SECOND: "Cocoa"}


@pytest.mark.parametrize("cut_off", ["", "psa.create", "exchange.delete", "store.save_tokens"])
@pytest.mark.parametrize("reconcile", [False, True], ids=["told of it late", "found by the nightly look"])
def test_rule_4_1_an_invitation_seen_late_takes_the_place_of_the_plain_copy_its_activity_came_as(
    meetings: MeetingOffice, reconcile: bool, cut_off: str
) -> None:
    invitation = _unheard_invitation(meetings)
    assert len(meetings.items("bob")) == 2, "the invitation, which he has not heard of yet, and a plain copy"
    if not reconcile:
        meetings.touch("bob", invitation)
    if cut_off:
        meetings.faults.arm(PowerCut(), on=cut_off)
    with suppress(PowerCut):
        meetings.run("bob", reconcile=reconcile)
    meetings.faults.disarm()
    bring_to_rest(meetings, ("bob", "alice"), reconcile=reconcile)
    assert _is_one_for_everybody(meetings)


def test_rule_4_1_what_was_typed_into_the_plain_copy_is_kept_when_the_invitation_takes_its_place(
    meetings: MeetingOffice,
) -> None:
    invitation = _unheard_invitation(meetings)
    (copy,) = meetings.items("bob").keys() - {invitation}
    meetings.edit("bob", copy, place="Attic")
    meetings.shelf("bob").miss_changes(1)
    meetings.touch("bob", invitation)
    meetings.run("bob")
    bring_to_rest(meetings, ("bob", "alice"), reconcile=True)
    assert _is_one_for_everybody(meetings)
    (place,) = {item.entry.place for where in meetings.places for item in meetings.items(where).values()}
    assert "Attic" in {place} | meetings.losers()


@pytest.mark.parametrize("cut_off", [False, True])
@pytest.mark.parametrize("policy", list(ConflictPolicy))
def test_rule_7_4_an_old_title_a_colleagues_run_made_it_again_with_is_nobodys_word_against_a_new_one(
    policy: ConflictPolicy, cut_off: bool
) -> None:
    office = Office(("alice", "bob"), policy)
    activity = office.add(PSA, Entry("Tea", timed(7), text="born"), people=("alice", "bob"))
    bring_to_rest(office, office.people)
    office.edit(PSA, activity, title="Cake")
    office.edit("alice", _only(office, "alice"), place="Attic")
    office.run("bob")
    office.delete(PSA, activity)
    office.edit("bob", _only(office, "bob"), title="Cocoa")
    office.run("alice")
    if cut_off:
        office.faults.arm(Throttled(1.0), on="psa.create", after=True)
        office.run("bob")
        office.faults.disarm()
    bring_to_rest(office, office.people)
    for place in office.places:
        item = office.items(place)[_only(office, place)]
        assert (item.entry.title, item.entry.place) == ("Cocoa", "Attic")


@pytest.mark.parametrize("late", ["alice", "bob"])
def test_rule_4_3_of_a_meeting_no_copy_comes_while_a_colleagues_run_is_not_done_with_its_activity(
    meetings: MeetingOffice, late: str
) -> None:
    bring_to_rest(meetings, meetings.people)
    _calls(meetings, "alice", "bob@example.org")
    meetings.shelf(late).miss_changes(1)
    (first,) = set(meetings.people) - {late}
    meetings.faults.arm(Throttled(1.0), on="psa.create", after=True)
    meetings.run(first)
    meetings.faults.disarm()
    for _ in range(3):
        meetings.run(late)
        _only(meetings, late)
    bring_to_rest(meetings, meetings.people, reconcile=True)
    assert _is_one_for_everybody(meetings)


def test_rule_4_3_an_organizer_whose_first_write_fails_is_joined_though_who_made_the_activity_removed_his_copy(
    meetings: MeetingOffice,
) -> None:
    bring_to_rest(meetings, meetings.people)
    _calls(meetings, "bob", "alice@example.org")
    meetings.run("alice")
    meetings.edit(PSA, _only(meetings, PSA), place="Attic")
    meetings.delete("alice", _only(meetings, "alice"))
    meetings.faults.arm(Unavailable(), on="exchange.get")
    meetings.run("bob")
    meetings.faults.disarm()
    bring_to_rest(meetings, meetings.people)
    joined = {(link.person, link.psa_id, link.item_id) for link in meetings.joined()}
    assert ("bob", _only(meetings, PSA), _only(meetings, "bob")) in joined
    assert meetings.items("bob")[_only(meetings, "bob")].entry.place == "Attic"


def test_rule_4_1_who_was_invited_gets_a_copy_of_a_meeting_that_lives_on_as_a_plain_activity(
    meetings: MeetingOffice,
) -> None:
    bring_to_rest(meetings, meetings.people)
    _calls(meetings, "alice", "bob@example.org")
    meetings.run("alice")
    meetings.edit(PSA, _only(meetings, PSA), title="Talk")
    meetings.delete("alice", _only(meetings, "alice"))
    bring_to_rest(meetings, ("bob", "alice", "bob"))
    for place in meetings.places:
        assert [item.entry.title for item in meetings.items(place).values()] == ["Talk"], place
    before = meetings.writes()
    meetings.forget_tokens(PSA)
    bring_to_rest(meetings, meetings.people)
    assert meetings.writes() == before


def test_rule_4_5_a_decline_nobody_answered_for_is_not_taken_for_one_in_the_psa_when_an_invitation_comes_anew(
    meetings: MeetingOffice,
) -> None:
    bring_to_rest(meetings, meetings.people)
    _calls(meetings, "bob", "alice@example.org")
    bring_to_rest(meetings, meetings.people)
    meetings.delete("alice", _only(meetings, "alice"))
    meetings.faults.arm(Unavailable(), on="psa.update", after=True)
    meetings.run("alice")
    meetings.faults.disarm()
    meetings.edit("bob", _only(meetings, "bob"), place="Attic")
    bring_to_rest(meetings, meetings.people)
    assert meetings.items("alice")[_only(meetings, "alice")].entry.place == "Attic"


@pytest.mark.parametrize("by", [PSA, "bob"])
@pytest.mark.parametrize("cut_off", [False, True])
def test_rule_7_2_a_title_only_one_had_heard_of_outlives_that_a_colleague_makes_the_activity_again(
    office: Office, by: str, cut_off: bool
) -> None:
    office.add(PSA, Entry("Tea", timed(7), text="born"), people=("alice", "bob"))
    bring_to_rest(office, office.people)
    office.edit(by, _only(office, by), title="Cocoa")
    office.run("bob")
    office.delete(PSA, _only(office, PSA))
    office.edit("alice", _only(office, "alice"), place="Attic")
    office.edit("bob", _only(office, "bob"), text="word")
    office.run("alice")
    if cut_off:
        office.faults.arm(PowerCut(), on="psa.create", after=True)
        with suppress(PowerCut):
            office.run("bob")
        assert not office.faults.armed
    bring_to_rest(office, office.people)
    for place in office.places:
        items = [item.entry for item in office.items(place).values()]
        assert [(one.title, one.place, one.text) for one in items] == [("Cocoa", "Attic", "word")], place


def test_rule_7_2_a_title_typed_as_the_activity_was_made_again_beats_one_of_before(office: Office) -> None:
    office.add(PSA, Entry("Tea", timed(7), text="born"), people=("alice", "bob"))
    bring_to_rest(office, office.people)
    office.edit("bob", _only(office, "bob"), title="Cocoa")
    office.run("bob")
    office.delete(PSA, _only(office, PSA))
    office.edit("alice", _only(office, "alice"), title="Milk")
    office.edit("bob", _only(office, "bob"), text="word")
    bring_to_rest(office, office.people)
    for place in office.places:
        assert [item.entry.title for item in office.items(place).values()] == ["Milk"], place


@pytest.mark.parametrize("own_write", [True, False], ids=["before our write", "before his edit"])
def test_rule_5_4_what_an_old_answer_says_of_a_series_dates_is_the_same_on_both_sides(
    office: Office, own_write: bool
) -> None:
    event = _series(office)
    longer = replace(EVERY_MONDAY, count=9)
    if own_write:
        office.edit(PSA, _only(office, PSA), recurrence=longer)
        office.cancel(PSA, _only(office, PSA), SECOND)
        office.cancel("alice", event, FIRST)
        office.run("alice")
        office.cancel(PSA, _only(office, PSA), date(2026, 3, 30))
    else:
        office.cancel("alice", event, FIRST)
        office.edit("alice", event, when=timed(7, 30))
        office.run("alice")
        office.edit(PSA, _only(office, PSA), recurrence=longer)
    office.shelf("alice").stale_gets = 1
    office.run("alice")
    bring_to_rest(office, office.people, reconcile=True)
    here, there = (office.items(place)[_only(office, place)].seen for place in (PSA, "alice"))
    assert here == there


def test_rule_4_5_who_declined_while_making_the_activity_was_cut_off_is_known_by_the_invitation_sent_anew(
    meetings: MeetingOffice,
) -> None:
    bring_to_rest(meetings, meetings.people)
    _calls(meetings, "alice", "bob@example.org")
    meetings.faults.arm(Unavailable(), on="psa.create", after=True)
    meetings.run("bob")
    meetings.faults.disarm()
    meetings.delete("bob", _only(meetings, "bob"))
    meetings.run("alice")
    meetings.edit(PSA, _only(meetings, PSA), place="Attic")
    meetings.run("bob")
    bring_to_rest(meetings, meetings.people)
    assert _is_one_for_everybody(meetings)
