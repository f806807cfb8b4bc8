"""`python -m samklang.sandbox --data DIR --port P`; `samklang sandbox` calls the same `main`."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import logging
import os
import signal
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> None:
    """Serves until SIGTERM. Exits 1 with one line on standard error when it cannot start."""
    parser = argparse.ArgumentParser(
        prog="samklang sandbox", description="A stand-in Exchange, Microsoft 365 and Severa."
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of its state; made if missing")
    parser.add_argument(
        "--port", type=int, default=0, metavar="P", help="TLS port: EWS, Graph, sign-in, Severa (0: any)"
    )
    parser.add_argument("--pages-port", type=int, default=0, metavar="Q", help="HTTP port: pages, control (0: any)")
    parser.add_argument("--with-parent", action="store_true", help="end when the starting process ends")
    chosen = parser.parse_args(arguments)
    if chosen.with_parent:
        _end_with_parent()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")

    from samklang.sandbox.server import serve  # not before --help and bad arguments are answered

    try:
        asyncio.run(serve(chosen.data, chosen.port, chosen.pages_port))
    except OSError as error:
        parser.exit(1, f"samklang sandbox: cannot start: {error}\n")


def _end_with_parent() -> None:
    """Linux' PR_SET_PDEATHSIG, so that no sandbox survives a killed test run."""
    parent, set_death_signal = os.getppid(), 1
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(set_death_signal, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(0)


if __name__ == "__main__":
    main()
