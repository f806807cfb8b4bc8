"""Rows of the Severa arrangement."""

from __future__ import annotations

from django.db import models


class NextRequest(models.Model):
    """When the next request of one client may be sent, over all processes (Severa facts §1.4)."""

    #: Digest of address and client id.
    client = models.CharField(max_length=64, primary_key=True)
    at = models.DateTimeField()
