"""Finding the user, the tenant, and what the connection test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from samklang.connectors.graph.access import GraphAccess
from samklang.connectors.graph.auth import Tokens
from samklang.connectors.graph.client import GraphClient
from samklang.connectors.graph.organization import Tenant, tenant_behind, tenant_of
from samklang.connectors.graph.probe import probe
from samklang.connectors.graph.users import find_user
from samklang.connectors.steps import Step
from samklang.sync.errors import ConnectionRefused, MailboxError
from tests.connectors.graph.conftest import ALICE, TENANT, Clock
from tests.sandbox_client import Sandbox


@pytest.fixture
def client(access: GraphAccess) -> GraphClient:
    return GraphClient(access, Tokens(access))


@pytest.mark.parametrize(
    ("asked", "matched_by"),
    [(ALICE, "primary"), ("ALICE@Example.COM", "primary"), ("al@example.com", "alias"), ("AL@example.com", "alias")],
)
def test_a_user_is_found_by_any_of_his_addresses_whatever_the_case(
    alice: str, client: GraphClient, asked: str, matched_by: str
) -> None:
    found = find_user(client, asked)
    assert (found.id, found.address, found.matched_by) == (alice, ALICE, matched_by)
    assert [one.casefold() for one in found.aliases] == [ALICE, "al@example.com"]


BOB = "bob@example.com"


def test_a_user_is_found_by_a_sign_in_name_that_is_no_address_of_his(sandbox: Sandbox, client: GraphClient) -> None:
    sandbox.mailbox(BOB, name="Bob", tenant=TENANT, user_principal_name="bd@corp.example.com")
    found = find_user(client, "BD@corp.example.com")
    assert (found.address, found.matched_by) == (BOB, "primary")
    assert found.aliases == (BOB, "BD@corp.example.com")
    assert find_user(client, BOB).id == found.id


def test_an_address_that_is_one_users_mail_and_anothers_sign_in_name_is_ambiguous(
    sandbox: Sandbox, alice: str, client: GraphClient
) -> None:
    sandbox.mailbox(BOB, name="Bob", tenant=TENANT, user_principal_name=ALICE)
    with pytest.raises(MailboxError) as ambiguous:
        find_user(client, ALICE)
    assert ambiguous.value.code == "mailbox_ambiguous"
    assert find_user(client, "al@example.com").id == alice, "his other address is his alone"


@pytest.mark.parametrize("address", ["nobody@example.com", "o'brien@example.com"])
def test_an_address_nobody_has_is_named(alice: str, client: GraphClient, address: str) -> None:
    with pytest.raises(MailboxError) as missing:
        find_user(client, address)
    assert missing.value.code == "mailbox_not_found"


def test_without_the_permission_to_read_users_the_connection_is_refused(
    alice: str, access: GraphAccess, tenant: Callable[..., None]
) -> None:
    tenant({"roles": ["Calendars.ReadWrite"]})
    with pytest.raises(ConnectionRefused) as refused:
        find_user(GraphClient(access, Tokens(access)), ALICE)
    assert refused.value.code == "permission_missing"


def test_the_tenant_tells_its_verified_domains(client: GraphClient) -> None:
    tenant = tenant_of(client)
    assert tenant.id == TENANT
    assert tenant.holds(["anna@example.com", "Bo@EXAMPLE.com"])
    assert tenant.holds(["anna@example.com", "consultant@other.example"])
    assert not tenant.holds(["eve@other.example", "anna@notexample.com"])
    assert not tenant.holds([])


def names(steps: list[Step]) -> list[str]:
    return [step.name for step in steps]


def test_the_connection_test_names_each_step_it_passes(sandbox: Sandbox, alice: str, access: GraphAccess) -> None:
    steps = list(probe(access, Tokens(access), Clock(), ALICE, write=True))
    assert all(step.error is None for step in steps), steps
    assert names(steps) == ["token", "permissions", "organization", "user", "calendar read", "calendar write"]
    assert sandbox.entries(ALICE) == []
    assert sandbox.mails() == []


def test_the_connection_test_writes_nothing_unless_told(sandbox: Sandbox, alice: str, access: GraphAccess) -> None:
    assert names(list(probe(access, Tokens(access), Clock(), ALICE)))[-1] == "calendar read"
    assert not any(sandbox.counts(ALICE)["writes"].values())


def test_the_connection_test_ends_at_the_step_that_fails(alice: str, access: GraphAccess) -> None:
    (step,) = probe(replace(access, secret="wrong"), Tokens(replace(access, secret="wrong")), Clock(), ALICE)
    assert step.error is not None
    assert (step.name, step.error.code) == ("token", "wrong_secret")
    *_, last = probe(access, Tokens(access), Clock(), "nobody@example.com")
    assert last.error is not None
    assert (last.name, last.error.code) == ("user", "mailbox_not_found")


def test_a_consent_that_has_not_arrived_yet_lacks_its_permissions(
    alice: str, access: GraphAccess, tenant: Callable[..., None]
) -> None:
    tenant({"roles": []})
    for address in (None, ALICE):
        *_, last = probe(access, Tokens(access), Clock(), address)
        assert last.error is not None
        assert (last.name, last.error.code) == ("permissions", "permission_missing")
        assert last.error.detail == "Calendars.ReadWrite User.Read.All"


@pytest.mark.parametrize(
    ("granted", "lacks"),
    [
        (["Calendars.ReadWrite"], "User.Read.All"),
        (["Calendars.ReadWrite", "Organization.Read.All"], "User.Read.All"),
        (["Calendars.Read", "User.Read.All"], "Calendars.ReadWrite"),
        (["Calendars.ReadBasic.All", "Directory.Read.All"], "Calendars.ReadWrite"),
    ],
)
def test_a_part_of_the_permissions_is_not_enough_and_what_is_missing_is_named(
    alice: str, access: GraphAccess, tenant: Callable[..., None], granted: list[str], lacks: str
) -> None:
    tenant({"roles": granted})
    *_, last = probe(access, Tokens(access), Clock(), ALICE)
    assert last.error is not None
    assert (last.name, last.error.code, last.error.detail) == ("permissions", "permission_missing", lacks)


def test_where_some_mailboxes_alone_are_open_each_says_for_itself(
    sandbox: Sandbox, alice: str, access: GraphAccess, tenant: Callable[..., None]
) -> None:
    sandbox.mailbox(BOB, name="Bob", tenant=TENANT)
    tenant({"roles": ["User.Read.All"], "scopes": [{"mailboxes": [ALICE]}]})
    steps = list(probe(access, Tokens(access), Clock(), ALICE, write=True))
    assert all(step.error is None for step in steps), steps
    *_, last = probe(access, Tokens(access), Clock(), BOB)
    assert last.error is not None
    assert (last.name, last.error.code) == ("calendar read", "calendar_not_granted")
    *_, last = probe(access, Tokens(access), Clock())
    assert last.error is not None
    assert last.error.detail == "Calendars.ReadWrite", "without a mailbox to look at nothing tells of a scope"


def test_a_tenant_that_hides_its_organization_is_known_by_its_token(
    sandbox: Sandbox, alice: str, access: GraphAccess, client: GraphClient
) -> None:
    hidden = {"status": 403, "code": "Authorization_RequestDenied"}
    sandbox.fault("response_code", {"protocol": "graph", "operation": "organization.list"}, **hidden)
    assert tenant_behind(client, Tokens(access)) == Tenant(TENANT, "", frozenset())
    assert all(step.error is None for step in probe(access, Tokens(access), Clock(), ALICE))
