"""The log of changes: what a user's delta is read from, and what makes mailboxes due (rules 7.1, 9.1, 9.3).

Writers of one organization follow each other: each locks the counter before anything else, so that a number once seen
has none before it still to come, and no two writers wait for each other's rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Max
from django.db.models.functions import Greatest

from samklang import clock
from samklang.activities.models import Activity, ChangeCounter, ChangeLog
from samklang.mailboxes import dirty

_COUNTERS = ChangeCounter._meta.db_table


def lock(organization_id: int) -> int:
    """Be the organization's only writer until the transaction ends; the number of the last change. Call first, within
    the transaction."""
    sql = f"select last from {_COUNTERS} where organization_id = %s for update"  # noqa: S608
    last = _number(sql, organization_id)
    if last is None:
        ChangeCounter.objects.bulk_create([ChangeCounter(organization_id=organization_id)], ignore_conflicts=True)
        last = _number(sql, organization_id)
    assert last is not None, "nobody removes a counter"
    return last


def people_of(activity: Activity) -> frozenset[int]:
    """Ids of the users who own or take part in it."""
    ids = {participant.user_id for participant in activity.participants.all() if participant.user_id}
    return frozenset(ids | ({activity.owner_id} if activity.owner_id else set()))


def log_all(
    organization_id: int, written: Iterable[tuple[UUID, frozenset[int]]], *, runs_for: int | None = None
) -> None:
    """Number these writes (activity, users before and after together) and make the users' mailboxes due.

    `runs_for` is the user whose own run writes: his mailbox just got what is written, and is not made due by it.
    """
    written = list(written)
    if not written:
        return
    first = _take_numbers(organization_id, len(written))
    at = clock.now()
    ChangeLog.objects.bulk_create(
        (
            ChangeLog(organization_id=organization_id, number=number, activity_guid=guid, users=sorted(users), at=at)
            for number, (guid, users) in enumerate(written, first)
        ),
        batch_size=1000,
    )
    dirty.mark(frozenset().union(*(users for _, users in written)) - {runs_for})


def _take_numbers(organization_id: int, how_many: int) -> int:
    """The first of so many fresh numbers; locks the counter, as `lock` does."""
    sql = f"update {_COUNTERS} set last = last + %s where organization_id = %s returning last"  # noqa: S608
    last = _number(sql, how_many, organization_id)
    if last is None:
        lock(organization_id)
        return _take_numbers(organization_id, how_many)
    return last - how_many + 1


def _number(sql: str, *parameters: int) -> int | None:
    # By hand: every write of an activity comes through here twice.
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    return row and int(row[0])


def newest(organization_id: int) -> int:
    """Number of the last change that is committed."""
    return ChangeCounter.objects.filter(pk=organization_id).values_list("last", flat=True).first() or 0


def is_known(organization_id: int, number: int) -> bool:
    """Whether every change after `number` is still in the log."""
    counter = ChangeCounter.objects.filter(pk=organization_id).first() or ChangeCounter()
    return counter.purged <= number <= counter.last


def since(organization_id: int, user_id: int, number: int) -> list[UUID]:
    """The activities changed after `number` that the user took part in before or after, each once, oldest first."""
    log = ChangeLog.objects.filter(organization_id=organization_id, number__gt=number, users__contains=[user_id])
    return list(
        log.values("activity_guid")
        .annotate(last=Max("number"))
        .order_by("last")
        .values_list("activity_guid", flat=True)
    )


def purge(organization_id: int, before: datetime) -> int:
    """Forget changes older than `before`; tokens from then are rejected. Returns how many."""
    lock(organization_id)
    old = ChangeLog.objects.filter(organization_id=organization_id, at__lt=before)
    last = old.aggregate(last=Max("number"))["last"]
    if last is None:
        return 0
    ChangeCounter.objects.filter(pk=organization_id).update(purged=Greatest("purged", last))
    return ChangeLog.objects.filter(organization_id=organization_id, number__lte=last).delete()[0]
