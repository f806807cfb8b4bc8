"""Rule 4: people and meetings, as plans of one mailbox."""

from __future__ import annotations

from dataclasses import replace

import pytest

from samklang.engine.actions import CreateActivity, Delete, Join, Rebase, TakeOver, Unlink, Update
from samklang.engine.model import ColleagueLink, Mail, Person, Role, Sensitivity, Side
from samklang.engine.people import RESPONSE, Colleague, Directory, meeting_key
from samklang.engine.rules import ConflictPolicy
from tests.engine.make import at, day, entry, utc, weekly
from tests.engine.toy import RULES, World

ALICE, BOB = "alice@example.org", "bob@example.org"
DIRECTORY = Directory(
    (
        Colleague("alice", ALICE, frozenset({"a.berg@example.org"}), syncs=True),
        Colleague("bob", BOB, syncs=True),
        Colleague("carol", "carol@example.org", default_type_id="visit"),
    )
)
CALLER = {name: Person(f"{name}@example.org", name.title(), response="organizer") for name in ("alice", "bob", "carol")}
X = Person("x@customer.example", "Xenia")
X_CALLS = replace(X, response="organizer")
ROOM = Person("room@example.org", "Room 3", resource=True)
BOB_COMES = Person("BOB@example.org", "Bob")
ALICE_COMES = Person("A.Berg@example.org", "Alice")


def office() -> World:
    return World(rules=replace(RULES, people=DIRECTORY))


def called(world: World, *people: Person, **more: object) -> tuple[str, str]:
    """A linked meeting Alice called."""
    about = more.pop("about", entry(text="agenda"))
    with_people = replace(about, people=(CALLER["alice"], *people))  # type: ignore[type-var]
    return world.linked(with_people, born=Side.EXCHANGE, is_meeting=True, **more)


def invited(world: World, by: Person = X_CALLS, *people: Person, **more: object) -> tuple[str, str]:
    """A linked meeting to which Alice was invited."""
    about = replace(entry(text="agenda"), people=(by, *(people or (ALICE_COMES,))))
    return world.linked(about, born=Side.EXCHANGE, is_meeting=True, is_organizer=False, **more)


def elsewhere(world: World, psa_id: str, role: Role, address: str = BOB, uid: str = "") -> None:
    world.colleagues.append(ColleagueLink(uid, psa_id, role, address))


# --- 4.2: who is who ------------------------------------------------------------------------------------------------


def test_rule_4_2_organizer_becomes_owner_and_attendees_participants_rooms_and_doubles_aside() -> None:
    world = office()
    world.exchange_adds(
        replace(entry(), people=(CALLER["alice"], ALICE_COMES, BOB_COMES, X, ROOM)), is_meeting=True, uid="meeting"
    )
    (action,) = world.plan().actions
    assert isinstance(action, CreateActivity)
    assert (action.owner_id, action.key) == ("alice", meeting_key("meeting"))
    assert [person.address for person in action.entry.people] == [BOB, "x@customer.example"]


@pytest.mark.parametrize(
    ("organizer", "attendees", "owner"),
    [
        (CALLER["carol"], (ALICE_COMES,), "carol"),  # whether she syncs or not
        (X_CALLS, (BOB_COMES, ALICE_COMES), "alice"),  # the syncing attendee with the lowest address
        (X_CALLS, (BOB_COMES, Person("carol@example.org")), "bob"),  # Carol does not sync
    ],
)
def test_rule_4_2_who_owns_an_invitation(organizer: Person, attendees: tuple[Person, ...], owner: str) -> None:
    world = office()
    people = (organizer, *attendees)
    world.exchange_adds(replace(entry(), people=people), is_meeting=True, is_organizer=False)
    (action,) = world.plan().actions
    assert isinstance(action, CreateActivity) and action.owner_id == owner
    assert action.type_id == ("visit" if owner == "carol" else "meet"), "the owner's own default"


