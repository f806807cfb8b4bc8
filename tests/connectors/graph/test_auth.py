"""App-only tokens from the sandbox's sign-in, by msal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from samklang.connectors.graph.access import GraphAccess
from samklang.connectors.graph.auth import Tokens
from samklang.sync.errors import ConnectionRefused, ProtocolError, SyncError, Throttled, Unavailable
from tests.connectors.graph.conftest import APP, SECRET
from tests.connectors.tls import made_certificate
from tests.sandbox_client import Sandbox

Make = Callable[..., None]


class Kept:
    """A token store in memory."""

    def __init__(self) -> None:
        self.cache: str | None = None

    def load(self) -> str | None:
        return self.cache

    def save(self, cache: str) -> None:
        self.cache = cache


def asked(sandbox: Sandbox) -> int:
    """Requests for a token so far; discovery apart."""
    return sum(1 for each in sandbox.log() if each["protocol"] == "login" and each["operation"] == "token")


def test_a_token_is_asked_for_once_and_kept_between_runs(sandbox: Sandbox, access: GraphAccess) -> None:
    store = Kept()
    tokens = Tokens(access, store)
    assert tokens.get() == tokens.get()
    later = Tokens(access, store)
    assert later.get() == tokens.get()
    assert later.counts.requests == 0
    assert asked(sandbox) == 1


def test_a_token_kept_for_another_tenant_is_never_used(sandbox: Sandbox, access: GraphAccess) -> None:
    store = Kept()
    first = Tokens(access, store).get()
    other = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    app = {"client_id": APP, "secret": SECRET, "consented": True, "roles": []}
    sandbox.tenant(other, domains=["other.example"], apps=[app])
    assert Tokens(replace(access, tenant=other), store).get() != first


def test_a_token_the_service_refused_is_replaced(sandbox: Sandbox, access: GraphAccess) -> None:
    store = Kept()
    tokens = Tokens(access, store)
    first = tokens.get()
    second = tokens.renew(first)
    assert first != second
    assert Tokens(access, store).get() == second
    assert asked(sandbox) == 2


def test_the_tokens_roles_are_read(access: GraphAccess, tenant: Make) -> None:
    assert Tokens(access).roles() == {"Calendars.ReadWrite", "User.Read.All"}
    tenant({"roles": []})
    assert Tokens(access).roles() == frozenset()


def refusal(access: GraphAccess) -> ConnectionRefused:
    with pytest.raises(ConnectionRefused) as refused:
        Tokens(access).get()
    return refused.value


def test_a_wrong_secret_is_named(access: GraphAccess) -> None:
    error = refusal(replace(access, secret="wrong"))
    assert (error.code, error.detail) == ("wrong_secret", "AADSTS7000215")
    assert "wrong" not in str(error).replace("wrong_secret", "")


def test_an_expired_secret_is_named(access: GraphAccess, tenant: Make) -> None:
    tenant(secret_expired=True)
    assert refusal(access).code == "secret_expired"


def test_an_app_that_was_never_consented_to_is_named(access: GraphAccess, tenant: Make) -> None:
    tenant({"consented": False})
    assert refusal(access).code == "app_not_found"


def test_an_unknown_tenant_is_named(access: GraphAccess) -> None:
    assert refusal(replace(access, tenant="nowhere.example")).code == "tenant_not_found"


def test_conditional_access_is_named(sandbox: Sandbox, access: GraphAccess) -> None:
    sandbox.fault("token_invalid", {"protocol": "login", "operation": "token"})
    assert refusal(access).code == "conditional_access"


def test_after_a_refusal_nobody_is_asked_again_until_reset(sandbox: Sandbox, access: GraphAccess, tenant: Make) -> None:
    tenant(secret_expired=True)
    tokens = Tokens(access)
    for _ in range(3):
        with pytest.raises(ConnectionRefused):
            tokens.get()
    assert asked(sandbox) == 1
    tenant(secret_expired=False)
    tokens.reset()
    assert tokens.get()


@pytest.mark.parametrize(
    ("operation", "fault", "kind"),
    [
        ("openid-configuration", "status", Unavailable),
        ("openid-configuration", "html", ProtocolError),
        ("openid-configuration", "drop", Unavailable),
        ("token", "status", Unavailable),
        ("token", "html", ProtocolError),
        ("token", "drop", Unavailable),
        ("token", "throttle", Throttled),
    ],
)
def test_a_sign_in_service_in_trouble_is_no_refusal(
    sandbox: Sandbox, access: GraphAccess, operation: str, fault: str, kind: type[SyncError]
) -> None:
    sandbox.fault(fault, {"protocol": "login", "operation": operation})
    tokens = Tokens(access)
    with pytest.raises(kind):
        tokens.get()
    sandbox.clear_faults()
    assert tokens.get()


def test_a_certificate_serves_in_place_of_a_secret(access: GraphAccess, tenant: Callable[..., None]) -> None:
    certificate, key = made_certificate()
    tenant({"certificate": certificate, "secret": ""})
    assert Tokens(replace(access, secret=None, certificate=key + certificate)).get()


@pytest.mark.parametrize("way", ["another key", "another certificate", "an expired one", "none registered"])
def test_a_certificate_that_is_not_the_registered_one_is_refused(
    access: GraphAccess, tenant: Callable[..., None], way: str
) -> None:
    certificate, key = made_certificate(until=2021 if way == "an expired one" else 2040)
    other, other_key = made_certificate()
    tenant({"certificate": {"another certificate": other, "none registered": ""}.get(way, certificate)})
    shown = (other_key if way == "another key" else key) + certificate
    assert refusal(replace(access, secret=None, certificate=shown)).code == "certificate_refused"


def test_a_certificate_without_its_key_is_refused_before_anybody_is_asked(
    sandbox: Sandbox, access: GraphAccess
) -> None:
    assert refusal(replace(access, secret=None, certificate="-----BEGIN CERTIFICATE-----")).code == (
        "certificate_unusable"
    )
    assert asked(sandbox) == 0
