"""Signing in, acting for a user, and saying what is wrong: against the sandbox's NTLM, Basic and TLS."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from samklang.connectors.ews import EwsAccess, EwsCalendar, find_mailbox, probe, signs_in
from samklang.sync.errors import (
    ConnectionRefused,
    MailboxError,
    ProtocolError,
    SyncError,
    Throttled,
    TokenRejected,
    Unavailable,
    VersionConflict,
)
from tests.connectors.ews.conftest import ALICE, NOW, PASSWORD, Open
from tests.contract.calendar import MEETING
from tests.contract.person import Person
from tests.sandbox_client import Sandbox

EWS = {"protocol": "ews"}


def steps(access: EwsAccess, address: str | None = ALICE, *, write: bool = False) -> dict[str, str]:
    """Each step of the connection test with the code of its error, "" when it passed."""
    return {
        step.name: step.error.code if step.error else "" for step in probe(access, lambda: NOW, address, write=write)
    }


def logons(sandbox: Sandbox) -> tuple[int, int]:
    """Log-ons of the delegate account that succeeded and that were refused."""
    counts = [each for name, each in sandbox.counts().items() if name.startswith("contoso")]
    return sum(each["logons"] for each in counts), sum(each["logons_refused"] for each in counts)


def failure(access: EwsAccess, address: str = ALICE) -> SyncError:
    calendar = EwsCalendar(access, address, home="UTC", now=lambda: NOW)
    with pytest.raises(SyncError) as caught:
        list(calendar.read(None))
    calendar.close()
    return caught.value


# --- signing in


def test_one_log_on_serves_many_requests(exchange: Sandbox, opened: Open) -> None:
    calendar = opened()
    for _ in range(3):
        list(calendar.read(None))
    assert logons(exchange) == (1, 0)
    assert calendar.counts.requests == 3


def test_basic_works_where_it_is_offered(exchange: Sandbox, access: EwsAccess) -> None:
    exchange.server("2013_sp1", ("basic",))
    assert find_mailbox(replace(access, auth="basic"), ALICE).address == ALICE


def test_an_account_may_be_named_like_an_address(exchange: Sandbox, access: EwsAccess) -> None:
    exchange.account("sync@contoso.example", PASSWORD, "*")
    assert find_mailbox(replace(access, domain="", username="sync@contoso.example"), ALICE).address == ALICE


@pytest.mark.parametrize("auth", ["ntlm", "basic"])
def test_a_wrong_password_is_tried_once(exchange: Sandbox, access: EwsAccess, auth: str) -> None:
    exchange.server("2013_sp1", (auth,))
    error = failure(replace(access, password="wrong", auth=auth))
    assert isinstance(error, ConnectionRefused)
    assert error.code == "sign_in_refused"
    assert logons(exchange) == (0, 1)


def test_a_method_the_server_does_not_offer_is_named_without_a_log_on(exchange: Sandbox, access: EwsAccess) -> None:
    exchange.server("2013_sp1", ("basic",))
    error = failure(access)
    assert (type(error), error.code, error.detail) == (ConnectionRefused, "auth_method_not_offered", "basic")
    assert logons(exchange) == (0, 0)


def test_a_user_without_web_services_is_refused_alone(exchange: Sandbox, access: EwsAccess, opened: Open) -> None:
    exchange.mailbox("bob@example.com")
    exchange.change_mailbox("bob@example.com", ews_enabled=False)
    error = failure(access, "bob@example.com")
    assert (type(error), error.code, error.detail) == (MailboxError, "access_denied", "ErrorAccessDenied")
    assert len(list(opened().read(None))) == 1


@pytest.mark.parametrize(
    ("product", "kind", "detail"),
    [
        (("2007_sp1", "2007"), ConnectionRefused, "ErrorImpersonationDenied"),
        (("2013_sp1", "2013"), MailboxError, "ErrorImpersonateUserDenied"),
    ],
    ids=["2007", "2013"],
)
def test_an_account_without_the_right_to_act_for_users_is_named_by_each_server(
    exchange: Sandbox, access: EwsAccess, kind: type[SyncError], detail: str
) -> None:
    exchange.account("CONTOSO\\sync", PASSWORD, [])
    error = failure(access)
    assert (type(error), error.code, error.detail) == (kind, "impersonation_denied", detail)


def test_a_server_that_offers_negotiate_alone_is_one_log_on(exchange: Sandbox, access: EwsAccess) -> None:
    exchange.server("2013_sp1", ("negotiate",))
    calendar = EwsCalendar(access, ALICE, home="UTC", now=lambda: NOW)
    for _ in range(3):
        list(calendar.read(None))
    calendar.close()
    assert logons(exchange) == (1, 0)
    assert calendar.counts.requests == 3
    assert failure(replace(access, password="wrong")).code == "sign_in_refused"
    assert logons(exchange) == (1, 1)


@pytest.mark.parametrize("language", ["sv-SE", "de-DE"])
def test_a_server_that_speaks_another_language_means_the_same(
    exchange: Sandbox, access: EwsAccess, opened: Open, language: str
) -> None:
    exchange.server("2013_sp1", ("ntlm",), language=language)
    calendar = opened()
    made = calendar.create(MEETING, "key")
    calendar.update(made, replace(MEETING, title="Other"), frozenset({"title"}))
    with pytest.raises(VersionConflict):
        calendar.update(made, replace(MEETING, title="Third"), frozenset({"title"}))
    calendar.delete(calendar.get([made.id])[made.id] or made)
    assert calendar.get([made.id]) == {made.id: None}
    assert failure(access, "nobody@example.com").code == "mailbox_not_found"
    exchange.fault("throttle", EWS, back_off_ms=3000)
    busy = failure(access)
    assert isinstance(busy, Throttled) and busy.retry_after == 3


def test_the_password_shows_nowhere(access: EwsAccess) -> None:
    assert PASSWORD not in repr(access)
    assert PASSWORD not in str(failure(replace(access, password=PASSWORD + "!")))


@pytest.mark.parametrize("url", ["http://127.0.0.1/EWS/Exchange.asmx", "http://mail.example.com"])
def test_an_address_without_tls_is_refused(access: EwsAccess, url: str) -> None:
    with pytest.raises(Unavailable) as caught:
        EwsCalendar(replace(access, url=url), ALICE, home="UTC", now=lambda: NOW)
    assert caught.value.code == "https_required"


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("mail.example.com", "https://mail.example.com/EWS/Exchange.asmx"),
        ("https://mail.example.com/", "https://mail.example.com/EWS/Exchange.asmx"),
        ("https://mail.example.com/ews/exchange.asmx", "https://mail.example.com/ews/exchange.asmx"),
    ],
)
def test_the_path_may_be_left_out(access: EwsAccess, url: str, endpoint: str) -> None:
    assert replace(access, url=url).endpoint == endpoint


# --- a user's mailbox


def test_a_mailbox_is_found_by_primary_and_secondary_address_whatever_its_case(access: EwsAccess) -> None:
    assert find_mailbox(access, "ALICE@Example.com").address == ALICE
    assert find_mailbox(access, "ALICE@Example.com").matched_by == "primary"
    found = find_mailbox(access, "Alice.A@example.com")
    assert (found.address, found.matched_by) == (ALICE, "alias")


@pytest.mark.parametrize("address", [ALICE, "Alice.A@example.com"])
def test_every_address_of_a_mailbox_is_told_primary_first(access: EwsAccess, address: str) -> None:
    told = [one.casefold() for one in find_mailbox(access, address).aliases]
    assert (told[0], sorted(told)) == (ALICE, sorted([ALICE, "alice.a@example.com"]))


def test_an_address_without_a_mailbox_is_named(access: EwsAccess) -> None:
    with pytest.raises(MailboxError) as caught:
        find_mailbox(access, "nobody@example.com")
    assert caught.value.code == "mailbox_not_found"


def test_a_user_out_of_scope_is_denied_and_others_are_not(exchange: Sandbox, access: EwsAccess) -> None:
    exchange.mailbox("bob@example.com")
    exchange.account("CONTOSO\\sync", PASSWORD, ["bob@example.com"])
    error = failure(access)
    assert (type(error), error.code, error.detail) == (
        MailboxError,
        "impersonation_denied",
        "ErrorImpersonateUserDenied",
    )
    assert find_mailbox(access, "bob@example.com").address == "bob@example.com"


# --- the connection test


ALL = ["address", "certificate", "sign-in", "version", "impersonation", "calendar read", "calendar write"]


def test_the_connection_test_passes_step_by_step_with_one_log_on_and_leaves_nothing(
    exchange: Sandbox, access: EwsAccess, alice: Person
) -> None:
    assert steps(access, write=True) == dict.fromkeys(ALL, "")
    assert logons(exchange) == (1, 0)
    assert alice.writes() == {"create": 1, "update": 0, "delete": 1}
    assert exchange.entries(ALICE) == []
    assert alice.mails() == 0


def test_the_connection_test_writes_only_when_asked_to(access: EwsAccess, alice: Person) -> None:
    assert list(steps(access)) == ALL[:-1]
    assert alice.writes() == {"create": 0, "update": 0, "delete": 0}


def test_without_a_user_the_test_ends_after_the_version(access: EwsAccess) -> None:
    assert steps(access, None) == dict.fromkeys(ALL[:4], "")


def test_the_test_names_an_unknown_host(access: EwsAccess) -> None:
    assert steps(replace(access, url="https://no-such-host.invalid")) == {"address": "unknown_host"}


def test_the_test_names_a_port_nobody_listens_on(access: EwsAccess) -> None:
    assert steps(replace(access, url="https://127.0.0.1:1")) == {"address": "connection_refused"}


def test_the_test_names_an_address_that_is_not_allowed(access: EwsAccess) -> None:
    assert steps(replace(access, allow_private=False)) == {"address": "address_not_allowed"}


def test_the_test_names_another_path(access: EwsAccess) -> None:
    assert steps(replace(access, url=access.url.replace("/EWS/", "/OWA/"))) == {"address": "not_exchange"}


def test_the_test_names_a_certificate_nobody_vouches_for(access: EwsAccess, tmp_path: Path) -> None:
    assert steps(replace(access, ca_file=None)) == {"address": "", "certificate": "bad_certificate"}
    (tmp_path / "empty.pem").touch()
    assert steps(replace(access, ca_file=tmp_path / "empty.pem"))["certificate"] == "bad_ca_file"


def test_the_test_names_a_wrong_password_after_one_attempt(exchange: Sandbox, access: EwsAccess) -> None:
    assert steps(replace(access, password="wrong")) == {
        "address": "",
        "certificate": "",
        "sign-in": "sign_in_refused",
    }
    assert logons(exchange) == (0, 1)


def test_the_test_names_a_version_the_server_refuses(exchange: Sandbox, access: EwsAccess) -> None:
    exchange.fault("soap_fault", EWS, code="ErrorIncorrectSchemaVersion")
    found = steps(access)
    assert found["sign-in"] == ""
    assert found["version"] == "version_refused"
    assert list(found)[-1] == "version"


def test_the_test_names_a_product_we_do_not_speak_to(access: EwsAccess) -> None:
    assert steps(replace(access, version="5.5"))["version"] == "version_not_supported"


def test_the_test_names_missing_impersonation_and_mailbox(exchange: Sandbox, access: EwsAccess) -> None:
    assert steps(access, "nobody@example.com")["impersonation"] == "mailbox_not_found"
    exchange.account("CONTOSO\\sync", PASSWORD, [])
    assert steps(access)["impersonation"] == "impersonation_denied"


@pytest.mark.parametrize(
    ("fault", "code", "step", "named"),
    [
        ("status", None, "calendar read", "access_denied"),
        ("soap_fault", "ErrorPasswordExpired", "sign-in", "password_expired"),
        ("soap_fault", "ErrorInvalidUserPrincipalName", "impersonation", "mailbox_not_found"),
        ("soap_fault", "ErrorCrossSiteRequest", "calendar read", "mailbox_elsewhere"),
        ("soap_fault", "ErrorSchemaValidation", "version", "request_refused"),
        ("soap_fault", "ErrorImpersonationFailed", "impersonation", "server_unavailable"),
        ("soap_fault", "ErrorInvalidExchangeImpersonationHeaderData", "impersonation", "request_refused"),
        ("soap_fault", "ErrorServerBusy", "calendar read", "throttled"),
        ("soap_fault", "ErrorMailboxMoveInProgress", "calendar read", "server_unavailable"),
        ("soap_fault", "ErrorAccountDisabled", "calendar read", "mailbox_disabled"),
        ("soap_fault", "ErrorAccessDenied", "calendar read", "access_denied"),
        ("response_code", "ErrorMailboxMoveInProgress", "calendar read", "server_unavailable"),
        ("response_code", "ErrorAccessDenied", "calendar read", "access_denied"),
        ("response_code", "ErrorFolderNotFound", "calendar read", "calendar_not_found"),
        ("response_code", "ErrorItemNotFound", "calendar read", "calendar_not_found"),
        ("response_code", "ErrorQuotaExceeded", "calendar read", "mailbox_full"),
    ],
)
def test_the_test_blames_the_step_that_failed(
    exchange: Sandbox, access: EwsAccess, fault: str, code: str | None, step: str, named: str
) -> None:
    details = {"code": code} if code else {"status": 403}
    exchange.fault(fault, EWS | {"operation": "GetFolder"}, **details)
    found = steps(access)
    assert found == dict.fromkeys(ALL[: ALL.index(step)], "") | {step: named}


def test_without_a_user_a_busy_server_does_not_pass(exchange: Sandbox, access: EwsAccess) -> None:
    exchange.fault("soap_fault", EWS, code="ErrorServerBusy")
    assert "throttled" in steps(access, None).values()


def test_the_hourly_probe_signs_in_without_any_mailbox(exchange: Sandbox, access: EwsAccess) -> None:
    assert signs_in(access)
    assert not signs_in(replace(access, password="wrong"))
    assert logons(exchange) == (1, 1)


# --- a server's moods


def test_back_off_is_told_in_seconds(exchange: Sandbox, opened: Open) -> None:
    exchange.fault("throttle", EWS, back_off_ms=297749)
    with pytest.raises(Throttled) as caught:
        list(opened().read(None))
    assert caught.value.retry_after == pytest.approx(297.749)


def test_back_off_inside_a_batch_is_obeyed(exchange: Sandbox, opened: Open, alice: Person) -> None:
    alice.adds(MEETING)
    exchange.fault("response_code", EWS | {"operation": "GetItem"}, code="ErrorServerBusy", back_off_ms=2000)
    with pytest.raises(Throttled) as caught:
        list(opened().read(None))
    assert caught.value.retry_after == 2


def test_a_full_queue_of_the_web_server_is_throttling(exchange: Sandbox, opened: Open) -> None:
    exchange.fault("status", EWS, status=503, headers={"Retry-After": "7"})
    with pytest.raises(Throttled) as caught:
        list(opened().read(None))
    assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    ("fault", "details", "kind", "code"),
    [
        ("html", {}, ProtocolError, "not_exchange"),
        ("html", {"status": 500}, Unavailable, "server_error"),
        ("malformed", {}, ProtocolError, "malformed_answer"),
        ("drop", {}, Unavailable, "connection_lost"),
        ("status", {"status": 403}, MailboxError, "access_denied"),
        ("status", {"status": 502}, Unavailable, "server_error"),
        ("status", {"status": 302, "headers": {"Location": "https://evil.example/"}}, ProtocolError, "redirected"),
        ("soap_fault", {"code": "ErrorMailboxMoveInProgress"}, Unavailable, "server_unavailable"),
        ("soap_fault", {"code": "ErrorAccountDisabled"}, MailboxError, "mailbox_disabled"),
        ("soap_fault", {"code": "ErrorMailboxConfiguration"}, MailboxError, "mailbox_misconfigured"),
        ("soap_fault", {"code": "ErrorImpersonationDenied"}, ConnectionRefused, "impersonation_denied"),
        ("soap_fault", {"code": "ErrorSchemaValidation"}, ProtocolError, "request_refused"),
        ("soap_fault", {"code": "ErrorSomethingNew"}, Unavailable, "server_error"),
    ],
)
def test_each_failure_of_a_whole_request_has_its_name(
    exchange: Sandbox, opened: Open, fault: str, details: dict[str, object], kind: type[SyncError], code: str
) -> None:
    calendar = opened()
    list(calendar.read(None))
    exchange.fault(fault, EWS, **details)
    with pytest.raises(kind) as caught:
        list(calendar.read(None))
    assert caught.value.code == code
    exchange.clear_faults()
    list(calendar.read(None))


def test_a_broken_token_is_rejected(opened: Open) -> None:
    calendar = opened()
    list(calendar.read(None))
    with pytest.raises(TokenRejected):
        list(calendar.read("bm90IG91cnM="))


def test_a_batch_the_server_stops_is_asked_again_in_halves(exchange: Sandbox, opened: Open, alice: Person) -> None:
    added = [alice.adds(MEETING) for _ in range(5)]
    where = EWS | {"operation": "GetItem"}
    exchange.fault("response_code", where, {"times": 1}, code="ErrorBatchProcessingStopped")
    assert sorted(event.id for page in opened().read(None) for event in page.events) == sorted(added)


def test_an_idle_mailbox_costs_one_request(exchange: Sandbox, opened: Open, alice: Person) -> None:
    alice.adds(MEETING)
    calendar = opened()
    *_, last = calendar.read(None)
    exchange.zero_counts()
    list(calendar.read(last.token))
    assert exchange.counts(ALICE)["by_operation"] == {"SyncFolderItems": 1}
