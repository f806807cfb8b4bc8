"""Requests to Severa: tokens, the client's header, pages, refusals, repeats and the pace (Severa facts §1.2-1.5)."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
import requests

from samklang.connectors.severa.auth import Tokens
from samklang.connectors.severa.client import LONGEST_WAIT, TRIES, SeveraClient
from samklang.connectors.severa.pace import MOST, RATE, SPAN, Pace
from samklang.sync.errors import (
    ConnectionRefused,
    ItemError,
    NotFound,
    ProtocolError,
    SyncError,
    Throttled,
    Unavailable,
)
from tests.connectors.severa.connected import OwnSlots
from tests.connectors.severa.stub import (
    ACCESS,
    URL,
    Kept,
    Stub,
    answer,
    body_of,
    instead_of_the_network,
    refusal,
    token,
)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def severa(monkeypatch: pytest.MonkeyPatch) -> Stub:
    stub = Stub()
    instead_of_the_network(monkeypatch, stub)
    return stub


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(OwnSlots(now=clock.now), sleep=clock.sleep)


@pytest.fixture
def kept() -> Kept:
    return Kept()


def tokens(pace: Pace, clock: Clock, kept: Kept) -> Tokens:
    return Tokens(ACCESS, pace, kept, clock=clock.now)


@pytest.fixture
def client(severa: Stub, pace: Pace, clock: Clock, kept: Kept) -> SeveraClient:
    return SeveraClient(ACCESS, tokens(pace, clock, kept), pace)


# --- tokens ---------------------------------------------------------------------------------------------------------


def test_a_token_is_asked_for_with_the_credentials_and_sent_with_the_clients_id(
    severa: Stub, client: SeveraClient
) -> None:
    severa.answers = [answer(200, {"guid": "x"})]
    assert client.get("/users/x", dict) == {"guid": "x"}
    (asked,), (sent,) = severa.token_requests, severa.requests
    assert body_of(asked) == {"client_id": "client-1", "client_secret": "hush", "scope": " ".join(ACCESS.scopes)}
    assert (sent.headers["Authorization"], sent.headers["Client_Id"]) == ("Bearer token-1", "client-1")


def test_a_token_serves_until_five_minutes_before_its_end(severa: Stub, client: SeveraClient, clock: Clock) -> None:
    severa.answers = [answer(200, {}) for _ in range(3)]
    client.get("/a", dict)
    clock.time += 3600 - 301
    client.get("/a", dict)
    assert len(severa.token_requests) == 1
    clock.time += 2
    client.get("/a", dict)
    assert len(severa.token_requests) == 2


def test_a_token_that_lasts_a_minute_serves_half_of_it(severa: Stub, client: SeveraClient, clock: Clock) -> None:
    severa.tokens = iter([token("short", 60)])
    severa.answers = [answer(200, {}), answer(200, {}), answer(200, {})]
    client.get("/a", dict)
    clock.time += 25
    client.get("/a", dict)
    assert len(severa.token_requests) == 1
    clock.time += 10
    client.get("/a", dict)
    assert len(severa.token_requests) == 2


def test_a_kept_token_serves_the_next_process_and_only_these_credentials(
    severa: Stub, client: SeveraClient, pace: Pace, clock: Clock, kept: Kept
) -> None:
    severa.answers = [answer(200, {}), answer(200, {}), answer(200, {})]
    client.get("/a", dict)
    SeveraClient(ACCESS, tokens(pace, clock, kept), pace).get("/a", dict)
    assert len(severa.token_requests) == 1
    other = type(ACCESS)(URL, "client-1", "another secret")
    SeveraClient(other, Tokens(other, pace, kept, clock=clock.now), pace).get("/a", dict)
    assert len(severa.token_requests) == 2


def test_one_refusal_of_a_token_gets_a_new_one_and_a_second_is_believed(severa: Stub, client: SeveraClient) -> None:
    severa.answers = [refusal(401, "AuthenticationRequired"), answer(200, {})]
    assert client.get("/a", dict) == {}
    assert [one.headers["Authorization"] for one in severa.requests] == ["Bearer token-1", "Bearer token-2"]
    severa.answers = [refusal(401, "AuthenticationRequired"), answer(401)]
    with pytest.raises(ConnectionRefused, match="severa_token_refused"):
        client.get("/a", dict)
    assert severa.answers == []


def test_a_token_another_process_got_meanwhile_is_used_in_place_of_the_refused(
    severa: Stub, client: SeveraClient, pace: Pace, clock: Clock, kept: Kept
) -> None:
    severa.answers = [answer(200, {})]
    client.get("/a", dict)
    tokens(pace, clock, kept).renew("token-1")
    severa.answers = [answer(401), answer(200, {})]
    client.get("/a", dict)
    assert len(severa.token_requests) == 2
    assert severa.requests[-1].headers["Authorization"] == "Bearer token-2"


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (refusal(401, "AuthenticationRequired"), "severa_credentials_refused"),
        (refusal(400, "InvalidParameter"), "severa_credentials_refused"),
        (answer(404), "severa_credentials_refused"),
        (refusal(401, "InsufficientApiScope"), "severa_scope_missing"),
        (refusal(403, "AddonMissing"), "severa_addon_missing"),
    ],
)
def test_refused_credentials_are_tried_once_until_somebody_mends_them(
    severa: Stub, pace: Pace, clock: Clock, kept: Kept, response: requests.Response, code: str
) -> None:
    severa.tokens = iter([response])
    giver = tokens(pace, clock, kept)
    for _ in range(3):
        with pytest.raises(ConnectionRefused) as refused:
            giver.get()
        assert refused.value.code == code
    assert len(severa.token_requests) == 1
    assert tokens(pace, clock, kept).get() == "token-2"


# --- answers --------------------------------------------------------------------------------------------------------


def test_all_pages_are_read_by_the_token_in_the_header(severa: Stub, client: SeveraClient) -> None:
    severa.answers = [answer(200, [1, 2], NextPageToken="a+b"), answer(200, [3])]
    query = [("userGuids", "u1"), ("userGuids", "u2"), ("changedSince", "2026-03-02T09:00:00+01:00")]
    assert list(client.rows("/activities", int, query)) == [[1, 2], [3]]
    first, second = (str(one.url) for one in severa.requests)
    asked = "userGuids=u1&userGuids=u2&changedSince=2026-03-02T09%3A00%3A00%2B01%3A00&rowCount=100"
    assert first == f"{URL}/activities?{asked}"
    assert second == f"{URL}/activities?{asked}&pageToken=a%2Bb"


def test_pages_that_lead_in_a_circle_end(severa: Stub, client: SeveraClient) -> None:
    severa.answers = [answer(200, [], NextPageToken=page) for page in "aba"]
    with pytest.raises(ProtocolError):
        list(client.rows("/activities", int))


@pytest.mark.parametrize(
    ("response", "kind", "code"),
    [
        (refusal(404, "InvalidParameter", "guid"), NotFound, "not_found"),
        (answer(404), NotFound, "not_found"),
        (answer(404, "<html>Page not found</html>"), ProtocolError, "malformed_answer"),
        (answer(200, "<html>Sign in</html>"), ProtocolError, "malformed_answer"),
        (answer(200, "[]"), ProtocolError, "malformed_answer"),
        (answer(400, "oops"), ProtocolError, "malformed_answer"),
        (refusal(400, "InvalidRequest", "location"), ItemError, "refused_by_server"),
        (refusal(403, "PermissionDenied"), ItemError, "not_allowed"),
        (refusal(403, "InsufficientApiScope"), ConnectionRefused, "severa_scope_missing"),
        (refusal(403, "AddonMissing"), ConnectionRefused, "severa_addon_missing"),
        (refusal(403, "OrganizationNotActive"), ConnectionRefused, "severa_not_active"),
    ],
)
def test_each_refusal_is_the_items_or_the_connections(
    severa: Stub, client: SeveraClient, response: requests.Response, kind: type[SyncError], code: str
) -> None:
    severa.answers = [response]
    with pytest.raises(kind) as refused:
        client.get("/activities/x", dict)
    assert (type(refused.value), refused.value.code) == (kind, code)


def test_a_refusal_tells_the_field_and_never_the_message(severa: Stub, client: SeveraClient) -> None:
    severa.answers = [refusal(400, "InvalidRequest", "location")]
    with pytest.raises(ItemError) as refused:
        client.post("/activities", {}, dict)
    assert refused.value.detail == "400 InvalidRequest location"
    severa.answers = [refusal(400, "Board meeting", "with Acme")]
    with pytest.raises(ItemError) as refused:
        client.post("/activities", {}, dict)
    assert refused.value.detail == "400"


def test_neither_secret_nor_token_is_logged(
    severa: Stub, client: SeveraClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    severa.answers = [answer(401), answer(401)]
    with pytest.raises(ConnectionRefused):
        client.get("/a", dict)
    assert "hush" not in caplog.text + repr(ACCESS)
    assert "token-" not in caplog.text


# --- repeats --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_was_throttled_is_sent_again_when_it_is_time(
    severa: Stub, client: SeveraClient, clock: Clock, method: str
) -> None:
    severa.answers = [
        answer(429, "API calls quota exceeded! maximum admitted 10 per 1s.", Retry_After="2"),
        answer(200, {}),
    ]
    before = clock.time
    arguments: list[Any] = ["/a", dict] if method == "get" else ["/a", {}, dict]
    assert getattr(client, method)(*arguments) == {}
    assert clock.time >= before + 2
    assert len(severa.requests) == 2


def test_a_throttle_that_lasts_is_the_runs_to_wait_for(severa: Stub, client: SeveraClient) -> None:
    severa.answers = [answer(429, Retry_After=str(int(LONGEST_WAIT) + 1))]
    with pytest.raises(Throttled) as throttled:
        client.get("/a", dict)
    assert throttled.value.retry_after == LONGEST_WAIT + 1
    severa.answers = [answer(429) for _ in range(TRIES)]
    with pytest.raises(Throttled):
        client.get("/a", dict)
    assert severa.answers == []


def test_a_read_that_failed_is_repeated_and_a_write_never(severa: Stub, client: SeveraClient) -> None:
    severa.answers = [answer(502, "<html>"), requests.ConnectionError(), answer(200, {})]
    assert client.get("/a", dict) == {}
    for failed in (answer(500), requests.ConnectionError()):
        severa.answers = [failed]
        with pytest.raises(Unavailable):
            client.post("/activities", {}, dict)
    severa.answers = [answer(500) for _ in range(TRIES)]
    with pytest.raises(Unavailable, match="server_error"):
        client.get("/a", dict)
    assert severa.answers == []


# --- the pace -------------------------------------------------------------------------------------------------------


def test_requests_are_spaced_evenly_those_for_tokens_too(severa: Stub, client: SeveraClient, clock: Clock) -> None:
    severa.answers = [answer(200, {}) for _ in range(20)]
    begun = clock.time
    for _ in range(20):
        client.get("/a", dict)
    assert clock.time - begun == pytest.approx(20 / RATE)


def test_a_request_counts_until_a_second_after_its_answer_for_nobody_knows_when_severa_counted_it() -> None:
    clock = Clock()
    slots, begun = OwnSlots(now=clock.now), clock.time
    under_way = [Pace(slots, sleep=clock.sleep).request() for _ in range(MOST)]
    for one in under_way:
        one.__enter__()
    answered: list[float] = []

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.time > begun + 60 and not answered:
            under_way[0].__exit__(None, None, None)
            answered.append(clock.time)

    with Pace(slots, sleep=sleep).request():
        assert answered, "there is room for ten, and all were on their way"
        assert clock.time >= answered[0] + SPAN


def test_while_the_server_asks_to_wait_nobody_sends() -> None:
    clock = Clock()
    slots = OwnSlots(now=clock.now)
    one, other = (Pace(slots, sleep=clock.sleep) for _ in range(2))
    with one.request():
        begun = clock.time
        one.hold(5)
    with other.request():
        assert clock.time >= begun + 5


def test_threads_get_places_apart() -> None:
    slots = OwnSlots(now=lambda: 0.0)
    places: list[float] = []
    threads = [threading.Thread(target=lambda: places.extend(slots.take() for _ in range(50))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(places) == [number / RATE for number in range(200)]
