"""Which system account runs PostgreSQL: it refuses to run as root, so root hands it to one without login."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samklang.database.errors import NotEnterable, StartFailed

#: Made by us where possible: an account shared with other services could read our files.
OURS = "samklang"
_INSTEAD = ("postgres", "nobody")
_SAFE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Account:
    """Who runs the programs; `name` is for messages."""

    name: str
    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """True when root must step down to become this account."""
        return self.uid != os.geteuid()

    def options(self) -> dict[str, Any]:
        """What `subprocess` needs to run a program as this account, with nothing of our environment."""
        options: dict[str, Any] = {"cwd": "/", "env": {"PATH": _SAFE_PATH, "LC_ALL": "C", "TZ": "UTC"}}
        if self.is_other:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def run(self, command: Sequence[str | Path], text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program as this account, feed it `text`, wait for it; never raises for its exit status."""
        return subprocess.run(  # noqa: S603 (our own commands)
            [str(part) for part in command],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            **self.options(),
        )

    def can_enter(self, folder: Path) -> bool:
        """True when this account may pass into the folder; asked of the kernel, so access lists count too."""
        if not self.is_other:
            return os.access(folder, os.X_OK)
        return self.run(["/bin/sh", "-c", 'cd "$1"', "sh", folder]).returncode == 0

    def must_enter(self, folder: Path) -> None:
        """Raises NotEnterable naming the first folder on the way that is closed to this account."""
        if self.can_enter(folder):
            return
        closed = next(part for part in [*reversed(folder.parents), folder] if not self.can_enter(part))
        raise NotEnterable(
            f"PostgreSQL runs as account '{self.name}', which may not enter {closed}, and so not {folder}."
            " Set SAMKLANG_DATA to a folder it can reach, such as one below /var/lib, or allow it:"
            f" chmod o+x {closed}"
        )


def choose(cluster: Path) -> Account:
    """The account for this cluster: its owner if it exists; ourselves; or, for root, one without login."""
    if os.geteuid() != 0:
        return _named(os.geteuid(), os.getegid())
    if cluster.exists() and cluster.stat().st_uid != 0:
        owner = cluster.stat()
        return _named(owner.st_uid, owner.st_gid)
    if not _exists(OURS):
        _create()
    for name in (OURS, *_INSTEAD):
        if _exists(name):
            entry = pwd.getpwnam(name)
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise StartFailed(
        "PostgreSQL does not run as root, and there is no other account to run it as. Start Samklang as an"
        f" ordinary user, or make an account: useradd --system --user-group --shell /usr/sbin/nologin {OURS}"
    )


def _create() -> None:
    """Make a system account without login, password or home. Where that cannot be, another one serves."""
    useradd = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    try:
        subprocess.run(  # noqa: S603
            [*useradd, "--shell", "/usr/sbin/nologin", "--comment", "Samklang database", OURS],
            capture_output=True,
            check=False,
            timeout=20,
            env={"PATH": _SAFE_PATH},
        )
    except (OSError, subprocess.TimeoutExpired):
        return


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _named(uid: int, gid: int) -> Account:
    try:
        return Account(pwd.getpwuid(uid).pw_name, uid, gid)
    except KeyError:
        return Account(str(uid), uid, gid)
