"""Autodiscover's two languages: XML as of 2007 ("POX"), SOAP as of 2010; bytes in and out, nothing sent.

Sources: MS-OXDSCLI (POX request and answer), MS-OXWSADISC (SOAP), and in Microsoft's documentation of EWS "Get user
settings by using Autodiscover", "Handling Autodiscover error messages" and "ServerVersion (POX)".
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from lxml import etree

from samklang.connectors.ews.soap import S, safe_parser
from samklang.sync.errors import ProtocolError

_POX = """<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>
<EMailAddress>{}</EMailAddress>
<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>
</Request></Autodiscover>"""
_A = "{http://schemas.microsoft.com/exchange/2010/Autodiscover}"
_WSA = "{http://www.w3.org/2005/08/addressing}"
_ACTION = f"{_A[1:-1]}/Autodiscover/GetUserSettings"
#: The one who is outside comes first.
_PROTOCOLS = ("EXPR", "EXCH")
_SETTINGS = ("ExternalEwsUrl", "InternalEwsUrl")


@dataclass(frozen=True, slots=True)
class Told:
    """What one answer says; one of `url`, `redirect_url`, `redirect_address` and `error`."""

    #: The EWS address.
    url: str = ""
    #: Ask this document instead.
    redirect_url: str = ""
    #: Ask for this e-mail address instead.
    redirect_address: str = ""
    #: Autodiscover's own code.
    error: str = ""
    #: Of the server that answered, e.g. "15.0.516"; "" where it does not say.
    build: str = ""


def pox_request(address: str) -> bytes:
    return _POX.format(escape(address)).encode()


def soap_request(address: str, url: str) -> bytes:
    """`url`: the document it is sent to, which is named in it."""
    root = etree.Element(S + "Envelope", nsmap={"s": S[1:-1], "a": _A[1:-1], "wsa": _WSA[1:-1]})
    header = etree.SubElement(root, S + "Header")
    # The oldest that has both settings; newer servers take it.
    etree.SubElement(header, _A + "RequestedServerVersion").text = "Exchange2010"
    etree.SubElement(header, _WSA + "Action").text = _ACTION
    etree.SubElement(header, _WSA + "To").text = url
    body = etree.SubElement(root, S + "Body")
    request = etree.SubElement(etree.SubElement(body, _A + "GetUserSettingsRequestMessage"), _A + "Request")
    user = etree.SubElement(etree.SubElement(request, _A + "Users"), _A + "User")
    etree.SubElement(user, _A + "Mailbox").text = address
    wanted = etree.SubElement(request, _A + "RequestedSettings")
    for setting in _SETTINGS:
        etree.SubElement(wanted, _A + "Setting").text = setting
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def read(content: bytes) -> Told:
    """Either language's answer. Raises `ProtocolError` ("not_autodiscover") for anything else."""
    try:
        root = etree.fromstring(content, safe_parser())
    except etree.XMLSyntaxError:
        raise ProtocolError("not_autodiscover", "no XML") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise ProtocolError("not_autodiscover", "document type declared")
    # The namespaces of answers and of errors differ (MS-OXDSCLI); the names do not.
    name = etree.QName(root).localname
    if root.tag == S + "Envelope":
        return _soap(root)
    if name == "Autodiscover":
        return _pox(root)
    raise ProtocolError("not_autodiscover", "another document")


def _pox(root: etree._Element) -> Told:
    account = root.find("{*}Response/{*}Account")
    if account is None:
        return Told(error=_text(root, "{*}Response/{*}Error/{*}ErrorCode") or "no settings")
    action = _text(account, "{*}Action").casefold()
    if action == "redirecturl":
        return Told(redirect_url=_text(account, "{*}RedirectUrl"))
    if action == "redirectaddr":
        return Told(redirect_address=_text(account, "{*}RedirectAddr"))
    protocols = {_text(protocol, "{*}Type").upper(): protocol for protocol in account.iterfind("{*}Protocol")}
    offered = [protocols[kind] for kind in _PROTOCOLS if kind in protocols]
    # 2007 calls it by what was first served there, availability.
    urls = (_text(protocol, "{*}EwsUrl") or _text(protocol, "{*}ASUrl") for protocol in offered)
    versions = (_text(protocol, "{*}ServerVersion") for protocol in offered)
    url, version = next(filter(None, urls), ""), next(filter(None, versions), "")
    return Told(url, build=_build(version)) if url else Told(error="no EWS")


def _build(version: str) -> str:
    """ServerVersion is hexadecimal: six bits of each of major and minor version, fifteen of the build."""
    try:
        number = int(version, 16)
    except ValueError:
        return ""
    return f"{number >> 22 & 0x3F}.{number >> 16 & 0x3F}.{number & 0x7FFF}"


def _soap(root: etree._Element) -> Told:
    response = root.find(f"{S}Body/{_A}GetUserSettingsResponseMessage/{_A}Response")
    if response is None:
        return Told(error=_text(root, f"{S}Body/{S}Fault/faultcode").rpartition(":")[2] or "no settings")
    user = response.find(f"{_A}UserResponses/{_A}UserResponse")
    codes = (_text(each, _A + "ErrorCode") for each in (response, user) if each is not None)
    code = next((code for code in codes if code != "NoError"), "")
    target = "" if user is None else _text(user, _A + "RedirectTarget")
    if code == "RedirectUrl":
        return Told(redirect_url=target)
    if code == "RedirectAddress":
        return Told(redirect_address=target)
    settings = {_text(each, _A + "Name"): _text(each, _A + "Value") for each in response.iter(_A + "UserSetting")}
    url = next(filter(None, (settings.get(setting) for setting in _SETTINGS)), "")
    if code or not url:
        return Told(error=code or "no EWS")
    parts = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")
    version = root.find(f"{S}Header/{_A}ServerVersionInfo")
    return Told(url, build="" if version is None else ".".join(_text(version, _A + part) for part in parts))


def _text(element: etree._Element, path: str) -> str:
    return (element.findtext(path) or "").strip()
