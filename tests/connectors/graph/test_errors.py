"""What Graph's answers mean to a run (the table of Graph facts §5.1), and which links may be followed."""

from __future__ import annotations

import json

import pytest
import requests

from samklang.connectors.graph.access import GraphAccess
from samklang.connectors.graph.auth import Tokens
from samklang.connectors.graph.client import GraphClient, error_of
from samklang.sync.errors import (
    ConnectionRefused,
    ItemError,
    MailboxError,
    NotFound,
    ProtocolError,
    SyncError,
    Throttled,
    TokenRejected,
    Unavailable,
    VersionConflict,
)

ACCESS = GraphAccess("https://graph.example.com/v1.0", "https://login.example.com", "t", "a", "hush-hush")


def answer(status: int, *codes: str, **headers: str) -> requests.Response:
    """An error answer whose codes nest, outermost first; without codes it is a portal's page."""
    response = requests.Response()
    response.status_code = status
    response.request = requests.PreparedRequest()
    response.request.method = "GET"
    error: dict[str, object] = {}
    for code in reversed(codes):
        error = {"code": code, "message": "Annas lunch", "innerError": error}
    response._content = json.dumps({"error": error}).encode() if codes else b"<html>Sign in</html>"
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


@pytest.mark.parametrize(
    ("status", "code", "kind", "ours"),
    [
        (400, "ErrorInvalidRequest", ItemError, "refused_by_server"),
        (400, "ErrorPropertyValidationFailure", ItemError, "field_refused"),
        (400, "ErrorOccurrenceCrossingBoundary", ItemError, "occurrence_crosses_neighbour"),
        (400, "TimeZoneNotSupportedException", ItemError, "zone_refused"),
        (400, "ErrorInvalidIdMalformed", ItemError, "strange_id"),
        (400, "ErrorDuplicateTransactionId", ItemError, "duplicate_transaction"),
        (409, "ErrorDuplicateTransactionId", ItemError, "duplicate_transaction"),
        (401, "InvalidAuthenticationToken", ConnectionRefused, "token_refused"),
        (403, "Authorization_RequestDenied", ConnectionRefused, "permission_missing"),
        (403, "ErrorAccessDenied", MailboxError, "mailbox_access_denied"),
        (404, "Request_ResourceNotFound", MailboxError, "mailbox_not_found"),
        (404, "ErrorInvalidUser", MailboxError, "mailbox_not_found"),
        (404, "MailboxNotEnabledForRESTAPI", MailboxError, "mailbox_not_enabled"),
        (404, "SomethingNew", MailboxError, "mailbox_error"),
        (404, "ErrorItemNotFound", NotFound, "not_found"),
        (410, "SyncStateNotFound", TokenRejected, "token_rejected"),
        (400, "resyncRequired", TokenRejected, "token_rejected"),
        (400, "syncstateinvalid", TokenRejected, "token_rejected"),
        (412, "ErrorIrresolvableConflict", VersionConflict, "version_conflict"),
        (429, "ApplicationThrottled", Throttled, "throttled"),
        (503, "ErrorServerBusy", Throttled, "throttled"),
        (500, "ErrorInternalServerError", Unavailable, "server_error"),
        (504, "UnknownError", Unavailable, "unavailable"),
    ],
)
def test_each_code_means_one_thing_to_a_run(status: int, code: str, kind: type[SyncError], ours: str) -> None:
    error = error_of(answer(status, code))
    assert type(error) is kind
    assert error.code == ours
    assert error.detail == f"{status} {code}"


def test_the_most_specific_code_counts_wherever_it_nests() -> None:
    assert type(error_of(answer(400, "BadRequest", "SyncStateNotFound"))) is TokenRejected


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_portals_page_says_nothing_about_an_item_or_a_mailbox(status: int) -> None:
    assert type(error_of(answer(status))) is ProtocolError


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "2.128"}, 2.128),
        ({"Retry_After": "Mon, 02 Mar 2026 09:00:30 GMT", "Date": "Mon, 02 Mar 2026 09:00:00 GMT"}, 30),
        ({}, None),
    ],
)
def test_throttling_names_its_seconds_in_each_form(headers: dict[str, str], seconds: float | None) -> None:
    error = error_of(answer(429, "TooManyRequests", **headers))
    assert isinstance(error, Throttled)
    assert error.retry_after == seconds


def test_a_server_that_fails_and_says_when_to_come_back_is_obeyed() -> None:
    error = error_of(answer(503, "ServiceUnavailable", Retry_After="7"))
    assert isinstance(error, Throttled)
    assert error.retry_after == 7


def test_errors_hold_no_contents_and_access_shows_no_secret() -> None:
    assert "lunch" not in str(error_of(answer(400, "ErrorInvalidRequest"))).lower()
    assert "hush" not in repr(ACCESS)


@pytest.mark.parametrize(
    ("link", "allowed"),
    [
        ("https://graph.example.com/v1.0/users/u/calendarView/delta?$deltatoken=x", True),
        ("http://graph.example.com/v1.0/users/u", False),
        ("https://graph.example.com.evil.example/v1.0/users/u", False),
        ("https://graph.example.com@evil.example/v1.0/users/u", False),
        ("https://graph.example.com:8443/v1.0/users/u", False),
        ("https://graph.example.com/v1.0evil/users/u", False),
        ("https://graph.example.com/beta/users/u", False),
        ("https://graph.example.com/v1.0/../beta/users/u", False),
        ("https://graph.example.com/v1.0/%2E%2e/beta/users/u", False),
    ],
)
def test_only_links_to_the_configured_host_and_prefix_are_followed(link: str, allowed: bool) -> None:
    assert GraphClient(ACCESS, Tokens(ACCESS)).follows(link) is allowed
