"""`samklang sync history|restore|undo|why`: look back and put back, for one user. Ids and reasons, no titles."""

from __future__ import annotations

import argparse
from typing import Any

from samklang.cli.output import ATTENTION, OK, Failure, open_database, print_json, the_user


def add_commands(area: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    look = area.add_parser("history", help="what was written, when, and what caused it")
    look.add_argument("--activity", default="", metavar="ID")
    look.add_argument("--limit", type=int, default=50)
    look.set_defaults(run=_history)
    restore = area.add_parser("restore", help="put back what one write of the history went over")
    restore.add_argument("write", type=int, help="its number in the history")
    restore.set_defaults(run=_restore)
    undo = area.add_parser("undo", help="undo a run where nobody edited the entries since")
    undo.add_argument("--run", type=int, metavar="NUMBER", dest="run_id", help="the last run that wrote otherwise")
    undo.set_defaults(run=_undo)
    why = area.add_parser("why", help="why an entry is or is not synced")
    which = why.add_mutually_exclusive_group(required=True)
    which.add_argument("--activity", default="", metavar="ID")
    which.add_argument("--event", default="", metavar="ID")
    why.set_defaults(run=_why)


def _mailbox(args: argparse.Namespace) -> Any:
    open_database()
    from samklang.mailboxes.models import Mailbox

    user = the_user(args.user)
    mailbox = Mailbox.objects.filter(user=user).select_related("user__organization", "connection").first()
    if mailbox is None:
        raise Failure(f"{user.email} has not switched calendar synchronization on yet.")
    return mailbox


def _history(args: argparse.Namespace) -> int:
    mailbox = _mailbox(args)
    from samklang.mailboxes import history

    rows = history.rows_of(mailbox)
    rows = rows.filter(psa_id=args.activity) if args.activity else rows
    columns = ("id", "at", "run_id", "side", "kind", "cause", "by", "rule", "psa_id", "item_id", "undone_at")
    shown = list(rows.values(*columns)[: args.limit])
    if args.json:
        print_json(shown)
    for row in () if args.json else shown:
        print(f"{row['id']:>8}  {row['at']:%Y-%m-%d %H:%M}  {row['side']:<8}  {row['kind']:<6}  {row['psa_id'] or ''}")
    return OK


def _restore(args: argparse.Namespace) -> int:
    mailbox = _mailbox(args)
    from samklang.acts.restoring import restore_write
    from samklang.mailboxes.messages import explain
    from samklang.mailboxes.services import Refused

    try:
        restore_write(mailbox, args.write, by=None)
    except Refused as refused:
        raise Failure(explain(refused.code).sentence) from refused
    _say({"restored": args.write}, args)
    return OK


def _undo(args: argparse.Namespace) -> int:
    mailbox = _mailbox(args)
    from samklang.mailboxes import errands, history
    from samklang.mailboxes.messages import explain
    from samklang.mailboxes.services import Refused
    from samklang.wiring import run_mailbox

    runs = [run["id"] for run in history.runs_of(mailbox, 100) if run["undoable"]]
    run_id = args.run_id or next(iter(runs), 0)
    try:
        errands.ask_undo(mailbox, run_id, by=None)
    except Refused as refused:
        raise Failure(explain(refused.code).sentence) from refused
    report = run_mailbox(mailbox.pk, "operator")
    mailbox.refresh_from_db()
    stayed = [{k: row[k] for k in ("psa_id", "item_id", "side", "code")} for row in errands.result(mailbox)["stayed"]]
    _say({"run": run_id, "done": not mailbox.errand, "stayed": stayed, "error": report["error"]}, args)
    return ATTENTION if stayed or mailbox.errand else OK


def _why(args: argparse.Namespace) -> int:
    open_database()
    from django.utils import translation

    from samklang.acts.why import why

    user = the_user(args.user)
    with translation.override(user.language):
        answer = why(user, activity_id=args.activity, item_id=args.event)
    if args.json:
        print_json(answer.as_json())
    else:
        for line in (answer.sentence, answer.remedy, *answer.notes):
            if line:
                print(line)
    return OK if answer.status in ("linked", "waiting", "begun") else ATTENTION


def _say(report: dict[str, Any], args: argparse.Namespace) -> None:
    if args.json:
        print_json(report)
        return
    for name, value in report.items():
        print(f"{name:<10} {len(value) if isinstance(value, list) else value}")
