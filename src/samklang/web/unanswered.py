"""What Django itself refuses at the addresses of our APIs: no such path, another method, a failure of ours."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse

from samklang.web.middleware import View
from samklang.web.severa_api.problems import SeveraError

#: Codes of `/api`, and types of Severa's (Severa facts §1.5).
_KNOWN = {404: ("not_found", "InvalidParameter"), 405: ("method_not_allowed", "InvalidOperation")}
_REFUSED, _FAILED = ("refused", "InvalidRequest"), ("failed", "InternalSystemError")


class InTheirWords:
    """A program is told in the form it reads everywhere else of that API, not by a page."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self._view(request)
        if answer.status_code >= 400 and "json" not in answer.headers.get("Content-Type", ""):
            if request.path.startswith("/api/"):
                answer.headers["Content-Type"] = "application/problem+json"
                answer.content = json.dumps(problem(answer.status_code, _words(answer.status_code)[0]))
            elif request.path.startswith("/rest-api/"):
                answer.headers["Content-Type"] = "application/json"
                answer.content = json.dumps(_as_severa(answer.status_code))
        return answer


def problem(status: int, code: str, detail: str = "") -> dict[str, Any]:
    """The body of an error of `/api` (RFC 9457); `code` is stable, `detail` is for people."""
    return {"type": "about:blank", "status": status, "code": code, "title": code.replace("_", " "), "detail": detail}


def _as_severa(status: int) -> dict[str, Any]:
    return SeveraError(status, _words(status)[1], HTTPStatus(status).phrase).body()


def _words(status: int) -> tuple[str, str]:
    return _KNOWN.get(status, _FAILED if status >= 500 else _REFUSED)
