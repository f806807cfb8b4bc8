"""Severa's pages for people, without a browser."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
import requests

from tests.sandbox.severa_client import Severa, severa
from tests.sandbox_client import Sandbox

__all__ = ["severa"]
FORM = {
    "name": "Lunch <b>",
    "type": "Meeting",
    "start_day": "2026-03-04",
    "start_time": "12:00",
    "end_day": "2026-03-04",
    "end_time": "13:00",
    "location": "Torget",
    "notes": "Vi ses",
    "repeat": "none",
}


class Browser:
    def __init__(self, severa: Severa) -> None:
        self.severa, self.user = severa, f"/severa/users/{severa.anna['guid']}"
        self.http = requests.Session()
        self.http.trust_env = False

    def get(self, path: str) -> str:
        answer = self.http.get(self.severa.sandbox.pages + path, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, path: str, form: dict[str, str], status: int = 303) -> requests.Response:
        answer = self.http.post(self.severa.sandbox.pages + path, data=form, allow_redirects=False, timeout=20)
        assert answer.status_code == status, answer.text
        return answer

    def week(self, day: str = "2026-03-04") -> str:
        return self.get(f"{self.user}?date={day}")

    def activity(self) -> dict[str, Any]:
        (found,) = self.severa.sandbox.severa_activities("anna@example.com")
        return found


@pytest.fixture
def browser(severa: Severa) -> Browser:
    return Browser(severa)


def test_the_users_of_severa_are_listed(browser: Browser) -> None:
    assert 'href="/severa"' in browser.get("/")
    assert f'href="{browser.user}"' in browser.get("/severa")


def test_a_person_makes_an_activity_and_sees_it_in_its_week(browser: Browser) -> None:
    browser.get(f"{browser.user}/new?date=2026-03-04")
    browser.post(f"{browser.user}/new", FORM)
    made = browser.activity()
    assert (made["name"], made["start"], made["location"]) == ("Lunch <b>", "2026-03-04T11:00:00+00:00", "Torget")
    assert "Lunch &lt;b&gt;" in browser.week()
    assert "Wed 04 Mar 12:00-13:00" in browser.week("2026-03-02")
    assert "Lunch" not in browser.week("2026-03-12")


def test_a_form_that_is_sent_back_unchanged_changes_nothing(browser: Browser) -> None:
    browser.post(f"{browser.user}/new", FORM)
    before = browser.activity()
    browser.get(f"{browser.user}/activities/{before['guid']}")
    browser.post(f"{browser.user}/activities/{before['guid']}", FORM | {"action": "save"})
    assert {n: v for n, v in browser.activity().items() if n != "updated"} == {
        n: v for n, v in before.items() if n != "updated"
    }


def test_a_person_edits_and_deletes(browser: Browser) -> None:
    browser.post(f"{browser.user}/new", FORM)
    page = f"{browser.user}/activities/{browser.activity()['guid']}"
    browser.post(page, FORM | {"name": "Fair", "all_day": "on", "end_day": "2026-03-05", "closed": "on"})
    changed = browser.activity()
    assert (changed["name"], changed["start_date"], changed["end_date"]) == ("Fair", "2026-03-04", "2026-03-06")
    assert changed["closed"] is True
    refused = browser.post(page, FORM | {"type": "Private"}, 422)
    assert "group" in html.unescape(refused.text)
    browser.post(page, FORM | {"action": "delete"})
    assert browser.severa.sandbox.severa_activities("anna@example.com") == []


@pytest.mark.parametrize("repeat", ["Daily", "Weekly", "Monthly", "Yearly"])
def test_a_person_makes_a_series_and_changes_one_date(browser: Browser, repeat: str) -> None:
    browser.post(f"{browser.user}/new", FORM | {"repeat": repeat})
    (first, *_) = re.findall(r'data-guid="([^"]+)"', browser.week())
    page = f"{browser.user}/activities/{first}"
    assert "Open the series" in browser.get(page)
    browser.post(page, FORM | {"name": "Late"})
    kinds = {each["kind"]: each["name"] for each in browser.severa.sandbox.severa_activities("anna@example.com")}
    assert kinds == {"Series": "Lunch <b>", "Exception": "Late"}


def test_people_are_added_answer_and_are_removed(browser: Browser, sandbox: Sandbox) -> None:
    browser.post(f"{browser.user}/new", FORM)
    guid = browser.activity()["guid"]
    people = f"/activities/{guid}/people"
    browser.post(browser.user + people, {"add": "bo@example.com"})
    again = browser.post(browser.user + people, {"add": "bo@example.com"}, 422)
    assert "takes part" in again.text
    bo = f"/severa/users/{browser.severa.bo['guid']}"
    assert "Accept</button>" in browser.get(f"{bo}/activities/{guid}")
    browser.post(bo + people, {"answer": "Accepted"})
    (row,) = browser.activity()["participants"]
    assert row["status"] == "Accepted"
    browser.post(browser.user + people, {"remove": row["guid"]})
    assert browser.activity()["participants"] == []
