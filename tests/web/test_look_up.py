"""The Exchange URL looked up, and the proxy on the way to it: on the settings page, over the API, by the command."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.test import Client
from lxml import html

from samklang import clock
from samklang.cli import main
from samklang.mailboxes import messages, services
from samklang.mailboxes.models import Connection
from samklang.mailboxes.secrets import open_sealed
from samklang.wiring import run_mailbox
from samklang.wiring import test_connection as try_connection
from tests.connectors.proxy import Proxy, proxy
from tests.web.connected import Connected, command
from tests.web.house import House, as_person, as_program, mailbox_of, send

__all__ = ["proxy"]

pytestmark = pytest.mark.django_db

_EXCHANGE = "/settings/integrations/microsoft-exchange"
EWS = "https://mail.example.org/EWS/Exchange.asmx"
HOST, FOREIGN = "autodiscover.example.org", "autodiscover.example.net"


@pytest.fixture
def behind(connected: Connected, proxy: Proxy) -> Connected:
    """Nordhavn's Exchange is known by its names to the company's proxy alone; which is saved, and no URL."""
    for host in ("mail.example.org", HOST, FOREIGN):
        proxy.leads(f"{host}:443", connected.sandbox.ews)
    publish(connected)
    connected.save(proxy=proxy.url, url="")
    connected.sandbox.zero_counts()
    return connected


def publish(connected: Connected, **autodiscover: Any) -> None:
    usual = {"hosts": r"autodiscover\..*", "external_url": EWS}
    connected.sandbox.server("2013_sp1", autodiscover=usual | autodiscover)


def publish_elsewhere(connected: Connected) -> None:
    there = f"https://{FOREIGN}/autodiscover/autodiscover.xml"
    publish(connected, redirects=[{"kind": "http", "to": there, "at": HOST}])


def typed(proxy: Proxy, **values: str) -> dict[str, str]:
    usual = {"domain": "EXAMPLE", "username": "sync", "auth": "ntlm", "proxy": proxy.url}
    return {**usual, "part": "server", "look_up_address": "alice@example.org", **values}


def looked_up(client: Client, sent: dict[str, Any]) -> tuple[Any, str]:
    """The page that comes back, and what it says, in one line."""
    answer = client.post(f"{_EXCHANGE}/look-up", sent)
    page = html.fromstring(answer.content.decode())
    return page, " ".join(page.get_element_by_id("look-up").text_content().split())


def value(page: Any, name: str) -> str:
    return str(page.get_element_by_id(f"id_{name}").value or "")


# --- page


def test_the_url_is_filled_in_and_where_it_was_found_is_told_but_nothing_is_saved(
    behind: Connected, proxy: Proxy
) -> None:
    alice = as_person(behind.them.alice)
    page, said = looked_up(alice, typed(proxy, url="mail", domain="example"))
    assert value(page, "url") == EWS
    assert f"Found {EWS} by Autodiscover (SOAP) at {HOST}." in said
    assert "The server there is Exchange 2013." in said
    assert (value(page, "domain"), value(page, "proxy")) == ("example", proxy.url)
    behind.connection.refresh_from_db()
    assert (behind.connection.url, behind.connection.domain) == ("", "EXAMPLE")
    alice.post(_EXCHANGE, typed(proxy, url=EWS))
    assert all(step.ok for step in _test(behind))


def _test(behind: Connected) -> Any:
    behind.connection.refresh_from_db()
    return try_connection(behind.connection, "alice@example.org", by=behind.them.alice)


def test_the_password_typed_is_used_and_never_shown(behind: Connected, proxy: Proxy) -> None:
    alice = as_person(behind.them.alice)
    behind.sandbox.account(r"EXAMPLE\other", "typed just now")
    page, _ = looked_up(alice, typed(proxy, username="other", password="typed just now"))
    assert value(page, "url") == EWS
    assert "typed just now" not in html.tostring(page).decode()
    assert open_sealed(Connection.objects.get(pk=behind.connection.pk).password) == "right password"


def test_a_wrong_password_is_one_log_on_and_tried_again_when_the_person_asks_again(
    behind: Connected, proxy: Proxy
) -> None:
    alice = as_person(behind.them.alice)
    _, said = looked_up(alice, typed(proxy, password="wrong"))
    assert messages.explain("sign_in_refused").sentence in said
    assert behind.logons() == 1
    page, _ = looked_up(alice, typed(proxy, password="wrong", look_up_address="bob@example.org"))
    assert (value(page, "url"), behind.logons()) == ("", 2)


def test_a_foreign_host_is_named_and_asked_once_it_is_confirmed(behind: Connected, proxy: Proxy) -> None:
    alice = as_person(behind.them.alice)
    publish_elsewhere(behind)
    page, said = looked_up(alice, typed(proxy))
    assert messages.explain("foreign_host").sentence in said
    assert f"I know {FOREIGN}: look it up there" in said
    assert (value(page, "url"), f"CONNECT {FOREIGN}:443" in proxy.asked) == ("", False)
    (button,) = page.xpath("//button[@name='trust']")
    page, said = looked_up(alice, typed(proxy, trust=button.get("value")))
    assert (value(page, "url"), f"at {FOREIGN}" in said) == (EWS, True)
    assert Connection.objects.get(pk=behind.connection.pk).url == ""


def test_where_nothing_is_found_each_place_is_told(behind: Connected, proxy: Proxy) -> None:
    publish(behind, hosts="nowhere")
    page, said = looked_up(as_person(behind.them.alice), typed(proxy))
    assert messages.explain("no_autodiscover").remedy in said
    assert f"Autodiscover (XML), {HOST}: {messages.explain('not_autodiscover').sentence} HTTP 404" in said
    assert value(page, "url") == ""


def test_what_is_typed_wrong_is_told_beside_its_field_and_nobody_is_asked(behind: Connected, proxy: Proxy) -> None:
    before = list(proxy.asked)
    wrong = typed(proxy, username="") | {"proxy": "proxy:3128"}
    answer = as_person(behind.them.alice).post(f"{_EXCHANGE}/look-up", wrong)
    assert answer.status_code == 422
    assert messages.explain("proxy_address").sentence in unescape(answer.content.decode())
    assert proxy.asked == before


def test_the_enter_key_saves(house: House) -> None:
    page = html.fromstring(as_person(house.alice).get(_EXCHANGE).content.decode())
    form = page.get_element_by_id("id_url").getparent().getparent()
    assert form.xpath(".//button")[0].get("formaction") is None


# --- API and command line


def test_the_api_gives_url_steps_and_foreign_hosts(behind: Connected) -> None:
    alice = as_program(behind.them.alice)
    found = send(alice, "POST", "/api/connection/look-up", {}).json()
    assert (found["url"], found["server"], found["foreign"], "code" in found) == (EWS, "Exchange 2013", [], False)
    assert found["steps"][-1] == {"how": "soap", "host": HOST, "code": "", "detail": "", "cause": ""}
    publish_elsewhere(behind)
    refused = send(alice, "POST", "/api/connection/look-up", {"address": "bob@example.org"}).json()
    assert (refused["url"], refused["code"], refused["foreign"]) == ("", "foreign_host", [FOREIGN])
    assert refused["remedy"] == messages.explain("foreign_host").remedy
    again = send(alice, "POST", "/api/connection/look-up", {"trust": [FOREIGN]}).json()
    assert again["url"] == EWS


def test_without_an_account_nobody_is_asked(behind: Connected, proxy: Proxy) -> None:
    before = list(proxy.asked)
    behind.save(username="")
    answer = send(as_program(behind.them.alice), "POST", "/api/connection/look-up", {}).json()
    assert (answer["code"], answer["remedy"]) == ("no_account", messages.explain("no_account").remedy)
    assert proxy.asked == before


def test_the_command_finds_and_saves(behind: Connected, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("connection", "look-up", "--org", behind.them.company.name)
    status, found = command(capsys, *words)
    assert (status, found["url"]) == (0, EWS)
    assert Connection.objects.get(pk=behind.connection.pk).url == ""
    publish_elsewhere(behind)
    assert command(capsys, *words)[0] == 1
    assert command(capsys, *words, "--trust", FOREIGN, "--save")[0] == 0
    assert Connection.objects.get(pk=behind.connection.pk).url == EWS


def test_the_command_says_in_words_what_was_asked(behind: Connected, capsys: pytest.CaptureFixture[str]) -> None:
    publish_elsewhere(behind)
    with pytest.raises(SystemExit):
        main(["connection", "look-up", "--org", behind.them.company.name])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"If you know {FOREIGN}, add: --trust {FOREIGN}"
    assert f"Autodiscover (SOAP), {HOST}: The answer leads elsewhere.: {FOREIGN}" in lines


# --- the proxy of a connection


def test_everything_of_the_connection_goes_through_its_proxy(behind: Connected, proxy: Proxy) -> None:
    behind.save(url=EWS)
    assert _test(behind)[0].name == "proxy"
    services.switch_on(behind.them.alice, clock.now(), unseen=True)
    assert run_mailbox(mailbox_of(behind.them.alice).pk, "job")["finished_first_run"]
    assert {asked for asked in proxy.asked if "mail" in asked} == {"CONNECT mail.example.org:443"}


def test_its_password_is_sealed_kept_when_empty_and_goes_with_it(behind: Connected, proxy: Proxy) -> None:
    alice = as_person(behind.them.alice)
    alice.post(_EXCHANGE, typed(proxy, url=EWS, proxy_username="sam", proxy_password="hush: p@ss"))
    row = Connection.objects.get(pk=behind.connection.pk)
    assert "hush" not in row.proxy_password
    alice.post(_EXCHANGE, typed(proxy, url=EWS, proxy_username="sam"))
    proxy.wants = "sam:hush: p@ss"
    assert all(step.ok for step in _test(behind))
    assert "hush" not in alice.get(_EXCHANGE).content.decode()
    shown = send(as_program(behind.them.alice), "GET", "/api/connection").json()
    assert (shown["proxy"], shown["proxy_username"], shown["proxy_password"]) == (proxy.url, "sam", "set")
    alice.post(_EXCHANGE, typed(proxy, url=EWS, proxy_username="sam") | {"proxy": ""})
    row.refresh_from_db()
    assert (row.proxy, row.proxy_username, row.proxy_password) == ("", "", "")


@pytest.mark.parametrize(
    ("code", "settings"),
    [
        ("proxy_unreachable", {"proxy": "http://no-such-proxy.invalid:3128"}),
        ("proxy_refused", {"url": "https://other.example.org/EWS/Exchange.asmx"}),
        ("proxy_sign_in_refused", {"proxy_username": "sam", "proxy_password": "wrong"}),
    ],
)
def test_a_wrong_proxy_is_named_with_its_remedy(
    behind: Connected, proxy: Proxy, capsys: pytest.CaptureFixture[str], code: str, settings: dict[str, str]
) -> None:
    behind.save(url=EWS)
    behind.save(**settings)
    proxy.wants = "sam:right" if code == "proxy_sign_in_refused" else ""
    status, report = command(capsys, "connection", "test", "--org", behind.them.company.name)
    (step,) = report["steps"]
    assert (step["step"], step["code"], step["remedy"]) == ("proxy", code, messages.explain(code).remedy)
    assert status == (1 if code == "proxy_sign_in_refused" else 3)
    page = as_person(behind.them.alice).post(f"{_EXCHANGE}/test", {"address": "alice@example.org"})
    assert messages.explain(code).sentence in unescape(page.content.decode())
    assert behind.logons() == 0


def test_another_proxy_asks_for_a_new_test_and_none_keeps_the_old_one(connected: Connected, proxy: Proxy) -> None:
    assert services.may_enable(connected.connection)
    connected.save(proxy_username="nobody")
    assert services.may_enable(connected.connection), "without a proxy its user is nothing"
    connected.save(proxy=proxy.url)
    assert not services.may_enable(connected.connection)


@pytest.mark.parametrize(
    "address", ["proxy:3128", "socks5://proxy:1080", "http://u:p@proxy:3128", "http://", "http://p/x"]
)
def test_what_is_no_proxys_address_is_refused(
    connected: Connected, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    refused = send(as_program(connected.them.alice), "PUT", "/api/connection", {"proxy": address})
    assert refused.json()["code"] == "proxy_address"
    status, said = command(capsys, "connection", "set", "--proxy", address, "--org", connected.them.company.name)
    assert (status != 0, messages.explain("proxy_address").sentence in said) == (True, True)
    assert Connection.objects.get(pk=connected.connection.pk).proxy == ""


def test_the_command_line_sets_a_proxy(connected: Connected, capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    (tmp_path / "secret").write_text("hush\n")
    words = ("--proxy", "http://proxy.example.org:3128/", "--proxy-username", "sam")
    secret = ("--proxy-password-file", str(tmp_path / "secret"))
    _, shown = command(capsys, "connection", "set", "--org", connected.them.company.name, *words, *secret)
    assert (shown["proxy"], shown["proxy_password"]) == ("http://proxy.example.org:3128", "set")
    assert open_sealed(Connection.objects.get(pk=connected.connection.pk).proxy_password) == "hush"
