"""Rows of organizations, users and what they may do. Nobody sees another organization: queries start with `.of()` or
`.visible_to()`. Rows are written by `accounts.services` alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar, Self, TypeVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

M = TypeVar("M", bound=models.Model)


class Scoped(models.QuerySet[M]):
    """Rows that belong to one organization, reached over the lookup `organization_path`."""

    organization_path = "organization"

    def of(self, organization: Organization | int) -> Self:
        """The rows of this organization, given itself or by its primary key."""
        return self.filter(**{self.organization_path: organization})

    def visible_to(self, user: User) -> Self:
        """The rows this user may see: those of his organization, unless a subclass is stricter."""
        return self.filter(**{self.organization_path: user.organization_id})


class Organization(models.Model):
    """A company whose people share activities and one Exchange connection."""

    class Psa(models.TextChoices):
        """Where its activities are kept."""

        BUILT_IN = "built_in"
        SEVERA = "severa"

    guid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=200)
    #: Language and zone new users start with.
    language = models.CharField(max_length=10, default="sv")
    zone = models.CharField(max_length=64, default="Europe/Stockholm")
    settings = models.JSONField(default=dict, blank=True)
    psa = models.CharField(max_length=8, choices=Psa.choices, default=Psa.BUILT_IN)
    #: Id of the Microsoft tenant whose people sign in with their accounts there; "" while they do not.
    microsoft_tenant = models.CharField(max_length=64, blank=True, default="")
    created = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"organization {self.pk}"

    @property
    def in_severa(self) -> bool:
        return self.psa == self.Psa.SEVERA

    @property
    def psa_name(self) -> str:
        """What people call the calendar their activities are in, in every language."""
        return "Severa" if self.in_severa else "Samklang"


class Role(models.TextChoices):
    USER = "user", _("User")
    ADMINISTRATOR = "administrator", _("Administrator")


class Users(Scoped["User"]):
    def active(self) -> Self:
        return self.filter(is_active=True)

    def with_address(self, email: str) -> Self:
        """The user with this e-mail address, compared without case."""
        return self.filter(email=normal_address(email))


class UserManager(models.Manager.from_queryset(Users)):  # type: ignore[misc]
    def get_by_natural_key(self, email: str) -> User:
        return self.get(email=normal_address(email))


def normal_address(email: str) -> str:
    """The one spelling in which addresses are stored and compared."""
    return email.strip().lower()


class User(AbstractBaseUser):
    """A person of one organization. Signs in with the e-mail address, unique in the installation without case."""

    guid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="users")
    #: His guid in the organization's Severa; "" where its activities are built in, or nobody there has his address.
    severa_id = models.CharField(max_length=64, blank=True, default="", db_index=True)
    #: The Microsoft account he signs in with, "tenant/object id", from his first such sign-in on.
    microsoft_id = models.CharField(max_length=130, null=True, blank=True, unique=True)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.USER)
    #: IANA name.
    zone = models.CharField(max_length=64)
    language = models.CharField(max_length=10)
    #: PSA id of the type new entries get (rule 1.6); text without foreign key, since Severa keeps its types itself.
    default_activity_type = models.CharField(max_length=64, blank=True, default="")
    is_active = models.BooleanField(default=True)
    created = models.DateTimeField(db_default=Now())
    #: When anything above was last changed; to sign in changes nothing.
    changed = models.DateTimeField(auto_now=True, db_default=Now())

    objects: ClassVar[Any] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="email_is_lower")
        ]

    def __str__(self) -> str:
        return f"user {self.pk}"

    def save(self, *, update_fields: Iterable[str] | None = None, **how: Any) -> None:
        if update_fields is not None and set(update_fields) != {"last_login"}:
            update_fields = {*update_fields, "changed"}
        super().save(update_fields=update_fields, **how)

    @property
    def is_administrator(self) -> bool:
        return self.role == Role.ADMINISTRATOR

    @property
    def psa_id(self) -> str:
        """What the engine and the APIs call this user by."""
        return self.severa_id or str(self.guid)

    # As an actor, beside a `programs.Program`: a person acts for himself, and sees of others' what he may.

    acts_for_all: ClassVar[bool] = False
    sees_private: ClassVar[bool] = False

    @property
    def person(self) -> User:
        return self


class Tokens(Scoped["PersonalToken"]):
    organization_path = "user__organization"

    def visible_to(self, user: User) -> Self:
        """His own: no administrator sees another's tokens."""
        return self.filter(user=user)

    def valid(self) -> Self:
        return self.filter(revoked__isnull=True, user__is_active=True)


