"""What an API cannot do is refused in the form it uses everywhere, and is never a failure of ours."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.web.connected import Connected
from tests.web.house import House, as_person, as_program, send

pytestmark = pytest.mark.django_db

V1 = "/rest-api/v1"


@pytest.mark.usefixtures("answers")
@pytest.mark.parametrize(
    ("method", "path", "status", "type_"),
    [
        ("POST", "users", 405, "InvalidOperation"),
        ("DELETE", "organizationdetails", 405, "InvalidOperation"),
        ("GET", "customers", 404, "InvalidParameter"),
    ],
)
def test_what_is_not_served_is_told_as_severa_tells_errors(
    house: House, method: str, path: str, status: int, type_: str
) -> None:
    answer = as_program(house.alice).generic(method, f"{V1}/{path}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json")
    assert (answer.json()["error"]["httpStatusCode"], answer.json()["error"]["type"]) == (status, type_)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("PATCH", "me", 405, "method_not_allowed"), ("GET", "nothing", 404, "not_found")],
)
def test_what_is_not_served_is_a_problem_with_a_code(
    house: House, method: str, path: str, status: int, code: str
) -> None:
    answer = as_program(house.alice).generic(method, f"/api/{path}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert (answer.json()["status"], answer.json()["code"]) == (status, code)


def test_a_failure_of_ours_is_told_as_such_without_a_page(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("Merger talks")

    monkeypatch.setattr("samklang.web.severa_api.directory.shape.zones", fails)
    monkeypatch.setattr("samklang.web.api.me.user_of", fails)
    program = as_program(house.alice)
    program.raise_request_exception = False
    severas, ours = program.get(f"{V1}/localization/timezones"), program.get("/api/me")
    assert (severas.status_code, severas.json()["error"]["type"]) == (500, "InternalSystemError")
    assert (ours.status_code, ours.json()["code"]) == (500, "failed")
    assert b"Merger" not in severas.content + ours.content


def test_people_still_get_a_page(house: House) -> None:
    assert "text/html" in as_person(house.alice).get("/nothing").headers["Content-Type"]


def test_text_that_cannot_be_stored_is_refused(house: House) -> None:
    answer = send(as_program(house.alice), "POST", "/api/me/tokens", {"name": "a\x00b"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    answer = send(as_program(house.alice), "GET", f"{V1}/users", email="a\x00b")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "InvalidRequest")


@pytest.mark.usefixtures("answers")
@pytest.mark.parametrize("path", ["activitytypes", "users", "activities"])
def test_an_offset_no_clock_has_is_refused_by_the_name_of_its_field(house: House, path: str) -> None:
    answer = send(as_program(house.alice), "GET", f"{V1}/{path}", changedSince="2026-03-02T09:00:00+23:10")
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["location"]["name"] == "changedSince"


def test_an_id_of_no_form_is_refused(house: House) -> None:
    program = as_program(house.alice)
    assert send(program, "GET", "/api/me/why", activity="nonsense").json()["status"] == "unknown"
    answer = send(program, "POST", "/api/connection/users/nonsense/accept", {"plan": "x"})
    assert answer.json()["code"] == "invalid"


def test_an_address_in_any_letters_is_looked_for(connected: Connected) -> None:
    answer = send(as_program(connected.them.alice), "POST", "/api/connection/test", {"address": "anna@例え.jp"})
    assert (answer.status_code, answer.json()["passed"]) == (200, False)


def test_the_document_says_what_an_error_looks_like(house: House) -> None:
    document = Client().get("/api/openapi.json").json()
    answers = [one["responses"] for path in document["paths"].values() for one in path.values()]
    assert all("application/problem+json" in one["default"]["content"] for one in answers)
    assert "code" in document["components"]["schemas"]["Problem"]["required"]
