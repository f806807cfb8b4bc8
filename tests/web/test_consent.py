"""A tenant of Microsoft becomes an organization's: by consent, or by a sign-in where it opens some mailboxes alone."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from samklang.accounts import services as accounts
from samklang.accounts.models import Role
from samklang.acts import data
from samklang.clock import now, real_now
from samklang.config import config
from samklang.jobs.tick import tick
from samklang.mailboxes import access, consents, services
from samklang.mailboxes.models import Connection, Consent, Mailbox, SignIn
from samklang.sync.errors import Throttled
from samklang.web.settings import consent as pages
from samklang.wiring import run_mailbox
from tests.people import People, people
from tests.sandbox_client import Sandbox
from tests.web.connected import APP, ROLES, SECRET, TENANT, command
from tests.web.house import as_person, mailbox_of

EXCHANGE = "/settings/integrations/microsoft-exchange"
ALICE, BOB = "alice@example.org", "bob@example.org"
FOREIGN = "99999999-0000-4000-8000-000000000001"
UNKNOWN = {"client_id": APP, "secret": SECRET, "consented": False, "roles": ROLES}


@dataclass
class Place:
    them: People
    sandbox: Sandbox
    alice: Client
    #: How our application stands in the tenant; tests change it.
    app: dict[str, Any] = field(default_factory=lambda: dict(UNKNOWN))

    def tenant(self, id: str = TENANT, domain: str = "example.org", **details: Any) -> None:
        self.sandbox.tenant(id, **({"domains": [domain], "apps": [self.app]} | details))

    def leaves(self, browser: Client | None = None) -> str:
        """The administrator presses Grant permissions; where he is led."""
        page = (browser or self.alice).post(f"{EXCHANGE}/grant").content.decode()
        return html.unescape(re.findall(r'data-go href="([^"]+)"', page)[0])

    def at_microsoft(self, address: str, account: str = "admin@example.org", **form: str) -> str:
        """He answers there; where he is sent back to."""
        sent = {"account": account, "decision": "accept"} | form
        answer = requests.post(address, sent, allow_redirects=False, timeout=20)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"].removeprefix("http://127.0.0.1:8480")

    def grants(self, **form: str) -> Any:
        return self.alice.get(self.at_microsoft(self.leaves(), **form))

    def names(self, tenant: str, account: str) -> str:
        """He names a tenant and signs in there; what the page then says."""
        begun = self.alice.post(f"{EXCHANGE}/tenant", {"tenant": tenant}, follow=True)
        found = re.findall(r'data-go href="([^"]+)"', begun.content.decode())
        if not found:
            return words(begun)
        back = self.at_microsoft(html.unescape(found[0]), account)
        return words(self.alice.get(back, follow=True))

    def asked_again(self) -> None:
        """The worker's turn."""
        consents.attempt(self.consent.pk)

    @property
    def consent(self) -> Consent:
        return Consent.objects.get(connection__organization=self.them.company)

    @property
    def connection(self) -> Connection:
        return services.connection_of(self.them.company)

    @property
    def page(self) -> str:
        return words(self.alice.get(EXCHANGE))


@pytest.fixture
def place(db: None, sandbox: Sandbox, reached: None) -> Place:
    """An organization that has chosen Office 365, and a tenant that knows of our application."""
    them = people()
    for user in (them.alice, them.bob):
        sandbox.mailbox(user.email, name=user.name, zone="Europe/Stockholm")
    place = Place(them, sandbox, as_person(them.alice))
    place.tenant()
    return place


