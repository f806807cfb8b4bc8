"""A server's door, where all our processes sign in: one at a time, and nobody again with what was refused (rule 10.3).

Ten mailboxes that find a wrong password each by themselves are ten refusals, and a locked account. So whoever signs in
is alone, hears first what the last one heard, and leaves word for the next.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from samklang.sync.errors import ConnectionRefused


class Door(Protocol):
    """Of one server, for one account or app."""

    def passing(self) -> AbstractContextManager[None]:
        """Sign in inside, alone. A ConnectionRefused or Throttled raised inside is remembered, for everybody, until its
        time has passed; a good end forgets what was remembered.

        Raises what is remembered of these credentials.
        """

    def heed(self) -> None:
        """Raises what is remembered of these credentials."""

    def forget(self) -> None:
        """A person asks, or settings were saved: refusals are not remembered any longer. Waits are (rule 10.2)."""

    def request(self) -> AbstractContextManager[None]:
        """One request to the server inside, as one of the few it gets from us at once."""


class OwnDoor:
    """The door of one process, which remembers refusals until `forget`, and lets any number of requests through."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._refusal: ConnectionRefused | None = None

    @contextmanager
    def passing(self) -> Iterator[None]:
        with self._lock:
            self.heed()
            try:
                yield
            except ConnectionRefused as refusal:
                self._refusal = refusal
                raise

    def heed(self) -> None:
        if self._refusal is not None:
            raise self._refusal

    def forget(self) -> None:
        self._refusal = None

    def request(self) -> AbstractContextManager[None]:
        return nullcontext()
