"""What the service thinks of those it tells of changes: one that is often late is told late, one that is so more often
is not told at all (Graph facts §3.4)."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

#: Seconds an answer may take, and over which they are judged.
IN_TIME, WINDOW = 3.0, 600.0
#: Shares of late answers above which a host is slow, or lost to.
_SLOW, _DROP = 0.10, 0.15
#: Answers below which nothing is judged, and seconds a slow one waits: no source.
_FEW, SLOW_WAITS = 10, 10.0

State = Literal["normal", "slow", "drop"]


class Endpoints:
    """Hosts are judged, not addresses."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: dict[str, deque[tuple[float, bool]]] = defaultdict(deque)

    def state(self, url: str) -> State:
        answers = self._answers[_host(url)]
        while answers and answers[0][0] < self._clock() - WINDOW:
            answers.popleft()
        late = sum(is_late for _, is_late in answers)
        if len(answers) < _FEW or late <= _SLOW * len(answers):
            return "normal"
        return "slow" if late <= _DROP * len(answers) else "drop"

    def answered(self, url: str, *, in_time: bool) -> None:
        self._answers[_host(url)].append((self._clock(), not in_time))


def _host(url: str) -> str:
    return urlsplit(url).netloc
