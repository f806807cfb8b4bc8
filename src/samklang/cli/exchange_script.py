"""`samklang exchange-script`: the PowerShell an Exchange or Microsoft 365 administrator runs. Works before anything is
saved: with `--version` and `--user` it asks no database."""

from __future__ import annotations

import argparse
from typing import Any

from samklang.cli.connection import VERSIONS
from samklang.cli.output import OK, WRONG_USE, Failure, open_database, print_json, the_organization
from samklang.mailboxes import scripts
from samklang.mailboxes.script_words import NOTES, WORDS

_PARTS = ("grant", "check", "undo")
#: The option that gives a value of the order, where it is called otherwise.
_OPTIONS = {"account": "user", "full_access": "full-access"}


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    script = commands.add_parser(
        "exchange-script", help="print the PowerShell that gives the delegate account, or the application, its rights"
    )
    script.add_argument("--version", choices=VERSIONS, help="Exchange version; the saved one otherwise")
    script.add_argument("--user", help=r"delegate account, e.g. CONTOSO\sync; the saved one otherwise")
    script.add_argument("--app", help="Office 365: the application's id; this installation's otherwise")
    limit = script.add_mutually_exclusive_group()
    limit.add_argument("--group", help="only the direct members of this group")
    limit.add_argument("--ou", help="only this organizational unit, e.g. contoso.com/Staff (Exchange Server)")
    limit.add_argument("--filter", help="only whom this OPATH filter finds, e.g. \"Department -eq 'Sales'\"")
    limit.add_argument("--unit", help="only this administrative unit, by its id (Office 365)")
    script.add_argument("--name", default="Samklang", help="name of the assignment and the scope made in Exchange")
    script.add_argument("--full-access", action="store_true", help="full access to the mailboxes besides; not needed")
    script.add_argument("--mailbox", default="", metavar="EMAIL", help="a user whom the check tries")
    part = script.add_mutually_exclusive_group()
    part.add_argument("--check", dest="part", action="store_const", const="check", help="print what shows the rights")
    part.add_argument("--undo", dest="part", action="store_const", const="undo", help="print what takes them away")
    script.add_argument("--org", help="organization whose saved settings are used")
    script.add_argument("--json", action="store_true", help="all parts and notes as JSON")
    script.set_defaults(run=_script, part="grant")


def _script(args: argparse.Namespace) -> int:
    version, account, app = _known(args)
    order = scripts.Order(account, app, _scope(args), args.name, args.full_access, args.mailbox)
    try:
        script = scripts.write(version, order)
    except scripts.ScriptRefused as refused:
        raise Failure(_option(refused.field, order.scope) + " ".join(WORDS[refused.code]), WRONG_USE) from None
    notes = [NOTES[note] for note in script.notes]
    if args.json:
        parts = {part: getattr(script, part) for part in _PARTS}
        print_json({"version": version, **parts, "notes": notes})
    else:
        print("".join(f"# {note}\n" for note in notes))
        print(getattr(script, args.part), end="")
    return OK


def _option(field: str, scope: scripts.Scope) -> str:
    """The option that gave, or lacks, the refused value, to begin a sentence with."""
    if field not in ("kind", "scope"):
        return f"--{_OPTIONS.get(field, field)}: "
    return "" if scope.kind == scripts.Kind.EVERYBODY else f"--{scope.kind}: "


def _scope(args: argparse.Namespace) -> scripts.Scope:
    for kind in scripts.Kind:
        value = getattr(args, kind, None)
        if value is not None:
            return scripts.Scope(kind, value)
    return scripts.Scope()


def _known(args: argparse.Namespace) -> tuple[str, str, str]:
    """Version, account and application, as given or else as saved."""
    if args.version and (args.user or args.version == "office365"):
        return args.version, args.user or "", args.app or _app()
    connection = _saved(args.org)
    from samklang.mailboxes.assistant import account_of

    return args.version or connection.version, args.user or account_of(connection), args.app or _app()


def _app() -> str:
    from samklang.config import config

    return config().app_id


def _saved(org: str | None) -> Any:
    open_database()
    from samklang.mailboxes.services import connection_of

    return connection_of(the_organization(org))
