"""Signing in as an application: what Microsoft answers, and to whom it is denied with which code."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any

import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.connectors.tls import made_certificate
from tests.sandbox.graph_client import ALICE, APP, BOB, ROLES, SECRET, TENANT, Graph, code, graph, timed
from tests.sandbox_client import Sandbox

__all__ = ["graph"]


def claims(token: str) -> dict[str, object]:
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "==")))


def tenant(sandbox: Sandbox, **details: object) -> None:
    app = {"client_id": APP, "secret": SECRET, "consented": True, "roles": ROLES}
    sandbox.tenant(TENANT, **({"domains": ["example.com"], "apps": [app]} | details))


def test_a_token_names_tenant_app_and_roles(graph: Graph) -> None:
    answer = graph.sign_in()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3599)
    found = claims(answer["access_token"])
    assert (found["tid"], found["appid"], found["roles"]) == (TENANT, APP, ROLES)
    assert graph.sign_in("example.com")["token_type"] == "Bearer"


def test_microsofts_own_library_signs_in(graph: Graph) -> None:
    app = msal.ConfidentialClientApplication(
        APP,
        authority=f"{graph.sandbox.login}/{TENANT}",
        client_credential=SECRET,
        instance_discovery=False,
        http_client=graph.http,
    )
    found = app.acquire_token_for_client(["https://graph.microsoft.com/.default"])
    assert claims(found["access_token"])["roles"] == ROLES


def test_instance_discovery_is_answered_where_msal_asks(graph: Graph) -> None:
    endpoint = graph.sandbox.login.replace("/login", "/common/discovery/instance")
    app = msal.ConfidentialClientApplication(
        APP,
        authority=f"{graph.sandbox.login}/{TENANT}",
        client_credential=SECRET,
        instance_discovery=endpoint,
        http_client=graph.http,
    )
    assert "access_token" in app.acquire_token_for_client(["https://graph.microsoft.com/.default"])


@pytest.mark.parametrize(
    ("form", "number"),
    [
        ({"client_secret": "wrong"}, 7000215),
        ({"client_secret": ""}, 7000218),
        ({"client_id": "00000000-0000-0000-0000-000000000000"}, 700016),
        ({"tenant": "nobody.example"}, 90002),
        ({"grant_type": "password"}, 70003),
        ({"scope": "Calendars.ReadWrite"}, 1002012),
        ({"client_assertion": "x.y.z", "client_secret": ""}, 700027),
    ],
)
def test_each_refusal_has_its_own_code(graph: Graph, form: dict[str, str], number: int) -> None:
    answer = graph.sign_in(**form)
    assert answer["error_codes"] == [number]
    assert answer["error_description"].startswith(f"AADSTS{number}:")


@pytest.mark.parametrize(
    ("changed", "believed"),
    [
        ({}, True),
        ({"alg": "RS256"}, True),
        ({"aud": "https://login.microsoftonline.com/common"}, False),
        ({"exp": 1_000_000_000}, False),
        ({"nbf": 4_000_000_000}, False),
        ({"sub": "another"}, False),
        ({"jti": ""}, False),
        ({"thumbprint": b"another"}, False),
        ({"signed": b"another text"}, False),
        ({"type": "another"}, False),
    ],
    ids=lambda value: next(iter(value), "as it should be") if isinstance(value, dict) else None,
)
def test_a_proof_by_certificate_is_held_to_all_it_says(graph: Graph, changed: dict[str, Any], believed: bool) -> None:
    certificate, key = made_certificate()
    tenant(graph.sandbox, apps=[{"client_id": APP, "certificate": certificate, "consented": True, "roles": ROLES}])
    endpoint = f"{graph.sandbox.login}/{TENANT}/oauth2/v2.0/token"
    claims = {"aud": endpoint, "iss": APP, "sub": APP, "exp": time.time() + 600, "jti": "1", "nbf": time.time()}
    alg = changed.get("alg", "PS256")
    der = x509.load_pem_x509_certificate(certificate.encode()).public_bytes(serialization.Encoding.DER)
    name, digest = ("x5t#S256", hashlib.sha256(der)) if alg == "PS256" else ("x5t", hashlib.sha1(der))
    header = {"alg": alg, "typ": "JWT", name: encoded(changed.get("thumbprint", digest.digest()))}
    claims |= {name: value for name, value in changed.items() if name in claims}
    text = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    private = serialization.load_pem_private_key(key.encode(), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if alg == "PS256" else padding.PKCS1v15()
    signature = private.sign(changed.get("signed", text.encode()), scheme, hashes.SHA256())
    answer = graph.sign_in(
        client_secret="",
        client_assertion=f"{text}.{encoded(signature)}",
        client_assertion_type=changed.get("type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
    )
    assert ("access_token" in answer, answer.get("error_codes")) == (believed, None if believed else [700027])


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def test_an_expired_secret_and_a_missing_consent_are_told_apart(graph: Graph) -> None:
    tenant(graph.sandbox, secret_expired=True)
    assert graph.sign_in()["error_codes"] == [7000222]
    tenant(graph.sandbox, apps=[{"client_id": APP, "secret": SECRET, "consented": False}])
    assert graph.sign_in()["error_codes"] == [700016]


def test_conditional_access_can_be_ordered(graph: Graph) -> None:
    graph.sandbox.fault("response_code", {"protocol": "login", "operation": "token"}, code=53003)
    assert graph.sign_in()["error_codes"] == [53003]
    assert graph.sandbox.counts()[""]["token_requests"] == 2


def test_graph_wants_a_token_that_lives_and_the_permission_for_the_operation(graph: Graph) -> None:
    assert code(Graph(graph.sandbox, "rubbish").call("GET", "/users")) == (401, "InvalidAuthenticationToken")
    changed = graph.token[:-4] + "AAAA"
    assert code(Graph(graph.sandbox, changed).call("GET", "/users")) == (401, "InvalidAuthenticationToken")
    app = {"client_id": APP, "secret": SECRET, "consented": True, "roles": ["Mail.Read"]}
    tenant(graph.sandbox, apps=[app])
    poor = Graph(graph.sandbox)
    assert code(poor.call("GET", "/users")) == (403, "Authorization_RequestDenied")
    assert code(poor.call("GET", "/users/alice@example.com/events")) == (403, "ErrorAccessDenied")


def test_a_role_over_some_mailboxes_opens_those_alone(graph: Graph) -> None:
    scope = {"mailboxes": ["AL@example.com"]}
    app = {"client_id": APP, "secret": SECRET, "consented": True, "roles": ["User.Read.All"], "scopes": [scope]}
    tenant(graph.sandbox, apps=[app])
    scoped = Graph(graph.sandbox)
    assert claims(scoped.token)["roles"] == ["User.Read.All"], "the token does not tell of it"
    assert scoped.create(ALICE, subject="x", **timed("2026-03-02"))["id"]
    assert code(scoped.call("GET", f"/users/{BOB}/events")) == (403, "ErrorAccessDenied")
    tenant(graph.sandbox, apps=[app | {"roles": ROLES}])
    assert Graph(graph.sandbox).call("GET", f"/users/{BOB}/events").status_code == 200, "consent and scope are a union"


def test_a_scope_alone_makes_the_app_known_without_any_consent(graph: Graph) -> None:
    app = {"client_id": APP, "secret": SECRET, "scopes": [{"mailboxes": [ALICE], "role": "Calendars.Read"}]}
    tenant(graph.sandbox, apps=[app])
    scoped = Graph(graph.sandbox)
    assert "roles" not in claims(scoped.token)
    assert scoped.call("GET", f"/users/{ALICE}/events").status_code == 200
    assert code(scoped.call("POST", f"/users/{ALICE}/events", {"subject": "x"})) == (403, "ErrorAccessDenied")


def test_what_is_taken_away_holds_for_a_while(graph: Graph) -> None:
    scope, delays = {"mailboxes": [ALICE]}, {"withdrawal_delay_seconds": 3600, "scope_delay_seconds": 3600}
    app = {"client_id": APP, "secret": SECRET, "consented": True, "roles": ["User.Read.All"], "scopes": [scope]}
    tenant(graph.sandbox, apps=[app], **delays)
    tenant(graph.sandbox, apps=[app | {"consented": False, "scopes": [{"mailboxes": [BOB]}]}], **delays)
    cached = Graph(graph.sandbox)
    assert claims(cached.token)["roles"] == ["User.Read.All"]
    assert cached.call("GET", f"/users/{ALICE}/events").status_code == 200
    assert cached.call("GET", f"/users/{BOB}/events").status_code == 403
    tenant(graph.sandbox, apps=[app | {"consented": False, "scopes": [{"mailboxes": [BOB]}]}])
    late = Graph(graph.sandbox)
    assert "roles" not in claims(late.token)
    assert late.call("GET", f"/users/{ALICE}/events").status_code == 403
    assert late.call("GET", f"/users/{BOB}/events").status_code == 200


def test_a_sign_in_name_may_be_another_than_the_address(graph: Graph) -> None:
    graph.sandbox.change_mailbox(BOB, user_principal_name="bd@example.com")
    (bob,) = graph.get("/users", filter="userPrincipalName eq 'bd@example.com'")["value"]
    assert (bob["mail"], bob["userPrincipalName"]) == (BOB, "bd@example.com")
    assert graph.get("/users/bd@example.com")["id"] == bob["id"]
    assert graph.call("GET", f"/users/{BOB}").status_code == 404


def test_discovery_of_an_unknown_tenant_is_refused(graph: Graph) -> None:
    url = f"{graph.sandbox.login}/nobody.example/v2.0/.well-known/openid-configuration"
    answer: requests.Response = graph.http.get(url)
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])
