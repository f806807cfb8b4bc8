"""People sign in with Microsoft: who is let in, and everything that must not let anybody in."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.contrib.sessions.models import Session
from django.test import Client

from samklang.accounts import services as accounts
from samklang.accounts.models import AuditEvent, Role, User
from samklang.mailboxes import services as mailboxes
from samklang.web import microsoft as pages
from tests.people import PASSWORD, People, people
from tests.sandbox_client import Sandbox
from tests.web.connected import APP, ROLES, SECRET, TENANT

SETTINGS, BACK = "/settings/integrations/microsoft-sign-in", "/sign-in/microsoft/back"
ALICE, BOB = "alice@example.org", "bob@example.org"
FOREIGN, MALLORY = "99999999-0000-4000-8000-000000000001", "mallory@elsewhere.example"
KNOWN_APP = {"client_id": APP, "secret": SECRET, "consented": True, "roles": ROLES}


@dataclass
class Place:
    them: People
    sandbox: Sandbox

    def tenant(self, id: str = TENANT, domain: str = "example.org", **details: Any) -> None:
        self.sandbox.tenant(id, **({"domains": [domain], "apps": [KNOWN_APP]} | details))

    def at_microsoft(self, address: str, account: str, **form: str) -> str:
        """A person goes where he is sent and chooses an account; where he is sent back to."""
        answer = requests.post(address, {"account": account, **form}, allow_redirects=False, timeout=20)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"].removeprefix("http://127.0.0.1:8480")

    def signs_in(self, account: str, browser: Client | None = None, target: str = "/profile", **form: str) -> Any:
        browser = browser or Client(headers={"Accept-Language": "en"})
        begun = browser.get("/sign-in/microsoft", {"next": target})
        assert begun.status_code == 302, words(begun)
        return browser.get(self.at_microsoft(begun.headers["Location"], account, **form))

    def leaves(self, browser: Client, path: str, account: str) -> Any:
        """A button of a page leads to Microsoft and back."""
        begun = browser.post(path)
        address = html.unescape(re.findall(r'data-go href="([^"]+)"', begun.content.decode())[0])
        return browser.get(self.at_microsoft(address, account), follow=True)

    def switched_on(self) -> Place:
        """As it is after an administrator did it by the page."""
        self.them.company.microsoft_tenant = TENANT
        self.them.company.save()
        return self


@pytest.fixture
def place(db: None, sandbox: Sandbox, reached: None) -> Place:
    """Alice's organization with Exchange Server, and a tenant at Microsoft for the domain of its addresses."""
    them = people()
    for user in (them.alice, them.bob):
        sandbox.mailbox(user.email, name=user.name)
    sandbox.mailbox(MALLORY, name="Mallory")
    place = Place(them, sandbox)
    place.tenant()
    place.tenant(FOREIGN, "elsewhere.example")
    return place


def signed_in(address: str) -> Client:
    browser = Client(headers={"Accept-Language": "en"})
    assert browser.post("/sign-in", {"email": address, "password": PASSWORD}).status_code == 302
    return browser


def words(answer: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def whose(browser: Client) -> str:
    """The address of whoever this browser is signed in as; "" for nobody."""
    page = browser.get("/profile")
    return "" if page.status_code == 302 else re.findall(r'class="faint">([^<]+@[^<]+)<', page.content.decode())[0]


def refused(answer: Any, status: int, said: str) -> None:
    assert (answer.status_code, said in words(answer)) == (status, True), words(answer)


def test_people_of_the_tenant_sign_in_and_arrive_where_they_were_going(place: Place) -> None:
    said = words(place.leaves(signed_in(ALICE), SETTINGS, ALICE))
    assert "People of your organization can sign in with Microsoft from now on." in said
    browser = Client()
    arrived = place.signs_in(BOB, browser, "/profile/calendar/synchronization")
    assert (arrived.status_code, arrived.headers["Location"]) == (302, "/profile/calendar/synchronization")
    assert whose(browser) == BOB
    assert "Users whose Microsoft account is known here: 2 of 2." in words(signed_in(ALICE).get(SETTINGS))


def test_the_sign_in_page_offers_it_only_where_it_is_set_up(place: Place) -> None:
    assert "Microsoft" not in words(Client().get("/sign-in"))
    refused(Client(headers={"Accept-Language": "en"}).get("/sign-in/microsoft"), 403, "Nobody signs in with Microsoft")
    place.switched_on()
    assert 'href="/sign-in/microsoft?next=/profile"' in Client().get("/sign-in", {"next": "/profile"}).content.decode()
    browser = signed_in(ALICE)
    assert "Passwords go on working." in words(browser.post(SETTINGS, follow=True))
    assert "Microsoft" not in words(Client().get("/sign-in"))


def test_what_goes_to_microsoft_has_pkce_state_and_nonce_and_asks_for_no_data(place: Place) -> None:
    begun = Client().get("/sign-in/microsoft") if place.switched_on() else None
    assert begun is not None
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun.headers["Location"]).query).items()}
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert sorted(asked["scope"].split()) == ["email", "openid", "profile"]
    assert all(len(asked[name]) >= 16 for name in ("state", "nonce", "code_challenge"))
    assert f"/{TENANT}/" in begun.headers["Location"], "the one tenant there is"


