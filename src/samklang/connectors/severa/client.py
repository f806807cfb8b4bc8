"""Requests to Severa as one organization's program (Severa facts §1.2-1.5), paced over all our processes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec
import requests

from samklang.connectors import http
from samklang.connectors.severa import errors
from samklang.connectors.severa.access import SeveraAccess
from samklang.connectors.severa.auth import Tokens
from samklang.connectors.severa.pace import Pace
from samklang.sync.errors import NotFound, ProtocolError, SyncError, Throttled, Unavailable

T = TypeVar("T")

#: Parameters in order; one that is an array comes once for each value (Severa facts §1.3).
Query = Sequence[tuple[str, str]]

#: Rows of a page: the most Severa gives (Severa facts §1.3).
ROWS = 100
#: How often one request is sent before its failure is believed, and the seconds waited in between at most: a second is
#: what the quota takes, and what takes longer is for the run to wait (rule 10.2).
TRIES, LONGEST_WAIT = 4, 8.0


class SeveraClient:
    """Sends requests with the organization's token. One thread at a time.

    Raises only errors of `sync.errors`; their `detail` holds Severa's types and names of fields, never contents.
    """

    def __init__(
        self, access: SeveraAccess, tokens: Tokens, pace: Pace, *, now: Callable[[], datetime] | None = None
    ) -> None:
        """`now`: our clock, against which `counts.ahead` tells the server's."""
        self._access = access
        self._tokens = tokens
        self._pace = pace
        counts = http.Counts(clock=now)
        self._session = http.session(ca_file=access.ca_file, allow_private=access.allow_private, counts=counts)
        self.counts = counts

    def may(self, scope: str) -> bool:
        """Whether our credentials were given this scope."""
        return scope in self._access.scopes

    def get(self, path: str, kind: type[T], query: Query = ()) -> T:
        """`path` below the configured address. Raises NotFound."""
        return _decoded(self._send("GET", path, query), kind, "GET")

    def rows(self, path: str, kind: type[T], query: Query = ()) -> Iterator[list[T]]:
        """All pages of a listing; the token of the next is in a header (Severa facts §1.3)."""
        token, used = "", set[str]()
        while token not in used:
            used.add(token)
            more = [("pageToken", token)] if token else []
            response = self._send("GET", path, [*query, ("rowCount", str(ROWS)), *more])
            yield _decoded(response, list[kind], "GET")  # type: ignore[valid-type]
            token = response.headers.get("NextPageToken", "")
            if not token:
                return
        raise ProtocolError("malformed_answer", "a page leads back to one before", step="GET")

    def post(self, path: str, body: Any, kind: type[T]) -> T:
        return _decoded(self._send("POST", path, body=body), kind, "POST")

    def patch(self, path: str, body: Any, kind: type[T]) -> T:
        return _decoded(self._send("PATCH", path, body=body), kind, "PATCH")

    def delete(self, path: str) -> None:
        """Raises NotFound."""
        self._send("DELETE", path)

    def remove(self, path: str) -> None:
        """Delete it; one that is gone already is deleted."""
        with contextlib.suppress(NotFound):
            self.delete(path)

    def close(self) -> None:
        self._session.close()

    def _send(self, method: str, path: str, query: Query = (), body: Any = None) -> requests.Response:
        url = self._access.root + path
        # By hand: the plus of an offset must be written out (Severa facts §1.6).
        url += f"?{urlencode(query, quote_via=quote, safe='')}" if query else ""
        data = None if body is None else msgspec.json.encode(body)
        for left in reversed(range(TRIES)):
            error: SyncError
            try:
                response = self._signed_in(method, url, data)
            except Unavailable as failure:
                error = failure
            else:
                if response.status_code in (200, 201, 204):
                    errors.content(response)
                    return response
                error = errors.error_of(response)
            if not left or not self._may_repeat(error, method, TRIES - left):
                raise error
        raise AssertionError("the last try returns or raises")

    def _may_repeat(self, error: SyncError, method: str, tries: int) -> bool:
        """Whether the request may be sent once more; then nobody sends before it is time.

        One that was throttled was not carried out; one that failed may have been, so only reading is repeated.
        """
        if isinstance(error, Throttled):
            wait = error.retry_after or 0.0
            self._pace.hold(wait)
            return wait <= LONGEST_WAIT and error.detail.startswith("429")
        if isinstance(error, Unavailable) and method == "GET":
            self._pace.hold(0.25 * 2.0**tries)
            return True
        return False

    def _signed_in(self, method: str, url: str, data: bytes | None) -> requests.Response:
        token = self._tokens.get()
        response = self._once(method, url, data, token)
        if response.status_code == 401:
            response = self._once(method, url, data, self._tokens.renew(token))
        return response

    def _once(self, method: str, url: str, data: bytes | None, token: str) -> requests.Response:
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {token}",
            "Client_Id": self._access.client_id,
        }
        if data is not None:
            headers["Content-Type"] = "application/json"
        with self._pace.request():
            return self._session.request(method, url, data=data, headers=headers)


def _decoded(response: requests.Response, kind: type[T], step: str) -> T:
    try:
        return msgspec.json.decode(response.content, type=kind)
    except msgspec.MsgspecError:
        raise ProtocolError("malformed_answer", "not as the document says", step=step) from None
