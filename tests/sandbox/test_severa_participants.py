"""Participants of Severa's activities, and whom Severa mails."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.severa_client import CLIENT, Severa, refusal, severa
from tests.sandbox.test_severa_series import occurrences, weekly
from tests.sandbox_client import Sandbox

__all__ = ["severa"]


def add(severa: Severa, activity: str, who: str, **more: Any) -> dict[str, Any]:
    sent = {"activityGuid": activity, "participantGuid": who, **more}
    return dict(severa.ok(severa.call("POST", "/v1/activityparticipants", sent), 201))


def of(severa: Severa, activity: str) -> list[dict[str, Any]]:
    return list(severa.get(f"/v1/activities/{activity}/activityparticipants"))


def test_users_and_contacts_take_part(severa: Severa, sandbox: Sandbox) -> None:
    guid = severa.create()["guid"]
    carl = sandbox.severa_contact("acme", "carl@customer.example", first_name="Carl", last_name="C")
    bo = add(severa, guid, severa.bo["guid"])
    assert (bo["type"], bo["email"], bo["name"], bo["status"]) == ("User", "bo@example.com", "Bo By", "Invited")
    contact = add(severa, guid, carl["guid"], type="Contact", status="Tentative")
    assert (contact["type"], contact["email"], contact["status"]) == ("Contact", "carl@customer.example", "Tentative")
    assert sorted(row["guid"] for row in of(severa, guid)) == sorted((bo["guid"], contact["guid"]))
    assert severa.get(f"/v1/activityparticipants/{bo['guid']}") == bo
    assert severa.call("DELETE", f"/v1/activities/{guid}/activityparticipants/{bo['guid']}").status_code == 204
    assert severa.call("DELETE", f"/v1/activities/{guid}/activityparticipants/{bo['guid']}").status_code == 404
    assert of(severa, guid) == [contact]


def test_who_takes_part_already_or_is_nobody_is_refused(severa: Severa) -> None:
    guid = severa.create()["guid"]
    add(severa, guid, severa.bo["guid"])
    for who, type in (
        (severa.bo["guid"], "InvalidOperation"),
        (severa.anna["guid"], "InvalidOperation"),
        ("x", "InvalidParameter"),
    ):
        sent = {"activityGuid": guid, "participantGuid": who}
        assert refusal(severa.call("POST", "/v1/activityparticipants", sent)) == (400, type)
    wrong = {"activityGuid": severa.create()["guid"], "participantGuid": severa.bo["guid"], "type": "Contact"}
    assert refusal(severa.call("POST", "/v1/activityparticipants", wrong)) == (400, "InvalidParameter")
    lacking = severa.call("POST", "/v1/activityparticipants", {"activityGuid": guid, "email": "x@example.com"})
    assert refusal(lacking) == (400, "InvalidParameter"), "nobody is added by his address"
    assert (
        severa.call("POST", "/v1/activityparticipants", {"activityGuid": "x", "participantGuid": "y"}).status_code
        == 404
    )


def test_only_is_confirmed_can_be_patched_unless_the_switch_says_more(severa: Severa) -> None:
    row = add(severa, severa.create()["guid"], severa.bo["guid"])["guid"]

    def patched(path: str, value: object) -> Any:
        return severa.call(
            "PATCH", f"/v1/activityparticipants/{row}", [{"op": "replace", "path": path, "value": value}]
        )

    assert refusal(patched("/status", "Declined")) == (400, "InvalidParameter")
    assert severa.ok(patched("/isConfirmed", True))[0]["status"] == "Accepted"
    severa.behaves(status_writable=True)
    assert severa.ok(patched("/status", "Declined"))[0]["status"] == "Declined"
    assert refusal(patched("/status", "Maybe")) == (400, "InvalidParameter")


def test_removing_somebody_from_one_date_makes_an_exception(severa: Severa) -> None:
    series = severa.create(**weekly())["guid"]
    row = add(severa, series, severa.bo["guid"])["guid"]
    date = occurrences(severa)[1]["guid"]
    assert [shown["activityGuid"] for shown in of(severa, date)] == [date]
    assert severa.call("DELETE", f"/v1/activities/{date}/activityparticipants/{row}").status_code == 204
    assert severa.get(f"/v1/activities/{date}")["recurrenceType"] == "Exception"
    assert of(severa, date) == []
    assert [shown["guid"] for shown in of(severa, series)] == [row]


def test_an_exception_keeps_the_people_of_its_series(severa: Severa) -> None:
    series = severa.create(**weekly())["guid"]
    add(severa, series, severa.bo["guid"], status="Accepted")
    date = occurrences(severa)[1]["guid"]
    severa.replace(date, name="Second")
    assert [(row["name"], row["status"]) for row in of(severa, date)] == [("Bo By", "Accepted")]


def test_a_new_owner_is_no_participant_any_longer(severa: Severa) -> None:
    guid = severa.create()["guid"]
    add(severa, guid, severa.bo["guid"])
    severa.ok(severa.replace(guid, ownerUser__guid=severa.bo["guid"]))
    assert of(severa, guid) == []


def test_whether_the_owner_is_listed_is_a_switch(severa: Severa) -> None:
    severa.behaves(owner_participates=True)
    guid = severa.create()["guid"]
    (owner,) = of(severa, guid)
    assert (owner["participantGuid"], owner["status"]) == (severa.anna["guid"], "Accepted")
    assert severa.call("DELETE", f"/v1/activities/{guid}/activityparticipants/{owner['guid']}").status_code == 404


@pytest.mark.parametrize(
    ("whom", "told"),
    [
        ("owner_and_participants", ["anna@example.com", "bo@example.com"]),
        ("participants", ["bo@example.com"]),
        ("nobody", []),
    ],
)
def test_whom_a_new_activity_mails_is_a_switch(severa: Severa, sandbox: Sandbox, whom: str, told: list[str]) -> None:
    severa.behaves(new_activity_mails=whom)
    sandbox.zero_counts()
    guid = severa.create()["guid"]
    add(severa, guid, severa.bo["guid"])
    severa.replace(guid, name="Other")
    assert [(mail["recipient"], mail["kind"], mail["sender"]) for mail in sandbox.mails()] == [
        (address, "new_activity", CLIENT) for address in told
    ]
    assert sandbox.counts(CLIENT)["mails"] == len(told)


def test_users_who_want_no_mails_get_none(severa: Severa, sandbox: Sandbox) -> None:
    for user in (severa.anna, severa.bo):
        sandbox.severa_changes("users", user["guid"], notifications={"sendNewActivityEmail": False})
    add(severa, severa.create()["guid"], severa.bo["guid"])
    assert sandbox.mails() == []
