"""Graph's front door: tokens, limits, faults, schemas, errors; and `$batch`, which goes through it again."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import msgspec
from aiohttp import web

from samklang.sandbox import faults, permissions, tokens, traffic
from samklang.sandbox.calendar import CalendarError
from samklang.sandbox.context import Sandbox, log
from samklang.sandbox.faults import Fault
from samklang.sandbox.graph import batch, delta, directory, events, notices, routes, subset
from samklang.sandbox.graph.call import Answer, Call, GraphError, Prefer
from samklang.sandbox.graph.routes import Route
from samklang.sandbox.graph.schemas import Schemas, plain
from samklang.sandbox.graph.service import Service
from samklang.sandbox.graph.settings import retry_after
from samklang.sandbox.model import Mailbox
from samklang.sandbox.recurrence import RecurrenceError

_CONTENT = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
_WINDOW = 600  # seconds of the request limit
_encode = msgspec.json.Encoder().encode


def add_routes(app: web.Application, sandbox: Sandbox) -> None:
    part = web.Application(middlewares=[sandbox.traffic.counted("graph")], client_max_size=8 * 1024 * 1024)
    part.router.add_route("*", r"/{path:[\s\S]*}", Door(sandbox).answer)
    notices.add_delivery(app, sandbox)
    app.add_subapp("/v1.0", part)


class Door:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox, self._service = sandbox, Service(sandbox)
        self._running: Counter[tuple[str, str]] = Counter()
        self._served: dict[tuple[str, str], tuple[float, int]] = {}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        note: traffic.Call = request["call"]
        call = Call(
            method=request.method,
            path="/" + request.match_info["path"],
            query=_query(request.query),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=None,
            base=self._sandbox.urls["graph"],
        )
        if call.path == "/$batch":
            call.operation = "batch"
            note.name(call.operation)
            self._note(request, call, raw)
            struck = self._sandbox.faults.due("graph", "batch", "", "before")
            return await self._faulty(request, call, struck) or await batch.answer(self, request, call, raw)
        return await self.one(request, call, raw, note)

    async def one(self, request: web.Request, call: Call, raw: bytes, note: traffic.Call) -> web.StreamResponse:
        """One request: itself, or a part of a batch."""
        found = routes.match(call.method, call.path)
        route = found[0] if found else None
        user = unquote(found[1].get("user", "")) if found else ""
        call.operation = route.operation if route else "unknown"
        call.mailbox = self._mailbox(call, user)
        address = call.mailbox.address if call.mailbox else ""
        note.sender = str(call.claims.get("appid", ""))
        note.name(call.operation, address)
        self._note(request, call, raw)
        struck = self._sandbox.faults.due("graph", call.operation, address, "before")
        ordered = await self._faulty(request, call, struck)
        if ordered is not None:
            return ordered
        real = self.written(call, route.answers if route else "", await self._limited(call, found, raw))
        if struck is not None and struck.kind == "truncated_listing":
            real = _truncated(real)
        late = self._sandbox.faults.due("graph", call.operation, address, "after")
        return real if late is None else await self._faulty(request, call, late, real) or real

    @property
    def schemas(self) -> Schemas:
        return self._service.schemas

    @property
    def traffic(self) -> traffic.Traffic:
        return self._sandbox.traffic

    def _mailbox(self, call: Call, user: str) -> Mailbox | None:
        """Whose mailbox a path is about, as far as the token lets one see it."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        try:
            call.claims = tokens.claims(self._sandbox.store, token) if scheme.lower() == "bearer" else {}
            tenant = directory.tenant_of(self._service, call) if call.claims and user else None
        except (tokens.TokenError, GraphError):
            return None
        return directory.find(self._sandbox.store, tenant, user) if tenant else None

    # --- faults
    async def _faulty(
        self, request: web.Request, call: Call, fault: Fault | None, real: web.Response | None = None
    ) -> web.StreamResponse | None:
        if fault is None:
            return None
        what = fault.what
        match fault.kind:
            case "token_invalid" if what.get("token") == "delta":
                if "$deltatoken" in call.query or "$skiptoken" in call.query:
                    status, code = int(what.get("status", 410)), str(what.get("code", "SyncStateNotFound"))
                    return self.error(call, GraphError(status, code, "The sync state generation is not found."))
                return None
            case "token_invalid":
                return self.error(call, _no_token("Access token has expired or is not yet valid."))
            case "throttle":
                form = str(what.get("form", self._service.settings.retry_after))
                headers = retry_after(form, float(what.get("seconds", 1)), self._service.store.clock.now())
                return self.error(call, _throttled(headers, int(what.get("status", 429))))
            case "response_code":
                error = GraphError(
                    int(what.get("status", 400)),
                    str(what.get("code", "ErrorInvalidRequest")),
                    str(what.get("message", "Ordered by a fault.")),
                    headers=what.get("headers") or {},
                )
                return self.error(call, error)
            case "stale" if "seconds" in what:
                call.stale_seconds = float(what["seconds"])
                return None
            case "stale" if call.method in ("PATCH", "DELETE"):
                return self.error(call, events.conflict())
            case "stale":
                following = "$deltatoken" in call.query or "$skiptoken" in call.query
                return self.error(call, delta.expired()) if following else None
            case "truncated_listing":
                return None
        return await faults.answer(fault, request, real)

    # --- limits
    async def _limited(self, call: Call, found: tuple[Route, dict[str, str]] | None, raw: bytes) -> Answer | GraphError:
        """Four at a time per app and mailbox, and so many in ten minutes (Graph facts §1.8)."""
        if call.mailbox is None:
            return await self._performed(call, found, raw)
        settings = self._service.settings
        key = (str(call.claims.get("appid")), call.mailbox.address)
        if self._running[key] >= settings.concurrent_requests or self._over_limit(key):
            return _throttled(retry_after(settings.retry_after, 1, self._service.store.clock.now()))
        self._running[key] += 1
        try:
            await asyncio.sleep(settings.latency_seconds)  # lets requests that came at the same time meet here
            return await self._performed(call, found, raw)
        finally:
            self._running[key] -= 1

    def _over_limit(self, key: tuple[str, str]) -> bool:
        began, served = self._served.get(key, (0.0, 0))
        now = time.monotonic()
        if now - began > _WINDOW:
            began, served = now, 0
        self._served[key] = (began, served + 1)
        return served >= self._service.settings.requests_per_10_minutes

    # --- the request itself
    async def _performed(
        self, call: Call, found: tuple[Route, dict[str, str]] | None, raw: bytes
    ) -> Answer | GraphError:
        try:
            answer = self._handled(call, found, raw)
            return answer if isinstance(answer, Answer) else await answer
        except GraphError as error:
            return error
        except (CalendarError, RecurrenceError) as error:
            return GraphError(400, error.code, str(error))
        except Exception:
            log.exception("graph %s failed", call.operation)
            return GraphError(500, "ErrorInternalServerError", "An internal server error occurred.")

    def _handled(
        self, call: Call, found: tuple[Route, dict[str, str]] | None, raw: bytes
    ) -> Answer | Awaitable[Answer]:
        if not call.claims:
            raise _no_token(
                "Access token is empty." if "authorization" not in call.headers else "CompactToken parsing failed."
            )
        if found is None:
            raise _no_resource(call)
        route, params = found
        self._check_role(call, route)
        if "user" in params:
            self._check_mailbox(call, route)
        call.prefer = Prefer.of(call.headers.get("prefer", ""))
        if route.asks:
            call.body = plain(_json(raw))
            if route.is_action and isinstance(call.body, dict):
                # Microsoft's own SDK begins the names of an action's parameters with capitals.
                call.body = {name[:1].lower() + name[1:]: value for name, value in call.body.items()}
            self.schemas.check_request(route.asks, call.body)
        return route.handler(self._service, call, {name: unquote(value) for name, value in params.items()})

    def _check_role(self, call: Call, route: Route) -> None:
        """Consent and RBAC are a union: one of the two is enough (Graph facts §2.4)."""
        if call.has_role(*route.roles) or self._is_scoped(call, route):
            return
        if route.operation.startswith(("users", "organization")):
            raise GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")

    def _is_scoped(self, call: Call, route: Route) -> bool:
        if call.mailbox is None:
            return False
        store, tenant = self._service.store, directory.tenant_of(self._service, call)
        app = permissions.app_of(tenant, str(call.claims.get("appid")))
        return app is not None and permissions.is_scoped(store, tenant, app, route.roles, call.mailbox)

    def _check_mailbox(self, call: Call, route: Route) -> None:
        if call.mailbox is None:
            raise GraphError(
                404,
                "Request_ResourceNotFound",
                "Resource does not exist or one of its queried reference-property objects are not present.",
            )
        if not call.mailbox.enabled and route.operation != "users.get":
            raise GraphError(
                404,
                "MailboxNotEnabledForRESTAPI",
                "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
            )

    def _note(self, request: web.Request, call: Call, raw: bytes) -> None:
        if self.schemas.file is not None:
            violation = subset.violation(self.schemas, call, raw)
            client = request["call"].client  # a part of a batch has its sender's name
            self._sandbox.validation.request("graph", "v1.0", call.operation, client, violation)

    # --- answers
    def written(self, call: Call, schema: str, answer: Answer | GraphError) -> web.Response:
        if isinstance(answer, GraphError):
            return self.error(call, answer)
        self._check_answer(call, schema, answer.body)
        headers = _headers(call) | answer.headers
        applied = _applied(call)
        if applied:
            headers["Preference-Applied"] = ", ".join(filter(None, (answer.headers.get("Preference-Applied"), applied)))
        if answer.body is None:
            return web.Response(status=answer.status, headers=headers)
        return web.Response(
            status=answer.status, body=_encode(answer.body), headers=headers | {"Content-Type": _CONTENT}
        )

    def error(self, call: Call, error: GraphError) -> web.Response:
        headers = _headers(call) | error.headers
        inner = {
            "date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}",
            "request-id": headers["request-id"],
            "client-request-id": headers["client-request-id"],
            **error.extra,
        }
        body = {"error": {"code": error.code, "message": str(error), "innerError": inner}}
        self._check_answer(call, "error", body)
        if error.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="", authorization_uri="https://login.microsoftonline.com"'
        return web.Response(status=error.status, body=_encode(body), headers=headers | {"Content-Type": _CONTENT})

    def _check_answer(self, call: Call, schema: str, body: Any) -> None:
        if self.schemas.file is not None:
            violation = self.schemas.violation(schema, body) if schema else _not_empty(body)
            self._sandbox.validation.answer("graph", "v1.0", call.operation, violation)


