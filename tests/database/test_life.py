"""One data folder, one database: started once, shared, recovered, and gone when its last user is."""

import os
import signal
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from samklang import database
from samklang.database import account, cluster, programs
from samklang.database.folder import Home
from tests.database.conftest import (
    User,
    eventually,
    keeper_of,
    not_new,
    nothing_runs,
    postmaster_of,
    processes_of,
    read,
    start_user,
    write,
)

Start = Callable[[], User]


def test_what_was_written_is_there_at_the_next_start_and_nothing_runs_in_between(data: Path) -> None:
    with database.ensure(data) as first:
        write(first.url, "kept")
    assert processes_of(data) == {}

    with database.ensure(data) as second:
        assert read(second.url) == ["kept"]


@not_new
def test_it_listens_on_no_port_but_on_a_private_socket(data: Path) -> None:
    with database.ensure(data) as running, psycopg.connect(running.url) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)
        folder = Path(connection.info.host)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(next(folder.glob(".s.PGSQL.*[0-9]")).stat().st_mode) == 0o700
    assert not folder.exists()


@pytest.mark.full
@not_new
def test_it_lets_nobody_in_without_the_password(data: Path) -> None:
    with database.ensure(data) as running:
        for wrong in (
            psycopg.conninfo.make_conninfo(running.url, password="guess"),
            psycopg.conninfo.make_conninfo(running.url, user="postgres", password="postgres"),
        ):
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(wrong)
    rules = (Home(data).cluster / "pg_hba.conf").read_text().splitlines()
    assert [rule for rule in rules if not rule.startswith("#")] == ["local all all scram-sha-256"]


@not_new
def test_the_application_is_no_superuser_but_may_make_databases_for_tests(data: Path) -> None:
    with database.ensure(data) as running, psycopg.connect(running.url) as connection:
        rights = "select rolsuper, rolcreatedb from pg_roles where rolname = current_user"
        assert connection.execute(rights).fetchone() == (False, True)