def test_a_foreign_tenants_word_for_an_address_lets_nobody_in(place: Place) -> None:
    """nOAuth: whoever administers a tenant can write any address into its people's tokens."""
    place.switched_on()
    claims = {MALLORY: {"email": ALICE, "preferred_username": ALICE}}
    place.tenant(FOREIGN, "elsewhere.example", claims=claims)
    other = accounts.create_organization("Third Ltd")
    type(other).objects.filter(pk=other.pk).update(microsoft_tenant="11111111-0000-4000-8000-000000000009")
    browser = Client(headers={"Accept-Language": "en"})
    refused(place.signs_in(MALLORY, browser), 403, "Nobody here has this Microsoft account.")
    assert whose(browser) == ""


def test_an_address_the_own_tenant_merely_claims_lets_nobody_in(place: Place) -> None:
    place.switched_on()
    place.tenant(claims={BOB: {"preferred_username": "bd@example.org", "email": ALICE}})
    refused(place.signs_in(BOB), 403, "Nobody here has this Microsoft account.")


def test_a_guest_of_the_tenant_is_not_let_in_by_an_address(place: Place) -> None:
    place.switched_on()
    place.tenant(guests=[MALLORY], claims={MALLORY: {"preferred_username": BOB}})
    refused(place.signs_in(MALLORY), 403, "Nobody here has this Microsoft account.")


def test_nobody_gets_an_account_by_signing_in_and_the_inactive_stay_outside(place: Place) -> None:
    place.switched_on()
    place.sandbox.mailbox("new@example.org", name="New")
    before = User.objects.count()
    refused(place.signs_in("new@example.org"), 403, "Nobody here has this Microsoft account.")
    assert User.objects.count() == before
    place.signs_in(BOB)
    accounts.deactivate(place.them.bob)
    refused(place.signs_in(BOB), 403, "Nobody here has this Microsoft account.")


def test_another_organization_of_the_installation_keeps_its_own_people(place: Place) -> None:
    """Its tenant was not named by it, whatever the address says."""
    place.switched_on()
    charlie = place.them.charlie
    place.tenant(claims={BOB: {"preferred_username": charlie.email}})
    refused(place.signs_in(BOB), 403, "Nobody here has this Microsoft account.")


def test_after_the_first_time_the_account_is_known_whatever_its_address_becomes(place: Place) -> None:
    place.switched_on()
    place.signs_in(BOB)
    place.tenant(claims={BOB: {"preferred_username": "bo.dahl@example.org", "email": "bo.dahl@example.org"}})
    browser = Client()
    place.signs_in(BOB, browser)
    assert whose(browser) == BOB
    place.sandbox.mailbox("heir@example.org", name="Heir")
    place.tenant(claims={"heir@example.org": {"preferred_username": BOB}})
    refused(place.signs_in("heir@example.org"), 403, "signs in with another Microsoft account")


def test_whose_sign_in_name_is_another_is_known_by_his_mailbox(place: Place) -> None:
    """The directory itself says whose the address is; a claim alone does not (rule 1.3)."""
    connection = mailboxes.connection_of(place.them.company)
    mailboxes.save_connection(connection, {"version": "office365", "tenant": TENANT}, by=place.them.alice)
    claims: dict[str, dict[str, str]] = {BOB: {"preferred_username": "bd@example.org"}}
    place.switched_on().tenant(claims=claims)
    browser = Client()
    place.signs_in(BOB, browser)
    assert whose(browser) == BOB


