"""Looking the EWS address up, at an Exchange of the sandbox that is found under its organization's names: only the
proxy on the way knows them. What leads outside, and what asks for the password, is counted."""

from __future__ import annotations

import socket
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from samklang.connectors.ews import EwsAccess
from samklang.connectors.ews.autodiscover import Search, look_up
from samklang.sync.errors import Unavailable
from tests.connectors.ews.conftest import ALICE, PASSWORD
from tests.connectors.ews.test_access import logons
from tests.connectors.proxy import Proxy, proxy
from tests.sandbox_client import Sandbox

__all__ = ["proxy"]

EWS = "https://mail.example.com/EWS/Exchange.asmx"
DOMAIN, AUTODISCOVER = "example.com", "autodiscover.example.com"
FOREIGN = "autodiscover.example.net"


@pytest.fixture
def office(exchange: Sandbox, proxy: Proxy) -> Sandbox:
    """Autodiscover is at autodiscover.example.com; example.com is a web site that knows nothing of it."""
    for host in (DOMAIN, AUTODISCOVER, "mail.example.com", FOREIGN, "example.net"):
        proxy.leads(f"{host}:443", exchange.ews)
    proxy.leads(f"{AUTODISCOVER}:80", exchange.pages)
    behaves(exchange)
    return exchange


def behaves(
    exchange: Sandbox, version: str = "2013_sp1", auth: tuple[str, ...] = ("ntlm",), **autodiscover: Any
) -> None:
    usual = {"hosts": r"autodiscover\..*|mail\..*", "external_url": EWS, "internal_url": "https://cas.example.com/EWS"}
    exchange.server(version, auth, autodiscover=usual | autodiscover)


@pytest.fixture
def outside(office: Sandbox, access: EwsAccess, proxy: Proxy) -> EwsAccess:
    return replace(access, url="", proxy=proxy.url)


def told(search: Search) -> list[tuple[str, str, str]]:
    return [(step.how, step.host, step.code) for step in search.steps]


# --- what is found


def test_by_soap_from_2010_on(office: Sandbox, outside: EwsAccess) -> None:
    found = look_up(outside, ALICE)
    assert (found.url, found.code, found.build) == (EWS, "", "15.0.1156.6")
    assert told(found) == [
        ("soap", DOMAIN, "not_autodiscover"),
        ("pox", DOMAIN, "not_autodiscover"),
        ("soap", AUTODISCOVER, ""),
    ]
    assert logons(office) == (1, 0)


@pytest.mark.parametrize(
    ("chosen", "server", "build"), [("2007", "2007_sp3", "8.3.83"), ("2013", "2007_sp1", "8.1.436")]
)
def test_by_xml_where_the_server_is_of_2007(
    office: Sandbox, outside: EwsAccess, chosen: str, server: str, build: str
) -> None:
    behaves(office, server)
    found = look_up(replace(outside, version=chosen), ALICE)
    assert (found.url, found.build) == (EWS, build)
    asked = {how for how, _, _ in told(found)}
    assert asked == ({"pox"} if chosen == "2007" else {"soap", "pox"})


@pytest.mark.parametrize(("chosen", "how"), [("2007", "pox"), ("2016", "soap")])
def test_the_address_for_those_outside_comes_first_and_the_inner_one_serves(
    office: Sandbox, outside: EwsAccess, chosen: str, how: str
) -> None:
    outside = replace(outside, version=chosen)
    assert look_up(outside, ALICE).url == EWS
    behaves(office, external_url="")
    found = look_up(outside, ALICE)
    assert (found.url, found.steps[-1].how) == ("https://cas.example.com/EWS", how)


def test_the_domains_own_host_is_asked_first(office: Sandbox, outside: EwsAccess, proxy: Proxy) -> None:
    behaves(office, hosts=".*")
    assert told(look_up(outside, ALICE)) == [("soap", DOMAIN, "")]
    assert proxy.asked == [f"CONNECT {DOMAIN}:443"]


