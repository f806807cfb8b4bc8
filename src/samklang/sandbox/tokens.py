"""Access tokens the sandbox issues at sign-in and its Graph understands: JWTs signed with a key of its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from typing import Any

from samklang.sandbox.accounts import App, Tenant
from samklang.sandbox.store import Store

LIFETIME = 3599  # seconds, Graph facts §2.2
AUDIENCE = "https://graph.microsoft.com"


class TokenError(ValueError):
    """A token that is none of ours, was changed, or is over."""


def issue(store: Store, tenant: Tenant, app: App, roles: list[str], issuer: str) -> str:
    """An application's access token. Without roles the claim is left out (consent not yet effective)."""
    now = int(time.time())  # tokens live in the machine's time, whatever the sandbox's clock says
    claims: dict[str, Any] = {
        "aud": AUDIENCE,
        "iss": issuer,
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME,
        "app_displayname": app.client_id,
        "appid": app.client_id,
        "idtyp": "app",
        "tid": tenant.id,
        "uti": secrets.token_urlsafe(16),
        "ver": "1.0",
    }
    if roles:
        claims["roles"] = roles
    head = _encode({"typ": "JWT", "alg": "HS256", "kid": "sandbox"})
    signed = f"{head}.{_encode(claims)}"
    return f"{signed}.{_signature(store, signed)}"


def claims(store: Store, token: str) -> dict[str, Any]:
    """The claims of a token of ours. Raises TokenError."""
    signed, _, signature = token.rpartition(".")
    if not signed or not hmac.compare_digest(signature, _signature(store, signed)):
        raise TokenError("JWT is not well formed or its signature is not valid.")
    found = unverified(token)
    if found["exp"] <= time.time():
        raise TokenError("Lifetime validation failed, the token is expired.")
    return found


def unverified(token: str) -> dict[str, Any]:
    """The claims of any JWT, whoever signed it. Raises TokenError."""
    try:
        part = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError) as error:
        raise TokenError("JWT is not well formed.") from error
    if not isinstance(found, dict):
        raise TokenError("JWT is not well formed.")
    return found


def _encode(part: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _signature(store: Store, signed: str) -> str:
    key = store.get("settings", "token_key", str)
    if key is None:
        key = uuid.uuid4().hex
        store.put("settings", "token_key", key)
    made = hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
