"""The arrangement with Severa over `/api`, as an administrator's program and others see it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.installation import ApiRefused
from tests.sandbox.severa_client import CLIENT, SECRET
from tests.severa.office import ANNA, BO, Office


@pytest.fixture(params=["ews"])
def office(request: pytest.FixtureRequest, office: Office) -> Office:
    """What is asked here has nothing to do with Microsoft's servers."""
    return office


def _saves(office: Office, **values: Any) -> Any:
    return office.anna.ask("PUT", "/api/severa", {"url": office.sandbox.severa, "client_id": CLIENT} | values)


def test_the_whole_way_from_credentials_to_syncing(office: Office) -> None:
    saved = _saves(office, secret=SECRET)
    assert (saved["url"], saved["secret"], saved["on"]) == (f"{office.sandbox.severa}/v1", "set", False)
    tested = office.anna.ask("POST", "/api/severa/test", {"address": ANNA})
    assert (tested["passed"], len(tested["steps"])) == (True, 8)
    with pytest.raises(ApiRefused, match="severa_confirm_first"):
        office.anna.ask("PUT", "/api/severa/enabled", {"enabled": True})
    types = {one["name"]: one["id"] for one in office.anna.ask("GET", "/api/severa")["activity_types"]}
    assert "Task" not in types
    set_ = office.anna.ask("PUT", "/api/severa", {"types": [types["Meeting"]], "confirmed": True})
    assert [one["name"] for one in set_["activity_types"] if one["ticked"]] == ["Meeting"]
    assert office.anna.ask("PUT", "/api/severa/enabled", {"enabled": True})["on"] is True
    office.has(office.severa.anna, "Planning")
    office.started(office.anna)
    assert office.events(ANNA) == ["Planning"]
    assert office.anna.ask("PUT", "/api/severa/enabled", {"enabled": True})["on"] is True, "it is on already"
    users = office.anna.ask("GET", "/api/severa/users")
    assert [(one["email"], one["has_account"], one["syncs"]) for one in users] == [
        (ANNA, True, True),
        (BO, True, False),
    ]
    with pytest.raises(ApiRefused, match="severa_while_syncing"):
        office.anna.ask("PUT", "/api/severa/enabled", {"enabled": False})


def test_a_test_names_the_step_that_failed_and_what_to_do(office: Office) -> None:
    _saves(office, secret="wrong")
    tested = office.anna.ask("POST", "/api/severa/test", {})
    assert tested["passed"] is False
    assert tested["steps"][-1]["code"] == "severa_credentials_refused"
    assert "new client credentials" in tested["steps"][-1]["remedy"]


def test_the_secret_is_never_given_back_and_goes_to_no_other_server_than_it_was_given_for(office: Office) -> None:
    shown = [_saves(office, secret=SECRET), office.anna.ask("GET", "/api/severa")]
    assert SECRET not in str(shown)
    with pytest.raises(ApiRefused, match="severa_secret_again"):
        _saves(office, url="https://thief.example/rest-api")
    assert office.anna.ask("GET", "/api/severa") == shown[1]
    assert "Give the client secret again" in office.command("severa", "set", "--url", "https://thief.example").err
    assert _saves(office, url="https://severa.example/rest-api", secret="another")["secret"] == "set"
    for wrong in ("http://severa.example", "https://anna:hush@severa.example", "https://[", "x", "https://a.example?b"):
        with pytest.raises(ApiRefused, match="severa_address"):
            _saves(office, url=wrong)


def test_only_administrators_see_or_change_it(office: Office) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("GET", "/users", None),
        ("PUT", "", {"confirmed": True}),
        ("POST", "/test", {}),
        ("PUT", "/enabled", {"enabled": True}),
    ):
        with pytest.raises(ApiRefused, match="administrators_only"):
            office.bo.ask(method, f"/api/severa{path}", body)
