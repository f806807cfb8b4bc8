"""`samklang connection …`: the organization's connection to Exchange or Microsoft 365."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samklang.cli.output import (
    ATTENTION,
    CANNOT_REACH,
    OK,
    WRONG_USE,
    Failure,
    open_database,
    print_json,
    print_settings,
    read_secret,
    the_organization,
    types_named,
)

if TYPE_CHECKING:
    from samklang.mailboxes.access import Step
VERSIONS = ("office365", "2007", "2010", "2013", "2016", "2019", "se")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    area = commands.add_parser("connection", help="Exchange or Microsoft 365").add_subparsers(
        required=True, metavar="ACT"
    )
    settings = area.add_parser("set", help="save settings; those not named stay as they are")
    settings.add_argument("--version", choices=VERSIONS)
    settings.add_argument("--domain", help="organization's NetBIOS domain name")
    settings.add_argument("--url", help="Exchange URL (EWS), e.g. https://outlook.domain.net/EWS/Exchange.asmx")
    settings.add_argument("--username", help="delegate username")
    settings.add_argument("--password-file", help="file with the delegate password, - for standard input")
    settings.add_argument("--auth", choices=("ntlm", "basic"))
    settings.add_argument("--ca-file", help="PEM file of the server's own certificate authority")
    settings.add_argument(
        "--proxy", help="proxy that leads to the Exchange Server, e.g. http://proxy:3128; '' for none"
    )
    settings.add_argument("--proxy-username")
    settings.add_argument("--proxy-password-file", help="file with the proxy's password, - for standard input")
    settings.add_argument(
        "--tenant", help="Microsoft 365 tenant, by id or domain, that consented elsewhere or opens some mailboxes alone"
    )
    settings.add_argument("--conflict", choices=("newest", "psa", "exchange"))
    settings.add_argument("--mode", choices=("on_use", "continuous"))
    settings.add_argument("--types", help="activity types to sync to Exchange, by name, comma separated; 'all' for all")
    settings.set_defaults(run=_set)
    test = area.add_parser("test", help="try every step and name the first that fails")
    test.add_argument("--address", help="a user's address to try; the organization's first user otherwise")
    test.set_defaults(run=_test)
    look_up = area.add_parser("look-up", help="find the Exchange URL by Autodiscover, with the account saved")
    look_up.add_argument("--address", help="an e-mail address of the organization; its first user's otherwise")
    look_up.add_argument(
        "--trust", action="append", default=[], metavar="HOST", help="host outside the address's domain to sign in at"
    )
    look_up.add_argument("--save", action="store_true", help="save the URL that is found")
    look_up.set_defaults(run=_look_up)
    area.add_parser("enable", help="switch on; a passed test comes first").set_defaults(run=_enable)
    area.add_parser("disable", help="pause the whole organization").set_defaults(run=_disable)
    area.add_parser("sync", help="sync now, for everybody who switched on").set_defaults(run=_sync)
    area.add_parser("show", help="the settings, without secrets").set_defaults(run=_show)
    for command in area.choices.values():
        command.add_argument("--org", help="organization; may be left out while there is one")
        command.add_argument("--json", action="store_true")


def _connection(args: argparse.Namespace) -> Any:
    open_database()
    from samklang.mailboxes.services import connection_of

    return connection_of(the_organization(args.org))


def _sync(args: argparse.Namespace) -> int:
    started = sync_now(_connection(args))
    if args.json:
        print_json({"mailboxes": started})
    else:
        print(f"{started} mailboxes are on their way.")
    return OK


def sync_now(connection: Any) -> int:
    """Make every syncing mailbox due (rule 9.3); the workers run them. Returns how many."""
    from samklang.mailboxes.services import sync_everybody

    return sync_everybody(connection, by=None)


def _set(args: argparse.Namespace) -> int:
    secrets = {"password": args.password_file, "proxy_password": args.proxy_password_file}
    secrets = {name: read_secret(path) for name, path in secrets.items() if path}
    connection = _connection(args)
    from samklang.activities.types import set_ticks
    from samklang.mailboxes import services
    from samklang.mailboxes.messages import explain

    names = ("version", "domain", "url", "username", "auth", "proxy", "proxy_username", "conflict", "mode")
    values = {name: getattr(args, name) for name in names if getattr(args, name) is not None} | secrets
    if args.ca_file:
        try:
            values["ca_certificate"] = Path(args.ca_file).read_text()
        except OSError as error:
            raise Failure(f"Cannot read {args.ca_file}: {error.strerror}", WRONG_USE) from error
    try:
        services.save_connection(connection, values, by=None)
    except services.Refused as refused:
        raise Failure(" ".join(explain(refused.code))) from refused
    if args.types is not None:
        set_ticks(connection.organization, _types(connection, args.types))
    if args.tenant is not None:
        _name_tenant(connection, args.tenant)
    return _print(connection, args)


def _name_tenant(connection: Any, tenant: str) -> None:
    """The operator's word is checked like an administrator's: by the tenant's own token and domains."""
    from samklang.mailboxes import consents
    from samklang.mailboxes.messages import explain
    from samklang.mailboxes.services import Refused

    try:
        consent = consents.begin(connection, tenant, by=None, scoped=True)
    except Refused as refused:
        raise Failure(" ".join(explain(refused.code)), WRONG_USE) from refused
    if not consent.verified:
        waits = (
            f"Samklang goes on asking Microsoft until {consents.until(consent):%H:%M} UTC. " if consent.next_try else ""
        )
        raise Failure(waits + " ".join([*explain(consent.code), consent.detail]).strip())
    connection.refresh_from_db()


