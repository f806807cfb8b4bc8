"""Single activities over Severa's REST API: what is sent comes back, and what Severa refuses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.severa_client import CLIENT, Severa, refusal, severa
from tests.sandbox_client import Sandbox

__all__ = ["severa"]
NOWHERE = "00000000-0000-0000-0000-000000000000"


def test_an_activity_comes_back_as_it_was_sent(severa: Severa) -> None:
    made = severa.create(notes="Bring cake", location="Kitchen", customer={"guid": "c-1", "name": "Fika AB"})
    assert made == severa.get(f"/v1/activities/{made['guid']}")
    assert (made["name"], made["notes"], made["location"]) == ("Lunch", "Bring cake", "Kitchen")
    assert made["startDateTime"] == "2026-03-02T12:00:00+01:00"
    assert made["customer"] == {"guid": "c-1", "name": "Fika AB", "number": None}
    assert made["activityType"]["category"] == "CalendarEntry"
    assert made["ownerUser"]["name"] == "Anna Ek"
    assert (made["recurrenceType"], made["hasHours"], made["isClosed"]) == ("None", False, False)
    assert not {"isPrivate", "etag", "version"} & set(made)


def test_a_deleted_activity_is_gone_for_good(severa: Severa) -> None:
    guid = severa.create()["guid"]
    assert severa.call("DELETE", f"/v1/activities/{guid}").status_code == 204
    gone = severa.call("GET", f"/v1/activities/{guid}")
    assert (gone.status_code, gone.content) == (404, b"")
    assert severa.call("DELETE", f"/v1/activities/{guid}").status_code == 404
    assert severa.all("/v1/activities") == []
    severa.behaves(not_found_body=True)
    assert refusal(severa.call("GET", f"/v1/activities/{guid}")) == (404, "InvalidParameter")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"startDateTime": "2026-03-02T12:00:00"}, "startDateTime"),
        ({"endDateTime": "2026-03-02T11:00:00+01:00"}, "endDateTime"),
        ({"location": "x" * 1001}, "location"),
        ({"activityType": {"guid": NOWHERE}}, "activityType"),
        ({"ownerUser": {"guid": NOWHERE}}, "ownerUser"),
        ({"isAllDay": True}, "isAllDay"),
        ({"isAllDay": True, "endDateTime": "9999-12-31T23:59:59Z"}, "startDateTime"),
        ({"recurrence": {"frequency": "Daily", "range": {"maxOccurrences": 10_001}}}, "recurrence.range"),
        ({"recurrence": {"frequency": "Hourly"}}, "recurrence.frequency"),
        ({"recurrence": {"frequency": "Weekly"}}, "recurrence.pattern.weekly"),
    ],
)
def test_what_severa_cannot_keep_is_refused_and_named(severa: Severa, fields: dict[str, Any], name: str) -> None:
    answer = severa.call("POST", "/v1/activities", severa.activity(**fields))
    assert refusal(answer) == (400, "InvalidParameter")
    assert answer.json()["error"]["details"][0]["location"] == {
        "type": "RequestBody",
        "name": name,
        "identifier": None,
    }
    assert severa.all("/v1/activities") == []


def test_a_field_that_is_missing_is_refused(severa: Severa) -> None:
    for name in ("name", "startDateTime", "activityType", "ownerUser"):
        body = severa.activity()
        del body[name]
        assert refusal(severa.call("POST", "/v1/activities", body)) == (400, "InvalidParameter"), name


def test_an_all_day_activity_goes_from_midnight_to_midnight_where_its_owner_is(severa: Severa) -> None:
    times = {"startDateTime": "2026-03-28T00:00:00+02:00", "endDateTime": "2026-03-30T00:00:00+03:00"}
    made = severa.create(isAllDay=True, ownerUser={"guid": severa.bo["guid"]}, **times)
    assert (made["startDateTime"], made["endDateTime"]) == (times["startDateTime"], times["endDateTime"])
    assert made["isAllDay"] is True
    hers = severa.call("POST", "/v1/activities", severa.activity(isAllDay=True, **times))
    assert refusal(hers) == (400, "InvalidParameter"), "no midnight in Stockholm"
    one = severa.create(isAllDay=True, startDateTime="2026-03-29T00:00:00+01:00", endDateTime=None)
    assert one["endDateTime"] == "2026-03-30T00:00:00+02:00", "a day of 23 hours"


def test_a_users_new_zone_moves_nothing_and_keeps_nothing_from_being_edited(severa: Severa, sandbox: Sandbox) -> None:
    day = {"startDateTime": "2026-03-02T00:00:00+01:00", "endDateTime": "2026-03-03T00:00:00+01:00"}
    guid = severa.create(isAllDay=True, **day)["guid"]
    sandbox.severa_changes("users", severa.anna["guid"], zone="Europe/Helsinki")
    (changed,) = severa.ok(severa.replace(guid, name="Fair"))
    assert changed["startDateTime"] == "2026-03-02T01:00:00+02:00"


def test_a_patch_changes_what_it_names_and_the_moment_of_the_change(severa: Severa, sandbox: Sandbox) -> None:
    sandbox.set_clock("2026-03-01T08:00:00Z", running=False)
    made = severa.create(notes="Old", location="Kitchen")
    sandbox.set_clock("2026-03-01T09:00:00Z", running=False)
    (changed,) = severa.ok(severa.replace(made["guid"], notes=None, name="Late lunch", isClosed="true"))
    assert changed["lastUpdatedDateTime"] == "2026-03-01T10:00:00+01:00"
    assert {n: v for n, v in changed.items() if v != made[n]} == {
        "name": "Late lunch",
        "notes": None,
        "isClosed": True,
        "lastUpdatedDateTime": "2026-03-01T10:00:00+01:00",
    }
    assert severa.get(f"/v1/activities/{made['guid']}") == changed


@pytest.mark.parametrize(
    ("operation", "type"),
    [
        ({"op": "add", "path": "/notes", "value": "x"}, "InvalidOperation"),
        ({"op": "remove", "path": "/notes"}, "InvalidOperation"),
        ({"op": "explode", "path": "/notes"}, "InvalidParameter"),
        ({"op": "replace", "path": "/hasHours", "value": True}, "InvalidParameter"),
        ({"op": "replace", "path": "/recurrenceType", "value": "Series"}, "InvalidParameter"),
        ({"op": "replace", "path": "/isPrivate", "value": True}, "InvalidParameter"),
        ({"op": "replace", "path": "/phase/guid", "value": "p-1"}, "InvalidParameter"),
        ({"op": "replace", "path": "notes", "value": "x"}, "InvalidParameter"),
        ({"op": "replace", "path": "/name", "value": ""}, "InvalidParameter"),
        ({"op": "replace", "path": "/name", "value": None}, "InvalidParameter"),
    ],
)
def test_a_patch_that_severa_does_not_know_changes_nothing(
    severa: Severa, operation: dict[str, Any], type: str
) -> None:
    made = severa.create()
    assert refusal(severa.call("PATCH", f"/v1/activities/{made['guid']}", [operation])) == (400, type)
    assert severa.get(f"/v1/activities/{made['guid']}") == made


def test_the_spelling_of_op_and_the_kind_of_values_are_switches(severa: Severa) -> None:
    guid = severa.create()["guid"]

    def patched(op: str, value: object) -> int:
        operation = {"op": op, "path": "/isClosed", "value": value}
        return severa.call("PATCH", f"/v1/activities/{guid}", [operation]).status_code

    for switch, answers in (("any", (200, 200)), ("lower", (200, 400)), ("capital", (400, 200))):
        severa.behaves(patch_ops=switch)
        assert (patched("replace", True), patched("Replace", True)) == answers, switch
    severa.behaves(patch_values="strings")
    assert (patched("replace", False), patched("replace", "false")) == (400, 200)


def test_fields_can_be_made_unpatchable(severa: Severa) -> None:
    guid = severa.create()["guid"]
    severa.behaves(fixed_fields=["activityType", "recurrence"])
    assert refusal(severa.replace(guid, activityType__guid=severa.types["CalendarEntry"]["guid"]))[0] == 400
    assert severa.replace(guid, name="Other").status_code == 200


def test_the_group_of_an_activity_cannot_change_but_its_type_can(severa: Severa, sandbox: Sandbox) -> None:
    guid = severa.create()["guid"]
    private, other = severa.types["Personal"]["guid"], sandbox.severa_type("acme", "Call")["guid"]
    assert refusal(severa.replace(guid, activityType__guid=private)) == (400, "InvalidOperation")
    (changed,) = severa.ok(severa.replace(guid, activityType__guid=other))
    assert changed["activityType"]["name"] == "Call"


def test_several_activities_are_patched_at_once(severa: Severa) -> None:
    one, two = severa.create("One")["guid"], severa.create("Two")["guid"]
    both = severa.ok(severa.replace(f"{one},{NOWHERE},{two}", location="Hall"))
    assert [each["guid"] for each in both["succeeded"]] == [one, two]
    assert [each["httpStatusCode"] for each in both["errors"]] == [404]
    assert severa.get(f"/v1/activities/{two}")["location"] == "Hall"


def test_a_scope_that_the_token_lacks_is_refused(severa: Severa) -> None:
    guid = severa.create()["guid"]
    severa.sign_in(scope="activities:read")
    assert severa.get(f"/v1/activities/{guid}")["name"] == "Lunch"
    assert refusal(severa.call("POST", "/v1/activities", severa.activity())) == (403, "InsufficientApiScope")
    assert refusal(severa.call("DELETE", f"/v1/activities/{guid}")) == (403, "InsufficientApiScope")
    assert refusal(severa.call("GET", "/v1/activitytypes")) == (403, "InsufficientApiScope")
    assert refusal(severa.call("GET", "/v1/users")) == (403, "InsufficientApiScope")


def test_organizations_see_nothing_of_each_other(severa: Severa, sandbox: Sandbox) -> None:
    guid = severa.create()["guid"]
    daily = {"frequency": "Daily", "range": {"maxOccurrences": 1}}
    series = severa.create(recurrence=daily)["guid"]
    (date,) = severa.all("/v1/activities", recurrenceType="Occurrence")
    sandbox.severa_organization("other", [{"client_id": "other.api", "secret": "x"}])
    severa.sign_in(client_id="other.api", client_secret="x")
    severa.headers["Client_Id"] = "other.api"
    for hidden in (guid, series, date["guid"]):
        assert severa.call("GET", f"/v1/activities/{hidden}").status_code == 404
    assert severa.replace(guid, name="Mine").status_code == 404
    assert severa.call("GET", f"/v1/users/{severa.anna['guid']}").status_code == 404
    assert severa.all("/v1/activities") == severa.all("/v1/users") == severa.all("/v1/activitytypes") == []


@pytest.mark.parametrize(
    ("offsets", "start"),
    [("zone", "2026-03-02T12:00:00+01:00"), ("utc", "2026-03-02T11:00:00Z"), ("none", "2026-03-02T11:00:00")],
)
def test_how_times_are_written_is_a_switch(severa: Severa, offsets: str, start: str) -> None:
    severa.behaves(offsets=offsets)
    assert severa.create()["startDateTime"] == start


def test_times_without_an_offset_are_utc_where_the_switch_says_so(severa: Severa) -> None:
    severa.behaves(naive_times="utc")
    made = severa.create(startDateTime="2026-03-02T09:00:00", endDateTime="2026-03-02T10:00:00")
    assert made["startDateTime"] == "2026-03-02T10:00:00+01:00"


def test_notes_are_texts_or_html(severa: Severa) -> None:
    assert severa.create(notes="a < b\nc")["notes"] == "a < b\nc"
    severa.behaves(notes="html")
    made = severa.create(notes="one\ntwo")
    assert made["notes"] == "<p>one\ntwo</p>", "HTML, whose line ends mean nothing"
    assert severa.replace(made["guid"], notes="<p>three</p>").json()[0]["notes"] == "<p>three</p>"


def test_writes_are_counted_and_refused_ones_are_not(severa: Severa, sandbox: Sandbox) -> None:
    sandbox.zero_counts()
    guid = severa.create()["guid"]
    severa.replace(guid, name="Other")
    severa.replace(guid, name="")
    severa.call("DELETE", f"/v1/activities/{guid}")
    severa.call("DELETE", f"/v1/activities/{guid}")
    assert sandbox.counts(CLIENT)["writes"] == {"create": 1, "update": 1, "delete": 1}