def test_whose_address_is_another_connects_the_account_once(place: Place) -> None:
    place.switched_on()
    place.sandbox.mailbox("bd@example.org", name="Bob")
    refused(place.signs_in("bd@example.org"), 403, "connect the account in My profile")
    browser = signed_in(BOB)
    place.signs_in(ALICE)
    said = words(place.leaves(browser, "/profile/microsoft/connect", ALICE))
    assert "Somebody else here signs in with this Microsoft account." in said
    said = words(place.leaves(browser, "/profile/microsoft/connect", "bd@example.org"))
    assert "You can sign in with this Microsoft account from now on." in said
    other = Client()
    place.signs_in("bd@example.org", other)
    assert whose(other) == BOB
    assert "no longer connected" in words(browser.post("/profile/microsoft/disconnect", follow=True))
    refused(place.signs_in("bd@example.org"), 403, "Nobody here has this Microsoft account.")


def test_an_account_is_not_connected_once_the_organization_has_another_tenant(place: Place) -> None:
    place.switched_on()
    browser = signed_in(BOB)
    page = browser.post("/profile/microsoft/connect").content.decode()
    answer = place.at_microsoft(html.unescape(re.findall(r'data-go href="([^"]+)"', page)[0]), BOB)
    place.them.company.microsoft_tenant = FOREIGN
    place.them.company.save()
    assert "This account is not of your organization's tenant" in words(browser.get(answer, follow=True))
    assert User.objects.get(email=BOB).microsoft_id is None


