"""What a run, or a server's word in its place, means for its mailbox's row: what is due next, what waits for a person,
what is wrong."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from samklang.clock import now, real_now
from samklang.config import config
from samklang.engine.times import to_wall
from samklang.mailboxes import rhythm, services
from samklang.mailboxes.models import Connection, Mailbox
from samklang.mailboxes.secrets import seal
from samklang.sync.errors import ConnectionRefused, MailboxError, SyncError, Throttled
from samklang.sync.report import RunError, RunReport

#: Spreads the waits of those that failed together; in [0, 1).
chance = random.random


def settle(mailbox: Mailbox, report: RunReport, seq: int, reconciled: bool) -> None:
    """Write what came of the run into the row: what is due next, what waits for a person, what is wrong."""
    values: dict[str, Any] = {"progress": {}}
    if report.complete:
        values["stop_asked"] = False
    if report.error is None:
        values |= {"failures": 0, "error_code": "", "error_detail": ""}
        values |= _next_when_good(mailbox, report, seq, reconciled)
    else:
        values |= _next_when_bad(mailbox, report.error)
    if report.needs_acceptance:
        values |= {"waiting_for": "brake" if report.brake else "first_run", "waiting_plan": report.needs_acceptance}
        values |= {"accepted_plan": "", "next_due": None, "synced_seq": seq}
    elif report.stopped:
        # Its user goes on with it when he likes ("Sync now"); nothing starts it by itself.
        values |= {"next_due": None, "synced_seq": seq}
    elif report.error is None:
        values |= {
            "waiting_for": "",
            "waiting_plan": "",
            "waiting_counts": {},
            "waiting_preview": b"",
            "accepted_plan": "",
        }
    Mailbox.objects.filter(pk=mailbox.pk).update(**values)
    if report.error and report.error.kind == ConnectionRefused.__name__ and not mailbox.connection.paused_code:
        services.pause(mailbox.connection, report.error.code, report.error.detail, real_now())


def nothing_new(mailbox: Mailbox, token: str) -> None:
    """What a run would have found, had it asked: its calendar goes on from `token`. Only while `alone`."""
    Mailbox.objects.filter(pk=mailbox.pk).update(exchange_token=seal(token))
    settle(mailbox, RunReport(), mailbox.seq, False)


def held_back(mailbox: Mailbox, error: Throttled) -> None:
    """What a run would have met, had it asked (rule 10.2). Only while `alone`."""
    settle(mailbox, RunReport(error=run_error(error)), mailbox.seq, False)


def _next_when_good(mailbox: Mailbox, report: RunReport, seq: int, reconciled: bool) -> dict[str, Any]:
    moment, real = now(), real_now()
    due = [real + max(report.retry_at - moment, timedelta())] if report.retry_at else []
    if mailbox.connection.mode == Connection.Mode.CONTINUOUS:
        due.append(real + timedelta(seconds=config().poll_seconds))
    values: dict[str, Any] = {"next_due": min(due, default=None)}
    if report.complete:
        values |= {"synced_seq": seq, "last_good_run": moment}
        if reconciled or report.finished_first_run:
            values["reconciled_on"] = to_wall(moment, mailbox.user.zone).date()
    return values


def _next_when_bad(mailbox: Mailbox, error: RunError) -> dict[str, Any]:
    """Wait longer after each failure, up to an hour; as long as the server asks when it says so (rule 10.2)."""
    wait = asked_wait(mailbox, error.retry_after)
    real, held = real_now(), {}
    if error.kind == Throttled.__name__:
        held = {"wait_until": real + wait}
    elif error.kind == MailboxError.__name__:
        wait = rhythm.LONGEST_WAIT
    return {
        "failures": mailbox.failures + 1,
        "error_code": error.code,
        "error_detail": error.detail[:200],
        "next_due": real + wait,
        **held,
    }


def asked_wait(mailbox: Mailbox, seconds: float | None) -> timedelta:
    """How long a mailbox is to be left alone whose server asked for so many seconds; None: it did not say."""
    return rhythm.back_off(mailbox.failures, chance()) if seconds is None else timedelta(seconds=seconds)


def run_error(error: SyncError) -> RunError:
    wait = error.retry_after if isinstance(error, Throttled) else None
    return RunError(error.code, type(error).__name__, error.detail, error.params, wait)
