"""SOAP 1.1 as Exchange speaks it: envelopes out, response messages in, faults as errors (EWS facts §2.1–2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import nullcontext

import requests
from lxml import etree

from samklang.connectors import http
from samklang.connectors.ews.access import EwsAccess, refused
from samklang.connectors.ews.codes import OF_SIGN_IN, STATUSES, error_for
from samklang.connectors.ews.dialect import Dialect, dialect_of, older
from samklang.sync.errors import ProtocolError, SyncError, Unavailable

S = "{http://schemas.xmlsoap.org/soap/envelope/}"
T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
E = "{http://schemas.microsoft.com/exchange/services/2006/errors}"
_NAMES = {"s": S[1:-1], "t": T[1:-1], "m": M[1:-1]}

Element = etree._Element

#: The one fault that says "I am older than that" and nothing else (EWS facts §2.1).
_TOO_NEW = "ErrorInvalidServerVersion"

#: Where an envelope ends; text that says so is written otherwise in XML.
_END = re.compile(rb"</(?:[\w.-]+:)?Envelope\s*>")
#: Bytes of one envelope of several.
_LONGEST = 4 * 1024 * 1024

#: XML 1.0 §2.2 knows no way to write these.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
#: References to them, which Exchange writes where a text holds them all the same.
_BAD_REFERENCE = re.compile(rb"&#(?:x0*(?:[0-8bcefBCEF]|1[0-9a-fA-F]|[dD]8..)|0*(?:[0-8]|1[124-9]|2[0-9]|3[01]));")


def t(name: str, *children: Element | str | None, **attributes: str) -> Element:
    """An element of the types namespace; text children are cleaned of what XML cannot hold, None is left out."""
    return _element(T + name, children, attributes)


def m(name: str, *children: Element | str | None, **attributes: str) -> Element:
    """An element of the messages namespace."""
    return _element(M + name, children, attributes)


def _element(tag: str, children: tuple[Element | str | None, ...], attributes: dict[str, str]) -> Element:
    element = etree.Element(tag, attributes)
    for child in children:
        if isinstance(child, str):
            element.text = _NOT_IN_XML.sub("", child)
        elif child is not None:
            element.append(child)
    return element


def envelope(body: Element, dialect: Dialect, mailbox: str | None, zone: str | None = None) -> bytes:
    """The request as bytes. `mailbox`: address of the user to act as; `zone`: Windows id of the creation zone."""
    root = etree.Element(S + "Envelope", nsmap=_NAMES)
    header = etree.SubElement(root, S + "Header")
    header.append(t("RequestServerVersion", Version=dialect.version))
    if mailbox:
        header.append(t("ExchangeImpersonation", t("ConnectingSID", t(dialect.connecting_address, mailbox))))
    if zone:
        header.append(t("TimeZoneContext", t("TimeZoneDefinition", Id=zone)))
    etree.SubElement(root, S + "Body").append(body)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def envelopes(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Whole SOAP envelopes from an answer that is one after the other, however it is cut into pieces."""
    waiting = b""
    for piece in pieces:
        waiting += piece
        while end := _END.search(waiting):
            yield waiting[: end.end()]
            waiting = waiting[end.end() :]
        if len(waiting) > _LONGEST:
            raise ProtocolError("answer_too_large", f"over {_LONGEST} bytes")


def safe_parser() -> etree.XMLParser:
    """For what a server sent: no entities, nothing fetched, no boundless trees."""
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )


