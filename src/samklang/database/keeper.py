"""The process that keeps PostgreSQL: `python -m samklang.database.keeper DATA`, started by `launcher`.

It makes the cluster at the first start, runs PostgreSQL, starts it again when it dies, and ends it when
nobody uses it any more. "Uses" is the shared lock every user holds: the kernel drops it with the user, so a
kill -9 of the application ends the database too, and PostgreSQL is told to end when the keeper does.

The first line on standard output is JSON: `{}` when clients are let in, else the name and text of the error.
Standard error is the log.
"""

import contextlib
import json
import os
import shutil
import signal
import stat
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from samklang.database import account, cluster, postmaster, programs
from samklang.database.account import Account
from samklang.database.errors import DatabaseError, InUse
from samklang.database.folder import PATIENCE, Home, Lock, State
from samklang.database.postmaster import Postmaster

#: Seconds between two looks at the database and its users.
_LOOK = 0.2
#: PostgreSQL is started again after it died, unless it keeps dying: this often within a minute.
_DEATHS = 5
#: PostgreSQL does not start beside the last processes of one that was killed; they end within moments.
_PREDECESSOR = "pre-existing shared memory block"
#: A Unix socket's path has 107 bytes at most, and the socket's own name takes 14.
_LONGEST_FOLDER = 92


class Keeper:
    def __init__(self, home: Home, settings: dict[str, str]) -> None:
        self.home = home
        self.settings = settings
        self.account = account.choose(home.cluster)
        self.programs = programs.find(home, self.account)
        state = home.read_state()
        if state is None:
            raise InUse(f"{home.path} vanished while its database was being started. Try again.")
        cluster.ensure(home, self.account, self.programs, state)
        self.socket_folder = _socket_folder(home, self.account, state)
        self._log_start = 0

    def start(self) -> Postmaster:
        """Run PostgreSQL, or adopt the one that runs, and wait until it lets clients in."""
        running = postmaster.find(self.home.cluster) or self._launch()
        end = time.monotonic() + PATIENCE
        while not running.is_ready():
            if time.monotonic() > end:
                running.stop()
                raise self._failure(f"No sign of life within {PATIENCE:.0f} s. ")
            if not running.is_alive():
                # A found one was on its way out, or a killed one's last processes are.
                if running.child and _PREDECESSOR not in self._said():
                    raise self._failure()
                running = self._launch()
            time.sleep(0.02)
        return running

    def keep(self, running: Postmaster, users: Lock, stop_asked: list[int]) -> None:
        """Watch until nobody uses the database, or we are told to stop; then stop it."""
        deaths: list[float] = []
        while not stop_asked and not users.take():
            if not running.is_alive():
                now = time.monotonic()
                deaths = [death for death in deaths if death > now - 60] + [now]
                if len(deaths) >= _DEATHS:
                    raise self._failure()
                running = self.start()
            time.sleep(_LOOK)
        running.stop()
        # After a crash it is left where it is, and used again by the next keeper.
        shutil.rmtree(self.socket_folder, ignore_errors=True)

    def _launch(self) -> Postmaster:
        postmaster.find(self.home.cluster)  # clears away what a dead one left, as does the next line
        for left in self.socket_folder.iterdir():
            left.unlink()
        self._log_start = self.home.log.stat().st_size
        line = cluster.command(self.home, self.programs, self.socket_folder, self.settings)
        return postmaster.start(line, self.home.cluster, self.account)

    def _failure(self, why: str = "") -> DatabaseError:
        return cluster.failure(self.home, why + "\n".join(self._said().splitlines()[-8:]))

    def _said(self) -> str:
        """What PostgreSQL wrote to the log since it was last started."""
        with self.home.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")


def _socket_folder(home: Home, owner: Account, state: State) -> Path:
    """The private folder of the socket: the one remembered if it still is as we made it, else a new one."""
    remembered = Path(state.socket_folder)
    if state.socket_folder and _is_private(remembered, owner):
        return remembered
    places = [Path("/run")] if os.geteuid() == 0 else []
    places += [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108 (mkdtemp makes a folder of its own, 0700)
    short = [p for p in places if os.access(p, os.W_OK) and len(os.fsencode(p)) < _LONGEST_FOLDER - 20]
    if not short:
        raise cluster.failure(home, f"No folder for its socket: none of {', '.join(map(str, places))} can be written.")
    folder = Path(tempfile.mkdtemp(prefix="samklang-", dir=short[0]))
    if owner.is_other:
        os.chown(folder, owner.uid, owner.gid)
    home.write_state(replace(state, socket_folder=str(folder)))
    return folder


def _is_private(folder: Path, owner: Account) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700 and found.st_uid == owner.uid


def _answer(reply: dict[str, str]) -> None:
    """Tell the starter, and let go of its pipe."""
    with contextlib.suppress(BrokenPipeError):  # the starter is gone; so is its lock, and the loop will notice
        print(json.dumps(reply), flush=True)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stdout.fileno())
    os.close(silence)


def main() -> NoReturn:
    home, settings = Home(Path(sys.argv[1])), json.loads(sys.argv[2])
    os.chdir("/")
    stop_asked: list[int] = []
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda sign, frame: stop_asked.append(sign))
    mine = home.keeper()
    try:
        mine.wait(seconds=10)  # others may just be looking whether it is free
        keeper = Keeper(home, settings)
        running = keeper.start()
    except (DatabaseError, OSError) as error:
        named = error if isinstance(error, DatabaseError) else cluster.failure(home, str(error))
        _answer({"error": type(named).__name__, "message": str(named)})
        sys.exit(1)
    _answer({})
    keeper.keep(running, home.users(), stop_asked)
    sys.exit(0)


if __name__ == "__main__":
    main()
