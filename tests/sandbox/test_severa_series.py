"""Recurring activities over Severa's REST API: their dates, exceptions, deleted dates, and what is a switch."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from dateutil.rrule import rrulestr

from tests.sandbox.severa_client import Severa, refusal, severa
from tests.sandbox_client import Sandbox

__all__ = ["severa"]
MARCH = {"startDateTime": "2026-03-01T00:00:00+01:00", "endDateTime": "2026-03-31T23:59:59+02:00"}
MONDAYS = {"frequency": "Weekly", "pattern": {"weekly": {"interval": 1, "monday": True}}}


def weekly(count: int | None = 5, **more: Any) -> dict[str, Any]:
    return {"recurrence": MONDAYS | {"range": {"maxOccurrences": count}}} | more


def occurrences(severa: Severa, **query: Any) -> list[dict[str, Any]]:
    """By start."""
    found = severa.all("/v1/activities", recurrenceType="Occurrence", **query)
    return sorted(found, key=lambda each: str(datetime.fromisoformat(each["startDateTime"])))


def days(rows: list[dict[str, Any]]) -> list[str]:
    return [row["startDateTime"][:10] for row in rows]


def test_a_series_is_listed_only_when_it_is_asked_for(severa: Severa) -> None:
    series = severa.create(**weekly())
    assert series["recurrenceType"] == "Series"
    assert series["recurrence"]["lastOccurrenceDateTime"] == "2026-03-30T12:00:00+02:00"
    assert severa.all("/v1/activities", recurrenceType="Series") == [series]
    listed = severa.all("/v1/activities")
    assert {row["recurrenceType"] for row in listed} == {"Occurrence"}
    assert {row["recurrenceParentActivityGuid"] for row in listed} == {series["guid"]}
    assert len(listed) == 5


def test_occurrences_keep_the_owners_wall_clock_when_the_clocks_change(severa: Severa) -> None:
    severa.create(**weekly())
    assert [row["startDateTime"] for row in occurrences(severa)] == [
        "2026-03-02T12:00:00+01:00",
        "2026-03-09T12:00:00+01:00",
        "2026-03-16T12:00:00+01:00",
        "2026-03-23T12:00:00+01:00",
        "2026-03-30T12:00:00+02:00",
    ]


def test_an_endless_series_is_listed_up_to_the_horizon(severa: Severa, sandbox: Sandbox) -> None:
    sandbox.set_clock("2026-03-01T08:00:00Z", running=False)
    severa.create(**weekly(None))
    assert days(occurrences(severa, **MARCH)) == ["2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23", "2026-03-30"]
    assert len(occurrences(severa)) == 105


@pytest.mark.parametrize(
    ("recurrence", "expected"),
    [
        ({"frequency": "Daily", "pattern": {"daily": {"interval": 3}}}, ["2026-03-02", "2026-03-05", "2026-03-08"]),
        ({"frequency": "Daily", "pattern": {"daily": {"everyWeekday": True}}}, ["2026-03-02", "2026-03-03"]),
        (
            {"frequency": "Weekly", "pattern": {"weekly": {"interval": 2, "monday": True, "sunday": True}}},
            ["2026-03-02", "2026-03-08", "2026-03-16", "2026-03-22"],
        ),
        (
            {"frequency": "Monthly", "pattern": {"monthly": {"interval": 1, "dayOfMonth": 2}}},
            ["2026-03-02", "2026-04-02"],
        ),
        (
            {
                "frequency": "Monthly",
                "pattern": {"monthly": {"interval": 2, "dayOrdinal": "Last", "dayOrdinalOption": "WeekDay"}},
            },
            ["2026-03-31", "2026-05-29", "2026-07-31"],
        ),
        (
            {
                "frequency": "Yearly",
                "pattern": {"yearly": {"month": "March", "dayOrdinal": "First", "dayOrdinalOption": "Monday"}},
            },
            ["2026-03-02", "2027-03-01", "2028-03-06"],
        ),
        ({"frequency": "Yearly", "pattern": {"yearly": {"month": "April", "dayOfMonth": 30}}}, ["2026-04-30"]),
    ],
)
def test_every_pattern_of_the_document_has_its_dates(
    severa: Severa, recurrence: dict[str, Any], expected: list[str]
) -> None:
    series = severa.create(recurrence=recurrence | {"range": {"maxOccurrences": len(expected)}})
    found = occurrences(severa, endDateTime="2030-01-01T00:00:00Z")
    assert days(found) == expected
    text = severa.get(f"/v1/activities/{series['guid']}")["recurrenceRule"]
    assert [str(day.date()) for day in rrulestr(text, dtstart=datetime.fromisoformat("2026-03-02T12:00"))] == expected


def test_the_last_day_of_a_series_is_among_its_dates(severa: Severa) -> None:
    severa.create(recurrence=MONDAYS | {"range": {"recursUntilDate": "2026-03-16"}})
    assert days(occurrences(severa)) == ["2026-03-02", "2026-03-09", "2026-03-16"]


def test_what_a_day_31_means_is_a_switch(severa: Severa) -> None:
    recurrence = {
        "frequency": "Monthly",
        "pattern": {"monthly": {"interval": 1, "dayOfMonth": 31}},
        "range": {"maxOccurrences": 3},
    }
    severa.create(recurrence=recurrence)
    assert days(occurrences(severa)) == ["2026-03-31", "2026-05-31", "2026-07-31"]
    severa.behaves(short_months="last_day")
    assert days(occurrences(severa)) == ["2026-03-31", "2026-04-30", "2026-05-31"]


def test_a_yearly_series_has_no_interval(severa: Severa) -> None:
    yearly = {"month": "March", "dayOfMonth": 2, "interval": 2}
    series = severa.create(recurrence={"frequency": "Yearly", "pattern": {"yearly": yearly}})
    assert "interval" not in series["recurrence"]["pattern"]["yearly"]


def test_changing_an_occurrence_makes_an_exception_of_it(severa: Severa) -> None:
    series = severa.create(**weekly())
    second = occurrences(severa)[1]
    (changed,) = severa.ok(severa.replace(second["guid"], name="Long lunch", endDateTime="2026-03-09T14:00:00+01:00"))
    assert changed["recurrenceType"] == "Exception"
    assert changed["recurrenceParentActivityGuid"] == series["guid"]
    assert changed["guid"] == second["guid"]
    assert [row["name"] for row in severa.all("/v1/activities", recurrenceType="Exception")] == ["Long lunch"]
    assert days(occurrences(severa)) == ["2026-03-02", "2026-03-16", "2026-03-23", "2026-03-30"]
    master = severa.get(f"/v1/activities/{series['guid']}")
    assert master["name"] == "Lunch"
    assert master["recurrence"]["exceptions"] == ["2026-03-09T12:00:00+01:00"]
    assert len(severa.all("/v1/activities")) == 5


def test_an_exception_is_found_where_it_is_now(severa: Severa) -> None:
    severa.create(**weekly())
    guid = occurrences(severa)[0]["guid"]
    severa.replace(guid, startDateTime="2026-05-01T12:00:00+02:00", endDateTime="2026-05-01T13:00:00+02:00")
    assert guid not in [row["guid"] for row in severa.all("/v1/activities", **MARCH)]
    (moved,) = severa.all("/v1/activities", startDateTime="2026-05-01T00:00:00+02:00")
    assert moved["guid"] == guid


def test_deleting_a_date_leaves_the_others_and_deleting_the_series_none(severa: Severa) -> None:
    series = severa.create(**weekly())
    first, second, *_ = occurrences(severa)
    assert severa.call("DELETE", f"/v1/activities/{first['guid']}").status_code == 204
    severa.replace(second["guid"], name="Other")
    assert severa.call("DELETE", f"/v1/activities/{second['guid']}").status_code == 204
    for gone in (first, second):
        assert severa.call("GET", f"/v1/activities/{gone['guid']}").status_code == 404
    assert days(occurrences(severa)) == ["2026-03-16", "2026-03-23", "2026-03-30"]
    assert len(severa.get(f"/v1/activities/{series['guid']}")["recurrence"]["exceptions"]) == 2
    assert severa.call("DELETE", f"/v1/activities/{series['guid']}").status_code == 204
    assert severa.all("/v1/activities") == severa.all("/v1/activities", recurrenceType="Series") == []


def test_which_dates_a_series_names_is_a_switch(severa: Severa) -> None:
    series = severa.create(**weekly())["guid"]
    first, second, *_ = occurrences(severa)
    severa.call("DELETE", f"/v1/activities/{first['guid']}")
    severa.replace(second["guid"], startDateTime="2026-03-10T09:00:00+01:00", endDateTime="2026-03-10T10:00:00+01:00")
    deleted, changed = "2026-03-02T12:00:00+01:00", "2026-03-09T12:00:00+01:00"
    for named, dates in ((["deleted", "changed"], [deleted, changed]), (["deleted"], [deleted]), ([], [])):
        severa.behaves(recurrence_exceptions=named)
        assert severa.get(f"/v1/activities/{series}")["recurrence"]["exceptions"] == dates, named


def test_resetting_brings_every_date_back(severa: Severa) -> None:
    series = severa.create(**weekly())
    first, second, *_ = occurrences(severa)
    severa.call("DELETE", f"/v1/activities/{first['guid']}")
    severa.replace(second["guid"], name="Other")
    assert severa.call("DELETE", f"/v1/activities/{series['guid']}/exceptions").status_code == 204
    assert occurrences(severa)[:2] == [first | _stamp(severa, series), second | _stamp(severa, series)]
    single = severa.create("Single")
    assert severa.call("DELETE", f"/v1/activities/{single['guid']}/exceptions").status_code == 404


def _stamp(severa: Severa, series: dict[str, Any]) -> dict[str, Any]:
    """An occurrence is changed when its series is."""
    return {"lastUpdatedDateTime": severa.get(f"/v1/activities/{series['guid']}")["lastUpdatedDateTime"]}


def test_a_new_rule_keeps_the_exceptions_whose_dates_remain(severa: Severa) -> None:
    series = severa.create(**weekly())
    first, second, third, *_ = occurrences(severa)
    severa.replace(second["guid"], name="Second")
    severa.replace(third["guid"], name="Third")
    severa.call("DELETE", f"/v1/activities/{first['guid']}")
    fortnightly = {"frequency": "Weekly", "pattern": {"weekly": {"interval": 2, "monday": True}}}
    severa.ok(severa.replace(series["guid"], recurrence=fortnightly | {"range": {"maxOccurrences": 3}}))
    assert [row["name"] for row in severa.all("/v1/activities", recurrenceType="Exception")] == ["Third"]
    assert days(occurrences(severa)) == ["2026-03-30"]
    severa.behaves(relaid_exceptions="reset")
    severa.ok(severa.replace(series["guid"], recurrence__pattern__weekly__tuesday=True))
    assert severa.all("/v1/activities", recurrenceType="Exception") == []
    assert days(occurrences(severa)) == ["2026-03-02", "2026-03-03", "2026-03-16"]


def test_a_series_can_become_single_and_a_single_a_series(severa: Severa) -> None:
    series = severa.create(**weekly())
    severa.replace(occurrences(severa)[1]["guid"], name="Second")
    (single,) = severa.ok(severa.replace(series["guid"], recurrence=None))
    assert single["recurrenceType"] == "None"
    assert [row["guid"] for row in severa.all("/v1/activities")] == [series["guid"]]
    (again,) = severa.ok(severa.replace(series["guid"], **weekly(2)))
    assert again["recurrenceType"] == "Series"
    assert len(occurrences(severa)) == 2


def test_whether_a_series_reaches_its_exceptions_is_a_switch(severa: Severa) -> None:
    series = severa.create(**weekly(), location="Kitchen")
    exception = occurrences(severa)[1]["guid"]
    severa.replace(exception, name="Second")
    severa.replace(series["guid"], location="Hall")
    assert severa.get(f"/v1/activities/{exception}")["location"] == "Kitchen"
    severa.replace(exception, location="Hall")
    severa.behaves(exceptions_follow=True)
    moved = {"startDateTime": "2026-03-02T15:00:00+01:00", "endDateTime": "2026-03-02T16:00:00+01:00"}
    severa.ok(severa.replace(series["guid"], location="Roof", name="Dinner", **moved))
    found = severa.get(f"/v1/activities/{exception}")
    assert (found["name"], found["location"]) == ("Second", "Roof")
    assert found["startDateTime"] == "2026-03-09T15:00:00+01:00"


def test_whether_an_exception_keeps_its_guid_is_a_switch(severa: Severa) -> None:
    severa.create(**weekly())
    severa.behaves(exception_guid="new")
    before = occurrences(severa)[1]["guid"]
    (changed,) = severa.ok(severa.replace(before, name="Second"))
    assert changed["guid"] != before
    assert severa.call("GET", f"/v1/activities/{before}").status_code == 404
    assert severa.get(f"/v1/activities/{changed['guid']}")["name"] == "Second"


def test_dates_can_be_made_unwritable(severa: Severa) -> None:
    severa.create(**weekly())
    severa.behaves(occurrences_writable=False)
    guid = occurrences(severa)[1]["guid"]
    assert refusal(severa.replace(guid, name="Second")) == (400, "InvalidOperation")
    assert refusal(severa.call("DELETE", f"/v1/activities/{guid}")) == (400, "InvalidOperation")
    assert len(occurrences(severa)) == 5


def test_an_exception_cannot_be_posted_nor_recur(severa: Severa) -> None:
    series = severa.create(**weekly())
    posted = severa.activity(recurrenceParentActivityGuid=series["guid"])
    assert refusal(severa.call("POST", "/v1/activities", posted)) == (400, "InvalidOperation")
    guid = occurrences(severa)[1]["guid"]
    assert refusal(severa.replace(guid, **weekly(2))) == (400, "InvalidOperation")


def test_a_guid_that_is_no_date_of_a_series_is_404(severa: Severa) -> None:
    series = severa.create(**weekly())
    for head in ("00000000", "ffffffff", "zzzzzzzz"):
        assert severa.call("GET", f"/v1/activities/{head}{series['guid'][8:]}").status_code == 404
    last = occurrences(severa)[-1]["guid"]
    severa.replace(series["guid"], recurrence__range__maxOccurrences=4)
    assert severa.call("GET", f"/v1/activities/{last}").status_code == 404


def test_an_all_day_series_stays_at_midnight_when_the_clocks_change(severa: Severa) -> None:
    day = {"startDateTime": "2026-03-28T00:00:00+01:00", "endDateTime": "2026-03-29T00:00:00+01:00"}
    daily = {"frequency": "Daily", "pattern": {"daily": {"interval": 1}}, "range": {"maxOccurrences": 3}}
    severa.create(isAllDay=True, recurrence=daily, **day)
    assert [(row["startDateTime"], row["endDateTime"]) for row in occurrences(severa)][1:] == [
        ("2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
        ("2026-03-30T00:00:00+02:00", "2026-03-31T00:00:00+02:00"),
    ]
