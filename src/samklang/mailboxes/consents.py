"""What a tenant of Microsoft grants: claimed by anybody, believed when Microsoft bears it out (rule 10.3).

The tenant in a redirect is anybody's to write (Graph facts §2.1). So a claim is kept and Microsoft is asked, with
back-off, until the tenant's own token carries the permissions: for the two hours that may take. Then it must be the
organization's: no other's here, and either its domains hold the address of somebody of ours, or the administrator
signed in there. Then the users' mailboxes are looked for, so that the page can show who was found.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from samklang.accounts.models import User
from samklang.clock import now, real_now
from samklang.connectors.graph.openid import Identity
from samklang.connectors.graph.organization import Tenant
from samklang.mailboxes import access, services
from samklang.mailboxes.access import FoundMailbox, Granted
from samklang.mailboxes.models import Connection, Consent, Mailbox
from samklang.mailboxes.services import CONSENT_TAKES, Refused
from samklang.sync.errors import ConnectionRefused, SyncError

_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=5)
#: What a consent looks like that has not reached all of Microsoft's servers (Graph facts §2.1, §2.2).
_NOT_YET = frozenset(("app_not_found", "not_consented", "permission_missing"))
#: An id or a domain; it becomes part of an address.
_TENANT = re.compile(r"[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*")


def begin(
    connection: Connection, tenant: str, by: User | None, *, scoped: bool = False, proved: bool = False
) -> Consent:
    """Keep a claim, in place of the one before, and ask Microsoft at once. Returns how it stands.

    `by` None: an operator. Raises Refused("tenant_malformed").
    """
    tenant = named(tenant)
    # Not due before the attempt that follows here is over, lest a worker make the same one.
    claim = {"tenant": tenant, "by": by, "by_operator": by is None, "scoped": scoped, "proved": proved, "since": now()}
    fresh: dict[str, Any] = {"tries": 1, "next_try": real_now() + _wait(1), "verified": False, "code": "", "detail": ""}
    fresh |= {"permissions": [], "missing": [], "found": {}}
    consent, _ = Consent.objects.update_or_create(connection=connection, defaults=claim | fresh)
    attempt(consent.pk)
    consent.refresh_from_db()
    return consent


def named(tenant: str) -> str:
    """What somebody calls a tenant, fit for an address. Raises Refused("tenant_malformed")."""
    if not _TENANT.fullmatch(tenant.strip()) or len(tenant) > 253:
        raise Refused("tenant_malformed")
    return tenant.strip()


def begin_signed_in(by: User, who: Identity) -> None:
    """The administrator signed in to a tenant just now, where no consent shall cover all mailboxes: RBAC opens some.

    Raises Refused: "tenant_guest", and whatever shows at once that it cannot be.
    """
    if not who.is_member:
        raise Refused("tenant_guest")
    consent = begin(services.connection_of(by.organization), who.tenant, by, scoped=True, proved=True)
    if state(consent) == "refused":
        raise Refused(consent.code)


def state(consent: Consent) -> str:
    """Either "waiting" for Microsoft, "refused", "searching" for the users' mailboxes, or "granted"."""
    if consent.verified:
        return "searching" if consent.next_try else "granted"
    return "waiting" if consent.next_try else "refused"


def until(consent: Consent) -> datetime:
    """How long Microsoft is waited for, in domain time."""
    return consent.since + CONSENT_TAKES


def claim(moment: datetime) -> list[int]:
    """The consents of which Microsoft is to be asked at `moment` (real time), each given to the caller alone."""
    claimed = []
    for pk, tries in Consent.objects.filter(next_try__lte=moment).values_list("pk", "tries"):
        mine = Consent.objects.filter(pk=pk, next_try__lte=moment)
        if mine.update(tries=tries + 1, next_try=moment + _wait(tries + 1)):
            claimed.append(pk)
    return claimed


def attempt(consent_id: int) -> None:
    """Ask Microsoft once how it stands. Never raises for what went wrong outside."""
    rows = Consent.objects.select_related("connection__organization", "by")
    consent = rows.filter(pk=consent_id, next_try__isnull=False).first()
    if consent is None:
        return
    try:
        if consent.verified:
            _keep(consent, found=_found(consent.connection), next_try=None)
        else:
            _verify(consent)
    except Refused as refused:
        _keep(consent, code=refused.code, detail="", next_try=None)
    except SyncError as error:
        _failed(consent, error)


