"""What an app may do in a tenant: consented to for all mailboxes, or assigned over some (RBAC for Applications).

Both count: they are a union, so that a tenant-wide consent defeats a scope (Graph facts §2.4). Microsoft's caches make
every change take its time; here the tenant's `…_delay_seconds` do, of the machine's own time.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import msgspec

from samklang.sandbox.accounts import App, Scope, Tenant
from samklang.sandbox.model import Mailbox
from samklang.sandbox.store import Store


class Past(msgspec.Struct, kw_only=True):
    """What an app had until it was changed. Kept as document ("past", "tenant/app")."""

    consented: bool
    roles: list[str]
    scopes: list[Scope]
    at: float


def app_of(tenant: Tenant, client_id: str) -> App | None:
    return next((app for app in tenant.apps if app.client_id.casefold() == client_id.casefold()), None)


def grant(store: Store, tenant: Tenant, app: App) -> None:
    """An administrator's consent; it holds once the tenant's `consent_delay_seconds` are over."""
    app.consented = True
    store.put("tenant", tenant.id, tenant)
    store.put("consent", _key(tenant, app), time.time())


def changed(store: Store, before: Tenant, after: Tenant) -> None:
    """Remember what the apps of a tenant had, for as long as caches go on with it."""
    for app in after.apps:
        old = app_of(before, app.client_id)
        if old is not None and (old.consented, old.roles, old.scopes) != (app.consented, app.roles, app.scopes):
            past = Past(consented=old.consented, roles=old.roles, scopes=old.scopes, at=time.time())
            store.put("past", _key(after, app), past)


def is_known(store: Store, tenant: Tenant, app: App) -> bool:
    """It has a service principal in the tenant: by a consent, or because somebody made one for a scope."""
    if _consent_waits(store, tenant, app) and tenant.consent_delay_as == "unknown_app":
        return bool(app.scopes)
    return app.consented or bool(app.scopes) or bool(_before_withdrawal(store, tenant, app))


def effective_roles(store: Store, tenant: Tenant, app: App) -> list[str]:
    """The roles a new token carries: none while a fresh consent has not reached every server, those that were withdrawn
    until that has."""
    now = app.roles if app.consented and not _consent_waits(store, tenant, app) else []
    return list(dict.fromkeys([*now, *_before_withdrawal(store, tenant, app)]))


def is_scoped(store: Store, tenant: Tenant, app: App, roles: Iterable[str], mailbox: Mailbox) -> bool:
    """Whether one of the roles is assigned over this mailbox, as the caches have it."""
    past = store.get("past", _key(tenant, app), Past)
    cached = past is not None and time.time() < past.at + tenant.scope_delay_seconds
    scopes = past.scopes if past is not None and cached else app.scopes
    own = {address.casefold() for address in mailbox.addresses}
    return any(s.role in roles and own & {address.casefold() for address in s.mailboxes} for s in scopes)


def _consent_waits(store: Store, tenant: Tenant, app: App) -> bool:
    at = store.get("consent", _key(tenant, app), float)
    return at is not None and time.time() < at + tenant.consent_delay_seconds


def _before_withdrawal(store: Store, tenant: Tenant, app: App) -> list[str]:
    past = store.get("past", _key(tenant, app), Past)
    if past is None or not past.consented or time.time() >= past.at + tenant.withdrawal_delay_seconds:
        return []
    return past.roles


def _key(tenant: Tenant, app: App) -> str:
    return f"{tenant.id}/{app.client_id}"
