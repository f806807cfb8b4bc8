"""Rows of the built-in calendar. `activities.services` is the one way to write them, `activities.rows` turns them into
neutral entries and back, `activities.queries` reads what a person sees.

An activity is one row, single or series; its changed and cancelled occurrences are `Override` rows with only the fields
they changed. Other occurrences are never stored.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from samklang.accounts.models import Organization, Scoped, User
from samklang.accounts.programs import Actor
from samklang.activities.fields import WallTimeField
from samklang.engine.model import Category

CATEGORIES = [
    (Category.CALENDAR_ENTRY.value, _("Calendar entry")),
    (Category.TO_DO.value, _("To-do")),
    (Category.PROJECT_TASK.value, _("Project task")),
    (Category.PERSONAL.value, _("Personal")),
    (Category.ABSENCE.value, _("Absence")),
]

#: The type *Private* in every language of the pages (rule 1.6), folded.
PRIVATE_NAMES = frozenset({"private", "privat", "yksityinen"})


class ActivityType(models.Model):
    """What kind of thing an activity is; belongs to exactly one category (Severa facts §2.4)."""

    guid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="activity_types")
    name = models.CharField(max_length=100)
    category = models.CharField(max_length=20, choices=CATEGORIES)
    code = models.CharField(max_length=50, blank=True, default="")
    is_active = models.BooleanField(default=True)
    #: The default of its category.
    is_default = models.BooleanField(default=False)
    #: The administrator lets activities of this type be created in Exchange (rule 1.5).
    ticked = models.BooleanField(default=False)
    created = models.DateTimeField(db_default=Now())
    changed = models.DateTimeField(auto_now=True, db_default=Now())

    objects: ClassVar[Any] = Scoped.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "category"],
                condition=Q(is_default=True, is_active=True),
                name="one_default_type_per_category",
            ),
            models.UniqueConstraint(F("organization"), Lower("name"), name="type_names_differ"),
        ]

    @property
    def is_private(self) -> bool:
        """Activities of this type are private: colleagues see their time only (rules 1.7, 1.8)."""
        hidden = self.category in (Category.PERSONAL, Category.ABSENCE)
        return hidden or self.name.strip().casefold() in PRIVATE_NAMES


class Activities(Scoped["Activity"]):
    def visible_to(self, user: Actor) -> Self:
        """Those of his organization that are not in the trash; drafts only if he takes part or made them.

        Private entries of colleagues are among them: show them through `activities.queries`, which masks.
        """
        if user.person is None:
            return self.of(user.organization_id).filter(trashed_at=None)
        user = user.person
        own_draft = Q(draft=False) | Q(pk__in=_taking_part(user)) | Q(created_by=user)
        return self.of(user.organization_id).filter(own_draft, trashed_at=None)

    def of_person(self, user: User) -> Self:
        """Those he owns or takes part in, not in the trash."""
        return self.of(user.organization_id).filter(pk__in=_taking_part(user), trashed_at=None)

    def trashed(self) -> Self:
        return self.filter(trashed_at__isnull=False)

    def touching(self, start: datetime, end: datetime) -> Self:
        """Those that may have something between two instants; a series may still have nothing there."""
        return self.filter(Q(over__gt=start) | Q(over=None) | Q(over=start, opens=start), opens__lt=end)

    def whole(self) -> Self:
        """With all that an entry consists of, in a fixed number of queries."""
        return self.select_related("type", "owner", "modified_by").prefetch_related("overrides", "participants__user")


def _taking_part(user: User) -> models.QuerySet:
    owned = Activity.objects.filter(owner=user).values("pk").order_by()
    return owned.union(Participant.objects.filter(user=user).values("activity_id").order_by(), all=True)


class TimeColumns(models.Model):
    """When something is: whole days by date, or wall times with their zone and the instants they mean (rules 6.1, 6.2).

    The wall times follow the zone when its rules change by law; the instants are what is compared and searched.
    """

    first_day = models.DateField(null=True)
    #: Exclusive.
    end_day = models.DateField(null=True)
    start_wall = WallTimeField(null=True)
    end_wall = WallTimeField(null=True)
    starts = models.DateTimeField(null=True)
    ends = models.DateTimeField(null=True)
    zone = models.CharField(max_length=64, blank=True, default="")
    #: Zone of the end where it differs (a flight), else "".
    end_zone = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        abstract = True


class Activity(TimeColumns):
    """One entry of the calendar: a single one or a whole series."""

    guid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="activities")
    name = models.TextField()
    notes = models.TextField(blank=True, default="")
    location = models.CharField(max_length=1000, blank=True, default="")
    type = models.ForeignKey(ActivityType, on_delete=models.PROTECT, related_name="activities")
    owner = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="activities")
    #: Private whatever its type (rule 1.6: a private event where there is no type *Private*).
    masked = models.BooleanField(default=False)
    #: False: no duration was given; a whole day that does not keep the person busy (rule 1.5).
    has_duration = models.BooleanField(default=True)
    #: None: a single entry. `engine.model.Recurrence`, or `Inexpressible` with reason and rule text; see `rows`.
    recurrence = models.JSONField(null=True)

    closed = models.BooleanField(default=False)
    draft = models.BooleanField(default=False)
    unassigned = models.BooleanField(default=False)
    has_hours = models.BooleanField(default=False)
    customer = models.CharField(max_length=200, blank=True, default="")
    project = models.CharField(max_length=200, blank=True, default="")
    phase = models.CharField(max_length=200, blank=True, default="")
    project_task_status = models.CharField(max_length=100, blank=True, default="")

    #: From the first instant of anything in it to the last (None: never-ending), to search by; whole days count as
    #: their longest reach over all zones.
    opens = models.DateTimeField()
    over = models.DateTimeField(null=True)

    #: Grows by one with every write.
    version = models.PositiveIntegerField(default=1)
    #: Given by who created it, so that a repeated create finds the first (rules 4.3, 10.4).
    create_key = models.CharField(max_length=100, null=True)
    #: UID in the calendar file it came from: importing that again updates it.
    import_uid = models.TextField(null=True)
    trashed_at = models.DateTimeField(null=True)
    created = models.DateTimeField()
    modified = models.DateTimeField()
    #: When a person last edited it, here or (where a run carried it over) in his mailbox: what rule 7.4 compares.
    edited = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    modified_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    objects: ClassVar[Any] = Activities.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(first_day__isnull=False, end_day__gt=F("first_day"), starts=None)
                | Q(first_day=None, starts__isnull=False, ends__gte=F("starts")),
                name="whole_days_or_times",
            ),
            models.UniqueConstraint(fields=["owner", "import_uid"], name="imported_once_per_owner"),
            # One meeting may stand in the calendars of two organizations, each with an activity of its own.
            models.UniqueConstraint(fields=["organization", "create_key"], name="created_once_per_key"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["organization", "opens"]),
            models.Index(fields=["owner", "over"]),
            models.Index(fields=["trashed_at"], condition=Q(trashed_at__isnull=False), name="trash"),
        ]

    @property
    def is_series(self) -> bool:
        return self.recurrence is not None

    @property
    def is_private(self) -> bool:
        return self.masked or self.type.is_private

    @property
    def psa_id(self) -> str:
        """What the engine and the APIs call this activity by."""
        return str(self.guid)


class Override(TimeColumns):
    """What one occurrence of a series has of its own; an empty column means "as the series" (rule 5.3)."""

    guid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, related_name="overrides")
    #: Date of its original start, in the series' zone.
    day = models.DateField()
    cancelled = models.BooleanField(default=False)
    name = models.TextField(null=True)
    notes = models.TextField(null=True)
    location = models.CharField(max_length=1000, null=True)
    masked = models.BooleanField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["activity", "day"], name="one_override_per_occurrence")
        ]
        ordering: ClassVar = ["day"]


class Participant(models.Model):
    """Somebody who takes part besides the owner: a colleague, or an external person by name and address."""

    class Kind(models.TextChoices):
        USER = "User", _("Colleague")
        CONTACT = "Contact", _("Contact")
        RESOURCE = "Resource", _("Resource")
        OTHER = "Other", _("Other")

    class Status(models.TextChoices):
        UNKNOWN = "Unknown", _("Unknown")
        INVITED = "Invited", _("Invited")
        ACCEPTED = "Accepted", _("Accepted")
        TENTATIVE = "Tentative", _("Tentative")
        DECLINED = "Declined", _("Declined")

    guid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, related_name="participants")
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="participations")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.USER)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.UNKNOWN)
    #: Called the meeting, but does not own the activity (rules 4.2, 4.7).
    organizer = models.BooleanField(default=False)
    #: Of somebody who is no user.
    name = models.CharField(max_length=200, blank=True, default="")
    address = models.CharField(max_length=320, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["activity", "user"], name="user_takes_part_once"),
            models.UniqueConstraint(
                F("activity"), Lower("address"), condition=~Q(address=""), name="address_takes_part_once"
            ),
        ]
        ordering: ClassVar = ["pk"]

    @property
    def shown_name(self) -> str:
        return self.user.name if self.user else self.name or self.address

    @property
    def shown_address(self) -> str:
        return self.user.email if self.user else self.address


class ChangeCounter(models.Model):
    """Numbers an organization's changes. Locked by each writer until it commits, so numbers appear in order."""

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, primary_key=True)
    last = models.BigIntegerField(default=0)
    #: Changes up to this number were purged: tokens before it are rejected.
    purged = models.BigIntegerField(default=0)


class ChangeLog(models.Model):
    """One write to one activity, and who took part in it before and after: what a delta is read from."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    number = models.BigIntegerField()
    activity_guid = models.UUIDField()
    #: Ids of users, before and after together.
    users = ArrayField(models.BigIntegerField())
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "number"], name="changes_in_order")]
        indexes: ClassVar = [GinIndex(fields=["users"], name="changes_by_user"), models.Index(fields=["at"])]
