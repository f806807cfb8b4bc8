"""Severa's sign-in of programs: client credentials, refresh tokens, signing out (Severa facts §1.2).

Tokens live in the machine's time, whatever the sandbox's clock says.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from samklang.sandbox.severa.call import Answer, Call, SeveraError, invalid
from samklang.sandbox.severa.model import Client, Organization
from samklang.sandbox.severa.service import Severa

_KIND = "severa-token"


class Token(msgspec.Struct, kw_only=True):
    """Kept as document (_KIND, the token itself). `expires`: seconds of the machine's time."""

    use: Literal["access", "refresh"]
    client_id: str
    scopes: list[str]
    expires: float


def create(severa: Severa, call: Call, parts: Mapping[str, str]) -> Answer:
    """`POST /v1/token`."""
    return _with_secret(severa, _fields(call.body()))


def refresh(severa: Severa, call: Call, parts: Mapping[str, str]) -> Answer:
    """`POST /v1/refreshtoken`, its body a bare JSON string."""
    return _with_refresh_token(severa, _bare(call))


def sign_out(severa: Severa, call: Call, parts: Mapping[str, str]) -> Answer:
    """The refresh token is over; the access token lives until it expires."""
    if not severa.store.remove(_KIND, _bare(call)):
        raise _refused("The refresh token is not valid.")
    return Answer(200, "Signed out.")


def oauth(severa: Severa, call: Call, parts: Mapping[str, str]) -> Answer:
    """`POST /v1/login/oauth/access_token`: the same by another name."""
    fields = _fields(call.body())
    match fields.get("grant_type"):
        case "client_credentials":
            return _with_secret(severa, fields)
        case "refresh_token":
            return _with_refresh_token(severa, str(fields.get("refresh_token") or ""))
        case other:
            raise invalid(f"The sandbox knows no grant_type {other}.", "grant_type")


def _with_secret(severa: Severa, fields: Mapping[str, Any]) -> Answer:
    for name in ("client_id", "client_secret"):
        if not isinstance(fields.get(name), str) or not fields[name]:
            raise invalid(f"{name} is required.", name)
    found = severa.records.client(fields["client_id"])
    if found is None or not secrets.compare_digest(found[1].secret.encode(), fields["client_secret"].encode()):
        raise _refused("The client credentials are not valid.")
    client = found[1]
    severa.store.count(client.client_id, "token_requests")
    asked = [scope for scope in re.split(r"[,\s]+", str(fields.get("scope") or "")) if scope]
    missing = sorted(set(asked) - set(client.scopes))
    if missing:
        raise SeveraError("InsufficientApiScope", f"The client has no scope {', '.join(missing)}.", status=401)
    return _issued(severa, client, asked or client.scopes)


def _with_refresh_token(severa: Severa, text: str) -> Answer:
    token = severa.store.get(_KIND, text, Token)
    found = severa.records.client(token.client_id) if token else None
    if token is None or found is None or token.use != "refresh" or token.expires <= time.time():
        raise _refused("The refresh token is not valid.")
    severa.store.remove(_KIND, text)
    severa.store.count(found[1].client_id, "token_requests")
    return _issued(severa, found[1], [scope for scope in token.scopes if scope in found[1].scopes])


def _issued(severa: Severa, client: Client, scopes: list[str]) -> Answer:
    answer: dict[str, Any] = {"scope": " ".join(scopes), "access_token_type": "Bearer"}
    lives: dict[Literal["access", "refresh"], int] = {
        "access": severa.settings.token_seconds,
        "refresh": severa.settings.refresh_token_seconds,
    }
    for use, seconds in lives.items():
        text, expires = secrets.token_urlsafe(48), time.time() + seconds
        token = Token(use=use, client_id=client.client_id, scopes=scopes, expires=expires)
        severa.store.put(_KIND, text, token)
        answer[f"{use}_token"] = text
        answer[f"{use}_token_expires_in"] = seconds
        answer[f"{use}_token_expires_utc"] = datetime.fromtimestamp(expires, UTC).isoformat().replace("+00:00", "Z")
    return Answer(200, answer)


def caller(severa: Severa, call: Call) -> tuple[Organization, Client, list[str]]:
    """Who sent a call, and the scopes of his token. Raises SeveraError."""
    token = _sent(severa, call)
    found = severa.records.client(token.client_id) if token else None
    if token is None or found is None or token.use != "access" or token.expires <= time.time():
        raise _refused("The access token is missing, not valid, or has expired.")
    named = call.headers.get("client_id")
    if named is None and severa.settings.client_id_header == "required":
        raise _refused("The header Client_Id is missing.", ("RequestHeader", "Client_Id"))
    if named is not None and named.casefold() != token.client_id.casefold():
        raise _refused("The header Client_Id names another client.", ("RequestHeader", "Client_Id"))
    return *found, token.scopes


def client_named(severa: Severa, call: Call) -> str:
    """The client a call comes from, as far as can be told before it is answered; "" where it cannot."""
    token = _sent(severa, call)
    if token is not None:
        return token.client_id
    named = call.headers.get("client_id", "")
    if not named and call.path.endswith("token") and call.raw.lstrip().startswith(b"{"):
        named = str(_fields(call.body()).get("client_id", ""))
    found = severa.records.client(named)
    return found[1].client_id if found else ""


def _sent(severa: Severa, call: Call) -> Token | None:
    """The token in a call's header, whatever its use and whether it is over."""
    scheme, _, text = call.headers.get("authorization", "").partition(" ")
    return severa.store.get(_KIND, text, Token) if scheme.lower() == "bearer" else None


def _fields(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise invalid("The request body is no object.", "body")
    return {str(name).lower(): value for name, value in body.items()}


def _bare(call: Call) -> str:
    text = call.body()
    if not isinstance(text, str):
        raise invalid("The request body is no JSON string.", "body")
    return text


def _refused(message: str, place: tuple[str, str] | None = None) -> SeveraError:
    return SeveraError("AuthenticationRequired", message, place)
