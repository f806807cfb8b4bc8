"""Meetings between mailboxes: who is mailed, what lands in whose calendar, whoever sends it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox_client import Refused, Sandbox

ALICE, BOB, CAROL, XENIA = "alice@example.com", "bob@example.com", "carol@example.com", "xenia@elsewhere.example"
LUNCH = {"subject": "Lunch", "start": "2026-03-02T12:00", "end": "2026-03-02T13:00"}
MONDAYS = {
    "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"},
    "range": {"type": "numbered", "startDate": "2026-03-02", "numberOfOccurrences": 6},
}
WEEK_2, WEEK_3 = "2026-03-09", "2026-03-16"


@pytest.fixture
def people(sandbox: Sandbox) -> Sandbox:
    """Alice and Bob in one company, Xenia elsewhere; Carol has no mailbox here."""
    for address in (ALICE, BOB, XENIA):
        sandbox.mailbox(address, name=address.partition("@")[0].capitalize(), zone="Europe/Stockholm")
    return sandbox


def asked(*addresses: str, **more: Any) -> list[dict[str, Any]]:
    return [{"address": address, **more} for address in addresses]


def sent(people: Sandbox) -> list[tuple[str, str]]:
    return [(mail["kind"], mail["recipient"].partition("@")[0]) for mail in people.mails("person")]


def responses(people: Sandbox, address: str, id: str) -> dict[str, str]:
    return {each["address"]: each["response"] for each in people.entry(address, id)["attendees"]}


def test_a_meeting_reaches_nobody_before_it_is_sent(people: Sandbox) -> None:
    people.person_creates(ALICE, **LUNCH, attendees=asked(BOB))
    assert sent(people) == []
    assert people.entries(BOB) == []


def test_an_invitation_lands_in_the_calendars_there_are_and_counts_for_no_program(people: Sandbox) -> None:
    made = people.person_creates(XENIA, **LUNCH, attendees=asked(ALICE, CAROL), send="all")
    copy = people.invitation(ALICE, made["uid"])
    assert (copy["subject"], copy["organizer"]["address"], copy["appointment_state"]) == ("Lunch", XENIA, 3)
    assert (copy["my_response"], copy["show_as"]) == ("notResponded", "tentative")
    assert sent(people) == [("invitation", "alice"), ("invitation", "carol")]
    assert people.mails() == [] and people.counts(XENIA)["mails"] == 0
    assert people.counts(ALICE)["writes"] == {"create": 0, "update": 0, "delete": 0}


def test_an_update_keeps_what_is_the_attendees_own(people: Sandbox) -> None:
    made = people.person_creates(XENIA, **LUNCH, attendees=asked(ALICE), send="all")
    copy = people.invitation(ALICE, made["uid"])
    people.person_edits(ALICE, copy["id"], subject="My lunch", categories=["Green"], sensitivity="private")
    assert people.entry(XENIA, made["id"])["subject"] == "Lunch"
    people.person_edits(XENIA, made["id"], location="Attic", send="all")
    copy = people.entry(ALICE, copy["id"])
    assert (copy["subject"], copy["location"]) == ("Lunch", "Attic")
    assert (copy["categories"], copy["sensitivity"]) == (["Green"], "private")


def test_who_is_added_and_removed_can_be_told_alone(people: Sandbox) -> None:
    made = people.person_creates(ALICE, **LUNCH, attendees=asked(CAROL, XENIA), send="all")
    people.person_edits(ALICE, made["id"], attendees=asked(CAROL, BOB), send="changed")
    assert sent(people)[2:] == [("cancellation", "xenia"), ("invitation", "bob")]
    assert people.invitation(XENIA, made["uid"])["appointment_state"] == 7
    assert people.invitation(BOB, made["uid"])["appointment_state"] == 3


def test_an_answer_is_known_to_the_organizer_if_it_was_mailed(people: Sandbox) -> None:
    made = people.person_creates(XENIA, **LUNCH, attendees=asked(ALICE, BOB), send="all")
    people.person_answers(ALICE, people.invitation(ALICE, made["uid"])["id"], "accepted", mail=False)
    assert responses(people, XENIA, made["id"]) == {ALICE: "none", BOB: "none"}
    people.person_answers(ALICE, people.invitation(ALICE, made["uid"])["id"], "tentativelyAccepted")
    people.person_answers(BOB, people.invitation(BOB, made["uid"])["id"], "declined")
    assert responses(people, XENIA, made["id"]) == {ALICE: "tentativelyAccepted", BOB: "declined"}
    assert people.invitation(ALICE, made["uid"])["my_response"] == "tentativelyAccepted"
    assert people.entries(BOB) == []
    assert len(people.entries(BOB, folder="deleteditems")) == 1


def test_answers_stay_when_others_are_asked_too_and_no_attendee_sees_them(people: Sandbox) -> None:
    made = people.person_creates(ALICE, **LUNCH, attendees=asked(BOB), send="all")
    people.person_answers(BOB, people.invitation(BOB, made["uid"])["id"], "accepted")
    people.person_edits(ALICE, made["id"], attendees=asked(BOB, XENIA), send="all")
    assert responses(people, ALICE, made["id"]) == {BOB: "accepted", XENIA: "none"}
    copy = people.invitation(XENIA, made["uid"])
    assert {each["response"] for each in copy["attendees"]} == {"none"}


def test_an_answer_by_a_program_of_ews_gives_the_copy_another_id_and_keeps_what_it_is(people: Sandbox) -> None:
    made = people.person_creates(XENIA, **LUNCH, attendees=asked(ALICE), send="all")
    copy = people.invitation(ALICE, made["uid"])
    people.person_answers(ALICE, copy["id"], "accepted", anew=True)
    after = people.invitation(ALICE, made["uid"])
    assert after["id"] != copy["id"]
    assert (after["immutable_id"], after["my_response"]) == (copy["immutable_id"], "accepted")
    people.person_edits(XENIA, made["id"], location="Attic", send="all")
    assert people.invitation(ALICE, made["uid"])["id"] == after["id"]


def test_one_cannot_answer_oneself(people: Sandbox) -> None:
    made = people.person_creates(ALICE, **LUNCH, attendees=asked(BOB))
    with pytest.raises(Refused):
        people.person_answers(ALICE, made["id"], "accepted")


def test_a_cancelled_meeting_stays_marked_in_the_others_calendars(people: Sandbox) -> None:
    made = people.person_creates(ALICE, **LUNCH, attendees=asked(BOB), send="all")
    people.person_deletes(ALICE, made["id"], send="all")
    copy = people.invitation(BOB, made["uid"])
    assert (copy["subject"], copy["appointment_state"], copy["show_as"]) == ("Canceled: Lunch", 7, "free")
    assert people.entries(ALICE) == []
    assert sent(people) == [("invitation", "bob"), ("cancellation", "bob")]


def test_a_cancelled_date_stays_marked_in_the_others_series_and_is_gone_from_ones_own(people: Sandbox) -> None:
    made = people.person_creates(ALICE, **LUNCH, recurrence=MONDAYS, attendees=asked(BOB), send="all")
    people.person_deletes(ALICE, made["id"], WEEK_2, send="all")
    assert people.entry(ALICE, made["id"])["cancelled"] == [WEEK_2]
    (held,) = people.invitation(BOB, made["uid"])["exceptions"]
    assert (held["original"], held["subject"], held["appointment_state"]) == (WEEK_2, "Canceled: Lunch", 7)
    people.person_edits(ALICE, made["id"], location="Attic", send="all")
    copy = people.invitation(BOB, made["uid"])
    assert [each["original"] for each in copy["exceptions"]] == [WEEK_2]
    assert (copy["location"], copy["cancelled"]) == ("Attic", [])


def test_a_date_an_attendee_declined_or_removed_does_not_come_back(people: Sandbox) -> None:
    made = people.person_creates(ALICE, **LUNCH, recurrence=MONDAYS, attendees=asked(BOB), send="all")
    copy = people.invitation(BOB, made["uid"])
    people.person_answers(BOB, copy["id"], "declined", WEEK_2)
    people.person_deletes(BOB, copy["id"], WEEK_3)
    assert people.entry(BOB, copy["id"])["cancelled"] == [WEEK_2, WEEK_3]
    (held,) = people.entry(ALICE, made["id"])["exceptions"]
    assert [each["response"] for each in held["attendees"]] == ["declined"]
    assert responses(people, ALICE, made["id"]) == {BOB: "none"}
    people.person_edits(ALICE, made["id"], location="Attic", send="all")
    assert people.entry(BOB, copy["id"])["cancelled"] == [WEEK_2, WEEK_3]


def test_who_is_asked_to_one_date_gets_that_date_alone(people: Sandbox) -> None:
    made = people.person_creates(ALICE, **LUNCH, recurrence=MONDAYS, attendees=asked(BOB), send="all")
    people.person_edits(ALICE, made["id"], WEEK_2, attendees=asked(BOB, XENIA), send="changed")
    assert sent(people)[1:] == [("invitation", "xenia")]
    (alone,) = people.entries(XENIA)
    assert (alone["recurrence"], alone["start"]) == (None, "2026-03-09T11:00:00Z")
    assert alone["uid"][:32] == made["uid"][:32] and alone["uid"][40:] == made["uid"][40:]
    assert alone["uid"][32:40] == "07EA0309"
    people.person_edits(ALICE, made["id"], WEEK_2, location="Attic", send="all")
    assert [each["location"] for each in people.entries(XENIA)] == ["Attic"]
    assert people.invitation(BOB, made["uid"])["exceptions"][0]["location"] == "Attic"
    people.person_answers(XENIA, alone["id"], "accepted")
    (held,) = people.entry(ALICE, made["id"])["exceptions"]
    assert {each["address"]: each["response"] for each in held["attendees"]} == {BOB: "none", XENIA: "accepted"}
    people.person_deletes(ALICE, made["id"], WEEK_2, send="all")
    assert people.entries(XENIA)[0]["appointment_state"] == 7


def test_a_group_stays_on_the_list_and_its_members_get_the_invitation_once(people: Sandbox) -> None:
    people.group("inner@example.com", BOB)
    people.group("team@example.com", ALICE, BOB, "inner@example.com", CAROL)
    made = people.person_creates(XENIA, **LUNCH, attendees=asked("Team@example.com", BOB), send="all")
    assert sorted(sent(people)) == [("invitation", name) for name in ("alice", "bob", "carol")]
    copy = people.invitation(ALICE, made["uid"])
    assert [each["address"] for each in copy["attendees"]] == ["Team@example.com", BOB]
    assert people.invitation(BOB, made["uid"])["id"] != copy["id"]


def test_an_attendees_edit_of_his_copy_stays_his_and_the_copy_stays_a_copy(people: Sandbox) -> None:
    made = people.person_creates(ALICE, **LUNCH, attendees=asked(BOB), send="all")
    copy = people.invitation(BOB, made["uid"])
    people.person_edits(BOB, copy["id"], attendees=asked(BOB, XENIA), start="2026-03-02T14:00", end="2026-03-02T15:00")
    people.person_deletes(BOB, people.invitation(BOB, made["uid"])["id"], send="all")
    assert sent(people) == [("invitation", "bob")]
    assert people.entry(ALICE, made["id"])["start"] == "2026-03-02T11:00:00Z"
