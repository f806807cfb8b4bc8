"""What people do that starts runs (rule 9.1). Changes of activities start theirs in `activities.services`."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F, Q

from samklang.accounts.models import User
from samklang.clock import now
from samklang.mailboxes import dirty
from samklang.mailboxes.models import Mailbox

#: Navigation starts at most one run in this time. What waits to be synced has its run coming already.
PAUSE = timedelta(minutes=5)


def used(user: User) -> None:
    """The user signed in or navigates: his calendar is synced. A failing mailbox keeps its back-off."""
    rested = Q(last_good_run=None) | Q(last_good_run__lte=now() - PAUSE)
    wants = {"on": True, "connection__enabled": True, "failures": 0, "waiting_for": "", "stop_asked": False}
    mine = Mailbox.objects.filter(rested, user=user, seq=F("synced_seq"), **wants)
    due = list(mine.values_list("id", flat=True))
    if due:
        dirty.mark_mailboxes(due)