def forget(user: User) -> None:
    """Whose mailbox was found is the user's own to have erased (rule 12.2)."""
    for consent in Consent.objects.filter(connection__organization=user.organization_id):
        if consent.found.pop(str(user.guid), None):
            consent.save(update_fields=["found"])


def _verify(consent: Consent) -> None:
    if not (consent.by_operator or _may_still(consent)):
        raise Refused("consent_by_nobody")
    granted = access.granted_in(consent.tenant, scoped=consent.scoped)
    lists = {"permissions": list(granted.permissions), "missing": list(granted.missing)}
    if granted.tenant is None:
        _keep(consent, **lists)
        raise ConnectionRefused("permission_missing", " ".join(granted.missing))
    _is_theirs(consent, granted.tenant)
    _believe(consent, granted, granted.tenant)


def _may_still(consent: Consent) -> bool:
    by = consent.by
    return (
        by is not None and by.is_active and by.is_administrator and by.organization == consent.connection.organization
    )


def _is_theirs(consent: Consent, tenant: Tenant) -> None:
    """Raises Refused: "tenant_not_yours", "tenant_unproved"."""
    organization = consent.connection.organization
    if consent.proved or tenant.id.casefold() == organization.microsoft_tenant.casefold():
        return
    if not tenant.domains:
        raise Refused("tenant_unproved")
    if not tenant.holds(_addresses(consent).values_list("email", flat=True)):
        raise Refused("tenant_not_yours")


def _addresses(consent: Consent) -> QuerySet[User]:
    """Whose addresses speak for the organization: those who have signed in, for anybody can be invited; to an operator,
    who vouches for them, all."""
    people = User.objects.of(consent.connection.organization).active()
    return people if consent.by_operator else people.filter(last_login__isnull=False)


@transaction.atomic
def _believe(consent: Consent, granted: Granted, tenant: Tenant) -> None:
    lists = {"permissions": list(granted.permissions), "missing": []}
    if _keep(consent, verified=True, tenant=tenant.id, code="", detail="", next_try=real_now(), **lists):
        # An operator names a tenant that consented some time before: nothing is fresh there.
        since = None if consent.by_operator else consent.since
        services.record_consent(consent.connection, tenant.id, tenant.name, since, consent.by)


def _found(connection: Connection) -> dict[str, dict[str, str]]:
    """What is shown of each user. Whose mailbox is synced is not looked for: its runs tell, and nobody else asks its
    server, which may want to be left alone (rule 10.2)."""
    found = {}
    with access.looking(connection) as look:
        for user in list(User.objects.of(connection.organization).active().order_by("pk")):
            synced = Mailbox.objects.filter(user=user, on=True).first()
            found[str(user.guid)] = _shown(look(user.email)) if synced is None else _told(synced)
    return {guid: shown for guid, shown in found.items() if shown}


def _shown(found: FoundMailbox | SyncError) -> dict[str, str]:
    if isinstance(found, SyncError):
        return {"code": found.code}
    return {"address": found.address, "matched_by": found.matched_by}


def _told(mailbox: Mailbox) -> dict[str, str]:
    """What its last run found; empty before the first."""
    if mailbox.directory_id is not None:
        return {"address": mailbox.address, "matched_by": mailbox.matched_by}
    return {"code": mailbox.error_code} if mailbox.error_code else {}


def _failed(consent: Consent, error: SyncError) -> None:
    """Waited out, while it may be that Microsoft is not done; said as it is, when it cannot be."""
    final = isinstance(error, ConnectionRefused) and error.code not in _NOT_YET
    said = {"code": error.code, "detail": error.detail[:200]}
    if consent.verified:
        # The connection stands: its own runs and its test say what is wrong with it.
        _keep(consent, **({"next_try": None} if final or now() >= until(consent) else {}))
    elif final:
        _keep(consent, **said, next_try=None)
    elif now() >= until(consent):
        _keep(consent, code="consent_overdue", detail=f"{error.code} {error.detail}"[:200], next_try=None)
    else:
        _keep(consent, **said)


def _keep(consent: Consent, **values: Any) -> bool:
    """Write to the row, unless another claim has taken this one's place meanwhile."""
    row = Consent.objects.filter(pk=consent.pk, tenant=consent.tenant, since=consent.since, verified=consent.verified)
    return bool(row.update(**values))


def _wait(tries: int) -> timedelta:
    return min(_FIRST_WAIT * 2 ** min(tries - 1, 10), _LONGEST_WAIT)