def test_basic_signs_in_too(office: Sandbox, outside: EwsAccess) -> None:
    behaves(office, auth=("basic",))
    assert look_up(replace(outside, auth="basic"), ALICE).url == EWS
    assert logons(office) == (1, 0)


def test_any_document_that_tells_the_address_will_do(office: Sandbox, outside: EwsAccess) -> None:
    office.fault("html", {"operation": "Autodiscover.SOAP"})
    found = look_up(outside, ALICE)
    assert (found.url, [code for _, _, code in told(found)][-2:]) == (EWS, ["not_autodiscover", ""])


# --- what is not


def test_without_autodiscover_each_place_and_what_it_said_is_told(office: Sandbox, outside: EwsAccess) -> None:
    behaves(office, hosts="nowhere")
    found = look_up(outside, ALICE)
    assert (found.url, found.code) == ("", "no_autodiscover")
    assert [(step.how, step.host, step.detail) for step in found.steps] == [
        ("soap", DOMAIN, "HTTP 404"),
        ("pox", DOMAIN, "HTTP 404"),
        ("soap", AUTODISCOVER, "HTTP 404"),
        ("pox", AUTODISCOVER, "HTTP 404"),
        ("plain", AUTODISCOVER, "HTTP 404"),
    ]


def test_a_host_that_is_not_there_is_asked_once(office: Sandbox, outside: EwsAccess, proxy: Proxy) -> None:
    del proxy.names[f"{DOMAIN}:443"], proxy.names[f"{AUTODISCOVER}:443"], proxy.names[f"{AUTODISCOVER}:80"]
    found = look_up(outside, ALICE)
    assert [(how, host) for how, host, _ in told(found)] == [
        ("soap", DOMAIN),
        ("soap", AUTODISCOVER),
        ("plain", AUTODISCOVER),
    ]
    assert len(proxy.asked) == 3


@pytest.mark.parametrize("version", ["2007", "2013"])
def test_somebody_without_a_mailbox_has_no_settings(office: Sandbox, outside: EwsAccess, version: str) -> None:
    found = look_up(replace(outside, version=version), "nobody@example.com")
    assert found.code == "no_autodiscover"
    refusals = [step.detail for step in found.steps if step.code == "autodiscover_refused"]
    assert refusals == (["500"] if version == "2007" else ["InvalidUser", "500"])


@pytest.mark.parametrize(
    "address", ["alice", "@example.com", "alice@", "a@localhost", "a@10.1.2.3", "a@[::1]", "a@b/c.d"]
)
def test_only_an_address_with_a_domain_is_looked_up(outside: EwsAccess, proxy: Proxy, address: str) -> None:
    with pytest.raises(Unavailable, match="not_an_address"):
        look_up(outside, address)
    assert proxy.asked == []


