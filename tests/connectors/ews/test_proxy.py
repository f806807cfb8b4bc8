"""An Exchange whose name only a proxy can look up: everything that is sent to it takes the proxy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from samklang.connectors.ews import EwsAccess, EwsCalendar, find_mailbox
from samklang.connectors.ews.streaming import Stream
from samklang.sync.errors import ConnectionRefused
from tests.connectors.ews.conftest import ALICE, NOW
from tests.connectors.ews.test_access import failure, logons, steps
from tests.connectors.proxy import Proxy, proxy
from tests.sandbox_client import Sandbox

__all__ = ["proxy"]

MAIL = "mail.example.com:443"


@pytest.fixture
def behind(exchange: Sandbox, access: EwsAccess, proxy: Proxy) -> EwsAccess:
    exchange.server("2013_sp1", ("ntlm",), stream_minute_seconds=0.1)
    proxy.leads(MAIL, exchange.ews)
    return replace(access, url="https://mail.example.com/EWS/Exchange.asmx", proxy=proxy.url)


def test_reading_streaming_and_looking_for_a_mailbox_all_take_it(
    exchange: Sandbox, behind: EwsAccess, proxy: Proxy
) -> None:
    assert find_mailbox(behind, ALICE).address == ALICE
    calendar = EwsCalendar(behind, ALICE, home="UTC", now=lambda: NOW)
    assert list(calendar.read(None))
    calendar.close()
    stream = Stream(behind, ALICE)
    list(stream.listen([stream.subscribe(ALICE)]))
    stream.close()
    assert set(proxy.asked) == {f"CONNECT {MAIL}"}
    # By NTLM a connection is signed in, not a request: a tunnel for each client, and a log-on in each.
    assert len(proxy.asked) == logons(exchange)[0] == 3


def test_a_good_proxy_is_a_step_of_the_connection_test(behind: EwsAccess) -> None:
    passed = ["proxy", "address", "certificate", "sign-in", "version", "impersonation", "calendar read"]
    assert steps(behind) == dict.fromkeys(passed, "")


def test_what_is_wrong_with_the_proxy_is_told_before_the_server_is_blamed(behind: EwsAccess, proxy: Proxy) -> None:
    assert steps(replace(behind, proxy="http://no-such-proxy.invalid:3128")) == {"proxy": "proxy_unreachable"}
    assert steps(replace(behind, allow_private=False)) == {"proxy": "proxy_not_allowed"}
    assert steps(replace(behind, url="https://other.example.com")) == {"proxy": "proxy_refused"}
    proxy.wants = "sam:right"
    assert steps(replace(behind, proxy=proxy.url.replace("//", "//sam:wrong@"))) == {"proxy": "proxy_sign_in_refused"}


def test_a_proxy_that_refuses_us_pauses_the_connection_like_a_server_that_does(
    exchange: Sandbox, behind: EwsAccess, proxy: Proxy
) -> None:
    proxy.wants = "sam:right"
    error = failure(behind)
    assert (type(error), error.code) == (ConnectionRefused, "proxy_sign_in_refused")
    assert len(proxy.asked) == 1
    assert logons(exchange) == (0, 0)


def test_its_password_shows_nowhere(behind: EwsAccess) -> None:
    assert "hush" not in repr(replace(behind, proxy="http://sam:hush@proxy.example.com:3128"))
