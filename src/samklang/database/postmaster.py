"""One running PostgreSQL, whether we started it or found it running."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from samklang.database.account import Account
from samklang.database.lifeline import ends_with_parent


@dataclass
class Postmaster:
    """The main process of PostgreSQL on one cluster."""

    pid: int
    cluster: Path
    #: Ours to reap, if we started it.
    child: subprocess.Popen[bytes] | None = None

    def is_alive(self) -> bool:
        return self.child.poll() is None if self.child else _is_postmaster(self.pid, self.cluster)

    def is_ready(self) -> bool:
        """True when it lets clients in."""
        return says_ready(self.cluster) and _pid_file(self.cluster)[:1] == [str(self.pid)]

    def stop(self) -> None:
        """Stop it: *fast* (clients cut off, checkpoint written), after a minute *immediate* (recovers at the
        next start), in the end by force. Returns when it is gone."""
        for sign, seconds in ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
            if not self.is_alive():
                return
            os.kill(self.pid, sign)
            end = time.monotonic() + seconds
            while self.is_alive() and time.monotonic() < end:
                time.sleep(0.02)


def start(line: list[str], cluster: Path, account: Account) -> Postmaster:
    """Start PostgreSQL so that it ends (fast stop) when this process does, however it does; it logs as we do."""
    child = subprocess.Popen(  # noqa: S603
        line,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        start_new_session=True,
        preexec_fn=ends_with_parent(signal.SIGINT),
        **account.options(),
    )
    return Postmaster(child.pid, cluster, child)


def find(cluster: Path) -> Postmaster | None:
    """The live postmaster of this cluster that no keeper of ours started.

    A stale postmaster.pid is removed: its number may by now be another process's (containers start counting
    anew), and PostgreSQL would refuse to start for that.
    """
    lines = _pid_file(cluster)
    if not lines:
        return None
    pid = int(lines[0]) if lines[0].isdigit() else 0
    if pid and _is_postmaster(pid, cluster):
        return Postmaster(pid, cluster)
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    return None


def says_ready(cluster: Path) -> bool:
    """True when whoever runs the cluster lets clients in (line 8 of postmaster.pid, as `pg_ctl` does it)."""
    lines = _pid_file(cluster)
    return len(lines) > 7 and lines[7].strip() == "ready"


def _pid_file(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _is_postmaster(pid: int, cluster: Path) -> bool:
    """True when the process is alive and works in the cluster's folder, as only PostgreSQL's do."""
    process = Path("/proc") / str(pid)
    try:
        dead = (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        return not dead and (process / "cwd").samefile(cluster)
    except OSError:  # gone, or another account's and so not ours
        return False
