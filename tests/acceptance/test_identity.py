"""What belongs together stays together: marks, the trash, lost state, changed connections, whose mailbox it is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from samklang.clock import real_now
from samklang.mailboxes import choices
from tests.acceptance.people import Person
from tests.acceptance.when import at, weekly
from tests.acceptance.world import COMPANY, World
from tests.installation import TENANT, ApiRefused

PROFILE = "/profile/calendar/synchronization"


def _browser(person: Person) -> Client:
    """Her browser, signed in."""
    client = Client()
    client.force_login(get_user_model().objects.get(email=person.email))
    return client


def _restores(person: Person, guid: str) -> None:
    assert _browser(person).post("/calendar/restore", {"id": guid}).status_code == 302


def _forgets_token(world: World) -> None:
    operation = "SyncFolderItems" if world.protocol == "ews" else "calendarView.delta"
    world.sandbox.fault("stale", {"operation": operation}, {"times": 1})


# -- deleted, and back (8.2, 4.9)


@pytest.mark.not_in_severa("there is no trash there")
def test_case_58_restored_in_the_psa_the_event_is_made_again_with_the_same_content(world: World) -> None:
    guid = world.alice.makes("Tea", notes="Bring cups")
    world.synced()
    world.alice.deletes(guid)
    world.synced()
    assert world.alice.outlook.entries == []
    _restores(world.alice, guid)
    report = world.synced()
    assert (report.exchange.created, report.writes) == (1, 1)
    assert world.alice.one["guid"] == guid and world.alice.outlook.one["subject"] == "Tea"
    world.alice.outlook.edits(world.alice.outlook.one["id"], subject="Coffee")
    assert world.synced().psa.updated == 1, "linked again"


def test_an_event_restored_from_deleted_items_brings_the_same_activity_back(world: World) -> None:
    item = world.alice.outlook.makes("Tea")
    world.synced()
    guid = world.alice.one["guid"]
    there = world.alice.outlook.moves_to("deleteditems", item)
    assert world.synced().psa.deleted == 1
    assert world.alice.activities == []
    world.alice.outlook.moves_to("calendar", there)
    report = world.synced()
    assert (report.psa.created, report.exchange.all) == (0, 0)
    _is_back(world, guid)


def _is_back(world: World, guid: str) -> None:
    """The same activity, out of the trash; in Severa, which deletes for good, it is made anew (rule 13.1)."""
    assert world.alice.one["name"] == "Tea"
    assert world.in_severa or world.alice.one["guid"] == guid


def test_an_event_moved_back_after_its_activity_was_deleted_brings_it_back(world: World) -> None:
    item = world.alice.outlook.makes("Tea")
    world.synced()
    guid = world.alice.one["guid"]
    there = world.alice.outlook.moves_to("Club", item)
    world.one_sided_by = "8.2: moved to another calendar"
    world.synced()
    world.alice.deletes(guid)
    world.synced()
    world.alice.outlook.moves_to("calendar", there)
    world.one_sided_by = ""
    assert world.synced().psa.created == 0
    _is_back(world, guid)


def test_case_103_a_deleted_series_is_recognised_whatever_the_notice_says(world: World) -> None:
    item = world.alice.outlook.makes("Round", at(7), weekly(count=6))
    world.alice.outlook.makes("Stays", at(8))
    world.synced()
    world.alice.outlook.deletes(item)
    report = world.synced()
    assert (report.psa.deleted, report.writes) == (1, 1)
    assert world.alice.one["name"] == "Stays"


def test_case_34_35_unticked_they_stay_apart_edited_or_not_and_ticked_again_they_are_one(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.psa.ticks("Meeting")
    world.alice.edits(guid, type=world.psa.another_type)
    world.differs_by = world.one_sided_by = "4.8: unticked"
    world.synced()
    item = world.alice.outlook.one["id"]
    world.alice.edits(guid, name="Coffee")
    world.alice.outlook.edits(item, location="Attic")
    assert world.synced("--reconcile").writes == 0
    assert len(world.alice.activities) == len(world.alice.outlook.entries) == 1
    world.alice.edits(guid, type="Meeting")
    world.synced()
    world.differs_by = world.one_sided_by = ""
    assert (world.alice.outlook.one["subject"], world.alice.one["location"]) == ("Coffee", "Attic")


@pytest.mark.parametrize("surface", ["api", "page", "command"])
def test_what_is_kept_apart_is_synced_again_when_its_user_asks(world: World, surface: str) -> None:
    guid = world.alice.makes("Was", at(-3))
    world.synced()
    world.alice.outlook.deletes(world.alice.outlook.one["id"])
    world.one_sided_by = "8.2: over"
    assert world.synced().writes == 0
    (mark,) = world.alice.ask("GET", "/api/me/calendar-sync/apart")
    assert (mark["psa_id"], mark["rule"], mark["title"]) == (guid, "8.2", "Was")
    if surface == "api":
        world.alice.ask("POST", f"/api/me/calendar-sync/apart/{mark['id']}/again")
    elif surface == "page":
        browser = _browser(world.alice)
        assert "Was" in browser.get(PROFILE).content.decode()
        browser.post(f"{PROFILE}/again", {"id": mark["id"]})
    else:
        assert "Was" not in world.done("sync", "apart", "--user", world.alice.email).out
        world.done("sync", "again", "--user", world.alice.email, "--id", mark["id"])
    world.one_sided_by = ""
    assert world.synced().exchange.created == 1
    assert world.alice.ask("GET", "/api/me/calendar-sync/apart") == []


def test_nobody_else_can_end_a_mark(both: World) -> None:
    both.alice.makes("Was", at(-3))
    both.synced()
    both.alice.outlook.deletes(both.alice.outlook.one["id"])
    both.one_sided_by = "8.2: over"
    both.synced()
    (mark,) = both.alice.ask("GET", "/api/me/calendar-sync/apart")
    with pytest.raises(ApiRefused):
        both.bob.ask("POST", f"/api/me/calendar-sync/apart/{mark['id']}/again")
    assert both.bob.ask("GET", "/api/me/calendar-sync/apart") == []


def test_a_mark_of_what_was_deleted_is_forgotten_with_the_trash(world: World) -> None:
    item = world.alice.outlook.makes("Tea")
    world.synced()
    guid = world.alice.one["guid"]
    there = world.alice.outlook.moves_to("deleteditems", item)
    world.synced()
    assert choices.forget_deleted(real_now() - timedelta(days=30)) == 0
    assert choices.forget_deleted(real_now() + timedelta(days=1)) == 1
    world.alice.outlook.moves_to("calendar", there)
    assert world.synced().psa.created == 1
    assert world.alice.one["guid"] != guid


# -- lost state (8.5)


def _one_missing(world: World) -> str:
    """Of three pairs one event went while our token was lost; the guid of what is left of it."""
    for number in range(3):
        world.alice.makes(f"Tea {number}", at(number + 3))
    world.synced()
    gone = next(event for event in world.alice.outlook.entries if event["subject"] == "Tea 1")
    world.alice.outlook.deletes(gone["id"])
    _forgets_token(world)
    report = world.synced()
    assert report.writes == 0 and report.set_aside == {"missing_after_resync": 1}
    return next(str(one["guid"]) for one in world.alice.activities if one["name"] == "Tea 1")


@pytest.mark.parametrize("surface", ["api", "page", "command"])
@pytest.mark.parametrize("choice", ["remove", "put_back"])
def test_case_182_what_is_missing_after_a_lost_token_waits_for_its_users_choice(
    world: World, surface: str, choice: str
) -> None:
    guid = _one_missing(world)
    world.alice.edits(guid, name="Coffee")
    world.later(days=1)
    assert world.synced().writes == 0, "edited or not"
    (row,) = world.alice.ask("GET", "/api/me/calendar-sync/missing")
    assert (row["psa_id"], row["side"]) == (guid, "psa")
    if surface == "api":
        world.alice.ask("POST", "/api/me/calendar-sync/missing", {"choice": choice, "id": row["id"]})
    elif surface == "page":
        browser = _browser(world.alice)
        assert "Tea 1" in browser.get(PROFILE).content.decode()
        browser.post(f"{PROFILE}/choose", {"choice": choice})
    else:
        world.done("sync", "choose", choice, "--user", world.alice.email)
    report = world.synced()
    assert (report.psa.deleted, report.exchange.created) == ((1, 0) if choice == "remove" else (0, 1))
    assert len(world.alice.activities) == (2 if choice == "remove" else 3)


def test_case_77_read_anew_after_a_restored_backup_everything_is_linked_and_nothing_is_made(world: World) -> None:
    for number in range(4):
        world.alice.makes(f"Here {number}", at(number + 1))
        world.alice.outlook.makes(f"There {number}", at(number + 1, 13))
    world.synced()
    world.done("sync", "read-anew", "--user", world.alice.email)
    assert world.synced().writes == 0


def test_what_went_while_a_user_was_away_waits_for_his_choice(world: World) -> None:
    colleague = world.bob
    world.syncs(colleague)
    world.synced()
    colleague.outlook.makes("Tea")
    colleague.outlook.makes("Stays", at(8))
    world.synced()
    world.done("user", "deactivate", colleague.email)
    gone = next(event for event in colleague.outlook.entries if event["subject"] == "Tea")
    colleague.outlook.deletes(gone["id"])
    world.done("user", "activate", colleague.email)
    world.one_sided_by = "8.5: missing, not chosen yet"
    report = world.synced()
    assert report.writes == 0 and report.set_aside == {"missing_after_resync": 1}


# -- another connection (3.6)


def _leads_to(world: World, protocol: str) -> None:
    world.protocol = protocol
    if protocol == "graph":
        world.microsoft_knows_us()
        for person in (world.alice, world.bob):
            world.sandbox.change_mailbox(person.email, tenant=TENANT)
    world.connect(COMPANY)


@pytest.mark.only("ews")
def test_case_79_from_the_server_to_office_365_everything_is_relinked_and_the_start_stays(world: World) -> None:
    world.alice.makes("Here", at(1))
    world.alice.makes("Round", at(2), weekly(count=5))
    world.alice.outlook.makes("There", at(3))
    world.synced()
    world.later(days=40)
    _leads_to(world, "graph")
    report = world.synced()
    assert report.writes == 0
    assert (len(world.alice.activities), len(world.alice.outlook.entries)) == (3, 3)
    event = next(one for one in world.alice.outlook.entries if one["subject"] == "Round")
    world.alice.outlook.edits(event["id"], subject="Circle")
    assert world.synced().psa.updated == 1, "linked to what it was linked to"


@pytest.mark.only("ews")
def test_case_79_to_another_server_everything_is_relinked(world: World) -> None:
    world.alice.makes("Here", at(1))
    world.alice.outlook.makes("There", at(3))
    world.synced()
    here, there = ("127.0.0.1", "localhost")[:: 1 if "127.0.0.1" in world.sandbox.ews else -1]
    other = world.sandbox.ews.replace(here, there)
    world.done("connection", "set", "--url", other, "--version", "2016", "--org", COMPANY)
    assert world.synced().writes == 0
    assert world.alice.status()["links"] == 2


# -- whose mailbox (1.3)


def test_two_users_with_one_mailbox_is_an_error_of_the_second_alone(world: World) -> None:
    world.sandbox.change_mailbox("alice@example.org", aliases=["second@example.org"])
    second = world.add_user("second@example.org", "Second", COMPANY)
    second.switches_on()
    assert second.runs()["error"] == "mailbox_of_colleague"
    assert world.synced().writes == 0


@pytest.mark.parametrize("surface", ["api", "command"])
@pytest.mark.only("ews")  # a tenant belongs to one organization
def test_case_82_215_another_organizations_mailbox_is_refused_and_can_be_taken_over(world: World, surface: str) -> None:
    world.sandbox.change_mailbox("alice@example.org", aliases=["alice@other.example"])
    chief = world.add_user("alice@other.example", "Alice", "Sydhavn", "--admin")
    world.connect("Sydhavn")
    chief.switches_on()
    assert chief.runs()["error"] == "mailbox_of_another_organization"
    if surface == "api":
        with pytest.raises(ApiRefused):
            world.bob.ask("POST", "/api/connection/take-over", {"user": chief.email})
        chief.ask("POST", "/api/connection/take-over", {"user": chief.email})
    else:
        world.done("sync", "take-over", "--user", chief.email)
    assert chief.runs()["error"] is None
    assert world.alice.ask("GET", "/api/me/calendar-sync")["on"] is False
    world.syncing.remove(world.alice)


# -- Microsoft takes its time (10.3)


@pytest.mark.only("graph")
def test_for_two_hours_after_a_consent_a_refusal_is_waited_out(world: World) -> None:
    browser = _browser(world.alice)
    asked = browser.post("/settings/integrations/microsoft-exchange/grant")
    state = asked.context["address"].split("state=")[1].split("&")[0]
    query = {"state": state, "tenant": TENANT, "admin_consent": "True"}
    browser.get("/settings/integrations/microsoft-exchange/consent", query)
    world.microsoft_knows_us(consented=False)
    world.forget_tokens()
    assert world.run().errors == {"waiting_for_microsoft"}
    assert world.alice.ask("GET", "/api/connection")["paused"] is None, "no alert"
    world.sandbox.clear_faults()
    world.microsoft_knows_us()
    assert world.synced().writes == 0
    world.microsoft_knows_us(consented=False)
    world.forget_tokens()
    world.later(hours=3)
    assert world.run().errors != {"waiting_for_microsoft"}
    assert world.alice.ask("GET", "/api/connection")["paused"] is not None
    world.sandbox.clear_faults()
    world.microsoft_knows_us()
    world.done("connection", "test", "--org", COMPANY)
