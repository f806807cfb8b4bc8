"""The sandbox's own expansion, compared with another implementation and with what Exchange is known to do."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
from dateutil import rrule

from samklang.sandbox.patterns import (
    DAYS,
    RecurrenceError,
    contains,
    dates,
    first_date,
    last_date,
    next_date,
    previous_date,
    rule_of,
)

RRULE_DAYS = (rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA, rrule.SU)
INVALID = "ErrorPropertyValidationFailure"
POSITION = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}


def midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def recurrence(pattern: dict[str, Any], **limits: Any) -> dict[str, Any]:
    limits.setdefault("type", "noEnd")
    return {"pattern": {"interval": 1, **pattern}, "range": {"startDate": "2024-01-01", **limits}}


def expand(pattern: dict[str, Any], first: str, last: str, **limits: Any) -> list[str]:
    rule = rule_of(recurrence(pattern, **limits))
    return [str(d) for d in dates(rule, date.fromisoformat(first), date.fromisoformat(last))]


def random_recurrence(dice: random.Random) -> tuple[dict[str, Any], rrule.rrule]:
    """A recurrence Exchange and RFC 5545 read alike, in both forms."""
    kind = dice.choice(("daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly", "relativeYearly"))
    start = date(2000, 1, 1) + timedelta(days=dice.randrange(12_000))
    interval = 1 if kind.endswith("Yearly") else dice.choice((1, 1, 2, 3, 7, 13))
    pattern: dict[str, Any] = {"type": kind, "interval": interval}
    other: dict[str, Any] = {
        "interval": pattern["interval"],
        "dtstart": midnight(start),
    }
    days = sorted(dice.sample(range(7), dice.randint(1, 7)))
    if kind in ("weekly", "relativeMonthly", "relativeYearly"):
        pattern["daysOfWeek"] = [DAYS[n] for n in days]
        other["byweekday"] = [RRULE_DAYS[n] for n in days]
    if kind == "weekly":
        week_start = dice.randrange(7)
        pattern["firstDayOfWeek"] = DAYS[week_start]
        other["wkst"] = RRULE_DAYS[week_start]
    if kind.startswith("relative"):
        pattern["index"] = dice.choice(tuple(POSITION))
        other["bysetpos"] = POSITION[pattern["index"]]
    if kind.startswith("absolute"):
        other["bymonthday"] = pattern["dayOfMonth"] = dice.randint(1, 28)
    if kind.endswith("Yearly"):
        other["bymonth"] = pattern["month"] = dice.randint(1, 12)
    limits: dict[str, Any] = {"startDate": str(start), "type": dice.choice(("noEnd", "endDate", "numbered"))}
    if limits["type"] == "numbered":
        other["count"] = limits["numberOfOccurrences"] = dice.randint(1, 60)
    if limits["type"] == "endDate":
        end = start + timedelta(days=dice.randrange(3000))
        limits["endDate"] = str(end)
        other["until"] = midnight(end)
    frequency = {"daily": rrule.DAILY, "weekly": rrule.WEEKLY}.get(
        kind, rrule.YEARLY if kind.endswith("Yearly") else rrule.MONTHLY
    )
    return {"pattern": pattern, "range": limits}, rrule.rrule(frequency, **other)


@pytest.mark.parametrize("seed", range(400))
def test_a_rule_both_sides_know_gives_the_dates_another_library_gives(seed: int) -> None:
    document, other = random_recurrence(random.Random(seed))
    rule = rule_of(document)
    for first, last in ((date(1999, 1, 1), date(2040, 1, 1)), (date(2031, 5, 5), date(2036, 5, 5))):
        expected = [
            moment.date()
            for moment in other.between(
                midnight(first),
                midnight(last),
                inc=True,
            )
        ]
        found = list(dates(rule, first, last))
        assert found == expected, document
        for before, after in pairwise(found[:50]):
            assert next_date(rule, before) == after
            assert previous_date(rule, after) == before
        if rule.count is not None and found:
            assert last_date(rule) == list(other)[-1].date()


def test_day_31_falls_on_the_last_day_of_shorter_months() -> None:
    pattern = {"type": "absoluteMonthly", "dayOfMonth": 31}
    assert expand(pattern, "2024-01-01", "2024-05-31") == [
        "2024-01-31",
        "2024-02-29",
        "2024-03-31",
        "2024-04-30",
        "2024-05-31",
    ]


def test_the_29th_of_february_falls_on_the_28th_in_common_years() -> None:
    pattern = {"type": "absoluteYearly", "dayOfMonth": 29, "month": 2}
    assert expand(pattern, "2024-01-01", "2026-12-31") == ["2024-02-29", "2025-02-28", "2026-02-28"]


@pytest.mark.parametrize(
    ("days", "index", "expected"),
    [
        (["day"], "last", "2024-03-31"),
        (["weekday"], "last", "2024-03-29"),
        (["weekendDay"], "second", "2024-03-03"),
        (list(DAYS), "fourth", "2024-03-04"),
        (["tuesday", "thursday"], "first", "2024-03-05"),
    ],
)
def test_a_relative_pattern_counts_the_days_that_match(days: list[str], index: str, expected: str) -> None:
    pattern = {"type": "relativeMonthly", "daysOfWeek": days, "index": index}
    assert expand(pattern, "2024-03-01", "2024-03-31") == [expected]


def test_a_never_ending_series_is_read_far_in_the_future_without_walking_there() -> None:
    assert expand({"type": "daily", "interval": 2}, "4400-01-01", "4400-01-04") == [
        "4400-01-01",
        "4400-01-03",
    ]
    rule = rule_of(recurrence({"type": "weekly", "daysOfWeek": ["monday"]}))
    assert previous_date(rule, date(4400, 1, 1)) == date(4399, 12, 27)


def test_the_first_occurrence_may_come_after_the_start_of_the_range() -> None:
    rule = rule_of(recurrence({"type": "weekly", "daysOfWeek": ["friday"]}))
    assert first_date(rule) == date(2024, 1, 5)
    assert not contains(rule, date(2024, 1, 1))


@pytest.mark.parametrize(
    ("pattern", "limits", "code"),
    [
        ({"type": "hourly"}, {}, INVALID),
        ({"type": "daily", "interval": 0}, {}, INVALID),
        ({"type": "weekly", "daysOfWeek": []}, {}, INVALID),
        ({"type": "absoluteMonthly", "dayOfMonth": 32}, {}, INVALID),
        ({"type": "absoluteYearly", "dayOfMonth": 31, "month": 4}, {}, INVALID),
        (
            {"type": "relativeMonthly", "daysOfWeek": ["monday"], "index": "fifth"},
            {},
            INVALID,
        ),
        (
            {"type": "daily"},
            {"type": "numbered", "numberOfOccurrences": 1000},
            INVALID,
        ),
        ({"type": "daily"}, {"type": "endDate", "endDate": "2023-12-31"}, "ErrorRecurrenceHasNoOccurrence"),
        ({"type": "daily"}, {"type": "endDate", "endDate": "4600-01-01"}, "ErrorRecurrenceEndDateTooBig"),
    ],
)
def test_what_exchange_cannot_hold_is_refused_by_name(
    pattern: dict[str, Any], limits: dict[str, Any], code: str
) -> None:
    with pytest.raises(RecurrenceError) as refused:
        rule_of(recurrence(pattern, **limits))
    assert refused.value.code == code
