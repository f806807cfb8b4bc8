"""A Samklang served as in production, beside the sandbox, for a browser."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.sandbox_client import Sandbox

ROOT = Path(__file__).resolve().parents[2]
APP = {"client_id": "5a3c1a9e-0000-4000-8000-0000000000a1", "secret": "the-apps-secret"}


@dataclass
class Site:
    address: str
    sandbox: Sandbox


@contextmanager
def served(database_url: str, sandbox: Sandbox, ews: str = "") -> Iterator[Site]:
    """With a database and a data folder of its own, furnished by `tests.web.browser_site`; `ews`: connected to it."""
    listen = f"127.0.0.1:{_free_port()}"  # known before it starts: Microsoft sends people back there
    database = f"browser_{os.getpid()}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"create database {database}")
    with tempfile.TemporaryDirectory(prefix="samklang-browser-") as data:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SAMKLANG_TEST")}
        environment |= {
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
            "DATABASE_URL": re.sub(r"/[^/?]+(\?|$)", rf"/{database}\1", database_url, count=1),
            "SAMKLANG_DATA": data,
            "SAMKLANG_LISTEN": listen,
            "SAMKLANG_PUBLIC_URL": f"http://{listen}",
            "SAMKLANG_GRAPH_URL": sandbox.graph,
            "SAMKLANG_LOGIN_URL": sandbox.login,
            "SAMKLANG_CONSENT_URL": sandbox.pages + "/login",
            "SAMKLANG_APP_ID": APP["client_id"],
            "SAMKLANG_APP_SECRET": APP["secret"],
            "SAMKLANG_CA_FILE": sandbox.ca_file,
            "SAMKLANG_ALLOW_PRIVATE_ADDRESSES": "1",
            "SAMKLANG_POLL_SECONDS": "3",
        }
        subprocess.run([sys.executable, "-m", "tests.web.browser_site", ews], env=environment, check=True)
        serve = subprocess.Popen(
            [sys.executable, "-m", "samklang", "serve"], env=environment, stderr=subprocess.PIPE, text=True
        )
        try:
            assert serve.stderr is not None
            found = next(match for line in serve.stderr if (match := re.search(r"http://\S+", line)))
            yield Site(found.group(), sandbox)
        finally:
            serve.terminate()
            serve.wait(60)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"drop database {database} with (force)")


def _free_port() -> int:
    with socket.socket() as any_free:
        any_free.bind(("127.0.0.1", 0))
        return int(any_free.getsockname()[1])