def test_a_document_with_entities_is_none(office: Sandbox, outside: EwsAccess) -> None:
    bomb = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><Autodiscover>&e;</Autodiscover>"""
    office.fault("status", {"operation": "Autodiscover.*"}, status=200, body=bomb, content_type="text/xml")
    assert "document type declared" in {step.detail for step in look_up(outside, ALICE).steps}


# --- the password


@pytest.mark.parametrize("auth", ["ntlm", "basic"])
def test_a_refused_sign_in_ends_the_search_after_one_attempt(
    office: Sandbox, outside: EwsAccess, proxy: Proxy, auth: str
) -> None:
    behaves(office, auth=(auth,), hosts=".*")
    found = look_up(replace(outside, password="wrong", auth=auth), ALICE)
    assert (found.code, told(found)) == ("sign_in_refused", [("soap", DOMAIN, "sign_in_refused")])
    assert logons(office) == (0, 1)
    assert {asked.split()[1] for asked in proxy.asked} == {f"{DOMAIN}:443"}


def test_what_was_refused_is_not_tried_again_by_another_search(office: Sandbox, outside: EwsAccess) -> None:
    wrong = replace(outside, password="wrong")
    assert [look_up(wrong, ALICE).code for _ in range(3)] == ["sign_in_refused"] * 3
    assert logons(office) == (0, 1)


def test_a_web_site_that_wants_another_kind_of_sign_in_is_passed_by(office: Sandbox, outside: EwsAccess) -> None:
    behaves(office, auth=("basic",))
    found = look_up(outside, ALICE)
    assert ("soap", AUTODISCOVER, "auth_method_not_offered") in told(found)
    assert (found.code, logons(office)) == ("no_autodiscover", (0, 0))


def test_a_host_that_does_not_ask_for_the_password_does_not_get_it(office: Sandbox, outside: EwsAccess) -> None:
    """Basic sends it in clear, so a web site under the organization's name must not see it."""
    behaves(office, auth=("basic",))
    assert look_up(replace(outside, auth="basic"), ALICE).url == EWS
    absent = [call for call in office.log() if call["operation"] == "Autodiscover.Absent"]
    assert len(absent) == 2
    assert not any("Authorization" in call["headers"] for call in absent)


# --- redirects


def away(kind: str, to: str, **where: str) -> dict[str, Any]:
    return {"redirects": [{"kind": kind, "to": to, "at": AUTODISCOVER, **where}]}


@pytest.mark.parametrize("version", ["2007", "2013"])
@pytest.mark.parametrize("kind", ["http", "url"])
def test_a_redirect_inside_the_domain_is_followed(office: Sandbox, outside: EwsAccess, version: str, kind: str) -> None:
    suffix = "xml" if version == "2007" else "svc"
    behaves(office, **away(kind, f"https://mail.example.com/autodiscover/autodiscover.{suffix}"))
    found = look_up(replace(outside, version=version), ALICE)
    assert found.url == EWS
    how = "pox" if version == "2007" else "soap"
    assert told(found)[-2:] == [(how, AUTODISCOVER, "went_on"), (how, "mail.example.com", "")]


def test_where_the_http_address_leads_is_asked_signed_in_over_https(office: Sandbox, outside: EwsAccess) -> None:
    behaves(office, hosts=r"mail\..*", plain_redirect="https://mail.example.com/autodiscover/autodiscover.xml")
    found = look_up(outside, ALICE)
    assert found.url == EWS
    assert told(found)[-2:] == [("plain", AUTODISCOVER, "went_on"), ("pox", "mail.example.com", "")]


@pytest.mark.parametrize("kind", ["http", "url", "plain"])
def test_a_foreign_host_is_sent_nothing_before_a_person_confirmed_it(
    office: Sandbox, outside: EwsAccess, proxy: Proxy, kind: str
) -> None:
    there = f"https://{FOREIGN}/autodiscover/autodiscover.xml"
    ways = {"plain_redirect": there, "hosts": FOREIGN} if kind == "plain" else away(kind, there)
    behaves(office, **ways)
    found = look_up(outside, ALICE)
    assert (found.url, found.code, found.foreign) == ("", "foreign_host", (FOREIGN,))
    assert f"CONNECT {FOREIGN}:443" not in proxy.asked
    confirmed = look_up(outside, ALICE, trusted=[FOREIGN.upper()])
    assert (confirmed.url, confirmed.steps[-1].host) == (EWS, FOREIGN)


def test_a_host_that_only_ends_like_the_domain_is_foreign(office: Sandbox, outside: EwsAccess) -> None:
    behaves(office, **away("url", "https://evil-example.com/autodiscover/autodiscover.xml"))
    assert look_up(outside, ALICE).foreign == ("evil-example.com",)
    assert look_up(outside, ALICE, trusted=["example.net"]).foreign == ("evil-example.com",)


