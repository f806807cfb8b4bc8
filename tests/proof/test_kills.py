"""`kill -9`, five times, in the middle of the first run of a real calendar: the result is as without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from tests.installation import ACCOUNT, ACCOUNT_PASSWORD, APP, PASSWORD, SECRET, TENANT, ApiRefused, User
from tests.proof.both_sides import activities, here, there
from tests.proof.calendars import Reading, part_of, the_file
from tests.sandbox_client import Sandbox
from tests.serve.test_serve import SOURCE, Served, eventually, serving

NOW = datetime(2014, 1, 2, 9, tzinfo=UTC)
OWN_ZONE = "Africa/Johannesburg"
ADDRESS = "nomsa@example.org"
KILLS = 5


class OverHttp(User):
    """A user who speaks to a server that runs as it does for real."""

    def __init__(self, address: str, email: str, token: str) -> None:
        self.email, self._more, self._address = email, "", address
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        answer = self._session.request(method, self._address + path, json=body, params=query, timeout=120)
        if answer.status_code >= 400:
            raise ApiRefused(answer.status_code, answer.text)
        self._more = answer.headers.get("NextPageToken", "")
        return answer.json() if answer.content else None


@pytest.fixture
def database(database_url: str) -> Iterator[str]:
    """An empty database of its own."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create database killed")
    yield database_url.replace("/samklang?", "/killed?")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop database killed with (force)")


@pytest.mark.parametrize(
    ("protocol", "every"),
    [("ews", 24), pytest.param("graph", 6, marks=pytest.mark.full), pytest.param("ews", 1, marks=pytest.mark.full)],
)
def test_a_first_run_that_is_killed_five_times_ends_the_same(
    sandbox: Sandbox, database: str, protocol: str, every: int
) -> None:
    text = part_of(the_file("work-4778-events.ics").read_bytes(), every)
    tenant = _prepare(sandbox, protocol)
    sandbox.mailbox(ADDRESS, zone=OWN_ZONE, **tenant)
    loaded = sandbox.load_ics(ADDRESS, text.decode(), protocol)
    rejected = {one["uid"] for one in loaded["rejected"] if "RECURRENCE-ID" not in one["reason"]}
    expected = Reading(text, OWN_ZONE, rejected).table(NOW).brought
    settings = _settings(sandbox) | {"DATABASE_URL": database}
    with serving(**settings) as served:
        nomsa = _switched_on(served, settings, sandbox, protocol)
        for number in range(1, KILLS + 1):
            wanted = expected.total() * number // (KILLS + 1)
            assert eventually(lambda wanted=wanted: _links(nomsa) >= wanted or _is_done(nomsa))  # type: ignore[misc]
            assert not _is_done(nomsa), "it was over before it could be killed"
            killed = served.kill("worker")
            assert served.is_replaced("worker", killed)
        end = time.monotonic() + 300
        while not _is_done(nomsa) and time.monotonic() < end:
            time.sleep(0.5)
        assert _is_done(nomsa)
        brought = Counter(one["name"].strip() for one in activities(nomsa))
        assert brought == expected, (brought - expected, expected - brought)
        assert _links(nomsa) == expected.total()
        two_years = NOW + timedelta(days=730)
        assert here(nomsa, NOW, two_years) == there(sandbox, ADDRESS, NOW, two_years)
        sandbox.zero_counts()
        again = json.loads(_samklang(served, settings, "sync", "run", "--user", ADDRESS, "--json"))
        assert again["psa"] == again["exchange"] == {"created": 0, "updated": 0, "deleted": 0}
        assert sandbox.counts(ADDRESS)["writes"] == {"create": 0, "update": 0, "delete": 0}


def _prepare(sandbox: Sandbox, protocol: str) -> dict[str, str]:
    sandbox.set_clock(NOW, running=False)
    if protocol == "ews":
        sandbox.account(ACCOUNT, ACCOUNT_PASSWORD)
        return {}
    app = {"client_id": APP, "secret": SECRET, "consented": True, "roles": ["Calendars.ReadWrite", "User.Read.All"]}
    sandbox.tenant(TENANT, domains=["example.org"], apps=[app])
    return {"tenant": TENANT}


def _settings(sandbox: Sandbox) -> dict[str, str]:
    return {
        "SAMKLANG_TEST_MODE": "1",
        "SAMKLANG_TEST_CLOCK": NOW.isoformat(),
        "SAMKLANG_ALLOW_PRIVATE_ADDRESSES": "1",
        "SAMKLANG_CA_FILE": sandbox.ca_file,
        "SAMKLANG_GRAPH_URL": sandbox.graph,
        "SAMKLANG_LOGIN_URL": sandbox.login,
        "SAMKLANG_APP_ID": APP,
        "SAMKLANG_APP_SECRET": SECRET,
    }


def _switched_on(served: Served, settings: dict[str, str], sandbox: Sandbox, protocol: str) -> OverHttp:
    with _secret(PASSWORD) as file:
        who = ("--email", ADDRESS, "--name", "Nomsa", "--org", "Works", "--admin", "--zone", OWN_ZONE)
        _samklang(served, settings, "user", "add", *who, "--password-file", file)
    token = _samklang(served, settings, "user", "token", ADDRESS).strip()
    if protocol == "ews":
        domain, account = ACCOUNT.split("\\")
        where = ("--url", sandbox.ews, "--domain", domain, "--username", account)
        with _secret(ACCOUNT_PASSWORD) as file:
            _samklang(served, settings, "connection", "set", "--version", "2013", *where, "--password-file", file)
    else:
        _samklang(served, settings, "connection", "set", "--version", "office365", "--tenant", TENANT)
    _samklang(served, settings, "connection", "test")
    _samklang(served, settings, "connection", "enable")
    nomsa = OverHttp(served.address, ADDRESS, token)
    nomsa.switches_on()
    return nomsa


def _samklang(served: Served, settings: dict[str, str], *arguments: str) -> str:
    environment = os.environ | settings | {"SAMKLANG_DATA": str(served.data), "PYTHONPATH": SOURCE}
    command = [sys.executable, "-m", "samklang", *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def _links(nomsa: OverHttp) -> int:
    return int(nomsa.ask("GET", "/api/me/calendar-sync")["links"])


def _is_done(nomsa: OverHttp) -> bool:
    return bool(nomsa.ask("GET", "/api/me/calendar-sync")["first_run_done"])


@contextmanager
def _secret(text: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "secret"
        path.write_text(text)
        yield str(path)
