"""Requests to Graph as one app for one mailbox, and what its answers mean (Graph facts §3.5-3.6, §5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import msgspec
import requests

from samklang.connectors import http
from samklang.connectors.graph.access import GraphAccess
from samklang.connectors.graph.auth import Tokens
from samklang.connectors.graph.codes import meaning_of
from samklang.sync.errors import ProtocolError, SyncError, Throttled, Unavailable

Query = Mapping[str, str | int]

#: On every request: ids that survive moves, times in UTC.
PREFER = 'IdType="ImmutableId", outlook.timezone="UTC"'


class GraphClient:
    """Sends requests with the app's token, for one mailbox (or none: directory requests). One thread at a time.

    Raises only errors of `sync.errors`; their `detail` holds Graph's codes and request id, never contents.
    """

    def __init__(self, access: GraphAccess, tokens: Tokens, mailbox: str | None = None) -> None:
        self._tokens = tokens
        self._root = access.graph_url.rstrip("/")
        gate = f"{self._root}|{mailbox}" if mailbox else None
        self._session = http.session(ca_file=access.ca_file, allow_private=access.allow_private, mailbox=gate)
        self.counts = self._session.counts

    def get(
        self,
        path: str,
        query: Query | None = None,
        *,
        page_size: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """`path` below the configured address, or a link of an answer, which `follows` must allow."""
        more = {} if page_size is None else {"Prefer": f"{PREFER}, odata.maxpagesize={page_size}"}
        return self._send("GET", path, query, headers=more | dict(headers or {}))

    def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        return self._send("POST", path, body=body)

    def patch(self, path: str, body: Mapping[str, Any], version: str | None = None) -> bytes:
        """Conditional on `version` (a changeKey) when given: raises VersionConflict."""
        return self._send("PATCH", path, body=body, headers=_if_match(version))

    def delete(self, path: str, version: str | None = None) -> None:
        self._send("DELETE", path, headers=_if_match(version))

    def close(self) -> None:
        self._session.close()

    def follows(self, link: str) -> bool:
        """Whether a link may be called with our token: the configured host and prefix (Graph facts §3.6)."""
        root, target = urlsplit(self._root), urlsplit(link)
        same = (target.scheme, target.netloc) == (root.scheme, root.netloc) and target.scheme == "https"
        return same and target.path.startswith(root.path + "/") and "/.." not in unquote(target.path)

    def _send(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        url = path if path.startswith("https://") else self._root + path
        if not self.follows(url):
            raise ProtocolError("foreign_link", urlsplit(url).netloc, step=method)
        data = None if body is None else msgspec.json.encode(body)
        every = {"Accept": "application/json", "Prefer": PREFER}
        if data is not None:
            every["Content-Type"] = "application/json"
        every |= headers or {}
        params = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in (query or {}).items()) or None
        token = self._tokens.get()
        response = self._once(method, url, params, data, every, token)
        if response.status_code == 401:
            response = self._once(method, url, params, data, every, self._tokens.renew(token))
        if response.status_code in (200, 201, 202, 204):
            return _content(response)
        raise error_of(response)

    def _once(
        self, method: str, url: str, params: str | None, data: bytes | None, headers: Mapping[str, str], token: str
    ) -> requests.Response:
        every = {**headers, "Authorization": f"Bearer {token}"}
        return self._session.request(method, url, params=params, data=data, headers=every)


def _if_match(version: str | None) -> dict[str, str]:
    return {"If-Match": f'W/"{version}"'} if version else {}


def _content(response: requests.Response) -> bytes:
    content = response.content
    if content and "json" not in response.headers.get("Content-Type", ""):
        raise ProtocolError("malformed_answer", f"{response.status_code} is not JSON", step=_step(response))
    return content


def error_of(response: requests.Response) -> SyncError:
    """The error an answer means to a run: for the item, the mailbox or the connection (Graph facts §5.1)."""
    codes = _codes(response)
    detail = " ".join([str(response.status_code), *codes, response.headers.get("request-id", "")]).strip()
    status, meaning = response.status_code, meaning_of(response.status_code, codes)
    if meaning.kind is Unavailable and "Retry-After" in response.headers:
        return Throttled(http.retry_after(response), detail)
    if not codes and status < 500 and status not in (410, 429):
        # A proxy's or portal's page: it says nothing about the item or the mailbox (rule 10.5).
        return ProtocolError("malformed_answer", f"{status} without an error body", step=_step(response))
    return meaning.error(detail, http.retry_after(response))


def _codes(response: requests.Response) -> list[str]:
    """Graph's error codes, outermost first; they nest (Graph facts §5.1)."""
    try:
        error = json.loads(response.content)["error"]
    except (ValueError, KeyError, TypeError):
        return []
    codes: list[str] = []
    while isinstance(error, dict) and len(codes) < 5:
        if isinstance(error.get("code"), str):
            codes.append(error["code"][:80])
        error = error.get("innerError") or error.get("innererror")
    return codes


def _step(response: requests.Response) -> str:
    return response.request.method or ""
