"""`samklang import` and `samklang export`: whole calendars as iCalendar files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from samklang.cli.output import ATTENTION, OK, WRONG_USE, Failure, open_database, print_json, the_user


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    bring = commands.add_parser("import", help="bring an iCalendar file into a user's activities")
    bring.add_argument("file")
    bring.add_argument("--user", required=True, metavar="EMAIL")
    bring.add_argument("--json", action="store_true")
    bring.set_defaults(run=_import)
    take = commands.add_parser("export", help="a user's activities as iCalendar, or all his data, to standard output")
    take.add_argument("--user", required=True, metavar="EMAIL")
    take.add_argument("--everything", action="store_true", help="a zip of profile, activities, links and history")
    take.add_argument("--json", action="store_true", help="the same as one JSON document")
    take.set_defaults(run=_export)


def _import(args: argparse.Namespace) -> int:
    try:
        text = Path(args.file).read_bytes()
    except OSError as error:
        raise Failure(f"Cannot read {args.file}: {error.strerror}", WRONG_USE) from error
    open_database()
    from samklang.activities.ical import NotACalendar, import_calendar

    user = the_user(args.user)
    if user.organization.in_severa:
        raise Failure("Activities are in Severa: nobody would see what is imported here.")
    try:
        report = import_calendar(user, text)
    except NotACalendar as error:
        raise Failure(f"{args.file} is not an iCalendar file: {error}", WRONG_USE) from error
    if args.json:
        print_json({"created": report.created, "updated": report.updated, "left_out": report.left_out})
    else:
        print(f"{report.created} created, {report.updated} updated, {len(report.left_out)} left out")
        for row in report.left_out:
            print(f"  left out: {row}")
    return ATTENTION if report.left_out else OK


def _export(args: argparse.Namespace) -> int:
    open_database()
    from samklang.activities.ical import export_calendar
    from samklang.acts import data

    user = the_user(args.user)
    if args.json:
        print_json(data.everything(user))
    else:
        sys.stdout.buffer.write(data.archive(user) if args.everything else export_calendar(user))
    return OK
