"""Put in whatever is dirty or due, and clear away what dead workers left. Run every second by every worker.

It writes nothing while nothing is due, so an idle installation does not touch the disk.
"""

from __future__ import annotations

import contextlib
from datetime import datetime

from django.db import connection, transaction
from procrastinate.app import App
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status

from samklang.mailboxes import consents, dirty
from samklang.severa import polling

#: The tasks are named, not imported: they import wiring, which is more than a tick needs.
POLL, CONSENT = "samklang.poll_severa", "samklang.verify_consent"
#: Jobs one organization may have waiting: enough to keep any number of workers busy until the next tick, few enough
#: that the engine's search for the next job stays quick (stack facts §2.4) and others are not kept waiting.
WAITING_PER_ORGANIZATION = 200
#: Jobs put in by one tick.
_BATCH = 500
#: One ticker at a time over all workers; the others skip their turn.
_TICKING = 84801002

# A mailbox is due when its time has come, or when something changed since it was last synced and it is not backing off
# after a failure; while its connection is paused, only when that is to be probed (rule 10.3). One that has a job,
# waiting or running, needs no other.
_DUE = """
with open_jobs as (
    select queueing_lock, status from procrastinate_jobs where task_name = %(task)s and status in ('todo', 'doing')
), due as (
    select m.id, u.organization_id, row_number() over (
        partition by u.organization_id order by m.next_due nulls first, m.id
    ) as turn
    from mailboxes_mailbox m
    join mailboxes_connection c on c.id = m.connection_id
    join accounts_user u on u.id = m.user_id
    where m.on and not m.stop_asked and c.enabled and u.is_active and (c.paused_code = '' or c.probe_at <= %(now)s)
    and (m.next_due <= %(now)s or (m.seq > m.synced_seq and m.failures = 0))
    and not exists (select 1 from open_jobs j where j.queueing_lock = 'mailbox:' || m.id)
), waiting as (
    select u.organization_id, count(*) as jobs
    from open_jobs j
    join mailboxes_mailbox m on j.queueing_lock = 'mailbox:' || m.id
    join accounts_user u on u.id = m.user_id
    where j.status = 'todo'
    group by u.organization_id
)
select due.id from due left join waiting using (organization_id)
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
        cursor.execute(_DUE, {"task": dirty.TASK, "now": now, "most": WAITING_PER_ORGANIZATION, "batch": _BATCH})
        due = [row[0] for row in cursor.fetchall()]
        for mailbox_id in due:
            dirty.put_in(mailbox_id)
        for arrangement_id in polling.claim(now):
            _put_in(POLL, f"severa:{arrangement_id}", arrangement_id=arrangement_id)
        for consent_id in consents.claim(now):
            _put_in(CONSENT, f"consent:{consent_id}", consent_id=consent_id)
    return len(due)


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
