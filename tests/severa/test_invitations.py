"""People of Severa are let in: an account, a mail, a password of their own."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import mail
from django.test import Client

from samklang.accounts.models import Organization, User
from tests.installation import TENANT
from tests.severa.office import ANNA, BO, Office
from tests.severa.test_page import PAGE, signed_in, words

CILLA, CHOSEN = "cilla@example.com", "seven green bottles"


@pytest.fixture(params=["ews"])
def office(request: pytest.FixtureRequest, office: Office) -> Office:
    """What is asked here has nothing to do with Microsoft's servers."""
    return office


@pytest.fixture
def cilla(office: Office) -> str:
    """Somebody of Severa without an account; her guid."""
    details = {"first_name": "Cilla", "last_name": "Al", "zone": "Europe/Helsinki"}
    guid = str(office.sandbox.severa_user("acme", CILLA, **details)["guid"])
    office.mailbox(CILLA, name="Cilla Al")
    office.arranged()
    return guid


def _invited(guid: str, by: str = ANNA) -> Any:
    return signed_in(by).post(f"{PAGE}/invite", {"user": guid})


def _link_in(text: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:8480(/invitation/\S+?)(?=[\s<]|$)", html.unescape(text))
    assert found, text
    return found.group(1)


def _chooses(link: str, password: str = CHOSEN, again: str = "") -> Any:
    """She follows the link and sends the form it leads to."""
    browser = Client(headers={"Accept-Language": "en"})
    opened = browser.get(link)
    if opened.status_code != 302:
        return opened
    assert link.rpartition("/")[2] not in opened.headers["Location"], "the token leaves the address at once"
    fields = {"new_password1": password, "new_password2": again or password}
    return browser.post(opened.headers["Location"], fields, follow=True)


def _may_sign_in(password: str, address: str = CILLA) -> bool:
    return Client().post("/sign-in", {"email": address, "password": password}).status_code == 302


def test_an_invited_user_of_severa_sets_a_password_signs_in_and_syncs(office: Office, cilla: str) -> None:
    shown = _invited(cilla)
    assert "Cilla Al has an account. No mail went out" in words(shown), "there is no mail server here"
    link = _link_in(shown.content.decode())
    assert _link_in(str(mail.outbox[0].body)) == link
    assert "Your password is set." in words(_chooses(link))
    assert _may_sign_in(CHOSEN)
    page = Client()
    page.post("/sign-in", {"email": CILLA, "password": CHOSEN})
    office.has({"guid": cilla}, "Planning")
    page.post("/profile/calendar/synchronization/switch", {"accept": "on"})
    assert office.command("sync", "run", "--user", CILLA, "--json").json["error"] is None
    assert User.objects.get(email=CILLA).zone == "Europe/Helsinki"


def test_with_a_mail_server_nobody_but_the_invited_sees_the_link(office: Office, cilla: str) -> None:
    office.settings(SAMKLANG_SMTP_URL="smtp://user:hush@mail.example")
    shown = _invited(cilla)
    assert "Cilla Al has an account, and a mail with a link" in words(shown)
    assert "/invitation/" not in shown.content.decode()
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == ([CILLA], "Your account in Samklang")
    assert _link_in(str(sent.body))


def test_an_invitation_names_the_sign_in_with_microsoft_where_there_is_one(office: Office, cilla: str) -> None:
    _invited(cilla)
    Organization.objects.update(microsoft_tenant=TENANT)
    _invited(cilla)
    without, with_it = (str(sent.body) for sent in mail.outbox)
    assert "Or sign in with your Microsoft account, without a password: http://127.0.0.1:8480/sign-in" in with_it
    assert "Microsoft account" not in without


def test_a_link_serves_once_and_not_for_long(office: Office, cilla: str, monkeypatch: pytest.MonkeyPatch) -> None:
    link = _link_in(_invited(cilla).content.decode())
    late = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=8)
    with monkeypatch.context() as patched:
        patched.setattr(PasswordResetTokenGenerator, "_now", lambda _: late)
        assert "no longer good" in words(_chooses(link))
    assert "Your password is set." in words(_chooses(link))
    assert "no longer good" in words(_chooses(link, "another one of hers"))
    assert _may_sign_in(CHOSEN)


def test_a_weak_password_or_two_different_ones_are_refused(office: Office, cilla: str) -> None:
    link = _link_in(_invited(cilla).content.decode())
    for first, second in (("short", ""), ("password1234", ""), (CHOSEN, "something else")):
        assert "Set your password" in words(_chooses(link, first, second))
        assert not _may_sign_in(first)


def test_whoever_has_a_password_cannot_be_invited_again(office: Office, cilla: str) -> None:
    first = _link_in(_invited(cilla).content.decode())
    assert "Invite again" in words(signed_in(ANNA).get(PAGE))
    second = _link_in(_invited(cilla).content.decode())
    _chooses(second)
    assert "no longer good" in words(_chooses(first, "a thief's own password"))
    mail.outbox.clear()
    bo = User.objects.get(email=BO)
    for guid in (cilla, bo.severa_id):
        assert _invited(guid).status_code == 302
    assert mail.outbox == []


def test_only_administrators_invite_and_only_people_of_their_severa(office: Office, cilla: str) -> None:
    assert _invited(cilla, by=BO).status_code == 403
    assert _invited("11111111-1111-4111-8111-111111111111").status_code == 302
    assert not User.objects.filter(email=CILLA).exists()
    assert mail.outbox == []
