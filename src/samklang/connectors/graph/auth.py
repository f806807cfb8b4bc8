"""App-only tokens for one tenant, by msal (Graph facts §2.2-2.3).

msal asks the network on every call after a refusal, so tokens are asked for at a `Door`: by one at a time over all
processes, and by nobody after a refusal (rule 10.3) or while the service asks to wait (rule 10.2). A token is good for
about an hour and is kept where the caller says, so that a run of an idle mailbox costs no token request.
"""

from __future__ import annotations

import json
import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import urlsplit

import msal
import requests
from msal.authority import WELL_KNOWN_AUTHORITY_HOSTS
from msal.exceptions import MsalError

from samklang.connectors import http
from samklang.connectors.door import Door, OwnDoor
from samklang.connectors.graph.access import GraphAccess
from samklang.connectors.meaning import Meaning
from samklang.sync.errors import ConnectionRefused, ProtocolError, SyncError, Throttled, Unavailable

#: Seconds before its end at which a token is not used any longer.
MARGIN = 300

#: Numbers of AADSTS errors an administrator or operator can act on (Graph facts §2.2).
REFUSALS = {
    7000222: "secret_expired",
    700027: "certificate_refused",
    7000215: "wrong_secret",
    700016: "app_not_found",
    7000112: "app_disabled",
    7000218: "credential_missing",
    90002: "tenant_not_found",
    900023: "tenant_not_found",
    65001: "not_consented",
    65004: "consent_declined",
    53003: "conditional_access",
    530034: "conditional_access",
}
#: Where the number says nothing: OAuth's own word.
WORDS = {"temporarily_unavailable": Meaning(Unavailable, "login_unavailable")}
OTHER = Meaning(ConnectionRefused)
#: Of the refusals, and of what we find ourselves, those that say nothing of the tenant: the app's credential is no
#: good, for all tenants at once (Graph facts §2.2).
OF_THE_CREDENTIAL = frozenset(
    ("secret_expired", "wrong_secret", "certificate_refused", "certificate_unusable", "credential_missing")
)


class TokenStore(Protocol):
    """Keeps msal's token cache of one connection, a secret, between runs and processes."""

    def load(self) -> str | None: ...

    def save(self, cache: str) -> None: ...


