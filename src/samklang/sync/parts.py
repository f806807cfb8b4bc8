"""What one run is made of, put together by `wiring`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from samklang.engine.merge import IN_STEP, ServerClocks
from samklang.engine.rules import Rules
from samklang.sync.ports import Activities, Calendar, Store


def _none_counted() -> int:
    return 0


def _in_step() -> ServerClocks:
    return IN_STEP


@dataclass(frozen=True, slots=True)
class Parts:
    """Both calendars of one user, what we know of his mailbox, the policies, the clock."""

    activities: Activities
    calendar: Calendar
    store: Store
    #: `started_on` is replaced by the mailbox's own once its first run began.
    rules: Rules
    #: Domain time, aware UTC.
    now: Callable[[], datetime]
    #: Requests made to the Exchange side so far, by the connector's own count (log-on legs apart).
    requests: Callable[[], int] = _none_counted
    #: Mails the connector caused so far.
    mails: Callable[[], int] = _none_counted
    #: How the two servers' clocks compare, by the answers so far (rule 7.4).
    clocks: Callable[[], ServerClocks] = _in_step
