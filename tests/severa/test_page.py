"""Settings > Integrations > Visma Severa, as an administrator and others see it."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client

from tests.installation import PASSWORD
from tests.sandbox.severa_client import CLIENT, SECRET
from tests.severa.office import ANNA, BO, Office

PAGE = "/settings/integrations/visma-severa"


@pytest.fixture(params=["ews"])
def office(request: pytest.FixtureRequest, office: Office) -> Office:
    """What is asked here has nothing to do with Microsoft's servers."""
    return office


def signed_in(address: str) -> Client:
    browser = Client(headers={"Accept-Language": "en"})
    assert browser.post("/sign-in", {"email": address, "password": PASSWORD}).status_code == 302
    return browser


def words(answer: Any) -> str:
    """What a page says, tags apart."""
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(html.unescape(text).split())


def _saves(browser: Client, office: Office, **values: str) -> Any:
    settings = {"part": "credentials", "client_id": CLIENT, "secret": SECRET, "url": office.sandbox.severa}
    return browser.post(PAGE, settings | values, follow=True)


def test_the_whole_way_from_credentials_to_syncing(office: Office) -> None:
    anna = signed_in(ANNA)
    assert "They are read from Severa when the test has passed." in words(anna.get(PAGE))
    assert "Settings saved." in words(_saves(anna, office)), "the version is added to the address"
    tested = words(anna.post(f"{PAGE}/test", {"address": ANNA}))
    assert tested.count("✓") == 8, tested
    assert "✗" not in tested
    refused = words(anna.post(f"{PAGE}/switch", follow=True))
    assert "Switch both off in Severa, then confirm it" in refused
    assert "Confirmed" in words(anna.post(PAGE, {"part": "confirm", "confirmed": "on"}, follow=True))
    guid = office.severa.types["CalendarEntry"]["guid"]
    shown = anna.post(PAGE, {"part": "types", "type": [guid]}, follow=True).content.decode()
    assert re.search(f'value="{guid}" checked', shown)
    assert "Task" not in re.findall(r'class="choice"[^<]*<input[^>]*> (\w+)', shown), "project tasks are not synced"
    on = anna.post(f"{PAGE}/switch", follow=True)
    assert "Activities are in Severa from now on." in words(on)
    office.has(office.severa.anna, "Planning")
    office.started(office.anna)
    assert office.events(ANNA) == ["Planning"]
    assert "Somebody syncs the calendar in use now." in words(anna.post(f"{PAGE}/switch", follow=True))


def test_each_failure_says_what_to_do(office: Office) -> None:
    anna = signed_in(ANNA)
    _saves(anna, office, secret="wrong")
    tested = words(anna.post(f"{PAGE}/test", {"address": ANNA}))
    assert "✗ Client id and secret Severa refused the client id or the client secret." in tested
    assert "makes new client credentials in Severa" in tested
    scopes = ["activities:read", "activities:write", "users:read", "settings:read", "organization:read"]
    office.sandbox.severa_organization("acme", [{"client_id": CLIENT, "secret": SECRET, "scopes": scopes}])
    _saves(anna, office)
    tested = words(anna.post(f"{PAGE}/test", {"address": ANNA}))
    assert "✗ Scopes The client credentials lack a scope" in tested
    assert "activities:delete" in tested
    assert _saves(anna, office, url="http://severa.example/rest-api").status_code == 422
    assert _saves(anna, office, url="https://anna:hush@severa.example").status_code == 422


def test_no_page_shows_the_secret_and_an_empty_field_keeps_it(office: Office) -> None:
    anna = signed_in(ANNA)
    pages = [_saves(anna, office), _saves(anna, office, secret=""), anna.post(f"{PAGE}/test", {"address": ANNA})]
    for page in pages:
        assert SECRET not in page.content.decode()
        (field,) = re.findall(r'<input[^>]*name="secret"[^>]*>', page.content.decode())
        assert "value=" not in field, "not even as it is sealed"
    assert words(pages[-1]).count("✓") == 8
    elsewhere = _saves(anna, office, secret="", url="https://severa.example/rest-api")
    assert (elsewhere.status_code, "Give the client secret again" in words(elsewhere)) == (422, True)


def test_users_are_matched_by_address_and_say_who_syncs_and_is_mailed(office: Office) -> None:
    office.severa.sandbox.severa_changes("users", office.severa.bo["guid"], email="Bo@Example.com")
    office.sandbox.severa_changes("users", office.severa.bo["guid"], notifications={"sendNewActivityEmail": False})
    for name in ("Cilla", "Carl"):
        office.sandbox.severa_user("acme", "twice@example.com", first_name=name, last_name="Al")
    office.add_user("dan@example.com", "Dan Du", "Acme")
    office.arranged().started(office.anna)
    page = signed_in(ANNA).get(PAGE)
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", page.content.decode())]
    assert [row for row in rows if row] == [
        ["Anna Ek", ANNA, "yes", "yes", ""],
        ["Bo By", BO, "yes", "no", ""],
        *(
            [f"{name} Al", "twice@example.com", "no", "no", "Several active users in Severa have this e-mail address."]
            for name in ("Carl", "Cilla")
        ),
    ]
    said = words(page)
    assert "Nobody in Severa has the address of: Dan Du (dan@example.com)" in said
    assert "3 users in Severa still get mails of new activities: Anna Ek, Carl Al, Cilla Al" in said


def test_new_users_of_severa_are_read_when_asked_for(office: Office) -> None:
    office.arranged()
    office.sandbox.severa_user("acme", "eva@example.com", first_name="Eva", last_name="Ek")
    anna = signed_in(ANNA)
    assert "Eva Ek" not in words(anna.get(PAGE))
    assert "Eva Ek" in words(anna.post(f"{PAGE}/people", follow=True))


def test_the_built_in_calendar_leads_to_the_sync_while_activities_are_in_severa(office: Office) -> None:
    bo = signed_in(BO)
    assert bo.get("/calendar").status_code == 200
    office.arranged()
    for path in ("/", "/calendar"):
        assert bo.get(path).headers["Location"] == "/profile/calendar/synchronization"
    assert 'href="/calendar"' not in bo.get("/profile").content.decode()
    exchange = words(signed_in(ANNA).get("/settings/integrations/microsoft-exchange"))
    assert "its activity types are chosen on the page Visma Severa" in exchange
    assert "When people use Samklang" not in exchange


@pytest.mark.parametrize("path", ["", "/test", "/switch", "/people"])
def test_only_administrators_see_or_change_it(office: Office, path: str) -> None:
    bo = signed_in(BO)
    answer = bo.post(PAGE + path, {"part": "confirm", "confirmed": "on"})
    assert answer.status_code == 403
    assert bo.get(PAGE).status_code == 403
    assert Client().post(PAGE + path).status_code == 302
    assert office.done("severa", "show", "--json").json["confirmed"] is False
