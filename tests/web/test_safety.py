"""What protects people on every page: CSRF, cookies, the Content-Security-Policy, safe redirects, patient sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from lxml import html

from tests.people import PASSWORD
from tests.web.house import House, as_person, send
from tests.web.test_access import ANYBODY, ROUTES, address_of

pytestmark = pytest.mark.django_db

_SIGN_IN = {"email": "alice@example.org", "password": PASSWORD}


def _pages(house: House) -> Iterator[tuple[str, Any]]:
    """Every page of the table as an administrator sees it, and those of errors."""
    client = as_person(house.alice)
    for (method, path), route in ROUTES.items():
        if method == "GET" and not path.startswith(("/api", "/rest-api")):
            yield path, client.get(address_of(path, house), route.sends(house))
    yield "refused", as_person(house.bob).get("/settings/integrations/microsoft-exchange")
    yield "not found", client.get("/nowhere")
    yield "no token", Client(enforce_csrf_checks=True).post("/sign-in", _SIGN_IN)
    yield "grant", client.post("/settings/integrations/microsoft-exchange/grant")
    yield "test", client.post("/settings/integrations/microsoft-exchange/test", {"address": "alice@example.org"})


def test_every_page_is_guarded_by_headers(house: House) -> None:
    for path, answer in _pages(house):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy, path
        assert "unsafe" not in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert answer.headers["Referrer-Policy"] == "same-origin", path
        assert answer.headers["Cache-Control"] == "no-store", path


def test_no_page_holds_a_script_or_style_of_its_own(house: House) -> None:
    for path, answer in _pages(house):
        if not answer.content or not answer.headers["Content-Type"].startswith("text/html"):
            continue
        page = html.fromstring(answer.content)
        assert page.xpath("//script[not(@src)]") == [], path
        assert page.xpath("//style | //*[@style]") == [], path
        assert page.xpath("//*[@*[starts-with(name(), 'on')]]") == [], path
        addresses = page.xpath("//@href | //@src | //form/@action")
        assert [a for a in addresses if a.lower().startswith(("javascript:", "data:"))] == [], path
        ours = [a for a in page.xpath("//link/@href | //@src") if not a.startswith("/")]
        assert ours == [], path


def test_every_form_without_its_token_is_refused_and_changes_nothing(house: House) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(house.alice, backend="django.contrib.auth.backends.ModelBackend")
    for method, path in ROUTES:
        # What Microsoft sends to has a secret of its own in what is sent.
        if method == "POST" and not path.startswith(("/api", "/rest-api", "/notices")):
            answer = client.post(address_of(path, house), ROUTES[method, path].sends(house))
            assert answer.status_code == 403, path
            assert b"The form was too old" in answer.content, path


def test_an_api_write_by_a_pages_session_wants_its_token_too(house: House) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(house.alice, backend="django.contrib.auth.backends.ModelBackend")
    assert send(client, "GET", "/api/me").status_code == 200
    for (method, path), route in ROUTES.items():
        if method != "GET" and path.startswith("/api"):
            assert send(client, method, address_of(path, house), {}).status_code == 403, path
        elif path.startswith("/rest-api") and route.access != ANYBODY:
            assert send(client, method, address_of(path, house), {}).status_code == 401, path


def test_cookies_are_for_the_server_alone(house: House) -> None:
    client = Client()
    client.post("/sign-in", _SIGN_IN)
    session = client.cookies["samklang_session"]
    assert session["httponly"]
    assert session["samesite"] == "Lax"
    client.get("/calendar")
    assert client.cookies["samklang_csrf"]["samesite"] == "Lax"
    assert settings.SESSION_COOKIE_SECURE == settings.CSRF_COOKIE_SECURE == False  # noqa: E712  (served over http here)


def test_signing_in_makes_a_new_session_and_signing_out_ends_it(house: House) -> None:
    client = Client()
    client.post("/sign-in", _SIGN_IN)
    first = client.cookies["samklang_session"].value
    client.post("/sign-out")
    assert client.get("/calendar").status_code == 302
    stolen = Client()
    stolen.cookies["samklang_session"] = first
    assert stolen.get("/calendar").status_code == 302


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "http:///evil.example",
        "javascript:alert(1)",
        "calendar",
        "\t//evil.example",
    ],
)
def test_signing_in_never_leads_to_another_site(house: House, target: str) -> None:
    answer = Client().post("/sign-in", {**_SIGN_IN, "next": target})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert as_person(house.alice).get("/sign-in", {"next": target}).headers["Location"] == "/"


def test_signing_in_leads_back_to_where_one_came_from(house: House) -> None:
    led = Client().get("/calendar/files").headers["Location"]
    client = Client()
    page = client.get(led)
    assert b'value="/calendar/files"' in page.content
    assert client.post("/sign-in", {**_SIGN_IN, "next": "/calendar/files"}).headers["Location"] == "/calendar/files"


def test_guessing_passwords_is_slowed_down_and_the_right_one_waits_too(house: House) -> None:
    client = Client()
    guesses = (client.post("/sign-in", {**_SIGN_IN, "password": f"wrong {n}"}).status_code for n in range(24))
    until_slowed = list(takewhile(lambda status: status != 429, guesses))
    # Ten in each span of time; on a slow machine one may end on the way.
    assert set(until_slowed) == {403} and len(until_slowed) < 24
    answer = client.post("/sign-in", _SIGN_IN)
    assert answer.status_code == 429
    assert b"Try again in" in answer.content


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(house: House) -> None:
    answers = [
        Client().post("/sign-in", {"email": email, "password": "wrong"}).content
        for email in ("alice@example.org", "nobody@example.org")
    ]
    assert all(b"The e-mail address or the password is wrong." in answer for answer in answers)


def test_a_title_is_text_wherever_it_shows(house: House) -> None:
    from samklang.activities import services

    services.update(house.alice, house.meeting.guid, name="<script>alert(1)</script>")
    page = as_person(house.alice).get("/calendar/form", {"id": house.meeting.psa_id}).content
    assert b"<script>" not in page
    assert b"&lt;script&gt;" in page
