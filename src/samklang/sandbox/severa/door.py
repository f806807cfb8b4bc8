"""Severa's front door: quota, faults, tokens, scopes, errors, and the check of every answer."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from samklang.sandbox import faults, traffic
from samklang.sandbox.context import Sandbox, log
from samklang.sandbox.faults import Fault
from samklang.sandbox.severa import routes, tokens
from samklang.sandbox.severa.call import Answer, Call, NotFoundError, SeveraError
from samklang.sandbox.severa.quota import Quota
from samklang.sandbox.severa.routes import Route
from samklang.sandbox.severa.schemas import Schemas
from samklang.sandbox.severa.service import Severa

_encode = msgspec.json.Encoder().encode


class Door:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox, self._severa = sandbox, Severa(sandbox.store)
        self._schemas, self._quota = Schemas(sandbox.schemas), Quota(sandbox.store)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        note: traffic.Call = request["call"]
        call = Call(
            method=request.method,
            path="/" + request.match_info["path"],
            query=[(name, value) for name, value in request.query.items()],
            headers={name.lower(): value for name, value in request.headers.items()},
            raw=await request.read(),
        )
        found = routes.match(call.method, call.path)
        operation = found[0].operation if found else "unknown"
        client = self._client(call)
        note.name(operation, client)
        too_many = self._quota.exceeded(client)
        struck = self._sandbox.faults.due("severa", operation, client, "before")
        ordered = await self._faulty(request, call, struck)
        if ordered is not None:
            return ordered
        if too_many:
            return self._quota.refusal()
        await asyncio.sleep(self._severa.settings.latency_seconds)
        real = self._performed(call, found)
        if struck is not None and struck.kind == "truncated_listing":
            real = _truncated(real, struck)
        late = self._sandbox.faults.due("severa", operation, client, "after")
        return real if late is None else await self._faulty(request, call, late, real) or real

    def _client(self, call: Call) -> str:
        try:
            return tokens.client_named(self._severa, call)
        except SeveraError:
            return ""

    # --- faults
    async def _faulty(
        self, request: web.Request, call: Call, fault: Fault | None, real: web.Response | None = None
    ) -> web.StreamResponse | None:
        if fault is None:
            return None
        what = fault.what
        match fault.kind:
            case "throttle":
                return self._quota.refusal(float(what["seconds"]) if "seconds" in what else None)
            case "token_invalid":
                return self._refusal(call, SeveraError("AuthenticationRequired", "The access token has expired."))
            case "response_code":
                status, message = int(what.get("status", 0)), str(what.get("message", "Ordered by a fault."))
                return self._refusal(call, SeveraError(str(what.get("code", "InvalidRequest")), message, status=status))
            case "stale":
                call.stale_seconds = float(what.get("seconds", 60))
                return None
            case "truncated_listing":
                return None
        return await faults.answer(fault, request, real)

    # --- the request itself
    def _performed(self, call: Call, found: tuple[Route, dict[str, str]] | None) -> web.Response:
        try:
            return self._written(call, found[0] if found else None, self._handled(call, found))
        except SeveraError as error:
            return self._refusal(call, error)
        except Exception:
            log.exception("severa %s failed", found[0].operation if found else "unknown")
            return self._refusal(call, SeveraError("InternalSystemError", "An internal error occurred."))

    def _handled(self, call: Call, found: tuple[Route, dict[str, str]] | None) -> Answer:
        if found is None:
            raise SeveraError("InvalidRequest", "There is no such resource.", status=404)
        route, parts = found
        if route.scope != routes.OPEN:
            call.organization, call.client, scopes = tokens.caller(self._severa, call)
            if route.scope not in (routes.SIGNED_IN, *scopes):
                raise SeveraError("InsufficientApiScope", f"The token has no scope {route.scope}.")
        with self._severa.store.transaction():
            return route.handler(self._severa, call, parts)

    def _written(self, call: Call, route: Route | None, answer: Answer) -> web.Response:
        if route is not None and route.answers and answer.body is not None and "," not in call.path:
            self._check(route.operation, route.answers, answer.body)
        body = b"" if answer.body is None else _encode(answer.body)
        kind = None if answer.body is None else "application/json"
        return web.Response(status=answer.status, body=body, headers=answer.headers, content_type=kind)

    def _refusal(self, call: Call, error: SeveraError) -> web.Response:
        if isinstance(error, NotFoundError) and not self._severa.settings.not_found_body:
            return web.Response(status=404)
        body = error.body(call.path)
        self._check("error", "ExceptionModel", body)
        return web.json_response(body, status=error.status, dumps=lambda value: _encode(value).decode())

    def _check(self, operation: str, schema: str, body: Any) -> None:
        if self._schemas.present:
            violation = self._schemas.violation(schema, msgspec.to_builtins(body))
            self._sandbox.validation.answer("severa", "v1", operation, violation)


def _truncated(real: web.Response, fault: Fault) -> web.Response:
    """A listing that stops early and says it is whole."""
    rows = msgspec.json.decode(real.body) if isinstance(real.body, bytes) and real.body else None
    if not isinstance(rows, list):
        return real
    return web.Response(body=_encode(rows[: int(fault.what.get("items", 0))]), content_type="application/json")
