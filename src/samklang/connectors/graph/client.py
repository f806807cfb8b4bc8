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


#: Requests one `$batch` may hold (Graph facts §5.3).
MOST_PARTS = 20


class _Part(msgspec.Struct):
    id: str
    status: int
    headers: dict[str, str] = {}
    body: msgspec.Raw = msgspec.Raw(b"")

    def as_response(self, whole: requests.Response) -> requests.Response:
        """As if it had come by itself, at the moment of the whole answer."""
        response = requests.Response()
        response.status_code = self.status
        response.headers.update({"Date": whole.headers.get("Date", "")} | self.headers)
        response._content = bytes(self.body)
        response.request = whole.request
        return response


class _Answers(msgspec.Struct):
    responses: list[_Part]


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

    def batch(self, links: Mapping[str, str]) -> dict[str, requests.Response]:
        """GET up to `MOST_PARTS` links at once, by the caller's ids for them. Each is answered, refused and throttled
        by itself (Graph facts §5.3): `error_of` tells what an answer means. One may be missing.

        Raises as for any request what concerns them all.
        """
        for link in links.values():
            if not self.follows(link):
                raise ProtocolError("foreign_link", urlsplit(link).netloc, step="batch")
        prefix = len(urlsplit(self._root).path)
        parts = [
            {
                "id": id,
                "method": "GET",
                "url": urlsplit(link)._replace(scheme="", netloc="").geturl()[prefix:],
                "headers": {"Accept": "application/json", "Prefer": PREFER},
            }
            for id, link in links.items()
        ]
        whole = self._answer("POST", "/$batch", body={"requests": parts})
        try:
            answers = msgspec.json.decode(_content(whole), type=_Answers).responses
        except msgspec.MsgspecError as error:
            raise ProtocolError("malformed_answer", type(error).__name__, step="batch") from None
        return {each.id: each.as_response(whole) for each in answers if each.id in links}

    def close(self) -> None:
        self._session.close()

    def follows(self, link: str) -> bool:
        """Whether a link may be called with our token: the configured host and prefix (Graph facts §3.6)."""
        root, target = urlsplit(self._root), urlsplit(link)
        same = (target.scheme, target.netloc) == (root.scheme, root.netloc) and target.scheme == "https"
        return same and target.path.startswith(root.path + "/") and "/.." not in unquote(target.path)

    def _send(self, method: str, path: str, query: Query | None = None, **more: Any) -> bytes:
        return _content(self._answer(method, path, query, **more))

    def _answer(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
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
            return response
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
