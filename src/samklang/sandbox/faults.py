"""Faults a test orders by the control API: which request, which time, what happens to it.

The rules and how often each matched are kept in the store. `Faults.due` picks; `answer` performs the kinds
that mean the same for every protocol. The others (`soap_fault`, `response_code`, `throttle`, `stale`,
`token_invalid`, `truncated_listing`) are performed by the protocol, which knows their shape.
"""

from __future__ import annotations

import asyncio
import random
import re
import uuid
from typing import Any, Literal

import msgspec
from aiohttp import web

from samklang.sandbox.store import Store

Side = Literal["before", "after"]


class Where(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    protocol: Literal["ews", "graph", "login", "severa", "*"] = "*"
    operation: str = ".*"  # regular expression, whole name
    mailbox: str | None = None


class When(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`nth`: only that matching request; `every`: each n-th; `times`: stop after so many; `probability` with
    `seed`."""

    nth: int | None = None
    every: int | None = None
    times: int | None = None
    probability: float | None = None
    seed: int = 0
    side: Side = "before"  # "after": executed, the answer lost or changed


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`what` has `kind` and its details, e.g. {"kind": "status", "status": 503, "headers": {"Retry-After":
    "3"}}."""

    id: str = ""
    where: Where = msgspec.field(default_factory=Where)
    when: When = msgspec.field(default_factory=When)
    what: dict[str, Any]
    matched: int = 0
    fired: int = 0

    @property
    def kind(self) -> str:
        return str(self.what["kind"])


KINDS = (
    *("status", "timeout", "drop", "malformed", "html", "delay"),
    *("soap_fault", "response_code", "throttle", "stale", "token_invalid", "truncated_listing"),
)
_PAGE = """<html><head><title>Runtime Error</title></head>
<body><h1>Server Error in '/' Application.</h1></body></html>"""


class Faults:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.reload()

    def reload(self) -> None:
        self._rules = self._store.all("fault", Fault)

    def add(self, fault: Fault) -> Fault:
        """Raises ValueError for an unknown kind or a bad regular expression."""
        if fault.what.get("kind") not in KINDS:
            raise ValueError(f"what.kind must be one of {', '.join(KINDS)}.")
        try:
            re.compile(fault.where.operation)
        except re.error as error:
            raise ValueError(f"where.operation is no regular expression: {error}.") from error
        fault.id = fault.id or uuid.uuid4().hex
        fault.matched = fault.fired = 0
        self._store.put("fault", fault.id, fault)
        self._rules[fault.id] = fault
        return fault

    def all(self) -> list[Fault]:
        return list(self._rules.values())

    def remove(self, id: str | None = None) -> bool:
        """One, or all; False if there was none of that id."""
        gone = [key for key in self._rules if id is None or key == id]
        for key in gone:
            self._store.remove("fault", key)
            del self._rules[key]
        return id is None or bool(gone)

    def due(self, protocol: str, operation: str, mailbox: str, side: Side) -> Fault | None:
        """The first rule that strikes this request; every rule that matches counts it."""
        struck: Fault | None = None
        for fault in self._rules.values():
            if fault.when.side != side or not _matches(fault.where, protocol, operation, mailbox):
                continue
            fault.matched += 1
            if struck is None and _strikes(fault):
                fault.fired += 1
                struck = fault
            self._store.put("fault", fault.id, fault)
        return struck


def _matches(where: Where, protocol: str, operation: str, mailbox: str) -> bool:
    if where.protocol not in ("*", protocol) or not re.fullmatch(where.operation, operation):
        return False
    return where.mailbox is None or where.mailbox.casefold() == mailbox.casefold()


def _strikes(fault: Fault) -> bool:
    when = fault.when
    if when.times is not None and fault.fired >= when.times:
        return False
    if when.nth is not None and fault.matched != when.nth:
        return False
    if when.every is not None and fault.matched % when.every:
        return False
    if when.probability is None:
        return True
    return random.Random(f"{when.seed}:{fault.matched}").random() < when.probability


async def answer(fault: Fault, request: web.Request, real: web.Response | None = None) -> web.StreamResponse | None:
    """Performs a fault that is the same for every protocol; None when the request shall go on (`delay`), or
    when the kind belongs to the protocol. `real` is the answer that would have been sent, for side
    "after"."""
    what = fault.what
    match fault.kind:
        case "delay":
            await asyncio.sleep(float(what.get("seconds", 1)))
            return real
        case "status":
            return web.Response(
                status=int(what.get("status", 503)),
                headers=what.get("headers") or {},
                text=str(what.get("body", "")),
                content_type=what.get("content_type", "text/plain"),
            )
        case "html":
            return web.Response(status=int(what.get("status", 200)), text=_PAGE, content_type="text/html")
        case "malformed":
            body = real.body if real is not None else None
            whole = body if isinstance(body, bytes) else b'<?xml version="1.0"?><s:Envelope'
            kind = real.content_type if real is not None else str(what.get("content_type", "text/xml"))
            return web.Response(status=200, body=whole[: max(1, len(whole) // 2)], content_type=kind)
        case "timeout":
            await asyncio.sleep(float(what.get("seconds", 600)))
            return _drop(request)
        case "drop":
            return _drop(request)
    return None


def _drop(request: web.Request) -> web.StreamResponse:
    """Ends the connection without a byte of an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
