"""Each way a connection can fail has a name: on the page, in `samklang connection test` and for the user; after one
log-on attempt at most, and with nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from samklang.cli import main
from samklang.clock import now
from samklang.config import config
from samklang.mailboxes import messages, services
from samklang.mailboxes.models import Connection
from samklang.mailboxes.scripts import Order, write
from samklang.wiring import run_mailbox
from tests.web.connected import APP, ROLES, SECRET, TENANT, Connected, command
from tests.web.house import as_person, as_program, mailbox_of, send

pytestmark = pytest.mark.django_db

_EXCHANGE = "/settings/integrations/microsoft-exchange"
Break = Callable[[Connected, pytest.MonkeyPatch], None]


def _distrust(connected: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAMKLANG_CA_FILE")
    config.cache_clear()


def _saves(**values: Any) -> Break:
    return lambda connected, _: connected.save(**values)


def _nobody_impersonates(connected: Connected, _: pytest.MonkeyPatch) -> None:
    connected.sandbox.account(r"EXAMPLE\sync", "right password", impersonates=["bob@example.org"])


def _other_address(connected: Connected, _: pytest.MonkeyPatch) -> None:
    connected.sandbox.ask("PATCH", "/mailboxes/alice@example.org", {"address": "renamed@example.org", "aliases": []})


def _where_no_tls_is(connected: Connected, _: pytest.MonkeyPatch) -> None:
    connected.save(url=connected.sandbox.pages.replace("http://", "https://") + "/EWS/Exchange.asmx")


def _without_exchange(connected: Connected, _: pytest.MonkeyPatch) -> None:
    connected.save(url=connected.sandbox.ews.replace("/EWS/Exchange.asmx", "/owa"))


ON_PREMISES: dict[str, Break] = {
    "sign_in_refused": _saves(password="wrong password"),
    "unknown_host": _saves(url="https://exchange.invalid/EWS/Exchange.asmx"),
    "bad_certificate": _distrust,
    "no_tls": _where_no_tls_is,
    "impersonation_denied": _nobody_impersonates,
    "mailbox_not_found": _other_address,
    "not_exchange": _without_exchange,
}


#: What says that no server was reached: `samklang connection test` leaves with a status of its own.
UNREACHED = {"unknown_host", "bad_certificate", "no_tls"}


@pytest.mark.parametrize("code", ON_PREMISES)
def test_a_failing_exchange_server_is_named_on_page_and_command_line(
    connected: Connected, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: str
) -> None:
    ON_PREMISES[code](connected, monkeypatch)
    _named_everywhere(connected, capsys, code)


def _named_everywhere(connected: Connected, capsys: pytest.CaptureFixture[str], code: str) -> None:
    explained = messages.explain(code)
    connected.sandbox.zero_counts()
    page = as_person(connected.them.alice).post(f"{_EXCHANGE}/test", {"address": "alice@example.org"})
    text = unescape(page.content.decode())
    assert explained.sentence in text
    assert explained.remedy in text
    assert connected.logons() + connected.tokens() <= 1
    connected.sandbox.zero_counts()
    status, report = command(capsys, "connection", "test", "--org", connected.them.company.name)
    failed = [step for step in report["steps"] if not step["ok"]]
    assert status == (3 if code in UNREACHED else 1)
    assert [step["code"] for step in failed] == [code]
    assert failed[0]["cause"] == explained.sentence
    assert connected.logons() + connected.tokens() <= 1
    assert connected.writes() == 0


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "The server is Exchange 2010, you chose Exchange 2013."),
        ("sv", "Servern är Exchange 2010, du valde Exchange 2013."),
    ],
)
def test_another_server_than_was_chosen_passes_and_is_named(
    connected: Connected, capsys: pytest.CaptureFixture[str], language: str, words: str
) -> None:
    connected.sandbox.server("2010_sp2")
    alice = connected.them.alice
    alice.language = language
    alice.save()

    def shown() -> str:
        answer = as_person(alice).post(f"{_EXCHANGE}/test", {"address": "alice@example.org"})
        return unescape(answer.content.decode())

    assert words in shown()
    status, report = command(capsys, "connection", "test", "--org", connected.them.company.name)
    (step,) = [each for each in report["steps"] if each["note"]]
    assert (status, report["passed"], step["step"], step["found"]) == (0, True, "version", "14.2.247.5")
    assert "Exchange 2010" in step["note"] and "Exchange 2013" in step["note"]
    connected.save(version="2010")
    assert words.partition(",")[0] not in shown()


def test_what_the_server_said_it_is_is_remembered_until_it_is_another_server(connected: Connected) -> None:
    def build() -> str:
        return Connection.objects.get().server_build

    assert build() == "15.0.1156.6"
    connected.sandbox.server("2013")
    services.switch_on(connected.them.alice, now(), unseen=True)
    run_mailbox(mailbox_of(connected.them.alice).pk, "job")
    assert build() == "15.0.516.32"
    services.save_connection(Connection.objects.get(), {"conflict": "psa"}, by=connected.them.alice)
    assert build() == "15.0.516.32"
    services.save_connection(Connection.objects.get(), {"version": "2016"}, by=connected.them.alice)
    assert build() == ""


def test_an_entry_refused_for_a_reason_nobody_knows_is_shown_by_the_servers_own_name(connected: Connected) -> None:
    alice, code = connected.them.alice, "ErrorInvalidPercentCompleteValue"
    connected.sandbox.fault("response_code", {"protocol": "ews", "operation": "CreateItem"}, code=code)
    services.switch_on(alice, now(), unseen=True)
    run_mailbox(mailbox_of(alice).pk, "job")
    (told,) = send(as_program(alice), "GET", "/api/connection/users").json()
    assert (told["codes"], told["said"]) == ({"refused_by_server": 1}, [code])
    for page in (_EXCHANGE, "/profile/calendar/synchronization"):
        assert f"<code>{code}</code>" in as_person(alice).get(page).content.decode()


def test_an_entry_that_cannot_be_read_is_shown_with_the_servers_code(connected: Connected) -> None:
    alice, code = connected.them.alice, "ErrorItemCorrupt"
    connected.sandbox.fault("response_code", {"protocol": "ews", "operation": "GetItem"}, {"times": 1}, code=code)
    services.switch_on(alice, now(), unseen=True)
    run_mailbox(mailbox_of(alice).pk, "job")
    (told,) = send(as_program(alice), "GET", "/api/connection/users").json()
    assert (told["codes"], told["said"]) == ({"unreadable": 1}, [code])


@pytest.mark.parametrize("version", ["2007", "2013"])
def test_missing_impersonation_shows_the_commands_for_the_saved_version_and_account(
    connected: Connected, capsys: pytest.CaptureFixture[str], version: str
) -> None:
    connected.sandbox.server("2007_sp1" if version == "2007" else "2013_sp1")
    connected.save(version=version)
    connected.sandbox.account(r"EXAMPLE\sync", "right password", impersonates=[])
    command_ = write(version, Order(account=r"EXAMPLE\sync")).grant
    page = as_person(connected.them.alice).post(f"{_EXCHANGE}/test", {"address": "alice@example.org"})
    assert command_ in unescape(page.content.decode())
    _status, report = command(capsys, "connection", "test", "--org", connected.them.company.name)
    assert report["steps"][-1]["command"] == command_
    with pytest.raises(SystemExit):
        main(["connection", "test", "--org", connected.them.company.name])
    told = capsys.readouterr().out
    assert messages.explain("impersonation_denied").remedy in told
    assert command_.splitlines()[0] in told


def test_the_servers_build_is_shown_on_page_and_command_line(
    connected: Connected, capsys: pytest.CaptureFixture[str]
) -> None:
    _status, report = command(capsys, "connection", "test", "--org", connected.them.company.name)
    build = next(step["found"] for step in report["steps"] if step["step"] == "version")
    assert build.startswith("15.0.")
    page = as_person(connected.them.alice).post(f"{_EXCHANGE}/test", {"address": "alice@example.org"})
    assert build in page.content.decode()
    with pytest.raises(SystemExit):
        main(["connection", "test", "--org", connected.them.company.name])
    assert f"ok    version: {build}" in capsys.readouterr().out


@pytest.mark.parametrize("code", ["sign_in_refused", "impersonation_denied", "mailbox_not_found", "bad_certificate"])
def test_a_syncing_user_is_told_and_loses_nothing(
    connected: Connected, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    alice = connected.them.alice
    services.switch_on(alice, now(), unseen=True)
    mailbox = mailbox_of(alice)
    run_mailbox(mailbox.pk, "job")
    assert mailbox.link_rows.count() == 2
    ON_PREMISES[code](connected, monkeypatch)
    connected.sandbox.zero_counts()
    for _ in range(3):
        run_mailbox(mailbox.pk, "job")
    if code == "sign_in_refused":
        assert connected.logons() <= 1  # then the connection pauses, lest the account be locked
    text = unescape(as_person(alice).get("/profile/calendar/synchronization").content.decode())
    assert messages.explain(code).sentence in text
    assert mailbox.link_rows.filter(status="linked").count() == 2
    assert connected.writes() == 0
    address = "renamed@example.org" if code == "mailbox_not_found" else alice.email
    assert len(connected.sandbox.entries(address)) == 2


def test_a_paused_connection_goes_on_once_the_right_password_is_saved(connected: Connected) -> None:
    services.switch_on(connected.them.alice, now(), unseen=True)
    mailbox = mailbox_of(connected.them.alice)
    connected.save(password="wrong password")
    run_mailbox(mailbox.pk, "job")
    page = as_person(connected.them.alice)
    assert "Synchronization is paused." in page.get(_EXCHANGE).content.decode()
    page.post(_EXCHANGE, _server_form(connected) | {"password": "right password"})
    assert "Synchronization is paused." not in page.get(_EXCHANGE).content.decode()
    assert run_mailbox(mailbox.pk, "job")["finished_first_run"]


def test_asking_for_a_preview_again_and_again_is_one_attempt(connected: Connected) -> None:
    connected.save(password="wrong password")
    services.record_test(connected.connection, True, now(), connected.them.alice)
    connected.sandbox.zero_counts()
    client = as_program(connected.them.alice)
    answers = [send(client, "PUT", "/api/me/calendar-sync", {"on": True}) for _ in range(3)]
    assert [(a.status_code, a.json()["code"]) for a in answers] == [(502, "sign_in_refused")] * 3
    assert connected.logons() <= 1


def _server_form(connected: Connected) -> dict[str, str]:
    names = ("domain", "url", "username", "auth", "ca_certificate")
    return {"part": "server"} | {name: getattr(connected.connection, name) for name in names}


def test_the_password_is_never_shown_and_an_empty_one_keeps_it(connected: Connected) -> None:
    page = as_person(connected.them.alice)
    assert "right password" not in page.get(_EXCHANGE).content.decode()
    page.post(_EXCHANGE, _server_form(connected) | {"password": ""})
    shown = send(as_program(connected.them.alice), "GET", "/api/connection").json()
    assert (shown["password"], shown["tested"]) == ("set", True)


@pytest.mark.parametrize("url", ["http://host/EWS/Exchange.asmx", "https://user:pw@host/EWS", "host", "", "https://"])
def test_an_address_that_cannot_be_right_is_refused_before_it_is_saved(connected: Connected, url: str) -> None:
    answer = as_person(connected.them.alice).post(_EXCHANGE, _server_form(connected) | {"url": url})
    assert answer.status_code == 422
    assert "wrong-why" in answer.content.decode()
    connected.connection.refresh_from_db()
    assert connected.connection.url == connected.sandbox.ews


def test_the_switch_wants_a_passed_test_of_the_settings_as_saved(connected: Connected) -> None:
    page = as_person(connected.them.alice)
    page.post(f"{_EXCHANGE}/switch")
    page.post(_EXCHANGE, _server_form(connected) | {"username": "other"})
    answer = page.post(f"{_EXCHANGE}/switch", follow=True)
    assert "Test the connection first" in answer.content.decode()
    connected.connection.refresh_from_db()
    assert not connected.connection.enabled


# --- Office 365 -------------------------------------------------------------------------------------------------------


def _tenant(connected: Connected, **app: Any) -> None:
    """Alice's mailbox is in a tenant; `app` says how our application stands there."""
    sandbox = connected.sandbox
    given = {"client_id": APP, "secret": SECRET, "consented": True, "roles": ROLES} | app
    expired = given.pop("secret_expired", False)
    sandbox.tenant(TENANT, domains=["example.org"], apps=[given], secret_expired=expired)
    sandbox.change_mailbox("alice@example.org", tenant=TENANT)
    connected.save(version="office365", tenant=TENANT)


OFFICE: dict[str, dict[str, Any]] = {
    "wrong_secret": {"secret": "another"},
    "secret_expired": {"secret_expired": True},
    "app_not_found": {"consented": False},
}


@pytest.mark.parametrize("code", OFFICE)
def test_a_refused_application_is_named_on_page_and_command_line(
    connected: Connected, capsys: pytest.CaptureFixture[str], code: str
) -> None:
    _tenant(connected, **OFFICE[code])
    _named_everywhere(connected, capsys, code)


def test_without_an_application_of_the_installation_the_page_says_who_mends_it(
    connected: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SAMKLANG_APP_SECRET")
    config.cache_clear()
    answer = as_person(connected.them.alice).post(f"{_EXCHANGE}/grant")
    assert "The operator sets SAMKLANG_APP_SECRET" in answer.content.decode()
