"""The one way out: sessions that refuse what a calendar connection must never do.

A session trusts nothing from the environment (no proxy of it either), verifies certificates against the system's roots
and the installation's own file, follows no redirect (rule 10.5), reads answers up to a limit, connects only to
addresses it may (`guard`), lets at most a few requests a mailbox run at once (rule 10.2), and turns every failure into
an error of `sync.errors` that names neither path nor query nor body: those hold addresses, titles and tokens.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import requests
import urllib3
from requests.adapters import DEFAULT_CA_BUNDLE_PATH, HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import NameResolutionError

from samklang.connectors import guard
from samklang.sync.errors import ConnectionRefused, ProtocolError, SyncError, Unavailable

_Cause = TypeVar("_Cause", bound=BaseException)

#: Stable, so that an administrator can allow it by name (EWS facts §2.2: EwsApplicationAccessPolicy).
USER_AGENT = "Samklang"
#: Seconds to connect, and between two pieces of an answer.
TIMEOUT = (10.0, 60.0)
#: Seconds for a whole answer: a server that drips for ever is not served for ever.
ANSWER_SECONDS = 300.0
#: Bytes of one answer after decompression.
ANSWER_BYTES = 64 * 1024 * 1024
#: Requests at once for one mailbox: one below the four that Graph grants and rule 10.2 allows.
REQUESTS_AT_ONCE = 3

#: What can become of a request before a server's service answers it, by our names.
FAILURES: Mapping[str, type[SyncError]] = {
    "unknown_host": Unavailable,
    "address_not_allowed": Unavailable,
    "connection_refused": Unavailable,
    "tls_too_old": Unavailable,
    "no_tls": Unavailable,
    "bad_certificate": Unavailable,
    "bad_ca_file": Unavailable,
    "connection_lost": Unavailable,
    "timeout": Unavailable,
    "proxy_unreachable": Unavailable,
    "proxy_not_allowed": Unavailable,
    "proxy_refused": Unavailable,
    "proxy_sign_in_refused": ConnectionRefused,
    "redirected": ProtocolError,
    "answer_too_large": ProtocolError,
}
#: OpenSSL's words for a server that speaks no version of TLS we do (1.2 and later): it says so, or answers in its own.
_OLD_TLS = frozenset(("TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL"))
#: What http.client says of a proxy that opens no tunnel, with the status it answered.
_NO_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")

# These write paths with their queries, and log-on messages, at debug level.
for _name in ("urllib3", "spnego"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(slots=True)
class Counts:
    """What a session sent, and how the server's clock goes. Legs of a log-on (answered 401) are counted apart from
    requests (rule 7.6)."""

    requests: int = 0
    logon_legs: int = 0
    #: Our clock, aware UTC; set by whoever wants to know `ahead`.
    clock: Callable[[], datetime] | None = None
    #: The server's clock minus ours, by the Date of its last answer, to the second (rule 7.4); None: not heard.
    ahead: timedelta | None = None

    def heard(self, date: str | None) -> None:
        if date is None or self.clock is None:
            return
        with contextlib.suppress(ValueError):
            self.ahead = parsedate_to_datetime(date) - self.clock()


class Gate:
    """Lets at most `at_once` requests through at a time; one gate for all sessions of a mailbox in this process."""

    def __init__(self, at_once: int) -> None:
        self._semaphore = threading.BoundedSemaphore(at_once)

    def __enter__(self) -> None:
        self._semaphore.acquire()

    def __exit__(self, *_: object) -> None:
        self._semaphore.release()


_gates: WeakValueDictionary[str, Gate] = WeakValueDictionary()
_gates_lock = threading.Lock()


def gate(key: str) -> Gate:
    """The gate of one mailbox. `key` names server and mailbox; case does not matter."""
    with _gates_lock:
        found = _gates.get(key.casefold())
        if found is None:
            found = _gates[key.casefold()] = Gate(REQUESTS_AT_ONCE)
        return found


def session(
    *,
    ca_file: Path | str | None = None,
    allow_private: bool = False,
    timeout: tuple[float, float] = TIMEOUT,
    answer_bytes: int = ANSWER_BYTES,
    counts: Counts | None = None,
    mailbox: str | None = None,
    answer_seconds: float = ANSWER_SECONDS,
    proxy: str = "",
    tells_redirects: bool = False,
) -> Session:
    """A session as the module describes it; not to be shared between threads.

    `ca_file`: PEM file of authorities added to the system's. `allow_private`: loopback and private addresses may be
    connected to. `timeout`: seconds to connect, and between two pieces of an answer. `mailbox`: name of the gate its
    requests pass, e.g. "https://mail.example.com|anna@example.com"; None: no limit.
    `answer_seconds`: for a whole answer; more for one that comes piece by piece as things happen (`pieces`). `proxy`:
    URL of the http or https proxy all its requests take, with user and password if it wants them. `tells_redirects`:
    a redirect is answered as it is, for a caller who judges where it leads.

    Raises `Unavailable` (code "bad_ca_file") when the file cannot be used.
    """
    return Session(
        tls=tls_context(ca_file),
        allow_private=allow_private,
        timeout=timeout,
        answer_bytes=answer_bytes,
        counts=counts or Counts(),
        gate=gate(mailbox) if mailbox else None,
        answer_seconds=answer_seconds,
        proxy=proxy,
        tells_redirects=tells_redirects,
    )


class Session(requests.Session):
    """A `requests.Session` that raises only errors of `sync.errors`; fits msal's `http_client` too.

    Codes: those of `FAILURES`.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext,
        allow_private: bool,
        timeout: tuple[float, float],
        answer_bytes: int,
        counts: Counts,
        gate: Gate | None,
        answer_seconds: float = ANSWER_SECONDS,
        proxy: str = "",
        tells_redirects: bool = False,
    ) -> None:
        super().__init__()
        self.counts = counts
        self.trust_env = False
        self.proxies = {"http": proxy, "https": proxy} if proxy else {}
        self.headers = CaseInsensitiveDict({"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"})
        self._timeout = timeout
        self._gate = gate
        self._allow_private = allow_private
        self._tells_redirects = tells_redirects
        adapter = _Adapter(tls, allow_private, answer_bytes, counts, answer_seconds)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """As in requests; an address that is none raises `Unavailable` ("unknown_host")."""
        try:
            return super().request(method, url, *args, **kwargs)
        except requests.RequestException as error:
            raise _named(error, "") from None

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send and read the whole answer. No redirect is followed; a 3xx raises `ProtocolError`, if it is not told."""
        kwargs["timeout"] = kwargs.get("timeout") or self._timeout
        kwargs["allow_redirects"] = False
        host = urlsplit(str(request.url)).hostname or ""
        if self.proxies:
            guard.look_at(host, self._allow_private)
        # `from None`: the texts of requests' exceptions hold the whole address, and tracebacks are logged.
        try:
            if self._gate is None:
                response = super().send(request, **kwargs)
            else:
                with self._gate:
                    response = super().send(request, **kwargs)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _named(error, host) from None
        if response.status_code == 407:
            raise _failed("proxy_sign_in_refused", "HTTP 407", host)
        if self._tells_redirects:
            return response
        if response.is_redirect or response.status_code in (301, 302, 303, 307, 308):
            elsewhere = urlsplit(response.headers.get("Location", "")).hostname or host
            raise _failed("redirected", f"{response.status_code} to {elsewhere}", host)
        return response


def pieces(response: requests.Response) -> Iterator[bytes]:
    """What a request sent with `stream=True` is answered with, as it arrives. Raises errors of `sync.errors`."""
    host = urlsplit(response.url).hostname or ""
    try:
        yield from response.iter_content(None)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _named(error, host) from None


def retry_after(response: requests.Response) -> float | None:
    """Seconds the answer's Retry-After asks for, as a number or a date read against the answer's own Date; None when it
    does not say (Graph facts §5.2)."""
    value = response.headers.get("Retry-After", "").strip()
    if value.replace(".", "", 1).isdigit():
        return float(value)
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(response.headers["Date"])
        return max(0.0, (until - now).total_seconds())
    except (KeyError, TypeError, ValueError):
        return None


def tls_context(ca_file: Path | str | None) -> ssl.SSLContext:
    """System roots plus the authorities of `ca_file`. Loading them takes milliseconds, so contexts are kept."""
    if ca_file is None:
        return _tls_context(None, 0)
    path = Path(ca_file)
    try:
        return _tls_context(path, path.stat().st_mtime_ns)
    except (OSError, ssl.SSLError) as error:
        raise _failed("bad_ca_file", type(error).__name__) from None


@functools.lru_cache(maxsize=8)
def _tls_context(ca_file: Path | None, _changed: int) -> ssl.SSLContext:
    context = ssl.create_default_context()
    system = ssl.get_default_verify_paths()
    if not (system.cafile or system.capath):
        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


class _Adapter(HTTPAdapter):
    def __init__(
        self, tls: ssl.SSLContext, allow_private: bool, answer_bytes: int, counts: Counts, answer_seconds: float
    ) -> None:
        self._tls = tls
        self._allow_private = allow_private
        self._answer_bytes = answer_bytes
        self._answer_seconds = answer_seconds
        self._counts = counts
        super().__init__(pool_connections=4, pool_maxsize=REQUESTS_AT_ONCE)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = guard.pool_classes(self._allow_private)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, proxy_ssl_context=self._tls, **kwargs)
        manager.pool_classes_by_scheme = guard.pool_classes(self._allow_private)
        return manager

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._tls, "cert_reqs": "CERT_REQUIRED"}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing: the context decides. The original would add its own bundle to it."""

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        resp.stream = functools.partial(_limited, resp.stream, self._answer_bytes, self._answer_seconds)
        response = super().build_response(req, resp)
        if response.status_code == 401:
            self._counts.logon_legs += 1
        else:
            self._counts.requests += 1
            self._counts.heard(response.headers.get("Date"))
        return response


