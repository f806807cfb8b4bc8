"""A Severa that answers as a test says, in the place of the network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from samklang.connectors import http
from samklang.connectors.severa.access import SeveraAccess

URL = "https://severa.example/rest-api/v1"
ACCESS = SeveraAccess(URL, "client-1", "hush")


def answer(status: int = 200, body: Any = None, /, **headers: str) -> requests.Response:
    """An answer with a JSON body; text stays as it is."""
    response = requests.Response()
    response.status_code = status
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    response._content = text.encode()
    response.headers["Content-Type"] = "text/html" if text.startswith("<") else "application/json; charset=utf-8"
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


def refusal(status: int, kind: str, name: str = "", message: str = "Board meeting with Acme") -> requests.Response:
    """Severa's nested error (Severa facts §1.5)."""
    location = {"type": "RequestBody", "name": name, "identifier": None} if name else None
    details = [{"message": message, "url": None, "location": location}]
    return answer(status, {"error": {"httpStatusCode": status, "type": kind, "stack": None, "details": details}})


def token(value: str = "token-1", lasts: int = 3600) -> requests.Response:
    return answer(200, {"access_token": value, "access_token_type": "Bearer", "access_token_expires_in": lasts})


class Stub(BaseAdapter):
    """Answers in the order given; a request for a token gets one, unless `tokens` says otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[requests.Response | Exception] = []
        self.tokens: Iterator[requests.Response] = iter(())
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.sent.append(request)
        if str(request.url) == f"{URL}/token":
            # A refusal is false, as `requests` sees it.
            response: requests.Response | Exception = next(self.tokens, token(f"token-{len(self.token_requests)}"))
        else:
            response = self.answers.pop(0)
        if isinstance(response, Exception):
            raise response
        response.request, response.url = request, str(request.url)
        return response

    def close(self) -> None:
        pass

    @property
    def token_requests(self) -> list[requests.PreparedRequest]:
        return [one for one in self.sent if str(one.url) == f"{URL}/token"]

    @property
    def requests(self) -> list[requests.PreparedRequest]:
        return [one for one in self.sent if str(one.url) != f"{URL}/token"]


def instead_of_the_network(monkeypatch: pytest.MonkeyPatch, adapter: BaseAdapter, at: str = "https://") -> None:
    """`at`: beginning of the addresses it stands for."""
    real = http.session

    def session(**options: Any) -> http.Session:
        made = real(**options)
        made.mount(at, adapter)
        return made

    monkeypatch.setattr(http, "session", session)


class Kept:
    """A store of tokens that outlives the client."""

    def __init__(self) -> None:
        self.text: str | None = None

    def load(self) -> str | None:
        return self.text

    def save(self, kept: str) -> None:
        self.text = kept


def body_of(request: requests.PreparedRequest) -> Any:
    return json.loads(request.body or b"null")
