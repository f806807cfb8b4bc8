"""Runs the clients nobody here wrote, each in its own environment, with JSON in and out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox_client import ROOT, Sandbox

_HOW = "`./run test` installs it."
USER, PASSWORD = "CONTOSO\\sync", "correct horse"
ALICE = "alice@example.com"


def _python() -> Path:
    found = ROOT / ".venv-oracles" / "bin" / "python"
    if not found.exists():
        pytest.fail(f"The environment of the oracles (.venv-oracles) is not there. {_HOW}")
    return found


def ask(command: list[str], order: dict[str, Any]) -> list[Any]:
    environment = os.environ | {"NODE_EXTRA_CA_CERTS": order["ca_file"]}
    text = json.dumps(order)
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return list(json.loads(done.stdout))


def exchangelib(sandbox: Sandbox, *steps: dict[str, Any], **order: Any) -> list[Any]:
    """One result per step (see tests/oracles/exchangelib_client.py). Impersonates alice unless told otherwise."""
    script = str(ROOT / "tests" / "oracles" / "exchangelib_client.py")
    return ask([str(_python()), script], _order(sandbox, steps, order))


def ews_javascript_api(sandbox: Sandbox, *steps: dict[str, Any], **order: Any) -> list[Any]:
    """The port of Microsoft's own client (see tests/oracles/ews_javascript_client.mjs)."""
    folder = ROOT / "tests" / "oracles"
    node = shutil.which("node")
    if node is None or not (folder / "node_modules" / "ews-javascript-api").exists():
        pytest.fail(f"ews-javascript-api (tests/oracles/node_modules) is not there. {_HOW}")
    return ask([node, str(folder / "ews_javascript_client.mjs")], _order(sandbox, steps, order))


def _order(sandbox: Sandbox, steps: tuple[dict[str, Any], ...], given: dict[str, Any]) -> dict[str, Any]:
    usual = {
        "ews": sandbox.ews,
        "ca_file": sandbox.ca_file,
        "username": USER,
        "password": PASSWORD,
        "auth": "basic",
        "address": ALICE,
        "version": "2013_sp1",
    }
    return usual | given | {"steps": list(steps)}
