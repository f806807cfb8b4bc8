"""The connector as one user's mailbox has it, at a pace of its own."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from samklang.connectors.severa.access import SeveraAccess
from samklang.connectors.severa.activities import SeveraActivities
from samklang.connectors.severa.auth import Tokens
from samklang.connectors.severa.client import SeveraClient
from samklang.connectors.severa.organization import SeveraOrganization
from samklang.connectors.severa.pace import MOST, RATE, SPAN, Pace
from samklang.severa.mirror import DjangoMirror


class OwnSlots:
    """Turns and places of a client that has this process alone."""

    def __init__(self, speed: float = 1, now: Callable[[], float] = time.monotonic) -> None:
        self._apart = 1 / RATE / speed
        self._span = SPAN / speed
        self._now = now
        self._next = now()
        self._free = [self._next] * MOST
        self._lock = threading.Lock()

    def take(self) -> float:
        with self._lock:
            now = self._now()
            place = max(self._next, now)
            self._next = place + self._apart
            return place - now

    def enter(self) -> int | None:
        with self._lock:
            place = next((place for place, free in enumerate(self._free) if free <= self._now()), None)
            if place is not None:
                self._free[place] = math.inf
            return place

    def leave(self, place: int) -> None:
        with self._lock:
            self._free[place] = self._now() + self._span

    def hold(self, seconds: float) -> None:
        with self._lock:
            self._next = max(self._next, self._now() + seconds)


def client_of(access: SeveraAccess, now: Callable[[], datetime]) -> SeveraClient:
    """Whose requests follow each other without waiting."""
    pace = Pace(OwnSlots(speed=1e9))
    return SeveraClient(access, Tokens(access, pace), pace, now=now)


def activities_of(
    client: SeveraClient,
    organization_id: int,
    user_id: str,
    *,
    now: Callable[[], datetime],
    fresh: timedelta,
    complete: timedelta,
) -> SeveraActivities:
    """Over the mirror in the database; people are read again with each complete listing."""
    organization = SeveraOrganization(
        client,
        DjangoMirror(organization_id),
        zone="Europe/Stockholm",
        now=now,
        fresh=fresh,
        complete=complete,
        people=complete,
    )
    return SeveraActivities(organization, user_id)
