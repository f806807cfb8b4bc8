"""The sandbox's Autodiscover, seen by exchangelib (SOAP) and byte by byte (XML, which no client at hand speaks)."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from lxml import etree

from tests.sandbox.oracles import ALICE, PASSWORD, USER, exchangelib
from tests.sandbox_client import Sandbox

_ASKS = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
_TELLS = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_NAMES = {"r": "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006", "o": _TELLS}


def document(exchange: Sandbox, suffix: str) -> str:
    return exchange.ews.replace("/EWS/Exchange.asmx", f"/Autodiscover/Autodiscover.{suffix}")


def settings_of(exchange: Sandbox, address: str = ALICE, **order: Any) -> Any:
    step = {"do": "user_settings", "at": document(exchange, "svc"), "address": address}
    (told,) = exchangelib(exchange, step, **order)
    return told


def post(exchange: Sandbox, address: str = ALICE, schema: str = _TELLS, **details: Any) -> requests.Response:
    body = (
        f'<Autodiscover xmlns="{_ASKS}"><Request><EMailAddress>{address}</EMailAddress>'
        f"<AcceptableResponseSchema>{schema}</AcceptableResponseSchema></Request></Autodiscover>"
    )
    with requests.Session() as session:
        session.trust_env, session.verify, session.auth = False, exchange.ca_file, (USER, PASSWORD)
        return session.post(document(exchange, "xml"), data=body, allow_redirects=False, **details)


def texts(answer: requests.Response, path: str) -> list[str]:
    return [element.text or "" for element in etree.fromstring(answer.content).xpath(path, namespaces=_NAMES)]


# --- SOAP


@pytest.mark.oracle
@pytest.mark.parametrize("auth", ["ntlm", "basic"])
def test_exchangelib_learns_address_and_version(exchange: Sandbox, auth: str) -> None:
    told = settings_of(exchange, auth=auth)
    assert told == {"ews": exchange.ews, "address": ALICE, "version": "Exchange2013_SP1"}


@pytest.mark.oracle
def test_exchangelib_is_led_elsewhere(exchange: Sandbox) -> None:
    there = "https://mail.example.net/autodiscover/autodiscover.svc"
    ways = [{"kind": "url", "to": there, "of": ".*@example.com"}, {"kind": "address", "to": "b@example.net"}]
    exchange.server(autodiscover={"redirects": ways})
    assert settings_of(exchange)["redirect_url"] == there
    exchange.server(autodiscover={"redirects": ways[1:]})
    assert settings_of(exchange)["redirect_address"] == "b@example.net"


@pytest.mark.oracle
def test_exchangelib_hears_that_nobody_has_this_address(exchange: Sandbox) -> None:
    assert settings_of(exchange, "nobody@example.com")["error_code"] == "InvalidUser"


@pytest.mark.parametrize("version", ["2007_sp1", "2007_sp3"])
def test_2007_speaks_no_soap(exchange: Sandbox, version: str) -> None:
    exchange.server(version)
    answer = requests.post(document(exchange, "svc"), data=b"", verify=exchange.ca_file, timeout=10)
    assert answer.status_code == 404


# --- XML


@pytest.mark.parametrize(
    ("version", "number", "names"),
    [("2007_sp1", "720181B4", ["ASUrl", "OOFUrl"]), ("2013", "73C08204", ["ASUrl", "EwsUrl", "OOFUrl"])],
)
def test_both_protocols_tell_their_addresses(exchange: Sandbox, version: str, number: str, names: list[str]) -> None:
    exchange.server(version, autodiscover={"external_url": "https://mail.example.com/EWS"})
    answer = post(exchange)
    assert texts(answer, "//o:Account/o:Action") == ["settings"]
    assert texts(answer, "//o:Protocol/o:Type") == ["EXCH", "EXPR"]
    assert texts(answer, "//o:ServerVersion") == [number]
    for kind, url in (("EXCH", exchange.ews), ("EXPR", "https://mail.example.com/EWS")):
        urls = etree.fromstring(answer.content).xpath(f"//o:Protocol[o:Type='{kind}']/*", namespaces=_NAMES)
        assert [(etree.QName(u).localname, u.text) for u in urls if u.tag.endswith("Url")] == [(n, url) for n in names]


@pytest.mark.parametrize(
    ("asked", "code"), [({"address": "nobody@example.com"}, "500"), ({"schema": "http://mobilesync"}, "600")]
)
def test_errors_have_the_documented_numbers(exchange: Sandbox, asked: dict[str, str], code: str) -> None:
    answer = post(exchange, **asked)
    assert (answer.status_code, texts(answer, "/r:Autodiscover/r:Response/r:Error/r:ErrorCode")) == (200, [code])


def test_it_leads_elsewhere_in_three_ways(exchange: Sandbox) -> None:
    there = "https://mail.example.net/autodiscover/autodiscover.xml"
    exchange.server(autodiscover={"redirects": [{"kind": "http", "to": there}]})
    assert (post(exchange).status_code, post(exchange).headers["Location"]) == (302, there)
    exchange.server(autodiscover={"redirects": [{"kind": "url", "to": there}]})
    assert texts(post(exchange), "//o:RedirectUrl | //o:Action") == ["redirectUrl", there]
    exchange.server(autodiscover={"redirects": [{"kind": "address", "to": "b@example.net"}]})
    assert texts(post(exchange), "//o:RedirectAddr | //o:Action") == ["redirectAddr", "b@example.net"]


def test_nobody_learns_anything_without_logging_on(exchange: Sandbox) -> None:
    with requests.Session() as session:
        session.trust_env, session.verify = False, exchange.ca_file
        for suffix in ("xml", "svc"):
            answer = session.post(document(exchange, suffix), data=b"<Autodiscover/>")
            assert (answer.status_code, answer.headers["WWW-Authenticate"].split(",")[0]) == (401, "NTLM")


def test_the_plain_port_says_at_most_where_to_ask(exchange: Sandbox) -> None:
    plain = exchange.pages + "/autodiscover/autodiscover.xml"
    assert requests.get(plain, timeout=10, allow_redirects=False).status_code == 404
    exchange.server(autodiscover={"plain_redirect": "https://mail.example.com/autodiscover/autodiscover.xml"})
    answer = requests.get(plain, timeout=10, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"].split("/")[2]) == (302, "mail.example.com")