def words(answer: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def said(answer: Any) -> str:
    """What the pop-up tells the page that opened it."""
    return str(re.findall(r'data-consent="(\w+)"', answer.content.decode())[0])


def test_what_was_granted_and_whose_mailboxes_were_found_is_shown(place: Place) -> None:
    place.sandbox.ask("PATCH", f"/mailboxes/{BOB}", {"address": "bd@example.org", "aliases": [BOB]})
    assert said(place.grants()) == "searching"
    assert "Looking for your users' mailboxes" in place.page
    place.asked_again()
    assert consents.state(place.consent) == "granted"
    assert (place.connection.tenant, place.connection.tenant_name) == (TENANT, "example.org")
    page = place.page
    assert f"Granted by example.org Tenant {TENANT}" in page
    assert "Granted permissions Calendars.ReadWrite User.Read.All" in page
    assert f"Alice Berg ({ALICE}) {ALICE} address or sign-in name" in page
    assert f"Bob Dahl ({BOB}) bd@example.org another address of the mailbox" in page


def test_who_has_no_mailbox_comes_first_with_the_reason(place: Place) -> None:
    place.sandbox.ask("DELETE", f"/mailboxes/{BOB}")
    place.grants()
    place.asked_again()
    page = place.page
    assert page.index("No mailbox has this e-mail address.") < page.index("Alice Berg (")


def test_a_mailbox_that_is_synced_is_left_to_its_own_runs(place: Place) -> None:
    """Its server may ask to wait, and then nobody is to ask it (rule 10.2)."""
    place.grants()
    bob = Mailbox.objects.create(user=place.them.bob, connection=place.connection, on=True)
    place.sandbox.zero_counts()
    place.asked_again()
    assert place.sandbox.counts(BOB)["requests"] == 0
    assert set(place.consent.found) == {str(place.them.alice.guid)}, "his first run is to come"
    Mailbox.objects.filter(pk=bob.pk).update(directory_id="x/y", address=BOB, matched_by="primary")
    Consent.objects.update(next_try=real_now())
    place.asked_again()
    assert place.consent.found[str(place.them.bob.guid)] == {"address": BOB, "matched_by": "primary"}
    assert place.sandbox.counts(BOB)["requests"] == 0


def test_one_mailbox_whose_server_asks_to_wait_keeps_nobody_elses_from_being_found(place: Place) -> None:
    place.sandbox.fault("throttle", {"protocol": "graph", "mailbox": ALICE}, seconds=3600)
    place.grants()
    place.asked_again()
    assert consents.state(place.consent) == "granted"
    assert place.consent.found[str(place.them.alice.guid)] == {"code": "throttled"}
    assert place.consent.found[str(place.them.bob.guid)]["address"] == BOB


def test_a_directory_that_asks_to_wait_is_asked_by_nobody_of_its_tenant(place: Place) -> None:
    place.grants()
    place.sandbox.fault("throttle", {"protocol": "graph", "operation": "users.list"}, {"times": 1}, seconds=3600)
    place.sandbox.zero_counts()
    place.asked_again()
    place.asked_again()
    with pytest.raises(Throttled):
        access.find_mailbox(place.connection, BOB)
    assert sum(counts["by_operation"].get("users.list", 0) for counts in place.sandbox.counts().values()) == 1
    SignIn.objects.update(until=real_now())
    place.asked_again()
    assert len(place.consent.found) == 2


def test_of_who_leaves_no_address_is_remembered(place: Place) -> None:
    place.grants()
    place.asked_again()
    assert set(place.consent.found) == {str(place.them.alice.guid), str(place.them.bob.guid)}
    data.erase_everything(place.them.bob, by=place.them.alice)
    assert set(place.consent.found) == {str(place.them.alice.guid)}


@pytest.mark.parametrize("shown", ["no_roles", "unknown_app"])
def test_a_consent_that_takes_its_time_is_waited_for_and_then_holds(place: Place, shown: str) -> None:
    place.tenant(consent_delay_seconds=3600, consent_delay_as=shown)
    answer = place.grants()
    assert (answer.status_code, said(answer)) == (200, "waiting")
    assert "Waiting for Microsoft" in words(answer)
    assert "Waiting for Microsoft." in place.page
    place.asked_again()
    assert (consents.state(place.consent), place.connection.tenant) == ("waiting", "")
    place.app["consented"] = True
    place.tenant()
    place.asked_again()
    assert place.connection.tenant == TENANT
    assert place.connection.consented_at == place.consent.since, "the two hours are those since the consent"


def test_microsoft_is_asked_again_less_and_less_often_by_one_worker(place: Place) -> None:
    place.tenant(consent_delay_seconds=3600)
    place.grants()
    moment, gaps = real_now() + timedelta(hours=1), []
    for _ in range(9):
        assert consents.claim(moment) == [place.consent.pk]
        assert consents.claim(moment) == [], "it is one worker's"
        later = place.consent.next_try
        assert later is not None
        gaps.append((later - moment).total_seconds())
        moment = later
    assert gaps == [10, 20, 40, 80, 160, 300, 300, 300, 300]


def test_a_worker_is_given_the_consents_that_are_due(place: Place) -> None:
    place.tenant(consent_delay_seconds=3600)
    place.grants()
    tick(real_now())
    assert not ProcrastinateJob.objects.exists()
    tick(real_now() + timedelta(hours=1))
    (job,) = ProcrastinateJob.objects.all()
    assert (job.task_name, job.args) == ("samklang.verify_consent", {"consent_id": place.consent.pk})


def test_microsoft_out_of_reach_is_waited_out_too(place: Place) -> None:
    address = place.at_microsoft(place.leaves())
    place.sandbox.fault("drop", {"protocol": "login"})
    assert said(place.alice.get(address)) == "waiting"
    place.sandbox.clear_faults()
    place.asked_again()
    assert place.connection.tenant == TENANT


def test_after_two_hours_it_is_said_that_microsoft_did_not_confirm(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.tenant(consent_delay_seconds=36_000)
    place.grants()
    _later(monkeypatch, hours=3)
    place.asked_again()
    assert "Microsoft has not confirmed the permissions within two hours." in place.page
    assert "Still missing Calendars.ReadWrite User.Read.All" in place.page
    assert place.connection.tenant == ""
    assert consents.claim(real_now() + timedelta(days=1)) == [], "nobody asks any longer"


def _later(monkeypatch: pytest.MonkeyPatch, **delta: float) -> None:
    monkeypatch.setenv("SAMKLANG_TEST_CLOCK", (now() + timedelta(**delta)).isoformat())
    config.cache_clear()


@pytest.mark.parametrize(
    ("roles", "missing"),
    [
        (["User.Read.All"], "Calendars.ReadWrite"),
        (["Calendars.ReadWrite"], "User.Read.All"),
        (["Calendars.Read", "User.Read.All"], "Calendars.ReadWrite"),
    ],
)
def test_a_part_of_what_was_asked_for_does_not_pass_as_granted(place: Place, roles: list[str], missing: str) -> None:
    place.app["roles"] = roles
    place.tenant()
    assert said(place.grants()) == "waiting"
    assert f"Granted permissions {' '.join(sorted(roles))} Still missing {missing}" in place.page
    assert place.connection.tenant == ""


@pytest.mark.parametrize(("code", "change"), [("wrong_secret", {"secret": "another"}), ("not_consented", {})])
def test_what_waiting_does_not_mend_is_said_at_once(place: Place, code: str, change: dict[str, str]) -> None:
    address = place.at_microsoft(place.leaves())
    place.app |= {"consented": True} | change
    place.tenant()
    if code == "not_consented":
        place.sandbox.fault("response_code", {"protocol": "login", "operation": "token"}, code=53003)
    answer = place.alice.get(address)
    assert (answer.status_code, said(answer)) == (409, "refused")
    assert consents.state(place.consent) == "refused"


def test_a_tenant_none_of_our_people_belongs_to_is_refused(place: Place) -> None:
    place.tenant(FOREIGN, "elsewhere.example")
    invited = accounts.add_user(place.them.company, "eve@elsewhere.example", "Eve")
    answer = place.grants(account="admin@elsewhere.example")
    assert (answer.status_code, said(answer)) == (409, "refused")
    assert "None of your users who have signed in here has an address in this Microsoft tenant." in words(answer)
    assert place.connection.tenant == "", "anybody can be invited: that shows nothing"
    as_person(invited)
    assert said(place.grants(account="admin@elsewhere.example")) == "searching"


def test_a_tenant_the_redirect_merely_names_is_refused(place: Place) -> None:
    place.app["consented"] = True
    place.tenant(FOREIGN, "elsewhere.example")
    forged = place.at_microsoft(place.leaves()).replace(TENANT, FOREIGN)
    assert place.alice.get(forged).status_code == 409
    assert place.connection.tenant == ""
    malformed = place.at_microsoft(place.leaves()).replace(TENANT, "x%2F..%2Fy")
    assert "neither a tenant's id nor a domain" in words(place.alice.get(malformed))


def test_another_organizations_tenant_is_refused(place: Place) -> None:
    services.save_connection(services.connection_of(place.them.charlie.organization), {"tenant": TENANT}, by=None)
    answer = place.grants()
    assert answer.status_code == 409
    assert "belongs to another organization of this installation" in words(answer)
    assert (place.connection.tenant, place.consent.verified) == ("", False)


def test_a_refusal_at_microsoft_says_admin_consent_too_and_tells_the_page(place: Place) -> None:
    address = place.at_microsoft(place.leaves(), decision="cancel")
    assert parse_qs(urlsplit(address).query)["admin_consent"] == ["True"]
    answer = place.alice.get(address)
    assert (answer.status_code, said(answer)) == (403, "refused")
    assert "The permissions were not granted." in words(answer)
    assert not Consent.objects.exists()


def test_an_answer_serves_once_and_each_window_has_its_own(place: Place) -> None:
    first, second = place.at_microsoft(place.leaves()), place.at_microsoft(place.leaves())
    for address in (second, first):
        assert place.alice.get(address).status_code == 200
        assert place.alice.get(address).status_code == 400, "used"
    forged = re.sub(r"state=[^&]+", "state=forged", place.at_microsoft(place.leaves()))
    assert place.alice.get(forged).status_code == 400


def test_an_answer_is_the_administrators_who_asked_in_the_organization_he_asked_for(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = place.at_microsoft(place.leaves())
    accounts.set_role(place.them.bob, Role.ADMINISTRATOR)
    bob = as_person(place.them.bob)
    place.leaves(bob)
    assert bob.get(address).status_code == 400
    session = place.alice.session
    for begun in session["consents_begun"].values():
        begun["user"] = place.them.bob.pk
    session.save()
    assert place.alice.get(address).status_code == 400
    address = place.at_microsoft(place.leaves())
    alice, elsewhere = place.them.alice, place.them.charlie.organization
    alice.organization = elsewhere
    alice.save()
    assert place.alice.get(address).status_code == 400
    assert not Consent.objects.exists()


def test_an_answer_that_took_too_long_is_none(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    address = place.at_microsoft(place.leaves())
    monkeypatch.setattr(pages, "_LASTS", 0)
    assert place.alice.get(address).status_code == 400


def test_whoever_is_no_administrator_any_longer_brings_no_tenant(place: Place) -> None:
    place.tenant(consent_delay_seconds=3600)
    place.grants()
    accounts.set_role(place.them.bob, Role.ADMINISTRATOR)
    accounts.set_role(place.them.alice, Role.USER)
    place.app["consented"] = True
    place.tenant()
    place.asked_again()
    assert (place.consent.code, place.connection.tenant) == ("consent_by_nobody", "")


def test_a_claim_that_was_replaced_meanwhile_changes_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.tenant(consent_delay_seconds=3600)
    place.grants()
    place.app["consented"] = True
    place.tenant()

    def slow(tenant: str, *, scoped: bool) -> access.Granted:
        answer = asked(tenant, scoped=scoped)
        Consent.objects.update(tenant=FOREIGN)
        return answer

    asked = access.granted_in
    monkeypatch.setattr(access, "granted_in", slow)
    place.asked_again()
    assert (place.connection.tenant, place.consent.verified) == ("", False)


# --- some mailboxes alone (RBAC for Applications)


def _scoped(place: Place) -> None:
    """No consent to calendars; Exchange opens Alice's."""
    place.app |= {"consented": True, "roles": ["User.Read.All"], "scopes": [{"mailboxes": [ALICE]}]}
    place.tenant()


def test_a_tenant_that_opens_some_mailboxes_is_named_and_each_mailbox_says_for_itself(place: Place) -> None:
    _scoped(place)
    assert "You showed that the tenant is yours." in place.names("example.org", ALICE)
    assert place.connection.tenant == TENANT
    place.asked_again()
    page = place.page
    assert "As Exchange opens them, mailbox by mailbox" in page
    assert f"Alice Berg ({ALICE}) {ALICE}" in page
    assert f"Bob Dahl ({BOB}) ✗ Samklang may not open this mailbox." in page
    assert "Calendars.ReadWrite is missing" in words(place.alice.post(f"{EXCHANGE}/test", {"address": BOB}))
    assert (
        "✗"
        not in words(place.alice.post(f"{EXCHANGE}/test", {"address": ALICE}))
        .partition("4. Activity")[0]
        .partition("3. Test")[2]
    )
    place.alice.post(f"{EXCHANGE}/switch")
    for user, error in ((place.them.alice, None), (place.them.bob, "mailbox_access_denied")):
        services.switch_on(user, now(), unseen=True)
        assert run_mailbox(mailbox_of(user).pk, "job")["error"] == error
    assert place.connection.paused_code == "", "one mailbox speaks for its user alone"


def test_whoever_does_not_sign_in_there_as_one_of_its_people_proves_nothing(place: Place) -> None:
    _scoped(place)
    place.tenant(guests=[ALICE])
    assert "You are a guest in this tenant" in place.names(TENANT, ALICE)
    assert "neither a tenant's id nor a domain" in place.names("example.org/../x", ALICE)
    assert "Microsoft does not know this tenant." in place.names("nobody.example", ALICE)
    assert place.connection.tenant == ""


def test_a_scoped_tenant_is_waited_for_like_a_consent(place: Place) -> None:
    _scoped(place)
    place.app["roles"] = []
    place.tenant()
    place.names(TENANT, ALICE)
    assert "Waiting for Microsoft." in place.page
    assert "Still missing User.Read.All" in place.page


def test_a_paused_connection_is_tried_by_the_token_alone(place: Place) -> None:
    _scoped(place)
    place.names(TENANT, ALICE)
    hidden = {"status": 403, "code": "Authorization_RequestDenied"}
    place.sandbox.fault("response_code", {"protocol": "graph", "operation": "organization.list"}, **hidden)
    assert access.signs_in(place.connection)
    place.app["roles"] = []
    place.tenant()
    assert not access.signs_in(place.connection), "what a run needs was taken back"
    place.app["consented"], place.app["scopes"] = False, []
    place.tenant()
    assert not access.signs_in(place.connection)


def test_an_operators_tenant_is_checked_as_well(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    name = place.them.company.name
    _scoped(place)
    place.tenant(FOREIGN, "elsewhere.example")
    status, said_ = command(capsys, "connection", "set", "--tenant", "elsewhere.example", "--org", name)
    assert (status, "None of your users" in said_) == (1, True)
    status, said_ = command(capsys, "connection", "set", "--tenant", "a/b", "--org", name)
    assert (status, "neither a tenant's id nor a domain" in said_) == (2, True)
    place.tenant(apps=[{**place.app, "roles": []}])
    status, said_ = command(capsys, "connection", "set", "--tenant", "example.org", "--org", name)
    assert (status, "goes on asking Microsoft" in said_, "User.Read.All" in said_) == (1, True, True)
    assert place.connection.tenant == ""
    place.tenant()
    status, shown = command(capsys, "connection", "set", "--tenant", "example.org", "--org", name)
    assert (status, shown["tenant"]) == (0, TENANT)
    assert place.connection.consented_at is None, "it was given some time before: a refusal is one"


def test_where_the_domains_cannot_be_read_a_sign_in_proves_the_tenant(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    _scoped(place)
    hidden = {"status": 403, "code": "Authorization_RequestDenied"}
    place.sandbox.fault("response_code", {"protocol": "graph", "operation": "organization.list"}, **hidden)
    status, said_ = command(capsys, "connection", "set", "--tenant", TENANT, "--org", place.them.company.name)
    assert (status, "nothing shows that it is yours" in said_) == (1, True)
    place.names(TENANT, ALICE)
    assert place.connection.tenant == TENANT
