"""Autodiscover: where a mailbox's Exchange Web Services are, as XML (every version) and by SOAP (2010 and later).

Requests, answers and errors: MS-OXDSCLI §2.2.3, §2.2.4, MS-OXWSADISC; examples in Microsoft's documentation of EWS
("Get user settings by using Autodiscover", "Handling Autodiscover error messages"). What no source tells is in
docs/sandbox.md.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from aiohttp import web
from lxml import etree

from samklang.sandbox import faults
from samklang.sandbox.accounts import Autodiscover, Redirect, server
from samklang.sandbox.context import Sandbox
from samklang.sandbox.ews.auth import Gate, Unauthorized
from samklang.sandbox.ews.soap import NAMESPACES, S
from samklang.sandbox.ews.versions import SERVERS, ServerBuild
from samklang.sandbox.traffic import Call

_REQUEST = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
_SETTINGS = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_RESPONSE = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
_SOAP = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
_ADDRESSING = "http://www.w3.org/2005/08/addressing"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
_FOUND = web.HTTPFound.status_code


class _Asked(NamedTuple):
    address: str
    #: Names of the settings wanted; XML always gives all of them.
    settings: tuple[str, ...] = ()


def add_routes(app: web.Application, sandbox: Sandbox) -> None:
    count = sandbox.traffic.counted("ews")
    service = _Service(sandbox)

    async def handle(request: web.Request) -> web.StreamResponse:
        return await count(request, service.handle)

    for suffix in ("xml", "svc"):
        app.router.add_route("*", _any_case(f"autodiscover/autodiscover\\.{suffix}"), handle)


def add_plain_routes(app: web.Application, sandbox: Sandbox) -> None:
    """Over http nobody is asked to log on, and nobody is told anything but where to ask."""

    async def handle(_: web.Request) -> web.Response:
        to = server(sandbox.store).autodiscover.plain_redirect
        return web.Response(status=_FOUND, headers={"Location": to}) if to else web.Response(status=404)

    app.router.add_get(_any_case("autodiscover/autodiscover\\.xml"), handle)


def _any_case(path: str) -> str:
    return "/{path:" + re.sub("[a-z]", lambda found: f"[{found[0]}{found[0].upper()}]", path) + "}"


class _Service:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._gate = Gate(sandbox)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        call: Call = request["call"]
        soap = request.path.casefold().endswith(".svc")
        settings = server(self._sandbox.store)
        if not re.fullmatch(settings.autodiscover.hosts, _host(request)) or (soap and settings.version[:4] == "2007"):
            call.name("Autodiscover.Absent")
            return web.Response(status=404, text="404 - File or directory not found.")
        try:
            self._gate.admit(request)
        except Unauthorized as refusal:
            call.is_leg = True
            call.name("logon-leg")
            answer = web.Response(status=401, text="401 - Unauthorized")
            for name, value in self._gate.challenges(refusal, request.host):
                answer.headers.add(name, value)
            return answer
        return await self._answer(request, raw, soap)

    async def _answer(self, request: web.Request, raw: bytes, soap: bool) -> web.StreamResponse:
        call: Call = request["call"]
        asked = _asked_by_soap(raw) if soap else _asked_by_xml(raw)
        mailbox = self._sandbox.store.mailbox(asked.address) if asked else None
        operation = "Autodiscover.SOAP" if soap else "Autodiscover.POX"
        call.name(operation, mailbox.address if mailbox else "")
        fault = self._sandbox.faults.due("ews", operation, mailbox.address if mailbox else "", "before")
        instead = None if fault is None else await faults.answer(fault, request)
        if instead is not None:
            return instead
        settings = server(self._sandbox.store)
        build, way = SERVERS[settings.version], _redirect(settings.autodiscover, _host(request), asked)
        if way is not None and way.kind == "http":
            return web.Response(status=_FOUND, headers={"Location": way.to})
        urls = self._urls(settings.autodiscover)
        if soap:
            return _xml(_by_soap(asked, way, urls if mailbox else None, build))
        return _xml(_by_xml(asked, way, urls if mailbox else None, build))

    def _urls(self, settings: Autodiscover) -> dict[str, str]:
        own = self._sandbox.urls["ews"]
        external = own if settings.external_url is None else settings.external_url
        internal = own if settings.internal_url is None else settings.internal_url
        return {"ExternalEwsUrl": external, "InternalEwsUrl": internal}


def _host(request: web.Request) -> str:
    return request.host.partition(":")[0].casefold()


def _redirect(settings: Autodiscover, host: str, asked: _Asked | None) -> Redirect | None:
    address = asked.address if asked else ""
    ways = (way for way in settings.redirects if re.fullmatch(way.at, host) and re.fullmatch(way.of, address))
    return next(ways, None)


def _xml(document: etree._Element) -> web.Response:
    body = bytes(etree.tostring(document, encoding="utf-8", xml_declaration=True))
    return web.Response(body=body, content_type="text/xml", charset="utf-8")


def _parsed(raw: bytes) -> etree._Element | None:
    try:
        return etree.fromstring(raw, _PARSER)
    except etree.XMLSyntaxError:
        return None


def _child(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    """In the parent's namespace."""
    child = etree.SubElement(parent, f"{{{etree.QName(parent).namespace}}}{name}")
    child.text = text
    return child


# --- XML


def _asked_by_xml(raw: bytes) -> _Asked | None:
    root = _parsed(raw)
    request = None if root is None else root.find(f"{{{_REQUEST}}}Request")
    if request is None or request.findtext(f"{{{_REQUEST}}}AcceptableResponseSchema") != _SETTINGS:
        return None
    return _Asked((request.findtext(f"{{{_REQUEST}}}EMailAddress") or "").strip())


