"""Samklang's own API under `/api/`: what is not an activity. OpenAPI at `/api/openapi.json`.

A personal access token (`Authorization: Bearer …`) or a page's session (with its CSRF token) says who asks. Errors are
problem+json (RFC 9457) with a stable `code`.
"""

from __future__ import annotations

from typing import Any

from django.db import DataError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.security import HttpBearer, SessionAuth

from samklang import __version__
from samklang.accounts.models import User
from samklang.accounts.services import AccountError, user_for_token
from samklang.mailboxes.services import Refused
from samklang.sync.errors import SyncError
from samklang.web.unanswered import problem
from samklang.wiring import Busy


class TokenAuth(HttpBearer):
    """A personal access token acts as its user."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        user = user_for_token(token)
        if user is not None:
            request.user = user
        return user


class _Api(NinjaAPI):
    """Its document says what an error looks like, which any route may answer with."""

    def get_openapi_schema(self, **how: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**how)
        document["components"]["schemas"]["Problem"] = ProblemBody.model_json_schema()
        answer = {"$ref": "#/components/schemas/Problem"}
        error = {"description": "Refused, or failed", "content": {"application/problem+json": {"schema": answer}}}
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["responses"]["default"] = error
        return document


class ProblemBody(Schema):
    """RFC 9457, with a stable `code` for programs; `detail` is for people."""

    type: str
    status: int
    code: str
    title: str
    detail: str


api = _Api(
    title="Samklang",
    version=__version__,
    docs_url=None,
    openapi_url="/openapi.json",
    auth=[TokenAuth(), SessionAuth(csrf=True)],
    urls_namespace="api",
)


class Problem(Exception):
    """An answer that is not a success; `code` is stable, `detail` is for people."""

    def __init__(self, status: int, code: str, detail: str = "", **more: object) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.more = more
        super().__init__(code)


def _answer(request: HttpRequest, status: int, code: str, detail: str = "", **more: object) -> HttpResponse:
    response = api.create_response(request, {**problem(status, code, detail), **more}, status=status)
    response.headers["Content-Type"] = "application/problem+json"
    return response


@api.exception_handler(Problem)
def _problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    return _answer(request, problem.status, problem.code, problem.detail, **problem.more)


@api.exception_handler(AuthenticationError)
def _unauthenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return _answer(request, 401, "unauthenticated", "Send a personal access token, or sign in.")


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    places = [{"where": ".".join(map(str, e.get("loc", ()))), "what": e.get("msg", "")} for e in error.errors]
    return _answer(request, 422, "invalid", "The request does not have the form the API asks for.", errors=places)


@api.exception_handler(DataError)
def _unstorable(request: HttpRequest, error: DataError) -> HttpResponse:
    return _answer(request, 422, "invalid", "A text or number in it cannot be stored.")


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    return _answer(request, error.status_code, "refused", str(error))


@api.exception_handler(AccountError)
def _account(request: HttpRequest, error: AccountError) -> HttpResponse:
    return _answer(request, 400, error.code, str(error))


@api.exception_handler(Refused)
def _refused(request: HttpRequest, refused: Refused) -> HttpResponse:
    return _answer(request, 409, refused.code, **refused.params)


@api.exception_handler(SyncError)
def _sync(request: HttpRequest, error: SyncError) -> HttpResponse:
    return _answer(request, 502, error.code, error.detail)


@api.exception_handler(Busy)
def _busy(request: HttpRequest, error: Busy) -> HttpResponse:
    return _answer(request, 409, "busy", "A run of this calendar is under way; ask again in a moment.")


from samklang.web.api import choices, connection, data, history, me, severa  # noqa: E402  (they register their routes on `api`)

__all__ = ["Problem", "api", "choices", "connection", "data", "history", "me", "severa"]
