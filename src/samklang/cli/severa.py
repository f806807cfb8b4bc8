"""`samklang severa …`: an organization whose activities are in Visma Severa."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from samklang.cli.output import (
    ATTENTION,
    OK,
    Failure,
    open_database,
    print_json,
    print_settings,
    read_secret,
    the_organization,
    types_named,
)


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    area = commands.add_parser("severa", help="Visma Severa as the PSA").add_subparsers(required=True, metavar="ACT")
    settings = area.add_parser("set", help="save settings; those not named stay as they are")
    settings.add_argument("--url", help="address of the REST API with its version; Severa's own when never named")
    settings.add_argument("--client-id", help="client id of the credentials made in Severa")
    settings.add_argument("--secret-file", help="file with the client secret, - for standard input")
    settings.add_argument("--types", help="activity types to sync to Exchange, by name, comma separated; 'all' for all")
    settings.add_argument(
        "--confirm", action="store_true", help="Severa's own calendar sync and its mails of new activities are off"
    )
    settings.set_defaults(run=_set)
    test = area.add_parser("test", help="try every step and name the first that fails")
    test.add_argument("--address", help="a user's address to try; the organization's first user otherwise")
    test.set_defaults(run=_test)
    area.add_parser("enable", help="keep activities in Severa from now on").set_defaults(run=_enable)
    area.add_parser("disable", help="back to the built-in calendar").set_defaults(run=_disable)
    area.add_parser("show", help="the settings, without the secret").set_defaults(run=_show)
    for command in area.choices.values():
        command.add_argument("--org", help="organization; may be left out while there is one")
        command.add_argument("--json", action="store_true")


def _arrangement(args: argparse.Namespace) -> Any:
    open_database()
    from samklang.severa.services import arrangement_of

    return arrangement_of(the_organization(args.org))


def _set(args: argparse.Namespace) -> int:
    secret = read_secret(args.secret_file) if args.secret_file else None
    arrangement = _arrangement(args)
    from samklang.clock import now
    from samklang.severa import services

    values = {"url": args.url, "client_id": args.client_id, "secret": secret}
    named = {name: value for name, value in values.items() if value}
    if named:
        _act(lambda: services.save(arrangement, named, by=None))
    if args.types is not None:
        services.set_ticks(arrangement, _types(arrangement, args.types), by=None)
    if args.confirm:
        services.confirm(arrangement, True, None, now())
    return _print(arrangement, args)


def _types(arrangement: Any, names: str) -> list[str]:
    from samklang.severa.roster import known_types

    by_name = {one.name: one.id for one in known_types(arrangement)}
    none_known = "none known yet: run 'samklang severa test'"
    return types_named(by_name, names, status=ATTENTION, none_known=none_known)


def _test(args: argparse.Namespace) -> int:
    arrangement = _arrangement(args)
    from samklang.mailboxes.access import report
    from samklang.severa.services import test
    from samklang.wiring import first_address

    steps = test(arrangement, args.address or first_address(arrangement.organization), by=None)
    passed = all(step.ok for step in steps)
    if args.json:
        print_json(report(steps))
    else:
        for step in steps:
            print(
                f"{'ok  ' if step.ok else 'FAIL'}  {step.title}{'' if step.ok else f': {step.sentence} {step.remedy}'}"
            )
    return OK if passed else ATTENTION


def _enable(args: argparse.Namespace) -> int:
    return _switch(args, "switch_on")


def _disable(args: argparse.Namespace) -> int:
    return _switch(args, "switch_off")


def _switch(args: argparse.Namespace, act: str) -> int:
    arrangement = _arrangement(args)
    from samklang.severa import services

    _act(lambda: getattr(services, act)(arrangement, None))
    return _print(arrangement, args)


def _act(act: Callable[[], None]) -> None:
    """Raises Failure with the reason for what is refused."""
    from samklang.mailboxes.messages import explain
    from samklang.mailboxes.services import Refused

    try:
        act()
    except Refused as refused:
        raise Failure(" ".join(explain(refused.code))) from refused


def _show(args: argparse.Namespace) -> int:
    return _print(_arrangement(args), args)


def _print(arrangement: Any, args: argparse.Namespace) -> int:
    from samklang.severa.services import shown

    print_settings(shown(arrangement), as_json=args.json)
    return OK
