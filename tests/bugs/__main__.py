"""Seed each bug of the *.toml files beside this one into a copy of the project and see that its tests fail.

    ./run bugs              all of them
    ./run bugs jobs sync    those of jobs.toml and sync.toml
    ./run bugs --list       name them
    ./run bugs --write      … and write docs/bugs.md

Each bug meets only the tests meant to see it; those must pass without it, or their failing would tell nothing. What
survives meets all tests, while the time lasts. Interrupted, the next call goes on where this one stopped, as long as
neither the code nor the tests changed (`--again` begins anew). Exit status 1 when a bug went unnoticed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from samklang.database import ensure
from tests.bugs.catalogue import ROOT, Bug, bugs
from tests.bugs.workshop import Outcome, Workshop

STATE = ROOT / "var/bugs.json"
REPORT = ROOT / "docs/bugs.md"
#: Seconds the tests of one bug may take.
_LONGEST = 600.0
#: Share of bugs that must be noticed for the tests to count (docs/proof.md).
DEMANDED = 0.95
#: How a bug was noticed; "": it was not.
BY_ITS_TESTS, BY_OTHERS, UNNOTICED, MISTAKEN = "noticed", "noticed by other tests", "UNNOTICED", "MISTAKEN SEED"


def fingerprint() -> str:
    """Of all code and tests but the seeds."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "src", "tests", "pyproject.toml"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    digest = hashlib.sha256()
    for name in sorted(filter(None, listed.split("\0"))):
        if not name.startswith("tests/bugs/") and (ROOT / name).is_file():
            digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    return digest.hexdigest()


@dataclass
class Findings:
    """What is known so far, kept on disk after each bug."""

    code: str
    results: dict[str, str] = field(default_factory=dict)
    #: Baseline runs that passed.
    sound: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, *, again: bool) -> Findings:
        code = fingerprint()
        if STATE.exists() and not again:
            stored = json.loads(STATE.read_text())
            if stored["code"] == code:
                return cls(**stored)
        return cls(code)

    def save(self) -> None:
        STATE.parent.mkdir(exist_ok=True)
        draft = STATE.with_suffix(".draft")
        draft.write_text(json.dumps(vars(self)))
        draft.replace(STATE)


class Seeding:
    def __init__(self, chosen: list[Bug], findings: Findings, shops: list[Workshop], minutes: float) -> None:
        self._chosen, self._findings = chosen, findings
        self._idle: SimpleQueue[Workshop] = SimpleQueue()
        for shop in shops:
            self._idle.put(shop)
        self._pool = ThreadPoolExecutor(len(shops))
        self._end = time.monotonic() + 60 * minutes

    def go(self) -> None:
        waiting = [bug for bug in self._chosen if bug.id not in self._findings.results]
        for said in self._pool.map(self._is_sound, _baselines(waiting)):
            if said:
                sys.exit(f"These tests fail without any bug:\n{said[-3000:]}")
        list(self._pool.map(self._seed, waiting))
        list(self._pool.map(self._meets_all, [bug for bug in waiting if self._result(bug) == UNNOTICED]))
        self._pool.shutdown()

    def _result(self, bug: Bug) -> str:
        return self._findings.results.get(bug.id, "")

    def _is_sound(self, words: list[str]) -> str:
        """What the tests said if they fail as things are."""
        key = " ".join(words)
        if key in self._findings.sound:
            return ""
        shop = self._idle.get()
        try:
            if shop.test(words, _LONGEST) is not Outcome.PASSED:
                return shop.said or key
            self._findings.sound.append(key)
            self._findings.save()
            return ""
        finally:
            self._idle.put(shop)

    def _seed(self, bug: Bug) -> None:
        if not _applies(bug):
            self._found(bug, MISTAKEN)
            return
        shop = self._idle.get()
        try:
            with shop.seeded(bug):
                outcome = shop.test(["-x", *bug.tests], _LONGEST)
        finally:
            self._idle.put(shop)
        how = {Outcome.PASSED: UNNOTICED, Outcome.BROKEN: MISTAKEN}.get(outcome, BY_ITS_TESTS)
        self._found(bug, how)

    def _meets_all(self, bug: Bug) -> None:
        left = self._end - time.monotonic()
        if left < 60:
            return
        shop = self._idle.get()
        try:
            with shop.seeded(bug):
                outcome = shop.test(["-x", "-m", "not full and not browser", "tests"], min(left, 2 * _LONGEST))
        finally:
            self._idle.put(shop)
        if outcome is Outcome.FAILED:
            self._found(bug, BY_OTHERS)

    def _found(self, bug: Bug, how: str) -> None:
        print(f"{how:10}  {bug.area}: {bug.name}", flush=True)
        self._findings.results[bug.id] = how
        self._findings.save()


