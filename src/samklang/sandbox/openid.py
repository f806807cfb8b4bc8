"""What Microsoft says of a person who signed in (OpenID Connect): authorization codes, ID tokens, and the key they are
signed with.

ID tokens are version 2.0: issuer `{login}/{tenant}/v2.0`, `tid`, `oid`, `sub`, `preferred_username`, and `idp` for a
guest (Microsoft's ID token claims reference).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
import uuid
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from samklang.sandbox.accounts import Tenant
from samklang.sandbox.model import Mailbox
from samklang.sandbox.store import Store

LIFETIME = 3600  # seconds of an ID token
CODE_LIFETIME = 600  # seconds of a code


class Code(msgspec.Struct, kw_only=True):
    """An authorization code, by what it was given for. Kept as document ("code", the code) until it is used or asked
    for again."""

    tenant: str
    client_id: str
    address: str
    redirect_uri: str
    scope: str
    nonce: str
    #: PKCE: SHA-256 of the verifier, base64url; "" without.
    challenge: str
    at: float
    used: bool = False


def give_code(store: Store, code: Code) -> str:
    name = secrets.token_urlsafe(32)
    store.put("code", name, code)
    return name


def use_code(store: Store, name: str) -> Code | None:
    """A code by its name, marked as used from then on; `used` tells whether it was before."""
    code = store.get("code", name, Code)
    if code is not None:
        store.put("code", name, msgspec.structs.replace(code, used=True))
    return code


def verifies(code: Code, verifier: str) -> bool:
    """Whether the verifier is the one the code was asked for with (RFC 7636 §4.6, S256)."""
    made = _base64(hashlib.sha256(verifier.encode()).digest())
    return secrets.compare_digest(made, code.challenge) if code.challenge else not verifier


def is_guest(mailbox: Mailbox, tenant: Tenant) -> bool:
    return mailbox.address.casefold() in {address.casefold() for address in tenant.guests}


def id_token(store: Store, tenant: Tenant, mailbox: Mailbox, code: Code, login: str) -> str:
    """Signed RS256. `login`: address of the sign-in service, which its issuer begins with."""
    now = int(time.time())  # tokens live in the machine's time, whatever the sandbox's clock says
    claims: dict[str, Any] = {
        "aud": code.client_id,
        "iss": f"{login}/{tenant.id}/v2.0",
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME,
        "oid": _object_id(mailbox, tenant),
        "sub": _base64(hashlib.sha256(f"{code.client_id}/{tenant.id}/{mailbox.object_id}".encode()).digest()),
        "tid": tenant.id,
        "uti": secrets.token_urlsafe(16),
        "ver": "2.0",
    }
    if code.nonce:
        claims["nonce"] = code.nonce
    if is_guest(mailbox, tenant):
        claims["idp"] = f"https://sts.windows.net/{uuid.uuid5(uuid.NAMESPACE_DNS, _domain(mailbox))}/"
    scopes = code.scope.split()
    if "profile" in scopes:
        claims |= {"name": mailbox.name or mailbox.address, "preferred_username": mailbox.principal}
    if "email" in scopes:
        claims["email"] = mailbox.address
    return _signed(store, claims | tenant.claims.get(mailbox.address, {}))


def keys(store: Store) -> dict[str, Any]:
    """The public key as a JSON Web Key Set (RFC 7517)."""
    return {"keys": [_jwk(_key(store)) | {"use": "sig", "kid": _name(_key(store))}]}


def _object_id(mailbox: Mailbox, tenant: Tenant) -> str:
    """A guest is an object of his own in the tenant that invited him."""
    if is_guest(mailbox, tenant):
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{tenant.id}/{mailbox.object_id}"))
    return mailbox.object_id


def _domain(mailbox: Mailbox) -> str:
    return mailbox.address.rpartition("@")[2].casefold()


def _signed(store: Store, claims: dict[str, Any]) -> str:
    key = _key(store)
    parts = ({"typ": "JWT", "alg": "RS256", "kid": _name(key)}, claims)
    text = ".".join(_base64(json.dumps(part).encode()) for part in parts)
    return f"{text}.{_base64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _key(store: Store) -> rsa.RSAPrivateKey:
    """Made when it is first needed, then kept."""
    pem = store.get("settings", "id_token_key", str)
    if pem is None:
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        kept = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        pem = made.private_bytes(*kept).decode()
        store.put("settings", "id_token_key", pem)
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _jwk(key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}


def _name(key: rsa.RSAPrivateKey) -> str:
    """The key's thumbprint (RFC 7638)."""
    canonical = json.dumps(_jwk(key), sort_keys=True, separators=(",", ":"))
    return _base64(hashlib.sha256(canonical.encode()).digest())


def _number(value: int) -> str:
    return _base64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
