"""Seed each bug of the *.toml files beside this one into a copy of the project and see that its tests fail.

    ./run bugs              all of them
    ./run bugs jobs         those of jobs.toml
    ./run bugs --list

A bug is a table `[[bug]]`: `name` (what is broken, in words), `file`, `old` (stands there once), `new`, and `tests`
(words for pytest). Before that the tests must pass as they are, or their failing would tell nothing.
Exit status 1 when a bug went unnoticed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Seconds the tests of one bug may take.
_LONGEST = 600.0


@dataclass(frozen=True)
class Bug:
    name: str
    file: str
    old: str
    new: str
    tests: list[str]


def read(areas: list[str]) -> list[Bug]:
    files = sorted(Path(__file__).parent.glob("*.toml"))
    chosen = [file for file in files if not areas or file.stem in areas]
    if not chosen:
        sys.exit(f"There are no bugs of {', '.join(areas)}; there are: {', '.join(file.stem for file in files)}")
    return [Bug(**table) for file in chosen for table in tomllib.loads(file.read_text())["bug"]]


def copy(target: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    for kept in (".venv-oracles", "tests/oracles/node_modules"):
        if (ROOT / kept).exists():
            (target / kept).symlink_to(ROOT / kept)


def passes(project: Path, tests: list[str]) -> bool:
    """Whether the tests pass; a bug that makes them hang is noticed as well."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--no-header", *tests],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said, _ = process.communicate(timeout=_LONGEST)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.communicate()
        return False
    if process.returncode not in (0, 1):
        sys.exit(f"pytest {' '.join(tests)} could not run:\n{said[-3000:]}")
    return process.returncode == 0


def is_noticed(project: Path, bug: Bug) -> bool:
    path = project / bug.file
    right = path.read_text()
    if right.count(bug.old) != 1:
        sys.exit(f"{bug.name}: its place in {bug.file} is found {right.count(bug.old)} times; mend the seed.")
    path.write_text(right.replace(bug.old, bug.new))
    try:
        return not passes(project, bug.tests)
    finally:
        path.write_text(right)


def main() -> int:
    words = sys.argv[1:]
    bugs = read([word for word in words if not word.startswith("-")])
    if "--list" in words:
        print("\n".join(f"{bug.file}: {bug.name}" for bug in bugs))
        return 0
    unnoticed = 0
    with tempfile.TemporaryDirectory(prefix="samklang-bugs-") as folder:
        project = Path(folder)
        copy(project)
        for tests in {tuple(bug.tests) for bug in bugs}:
            if not passes(project, list(tests)):
                sys.exit(f"These tests fail without any bug: {' '.join(tests)}")
        for bug in bugs:
            noticed = is_noticed(project, bug)
            unnoticed += not noticed
            print(f"{'noticed  ' if noticed else 'UNNOTICED'}  {bug.name}", flush=True)
    print(f"{len(bugs)} bugs seeded, {unnoticed} went unnoticed")
    return 1 if unnoticed else 0


sys.exit(main())