@not_new
def test_the_password_is_for_the_folders_owner_only(data: Path) -> None:
    with database.ensure(data):
        pass
    assert stat.S_IMODE((Home(data).path / "state.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(Home(data).log.stat().st_mode) == 0o600
    assert stat.S_IMODE(Home(data).cluster.stat().st_mode) == 0o700


@pytest.mark.full
@not_new
def test_its_log_holds_no_content(data: Path) -> None:
    with database.ensure(data) as running:
        write(running.url, "Dentist")
        with psycopg.connect(running.url, autocommit=True) as connection:
            connection.execute("create unique index on note (text)")
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("insert into note values ('Dentist')")
    said = Home(data).log.read_text()
    assert "duplicate key" in said
    assert "Dentist" not in said


def test_two_starters_at_once_share_one_database(data: Path) -> None:
    both = [start_user(data) for _ in range(2)]
    urls = {user.process.stdout.readline() for user in both}  # type: ignore[union-attr]

    assert len(urls) == 1
    assert "postgresql://" in urls.pop()
    assert sorted(processes_of(data).values()).count("keeper") == 1
    for user in both:
        user.leave()
    assert nothing_runs(data)


@not_new
def test_it_stays_until_its_last_user_leaves(data: Path, another_user: Start) -> None:
    other = another_user()
    with database.ensure(data) as ours:
        write(ours.url, "ours")
    assert read(other.url) == ["ours"]

    other.leave()
    assert processes_of(data) == {}


@not_new
def test_another_process_joins_a_running_database_by_its_folder(data: Path, another_user: Start) -> None:
    other = another_user()
    with database.attach(data) as joined:
        assert joined.url == other.url == database.running_url(data)


@pytest.mark.parametrize("used_before", [True, pytest.param(False, marks=pytest.mark.full)])
def test_joining_a_database_that_does_not_run_is_a_named_error(data: Path, used_before: bool) -> None:
    if used_before:
        database.ensure(data).stop()
    with pytest.raises(database.NotRunning, match=r"[Ss]tart Samklang"):
        database.attach(data)
    assert database.running_url(data) is None


def test_a_role_on_the_folder_is_held_by_one_process_and_named_to_the_next(data: Path) -> None:
    mine = database.claim(data, "serve")
    with pytest.raises(database.InUse, match=rf"in use.*serve.*process {os.getpid()}"):
        database.claim(data, "serve")
    mine.release()
    database.claim(data, "serve").release()


@not_new
def test_a_killed_application_leaves_nothing_running_and_loses_nothing(data: Path, another_user: Start) -> None:
    user = another_user()
    write(user.url, "before the kill")
    user.kill()

    assert nothing_runs(data)
    with database.ensure(data) as again:
        assert read(again.url) == ["before the kill"]


@not_new
def test_a_killed_keeper_takes_its_database_along(data: Path, another_user: Start) -> None:
    user = another_user()
    write(user.url, "kept")
    os.kill(keeper_of(data), signal.SIGKILL)

    assert nothing_runs(data)
    with database.ensure(data) as again:
        assert read(again.url) == ["kept"]


@not_new
def test_keeper_and_application_killed_together_leave_nothing_running(data: Path, another_user: Start) -> None:
    user = another_user()
    os.kill(keeper_of(data), signal.SIGKILL)
    user.kill()
    assert nothing_runs(data)


@not_new
def test_a_killed_database_is_started_again_at_the_same_address(data: Path) -> None:
    with database.ensure(data) as running:
        write(running.url, "committed")
        killed = postmaster_of(data)
        os.kill(killed, signal.SIGKILL)

        assert eventually(lambda: processes_of(data).get(killed) is None and _answers(running.url))
        assert postmaster_of(data) != killed
        assert read(running.url) == ["committed"]


@pytest.mark.full
@not_new
def test_everything_killed_at_once_is_cleaned_up_at_the_next_start(data: Path, another_user: Start) -> None:
    user = another_user()
    write(user.url, "committed")
    keeper, postmaster = keeper_of(data), postmaster_of(data)
    os.kill(keeper, signal.SIGSTOP)
    os.kill(postmaster, signal.SIGKILL)
    os.kill(keeper, signal.SIGKILL)
    user.kill()
    assert (Home(data).cluster / "postmaster.pid").exists()

    with database.ensure(data) as again:
        assert read(again.url) == ["committed"]


@pytest.mark.full
@not_new
def test_a_stale_number_that_is_now_another_process_does_not_stop_the_start(data: Path) -> None:
    with database.ensure(data) as running:
        write(running.url, "kept")
    runs_as = account.choose(Home(data).cluster)
    bystander = subprocess.Popen(["/bin/sleep", "60"], **runs_as.options())
    stale = Home(data).cluster / "postmaster.pid"
    stale.write_text(f"{bystander.pid}\n{Home(data).cluster}\n0\n5432\n/nowhere\n\n0 0\nready\n")

    with database.ensure(data) as again:
        assert read(again.url) == ["kept"]
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


@not_new
def test_a_live_database_without_a_keeper_is_adopted(data: Path) -> None:
    with database.ensure(data) as running:
        write(running.url, "kept")
    orphan = _run_without_keeper(data)
    assert eventually(lambda: _says_ready(data))

    with database.ensure(data) as adopted:
        assert postmaster_of(data) == orphan.pid
        assert read(adopted.url) == ["kept"]
    assert orphan.wait(30) == 0


def test_a_long_path_is_no_hindrance(folder: Path) -> None:
    data = folder / ("long" * 30) / ("longer" * 30) / "data"
    with database.ensure(data) as running:
        write(running.url, "kept")
        assert read(running.url) == ["kept"]
    assert processes_of(data) == {}


def test_a_first_start_that_was_killed_half_way_is_begun_again(data: Path) -> None:
    Home(data).prepare()
    half = Home(data).path / "cluster.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")

    with database.ensure(data) as running:
        write(running.url, "whole")
    assert not half.exists()


def _run_without_keeper(data: Path) -> "subprocess.Popen[bytes]":
    home = Home(data)
    runs_as = account.choose(home.cluster)
    state = home.read_state()
    assert state
    socket_folder = Path(state.socket_folder)
    socket_folder.mkdir(mode=0o700)
    if runs_as.is_other:
        os.chown(socket_folder, runs_as.uid, runs_as.gid)
    line = cluster.command(home, programs.find(home, runs_as), socket_folder, {})
    return subprocess.Popen(line, stderr=subprocess.DEVNULL, **runs_as.options())


def _says_ready(data: Path) -> bool:
    pid_file = Home(data).cluster / "postmaster.pid"
    return pid_file.exists() and "ready" in pid_file.read_text()


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True
