"""The files of the database: made once, whole or not at all; opened only by the version that made them."""

import os
import shutil
from pathlib import Path

from samklang.database.account import Account
from samklang.database.errors import DatabaseError, DiskFull, OtherVersion, StartFailed
from samklang.database.folder import Home, State
from samklang.database.programs import Programs

#: The role the application uses: owns its database, may make others (the tests do), is no superuser.
ROLE = "samklang"
NAME = "samklang"

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    # People's titles and texts must not reach a log: neither statements nor the values in error details.
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


def ensure(home: Home, account: Account, programs: Programs, state: State) -> None:
    """Make the cluster if there is none. Raises OtherVersion, DiskFull, NotEnterable, StartFailed."""
    account.must_enter(home.path)
    if home.cluster.exists():
        _check_version(home.cluster, programs)
        return
    draft = home.path / "cluster.new"
    try:
        shutil.rmtree(draft, ignore_errors=True)  # left by a start that was killed
        draft.mkdir(mode=0o700)
        if account.is_other:
            os.chown(draft, account.uid, account.gid)
        _initdb(draft, account, programs)
        _make_role(draft, account, programs, state.password)
        draft.rename(home.cluster)
    except OSError as error:
        raise failure(home, str(error)) from error


def command(home: Home, programs: Programs, socket_folder: Path, settings: dict[str, str]) -> list[str]:
    """The command line that runs PostgreSQL on this cluster, on its Unix socket alone."""
    line = [str(programs / "postgres"), "-D", str(home.cluster), "-k", str(socket_folder)]
    for name, value in (_SETTINGS | settings).items():
        line += ["-c", f"{name}={value}"]
    return line


def failure(home: Home, said: str) -> DatabaseError:
    """The named error for what a program or the system said."""
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return DiskFull(
            f"No space is left where {home.data} stands, and the database needs some to start."
            " Free some, or move the folder to a larger disk and set SAMKLANG_DATA. Nothing is lost."
        )
    if "database files are incompatible" in said:
        return OtherVersion(f"The database in {home.cluster} was made by another version of PostgreSQL. {said}")
    return StartFailed(f"PostgreSQL did not start in {home.path}. It said:\n{said.strip() or '(nothing)'}")


def _check_version(cluster: Path, programs: Programs) -> None:
    mark = cluster / "PG_VERSION"
    made_by = mark.read_text().strip() if mark.exists() else "an unknown version"
    if made_by != str(programs.major):
        raise OtherVersion(
            f"The database in {cluster} was made by PostgreSQL {made_by}; the programs here are of"
            f" {programs.version} ({programs.folder}). Go back to the release of Samklang that made it, back it"
            " up there and restore the backup with this one, or run pg_upgrade. Nothing was changed."
        )


def _initdb(folder: Path, account: Account, programs: Programs) -> None:
    # The superuser's password is thrown away: nobody needs it, and single-user mode can set a new one.
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    if programs.major < 17:
        locale = ["--locale=C.UTF-8"]
    line: list[str | Path] = [
        programs / "initdb",
        "-D",
        folder,
        "--username=postgres",
        "--encoding=UTF8",
        *locale,
    ]
    # `reject` until the role has a password; the real rules are written by _make_role.
    done = account.run([*line, "--auth=reject", "--data-checksums", "--no-instructions"])
    if done.returncode:
        raise OSError(done.stderr or done.stdout)


def _make_role(folder: Path, account: Account, programs: Programs, password: str) -> None:
    """Make role and database in single-user mode: no socket is open while there is no password yet."""
    orders = (
        f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}'\n"
        f"CREATE DATABASE {NAME} OWNER {ROLE}\n"
        f"GRANT pg_monitor TO {ROLE}\n"
    )
    single: list[str | Path] = [programs / "postgres", "--single", "-D", folder]
    for name in ("password_encryption", "log_statement", "log_min_error_statement"):
        single += ["-c", f"{name}={_SETTINGS[name]}"]
    done = account.run([*single, "postgres"], text=orders)
    if done.returncode or "ERROR:" in done.stderr:
        raise OSError(done.stderr.replace(password, "…") or done.stdout)
    rules = folder / "pg_hba.conf"
    rules.write_text("# Written by Samklang: the Unix socket, with a password.\nlocal all all scram-sha-256\n")
