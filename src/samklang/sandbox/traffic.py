"""What every request leaves behind: a line in the log, counters per mailbox, and how many ran at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable
from email.utils import format_datetime

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
            self._traffic.enter(mailbox)


class Traffic:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: Counter[str] = Counter()

    def enter(self, mailbox: str) -> None:
        self._running[mailbox] += 1
        self._store.count_max(mailbox, "max_concurrent", self._running[mailbox])

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
                # A server's Date is its clock: clients measure how far it is from theirs.
                response.headers["Date"] = format_datetime(self._store.clock.now(), usegmt=True)
                return response
            except web.HTTPException as error:
                status = error.status
                raise
            finally:
                self.leave(call, status)

        return middleware

    def leave(self, call: Call, status: int) -> None:
        """Writes down a request that is over."""
        with self._store.transaction():
            self._store.log_request(call.protocol, call.operation, call.mailbox, status, call.headers)
            if not call.is_leg:
                self._store.count(call.mailbox, "requests")
            if call.logged_on and call.mailbox and call.mailbox.casefold() != call.logged_on.casefold():
                self._store.count(call.mailbox, "logons")
            self._store.count(call.mailbox, f"operation:{call.operation}")
        if call.mailbox:
            self._running[call.mailbox] -= 1
