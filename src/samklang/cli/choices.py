"""`samklang sync missing|choose|apart|again|read-anew|take-over`: single entries, and whose mailbox it is.

For operators: ids, sides and rules, never titles. Each act is audited.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from samklang.cli.output import OK, Failure, open_database, print_json, the_user


def add_acts(area: Any) -> None:
    area.add_parser("missing", help="linked entries missing on one side, to be chosen about").set_defaults(run=_missing)
    choose = area.add_parser("choose", help="remove or put back what is missing on one side, for its user")
    choose.add_argument("choice", choices=("remove", "put_back"))
    choose.add_argument("--id", help="one entry of 'sync missing'; all otherwise")
    choose.set_defaults(run=_choose)
    area.add_parser("apart", help="entries kept apart, and the rule").set_defaults(run=_apart)
    again = area.add_parser("again", help="sync an entry again that is kept apart")
    again.add_argument("--id", required=True, help="of 'sync apart'")
    again.set_defaults(run=_again)
    area.add_parser("read-anew", help="read both calendars in full and match them again").set_defaults(run=_read_anew)
    area.add_parser("take-over", help="take the mailbox over that another organization holds").set_defaults(
        run=_take_over
    )


def _mailbox(args: argparse.Namespace) -> Any:
    open_database()
    from samklang.mailboxes.models import Mailbox

    user = the_user(args.user)
    mailbox = Mailbox.objects.filter(user=user, on=True).select_related("user__organization", "connection").first()
    if mailbox is None:
        raise Failure(f"{user.email} has not switched calendar synchronization on; only he or she can.")
    return mailbox


def _list(found: list[Any], args: argparse.Namespace) -> int:
    rows = [{"id": o.id, "side": o.side, "rule": o.rule, "psa_id": o.psa_id, "item_id": o.item_id} for o in found]
    if args.json:
        print_json(rows)
    else:
        for row in rows:
            print(f"{row['id']:<38} {row['side']:<9} {row['rule']}")
    return OK


def _do(act: Callable[[], Any], args: argparse.Namespace) -> int:
    from samklang.mailboxes import messages
    from samklang.mailboxes.services import Refused
    from samklang.sync.errors import SyncError

    try:
        done = act()
    except (Refused, SyncError) as refused:
        raise Failure(messages.explain(refused.code).sentence) from refused
    if args.json:
        print_json({"done": done if isinstance(done, int) else 1})
    return OK


def _missing(args: argparse.Namespace) -> int:
    mailbox = _mailbox(args)
    from samklang.mailboxes import choices

    return _list(choices.missing(mailbox), args)


def _apart(args: argparse.Namespace) -> int:
    mailbox = _mailbox(args)
    from samklang.mailboxes import choices

    return _list(choices.apart(mailbox), args)


def _choose(args: argparse.Namespace) -> int:
    mailbox = _mailbox(args)
    from samklang.clock import now
    from samklang.mailboxes import choices

    return _do(lambda: choices.choose(mailbox, args.choice, now(), None, id=args.id), args)


def _again(args: argparse.Namespace) -> int:
    mailbox = _mailbox(args)
    from samklang.mailboxes import choices

    return _do(lambda: choices.sync_again(mailbox, args.id, None), args)


def _read_anew(args: argparse.Namespace) -> int:
    mailbox = _mailbox(args)
    from samklang.mailboxes import finding

    return _do(lambda: finding.read_anew(mailbox, None), args)


def _take_over(args: argparse.Namespace) -> int:
    mailbox = _mailbox(args)
    from samklang.mailboxes import finding

    return _do(lambda: finding.take_over(mailbox, None), args)
