"""A data folder that the database's account can enter, and users of the database in their own processes."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from samklang.database import ensure
from samklang.database.folder import Home

SOURCE = Path(__file__).parents[2] / "src"
#: For what is not about the first start.
not_new = pytest.mark.usefixtures("used")

_USE = """
import sys
from pathlib import Path
from samklang.database import ensure
database = ensure(Path(sys.argv[1]))
print(database.url, flush=True)
sys.stdin.read()
database.stop()
"""


@dataclass
class User:
    """Another process that uses the database of a data folder until it is told to leave, or is killed."""

    process: "subprocess.Popen[str]"
    url: str

    def leave(self) -> None:
        self.process.communicate("")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder for one test. (pytest's own tmp_path lies in a folder closed to other accounts.)"""
    path = Path(tempfile.mkdtemp(prefix="samklang-test-"))
    path.chmod(0o711)
    yield path
    end_processes_in(path)
    shutil.rmtree(path)


@pytest.fixture
def data(folder: Path) -> Path:
    """Where nothing was started yet."""
    return folder / "data"


@pytest.fixture(scope="session")
def made() -> Iterator[Path]:
    """A folder whose database was made, and ran, and was stopped."""
    path = Path(tempfile.mkdtemp(prefix="samklang-made-"))
    path.chmod(0o711)
    ensure(path / "data").stop()
    yield path / "data"
    shutil.rmtree(path)


@pytest.fixture
def used(data: Path, made: Path) -> Path:
    """`data`, used before: a start takes a tenth of the time of a first one."""
    subprocess.run(["cp", "-a", made, data], check=True)
    return data


@pytest.fixture
def another_user(data: Path) -> Iterator[Callable[[], User]]:
    """Start a process that uses the database of `data`."""
    users: list[User] = []

    def start() -> User:
        user = start_user(data)
        user.url = user.process.stdout.readline().strip()  # type: ignore[union-attr]
        users.append(user)
        return user

    yield start
    for user in users:
        user.kill()


def start_user(data: Path) -> User:
    process = subprocess.Popen(
        [sys.executable, "-c", _USE, str(data)],
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return User(process, "")


def processes_of(data: Path) -> dict[int, str]:
    """The live processes of this folder's database: {pid: "keeper" or "postgres"}."""
    found = {}
    cluster = Home(data).cluster
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                continue
            words = (process / "cmdline").read_bytes().decode().split("\0")
            if "samklang.database.keeper" in words and str(data) in words:
                found[int(process.name)] = "keeper"
            elif (process / "cwd").samefile(cluster):
                found[int(process.name)] = "postgres"
    return found


def keeper_of(data: Path) -> int:
    return next(pid for pid, what in processes_of(data).items() if what == "keeper")


def postmaster_of(data: Path) -> int:
    return int((Home(data).cluster / "postmaster.pid").read_text().split()[0])


def eventually(condition: Callable[[], bool]) -> bool:
    """True as soon as the condition holds; False when it does not in half a minute."""
    end = time.monotonic() + 30
    while not (held := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return held


def nothing_runs(data: Path) -> bool:
    return eventually(lambda: not processes_of(data))


def end_processes_in(path: Path) -> None:
    for pid in processes_of(path / "data"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def write(url: str, text: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists note (text text)")
        connection.execute("insert into note values (%s)", [text])


def read(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("select text from note")]
