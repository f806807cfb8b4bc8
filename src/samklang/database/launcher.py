"""Start the embedded database, or join the one that runs, and know when to let go."""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import quote

from samklang.database import account, cluster
from samklang.database.errors import NAMED, DatabaseError, InUse, NotRunning, StartFailed
from samklang.database.folder import PATIENCE, Home, Lock, State
from samklang.database.postmaster import says_ready

_LOG_LIMIT = 5_000_000
#: Our children among the keepers; usually one.
_keepers: list[subprocess.Popen[str]] = []


class Database:
    """A running database that stays up at least until `stop`, or until this process ends.

    Any number of processes may hold it at once; the last one to let go ends it. Usable in a `with` statement.
    """

    def __init__(self, home: Home, users: Lock) -> None:
        self._home = home
        self._users = users

    @property
    def url(self) -> str:
        """Its address in libpq's form, fit for DATABASE_URL and psycopg. Holds the password: not for logs."""
        state = self._home.read_state()
        if state is None:
            raise NotRunning(f"{self._home.path} is gone.")
        return _url(state)

    def is_running(self) -> bool:
        """False when its keeper died; `ensure` starts it again then, at the same address."""
        return self._home.is_kept()

    def stop(self) -> None:
        """Let go. If nobody else holds the database, it is stopped, and this returns when it is."""
        self._users.release()
        end = time.monotonic() + PATIENCE
        while self._home.is_kept():
            if self._home.is_shared():
                return
            if time.monotonic() > end:
                raise InUse(f"The database in {self._home.path} does not stop. See {self._home.log}.")
            time.sleep(0.02)
        _reap()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def ensure(data: Path, *, settings: dict[str, str] | None = None) -> Database:
    """Start the database of this data folder, or join it if it runs.

    `settings` are given to PostgreSQL if this call starts it (tests turn `fsync` off). Raises a DatabaseError
    that says what to do: InUse, OtherVersion, NotEnterable, DiskFull, NoPrograms, StartFailed.
    """
    home = Home(data.absolute())
    try:
        home.prepare()
        return _start_or_join(home, settings or {})
    except OSError as error:
        raise cluster.failure(home, str(error)) from error


def attach(data: Path) -> Database:
    """Join the database of this data folder. Raises NotRunning when nobody has started it."""
    home = Home(data.absolute())
    if not home.path.is_dir():
        raise NotRunning(f"{data} holds no database yet. Start Samklang there first.")
    users = home.users()
    if not (users.take(shared=True) and home.is_kept() and _becomes_ready(home)):
        users.release()
        raise NotRunning(f"The database in {home.path} is not running. Start Samklang (samklang serve) first.")
    return Database(home, users)


def is_reachable(data: Path) -> bool:
    """False when the account PostgreSQL would run as cannot come to this data folder, made or still to be made."""
    home = Home(data.absolute())
    runs_as = account.choose(home.cluster)
    return runs_as.can_enter(next(part for part in [home.data, *home.data.parents] if part.exists()))


def running_url(data: Path) -> str | None:
    """The address of this data folder's database if it runs now. It is held by nobody for the caller's sake."""
    home = Home(data.absolute())
    state = home.read_state()
    return _url(state) if state and home.is_kept() else None


def claim(data: Path, role: str) -> Lock:
    """Be the only one in a role on this data folder, such as "serve", until `release` or the process ends.

    Raises InUse naming the other one's process.
    """
    home = Home(data.absolute())
    home.prepare()
    path = home.path / f"{role}.lock"
    lock = Lock(path, home)
    if not lock.take():
        lock.release()
        raise InUse(
            f"The data folder {data} is in use: 'samklang {role}' already runs there"
            f" (process {path.read_text() or '?'}). Stop it first, or set SAMKLANG_DATA to another folder."
        )
    path.write_text(str(os.getpid()))
    return lock


def _url(state: State) -> str:
    socket = quote(state.socket_folder, safe="")
    return f"postgresql://{cluster.ROLE}:{quote(state.password, safe='')}@/{cluster.NAME}?host={socket}"


def _start_or_join(home: Home, settings: dict[str, str]) -> Database:
    starting, users = home.starting(), home.users()
    try:
        starting.wait()
        if home.read_state() is None:
            home.write_state(State(password=secrets.token_urlsafe(24)))
        users.wait(shared=True)  # a keeper on its way out holds it
        if not (home.is_kept() and _becomes_ready(home)):
            _start_keeper(home, settings)
    except BaseException:
        users.release()
        raise
    finally:
        starting.release()
    return Database(home, users)


def _start_keeper(home: Home, settings: dict[str, str]) -> None:
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    with _open_log(home) as log:
        keeper = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-m", "samklang.database.keeper", str(home.data), json.dumps(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
            start_new_session=True,  # an interrupt at the terminal is for the application, which then lets go
            text=True,
        )
    assert keeper.stdout is not None
    with keeper.stdout:
        said = keeper.stdout.readline()
    _keepers.append(keeper)
    if not said:
        raise StartFailed(f"The process that keeps the database in {home.path} ended at once. See {home.log}.")
    reply = json.loads(said)
    if reply:
        _reap()
        raise NAMED.get(reply["error"], DatabaseError)(reply["message"])


def _open_log(home: Home) -> BinaryIO:
    if home.log.exists() and home.log.stat().st_size > _LOG_LIMIT:
        home.log.replace(home.log.with_suffix(".old"))
    file = os.fdopen(os.open(home.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
    home.own(home.log)
    return file


def _reap() -> None:
    """Wait for the keepers we started that have let go of their lock, so that no zombie is left."""
    for keeper in list(_keepers):
        with contextlib.suppress(subprocess.TimeoutExpired):
            keeper.wait(timeout=5)
            _keepers.remove(keeper)


def _becomes_ready(home: Home) -> bool:
    """Wait for a database that is just recovering; False when its keeper went away instead.

    What the pid file says may be left over from processes that were just killed and are not quite gone, so the socket
    is asked too. Raises InUse when a keeper that lives on does not get it up.
    """
    end = time.monotonic() + PATIENCE
    while home.is_kept():
        if says_ready(home.cluster) and _answers(home):
            return True
        if time.monotonic() > end:
            raise InUse(f"The database in {home.path} is held by a process that does not get it up. See {home.log}.")
        time.sleep(0.05)
    return False


def _answers(home: Home) -> bool:
    state = home.read_state()
    if state is None:
        return False
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(f"{state.socket_folder}/.s.PGSQL.5432") == 0
