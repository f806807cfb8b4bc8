"""Which of our users somebody is who signed in with Microsoft.

An organization names the one tenant whose people are let in. The first time a person is known by an address that this
tenant proves to be his; from then on by the ids of his account there (`User.microsoft_id`), whatever his address is.
An address that a token merely claims lets nobody in: its tenant's administrator can write any. Nobody gets an account.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from samklang.accounts.models import Organization, User
from samklang.accounts.services import audit
from samklang.config import config
from samklang.connectors.graph import openid
from samklang.connectors.graph.openid import Identity
from samklang.mailboxes.access import ANY_TENANT, app_in, find_mailbox
from samklang.mailboxes.models import Connection
from samklang.mailboxes.services import Refused
from samklang.sync.errors import ConnectionRefused, MailboxError

#: Below the installation's public address: where Microsoft sends people back to.
PATH = "/sign-in/microsoft/back"


def redirect_uri() -> str:
    return config().public_url.rstrip("/") + PATH


def has_app() -> bool:
    """The operator named the application that is registered with Microsoft."""
    settings = config()
    return bool(settings.app_id and (settings.app_secret or settings.app_certificate))


def is_offered() -> bool:
    """Somebody here may sign in with Microsoft."""
    return has_app() and bool(_tenants())


def tenant_for_anybody() -> str:
    """Where a person is sent of whom we know nothing yet."""
    tenants = _tenants()
    return tenants[0] if len(tenants) == 1 else ANY_TENANT


def tenant_to_name(user: User) -> str:
    """The tenant this administrator's organization would let in: that which granted permissions, else the one that owns
    the domain of his address, which Microsoft takes for a name of it."""
    connection = Connection.objects.filter(organization_id=user.organization_id).first()
    granted = connection.tenant if connection is not None and connection.is_office365 else ""
    return granted or user.email.rpartition("@")[2]


def begin(tenant: str) -> dict[str, Any]:
    """A flow of `openid.begin`. Raises SyncError, and Refused("microsoft_no_app" | "microsoft_no_tenant")."""
    if not has_app():
        raise Refused("microsoft_no_app")
    try:
        return openid.begin(app_in(tenant), redirect_uri())
    except ConnectionRefused as refused:
        raise Refused("microsoft_no_tenant") if refused.code == "tenant_not_found" else refused from None


def finish(tenant: str, flow: Mapping[str, Any], answer: Mapping[str, str]) -> Identity:
    """As `openid.finish`. Raises SyncError, also for an account of no organization."""
    found = openid.finish(app_in(tenant), flow, answer)
    if found.tenant == openid.PERSONAL_ACCOUNTS:
        raise Refused("microsoft_personal")
    return found


def user_of(who: Identity) -> User:
    """The active user this person is, who may have to be remembered first.

    Raises Refused: "microsoft_unknown"; "microsoft_other_account" where the user signs in with another account; and
    SyncError when his tenant's directory cannot be asked.
    """
    active = User.objects.active().filter(organization__microsoft_tenant=who.tenant).select_related("organization")
    known: User | None = active.filter(microsoft_id=who.id).first()
    if known is not None:
        return known
    user = _proved(who, active)
    if user is None or _is_anothers(who, user):
        raise Refused("microsoft_unknown")
    if user.microsoft_id is not None:
        raise Refused("microsoft_other_account")
    _remember(user, who)
    return user


def connect(user: User, who: Identity) -> None:
    """The user, signed in, says that this account is his.

    Raises Refused: "microsoft_other_tenant", "microsoft_taken".
    """
    if not user.organization.microsoft_tenant or who.tenant != user.organization.microsoft_tenant:
        raise Refused("microsoft_other_tenant")
    if _is_anothers(who, user):
        raise Refused("microsoft_taken")
    _remember(user, who)


@transaction.atomic
def disconnect(user: User) -> None:
    """The user signs in with this account no longer; with another one of his address he may."""
    user.microsoft_id = None
    user.save(update_fields=["microsoft_id"])
    audit(user.organization, "user.microsoft_forget", by=user, subject=user.guid)


@transaction.atomic
def switch_on(by: User, who: Identity) -> None:
    """Let the people of this administrator's tenant in: he signed in there just now, through `tenant_to_name`.

    Raises Refused("microsoft_taken").
    """
    organization = by.organization
    organization.microsoft_tenant = who.tenant
    organization.save(update_fields=["microsoft_tenant"])
    elsewhere = User.objects.of(organization).exclude(microsoft_id=None)
    elsewhere.exclude(microsoft_id__startswith=f"{who.tenant}/").update(microsoft_id=None)
    audit(organization, "microsoft_sign_in.on", by=by, tenant=who.tenant)
    connect(by, who)


@transaction.atomic
def switch_off(organization: Organization, by: User) -> None:
    """Nobody signs in with Microsoft any longer; who is signed in stays so."""
    organization.microsoft_tenant = ""
    organization.save(update_fields=["microsoft_tenant"])
    audit(organization, "microsoft_sign_in.off", by=by)


def _tenants() -> list[str]:
    named = Organization.objects.exclude(microsoft_tenant="").values_list("microsoft_tenant", flat=True)
    return list(named.order_by("microsoft_tenant").distinct()[:2])


def _proved(who: Identity, active: QuerySet[User]) -> User | None:
    """By the mailbox we found in his tenant's directory; by his sign-in name, if he is no guest; or by an address that
    the directory, asked now, says is his (rule 1.3)."""
    found = active.filter(mailbox__directory_id__iendswith=f"/{who.object_id}").first()
    if found is None and who.is_member:
        found = active.filter(email=who.username.strip().lower()).first()
    return found or _in_directory(who, active.filter(email=who.email.strip().lower()).first())


def _in_directory(who: Identity, user: User | None) -> User | None:
    connection = Connection.objects.filter(organization_id=user.organization_id).first() if user else None
    if user is None or connection is None or not connection.is_office365 or not connection.tenant:
        return None
    try:
        found = find_mailbox(connection, user.email).directory_id.rpartition("/")[2]
        return user if found.casefold() == who.object_id else None
    except MailboxError:
        return None


def _is_anothers(who: Identity, user: User) -> bool:
    return bool(User.objects.filter(microsoft_id=who.id).exclude(pk=user.pk).exists())


@transaction.atomic
def _remember(user: User, who: Identity) -> None:
    user.microsoft_id = who.id
    user.save(update_fields=["microsoft_id"])
    audit(user.organization, "user.microsoft_connect", by=user, subject=user.guid)
