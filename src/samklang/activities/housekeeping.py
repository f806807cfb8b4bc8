"""What is thrown away in time: the trash after 30 days (rule 8.2), the log of changes, old sign-in counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from samklang.accounts import throttle
from samklang.accounts.models import Organization
from samklang.activities import changes, services

TRASH_DAYS = 30
#: A mailbox that has not run for so long reads everything again (its token is rejected).
CHANGES_DAYS = 90


def tidy(now: datetime) -> Mapping[str, int]:
    """Throw away what is old at `now` (domain time). Returns how many of each; one transaction per organization."""
    gone = {"activities": 0, "changes": 0, "sign_in_counts": throttle.forget_old()}
    for organization in Organization.objects.order_by("pk"):
        with transaction.atomic():
            gone["activities"] += services.purge_trash(organization, now - timedelta(days=TRASH_DAYS))
            gone["changes"] += changes.purge(organization.pk, now - timedelta(days=CHANGES_DAYS))
    return gone
