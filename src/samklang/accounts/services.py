"""The one way to write organizations, users and tokens. Each call is one transaction and leaves an audit event."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from samklang.accounts import throttle
from samklang.accounts.models import ApiClient, AuditEvent, Organization, PersonalToken, Role, User, normal_address

#: Lets secret scanners and people recognize a leaked token.
TOKEN_PREFIX = "samk_"  # noqa: S105


class AccountError(Exception):
    """What was asked for cannot be done; the message names what is wrong and what to do, in the active language."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class SignInRefused(AccountError):
    """No such user, wrong password or inactive: one answer for all three, lest addresses be guessed."""


class SignInMustWait(AccountError):
    """Too many failed sign-ins lately."""

    def __init__(self, code: str, message: str, seconds: int) -> None:
        super().__init__(code, message)
        #: How long until the next attempt is looked at.
        self.seconds = seconds


def audit(
    organization: Organization, action: str, *, by: User | None = None, subject: object = "", **details: Any
) -> AuditEvent:
    """Remember that `by` (None: an operator on the host) did `action`. Give ids and codes only."""
    return AuditEvent.objects.create(
        organization=organization, actor=by, action=action, subject=str(subject), details=details
    )


@transaction.atomic
def create_organization(
    name: str, *, language: str = "sv", zone: str = "Europe/Stockholm", by: User | None = None
) -> Organization:
    """A new, empty organization; `activities.types.found_organization` also gives it its activity types."""
    if not name.strip():
        raise AccountError("name_missing", _("The organization needs a name."))
    organization = Organization.objects.create(name=name.strip(), language=_language(language), zone=_zone(zone))
    audit(organization, "organization.create", by=by, subject=organization.guid)
    return organization


@transaction.atomic
def change_organization(organization: Organization, *, by: User | None = None, **changes: str) -> Organization:
    """Change its `name`, or the `language` and `zone` new users start with; returns it as it is then.

    Raises AccountError ("name_missing", "language_unknown", "zone_unknown").
    """
    if not changes.get("name", "x").strip():
        raise AccountError("name_missing", _("The organization needs a name."))
    read = {"name": lambda name: name.strip()[:200], "language": _language, "zone": _zone}
    changed: Organization = Organization.objects.select_for_update().get(pk=organization.pk)
    for field, value in changes.items():
        setattr(changed, field, read[field](value))
    changed.save(update_fields=list(changes))
    audit(organization, "organization.change", by=by, subject=organization.guid, fields=sorted(changes))
    return changed


@transaction.atomic
def add_user(
    organization: Organization,
    email: str,
    name: str,
    *,
    password: str | None = None,
    role: Role = Role.USER,
    zone: str | None = None,
    language: str | None = None,
    by: User | None = None,
) -> User:
    """A new user. Without a password he cannot sign in by one until `set_password`.

    Raises AccountError: address malformed ("email_invalid") or taken ("email_taken"), password too weak
    ("password_weak"), unknown zone ("zone_unknown") or language ("language_unknown").
    """
    address = normal_address(email)
    try:
        validate_email(address)
    except ValidationError:
        raise AccountError("email_invalid", _("“%(email)s” is no e-mail address.") % {"email": email}) from None
    if not name.strip():
        raise AccountError("name_missing", _("The user needs a name."))
    user = User(
        organization=organization,
        email=address,
        name=name.strip(),
        role=role,
        zone=_zone(zone or organization.zone),
        language=_language(language or organization.language),
    )
    if password is not None:
        _check_password(password, user)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        message = _("Somebody already uses the address %(email)s in this installation.") % {"email": address}
        raise AccountError("email_taken", message) from None
    audit(organization, "user.add", by=by, subject=user.guid, role=str(role))
    return user


@transaction.atomic
def set_password(user: User, password: str, *, by: User | None = None) -> None:
    """Change the password; the user's other sessions end. Raises AccountError ("password_weak")."""
    _check_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    audit(user.organization, "user.set_password", by=by, subject=user.guid)


@transaction.atomic
def change_profile(
    user: User,
    *,
    name: str | None = None,
    zone: str | None = None,
    language: str | None = None,
    default_activity_type: str | None = None,
) -> None:
    """Change what the user may choose for himself; None leaves a value as it is."""
    if name is not None:
        if not name.strip():
            raise AccountError("name_missing", _("The user needs a name."))
        user.name = name.strip()
    if zone is not None:
        user.zone = _zone(zone)
    if language is not None:
        user.language = _language(language)
    if default_activity_type is not None:
        user.default_activity_type = default_activity_type
    user.save(update_fields=["name", "zone", "language", "default_activity_type"])


