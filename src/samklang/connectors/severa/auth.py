"""Tokens by client credentials (Severa facts §1.2): asked for anew ahead of their end, never refreshed.

A token is kept where the caller says, so that an idle run costs no token request. The first refusal is kept and raised
again: the connection pauses after one (rule 10.3), and is probed with tokens opened anew.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Protocol

import msgspec
import requests

from samklang.connectors import http
from samklang.connectors.severa import errors
from samklang.connectors.severa.access import SeveraAccess
from samklang.connectors.severa.pace import Pace
from samklang.sync.errors import ConnectionRefused, ItemError, NotFound, ProtocolError

#: Seconds before its end at which a token is not used any longer; of a short-lived one, half its life.
MARGIN = 300.0
#: Seconds a token is believed in whose answer does not say how long.
_UNSAID = 600.0


class TokenStore(Protocol):
    """Keeps the token of one connection, a secret, between runs and processes."""

    def load(self) -> str | None: ...

    def save(self, kept: str) -> None: ...


class _Answer(msgspec.Struct):
    access_token: str
    access_token_expires_in: float | None = None


class _Kept(msgspec.Struct):
    #: Digest of the address and credentials it was given for.
    whose: str
    token: str
    #: Seconds since 1970 after which another is asked for.
    until: float


class Tokens:
    """Hands out the token of one organization; used from one thread.

    Raises ConnectionRefused (codes of `errors`, "severa_credentials_refused"), Throttled, Unavailable, ProtocolError.
    """

    def __init__(
        self,
        access: SeveraAccess,
        pace: Pace,
        store: TokenStore | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._access = access
        self._pace = pace
        self._store = store
        self._clock = clock
        self._session = http.session(ca_file=access.ca_file, allow_private=access.allow_private)
        credentials = "\n".join((access.root, access.client_id, access.secret, *access.scopes))
        self._whose = hashlib.sha256(credentials.encode()).hexdigest()
        self._kept: _Kept | None = None
        self._refusal: ConnectionRefused | None = None

    def get(self) -> str:
        """A token that is good for some minutes; asks for one only when none is kept."""
        return self._good(self._kept or self._load()) or self._ask()

    def renew(self, refused: str) -> str:
        """A token in place of one the service refused: another process may have got one meanwhile."""
        return self._good(self._load(), refused) or self._ask()

    def close(self) -> None:
        self._session.close()

    def _good(self, kept: _Kept | None, refused: str | None = None) -> str | None:
        """The token that was kept, if it is to be used."""
        if kept is None or kept.whose != self._whose or kept.token == refused or self._clock() >= kept.until:
            return None
        self._kept = kept
        return kept.token

    def _load(self) -> _Kept | None:
        text = self._store.load() if self._store is not None else None
        try:
            return msgspec.json.decode(text, type=_Kept) if text else None
        except msgspec.MsgspecError:
            return None

    def _ask(self) -> str:
        if self._refusal is not None:
            raise self._refusal
        try:
            answer = self._acquire()
        except ConnectionRefused as refusal:
            self._refusal = refusal
            raise
        lasts = answer.access_token_expires_in or _UNSAID
        self._kept = _Kept(self._whose, answer.access_token, self._clock() + lasts - min(MARGIN, lasts / 2))
        if self._store is not None:
            self._store.save(msgspec.json.encode(self._kept).decode())
        return self._kept.token

    def _acquire(self) -> _Answer:
        access = self._access
        body = {"client_id": access.client_id, "client_secret": access.secret, "scope": " ".join(access.scopes)}
        with self._pace.request():
            response = self._session.post(f"{access.root}/token", json=body, headers={"Accept": "application/json"})
        if response.status_code != 200:
            raise _refused(response)
        try:
            return msgspec.json.decode(errors.content(response), type=_Answer)
        except msgspec.MsgspecError:
            raise ProtocolError("malformed_answer", "token", step="token") from None


def _refused(response: requests.Response) -> Exception:
    """A refusal of the credentials; one for a scope the client was not given names itself (Severa facts §1.2)."""
    error = errors.error_of(response)
    if isinstance(error, ConnectionRefused) and error.code == errors.TOKEN_REFUSED:
        return ConnectionRefused("severa_credentials_refused", error.detail)
    if isinstance(error, ItemError | NotFound):
        return ConnectionRefused("severa_credentials_refused", error.detail)
    return error
