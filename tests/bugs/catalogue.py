"""The seeded bugs: read from the *.toml files beside this one.

A bug is a table `[[bug]]`: `name` (what is broken, in words), `file`, `old` (stands there once), `new`, and `tests`
(words for pytest: those meant to see it, files first). Optional: `rule`, the number of the rule it breaks ("7.3").
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Bug:
    name: str
    file: str
    old: str
    new: str
    tests: list[str]
    rule: str = ""
    #: Name of the catalogue file.
    area: str = ""

    @property
    def id(self) -> str:
        """Changes with the seed."""
        told = "\0".join([self.name, self.file, self.old, self.new, *self.tests])
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    @property
    def files(self) -> list[str]:
        """Test files and folders that are to see it."""
        return [word.split("::")[0] for word in self.tests if word.startswith("tests/")]

    @property
    def chosen(self) -> str:
        """Which of their tests (pytest's -k); "": all."""
        return self.tests[self.tests.index("-k") + 1] if "-k" in self.tests else ""


def areas() -> list[str]:
    return [file.stem for file in sorted(Path(__file__).parent.glob("*.toml"))]


def bugs(chosen: list[str] | None = None) -> list[Bug]:
    """Those of the areas chosen; all without a choice. Raises ValueError for an area that is none."""
    unknown = set(chosen or ()) - set(areas())
    if unknown:
        raise ValueError(f"There are no bugs of {', '.join(sorted(unknown))}; there are: {', '.join(areas())}")
    found = []
    for area in chosen or areas():
        tables = tomllib.loads((Path(__file__).parent / f"{area}.toml").read_text())["bug"]
        found += [Bug(**table, area=area) for table in tables]
    return found
