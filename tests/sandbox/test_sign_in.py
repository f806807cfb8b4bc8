"""A person signs in to an app with Microsoft: what the pages and the token endpoint of the sandbox say."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import msal
import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.sandbox.graph_client import ALICE, APP, BOB, ROLES, SECRET, TENANT, Graph, graph

__all__ = ["graph"]

BACK = "http://localhost/back"
VERIFIER = "a-verifier-of-forty-three-characters-or-more-0123"
FOREIGN, MALLORY = "99999999-0000-4000-8000-000000000001", "mallory@elsewhere.example"


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Person:
    """A browser at Microsoft, and the app's own request for a token."""

    def __init__(self, graph: Graph) -> None:
        self.sandbox, self.http = graph.sandbox, graph.http

    def address(self, tenant: str = TENANT, **changed: str) -> str:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
        asked = {"client_id": APP, "response_type": "code", "redirect_uri": BACK, "scope": "openid profile email"}
        asked |= {"state": "s&1", "nonce": "n-1", "code_challenge": challenge, "code_challenge_method": "S256"}
        sent = {name: value for name, value in (asked | changed).items() if value}
        return f"{self.sandbox.pages}/login/{tenant}/oauth2/v2.0/authorize?{urlencode(sent)}"

    def chooses(self, account: str, address: str = "", **form: str) -> requests.Response:
        form = {"account": account, **form}
        return self.http.post(address or self.address(), data=form, allow_redirects=False, timeout=20)

    def code(self, account: str = ALICE, **changed: str) -> str:
        return back(self.chooses(account, self.address(**changed)))["code"]

    def redeems(self, code: str, tenant: str = TENANT, **changed: str) -> dict[str, Any]:
        form = {"client_id": APP, "client_secret": SECRET, "grant_type": "authorization_code", "code": code}
        form |= {"redirect_uri": BACK, "code_verifier": VERIFIER}
        url = f"{self.sandbox.login}/{tenant}/oauth2/v2.0/token"
        return dict(self.http.post(url, data=form | changed, timeout=20).json())

    def claims(self, account: str = ALICE, **changed: str) -> dict[str, Any]:
        tenant = changed.get("tenant", TENANT)
        token = self.redeems(self.code(account, **changed), tenant)["id_token"]
        return dict(json.loads(decoded(token.split(".")[1])))


def back(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


@pytest.fixture
def person(graph: Graph) -> Person:
    return Person(graph)


def test_microsofts_own_library_signs_a_person_in(person: Person) -> None:
    app = msal.ConfidentialClientApplication(
        APP,
        authority=f"{person.sandbox.login}/{TENANT}",
        client_credential=SECRET,
        instance_discovery=False,
        http_client=person.http,
    )
    flow = app.initiate_auth_code_flow(["email"], redirect_uri=BACK)
    answer = back(person.chooses(ALICE, flow["auth_uri"]))
    found = app.acquire_token_by_auth_code_flow(flow, answer)
    claims = found["id_token_claims"]
    issuer = f"{person.sandbox.login}/{TENANT}/v2.0"
    assert (claims["tid"], claims["iss"], claims["aud"], claims["ver"]) == (TENANT, issuer, APP, "2.0")
    assert (claims["preferred_username"], claims["email"]) == (ALICE, ALICE)
    assert claims["oid"]


def test_the_key_set_it_names_proves_the_signature(person: Person) -> None:
    place = f"{person.sandbox.login}/{TENANT}/v2.0/.well-known/openid-configuration"
    configuration = person.http.get(place, timeout=20).json()
    (jwk,) = person.http.get(configuration["jwks_uri"], timeout=20).json()["keys"]
    token = person.redeems(person.code())["id_token"]
    head, body, signature = token.split(".")
    assert json.loads(decoded(head)) == {"typ": "JWT", "alg": "RS256", "kid": jwk["kid"]}
    e, n = (int.from_bytes(decoded(jwk[name]), "big") for name in "en")
    key = rsa.RSAPublicNumbers(e, n).public_key()
    key.verify(decoded(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    nobody = f"{person.sandbox.login}/organizations/v2.0/.well-known/openid-configuration"
    assert person.http.get(nobody, timeout=20).json()["issuer"] == f"{person.sandbox.login}/{{tenantid}}/v2.0"


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"code": "rubbish"}, 70000),
        ({"code_verifier": "another-verifier-of-forty-three-characters-0123"}, 501481),
        ({"code_verifier": ""}, 501481),
        ({"redirect_uri": "http://localhost/elsewhere"}, 500112),
        ({"client_secret": "wrong"}, 7000215),
        ({"tenant": FOREIGN}, 700005),
    ],
)
def test_a_code_serves_only_who_asked_for_it(person: Person, changed: dict[str, str], number: int) -> None:
    person.sandbox.tenant(FOREIGN, domains=["elsewhere.example"])
    assert person.redeems(**({"code": person.code()} | changed))["error_codes"] == [number]


