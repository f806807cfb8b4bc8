"""A copy of the project in which one bug at a time is seeded and tests are run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from tests.bugs.catalogue import ROOT, Bug

#: What is used as it stands, where it is.
_SHARED = (".venv-oracles", "node_modules", "tests/oracles/node_modules", "src/samklang/web/static/samklang/built")


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    #: Hung; for a bug as good as a failure.
    ENDLESS = "endless"
    #: The tests could not be run or there are none: the seed is mistaken.
    BROKEN = "broken"


class Workshop:
    """`database`: address of a PostgreSQL for its tests alone, which is not made anew for every bug."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self._database = database
        #: Whether the database is as the tests before left it: not after some that were cut off.
        self._is_tidy = False
        #: How often a file was changed: its time, by which Python tells whether it is the one it has compiled.
        self._changes = 0
        #: What the last tests said.
        self.said = ""
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        for shared in _SHARED:
            if (ROOT / shared).exists():
                (folder / shared).symlink_to((ROOT / shared).resolve())

    @contextmanager
    def seeded(self, bug: Bug) -> Iterator[None]:
        path = self.folder / bug.file
        right = path.read_text()
        self._write(path, right.replace(bug.old, bug.new))
        try:
            yield
        finally:
            self._write(path, right)

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text)
        self._changes += 1
        os.utime(path, (self._changes, self._changes))

    def test(self, words: list[str], seconds: float) -> Outcome:
        """Run pytest with these words, at most so long."""
        plain = ["-q", "-p", "no:cacheprovider", "--no-header", "--tb=line", "--reuse-db"]
        plain += [] if self._is_tidy else ["--create-db"]
        own = {"PYTHONPATH": str(self.folder / "src"), "DATABASE_URL": self._database}
        own |= {"PYTHONPYCACHEPREFIX": str(self.folder / "var/pycache"), "PYTHONDONTWRITEBYTECODE": ""}
        if (schemas := ROOT.parent / "shared/schemas").exists():
            # Beside the project, as it is; not beside the copy.
            own |= {"SAMKLANG_SCHEMAS": os.environ.get("SAMKLANG_SCHEMAS", str(schemas))}
        self._is_tidy = False
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *plain, *words],
            cwd=self.folder,
            env=os.environ | own,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            self.said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            return Outcome.ENDLESS
        except BaseException:
            _end(process)
            raise
        if process.returncode in (0, 1):
            self._is_tidy = True
            return Outcome.FAILED if process.returncode else Outcome.PASSED
        return Outcome.BROKEN


def _end(process: subprocess.Popen[str]) -> None:
    """With the servers the tests started: first asked, then not."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.communicate(timeout=10)
            return
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            return
