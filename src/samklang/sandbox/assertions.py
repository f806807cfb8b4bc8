"""An app's proof by its certificate: a JWT signed with the key of one that is registered (Graph facts §2.2; Microsoft's
"certificate credentials" page: PS256 with x5t#S256, or RS256 with x5t)."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

#: Seconds a proof may be good for, and clocks may differ.
_LONGEST, _SKEW = 24 * 3600, 300
_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)


class AssertionRefused(Exception):
    """Why an assertion is not believed."""


def check(assertion: str, client_id: str, certificate: str, audience: str) -> None:
    """Raises AssertionRefused. `certificate`: PEM of the registered one, "" where there is none; `audience`: address of
    the token endpoint."""
    if not certificate:
        raise AssertionRefused("no certificate is registered")
    registered = x509.load_pem_x509_certificate(certificate.encode())
    if registered.not_valid_after_utc <= datetime.now(UTC):
        raise AssertionRefused("the key used is expired")
    try:
        header, claims = (json.loads(_bytes(part)) for part in assertion.split(".")[:2])
        signature = _bytes(assertion.split(".")[2])
    except (ValueError, IndexError) as error:
        raise AssertionRefused("it is no JWT") from error
    _check_signature(assertion.rpartition(".")[0].encode(), signature, header, registered)
    _check_claims(claims, client_id, audience)


def _check_signature(signed: bytes, signature: bytes, header: dict[str, Any], registered: x509.Certificate) -> None:
    der, key = registered.public_bytes(serialization.Encoding.DER), registered.public_key()
    named = {"x5t#S256": hashlib.sha256(der).digest(), "x5t": hashlib.sha1(der, usedforsecurity=False).digest()}
    told = [name for name in named if name in header]
    if not told or any(_bytes(str(header[name])) != named[name] for name in told):
        raise AssertionRefused("the key was not found by its thumbprint")
    scheme = {"PS256": _PSS, "RS256": padding.PKCS1v15()}.get(str(header.get("alg")))
    if scheme is None or not isinstance(key, rsa.RSAPublicKey):
        raise AssertionRefused("its algorithm is not taken")
    try:
        key.verify(signature, signed, scheme, hashes.SHA256())
    except InvalidSignature:
        raise AssertionRefused("its signature is not the key's") from None


def _check_claims(claims: dict[str, Any], client_id: str, audience: str) -> None:
    now = time.time()  # tokens live in the machine's time, whatever the sandbox's clock says
    if not claims.get("iss") == claims.get("sub") == client_id:
        raise AssertionRefused("it is not of this app")
    if claims.get("aud") != audience:
        raise AssertionRefused("it is meant for another address")
    ends, begins = claims.get("exp"), claims.get("nbf", claims.get("iat", 0))
    if not isinstance(ends, int | float) or not now < ends < now + _LONGEST or begins > now + _SKEW:
        raise AssertionRefused("it is not within its valid time range")
    if not claims.get("jti"):
        raise AssertionRefused("it has no jti")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
