"""The two-way table and the merge, exhaustively (rules 7.2-7.4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from samklang.engine.actions import Rebase
from samklang.engine.changes import Change
from samklang.engine.decide import TABLE, Verdict, decide
from samklang.engine.merge import ServerClocks, winner
from samklang.engine.model import AllDay, LinkStatus, Occurrence, Recurrence, Sensitivity, Side, Weekday
from samklang.engine.rules import ConflictPolicy
from tests.engine.make import all_day, at, day, entry, utc, weekly
from tests.engine.toy import RULES, World

# (activity, event) -> the titles left on either side afterwards; "old" is what both agreed on.
OUTCOMES = [
    ("same", "same", "old", "old", 0),
    ("same", "edited", "theirs", "theirs", 1),
    ("same", "gone", None, None, 1),
    ("edited", "same", "mine", "mine", 1),
    ("edited", "edited", "theirs", "theirs", 1),
    ("edited", "gone", "mine", "mine", 1),
    ("gone", "same", None, None, 1),
    ("gone", "edited", "theirs", "theirs", 1),
    ("gone", "gone", None, None, 0),
    # A new version of the same content is no edit (rule 7.1).
    ("touched", "touched", "old", "old", 0),
    ("touched", "edited", "theirs", "theirs", 1),
    ("edited", "touched", "mine", "mine", 1),
    ("touched", "gone", None, None, 1),
    ("gone", "touched", None, None, 1),
]


def test_rule_7_2_the_table_says_something_for_every_case() -> None:
    sure = [Change.SAME, Change.EDITED, Change.GONE]
    assert set(TABLE) == {(psa, exchange) for psa in sure for exchange in sure}
    assert len(set(TABLE.values())) == len(TABLE)


@pytest.mark.parametrize("other", list(Change))
def test_rule_8_1_nothing_is_decided_about_what_is_unsure(other: Change) -> None:
    assert decide(Change.UNSURE, other) is Verdict.NOTHING
    assert decide(other, Change.UNSURE) is Verdict.NOTHING


@pytest.mark.parametrize(("psa", "exchange", "activity", "event", "writes"), OUTCOMES)
def test_rule_7_2(psa: str, exchange: str, activity: str | None, event: str | None, writes: int) -> None:
    world = World()
    mine, theirs = world.linked(entry("old"))
    if psa == "edited":
        world.psa_edits(mine, title="mine")
    elif psa == "touched":
        world.psa_edits(mine)
    elif psa == "gone":
        del world.activities[mine]
    if exchange == "edited":
        world.exchange_edits(theirs, title="theirs")
    elif exchange == "touched":
        world.exchange_edits(theirs)
    elif exchange == "gone":
        del world.events[theirs]
    world.settle()
    assert world.titles() == ([activity] if activity else [], [event] if event else [])
    assert len(world.writes) == writes
    assert sum(link.status is LinkStatus.LINKED for link in world.links.values()) == (activity is not None)


@pytest.mark.parametrize("touched", list(Side))
def test_rule_7_1_a_new_version_of_the_same_content_is_no_edit_whoever_wins_conflicts(touched: Side) -> None:
    policy = ConflictPolicy.PSA if touched is Side.PSA else ConflictPolicy.EXCHANGE
    world = World(rules=replace(RULES, conflict=policy))
    mine, theirs = world.linked(entry("old"))
    world.psa_edits(mine, **({} if touched is Side.PSA else {"title": "new"}))
    world.exchange_edits(theirs, **({"title": "new"} if touched is Side.PSA else {}))
    (action,) = world.plan().actions
    assert not action.losers
    world.settle()
    assert world.titles() == (["new"], ["new"])


# Every field: how it looks before, edited one way, edited another way.
EDITS = [
    ("title", "old", "mine", "theirs"),
    ("place", "old", "mine", "theirs"),
    ("text", "old", "mine", "theirs"),
    ("when", at("2026-03-02 09:00"), at("2026-03-02 10:00"), all_day("2026-03-05")),
]


@pytest.mark.parametrize(("name", "old", "mine", "theirs"), EDITS, ids=[edit[0] for edit in EDITS])
@pytest.mark.parametrize("policy", list(ConflictPolicy))
def test_rule_7_4_one_field_two_values(name, old, mine, theirs, policy: ConflictPolicy) -> None:
    world = World(rules=replace(RULES, conflict=policy))
    activity, event = world.linked(replace(entry(), **{name: old}))
    world.psa_edits(activity, **{name: mine}, modified=utc("2026-03-01 12:05"))
    world.exchange_edits(event, **{name: theirs}, modified=utc("2026-03-01 12:04"))
    plan = world.plan()
    world.settle()
    kept = theirs if policy is ConflictPolicy.EXCHANGE else mine
    assert getattr(world.activities[activity].entry, name) == kept
    assert getattr(world.events[event].entry, name) == kept
    (loser,) = plan.actions[0].losers
    assert loser.side is (Side.PSA if policy is ConflictPolicy.EXCHANGE else Side.EXCHANGE)
    assert loser.value
    assert world.writes == [f"update {loser.side}"]


@pytest.mark.parametrize(("name", "old", "mine", "theirs"), EDITS, ids=[edit[0] for edit in EDITS])
def test_rule_7_3_the_same_value_on_both_sides_is_agreement(name, old, mine, theirs) -> None:
    world = World()
    activity, event = world.linked(replace(entry(), **{name: old}))
    world.psa_edits(activity, **{name: mine})
    world.exchange_edits(event, **{name: mine})
    (action,) = world.plan().actions
    assert isinstance(action, Rebase)
    world.settle()
    assert world.writes == []
    assert world.differing() == [set()]


@pytest.mark.parametrize("side", list(Side))
def test_rule_6_2_days_added_at_the_end_travel(side: Side) -> None:
    world = World()
    activity, event = world.linked(entry(when=all_day("2026-03-02")))
    longer = AllDay(day("2026-03-02"), day("2026-03-05"))
    if side is Side.PSA:
        world.psa_edits(activity, when=longer)
    else:
        world.exchange_edits(event, when=longer)
    world.settle()
    assert (world.activities[activity].entry.when, world.events[event].entry.when) == (longer, longer)


def test_rule_7_1_agreement_is_remembered_even_where_versions_stood_still() -> None:
    world = World()
    activity, event = world.linked(entry())
    for store, entry_id in ((world.activities, activity), (world.events, event)):
        store[entry_id] = replace(store[entry_id], entry=entry("Dinner"))
    world.settle()
    assert {link.base.psa["title"] for link in world.links.values()} == {"Dinner"}
    assert world.writes == []


def test_rule_7_3_agreeing_beside_another_edit_loses_nothing() -> None:
    world = World()
    activity, event = world.linked(entry())
    world.psa_edits(activity, title="Dinner", place="Attic")
    world.exchange_edits(event, title="Dinner")
    (update,) = world.plan().actions
    assert (update.exchange_fields, update.psa_fields, update.losers) == ({"place"}, frozenset(), ())


@pytest.mark.parametrize("mine", EDITS, ids=[edit[0] for edit in EDITS])
@pytest.mark.parametrize("theirs", EDITS, ids=[edit[0] for edit in EDITS])
def test_rule_7_3_different_fields_are_both_kept(mine, theirs) -> None:
    if mine[0] == theirs[0]:
        return
    world = World()
    activity, event = world.linked(replace(entry(), **{mine[0]: mine[1], theirs[0]: theirs[1]}))
    world.psa_edits(activity, **{mine[0]: mine[2]})
    world.exchange_edits(event, **{theirs[0]: theirs[3]})
    assert world.plan().actions[0].losers == ()
    world.settle()
    assert world.differing() == [set()]
    seen = world.activities[activity].entry
    assert (getattr(seen, mine[0]), getattr(seen, theirs[0])) == (mine[2], theirs[3])
    assert sorted(world.writes) == ["update exchange", "update psa"]


LATE, EARLY = utc("2026-03-01 12:05"), utc("2026-03-01 12:00")


@pytest.mark.parametrize(
    ("psa", "exchange", "clocks", "wins"),
    [
        (LATE, EARLY, ServerClocks(), Side.PSA),
        (EARLY, LATE, ServerClocks(), Side.EXCHANGE),
        (LATE, LATE, ServerClocks(), Side.EXCHANGE),
        (None, EARLY, ServerClocks(), Side.EXCHANGE),
        (LATE, None, ServerClocks(), Side.EXCHANGE),
        # Exchange's clock is ten minutes ahead: what it stamped 12:05 happened at 11:55.
        (EARLY, LATE, ServerClocks(timedelta(minutes=10)), Side.PSA),
        (LATE, EARLY, ServerClocks(timedelta(minutes=-10)), Side.EXCHANGE),
        (LATE, EARLY, ServerClocks(unsure=True), Side.EXCHANGE),
    ],
)
def test_rule_7_4_the_newest_wins_by_corrected_stamps_and_ties_go_to_exchange(psa, exchange, clocks, wins) -> None:
    assert winner(ConflictPolicy.NEWEST, psa, exchange, clocks) is wins
    assert winner(ConflictPolicy.PSA, psa, exchange, clocks) is Side.PSA
    assert winner(ConflictPolicy.EXCHANGE, psa, exchange, clocks) is Side.EXCHANGE


SECOND = day("2026-03-09")
MOVED = Occurrence("Standup", at("2026-03-09 10:00"))
RENAMED = Occurrence("Other", at("2026-03-09 09:00"))
#: On another day than its own: its original start is what it is known by.
ANOTHER_DAY = Occurrence("Standup", at("2026-03-10 10:00"))

# What happens to one occurrence on either side, and what both hold of it afterwards.
PLAIN, CANCELLED = "plain", "cancelled"
OCCURRENCES = [
    # (before, PSA now, Exchange now, afterwards)
    (PLAIN, MOVED, PLAIN, MOVED),
    (PLAIN, PLAIN, MOVED, MOVED),
    (PLAIN, ANOTHER_DAY, PLAIN, ANOTHER_DAY),
    (PLAIN, PLAIN, ANOTHER_DAY, ANOTHER_DAY),
    (ANOTHER_DAY, CANCELLED, ANOTHER_DAY, CANCELLED),
    (PLAIN, CANCELLED, PLAIN, CANCELLED),
    (PLAIN, PLAIN, CANCELLED, CANCELLED),
    (PLAIN, CANCELLED, CANCELLED, CANCELLED),
    (PLAIN, MOVED, MOVED, MOVED),
    (PLAIN, MOVED, RENAMED, replace(MOVED, title="Other")),
    (MOVED, PLAIN, MOVED, PLAIN),
    (MOVED, MOVED, PLAIN, PLAIN),
    (MOVED, CANCELLED, MOVED, CANCELLED),
    (MOVED, MOVED, CANCELLED, CANCELLED),
    (CANCELLED, PLAIN, CANCELLED, PLAIN),
    (CANCELLED, CANCELLED, PLAIN, PLAIN),
    (CANCELLED, MOVED, CANCELLED, MOVED),
    (CANCELLED, CANCELLED, MOVED, MOVED),
    # Removed on one side, edited on the other: the edit wins, as in the table.
    (PLAIN, CANCELLED, MOVED, MOVED),
    (PLAIN, MOVED, CANCELLED, MOVED),
    (MOVED, CANCELLED, replace(MOVED, title="Other"), replace(MOVED, title="Other")),
    (MOVED, replace(MOVED, title="Other"), CANCELLED, replace(MOVED, title="Other")),
]


def _state(state) -> dict[str, object]:
    return {
        "exceptions": {SECOND: state} if isinstance(state, Occurrence) else {},
        "cancelled": frozenset({SECOND} if state == CANCELLED else ()),
    }


@pytest.mark.parametrize(("before", "psa", "exchange", "after"), OCCURRENCES)
def test_rule_5_2_occurrences_travel_one_by_one(before, psa, exchange, after) -> None:
    world = World()
    activity, event = world.linked(weekly(**_state(before)))
    if psa != before:
        world.psa_edits(activity, **_state(psa))
    if exchange != before:
        world.exchange_edits(event, **_state(exchange))
    world.settle()
    assert world.differing() == [set()]
    for held in (world.activities[activity].entry, world.events[event].entry):
        assert {"exceptions": dict(held.exceptions), "cancelled": held.cancelled} == _state(after)


def test_rule_5_2_the_same_field_of_one_occurrence_is_a_conflict_like_any_other() -> None:
    world = World()
    activity, event = world.linked(weekly())
    world.psa_edits(activity, exceptions={SECOND: replace(RENAMED, title="Mine")})
    world.exchange_edits(event, exceptions={SECOND: RENAMED})
    (update,) = world.plan().actions
    world.settle()
    assert [(loser.side, loser.field, loser.value) for loser in update.losers] == [
        (Side.PSA, "x:2026-03-09:title", "Mine")
    ]
    assert world.activities[activity].entry.exceptions[SECOND].title == "Other"


def test_rule_5_3_an_edit_of_the_series_and_one_of_an_occurrence_are_both_kept() -> None:
    world = World()
    activity, event = world.linked(weekly())
    world.psa_edits(activity, title="Daily", text="Agenda")
    world.exchange_edits(event, exceptions={SECOND: RENAMED})
    world.settle()
    assert world.differing() == [set()]
    assert world.events[event].entry.exceptions[SECOND] == replace(RENAMED, text="Agenda")


def test_rule_5_4_a_new_rule_keeps_the_link_and_writes_what_remains_again() -> None:
    world = World()
    third = day("2026-03-16")
    activity, event = world.linked(weekly(exceptions={SECOND: MOVED}, cancelled=frozenset({third})))
    world.psa_edits(activity, recurrence=replace(_rule(world, activity), interval=2))
    (update,) = world.plan().actions
    assert update.exchange_fields == {"recurrence", "x:2026-03-16"}
    world.settle()
    assert world.differing() == [set()]
    assert world.writes == ["update exchange"]
    assert world.events[event].entry.cancelled == {third}


def test_rule_5_4_what_exchange_drops_with_a_persons_new_rule_is_written_again() -> None:
    world = World()
    third = day("2026-03-16")
    activity, event = world.linked(weekly(exceptions={SECOND: MOVED}, cancelled=frozenset({third})))
    rule = replace(_rule(world, activity), interval=2)
    world.exchange_edits(event, recurrence=rule, exceptions={}, cancelled=frozenset())
    (update,) = world.plan().actions
    assert (update.psa_fields, update.exchange_fields) == ({"recurrence", "x:2026-03-09:time"}, {"x:2026-03-16"})
    world.settle()
    assert world.differing() == [set()]
    assert world.events[event].entry.cancelled == {third}
    # A person who brings one back, and leaves the rule alone, means it.
    world.exchange_edits(event, cancelled=frozenset())
    world.settle()
    assert world.activities[activity].entry.cancelled == frozenset()


def test_rule_5_4_dates_removed_beside_ones_that_stay_were_removed_by_a_person() -> None:
    world = World()
    activity, event = world.linked(weekly(exceptions={SECOND: MOVED}, cancelled=frozenset({day("2026-03-16")})))
    world.exchange_edits(event, when=at("2026-03-02 08:00"), exceptions={})
    world.settle()
    assert world.activities[activity].entry.exceptions == {}
    world.exchange_edits(event, recurrence=None, cancelled=frozenset())
    world.settle()
    assert world.differing() == [set()]


@pytest.mark.parametrize("side", list(Side))
def test_rule_5_4_single_and_series_in_place_keep_the_link(side: Side) -> None:
    world = World()
    activity, event = world.linked(entry())
    edit, edited = (world.psa_edits, activity) if side is Side.PSA else (world.exchange_edits, event)
    edit(edited, recurrence=weekly().recurrence, cancelled=frozenset({SECOND}))
    world.settle()
    assert world.differing() == [set()]
    assert world.events[event].entry.cancelled == {SECOND}
    edit(edited, recurrence=None, cancelled=frozenset())
    world.settle()
    assert world.differing() == [set()]
    assert world.activities[activity].entry.recurrence is None
    assert world.writes == [f"update {side.other}"] * 2


def test_a_time_edit_and_a_rule_edit_on_either_side_are_both_kept() -> None:
    world = World()
    activity, event = world.linked(weekly())
    world.psa_edits(activity, when=at("2026-03-02 11:00"))
    world.exchange_edits(event, recurrence=replace(_rule(world, activity), weekdays=tuple(Weekday)[:2]))
    world.settle()
    assert world.differing() == [set()]
    seen = world.activities[activity].entry
    assert (seen.when, seen.recurrence.weekdays) == (at("2026-03-02 11:00"), tuple(Weekday)[:2])


def test_rule_7_4_privacy_conflicts_only_when_one_side_is_public() -> None:
    world = World()
    activity, event = world.linked(entry(), type_id="meet")
    world.psa_edits(activity, type_id="private")
    world.exchange_edits(event, sensitivity=Sensitivity.CONFIDENTIAL)
    world.settle()
    assert world.writes == []
    assert world.events[event].entry.sensitivity is Sensitivity.CONFIDENTIAL


def _rule(world: World, activity: str) -> Recurrence:
    rule = world.activities[activity].entry.recurrence
    assert isinstance(rule, Recurrence)
    return rule
