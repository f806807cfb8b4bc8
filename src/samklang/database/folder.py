"""The database's part of the data folder: where things lie, who holds what, what is remembered.

Locks are the kernel's (`flock`), so they vanish with their process however it dies; no pid is ever trusted.
"""

import contextlib
import fcntl
import getpass
import json
import os
import stat
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from samklang.database.errors import InUse, NotEnterable

#: Seconds a starter waits for another one, or for a database on its way out (which writes a checkpoint).
PATIENCE = 90.0


@dataclass(frozen=True)
class State:
    """What must outlive a process: `state.json` (0600), readable by the owner of the folder only."""

    password: str
    #: The private folder of the Unix socket, short because a socket's path may have 107 bytes only.
    socket_folder: str = ""


class Lock:
    """A `flock` on one file, shared or exclusive, until `release` or the end of the process."""

    def __init__(self, path: Path, home: "Home") -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        home.own(path)

    def take(self, *, shared: bool = False) -> bool:
        """Take the lock if it is free, without waiting; False if it is not."""
        try:
            fcntl.flock(self._file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def wait(self, *, shared: bool = False, seconds: float = PATIENCE) -> None:
        """Take the lock, waiting for it up to `seconds`. Raises InUse when it stays taken."""
        end = time.monotonic() + seconds
        while not self.take(shared=shared):
            if time.monotonic() > end:
                raise InUse(
                    f"{self.path.parent} is in use: for {seconds:.0f} s another process has been starting or"
                    " stopping this database. Wait for it to finish, or end it, and try again."
                )
            time.sleep(0.02)

    def release(self) -> None:
        """Let go, in forked children too; harmless when done before."""
        if self._file >= 0:
            fcntl.flock(self._file, fcntl.LOCK_UN)
            os.close(self._file)
            self._file = -1


@dataclass(frozen=True)
class Home:
    """The folder `postgres` below the data folder."""

    data: Path

    @property
    def path(self) -> Path:
        return self.data / "postgres"

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.path / "cluster"

    @property
    def log(self) -> Path:
        """What PostgreSQL and its keeper have to say; no content of the database."""
        return self.path / "log"

    def starting(self) -> Lock:
        """Held by whoever starts the database, so that two starters go one after the other."""
        return Lock(self.path / "starting.lock", self)

    def keeper(self) -> Lock:
        """Held by the keeper as long as it lives."""
        return Lock(self.path / "keeper.lock", self)

    def users(self) -> Lock:
        """Held *shared* by everybody who uses the database. Whoever can take it alone knows nobody does."""
        return Lock(self.path / "users.lock", self)

    def is_kept(self) -> bool:
        """True while a keeper lives."""
        return not _is_free(self.keeper())

    def is_shared(self) -> bool:
        """True while somebody uses the database; False also when a keeper has taken the lock to stop it."""
        return not _is_free(self.users()) and _is_free(self.users(), shared=True)

    def prepare(self) -> None:
        """Make the folder if needed. Modes of folders that are not ours stay as they are.

        Raises NotEnterable when it cannot be made or entered.
        """
        try:
            fresh = not self.data.exists()
            self.data.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0 and (fresh or self._holds_only_ours()):
                # The account PostgreSQL runs as passes through here; what is inside has tighter modes.
                self.data.chmod(stat.S_IMODE(self.data.stat().st_mode) | 0o111)
            if not self.path.exists():
                with contextlib.suppress(FileExistsError):
                    self.path.mkdir(mode=0o711)
                    self.path.chmod(0o711)
                    owner = self.data.stat()
                    self._give(self.path, owner.st_uid, owner.st_gid)
            if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(13, "not writable", str(self.path))
        except PermissionError as error:
            raise NotEnterable(
                f"The data folder {self.data} cannot be used by {_me()}: {error.filename} is closed to it."
                " Run as the folder's owner, or set SAMKLANG_DATA to another folder."
            ) from error
        except (FileExistsError, NotADirectoryError) as error:
            raise NotEnterable(
                f"The data folder {self.data} cannot be made: {error.filename} is a file, not a folder."
                " Set SAMKLANG_DATA to another place."
            ) from error

    def read_state(self) -> State | None:
        """What is remembered, None where nothing is yet. Raises NotEnterable when it is not ours to read."""
        try:
            return State(**json.loads((self.path / "state.json").read_text()))
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise NotEnterable(
                f"{error.filename} belongs to another account. Run as the owner of {self.data}, or set"
                " SAMKLANG_DATA to another folder."
            ) from error

    def write_state(self, state: State) -> None:
        """Replace what is remembered, whole or not at all."""
        draft = self.path / "state.json.new"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(state), file)
            file.flush()
            os.fsync(file.fileno())
        self.own(draft)
        draft.replace(self.path / "state.json")

    def own(self, path: Path) -> None:
        """Give what root made here to the folder's owner, so that he can go on without root."""
        owner = self.path.stat()
        if path.stat().st_uid != owner.st_uid:
            self._give(path, owner.st_uid, owner.st_gid)

    def _holds_only_ours(self) -> bool:
        return {entry.name for entry in self.data.iterdir()} <= {"postgres", "keys"}

    @staticmethod
    def _give(path: Path, uid: int, gid: int) -> None:
        if os.geteuid() == 0:
            os.chown(path, uid, gid)


def _is_free(lock: Lock, *, shared: bool = False) -> bool:
    try:
        return lock.take(shared=shared)
    finally:
        lock.release()


def _me() -> str:
    try:
        return f"'{getpass.getuser()}'"
    except (OSError, KeyError):  # an account without a name, as containers have
        return f"account {os.geteuid()}"
