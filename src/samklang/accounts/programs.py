"""Programs of an organization's own: client credentials, and the tokens issued for them (Severa facts §1.2).

Real time, not the test clock.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from samklang.accounts.models import ApiClient, ApiCode, ApiGrant, Organization, User
from samklang.accounts.services import AccountError, audit, digest, note_use
from samklang.clock import real_now

#: What a client may be allowed; Severa's names (Severa facts §1.2), as far as there is anything here for them.
SCOPES = (
    "activities:read",
    "activities:write",
    "activities:delete",
    "users:read",
    "settings:read",
    "settings:write",
    "settings:delete",
    "organization:read",
    "organization:write",
)
#: How long an access token holds, and how long it can be refreshed. Severa states no numbers (Severa facts §1.2).
ACCESS, REFRESH = timedelta(hours=1), timedelta(days=1)
#: How long an authorization code can be exchanged for tokens.
CODE = timedelta(minutes=5)
#: Let secret scanners and people recognize what leaked.
_SECRET, _ACCESS, _REFRESH, _CODE = "samk_cs_", "samk_at_", "samk_rt_", "samk_ac_"

#: Where codes may be sent: over TLS, or to a program on the person's own machine (RFC 8252 §7.3).
_SAFE = re.compile(r"https://[^/\s#]+[^\s#]*|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/[^\s#]*)?")
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Program:
    """A program at work. It stands where a `User` may and acts for the whole organization: for activities it is nobody
    who takes part, and may change them all; where it may not see private entries, these neither (rule 1.8)."""

    client_id: UUID
    organization: Organization
    scopes: frozenset[str]
    sees_private: bool
    pk: None = None
    is_administrator: Literal[True] = True
    acts_for_all: Literal[True] = True
    person: None = None

    @property
    def organization_id(self) -> int:
        return int(self.organization.pk)

    @property
    def zone(self) -> str:
        """IANA name: what times without offset are meant in."""
        return self.organization.zone


Actor: TypeAlias = User | Program


@dataclass(frozen=True, slots=True)
class Issued:
    """Tokens in clear; nowhere else."""

    access: str
    access_until: datetime
    refresh: str
    refresh_until: datetime
    scopes: tuple[str, ...]


class BadCredentials(Exception):
    """Unknown client, wrong secret, or a refresh token that holds no longer."""


class ScopeNotGranted(Exception):
    """The client asks for a scope it was not given."""


class UnknownRedirect(Exception):
    """There is no such client, or its codes may not be sent there."""


@transaction.atomic
def make_client(
    organization: Organization,
    name: str,
    scopes: Collection[str],
    *,
    description: str = "",
    contact: str = "",
    redirects: Collection[str] = (),
    sees_private: bool = False,
    by: User | None = None,
) -> tuple[ApiClient, str]:
    """A new client and its secret, which is shown once and never stored.

    Raises AccountError ("name_missing", "scopes_missing", "scope_unknown", "redirect_invalid").
    """
    if not name.strip():
        raise AccountError("name_missing", _("Name the program, so that you know later what uses the credentials."))
    if not scopes:
        raise AccountError("scopes_missing", _("Choose at least one scope: without any it may do nothing."))
    if unknown := set(scopes) - set(SCOPES):
        raise AccountError("scope_unknown", _("There is no scope “%(scope)s”.") % {"scope": min(unknown)})
    if not all(_SAFE.fullmatch(one) and len(one) <= _LONGEST for one in redirects):
        message = _("A redirect address begins with https:// (or is of this very machine) and has no # in it.")
        raise AccountError("redirect_invalid", message)
    secret = _SECRET + secrets.token_urlsafe(32)
    client = ApiClient.objects.create(
        organization=organization,
        name=name.strip()[:100],
        description=description.strip()[:500],
        contact=contact.strip()[:200],
        scopes=[scope for scope in SCOPES if scope in scopes],
        redirects=list(redirects),
        sees_private=sees_private,
        digest=digest(secret),
        made_by=by,
    )
    details = {"scopes": client.scopes, "sees_private": sees_private}
    audit(organization, "client.make", by=by, subject=client.guid, **details)
    return client, secret


@transaction.atomic
def revoke_client(client: ApiClient, *, by: User | None = None) -> None:
    """The credentials and all tokens issued for them stop working at once. Revoking twice is harmless."""
    ApiGrant.objects.filter(client=client).delete()
    if ApiClient.objects.filter(pk=client.pk, revoked__isnull=True).update(revoked=real_now()):
        audit(client.organization, "client.revoke", by=by, subject=client.guid)


def issue(client_id: str, secret: str, scopes: Collection[str] = ()) -> Issued:
    """Tokens for a client with these scopes (none named: all it has). Raises BadCredentials, ScopeNotGranted."""
    client = _proven(client_id, secret)
    if set(scopes) - set(client.scopes):
        raise ScopeNotGranted
    return _issue(client, [scope for scope in client.scopes if not scopes or scope in scopes])


def asks_for_code(client_id: str, redirect: str, scopes: Collection[str] = ()) -> ApiClient:
    """The client in whose name somebody is asked for an authorization code. Raises UnknownRedirect, ScopeNotGranted."""
    client = _client(client_id)
    if client is None or redirect not in client.redirects:
        raise UnknownRedirect
    if set(scopes) - set(client.scopes):
        raise ScopeNotGranted
    return client


def make_code(client: ApiClient, redirect: str, scopes: Collection[str], *, by: User) -> str:
    """An authorization code, in clear only here, that an administrator of the client's organization gives it.

    It gives nothing that the client's secret would not: who has both may have tokens anyway.
    """
    code = _CODE + secrets.token_urlsafe(32)
    granted = [scope for scope in client.scopes if not scopes or scope in scopes]
    until = real_now() + CODE
    ApiCode.objects.create(client=client, scopes=granted, redirect=redirect, digest=digest(code), until=until)
    audit(client.organization, "client.code", by=by, subject=client.guid, scopes=granted)
    return code


@transaction.atomic
def redeem(code: str, client_id: str, secret: str, redirect: str) -> Issued:
    """Tokens for an authorization code, which ends thereby. Raises BadCredentials."""
    client = _proven(client_id, secret)
    held = ApiCode.objects.filter(client=client, digest=digest(code), redirect=redirect, until__gt=real_now())
    found = held.select_for_update().first()
    if found is None:
        raise BadCredentials
    found.delete()
    return _issue(client, found.scopes)


@transaction.atomic
def refresh(token: str) -> Issued:
    """New tokens for a refresh token, which ends thereby; its access token goes on until its time. Raises
    BadCredentials."""
    grant = _refreshable(token).select_for_update(of=("self",)).select_related("client__organization").first()
    if grant is None:
        raise BadCredentials
    _end(grant)
    return _issue(grant.client, grant.scopes)


@transaction.atomic
def sign_out(token: str) -> None:
    """End a refresh token; its access token goes on until its time. An unknown one is let pass."""
    grant = _refreshable(token).select_for_update(of=("self",)).first()
    if grant is not None:
        _end(grant)


def program_for_token(token: str) -> Program | None:
    """The program an access token stands for; None where it does not hold (any longer). Notes its use, at most once a
    minute."""
    if not token.startswith(_ACCESS):
        return None
    held = ApiGrant.objects.filter(access_digest=digest(token), access_until__gt=real_now(), client__revoked=None)
    grant = held.select_related("client__organization").first()
    if grant is None:
        return None
    client = grant.client
    note_use(client)
    return Program(client.guid, client.organization, frozenset(grant.scopes), client.sees_private)


def forget_old() -> int:
    """Remove codes that are over, and grants that neither hold nor can be refreshed; returns how many of these. Run
    daily."""
    now = real_now()
    ApiCode.objects.filter(until__lt=now).delete()
    return int(ApiGrant.objects.filter(access_until__lt=now, refresh_until__lt=now).delete()[0])


def _client(client_id: str) -> ApiClient | None:
    try:
        guid = UUID(client_id)
    except ValueError:
        return None
    found: ApiClient | None = ApiClient.objects.valid().filter(guid=guid).select_related("organization").first()
    return found


def _proven(client_id: str, secret: str) -> ApiClient:
    """The client whose secret this is. Raises BadCredentials."""
    client = _client(client_id)
    known = client.digest if client else digest("")  # as much work, so that the time taken tells nothing
    if not constant_time_compare(known, digest(secret)) or client is None:
        raise BadCredentials
    return client


def _issue(client: ApiClient, scopes: Collection[str]) -> Issued:
    now = real_now()
    access, again = _ACCESS + secrets.token_urlsafe(32), _REFRESH + secrets.token_urlsafe(32)
    grant = ApiGrant.objects.create(
        client=client,
        scopes=list(scopes),
        access_digest=digest(access),
        access_until=now + ACCESS,
        refresh_digest=digest(again),
        refresh_until=now + REFRESH,
    )
    return Issued(access, grant.access_until, again, grant.refresh_until, tuple(scopes))


def _refreshable(token: str) -> QuerySet[ApiGrant]:
    return ApiGrant.objects.filter(refresh_digest=digest(token), refresh_until__gt=real_now(), client__revoked=None)


def _end(grant: ApiGrant) -> None:
    grant.refresh_until = real_now()
    grant.save(update_fields=["refresh_until"])
