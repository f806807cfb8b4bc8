"""The worker process: `samklang worker`, and the one inside `samklang serve`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta

from procrastinate.app import App
from procrastinate.contrib.django import app
from procrastinate.worker import Worker

from samklang.activities import housekeeping
from samklang.clock import now, real_now
from samklang.jobs import tasks, tick
from samklang.jobs.listening import LOOK, Listener
from samklang.mailboxes import access, choices, expiry
from samklang.severa import mirror

log = logging.getLogger("samklang.jobs")

#: Seconds between two signs of life of a worker, and after which its jobs are taken from it. The engine's defaults
#: (10, 30) would leave a mailbox waiting half a minute after a kill -9; they are no command-line flags (stack facts
#: §2.3, trap 7).
_HEARTBEAT = 3.0
_STALLED = 12.0
_TICK = 1.0
#: Seconds after which jobs are looked for without being woken: nobody is, when the run ends that a job of the same
#: mailbox waited for (the engine's default, 5, is what a second change in a row would take).
_FETCH = 1.0
_RESCUE = 4.0
_TIDY = 3600.0
#: Seconds a stopping worker waits for its runs. One that takes longer is left to the next worker: every step of a
#: run can be killed and run again.
_GRACE = 20.0


def work() -> None:
    """Run jobs until told to stop (TERM, INT); does not return."""
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    asyncio.run(_work(listening()))
    # Threads of unfinished runs would be waited for at a normal end.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def listening() -> App:
    """The engine with asynchronous connections of its own, for fetching jobs and being woken.

    The shared `app` keeps Django's connection: what a run triggers belongs into the run's own transactions.
    """
    return app.with_connector(app.connector.get_worker_connector())  # type: ignore[attr-defined]


async def _work(engine: App) -> None:
    listener = Listener()
    async with engine.open_async():
        await tasks.in_thread(access.try_new_credential)
        beside = [
            asyncio.create_task(_every(_TICK, lambda: tasks.in_thread(_tick))),
            asyncio.create_task(_every(_TIDY, lambda: tasks.in_thread(_tidy))),
            asyncio.create_task(_every(LOOK, lambda: tasks.in_thread(listener.look))),
            asyncio.create_task(_every(_RESCUE, lambda: tick.rescue(engine, _STALLED))),
        ]
        try:
            await _run(engine)
        finally:
            listener.stop()
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)


async def _run(engine: App) -> None:
    """Fetch and run jobs until told to stop.

    The engine listens to signals only some steps after it has registered the worker, so that one told to stop in
    between would die and stay registered. Ours are there before it registers.
    """
    engine.perform_import_paths()  # type: ignore[no-untyped-call]
    worker = Worker(
        engine,
        concurrency=tasks.THREADS,
        delete_jobs="always",
        fetch_job_polling_interval=_FETCH,
        update_heartbeat_interval=_HEARTBEAT,
        stalled_worker_timeout=_STALLED,
        shutdown_graceful_timeout=_GRACE,
        install_signal_handlers=False,
    )
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, worker.stop)
    await worker.run()  # type: ignore[no-untyped-call]


async def _every(seconds: float, act: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await act()
        except Exception:  # such as a database that is being restarted
            log.warning("work beside the jobs failed", exc_info=True, extra={"action": "tick_failed"})
        await asyncio.sleep(seconds)


def _tidy() -> None:
    credential = expiry.of_installation()
    if credential is not None and credential.notice is not None:
        log.warning("the app's credential ends", extra={"action": "credential_ends", "days": credential.days})
    housekeeping.tidy(now())
    choices.forget_deleted(real_now() - timedelta(days=housekeeping.TRASH_DAYS))
    mirror.forget(now() - timedelta(days=housekeeping.TRASH_DAYS))


def _tick() -> None:
    tick.tick(real_now())