def test_an_address_of_another_domain_leads_outside(office: Sandbox, outside: EwsAccess, proxy: Proxy) -> None:
    office.mailbox("alice@example.net")
    behaves(office, hosts="autodiscover\\..*", **away("address", "alice@example.net"))
    found = look_up(outside, ALICE)
    assert (found.code, found.foreign) == ("foreign_host", ("example.net", FOREIGN))
    assert not [asked for asked in proxy.asked if "example.net" in asked]
    assert look_up(outside, ALICE, trusted=["example.net", FOREIGN]).url == EWS


def test_another_address_of_the_domain_is_asked_for_anew(office: Sandbox, outside: EwsAccess) -> None:
    behaves(office, **away("address", "alice.a@example.com", of="alice@.*"))
    found = look_up(outside, ALICE)
    assert (found.url, ("soap", AUTODISCOVER, "went_on") in told(found)) == (EWS, True)


def test_an_ews_address_outside_the_domain_is_confirmed_too(office: Sandbox, outside: EwsAccess) -> None:
    behaves(office, external_url="https://mail.example.net/EWS/Exchange.asmx")
    assert look_up(outside, ALICE).foreign == ("mail.example.net",)
    found = look_up(outside, ALICE, trusted=["mail.example.net"])
    assert found.url == "https://mail.example.net/EWS/Exchange.asmx"


@pytest.mark.parametrize("url", ["http://mail.example.com/EWS/Exchange.asmx", "https://u:p@mail.example.com/EWS"])
def test_an_address_the_password_may_not_go_to_is_none(office: Sandbox, outside: EwsAccess, url: str) -> None:
    behaves(office, external_url=url)
    found = look_up(outside, ALICE)
    assert (found.url, "https_required" in {step.code for step in found.steps}) == ("", True)


def test_a_redirect_to_http_is_not_followed(office: Sandbox, outside: EwsAccess) -> None:
    behaves(office, **away("http", "http://autodiscover.example.com/other/autodiscover.xml"))
    found = look_up(outside, ALICE)
    assert ("pox", AUTODISCOVER, "https_required") in told(found)


def test_going_round_in_circles_ends(office: Sandbox, outside: EwsAccess) -> None:
    behaves(office, **away("address", ALICE))
    assert look_up(outside, ALICE).code == "no_autodiscover"
    there = "https://mail.example.com/autodiscover/autodiscover.xml"
    back = f"https://{AUTODISCOVER}/autodiscover/autodiscover.xml"
    ways = [{"kind": "url", "to": there, "at": AUTODISCOVER}, {"kind": "url", "to": back, "at": "mail.example.com"}]
    behaves(office, redirects=ways)
    assert look_up(outside, ALICE).code == "no_autodiscover"


def test_after_ten_redirects_nobody_goes_on(office: Sandbox, outside: EwsAccess, proxy: Proxy) -> None:
    hosts = [AUTODISCOVER, *(f"h{n}.example.com" for n in range(20))]
    for host in hosts:
        proxy.leads(f"{host}:443", office.ews)
    ways = [
        {"kind": "url", "at": at, "to": f"https://{to}/autodiscover/autodiscover.xml"} for at, to in pairwise(hosts)
    ]
    behaves(office, hosts=r"(autodiscover|h\d+)\..*", redirects=ways)
    found = look_up(outside, ALICE)
    assert found.code == "too_many_redirects"
    assert [code for _, _, code in told(found)].count("went_on") == 10


# --- the way


def test_without_its_proxy_nothing_else_is_tried(outside: EwsAccess) -> None:
    found = look_up(replace(outside, proxy="http://no-such-proxy.invalid:3128"), ALICE)
    assert (found.code, len(found.steps)) == ("proxy_unreachable", 1)


def test_names_that_lead_into_our_own_network_are_not_connected_to(
    access: EwsAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.5", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: inside)
    found = look_up(replace(access, allow_private=False), ALICE)
    assert {step.code for step in found.steps} == {"address_not_allowed"}
    assert PASSWORD not in repr(found)
