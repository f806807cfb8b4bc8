"""What every request leaves behind: a line in the log, counters per mailbox, how many ran at once, and which came while
its sender had been told to wait."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime

from aiohttp import web
from aiohttp.typedefs import Middleware

from samklang.sandbox.store import Store

# Headers that are logged: who the client says it is, and whose server it wants (EWS facts §2.1).
_TOLD = ("User-Agent", "X-AnchorMailbox")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Call:
    """One request as the log will name it. The protocol names operation and mailbox as soon as it knows
    them."""

    def __init__(self, traffic: Traffic, protocol: str) -> None:
        self._traffic = traffic
        self.protocol = protocol
        self.operation = "unknown"
        self.mailbox = ""
        self.sender = ""  # the app or account that sent it; to be set before the mailbox is named
        self.back_off = 0.0  # seconds its sender is told to wait before it sends more about this mailbox
        self.logged_on = ""  # the account whose log-on this request completed
        self.is_leg = False  # a log-on leg: told apart from the requests proper
        self.headers: dict[str, str] = {}  # those the log shows, of HTTP and of the protocol

    @property
    def client(self) -> str:
        """The name its sender goes by, without versions."""
        return re.split(r"[/ ]", self.headers.get("User-Agent", ""))[0]

    def name(self, operation: str, mailbox: str = "") -> None:
        """`mailbox` is the primary address of the mailbox the request is about."""
        self.operation = operation
        if mailbox and not self.mailbox:
            self.mailbox = mailbox
            self._traffic.enter(self)

    @property
    def who(self) -> tuple[str, ...]:
        """Whom a server holds back: an app or account in one mailbox."""
        return self.protocol, self.sender.casefold(), self.mailbox.casefold()


class Traffic:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: Counter[str] = Counter()
        self._back: dict[tuple[str, ...], float] = {}  # until when nobody of these is to send, by the machine's clock

    def enter(self, call: Call) -> None:
        self._running[call.mailbox] += 1
        self._store.count_max(call.mailbox, "max_concurrent", self._running[call.mailbox])
        if time.monotonic() < self._back.get(call.who, 0):
            self._store.count(call.mailbox, "during_back_off")

    def reset(self) -> None:
        """Nobody has been told to wait."""
        self._back.clear()

    def counted(self, protocol: str) -> Middleware:
        """The middleware of one protocol; handlers find their `Call` in `request["call"]`."""

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            call = request["call"] = Call(self, protocol)
            call.headers = {name: request.headers[name] for name in _TOLD if name in request.headers}
            if scheme := request.headers.get("Authorization", "").partition(" ")[0]:
                call.headers["Authorization"] = scheme  # how it logs on, never with what
            status = 500
            try:
                response = await handler(request)
                status = response.status
                self.told(call, response.headers)
                # A server's Date is its clock: clients measure how far it is from theirs.
                response.headers["Date"] = format_datetime(self._store.clock.now(), usegmt=True)
                return response
            except web.HTTPException as error:
                status = error.status
                raise
            finally:
                self.leave(call, status)

        return middleware

    def told(self, call: Call, headers: Mapping[str, str]) -> None:
        """Its answer is about to go out: how long HTTP tells its sender to wait, should the protocol not say."""
        wait = headers.get("Retry-After", "")
        if wait and not call.back_off:
            call.back_off = _seconds(wait, self._store.clock.now())

    def leave(self, call: Call, status: int) -> None:
        """Writes down a request that is over."""
        if call.back_off and call.mailbox:
            self._back[call.who] = time.monotonic() + call.back_off
        with self._store.transaction():
            self._store.log_request(call.protocol, call.operation, call.mailbox, status, call.headers)
            if not call.is_leg:
                self._store.count(call.mailbox, "requests")
            if call.logged_on and call.mailbox and call.mailbox.casefold() != call.logged_on.casefold():
                self._store.count(call.mailbox, "logons")
            self._store.count(call.mailbox, f"operation:{call.operation}")
        if call.mailbox:
            self._running[call.mailbox] -= 1


def _seconds(wait: str, now: datetime) -> float:
    """What a Retry-After asks for, as a number or a date. `now`: the server's clock, as in Date."""
    if wait[0].isdigit():
        return float(wait)
    return max(0.0, (parsedate_to_datetime(wait) - now).total_seconds())
