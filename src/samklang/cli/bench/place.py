"""Where the measurements are made: a sandbox, a database and people of our own, in a folder that goes afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samklang import database
from samklang.cli.output import Failure, open_database
from samklang.cli.sandbox_process import SandboxProcess

#: The Exchange's delegate account.
DOMAIN, DELEGATE, DELEGATE_PASSWORD = "FJORD", "sync", "bench-delegate"
TENANT = "5a3c1a9e-0000-4000-8000-00000000be4c"
APP = "5a3c1a9e-0000-4000-8000-0000000000b1"
SECRET = "known-to-nobody-else"  # noqa: S105  the sandbox's own, gone with it
_ROLES = ["Calendars.ReadWrite", "User.Read.All"]
#: A folder the database can be in, whoever runs this (root's database runs as an account without rights).
_FOLDERS = "/var/tmp"  # noqa: S108  mkdtemp makes a folder of our own in it

PROTOCOLS = ("ews", "graph")
_NAMES = {"ews": "EWS", "graph": "Graph"}


@dataclass(frozen=True)
class Run:
    """One `samklang sync run` in a process of its own."""

    report: dict[str, Any]
    #: Seconds on the clock, and of processor time, of the whole process.
    seconds: float
    cpu: float
    #: Peak resident memory of the process, bytes.
    peak: int


class Place:
    """Two organizations, one on Exchange 2013 and one on Office 365; people are added as they are needed."""

    def __init__(self, data: Path, sandbox: SandboxProcess) -> None:
        self.data = data
        self.urls = sandbox.urls
        self.control = sandbox.control
        #: PEM file with the sandbox's key and certificate.
        self.certificate = data / "sandbox" / "server.pem"
        self._people = 0

    def person(self, protocol: str) -> str:
        """A new user with an empty mailbox that his calendar is connected to, switched on. His address."""
        from samklang.accounts.models import Organization
        from samklang.clock import now
        from samklang.mailboxes import services

        organization = Organization.objects.get(name=_NAMES[protocol])
        address = self.member(organization, protocol)
        services.switch_on(self.user(address), now(), unseen=True)
        return address

    def member(self, organization: Any, protocol: str = "ews") -> str:
        """A new user of this organization, which is connected, with an empty mailbox that is not switched on."""
        from samklang.accounts import services as accounts
        from samklang.accounts.models import Role
        from samklang.mailboxes import services

        address = self.mailbox(protocol)
        password = os.urandom(16).hex()
        user = accounts.add_user(organization, address, "Person", password=password, role=Role.ADMINISTRATOR)
        connection = services.connection_of(organization)
        if not connection.enabled:
            self._connect(connection, protocol, user)
        return address

    def mailbox(self, protocol: str) -> str:
        """An empty mailbox that nobody synchronizes. Its address."""
        self._people += 1
        address = f"person{self._people}@{protocol}.example"
        mailbox = {"address": address, "name": "Person", "zone": "Europe/Stockholm"}
        self.control.post("/mailboxes", mailbox | ({"tenant": TENANT} if protocol == "graph" else {}))
        return address

    def fill_exchange(self, address: str, calendar: bytes) -> None:
        """Put a calendar into the mailbox, as if it had always been there."""
        protocol = address.partition("@")[2].partition(".")[0]
        self.control.post_text(f"/mailboxes/{address}/ics?protocol={protocol}", calendar)

    def fill_psa(self, address: str, calendar: bytes) -> None:
        from samklang.activities.ical import import_calendar

        import_calendar(self.user(address), calendar)

    def user(self, address: str) -> Any:
        from samklang.accounts.models import User

        return User.objects.with_address(address).get()

    def sync(self, address: str) -> Run:
        """Run this mailbox in a process of its own, as an operator would."""
        return measured(["-m", "samklang", "sync", "run", "--user", address, "--json"])

    def run(self, address: str) -> None:
        """Run this mailbox within this process. Raises Failure unless it goes well."""
        from samklang.wiring import run_mailbox

        report = run_mailbox(self.user(address).mailbox.pk, "operator")
        if report["error"] or report["set_aside"]:
            raise Failure(f"A run failed: {report}")

    def journal(self, address: str) -> dict[str, int]:
        """Writes journalled for this mailbox so far, by the side written to."""
        from samklang.mailboxes.models import JournalRow

        rows = JournalRow.objects.filter(mailbox__user__email=address)
        return {side: rows.filter(side=side).count() for side in ("psa", "exchange")}

    def counts(self, address: str) -> dict[str, Any]:
        counted: dict[str, Any] = self.control.get(f"/counts/{address}")
        return counted

    def forget_counts(self) -> None:
        self.control.delete("/counts")

    def _connect(self, connection: Any, protocol: str, user: Any) -> None:
        from samklang.mailboxes import services
        from samklang.wiring import test_connection

        values = {"version": "office365", "tenant": TENANT}
        if protocol == "ews":
            values = {"version": "2013", "domain": DOMAIN, "url": self.urls["ews"], "username": DELEGATE}
            values |= {"password": DELEGATE_PASSWORD, "auth": "ntlm"}
        services.save_connection(connection, values, by=user)
        failed = [step for step in test_connection(connection, user.email, by=user) if not step.ok]
        if failed:
            raise Failure(f"The sandbox refused: {failed[0].name}: {failed[0].sentence}")
        services.enable(connection, by=user)


@contextmanager
def place() -> Iterator[Place]:
    """Everything is started here and gone afterwards; settings of a real installation are neither read nor touched."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="samklang-bench-", dir=_FOLDERS)))
        folder.chmod(0o755)
        sandbox = stack.enter_context(SandboxProcess(folder / "sandbox"))
        sandbox.control.put(
            "/accounts", {"username": rf"{DOMAIN}\{DELEGATE}", "password": DELEGATE_PASSWORD, "impersonates": "*"}
        )
        sandbox.control.put("/server", {"version": "2013_sp1", "auth": ["ntlm", "basic"]})
        app = {"client_id": APP, "secret": SECRET, "consented": True, "roles": _ROLES}
        sandbox.control.put("/tenants", {"id": TENANT, "domains": ["graph.example"], "apps": [app]})
        (folder / "data").mkdir()
        _settings(folder / "data", sandbox)
        running = database.ensure(folder / "data")
        stack.callback(running.stop)
        os.environ["DATABASE_URL"] = running.url
        open_database(bring_up_to_date=True)
        _found_organizations()
        yield Place(folder, sandbox)


