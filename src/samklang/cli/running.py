"""`samklang serve | worker | migrate | config`: running the installation."""

from __future__ import annotations

import argparse

from samklang.cli.output import OK, open_database, print_json


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = commands.add_parser("serve", help="web, worker and database, as one process tree")
    serve.set_defaults(run=_serve)
    worker = commands.add_parser("worker", help="one more worker process")
    worker.set_defaults(run=_worker)
    commands.add_parser("migrate", help="bring the database up to date").set_defaults(run=_migrate)
    config = commands.add_parser("config", help="the effective settings, without secrets")
    config.add_argument("--json", action="store_true")
    config.set_defaults(run=_config)
    commands.add_parser("sandbox", help="an Exchange and a Microsoft 365 of one's own (--help there)")


def _serve(args: argparse.Namespace) -> int:
    from samklang.serve import serve

    return serve()


def _worker(args: argparse.Namespace) -> int:
    open_database()
    from samklang.jobs.worker import work

    work()
    return OK


def _migrate(args: argparse.Namespace) -> int:
    open_database(bring_up_to_date=True)
    return OK


def _config(args: argparse.Namespace) -> int:
    from samklang.config import config

    values = config().model_dump(mode="json")
    if args.json:
        print_json(values)
    else:
        for name, value in values.items():
            print(f"{name:<24} {'' if value is None else value}")
    return OK
