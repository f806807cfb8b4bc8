"""Severa's front door: signing in, scopes, errors, the quota and faults."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from samklang.sandbox.severa.quota import Quota
from samklang.sandbox.store import Store
from tests.sandbox.severa_client import CLIENT, SCOPES, Severa, needs_document, refusal, severa
from tests.sandbox_client import Sandbox
from tests.web import severa_document

__all__ = ["severa"]

QUOTA = "API calls quota exceeded! maximum admitted 10 per 1s."


def test_a_client_signs_in_with_its_credentials_and_calls_with_the_token(severa: Severa) -> None:
    token = severa.sign_in().json()
    assert token["access_token_type"] == "Bearer"
    assert token["access_token_expires_in"] == 3600
    assert datetime.fromisoformat(token["access_token_expires_utc"]) > datetime.now(UTC)
    assert set(token["scope"].split()) == set(SCOPES)
    assert severa.call("GET", "/heartbeat/authorized").status_code == 204


@needs_document
def test_the_token_is_as_the_document_says(severa: Severa) -> None:
    severa_document.check("PublicAuthenticationOutputModel", severa.sign_in().json())


@pytest.mark.parametrize("separator", [",", ", ", " "])
def test_scopes_are_separated_in_every_way_clients_use(severa: Severa, separator: str) -> None:
    granted = severa.sign_in(scope=separator.join(("users:read", "settings:read"))).json()["scope"]
    assert granted.split() == ["users:read", "settings:read"]


def test_field_names_of_the_credentials_have_any_case(severa: Severa) -> None:
    sent = {"client_Id": CLIENT, "client_Secret": "s3cret"}
    assert severa.call("POST", "/v1/token", sent).status_code == 200


def test_wrong_credentials_and_scopes_are_refused(severa: Severa) -> None:
    assert refusal(severa.sign_in(client_secret="wrong")) == (401, "AuthenticationRequired")
    assert refusal(severa.sign_in(client_id="nobody")) == (401, "AuthenticationRequired")
    assert refusal(severa.sign_in(scope="invoices:write")) == (401, "InsufficientApiScope")
    assert refusal(severa.sign_in(client_id="")) == (400, "InvalidParameter")
    form = severa.http.post(severa.sandbox.severa + "/v1/token", data={"client_id": CLIENT}, timeout=30)
    assert form.status_code == 415


def test_a_refresh_token_serves_once_and_signing_out_ends_it(severa: Severa) -> None:
    first = severa.sign_in().json()["refresh_token"]
    second = severa.ok(severa.call("POST", "/v1/refreshtoken", first))
    assert refusal(severa.call("POST", "/v1/refreshtoken", first)) == (401, "AuthenticationRequired")
    severa.headers["Authorization"] = f"Bearer {second['access_token']}"
    assert severa.call("POST", "/v1/signout", second["refresh_token"]).status_code == 200
    assert severa.call("POST", "/v1/refreshtoken", second["refresh_token"]).status_code == 401
    assert severa.call("GET", "/heartbeat/authorized").status_code == 204, "the access token lives until it expires"


def test_the_oauth_route_gives_the_same_token(severa: Severa) -> None:
    sent = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": "s3cret"}
    token = severa.ok(severa.call("POST", "/v1/login/oauth/access_token", sent))
    again = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    assert severa.call("POST", "/v1/login/oauth/access_token", again).status_code == 200
    refused = severa.call("POST", "/v1/login/oauth/access_token", {"grant_type": "authorization_code"})
    assert refusal(refused) == (400, "InvalidParameter")


def test_a_call_without_token_or_client_id_is_refused(severa: Severa) -> None:
    token = severa.headers.pop("Authorization")
    assert refusal(severa.call("GET", "/heartbeat/authorized")) == (401, "AuthenticationRequired")
    severa.headers = {"Authorization": token}
    assert refusal(severa.call("GET", "/heartbeat/authorized")) == (401, "AuthenticationRequired")
    severa.behaves(client_id_header="optional")
    assert severa.call("GET", "/heartbeat/authorized").status_code == 204


def test_a_token_expires(severa: Severa) -> None:
    severa.behaves(token_seconds=0)
    severa.sign_in()
    assert refusal(severa.call("GET", "/heartbeat/authorized")) == (401, "AuthenticationRequired")


def test_heartbeats_need_no_token_and_both_versions_answer(severa: Severa) -> None:
    severa.headers = {}
    assert severa.get("/heartbeat/server") == "Server is alive."
    assert severa.call("POST", "/v1.0/token", {"client_id": CLIENT, "client_secret": "s3cret"}).status_code == 200


def test_calls_beyond_the_quota_are_refused_in_severas_words(severa: Severa) -> None:
    severa.behaves(requests_per_second=10)
    answers: list[requests.Response] = []
    while len(answers) < 500 and not (answers and answers[-1].status_code == 429):  # a slow machine needs a while
        answers.append(severa.call("GET", "/heartbeat/authorized"))
    assert answers[-1].status_code == 429
    assert {answer.status_code for answer in answers[:-1]} == {204}
    assert answers[-1].text == QUOTA
    assert "Retry-After" not in answers[-1].headers
    assert severa.sandbox.counts(CLIENT)["max_per_second"] >= 10
    severa.behaves(requests_per_second=1, retry_after=True)
    while (answer := severa.call("GET", "/heartbeat/authorized")).status_code != 429:
        pass
    assert answer.headers["Retry-After"] == "1"


def test_the_quota_is_ten_calls_in_a_second_of_each_client(tmp_path: Path) -> None:
    moment = [100.0]
    store = Store(tmp_path)
    quota = Quota(store, lambda: moment[0])

    def refused(client: str, calls: int) -> list[bool]:
        return [quota.exceeded(client) for _ in range(calls)]

    assert refused("one", 12) == [False] * 10 + [True] * 2
    assert refused("two", 3) == [False] * 3
    moment[0] += 0.999
    assert refused("one", 1) == [True]
    moment[0] += 0.001
    assert refused("one", 11) == [False] * 10 + [True]
    moment[0] += 0.5
    assert refused("three", 2) == [False] * 2
    assert {name: found["max_per_second"] for name, found in store.counters().items()} == {
        "one": 13,
        "two": 3,
        "three": 2,
    }
    store.close()


def test_faults_strike_severa_too(severa: Severa, sandbox: Sandbox) -> None:
    only = {"protocol": "severa", "operation": r"heartbeat\.authorized", "mailbox": CLIENT}
    for kind, what, expected in (
        ("throttle", {"seconds": 3}, 429),
        ("status", {"status": 503}, 503),
        ("token_invalid", {}, 401),
        ("response_code", {"code": "AddonMissing"}, 403),
    ):
        sandbox.clear_faults()
        sandbox.fault(kind, only, {"times": 1}, **what)
        struck = severa.call("GET", "/heartbeat/authorized")
        assert struck.status_code == expected, kind
        assert severa.call("GET", "/heartbeat/authorized").status_code == 204
        if kind == "throttle":
            assert struck.headers["Retry-After"] == "3"


def test_an_unknown_path_is_404(severa: Severa) -> None:
    assert severa.call("GET", "/v1/nothing").status_code == 404


def test_requests_are_counted_by_kind_and_logged_without_contents(severa: Severa, sandbox: Sandbox) -> None:
    sandbox.zero_counts()
    severa.sign_in()
    severa.call("GET", "/heartbeat/authorized")
    counts = sandbox.counts(CLIENT)
    assert counts["by_operation"] == {"token.create": 1, "heartbeat.authorized": 1}
    assert counts["requests"] == 2
    assert counts["token_requests"] == 1
    assert [(row["protocol"], row["operation"], row["status"]) for row in sandbox.log()][-1] == (
        "severa",
        "heartbeat.authorized",
        204,
    )