def test_a_plain_event_has_no_people_whatever_the_server_lists() -> None:
    world = office()
    world.exchange_adds(replace(entry(), people=(CALLER["alice"],)))
    (action,) = world.plan().actions
    assert isinstance(action, CreateActivity) and action.entry.people == () and action.key == ""


# --- 3.2, 4.3: one meeting, one activity ----------------------------------------------------------------------------


def test_rule_3_2_a_meeting_a_colleague_has_linked_joins_his_activity() -> None:
    world = office()
    activity = world.psa_adds(entry("Named otherwise"), owner_id="bob", participant_ids=("alice",))
    world.exchange_adds(
        replace(entry(), people=(CALLER["bob"], ALICE_COMES)), is_meeting=True, is_organizer=False, uid="meeting"
    )
    elsewhere(world, activity, Role.ORGANIZER, uid="meeting")
    (action,) = world.plan().actions
    assert isinstance(action, Join) and (action.rule, action.takes_part) == ("3.2", False)
    assert action.activity.id == activity


def test_rule_4_6_what_nobody_is_known_to_have_agreed_on_mails_nobody_though_the_psa_always_wins() -> None:
    """A colleague's run made the activity and was cut off before it knew what both sides said."""
    world = World(rules=replace(RULES, people=DIRECTORY, conflict=ConflictPolicy.PSA))
    about = replace(entry(), people=(CALLER["alice"], X))
    activity = world.psa_adds(entry(), owner_id="alice", participant_ids=("bob",), modified=utc("2026-02-27 09:00"))
    world.exchange_adds(
        replace(about, when=at("2026-03-02 15:00")), is_meeting=True, uid="m", modified=utc("2026-02-27 10:00")
    )
    elsewhere(world, activity, Role.ATTENDEE, uid="m")
    (action,) = world.plan().actions
    assert isinstance(action, Update) and action.psa_fields == {"time"}
    assert (action.exchange_fields, action.mail) == (frozenset(), Mail.NONE)


def test_rule_4_3_a_meeting_is_not_joined_to_the_activity_of_one_alike_though_no_link_tells_of_that() -> None:
    world = office()
    world.psa_adds(entry(), owner_id="bob", participant_ids=("alice",), key=meeting_key("of somebody who left"))
    world.exchange_adds(replace(entry(), people=(X_CALLS, ALICE_COMES)), is_meeting=True, is_organizer=False, uid="m")
    assert not any(isinstance(action, Join) for action in world.plan().actions)


def test_rule_4_3_who_is_not_on_it_yet_is_made_to_take_part() -> None:
    world = office()
    activity = world.psa_adds(entry(), owner_id="bob")
    world.exchange_adds(
        replace(entry(), people=(CALLER["bob"], ALICE_COMES)), is_meeting=True, is_organizer=False, uid="m"
    )
    elsewhere(world, activity, Role.ORGANIZER, uid="m")
    (action,) = world.plan().actions
    assert isinstance(action, Join) and action.takes_part


def test_rule_3_2_a_plain_event_with_the_same_uid_proves_nothing() -> None:
    world = office()
    activity = world.psa_adds(entry("Other"), owner_id="bob", participant_ids=("alice",))
    world.exchange_adds(entry(), uid="copied")
    elsewhere(world, activity, Role.OWNER, uid="copied")
    assert CreateActivity in map(type, world.plan().actions)


SERIES = f"040000008200E00074C5B7101A82E008{'0' * 8}{'AB' * 8}"
ONE_DATE = f"040000008200E00074C5B7101A82E00807EA0310{'AB' * 8}"