class Soap:
    """Speaks to one Exchange as its delegate account, acting as the user of one mailbox.

    Not to be shared between threads. `mailbox` None: nobody is impersonated. `hangs`: seconds an answer may take that
    comes as things happen (`hear`); such a connection passes no gate and asks to stay with its server.

    `dialect` is that of the build last reported, else of the product chosen; the first answer corrects it. Faults do
    not say the build (EWS facts §2.1): a server too old for it is asked again one version older, until it answers.
    """

    def __init__(
        self,
        access: EwsAccess,
        mailbox: str | None,
        counts: http.Counts | None = None,
        *,
        hangs: float | None = None,
    ) -> None:
        self.access = access
        self.dialect = dialect_of(access.version, access.build)
        self.mailbox = mailbox
        self.counts = counts or http.Counts()
        #: Build the server said it is, e.g. "15.0.1497.2"; "" before the first answer.
        self.server_build = ""
        self._stepped_down = False
        #: It has answered as who let us in, if only with a fault or to keep us from the service: the log-on was taken.
        self.answered = False
        self._signed_in = False
        self._hangs = hangs is not None
        self._endpoint = access.endpoint
        self._session = http.session(
            ca_file=access.ca_file,
            allow_private=access.allow_private,
            counts=self.counts,
            mailbox=f"{self._endpoint}|{mailbox}" if mailbox and hangs is None else None,
            timeout=http.TIMEOUT if hangs is None else (http.TIMEOUT[0], hangs),
            answer_seconds=hangs or http.ANSWER_SECONDS,
            proxy=access.proxy,
        )
        if hangs is not None:
            self._session.headers["X-PreferServerAffinity"] = "true"
        self._session.auth = access.authentication()
        self._session.headers["Content-Type"] = "text/xml; charset=utf-8"
        if mailbox and mailbox.isascii():
            # Without it 2013 and later proxy to the wrong server (EWS facts §2.1). A header holds no other letters.
            self._session.headers["X-AnchorMailbox"] = mailbox
        self._parser = safe_parser()

    def call(self, body: Element, zone: str | None = None) -> list[Element]:
        """Send one operation; the response messages, in the order of the request, errors among them.

        Raises for everything that concerns the whole request: a refused sign-in (never tried twice), a fault, an
        answer that is not what the protocol says. A server too old for our version gets the same body in an older one,
        and says itself if it does not know the words.
        """
        while True:
            response = self._post(envelope(body, self.dialect, self.mailbox, zone))
            try:
                return list(self._messages(response))
            except ProtocolError as error:
                before = older(self.dialect)
                if error.detail != _TOO_NEW or before is None:
                    raise
                self.dialect, self._stepped_down = before, True

    def ask(self, body: Element, zone: str | None = None) -> Element:
        """Send an operation that has one response message, and raise its error if it is one."""
        messages = self.call(body, zone)
        if len(messages) != 1:
            raise ProtocolError("malformed_answer", f"{len(messages)} response messages instead of one")
        raise_for(messages[0])
        return messages[0]

    def hear(self, body: Element) -> Iterator[Element]:
        """Send an operation that is answered by envelope after envelope; their response messages, as they come."""
        data = envelope(body, self.dialect, self.mailbox)
        with self._post(data, stream=True) as response:
            if response.status_code != 200:
                yield from self._messages(response)
                return
            for each in envelopes(http.pieces(response)):
                yield from self._said(each, response.status_code)

    def close(self) -> None:
        self._session.close()

    def _post(self, data: bytes, *, stream: bool = False) -> requests.Response:
        """The first request signs in, which one does at a time: one refusal is to be heard by all (rule 10.3).

        By NTLM the connection stays signed in (EWS facts §2.2); with Basic each request brings the password again.
        """
        door = self.access.door
        if not self._signed_in:
            with door.passing():
                response = self._once(data, stream)
                if refusal := self._refusal(response):
                    raise refusal
            self._signed_in = True
            return response
        if self.access.auth == "basic":
            door.heed()
        response = self._once(data, stream)
        if refusal := self._refusal(response):
            with door.passing():
                raise refusal
        return response

    def _refusal(self, response: requests.Response) -> SyncError | None:
        """What an answer says of the account itself: not let in, or let in with a password that is no good any longer,
        which the service behind tells in a fault."""
        if response.status_code == 401:
            return refused(response, self.access)
        if response.status_code == 500:
            try:
                list(self._said(response.content, 500))
            except SyncError as error:
                return error if error.detail in OF_SIGN_IN else None
        return None

    def _once(self, data: bytes, stream: bool) -> requests.Response:
        """A connection that hangs has its place for as long as it hangs: `jobs.listening` counts those."""
        with nullcontext() if self._hangs else self.access.door.request():
            return self._session.post(self._endpoint, data=data, stream=stream)

    def _messages(self, response: requests.Response) -> Iterator[Element]:
        meaning = STATUSES.get(response.status_code)
        if meaning is not None:
            self.answered = self.answered or response.status_code == 403
            raise meaning.error(f"HTTP {response.status_code}", http.retry_after(response))
        yield from self._said(response.content, response.status_code)

    def _said(self, content: bytes, status: int) -> Iterator[Element]:
        root = self._tree(content, status)
        body = root.find(S + "Body")
        if root.tag != S + "Envelope" or body is None or not len(body):
            raise ProtocolError("malformed_answer", "no SOAP envelope")
        self.answered = True
        if body[0].tag == S + "Fault":
            raise _fault(body[0])
        version = root.find(f"{S}Header/{T}ServerVersionInfo")
        if version is not None:
            parts = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")
            self._reported(".".join(version.get(part, "0") for part in parts))
        messages = body[0].find(M + "ResponseMessages")
        yield from body[0] if messages is None else messages

    def _reported(self, build: str) -> None:
        """What was refused is not tried again because of a build: a mailbox may lie on an older server behind."""
        if build != self.server_build and not self._stepped_down:
            self.dialect = dialect_of(self.access.version, build)
        self.server_build = build

    def _tree(self, content: bytes, status: int) -> Element:
        if not content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"<?xml", b"<s:", b"<soap")):
            if status >= 500:
                raise Unavailable("server_error", f"HTTP {status}")
            html = "HTML, " if b"<html" in content[:1000].lower() else ""
            raise ProtocolError("not_exchange", f"{html}HTTP {status}")
        try:
            root = etree.fromstring(content, self._parser)
        except etree.XMLSyntaxError:
            root = self._mended(content)
        if root.getroottree().docinfo.internalDTD is not None:
            raise ProtocolError("malformed_answer", "document type declared")
        return root

    def _mended(self, content: bytes) -> Element:
        """The answer without references to characters XML does not know; it must be well-formed then."""
        try:
            return etree.fromstring(_BAD_REFERENCE.sub(b"", content), self._parser)
        except etree.XMLSyntaxError as error:
            # The parser's text quotes the document; its position does not.
            raise ProtocolError("malformed_answer", f"line {error.lineno}") from None


def error_in(message: Element) -> SyncError | None:
    """The error of one response message; None for a success or a warning."""
    if message.get("ResponseClass") != "Error":
        return None
    return error_for(message.findtext(M + "ResponseCode") or "", _values(message.find(M + "MessageXml")))


def raise_for(message: Element) -> None:
    error = error_in(message)
    if error is not None:
        raise error


def _fault(fault: Element) -> SyncError:
    detail = fault.find("detail")
    code, values = "", {}
    if detail is not None:
        code = detail.findtext(E + "ResponseCode") or ""
        values = _values(detail.find(T + "MessageXml"))
    code = code or (fault.findtext("faultcode") or "").rpartition(":")[2]
    return error_for(code, values, whole=True)


def _values(message_xml: Element | None) -> dict[str, str]:
    """MessageXml's values; in the types namespace in a fault and in a response message alike."""
    if message_xml is None:
        return {}
    return {value.get("Name", ""): value.text or "" for value in message_xml.iter(T + "Value")}
