"""Tokens for client credentials (Severa facts §1.2): the names are not those of RFC 6749."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from samklang.accounts import programs
from samklang.clock import real_now
from samklang.web.severa_api.bodies import body_of
from samklang.web.severa_api.problems import SeveraError, invalid

router = Router(auth=None)


@router.post("/token", response=dict[str, Any])
def token(request: HttpRequest) -> Any:
    """Names are matched whatever their case; scopes are parted by commas, spaces or both. Without any: all it has."""
    body = {str(name).lower(): value for name, value in body_of(request, dict).items()}
    for name in ("client_id", "client_secret"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise invalid(400, f"{name} is required", "RequestBody", name)
    scopes = body.get("scope") or ""
    if not isinstance(scopes, str):
        raise invalid(400, "scope is text", "RequestBody", "scope")
    wanted = [scope for scope in re.split(r"[,\s]+", scopes) if scope]
    try:
        return _json(programs.issue(body["client_id"], body["client_secret"], wanted))
    except programs.BadCredentials:
        raise SeveraError(401, "AuthenticationRequired", "The client id or the client secret is wrong.") from None
    except programs.ScopeNotGranted:
        raise SeveraError(401, "InsufficientApiScope", "The client does not have every scope it asks for.") from None


@router.post("/refreshtoken", response=dict[str, Any])
def refresh(request: HttpRequest) -> Any:
    try:
        return _json(programs.refresh(body_of(request, str)))
    except programs.BadCredentials:
        raise SeveraError(401, "AuthenticationRequired", "The refresh token does not hold (any longer).") from None


@router.post("/signout", response=None)
def sign_out(request: HttpRequest) -> Any:
    programs.sign_out(body_of(request, str))
    return HttpResponse(status=200)


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
