"""The only place that reads the domain clock: cut-off, past and future, windows, stamps, trash.

`SAMKLANG_TEST_CLOCK` (an ISO time, or the address of the sandbox's `/control/clock`) replaces it in every process when
`SAMKLANG_TEST_MODE=1`. TLS, tokens, sessions, back-off and job leases keep real time.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

import requests

from samklang.config import config

_asked: tuple[float, datetime] | None = None


def now() -> datetime:
    """Domain time, aware UTC."""
    test_clock = config().test_clock
    if test_clock is None:
        return datetime.now(UTC)
    if test_clock.startswith("http"):
        return _from_sandbox(test_clock)
    return _parse(test_clock)


def real_now() -> datetime:
    """Time as it passes: for leases, back-off and polling, which a test clock must not stop."""
    return datetime.now(UTC)


def _parse(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _from_sandbox(url: str) -> datetime:
    """Asked at most five times a second, so that a run does not turn into clock requests."""
    global _asked
    if _asked is None or time.monotonic() - _asked[0] > 0.2:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(url, timeout=5)
        _asked = (time.monotonic(), _parse(answer.json()["now"]))
    return _asked[1]