class Tokens:
    """Hands out the app's token for one tenant; used from one thread.

    Raises ConnectionRefused (codes of `REFUSALS`, else "access_refused"; `detail` is "AADSTS…"), Throttled,
    Unavailable, ProtocolError.
    """

    def __init__(self, access: GraphAccess, store: TokenStore | None = None, door: Door | None = None) -> None:
        self._access = access
        self._store = store
        self._door = door or OwnDoor()
        self._session = http.session(ca_file=access.ca_file, allow_private=access.allow_private)
        self._session.hooks["response"].append(_obeyed)
        self._cache = msal.SerializableTokenCache()
        # msal's cache does not tell tenants of one host apart by the name we know them by, so the kept text does.
        self._whose = f"{access.authority} {access.app_id}\n"
        self._load()

    @property
    def counts(self) -> http.Counts:
        """Requests sent to the sign-in service, counted apart from those for data."""
        return self._session.counts

    def get(self) -> str:
        """A token that is good for some minutes; asks the sign-in service only when none is kept."""
        return self._kept() or self._ask()

    def renew(self, refused: str) -> str:
        """A token in place of one the service refused: another process may have got one meanwhile."""
        return self._ask(refused)

    def anew(self) -> str:
        """A token made now, whatever is kept: it says what is granted now."""
        with self._door.passing():
            return self._acquire()

    def reset(self) -> None:
        """Forget refusals: settings were saved, or a person asks."""
        self._door.forget()

    def roles(self) -> frozenset[str] | None:
        """The application permissions in the token; None when it does not say. Fewer right after a consent."""
        claims = self._claims()
        return None if claims is None else frozenset(map(str, claims.get("roles", ())))

    def tenant(self) -> str:
        """Id of the tenant the token was made for; "" when it does not say."""
        return str((self._claims() or {}).get("tid", ""))

    def _claims(self) -> dict[str, Any] | None:
        try:
            claims = self.get().split(".")[1]
            found = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        except (IndexError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def close(self) -> None:
        self._session.close()

    def _load(self) -> None:
        kept = self._store.load() if self._store is not None else None
        if kept is not None and kept.startswith(self._whose):
            self._cache.deserialize(kept.removeprefix(self._whose))

    def _kept(self, refused: str = "") -> str | None:
        for each in self._entries():
            if int(each["expires_on"]) - MARGIN > time.time() and each["secret"] != refused:
                return str(each["secret"])
        return None

    def _entries(self) -> list[dict[str, Any]]:
        host = urlsplit(self._access.login_url).hostname
        query = {"client_id": self._access.app_id, "environment": host}
        kind = msal.TokenCache.CredentialType.ACCESS_TOKEN
        return list(self._cache.search(kind, target=[self._access.scope], query=query))

    def _ask(self, refused: str = "") -> str:
        with self._door.passing():
            # Whoever was before us at the door may have brought one for all.
            self._load()
            return self._kept(refused) or self._acquire()

    def _acquire(self) -> str:
        for each in self._entries():
            self._cache.remove_at(each)
        with errors_named():
            app = application(self._access, self._session, token_cache=self._cache)
            answer = app.acquire_token_for_client([self._access.scope])
        if "access_token" not in answer:
            raise _refused(answer)
        if self._store is not None:
            self._store.save(self._whose + self._cache.serialize())
        return str(answer["access_token"])


def _obeyed(response: requests.Response, *_: Any, **__: Any) -> None:
    """Raises Throttled: msal would take the answer for a refusal, and never tells how long to wait (rule 10.2)."""
    if response.status_code == 429 or (response.status_code == 503 and "Retry-After" in response.headers):
        raise Throttled(http.retry_after(response), f"sign-in {response.status_code}")


def application(access: GraphAccess, session: http.Session, **more: Any) -> msal.ConfidentialClientApplication:
    """Our app at the tenant's sign-in service, whose addresses msal asks for at once. Use it under `errors_named`."""
    return msal.ConfidentialClientApplication(
        access.app_id,
        client_credential=_credential(access),
        authority=access.authority,
        # The sign-in of a test or a private cloud is not in Microsoft's list of them.
        instance_discovery=urlsplit(access.login_url).hostname in WELL_KNOWN_AUTHORITY_HOSTS,
        http_client=session,
        **more,
    )


@contextmanager
def errors_named() -> Iterator[None]:
    """What msal raises, in our terms: texts of its exceptions hold answers."""
    try:
        yield
    except (requests.RequestException, MsalError, RuntimeError) as error:
        raise Unavailable("login_unavailable", type(error).__name__) from None
    except ValueError as error:
        raise _not_found(error) from None


def _credential(access: GraphAccess) -> str | dict[str, str]:
    if access.certificate is None:
        return access.secret or ""
    key = re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", access.certificate, re.S)
    if key is None:
        raise ConnectionRefused("certificate_unusable", "the PEM text holds no private key")
    certificates = access.certificate.replace(key.group(), "").strip()
    return {"private_key": key.group(), "public_certificate": certificates}


def _not_found(error: ValueError) -> ConnectionRefused | ProtocolError:
    """msal's ValueError: the tenant's sign-in page is not there (4xx), or it is no JSON, or the key is unusable."""
    text = f"{error} {error.__context__}"
    number = re.search(r"AADSTS(\d+)", text)
    if number is not None:
        return ConnectionRefused(REFUSALS.get(int(number.group(1)), "tenant_not_found"), number.group())
    if "HTTP status: 4" in text:
        return ConnectionRefused("tenant_not_found")
    if isinstance(error, json.JSONDecodeError) or "configuration" in text:
        return ProtocolError("malformed_answer", "sign-in service", step="token")
    return ConnectionRefused("certificate_unusable")


def _refused(answer: dict[str, Any]) -> SyncError:
    """By number, never by text. `answer` is the service's error, as msal returns it."""
    numbers = [int(each) for each in answer.get("error_codes") or ()]
    numbers += [int(each) for each in re.findall(r"AADSTS(\d+)", str(answer.get("error_description", "")))[:1]]
    code = next((REFUSALS[each] for each in numbers if each in REFUSALS), None)
    detail = f"AADSTS{numbers[0]}" if numbers else str(answer.get("error", ""))[:80]
    if code is not None:
        return ConnectionRefused(code, detail)
    return WORDS.get(str(answer.get("error", "")), OTHER).error(detail)
