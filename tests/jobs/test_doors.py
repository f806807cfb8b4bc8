"""What the next one is told at a server's door (rules 10.2, 10.3)."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection, connections

from samklang.mailboxes import doors
from samklang.mailboxes.doors import PATIENCE, SharedDoor
from samklang.mailboxes.models import SignIn
from samklang.sync.errors import ConnectionRefused, SyncError, Throttled

WHOSE = "https://mail.example.org\nEXAMPLE\\sync"


def _hears(door: SharedDoor, error: SyncError) -> None:
    with pytest.raises(type(error)), door.passing():
        raise error


def test_a_refusal_is_told_to_all_with_the_same_credential_and_to_nobody_else() -> None:
    _hears(SharedDoor(WHOSE, "old"), ConnectionRefused("sign_in_refused", "HTTP 401"))
    with pytest.raises(ConnectionRefused) as told:
        SharedDoor(WHOSE, "old").heed()
    assert (told.value.code, told.value.detail) == ("sign_in_refused", "HTTP 401")
    SharedDoor(WHOSE, "new").heed()
    SharedDoor("https://mail.other.example", "old").heed()


def test_what_is_remembered_tells_nobody_the_credential() -> None:
    _hears(SharedDoor(WHOSE, "hunter2"), ConnectionRefused("sign_in_refused"))
    row = SignIn.objects.values_list().get()
    assert not any("hunter2" in str(value) for value in row)


def test_a_person_who_asks_is_not_kept_out_by_a_refusal_but_by_a_wait() -> None:
    door = SharedDoor(WHOSE, "old")
    _hears(door, ConnectionRefused("sign_in_refused"))
    door.forget()
    _hears(door, Throttled(600))
    door.forget()
    with pytest.raises(Throttled) as told:
        SharedDoor(WHOSE, "new").heed()
    assert 540 < told.value.retry_after <= 600


def test_a_wait_of_no_said_length_doubles_until_somebody_gets_in() -> None:
    door = SharedDoor(WHOSE, "old", chance=lambda: 0.5)
    waits = []
    for _ in range(3):
        error = Throttled(None)
        _hears(door, error)
        waits.append(error.retry_after)
        SignIn.objects.update(until=datetime.now(UTC) - timedelta(seconds=1))
    with door.passing():
        pass
    assert not SignIn.objects.exists()
    error = Throttled(None)
    _hears(door, error)
    assert [*waits, error.retry_after] == [22.5, 45.0, 90.0, 22.5]


def test_those_who_ask_beside_each_other_are_told_to_wait_together_and_once() -> None:
    first, second = Throttled(None), Throttled(None)
    one, other = (SharedDoor(WHOSE, "", chance=lambda: 0.5) for _ in range(2))
    with pytest.raises(Throttled), one.beside():
        with pytest.raises(Throttled), other.beside():
            raise first
        raise second
    assert (first.retry_after, second.retry_after) == (22.5, 22.5)


def test_what_somebody_was_told_meanwhile_stands_when_another_ends_well() -> None:
    asks, is_told = SharedDoor(WHOSE, ""), SharedDoor(WHOSE, "")
    _hears(asks, Throttled(1))
    SignIn.objects.update(until=datetime.now(UTC) - timedelta(seconds=1))
    with asks.beside(), pytest.raises(Throttled), is_told.beside():
        raise Throttled(600)
    with pytest.raises(Throttled):
        asks.heed()


def test_whoever_is_kept_waiting_goes_in_for_a_refusal_would_have_come_by_then() -> None:
    slept: list[float] = []
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("select pg_advisory_lock(%s)", [doors._number(WHOSE)])
        with SharedDoor(WHOSE, "old", sleep=slept.append).passing():
            assert sum(slept) == pytest.approx(PATIENCE, abs=0.1)


def test_of_the_threads_that_wait_in_one_process_one_alone_looks_whether_its_turn_has_come() -> None:
    looked: list[int] = []
    enough = threading.Event()

    def look(seconds: float) -> None:
        looked.append(threading.get_ident())
        if len(looked) == 20:
            enough.set()
        time.sleep(seconds)

    def pass_through() -> None:
        with SharedDoor(WHOSE, "old", sleep=look).passing():
            pass
        connections.close_all()

    with psycopg.connect(**connection.get_connection_params()) as other, ThreadPoolExecutor(4) as pool:
        other.execute("select pg_advisory_lock(%s)", [doors._number(WHOSE)])
        passing = [pool.submit(pass_through) for _ in range(4)]
        assert enough.wait(30)
        other.execute("select pg_advisory_unlock(%s)", [doors._number(WHOSE)])
        for each in passing:
            each.result(30)
    assert len(set(looked)) == 1


def test_soon_after_a_consent_one_tenants_refusal_keeps_nobody_out_but_a_bad_secret_does() -> None:
    def door(**more: bool) -> SharedDoor:
        return SharedDoor("https://login.example\napp", "s", tenant="t", common=frozenset(("wrong_secret",)), **more)

    _hears(door(), ConnectionRefused("app_not_found"))
    door(remembers=False).heed()
    _hears(door(remembers=False), ConnectionRefused("app_not_found"))
    _hears(door(remembers=False), ConnectionRefused("wrong_secret"))
    with pytest.raises(ConnectionRefused, match="wrong_secret"):
        door(remembers=False).heed()
