"""A plain HTTP client for the sandbox's Graph: what a test sends is what it says."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.sandbox_client import Sandbox

TENANT = "11111111-2222-3333-4444-555555555555"
APP = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
SECRET = "s3cret"
ROLES = ["Calendars.ReadWrite", "User.Read.All", "MailboxSettings.Read"]
ALICE, BOB, CHARLIE = "alice@example.com", "bob@example.com", "charlie@example.org"
STOCKHOLM = "W. Europe Standard Time"


class Graph:
    def __init__(self, sandbox: Sandbox, token: str = "") -> None:
        self.sandbox = sandbox
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = sandbox.ca_file
        self.token = token or self.sign_in()["access_token"]

    def sign_in(self, tenant: str = TENANT, **form: str) -> dict[str, Any]:
        sent = {
            "client_id": APP,
            "client_secret": SECRET,
            "grant_type": "client_credentials",
            "scope": "https://graph.microsoft.com/.default",
        }
        url = f"{self.sandbox.login}/{tenant}/oauth2/v2.0/token"
        return dict(self.http.post(url, data={k: v for k, v in (sent | form).items() if v}, timeout=30).json())

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **query: str
    ) -> requests.Response:
        """`path` below the version, or a link as the service gave it; a query name `top` is sent as `$top`."""
        url = path if path.startswith("https://") else self.sandbox.graph + path
        named = {n if n.endswith("DateTime") else f"${n}": value for n, value in query.items()}
        sent = {"Authorization": f"Bearer {self.token}"} | (headers or {})
        return self.http.request(method, url, json=body, headers=sent, params=named or None, timeout=60)

    def get(self, path: str, headers: dict[str, str] | None = None, **query: str) -> dict[str, Any]:
        return self.ok(self.call("GET", path, None, headers, **query))

    def create(self, user: str, headers: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
        return self.ok(self.call("POST", f"/users/{user}/events", fields, headers), 201)

    def update(self, user: str, id: str, headers: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
        return self.ok(self.call("PATCH", f"/users/{user}/events/{id}", fields, headers))

    def delete(self, user: str, id: str, headers: dict[str, str] | None = None) -> requests.Response:
        return self.call("DELETE", f"/users/{user}/events/{id}", None, headers)

    def event(self, user: str, id: str, headers: dict[str, str] | None = None, **query: str) -> dict[str, Any]:
        return self.get(f"/users/{user}/events/{id}", headers, **query)

    def round(self, user: str, link: str = "", headers: dict[str, str] | None = None) -> tuple[list[Any], str]:
        """A whole delta round, from a deltaLink or anew over 2026: its rows in order, and the next deltaLink."""
        window = {"startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2027-01-01T00:00:00Z"}
        page = self.get(link, headers) if link else self.get(f"/users/{user}/calendarView/delta", headers, **window)
        rows = list(page["value"])
        while "@odata.nextLink" in page:
            page = self.get(page["@odata.nextLink"], headers)
            rows += page["value"]
        return rows, page["@odata.deltaLink"]

    def ok(self, answer: requests.Response, status: int = 200) -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        return dict(answer.json())


def code(answer: requests.Response) -> tuple[int, str]:
    """Status and error code of a refusal."""
    return answer.status_code, answer.json()["error"]["code"]


def timed(day: str, start: str = "09:00", end: str = "10:00", zone: str = STOCKHOLM) -> dict[str, Any]:
    """Start and end of an event on one day."""
    return {
        "start": {"dateTime": f"{day}T{start}:00", "timeZone": zone},
        "end": {"dateTime": f"{day}T{end}:00", "timeZone": zone},
    }


def weekly(start: str = "2026-03-02", day: str = "monday", **limits: Any) -> dict[str, Any]:
    limits.setdefault("type", "numbered")
    if limits["type"] == "numbered":
        limits.setdefault("numberOfOccurrences", 6)
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": [day], "firstDayOfWeek": "monday"}
    return {"pattern": pattern, "range": {"startDate": start, **limits}}


@pytest.fixture
def graph(sandbox: Sandbox) -> Graph:
    """A consented app in the tenant of Alice and Bob; Charlie is in another one."""
    app = {"client_id": APP, "secret": SECRET, "consented": True, "roles": ROLES}
    sandbox.tenant(TENANT, domains=["example.com"], apps=[app])
    sandbox.tenant("99999999-2222-3333-4444-555555555555", domains=["example.org"], apps=[])
    sandbox.mailbox(ALICE, name="Alice Ek", aliases=["al@example.com"], zone="Europe/Stockholm")
    sandbox.mailbox(BOB, name="Bob Berg", zone="Europe/Stockholm")
    sandbox.mailbox(CHARLIE)
    return Graph(sandbox)
