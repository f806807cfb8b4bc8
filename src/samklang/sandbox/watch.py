"""Telling of changes as they happen: what both protocols' notifications are made from."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from samklang.sandbox.model import CALENDAR
from samklang.sandbox.store import Store


class Happened(NamedTuple):
    """One line of the log of changes. `kind` is `created`, `updated` or `deleted`: what left the folder."""

    seq: int
    item: str
    immutable_id: str
    kind: str
    at: str


def happened(store: Store, mailbox: int, after: int, folder: str = CALENDAR) -> list[Happened]:
    """Everything that happened in a folder after a position, in order."""
    rows = store.history(mailbox, after, folder)
    return [Happened(seq, item, immutable, _KINDS.get(kind, kind), at) for seq, item, immutable, kind, at in rows]


# A series that lost an occurrence was updated (Graph facts §3.4).
_KINDS = {"thinned": "updated"}


class Watch:
    """Wakes whoever waits for a change, in any mailbox."""

    def __init__(self, store: Store) -> None:
        self._waiting: set[asyncio.Event] = set()
        #: The server goes down: nobody shall wait any longer.
        self.is_over = False
        store.on_change = self._wake

    def _wake(self) -> None:
        for each in self._waiting:
            each.set()

    def end(self) -> None:
        self.is_over = True
        self._wake()

    async def change(self, seconds: float) -> None:
        """Returns after the next change, or after so many seconds without one."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(event)
