"""What people do in Severa's own pages, by the control API, and what a program sees of it."""

from __future__ import annotations

import pytest

from tests.sandbox.severa_client import CLIENT, Severa, severa
from tests.sandbox_client import Refused, Sandbox

__all__ = ["severa"]
ANNA, BO = "anna@example.com", "bo@example.com"
WEEKLY = {
    "frequency": "Weekly",
    "pattern": {"weekly": {"monday": True}},
    "range": {"maxOccurrences": 3},
}


def test_a_users_activity_is_seen_by_programs_and_counts_for_none(severa: Severa, sandbox: Sandbox) -> None:
    sandbox.zero_counts()
    made = sandbox.severa_creates(
        ANNA, name="Lunch", start="2026-03-02T12:00", end="2026-03-02T13:00", location="Hall", notes="a\nb"
    )
    shown = severa.get(f"/v1/activities/{made['guid']}")
    assert (shown["name"], shown["startDateTime"], shown["notes"]) == ("Lunch", "2026-03-02T12:00:00+01:00", "a\nb")
    assert shown["createdBy"]["name"] == "Anna Ek"
    assert shown["activityType"]["name"] == "Meeting", "the default of calendar entries"
    assert sandbox.counts(CLIENT)["writes"] == {"create": 0, "update": 0, "delete": 0}


def test_nobody_is_mailed_about_what_he_does_himself(severa: Severa, sandbox: Sandbox) -> None:
    sandbox.severa_creates(ANNA, name="Mine", start="2026-03-02T12:00")
    assert sandbox.mails("person") == []
    sandbox.severa_creates(ANNA, name="His", start="2026-03-02T12:00", owner=BO)
    assert [(mail["sender"], mail["recipient"]) for mail in sandbox.mails("person")] == [(ANNA, BO)]


def test_a_user_edits_and_deletes_for_good(severa: Severa, sandbox: Sandbox) -> None:
    guid = severa.create()["guid"]
    edited = sandbox.severa_edits(guid, name="Dinner", type="Meeting", owner=BO, closed=True, has_hours=True)
    assert (edited["name"], edited["owner"], edited["closed"]) == ("Dinner", severa.bo["guid"], True)
    assert severa.get(f"/v1/activities/{guid}")["hasHours"] is True
    with pytest.raises(Refused, match="group"):
        sandbox.severa_edits(guid, type="Private")
    sandbox.severa_deletes(guid)
    assert severa.call("GET", f"/v1/activities/{guid}").status_code == 404
    with pytest.raises(Refused, match="no such activity"):
        sandbox.severa_activity(guid)


def test_all_day_activities_are_dates(severa: Severa, sandbox: Sandbox) -> None:
    made = sandbox.severa_creates(BO, name="Fair", start="2026-03-28", end="2026-03-30", all_day=True)
    assert (made["start_date"], made["end_date"]) == ("2026-03-28", "2026-03-30")
    assert severa.get(f"/v1/activities/{made['guid']}")["endDateTime"] == "2026-03-30T00:00:00+03:00"


def test_one_date_of_a_series_is_edited_and_deleted(severa: Severa, sandbox: Sandbox) -> None:
    series = sandbox.severa_creates(ANNA, name="Stand-up", start="2026-03-02T09:00", recurrence=WEEKLY)["guid"]
    sandbox.severa_edits(series, "2026-03-09", name="Late", start="2026-03-09T10:00", end="2026-03-09T11:00")
    sandbox.severa_edits(series, "2026-03-09", location="Hall")
    sandbox.severa_deletes(series, "2026-03-16")
    shown = sandbox.severa_activities(ANNA, ("2026-03-01", "2026-04-01"))
    assert [(each["name"], each["start"], each["original"]) for each in shown] == [
        ("Stand-up", "2026-03-02T08:00:00+00:00", "2026-03-02"),
        ("Late", "2026-03-09T09:00:00+00:00", "2026-03-09"),
    ]
    assert sorted(row["name"] for row in severa.all("/v1/activities")) == ["Late", "Stand-up"]
    assert sandbox.severa_activity(series)["deleted"] == ["2026-03-16"]
    with pytest.raises(Refused):
        sandbox.severa_deletes(series, "2026-03-16")
    with pytest.raises(Refused, match="no series"):
        sandbox.severa_edits(severa.create()["guid"], "2026-03-02", name="x")


