"""Domain time comes from `samklang.clock` alone: a test clock must reach everything that reckons with dates."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "samklang"

#: What reads the system's clock, as it is written.
READERS = {
    *(f"{module}.{name}" for module in ("datetime", "datetime.datetime") for name in ("now", "utcnow", "today")),
    *(f"{module}.{name}" for module in ("date", "datetime.date") for name in ("today",)),
    "timezone.now",
    "timezone.localtime",
    "timezone.localdate",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
}

#: Where real time is meant, and why.
REAL_TIME = {
    "clock.py": "is the clock",
    "connectors/graph/auth.py": "the server's tokens expire in real time",
    "connectors/graph/openid.py": "so do its ID tokens",
    "accounts/throttle.py": "sign-in throttling counts real minutes",
    "sandbox/": "a server of its own, with a clock of its own",
}


def readings(source: str) -> Iterator[tuple[int, str]]:
    """(line, what) for each call that reads the system's clock."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in READERS:
            yield node.lineno, ast.unparse(node.func)


def test_nothing_but_the_clock_reads_the_clock() -> None:
    found = []
    for path in SOURCE.rglob("*.py"):
        name = path.relative_to(SOURCE).as_posix()
        if not name.startswith(tuple(REAL_TIME)):
            found += [f"{name}:{line} {what}" for line, what in readings(path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "datetime.date.today()",
        "timezone.now()",
        "time.time()",
    ],
)
def test_a_reading_is_noticed(line: str) -> None:
    assert list(readings(f"if True:\n    x = {line}\n")) == [(2, line.partition("(")[0])]


def test_each_exception_still_exists() -> None:
    for name in REAL_TIME:
        paths = (SOURCE / name).rglob("*.py") if name.endswith("/") else [SOURCE / name]
        assert any(list(readings(path.read_text())) for path in paths), name