def _workshop(stack: ExitStack) -> Workshop:
    """With a folder and a PostgreSQL of its own, until the stack is closed."""
    folder, data = (stack.enter_context(tempfile.TemporaryDirectory(prefix="samklang-bugs-")) for _ in range(2))
    database = stack.enter_context(ensure(Path(data), settings={"fsync": "off", "synchronous_commit": "off"}))
    return Workshop(Path(folder), database.url)


def _applies(bug: Bug) -> bool:
    path = ROOT / bug.file
    return path.is_file() and path.read_text().count(bug.old) == 1


def _baselines(chosen: list[Bug]) -> list[list[str]]:
    """Every test that is to see a bug, in as few runs as there are files."""
    by_file: dict[str, set[str]] = defaultdict(set)
    for bug in chosen:
        for file in bug.files:
            by_file[file].add(bug.chosen)
    runs = []
    for file, expressions in sorted(by_file.items()):
        some = [] if "" in expressions else ["-k", " or ".join(f"({one})" for one in sorted(expressions))]
        runs.append([file, *some])
    return runs


def _table(chosen: list[Bug], results: dict[str, str]) -> list[str]:
    lines = ["| area | seeded | noticed |", "|---|---:|---:|"]
    seeded = Counter(bug.area for bug in chosen)
    noticed = Counter(bug.area for bug in chosen if results.get(bug.id) in (BY_ITS_TESTS, BY_OTHERS))
    lines += [f"| {area} | {count} | {noticed[area]} |" for area, count in sorted(seeded.items())]
    return [*lines, f"| **all** | {seeded.total()} | {noticed.total()} |"]


def _write(chosen: list[Bug], results: dict[str, str]) -> None:
    lines = [
        "# Seeded bugs",
        "",
        "Each was put into the code by itself and its tests were run (`./run bugs`); written by `./run bugs --write`.",
        "",
        *_table(chosen, results),
        "",
        "| area | bug | rule | file | |",
        "|---|---|---|---|---|",
        *(f"| {' | '.join(_row(bug, results))} |" for bug in chosen),
    ]
    REPORT.write_text("\n".join(lines) + "\n")


def _row(bug: Bug, results: dict[str, str]) -> list[str]:
    file = f"`{bug.file.removeprefix('src/samklang/')}`"
    return [bug.area, bug.name.replace("|", "\\|"), bug.rule, file, results.get(bug.id, "not run")]


def main() -> int:
    options = argparse.ArgumentParser(prog="./run bugs", description="Seeds known bugs one at a time.")
    options.add_argument("area", nargs="*", help="names of catalogue files; all without")
    options.add_argument("--list", action="store_true", help="name the bugs, run nothing")
    options.add_argument("--again", action="store_true", help="forget what earlier calls found")
    options.add_argument("--write", action="store_true", help="write docs/bugs.md")
    options.add_argument("--jobs", type=int, default=2, help="copies of the project to work in")
    options.add_argument("--minutes", type=float, default=45, help="survivors meet all tests while these last")
    asked = options.parse_args()
    try:
        chosen = bugs(asked.area)
    except ValueError as error:
        sys.exit(str(error))
    if asked.list:
        print("\n".join(f"{bug.area}: {bug.file}: {bug.name}" for bug in chosen))
        return 0
    findings = Findings.load(again=asked.again)
    with ExitStack() as stack:
        shops = [_workshop(stack) for _ in range(asked.jobs)]
        Seeding(chosen, findings, shops, asked.minutes).go()
    if asked.write:
        _write(chosen, findings.results)
    print("\n".join(_table(chosen, findings.results)))
    noticed = sum(findings.results.get(bug.id) in (BY_ITS_TESTS, BY_OTHERS) for bug in chosen)
    mistaken = sum(findings.results.get(bug.id) == MISTAKEN for bug in chosen)
    print(f"{len(chosen)} bugs seeded, {noticed} noticed, {mistaken} seeds mistaken")
    return 0 if noticed >= DEMANDED * len(chosen) and not mistaken else 1


if __name__ == "__main__":
    sys.exit(main())
