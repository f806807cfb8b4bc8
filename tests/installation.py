"""Samklang beside a sandbox, spoken to as its operator and its users do: by command line and HTTP, in this process.

Nothing here reaches behind those surfaces. Django's test client stands for HTTP and `main` for a process of its own;
`tests.proof` shows the same with real processes.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import connection
from django.test import Client

from samklang.cli import main
from samklang.config import config
from tests.sandbox_client import Sandbox

PASSWORD = "correct horse battery"
ZONE = "Europe/Stockholm"
TENANT = "5a3c1a9e-0000-4000-8000-00000000f1fe"
APP, SECRET = "5a3c1a9e-0000-4000-8000-0000000000a1", "the-app's-secret"
ACCOUNT, ACCOUNT_PASSWORD = "CONTOSO\\sync", "the-account's-password"
PROTOCOLS = ("ews", "graph")


class ApiRefused(AssertionError):
    """An HTTP answer that is no success."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Installation:
    """One organization on Exchange (`ews`) or Office 365 (`graph`), whose server is the sandbox.

    Both clocks stand still at `now` until a test moves them. `server` is the version of the Exchange Server, as the
    sandbox names it.
    """

    def __init__(
        self, sandbox: Sandbox, protocol: str, now: datetime, domain: str = "example.org", *, server: str = "se"
    ) -> None:
        self.sandbox, self.protocol, self.domain, self.server = sandbox, protocol, domain, server
        self._before = dict(os.environ)
        self.settings(
            DATABASE_URL=database_url(),
            SAMKLANG_ALLOW_PRIVATE_ADDRESSES="1",
            SAMKLANG_CA_FILE=sandbox.ca_file,
            SAMKLANG_GRAPH_URL=sandbox.graph,
            SAMKLANG_LOGIN_URL=sandbox.login,
            SAMKLANG_APP_ID=APP,
            SAMKLANG_APP_SECRET=SECRET,
        )
        self.set_clock(now)
        if protocol == "ews":
            sandbox.server(server)
            sandbox.account(ACCOUNT, ACCOUNT_PASSWORD)
        else:
            self.microsoft_knows_us()

    def close(self) -> None:
        os.environ.clear()
        os.environ.update(self._before)
        config.cache_clear()

    def settings(self, **values: str) -> None:
        os.environ.update(values)
        config.cache_clear()

    def microsoft_knows_us(self, *, consented: bool = True, secret: str = SECRET, **more: Any) -> None:
        roles = ["Calendars.ReadWrite", "User.Read.All"]
        app = {"client_id": APP, "secret": secret, "consented": consented, "roles": roles}
        self.sandbox.tenant(TENANT, domains=[self.domain], apps=[app], **more)

    def forget_authority(self) -> None:
        """The sandbox's test authority is no longer trusted."""
        os.environ.pop("SAMKLANG_CA_FILE")
        config.cache_clear()

    def forget_tokens(self) -> None:
        """Microsoft's tokens live an hour; what was withdrawn shows when they are no longer taken."""
        if self.protocol == "graph":
            self.sandbox.fault("token_invalid", {"protocol": "graph"})

    # -- time
    def set_clock(self, now: datetime) -> None:
        self.now = now.astimezone(UTC)
        self.sandbox.set_clock(self.now, running=False)
        self.settings(SAMKLANG_TEST_CLOCK=self.now.isoformat())

    def later(self, **delta: float) -> None:
        self.set_clock(self.now + timedelta(**delta))

    # -- the operator
    def command(self, *arguments: str) -> Said:
        """`samklang ARGUMENTS`."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(list(arguments))
            except SystemExit as end:
                status = int(end.code or 0)
        return Said(status, out.getvalue(), err.getvalue())

    def done(self, *arguments: str) -> Said:
        """A command that must succeed."""
        said = self.command(*arguments)
        assert said.status == 0, (arguments, said)
        return said

    @staticmethod
    @contextlib.contextmanager
    def a_file(text: str) -> Iterator[Path]:
        """A calendar file with this text."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "calendar.ics"
            path.write_text(text, encoding="utf-8", newline="")
            yield path

    def with_secret(self, secret: str, *arguments: str) -> Said:
        """A command whose --password-file holds this."""
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(secret)
            file.flush()
            return self.done(*arguments, "--password-file", file.name)

    def add_user(self, email: str, name: str, organization: str, *flags: str, zone: str = ZONE) -> User:
        self.with_secret(
            PASSWORD, "user", "add", "--email", email, "--name", name, "--org", organization, "--zone", zone, *flags
        )
        return User(self, email, self.done("user", "token", email).out.strip())

    def connect(self, organization: str, *, password: str = ACCOUNT_PASSWORD, types: str = "all") -> None:
        """Save the settings of a connection, test it, switch it on."""
        here = ("--org", organization)
        if self.protocol == "ews":
            domain, account = ACCOUNT.split("\\")
            address = ("--url", self.sandbox.ews, "--domain", domain, "--username", account)
            version, _, _pack = self.server.partition("_")
            self.with_secret(password, "connection", "set", "--version", version, *address, "--types", types, *here)
        else:
            self.done("connection", "set", "--version", "office365", "--tenant", TENANT, "--types", types, *here)
        self.done("connection", "test", *here)
        self.done("connection", "enable", *here)

    def mailbox(self, address: str, *, zone: str = ZONE, **details: Any) -> None:
        tenant = {"tenant": TENANT} if self.protocol == "graph" else {}
        self.sandbox.mailbox(address, zone=zone, **tenant, **details)


class User:
    """A person with a personal access token."""

    def __init__(self, installation: Installation, email: str, token: str) -> None:
        self.installation, self.email, self.token = installation, email, token
        self._client = Client(HTTP_AUTHORIZATION=f"Bearer {token}")
        self._more = ""

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """One HTTP request. Raises ApiRefused."""
        arguments = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        answer = self._client.generic(method, path, query_params=query, **arguments)
        content = json.loads(answer.content) if answer.content else None
        if answer.status_code >= 400:
            raise ApiRefused(answer.status_code, content)
        self._more = answer.headers.get("NextPageToken", "")
        return content

    def fetch(self, path: str) -> bytes:
        """A file."""
        return b"".join(self._client.get(path))

    def pages(self, path: str, **query: Any) -> list[Any]:
        """All rows of a paged list of the Severa-compatible API."""
        rows, token = [], {}
        while True:
            rows += self.ask("GET", path, rowCount=100, **query, **token)
            if not self._more:
                return rows
            token = {"pageToken": self._more}

    def switches_on(self) -> None:
        """… and takes the first plan unseen."""
        self.ask("PUT", "/api/me/calendar-sync", {"on": True, "accept": True})

    def runs(self, *flags: str) -> dict[str, Any]:
        """`samklang sync run --json`, whatever came of it."""
        return dict(self.installation.command("sync", "run", "--user", self.email, "--json", *flags).json)

    def status(self) -> dict[str, Any]:
        return dict(self.installation.command("sync", "status", "--user", self.email, "--json").json)


def database_url() -> str:
    """Where Django's test database is: commands look whether it answers."""
    at = connection.settings_dict
    who = f"{quote(at['USER'])}:{quote(at['PASSWORD'], safe='')}"
    return f"postgresql://{who}@/{at['NAME']}?host={at['HOST']}&port={at['PORT']}"
