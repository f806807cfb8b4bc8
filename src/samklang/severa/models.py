"""Rows of the Severa arrangement. What people typed is sealed (`mailboxes.secrets`)."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from samklang.connectors.severa.access import PRODUCTION


class Arrangement(models.Model):
    """An organization's Severa: how it is reached, and what was chosen and found there.

    Its activities are kept there once `Organization.psa` says so.
    """

    organization = models.OneToOneField("accounts.Organization", on_delete=models.CASCADE, related_name="severa")
    #: With the version (Severa facts §1.1).
    url = models.CharField(max_length=300, default=PRODUCTION)
    client_id = models.CharField(max_length=200, blank=True)
    #: Sealed: the client secret, and the token so that an idle run asks for none.
    secret = models.TextField(blank=True)
    token = models.TextField(blank=True)

    #: Rule 13.6: Severa's own calendar sync and its mails of new activities are off; who said so, and when.
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    #: Digest of the settings the last passed test was made with, as `mailboxes.models.Connection.tested`.
    tested = models.CharField(max_length=64, blank=True)
    tested_at = models.DateTimeField(null=True, blank=True)
    #: Severa's id and name of the organization whose activities these are, and the digest of the address and client
    #: id that were seen to lead there.
    tenant = models.CharField(max_length=64, blank=True)
    tenant_name = models.CharField(max_length=256, blank=True)
    leads_there = models.CharField(max_length=64, blank=True)
    #: Scopes the credentials were found to have.
    scopes = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    #: Guids of the activity types that go out (rule 1.5).
    ticked = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    #: Seconds Severa's clock was ahead of ours when last heard (rule 7.4).
    clock_ahead = models.FloatField(default=0)

    #: When everybody's changes are asked for next, and the number in the mirror up to which mailboxes were told.
    poll_due = models.DateTimeField(null=True, blank=True)
    told = models.BigIntegerField(default=0)


class NextRequest(models.Model):
    """When the next request of one client may be sent, over all processes (Severa facts §1.4)."""

    #: Digest of address and client id.
    client = models.CharField(max_length=64, primary_key=True)
    at = models.DateTimeField()


class RequestPlace(models.Model):
    """One of the places a request of a client has until Severa has surely counted it (`connectors.severa.pace`)."""

    client = models.CharField(max_length=64)
    number = models.SmallIntegerField()
    free = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["client", "number"], name="request_places")]


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
