"""Mailboxes of two organizations, a job engine to drain, and runs that are only written down."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection, connections

from samklang import wiring
from samklang.accounts.services import add_user
from samklang.jobs import tasks, tick, together
from samklang.jobs.worker import listening
from samklang.mailboxes import consents, dirty
from samklang.mailboxes.models import Connection, Mailbox
from samklang.severa import polling
from tests.people import PASSWORD, people

assert tasks.sync_mailbox  # registered by its import


def no_jobs_left() -> None:
    """The engine's tables are not Django's to empty between tests (stack facts §2.3, trap 8)."""
    with connection.cursor() as cursor:
        cursor.execute("truncate procrastinate_jobs, procrastinate_workers, procrastinate_events cascade")
    connections.close_all()


@dataclass
class Boxes:
    """Mailboxes that are switched on: Alice's and Bob's, and Charlie's in another organization."""

    alice: Mailbox
    bob: Mailbox
    charlie: Mailbox
    ours: Connection
    more_of_ours: Callable[[int], list[Mailbox]]


def make_boxes() -> Boxes:
    who = people()
    ours = Connection.objects.create(organization=who.alice.organization, enabled=True)
    theirs = Connection.objects.create(organization=who.charlie.organization, enabled=True)

    def box(user: Any, connection_: Connection) -> Mailbox:
        return Mailbox.objects.create(user=user, connection=connection_, on=True)

    def more(count: int) -> list[Mailbox]:
        names = [f"user{number}" for number in range(count)]
        users = [add_user(who.company, f"{name}@example.org", name, password=PASSWORD) for name in names]
        return [box(user, ours) for user in users]

    return Boxes(box(who.alice, ours), box(who.bob, ours), box(who.charlie, theirs), ours, more)


@dataclass
class Runs:
    """What the worker ran, in order, as (mailbox id, its `seq` when the run began)."""

    seen: list[tuple[int, int]] = field(default_factory=list)
    #: Called in the middle of each run.
    meanwhile: Callable[[], None] = lambda: None

    @property
    def mailboxes(self) -> list[int]:
        return [mailbox_id for mailbox_id, _ in self.seen]


def write_runs_down(monkeypatch: pytest.MonkeyPatch) -> Runs:
    seen = Runs()

    def run(mailbox_id: int, cause: str) -> dict[str, Any]:
        seen.seen.append((mailbox_id, Mailbox.objects.get(pk=mailbox_id).seq))
        seen.meanwhile()
        return {}

    monkeypatch.setattr(wiring, "run_mailbox", run)
    return seen


def drain() -> None:
    """Run a worker until there is no job that could be had."""
    before = None
    while (waiting := _rows("select id, status::text from procrastinate_jobs order by id")) != before:
        before = waiting
        asyncio.run(work(wait=False))


def drain_elsewhere() -> None:
    """The same from a thread of its own, as another process would, whatever transaction is open here."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_drain_and_close).result(60)


def _drain_and_close() -> None:
    drain()
    connection.close()


async def work(**options: Any) -> None:
    """A worker as ours is, but for its signal handlers."""
    async with listening().open_async() as engine:
        await engine.run_worker_async(
            concurrency=tasks.THREADS, delete_jobs="always", install_signal_handlers=False, **options
        )


def jobs() -> list[tuple[int, str]]:
    """(mailbox, status) of each job, in the order the engine takes them."""
    return _rows("select (args->>'mailbox_id')::int, status::text from procrastinate_jobs order by id")


def _rows(query: str) -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def done_here() -> None:
    """Do what waits in this thread and transaction, as a worker would, until nothing does."""
    acts = {
        dirty.TASK: tasks._run,
        tick.TOGETHER: together.look,
        tick.POLL: polling.poll,
        tick.CONSENT: consents.attempt,
    }
    while waiting := queued():
        with connection.cursor() as cursor:
            cursor.execute("delete from procrastinate_jobs where status = 'todo'")
        for task, arguments in waiting:
            acts[task](**arguments)


def queued() -> list[tuple[str, dict[str, Any]]]:
    """(task, arguments) of each job that waits."""
    with connection.cursor() as cursor:
        cursor.execute("select task_name, args::text from procrastinate_jobs where status = 'todo' order by id")
        return [(task, json.loads(arguments)) for task, arguments in cursor.fetchall()]
