"""Series laid out in time: zones and clock changes, exceptions, cancelled dates, and what may not be moved where."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from samklang.sandbox.model import Changed, Item, SeriesException
from samklang.sandbox.recurrence import RecurrenceError, align, ends, occurrences, series_of

STOCKHOLM = "W. Europe Standard Time"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def weekly_monday(start: str = "2026-03-16T08:00", end: str = "2026-03-16T09:00", **fields: Any) -> Item:
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"}
    limits = {"type": "noEnd", "startDate": start[:10]}
    fields.setdefault("recurrence", {"pattern": pattern, "range": limits})
    fields.setdefault("start_zone", STOCKHOLM)
    now = at("2026-01-01")
    return Item(id="a", immutable_id="a", mailbox=1, start=at(start), end=at(end), created=now, modified=now, **fields)


def exception(original: str, **fields: Any) -> SeriesException:
    now = at("2026-01-01")
    return SeriesException(original_start=at(original), fields=Changed(**fields), created=now, modified=now)


def starts(item: Item, first: str, last: str) -> list[str]:
    return [o.start.strftime("%m-%dT%H:%M") for o in occurrences(item, at(first), at(last))]


def test_a_series_keeps_its_wall_clock_when_clocks_change() -> None:
    found = starts(weekly_monday(), "2026-03-20", "2026-04-10")
    assert found == ["03-23T08:00", "03-30T07:00", "04-06T07:00"]


def test_an_all_day_series_keeps_whole_local_days_over_the_change() -> None:
    item = weekly_monday("2026-03-21T23:00", "2026-03-22T23:00", all_day=True)
    item.recurrence = {
        "pattern": {"type": "daily", "interval": 1},
        "range": {"type": "numbered", "startDate": "2026-03-22", "numberOfOccurrences": 9},
    }
    days = list(occurrences(item, at("2026-03-28T12:00"), at("2026-03-31T00:00")))
    assert [(o.start.hour, o.end.hour) for o in days] == [(23, 23), (23, 22), (22, 22)]


def test_a_window_holds_what_touches_it_and_not_what_only_ends_at_its_start() -> None:
    item = weekly_monday()
    assert starts(item, "2026-03-16T09:00", "2026-03-23T08:00") == []
    assert starts(item, "2026-03-16T08:59", "2026-03-23T08:01") == ["03-16T08:00", "03-23T08:00"]


def test_exceptions_count_where_they_are_and_cancelled_dates_not_at_all() -> None:
    item = weekly_monday(
        exceptions={
            date(2026, 3, 23): exception("2026-03-23T08:00", start=at("2026-03-25T10:00"), end=at("2026-03-25T11:00")),
            date(2026, 3, 30): exception("2026-03-30T07:00", subject="other words"),
        },
        cancelled=[date(2026, 3, 16)],
    )
    found = list(occurrences(item, at("2026-03-01"), at("2026-04-02")))
    assert [(str(o.original), o.start, o.exception) for o in found] == [
        ("2026-03-23", at("2026-03-25T10:00"), True),
        ("2026-03-30", at("2026-03-30T07:00"), True),
    ]
    assert starts(item, "2026-03-25", "2026-03-26") == ["03-25T10:00"]
    assert starts(item, "2026-03-23", "2026-03-24") == []


def test_a_never_ending_series_has_no_end_and_a_counted_one_ends_with_its_last_date() -> None:
    item = weekly_monday()
    assert ends(item) is None
    assert item.recurrence is not None
    item.recurrence["range"] = {"type": "numbered", "startDate": "2026-03-16", "numberOfOccurrences": 3}
    assert ends(item) == at("2026-03-30T08:00")


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ("2026-03-24T08:00", None),
        ("2026-03-29T21:00", None),
        ("2026-03-17T08:00", None),
        ("2026-03-16T20:00", "ErrorOccurrenceCrossingBoundary"),
        ("2026-03-30T05:00", "ErrorOccurrenceCrossingBoundary"),
        ("2026-04-02T05:00", "ErrorOccurrenceCrossingBoundary"),
    ],
)
def test_an_occurrence_stays_between_the_days_of_its_neighbours(start: str, code: str | None) -> None:
    series = series_of(weekly_monday())
    end = at(start).replace(minute=30)
    if code is None:
        series.check_exception(date(2026, 3, 23), at(start), end)
        return
    with pytest.raises(RecurrenceError) as refused:
        series.check_exception(date(2026, 3, 23), at(start), end)
    assert refused.value.code == code


def test_an_occurrence_may_go_where_a_cancelled_neighbour_was() -> None:
    item = weekly_monday(cancelled=[date(2026, 3, 30)])
    series_of(item).check_exception(date(2026, 3, 23), at("2026-04-01T08:00"), at("2026-04-01T09:00"))


def test_an_occurrence_may_not_run_into_the_next_one() -> None:
    with pytest.raises(RecurrenceError) as refused:
        series_of(weekly_monday()).check_exception(date(2026, 3, 23), at("2026-03-23T08:00"), at("2026-03-30T08:00"))
    assert refused.value.code == "ErrorOccurrenceTimeSpanTooBig"


def test_a_start_that_is_no_date_of_the_rule_moves_to_the_first_one() -> None:
    item = weekly_monday("2026-03-18T08:00", "2026-03-18T09:00")
    align(item)
    assert (item.start, item.end) == (at("2026-03-23T08:00"), at("2026-03-23T09:00"))


def test_a_range_that_holds_no_date_is_refused() -> None:
    item = weekly_monday("2026-03-17T08:00", "2026-03-17T09:00")
    assert item.recurrence is not None
    item.recurrence["range"] = {"type": "endDate", "startDate": "2026-03-17", "endDate": "2026-03-20"}
    with pytest.raises(RecurrenceError) as refused:
        align(item)
    assert refused.value.code == "ErrorRecurrenceHasNoOccurrence"
