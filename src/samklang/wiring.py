"""The only place that builds things: one mailbox's parts from rows and settings, and its runs."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext

from samklang import psa as psas
from samklang.accounts.models import Organization, User
from samklang.clock import now, real_now
from samklang.engine.rules import ConflictPolicy, Rules
from samklang.engine.times import to_wall
from samklang.mailboxes import access, errands, finding, outcome, push, rhythm, services
from samklang.mailboxes.models import Connection, Mailbox
from samklang.mailboxes.secrets import open_json, seal_json
from samklang.mailboxes.store import DjangoStore, close_run, open_run
from samklang.psa import Psa
from samklang.sync.errors import ConnectionRefused, SyncError, Throttled, Unavailable
from samklang.sync.parts import Parts
from samklang.sync.preview import preview
from samklang.sync.report import RunError, RunReport
from samklang.sync.run import run

log = logging.getLogger("samklang.sync")

_LOCK_SPACE = 84801
_AWAITS_MICROSOFT = "waiting_for_microsoft"


class Busy(Exception):
    """Another process runs this mailbox right now."""


def run_mailbox(mailbox_id: int, cause: str, *, reconcile: bool = False) -> dict[str, Any]:
    """One pass over one mailbox; the row says afterwards what is due. Never raises for what went wrong outside.

    Before the user accepted his first run this makes the preview instead and writes nothing (rule 3.5).
    Raises Busy when the mailbox runs elsewhere.
    """
    with alone(mailbox_id):
        mailbox = _load(mailbox_id)
        seq = mailbox.seq
        if not _may_run(mailbox):
            _end_push(mailbox)
            return _shown(mailbox, RunReport(error=RunError(_why_not(mailbox), "ConnectionRefused")))
        if mailbox.errand:
            failed = _do_errand(mailbox, seq)
            mailbox = _load(mailbox_id)
            if failed or not mailbox.on:
                _end_push(mailbox)
                return _shown(mailbox, failed or RunReport())
        if _awaits_its_user(mailbox):
            return _prepare_first_run(mailbox, seq)
        reconcile = reconcile or reconcile_is_due(mailbox)
        row = open_run(mailbox_id, cause, now())
        report = _patient(mailbox, _guarded(mailbox, row.pk, reconcile))
        close_run(row, report, now())
        outcome.settle(mailbox, report, seq, reconcile)
        mailbox.refresh_from_db()
        return _shown(mailbox, report)


def preview_mailbox(mailbox_id: int) -> dict[str, Any]:
    """What the next run would do, entry by entry, for the mailbox's own user. Remembered until accepted or outdated.

    Raises SyncError, Busy.
    """
    with alone(mailbox_id):
        mailbox = _load(mailbox_id)
        link = mailbox.connection
        if not _is_open(link):
            # Asking again would be another attempt with the password that was refused (rule 10.3).
            raise ConnectionRefused(link.paused_code, link.paused_detail)
        if wait := services.waits(mailbox, real_now()):
            raise Throttled(wait)
        try:
            with open_parts(mailbox, None) as parts:
                seen = preview(parts)
        except ConnectionRefused as error:
            if services.awaits_microsoft(link, error.code, now()):
                raise Unavailable(_AWAITS_MICROSOFT, error.detail) from error
            services.pause(link, error.code, error.detail, real_now())
            raise
        except Throttled as error:
            services.hold_back(mailbox, real_now() + outcome.asked_wait(mailbox, error.retry_after))
            raise
        shown = seen.as_json()
        waiting_for = mailbox.waiting_for or ("" if mailbox.first_run_done else "first_run")
        if waiting_for:
            Mailbox.objects.filter(pk=mailbox_id).update(
                waiting_for=waiting_for,
                waiting_plan=seen.plan_id,
                waiting_counts=shown["counts"],
                waiting_preview=seal_json(shown),
            )
        return shown


def waiting_preview(mailbox: Mailbox) -> Mapping[str, Any]:
    """The remembered preview of the plan that waits; empty when none does."""
    return open_json(mailbox.waiting_preview) if mailbox.waiting_plan else {}


def test_connection(connection_: Connection, address: str | None, *, by: User | None) -> list[access.Step]:
    """Every step by name until the first that fails; a passed test lets the connection be switched on.

    A mailbox whose server asks to wait is sent nothing, and nothing is learned of the connection (rule 10.2).
    """
    address = address or first_address(connection_.organization)
    mailbox = _mailbox_at(connection_, address)
    if mailbox is not None and services.waits(mailbox, real_now()):
        return [access.Step("wait", False, Throttled.code, until=mailbox.wait_until)]
    steps = access.probe(connection_, address)
    throttled = next((step for step in steps if step.code == Throttled.code), None)
    if throttled is not None:
        if mailbox is not None:
            services.hold_back(mailbox, throttled.until or real_now() + outcome.asked_wait(mailbox, None))
        return steps
    passed = all(step.ok for step in steps)
    services.record_test(connection_, passed, now(), by)
    if passed and connection_.paused_code:
        services.resume(connection_)
    return steps


def _mailbox_at(connection_: Connection, address: str) -> Mailbox | None:
    """The mailbox with this address, its user's or its own."""
    named = Q(user__email__iexact=address) | Q(address__iexact=address)
    return connection_.mailboxes.filter(named).first()


