"""Counts what the sandboxes of a test run held to the official schemas, and fails the run for what did not fit.

Every request of our client and every answer of the sandbox has to be valid. Others, the oracles and the sandbox's own
tests, may send what they like. `./run test` puts the ledgers of its processes together: `python -m tests.ledger FILE…`.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

#: The name our client goes by (`connectors/http.py`).
OURS = "Samklang"
SETTING = "SAMKLANG_SANDBOX_LEDGER"


class Line(NamedTuple):
    """As `samklang.sandbox.validation` writes it. `violation` "": valid."""

    protocol: str
    version: str
    way: str
    operation: str
    client: str
    violation: str

    @property
    def is_wrong(self) -> bool:
        """Whether it must not be."""
        return bool(self.violation) and (self.way == "answer" or self.client == OURS)


def read(files: Iterable[Path]) -> Counter[Line]:
    """What was held to a schema, and how often."""
    written = (file.read_text(encoding="utf-8").splitlines() for file in files if file.exists())
    return Counter(Line(*line.split("\t")) for lines in written for line in lines)


def report(counted: Counter[Line]) -> Iterator[str]:
    """A table by protocol and version, and each thing that was wrong."""
    rows: dict[tuple[str, str], Counter[str]] = {}
    for line, times in counted.items():
        row = rows.setdefault((line.protocol, line.version), Counter())
        row[line.way if line.way == "answer" or line.client == OURS else "others"] += times
        row["wrong"] += times if line.is_wrong else 0
    total = sum(rows.values(), Counter[str]())
    yield f"{'held to the official schemas':32}{'our requests':>14}{'invalid':>9}{'answers':>10}{'others':>9}"
    for name, row in [*((" ".join(key), row) for key, row in sorted(rows.items())), ("all", total)]:
        yield f"{name:32}{row['request']:>14}{row['wrong']:>9}{row['answer']:>10}{row['others']:>9}"
    for line, times in counted.items():
        if line.is_wrong:
            yield f"INVALID {times} x {line.protocol} {line.version} {line.way} {line.operation}: {line.violation}"


def is_clean(counted: Counter[Line]) -> bool:
    return not any(line.is_wrong for line in counted)


def note(protocol: str, version: str, operation: str, violation: str) -> None:
    """A request of our client's that went to no sandbox."""
    line = Line(protocol, version, "request", operation, OURS, " ".join(violation.split()))
    with Path(os.environ[SETTING]).open("a", encoding="utf-8") as file:
        file.write("\t".join(line) + "\n")


# --- as a pytest plugin: one process of a test run
def _own() -> Counter[Line]:
    return read([Path(os.environ[SETTING])])


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.exitstatus == pytest.ExitCode.OK and not is_clean(_own()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counted = _own()
    if counted:
        terminalreporter.section("validated")
        for line in report(counted):
            terminalreporter.write_line(line)


def main(files: list[str]) -> int:
    counted = read(map(Path, files))
    print(*report(counted), sep="\n")
    if not counted:
        print("Nothing was validated: set SAMKLANG_SCHEMAS to the folder of the official schemas (docs/sandbox.md).")
    return 0 if is_clean(counted) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
