"""`samklang …`: every command, its help and its exit status.

Exit status: 0 done, 1 needs attention, 2 wrong use, 3 cannot reach. `--json` prints one JSON document for machines.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import cache
from typing import NoReturn

from samklang.cli import bench, calendars, connection, demo, exchange_script, running, severa, sync, users
from samklang.cli.output import Failure

_AREAS = (running, users, connection, exchange_script, severa, sync, calendars, demo, bench)


@cache
def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="samklang", description="Two-way calendar sync between a PSA system and Microsoft calendars."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for area in _AREAS:
        area.add_commands(commands)
    return top


def main(argv: list[str] | None = None) -> NoReturn:
    """Run one command and exit."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] == ["sandbox"]:
        # The stand-in Exchange knows nothing of ours: not even this program's settings or database.
        from samklang.sandbox.__main__ import main as sandbox

        sandbox(arguments[1:])
        sys.exit()
    args = parser().parse_args(arguments)
    try:
        sys.exit(args.run(args) or 0)
    except Failure as failure:
        print(f"samklang: {failure}", file=sys.stderr)
        sys.exit(failure.status)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
