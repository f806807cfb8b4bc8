"""`samklang demo`: Samklang and the sandbox together, with people, types and a calendar, so that sync can be watched.

Two organizations: one on Exchange 2013 (EWS, NTLM, impersonation), one on Office 365 (Graph). Everything lives in the
data folder and is made afresh at each start.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samklang import database
from samklang.cli.output import ATTENTION, Failure, open_database

if TYPE_CHECKING:
    from samklang.cli.sandbox_process import SandboxProcess

TENANT = "5a3c1a9e-0000-4000-8000-00000000f1fe"
APP = "5a3c1a9e-0000-4000-8000-0000000000a1"
POLL_SECONDS = 5
_ROLES = ["Calendars.ReadWrite", "User.Read.All"]


@dataclass(frozen=True)
class DemoPerson:
    email: str
    name: str
    organization: str
    administrator: bool


PEOPLE = (
    DemoPerson("anna@fjord.example", "Anna Andersson", "Fjord Konsult", True),
    DemoPerson("bo@fjord.example", "Bo Berg", "Fjord Konsult", False),
    DemoPerson("cecilia@skog.example", "Cecilia Ceder", "Skog & Partner", True),
)


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = commands.add_parser("demo", help="Samklang and a sandbox Exchange, with people and a calendar")
    demo.add_argument("--port", type=int, default=8480, help="first port to try (default 8480)")
    demo.add_argument("--exit-when-ready", action="store_true", help="stop once everything is in sync (for tests)")
    demo.set_defaults(run=_demo)


def _demo(args: argparse.Namespace) -> int:
    from samklang.cli.sandbox_process import SandboxProcess

    data = _data_folder()
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    password = f"demo-{secrets.token_hex(4)}"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with SandboxProcess(data / "sandbox") as sandbox:
        port = _free_port(args.port)
        _settings(data, sandbox, port)
        began = time.monotonic()
        open_database()
        _people(password)
        app_secret = os.environ["SAMKLANG_APP_SECRET"]
        _fill_sandbox(sandbox, app_secret)
        _connect(sandbox)
        serve = subprocess.Popen([sys.executable, "-m", "samklang", "serve"])
        try:
            _wait_until_synced(serve)
            _tell(sandbox, port, password, time.monotonic() - began)
            if not args.exit_when_ready:
                serve.wait()
        except KeyboardInterrupt:
            pass
        finally:
            serve.send_signal(signal.SIGTERM)
            serve.wait()
    return 0


def _data_folder() -> Path:
    """A folder of this checkout's own. Root's database runs as an account without rights, which cannot enter a
    checkout in a closed folder such as /root: that demo lives below /var/lib."""
    here = Path(os.environ.get("SAMKLANG_DATA") or "var/demo").absolute()
    if "SAMKLANG_DATA" in os.environ or database.is_reachable(here):
        return here
    return Path("/var/lib/samklang-demo") / hashlib.sha256(bytes(here)).hexdigest()[:12]


def _free_port(first: int) -> int:
    """The first free port from `first` on: a demo moves on rather than fail."""
    for port in range(first, first + 50):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Failure(f"No free port from {first} on.", ATTENTION)


def _settings(data: Path, sandbox: SandboxProcess, port: int) -> None:
    """What `serve` and its children read; the sandbox lies on loopback, which only this setting allows."""
    os.environ.update(
        SAMKLANG_DATA=str(data),
        SAMKLANG_LISTEN=f"127.0.0.1:{port}",
        SAMKLANG_PUBLIC_URL=f"http://127.0.0.1:{port}",
        SAMKLANG_ALLOW_PRIVATE_ADDRESSES="1",
        SAMKLANG_CA_FILE=sandbox.urls["ca_file"],
        SAMKLANG_GRAPH_URL=sandbox.urls["graph"],
        SAMKLANG_LOGIN_URL=sandbox.urls["login"],
        SAMKLANG_CONSENT_URL=sandbox.urls["pages"] + "/login",
        SAMKLANG_APP_ID=APP,
        SAMKLANG_APP_SECRET=secrets.token_urlsafe(24),
        SAMKLANG_POLL_SECONDS=str(POLL_SECONDS),
    )
    os.environ.pop("DATABASE_URL", None)


def _people(password: str) -> None:
    from samklang.accounts import services
    from samklang.accounts.models import Role
    from samklang.activities.ical import import_calendar
    from samklang.activities.types import found_organization

    organizations: dict[str, Any] = {}
    for number, person in enumerate(PEOPLE):
        if person.organization not in organizations:
            organizations[person.organization] = found_organization(
                person.organization, language="sv", zone="Europe/Stockholm"
            )
        user = services.add_user(
            organizations[person.organization],
            person.email,
            person.name,
            password=password,
            role=Role.ADMINISTRATOR if person.administrator else Role.USER,
        )
        import_calendar(user, _calendar(number, "psa"))


def _calendar(person: int, side: str) -> bytes:
    from samklang.cli import demo_calendar
    from samklang.clock import now

    return demo_calendar.part(demo_calendar.entries(now().date()), of=len(PEOPLE), person=person, side=side)


def _fill_sandbox(sandbox: SandboxProcess, app_secret: str) -> None:
    control = sandbox.control
    control.put("/server", {"version": "2013_sp1", "auth": ["ntlm", "basic"]})
    control.put("/accounts", {"username": r"FJORD\sync", "password": "sandbox-delegate", "impersonates": "*"})
    control.put(
        "/tenants",
        {
            "id": TENANT,
            "domains": ["skog.example"],
            "apps": [{"client_id": APP, "secret": app_secret, "consented": True, "roles": _ROLES}],
        },
    )
    for number, person in enumerate(PEOPLE):
        on_graph = person.email.endswith("skog.example")
        mailbox = {"address": person.email, "name": person.name, "zone": "Europe/Stockholm"}
        control.post("/mailboxes", mailbox | ({"tenant": TENANT} if on_graph else {}))
        protocol = "graph" if on_graph else "ews"
        control.post_text(f"/mailboxes/{person.email}/ics?protocol={protocol}", _calendar(number, "exchange"))


def _connect(sandbox: SandboxProcess) -> None:
    from samklang.accounts.models import User
    from samklang.activities.types import set_ticks, types_for_rules
    from samklang.clock import now
    from samklang.engine.model import Category
    from samklang.mailboxes import services
    from samklang.wiring import test_connection

    exchange = {
        "version": "2013",
        "domain": "FJORD",
        "url": sandbox.urls["ews"],
        "username": "sync",
        "password": "sandbox-delegate",
        "auth": "ntlm",
    }
    settings = {"fjord.example": exchange, "skog.example": {"version": "office365", "tenant": TENANT}}
    for person in PEOPLE:
        user = User.objects.with_address(person.email).get()
        connection = services.connection_of(user.organization)
        if person.administrator:
            values = settings[person.email.partition("@")[2]] | {"mode": "continuous"}
            services.save_connection(connection, values, by=user)
            types = types_for_rules(user.organization)
            set_ticks(user.organization, [t.id for t in types if t.category is not Category.PROJECT_TASK], by=user)
            failed = [step for step in test_connection(connection, person.email, by=user) if not step.ok]
            if failed:
                raise Failure(f"The sandbox refused: {failed[0].name}: {failed[0].sentence}")
            services.enable(connection, by=user)
        services.switch_on(user, now(), unseen=True)


def _wait_until_synced(serve: subprocess.Popen[bytes]) -> None:
    import requests

    from samklang.mailboxes.models import Mailbox

    print("First synchronization …", flush=True)
    while Mailbox.objects.filter(first_run_done=True).count() < len(PEOPLE):
        if serve.poll() is not None:
            raise Failure("Samklang ended before the first synchronization was done; see its log above.")
        time.sleep(0.3)
    address = os.environ["SAMKLANG_PUBLIC_URL"]
    while True:
        try:
            with requests.Session() as session:
                session.trust_env = False
                session.get(f"{address}/sign-in", timeout=5)
            return
        except requests.RequestException:
            time.sleep(0.2)


def _tell(sandbox: SandboxProcess, port: int, password: str, seconds: float) -> None:
    pages = sandbox.urls["pages"]
    lines = [
        "",
        f"In sync after {seconds:.0f} s. Open two windows side by side:",
        f"  Samklang      http://127.0.0.1:{port}/   (sign in below)",
    ]
    for person in PEOPLE:
        kind = "Office 365" if person.email.endswith("skog.example") else "Exchange 2013"
        role = ", administrator" if person.administrator else ""
        lines.append(f"  {person.name:<15} {person.email}   password {password}   ({kind}{role})")
        lines.append(f"{'':18}Outlook side: {pages}/mailboxes/{person.email}")
    lines += [
        "",
        f"Mode continuous, polling every {POLL_SECONDS} s (a demo's pace; the default is 5 minutes):",
        "an edit on either page shows on the other within 10 s. Ctrl-C ends everything.",
    ]
    print("\n".join(lines), flush=True)
