"""The nine traps of the job engine (stack facts §2.3): where they bite, and that our use of it steps over them."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job

from samklang.clock import real_now
from samklang.jobs import tasks
from samklang.jobs.tick import rescue, tick
from samklang.jobs.worker import listening
from samklang.mailboxes import dirty
from samklang.mailboxes.models import Mailbox
from tests.jobs.world import Boxes, Runs, drain, drain_elsewhere, jobs, work

pytestmark = pytest.mark.django_db(transaction=True)


def mark(box: Mailbox) -> None:
    dirty.mark_mailboxes([box.pk])


# 1 · A retrying task with a queueing lock wedges when it fails while a twin waits.


def test_a_run_that_fails_does_not_block_the_twin_that_waits(boxes: Boxes, runs: Runs) -> None:
    mark(boxes.alice)
    first = iter([True])

    def fail_once() -> None:
        if next(first, False):
            mark(boxes.alice)
            raise RuntimeError("unexpected")

    runs.meanwhile = fail_once
    drain()
    assert runs.seen == [(boxes.alice.pk, 1), (boxes.alice.pk, 2)]
    assert jobs() == []


def test_the_task_is_not_retried_by_the_engine() -> None:
    assert tasks.sync_mailbox.retry_strategy is None


# 2 · The documented rescue of a dead worker's job fails when a twin waits.


def test_a_dead_workers_job_is_ended_though_a_twin_waits(boxes: Boxes, runs: Runs) -> None:
    mark(boxes.alice)
    stalled = _taken_by_a_dead_worker()
    mark(boxes.alice)
    with pytest.raises(ConnectorException):  # the trap: the engine's own way
        _engine(lambda engine: engine.job_manager.retry_job(stalled, retry_at=real_now()))

    assert _engine(lambda engine: rescue(engine, 12)) == 1
    drain()
    assert runs.seen == [(boxes.alice.pk, 2)]
    assert jobs() == []


def test_a_dead_workers_mailbox_is_put_in_again_by_its_row(boxes: Boxes, runs: Runs) -> None:
    mark(boxes.alice)
    _taken_by_a_dead_worker()
    assert tick(real_now()) == 0
    _engine(lambda engine: rescue(engine, 12))
    assert tick(real_now()) == 1
    drain()
    assert runs.mailboxes == [boxes.alice.pk]


def test_two_rescuers_do_not_disturb_each_other(boxes: Boxes) -> None:
    mark(boxes.alice)
    _taken_by_a_dead_worker()

    async def both(engine: object) -> int:
        return sum(await asyncio.gather(rescue(engine, 12), rescue(engine, 12)))  # type: ignore[arg-type]

    assert _engine(both) == 1


def test_a_live_workers_job_is_not_taken_from_it(boxes: Boxes, runs: Runs) -> None:
    rescued: list[int] = []
    runs.meanwhile = lambda: rescued.append(_engine(lambda engine: rescue(engine, 12)))
    mark(boxes.alice)
    drain()
    assert rescued == [0]


# 3 · A trigger that finds a job waiting and commits later may be missed by that very job.


def test_a_change_not_yet_committed_is_seen_by_the_job_that_waits(boxes: Boxes, runs: Runs) -> None:
    mark(boxes.alice)
    with transaction.atomic():
        mark(boxes.alice)
        drain_elsewhere()
        assert runs.seen == []  # the waiting job waits for our commit
    drain()
    assert runs.seen == [(boxes.alice.pk, 2)]


def test_a_job_that_starts_just_after_it_was_found_waiting_is_followed_by_another(
    boxes: Boxes, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark(boxes.alice)
    started = threading.Event()

    def take_it() -> None:
        with connection.cursor() as cursor:
            cursor.execute("update procrastinate_jobs set status = 'doing' where status = 'todo'")
        connection.close()
        started.set()

    defer = app.job_manager.defer_job

    def defer_then_it_starts(**arguments: Any) -> Job:
        try:
            return defer(**arguments)
        except AlreadyEnqueued:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(take_it).result(30)
            raise

    monkeypatch.setattr(app.job_manager, "defer_job", defer_then_it_starts)
    with transaction.atomic():
        mark(boxes.alice)
    assert started.is_set()
    assert jobs() == [(boxes.alice.pk, "doing"), (boxes.alice.pk, "todo")]


# 4 · "Already enqueued" aborts the transaction it happens in.


def test_finding_a_job_waiting_leaves_the_callers_transaction_whole(boxes: Boxes) -> None:
    mark(boxes.alice)
    with transaction.atomic():
        mark(boxes.alice)
        Mailbox.objects.filter(pk=boxes.alice.pk).update(address="alice@example.org")
    boxes.alice.refresh_from_db()
    assert (boxes.alice.address, boxes.alice.seq) == ("alice@example.org", 2)


def test_a_change_that_is_rolled_back_puts_nothing_in(boxes: Boxes) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        mark(boxes.alice)
        raise ZeroDivisionError
    boxes.alice.refresh_from_db()
    assert jobs() == []
    assert boxes.alice.seq == 0


# 5 · A delayed job blocks later immediate ones of the same lock.


def test_a_mailbox_that_backs_off_runs_at_once_when_something_changes(boxes: Boxes, runs: Runs) -> None:
    Mailbox.objects.filter(pk=boxes.alice.pk).update(next_due=real_now().replace(year=2100), failures=3)
    mark(boxes.alice)
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from procrastinate_jobs where scheduled_at is not null")
        assert cursor.fetchone() == (0,)
    drain()
    assert runs.mailboxes == [boxes.alice.pk]


# 6 · Plain functions share six threads on two cores.


def test_a_worker_runs_as_many_mailboxes_at_once_as_it_says(boxes: Boxes, runs: Runs) -> None:
    all_at_once = threading.Barrier(tasks.THREADS)
    runs.meanwhile = lambda: all_at_once.wait(60) and None
    dirty.mark_mailboxes([box.pk for box in boxes.more_of_ours(tasks.THREADS)])
    drain()
    assert not all_at_once.broken
    assert len(runs.seen) == tasks.THREADS


def test_one_mailbox_runs_once_at_a_time(boxes: Boxes, runs: Runs) -> None:
    at_once: list[int] = []
    running = 0

    def count() -> None:
        nonlocal running
        running += 1
        if len(runs.seen) < 4:
            mark(boxes.alice)
            time.sleep(0.05)  # room for a twin that should not start
        at_once.append(running)
        running -= 1

    runs.meanwhile = count
    mark(boxes.alice)
    drain()
    assert at_once == [1, 1, 1, 1]


# 7 · How soon a killed worker is missed is no flag of the engine's command; 9 · waking up needs a listening session.

_WORKER = """
import sys, time, django
django.setup()
from samklang import wiring
from samklang.jobs import tasks, worker
def run(mailbox_id, cause):
    print("ran", mailbox_id, flush=True)
    if sys.argv[1] == "hang":
        time.sleep(600)
