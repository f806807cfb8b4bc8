"""A refused credential is tried once, however many mailboxes and processes find it at once (rule 10.3)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from samklang.jobs import tasks
from samklang.mailboxes import access
from samklang.mailboxes.models import Connection, Mailbox, SignIn
from tests.installation import ACCOUNT, ACCOUNT_PASSWORD, APP, SECRET, Installation
from tests.push.receiver import wait_until
from tests.sandbox_client import Sandbox

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
#: Organization -> its tenant.
TENANTS = {"Nordhavn": "5a3c1a9e-0000-4000-8000-000000000001", "Sydhavn": "5a3c1a9e-0000-4000-8000-000000000002"}
PEOPLE = 4


class House(Installation):
    """Organizations of some people each, all of whom sync."""

    def tenant(self, organization: str, *, secret: str = SECRET, **more: object) -> None:
        roles = ["Calendars.ReadWrite", "User.Read.All"]
        app = {"client_id": APP, "secret": secret, "consented": True, "roles": roles}
        domain = f"{organization.lower()}.example"
        self.sandbox.tenant(TENANTS[organization], domains=[domain], apps=[app], **more)

    def moves_in(self, organization: str) -> None:
        domain = f"{organization.lower()}.example"
        people = []
        for number in range(PEOPLE):
            address = f"user{number}@{domain}"
            tenant = {"tenant": TENANTS[organization]} if self.protocol == "graph" else {}
            self.sandbox.mailbox(address, **tenant)
            people.append(self.add_user(address, f"User {number}", organization, *(["--admin"] if not number else [])))
        self._connects(organization)
        for person in people:
            person.switches_on()
        self.runs()
        assert not Mailbox.objects.exclude(error_code="").exists()

    def _connects(self, organization: str) -> None:
        if self.protocol == "ews":
            self.connect(organization)
            return
        self.tenant(organization)
        here = ("--org", organization)
        self.done("connection", "set", "--version", "office365", "--tenant", TENANTS[organization], *here)
        self.done("connection", "test", *here)
        self.done("connection", "enable", *here)

    def runs(self) -> None:
        """Every mailbox at once, each in a thread of a worker."""
        ids = list(Mailbox.objects.values_list("pk", flat=True))
        with ThreadPoolExecutor(len(ids)) as pool:
            list(pool.map(lambda id: tasks._with_fresh_connection(tasks._run, id), ids))

    def tokens_end(self) -> None:
        Connection.objects.update(token_cache="")

    def refused(self) -> int:
        return sum(counts["logons_refused"] for counts in self.sandbox.counts().values())

    def logons(self) -> int:
        """Those the server took."""
        return sum(counts["logons"] for counts in self.sandbox.counts().values())

    def asked(self) -> int:
        """Requests for a token; discovery apart."""
        return sum(counts["token_requests"] for counts in self.sandbox.counts().values())

    def errors(self) -> set[str]:
        return set(Mailbox.objects.values_list("error_code", flat=True))

    def paused(self) -> set[str]:
        return set(Connection.objects.values_list("paused_code", flat=True))

    def an_hour_passes(self) -> None:
        """Real time, which no test moves."""
        past = datetime.now(UTC) - timedelta(seconds=1)
        SignIn.objects.update(until=past)
        Connection.objects.exclude(paused_code="").update(probe_at=past)


@pytest.fixture
def exchange(sandbox: Sandbox, transactional_db: None) -> Iterator[House]:
    house = House(sandbox, "ews", NOW)
    house.moves_in("Nordhavn")
    yield house
    house.close()


@pytest.fixture
def microsoft(sandbox: Sandbox, transactional_db: None) -> Iterator[House]:
    house = House(sandbox, "graph", NOW)
    for organization in TENANTS:
        house.moves_in(organization)
    yield house
    house.close()


def test_a_password_that_has_expired_is_one_log_on_until_it_is_mended(exchange: House) -> None:
    exchange.sandbox.account(ACCOUNT, ACCOUNT_PASSWORD, password_expired=True)
    exchange.sandbox.zero_counts()
    exchange.runs()
    exchange.runs()
    assert exchange.logons() == 1, "then there is silence"
    assert exchange.errors() == {"password_expired"}
    assert exchange.paused() == {"password_expired"}
    exchange.sandbox.account(ACCOUNT, ACCOUNT_PASSWORD)
    exchange.an_hour_passes()
    exchange.runs()
    exchange.runs()
    assert (exchange.errors(), exchange.paused()) == ({""}, {""})


def test_a_wrong_password_is_one_log_on_with_many_mailboxes_at_once(exchange: House) -> None:
    exchange.sandbox.account(ACCOUNT, "changed by somebody")
    exchange.sandbox.zero_counts()
    exchange.runs()
    assert exchange.refused() == 1
    exchange.runs()
    assert exchange.refused() == 1, "then there is silence"
    assert exchange.errors() == {"sign_in_refused"}
    exchange.sandbox.account(ACCOUNT, ACCOUNT_PASSWORD)
    exchange.an_hour_passes()
    exchange.runs()
    exchange.runs()
    assert (exchange.refused(), exchange.errors(), exchange.paused()) == (1, {""}, {""})


def test_with_basic_a_wrong_password_is_one_log_on_too(exchange: House) -> None:
    Connection.objects.update(auth="basic")
    exchange.sandbox.account(ACCOUNT, "changed by somebody")
    exchange.sandbox.zero_counts()
    exchange.runs()
    exchange.runs()
    assert exchange.refused() == 1


def test_an_expired_secret_is_one_token_request_for_all_organizations(microsoft: House) -> None:
    for organization in TENANTS:
        microsoft.tenant(organization, secret_expired=True)
    microsoft.tokens_end()
    microsoft.sandbox.zero_counts()
    microsoft.runs()
    assert microsoft.asked() == 1
    microsoft.runs()
    assert microsoft.asked() == 1, "then there is silence"
    assert microsoft.errors() == microsoft.paused() == {"secret_expired"}
    microsoft.an_hour_passes()
    microsoft.runs()
    assert microsoft.asked() == 2, "one an hour, not one for each organization"


def test_another_secret_is_tried_at_once_and_wakes_every_organization(microsoft: House) -> None:
    for organization in TENANTS:
        microsoft.tenant(organization, secret="the-next-secret")
    microsoft.tokens_end()
    microsoft.runs()
    assert microsoft.paused() == {"wrong_secret"}
    microsoft.settings(SAMKLANG_APP_SECRET="the-next-secret")
    microsoft.sandbox.zero_counts()
    access.try_new_credential()  # as a worker does that is started with it
    microsoft.runs()
    microsoft.runs()
    assert (microsoft.paused(), microsoft.errors()) == ({""}, {""})
    assert microsoft.asked() == len(TENANTS), "one token each"


def test_a_restart_with_the_secret_that_was_refused_asks_nobody(microsoft: House) -> None:
    for organization in TENANTS:
        microsoft.tenant(organization, secret="the-next-secret")
    microsoft.tokens_end()
    microsoft.runs()
    microsoft.sandbox.zero_counts()
    access.try_new_credential()
    microsoft.runs()
    assert microsoft.asked() == 0


def test_what_one_person_tests_after_it_was_mended_wakes_all(microsoft: House) -> None:
    for organization in TENANTS:
        microsoft.tenant(organization, secret_expired=True)
    microsoft.tokens_end()
    microsoft.runs()
    for organization in TENANTS:
        microsoft.tenant(organization, secret_expired=False)
    microsoft.done("connection", "test", "--org", "Sydhavn")
    microsoft.runs()
    microsoft.runs()
    assert (microsoft.paused(), microsoft.errors()) == ({""}, {""})


def test_an_app_that_one_tenant_refuses_goes_on_in_the_others(microsoft: House) -> None:
    microsoft.sandbox.tenant(TENANTS["Nordhavn"], domains=["nordhavn.example"], apps=[])
    microsoft.tokens_end()
    microsoft.sandbox.zero_counts()
    microsoft.runs()
    assert (microsoft.asked(), microsoft.paused()) == (2, {"", "app_not_found"})


def test_a_permission_withdrawn_for_all_mailboxes_pauses_their_connection_until_it_is_back(microsoft: House) -> None:
    app = {"client_id": APP, "secret": SECRET, "consented": True, "roles": ["User.Read.All"]}
    microsoft.sandbox.tenant(TENANTS["Nordhavn"], domains=["nordhavn.example"], apps=[app])
    microsoft.tokens_end()
    microsoft.runs()
    assert microsoft.paused() == {"", "permission_missing"}
    microsoft.an_hour_passes()
    microsoft.sandbox.zero_counts()
    microsoft.runs()
    assert microsoft.paused() == {"", "permission_missing"}
    assert microsoft.asked() == 1, "the probe's: no mailbox was tried"
    assert not any(microsoft.sandbox.counts(f"user{n}@nordhavn.example")["requests"] for n in range(PEOPLE))
    microsoft.tenant("Nordhavn")
    microsoft.an_hour_passes()
    for _ in range(2):
        microsoft.runs()
    assert (microsoft.paused(), microsoft.errors()) == ({""}, {""})


def test_a_token_that_ends_is_renewed_once_for_all_mailboxes(microsoft: House) -> None:
    microsoft.tokens_end()
    microsoft.sandbox.zero_counts()
    microsoft.runs()
    assert (microsoft.asked(), microsoft.errors()) == (len(TENANTS), {""})


def test_a_sign_in_that_asks_to_wait_is_left_alone_by_the_whole_tenant(microsoft: House) -> None:
    fault = {"protocol": "login", "operation": "token"}
    answer = {"status": 429, "headers": {"Retry-After": "600"}, "body": "{}", "content_type": "application/json"}
    microsoft.sandbox.fault("status", fault, {"times": 2}, **answer)
    microsoft.tokens_end()
    microsoft.sandbox.zero_counts()
    before = datetime.now(UTC)
    microsoft.runs()
    microsoft.runs()
    assert microsoft.asked() == len(TENANTS)
    assert (microsoft.errors(), microsoft.paused()) == ({"throttled"}, {""})
    waits = Mailbox.objects.values_list("wait_until", flat=True)
    assert all(wait and wait - before > timedelta(seconds=540) for wait in waits)


@pytest.mark.parametrize("kind", ["exchange", "microsoft"])
def test_worker_processes_try_once_together(request: pytest.FixtureRequest, kind: str) -> None:
    house: House = request.getfixturevalue(kind)
    house.sandbox.account(ACCOUNT, "changed by somebody")
    if kind == "microsoft":
        for organization in TENANTS:
            house.tenant(organization, secret_expired=True)
    house.tokens_end()
    house.sandbox.zero_counts()
    Mailbox.objects.update(next_due=datetime.now(UTC) - timedelta(seconds=1))
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                subprocess.Popen([sys.executable, "-m", "samklang", "worker"], stderr=subprocess.DEVNULL)
            )
            for _ in range(3)
        ]
        try:
            wait_until(lambda: "" not in house.paused())
        finally:
            for worker in workers:
                worker.terminate()
    assert house.refused() + house.asked() == 1