def _by_xml(
    asked: _Asked | None, way: Redirect | None, urls: dict[str, str] | None, build: ServerBuild
) -> etree._Element:
    root = etree.Element(f"{{{_RESPONSE}}}Autodiscover", nsmap={"a": _RESPONSE})
    if asked is None:
        return _error(root, "600", "Invalid Request")
    if way is None and urls is None:
        return _error(root, "500", "The email address can't be found.")
    response = etree.SubElement(root, f"{{{_SETTINGS}}}Response", nsmap={"o": _SETTINGS})
    if way is None:
        _child(_child(response, "User"), "AutoDiscoverSMTPAddress", asked.address)
    account = _child(response, "Account")
    if way is not None:
        by_address = way.kind == "address"
        _child(account, "Action", "redirectAddr" if by_address else "redirectUrl")
        _child(account, "RedirectAddr" if by_address else "RedirectUrl", way.to)
        return root
    _child(account, "AccountType", "email")
    _child(account, "Action", "settings")
    for kind, setting in (("EXCH", "InternalEwsUrl"), ("EXPR", "ExternalEwsUrl")):
        protocol = _child(account, "Protocol")
        _child(protocol, "Type", kind)
        if kind == "EXCH":
            _child(protocol, "ServerVersion", _server_version(build))
        if url := (urls or {})[setting]:
            _child(protocol, "ASUrl", url)
            if build.major > 8:
                _child(protocol, "EwsUrl", url)
            _child(protocol, "OOFUrl", url)
    return root


def _error(root: etree._Element, code: str, message: str) -> etree._Element:
    error = _child(_child(root, "Response"), "Error")
    error.set("Time", "12:00:00.0000000")
    error.set("Id", "1054084152")
    _child(error, "ErrorCode", code)
    _child(error, "Message", message)
    _child(error, "DebugData")
    return root


def _server_version(build: ServerBuild) -> str:
    """As in the documentation's 73C08204, which is 15.0.516."""
    return f"{0x70000000 | build.major << 22 | build.minor << 16 | 0x8000 | build.build:08X}"


# --- SOAP


def _asked_by_soap(raw: bytes) -> _Asked | None:
    root = _parsed(raw)
    path = f"{S}Body/{{{_SOAP}}}GetUserSettingsRequestMessage/{{{_SOAP}}}Request"
    request = None if root is None else root.find(path)
    if root is None or request is None or not root.findtext(f"{S}Header/{{{_SOAP}}}RequestedServerVersion"):
        return None
    address = request.findtext(f"{{{_SOAP}}}Users/{{{_SOAP}}}User/{{{_SOAP}}}Mailbox") or ""
    wanted = request.iterfind(f"{{{_SOAP}}}RequestedSettings/{{{_SOAP}}}Setting")
    return _Asked(address.strip(), tuple(setting.text or "" for setting in wanted))


def _by_soap(
    asked: _Asked | None, way: Redirect | None, urls: dict[str, str] | None, build: ServerBuild
) -> etree._Element:
    root = etree.Element(f"{S}Envelope", nsmap={"s": NAMESPACES["s"], "a": _ADDRESSING})
    header = etree.SubElement(root, f"{S}Header")
    etree.SubElement(header, f"{{{_ADDRESSING}}}Action").text = f"{_SOAP}/Autodiscover/GetUserSettingsResponse"
    header.append(_version_info(build))
    body = etree.SubElement(root, f"{S}Body")
    message = etree.SubElement(body, f"{{{_SOAP}}}GetUserSettingsResponseMessage", nsmap={"h": _SOAP, "i": _INSTANCE})
    response = _child(message, "Response")
    _child(response, "ErrorCode", "NoError" if asked else "InvalidRequest")
    _child(response, "ErrorMessage", None if asked else "The request is invalid.")
    users = _child(response, "UserResponses")
    if asked is None:
        return root
    user = _child(users, "UserResponse")
    if way is None:
        code = "InvalidUser" if urls is None else "NoError"
    else:
        code = "RedirectAddress" if way.kind == "address" else "RedirectUrl"
    _child(user, "ErrorCode", code)
    _child(user, "ErrorMessage", "No error." if code == "NoError" else f"{code}.")
    target = _child(user, "RedirectTarget", way.to if way else None)
    if way is None:
        target.set(f"{{{_INSTANCE}}}nil", "true")
    _child(user, "UserSettingErrors")
    settings = _child(user, "UserSettings")
    if code == "NoError":
        _tell(settings, asked, {**(urls or {}), **_more(asked, build)})
    return root


def _more(asked: _Asked, build: ServerBuild) -> dict[str, str]:
    version = f"{build.major:02}.{build.minor:02}.{build.build:04}.{build.revision:03}"
    return {"AutoDiscoverSMTPAddress": asked.address, "CasVersion": version, "EwsSupportedSchemas": build.newest}


def _tell(settings: etree._Element, asked: _Asked, known: dict[str, str]) -> None:
    """Only what was asked for, where it has a value."""
    for name in asked.settings:
        if known.get(name):
            setting = _child(settings, "UserSetting")
            setting.set(f"{{{_INSTANCE}}}type", "StringSetting")
            _child(setting, "Name", name)
            _child(setting, "Value", known[name])


def _version_info(build: ServerBuild) -> etree._Element:
    info = etree.Element(f"{{{_SOAP}}}ServerVersionInfo", nsmap={"h": _SOAP})
    numbers = {
        "MajorVersion": build.major,
        "MinorVersion": build.minor,
        "MajorBuildNumber": build.build,
        "MinorBuildNumber": build.revision,
    }
    for name, number in numbers.items():
        _child(info, name, str(number))
    _child(info, "Version", build.reports)
    return info