@pytest.mark.parametrize(
    ("uid", "caller", "linked", "made"),
    [
        (ONE_DATE, X_CALLS, True, False),  # a colleague has the whole series
        (ONE_DATE, X_CALLS, False, True),  # nobody has: it stands alone
        (ONE_DATE, CALLER["bob"], False, False),  # Bob syncs, and will
        (SERIES, CALLER["carol"], False, True),
        ("one@elsewhere_20260316", CALLER["carol"], True, True),
    ],
)
def test_rule_3_2_an_invitation_to_one_date_of_a_linked_series_makes_no_second_meeting(
    uid: str, caller: Person, linked: bool, made: bool
) -> None:
    world = office()
    about = replace(entry(), people=(caller, ALICE_COMES))
    world.exchange_adds(about, is_meeting=True, is_organizer=False, uid=uid)
    if linked:
        elsewhere(world, "the series", Role.ORGANIZER, uid=SERIES)
    world.settle()
    assert len(world.activities) == made
    assert made or [link.reason for link in world.links.values()] == ["3.2"]


def test_rule_4_3_no_copy_is_made_of_a_meeting_whose_invitation_is_still_to_come() -> None:
    world = office()
    activity = world.psa_adds(entry(), owner_id="bob", participant_ids=("alice",))
    elsewhere(world, activity, Role.ORGANIZER)
    world.settle()
    assert world.events == {} and world.writes == []
    assert [link.reason for link in world.links.values()] == ["4.3"]


def test_rule_1_8_the_owner_who_joins_last_decides_who_may_read_it() -> None:
    world = office()
    activity = world.psa_adds(entry(), owner_id="alice", participant_ids=("bob",))
    secret = replace(entry(), sensitivity=Sensitivity.PRIVATE, people=(CALLER["alice"], BOB_COMES))
    world.exchange_adds(secret, is_meeting=True, uid="m")
    elsewhere(world, activity, Role.ATTENDEE, uid="m")
    (action,) = world.plan().actions
    assert isinstance(action, Update) and "sensitivity" in action.psa_fields


def test_rule_4_1_an_invitation_takes_over_from_the_copy() -> None:
    world = office()
    activity, copy = world.linked(entry(), owner_id="bob", participant_ids=("alice",))
    assert next(iter(world.links.values())).role is Role.PARTICIPANT
    people = (CALLER["bob"], ALICE_COMES)
    invitation = world.exchange_adds(replace(entry(), people=people), is_meeting=True, is_organizer=False, uid="m")
    elsewhere(world, activity, Role.OWNER, uid="m")
    (action,) = world.plan().actions
    assert isinstance(action, TakeOver) and action.event.id == invitation
    assert action.copy is not None and action.copy.id == copy
    # Cut off after the copy went: the link alone is left to be handed on.
    del world.events[copy]
    (action,) = world.plan().actions
    assert isinstance(action, TakeOver) and action.copy is None


# --- 4.4: who carries -----------------------------------------------------------------------------------------------


def test_rule_4_4_an_edit_of_somebody_elses_meeting_goes_back_and_is_kept() -> None:
    world = office()
    activity, _event = invited(world)
    world.psa_edits(activity, title="mine", text="my notes")
    (action,) = world.plan().actions
    assert isinstance(action, Update) and action.to_psa is not None
    assert (action.to_psa.title, action.psa_fields, action.exchange_fields) == ("Lunch", {"title"}, frozenset())
    assert [(loser.field, loser.value) for loser in action.losers] == [("title", "mine")]
    world.settle()
    assert world.activities[activity].entry.text == "my notes", "notes are one's own"


def test_rule_4_4_where_the_organizer_syncs_an_edit_waits_for_his_copy() -> None:
    world = office()
    activity, event = invited(world, CALLER["bob"])
    elsewhere(world, activity, Role.ORGANIZER)
    world.psa_edits(activity, title="by somebody")
    world.settle()
    assert world.writes == [] and world.activities[activity].entry.title == "by somebody"
    # The organizer's update reaches this mailbox: both agree, and nothing is written.
    world.exchange_edits(event, title="by somebody")
    world.settle()
    assert world.writes == []


