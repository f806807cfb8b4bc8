"""Tokens for client credentials (Severa facts §1.2): the names are not those of RFC 6749."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from ninja import Router

from samklang.accounts import programs
from samklang.accounts.models import User
from samklang.clock import real_now
from samklang.web.severa_api.bodies import body_of
from samklang.web.severa_api.problems import SeveraError, invalid

router = Router(auth=None)


@router.post("/token", response=dict[str, Any])
def token(request: HttpRequest) -> Any:
    return _by_secret(_fields(request))


@router.post("/refreshtoken", response=dict[str, Any])
def refresh(request: HttpRequest) -> Any:
    return _by_refresh_token(body_of(request, str))


@router.post("/login/oauth/access_token", response=dict[str, Any])
def access_token(request: HttpRequest) -> Any:
    """The same tokens, by the kind of grant."""
    body = _fields(request)
    match body.get("grant_type"):
        case "client_credentials":
            return _by_secret(body)
        case "refresh_token":
            return _by_refresh_token(_text(body, "refresh_token"))
        case "authorization_code":
            return _by_code(body)
        case _:
            known = "client_credentials, authorization_code or refresh_token"
            raise invalid(400, f"grant_type is {known}", "RequestBody", "grant_type")


@router.get("/login/oauth/authorize", response={302: None})
def authorize(
    request: HttpRequest,
    response_type: str = "",
    state: str = "",
    client_id: str = "",
    redirect_uri: str = "",
    scope: str = "",
) -> Any:
    """In an administrator's browser: lead back to the program with a code for tokens.

    Only to an address kept with the credentials: of any other, the answer is told here, to nobody else.
    """
    if response_type != "code":
        raise invalid(400, "response_type is code", "UriParameter", "response_type")
    scopes = _scopes(scope)
    try:
        client = programs.asks_for_code(client_id, redirect_uri, scopes)
    except programs.UnknownRedirect:
        raise invalid(400, "There is no such client with this redirect_uri", "UriParameter", "redirect_uri") from None
    except programs.ScopeNotGranted:
        raise _not_granted() from None
    user = request.user
    if not isinstance(user, User):
        return redirect_to_login(request.get_full_path(), resolve_url(settings.LOGIN_URL))
    if user.organization_id != client.organization_id or not user.is_administrator:
        raise SeveraError(403, "PermissionDenied", "Only an administrator of its organization lets the program in.")
    answer = {"code": programs.make_code(client, redirect_uri, scopes, by=user)} | ({"state": state} if state else {})
    separator = "&" if "?" in redirect_uri else "?"
    return HttpResponse(status=302, headers={"Location": f"{redirect_uri}{separator}{urlencode(answer)}"})


@router.post("/signout", response=str)
def sign_out(request: HttpRequest) -> Any:
    programs.sign_out(body_of(request, str))
    return ""


def _fields(request: HttpRequest) -> dict[str, Any]:
    """Names are matched whatever their case."""
    return {str(name).lower(): value for name, value in body_of(request, dict).items()}


def _by_secret(body: Mapping[str, Any]) -> dict[str, Any]:
    """Without scopes: all the client has."""
    client_id, secret = _text(body, "client_id"), _text(body, "client_secret")
    scope = body.get("scope") or ""
    if not isinstance(scope, str):
        raise invalid(400, "scope is text", "RequestBody", "scope")
    try:
        return _json(programs.issue(client_id, secret, _scopes(scope)))
    except programs.BadCredentials:
        raise SeveraError(401, "AuthenticationRequired", "The client id or the client secret is wrong.") from None
    except programs.ScopeNotGranted:
        raise _not_granted() from None


def _by_code(body: Mapping[str, Any]) -> dict[str, Any]:
    names = ("code", "client_id", "client_secret", "redirect_uri")
    code, client_id, secret, redirect = (_text(body, name) for name in names)
    try:
        return _json(programs.redeem(code, client_id, secret, redirect))
    except programs.BadCredentials:
        message = "The code does not hold (any longer), or is not this client's for this redirect_uri."
        raise SeveraError(401, "AuthenticationRequired", message) from None


def _not_granted() -> SeveraError:
    return SeveraError(401, "InsufficientApiScope", "The client does not have every scope it asks for.")


def _scopes(text: str) -> list[str]:
    """Parted by commas, spaces or both."""
    return [scope for scope in re.split(r"[,\s]+", text) if scope]


def _by_refresh_token(token: str) -> dict[str, Any]:
    try:
        return _json(programs.refresh(token))
    except programs.BadCredentials:
        raise SeveraError(401, "AuthenticationRequired", "The refresh token does not hold (any longer).") from None


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(400, f"{name} is required", "RequestBody", name)
    return value


def _json(issued: programs.Issued) -> dict[str, Any]:
    now = real_now()
    return {
        "access_token": issued.access,
        "access_token_type": "Bearer",
        "access_token_expires_in": round((issued.access_until - now).total_seconds()),
        "access_token_expires_utc": issued.access_until.isoformat(),
        "refresh_token": issued.refresh,
        "refresh_token_expires_in": round((issued.refresh_until - now).total_seconds()),
        "refresh_token_expires_utc": issued.refresh_until.isoformat(),
        "scope": " ".join(issued.scopes),
    }