wiring.run_mailbox = run
worker.work()
"""


@pytest.fixture
def worker(request: pytest.FixtureRequest) -> Callable[[str], subprocess.Popen[str]]:
    """Start a worker process on the test's database whose runs end or hang."""

    def start(how: str) -> subprocess.Popen[str]:
        place = connection.settings_dict
        url = f"postgresql://{place['USER']}:{place['PASSWORD']}@/{place['NAME']}?host={place['HOST']}"
        process = subprocess.Popen(
            [sys.executable, "-c", _WORKER, how],
            env=os.environ | {"DATABASE_URL": url, "PYTHONPATH": str(Path(tasks.__file__).parents[2])},
            stdout=subprocess.PIPE,
            text=True,
        )
        request.addfinalizer(lambda: (process.kill(), process.communicate()))
        return process

    return start


def says(process: subprocess.Popen[str]) -> str:
    """The next line a worker prints; nothing when it prints none within a minute."""
    assert process.stdout
    return process.stdout.readline() if select.select([process.stdout], [], [], 60)[0] else ""


def test_what_a_killed_worker_was_running_is_run_by_another(
    boxes: Boxes, worker: Callable[[str], subprocess.Popen[str]]
) -> None:
    mark(boxes.alice)
    killed = worker("hang")
    assert says(killed) == f"ran {boxes.alice.pk}\n"
    killed.send_signal(signal.SIGKILL)
    killed.wait()

    other = worker("end")
    assert says(other) == f"ran {boxes.alice.pk}\n"


def test_a_worker_told_to_stop_leaves_no_job_behind(
    boxes: Boxes, worker: Callable[[str], subprocess.Popen[str]]
) -> None:
    process = worker("end")
    mark(boxes.alice)
    assert says(process) == f"ran {boxes.alice.pk}\n"
    process.terminate()
    assert process.wait(60) == 0
    assert jobs() == []


def test_an_idle_worker_is_woken_by_a_change(boxes: Boxes, runs: Runs) -> None:
    async def change_while_idle() -> None:
        working = asyncio.create_task(work(wait=True, fetch_job_polling_interval=3600.0))
        await _until(_listens)
        await asyncio.to_thread(_mark_and_close, boxes.alice)
        await _until(lambda: bool(runs.seen))
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    asyncio.run(change_while_idle())
    assert runs.mailboxes == [boxes.alice.pk]


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if await asyncio.to_thread(condition):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("did not happen within half a minute")


def _listens() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from pg_stat_activity where query ilike 'listen%%'")
            return bool(cursor.fetchone()[0])
    finally:
        connection.close()


def _mark_and_close(box: Mailbox) -> None:
    mark(box)
    connection.close()


def _taken_by_a_dead_worker() -> Job:
    """Take the waiting job as a worker that was killed then: no sign of life for a minute."""

    async def take(engine: object) -> Job:
        manager = engine.job_manager  # type: ignore[attr-defined]
        job = await manager.fetch_job(queues=None, worker_id=await manager.register_worker())
        assert job
        return job  # type: ignore[no-any-return]

    job: Job = _engine(take)
    with connection.cursor() as cursor:
        cursor.execute("update procrastinate_workers set last_heartbeat = now() - interval '1 minute'")
    return job


def _engine(act: Callable[..., Any]) -> Any:
    """Do something with the engine's own asynchronous connection, from any thread."""

    async def main() -> Any:
        async with listening().open_async() as engine:
            return await act(engine)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(main())).result(60)
