"""The connection test: each step of reaching a Severa by itself, so that a failure names what to mend."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import msgspec

from samklang.connectors import http
from samklang.connectors.severa import errors
from samklang.connectors.severa.access import SCOPES, SeveraAccess
from samklang.connectors.severa.auth import Tokens
from samklang.connectors.severa.client import SeveraClient
from samklang.connectors.severa.pace import Pace
from samklang.connectors.severa.schema import Activity, ActivityType, User
from samklang.connectors.steps import Step, in_turn
from samklang.sync.errors import ConnectionRefused, MailboxError, ProtocolError

#: Without this one external people are known by their addresses alone (rule 13.4).
OPTIONAL = frozenset({"customers:read"})
#: What tells a client without some scope from one that is refused: every client of ours has it.
_LEAST = "activities:read"


class Organization(msgspec.Struct, rename="camel"):
    """GET /organizationdetails (Severa facts §1.11)."""

    guid: str | None = None
    name: str | None = None

    @property
    def id(self) -> str:
        """What names it."""
        return self.guid or self.name or ""


class _Memory:
    """Keeps the token for the time of one test, which thus proves the credentials as they are saved."""

    def __init__(self) -> None:
        self._token: str | None = None

    def load(self) -> str | None:
        return self._token

    def save(self, kept: str) -> None:
        self._token = kept


class Probe:
    """One test. What it learned is true once its steps passed."""

    def __init__(self, access: SeveraAccess, pace: Pace, address: str) -> None:
        """`address`: of the user who is looked up, whose activities are read."""
        self._access = access
        self._pace = pace
        self._address = address
        self._kept = _Memory()
        self._user = ""
        self.scopes: tuple[str, ...] = ()
        self.organization = Organization()

    def steps(self) -> Iterator[Step]:
        """Each until one fails; nothing is written. What is found: scopes, the organization's name, numbers."""
        return in_turn(
            [
                ("severa address", self._reach),
                ("severa token", self._token),
                ("severa scopes", self._every_scope),
                ("severa heartbeat", self._heartbeat),
                ("severa organization", self._whose),
                ("severa user", self._find_user),
                ("severa types", self._types),
                ("severa activities", self._activities),
            ]
        )

    def _reach(self) -> str:
        """It answers without a token."""
        if not (self._access.client_id and self._access.secret):
            raise ConnectionRefused("severa_credentials_missing")
        try:
            self._alive("server", {})
        except ProtocolError as error:
            raise ProtocolError("severa_not_there", error.detail, step="address") from None
        return ""

    def _alive(self, what: str, headers: dict[str, str]) -> None:
        """GET /heartbeat/…, which is beside the versions."""
        access = self._access
        session = http.session(ca_file=access.ca_file, allow_private=access.allow_private)
        address = f"{access.root.rpartition('/')[0]}/heartbeat/{what}"
        with contextlib.closing(session), self._pace.request():
            response = session.get(address, headers={"Accept": "application/json"} | headers)
        if response.status_code not in (200, 204):
            raise errors.error_of(response)
        errors.content(response)

    def _token(self) -> str:
        """With every scope; where that is refused, with the least: a scope the client lacks is refused alike."""
        try:
            self._asked(SCOPES)
            self.scopes = SCOPES
        except ConnectionRefused:
            self._asked((_LEAST,))
        return ""

    def _every_scope(self) -> str:
        if not self.scopes:
            self.scopes = tuple(scope for scope in SCOPES if self._has(scope))
        missing = [scope for scope in SCOPES if scope not in self.scopes and scope not in OPTIONAL]
        if missing:
            raise ConnectionRefused("severa_scope_missing", " ".join(missing))
        return " ".join(self.scopes)

    def _heartbeat(self) -> str:
        with contextlib.closing(self._tokens(self.scopes)) as tokens:
            headers = {"Authorization": f"Bearer {tokens.get()}", "Client_Id": self._access.client_id}
        self._alive("authorized", headers)
        return ""

    def _whose(self) -> str:
        with self._signed_in() as client:
            self.organization = client.get("/organizationdetails", Organization)
        return self.organization.name or ""

    def _find_user(self) -> str:
        folded = self._address.strip().casefold()
        with self._signed_in() as client:
            found = client.get("/users", list[User], [("email", self._address), ("isActive", "true")])
        guids = [one.guid for one in found if one.address == folded]
        if len(guids) != 1:
            raise MailboxError("severa_user_twice" if guids else "severa_user_not_found")
        self._user = guids[0]
        return ""

    def _types(self) -> str:
        with self._signed_in() as client:
            return str(sum(one.is_active for page in client.rows("/activitytypes", ActivityType) for one in page))

    def _activities(self) -> str:
        with self._signed_in() as client:
            client.get("/activities", list[Activity], [("userGuids", self._user), ("rowCount", "1")])
        return ""

    def _has(self, scope: str) -> bool:
        try:
            self._asked((scope,))
        except ConnectionRefused:
            return False
        return True

    def _asked(self, scopes: tuple[str, ...]) -> None:
        with contextlib.closing(self._tokens(scopes)) as tokens:
            tokens.get()

    def _tokens(self, scopes: tuple[str, ...]) -> Tokens:
        return Tokens(replace(self._access, scopes=scopes), self._pace, self._kept)

    @contextlib.contextmanager
    def _signed_in(self) -> Iterator[SeveraClient]:
        tokens = self._tokens(self.scopes)
        client = SeveraClient(self._access, tokens, self._pace)
        try:
            yield client
        finally:
            client.close()
            tokens.close()
