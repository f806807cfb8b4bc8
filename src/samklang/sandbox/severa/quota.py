"""The quota of a client: so many calls a second (Severa facts §1.4), and how many there were."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from aiohttp import web

from samklang.sandbox.severa.settings import settings
from samklang.sandbox.store import Store

_SECOND = 1.0


class Quota:
    """Counts in the machine's time, in windows of a second that begin with a client's first call, as
    AspNetCoreRateLimit does, whose words the refusal has. Refused calls use nothing up."""

    def __init__(self, store: Store, now: Callable[[], float] = time.monotonic) -> None:
        self._store, self._now = store, now
        self._windows: dict[str, tuple[float, int]] = {}
        self._calls: dict[str, deque[float]] = {}

    def exceeded(self, client: str) -> bool:
        """Notes a call; whether it is one too many."""
        now = self._now()
        self._note(client, now)
        limit = settings(self._store).requests_per_second
        if not limit:
            self._windows.clear()
            return False
        began, used = self._windows.get(client, (now, 0))
        if now - began >= _SECOND:
            began, used = now, 0
        if used >= limit:
            return True
        self._windows[client] = (began, used + 1)
        return False

    def _note(self, client: str, now: float) -> None:
        """`max_per_second`: most calls in any second, wherever it begins, those refused among them."""
        calls = self._calls.setdefault(client, deque())
        calls.append(now)
        while now - calls[0] >= _SECOND:
            calls.popleft()
        self._store.count_max(client, "max_per_second", len(calls))

    def refusal(self, retry_after: float | None = None) -> web.Response:
        chosen = settings(self._store)
        text = f"API calls quota exceeded! maximum admitted {chosen.requests_per_second} per 1s."
        seconds = 1 if retry_after is None and chosen.retry_after else retry_after
        headers = {} if seconds is None else {"Retry-After": f"{seconds:g}"}
        return web.Response(status=429, text=text, headers=headers)
