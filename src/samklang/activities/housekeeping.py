"""What is thrown away in time: the trash after 30 days (rule 8.2), the history (11.2), the log of changes, old sign-in
counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from samklang.accounts import programs, throttle
from samklang.accounts.models import Organization
from samklang.activities import changes, services
from samklang.activities.models import Activity, ChangeLog
from samklang.mailboxes import history

TRASH_DAYS = 30
#: A mailbox that has not run for so long reads everything again (its token is rejected).
CHANGES_DAYS = 90


def tidy(now: datetime) -> Mapping[str, int]:
    """Throw away what is old at `now` (domain time). Returns how many of each; one transaction per organization.

    Nothing is locked or written where nothing is old.
    """
    trashed, logged = now - timedelta(days=TRASH_DAYS), now - timedelta(days=CHANGES_DAYS)
    gone = {"activities": 0, "changes": 0, "history": history.purge(now)}
    gone |= {"sign_in_counts": throttle.forget_old(), "tokens": programs.forget_old()}
    old_trash = Activity.objects.filter(trashed_at__lt=trashed).values("organization")
    old_changes = ChangeLog.objects.filter(at__lt=logged).values("organization")
    for organization in Organization.objects.filter(Q(pk__in=old_trash) | Q(pk__in=old_changes)).order_by("pk"):
        with transaction.atomic():
            gone["activities"] += services.purge_trash(organization, trashed)
            gone["changes"] += changes.purge(organization.pk, logged)
    return gone
