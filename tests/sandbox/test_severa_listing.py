"""Listings of Severa: every filter of activities, paging, and what changes seldom."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.severa_client import Severa, refusal, severa
from tests.sandbox_client import Sandbox

__all__ = ["severa"]


def names(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["name"] for row in rows)


@pytest.fixture
def filled(severa: Severa) -> Severa:
    """Five activities that differ in what can be asked for."""
    bo = {"ownerUser": {"guid": severa.bo["guid"]}}
    project = {"phase": {"guid": "P-1", "name": "Design"}, "customer": {"guid": "C-1", "name": "Fika AB"}}
    severa.create("plain")
    severa.create("closed", "2026-03-03", isClosed=True, hasDuration=False, endDateTime=None, **bo)
    severa.create("vacation", "2026-03-04", activityType={"guid": severa.types["Absences"]["guid"]}, **bo)
    task = {"activityType": {"guid": severa.types["Task"]["guid"]}, "projectTaskStatus": {"guid": "S-1"}}
    severa.create("task", "2026-03-05", isUnassigned=True, **task, **project)
    severa.create("customer", "2026-03-06", customer={"guid": "C-2"})
    return severa


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"closed": "true"}, ["closed"]),
        ({"closed": "false"}, ["customer", "plain", "task", "vacation"]),
        ({"hasDuration": "false"}, ["closed"]),
        ({"hasHours": "true"}, []),
        ({"isUnassigned": "true"}, ["task"]),
        ({"activityCategories": ["Absences", "Task"]}, ["task", "vacation"]),
        ({"projectTaskStatusGuids": "s-1"}, ["task"]),
        ({"phaseGuids": "p-1"}, ["task"]),
        ({"phaseGuids": "p-2"}, []),
        ({"customerGuids": ["c-1"], "includeTasksWithNoCustomer": "false"}, ["task"]),
        ({"customerGuids": ["c-1"]}, ["closed", "plain", "task", "vacation"]),
        ({"includeTasksWithNoCustomer": "false"}, ["customer", "task"]),
        ({"projectGuids": "x", "includeTasksWithNoProject": "false"}, []),
        ({"projectOwnerGuids": "x"}, []),
        ({"projectBusinessUnitGuids": "x"}, []),
        ({"recurrenceType": "None"}, ["closed", "customer", "plain", "task", "vacation"]),
        ({"recurrenceType": "Series"}, []),
        ({"startDateTime": "2026-03-04T13:00:00+01:00"}, ["customer", "task", "vacation"]),
        ({"startDateTime": "2026-03-04T13:00:01+01:00"}, ["customer", "task"]),
        ({"endDateTime": "2026-03-03T12:00:00+01:00"}, ["closed", "plain"]),
        ({"endDateTime": "2026-03-03T11:59:59+01:00"}, ["plain"]),
        (
            {
                "startDateTime": "2026-03-04T12:30:00+01:00",
                "endDateTime": "2026-03-06T12:30:00+01:00",
                "useStrictStartAndEndDateTime": "true",
            },
            ["task"],
        ),
    ],
)
def test_every_filter_leaves_what_it_says(filled: Severa, query: dict[str, Any], expected: list[str]) -> None:
    assert names(filled.all("/v1/activities", **query)) == expected


def test_filters_by_people(filled: Severa, sandbox: Sandbox) -> None:
    anna, bo = filled.anna["guid"], filled.bo["guid"]
    assert names(filled.all("/v1/activities", userGuids=bo)) == ["closed", "vacation"]
    (plain,) = (row for row in filled.all("/v1/activities", userGuids=anna) if row["name"] == "plain")
    filled.call("POST", "/v1/activityparticipants", {"activityGuid": plain["guid"], "participantGuid": bo})
    assert names(filled.all("/v1/activities", userGuids=bo)) == ["closed", "vacation"]
    assert names(filled.all("/v1/activities", userGuids=bo, includeAsMember="true")) == ["closed", "plain", "vacation"]
    contact = sandbox.severa_contact("acme", "carl@customer.example")["guid"]
    filled.call("POST", "/v1/activityparticipants", {"activityGuid": plain["guid"], "participantGuid": contact})
    assert names(filled.all("/v1/activities", contactGuids=contact)) == ["plain"]
    sandbox.severa_changes("users", bo, keywords=["night"])
    assert names(filled.all("/v1/activities", userKeywordGuids="night")) == ["closed", "vacation"]


def test_changed_since_has_its_limit_in(severa: Severa, sandbox: Sandbox) -> None:
    sandbox.set_clock("2026-03-01T08:00:00Z", running=False)
    severa.create("old")
    sandbox.set_clock("2026-03-01T09:00:00Z", running=False)
    severa.create("new")
    for since, expected in (
        ("08:00:00", ["new", "old"]),
        ("08:00:01", ["new"]),
        ("09:00:00", ["new"]),
        ("09:00:01", []),
    ):
        assert names(severa.all("/v1/activities", changedSince=f"2026-03-01T{since}Z")) == expected, since


def test_what_touches_an_activity_besides_its_fields_is_a_switch(severa: Severa, sandbox: Sandbox) -> None:
    sandbox.set_clock("2026-03-01T08:00:00Z", running=False)
    guid = severa.create()["guid"]
    sandbox.set_clock("2026-03-01T09:00:00Z", running=False)
    adding = {"activityGuid": guid, "participantGuid": severa.bo["guid"]}
    added = severa.ok(severa.call("POST", "/v1/activityparticipants", adding), 201)
    assert severa.all("/v1/activities", changedSince="2026-03-01T08:30:00Z") == []
    severa.behaves(touched_by=["participants"])
    severa.call("DELETE", f"/v1/activities/{guid}/activityparticipants/{added['guid']}")
    assert names(severa.all("/v1/activities", changedSince="2026-03-01T08:30:00Z")) == ["Lunch"]


def test_activities_come_in_pages_of_20_and_of_100_at_most(severa: Severa) -> None:
    for number in range(21):
        severa.create(f"{number:02}")
    first = severa.call("GET", "/v1/activities")
    assert len(first.json()) == 20
    second = severa.call("GET", "/v1/activities", pageToken=first.headers["NextPageToken"])
    assert len(second.json()) == 1
    assert "NextPageToken" not in second.headers
    assert names(severa.all("/v1/activities", rowCount=7)) == [f"{number:02}" for number in range(21)]
    assert "NextPageToken" not in severa.call("GET", "/v1/activities", rowCount=21).headers
    for wrong in ({"rowCount": "0"}, {"rowCount": "many"}, {"pageToken": "%"}, {"startDateTime": "soon"}):
        assert refusal(severa.call("GET", "/v1/activities", **wrong)) == (400, "InvalidParameter"), wrong


def test_occurrences_and_singles_share_the_pages(severa: Severa) -> None:
    daily = {"frequency": "Daily", "pattern": {"daily": {"interval": 1}}, "range": {"maxOccurrences": 30}}
    severa.create("series", recurrence=daily)
    for number in range(5):
        severa.create(f"{number}")
    whole = severa.all("/v1/activities", rowCount=100)
    assert len(whole) == 35
    assert severa.all("/v1/activities", rowCount=4) == whole


def test_a_page_has_100_rows_at_most(severa: Severa) -> None:
    severa.create(recurrence={"frequency": "Daily", "range": {"maxOccurrences": 101}})
    page = severa.call("GET", "/v1/activities", rowCount=500)
    assert len(page.json()) == 100
    assert "NextPageToken" in page.headers


def test_occurrences_are_found_at_both_limits_of_the_window(severa: Severa) -> None:
    severa.create(recurrence={"frequency": "Daily", "range": {"maxOccurrences": 5}})

    def found(start: str, end: str) -> list[str]:
        window = {"startDateTime": f"2026-03-{start}+01:00", "endDateTime": f"2026-03-{end}+01:00"}
        return sorted(row["startDateTime"][8:10] for row in severa.all("/v1/activities", **window))

    assert found("03T13:00:00", "05T12:00:00") == ["03", "04", "05"]
    assert found("03T13:00:01", "05T11:59:59") == ["04"]


def test_what_changes_seldom_is_listed_by_its_change_too(severa: Severa, sandbox: Sandbox) -> None:
    sandbox.set_clock("2099-01-01T00:00:00Z", running=False)
    sandbox.severa_changes("users", severa.bo["guid"], first_name="Bosse")
    sandbox.severa_changes("types", severa.types["Task"]["guid"], name="Chore")
    since = "2099-01-01T00:00:00Z"
    assert [row["firstName"] for row in severa.all("/v1/users", changedSince=since)] == ["Bosse"]
    assert names(severa.all("/v1/activitytypes", changedSince=since)) == ["Chore"]


def test_a_listing_can_be_cut_short_or_late_by_faults(severa: Severa, sandbox: Sandbox) -> None:
    for number in range(5):
        severa.create(f"{number}")
    only = {"protocol": "severa", "operation": r"activities\.list"}
    sandbox.fault("truncated_listing", only, {"times": 1}, items=2)
    assert len(severa.all("/v1/activities")) == 2
    sandbox.fault("stale", only, {"times": 1}, seconds=3600)
    assert severa.all("/v1/activities") == []
    assert len(severa.all("/v1/activities")) == 5


def test_users_are_found_by_any_part_of_their_address(severa: Severa, sandbox: Sandbox) -> None:
    sandbox.severa_user("acme", "Diana@example.com")
    assert sorted(row["email"] for row in severa.all("/v1/users", email="ANA@example.com")) == ["Diana@example.com"]
    assert len(severa.all("/v1/users", email="na@example.com")) == 2
    assert len(severa.all("/v1/users", rowCount=1)) == 3
    sandbox.severa_changes("users", severa.bo["guid"], active=False)
    assert len(severa.all("/v1/users", isActive="true")) == len(severa.all("/v1/users", purpose="ActivityOwner")) == 2
    anna = severa.get(f"/v1/users/{severa.anna['guid']}")
    assert anna["timezone"]["ianaName"] == "Europe/Stockholm"
    assert anna["timezone"]["systemName"] == "W. Europe Standard Time"
    assert anna["notificationSettings"]["sendNewActivityEmail"] is True
    assert anna["timezone"] == severa.get(f"/v1/localization/timezones/{anna['timezone']['guid']}")
    assert anna["timezone"] in severa.get("/v1/localization/timezones")


def test_types_have_categories_and_one_default_each(severa: Severa, sandbox: Sandbox) -> None:
    sandbox.severa_type("acme", "Call", default=True)
    sandbox.severa_changes("types", severa.types["Absences"]["guid"], active=False)
    entries = severa.all("/v1/activitytypes", category=["CalendarEntry"])
    assert sorted((row["name"], row["isDefault"]) for row in entries) == [("Call", True), ("Meeting", False)]
    assert names(severa.all("/v1/activitytypes", active="false")) == ["Vacation"]
    refused = severa.call(
        "POST", "/v1/activities", severa.activity(activityType={"guid": severa.types["Absences"]["guid"]})
    )
    assert refusal(refused) == (400, "InvalidParameter"), "an inactive type"


def test_contacts_are_found_by_address_in_pages_by_row(severa: Severa, sandbox: Sandbox) -> None:
    carl = sandbox.severa_contact("acme", "carl@customer.example", customer="Fika AB")
    sandbox.severa_contact("acme", "dora@customer.example")
    (found,) = severa.get("/v1/contactpersons", textToSearch="CARL@customer")
    assert (found["guid"], found["emails"], found["customer"]["name"]) == (carl["guid"], carl["emails"], "Fika AB")
    assert severa.get(f"/v1/contactpersons/{carl['guid']}") == found
    assert len(severa.get("/v1/contactpersons", firstRow=1)) == 1


def test_the_organization_and_its_statuses_are_told(severa: Severa) -> None:
    organization = severa.get("/v1/organizationdetails")
    assert organization["name"] == "acme"
    zones = {zone["guid"]: zone["ianaName"] for zone in severa.get("/v1/localization/timezones")}
    assert zones[organization["timezone"]["guid"]] == "Europe/Stockholm"
    assert [row["name"] for row in severa.get("/v1/projecttaskstatuses")][-1] == "Done"
