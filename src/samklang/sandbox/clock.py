"""The sandbox's own time: runs with the machine's, from any moment, or stands still."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samklang.sandbox.database import Database


class Clock:
    """Set by PUT {control}/clock; kept in the store, so that a restarted sandbox goes on at the right
    time."""

    def __init__(self, store: Database) -> None:
        self._store = store
        self.reload()

    def reload(self) -> None:
        kept: dict[str, Any] = self._store.get("settings", "clock", dict) or {}
        self._base = datetime.fromisoformat(kept["base"]) if kept else None
        self._set_at = datetime.fromisoformat(kept["set_at"]) if kept else None
        self._running = bool(kept.get("running", True))

    def now(self) -> datetime:
        real = datetime.now(UTC)
        if self._base is None or self._set_at is None:
            return real
        return self._base + (real - self._set_at) if self._running else self._base

    @property
    def running(self) -> bool:
        return self._running

    def set(self, now: datetime | None, *, running: bool) -> None:
        """`now` None: back to the machine's time (or, with running False, stop at the present moment)."""
        base = now or (None if running else self.now())
        if base is None:
            self._store.remove("settings", "clock")
        else:
            kept = {"base": base.isoformat(), "set_at": datetime.now(UTC).isoformat(), "running": running}
            self._store.put("settings", "clock", kept)
        self.reload()
