"""What is installed is locked, named and justified, and the lock files serve any mirror."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETS = ("runtime", "test", "oracles", "uv")
NPM_LOCKS = ("package-lock.json", "tests/oracles/package-lock.json")


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def asked_for(name: str) -> dict[str, str]:
    """{package: pin or ""} of one requirement set."""
    lines = (ROOT / f"requirements/{name}.in").read_text().splitlines()
    wanted = [re.match(r"([\w.-]+)(?:\[.*?\])?(==\S+)?$", line) for line in lines if not line.startswith(("#", "-"))]
    assert all(wanted), lines
    return {plain(match[1]): match[2] or "" for match in wanted if match}


def locked(name: str) -> dict[str, list[str]]:
    """{package==version: hashes} of one lock file."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / f"requirements/{name}.txt").read_text().splitlines():
        if match := re.match(r"([\w.-]+)==([^\s;\\]+)", line):
            current = found.setdefault(f"{plain(match[1])}=={match[2]}", [])
        elif "--hash=" in line:
            current += re.findall(r"--hash=sha256:[0-9a-f]{64}", line)
    return found


@pytest.mark.parametrize("name", SETS)
def test_every_locked_package_has_hashes(name: str) -> None:
    assert locked(name)
    assert [package for package, hashes in locked(name).items() if not hashes] == []


@pytest.mark.parametrize("name", SETS)
def test_what_is_asked_for_is_locked_as_asked(name: str) -> None:
    have = locked(name)
    for package, pin in asked_for(name).items():
        assert any(one == package + pin if pin else one.startswith(f"{package}==") for one in have), package


def test_tests_run_with_the_versions_that_are_shipped() -> None:
    """The sets are installed together: a package in both must have one version."""
    shipped = dict(one.split("==") for one in locked("runtime"))
    for package, version in (one.split("==") for one in locked("test")):
        assert shipped.get(package, version) == version, package


@pytest.mark.parametrize("file", [*(f"requirements/{name}.txt" for name in SETS), *NPM_LOCKS])
def test_lock_files_hold_no_addresses(file: str) -> None:
    assert re.findall(r"\w+://\S+|--(?:extra-)?index\S*|--find-links\S*", (ROOT / file).read_text()) == []


def test_the_package_asks_for_what_runtime_locks() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {plain(re.split(r"[\[<>=]", one)[0]) for one in project["dependencies"]}
    assert named == set(asked_for("runtime"))


def test_every_dependency_is_justified_in_one_line_and_no_other_is() -> None:
    rows = re.findall(r"^\| ([\w.-]+) \| (\S.*) \|$", (ROOT / "docs/dependencies.md").read_text(), re.M)
    justified = {plain(name) for name, _ in rows} - {"package"}
    needed: set[str] = set()
    for lock in NPM_LOCKS:
        asked = json.loads((ROOT / lock).with_name("package.json").read_text())
        needed |= {*asked["dependencies"], *asked.get("devDependencies", {})}
    for name in SETS:
        needed |= set(asked_for(name))
    assert justified == {plain(name) for name in needed}
