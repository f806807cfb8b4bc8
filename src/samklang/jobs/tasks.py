"""The tasks of the job engine: to sync a mailbox, to ask about idle mailboxes of Office 365 together, to ask an
organization's Severa for everybody, and to ask Microsoft what a tenant granted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import close_old_connections, connections
from procrastinate.contrib.django import app

from samklang import wiring
from samklang.jobs import tick, together
from samklang.mailboxes import consents, dirty
from samklang.severa import polling

#: Mailboxes one worker process runs at a time.
THREADS = 16

#: One more than jobs, for what the worker does beside them.
_pool = ThreadPoolExecutor(THREADS + 1, thread_name_prefix="job")


# No retry: with a queueing lock it can wedge a mailbox for ever (stack facts §2.3, trap 1). What fails is written
# into the row, and the row is looked at again. No result either: the engine would write it to the log.
@app.task(name=dirty.TASK)
async def sync_mailbox(mailbox_id: int) -> None:
    """One run over one mailbox; the row says afterwards when the next is due."""
    await in_thread(_run, mailbox_id)


@app.task(name=tick.TOGETHER)
async def look_together(mailbox_ids: list[int]) -> None:
    """Ask about idle mailboxes in one request; those with something new are put in."""
    await in_thread(together.look, mailbox_ids)


@app.task(name=tick.POLL)
async def poll_severa(arrangement_id: int) -> None:
    """Ask an organization's Severa what changed; the row says when to ask next."""
    await in_thread(polling.poll, arrangement_id)


@app.task(name=tick.CONSENT)
async def verify_consent(consent_id: int) -> None:
    """Ask Microsoft whether a consent holds by now; the row says when to ask next (rule 10.3)."""
    await in_thread(consents.attempt, consent_id)


async def in_thread(act: Callable[..., None], *arguments: Any) -> None:
    """Run blocking work in a thread of our own pool, with a database connection for its time alone.

    The engine would run a plain function in the event loop's default pool, which has as few as six threads on two
    cores whatever the worker's concurrency (stack facts §2.3, trap 6).
    """
    await asyncio.get_running_loop().run_in_executor(_pool, _with_fresh_connection, act, *arguments)


def _with_fresh_connection(act: Callable[..., None], *arguments: Any) -> None:
    close_old_connections()
    try:
        act(*arguments)
    finally:
        connections.close_all()


def _run(mailbox_id: int) -> None:
    # Busy: a command runs it just now. If that began before our change, the row is still due and tick sees it.
    with contextlib.suppress(wiring.Busy):
        wiring.run_mailbox(mailbox_id, "job")