def _limited(stream: Any, limit: int, seconds: float, *args: Any, **kwargs: Any) -> Iterator[bytes]:
    """The pieces of an answer, as long as it stays inside its limits of size and time."""
    deadline = time.monotonic() + seconds
    size = 0
    for piece in stream(*args, **kwargs):
        size += len(piece)
        if size > limit:
            raise _failed("answer_too_large", f"over {limit} bytes")
        if time.monotonic() > deadline:
            raise _failed("timeout", "answer takes too long")
        yield piece


def _named(error: Exception, host: str) -> SyncError:
    """The failure in our terms. The details come from the operating system and OpenSSL; they hold no address paths."""
    causes = list(_causes(error))

    def find(*kinds: type[_Cause]) -> _Cause | None:
        return next((cause for cause in causes if isinstance(cause, kinds)), None)

    if ours := find(SyncError):
        return ours
    if no_tunnel := next(filter(None, map(_NO_TUNNEL.search, map(str, causes))), None):
        code = "proxy_sign_in_refused" if no_tunnel[1] == "407" else "proxy_refused"
        return _failed(code, f"HTTP {no_tunnel[1]}", host)
    if find(urllib3.exceptions.ProxyError):
        return _failed("proxy_unreachable", type(causes[-1]).__name__, host)
    if distrust := find(ssl.SSLCertVerificationError):
        return _failed("bad_certificate", distrust.verify_message, host)
    if (broken := find(ssl.SSLError)) and not find(ssl.SSLEOFError):
        return _failed("tls_too_old" if broken.reason in _OLD_TLS else "no_tls", str(broken.reason), host)
    if find(NameResolutionError):
        return _failed("unknown_host", host, host)
    if find(requests.exceptions.MissingSchema, requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
        return _failed("unknown_host", "not an address", host)
    if find(ConnectionRefusedError):
        return _failed("connection_refused", host, host)
    if find(TimeoutError) or find(requests.Timeout, urllib3.exceptions.ReadTimeoutError):
        return _failed("timeout", host, host)
    return _failed("connection_lost", type(causes[-1]).__name__, host)


def _failed(code: str, detail: str, host: str = "") -> SyncError:
    return FAILURES[code](code, detail, host=host)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and everything urllib3 and requests wrapped into it, outermost first."""
    seen: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        each = waiting.pop(0)
        if not isinstance(each, BaseException) or each in seen:
            continue
        seen.append(each)
        yield each
        waiting += [getattr(each, "reason", None), each.__cause__, each.__context__, *each.args]
