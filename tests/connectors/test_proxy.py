"""Sessions that take a proxy: everything goes through it, and its faults are told from those of what is behind."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from samklang.connectors import http
from samklang.sync.errors import ConnectionRefused, SyncError, Unavailable
from tests.connectors.proxy import Proxy, proxy
from tests.connectors.test_http import authority, code_of, plain, secure

__all__ = ["authority", "plain", "proxy", "secure"]

MAIL = "localhost:443"


@pytest.fixture
def session(proxy: Proxy, secure: str, authority: tuple[Path, Path]) -> http.Session:
    proxy.leads(MAIL, secure)
    return http.session(allow_private=True, ca_file=authority[0], proxy=proxy.url)


def test_a_server_is_reached_through_a_tunnel_and_its_certificate_looked_at(
    session: http.Session, proxy: Proxy
) -> None:
    assert session.get("https://localhost/ok").content == b"well"
    assert proxy.asked == ["CONNECT localhost:443"]
    assert code_of(lambda: http.session(allow_private=True, proxy=proxy.url).get("https://localhost")) == (
        "bad_certificate"
    )


def test_plain_requests_take_it_too(proxy: Proxy, plain: str) -> None:
    proxy.leads("autodiscover.example.com:80", plain)
    session = http.session(allow_private=True, proxy=proxy.url, tells_redirects=True)
    answer = session.get("http://autodiscover.example.com/elsewhere")
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://evil.example/take")
    assert proxy.asked == ["GET http://autodiscover.example.com/elsewhere"]


def test_user_and_password_open_it(session: http.Session, proxy: Proxy) -> None:
    proxy.wants = "sam:p@ss word"
    session.proxies = {"https": proxy.url.replace("//", "//sam:p%40ss%20word@")}
    assert session.get("https://localhost/ok").content == b"well"


@pytest.mark.parametrize("address", ["https://localhost/ok", "http://localhost/ok"])
def test_a_wrong_password_for_it_is_asked_with_once_and_shows_nowhere(proxy: Proxy, address: str) -> None:
    proxy.wants = "sam:right"
    session = http.session(allow_private=True, proxy=proxy.url.replace("//", "//sam:wrong@"))
    with pytest.raises(ConnectionRefused) as caught:
        session.get(address)
    assert (caught.value.code, caught.value.detail) == ("proxy_sign_in_refused", "HTTP 407")
    assert "wrong" not in str(caught.value)
    assert len(proxy.asked) == 1


def test_a_proxy_that_leads_nobody_there_is_told_from_one_that_is_not_there(proxy: Proxy) -> None:
    session = http.session(allow_private=True, proxy=proxy.url)
    with pytest.raises(Unavailable) as caught:
        session.get("https://mail.example.com/EWS/Exchange.asmx")
    assert (caught.value.code, caught.value.detail) == ("proxy_refused", "HTTP 502")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = http.session(allow_private=True, proxy=f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert code_of(lambda: nobody.get("https://mail.example.com")) == "proxy_unreachable"
    unknown = http.session(allow_private=True, proxy="http://no-such-proxy.invalid:3128")
    assert code_of(lambda: unknown.get("https://mail.example.com")) == "proxy_unreachable"


def test_a_proxy_inside_our_own_network_is_asked_only_where_that_is_allowed(proxy: Proxy) -> None:
    inside = http.session(proxy=proxy.url)
    assert code_of(lambda: inside.get("https://mail.example.com")) == "proxy_not_allowed"
    assert proxy.asked == []


def test_an_address_nobody_may_connect_to_is_not_asked_of_a_proxy(proxy: Proxy) -> None:
    session = http.session(allow_private=True, proxy=proxy.url)
    assert code_of(lambda: session.get("http://169.254.169.254/latest/meta-data")) == "address_not_allowed"
    assert proxy.asked == []


def test_the_environments_proxy_is_not_taken(
    proxy: Proxy, secure: str, authority: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    assert http.session(allow_private=True, ca_file=authority[0]).get(secure).content == b"well"
    assert proxy.asked == []


def test_what_is_wrong_behind_it_is_not_blamed_on_it(session: http.Session, proxy: Proxy, plain: str) -> None:
    proxy.leads(MAIL, plain)
    with pytest.raises(SyncError) as caught:
        session.get("https://localhost/ok")
    assert caught.value.code == "no_tls"
