"""What a repeat rule means (rules 5, 6.1, 6.4, 3.3)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from samklang.engine import recurrence, rrule
from samklang.engine.canonical import fields
from samklang.engine.model import (
    AllDay,
    Entry,
    Frequency,
    Inexpressible,
    Occurrence,
    Recurrence,
    Timed,
    Weekday,
)
from samklang.engine.recurrence import (
    EVERY_DAY,
    WEEKEND,
    WORKDAYS,
    canonical,
    days,
    has_future,
    last_end,
    occurrences,
    problem,
    slot_days,
    within_limits,
)
from tests.engine.make import STOCKHOLM, all_day, at, day, entry, utc, weekly

MONDAY = date(2026, 3, 2)
DAILY, WEEKLY, MONTHLY, YEARLY = Frequency


def rule(text: str, start: date = MONDAY) -> Recurrence:
    found = rrule.parse(text, AllDay(start, start + timedelta(days=1)))
    assert isinstance(found, Recurrence), found
    return found


EXPRESSIBLE = [
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3;COUNT=10",
    "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20260901",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=MO",
    "FREQ=WEEKLY;INTERVAL=3;BYDAY=SU",
    "FREQ=MONTHLY",
    "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=14",
    "FREQ=MONTHLY;BYDAY=-1FR",
    "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=2",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1",
    "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=-1",
    "FREQ=MONTHLY;BYMONTHDAY=-1",
    "FREQ=MONTHLY;INTERVAL=5;BYDAY=3WE;COUNT=999",
    "FREQ=YEARLY",
    "FREQ=YEARLY;BYMONTH=7",
    "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31",
    "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
    "FREQ=YEARLY;BYMONTH=5;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1;COUNT=20",
]


@pytest.mark.parametrize("text", EXPRESSIBLE)
@pytest.mark.parametrize("near", [MONDAY, date(2031, 5, 14)])
def test_rule_5_1_the_dates_are_those_of_rfc_5545_wherever_the_walk_begins(text: str, near: date) -> None:
    last = near + timedelta(days=900)
    expected = rrulestr(text, dtstart=datetime.combine(MONDAY, time())).between(
        datetime.combine(near, time()), datetime.combine(last, time()), inc=True
    )
    assert list(days(rule(text), MONDAY, near, last)) == [moment.date() for moment in expected]


@pytest.mark.parametrize("text", EXPRESSIBLE)
@pytest.mark.parametrize("when", [at("2026-03-02 09:00"), all_day("2026-03-02")], ids=["timed", "all day"])
def test_rule_text_reads_back_as_the_same_rule(text: str, when: Timed | AllDay) -> None:
    first = rrule.parse(text, when)
    assert isinstance(first, Recurrence)
    again = rrule.parse(rrule.text(first, when), when)
    assert isinstance(again, Recurrence)
    assert canonical(again, MONDAY) == canonical(first, MONDAY)


@settings(deadline=None, max_examples=150)
@given(
    st.builds(
        Recurrence,
        st.sampled_from(Frequency),
        interval=st.integers(1, 14),
        weekdays=st.sets(st.sampled_from(Weekday)).map(lambda found: tuple(sorted(found))),
        week_start=st.sampled_from(Weekday),
        day_of_month=st.none() | st.integers(1, 28),
        month=st.none() | st.integers(1, 12),
        until=st.none() | st.dates(date(2026, 3, 2), date(2030, 1, 1)),
    ),
    st.dates(date(2026, 1, 1), date(2026, 12, 28)).filter(lambda start: start.day < 29),
    st.integers(0, 2000),
)
def test_the_explicit_rule_gives_the_same_dates_and_jumping_ahead_misses_none(
    found: Recurrence, start: date, ahead: int
) -> None:
    near = start + timedelta(days=ahead)
    last = near + timedelta(days=400)
    whole = [day for day in days(found, start, start, last) if day >= near]
    assert list(days(found, start, near, last)) == whole
    assert list(days(recurrence.explicit(found, start), start, near, last)) == whole


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "invalid_rule"),
        ("FREQ=FORTNIGHTLY", "invalid_rule"),
        ("FREQ=WEEKLY;FREQ=DAILY", "invalid_rule"),
        ("FREQ=WEEKLY;BYDAY=XX", "invalid_rule"),
        ("FREQ=WEEKLY;INTERVAL=0", "invalid_rule"),
        ("FREQ=DAILY;COUNT=0", "invalid_rule"),
        ("FREQ=DAILY;COUNT=x", "invalid_rule"),
        ("FREQ=DAILY;BYEASTER=1", "invalid_rule"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "invalid_rule"),
        ("FREQ=YEARLY;BYMONTH=13", "invalid_rule"),
        ("RRULE:FREQ=DAILY\nRDATE:20260301", "rule_and_extra_dates"),
        ("FREQ=HOURLY", "sub_daily"),
        ("FREQ=DAILY;BYHOUR=9,17", "sub_daily"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15", "several_dates_of_month"),
        ("FREQ=YEARLY;BYMONTHDAY=15", "several_dates_of_month"),
        ("FREQ=DAILY;BYMONTHDAY=15", "several_dates_of_month"),
        ("FREQ=DAILY;BYMONTH=1", "several_months"),
        ("FREQ=MONTHLY;BYMONTH=1", "several_months"),
        ("FREQ=YEARLY;BYMONTH=1,7", "several_months"),
        ("FREQ=MONTHLY;BYDAY=1MO,3MO", "position_set"),
        ("FREQ=MONTHLY;BYDAY=1MO,1TU", "position_set"),
        ("FREQ=MONTHLY;BYDAY=5MO", "position_set"),
        ("FREQ=MONTHLY;BYDAY=MO,WE;BYSETPOS=1", "position_set"),
        ("FREQ=MONTHLY;BYDAY=1MO;BYSETPOS=1", "position_set"),
        ("FREQ=MONTHLY;BYMONTHDAY=-2", "position_set"),
        ("FREQ=MONTHLY;BYSETPOS=1", "position_set"),
        ("FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1", "position_set"),
        ("FREQ=MONTHLY;BYDAY=MO", "every_weekday_of_month"),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "day_and_weekday"),
        ("FREQ=WEEKLY;BYDAY=FR;BYMONTHDAY=13", "day_and_weekday"),
        ("FREQ=DAILY;INTERVAL=2;BYDAY=MO,TU", "day_and_weekday"),
        ("FREQ=YEARLY;BYDAY=20MO", "week_or_day_of_year"),
        ("FREQ=YEARLY;BYWEEKNO=20", "week_or_day_of_year"),
        ("FREQ=YEARLY;INTERVAL=3", "yearly_interval"),
        ("FREQ=MONTHLY;INTERVAL=100", "interval_too_large"),
        ("FREQ=MONTHLY;BYMONTHDAY=31", "days_29_to_31"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "days_29_to_31"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20260401", "count_and_until"),
        ("FREQ=DAILY;UNTIL=45010101", "ends_too_late"),
        ("FREQ=DAILY;UNTIL=20260301", "no_occurrence"),
        ("FREQ=DAILY;UNTIL=20269901", "invalid_rule"),
    ],
)
def test_rule_5_5_what_cannot_be_kept_as_a_pattern_is_refused_with_its_reason(text: str, reason: str) -> None:
    found = rrule.parse(text, all_day("2026-03-02"))
    assert found == Inexpressible(reason, text)


def test_rule_5_6_a_count_no_server_holds_is_its_last_date() -> None:
    many, start = Recurrence(DAILY, count=1500), MONDAY
    held = within_limits(many, start)
    assert (held.count, held.until) == (None, start + timedelta(days=1499))
    assert problem(many, start) is None
    assert recurrence.canonical(many, start) == recurrence.canonical(held, start), "coming back it is no change"
    assert within_limits(Recurrence(DAILY, count=999), start).count == 999


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=1", "2026-01-31"),
        ("FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=31;UNTIL=20260401", "2026-01-31"),
        ("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=30", "2026-06-30"),
        ("FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=30", "2026-11-30"),
        ("FREQ=MONTHLY;BYMONTHDAY=28", "2026-02-28"),
    ],
)
def test_rule_5_5_days_29_to_31_are_fine_where_every_month_met_has_them(text: str, start: str) -> None:
    assert isinstance(rrule.parse(text, all_day(start)), Recurrence)


def test_a_rule_that_ends_with_the_calendar_meets_no_short_month() -> None:
    assert problem(Recurrence(MONTHLY, day_of_month=31), date(9999, 12, 31)) is None


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Recurrence(DAILY, interval=0), "invalid_rule"),
        (Recurrence(YEARLY, interval=2), "yearly_interval"),
        (Recurrence(YEARLY, month=2, day_of_month=30), "invalid_rule"),
        (Recurrence(YEARLY, month=13), "invalid_rule"),
        (Recurrence(MONTHLY, day_of_month=32), "invalid_rule"),
        (Recurrence(DAILY, count=0), "invalid_rule"),
        (Recurrence(DAILY, count=2, until=MONDAY), "count_and_until"),
        (Recurrence(MONTHLY, position=5, weekdays=(Weekday.MONDAY,)), "position_set"),
        (Inexpressible("yearly_interval"), "yearly_interval"),
        (Recurrence(WEEKLY), None),
    ],
)
def test_rule_5_5_a_connectors_rule_is_judged_alike(bad: Recurrence | Inexpressible, reason: str | None) -> None:
    assert problem(bad, MONDAY) == reason
    assert fields(weekly(rule=bad))["recurrence"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Recurrence(WEEKLY), Recurrence(WEEKLY, weekdays=(Weekday.MONDAY,), week_start=Weekday.SUNDAY)),
        (Recurrence(WEEKLY, weekdays=EVERY_DAY), Recurrence(DAILY)),
        (Recurrence(MONTHLY), Recurrence(MONTHLY, day_of_month=2)),
        (Recurrence(MONTHLY, interval=12), Recurrence(YEARLY, month=3, day_of_month=2)),
        (Recurrence(MONTHLY, position=1), Recurrence(MONTHLY, position=1, weekdays=(Weekday.MONDAY,))),
        (
            Recurrence(WEEKLY, interval=2, weekdays=(Weekday.MONDAY,), week_start=Weekday.SUNDAY),
            Recurrence(WEEKLY, interval=2),
        ),
        (
            Recurrence(WEEKLY, interval=2, weekdays=WORKDAYS, week_start=Weekday.SUNDAY),
            Recurrence(WEEKLY, interval=2, weekdays=WORKDAYS),
        ),
    ],
)
def test_equal_rules_written_differently_are_equal(one: Recurrence, other: Recurrence) -> None:
    assert canonical(one, MONDAY) == canonical(other, MONDAY)


def test_different_rules_are_different() -> None:
    two = (Weekday.MONDAY, Weekday.SUNDAY)
    rules = [
        Recurrence(WEEKLY),
        Recurrence(WEEKLY, interval=2),
        Recurrence(WEEKLY, interval=2, weekdays=two),
        Recurrence(WEEKLY, interval=2, weekdays=two, week_start=Weekday.SUNDAY),
        Recurrence(WEEKLY, count=3),
        Recurrence(WEEKLY, until=date(2026, 3, 16)),
        Recurrence(WEEKLY, weekdays=WORKDAYS),
        Recurrence(MONTHLY, position=1),
        Recurrence(MONTHLY, position=-1, weekdays=WEEKEND),
        Recurrence(YEARLY),
        Inexpressible("position_set", "FREQ=MONTHLY;BYDAY=5MO"),
    ]
    assert len({canonical(rule, MONDAY) for rule in rules}) == len(rules)


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20260316T080000Z", "2026-03-16"),  # 09:00 in Stockholm: that day's occurrence still starts
        ("20260316T075959Z", "2026-03-15"),
        ("20260316T235959", "2026-03-16"),
        ("20260316", "2026-03-16"),
    ],
)
def test_until_is_the_last_date_on_which_an_occurrence_can_start(until: str, last: str) -> None:
    assert rrule.parse(f"FREQ=DAILY;UNTIL={until}", at("2026-03-02 09:00")) == Recurrence(DAILY, until=day(last))
    assert rrule.text(Recurrence(DAILY, until=day("2026-04-01")), at("2026-03-02 09:00")).endswith("20260401T070000Z")


@pytest.mark.parametrize(
    ("start", "zone", "expected"),
    [
        ("2026-03-23 09:00", STOCKHOLM, ["08:00", "07:00"]),
        ("2026-10-19 09:00", STOCKHOLM, ["07:00", "08:00"]),
        ("2026-09-28 09:00", "Australia/Sydney", ["23:00", "22:00"]),
        ("2026-03-22 02:30", STOCKHOLM, ["01:30", "01:30"]),  # missing on the 29th: 03:30 in summer time
        ("2026-10-18 02:30", STOCKHOLM, ["00:30", "00:30"]),  # twice on the 25th: the first
    ],
)
def test_rule_6_1_a_series_keeps_its_wall_clock(start: str, zone: str, expected: list[str]) -> None:
    series = weekly(when=at(start, zone=zone))
    first = series.when.start
    found = occurrences(series, first, first + timedelta(days=8))
    assert [f"{shown.when.start:%H:%M}" for _, shown in found] == expected


def test_rule_6_4_length_is_in_wall_time_and_never_negative() -> None:
    night = weekly(when=at("2026-10-18 01:30", hours=1.25))
    (_, shown) = occurrences(night, utc("2026-10-24 00:00"), utc("2026-10-26 00:00"))[0]
    assert shown.when.end >= shown.when.start
    second = Timed(utc("2026-10-25 01:15"), utc("2026-10-25 01:45"), STOCKHOLM)
    assert occurrences(weekly(when=second), second.start, second.end) == [
        (date(2026, 10, 25), Occurrence("Standup", second))
    ]


def test_occurrences_show_exceptions_where_they_moved_and_no_cancelled_ones() -> None:
    series = weekly(
        exceptions={
            day("2026-03-09"): Occurrence("Moved in", at("2026-03-18 09:00")),
            day("2026-03-16"): Occurrence("Moved out", at("2026-03-25 09:00")),
            day("2026-03-23"): Occurrence("Gone", at("2026-03-17 09:00")),
        },
        cancelled=frozenset({day("2026-03-23")}),
    )
    found = occurrences(series, utc("2026-03-16 00:00"), utc("2026-03-23 00:00"))
    assert [(str(day), shown.title) for day, shown in found] == [("2026-03-09", "Moved in")]


def test_occurrences_of_whole_days_are_in_the_readers_zone() -> None:
    lunch = entry(when=all_day("2026-03-02"))
    assert occurrences(lunch, utc("2026-03-02 23:30"), utc("2026-03-03 12:00"), STOCKHOLM) == []
    assert len(occurrences(lunch, utc("2026-03-02 23:30"), utc("2026-03-03 12:00"), "UTC")) == 1
    assert len(occurrences(lunch, utc("2026-03-01 23:00"), utc("2026-03-01 23:30"), STOCKHOLM)) == 1
    point = entry(when=at("2026-03-02 12:00", hours=0))
    assert len(occurrences(point, utc("2026-03-02 11:00"), utc("2026-03-02 12:00"))) == 1
    long = entry(when=at("2026-03-02 12:00", hours=24 * 14))
    assert len(occurrences(long, utc("2026-03-15 00:00"), utc("2026-03-15 01:00"))) == 1


def test_a_rule_we_cannot_read_has_no_slots() -> None:
    assert slot_days(weekly(rule=Inexpressible("x")), MONDAY, date(2030, 1, 1)) == []


def test_an_all_day_series_has_whole_day_slots_to_the_end_of_the_calendar() -> None:
    birthday = Entry("Birthday", AllDay(date(9997, 3, 2), date(9997, 3, 3)), recurrence=Recurrence(YEARLY))
    assert slot_days(birthday, date(9990, 1, 1), date.max) == [date(y, 3, 2) for y in (9997, 9998, 9999)]
    last = Entry("Last", AllDay(date(9999, 12, 30), date.max), recurrence=Recurrence(DAILY))
    assert recurrence.slot(last, date.max).end == date.max
    late = Entry("Late", at("9999-12-30 23:30", zone="UTC"), recurrence=Recurrence(DAILY))
    assert recurrence.slot(late, date.max).start == utc("9999-12-31 23:30")


@pytest.mark.parametrize(
    ("one", "end"),
    [
        (entry(), "2026-03-02 12:00"),
        (entry(when=all_day("2026-03-02")), "2026-03-02 23:00"),
        (weekly(), None),
        (weekly(rule=Recurrence(WEEKLY, count=3)), "2026-03-16 09:00"),
        (weekly(rule=Recurrence(WEEKLY, until=date(2026, 3, 20))), "2026-03-16 09:00"),
        (weekly(rule=Recurrence(YEARLY, until=date(2040, 1, 1))), "2039-03-02 09:00"),
        (weekly(rule=Recurrence(MONTHLY, interval=99, until=date(2050, 1, 1))), "2042-09-02 08:00"),
        (weekly(rule=Recurrence(WEEKLY, count=2), cancelled=frozenset({date(2026, 3, 9)})), "2026-03-02 09:00"),
        (
            weekly(rule=Recurrence(WEEKLY, count=2), exceptions={MONDAY: Occurrence("x", at("2026-05-02 09:00"))}),
            "2026-05-02 08:00",
        ),
        (weekly(rule=Recurrence(WEEKLY, count=1), cancelled=frozenset({MONDAY})), "2026-03-02 09:00"),
        (weekly(rule=Recurrence(DAILY, until=MONDAY), cancelled=frozenset({MONDAY})), "2026-03-02 09:00"),
        (weekly(rule=Recurrence(DAILY, until=date(2026, 3, 1))), "2026-03-02 09:00"),
        (weekly(rule=Inexpressible("x", "FREQ=YEARLY;INTERVAL=3")), None),
        (weekly(rule=Inexpressible("x", "FREQ=YEARLY;INTERVAL=3;UNTIL=20290302T080000Z")), "2029-03-02 09:00"),
        (weekly(rule=Inexpressible("x", "RRULE:FREQ=YEARLY;INTERVAL=3;COUNT=2")), "2029-03-02 09:00"),
        (weekly(rule=Inexpressible("x", "FREQ=DAILY;COUNT=20000")), None),
        (weekly(rule=Inexpressible("x", "FREQ=NEVER;COUNT=2")), None),
        (weekly(rule=Inexpressible("x", "UNTIL=tomorrow")), None),
    ],
)
def test_rule_3_3_when_an_entry_is_over(one: Entry, end: str | None) -> None:
    assert last_end(one, STOCKHOLM) == (utc(end) if end else None)


def test_rule_3_3_a_series_has_a_future_while_an_occurrence_is_not_over() -> None:
    series = weekly(rule=Recurrence(WEEKLY, count=2))
    assert has_future(series, utc("2026-03-09 08:30"), STOCKHOLM)
    assert not has_future(series, utc("2026-03-09 09:00"), STOCKHOLM)
    assert has_future(weekly(), utc("2999-01-01 00:00"), STOCKHOLM)


def test_a_start_off_the_rule_is_no_occurrence() -> None:
    assert list(days(rule("FREQ=WEEKLY;BYDAY=TU;COUNT=2"), MONDAY, MONDAY, date.max)) == [
        date(2026, 3, 3),
        date(2026, 3, 10),
    ]
