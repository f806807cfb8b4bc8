"""POST /EWS/Exchange.asmx: log-on, envelope, version, faults, and the operation that was asked for."""

from __future__ import annotations

import re
from collections.abc import Callable

from aiohttp import web
from lxml import etree

from samklang.sandbox import faults
from samklang.sandbox.accounts import Account, server
from samklang.sandbox.context import Sandbox
from samklang.sandbox.ews import find, folders, operations, soap, streaming, sync, texts
from samklang.sandbox.ews.auth import Gate, Unauthorized
from samklang.sandbox.ews.caller import Caller, Forbidden, identify
from samklang.sandbox.ews.policy import Policy
from samklang.sandbox.ews.soap import ItemError, Request, SoapFault
from samklang.sandbox.ews.validation import Schemas
from samklang.sandbox.ews.versions import SERVERS, ServerBuild
from samklang.sandbox.faults import Fault
from samklang.sandbox.traffic import Call

OPERATIONS: dict[str, Callable[[Caller, etree._Element], etree._Element]] = {
    "SyncFolderItems": sync.sync_folder_items,
    "GetItem": operations.get_item,
    "CreateItem": operations.create_item,
    "UpdateItem": operations.update_item,
    "DeleteItem": operations.delete_item,
    "MoveItem": operations.move_item,
    "FindItem": find.find_item,
    "GetFolder": folders.get_folder,
    "FindFolder": folders.find_folder,
    "ConvertId": folders.convert_id,
    "ResolveNames": folders.resolve_names,
    "GetServerTimeZones": folders.get_server_time_zones,
    "Subscribe": streaming.subscribe,
    "Unsubscribe": streaming.unsubscribe,
}
# Faults the operation performs itself, item by item.
_INSIDE = frozenset(("response_code", "stale", "truncated_listing"))


# IIS does not mind the case of a path: DavMail posts to /ews/exchange.asmx (EWS facts §2.1).
_ANY_CASE = re.sub("[a-z]", lambda found: f"[{found[0]}{found[0].upper()}]", "ews/exchange\\.asmx")
_PATH = "/{path:" + _ANY_CASE + "}"


def add_routes(app: web.Application, sandbox: Sandbox) -> None:
    count = sandbox.traffic.counted("ews")
    service = Service(sandbox)

    async def handle(request: web.Request) -> web.StreamResponse:
        return await count(request, service.handle)

    app.router.add_route("*", _PATH, handle)


class Service:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._gate, self._schemas, self._policy = Gate(sandbox), Schemas(sandbox), Policy(sandbox.store)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        call: Call = request["call"]
        try:
            account = self._gate.admit(request)
        except Unauthorized as refusal:
            call.is_leg = True
            call.name("logon-leg")
            answer = web.Response(status=401, text="401 - Unauthorized", content_type="text/plain")
            for name, value in self._gate.challenges(refusal, request.host):
                answer.headers.add(name, value)
            return answer
        if request.method != "POST":  # some clients log on by GET, which IIS answers with a page
            return web.Response(text="<html><body>Exchange Web Services</body></html>", content_type="text/html")
        return await self._serve(request, call, account, raw)

    async def _serve(self, request: web.Request, call: Call, account: Account, raw: bytes) -> web.StreamResponse:
        version = server(self._sandbox.store).version
        build = SERVERS[version]
        try:
            parsed = self._parsed(raw, call)
            call.name(parsed.operation)
            call.headers |= soap.told(parsed)
            rank = self._schemas.check_request(parsed, build, call)
            caller = identify(self._sandbox, account, parsed, rank, build)
            call.sender = account.username
            call.name(parsed.operation, caller.mailbox.address if caller.mailbox else "")
            with self._policy.admitted(caller, version, hangs=parsed.operation == "GetStreamingEvents"):
                return await self._operate(request, caller, parsed, build)
        except SoapFault as error:
            if not error.ordered:
                self._schemas.check_fault(error, build)
            call.back_off = float(error.values.get("BackOffMilliseconds", 0)) / 1000
            language = server(self._sandbox.store).language
            return _xml(soap.fault(error, texts.text(error.code, str(error), language), language), error.status)
        except Forbidden:
            return web.Response(status=403, text="403 - Forbidden", content_type="text/plain")

    def _parsed(self, raw: bytes, call: Call) -> Request:
        try:
            return soap.parse(raw)
        except SoapFault as error:
            self._sandbox.validation.request("ews", "none", "unreadable", call.client, str(error))
            raise

    async def _operate(
        self, request: web.Request, caller: Caller, parsed: Request, build: ServerBuild
    ) -> web.StreamResponse:
        mailbox = caller.mailbox.address if caller.mailbox else ""
        before = self._sandbox.faults.due("ews", parsed.operation, mailbox, "before")
        instead = await self._perform(before, request, caller, None)
        if instead is not None:
            return instead
        if parsed.operation == "GetStreamingEvents":
            return await streaming.Stream(caller, parsed.body, self._schemas).answer(request)
        answer = self._answer(caller, parsed, build)
        if parsed.operation == "Subscribe":
            # The server all further requests of this group shall go to (EWS facts §2.1).
            answer.set_cookie(streaming.AFFINITY, streaming.affinity(request), path="/EWS")
        after = self._sandbox.faults.due("ews", parsed.operation, mailbox, "after")
        instead = await self._perform(after, request, caller, answer)
        return answer if instead is None else instead

    def _answer(self, caller: Caller, parsed: Request, build: ServerBuild) -> web.Response:
        operate = OPERATIONS.get(parsed.operation)
        if operate is None:
            raise SoapFault("ErrorInvalidRequest", f"The sandbox does not speak {parsed.operation}.")
        try:
            answer = operate(caller, parsed.body)
        except ItemError as error:  # of the request as a whole
            raise SoapFault(error.code, str(error), error.values) from error
        texts.localize(answer, server(self._sandbox.store).language)
        self._schemas.check_answer(parsed.operation, answer, caller.rank)
        return _xml(soap.envelope(answer, build.header()), 200)

    async def _perform(
        self, fault: Fault | None, request: web.Request, caller: Caller, real: web.Response | None
    ) -> web.StreamResponse | None:
        """The answer a fault puts in the place of the real one; None: go on. Raises SoapFault."""
        if fault is None:
            return None
        what = fault.what
        if fault.kind == "soap_fault":
            values = {"BackOffMilliseconds": str(what["back_off_ms"])} if "back_off_ms" in what else None
            code, status = str(what["code"]), what.get("status", 500)
            raise SoapFault(code, str(what.get("message", code)), values, status, ordered=True)
        if fault.kind == "throttle":
            wait = str(what.get("back_off_ms", int(float(what.get("seconds", 1)) * 1000)))
            raise SoapFault("ErrorServerBusy", soap.MESSAGES["ErrorServerBusy"], {"BackOffMilliseconds": wait})
        if fault.kind in _INSIDE:
            caller.fault = fault
            request["call"].back_off = float(what.get("back_off_ms", 0)) / 1000
            return None
        return await faults.answer(fault, request, real)


def _xml(body: bytes, status: int) -> web.Response:
    return web.Response(body=body, status=status, content_type="text/xml", charset="utf-8")
