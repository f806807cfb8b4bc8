"""Runs of mailboxes whose activities are in Severa, with both kinds of Microsoft's servers."""

from __future__ import annotations

from tests.severa.office import ANNA, BO, Office


def _writes(office: Office) -> int:
    """Those to Severa among them."""
    return sum(sum(counts["writes"].values()) for counts in office.sandbox.counts().values())


def test_an_activity_goes_each_way_and_the_second_run_writes_nothing(office: Office) -> None:
    office.arranged()
    office.has(office.severa.anna, "Planning")
    office.makes(ANNA, "Dentist")
    office.anna.switches_on()
    office.sandbox.zero_counts()
    report = office.synced(office.anna)
    assert (report["psa"]["created"], report["exchange"]["created"], _writes(office)) == (1, 1, 2), "both servers'"
    both = ["Dentist", "Planning"]
    assert office.activities(office.severa.anna) == office.events(ANNA) == both
    again = office.synced(office.anna)
    assert (again["psa"], _writes(office)) == ({"created": 0, "updated": 0, "deleted": 0}, 2)
    assert office.activities(office.severa.anna) == office.events(ANNA) == both


def test_an_edit_goes_each_way(office: Office) -> None:
    office.arranged().started(office.anna)
    planning, dentist = office.has(office.severa.anna, "Planning"), office.makes(ANNA, "Dentist")
    office.synced(office.anna)
    office.sandbox.severa_edits(planning, location="Room 3")
    office.sandbox.person_edits(ANNA, dentist, subject="Hairdresser")
    office.synced(office.anna)
    assert office.activities(office.severa.anna) == office.events(ANNA) == ["Hairdresser", "Planning"]
    (event,) = [one for one in office.sandbox.entries(ANNA) if one["subject"] == "Planning"]
    assert event["location"] == "Room 3"
    assert office.synced(office.anna)["psa"]["updated"] == 0


def test_a_meeting_of_colleagues_is_one_activity_with_both_of_them(office: Office) -> None:
    office.arranged().started(office.anna, office.bo)
    office.makes(ANNA, "Lunch", attendees=[{"address": BO}], send="all")
    office.synced(office.anna, office.bo)
    assert office.activities(office.severa.anna) == office.activities(office.severa.bo) == ["Lunch"]
    (lunch,) = office.sandbox.severa_activities(office.severa.bo["guid"])
    assert lunch["owner"] in (office.severa.anna["guid"], ANNA), lunch


def test_a_colleague_who_has_no_account_here_takes_part_and_owns_what_she_calls(office: Office) -> None:
    cilla = office.sandbox.severa_user("acme", "cilla@example.com", first_name="Cilla", last_name="Al")
    office.mailbox("cilla@example.com", name="Cilla Al")
    office.arranged().started(office.anna)
    office.makes(ANNA, "Lunch", attendees=[{"address": "cilla@example.com"}])
    office.makes("cilla@example.com", "Review", attendees=[{"address": ANNA}], send="all")
    office.synced(office.anna)
    assert office.activities(cilla) == office.activities(office.severa.anna) == ["Lunch", "Review"]
    owners = {one["name"]: one["owner"] for one in office.sandbox.severa_activities(cilla["guid"])}
    assert owners["Review"] in (cilla["guid"], "cilla@example.com"), owners


def test_only_types_an_administrator_chose_go_out(office: Office) -> None:
    office.arranged()
    office.done("severa", "set", "--types", "Vacation")
    office.has(office.severa.anna, "Planning")
    office.started(office.anna)
    assert office.events(ANNA) == []
    office.done("severa", "set", "--types", "Meeting,Vacation")
    office.synced(office.anna)
    assert office.events(ANNA) == ["Planning"]


def test_somebody_severa_does_not_know_is_told_so_and_nobody_else(office: Office) -> None:
    office.arranged()
    office.mailbox("dan@example.com", name="Dan")
    dan = office.add_user("dan@example.com", "Dan", "Acme")
    for person in (dan, office.anna):
        person.switches_on()
    assert dan.runs()["error"] == "severa_user_not_found"
    assert office.anna.runs()["error"] is None
    office.sandbox.severa_user("acme", "dan@example.com", first_name="Dan", last_name="Du")
    office.later(days=1, minutes=1)
    assert dan.runs()["error"] is None


def test_a_delete_in_severa_takes_the_event_and_what_was_there_before_stays(office: Office) -> None:
    office.arranged().started(office.anna)
    planning = office.has(office.severa.anna, "Planning")
    office.has(office.severa.anna, "Review")
    office.synced(office.anna)
    office.sandbox.severa_deletes(planning)
    office.later(hours=2)
    office.synced(office.anna)
    assert office.events(ANNA) == ["Review"]
