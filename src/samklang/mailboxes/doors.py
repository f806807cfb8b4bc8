"""The doors of `connectors.door`, shared by every process of the installation over its database.

Silence and probe (rule 10.3): a refusal is remembered with a keyed digest of the credential. Nothing that runs by
itself signs in again with that credential for an hour, whichever of its mailboxes is due, or of all tenants where the
app's credential itself was refused; then one may, for all. Another credential is tried at once, and so is what a person
tests. Whoever gets in wakes those that were paused for the same.
"""

from __future__ import annotations

import functools
import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection, connections

from samklang.clock import real_now
from samklang.mailboxes import rhythm, services
from samklang.mailboxes.models import Connection, SignIn
from samklang.mailboxes.secrets import keyed_digest
from samklang.sync.errors import ConnectionRefused, SyncError, Throttled

#: Requests one server gets from all our processes at once, beside the streams that `jobs.listening` holds: together as
#: many as EWS facts §2.9 let an organization have.
PLACES = 5
#: Seconds one waits for who is signing in. A refusal comes at once; what takes longer is at work, so it was let in.
PATIENCE = 10.0
#: Seconds between two looks at whether it is one's turn.
_LOOK = 0.02


class SharedDoor:
    """Not to be passed inside a transaction that may be rolled back: what was heard would be lost.

    `whose`: names server and account, or sign-in service and app. `tenant`: the part of it that refusals concern, but
    for those in `common`, which concern all of it. `remembers`: False where a refusal of this tenant alone is no bad
    sign (soon after a consent). `keeps_connection`: False in a thread that is not to hold one of the database.
    """

    def __init__(
        self,
        whose: str,
        credential: str,
        *,
        tenant: str = "",
        common: frozenset[str] = frozenset(),
        remembers: bool = True,
        keeps_connection: bool = True,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._whose, self._whole = whose, _digest(whose)
        self._own = _digest(f"{whose}\n{tenant}")
        self._credential = keyed_digest(credential)
        self._common = common
        self._remembers = remembers
        self._keeps_connection = keeps_connection
        self._sleep = sleep
        self._chance = chance

    @contextmanager
    def passing(self) -> Iterator[None]:
        with self._alone():
            notes = self._notes()
            self._raise(notes)
            try:
                yield
            except (ConnectionRefused, Throttled) as error:
                self._note(error)
                raise
            if notes:
                self._forget_all(notes)

    @contextmanager
    def beside(self) -> Iterator[None]:
        """As `passing`, for what any number may ask at once, signed in already: only waits are remembered."""
        notes = self._notes()
        self._raise(notes)
        try:
            yield
        except Throttled as error:
            self._note(error)
            raise
        if notes:
            # What somebody beside us was told meanwhile stands.
            SignIn.objects.filter(key=self._own, until__lte=real_now()).delete()

    def heed(self) -> None:
        self._raise(self._notes())

    def forget(self, *, common: bool = True) -> None:
        """`common`: what concerns all tenants too."""
        keys = [self._own, *([self._whole] if common else [])]
        SignIn.objects.filter(key__in=keys).exclude(code=Throttled.code).update(until=real_now())

    @contextmanager
    def request(self) -> Iterator[None]:
        first = int(self._chance() * PLACES)
        numbers = [_number(f"{self._whose}\n{(first + place) % PLACES}") for place in range(PLACES)]
        with _queues(self._whose).places:
            while (mine := _take_one(numbers)) is None:
                self._sleep(_LOOK)
            try:
                yield
            finally:
                _leave(mine)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        queue, mine, waited = _queues(self._whose).door, _number(self._whose), 0.0
        first = queue.acquire(timeout=PATIENCE)
        while not (taken := _take(mine)) and waited < PATIENCE:
            self._sleep(_LOOK)
            waited += _LOOK
        try:
            yield
        finally:
            if taken:
                _leave(mine)
            if first:
                queue.release()
            if not self._keeps_connection:
                connections.close_all()

    def _notes(self) -> list[SignIn]:
        return list(SignIn.objects.filter(key__in=[self._own, self._whole]))

    def _raise(self, notes: list[SignIn]) -> None:
        now = real_now()
        for note in notes:
            left = (note.until - now).total_seconds()
            if left > 0 and note.code == Throttled.code:
                raise Throttled(left, note.detail)
            if not self._remembers and note.key == self._own:
                continue
            if left > 0 and note.credential == self._credential:
                raise ConnectionRefused(note.code, note.detail)

    def _note(self, error: SyncError) -> None:
        key = self._whole if error.code in self._common else self._own
        before = SignIn.objects.filter(key=key, code=error.code).first()
        # Those who asked beside each other failed together, and once.
        tries = 1 if before is None else before.tries + (before.until <= real_now())
        if isinstance(error, Throttled):
            asked = error.retry_after
            wait = rhythm.back_off(tries - 1, self._chance()) if asked is None else timedelta(seconds=asked)
            error.retry_after = wait.total_seconds()
        elif key == self._own and not self._remembers:
            return
        else:
            wait = services.PROBE_EVERY
        values = {"code": error.code, "detail": error.detail[:200], "tries": tries, "until": real_now() + wait}
        SignIn.objects.update_or_create(key=key, defaults={**values, "credential": self._credential})

    def _forget_all(self, notes: list[SignIn]) -> None:
        SignIn.objects.filter(key__in=[note.key for note in notes]).delete()
        if any(note.code in self._common for note in notes):
            try_again(self._common)


class _Queues:
    """Where the threads of this process wait for their turn at one server: the first of them alone ask the database
    again and again whether it has come."""

    def __init__(self) -> None:
        self.door = threading.RLock()
        self.places = threading.BoundedSemaphore(PLACES)


@functools.cache
def _queues(_whose: str) -> _Queues:
    return _Queues()


def try_again(codes: frozenset[str]) -> None:
    """What these refusals said of all tenants is mended: every connection they paused tries its access now."""
    for paused in Connection.objects.filter(version=Connection.Version.OFFICE365, paused_code__in=codes):
        services.probe_if_paused(paused)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _number(text: str) -> int:
    """An advisory lock's: any 64 bits."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], signed=True)


def _take(number: int) -> bool:
    return _take_one([number]) is not None


def _take_one(numbers: Sequence[int]) -> int | None:
    """The first of these locks that is free. It goes with its holder, should he be killed."""
    tries = " ".join("when pg_try_advisory_lock(%s) then %s" for _ in numbers)
    with connection.cursor() as cursor:
        cursor.execute(f"select case {tries} end", [each for number in numbers for each in (number, number)])
        found: int | None = cursor.fetchone()[0]
        return found


def _leave(number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_unlock(%s)", [number])