def test_rule_4_4_beside_an_organizers_copy_an_attendees_carries_his_answer_alone() -> None:
    world = office()
    activity, event = invited(world, CALLER["bob"])
    world.psa_edits(activity, people=(Person(ALICE),), participant_ids=("alice",), owner_id="bob")
    elsewhere(world, activity, Role.ORGANIZER)
    world.settle()
    world.exchange_edits(event, title="renamed for myself", response="accepted")
    world.run()
    assert world.writes == ["update psa"]
    assert world.activities[activity].entry.title == "Lunch"
    assert world.activities[activity].entry.people == (Person(ALICE, response="accepted"),)


def test_rule_4_4_of_several_invitations_the_lowest_address_carries() -> None:
    for colleague, carried in (("zoe@example.org", True), ("aaron@example.org", False)):
        world = office()
        activity, event = invited(world)
        elsewhere(world, activity, Role.ATTENDEE, colleague)
        world.exchange_edits(event, title="moved by its organizer")
        world.settle()
        assert (world.writes == ["update psa"]) is carried


# --- 4.5: answers and leaving ---------------------------------------------------------------------------------------


def test_rule_4_5_an_answer_given_in_the_psa_is_given_in_the_mailbox() -> None:
    world = office()
    activity, _ = invited(world, CALLER["bob"])
    world.psa_edits(activity, people=(Person(ALICE, response="none"),), participant_ids=("alice",), owner_id="bob")
    elsewhere(world, activity, Role.ORGANIZER)
    world.settle()
    world.psa_edits(activity, people=(Person(ALICE, response="tentative"),))
    (action,) = world.plan().actions
    assert isinstance(action, Update)
    assert (action.response, action.exchange_fields, action.mail) == ("tentative", frozenset(), Mail.NONE)


def test_rule_4_5_who_removes_an_invitation_has_declined_and_it_stays_for_the_others() -> None:
    world = office()
    activity, event = invited(world, CALLER["bob"])
    world.psa_edits(activity, people=(Person(ALICE),), participant_ids=("alice",), owner_id="bob")
    elsewhere(world, activity, Role.ORGANIZER)
    world.settle()
    del world.events[event]
    declined, unlinked = world.plan().actions
    assert isinstance(declined, Update) and declined.psa_fields == {RESPONSE}
    assert isinstance(unlinked, Unlink) and unlinked.rule == "4.5"


def test_rule_4_2_the_owner_of_an_invitation_who_leaves_hands_it_on() -> None:
    world = office()
    activity, event = invited(world, X_CALLS, ALICE_COMES, BOB_COMES)
    world.psa_edits(activity, invitation=True)
    world.settle()
    del world.events[event]
    elsewhere(world, activity, Role.ATTENDEE, BOB)
    handed, unlinked = world.plan().actions
    assert isinstance(handed, Update) and handed.psa_owner_id == "bob"
    assert isinstance(unlinked, Unlink)
    world.colleagues.clear()
    (action,) = world.plan().actions
    assert isinstance(action, Delete) and action.side is Side.PSA, "nobody is left: rule 8.2"


# --- 4.6: mail ------------------------------------------------------------------------------------------------------


def test_rule_4_6_a_change_of_a_meeting_to_come_is_told_and_takes_along_what_waited() -> None:
    world = office()
    activity, event = called(world, X)
    world.psa_edits(activity, text="minutes")
    world.settle()
    assert world.writes == [] and world.aside[Side.PSA, activity].code == "meeting_would_mail"
    world.psa_edits(activity, title="Moved")
    (action,) = world.plan().actions
    assert isinstance(action, Update)
    assert (action.mail, action.exchange_fields) == (Mail.ALL, {"title", "text"})
    world.settle()
    assert world.events[event].entry.text == "minutes" and world.aside == {}


