"""What counts as equal (rules 2, 5.3, 5.4, 6.3, 7.1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samklang.engine.canonical import (
    canonical_text,
    canonical_title,
    changed_keys,
    digest,
    fields,
    occurrence_of,
    text_from_html,
    with_fields,
)
from samklang.engine.model import (
    Availability,
    Frequency,
    Inexpressible,
    Occurrence,
    Recurrence,
    Sensitivity,
    Timed,
    Weekday,
)
from tests.engine.make import all_day, at, day, entry, weekly


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("<p>one</p><p>two</p>", "one\ntwo"),
        ("<p>one</p>\r\n<p>&nbsp;</p>\r\n<p>two</p>", "one\n\ntwo"),
        ("one<br>\r\ntwo<br><br/>three", "one\ntwo\n\nthree"),
        ("<div>one</div><div><br></div><div>two</div>", "one\n\ntwo"),
        ("<html><head><title>x</title><style>p{}</style></head><body>  a \n b </body></html>", "a b"),
        ("<head><meta charset=utf-8><body>unclosed head", "unclosed head"),
        ("a&amp;b &lt;c&gt; &eacute;&#128512;", "a&b <c> é😀"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("x<pre>a  b\n  c</pre>y", "x\na  b\n  c\ny"),
        ("<b>bold</b> <i>and</i> not", "bold and not"),
        ("<![if !mso]>word<![endif]><![foo bar]>", "word"),
        ("<script>if (a<b) {}</script>seen", "seen"),
        ("</head></pre>stray ends", "stray ends"),
        ('<a title="a > b" href=x>link</a> a < b', "link a < b"),
        ("seen<!-- <p>not</p> --> too<!-- unclosed", "seen too"),
        ("<P>upper</P><BR>case", "upper\n\ncase"),
    ],
)
def test_html_is_read_as_its_reader_sees_it(html: str, text: str) -> None:
    assert text_from_html(html) == text


@given(st.text(alphabet="<>!/[]-&;#abp brd=\"'\n\x00é", max_size=60))
def test_no_html_makes_the_reader_fail(html: str) -> None:
    text = text_from_html(html)
    assert canonical_text(text) == text


@given(st.text(max_size=40))
def test_canonical_forms_are_their_own_canonical_form(text: str) -> None:
    assert canonical_text(canonical_text(text)) == canonical_text(text)
    assert canonical_title(canonical_title(text)) == canonical_title(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (entry("Caf\u00e9"), entry("Cafe\u0301 ")),
        (entry(text="a \r\nb\r\n\r\n"), entry(text="a\nb")),
        (entry(text="bell\x07 \ud800"), entry(text="bell")),
        (entry(place="Room\n1"), entry(place="Room 1")),
        (entry("a\x0bb"), entry("ab")),
    ],
    ids=["composed", "line ends", "control characters", "one line", "vertical tab"],
)
def test_rule_2_spelling_is_no_change(before, after) -> None:
    assert fields(before) == fields(after)
    assert digest(fields(before)) == digest(dict(reversed(fields(after).items())))


def test_rule_2_sub_seconds_are_dropped_and_seconds_kept() -> None:
    when = at("2026-03-02 12:00:07")
    blurred = replace(when, start=when.start + timedelta(microseconds=900_000))
    assert fields(entry(when=when)) == fields(entry(when=blurred))
    assert "2026-03-02T11:00:07Z" in fields(entry(when=when))["time"]


def test_rule_6_1_a_single_entry_is_its_instants_whatever_zone_it_was_made_in() -> None:
    assert fields(entry(when=at("2026-03-02 12:00"))) == fields(entry(when=at("2026-03-02 11:00", zone="UTC")))


def test_rule_6_2_whole_days_and_timed_days_differ() -> None:
    assert fields(entry(when=all_day("2026-03-02"))) != fields(entry(when=at("2026-03-02 00:00", hours=24)))


def test_rule_6_3_a_zone_renamed_by_windows_is_no_change_but_another_zone_is() -> None:
    stockholm = weekly()
    berlin = weekly(when=at("2026-03-02 09:00", zone="Europe/Berlin"))
    london = weekly(when=at("2026-03-02 08:00", zone="Europe/London"))
    assert fields(stockholm) == fields(berlin)
    assert changed_keys(fields(stockholm), fields(london)) == {"recurrence"}


def test_before_1970_and_the_year_9999_have_fields() -> None:
    last = Timed(datetime(9999, 12, 31, 22, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC), "Asia/Tokyo")
    assert fields(entry(when=last))["time"].startswith("9999-12-31T22:00:00Z")
    assert fields(weekly(when=last))["recurrence"].endswith("Tokyo Standard Time")
    assert fields(entry(when=at("1901-01-01 00:00")))["time"].startswith("1900-12-31T")


MOVED = Occurrence("Standup", at("2026-03-09 10:00"))


def test_an_exception_has_keys_only_for_what_is_its_own() -> None:
    series = weekly(exceptions={day("2026-03-09"): MOVED}, cancelled=frozenset({day("2026-03-16")}))
    own = {key: value for key, value in fields(series).items() if key.startswith("x:")}
    assert own == {
        "x:2026-03-09:time": "2026-03-09T09:00:00Z/2026-03-09T10:00:00Z",
        "x:2026-03-16": "cancelled",
    }


def test_an_exception_that_changes_nothing_has_no_keys() -> None:
    series = weekly(exceptions={day("2026-03-30"): Occurrence("Standup ", at("2026-03-30 09:00"))})
    assert fields(series) == fields(weekly())


def test_an_occurrence_may_show_differently_without_that_being_content() -> None:
    shown = Occurrence("Standup", at("2026-03-09 09:00"), availability=Availability.FREE)
    series = weekly(exceptions={day("2026-03-09"): shown})
    assert fields(series) == fields(weekly())
    renamed = with_fields(series, weekly("Daily"), {"title"})
    assert renamed.exceptions[day("2026-03-09")] == replace(shown, title="Daily")


def test_dates_the_rule_does_not_give_have_no_keys() -> None:
    series = weekly(exceptions={day("2026-03-10"): MOVED}, cancelled=frozenset({day("2026-03-17")}))
    assert fields(series) == fields(weekly())
    unreadable = weekly(rule=Inexpressible("position_set", "X"), cancelled=frozenset({day("2026-03-17")}))
    assert fields(unreadable)["x:2026-03-17"] == "cancelled"
    assert fields(unreadable)["recurrence"].startswith("?position_set;X@")


def test_changed_keys_tells_what_differs_came_and_went() -> None:
    before = weekly(cancelled=frozenset({day("2026-03-16")}))
    after = weekly("Stand-up", exceptions={day("2026-03-09"): replace(MOVED, title="Late")})
    keys = changed_keys(fields(before), fields(after))
    assert keys == {"title", "x:2026-03-16", "x:2026-03-09:time", "x:2026-03-09:title"}
    assert {occurrence_of(key) for key in keys} == {None, day("2026-03-16"), day("2026-03-09")}


def test_rule_5_3_an_edit_of_the_series_reaches_what_an_exception_takes_from_it_only() -> None:
    target = weekly(
        exceptions={day("2026-03-09"): MOVED, day("2026-03-16"): Occurrence("Mine", at("2026-03-16 09:00"))}
    )
    renamed = with_fields(target, weekly("Daily"), {"title"})
    assert renamed.exceptions[day("2026-03-09")] == replace(MOVED, title="Daily")
    assert renamed.exceptions[day("2026-03-16")].title == "Mine"
    later = with_fields(target, weekly(when=at("2026-03-02 11:00")), {"time"})
    assert later.exceptions[day("2026-03-09")].when == MOVED.when
    assert later.exceptions[day("2026-03-16")].when == at("2026-03-16 11:00")


def test_an_exception_can_come_change_and_go() -> None:
    source = weekly(exceptions={day("2026-03-09"): replace(MOVED, place="Attic")})
    gained = with_fields(weekly(), source, {"x:2026-03-09:time", "x:2026-03-09:place"})
    assert fields(gained) == fields(source)
    partly = with_fields(weekly(), source, {"x:2026-03-09:place"})
    assert partly.exceptions[day("2026-03-09")].when == at("2026-03-09 09:00")
    bare = with_fields(source, weekly(), {"x:2026-03-09:time", "x:2026-03-09:place"})
    assert (bare.exceptions, fields(bare)) == ({}, fields(weekly()))


def test_an_occurrence_can_be_cancelled_and_come_back() -> None:
    cancelled = weekly(cancelled=frozenset({day("2026-03-09")}))
    changed = weekly(exceptions={day("2026-03-09"): MOVED})
    assert fields(with_fields(changed, cancelled, {"x:2026-03-09", "x:2026-03-09:time"})) == fields(cancelled)
    assert fields(with_fields(cancelled, changed, {"x:2026-03-09", "x:2026-03-09:time"})) == fields(changed)


def test_rule_5_4_a_new_rule_drops_what_no_longer_fits() -> None:
    old = weekly(exceptions={day("2026-03-09"): MOVED}, cancelled=frozenset({day("2026-03-16"), day("2026-03-23")}))
    new = with_fields(old, weekly(rule=Recurrence(Frequency.WEEKLY, interval=2)), {"recurrence"})
    assert (new.exceptions, new.cancelled) == ({}, {day("2026-03-16")})
    single = with_fields(old, entry(), {"recurrence"})
    assert (single.recurrence, single.exceptions, single.cancelled) == (None, {}, frozenset())


def test_a_rule_keeps_its_days_when_it_meets_another_start() -> None:
    tuesday = entry(when=at("2026-03-03 09:00"))
    series = with_fields(tuesday, weekly(), {"recurrence"})
    assert isinstance(series.recurrence, Recurrence)
    assert series.recurrence.weekdays == (Weekday.MONDAY,)


def test_a_rule_that_took_its_day_from_the_start_keeps_it_when_the_start_moves() -> None:
    off_the_rule = weekly(when=at("2026-03-03 10:00"), rule=Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY,)))
    moved = with_fields(weekly(), off_the_rule, {"time"})
    assert moved.when == at("2026-03-09 10:00")
    assert fields(moved) == fields(off_the_rule)


def test_rule_6_3_a_name_of_the_same_zone_is_not_taken_over_another_zone_is() -> None:
    berlin = weekly(when=at("2026-03-02 10:00", zone="Europe/Berlin"))
    london = weekly(when=at("2026-03-02 10:00", zone="Europe/London"))
    moved = with_fields(weekly(), berlin, {"time", "recurrence"})
    assert moved.when == at("2026-03-02 10:00")
    assert with_fields(weekly(), london, {"time", "recurrence"}).when == london.when
    assert with_fields(weekly(), london, {"time"}).when == replace(london.when, zone="Europe/Stockholm")
    assert with_fields(entry(), entry(when=london.when), {"time"}).when == london.when
    assert with_fields(entry(), entry(when=all_day("2026-03-02")), {"time"}).when == all_day("2026-03-02")


def test_what_is_not_named_stays() -> None:
    target = entry("Mine", text="keep", sensitivity=Sensitivity.CONFIDENTIAL)
    source = entry("Theirs", text="not", place="Attic", sensitivity=Sensitivity.NORMAL)
    assert with_fields(target, source, {"title", "place"}) == replace(target, title="Theirs", place="Attic")
    assert with_fields(target, source, ()) == target
