"""First contact, field by field (rule 3.1)."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from samklang.engine.matching import FIELDS, Matches, match
from samklang.engine.model import Category, Entry, Frequency, Recurrence, SeenActivity, SeenEvent, Side, Weekday
from tests.engine.make import all_day, at, entry, weekly
from tests.engine.toy import RULES


def matched(ours: list[Entry], theirs: list[Entry]) -> Matches:
    activities = [
        SeenActivity(f"a{number}", "v", one, "meet", Category.CALENDAR_ENTRY) for number, one in enumerate(ours)
    ]
    events = [SeenEvent(f"e{number}", "v", one) for number, one in enumerate(theirs)]
    return match(activities, events, RULES)


def ids(found: Matches) -> list[tuple[str, str]]:
    return [(activity.id, event.id) for activity, event in found.pairs]


EQUAL = [
    ("case and space", entry("  Lunch\tBREAK "), entry("lunch break")),
    ("space within", entry("lunch  break"), entry("lunch break")),
    ("composed", entry("Cafe\u0301"), entry("Caf\u00e9")),
    ("the same instant elsewhere", entry(when=at("2026-03-02 12:00")), entry(when=at("2026-03-02 11:00", zone="UTC"))),
    ("whole days", entry(when=all_day("2026-03-02")), entry(when=all_day("2026-03-02"))),
    ("other fields", entry(place="here", text="a"), entry(place="there", text="b")),
    ("no subject", entry("(no subject)"), entry("")),
    ("a shortened title", entry("x" * 300), entry("x" * 255)),
    ("rules written differently", weekly(), weekly(rule=Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY,)))),
    ("a zone by another name", weekly(), weekly(when=at("2026-03-02 09:00", zone="Europe/Berlin"))),
    ("exceptions", weekly(), weekly(cancelled=frozenset({at("2026-03-09 09:00").start.date()}))),
    (
        "a start off the rule",
        weekly(rule=Recurrence(Frequency.WEEKLY, weekdays=(Weekday.TUESDAY,))),
        weekly(when=at("2026-03-03 09:00")),
    ),
]


@pytest.mark.parametrize(("ours", "theirs"), [case[1:] for case in EQUAL], ids=[case[0] for case in EQUAL])
def test_rule_3_1_equal_in_the_six_fields(ours: Entry, theirs: Entry) -> None:
    assert ids(matched([ours], [theirs])) == [("a0", "e0")]


BASE = weekly("Standup", at("2026-03-02 09:00"), rule=Recurrence(Frequency.WEEKLY, count=10))
DIFFERENT = [
    ("title", replace(BASE, title="Standdown")),
    ("start_time", replace(BASE, when=replace(BASE.when, start=at("2026-03-02 08:00").start), recurrence=None)),
    ("end_time", replace(BASE, when=at("2026-03-02 09:00", hours=2))),
    ("end_date", replace(BASE, when=at("2026-03-02 09:00", hours=25))),
    ("recurrence", replace(BASE, recurrence=Recurrence(Frequency.WEEKLY, count=11))),
    ("recurrence", replace(BASE, recurrence=Recurrence(Frequency.WEEKLY, interval=2, count=10))),
    ("recurrence", replace(BASE, recurrence=None)),
    # The same instants, but the wall clock in London is another one: they part when the clocks change on other days.
    ("recurrence", replace(BASE, when=replace(BASE.when, zone="Europe/London"))),
]


@pytest.mark.parametrize(("differs", "theirs"), DIFFERENT)
def test_rule_3_1_five_of_six_is_a_near_match_and_no_match(differs: str, theirs: Entry) -> None:
    ours = replace(BASE, recurrence=None) if differs == "start_time" else BASE
    found = matched([ours], [theirs])
    assert found.pairs == ()
    assert [near.differs for near in found.near] == [differs]


def test_rule_3_1_only_the_start_date_may_differ_alone_too() -> None:
    ours = entry(when=replace(at("2026-03-02 12:00"), end=at("2026-03-03 12:00").start))
    theirs = entry(when=replace(at("2026-03-01 12:00"), end=at("2026-03-03 12:00").start))
    assert [near.differs for near in matched([ours], [theirs]).near] == ["start_date"]
    assert set(FIELDS) == {differs for differs, _ in DIFFERENT} | {"start_date"}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (entry(when=all_day("2026-03-02")), entry(when=at("2026-03-02 00:00", hours=24))),  # acceptance 73
        (entry(when=at("2026-03-02 12:00")), entry(when=at("2026-03-02 13:00"))),
        (entry("a", at("2026-03-02 12:00")), entry("b", at("2026-03-02 12:00", hours=2))),
    ],
)
def test_rule_3_1_two_fields_apart_is_nothing(ours: Entry, theirs: Entry) -> None:
    found = matched([ours], [theirs])
    assert (found.pairs, found.near) == ((), ())


def test_rule_3_1_true_duplicates_pair_those_alike_first_then_by_id_and_the_rest_is_surplus() -> None:
    ours = [entry(place="c"), entry(place="b"), entry(place="a")]
    theirs = [entry(place="x"), entry(place="a"), entry(place="y"), entry(place="b"), entry(place="z")]
    found = matched(ours, theirs)
    assert ids(found) == [("a0", "e0"), ("a1", "e3"), ("a2", "e1")]
    assert found.surplus == {(Side.EXCHANGE, "e2"), (Side.EXCHANGE, "e4")}
    assert found.near == ()


def test_rule_3_1_an_entry_is_near_to_one_other_at_most() -> None:
    found = matched([entry("a"), entry("b")], [entry("c")])
    assert [(near.psa_id, near.item_id) for near in found.near] == [("a0", "e0")]


def test_rule_3_1_the_outcome_does_not_depend_on_the_order() -> None:
    activities = [
        SeenActivity(f"a{n}", "v", entry(f"t{n % 3}", place=str(n % 2)), "meet", Category.CALENDAR_ENTRY)
        for n in range(9)
    ]
    events = [SeenEvent(f"e{n}", "v", entry(f"t{n % 4}", place=str(n % 3))) for n in range(9)]
    first = match(activities, events, RULES)
    for seed in range(5):
        random.Random(seed).shuffle(activities)
        random.Random(seed + 100).shuffle(events)
        assert match(activities, events, RULES) == first