def test_an_answer_serves_once_in_the_browser_that_asked_and_not_for_long(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.switched_on()
    mine, thief = (Client(headers={"Accept-Language": "en"}) for _ in range(2))
    answer = place.at_microsoft(mine.get("/sign-in/microsoft").headers["Location"], BOB)
    again = "This sign-in was begun elsewhere, took too long, or was answered already."
    refused(thief.get(answer), 400, again)
    thief.get("/sign-in/microsoft")
    refused(thief.get(answer), 400, again)
    assert mine.get(answer).status_code == 302
    mine.post("/sign-out")
    refused(mine.get(answer), 400, again)
    answer = place.at_microsoft(mine.get("/sign-in/microsoft").headers["Location"], BOB)
    monkeypatch.setattr(pages, "_LASTS", 0)
    refused(mine.get(answer), 400, again)
    assert (whose(mine), whose(thief)) == ("", "")


def test_a_token_made_for_another_sign_in_or_app_or_long_ago_is_not_believed(place: Place) -> None:
    place.switched_on()
    for wrong in (
        {"nonce": "another"},
        {"aud": "another-app"},
        {"exp": 1},
        {"iss": "https://evil.example"},
        {"oid": ""},
    ):
        place.tenant(claims={BOB: wrong})
        refused(place.signs_in(BOB), 502, "Microsoft's answer does not belong to this sign-in.")
    for lost in ("malformed", "html"):
        place.sandbox.fault(lost, {"protocol": "login", "operation": "token"}, {"times": 1})
        assert place.signs_in(BOB).status_code == 502


def test_the_session_from_before_the_sign_in_is_worth_nothing_after_it(place: Place) -> None:
    place.switched_on()
    browser = Client()
    begun = browser.get("/sign-in/microsoft").headers["Location"]
    before = browser.cookies["samklang_session"].value
    browser.get(place.at_microsoft(begun, BOB))
    assert browser.cookies["samklang_session"].value != before
    assert not Session.objects.filter(session_key=before).exists()


def test_nobody_is_led_to_another_site(place: Place) -> None:
    place.switched_on()
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        assert place.signs_in(BOB, target=target).headers["Location"] == "/"


REFUSALS = [
    ("access_denied", "AADSTS65004: declined", "Microsoft was not allowed to tell Samklang who you are."),
    ("access_denied", "", "Microsoft was not allowed to tell Samklang who you are."),
    ("consent_required", "AADSTS65001: …", "lets only a Microsoft administrator allow this"),
    ("access_denied", "AADSTS90094: …", "lets only a Microsoft administrator allow this"),
    ("invalid_request", "AADSTS50105: …", "lets only people who were chosen for it sign in"),
    ("access_denied", "AADSTS53003: …", "Your organization's rules at Microsoft do not let you sign in"),
    ("server_error", "AADSTS90033: <script>", "Microsoft refused the sign-in."),
    ("<script>", "", "Microsoft refused the sign-in."),
]


def test_every_refusal_is_said_in_words(place: Place) -> None:
    place.switched_on()
    browser = Client(headers={"Accept-Language": "en"})
    for error, description, said in REFUSALS:
        begun = browser.get("/sign-in/microsoft").headers["Location"]
        state = parse_qs(urlsplit(begun).query)["state"][0]
        sent = {"error": error, "error_description": description, "state": state}
        answer = browser.get(BACK, sent)
        refused(answer, 403, said)
        assert "<script>" not in answer.content.decode()
        refused(browser.get(BACK, sent), 400, "was answered already")


def test_what_the_operator_must_mend_is_said_too(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.switched_on()
    place.tenant(apps=[KNOWN_APP | {"secret": "rotated"}])
    answer = place.signs_in(BOB)
    refused(answer, 403, "Microsoft does not accept Samklang's own registration or secret.")
    assert "AADSTS7000215" in words(answer)
    place.sandbox.fault("drop", {"protocol": "login"})
    said = Client(headers={"Accept-Language": "en"}).get("/sign-in/microsoft")
    assert said.status_code == 502


def test_an_administrator_switches_on_with_nothing_to_type_and_is_told_what_lacks(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = signed_in(ALICE)
    assert "http://127.0.0.1:8480/sign-in/microsoft/back" in words(alice.get(SETTINGS))
    place.tenant(TENANT, "another.example")
    said = words(alice.post(SETTINGS, follow=True))
    assert "Microsoft knows no organization with the domain of your e-mail address." in said
    monkeypatch.setattr("samklang.mailboxes.microsoft_sign_in.has_app", lambda: False)
    assert "SAMKLANG_APP_ID" in words(alice.get(SETTINGS))
    assert "not registered as an application" in words(alice.post(SETTINGS, follow=True))


def test_only_administrators_switch_it(place: Place) -> None:
    bob = signed_in(BOB)
    assert (bob.get(SETTINGS).status_code, bob.post(SETTINGS).status_code) == (403, 403)
    alice = signed_in(ALICE)
    begun = html.unescape(re.findall(r'data-go href="([^"]+)"', alice.post(SETTINGS).content.decode())[0])
    answer = place.at_microsoft(begun, ALICE)
    accounts.set_role(place.them.bob, Role.ADMINISTRATOR)
    accounts.set_role(place.them.alice, Role.USER)
    assert "begun elsewhere" in words(alice.get(answer, follow=True))
    place.them.company.refresh_from_db()
    assert place.them.company.microsoft_tenant == ""


def test_another_tenant_forgets_the_accounts_of_the_old_one(place: Place) -> None:
    place.switched_on()
    for address in (ALICE, BOB):
        place.signs_in(address)
    alice = signed_in(ALICE)
    alice.post(SETTINGS)
    place.tenant(TENANT, "another.example")
    moved = "22222222-0000-4000-8000-000000000002"
    place.tenant(moved)
    place.leaves(alice, SETTINGS, ALICE)
    assert User.objects.get(email=BOB).microsoft_id is None
    assert User.objects.get(email=ALICE).microsoft_id.startswith(moved)


def test_neither_log_nor_audit_tells_who_signed_in_by_address(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.switched_on()
    with caplog.at_level("DEBUG"):
        place.signs_in(BOB)
        place.tenant(claims={BOB: {"preferred_username": ALICE, "nonce": "another"}})
        place.signs_in(BOB)
    ours = "\n".join(f"{r.getMessage()} {vars(r)}" for r in caplog.records if r.name.startswith(("samklang", "msal")))
    for hidden in (BOB, ALICE, "eyJ", "code=", SECRET):
        assert hidden not in ours
    assert "code': 'microsoft_answer'" in ours
    (act,) = AuditEvent.objects.filter(action__contains="microsoft")
    assert (act.action, act.actor, act.details) == ("user.microsoft_connect", place.them.bob, {})
