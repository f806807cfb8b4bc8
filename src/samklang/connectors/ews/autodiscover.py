"""Looking up where an organization's Exchange Web Services are, from an e-mail address of it (Autodiscover).

The documents and their order: SOAP (2010 and later) and XML of https://DOMAIN, then of https://autodiscover.DOMAIN,
then where an unauthenticated GET over http leads; DNS SRV records are not asked. Microsoft's "Autodiscover for
Exchange", MS-OXDISCO §3.1.5.

What keeps the delegate account's password safe: it goes over https to hosts of the domain asked for, and to others only
when a person named them (rule 10.5); to none before the server asks for it; and the first that refuses it ends the
search (rule 10.3), though Microsoft's own advice is to try the next.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import requests

from samklang.connectors import http
from samklang.connectors.ews import autodiscover_wire as wire
from samklang.connectors.ews.access import EwsAccess, refused
from samklang.sync.errors import ConnectionRefused, ProtocolError, SyncError, Unavailable

#: Redirects of any kind before the search gives up ("RedirectUrl (POX)").
REDIRECTS = 10
#: Seconds to connect, and for an answer: most of the hosts asked do not exist.
_TIMEOUT = (5.0, 20.0)
#: Bytes of one answer.
_LONGEST = 1024 * 1024
_DOMAIN = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
#: Codes that say nothing of the address (SOAP, and XML as of MS-OXDSCLI §2.2.4.1.1.3.2).
_FAILS = ("ServerBusy", "InternalServerError", "603")
#: After these nothing else is tried, nor after a refused sign-in.
_HOPELESS = ("proxy_unreachable", "proxy_not_allowed", "too_many_redirects")


@dataclass(frozen=True, slots=True)
class Tried:
    """One document that was asked, or would have been, and what came of it."""

    #: "soap", "pox" or "plain" (the GET over http).
    how: str
    host: str
    #: "" when the address was found there, else a code.
    code: str = ""
    #: HTTP status, Autodiscover's own code, or the host it led to.
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """What a search found: the EWS address or why there is none, and each step on the way."""

    url: str
    #: Why nothing was found; "" when it was.
    code: str
    steps: tuple[Tried, ...]
    #: Of the server that told it, e.g. "15.0.516"; "" where it did not say.
    build: str = ""

    @property
    def foreign(self) -> tuple[str, ...]:
        """Hosts outside the domain it was led to, none of which was asked anything."""
        return tuple(dict.fromkeys(step.detail or step.host for step in self.steps if step.code == "foreign_host"))


def look_up(access: EwsAccess, address: str, trusted: Collection[str] = ()) -> Search:
    """Search the EWS address for an e-mail address, signing in as the delegate account of `access` (whose `url` does
    not matter). `trusted`: hosts outside the address's domain that a person confirmed.

    Raises `Unavailable` ("not_an_address").
    """
    search = _Search(access, address, trusted)
    try:
        return search.run()
    finally:
        search.close()


@dataclass(frozen=True, slots=True)
class _Document:
    how: str
    url: str
    #: The e-mail address it is asked about.
    address: str

    @property
    def host(self) -> str:
        return (urlsplit(self.url).hostname or "").rstrip(".")


class _Search:
    def __init__(self, access: EwsAccess, address: str, trusted: Collection[str]) -> None:
        self._access = access
        self._domain = _domain_of(address)
        self._trusted = frozenset(host.casefold() for host in trusted)
        self._waiting = deque(self._documents(address))
        self._seen: set[_Document] = set()
        self._silent: set[str] = set()
        self._redirects = 0
        self._steps: list[Tried] = []
        self._session = http.session(
            ca_file=access.ca_file,
            allow_private=access.allow_private,
            timeout=_TIMEOUT,
            answer_bytes=_LONGEST,
            proxy=access.proxy,
            tells_redirects=True,
        )
        self._session.headers["Content-Type"] = "text/xml; charset=utf-8"

    def close(self) -> None:
        self._session.close()

    def run(self) -> Search:
        while self._waiting:
            document = self._waiting.popleft()
            try:
                told = self._ask(document)
            except SyncError as error:
                self._note(document, error.code, error.detail)
                if isinstance(error, ConnectionRefused) or error.code in _HOPELESS:
                    return Search("", error.code, tuple(self._steps))
                if isinstance(error, Unavailable):
                    self._silent.add(document.host)
            else:
                if told.url:
                    return Search(told.url, "", tuple(self._steps), told.build)
        foreign = any(step.code == "foreign_host" for step in self._steps)
        return Search("", "foreign_host" if foreign else "no_autodiscover", tuple(self._steps))

    def _documents(self, address: str) -> list[_Document]:
        domain = _domain_of(address)
        ways = ("pox",) if self._access.version == "2007" else ("soap", "pox")
        documents = [
            _Document(how, f"https://{host}/autodiscover/autodiscover.{_SUFFIX[how]}", address)
            for host in (domain, f"autodiscover.{domain}")
            for how in ways
        ]
        return [*documents, _Document("plain", f"http://autodiscover.{domain}/autodiscover/autodiscover.xml", address)]

    def _ask(self, document: _Document) -> wire.Told:
        """What one document says, `url` empty when it leads elsewhere. Raises SyncError."""
        if document in self._seen or (document.host in self._silent and document.how != "plain"):
            return wire.Told()
        self._seen.add(document)
        self._look_at(document.url, plain=document.how == "plain")
        response = self._get(document) if document.how == "plain" else self._post(document)
        if response.is_redirect:
            return self._lead(document, urljoin(document.url, response.headers["Location"]))
        if response.status_code != 200 or document.how == "plain":
            raise ProtocolError("not_autodiscover", f"HTTP {response.status_code}")
        told = wire.read(response.content)
        if told.redirect_url:
            return self._lead(document, told.redirect_url)
        if told.redirect_address:
            return self._start_over(document, told.redirect_address)
        if told.error:
            raise ProtocolError("server_error" if told.error in _FAILS else "autodiscover_refused", told.error)
        self._look_at(told.url)
        self._note(document)
        return told

    def _look_at(self, url: str, *, plain: bool = False) -> None:
        """Raises SyncError for an address the password is not sent to (rule 10.5)."""
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        if parts.scheme != ("http" if plain else "https") or not host or parts.username:
            raise ProtocolError("https_required", host)
        if host != self._domain and not host.endswith(f".{self._domain}") and host not in self._trusted:
            raise ProtocolError("foreign_host", host)

    def _lead(self, document: _Document, url: str) -> wire.Told:
        """On to another document, before those that wait."""
        how = "soap" if urlsplit(url).path.casefold().endswith(".svc") else "pox"
        self._go_on(document, urlsplit(url).hostname or "")
        self._waiting.appendleft(_Document(how, url, document.address))
        return wire.Told()

    def _start_over(self, document: _Document, address: str) -> wire.Told:
        """With another address; the domain whose hosts are ours stays the one asked for."""
        documents = self._documents(address)
        self._go_on(document, _domain_of(address))
        self._waiting = deque(documents)
        return wire.Told()

    def _go_on(self, document: _Document, to: str) -> None:
        self._redirects += 1
        if self._redirects > REDIRECTS:
            raise ProtocolError("too_many_redirects", to)
        self._note(document, "went_on", to)

    def _get(self, document: _Document) -> requests.Response:
        return self._session.get(document.url)

    def _post(self, document: _Document) -> requests.Response:
        """Without the account first; signed in, once, where the server asks for that."""
        soap = document.how == "soap"
        data = wire.soap_request(document.address, document.url) if soap else wire.pox_request(document.address)
        response = self._session.post(document.url, data=data)
        if response.status_code != 401:
            return response
        no = refused(response, self._access)
        if no.code == "auth_method_not_offered":
            raise ProtocolError(no.code, no.detail)
        with self._access.door.passing():
            response = self._session.post(document.url, data=data, auth=self._access.authentication())
            if response.status_code == 401:
                raise refused(response, self._access)
        return response

    def _note(self, document: _Document, code: str = "", detail: str = "") -> None:
        self._steps.append(Tried(document.how, document.host, code, detail))


_SUFFIX = {"soap": "svc", "pox": "xml"}


def _domain_of(address: str) -> str:
    """Raises `Unavailable` ("not_an_address"): addresses of machines, and names without a dot, are no domains."""
    name, at, domain = address.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode().casefold()
    except UnicodeError:
        domain = ""
    if not (name and at and _DOMAIN.fullmatch(domain)):
        raise Unavailable("not_an_address")
    return domain
