"""`./run` is sound, quick when nothing changed, and names what is missing instead of skipping it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What every machine has; neither Node nor Chromium nor apt.
PLAIN_TOOLS = ("sh", "cat", "cksum", "dirname", "find", "flock", "id", "mkdir", "mktemp", "rm", "sed", "sort", "tail")


def run(*words: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "./run", *words], cwd=folder, env=os.environ | environment, capture_output=True, text=True
    )


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A machine with plain tools only, and a clone on it whose Python environment stands already."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in PLAIN_TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (tools / tool).symlink_to(found)
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("run", "requirements", "package.json", "package-lock.json", "vite.config.js"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, clone / name)
    shutil.copytree(ROOT / "src/samklang/web/assets", clone / "src/samklang/web/assets")
    (clone / ".venv").symlink_to(sys.prefix)
    return clone


def on_bare(clone: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run(*words, folder=clone, PATH=str(clone.parent / "bin"))


def tool(clone: Path, name: str, script: str) -> None:
    path = clone.parent / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_it_is_plain_shell() -> None:
    for shell in ("sh", "dash", "bash"):
        if shutil.which(shell):
            assert subprocess.run([shell, "-n", ROOT / "run"], check=False).returncode == 0


def test_help_names_every_command_and_an_unknown_one_is_wrong_use() -> None:
    said = run("help").stdout
    for verb in ("demo", "serve", "test", "check", "prove", "bugs", "bench", "samklang", "setup", "lock"):
        assert f"./run {verb}" in said
    wrong = run("fly")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "no command 'fly'" in wrong.stderr


def test_the_build_server_runs_the_test_command_of_the_readme() -> None:
    lines = (ROOT / ".ci/run").read_text().splitlines()
    assert lines[-1] == 'exec "$(dirname "$0")/../run" test'
    assert os.access(ROOT / ".ci/run", os.X_OK)
    readme = ROOT / "README.md"
    assert not readme.exists() or "./run test" in readme.read_text()


def test_set_up_does_nothing_when_nothing_changed() -> None:
    assert run("setup").returncode == 0
    again = run("setup")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_node_that_is_missing_is_named_with_what_mends_it(bare: Path) -> None:
    done = on_bare(bare, "setup")
    assert done.returncode == 1
    assert "Node 20 or newer" in done.stderr
    assert "found: none" in done.stderr
    assert "sudo apt install nodejs npm" in done.stderr


def test_node_that_is_too_old_is_named_with_what_mends_it(bare: Path) -> None:
    tool(bare, "npm", "exit 0")
    tool(bare, "node", '[ "$1" = --version ] && echo v18.20.4; exit 1')
    done = on_bare(bare, "setup")
    assert done.returncode == 1
    assert "found: v18.20.4" in done.stderr


def test_chromium_that_is_missing_stops_the_tests_and_is_named(bare: Path) -> None:
    done = on_bare(bare, "test")
    assert done.returncode == 1
    assert "sudo apt install chromium" in done.stderr


def test_python_that_is_missing_is_named_with_what_mends_it(bare: Path) -> None:
    (bare / ".venv").unlink()
    done = on_bare(bare, "setup")
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr


def test_a_missing_venv_module_is_named_with_what_mends_it(bare: Path) -> None:
    (bare / ".venv").unlink()
    tool(bare, "python3", 'case "$1" in -m) exit 1 ;; *) exit 0 ;; esac')
    done = on_bare(bare, "setup")
    assert done.returncode == 1
    assert "sudo apt install python3-venv" in done.stderr
    assert not (bare / ".venv").exists()


def test_what_is_missing_is_installed_where_root_and_apt_allow(bare: Path) -> None:
    (bare.parent / "bin/id").unlink()
    tool(bare, "id", "echo 0")
    tool(bare, "apt-get", f'echo "$@" >>{bare}/installed; exit 1')
    on_bare(bare, "test")
    assert "install -y --no-install-recommends chromium" in (bare / "installed").read_text()


def test_a_linked_environment_is_left_alone(bare: Path) -> None:
    on_bare(bare, "setup")
    assert (bare / ".venv").is_symlink()
