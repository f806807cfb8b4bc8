"""What people do with their own sync while activities are in Severa: why, history, restore, undo, leaving."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.installation import ApiRefused
from tests.severa.office import ANNA, BO, NOW, Office
from tests.severa.test_page import signed_in, words

SYNC = "/profile/calendar/synchronization"


@pytest.fixture
def office(office: Office) -> Office:
    return office.arranged().started(office.anna)


def _why(office: Office, **entry: str) -> tuple[str, str]:
    """What became of it, and the beginning of the sentence that says why."""
    answer = office.anna.ask("GET", "/api/me/why", **entry)
    return answer["status"], answer["sentence"]


def _history(office: Office) -> list[dict[str, Any]]:
    """The latest first."""
    return list(office.anna.ask("GET", "/api/me/history"))


def test_why_tells_what_becomes_of_any_activity_or_event(office: Office) -> None:
    planning, task = office.has(office.severa.anna, "Planning"), office.has(office.severa.anna, "Fix", type="Task")
    waits = ("waiting", "It has not been synced yet; it will be with the next run.")
    tasks, synced = "Project tasks are not synced.", ("linked", "It is synced: both sides hold the same.")
    assert (_why(office, activity=planning), _why(office, activity=task)) == (waits, ("not_synced", tasks))
    foreign = office.has(office.severa.bo, "Bo's own")
    office.synced(office.anna)
    assert (_why(office, activity=planning), _why(office, activity=task)) == (synced, ("left_out", tasks))
    assert _why(office, event=_history(office)[0]["event"]) == synced
    assert _why(office, activity=foreign)[0] == "not_yours"
    assert _why(office, activity="11111111-1111-4111-8111-111111111111")[0] == "unknown"


def test_why_tells_that_a_type_does_not_go_out(office: Office) -> None:
    office.done("severa", "set", "--types", "Vacation")
    planning = office.has(office.severa.anna, "Planning")
    office.synced(office.anna)
    assert office.events(ANNA) == []
    sentence = "Its activity type is not among those an administrator chose for Microsoft."
    assert _why(office, activity=planning) == ("left_out", sentence)


def test_what_severa_deleted_for_good_is_restored_from_the_history(office: Office) -> None:
    planning = office.has(office.severa.anna, "Planning", location="Room 3")
    office.synced(office.anna)
    (event,) = office.sandbox.entries(ANNA)
    office.sandbox.person_deletes(ANNA, event["id"], None, send="none")
    office.synced(office.anna)
    assert office.activities(office.severa.anna) == []
    deleted = _history(office)[0]
    assert (deleted["kind"], deleted["side"], deleted["activity"]) == ("delete", "psa", planning)
    office.anna.ask("POST", f"/api/me/history/{deleted['id']}/restore")
    office.synced(office.anna)
    office.synced(office.anna)
    assert office.activities(office.severa.anna) == office.events(ANNA) == ["Planning"]
    (again,) = office.sandbox.severa_activities(office.severa.anna["guid"])
    assert again["location"] == "Room 3"


def test_a_run_is_undone_in_severa_too(office: Office) -> None:
    dentist = office.makes(ANNA, "Dentist")
    office.synced(office.anna)
    office.sandbox.person_edits(ANNA, dentist, subject="Hairdresser")
    office.synced(office.anna)
    assert office.activities(office.severa.anna) == ["Hairdresser"]
    run = office.anna.ask("GET", "/api/me/runs")[0]["id"]
    office.anna.ask("POST", f"/api/me/runs/{run}/undo")
    office.synced(office.anna)
    office.synced(office.anna)
    assert office.activities(office.severa.anna) == office.events(ANNA) == ["Dentist"]


def test_what_was_made_anew_for_its_group_keeps_its_history_and_can_be_put_back_from_it(office: Office) -> None:
    dentist = office.makes(ANNA, "Dentist")
    office.synced(office.anna)
    office.sandbox.person_edits(ANNA, dentist, subject="Hairdresser")
    office.synced(office.anna)
    office.sandbox.person_edits(ANNA, dentist, sensitivity="private")
    office.synced(office.anna)
    (now,) = office.sandbox.severa_activities(office.severa.anna["guid"])
    rows = office.anna.ask("GET", "/api/me/history", activity=now["guid"])
    assert [row["kind"] for row in rows] == ["update", "update", "create"]
    office.anna.ask("POST", f"/api/me/history/{rows[1]['id']}/restore")
    office.synced(office.anna)
    office.synced(office.anna)
    assert office.activities(office.severa.anna) == office.events(ANNA) == ["Dentist"]


def test_what_became_private_is_masked_in_the_history_of_who_takes_no_part_any_longer(office: Office) -> None:
    office.started(office.bo)
    planning = office.has(office.severa.anna, "Planning")
    office.sandbox.severa_adds(planning, office.severa.bo["guid"])
    office.synced(office.anna, office.bo)
    (event,) = office.sandbox.entries(ANNA)
    office.sandbox.person_edits(ANNA, event["id"], sensitivity="private")
    office.sandbox.severa_removes(planning, BO)
    office.sandbox.severa_edits(planning, location="Room 3")
    office.synced(office.anna, office.bo)
    rows = office.bo.ask("GET", "/api/me/history")
    assert rows and all(row["masked"] and row["title"] == "Private" and not row["restorable"] for row in rows)
    assert "Planning" in {row["title"] for row in _history(office)}


def test_what_is_kept_here_of_ones_activities_can_be_taken_along_by_oneself_alone(office: Office) -> None:
    office.has(office.severa.anna, "Planning", location="Room 3")
    office.synced(office.anna)
    (taken,) = office.done("export", "--user", ANNA, "--json").json["activities"]
    assert (taken["content"]["title"], taken["content"]["place"], taken["owner"]) == ("Planning", "Room 3", "Anna Ek")
    assert office.done("export", "--user", BO, "--json").json["activities"] == []


def test_leaving_takes_away_what_the_sync_made_in_severa(office: Office) -> None:
    office.has(office.severa.anna, "Planning")
    office.makes(ANNA, "Dentist")
    office.synced(office.anna)
    signed_in(ANNA).post(f"{SYNC}/leave", {"remove": ["psa", "exchange"]})
    office.later(minutes=2)
    office.anna.runs()
    assert (office.activities(office.severa.anna), office.events(ANNA)) == (["Planning"], ["Dentist"])


def test_ones_own_pages_speak_of_severas_types_and_activities(office: Office) -> None:
    office.done("severa", "set", "--types", "Vacation")
    anna = signed_in(ANNA)
    listed = words(anna.get(SYNC))
    assert "Activity types that are synced to Microsoft Vacation Every entry" in listed
    assert "Activity type of new entries" not in words(anna.get("/profile"))
    assert anna.post("/profile", {"language": "en", "zone": "Europe/London"}).status_code == 302
    office.done("severa", "set", "--types", "all")
    office.has(office.severa.anna, "Planning", day=8)
    start = NOW + timedelta(days=8, hours=2)
    office.makes(ANNA, "Planning", day=8, end=(start + timedelta(hours=2)).isoformat())
    office.synced(office.anna)
    assert "Planning (End time) Why?" in words(anna.get(SYNC)), "nearly alike, and not joined"
    assert "Planning" not in words(signed_in(BO).get(SYNC))


def test_nothing_is_written_into_the_calendar_that_nobody_sees(office: Office) -> None:
    with pytest.raises(ApiRefused, match="FeatureIsNotEnabled"):
        office.anna.ask("GET", "/rest-api/v1/activities")
    anna = signed_in(ANNA)
    for path in ("/calendar/form", "/calendar/files", "/calendar/trash"):
        assert anna.get(path).headers["Location"] == SYNC
    assert anna.post("/calendar/form", {"name": "Planning"}).headers["Location"] == SYNC
    calendar = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nEND:VCALENDAR\r\n"
    with office.a_file(calendar) as path:
        assert "are in Severa" in office.command("import", str(path), "--user", ANNA).err
    assert Client().get("/calendar/form").headers["Location"].startswith("/sign-in")
