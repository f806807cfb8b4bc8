"""When a request may be sent: Severa admits 10 in any second from one client, over all our processes (facts §1.4).

Turns are given out evenly, two a second below that. Alone they would not do: requests that wait at a busy server, or on
the way, arrive together. So each also has one of ten places, from before it is sent until a second after its answer;
whenever Severa counted it, it was in its place, and no second ever holds more requests than there are places.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

#: Requests Severa admits in any such span, in seconds; and how many of ours have their turn in a second.
MOST, SPAN, RATE = 10, 1.0, 8.0
#: Seconds between two looks for a free place.
_LOOK = 0.05


class Slots(Protocol):
    """Turns and places of one client's requests, given out to all who send for it."""

    def take(self) -> float:
        """Seconds from now to a turn of one's own, 1 / `RATE` after the one before."""

    def enter(self) -> int | None:
        """A place of one's own; None while all `MOST` are taken."""

    def leave(self, place: int) -> None:
        """The request was answered: its place is free again after `SPAN`."""

    def hold(self, seconds: float) -> None:
        """Give out no turn for so long: the server asked for it."""


class Pace:
    def __init__(self, slots: Slots, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._slots = slots
        self._sleep = sleep

    @contextmanager
    def request(self) -> Iterator[None]:
        """Waits until a request may be sent; what is in the block is its sending and its answer."""
        self._sleep(self._slots.take())
        while (place := self._slots.enter()) is None:
            self._sleep(_LOOK)
        try:
            yield
        finally:
            self._slots.leave(place)

    def hold(self, seconds: float) -> None:
        self._slots.hold(seconds)