def _settings(data: Path, sandbox: SandboxProcess) -> None:
    """For this process and its children."""
    for name in [name for name in os.environ if name.startswith("SAMKLANG_")]:
        if name != "SAMKLANG_SCHEMAS":
            del os.environ[name]
    for name in ("DATABASE_URL", "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)
    os.environ.update(
        # No process but the first compiles what it imports, as on a machine in use.
        PYTHONPYCACHEPREFIX=str(data.parent / "compiled"),
        SAMKLANG_DATA=str(data),
        SAMKLANG_ALLOW_PRIVATE_ADDRESSES="1",
        SAMKLANG_CA_FILE=sandbox.urls["ca_file"],
        SAMKLANG_GRAPH_URL=sandbox.urls["graph"],
        SAMKLANG_LOGIN_URL=sandbox.urls["login"],
        SAMKLANG_APP_ID=APP,
        SAMKLANG_APP_SECRET=SECRET,
    )


def _found_organizations() -> None:
    from samklang.activities.types import found_organization, set_ticks, types_for_rules

    for name in _NAMES.values():
        organization = found_organization(name, language="en", zone="Europe/Stockholm")
        set_ticks(organization, [type_.id for type_ in types_for_rules(organization)])


def measured(arguments: list[str]) -> Run:
    """Run Python with these arguments, which print one JSON document, and tell what it cost. Raises Failure."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-I", "-S", str(Path(__file__).with_name("costs.py")), sys.executable, *arguments],
        stdout=subprocess.PIPE,
    )
    if done.returncode:
        raise Failure(f"{' '.join(arguments)} failed with exit status {done.returncode}.")
    report, _, costs = done.stdout.decode().rstrip().rpartition("\n")
    return Run(json.loads(report), **json.loads(costs))
