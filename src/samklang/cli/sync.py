"""`samklang sync …`: run, preview, accept and status of one user's calendar."""

from __future__ import annotations

import argparse
from typing import Any

from samklang.cli import choices, history
from samklang.cli.output import ATTENTION, CANNOT_REACH, OK, Failure, open_database, print_json, the_user


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    area = commands.add_parser("sync", help="one user's calendar").add_subparsers(required=True, metavar="ACT")
    run = area.add_parser("run", help="run now, in this process")
    run.add_argument("--reconcile", action="store_true", help="compare both calendars in full")
    run.set_defaults(run=_run)
    area.add_parser("preview", help="what the next run would do; writes nothing").set_defaults(run=_preview)
    accept = area.add_parser("accept", help="release a brake; a first run is accepted by its user alone")
    accept.add_argument("--plan", help="the waiting plan's id; the one that waits otherwise")
    accept.set_defaults(run=_accept)
    area.add_parser("status", help="last run, next, waiting, set aside").set_defaults(run=_status)
    choices.add_acts(area)
    history.add_commands(area)
    for command in area.choices.values():
        command.add_argument("--user", required=True, metavar="EMAIL")
        command.add_argument("--json", action="store_true")


def _mailbox(args: argparse.Namespace) -> Any:
    open_database()
    from samklang.mailboxes.models import Mailbox

    user = the_user(args.user)
    mailbox = Mailbox.objects.filter(user=user, on=True).select_related("user", "connection").first()
    if mailbox is None:
        raise Failure(f"{user.email} has not switched calendar synchronization on; only he or she can.")
    return mailbox


def _run(args: argparse.Namespace) -> int:
    mailbox = _mailbox(args)
    from samklang.wiring import run_mailbox

    report = run_mailbox(mailbox.pk, "operator", reconcile=args.reconcile)
    _show(report, args)
    if report["error"] is not None:
        unreachable = report["error"] in ("unavailable", "unknown_host", "timeout", "connection_refused")
        return CANNOT_REACH if unreachable else ATTENTION
    return ATTENTION if report["waiting_for"] else OK


def _preview(args: argparse.Namespace) -> int:
    mailbox = _mailbox(args)
    from samklang.wiring import preview_mailbox

    _show(preview_mailbox(mailbox.pk), args)
    return OK


def _accept(args: argparse.Namespace) -> int:
    mailbox = _mailbox(args)
    from samklang.mailboxes import services

    try:
        services.accept(mailbox, args.plan or mailbox.waiting_plan, by=None)
    except services.Refused as refused:
        raise Failure(
            {
                "nothing_waits": "Nothing waits to be accepted.",
                "first_run_is_the_users": f"The first run is for {mailbox.user.email} to accept.",
                "plan_outdated": "That plan is outdated; 'samklang sync preview' shows the one that waits.",
            }[refused.code]
        ) from refused
    _show({"accepted": True}, args)
    return OK


def _status(args: argparse.Namespace) -> int:
    mailbox = _mailbox(args)
    from samklang.mailboxes.status import status

    report = status(mailbox)
    _show(report, args)
    return ATTENTION if report["error"] or report["waiting_for"] or report["set_aside"] else OK


def _show(report: Any, args: argparse.Namespace) -> None:
    if args.json:
        print_json(report)
        return
    for name, value in report.items():
        if isinstance(value, dict):
            value = ", ".join(f"{k} {v}" for k, v in value.items() if v) or "none"
        elif isinstance(value, list):
            value = len(value)
        print(f"{name:<16} {'' if value is None else value}")
