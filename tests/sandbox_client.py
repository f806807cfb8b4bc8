"""Starts the sandbox as a process of its own and speaks its control API.

`Sandbox` is for whoever needs an Exchange or a Microsoft 365 in a test. As a pytest plugin this module
offers the fixture `sandbox`: one process per session, reset before each test that asks for it. A conftest
switches it on with `pytest_plugins = ["tests.sandbox_client"]` or imports the fixtures by name.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parent.parent


class Refused(Exception):
    """The control API said no; `status`, `detail` and, where Exchange has one, its error `code`."""

    def __init__(self, status: int, detail: str, code: str) -> None:
        super().__init__(f"{status} {code} {detail}")
        self.status, self.detail, self.code = status, detail, code


class Sandbox:
    """A running sandbox. Keep `folder` to start it again with the state it had; `with` stops it at the
    end."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder, self._port, self._pages_port = folder, port, 0
        self._session = requests.Session()
        self._session.trust_env = False
        self.start()

    def start(self) -> None:
        environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}
        arguments = ["--data", str(self.folder), "--port", str(self._port), "--pages-port", str(self._pages_port)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "samklang.sandbox", *arguments, "--with-parent"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("The sandbox did not start; its own words are on standard error.")
        urls: dict[str, str] = json.loads(line)
        self.ews, self.graph, self.login, self.severa = (urls[name] for name in ("ews", "graph", "login", "severa"))
        self.pages, self.control, self.ca_file = urls["pages"], urls["control"], urls["ca_file"]
        self._port, self._pages_port = (int(url.split(":")[2].split("/")[0]) for url in (self.ews, self.pages))

    def stop(self, *, kill: bool = False) -> None:
        """Ends it; `start` begins again on the same ports with the same state."""
        self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        self.process.wait(timeout=20)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """One call of the control API. Raises Refused."""
        data = body if isinstance(body, str | bytes | None) else json.dumps(body)
        if isinstance(data, str):
            data = data.encode()
        answer = self._session.request(method, self.control + path, data=data, params=query, timeout=300)
        if answer.status_code >= 400:
            problem = answer.json()
            raise Refused(answer.status_code, problem["detail"], problem.get("code", ""))
        return answer.json() if answer.content else None

    # --- mailboxes and what they hold
    def mailbox(self, address: str, **details: Any) -> dict[str, Any]:
        """Creates one: aliases, name, zone, password, tenant, default_reminder_minutes."""
        return dict(self.ask("POST", "/mailboxes", {"address": address, **details}))

    def change_mailbox(self, address: str, **details: Any) -> dict[str, Any]:
        return dict(self.ask("PATCH", f"/mailboxes/{address}", details))

    def mailbox_moves(self, address: str) -> None:
        """To another database of the server's: what EWS told of where a listing ended, and who is told, is over."""
        self.ask("POST", f"/mailboxes/{address}/move")

    def load_ics(self, address: str, text: str | Path, protocol: str = "ews") -> dict[str, Any]:
        """Loads a calendar; answers {"stored": n, "rejected": [{"uid", "component", "reason"}]}."""
        content = text.read_text(encoding="utf-8") if isinstance(text, Path) else text
        return dict(self.ask("POST", f"/mailboxes/{address}/ics", content, protocol=protocol))

    def entries(
        self, address: str, expand: tuple[date | str, date | str] | None = None, folder: str = "calendar"
    ) -> list[dict[str, Any]]:
        """Singles and series with exceptions; with `expand` (from, to): occurrences by start."""
        query = {"folder": folder} | ({"expand": f"{expand[0]}/{expand[1]}"} if expand else {})
        return list(self.ask("GET", f"/mailboxes/{address}/entries", **query))

    def entry(self, address: str, id: str) -> dict[str, Any]:
        return dict(self.ask("GET", f"/mailboxes/{address}/entries/{id}"))

    def person_creates(self, address: str, *, send: str = "none", **fields: Any) -> dict[str, Any]:
        """As a person in Outlook: subject, start, end, zone, all_day, body, location, recurrence …

        With attendees (dicts of address, name, kind) it is a meeting, which `send="all"` mails to them: it appears in
        the calendars of those who have a mailbox here. Somebody outside the installation is a mailbox of a domain of
        its own.
        """
        return dict(self.ask("POST", f"/mailboxes/{address}/entries", fields, send=send))

    def person_edits(
        self, address: str, id: str, occurrence: date | str | None = None, *, send: str = "none", **fields: Any
    ) -> dict[str, Any]:
        """The whole entry, or one occurrence by its original date. `send`: "none", "changed" (who was added to or
        removed from a meeting one organizes), "all"."""
        return dict(self.ask("PATCH", f"/mailboxes/{address}/entries/{id}", fields, **_query(occurrence), send=send))

    def person_deletes(
        self, address: str, id: str, occurrence: date | str | None = None, *, send: str = "none"
    ) -> None:
        """With `send="all"` a meeting one organizes is cancelled."""
        self.ask("DELETE", f"/mailboxes/{address}/entries/{id}", **_query(occurrence), send=send)

    def person_answers(
        self,
        address: str,
        id: str,
        response: str,
        occurrence: date | str | None = None,
        *,
        mail: bool = True,
        anew: bool = False,
    ) -> None:
        """accepted, tentativelyAccepted or declined; without mail the organizer never learns of it. `anew`: as by a
        program that speaks EWS, where the entry has another id afterwards."""
        order = {"response": response, "mail": mail, "anew": anew}
        self.ask("POST", f"/mailboxes/{address}/entries/{id}/answer", order, **_query(occurrence))

    def invitation(self, address: str, uid: str) -> dict[str, Any]:
        """The entry of a calendar with this UID: an attendee's copy of a meeting."""
        (found,) = (entry for entry in self.entries(address) if entry["uid"] == uid)
        return found

    def group(self, address: str, *members: str) -> None:
        """Makes a distribution list, or changes its members."""
        self.ask("PUT", "/groups", {"address": address, "members": list(members)})

    def person_moves(self, address: str, id: str, folder: str) -> dict[str, Any]:
        """To "calendar", "deleteditems", or a calendar by its name; the entry's id is new afterwards."""
        return dict(self.ask("POST", f"/mailboxes/{address}/entries/{id}/move", {"folder": folder}))

    # --- what happened
    def counts(self, address: str | None = None) -> dict[str, Any]:
        """Of one mailbox: requests, by_operation, logons, logons_refused, token_requests, writes, mails,
        max_concurrent. Without an address: the same by address."""
        return dict(self.ask("GET", f"/counts/{address}" if address is not None else "/counts"))

    def zero_counts(self) -> None:
        self.ask("DELETE", "/counts")

    def mails(self, cause: str = "program") -> list[dict[str, Any]]:
        """Mails that clients' requests sent, by sender, recipient and kind (invitation, update, cancellation,
        response); with cause "person": those people sent from Outlook."""
        return list(self.ask("GET", "/mails", cause=cause))

    def log(self, since: int = 0) -> list[dict[str, Any]]:
        return list(self.ask("GET", "/log", since=since))

    def validation(self) -> dict[str, Any]:
        return dict(self.ask("GET", "/validation"))

    def subscriptions(self) -> list[dict[str, Any]]:
        """Who is told of changes: protocol, id, mailbox."""
        return list(self.ask("GET", "/subscriptions"))

    def loses_subscription(self, id: str) -> None:
        """The server forgets it without a word."""
        self.ask("DELETE", f"/subscriptions/{id}")

    def tells_lifecycle(self, id: str, event: str) -> None:
        """Graph tells of the subscription's own life; the call returns when the notice was taken."""
        self.ask("POST", f"/subscriptions/{id}/lifecycle", {"event": event})

    # --- the world
    def set_clock(self, now: datetime | str | None, *, running: bool = True) -> None:
        moment = now.isoformat() if isinstance(now, datetime) else now
        self.ask("PUT", "/clock", {"now": moment, "running": running})

    def server(self, version: str = "2013_sp1", auth: tuple[str, ...] = ("ntlm", "basic"), **more: Any) -> None:
        self.ask("PUT", "/server", {"version": version, "auth": list(auth), **more})

    def account(self, username: str, password: str, impersonates: list[str] | str = "*", **more: Any) -> None:
        """An Exchange account; more: full_access, password_expired."""
        account = {"username": username, "password": password, "impersonates": impersonates, **more}
        self.ask("PUT", "/accounts", account)

    def graph_behaves(self, **settings: Any) -> None:
        """Sets how Graph behaves where there is a choice (`GraphSettings`); the rest is the default."""
        self.ask("PUT", "/graph", settings)

    # --- Severa
    def severa_behaves(self, **settings: Any) -> None:
        """Sets how Severa behaves where nobody knows (`SeveraSettings`); the rest is the default."""
        self.ask("PUT", "/severa", settings)

    def severa_organization(self, key: str, clients: list[dict[str, Any]] | None = None, **details: Any) -> None:
        """Sets an organization: name, zone, language, addons, and its clients (client_id, secret, scopes)."""
        self.ask("PUT", "/severa/organizations", {"key": key, "clients": clients or [], **details})

    def severa_user(self, key: str, email: str, **details: Any) -> dict[str, Any]:
        """Makes a user: first_name, last_name, zone, default_type, notifications …"""
        return dict(self.ask("POST", f"/severa/organizations/{key}/users", {"email": email, **details}))

    def severa_type(self, key: str, name: str, category: str = "CalendarEntry", **details: Any) -> dict[str, Any]:
        fields = {"name": name, "category": category, **details}
        return dict(self.ask("POST", f"/severa/organizations/{key}/types", fields))

    def severa_contact(self, key: str, email: str, **details: Any) -> dict[str, Any]:
        return dict(self.ask("POST", f"/severa/organizations/{key}/contacts", {"emails": [email], **details}))

    def severa_changes(self, kind: str, guid: str, **details: Any) -> dict[str, Any]:
        """An administrator changes one of the "users", "types" or "contacts"."""
        return dict(self.ask("PATCH", f"/severa/{kind}/{guid}", details))

    def severa_creates(self, user: str, **fields: Any) -> dict[str, Any]:
        """As a user, by address or guid, in Severa's own pages: name, start, end, zone, all_day, location, notes, type,
        owner, customer, phase, recurrence, closed, has_hours …"""
        return dict(self.ask("POST", f"/severa/users/{user}/activities", fields))

    def severa_activities(self, user: str, expand: tuple[date | str, date | str] | None = None) -> list[dict[str, Any]]:
        """What a user owns or takes part in: singles, series and exceptions; with `expand` occurrences, by start."""
        query = {"expand": f"{expand[0]}/{expand[1]}"} if expand else {}
        return list(self.ask("GET", f"/severa/users/{user}/activities", **query))

    def severa_activity(self, guid: str, occurrence: date | str | None = None) -> dict[str, Any]:
        return dict(self.ask("GET", f"/severa/activities/{guid}", **_query(occurrence)))

    def severa_edits(
        self, guid: str, occurrence: date | str | None = None, *, by: str = "", **fields: Any
    ) -> dict[str, Any]:
        """`by`: the user who does it; the owner where nobody is named."""
        return dict(self.ask("PATCH", f"/severa/activities/{guid}", fields, **_query(occurrence), by=by))

    def severa_deletes(self, guid: str, occurrence: date | str | None = None, *, by: str = "") -> None:
        self.ask("DELETE", f"/severa/activities/{guid}", **_query(occurrence), by=by)

    def severa_adds(
        self, guid: str, who: str, occurrence: date | str | None = None, *, by: str = "", **details: Any
    ) -> dict[str, Any]:
        """Adds a participant by address; details: name, kind, status. Answers the activity."""
        path, fields = f"/severa/activities/{guid}/participants", {"who": who, **details}
        return dict(self.ask("POST", path, fields, **_query(occurrence), by=by))

    def severa_removes(self, guid: str, who: str, occurrence: date | str | None = None, *, by: str = "") -> None:
        self.ask("DELETE", f"/severa/activities/{guid}/participants/{who}", **_query(occurrence), by=by)

    def severa_answers(self, guid: str, user: str, status: str, occurrence: date | str | None = None) -> None:
        """A participant answers: Accepted, Tentative or Declined."""
        self.ask("POST", f"/severa/activities/{guid}/answer", {"status": status}, **_query(occurrence), by=user)

    # --- Microsoft 365
    def tenant(self, id: str, **details: Any) -> None:
        self.ask("PUT", "/tenants", {"id": id, **details})

    def fault(
        self, kind: str, where: dict[str, Any] | None = None, when: dict[str, Any] | None = None, **what: Any
    ) -> str:
        """Orders a fault; answers its id. E.g. fault("status", {"protocol": "ews"}, {"nth": 2},
        status=503)."""
        order = {"where": where or {}, "when": when or {}, "what": {"kind": kind, **what}}
        return str(self.ask("POST", "/faults", order)["id"])

    def clear_faults(self) -> None:
        self.ask("DELETE", "/faults")

    def reset(self) -> None:
        self.ask("POST", "/reset")


def _query(occurrence: date | str | None) -> dict[str, str]:
    return {"occurrence": str(occurrence)} if occurrence else {}


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[Sandbox]:
    """One sandbox for the whole session, whatever state the tests left it in."""
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder, Sandbox(Path(folder)) as started:
        yield started


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """An empty sandbox: no mailboxes, the machine's clock, Exchange 2013 SP1."""
    if sandbox_process.process.poll() is not None:
        sandbox_process.start()
    sandbox_process.reset()
    return sandbox_process