def test_participants_of_every_kind_are_added_answer_and_leave(severa: Severa, sandbox: Sandbox) -> None:
    guid = severa.create()["guid"]
    sandbox.severa_contact("acme", "carl@customer.example")
    for who, details in (
        (BO, {}),
        ("carl@customer.example", {}),
        ("eve@elsewhere.example", {"name": "Eve"}),
        ("", {"kind": "Resource", "name": "Room 1"}),
    ):
        shown = sandbox.severa_adds(guid, who, **details)
    assert sorted((row["kind"], row["email"]) for row in shown["participants"]) == [
        ("Contact", "carl@customer.example"),
        ("Other", "eve@elsewhere.example"),
        ("Resource", ""),
        ("User", BO),
    ]
    sandbox.severa_answers(guid, BO, "Tentative")
    rows = severa.get(f"/v1/activities/{guid}/activityparticipants")
    assert {row["type"]: row["status"] for row in rows}["User"] == "Tentative"
    assert {row["name"] for row in rows} >= {"Room 1", "Eve"}
    sandbox.severa_removes(guid, "Room 1")
    sandbox.severa_removes(guid, BO, by=BO)
    assert len(sandbox.severa_activity(guid)["participants"]) == 2
    assert [mail["recipient"] for mail in sandbox.mails("person")] == [BO]


def test_a_participant_edits_but_deletes_nothing_and_removes_only_himself(severa: Severa, sandbox: Sandbox) -> None:
    guid = severa.create()["guid"]
    sandbox.severa_adds(guid, BO)
    sandbox.severa_adds(guid, "eve@elsewhere.example")
    assert sandbox.severa_edits(guid, by=BO, name="Dinner")["updated_by"] == severa.bo["guid"]
    with pytest.raises(Refused, match="not delete"):
        sandbox.severa_deletes(guid, by=BO)
    with pytest.raises(Refused, match="themselves"):
        sandbox.severa_removes(guid, "eve@elsewhere.example", by=BO)


def test_an_answer_to_one_date_is_for_that_date(severa: Severa, sandbox: Sandbox) -> None:
    series = sandbox.severa_creates(ANNA, name="Stand-up", start="2026-03-02T09:00", recurrence=WEEKLY)["guid"]
    sandbox.severa_adds(series, BO)
    sandbox.severa_answers(series, BO, "Declined", "2026-03-09")
    (row,) = sandbox.severa_activity(series, "2026-03-09")["participants"]
    assert row["status"] == "Declined"
    assert [row["status"] for row in sandbox.severa_activity(series)["participants"]] == ["Invited"]


def test_people_read_and_write_text_where_notes_are_html(severa: Severa, sandbox: Sandbox) -> None:
    severa.behaves(notes="html")
    guid = sandbox.severa_creates(ANNA, name="x", start="2026-03-02T09:00", notes="a < b\nc")["guid"]
    assert severa.get(f"/v1/activities/{guid}")["notes"] == "<p>a &lt; b<br>c</p>"
    assert sandbox.severa_activity(guid)["notes"] == "a < b\nc"
    severa.replace(guid, notes="one\ntwo")
    assert sandbox.severa_activity(guid)["notes"] == "one two", "a program that sends text loses its lines"


def test_state_survives_a_killed_sandbox(severa: Severa, sandbox: Sandbox) -> None:
    severa.behaves(offsets="utc")
    before = severa.create()
    sandbox.stop(kill=True)
    sandbox.start()
    assert severa.get(f"/v1/activities/{before['guid']}") == before


def test_reset_forgets_it_all(severa: Severa, sandbox: Sandbox) -> None:
    severa.create()
    sandbox.reset()
    assert sandbox.ask("GET", "/severa/organizations") == []
    again = Severa(sandbox)
    assert again.all("/v1/activities") == []