def test_rule_4_6_only_those_added_or_removed_are_told() -> None:
    world = office()
    activity, _event = called(world, X, ROOM)
    world.psa_edits(activity, people=(Person(BOB, "Bob"),), text="new text")
    update = world.plan().actions[0]
    assert isinstance(update, Update) and update.to_exchange is not None
    assert (update.mail, update.exchange_fields) == (Mail.CHANGED, {f"p:{BOB}", "p:x@customer.example"})
    assert [person.address for person in update.to_exchange.people] == [ALICE, "room@example.org", BOB]
    assert update.held == {"text"}


@pytest.mark.parametrize(("now", "first"), [("2026-03-02 13:00", False), ("2026-03-01 12:00", True)])
def test_rule_4_6_nobody_is_mailed_of_the_past_or_on_the_first_run(now: str, first: bool) -> None:
    world = office()
    activity, _ = called(world, X)
    world.now, world.first_run = utc(now), first
    world.psa_edits(activity, title="Renamed")
    assert not any(isinstance(action, Update) for action in world.plan().actions)
    del world.activities[activity]
    (action,) = world.plan().actions
    assert isinstance(action, Unlink) and action.rule == "4.6"


def test_rule_4_6_an_occurrence_that_is_over_is_not_told_of() -> None:
    world = office()
    activity, _event = called(world, X, about=weekly())
    world.now = utc("2026-03-10 12:00")
    gone = frozenset({day("2026-03-09"), day("2026-03-16")})
    world.psa_edits(activity, cancelled=gone)
    update = world.plan().actions[0]
    assert isinstance(update, Update)
    assert (update.exchange_fields, update.held) == ({"x:2026-03-16"}, {"x:2026-03-09"})


def test_rule_4_6_a_meeting_nobody_is_invited_to_is_written_silently() -> None:
    world = office()
    activity, event = called(world, X)
    world.exchange_edits(event, people=(CALLER["alice"],))
    world.settle()
    world.writes.clear()
    world.psa_edits(activity, title="Renamed")
    (action,) = world.plan().actions
    assert isinstance(action, Update) and action.mail is Mail.NONE


def test_rule_4_6_a_deleted_activity_cancels_a_meeting_to_come() -> None:
    world = office()
    activity, _ = called(world, X)
    del world.activities[activity]
    (action,) = world.plan().actions
    assert isinstance(action, Delete) and (action.side, action.mail) == (Side.EXCHANGE, Mail.ALL)


def test_rule_4_6_people_of_a_plain_copy_are_nobody_to_mail() -> None:
    world = office()
    activity, event = world.linked(entry())
    world.psa_edits(activity, people=(Person(BOB, "Bob"), X), participant_ids=("bob",))
    world.settle()
    assert world.writes == [] and world.events[event].entry.people == ()


# --- 4.7, 8.2, 7.2 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owner", "type_id", "moves"), [("bob", "meet", True), ("carol", "meet", False), ("bob", "call", False)]
)
def test_rule_4_7_a_new_owner_who_syncs_gets_the_event_else_it_stays(owner: str, type_id: str, moves: bool) -> None:
    world = office()
    activity, _ = world.linked(entry(), born=Side.EXCHANGE)
    world.psa_edits(activity, owner_id=owner, type_id=type_id)
    (action,) = world.plan().actions
    assert isinstance(action, Delete) if moves else isinstance(action, Unlink)
    assert action.rule == "4.7"


def test_rule_4_7_a_former_owner_who_still_takes_part_keeps_his_link() -> None:
    world = office()
    activity, _ = world.linked(entry())
    world.psa_edits(activity, owner_id="carol", participant_ids=("alice",))
    world.settle()
    assert world.writes == [] and next(iter(world.links.values())).role is Role.PARTICIPANT


def test_rule_4_7_a_removed_participants_copy_goes_and_comes_again_with_him() -> None:
    world = office()
    activity, _event = world.linked(entry(), owner_id="bob", participant_ids=("alice",))
    world.psa_edits(activity, participant_ids=())
    world.settle()
    assert world.events == {} and world.writes == ["delete exchange"]
    world.psa_edits(activity, participant_ids=("alice",))
    world.settle()
    assert len(world.events) == 1


