"""Rows of the Severa arrangement. What people typed is sealed (`mailboxes.secrets`)."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models


class NextRequest(models.Model):
    """When the next request of one client may be sent, over all processes (Severa facts §1.4)."""

    #: Digest of address and client id.
    client = models.CharField(max_length=64, primary_key=True)
    at = models.DateTimeField()


class Mirror(models.Model):
    """An organization's activities as last seen in its Severa: `connectors.severa.mirror.Mirror`."""

    organization = models.OneToOneField("accounts.Organization", on_delete=models.CASCADE, related_name="severa_mirror")
    epoch = models.UUIDField(default=uuid.uuid4)
    #: Number of the row written last, and of the last that was forgotten.
    last = models.BigIntegerField(default=0)
    forgotten = models.BigIntegerField(default=0)


class MirrorState(models.Model):
    """How far the mirror goes, and other things kept by name; sealed."""

    mirror = models.ForeignKey(Mirror, on_delete=models.CASCADE, related_name="states")
    name = models.CharField(max_length=16)
    content = models.BinaryField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["mirror", "name"], name="mirror_states")]


class MirrorRow(models.Model):
    """One activity; what it held stays for a while after it is gone, to be restored from (rule 13.1)."""

    mirror = models.ForeignKey(Mirror, on_delete=models.CASCADE, related_name="rows")
    guid = models.CharField(max_length=64)
    number = models.BigIntegerField()
    #: PSA ids of those who own it or take part.
    users = ArrayField(models.CharField(max_length=64))
    #: And of those who did before, with the number of the row in which they no longer do.
    left = models.JSONField(default=dict)
    gone_at = models.DateTimeField(null=True, blank=True)
    #: Sealed.
    content = models.BinaryField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["mirror", "guid"], name="mirror_rows")]
        indexes: ClassVar = [
            models.Index(fields=["mirror", "number"], name="mirror_in_order"),
            GinIndex(fields=["users"], name="mirror_by_user"),
        ]


class MirrorCreation(models.Model):
    """A create that was begun, by its key, and the activity it made once that is known (rule 13.2)."""

    mirror = models.ForeignKey(Mirror, on_delete=models.CASCADE, related_name="creations")
    key = models.CharField(max_length=64)
    guid = models.CharField(max_length=64, blank=True)
    #: Sealed.
    content = models.BinaryField()
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["mirror", "key"], name="mirror_creations")]
