"""When a request may be sent: Severa admits 10 in any second from one client, over all our processes (facts §1.4).

Requests are spaced evenly, and a process that comes too late for its place takes another one: else those that were
held up by a busy machine would arrive together with the next ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

#: Requests a second: two below what Severa admits, for they do not arrive as evenly as they are sent.
RATE = 8.0
#: Seconds after its place at which a request is not sent any longer.
LATE = 0.1


class Slots(Protocol):
    """The places of one client's requests, given out to all who send for it."""

    def take(self) -> float:
        """Seconds from now to a place of one's own, 1 / `RATE` after the one before."""

    def hold(self, seconds: float) -> None:
        """Give out no place for so long: the server asked for it."""


class Pace:
    """Waits for a place before each request."""

    def __init__(
        self, slots: Slots, *, sleep: Callable[[float], None] = time.sleep, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._slots = slots
        self._sleep = sleep
        self._now = now

    def wait(self) -> None:
        """Return when a request may be sent, which then must be at once."""
        while True:
            # Reckoned from before the place was asked for, so that what the answer took counts as lateness.
            asked = self._now()
            place = self._slots.take()
            self._sleep(place)
            if self._now() - asked <= place + LATE:
                return

    def hold(self, seconds: float) -> None:
        self._slots.hold(seconds)
