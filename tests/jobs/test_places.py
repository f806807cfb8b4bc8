"""One server gets a few requests at a time from all our processes together (rule 10.2, EWS facts §2.9)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from samklang.clock import now
from samklang.connectors.door import Door
from samklang.connectors.ews.calendar import EwsCalendar
from samklang.mailboxes import exchange
from samklang.mailboxes.doors import PLACES
from samklang.mailboxes.models import Connection
from tests.acceptance.world import World
from tests.installation import ACCOUNT
from tests.sandbox_client import Sandbox

READERS = 12


@pytest.fixture
def office(sandbox: Sandbox, transactional_db: None) -> Iterator[World]:
    world = World(sandbox, "ews", server="2010_sp2")  # takes ten at once, whomever we act for
    yield world
    world.close()


def test_however_many_mailboxes_are_read_at_once_the_server_meets_few_requests_at_once(office: World) -> None:
    addresses = [f"reader{number}@example.org" for number in range(READERS)]
    for address in addresses:
        office.mailbox(address)
    connection = Connection.objects.get()
    office.sandbox.fault("delay", {"protocol": "ews"}, seconds=0.1)
    office.sandbox.zero_counts()

    def read(address: str) -> None:
        calendar = EwsCalendar(exchange.access_of(connection), address, home="UTC", now=now)
        try:
            # The first of a session signs in, one at a time; it is the others that come together.
            for _ in range(16):
                list(calendar.read(None))
        finally:
            calendar.close()
            connections.close_all()

    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(read, addresses))
    counts = office.sandbox.counts(ACCOUNT)
    assert 1 < counts["max_concurrent"] <= PLACES
    assert counts["too_many"] == 0


def test_whoever_waits_for_a_place_keeps_nobody_of_another_server_waiting(office: World) -> None:
    ours = exchange.access_of(Connection.objects.get()).door
    theirs = exchange.access_of(Connection(url="https://mail.other.example", username="sync")).door
    all_taken, go_on = threading.Barrier(PLACES + 1), threading.Event()

    def hold() -> None:
        with ours.request():
            all_taken.wait(30)
            go_on.wait(30)
        connections.close_all()

    def pass_through(door: Door) -> bool:
        with door.request():
            pass
        connections.close_all()
        return go_on.is_set()

    with ThreadPoolExecutor(PLACES + 2) as pool:
        for _ in range(PLACES):
            pool.submit(hold)
        all_taken.wait(30)
        waits = pool.submit(pass_through, ours)
        assert not pool.submit(pass_through, theirs).result(30)
        go_on.set()
        assert waits.result(30), "not before one of ours was given back"