def _not_empty(body: Any) -> str | None:
    return None if body is None else "a body where the subset has none"


def _query(sent: Mapping[str, str]) -> dict[str, str]:
    """Names in lower case, since the service does not mind how they are written."""
    return {name.lower(): value for name, value in sent.items()}


def _json(raw: bytes) -> Any:
    try:
        body = json.loads(raw or b"{}")
    except ValueError as error:
        raise GraphError(400, "RequestBodyRead", "The request body is no JSON.") from error
    if not isinstance(body, dict):
        raise GraphError(400, "RequestBodyRead", "The request body is no JSON object.")
    return body


def _headers(call: Call) -> dict[str, str]:
    id = str(uuid.uuid4())
    return {
        "request-id": id,
        "client-request-id": call.headers.get("client-request-id", id),
        "Cache-Control": "private",
    }


def _applied(call: Call) -> str:
    prefer = call.prefer
    parts = (
        'outlook.timezone="' + prefer.zone + '"' if prefer.zone else "",
        'outlook.body-content-type="text"' if prefer.text else "",
        'IdType="ImmutableId"' if prefer.immutable else "",
    )
    return ", ".join(filter(None, parts))


def _no_token(message: str) -> GraphError:
    return GraphError(401, "InvalidAuthenticationToken", message)


def _no_resource(call: Call) -> GraphError:
    if call.path.startswith("/me"):
        return GraphError(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
    return GraphError(400, "BadRequest", f"Resource not found for {call.method} {call.path.split('/')[-1]}.")


def _throttled(headers: Mapping[str, str], status: int = 429) -> GraphError:
    code = "ApplicationThrottled" if status == 429 else "ErrorServerBusy"
    return GraphError(status, code, "Application is over its MailboxConcurrency limit.", headers=headers)


def _truncated(real: web.Response) -> web.Response:
    """Half a listing that says it is the whole."""
    body = json.loads(real.body) if isinstance(real.body, bytes) and real.status == 200 else {}
    if "value" not in body:
        return real
    body["value"] = body["value"][: len(body["value"]) // 2]
    body.pop("@odata.nextLink", None)
    return web.Response(status=200, body=_encode(body), headers={"Content-Type": _CONTENT})
