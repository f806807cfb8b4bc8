"""Put in whatever is dirty or due, and clear away what dead workers left. Run every second by every worker.

It writes nothing while nothing is due, so an idle installation does not touch the disk.
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection, transaction
from procrastinate.app import App
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status

from samklang.config import config
from samklang.connectors.graph.client import MOST_PARTS
from samklang.mailboxes import consents, dirty
from samklang.mailboxes.models import Mailbox
from samklang.severa import polling

#: The tasks are named, not imported: they import wiring, which is more than a tick needs.
TOGETHER, POLL, CONSENT = "samklang.look_together", "samklang.poll_severa", "samklang.verify_consent"
#: Jobs one organization may have waiting: enough to keep any number of workers busy until the next tick, few enough
#: that the engine's search for the next job stays quick (stack facts §2.4) and others are not kept waiting.
WAITING_PER_ORGANIZATION = 200
#: Jobs put in by one tick.
_BATCH = 500
#: One ticker at a time over all workers; the others skip their turn.
_TICKING = 84801002

# A mailbox is due when its time has come, or when something changed since it was last synced and it is not backing off
# after a failure; while its connection is paused, only when that is to be probed (rule 10.3), and never while its
# server asks to wait (rule 10.2): its jobs would do nothing and take the turns of others. One that has a job, waiting
# or running, needs no other. One of Office 365 that has nothing to do but ask is asked about with others, unless such
# jobs of its organization wait still.
_DUE = """
with open_jobs as (
    select queueing_lock, lock, task_name, status from procrastinate_jobs
    where task_name in (%(task)s, %(together)s) and status in ('todo', 'doing')
), candidates as (
    select m.id, m.next_due, m.connection_id, u.organization_id,
        c.version = 'office365' and c.mode = 'continuous' and c.paused_code = ''
        and m.first_run_done and m.seq = m.synced_seq and m.failures = 0
        and m.errand = '' and m.waiting_for = '' and m.accepted_plan = ''
        and m.exchange_token <> '' and m.psa_token <> ''
        and not exists (select 1 from mailboxes_setasiderow s where s.mailbox_id = m.id and s.retry_at is not null)
        as only_asks
    from mailboxes_mailbox m
    join mailboxes_connection c on c.id = m.connection_id
    join accounts_user u on u.id = m.user_id
    where m.on and not m.stop_asked and c.enabled and u.is_active and (c.paused_code = '' or c.probe_at <= %(now)s)
    and (m.next_due <= %(now)s or (m.seq > m.synced_seq and m.failures = 0))
    and (m.wait_until is null or m.wait_until <= %(now)s)
    and not exists (select 1 from open_jobs j where j.queueing_lock = 'mailbox:' || m.id)
), due as (
    select *, row_number() over (partition by organization_id order by next_due nulls first, id) as turn
    from candidates m
    where not (only_asks and exists (
        select 1 from open_jobs j
        where j.task_name = %(together)s and j.status = 'todo' and j.lock = 'together:' || m.connection_id
    ))
), waiting as (
    select u.organization_id, count(*) as jobs
    from open_jobs j
    join mailboxes_mailbox m on j.queueing_lock = 'mailbox:' || m.id
    join accounts_user u on u.id = m.user_id
    where j.status = 'todo'
    group by u.organization_id
)
select due.id, due.connection_id, due.only_asks from due left join waiting using (organization_id)
where due.turn + coalesce(waiting.jobs, 0) <= %(most)s
order by due.turn, due.organization_id
limit %(batch)s
"""


def tick(now: datetime) -> int:
    """Put in a job for every mailbox that is due at `now` (real time, aware UTC), the organizations taking turns.

    Returns how many were put in. Nothing when another worker is ticking at this moment.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [_TICKING])
        if not cursor.fetchone()[0]:
            return 0
        names: dict[str, Any] = {"task": dirty.TASK, "together": TOGETHER}
        cursor.execute(_DUE, names | {"now": now, "most": WAITING_PER_ORGANIZATION, "batch": _BATCH})
        due = cursor.fetchall()
        for mailbox_id, _, only_asks in due:
            if not only_asks:
                dirty.put_in(mailbox_id)
        _put_together(now, [(connection_id, mailbox_id) for mailbox_id, connection_id, only_asks in due if only_asks])
        for arrangement_id in polling.claim(now):
            _put_in(POLL, f"severa:{arrangement_id}", arrangement_id=arrangement_id)
        for consent_id in consents.claim(now):
            _put_in(CONSENT, f"consent:{consent_id}", consent_id=consent_id)
    return len(due)


def _put_together(now: datetime, idle: list[tuple[int, int]]) -> None:
    """Pairs of connection and mailbox. Their next poll is put ahead at once: who is asked about then is not due."""
    ids = [mailbox_id for _, mailbox_id in idle]
    if ids:
        Mailbox.objects.filter(pk__in=ids).update(next_due=now + timedelta(seconds=config().poll_seconds))
    for connection_id, pairs in groupby(sorted(idle), key=itemgetter(0)):
        ours: list[Any] = [mailbox_id for _, mailbox_id in pairs]
        for first in range(0, len(ours), MOST_PARTS):
            task = app.configure_task(TOGETHER, lock=f"together:{connection_id}")
            task.defer(mailbox_ids=ours[first : first + MOST_PARTS])


def _put_in(task: str, lock: str, **arguments: int) -> None:
    """One that waits or runs still does for this turn, too."""
    with contextlib.suppress(AlreadyEnqueued), transaction.atomic():
        app.configure_task(task, lock=lock, queueing_lock=lock).defer(**arguments)


async def rescue(app: App, stalled_after: float) -> int:
    """End the jobs whose worker has not been heard of for so many seconds. Returns how many.

    They are not put in again here: the engine's own way to do so fails when a twin waits (stack facts §2.3,
    trap 2), and the mailbox's row still says that it is due.
    """
    ended = 0
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled_after):
        try:
            await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
            ended += 1
        except ConnectorException:
            pass  # another worker was quicker
    return ended
