"""Each Exchange Server is spoken to in the newest version it understands, whatever was chosen (EWS facts §2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from samklang.connectors.ews import EwsAccess, EwsCalendar, probe
from samklang.connectors.ews.dialect import dialect_of, product_of
from samklang.connectors.ews.streaming import Stream
from samklang.engine import canonical
from samklang.sync.errors import ProtocolError, Unavailable
from tests.connectors.ews.conftest import ALICE, NOW, Open
from tests.contract.calendar import MEETING, WITH_EXCEPTIONS, stored
from tests.sandbox_client import Sandbox

SPOKEN = {
    "2007_sp1": "Exchange2007_SP1",
    "2007_sp2": "Exchange2007_SP1",
    "2007_sp3": "Exchange2007_SP1",
    "2010": "Exchange2010",
    "2010_sp1": "Exchange2010_SP1",
    "2010_sp2": "Exchange2010_SP2",
    "2010_sp3": "Exchange2010_SP2",
    "2013": "Exchange2013",
    "2013_sp1": "Exchange2013_SP1",
    "2016": "Exchange2013_SP1",
    "2019": "Exchange2013_SP1",
    "se": "Exchange2013_SP1",
}


@pytest.fixture
def calendar(access: EwsAccess) -> Iterator[EwsCalendar]:
    made = EwsCalendar(access, ALICE, home="Europe/Stockholm", now=lambda: NOW)
    yield made
    made.close()


def asked(sandbox: Sandbox, operation: str | None = None) -> list[dict[str, Any]]:
    """Requests proper, without the legs of a log-on."""
    operations = [line for line in sandbox.log() if line["protocol"] == "ews" and line["operation"] != "logon-leg"]
    return [line for line in operations if line["operation"] == (operation or line["operation"]) != "unknown"]


def versions(sandbox: Sandbox) -> list[tuple[str, int]]:
    """RequestServerVersion and status of each."""
    return [(line["headers"]["RequestServerVersion"], line["status"]) for line in asked(sandbox)]


@pytest.mark.parametrize("server", SPOKEN)
def test_a_server_is_spoken_to_in_the_newest_version_it_knows(
    exchange: Sandbox, access: EwsAccess, calendar: EwsCalendar, server: str
) -> None:
    exchange.server(server, ("ntlm",))
    list(calendar.read(None))
    before = len(versions(exchange))
    access = replace(access, build=calendar.server_build)
    known = EwsCalendar(access, ALICE, home="Europe/Stockholm", now=lambda: NOW)
    made = known.create(WITH_EXCEPTIONS, "key")
    assert canonical.fields(stored(known, made.id).entry) == canonical.fields(WITH_EXCEPTIONS)
    known.close()
    assert set(versions(exchange)[before:]) == {(SPOKEN[server], 200)}
    assert exchange.validation()["failures"] == []


def test_a_server_older_than_was_chosen_is_asked_again_one_version_older_until_it_answers(
    exchange: Sandbox, calendar: EwsCalendar
) -> None:
    exchange.server("2010_sp1", ("ntlm",))
    list(calendar.read(None))
    steps = [("Exchange2013_SP1", 500), ("Exchange2013", 500), ("Exchange2010_SP2", 500), ("Exchange2010_SP1", 200)]
    assert versions(exchange) == steps
    made = calendar.create(WITH_EXCEPTIONS, "key")
    assert stored(calendar, made.id).entry.title == WITH_EXCEPTIONS.title
    assert {version for version, _ in versions(exchange)[3:]} == {"Exchange2010_SP1"}


def test_a_server_newer_than_was_chosen_is_spoken_to_as_what_it_is_after_its_first_answer(
    exchange: Sandbox, access: EwsAccess
) -> None:
    exchange.server("2016", ("ntlm",))
    calendar = EwsCalendar(replace(access, version="2010"), ALICE, home="UTC", now=lambda: NOW)
    list(calendar.read(None))
    list(calendar.read(None))
    calendar.close()
    assert versions(exchange) == [("Exchange2010_SP2", 200), ("Exchange2013_SP1", 200)]


@pytest.mark.parametrize("code", ["ErrorSchemaValidation", "ErrorIncorrectSchemaVersion", "ErrorInvalidRequest"])
def test_what_a_server_calls_wrong_is_not_sent_again(exchange: Sandbox, calendar: EwsCalendar, code: str) -> None:
    exchange.fault("soap_fault", {"protocol": "ews"}, code=code)
    with pytest.raises(ProtocolError):
        list(calendar.read(None))
    assert len(asked(exchange)) == 1


def test_a_server_that_knows_none_of_our_versions_is_asked_once_in_each(
    exchange: Sandbox, calendar: EwsCalendar
) -> None:
    exchange.fault("soap_fault", {"protocol": "ews"}, code="ErrorInvalidServerVersion")
    with pytest.raises(ProtocolError) as caught:
        list(calendar.read(None))
    assert caught.value.code == "version_refused"
    assert [version for version, _ in versions(exchange)] == list(dict.fromkeys(reversed(SPOKEN.values())))


def test_a_mailbox_behind_a_newer_front_is_stepped_down_for_once_and_not_for_each_request(
    exchange: Sandbox, calendar: EwsCalendar
) -> None:
    exchange.fault("soap_fault", {"protocol": "ews"}, {"times": 1}, code="ErrorInvalidServerVersion")
    for _ in range(3):
        list(calendar.read(None))
    assert versions(exchange) == [("Exchange2013_SP1", 500), *[("Exchange2013", 200)] * 3]


@pytest.mark.parametrize("server", ["2010_sp1", "2010_sp2", "2010_sp3", "2013", "2013_sp1", "se"])
def test_a_server_that_can_stream_takes_a_subscription(exchange: Sandbox, access: EwsAccess, server: str) -> None:
    exchange.server(server, ("ntlm",))
    stream = Stream(access, ALICE)
    assert stream.subscribe(ALICE)
    stream.close()
    assert asked(exchange, "Subscribe")[-1]["headers"]["RequestServerVersion"] == SPOKEN[server]


@pytest.mark.parametrize("server", ["2007_sp1", "2007_sp3", "2010"])
def test_a_server_too_old_to_stream_is_not_asked_to(exchange: Sandbox, access: EwsAccess, server: str) -> None:
    exchange.server(server, ("ntlm",))
    stream = Stream(access, ALICE)
    with pytest.raises(Unavailable) as caught:
        stream.subscribe(ALICE)
    stream.close()
    assert (caught.value.code, caught.value.detail) == ("no_streaming", stream.server_build)
    assert asked(exchange, "Subscribe") == []


def test_the_connection_test_passes_where_another_server_was_chosen_and_tells_its_build(
    exchange: Sandbox, access: EwsAccess
) -> None:
    exchange.server("2010_sp3", ("ntlm",))
    steps = list(probe(access, lambda: NOW, ALICE, write=True))
    assert [step.error for step in steps] == [None] * 7
    assert {step.name: step.found for step in steps}["version"] == "14.3.513.0"


def test_each_request_says_who_we_are_and_whose_mailbox_it_is_for(exchange: Sandbox, opened: Open) -> None:
    """2013 and later lead a request by X-AnchorMailbox; an administrator allows a program by its User-Agent."""
    calendar = opened()
    list(calendar.read(None))
    calendar.delete(calendar.create(MEETING, "key"))
    told = {tuple(line["headers"].get(name) for name in ("User-Agent", "X-AnchorMailbox")) for line in exchange.log()}
    assert len(asked(exchange)) >= 4
    assert told == {("Samklang", ALICE)}


def test_all_requests_of_a_group_that_is_listened_to_name_its_first_mailbox(
    exchange: Sandbox, access: EwsAccess
) -> None:
    exchange.mailbox("bob@example.com")
    stream = Stream(access, ALICE)
    for address in (ALICE, "bob@example.com"):
        stream.subscribe(address)
    stream.close()
    assert [line["mailbox"] for line in asked(exchange, "Subscribe")] == [ALICE, "bob@example.com"]
    assert {line["headers"]["X-AnchorMailbox"] for line in asked(exchange)} == {ALICE}


@pytest.mark.parametrize(
    ("build", "version", "product"),
    [
        ("8.1.436.0", "Exchange2007_SP1", "2007"),
        ("14.0.639.11", "Exchange2010", "2010"),
        ("14.1.438.0", "Exchange2010_SP1", "2010"),
        ("14.3.513.0", "Exchange2010_SP2", "2010"),
        ("15.0.846.99", "Exchange2013", "2013"),
        ("15.0.847.0", "Exchange2013_SP1", "2013"),
        ("15.1.2507.6", "Exchange2013_SP1", "2016"),
        ("15.2.1544.4", "Exchange2013_SP1", "2019"),
        ("15.2.2562.17", "Exchange2013_SP1", "se"),
        ("15.20.7611.16", "Exchange2013_SP1", "office365"),
    ],
)
def test_the_build_says_version_and_product(build: str, version: str, product: str) -> None:
    assert dialect_of("2007", build).version == version
    assert product_of(build) == product


@pytest.mark.parametrize("build", ["", "0.0.0.0", "6.5.7638.1", "new"])
def test_a_build_that_says_nothing_leaves_the_choice(build: str) -> None:
    assert dialect_of("2010", build).version == "Exchange2010_SP2"
    assert product_of(build) == ""