def test_rule_4_7_a_meeting_stays_with_its_organizer_who_is_put_back_on_it() -> None:
    world = office()
    activity, _event = called(world, BOB_COMES)
    world.psa_edits(activity, owner_id="bob", people=())
    (action,) = world.plan().actions
    assert isinstance(action, Update) and action.to_psa is not None
    assert (action.psa_fields, action.exchange_fields) == ({f"p:{ALICE}"}, frozenset())
    assert [person.address for person in action.to_psa.people] == [ALICE]


def test_rule_8_2_a_cancelled_meeting_counts_as_deleted_by_its_organizer_and_its_title_is_not_copied() -> None:
    world = office()
    activity, event = invited(world)
    world.exchange_edits(event, title="Canceled: Lunch", is_cancelled=True)
    (action,) = world.plan().actions
    assert isinstance(action, Delete) and action.side is Side.PSA
    elsewhere(world, activity, Role.ORGANIZER)
    (action,) = world.plan().actions
    assert isinstance(action, Unlink) and action.rule == "8.2", "its organizer's own run sees to the activity"
    del world.activities[activity]
    (action,) = world.plan().actions
    assert isinstance(action, Unlink) and action.rule == "8.4", "gone on both sides: a mark of it stays"


def test_rule_7_2_a_meeting_made_again_has_its_people_in_the_text_and_mails_nobody() -> None:
    world = office()
    activity, event = called(world, X)
    del world.events[event]
    world.psa_edits(activity, title="Still on")
    world.settle()
    (again,) = world.events.values()
    assert (again.entry.people, again.entry.text) == ((), "agenda\n\nXenia")
    assert world.activities[activity].entry.text == "agenda"


def test_rule_1_8_a_participants_copy_made_private_changes_nothing_for_the_others() -> None:
    world = office()
    _, event = world.linked(entry(), owner_id="bob", participant_ids=("alice",))
    world.exchange_edits(event, sensitivity=Sensitivity.PRIVATE)
    world.settle()
    assert world.writes == []


def test_rule_4_1_attendees_added_to_a_copy_take_part_and_nobody_else_leaves() -> None:
    world = office()
    activity, event = world.linked(entry(), people=(Person(BOB, "Bob"),))
    world.psa_edits(activity, people=(Person(BOB, "Bob"),), participant_ids=("bob",))
    world.settle()
    world.exchange_edits(event, is_meeting=True, people=(CALLER["alice"], X))
    world.run()
    assert world.writes == ["update psa"]
    assert [one.address for one in world.activities[activity].entry.people] == [BOB, X.address]
    assert next(iter(world.links.values())).role is Role.ORGANIZER
    world.settle()


def test_many_meetings_changed_by_the_directory_alone_trip_no_brake() -> None:
    world = office()
    for number in range(12):
        called(world, X, about=entry(f"Meeting {number}", at(f"2026-03-{number + 3:02} 09:00")))
    for activity in list(world.activities):
        world.psa_edits(activity, people=(*world.activities[activity].entry.people, Person("new@customer.example")))
    assert world.plan().brake is None


def test_rule_4_1_an_answer_given_in_the_psa_to_a_plain_copy_is_nobody_elses_business() -> None:
    world = office()
    activity, _ = world.linked(entry(), owner_id="bob", participant_ids=("alice",), people=(Person(ALICE),))
    world.psa_edits(activity, people=(Person(ALICE, response="accepted"),))
    assert [type(action) for action in world.plan().actions] == [Rebase]


def test_rule_4_7_what_is_a_colleagues_alone_is_not_made_here() -> None:
    world = office()
    world.psa_adds(entry(), owner_id="bob")
    assert world.plan().actions == ()
