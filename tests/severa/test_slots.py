"""The turns and places of a client's requests in the database, for all processes."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from samklang.connectors.severa.access import SeveraAccess
from samklang.connectors.severa.pace import MOST, RATE, SPAN
from samklang.severa.models import NextRequest, RequestPlace
from samklang.severa.slots import SharedSlots

ACCESS = SeveraAccess("https://severa.example/rest-api/v1", "client-1", "hush")
#: Slower than any test: what it says does not hang on how long a statement takes.
SLOW = 1 / 1000 / RATE


@pytest.mark.django_db
def test_each_place_is_one_after_the_last_whoever_asks() -> None:
    places = [SharedSlots(ACCESS, SLOW).take() for _ in range(4)]
    assert places[0] == 0
    assert [round(place, -2) for place in places] == [0, 600, 600, 600], "no farther ahead than ten minutes"
    assert NextRequest.objects.count() == 1


@pytest.mark.django_db
def test_places_are_apart_by_the_rate() -> None:
    slots = SharedSlots(ACCESS, speed=0.1 / RATE)
    slots.take()
    assert 0 < slots.take() <= 10 < slots.take() <= 20


@pytest.mark.django_db
def test_another_client_has_places_of_its_own() -> None:
    SharedSlots(ACCESS, SLOW).take()
    assert SharedSlots(SeveraAccess(ACCESS.url, "client-2", "hush"), SLOW).take() == 0
    assert SharedSlots(SeveraAccess("https://other.example", "client-1", "hush"), SLOW).take() == 0


@pytest.mark.django_db
def test_what_the_server_asks_to_wait_holds_for_all() -> None:
    SharedSlots(ACCESS).hold(60)
    assert 50 < SharedSlots(ACCESS).take() <= 60
    SharedSlots(ACCESS).hold(5)
    assert SharedSlots(ACCESS).take() > 50, "never less than was asked for before"


@pytest.mark.django_db
def test_a_place_long_past_is_not_made_up_for() -> None:
    slots = SharedSlots(ACCESS, SLOW)
    slots.take()
    NextRequest.objects.update(at=F("at") - timedelta(days=1))
    assert slots.take() == 0
    assert slots.take() > 0


@pytest.mark.django_db
def test_there_are_as_many_places_as_severa_admits_requests_whoever_has_them() -> None:
    one, other = SharedSlots(ACCESS, SLOW), SharedSlots(ACCESS, SLOW)
    taken = [slots.enter() for _ in range(MOST // 2) for slots in (one, other)]
    assert sorted(place or 0 for place in taken) == list(range(1, MOST + 1))
    assert one.enter() is other.enter() is None
    assert SharedSlots(SeveraAccess(ACCESS.url, "client-2", "hush")).enter() is not None


@pytest.mark.django_db
def test_a_place_is_free_a_second_after_the_answer_and_long_after_a_process_that_was_killed() -> None:
    slots = SharedSlots(ACCESS, 1 / 100)  # whose second takes long
    answered, killed = slots.enter(), slots.enter()
    assert answered and killed
    for _ in range(MOST - 2):
        slots.enter()
    slots.leave(answered)
    assert slots.enter() is None, "the second has not passed"
    RequestPlace.objects.update(free=F("free") - timedelta(seconds=SPAN * 100))
    assert slots.enter() is not None
    slots.leave(killed)
    RequestPlace.objects.update(free=F("free") + timedelta(days=365))
    assert slots.enter() is not None, "the database's clock was set back"


@pytest.mark.django_db(transaction=True)
def test_processes_that_ask_at_once_get_places_apart() -> None:
    begun = timezone.now()

    def ask() -> None:
        try:
            for _ in range(3):
                SharedSlots(ACCESS, speed=0.1 / RATE).take()
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert NextRequest.objects.get().at >= begun + timedelta(seconds=12 / 0.1), "twelve places, none given out twice"
