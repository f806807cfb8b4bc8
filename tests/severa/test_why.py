"""Severa is called by its name, and what it cannot hold is said to whom it concerns (rules 1.8, 11.3, 13)."""

from __future__ import annotations

import html
from typing import Any

import pytest

from tests.severa.office import ANNA, BO, Office
from tests.severa.test_page import signed_in, words

SYNC = "/profile/calendar/synchronization"


@pytest.fixture
def office(office: Office) -> Office:
    return office.arranged().started(office.anna)


def _notes(office: Office, guid: str) -> str:
    return " ".join(office.anna.ask("GET", "/api/me/why", activity=guid)["notes"])


def _only(office: Office) -> dict[str, Any]:
    """Anna's one activity."""
    (found,) = office.sandbox.severa_activities(office.severa.anna["guid"])
    return dict(found)


def test_rule_13_4_who_is_known_by_an_address_alone_is_named_and_stays_on_the_event(office: Office) -> None:
    office.sandbox.severa_contact("acme", "known@customer.example", first_name="Kim", last_name="Known")
    people = [{"address": f"{who}@customer.example", "name": who.title()} for who in ("known", "stranger")]
    lunch = office.makes(ANNA, "Lunch", attendees=[*people, {"address": BO}])
    office.synced(office.anna)
    said = _notes(office, _only(office)["guid"])
    assert "they stay on the event: Stranger (stranger@customer.example)." in said
    assert "known@" not in said
    assert "calendars of those who do not sync: Bo By." in said, "rule 4.1"
    office.sandbox.severa_edits(_only(office)["guid"], name="Long lunch")
    office.synced(office.anna)
    (event,) = [one for one in office.sandbox.entries(ANNA) if one["id"] == lunch]
    assert {one["address"] for one in event["attendees"]} >= {"stranger@customer.example"}


def test_rule_13_4_a_contact_severa_knows_is_not_named_when_he_calls_the_meeting(office: Office) -> None:
    office.sandbox.severa_contact("acme", "kim@customer.example", first_name="Kim", last_name="Known")
    office.sandbox.mailbox("kim@customer.example", name="Kim Known")
    office.makes("kim@customer.example", "Review", attendees=[{"address": ANNA}], send="all")
    office.synced(office.anna)
    assert "kim@" not in _notes(office, _only(office)["guid"])


def test_rule_13_5_the_zone_severa_has_no_place_for_is_named(office: Office) -> None:
    office.makes(ANNA, "Call", zone="America/New_York")
    office.synced(office.anna)
    assert "It was made in the time zone America/New_York" in _notes(office, _only(office)["guid"])
    office.makes(ANNA, "Here")
    office.synced(office.anna)
    (here,) = [one for one in office.sandbox.severa_activities(office.severa.anna["guid"]) if one["name"] == "Here"]
    assert "time zone" not in _notes(office, here["guid"])


def test_rule_13_3_what_moved_to_another_group_says_so_and_what_may_not_waits_with_the_reason(office: Office) -> None:
    dentist = office.makes(ANNA, "Dentist")
    office.synced(office.anna)
    before = _only(office)["guid"]
    office.sandbox.person_edits(ANNA, dentist, sensitivity="private")
    office.synced(office.anna)
    after = _only(office)["guid"]
    assert after != before
    assert "An activity cannot change its group in Severa: this one was made in place of" in _notes(office, after)
    office.sandbox.severa_changes("activities", after, has_hours=True)
    office.sandbox.person_edits(ANNA, dentist, sensitivity="normal")
    office.synced(office.anna)
    answer = office.anna.ask("GET", "/api/me/why", activity=after)
    told = "In Severa an activity cannot change its group, and this one has hours booked or is closed."
    assert (answer["status"], answer["sentence"]) == ("set_aside", told)
    assert _only(office)["guid"] == after
    assert told in words(signed_in(ANNA).get(SYNC)), "the notice"


def test_rule_13_1_what_was_made_anew_after_a_delete_says_so(office: Office) -> None:
    office.has(office.severa.anna, "Planning")
    office.synced(office.anna)
    (event,) = office.sandbox.entries(ANNA)
    office.sandbox.person_deletes(ANNA, event["id"], None, send="none")
    office.synced(office.anna)
    deleted = office.anna.ask("GET", "/api/me/history")[0]["id"]
    office.anna.ask("POST", f"/api/me/history/{deleted}/restore")
    office.synced(office.anna)
    assert "Severa deletes for good: this one was made anew" in _notes(office, _only(office)["guid"])


def test_rule_11_3_a_change_that_is_on_its_way_says_so(office: Office) -> None:
    planning = office.has(office.severa.anna, "Planning")
    office.synced(office.anna)
    office.sandbox.person_edits(ANNA, office.sandbox.entries(ANNA)[0]["id"], location="Room 3")
    office.synced(office.anna)
    office.sandbox.severa_edits(planning, name="Replanning")
    office.later(minutes=2)
    office.bo.switches_on()
    office.bo.runs()
    answer = office.anna.ask("GET", "/api/me/why", activity=planning)
    assert (answer["status"], answer["held"]) == ("waiting", ["title"])


def test_pages_and_history_call_severa_by_its_name(office: Office) -> None:
    office.has(office.severa.anna, "Planning")
    office.makes(ANNA, "Dentist")
    office.synced(office.anna)
    anna = signed_in(ANNA)
    history = words(anna.get(f"{SYNC}/history"))
    assert "made in Severa a change in Outlook" in history
    assert "made in Outlook a change in Severa" in history
    assert "Remove what synchronization made in Exchange Severa" in words(anna.get(f"{SYNC}/leave"))
    assert "What Severa cannot hold" in words(anna.get("/help/user"))
    office.makes(BO, "Walk")
    office.later(minutes=2)
    office.bo.ask("PUT", "/api/me/calendar-sync", {"on": True})
    office.bo.runs()
    bo = signed_in(BO)
    assert "To be created in Severa: 1 Walk" in words(bo.get(SYNC))
    bo.post("/profile", {"language": "sv", "zone": "Europe/Stockholm"})
    assert "Skapas i Severa: 1 Walk" in words(bo.get(SYNC))
    for page in (anna.get(SYNC), anna.get(f"{SYNC}/history"), anna.get(f"{SYNC}/leave"), bo.get(SYNC)):
        said = html.unescape(page.content.decode())
        assert not any(wrong in said for wrong in ("in Samklang", "i Samklang", "<td>Samklang"))


def test_rule_1_8_of_a_colleagues_writes_only_who_takes_part_sees_the_content(office: Office) -> None:
    secret = office.makes(ANNA, "Merger talks")
    lunch = office.makes(ANNA, "Lunch", attendees=[{"address": BO}], send="all", day=9)
    office.synced(office.anna)
    office.sandbox.person_edits(ANNA, lunch, location="Room 3", send="none")
    office.sandbox.person_edits(ANNA, secret, location="Room 4")
    office.synced(office.anna)
    guids = {one["name"]: one["guid"] for one in office.sandbox.severa_activities(office.severa.anna["guid"])}
    bo = signed_in(BO)
    shown = words(bo.get(f"{SYNC}/history", {"activity": guids["Lunch"]}))
    assert "Lunch" in shown
    assert "Room 3" in shown
    assert bo.get(f"{SYNC}/history", {"activity": guids["Merger talks"]}).status_code == 404
    why = bo.get(f"{SYNC}/why", {"activity": guids["Merger talks"]}).content.decode()
    assert "Merger" not in why
    assert "Room 4" not in why
