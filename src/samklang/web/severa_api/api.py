"""`/rest-api`: its routes together, and how errors are answered."""

from __future__ import annotations

from typing import Any

from django.db import DataError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, ValidationError

from samklang import __version__
from samklang.activities.errors import Refused
from samklang.web.severa_api import activities, directory, organization, participants, tokens
from samklang.web.severa_api.problems import SeveraError, as_severa_error, invalid


def _with_errors(api: NinjaAPI) -> NinjaAPI:
    @api.exception_handler(SeveraError)
    def severa(request: HttpRequest, error: SeveraError) -> HttpResponse:
        return api.create_response(request, error.body(), status=error.status)

    @api.exception_handler(AuthenticationError)
    def unauthenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        return severa(request, SeveraError(401, "AuthenticationRequired", "Send an access token as Bearer."))

    @api.exception_handler(ValidationError)
    def malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
        first: dict[str, Any] = dict(error.errors[0]) if error.errors else {}
        place = ".".join(map(str, first.get("loc", ())))
        return severa(request, invalid(400, str(first.get("msg", "invalid")), "UriParameter", place))

    @api.exception_handler(DataError)
    def unstorable(request: HttpRequest, error: DataError) -> HttpResponse:
        return severa(request, invalid(400, "A text or number in it cannot be stored"))

    @api.exception_handler(Refused)
    def refused(request: HttpRequest, error: Refused) -> HttpResponse:
        return severa(request, as_severa_error(error))

    return api


def _made(namespace: str, **more: Any) -> NinjaAPI:
    title = "Samklang activities"
    return _with_errors(NinjaAPI(title=title, version=__version__, docs_url=None, urls_namespace=namespace, **more))


api = _made("severa")
for part in (tokens.router, activities.router, participants.router, directory.router, organization.router):
    api.add_router("", part)
heartbeat = _made("severa-heartbeat", openapi_url=None)
heartbeat.add_router("", directory.heartbeat)
