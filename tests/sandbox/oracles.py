"""Runs the clients nobody here wrote, each in its own environment and process, with JSON in and out.

A process serves one order per line for the whole session: starting one costs a second or two.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.graph_client import APP, SECRET, TENANT
from tests.sandbox_client import ROOT, Sandbox

_HOW = "`./run test` installs it."
_SCRIPTS = ROOT / "tests" / "oracles"
USER, PASSWORD = "CONTOSO\\sync", "correct horse"
ALICE = "alice@example.com"


def oracle_python() -> Path:
    """The interpreter of the oracles' environment; fails the test where it is missing."""
    found = ROOT / ".venv-oracles" / "bin" / "python"
    if not found.exists():
        pytest.fail(f"The environment of the oracles (.venv-oracles) is not there. {_HOW}")
    return found


def oracle_node() -> str:
    """Node, with the oracles' packages at hand."""
    node = shutil.which("node")
    if node is None or not (_SCRIPTS / "node_modules" / "ews-javascript-api").exists():
        pytest.fail(f"ews-javascript-api (tests/oracles/node_modules) is not there. {_HOW}")
    return node


@lru_cache
def _running(command: tuple[str, ...], ca_file: str) -> subprocess.Popen[str]:
    """One process per client and CA; it ends when its standard input does."""
    environment = os.environ | {"NODE_EXTRA_CA_CERTS": ca_file}
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment, bufsize=1
    )


def ask(command: list[str], order: dict[str, Any]) -> list[Any]:
    """Sends an order and waits for its line; the client's own words go to standard error."""
    process = _running(tuple(command), order["ca_file"])
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    assert line, f"{command[-1]} ended; see standard error"
    return list(json.loads(line))


def exchangelib(sandbox: Sandbox, *steps: dict[str, Any], **order: Any) -> list[Any]:
    """One result per step (see tests/oracles/exchangelib_client.py). Impersonates alice unless told otherwise."""
    return ask([str(oracle_python()), str(_SCRIPTS / "exchangelib_client.py")], _order(sandbox, steps, order))


def ews_javascript_api(sandbox: Sandbox, *steps: dict[str, Any], **order: Any) -> list[Any]:
    """The port of Microsoft's own client (see tests/oracles/ews_javascript_client.mjs)."""
    return ask([oracle_node(), str(_SCRIPTS / "ews_javascript_client.mjs")], _order(sandbox, steps, order))


def msgraph_sdk(sandbox: Sandbox, *steps: dict[str, Any], **order: Any) -> list[Any]:
    """Microsoft's own for Graph (see tests/oracles/msgraph_client.py)."""
    usual = {
        "graph": sandbox.graph,
        "login": sandbox.login,
        "ca_file": sandbox.ca_file,
        "tenant": TENANT,
        "client_id": APP,
        "secret": SECRET,
        "user": ALICE,
    }
    return ask([str(oracle_python()), str(_SCRIPTS / "msgraph_client.py")], usual | order | {"steps": list(steps)})


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