class PersonalToken(models.Model):
    """Lets a program act as its user. Only a digest is kept: the token itself is shown once."""

    class Maker(models.TextChoices):
        SELF = "self", _("yourself")
        OPERATOR = "operator", _("an operator on the host")

    guid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    #: SHA-256 of the token, hexadecimal. Enough, since the token is 256 random bits.
    digest = models.CharField(max_length=64, unique=True)
    made_by = models.CharField(max_length=10, choices=Maker.choices)
    created = models.DateTimeField(db_default=Now())
    last_used = models.DateTimeField(null=True)
    revoked = models.DateTimeField(null=True)

    objects: ClassVar[Any] = Tokens.as_manager()


class ApiClients(Scoped["ApiClient"]):
    def valid(self) -> Self:
        return self.filter(revoked__isnull=True)


class ApiClient(models.Model):
    """Client credentials: let a program of the organization's own use `/rest-api`, on nobody's behalf (Severa facts
    §1.2). Only a digest of the secret is kept: the secret itself is shown once."""

    #: The client id.
    guid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_clients")
    #: The target system: what uses it.
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=500, blank=True, default="")
    #: Whom to ask about it.
    contact = models.CharField(max_length=200, blank=True, default="")
    scopes = ArrayField(models.CharField(max_length=40))
    #: Where authorization codes may be sent, letter for letter; none: it has none sent.
    redirects = ArrayField(models.CharField(max_length=500), default=list, blank=True)
    #: Colleagues' private entries are shown to it whole, and not only their time (rule 1.8).
    sees_private = models.BooleanField(default=False)
    digest = models.CharField(max_length=64, unique=True)
    made_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(db_default=Now())
    last_used = models.DateTimeField(null=True)
    revoked = models.DateTimeField(null=True)

    objects: ClassVar[Any] = ApiClients.as_manager()


class ApiGrant(models.Model):
    """An access token and its refresh token, as digests, with the scopes asked for."""

    client = models.ForeignKey(ApiClient, on_delete=models.CASCADE, related_name="grants")
    scopes = ArrayField(models.CharField(max_length=40))
    access_digest = models.CharField(max_length=64, unique=True)
    access_until = models.DateTimeField()
    refresh_digest = models.CharField(max_length=64, unique=True)
    #: No longer refreshed from then on; earlier by a sign-out, or once it was refreshed.
    refresh_until = models.DateTimeField(db_index=True)


class ApiCode(models.Model):
    """An authorization code, as a digest, until it is exchanged for tokens."""

    client = models.ForeignKey(ApiClient, on_delete=models.CASCADE, related_name="codes")
    scopes = ArrayField(models.CharField(max_length=40))
    redirect = models.CharField(max_length=500)
    digest = models.CharField(max_length=64, unique=True)
    until = models.DateTimeField(db_index=True)


class SignInAttempts(models.Model):
    """Failed sign-ins counted under one key; see `accounts.throttle` for what they cost."""

    class Scope(models.TextChoices):
        ADDRESS = "address"
        ACCOUNT = "account"
        #: One account from one address.
        PAIR = "pair"
        #: One account from one address that once gave the right password.
        KNOWN = "known"

    scope = models.CharField(max_length=10, choices=Scope.choices)
    #: Keyed hash: the table tells neither addresses nor e-mails.
    key = models.CharField(max_length=64)
    failures = models.IntegerField(default=0)
    last = models.DateTimeField()
    #: No password is looked at before this time.
    wait_until = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["scope", "key"], name="one_count_per_key")]


class AuditEvent(models.Model):
    """Who did what to whom, when. Ids and codes only, no titles, names or addresses."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="audit")
    #: None: an operator on the host.
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    #: e.g. "user.add", "token.make", "connection.save".
    action = models.CharField(max_length=64)
    #: Id of what it was done to.
    subject = models.CharField(max_length=64, blank=True)
    details = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(db_default=Now())

    objects: ClassVar[Any] = Scoped.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["organization", "-at"])]