@transaction.atomic
def set_role(user: User, role: Role, *, by: User | None = None) -> None:
    """Raises AccountError ("last_administrator") rather than leave an organization without one."""
    if user.is_administrator and role != Role.ADMINISTRATOR:
        _keep_an_administrator(user)
    user.role = role
    user.save(update_fields=["role"])
    audit(user.organization, "user.set_role", by=by, subject=user.guid, role=str(role))


@transaction.atomic
def deactivate(user: User, *, by: User | None = None) -> None:
    """The user can no longer sign in, and his tokens stop working; nothing of his is deleted.

    Raises AccountError ("last_administrator") rather than leave an organization without one.
    """
    if user.is_administrator:
        _keep_an_administrator(user)
    user.is_active = False
    user.save(update_fields=["is_active"])
    audit(user.organization, "user.deactivate", by=by, subject=user.guid)


@transaction.atomic
def activate(user: User, *, by: User | None = None) -> None:
    """Let a deactivated user in again."""
    user.is_active = True
    user.save(update_fields=["is_active"])
    audit(user.organization, "user.activate", by=by, subject=user.guid)


def authenticate(email: str, password: str, address: str) -> User:
    """The active user with this e-mail and password, asked for from network address `address`.

    Raises SignInMustWait after too many failures (the password is not looked at), else SignInRefused.
    """
    try:
        booking = throttle.book(email, address)
    except throttle.MustWait as wait:
        message = _("Too many failed attempts. Try again in %(seconds)d seconds.") % {"seconds": wait.seconds}
        raise SignInMustWait("sign_in_wait", message, wait.seconds) from None
    user = User.objects.with_address(email).select_related("organization").first()
    if user is None:
        make_password(password)  # as much work as a wrong password, so that the time taken tells nothing
    elif user.check_password(password) and user.is_active:
        throttle.settle(booking)
        return user
    raise SignInRefused("sign_in_refused", _("The e-mail address or the password is wrong."))


@transaction.atomic
def make_token(user: User, name: str, *, made_by: PersonalToken.Maker) -> tuple[PersonalToken, str]:
    """A new personal access token and its secret, which is shown once and never stored.

    Made by the user himself or by an operator on the host; there is no way for an administrator (issue 2).
    """
    if not name.strip():
        raise AccountError("name_missing", _("Give the token a name, so that you know later what uses it."))
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = PersonalToken.objects.create(user=user, name=name.strip()[:100], digest=digest(secret), made_by=made_by)
    by = user if made_by == PersonalToken.Maker.SELF else None
    audit(user.organization, "token.make", by=by, subject=token.guid, user=user.psa_id)
    return token, secret


def user_for_token(secret: str) -> User | None:
    """The active user this token acts as, or None. Notes its use, at most once a minute."""
    token = PersonalToken.objects.valid().filter(digest=digest(secret)).select_related("user__organization").first()
    if token is None:
        return None
    note_use(token)
    return token.user


def note_use(row: PersonalToken | ApiClient) -> None:
    """Remember that it was just used; written at most once a minute."""
    unused = Q(last_used__isnull=True) | Q(last_used__lt=Now() - timedelta(minutes=1))
    type(row).objects.filter(unused, pk=row.pk).update(last_used=Now())


@transaction.atomic
def revoke_token(token: PersonalToken, *, by: User | None = None) -> None:
    """The token stops working at once. Revoking twice is harmless."""
    if PersonalToken.objects.filter(pk=token.pk, revoked__isnull=True).update(revoked=Now()):
        audit(token.user.organization, "token.revoke", by=by, subject=token.guid, user=token.user.psa_id)


def digest(secret: str) -> str:
    """What is kept of a secret of 256 random bits: SHA-256, hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise AccountError("password_weak", " ".join(error.messages)) from None


def _keep_an_administrator(user: User) -> None:
    Organization.objects.select_for_update().get(pk=user.organization_id)
    others = User.objects.of(user.organization).active().filter(role=Role.ADMINISTRATOR).exclude(pk=user.pk)
    if not others.exists():
        message = _("This is the organization's last administrator: make somebody else one first.")
        raise AccountError("last_administrator", message)


def _zone(name: str) -> str:
    if name not in available_timezones():
        message = _("“%(zone)s” is no time zone; use a name like Europe/Stockholm.") % {"zone": name}
        raise AccountError("zone_unknown", message)
    return name


def _language(code: str) -> str:
    known = [language for language, _name in settings.LANGUAGES]
    if code not in known:
        message = _("There is no language “%(code)s”; there are: %(known)s.")
        raise AccountError("language_unknown", message % {"code": code, "known": ", ".join(known)})
    return code