def test_a_code_serves_once(person: Person) -> None:
    code = person.code()
    assert "id_token" in person.redeems(code)
    assert person.redeems(code)["error_codes"] == [54005]


def test_who_declines_goes_back_with_an_error(person: Person) -> None:
    answer = back(person.chooses(ALICE, decision="cancel"))
    assert (answer["error"], answer["error_subcode"], answer["state"]) == ("access_denied", "cancel", "s&1")
    assert answer["error_description"].startswith("AADSTS65004")


def test_without_an_administrators_consent_a_person_consents_for_himself_if_his_tenant_lets_him(
    person: Person,
) -> None:
    app = {"client_id": APP, "secret": SECRET, "consented": False, "roles": ROLES}
    person.sandbox.tenant(TENANT, domains=["example.com"], apps=[app])
    assert "View your basic profile" in person.chooses(ALICE).text
    assert "id_token" in person.redeems(back(person.chooses(ALICE, decision="accept"))["code"])
    assert person.chooses(ALICE).status_code == 302, "once"
    person.sandbox.tenant(TENANT, domains=["example.com"], apps=[app], user_consent=False)
    refused = person.chooses(BOB, decision="accept")
    assert (refused.status_code, "AADSTS90094" in refused.text) == (403, True)


def test_a_guest_is_another_object_and_named_by_his_identity_provider(person: Person) -> None:
    app = {"client_id": APP, "secret": SECRET, "consented": True, "roles": ROLES}
    person.sandbox.mailbox(MALLORY, name="Mallory")
    person.sandbox.tenant(FOREIGN, domains=["elsewhere.example"], apps=[app])
    person.sandbox.tenant(TENANT, domains=["example.com"], apps=[app], guests=[MALLORY])
    at_home, as_guest = (person.claims(MALLORY, tenant=place) for place in ("organizations", TENANT))
    assert (at_home["tid"], as_guest["tid"]) == (FOREIGN, TENANT)
    assert at_home["oid"] != as_guest["oid"]
    assert ("idp" in at_home, "idp" in as_guest) == (False, True)
    assert person.chooses(MALLORY, person.address("example.com"), decision="").status_code == 302


def test_a_tenant_may_let_a_token_say_anything(person: Person) -> None:
    app = {"client_id": APP, "secret": SECRET, "consented": True, "roles": ROLES}
    person.sandbox.tenant(TENANT, domains=["example.com"], apps=[app], claims={ALICE: {"email": "boss@example.org"}})
    assert person.claims()["email"] == "boss@example.org"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tenant": "nobody.example"}, "AADSTS90002"),
        ({"client_id": "unknown"}, "AADSTS700016"),
        ({"redirect_uri": ""}, "AADSTS50011"),
    ],
)
def test_nobody_is_sent_to_an_address_that_cannot_be_trusted(
    person: Person, changed: dict[str, str], words: str
) -> None:
    answer = person.chooses(ALICE, person.address(**changed))
    assert (answer.status_code, words in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "unsupported_response_type"),
        ({"scope": "User.Read"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ],
)
def test_what_is_asked_wrongly_goes_back_as_an_error(person: Person, changed: dict[str, str], error: str) -> None:
    assert back(person.chooses(ALICE, person.address(**changed)))["error"] == error
