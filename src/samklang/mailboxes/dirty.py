"""Mark mailboxes dirty in the transaction of the change that caused it (rules 9.1, 9.3): no trigger is lost."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import F
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from samklang.mailboxes.models import Mailbox

#: The task is named, not imported: jobs stand above this layer.
TASK = "samklang.sync_mailbox"


def mark(user_ids: Iterable[int]) -> None:
    """Something these users own or take part in changed: their mailboxes are due now. Call inside the transaction."""
    if not (users := list(user_ids)):
        return
    mark_mailboxes(
        Mailbox.objects.filter(user_id__in=users, on=True, connection__enabled=True).values_list("id", flat=True)
    )


def mark_mailboxes(mailbox_ids: Iterable[int]) -> None:
    """Raise `seq` and put in a job for each. One transaction with the caller's."""
    with transaction.atomic():
        due = sorted(set(mailbox_ids))
        Mailbox.objects.filter(id__in=due).update(seq=F("seq") + 1)
        for mailbox_id in due:
            put_in(mailbox_id)


def hint(mailbox_ids: Iterable[int]) -> None:
    """The server says that something may have changed there (rule 9.2). One that backs off after a failure waits on."""
    with transaction.atomic():
        hinted = Mailbox.objects.filter(id__in=set(mailbox_ids), on=True)
        hinted.update(seq=F("seq") + 1)
        for mailbox_id in hinted.filter(failures=0).order_by("id").values_list("id", flat=True):
            put_in(mailbox_id)


def put_in(mailbox_id: int) -> None:
    """Defer one "sync mailbox" job unless one waits already that will surely see our change.

    A waiting job could start between its discovery and our commit and miss the change (stack facts §2.3, trap 3), so
    it is locked with FOR SHARE: the worker's SKIP LOCKED passes it by until we commit. The defer runs in a savepoint,
    because `AlreadyEnqueued` would abort the caller's transaction (trap 4). No retry, no delay (traps 1 and 5).
    """
    lock = f"mailbox:{mailbox_id}"
    for _ in range(20):
        try:
            with transaction.atomic():
                app.configure_task(TASK, lock=lock, queueing_lock=lock).defer(mailbox_id=mailbox_id)
        except AlreadyEnqueued:
            with connection.cursor() as cursor:
                cursor.execute(
                    "select 1 from procrastinate_jobs where queueing_lock = %s and status = 'todo' for share", [lock]
                )
                if cursor.fetchone():
                    return
        else:
            return
    # The row's `seq` says it all the same: `tick` puts the job in.
