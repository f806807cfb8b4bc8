"""Tokens for client credentials (Severa facts §1.2): the names are not those of RFC 6749."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from ninja import Router

from samklang.accounts import programs
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
        case _:
            raise invalid(400, "grant_type is client_credentials or refresh_token", "RequestBody", "grant_type")


@router.post("/signout", response=str)
def sign_out(request: HttpRequest) -> Any:
    programs.sign_out(body_of(request, str))
    return ""


def _fields(request: HttpRequest) -> dict[str, Any]:
    """Names are matched whatever their case."""
    return {str(name).lower(): value for name, value in body_of(request, dict).items()}


def _by_secret(body: Mapping[str, Any]) -> dict[str, Any]:
    """Scopes are parted by commas, spaces or both. Without any: all the client has."""
    client_id, secret = _text(body, "client_id"), _text(body, "client_secret")
    scopes = body.get("scope") or ""
    if not isinstance(scopes, str):
        raise invalid(400, "scope is text", "RequestBody", "scope")
    wanted = [scope for scope in re.split(r"[,\s]+", scopes) if scope]
    try:
        return _json(programs.issue(client_id, secret, wanted))
    except programs.BadCredentials:
        raise SeveraError(401, "AuthenticationRequired", "The client id or the client secret is wrong.") from None
    except programs.ScopeNotGranted:
        raise SeveraError(401, "InsufficientApiScope", "The client does not have every scope it asks for.") from None


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