def first_address(organization: Organization) -> str:
    """Of the organization's first user, to try a connection with; "" where there is none."""
    people = User.objects.of(organization).active().order_by("pk")
    return str(people.values_list("email", flat=True).first() or "")


@contextmanager
def alone(mailbox_id: int) -> Iterator[None]:
    """One run per mailbox at a time, over all processes: a session lock that goes with its holder."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s, %s)", [_LOCK_SPACE, mailbox_id])
        if not cursor.fetchone()[0]:
            raise Busy(f"mailbox {mailbox_id}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, mailbox_id])


def _load(mailbox_id: int) -> Mailbox:
    return Mailbox.objects.select_related("user__organization", "connection").get(pk=mailbox_id)


def _may_run(mailbox: Mailbox) -> bool:
    """Switches on, not stopped by its user, its server not asking to wait (rule 10.2: whoever wants the run), and the
    connection not paused: that is probed once an hour (rule 10.3)."""
    if not _syncs(mailbox) or mailbox.stop_asked:
        return False
    return not services.waits(mailbox, real_now()) and _is_open(mailbox.connection)


def _syncs(mailbox: Mailbox) -> bool:
    return mailbox.on and mailbox.connection.enabled and mailbox.user.is_active


def _end_push(mailbox: Mailbox) -> None:
    """Whoever was switched off need not be told of changes any longer."""
    if _syncs(mailbox) or services.waits(mailbox, real_now()) or mailbox.connection.paused_code:
        return
    try:
        push.tend(mailbox)
    except Throttled as error:
        services.hold_back(mailbox, real_now() + outcome.asked_wait(mailbox, error.retry_after))


def _is_open(link: Connection) -> bool:
    """Not paused; or the probe was due, this process claimed it, and the access was not refused again."""
    if not link.paused_code:
        return True
    real = real_now()
    claimed = Connection.objects.filter(pk=link.pk, probe_at__lte=real).update(probe_at=real + services.PROBE_EVERY)
    if claimed and access.signs_in(link) and psas.access_works(link.organization):
        services.resume(link)
        return True
    return False


def _why_not(mailbox: Mailbox) -> str:
    if mailbox.connection.paused_code:
        return mailbox.connection.paused_code
    if mailbox.stop_asked:
        return "stopped"
    return Throttled.code if services.waits(mailbox, real_now()) else "switched_off"


def _awaits_its_user(mailbox: Mailbox) -> bool:
    return not (mailbox.first_run_done or mailbox.started_on or mailbox.accepted_plan or mailbox.accept_any)


def _prepare_first_run(mailbox: Mailbox, seq: int) -> dict[str, Any]:
    """Make the preview the user will be shown."""
    report = RunReport()
    try:
        with open_parts(mailbox, None) as parts:
            seen = preview(parts)
    except SyncError as error:
        report = _patient(mailbox, RunReport(error=outcome.run_error(error)))
    else:
        shown = seen.as_json()
        report = RunReport(needs_acceptance=seen.plan_id)
        Mailbox.objects.filter(pk=mailbox.pk).update(waiting_preview=seal_json(shown), waiting_counts=shown["counts"])
    outcome.settle(mailbox, report, seq, False)
    mailbox.refresh_from_db()
    return _shown(mailbox, report)


def _do_errand(mailbox: Mailbox, seq: int) -> RunReport | None:
    """What the user asked for, before anything else; the report when it could not be finished."""
    row = open_run(mailbox.pk, mailbox.errand.partition(" ")[0], now())
    report = RunReport()
    try:
        with psas.opened_for(mailbox.user) as psa, _parts(mailbox, row.pk, psa) as parts:
            errands.carry_out(mailbox, replace(parts, activities=psa.as_person))
    except SyncError as error:
        report = RunReport(error=outcome.run_error(error))
        outcome.settle(mailbox, report, seq, False)
    close_run(row, report, now())
    return report if report.error else None


def reconcile_is_due(mailbox: Mailbox) -> bool:
    """Whether its next run compares both calendars in full (rules 9.1, 9.2)."""
    wall = to_wall(now(), mailbox.user.zone)
    continuous = mailbox.connection.mode == Connection.Mode.CONTINUOUS
    due = rhythm.reconcile_is_due(mailbox.pk, mailbox.reconciled_on, wall, continuous=continuous)
    return mailbox.first_run_done and due


def _guarded(mailbox: Mailbox, run_id: int, reconcile: bool) -> RunReport:
    report = _attempt(mailbox, run_id, reconcile)
    denied = report.error is not None and report.error.code == "mailbox_access_denied"
    if denied and (refused := access.withdrawn(mailbox.connection)):
        return replace(report, error=outcome.run_error(refused))
    if report.error is None or report.error.code != "mailbox_not_found" or mailbox.directory_id is None:
        return report
    # Its primary address may be another by now (rule 1.3): look once more, by the user's own.
    before = mailbox.address
    try:
        finding.find(mailbox)
    except SyncError as error:
        return replace(report, error=outcome.run_error(error))
    return report if mailbox.address == before else _attempt(mailbox, run_id, reconcile)


def _attempt(mailbox: Mailbox, run_id: int, reconcile: bool) -> RunReport:
    try:
        push.tend(mailbox)
        with open_parts(mailbox, run_id) as parts:
            report = run(parts, reconcile=reconcile)
            if report.brake:
                _show_what_waits(mailbox, parts)
            return report
    except SyncError as error:
        return RunReport(error=outcome.run_error(error))
    except Exception:
        # Unexpected: surfaces in the log with its trace (which holds no content), and the mailbox backs off.
        log.exception("run failed", extra={"action": "run_failed", "mailbox": mailbox.pk})
        return RunReport(error=RunError("internal", "Exception"))


def _patient(mailbox: Mailbox, report: RunReport) -> RunReport:
    """A refusal soon after a consent is waited out, without alert: the next tries come by themselves (rule 10.3)."""
    error = report.error
    refused = error is not None and error.kind == ConnectionRefused.__name__
    if error is None or not refused or not services.awaits_microsoft(mailbox.connection, error.code, now()):
        return report
    return replace(report, error=replace(error, code=_AWAITS_MICROSOFT, kind=Unavailable.__name__))


def _show_what_waits(mailbox: Mailbox, parts: Parts) -> None:
    """Remember the braked plan in words, for its user to read before he accepts it (rule 8.3)."""
    shown = preview(parts).as_json()
    Mailbox.objects.filter(pk=mailbox.pk).update(waiting_preview=seal_json(shown), waiting_counts=shown["counts"])


@contextmanager
def open_parts(mailbox: Mailbox, run_id: int | None) -> Iterator[Parts]:
    """Open both calendars of a mailbox. Raises SyncError when the mailbox cannot be found or the access is refused."""
    with psas.opened_for(mailbox.user) as psa, _parts(mailbox, run_id, psa) as parts:
        yield parts


@contextmanager
def _parts(mailbox: Mailbox, run_id: int | None, psa: Psa) -> Iterator[Parts]:
    if mailbox.directory_id is None:
        finding.find(mailbox)
    with access.calendar(mailbox, now) as (calendar, sent):
        yield Parts(
            activities=psa.activities,
            calendar=calendar,
            store=DjangoStore(mailbox.pk, run_id, now),
            rules=rules_for(mailbox, psa),
            now=now,
            requests=lambda: sent.requests + psa.requests(),
            clocks=lambda: psa.clocks(sent.ahead, mailbox.clock_ahead),
        )
        if sent.ahead is not None:
            Mailbox.objects.filter(pk=mailbox.pk).update(clock_ahead=psa.behind(sent.ahead).total_seconds())


def rules_for(mailbox: Mailbox, psa: Psa) -> Rules:
    """What the organization and the user chose, as the engine takes it."""
    user, link = mailbox.user, mailbox.connection
    with translation.override(user.language):
        no_subject, private_title = gettext("(no subject)"), gettext("Private")
    return replace(
        psa.rules,
        started_on=mailbox.started_on or to_wall(now(), user.zone).date(),
        conflict=ConflictPolicy(link.conflict),
        no_subject=no_subject,
        private_title=private_title,
        show_private=link.show_private,
        refuse_inexpressible=mailbox.refuse_inexpressible,
    )


def _shown(mailbox: Mailbox, report: RunReport) -> dict[str, Any]:
    """The report as page, API and command line show it."""
    values = asdict(report)
    error = values.pop("error")
    values |= {
        "user": mailbox.user.email,
        "error": error["code"] if error else None,
        "error_detail": error["detail"] if error else None,
        "waiting_for": mailbox.waiting_for or None,
        "plan": report.needs_acceptance,
        "counts": mailbox.waiting_counts if report.needs_acceptance else {},
    }
    return values
