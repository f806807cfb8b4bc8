"""`/rest-api/v1`: a program written for Severa finds its paths, fields, paging, PATCH and errors."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from django.test import Client

from samklang.activities import services
from samklang.activities.models import ActivityType, Participant
from samklang.activities.services import Guest
from tests.web import severa_document
from tests.web.house import House, as_program, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("answers")]

V1 = "/rest-api/v1"


@pytest.fixture
def alice(house: House) -> Client:
    return as_program(house.alice)


def _new(house: House, **more: Any) -> dict[str, Any]:
    body = {
        "name": "Kick-off",
        "startDateTime": "2026-03-10T09:00:00+01:00",
        "endDateTime": "2026-03-10T10:30:00+01:00",
        "activityType": {"guid": str(house.meeting.type.guid)},
        "ownerUser": {"guid": house.alice.psa_id},
    }
    return body | more


def _replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def test_an_activity_is_created_read_changed_and_deleted(house: House, alice: Client) -> None:
    made = send(alice, "POST", f"{V1}/activities", _new(house, location="Room 1", notes="Bring\ncoffee"))
    assert made.status_code == 201
    guid = made.json()["guid"]
    read = send(alice, "GET", f"{V1}/activities/{guid}").json()
    assert read == made.json()
    assert (read["name"], read["location"], read["notes"]) == ("Kick-off", "Room 1", "Bring\ncoffee")
    assert read["startDateTime"] == "2026-03-10T09:00:00+01:00"
    (patched,) = send(alice, "PATCH", f"{V1}/activities/{guid}", [_replace("/name", "Kick-off 2")]).json()
    assert (patched["name"], patched["location"]) == ("Kick-off 2", "Room 1")
    assert send(alice, "DELETE", f"{V1}/activities/{guid}").status_code == 204
    assert send(alice, "GET", f"{V1}/activities/{guid}").status_code == 404


def test_answers_have_severas_shape(house: House, alice: Client, answers: Counter[str]) -> None:
    """… as do all others of these tests: each is checked against the document."""
    if not severa_document.PATH.exists():
        pytest.skip("Severa's OpenAPI is not at hand: set SAMKLANG_SCHEMAS to the folder that holds it")
    weekly = {"frequency": "Weekly", "pattern": {"weekly": {"interval": 1, "tuesday": True}}}
    send(alice, "POST", f"{V1}/activities", _new(house, recurrence=weekly))
    for kind in (None, "Series", "Occurrence"):
        send(alice, "GET", f"{V1}/activities", **({"recurrenceType": kind} if kind else {}))
    send(as_program(house.charlie), "GET", f"{V1}/users")
    send(alice, "GET", f"{V1}/activitytypes")
    send(alice, "GET", f"{V1}/localization/timezones")
    send(alice, "GET", f"{V1}/organizationdetails")
    send(alice, "GET", f"{V1}/activities/{house.meeting.psa_id}/activityparticipants")
    send(alice, "GET", f"{V1}/activities/nothing")
    send(Client(), "GET", f"{V1}/activities")
    assert answers == {"checked": 11}


def test_a_patch_is_understood_as_the_document_writes_it(house: House, alice: Client) -> None:
    """… with a capital letter and values as text; and as programs do, with values as they are (Severa facts §1.7)."""
    address = f"{V1}/activities/{house.meeting.psa_id}"
    as_written = {"/isClosed": "true", "/name": "Done", "/startDateTime": "2026-03-03T09:00:00+01:00"}
    operations = [{"op": "Replace", "path": path, "value": value} for path, value in as_written.items()]
    for operation in operations if severa_document.PATH.exists() else ():
        severa_document.check("PatchOperation", operation)
    (patched,) = send(alice, "PATCH", address, operations).json()
    assert (patched["isClosed"], patched["name"], patched["startDateTime"]) == (True, *list(as_written.values())[1:])
    (patched,) = send(alice, "PATCH", address, [_replace("/isClosed", False)]).json()
    assert patched["isClosed"] is False


def test_pages_follow_each_other_by_the_token_in_the_header(house: House, alice: Client) -> None:
    for day in range(1, 6):
        send(alice, "POST", f"{V1}/activities", _new(house, name=f"Day {day}"))
    names: list[str] = []
    token, pages = None, 0
    while token or not pages:
        answer = send(alice, "GET", f"{V1}/activities", rowCount=3, **({"pageToken": token} if token else {}))
        names += [one["guid"] for one in answer.json()]
        token, pages = answer.headers.get("NextPageToken"), pages + 1
    assert len(names) == len(set(names)) == 1 + 6 + 5  # the meeting, the series' occurrences, the new ones
    assert pages == 4
    for wrong in ({"rowCount": 101}, {"rowCount": 0}, {"pageToken": "?"}):
        assert send(alice, "GET", f"{V1}/activities", **wrong).status_code == 400


def test_series_masters_come_only_when_asked_for(house: House, alice: Client) -> None:
    kinds = {one["recurrenceType"] for one in send(alice, "GET", f"{V1}/activities").json()}
    assert kinds == {"None", "Occurrence"}
    (series,) = send(alice, "GET", f"{V1}/activities", recurrenceType="Series").json()
    assert series["guid"] == house.series.psa_id
    assert series["recurrence"]["pattern"]["weekly"]["monday"] is True


def test_filters_narrow_the_list(house: House, alice: Client) -> None:
    def names(**query: Any) -> list[str]:
        return [one["name"] for one in send(alice, "GET", f"{V1}/activities", **query).json()]

    span = {"startDateTime": "2026-03-02T08:30:00+01:00", "endDateTime": "2026-03-02T10:30:00+01:00"}
    assert names(**span) == ["Merger talks"]
    assert names(userGuids=[house.bob.psa_id]) == []
    assert names(userGuids=[house.bob.psa_id], includeAsMember="true", recurrenceType="None") == ["Merger talks"]
    assert names(changedSince="2999-01-01T00:00:00Z") == []
    assert names(activityCategories=["Personal"]) == []
    assert names(closed="true") == []
    task = ActivityType.objects.of(house.them.company).get(category="Task")
    assert names(activityTypeGuids=[str(task.guid)]) == []


def test_an_occurrence_has_a_guid_and_changes_alone(house: House, alice: Client) -> None:
    occurrences = send(alice, "GET", f"{V1}/activities", recurrenceType="Occurrence").json()
    assert len(occurrences) == 6
    second = occurrences[1]["guid"]
    (changed,) = send(alice, "PATCH", f"{V1}/activities/{second}", [_replace("/name", "Tea instead")]).json()
    assert (changed["name"], changed["recurrenceType"]) == ("Tea instead", "Exception")
    assert changed["recurrenceParentActivityGuid"] == house.series.psa_id
    assert send(alice, "DELETE", f"{V1}/activities/{occurrences[2]['guid']}").status_code == 204
    left = [one["name"] for one in send(alice, "GET", f"{V1}/activities").json() if one["recurrenceType"] != "None"]
    assert left == ["Weekly coffee", "Tea instead", "Weekly coffee", "Weekly coffee", "Weekly coffee"]
    assert send(alice, "DELETE", f"{V1}/activities/{house.series.psa_id}/exceptions").status_code == 204
    assert len(send(alice, "GET", f"{V1}/activities", recurrenceType="Occurrence").json()) == 6


def test_participants_are_added_listed_and_removed(house: House, alice: Client) -> None:
    guid = house.series.psa_id
    added = send(
        alice, "POST", f"{V1}/activityparticipants", {"activityGuid": guid, "participantGuid": house.bob.psa_id}
    )
    assert added.status_code == 201
    (listed,) = send(alice, "GET", f"{V1}/activities/{guid}/activityparticipants").json()
    assert listed == added.json()
    assert (listed["participantGuid"], listed["email"]) == (house.bob.psa_id, house.bob.email)
    removed = send(alice, "DELETE", f"{V1}/activities/{guid}/activityparticipants/{listed['guid']}")
    assert removed.status_code == 204
    assert send(alice, "GET", f"{V1}/activities/{guid}/activityparticipants").json() == []


def test_a_draft_is_released_and_booked_hours_are_reported_by_patch(house: House, alice: Client) -> None:
    made = send(alice, "POST", f"{V1}/activities", _new(house, isDraft=True, hasHours=True)).json()
    assert (made["isDraft"], made["hasHours"]) == (True, False), "nobody books hours by making an activity"
    operations = [_replace("/isDraft", False), _replace("/hasHours", True)]
    (patched,) = send(alice, "PATCH", f"{V1}/activities/{made['guid']}", operations).json()
    assert (patched["isDraft"], patched["hasHours"]) == (False, True)


def test_an_administrator_changes_an_activity_type(house: House, alice: Client) -> None:
    address = f"{V1}/activitytypes/{house.meeting.type.guid}"
    answer = send(alice, "PATCH", address, [_replace("/name", "Round"), _replace("/isActive", False)])
    (changed,) = answer.json()
    assert (changed["name"], changed["isActive"]) == ("Round", False)
    assert send(alice, "PATCH", address, [_replace("/category", "Task")]).status_code == 400
    assert send(alice, "PATCH", address, [_replace("/name", " ")]).status_code == 400
    assert send(as_program(house.bob), "PATCH", address, [_replace("/name", "x")]).status_code == 403


def test_people_from_outside_are_listed_with_their_answers_and_stay(house: House, alice: Client) -> None:
    eva = Guest(name="Eva", address="eva@customer.example", status=Participant.Status.TENTATIVE, organizer=True)
    services.update(house.alice, house.series.guid, participants=[eva])
    guid = house.series.psa_id
    send(alice, "POST", f"{V1}/activityparticipants", {"activityGuid": guid, "participantGuid": house.bob.psa_id})
    outside, bob = send(alice, "GET", f"{V1}/activities/{guid}/activityparticipants").json()
    assert (outside["type"], outside["status"], outside["name"], outside["email"]) == (
        "Other",
        "Tentative",
        "Eva",
        "eva@customer.example",
    )
    assert send(alice, "DELETE", f"{V1}/activities/{guid}/activityparticipants/{bob['guid']}").status_code == 204
    (left,) = Participant.objects.filter(activity=house.series)
    assert (left.shown_name, left.status, left.organizer) == ("Eva", "Tentative", True)


def test_the_owner_cannot_be_added_to_his_own_activity(house: House, alice: Client) -> None:
    sent = {"activityGuid": house.series.psa_id, "participantGuid": house.alice.psa_id}
    assert send(alice, "POST", f"{V1}/activityparticipants", sent).status_code == 400


def test_a_private_activity_of_a_colleague_shows_its_time_alone(house: House, alice: Client) -> None:
    doctor = ActivityType.objects.create(organization=house.them.company, name="Doctor", category="Personal")
    secret = _new(house, name="Clinic", notes="knee", location="Ward 3", activityType={"guid": str(doctor.guid)})
    guid = send(alice, "POST", f"{V1}/activities", secret).json()["guid"]
    seen = send(as_program(house.bob), "GET", f"{V1}/activities/{guid}").json()
    assert (seen["name"], seen["notes"], seen["location"]) == ("Private", None, None)
    assert seen["activityType"]["name"] == "Private"
    assert seen["startDateTime"] == "2026-03-10T09:00:00+01:00"
    assert not any(word in json.dumps(seen) for word in ("Clinic", "knee", "Ward", "Doctor", str(doctor.guid)))


def test_an_all_day_activity_goes_from_midnight_to_midnight(house: House, alice: Client) -> None:
    days = {"isAllDay": True, "startDateTime": "2026-03-28T00:00:00+01:00", "endDateTime": "2026-03-30T00:00:00+02:00"}
    made = send(alice, "POST", f"{V1}/activities", _new(house, **days)).json()
    assert (made["startDateTime"], made["endDateTime"]) == (days["startDateTime"], days["endDateTime"])
    assert made["isAllDay"] is True


_WRONG_BODIES: list[Any] = [
    None,
    [],
    "text",
    {},
    {"name": ""},
    {"name": 5},
    {"name": "a\u0000b"},
    {"startDateTime": "yesterday"},
    {"startDateTime": 5},
    {"startDateTime": "0001-01-01T00:00:00+14:00"},
    {"startDateTime": "9999-12-31T23:59:59-12:00"},
    {"endDateTime": "2026-03-01T00:00:00Z"},
    {"activityType": None},
    {"activityType": "x"},
    {"activityType": {"guid": "x"}},
    {"ownerUser": {"guid": 7}},
    {"isAllDay": "perhaps"},
    {"isClosed": 3},
    {"location": ["x"]},
    {"location": "x" * 1001},
    {"recurrence": {"frequency": "Hourly"}},
    {"recurrence": {"frequency": "Weekly", "pattern": {"weekly": {"interval": "two"}}}},
    {"recurrence": {"frequency": "Weekly", "pattern": "x"}},
    {"recurrence": {"frequency": "Weekly", "range": {"maxOccurrences": 3, "recursUntilDate": "2026-05-01"}}},
    {"recurrence": "weekly"},
]


@pytest.mark.parametrize("wrong", _WRONG_BODIES, ids=lambda body: json.dumps(body)[:60])
def test_what_cannot_be_is_refused_with_severas_error_and_changes_nothing(
    house: House, alice: Client, wrong: Any
) -> None:
    before = len(send(alice, "GET", f"{V1}/activities").json())
    body = _new(house, **wrong) if isinstance(wrong, dict) and wrong else wrong
    answer = send(alice, "POST", f"{V1}/activities", body)
    assert answer.status_code == 400, answer.content[:300]
    error = answer.json()["error"]
    assert error["httpStatusCode"] == 400
    assert error["type"] in ("InvalidRequest", "InvalidParameter", "InvalidOperation")
    assert error["details"][0]["message"]
    assert len(send(alice, "GET", f"{V1}/activities").json()) == before


@pytest.mark.parametrize(
    "operations",
    [
        {},
        ["x"],
        [{"op": "add", "path": "/name", "value": "x"}],
        [{"op": "replace", "path": "", "value": "x"}],
        [_replace("/name", None)],
        [_replace("/activityType", None), _replace("/activityType/guid", 5)],
    ],
    ids=json.dumps,
)
def test_a_patch_that_is_no_replace_is_refused(house: House, alice: Client, operations: Any) -> None:
    answer = send(alice, "PATCH", f"{V1}/activities/{house.meeting.psa_id}", operations)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["location"]["type"] == "RequestBody"


@pytest.mark.parametrize(
    "query",
    [
        {"recurrenceType": "Sometimes"},
        {"activityTypeGuids": "x"},
        {"activityCategories": "Fun"},
        {"startDateTime": "soon"},
        {"startDateTime": "0001-01-01T00:00:00"},
        {"endDateTime": "9999-12-31T23:59:59"},
        {"userGuids": "x"},
    ],
    ids=str,
)
def test_a_filter_that_cannot_be_names_itself(house: House, alice: Client, query: dict[str, str]) -> None:
    answer = send(alice, "GET", f"{V1}/activities", **query)
    assert answer.status_code == 400
    assert next(iter(query)) in json.dumps(answer.json())
