"""Editing a series, as values: whatever the rule, no occurrence is lost, doubled or moved by accident."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samklang.activities import rows, series
from samklang.engine import canonical
from samklang.engine.model import AllDay, Entry, Frequency, Occurrence, Recurrence, Timed, Weekday, When
from samklang.engine.recurrence import occurrences, problem, slot, slot_days
from samklang.engine.times import local_day, to_instant

FIRST, LAST = date(2026, 1, 1), date(2029, 1, 1)


@st.composite
def whens(draw: st.DrawFn) -> When:
    day = FIRST + timedelta(days=draw(st.integers(0, 366)))
    if draw(st.booleans()):
        return AllDay(day, day + timedelta(days=draw(st.integers(1, 3))))
    zone = draw(st.sampled_from(["Europe/Stockholm", "America/New_York", "Australia/Sydney", "UTC"]))
    start = to_instant(datetime(day.year, day.month, day.day, draw(st.integers(0, 23)), 30), zone)  # noqa: DTZ001
    return Timed(start, start + timedelta(minutes=draw(st.integers(0, 600))), zone)


@st.composite
def rules(draw: st.DrawFn) -> Recurrence:
    frequency = draw(st.sampled_from(Frequency))
    days = draw(st.lists(st.sampled_from(Weekday), min_size=1, max_size=3, unique=True).map(tuple))
    rule = Recurrence(frequency, interval=1 if frequency is Frequency.YEARLY else draw(st.integers(1, 3)))
    if frequency is Frequency.WEEKLY:
        rule = replace(rule, weekdays=days, week_start=draw(st.sampled_from([Weekday.MONDAY, Weekday.SUNDAY])))
    elif frequency is not Frequency.DAILY and draw(st.booleans()):
        rule = replace(rule, position=draw(st.sampled_from([1, 2, 4, -1])), weekdays=days[:1])
    ends = draw(st.sampled_from(["never", "count", "until"]))
    if ends == "count":
        rule = replace(rule, count=draw(st.integers(1, 40)))
    elif ends == "until":
        rule = replace(rule, until=FIRST + timedelta(days=draw(st.integers(366, 1000))))
    return rule


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """A series with some of its first occurrences changed or cancelled."""
    entry = Entry("Run", draw(whens()), place="Park", text="Shoes", recurrence=draw(rules()))
    assert isinstance(entry.recurrence, Recurrence)
    if problem(entry.recurrence, local_day(entry.when)) not in (None, "days_29_to_31"):
        entry = replace(entry, recurrence=Recurrence(Frequency.DAILY, count=9))
    days = slot_days(entry, FIRST, LAST)[:12]
    exceptions, cancelled = {}, set()
    for day in days:
        match draw(st.integers(0, 4)):
            case 0:
                cancelled.add(day)
            case 1:
                exceptions[day] = Occurrence(
                    "Race", slot(entry, day), "Park", draw(st.sampled_from(["Shoes", "Medal"]))
                )
    return replace(entry, exceptions=exceptions, cancelled=frozenset(cancelled))


def shown(*of: Entry) -> list[tuple[str, When, str]]:
    window = datetime(2025, 12, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
    seen = [(one.title, one.when, one.text) for entry in of for _day, one in occurrences(entry, *window)]
    return sorted(seen, key=lambda one: str(one[1]))


@settings(max_examples=150, deadline=None)
@given(entries(), st.data())
def test_a_split_series_shows_what_the_whole_one_showed(entry: Entry, data: st.DataObject) -> None:
    days = slot_days(entry, FIRST, LAST)
    if len(days) < 2:
        return
    day = data.draw(st.sampled_from(days[1:30]))
    head, tail = series.split(entry, day)
    assert shown(head, tail) == shown(entry)
    assert all(local_day(when) < day for _title, when, _text in shown(head))


@settings(max_examples=150, deadline=None)
@given(entries())
def test_what_is_stored_of_occurrences_is_what_they_have_of_their_own(entry: Entry) -> None:
    stored = rows.overrides_of(entry)
    assert {day for day, own in stored.items() if own.cancelled} == set(entry.cancelled)
    assert {day for day, own in stored.items() if own.name} == set(entry.exceptions)
    assert all(own.location is None and own.when is None for own in stored.values())
    keys = {key for key in canonical.fields(entry) if key.startswith("x:")}
    assert {canonical.occurrence_of(key) for key in keys} == set(stored)


@settings(max_examples=100, deadline=None)
@given(entries(), st.integers(-3, 3))
def test_a_moved_series_starts_as_many_days_later_as_the_occurrence_was_moved(entry: Entry, days: int) -> None:
    day = local_day(entry.when)
    when = slot(entry, day + timedelta(days=days))
    start, rule = series.moved(entry, day, when)
    assert local_day(start) == day + timedelta(days=days)
    assert isinstance(rule, Recurrence)
    assert rule.frequency == entry.recurrence.frequency  # type: ignore[union-attr]
    if rule.frequency in (Frequency.DAILY, Frequency.WEEKLY):
        moved = replace(entry, when=start, recurrence=rule, exceptions={}, cancelled=frozenset())
        plain = replace(entry, exceptions={}, cancelled=frozenset())
        before = [slot_day + timedelta(days=days) for slot_day in slot_days(plain, FIRST, date(2027, 6, 1))]
        after = slot_days(moved, FIRST - timedelta(days=9), date(2027, 6, 1) + timedelta(days=days))
        if entry.recurrence.interval == 1 or rule.frequency is Frequency.DAILY:  # type: ignore[union-attr]
            assert after == before


@pytest.mark.parametrize("day", [date(2026, 3, 9), date(2026, 3, 16)])
def test_neighbours_are_found_past_cancelled_occurrences(day: date) -> None:
    monday = Timed(datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 2, 9, tzinfo=UTC), "Europe/Stockholm")
    entry = Entry("Run", monday, recurrence=Recurrence(Frequency.WEEKLY, count=5), cancelled=frozenset({day}))
    other = date(2026, 3, 9) if day == date(2026, 3, 16) else date(2026, 3, 16)
    before, after = series.neighbours(entry, other)
    assert day not in (before, after) and before is not None and after is not None


def test_a_leap_days_neighbours_are_found_years_away() -> None:
    entry = Entry("Leap", AllDay(date(2024, 2, 29), date(2024, 3, 1)), recurrence=Recurrence(Frequency.YEARLY))
    assert series.neighbours(entry, date(2028, 2, 29)) == (date(2024, 2, 29), date(2032, 2, 29))