def _types(connection: Any, names: str) -> list[str]:
    from samklang.activities.models import ActivityType
    from samklang.engine.model import Category

    syncable = ActivityType.objects.of(connection.organization).filter(is_active=True)
    by_name = {t.name: str(t.guid) for t in syncable.exclude(category=Category.PROJECT_TASK)}
    return types_named(by_name, names, status=WRONG_USE)


def _test(args: argparse.Namespace) -> int:
    connection = _connection(args)
    from samklang.mailboxes.access import report
    from samklang.wiring import test_connection

    steps = test_connection(connection, args.address, by=None)
    passed = all(step.ok for step in steps)
    if args.json:
        print_json(report(steps))
    else:
        for step in steps:
            print(_told(step))
    if passed:
        return OK
    return _status_of(step.code for step in steps if not step.ok)


def _status_of(codes: Iterable[str]) -> int:
    """CANNOT_REACH when one is of a server, or of a proxy before it, that was not reached."""
    from samklang.connectors.http import FAILURES
    from samklang.sync.errors import Unavailable

    # What is wrong with a file of ours tells nothing of a server.
    unreached = {code for code, kind in FAILURES.items() if kind is Unavailable} - {"bad_ca_file"}
    return ATTENTION if unreached.isdisjoint(codes) else CANNOT_REACH


def _told(step: Step) -> str:
    """A step as a person reads it: what was found, or what is wrong and what mends it."""
    if step.ok:
        return ": ".join(["ok    " + step.name, *filter(None, (step.found, step.note))])
    detail = f" [{step.detail}]" if step.detail else ""
    until = f" Not before {step.until.isoformat(timespec='seconds')}." if step.until else ""
    said = [f"FAIL  {step.name}: {step.sentence}{until}{detail}", step.remedy, *step.command.splitlines()]
    return "\n      ".join(said)


def _look_up(args: argparse.Namespace) -> int:
    connection = _connection(args)
    from samklang.mailboxes import services
    from samklang.mailboxes.looking_up import look_up
    from samklang.wiring import first_address

    address = args.address or first_address(connection.organization)
    found = look_up(connection, address, by=None, trusted=args.trust)
    if found.url and args.save:
        services.save_connection(connection, {"url": found.url}, by=None)
    if args.json:
        print_json(found.as_json())
    else:
        for step in found.steps:
            print(": ".join(filter(None, (f"{step.title}, {step.host}", step.sentence, step.detail))))
        print(found.url or f"{found.sentence} {found.remedy}")
        for host in found.foreign:
            print(f"If you know {host}, add: --trust {host}")
    return OK if found.url else _status_of([found.code])


def _enable(args: argparse.Namespace) -> int:
    connection = _connection(args)
    from samklang.mailboxes import services

    try:
        services.enable(connection, by=None)
    except services.Refused as refused:
        raise Failure("Run 'samklang connection test' first; it has to pass with the settings saved.") from refused
    return _print(connection, args)


def _disable(args: argparse.Namespace) -> int:
    connection = _connection(args)
    from samklang.mailboxes import services

    services.disable(connection, by=None)
    return _print(connection, args)


def _show(args: argparse.Namespace) -> int:
    return _print(_connection(args), args)


def _print(connection: Any, args: argparse.Namespace) -> int:
    from samklang.mailboxes.services import shown

    print_settings(shown(connection), as_json=args.json)
    return OK
