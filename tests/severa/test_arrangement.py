"""Making Severa an organization's PSA, and what keeps that safe, by command."""

from __future__ import annotations

import pytest
from django.db import connection

from samklang.accounts.models import AuditEvent
from tests.sandbox.severa_client import CLIENT, SECRET
from tests.severa.office import ANNA, Office

OTHER, THEIRS = "other.api", "their-s3cret"


def _failed(office: Office) -> tuple[str, str]:
    """Step and code of the first that failed."""
    said = office.command("severa", "test", "--json")
    assert said.status == 1, said
    last = said.json["steps"][-1]
    assert last["cause"], last
    assert last["remedy"], last
    return last["step"], last["code"]


@pytest.fixture(params=["ews"])
def office(request: pytest.FixtureRequest, office: Office) -> Office:
    """What is asked here has nothing to do with Microsoft's servers."""
    return office


def test_switching_on_needs_a_passed_test_and_an_administrators_word(office: Office) -> None:
    office.named()
    assert "have not passed a test" in office.command("severa", "enable").err
    steps = office.done("severa", "test", "--json").json["steps"]
    assert [one["step"].removeprefix("severa ") for one in steps] == [
        *("address", "token", "scopes", "heartbeat", "organization", "user", "types", "activities")
    ]
    assert "It is not confirmed that Severa's own calendar sync" in office.command("severa", "enable").err
    office.done("severa", "set", "--confirm")
    assert office.done("severa", "enable", "--json").json["on"] is True
    assert office.done("connection", "show", "--json").json["mode"] == "continuous"
    assert office.command("connection", "set", "--mode", "on_use").status == 1


def test_other_settings_ask_for_another_test(office: Office) -> None:
    office.named()
    office.done("severa", "test")
    office.named(secret="another")
    office.done("severa", "set", "--confirm")
    assert "have not passed a test" in office.command("severa", "enable").err


def test_nobody_syncs_while_the_calendar_becomes_another(office: Office) -> None:
    office.named()
    office.done("severa", "test")
    office.done("severa", "set", "--confirm")
    office.anna.switches_on()
    assert "Somebody syncs the calendar" in office.command("severa", "enable").err
    office.anna.ask("PUT", "/api/me/calendar-sync", {"on": False})
    office.done("severa", "enable")


def test_after_a_change_of_calendars_nothing_is_taken_for_deleted(office: Office) -> None:
    office.makes(ANNA, "Dentist")
    office.started(office.anna)
    office.anna.ask("PUT", "/api/me/calendar-sync", {"on": False})
    office.arranged().started(office.anna)
    assert office.events(ANNA) == office.activities(office.severa.anna) == ["Dentist"]
    office.anna.ask("PUT", "/api/me/calendar-sync", {"on": False})
    office.done("severa", "disable")
    office.started(office.anna)
    assert office.events(ANNA) == office.activities(office.severa.anna) == ["Dentist"]


def test_the_secret_is_sealed_and_shown_nowhere(office: Office) -> None:
    office.arranged().started(office.anna)
    said = office.done("severa", "show")
    assert SECRET not in said.out + office.done("severa", "test", "--json").out
    with connection.cursor() as cursor:
        cursor.execute("select secret || token || settings::text from severa_arrangement, accounts_organization")
        ((kept,),) = cursor.fetchall()
    assert len(kept) > 200, "secret and token are kept"
    assert SECRET not in kept


def test_another_companys_credentials_lead_to_no_deletion(office: Office) -> None:
    office.arranged()
    office.has(office.severa.anna, "Planning")
    office.started(office.anna)
    office.sandbox.severa_organization("other", [{"client_id": OTHER, "secret": THEIRS}])
    office.sandbox.severa_user("other", ANNA, first_name="Anna", last_name="Ek")
    office.named(client=OTHER, secret=THEIRS)
    office.later(hours=2)
    assert office.anna.runs()["error"] == "severa_other_organization"
    assert _failed(office) == ("severa organization", "severa_other_organization")
    assert office.events(ANNA) == ["Planning"]
    office.named()
    office.synced(office.anna)
    assert office.events(ANNA) == ["Planning"]


def test_a_refused_secret_pauses_after_one_refusal_and_goes_on_once_mended(office: Office) -> None:
    office.arranged().started(office.anna, office.bo)
    office.named(secret="wrong")
    office.later(minutes=10)
    seen = office.sandbox.log()[-1]["seq"]
    assert office.anna.runs()["error"] == "severa_credentials_refused"
    assert office.bo.runs()["error"] == "severa_credentials_refused"
    assert office.done("connection", "show", "--json").json["paused"] == "severa_credentials_refused"
    asked = [one for one in office.sandbox.log(seen) if one["operation"] == "token.create"]
    assert [one["status"] for one in asked] == [401]
    office.named()
    office.synced(office.anna, office.bo)


def test_a_secret_that_is_still_wrong_is_tried_by_one_run_alone(office: Office) -> None:
    office.arranged().started(office.anna, office.bo)
    office.named(secret="wrong")
    office.later(minutes=10)
    office.anna.runs()
    office.named(secret="still wrong")
    seen = office.sandbox.log()[-1]["seq"]
    for person in (office.anna, office.bo, office.anna):
        assert person.runs()["error"] == "severa_credentials_refused"
    asked = [one for one in office.sandbox.log(seen) if one["operation"] == "token.create"]
    assert [one["status"] for one in asked] == [401]
    assert AuditEvent.objects.filter(action="connection.pause").count() == 1, "one alert"


def test_each_failure_of_the_test_is_named(office: Office) -> None:
    office.named(secret="wrong")
    assert _failed(office) == ("severa token", "severa_credentials_refused")
    scopes = ["activities:read", "activities:write", "users:read", "settings:read", "organization:read"]
    office.sandbox.severa_organization("acme", [{"client_id": CLIENT, "secret": SECRET, "scopes": scopes}])
    office.named()
    assert _failed(office) == ("severa scopes", "severa_scope_missing")
    office.sandbox.severa_organization(
        "acme", [{"client_id": CLIENT, "secret": SECRET, "scopes": [*scopes, "activities:delete"]}]
    )
    office.done("severa", "test")
    assert "customers:read" not in office.done("severa", "show", "--json").json["scopes"]
    said = office.command("severa", "test", "--address", "nobody@example.com", "--json").json["steps"][-1]
    assert (said["step"], said["code"]) == ("severa user", "severa_user_not_found")
    office.done("severa", "set", "--url", f"{office.sandbox.severa}/nowhere")
    assert _failed(office)[0] == "severa address"
