"""A plain HTTP client for the sandbox's Severa: what a test sends is what it says; every answer is held to Severa's
public document, where it is at hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.sandbox_client import Sandbox
from tests.web import severa_document

CLIENT, SECRET = "acme.api", "s3cret"
SCOPES = (
    *("activities:read", "activities:write", "activities:delete", "customers:read"),
    *("organization:read", "settings:read", "users:read"),
)
HAS_DOCUMENT = severa_document.PATH.is_file()
needs_document = pytest.mark.skipif(not HAS_DOCUMENT, reason=f"Severa's document is not at {severa_document.PATH}")


class Severa:
    """`anna` and `bo` are users of the organization `acme`, in Stockholm and Helsinki."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = sandbox.ca_file
        self.headers: dict[str, str] = {}
        self.behaves()
        sandbox.severa_organization("acme", [{"client_id": CLIENT, "secret": SECRET}])
        self.types = {
            category: sandbox.severa_type("acme", name, category, default=True)
            for name, category in (
                ("Meeting", "CalendarEntry"),
                ("Private", "Personal"),
                ("Vacation", "Absences"),
                ("Task", "Task"),
            )
        }
        self.anna = sandbox.severa_user("acme", "anna@example.com", first_name="Anna", last_name="Ek")
        self.bo = sandbox.severa_user("acme", "bo@example.com", first_name="Bo", last_name="By", zone="Europe/Helsinki")
        self.sign_in()

    def behaves(self, **settings: Any) -> None:
        """Sets the sandbox's switches; without a quota unless one is asked for."""
        self.sandbox.severa_behaves(**({"requests_per_second": 0} | settings))

    def sign_in(self, **fields: str) -> requests.Response:
        sent = {"client_id": CLIENT, "client_secret": SECRET, "scope": ",".join(SCOPES)} | fields
        answer = self.http.post(self.sandbox.severa + "/v1/token", json=sent, timeout=30)
        if answer.ok:
            self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}", "Client_Id": CLIENT}
        return answer

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        """A body is sent as JSON, also a bare text."""
        headers = self.headers
        answer = self.http.request(
            method, self.sandbox.severa + path, json=body, headers=headers, params=query or None, timeout=60
        )
        if HAS_DOCUMENT and answer.content and answer.headers["Content-Type"].startswith("application/json"):
            _as_documented(method, path, answer)
        return answer

    def get(self, path: str, **query: Any) -> Any:
        return self.ok(self.call("GET", path, **query))

    def all(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every page of a listing."""
        rows: list[dict[str, Any]] = []
        while True:
            answer = self.call("GET", path, **query)
            rows += self.ok(answer)
            if "NextPageToken" not in answer.headers:
                return rows
            query["pageToken"] = answer.headers["NextPageToken"]

    def create(self, name: str = "Lunch", day: str = "2026-03-02", **fields: Any) -> dict[str, Any]:
        return dict(self.ok(self.call("POST", "/v1/activities", self.activity(name, day, **fields)), 201))

    def activity(self, name: str = "Lunch", day: str = "2026-03-02", **fields: Any) -> dict[str, Any]:
        """A whole hour of Anna's, as it is sent."""
        return {
            "name": name,
            "startDateTime": f"{day}T12:00:00+01:00",
            "endDateTime": f"{day}T13:00:00+01:00",
            "hasDuration": True,
            "activityType": {"guid": self.types["CalendarEntry"]["guid"]},
            "ownerUser": {"guid": self.anna["guid"]},
        } | fields

    def replace(self, guid: str, **values: Any) -> requests.Response:
        """PATCH; `ownerUser__guid` is the path /ownerUser/guid."""
        operations = [
            {"op": "replace", "path": "/" + name.replace("__", "/"), "value": value} for name, value in values.items()
        ]
        return self.call("PATCH", f"/v1/activities/{guid}", operations)

    def ok(self, answer: requests.Response, status: int = 200) -> Any:
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.json()


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Status and type of an error."""
    return answer.status_code, answer.json()["error"]["type"]


def _as_documented(method: str, path: str, answer: requests.Response) -> None:
    if answer.status_code >= 400:
        severa_document.check("ExceptionModel", answer.json())
    else:
        severa_document.check_answer(method, path, answer)  # type: ignore[arg-type]  # any answer with these three


@pytest.fixture
def severa(sandbox: Sandbox) -> Iterator[Severa]:
    """An organization with two users and a type of most groups; checks at the end that every answer was valid."""
    client = Severa(sandbox)
    yield client
    assert sandbox.validation()["failures"] == []
