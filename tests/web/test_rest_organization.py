"""`/rest-api/v1`: the organization itself, and the tokens of OAuth's own names (Severa facts §1.2, §1.11)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from samklang.accounts import programs
from samklang.accounts.models import AuditEvent
from samklang.web.severa_api.shape import language_json, zone_guid
from tests.web.house import House, as_program, send
from tests.web.test_rest_clients import credentials, program, with_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("answers")]

V1 = "/rest-api/v1"


def _replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def test_name_language_and_zone_of_the_organization_are_changed(house: House) -> None:
    client = program(house.alice.organization, ("organization:read", "organization:write"))
    operations = [
        _replace("/name", "Nordhavn Consulting"),
        _replace("/language/guid", language_json("en")["guid"]),
        _replace("/timezone", {"guid": zone_guid("Europe/Helsinki")}),
    ]
    changed = send(client, "PATCH", f"{V1}/organizationdetails", operations)
    assert changed.status_code == 200
    assert changed.json() == send(client, "GET", f"{V1}/organizationdetails").json()
    house.alice.organization.refresh_from_db()
    organization = house.alice.organization
    assert (organization.name, organization.language, organization.zone) == (
        "Nordhavn Consulting",
        "en",
        "Europe/Helsinki",
    )
    audit = AuditEvent.objects.get(action="organization.change")
    assert audit.details == {"fields": ["language", "name", "zone"]}


@pytest.mark.parametrize(
    "operation",
    [
        _replace("/name", " "),
        _replace("/name", None),
        _replace("/vatNumber", "SE1"),
        _replace("/timezone/guid", "x"),
        _replace("/language", "en"),
    ],
)
def test_what_an_organization_cannot_be_is_refused_and_nothing_changes(house: House, operation: dict[str, Any]) -> None:
    client = as_program(house.alice)
    before = send(client, "GET", f"{V1}/organizationdetails").json()
    operations = [_replace("/name", "Another"), operation]
    assert send(client, "PATCH", f"{V1}/organizationdetails", operations).status_code == 400
    assert send(client, "GET", f"{V1}/organizationdetails").json() == before


def test_who_is_no_administrator_changes_nothing_of_the_organization(house: House) -> None:
    answer = send(as_program(house.bob), "PATCH", f"{V1}/organizationdetails", [_replace("/name", "Bob's")])
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "PermissionDenied")


def test_the_settings_tell_the_working_week(house: House) -> None:
    settings = send(program(house.alice.organization, ("organization:read",)), "GET", f"{V1}/organizationsettings")
    assert settings.json()["workWeek"] == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]


def _access_token(**body: Any) -> Any:
    return send(Client(), "POST", f"{V1}/login/oauth/access_token", body)


def test_a_token_is_had_by_either_grant(house: House) -> None:
    client, secret = credentials(house.alice.organization, ("users:read",))
    fields = {"client_id": str(client.guid), "client_secret": secret, "scope": "users:read"}
    first = _access_token(grant_type="client_credentials", **fields)
    assert first.status_code == 200
    assert send(with_token(first.json()["access_token"]), "GET", f"{V1}/users").status_code == 200
    again = _access_token(grant_type="refresh_token", refresh_token=first.json()["refresh_token"])
    assert send(with_token(again.json()["access_token"]), "GET", f"{V1}/users").status_code == 200
    assert _access_token(grant_type="refresh_token", refresh_token=first.json()["refresh_token"]).status_code == 401
    assert _access_token(grant_type="client_credentials", **fields | {"client_secret": "x"}).status_code == 401


@pytest.mark.parametrize(
    "body", [{}, {"grant_type": "password"}, {"grant_type": "refresh_token"}, {"grant_type": "client_credentials"}]
)
def test_a_grant_that_says_too_little_is_told_what_is_missing(house: House, body: dict[str, Any]) -> None:
    assert _access_token(**body).status_code == 400


def test_a_scope_the_client_lacks_is_refused(house: House) -> None:
    client, secret = credentials(house.alice.organization, ("users:read",))
    fields = {"client_id": str(client.guid), "client_secret": secret, "scope": programs.SCOPES[0]}
    refused = _access_token(grant_type="client_credentials", **fields)
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "InsufficientApiScope")
