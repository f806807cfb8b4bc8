"""`/rest-api/v1`: the organization itself, and the tokens of OAuth's own names (Severa facts §1.2, §1.11)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from samklang.accounts import programs
from samklang.accounts.models import ApiClient, ApiCode, AuditEvent
from samklang.web.severa_api.shape import language_json, zone_guid
from tests.web.house import House, as_person, as_program, send
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


# --- authorization codes --------------------------------------------------------------------------------------------

BACK = "https://reports.example/back?of=samklang"


@pytest.fixture
def reports(house: House) -> tuple[str, str]:
    """Client id and secret of a program that asks for codes."""
    scopes = ("users:read", "settings:read")
    client, secret = programs.make_client(house.alice.organization, "Reports", scopes, redirects=[BACK])
    return str(client.guid), secret


def _asks(client: Client, client_id: str, **query: str) -> Any:
    asked = {"response_type": "code", "client_id": client_id, "redirect_uri": BACK, "state": "s&1"}
    return send(client, "GET", f"{V1}/login/oauth/authorize", **asked | query)


def _code(answer: Any) -> str:
    assert answer.status_code == 302
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def test_an_administrator_lets_a_program_in_by_a_code_that_serves_once(house: House, reports: tuple[str, str]) -> None:
    answer = _asks(as_person(house.alice), reports[0], scope="users:read")
    address = urlsplit(answer.headers["Location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == "https://reports.example/back"
    assert parse_qs(address.query) == {"of": ["samklang"], "code": [_code(answer)], "state": ["s&1"]}
    fields = {"client_id": reports[0], "client_secret": reports[1], "code": _code(answer), "redirect_uri": BACK}
    for wrong in ({"client_secret": "x"}, {"redirect_uri": "https://other.example/"}, {"code": "x"}):
        assert _access_token(grant_type="authorization_code", **fields | wrong).status_code == 401
    given = _access_token(grant_type="authorization_code", **fields).json()
    assert given["scope"] == "users:read"
    assert send(with_token(given["access_token"]), "GET", f"{V1}/users").status_code == 200
    assert _access_token(grant_type="authorization_code", **fields).status_code == 401


def test_a_code_ends_after_some_minutes(
    house: House, reports: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = _code(_asks(as_person(house.alice), reports[0]))
    later = timezone.now() + programs.CODE + timedelta(seconds=1)
    monkeypatch.setattr(programs, "real_now", lambda: later)
    fields = {"client_id": reports[0], "client_secret": reports[1], "code": code, "redirect_uri": BACK}
    assert _access_token(grant_type="authorization_code", **fields).status_code == 401
    programs.forget_old()
    assert not ApiCode.objects.exists()


def test_nobody_is_led_to_an_address_that_was_not_entered_with_the_credentials(
    house: House, reports: tuple[str, str]
) -> None:
    for query in ({"redirect_uri": "https://evil.example/"}, {"redirect_uri": BACK + "x"}, {"response_type": "token"}):
        assert _asks(as_person(house.alice), reports[0], **query).status_code == 400
    assert _asks(as_person(house.alice), "x").status_code == 400
    assert not ApiCode.objects.exists()


def test_only_an_administrator_of_its_organization_gives_a_program_a_code(
    house: House, reports: tuple[str, str]
) -> None:
    stranger = _asks(Client(), reports[0])
    assert stranger.status_code == 302
    assert stranger.headers["Location"].startswith("/sign-in?next=/rest-api/v1/login/oauth/authorize")
    for user in (house.bob, house.charlie):
        assert _asks(as_person(user), reports[0]).status_code == 403
    assert _asks(as_person(house.alice), reports[0], scope="activities:write").status_code == 401
    assert not ApiCode.objects.exists()


def test_redirect_addresses_are_entered_with_the_credentials(house: House) -> None:
    browser, page = as_person(house.alice), "/settings/integrations/rest-api"
    form = {"name": "Reports", "scopes": ["users:read"]}
    for wrong in ("http://reports.example/", "https://reports.example/#x", "javascript:alert(1)", "reports"):
        refused = browser.post(page, form | {"redirects": f"{BACK}\n{wrong}"})
        assert refused.status_code == 422
        assert "https://" in refused.content.decode()
    assert browser.post(page, form | {"redirects": f"{BACK}\nhttp://localhost:8080/back"}).status_code == 200
    assert ApiClient.objects.get().redirects == [BACK, "http://localhost:8080/back"]
