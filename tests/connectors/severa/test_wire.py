"""Severa's JSON as neutral entries: what no source tells is read either way (Severa facts §1.6, §1.8)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from samklang.connectors.severa import wire
from samklang.connectors.severa.schema import Activity, Ours, Whole
from samklang.engine.model import AllDay, Availability, Inexpressible, Recurrence, Timed
from samklang.sync.errors import ProtocolError

STOCKHOLM = "Europe/Stockholm"
WEEKLY = {"frequency": "Weekly", "pattern": {"weekly": {"interval": 1, "monday": True}}}


def activity(guid: str = "a", **fields: Any) -> Activity:
    given: dict[str, Any] = {
        "name": "Planning",
        "start_date_time": "2026-03-02T09:00:00+01:00",
        "end_date_time": "2026-03-02T10:00:00+01:00",
        "has_duration": True,
    }
    return Activity(guid, **(given | fields))


@pytest.mark.parametrize(
    "text", ["2026-03-02T09:00:00+01:00", "2026-03-02T08:00:00Z", "2026-03-02T08:00:00", "2026-03-02T08:00:00.0000000Z"]
)
def test_a_moment_is_read_with_any_offset_and_without_one_as_utc(text: str) -> None:
    assert wire.moment(text) == datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_what_is_no_moment_is_a_malformed_answer() -> None:
    with pytest.raises(ProtocolError):
        wire.moment("2 March")


@pytest.mark.parametrize("zone", [STOCKHOLM, "America/New_York", "Asia/Kolkata", "UTC"])
def test_whole_days_stay_the_dates_they_were_made_as_wherever_their_owner_lives_now(zone: str) -> None:
    days = activity(
        start_date_time="2026-03-27T23:00:00Z", end_date_time="2026-03-29T22:00:00Z", is_all_day=True
    )  # 28 and 29 March in Stockholm, where the clocks change in between
    assert wire.when_of(days, zone) == AllDay(date(2026, 3, 28), date(2026, 3, 30))


@pytest.mark.parametrize("fields", [{"end_date_time": None}, {"has_duration": False}])
def test_without_end_or_duration_it_is_its_whole_day_and_free(fields: dict[str, Any]) -> None:
    entry = wire.entry_of(Whole(activity(start_date_time="2026-03-02T22:30:00+01:00", **fields)), STOCKHOLM)
    assert entry.when == AllDay(date(2026, 3, 2), date(2026, 3, 3))
    assert entry.availability is Availability.FREE


def test_notes_are_plain_text_or_html() -> None:
    assert wire.text_of(activity(notes="a < b\n\nc")) == "a < b\n\nc"
    assert wire.text_of(activity(notes="<p>One<br><br>two &amp; three</p>")) == "One\n\ntwo & three"


def test_a_rule_is_read_from_its_model_else_from_its_text() -> None:
    when = Timed(datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 2, 9, tzinfo=UTC), STOCKHOLM)
    both = WEEKLY | {"range": {"maxOccurrences": 4, "recursUntilDate": "2026-03-23"}}
    rule = wire.rule_of(activity(recurrence=both), when, STOCKHOLM)
    assert isinstance(rule, Recurrence) and (rule.count, rule.until) == (4, None)
    said = wire.rule_of(activity(recurrence=both | {"lastOccurrenceDateTime": "2026-03-15T23:30:00Z"}), when, STOCKHOLM)
    assert isinstance(said, Recurrence) and (said.count, said.until) == (None, date(2026, 3, 16))
    assert isinstance(wire.rule_of(activity(recurrence_rule="FREQ=DAILY;COUNT=3"), when, STOCKHOLM), Recurrence)
    hourly = wire.rule_of(activity(recurrence={"frequency": "Hourly"}, recurrence_rule="FREQ=HOURLY"), when, STOCKHOLM)
    assert hourly == Inexpressible("invalid_rule", "FREQ=HOURLY")


def test_a_zone_it_was_made_in_goes_for_a_series_only_where_its_owner_has_the_same_time() -> None:
    single = Whole(activity(), ours=Ours(zone="Asia/Tokyo"))
    assert isinstance(when := wire.entry_of(single, STOCKHOLM).when, Timed) and when.zone == "Asia/Tokyo"
    series = Whole(activity(recurrence=WEEKLY), ours=Ours(zone="Asia/Tokyo"))
    assert isinstance(when := wire.entry_of(series, STOCKHOLM).when, Timed) and when.zone == STOCKHOLM
    series = Whole(activity(recurrence=WEEKLY), ours=Ours(zone="Europe/Oslo"))
    assert isinstance(when := wire.entry_of(series, STOCKHOLM).when, Timed) and when.zone == "Europe/Oslo"


def _series(*dates: str) -> Activity:
    return activity("s", recurrence=WEEKLY | {"exceptions": list(dates)})


def _on(day: str, guid: str = "x") -> Activity:
    return activity(guid, start_date_time=f"{day}T09:00:00+01:00", end_date_time=f"{day}T10:00:00+01:00")


@pytest.mark.parametrize(
    "listed", ["2026-03-09T09:00:00+01:00", "2026-03-09T08:00:00Z", "2026-03-09T00:00:00", "2026-03-09"]
)
def test_dates_that_deviate_are_read_however_they_are_written(listed: str) -> None:
    assert wire.listed_dates(_series(listed), STOCKHOLM) == [date(2026, 3, 9)]


def test_what_deviates_and_is_no_changed_occurrence_is_cancelled() -> None:
    changed, cancelled = wire.arranged(_series("2026-03-09", "2026-03-16"), [_on("2026-03-09")], STOCKHOLM, {})
    assert (changed.keys(), cancelled) == ({"2026-03-09"}, ["2026-03-16"])


def test_a_moved_occurrence_keeps_the_date_it_is_known_by_and_else_takes_the_nearest_that_deviates() -> None:
    series = _series("2026-03-09", "2026-03-23")
    changed, cancelled = wire.arranged(series, [_on("2026-03-11")], STOCKHOLM, {"x": "2026-03-23"})
    assert (changed.keys(), cancelled) == ({"2026-03-23"}, ["2026-03-09"])
    changed, cancelled = wire.arranged(series, [_on("2026-03-11")], STOCKHOLM, {})
    assert (changed.keys(), cancelled) == ({"2026-03-09"}, ["2026-03-23"])
    both = [_on("2026-03-11"), _on("2026-03-09", "y")]
    changed, cancelled = wire.arranged(series, both, STOCKHOLM, {})
    assert ({day: one.guid for day, one in changed.items()}, cancelled) == (
        {"2026-03-09": "y", "2026-03-23": "x"},
        [],
    )
