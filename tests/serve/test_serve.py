"""`samklang serve` as one process tree: started, watched and ended in order, and nothing survives it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import requests

from samklang.database import running_url

SOURCE = str(Path(__file__).parents[2] / "src")


@dataclass
class Served:
    """A running `samklang serve` with a data folder of its own."""

    data: Path
    process: subprocess.Popen[bytes]
    address: str = ""

    def said(self) -> str:
        """What it wrote to standard error so far."""
        return (self.data / "said").read_text()

    def answers(self) -> bool:
        """True when the web server and, behind it, the database answer."""
        try:
            with requests.Session() as session:
                session.trust_env = False
                return session.get(f"{self.address}/sign-in", timeout=20).status_code == 200
        except requests.RequestException:
            return False

    def parts(self) -> dict[str, int]:
        return parts(self.data)

    def kill(self, part: str) -> int:
        pid = self.parts()[part]
        os.kill(pid, signal.SIGKILL)
        return pid

    def is_replaced(self, part: str, killed: int) -> bool:
        return eventually(lambda: self.parts().get(part, killed) != killed)


def parts(data: Path) -> dict[str, int]:
    """The processes that work on this data folder by name, as far as they live."""
    found: dict[str, int] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
            name = None if state == "Z" else _name(data, process, Path("/proc", parent))
            if name:
                found[name] = max(found.get(name, 0), int(process.name))
    return found


def _name(data: Path, process: Path, parent: Path) -> str | None:
    words = (process / "cmdline").read_bytes().decode().split("\0")
    if "samklang.database.keeper" in words and str(data) in words:
        return "keeper"
    if str(data / "postgres/cluster") in words:
        return "database"
    if f"SAMKLANG_DATA={data}" not in (process / "environ").read_bytes().decode().split("\0"):
        return None
    if "gunicorn" in words:
        return "web's own worker" if b"gunicorn" in (parent / "cmdline").read_bytes() else "web"
    return words[3] if words[1:3] == ["-m", "samklang"] else None


def eventually(condition: Callable[[], bool]) -> bool:
    """True as soon as the condition holds; False when it does not within a minute."""
    end = time.monotonic() + 60
    while not (held := condition()) and time.monotonic() < end:
        time.sleep(0.1)
    return held


def start(data: Path, **settings: str) -> subprocess.Popen[bytes]:
    with (data / "said").open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "samklang", "serve"], env=environment(data, **settings), stderr=said
        )


def environment(data: Path, **settings: str) -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    given |= {"SAMKLANG_DATA": str(data), "SAMKLANG_LISTEN": "127.0.0.1:0", **settings}
    return given | {"PYTHONPATH": os.pathsep.join(filter(None, [SOURCE, os.environ.get("PYTHONPATH")]))}


@contextlib.contextmanager
def serving(**settings: str) -> Iterator[Served]:
    data = Path(tempfile.mkdtemp(prefix="samklang-serve-"))
    data.chmod(0o711)
    process = start(data, **settings)
    served = Served(data, process)
    try:
        assert eventually(lambda: "listening on" in served.said() or process.poll() is not None)
        address = re.search(r"listening on (http://\S+)", served.said())
        assert address, served.said()
        served.address = address[1]
        assert eventually(served.answers), served.said()
        yield served
    finally:
        process.kill()
        process.wait()
        eventually(lambda: not served.parts())
        for survivor in served.parts().values():  # of a defect; the test has said so
            os.kill(survivor, signal.SIGKILL)
        shutil.rmtree(data)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as one:
        yield one


def test_it_is_one_tree_of_database_web_and_worker(served: Served) -> None:
    assert eventually(
        lambda: set(served.parts()) == {"serve", "keeper", "database", "web", "web's own worker", "worker"}
    )


def test_a_worker_of_ones_own_joins_and_leaves(served: Served) -> None:
    def workers() -> int:
        with psycopg.connect(running_url(served.data) or "") as connection:
            row = connection.execute("select count(*) from procrastinate_workers").fetchone()
            return row[0] if row else 0

    assert eventually(lambda: workers() == 1)
    second = subprocess.Popen([sys.executable, "-m", "samklang", "worker"], env=environment(served.data))
    assert eventually(lambda: workers() == 2)
    second.terminate()
    assert second.wait(60) == 0
    assert workers() == 1


@pytest.mark.parametrize("part", ["web", "web's own worker", "worker", "database", "keeper"])
def test_a_part_that_is_killed_is_started_again(served: Served, part: str) -> None:
    assert eventually(lambda: part in served.parts())
    killed = served.kill(part)
    assert served.is_replaced(part, killed)
    assert eventually(served.answers)
    assert served.process.poll() is None


def test_a_second_one_on_the_same_data_folder_is_refused(served: Served) -> None:
    assert start(served.data).wait(60) == 3
    said = served.said()
    assert f"'samklang serve' already runs there (process {served.process.pid})" in said
    assert "SAMKLANG_DATA" in said
    assert served.answers()


def test_an_address_that_is_taken_is_a_named_error(served: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert start(served.data, SAMKLANG_LISTEN=address).wait(60) == 3
    assert f"cannot listen on {address} (SAMKLANG_LISTEN)" in served.said()


def test_told_to_stop_it_ends_web_then_worker_then_database() -> None:
    with serving() as one:
        assert eventually(lambda: "worker" in one.parts())
        one.process.terminate()
        while (alive := _in_order(one)) and one.process.poll() is None:
            assert alive == sorted(alive), "the earlier ones are gone first"
        assert one.process.wait(60) == 0
        assert eventually(lambda: not one.parts())


def test_killed_it_leaves_nothing_running() -> None:
    with serving() as one:
        one.process.kill()
        one.process.wait()
        assert eventually(lambda: not one.parts())


@pytest.mark.full
def test_with_a_database_of_ones_own_it_starts_none(database_url: str) -> None:
    name = "of_ones_own"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    try:
        with serving(DATABASE_URL=database_url.replace("/samklang?", f"/{name}?")) as one:
            assert not {"keeper", "database"} & set(one.parts())
            one.process.send_signal(signal.SIGINT)
            assert one.process.wait(60) == 0
    finally:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")


def _in_order(one: Served) -> list[bool]:
    """Whether web, worker and database live; asked from the last to go on, so that what is seen was so at once."""
    database, worker, web = ("database" in one.parts(), "worker" in one.parts(), "web" in one.parts())
    return [web, worker, database]


def test_a_database_that_does_not_answer_is_a_named_error(tmp_path: Path) -> None:
    url = "postgresql://samklang:secret@127.0.0.1:9/samklang"
    done = subprocess.run(
        [sys.executable, "-m", "samklang", "user", "list"],
        env=environment(tmp_path, DATABASE_URL=url),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert done.stderr.startswith("samklang: The database of DATABASE_URL cannot be reached: ")
    assert "secret" not in done.stderr


@pytest.mark.full
def test_a_command_of_its_own_starts_the_database_and_ends_it() -> None:
    data = Path(tempfile.mkdtemp(prefix="samklang-serve-"))
    done = subprocess.run([sys.executable, "-m", "samklang", "user", "list"], env=environment(data))
    assert done.returncode == 0
    assert parts(data) == {}
    shutil.rmtree(data)
