"""Plans, by the number of the rule they show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from samklang.engine.actions import (
    CreateActivity,
    CreateEvent,
    Delete,
    Forget,
    Join,
    LeaveOut,
    PutAside,
    Rebase,
    Unlink,
    Update,
)
from samklang.engine.changes import base_after
from samklang.engine.model import (
    Availability,
    Category,
    Entry,
    Frequency,
    Gone,
    Inexpressible,
    Link,
    LinkStatus,
    Occurrence,
    Recurrence,
    Sensitivity,
    SetAside,
    Side,
)
from samklang.engine.plan import make_plan
from tests.engine.make import all_day, at, day, entry, utc, weekly
from tests.engine.toy import RULES, World

OLD = at("2026-01-10 09:00")
SECOND, THIRD = day("2026-03-09"), day("2026-03-16")


def kinds(world: World) -> list[str]:
    return [type(action).__name__ for action in world.plan().actions]


# --- 1.5: who takes part --------------------------------------------------------------------------------------------


def test_rule_1_5_ticked_activities_and_all_events_are_created_on_the_other_side() -> None:
    world = World()
    world.psa_adds(entry("mine"))
    world.exchange_adds(entry("theirs"))
    world.settle()
    assert world.titles() == (["mine", "theirs"], ["mine", "theirs"])
    assert sorted(world.writes) == ["create exchange", "create psa"]


@pytest.mark.parametrize(
    ("type_id", "more"), [("call", {}), ("task", {}), ("meet", {"draft": True}), ("unknown type", {})]
)
def test_rule_1_5_unticked_types_tasks_and_drafts_stay(type_id: str, more: dict[str, bool]) -> None:
    world = World()
    activity = world.psa_adds(entry())
    world.psa_edits(activity, **more)
    seen = world.activities[activity]
    world.activities[activity] = replace(seen, type_id=type_id, category=_category(type_id))
    (action,) = world.plan().actions
    assert isinstance(action, LeaveOut)
    assert action.rule == "1.5"
    world.settle()
    assert world.writes == []


def test_rule_1_5_a_type_moved_to_a_ticked_one_and_a_released_draft_come_in_once() -> None:
    world = World()
    call = world.psa_adds(entry("call"), "call")
    draft = world.psa_adds(entry("draft"), draft=True)
    world.settle()
    world.psa_edits(call, type_id="meet")
    world.psa_edits(draft, draft=False)
    world.settle()
    assert world.titles()[1] == ["call", "draft"]
    assert world.writes == ["create exchange"] * 2


def test_rule_1_5_an_unticked_activity_edited_while_left_out_stays_out() -> None:
    world = World()
    call = world.psa_adds(entry("call"), "call")
    world.settle()
    world.psa_edits(call, title="call again")
    assert kinds(world) == ["LeaveOut"]
    world.settle()
    assert world.writes == []


def test_rule_1_5_a_pair_born_in_exchange_is_two_way_whatever_its_type() -> None:
    types = tuple(replace(kind, ticked=False) for kind in RULES.types)
    world = World(rules=replace(RULES, types=types))
    activity, event = world.linked(entry("theirs"), born=Side.EXCHANGE)
    world.psa_edits(activity, title="mine")
    world.settle()
    assert world.events[event].entry.title == "mine"


@pytest.mark.parametrize("born", list(Side))
def test_rule_4_8_a_type_moved_from_ticked_to_unticked_unlinks_and_leaves_both(born: Side) -> None:
    world = World()
    activity, event = world.linked(entry(), born=born)
    world.psa_edits(activity, type_id="call", title="still mine")
    assert kinds(world) == ["Unlink"]
    world.settle()
    world.exchange_edits(event, title="still theirs")
    world.settle()
    assert world.titles() == (["still mine"], ["still theirs"])
    assert world.writes == []


def test_rule_4_9_the_mark_ends_when_the_type_is_ticked_again() -> None:
    world = World()
    activity, event = world.linked(entry())
    world.psa_edits(activity, type_id="call")
    world.settle()
    world.psa_edits(activity, type_id="visit")
    world.settle()
    assert world.differing() == [set()]
    assert world.writes == []
    world.psa_edits(activity, type_id="call")
    world.settle()
    del world.events[event]
    world.settle()
    world.psa_edits(activity, type_id="meet")
    world.settle()
    assert world.titles() == (["Lunch"], ["Lunch"])
    assert world.writes == ["create exchange"]


# --- 1.6, 1.7: privacy ----------------------------------------------------------------------------------------------


def test_rule_1_6_a_private_event_gets_the_type_private_and_back() -> None:
    world = World()
    activity, event = world.linked(entry(sensitivity=Sensitivity.PRIVATE), born=Side.EXCHANGE)
    assert world.activities[activity].type_id == "private"
    world.exchange_edits(event, sensitivity=Sensitivity.NORMAL)
    world.settle()
    assert world.activities[activity].type_id == "meet"
    world.exchange_edits(event, sensitivity=Sensitivity.PERSONAL)
    world.settle()
    assert world.activities[activity].type_id == "private"
    assert world.writes == ["update psa"] * 2


def test_rule_1_6_an_own_type_stays_and_is_masked() -> None:
    world = World()
    activity, event = world.linked(entry(), "visit")
    world.exchange_edits(event, sensitivity=Sensitivity.PRIVATE)
    world.settle()
    seen = world.activities[activity]
    assert (seen.type_id, seen.entry.sensitivity) == ("visit", Sensitivity.PRIVATE)
    world.exchange_edits(event, sensitivity=Sensitivity.NORMAL)
    world.settle()
    assert world.activities[activity].entry.sensitivity is Sensitivity.NORMAL


def _without_private(**more: object) -> World:
    types = tuple(kind for kind in RULES.types if kind.id != "private")
    return World(rules=replace(RULES, types=types, **more))


def test_rule_1_6_without_a_private_type_the_default_is_masked() -> None:
    world = _without_private()
    activity, _ = world.linked(entry("Doctor", sensitivity=Sensitivity.PRIVATE), born=Side.EXCHANGE)
    seen = world.activities[activity]
    assert (seen.type_id, seen.entry.title, seen.entry.sensitivity) == ("meet", "Doctor", Sensitivity.PRIVATE)


def test_rule_1_6_where_the_psa_cannot_mask_a_stand_in_is_shown_and_never_written_back() -> None:
    world = _without_private(psa_masks=False)
    secret = entry("Doctor", place="Clinic", text="Blood", sensitivity=Sensitivity.PRIVATE)
    activity, event = world.linked(secret, born=Side.EXCHANGE)
    shown = world.activities[activity].entry
    assert (shown.title, shown.place, shown.text) == ("Private", "", "")
    world.psa_edits(activity, when=at("2026-03-02 13:00"))
    world.exchange_edits(event, title="Dentist")
    world.settle()
    assert world.events[event].entry.title == "Dentist"
    assert world.events[event].entry.when == at("2026-03-02 13:00")
    assert world.activities[activity].entry.title == "Private"
    world.exchange_edits(event, sensitivity=Sensitivity.NORMAL)
    world.settle()
    assert world.activities[activity].entry.title == "Dentist"
    world.exchange_edits(event, sensitivity=Sensitivity.CONFIDENTIAL)
    world.settle()
    assert world.activities[activity].entry.title == "Private"
    # Deleted in Outlook, edited in the PSA: it comes back as it was there, not as the stand-in.
    del world.events[event]
    world.psa_edits(activity, when=at("2026-03-02 14:00"))
    world.settle()
    assert world.titles() == (["Private"], ["Dentist"])


def test_rule_1_6_show_everything_masks_nothing() -> None:
    world = _without_private(psa_masks=False, show_private=True)
    world.linked(entry("Doctor", sensitivity=Sensitivity.PRIVATE), born=Side.EXCHANGE)
    assert world.titles()[0] == ["Doctor"]


@pytest.mark.parametrize(
    ("type_id", "sensitivity", "availability"),
    [
        ("meet", Sensitivity.NORMAL, Availability.BUSY),
        ("private", Sensitivity.PRIVATE, Availability.BUSY),
        ("gym", Sensitivity.PRIVATE, Availability.BUSY),
        ("sick", Sensitivity.PRIVATE, Availability.OUT_OF_OFFICE),
    ],
)
def test_rule_1_7_category_and_type_speak_in_exchange(type_id, sensitivity, availability) -> None:
    world = World()
    _, event = world.linked(entry(), type_id)
    written = world.events[event].entry
    assert (written.sensitivity, written.availability) == (sensitivity, availability)


def test_rule_1_5_an_activity_without_end_shows_as_free() -> None:
    world = World()
    _, event = world.linked(entry(when=all_day("2026-03-02"), availability=Availability.FREE))
    assert world.events[event].entry.availability is Availability.FREE


def test_rule_2_availability_is_written_on_create_only() -> None:
    world = World()
    activity, event = world.linked(entry())
    world.exchange_edits(event, availability=Availability.TENTATIVE)
    world.settle()
    world.psa_edits(activity, title="Dinner")
    world.settle()
    assert world.events[event].entry.availability is Availability.TENTATIVE


@pytest.mark.parametrize("type_id", ["gym", "sick"])
def test_rule_1_7_personal_and_absence_keep_type_and_mask_when_made_public_in_exchange(type_id: str) -> None:
    world = World()
    activity, event = world.linked(entry(), type_id)
    world.exchange_edits(event, sensitivity=Sensitivity.NORMAL)
    world.settle()
    assert world.activities[activity].type_id == type_id
    assert world.events[event].entry.sensitivity is Sensitivity.NORMAL
    assert world.writes == []


@pytest.mark.parametrize("level", [Sensitivity.CONFIDENTIAL, Sensitivity.PERSONAL])
def test_rule_1_7_what_a_person_made_confidential_or_personal_is_never_lowered(level: Sensitivity) -> None:
    world = World()
    activity, event = world.linked(entry(sensitivity=level), born=Side.EXCHANGE)
    world.psa_edits(activity, type_id="meet")
    world.settle()
    world.psa_edits(activity, title="renamed")
    world.settle()
    assert world.events[event].entry.sensitivity is level
    assert world.writes == ["update exchange"]


def test_rule_1_7_private_made_public_in_the_psa_is_public_in_exchange() -> None:
    world = World()
    activity, event = world.linked(entry(), "private")
    world.psa_edits(activity, type_id="meet")
    world.settle()
    assert world.events[event].entry.sensitivity is Sensitivity.NORMAL
    world.psa_edits(activity, type_id="private")
    world.settle()
    assert world.events[event].entry.sensitivity is Sensitivity.PRIVATE


def test_rule_1_8_a_private_occurrence_of_a_public_series_is_masked() -> None:
    world = World()
    secret = Occurrence("Talk", at("2026-03-09 09:00"), sensitivity=Sensitivity.CONFIDENTIAL)
    activity, event = world.linked(weekly(exceptions={SECOND: secret}), born=Side.EXCHANGE)
    assert world.activities[activity].entry.exceptions[SECOND].sensitivity is Sensitivity.PRIVATE
    world.psa_edits(activity, exceptions={SECOND: replace(secret, sensitivity=Sensitivity.NORMAL)})
    world.settle()
    assert world.events[event].entry.exceptions[SECOND].sensitivity is Sensitivity.CONFIDENTIAL


def test_rule_1_6_without_any_active_type_an_event_waits() -> None:
    world = World(rules=replace(RULES, types=()))
    world.exchange_adds(entry())
    (action,) = world.plan().actions
    assert isinstance(action, PutAside)
    assert action.entry.code == "no_activity_type"
    world.run()
    assert world.plan().actions == ()


# --- 2: fields ------------------------------------------------------------------------------------------------------


def test_rule_2_an_empty_subject_gets_a_stand_in_that_is_never_written_back() -> None:
    world = World()
    activity, event = world.linked(entry(""), born=Side.EXCHANGE)
    assert world.activities[activity].entry.title == "(no subject)"
    world.psa_edits(activity, place="Attic")
    world.settle()
    assert world.events[event].entry.title == ""
    world.psa_edits(activity, title="Named")
    world.settle()
    world.psa_edits(activity, title="(no subject)")
    world.settle()
    assert world.events[event].entry.title == ""


def test_rule_2_a_shortened_title_never_travels_back() -> None:
    long = "å" * 300
    world = World()
    activity, event = world.linked(entry(long))
    assert len(world.events[event].entry.title) == 255
    world.exchange_edits(event, place="Attic")
    world.settle()
    assert world.activities[activity].entry.title == long
    world.psa_edits(activity, title=long + "!")
    world.settle()
    assert world.writes == ["update psa"]
    del world.activities[activity]
    world.exchange_edits(event, place="Cellar")
    world.settle()
    assert world.titles()[0] == [long + "!"]
    world.exchange_edits(event, title="short")
    world.settle()
    assert world.titles() == (["short"], ["short"])


def test_rule_2_characters_are_counted_as_exchange_counts_and_never_cut_in_half() -> None:
    world = World(rules=replace(RULES, exchange_title_limit=5))
    _, event = world.linked(entry("ab😀😀"))
    assert world.events[event].entry.title == "ab😀"


def test_rule_2_a_rewriting_server_causes_no_echo() -> None:
    def rewrite(held: Entry) -> Entry:
        when = replace(held.when, zone="Europe/Berlin") if hasattr(held.when, "zone") else held.when
        return replace(held, title=held.title + " ", text=held.text.replace("\n", "\r\n") + "\r\n\r\n", when=when)

    world = World(rewrite=rewrite)
    world.psa_adds(weekly("Cafe\u0301", text="a\nb", exceptions={SECOND: Occurrence("x", at("2026-03-09 10:00"))}))
    world.settle()
    assert world.differing() == [set()]


def test_acceptance_22_and_25_one_changed_field_is_one_write_of_that_field() -> None:
    world = World()
    activity, _ = world.linked(entry())
    world.psa_edits(activity, title="Dinner")
    (update,) = world.plan().actions
    assert (update.exchange_fields, update.psa_fields, update.to_psa) == ({"title"}, frozenset(), None)
    world.settle()
    assert world.writes == ["update exchange"]


def test_acceptance_28_29_a_new_version_without_new_content_writes_nothing() -> None:
    world = World()
    activity, event = world.linked(entry())
    world.psa_edits(activity, modified=utc("2026-03-01 13:00"))
    world.exchange_edits(event, modified=utc("2026-03-01 13:00"))
    (action,) = world.plan().actions
    assert isinstance(action, Rebase)
    world.settle()
    assert world.writes == []


# --- 3: first contact -----------------------------------------------------------------------------------------------


def test_rule_3_1_equal_entries_are_joined_without_a_write_and_other_fields_stay_each_sides_own() -> None:
    world = World()
    activity = world.psa_adds(entry(" LUNCH  break", place="Here"))
    event = world.exchange_adds(entry("Lunch break", place="There"))
    (action,) = world.plan().actions
    assert isinstance(action, Join)
    world.settle()
    assert world.writes == []
    assert world.differing() == [{"title", "place"}]
    world.exchange_edits(event, place="Everywhere")
    world.settle()
    assert world.activities[activity].entry.place == "Everywhere"
    assert world.activities[activity].entry.title == " LUNCH  break"


def test_rule_3_1_an_unticked_twin_is_joined_rather_than_doubled() -> None:
    world = World()
    world.psa_adds(entry(), "call")
    world.exchange_adds(entry())
    world.settle()
    assert world.writes == []
    assert len(world.pairs()) == 1


def test_rule_3_1_the_surplus_of_true_duplicates_is_created_and_reported() -> None:
    world = World()
    for _ in range(2):
        world.psa_adds(entry())
    world.exchange_adds(entry())
    plan = world.plan()
    assert [type(action).__name__ for action in plan.actions] == ["Join", "CreateEvent"]
    assert plan.actions[1].rule == "3.1"
    world.settle()
    assert world.titles() == (["Lunch"] * 2, ["Lunch"] * 2)


def test_rule_3_1_runs_before_anything_is_created_later_too() -> None:
    world = World(first_run=False)
    world.psa_adds(entry())
    world.exchange_adds(entry())
    world.settle()
    assert world.writes == []


def test_rule_3_1_near_matches_are_told() -> None:
    world = World()
    activity = world.psa_adds(entry())
    event = world.exchange_adds(entry(when=at("2026-03-02 12:00", hours=2)))
    (near,) = world.plan().near_matches
    assert (near.psa_id, near.item_id, near.differs) == (activity, event, "end_time")
    assert kinds(world) == ["CreateEvent", "CreateActivity"]


DAYS = [("2026-01-29", False), ("2026-01-30", True)]


@pytest.mark.parametrize(("last", "synced"), DAYS)
@pytest.mark.parametrize("side", list(Side))
def test_rule_3_3_what_ended_more_than_thirty_days_before_the_first_run_is_left_out(last, synced, side) -> None:
    ends_there = [
        entry("timed", at(f"{last} 22:00")),
        entry("series", at(f"{last} 09:00"), recurrence=Recurrence(Frequency.DAILY, count=1)),
        weekly("until", at("2025-01-01 09:00"), rule=Recurrence(Frequency.DAILY, until=day(last))),
    ]
    for one in ends_there:
        world = World()
        (world.psa_adds if side is Side.PSA else world.exchange_adds)(one)
        (action,) = world.plan().actions
        assert isinstance(action, CreateEvent | CreateActivity) == synced, one.title
        if not synced:
            assert isinstance(action, LeaveOut)
            assert action.rule == "3.3"
        world.settle()
        assert len(world.writes) == synced


def test_rule_3_3_an_old_series_with_a_future_is_synced_whole() -> None:
    world = World()
    old = weekly(when=at("2020-01-06 09:00"), cancelled=frozenset({day("2020-01-13")}))
    world.psa_adds(old)
    world.settle()
    assert world.differing() == [set()]
    (held,) = [event.entry for event in world.events.values()]
    assert held.cancelled == {day("2020-01-13")}


def test_rule_3_4_what_was_left_out_comes_in_when_a_person_edits_it() -> None:
    world = World()
    activity = world.psa_adds(entry("mine", OLD))
    event = world.exchange_adds(entry("theirs", OLD))
    world.settle()
    assert world.writes == []
    world.exchange_edits(event, modified=utc("2026-03-02 09:00"))
    world.settle()
    assert world.writes == []
    world.psa_edits(activity, text="minutes")
    world.exchange_edits(event, text="minutes")
    assert [action.rule for action in world.plan().actions] == ["3.4", "3.4"]
    world.settle()
    assert world.titles() == (["mine", "theirs"], ["mine", "theirs"])


def test_rule_3_4_and_3_1_left_out_entries_that_became_equal_are_joined() -> None:
    world = World()
    activity = world.psa_adds(entry("mine", OLD))
    event = world.exchange_adds(entry("theirs", OLD))
    world.settle()
    world.psa_edits(activity, title="ours")
    world.exchange_edits(event, title="ours")
    assert kinds(world) == ["Join", "Forget"]
    world.settle()
    assert world.writes == []
    assert len(world.links) == 1


def test_rule_3_1_an_entry_made_later_joins_its_twin_that_was_left_out() -> None:
    world = World()
    world.exchange_adds(entry("old", OLD))
    world.psa_adds(entry("call"), "call")
    world.settle()
    world.psa_adds(entry("old", OLD))
    world.exchange_adds(entry("call"))
    world.settle()
    assert world.writes == []
    assert len(world.pairs()) == 2


def test_rule_3_4_after_the_first_run_an_old_date_is_no_reason() -> None:
    world = World(first_run=False)
    world.psa_adds(entry("yesteryear", at("2025-01-10 09:00")))
    world.settle()
    assert world.writes == ["create exchange"]


def test_rule_3_3_an_old_unticked_activity_stays_out_when_its_type_is_ticked() -> None:
    world = World()
    world.psa_adds(entry("call", OLD), "call")
    world.settle()
    types = tuple(replace(kind, ticked=True) for kind in RULES.types)
    world.rules = replace(RULES, types=types)
    assert [action.rule for action in world.plan().actions] == ["3.3"]
    world.settle()
    assert world.writes == []


# --- 4: meetings ----------------------------------------------------------------------------------------------------


def test_rule_4_4_psa_edits_of_somebody_elses_meeting_are_reverted_and_kept() -> None:
    world = World()
    meeting = {"is_meeting": True, "is_organizer": False}
    activity, event = world.linked(entry(text="agenda"), born=Side.EXCHANGE, **meeting)
    world.psa_edits(activity, title="mine", when=at("2026-03-02 15:00"), text="my notes", type_id="private")
    (update,) = world.plan().actions
    assert update.rule == "4.4"
    assert {(loser.field, loser.value) for loser in update.losers} == {
        ("title", "mine"),
        ("time", "2026-03-02T14:00:00Z/2026-03-02T15:00:00Z"),
    }
    world.settle()
    seen, held = world.activities[activity].entry, world.events[event].entry
    assert (seen.title, seen.when, seen.text) == ("Lunch", at("2026-03-02 12:00"), "my notes")
    assert (held.title, held.when, held.text, held.sensitivity) == (
        "Lunch",
        at("2026-03-02 12:00"),
        "agenda",
        Sensitivity.PRIVATE,
    )


def test_rule_4_5_deleting_somebody_elses_meeting_in_the_psa_leaves_it_in_exchange() -> None:
    world = World()
    activity, _ = world.linked(entry(), born=Side.EXCHANGE, is_meeting=True, is_organizer=False)
    del world.activities[activity]
    (action,) = world.plan().actions
    assert isinstance(action, Unlink)
    world.settle()
    assert len(world.events) == 1
    assert world.activities == {}


# --- 5: series ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", list(Side))
def test_rule_5_5_a_rule_no_pattern_holds_is_set_aside_until_it_changes(side: Side) -> None:
    world = World()
    bad = weekly(rule=Inexpressible("position_set", "FREQ=MONTHLY;BYDAY=5MO"))
    made = (world.psa_adds if side is Side.PSA else world.exchange_adds)(bad)
    world.psa_adds(entry("fine"))
    world.settle()
    waiting = world.aside[side, made]
    assert (waiting.code, waiting.params) == ("recurrence_inexpressible", {"reason": "position_set"})
    assert world.writes == ["create exchange"]
    (world.psa_edits if side is Side.PSA else world.exchange_edits)(made, recurrence=weekly().recurrence)
    world.settle()
    assert len(world.pairs()) == 2
    assert world.aside == {}


def test_rule_5_5_a_connectors_day_31_is_judged_too() -> None:
    world = World()
    world.exchange_adds(weekly(when=at("2026-03-31 09:00"), rule=Recurrence(Frequency.MONTHLY, day_of_month=31)))
    (action,) = world.plan().actions
    assert isinstance(action, PutAside)
    assert action.entry.params == {"reason": "days_29_to_31"}


def test_rule_3_3_an_old_rule_no_pattern_holds_is_left_out_not_set_aside() -> None:
    world = World()
    rule = Inexpressible("yearly_interval", "FREQ=YEARLY;INTERVAL=3;UNTIL=20200101")
    world.psa_adds(weekly(when=at("2014-01-01 09:00"), rule=rule))
    (action,) = world.plan().actions
    assert isinstance(action, LeaveOut)


def test_rule_5_5_a_linked_series_that_gets_such_a_rule_waits_and_keeps_its_base() -> None:
    world = World()
    activity, event = world.linked(weekly())
    world.psa_edits(activity, recurrence=Inexpressible("position_set"), title="mine")
    world.settle()
    assert (world.writes, world.events[event].entry.title) == ([], "Standup")
    world.psa_edits(activity, recurrence=weekly().recurrence)
    world.settle()
    assert world.events[event].entry.title == "mine"


CROSSING = Occurrence("Standup", at("2026-03-16 08:00"))


def test_rule_5_2_an_exception_that_crosses_its_neighbour_waits_alone() -> None:
    world = World()
    moved = Occurrence("Standup", at("2026-03-24 09:00"))
    late = replace(CROSSING, title="Late")
    activity = world.psa_adds(weekly(exceptions={SECOND: late, day("2026-03-23"): moved}))
    world.settle()
    (event,) = world.events.values()
    assert set(event.entry.exceptions) == {day("2026-03-23")}
    assert world.aside[Side.PSA, activity].params == {"dates": "2026-03-09"}
    world.psa_edits(activity, title="Daily")
    world.settle()
    assert world.aside[Side.PSA, activity].code == "occurrence_crosses_neighbour"
    world.psa_edits(activity, exceptions={SECOND: replace(late, when=at("2026-03-10 08:00"))})
    world.settle()
    assert world.differing() == [set()]
    assert world.aside == {}


@pytest.mark.parametrize(
    ("when", "cancelled", "held"),
    [
        (at("2026-03-15 23:00"), (), False),
        (at("2026-03-15 23:00", hours=20), (), True),  # into the next one's time
        (at("2026-03-16 08:00"), (), True),  # on the next one's day
        (at("2026-03-17 08:00"), (THIRD,), False),  # a cancelled neighbour is none
        (at("2026-03-02 20:00"), (), True),  # on the day of the one before
        (at("2026-02-20 20:00"), (), True),  # past it
        (at("2026-03-03 20:00"), (), False),
    ],
)
def test_rule_5_2_onto_or_past_a_neighbours_day_or_into_its_time(when, cancelled, held) -> None:
    world = World()
    world.psa_adds(weekly(exceptions={SECOND: Occurrence("x", when)}, cancelled=frozenset(cancelled)))
    assert ("PutAside" in kinds(world)) is held


def test_rule_5_2_the_only_occurrence_has_no_neighbours() -> None:
    world = World()
    once = Recurrence(Frequency.WEEKLY, count=1)
    world.psa_adds(weekly(rule=once, exceptions={day("2026-03-02"): Occurrence("x", at("2026-05-02 09:00"))}))
    yearly = Recurrence(Frequency.YEARLY)
    gone = frozenset(day(f"{year}-03-02") for year in range(2027, 2031))
    world.psa_adds(weekly("y", rule=yearly, exceptions={day("2026-03-02"): CROSSING}, cancelled=gone))
    world.psa_adds(
        weekly("all day", all_day("2026-03-02"), exceptions={SECOND: Occurrence("x", all_day("2026-03-10"))})
    )
    world.settle()
    assert world.aside == {}


def test_a_series_is_created_from_the_first_date_its_rule_gives() -> None:
    world = World()
    tuesdays = Recurrence(Frequency.WEEKLY, weekdays=(1,))
    world.psa_adds(weekly(rule=tuesdays, cancelled=frozenset({day("2026-03-02"), day("2026-03-10")})))
    world.settle()
    (event,) = world.events.values()
    assert event.entry.when == at("2026-03-03 09:00")
    assert event.entry.cancelled == {day("2026-03-10")}


def test_all_day_series_travel_with_exceptions_and_new_rules() -> None:
    world = World()
    moved = Occurrence("Duty", all_day("2026-03-10"), availability=Availability.FREE)
    activity, event = world.linked(weekly("Duty", all_day("2026-03-02"), exceptions={SECOND: moved}))
    world.psa_edits(activity, recurrence=Recurrence(Frequency.WEEKLY, count=5))
    world.settle()
    assert world.differing() == [set()]
    assert world.events[event].entry.exceptions[SECOND].when == all_day("2026-03-10")


# --- 8: deleting ----------------------------------------------------------------------------------------------------


def test_rule_8_2_an_event_deleted_in_exchange_takes_its_activity_along() -> None:
    world = World()
    _, event = world.linked(entry())
    del world.events[event]
    (action,) = world.plan().actions
    assert isinstance(action, Delete)
    world.settle()
    assert world.writes == ["delete psa"]


@pytest.mark.parametrize(
    ("more", "now", "rule"),
    [
        ({"closed": True}, "2026-03-01 12:00", "8.2"),
        ({"has_hours": True}, "2026-03-01 12:00", "8.2"),
        ({}, "2026-03-02 12:00", "8.2"),  # over: it ended at that instant
        ({"owner_id": "bob", "participant_ids": ("alice",)}, "2026-03-01 12:00", "4.5"),
        ({"owner_id": None, "participant_ids": ("alice",)}, "2026-03-01 12:00", "4.5"),
    ],
)
def test_rule_8_2_what_is_over_closed_has_hours_or_is_not_ours_stays_and_is_unlinked(more, now, rule) -> None:
    world = World()
    activity, event = world.linked(entry())
    world.psa_edits(activity, **more)
    gone = world.events.pop(event)
    world.now = utc(now)
    (action,) = world.plan().actions
    assert isinstance(action, Unlink)
    assert action.rule == rule
    world.settle()
    assert world.writes == []
    world.psa_edits(activity, title="still here")
    world.settle()
    assert world.events == {}
    # Restored from Deleted Items under a new id, with its UID: revived.
    world.events["restored"] = replace(gone, id="restored")
    world.settle()
    assert world.differing() == [set()]
    assert world.titles() == (["still here"], ["still here"])


def test_rule_8_2_a_running_series_deleted_in_exchange_keeps_what_is_over() -> None:
    world = World()
    activity, event = world.linked(weekly(rule=Recurrence(Frequency.WEEKLY, count=10)))
    del world.events[event]
    world.now = utc("2026-03-16 08:30")  # the third is under way
    assert kinds(world) == ["Update", "Unlink"]
    world.settle()
    rule = world.activities[activity].entry.recurrence
    assert (rule.until, rule.count) == (SECOND, None)
    assert world.writes == ["update psa"]
    assert [link.status for link in world.links.values()] == [LinkStatus.UNLINKED]


def test_rule_8_2_a_series_still_to_come_goes_whole() -> None:
    world = World()
    _, event = world.linked(weekly())
    del world.events[event]
    world.settle()
    assert world.writes == ["delete psa"]


def test_rule_4_9_a_mark_whose_entries_are_both_gone_is_forgotten() -> None:
    world = World()
    activity, event = world.linked(entry())
    world.psa_edits(activity, type_id="call")
    world.settle()
    del world.activities[activity], world.events[event]
    world.settle()
    assert world.links == {}


def test_rule_8_2_moved_to_another_calendar_is_unlinked_and_revived_when_moved_back() -> None:
    world = World()
    activity, event = world.linked(entry())
    moved = world.events.pop(event)
    world.gone[event] = Gone.MOVED
    world.settle()
    assert len(world.activities) == 1
    world.events[event] = replace(moved, entry=entry("moved about"))
    world.settle()
    assert world.titles() == (["moved about"], ["moved about"])
    world.events.pop(event)
    del world.activities[activity]
    assert kinds(world) == ["Unlink"]


def test_rule_8_2_a_revived_event_whose_activity_is_gone_is_made_again() -> None:
    world = World()
    activity, event = world.linked(entry())
    moved = world.events.pop(event)
    world.gone[event] = Gone.MOVED
    world.settle()
    del world.activities[activity]
    world.events[event] = moved
    world.settle()
    assert world.titles() == (["Lunch"], ["Lunch"])


def test_rule_8_2_a_meeting_its_organizer_cancelled_counts_as_deleted() -> None:
    world = World()
    _, event = world.linked(entry(), born=Side.EXCHANGE, is_meeting=True, is_organizer=False)
    world.exchange_edits(event, is_cancelled=True, title="Canceled: Lunch")
    world.settle()
    assert world.activities == {}
    assert world.writes == ["delete psa"]


def test_rule_8_2_a_cancelled_meeting_edited_in_the_psa_is_unlinked() -> None:
    world = World()
    activity, event = world.linked(entry(), born=Side.EXCHANGE, is_meeting=True, is_organizer=False)
    world.exchange_edits(event, is_cancelled=True)
    world.psa_edits(activity, title="mine")
    world.settle()
    assert world.titles()[0] == ["mine"]
    assert world.writes == []


def test_a_cancelled_meeting_never_seen_before_is_left_out() -> None:
    world = World()
    world.exchange_adds(entry(), is_cancelled=True)
    (action,) = world.plan().actions
    assert isinstance(action, LeaveOut)
    world.settle()


def test_acceptance_37_the_same_event_under_a_new_id_keeps_its_link() -> None:
    world = World()
    _, event = world.linked(entry())
    world.events["new id"] = replace(world.events.pop(event), id="new id", entry=entry("moved"))
    world.settle()
    assert world.titles() == (["moved"], ["moved"])
    assert world.writes == ["update psa"]


@pytest.mark.parametrize("gone", [Gone.ABSENT, Gone.NAMED])
def test_rule_8_1_an_unconfirmed_absence_is_no_delete(gone: Gone) -> None:
    world = World()
    activity, event = world.linked(entry())
    world.gone[event] = gone
    del world.events[event]
    world.psa_edits(activity, title="x")
    assert world.plan().actions == ()


def _many(world: World, count: int) -> list[str]:
    for number in range(count):
        world.exchange_adds(entry(f"entry {number}"))
    world.settle()
    world.writes.clear()
    return list(world.events)


@pytest.mark.parametrize(
    ("linked", "removed", "brakes"),
    [(50, 10, False), (50, 11, True), (55, 11, False), (54, 11, True), (600, 100, False), (600, 101, True)],
)
@pytest.mark.parametrize("side", list(Side))
def test_rule_8_3_too_many_removals_stop_before_the_first_write(linked, removed, brakes, side) -> None:
    world = World()
    events = _many(world, linked)
    store = world.events if side is Side.EXCHANGE else world.activities
    for entry_id in (events if side is Side.EXCHANGE else list(store))[:removed]:
        del store[entry_id]
    plan = world.run()
    if brakes:
        assert plan.brake is not None
        assert (plan.brake.kind, plan.brake.side, plan.brake.count, plan.brake.of) == (
            "removals",
            side.other,
            removed,
            linked,
        )
        assert world.writes == []
    else:
        assert plan.brake is None
        assert len(world.writes) == removed


@pytest.mark.parametrize(("linked", "edited", "brakes"), [(12, 11, True), (13, 11, False), (10, 10, False)])
@pytest.mark.parametrize("side", list(Side))
def test_rule_8_3_nearly_everything_changed_at_once_stops_too(linked, edited, brakes, side) -> None:
    world = World()
    _many(world, linked)
    for number, (activity, event) in enumerate(world.pairs()):
        if number < edited:
            if side is Side.PSA:
                world.psa_edits(activity.id, place="x")
            else:
                world.exchange_edits(event.id, place="x")
    plan = world.plan()
    assert (plan.brake is not None) is brakes
    if plan.brake is not None:
        assert (plan.brake.kind, plan.brake.side) == ("changes", side)


def test_rule_8_3_a_running_series_cut_short_counts_as_a_removal() -> None:
    world = World()
    for number in range(11):
        world.psa_adds(weekly(f"series {number}", rule=Recurrence(Frequency.WEEKLY, count=10)))
    world.settle()
    world.now = utc("2026-03-16 12:00")
    world.events.clear()
    assert world.plan().brake is not None


def test_rule_8_3_what_is_over_may_be_archived_away() -> None:
    world = World()
    _many(world, 30)
    world.now = utc("2026-05-01 12:00")
    world.events.clear()
    world.settle()
    assert len(world.activities) == 30


@pytest.mark.parametrize("side", list(Side))
def test_rule_8_5_after_lost_state_what_is_missing_waits_for_its_user(side: Side) -> None:
    world = World()
    activity, event = world.linked(entry())
    lost = world.events if side is Side.EXCHANGE else world.activities
    lost.pop(event if side is Side.EXCHANGE else activity)
    world.resync = True
    world.run()
    world.settle()
    assert world.writes == []
    assert [one.code for one in world.aside.values()] == ["missing_after_resync"]
    left = (world.psa_edits, activity) if side is Side.EXCHANGE else (world.exchange_edits, event)
    left[0](left[1], title="alive")
    world.settle()
    assert world.writes == [], "edited or not"


def test_rule_8_5_gone_on_both_sides_is_forgotten_even_then_and_unseen_is_set_aside_by_what_the_link_says() -> None:
    world = World(resync=True)
    activity, event = world.linked(entry())
    seen = world.observe()
    kept = world.activities.pop(activity)
    del world.events[event]
    world.resync = True
    assert kinds(world) == ["Unlink"]

    unseen = replace(seen, activities={}, events={}, resync=True)
    (aside,) = make_plan(replace(unseen, gone_events={event: Gone.CONFIRMED}), RULES, world.now).actions
    assert (aside.entry.side, aside.entry.id, aside.entry.version) == (Side.PSA, kept.id, kept.version)
    (aside,) = make_plan(replace(unseen, gone_activities={activity: Gone.CONFIRMED}), RULES, world.now).actions
    assert (aside.entry.side, aside.entry.id) == (Side.EXCHANGE, event)


def test_rule_8_5_with_the_base_lost_everything_is_matched_again_without_a_create() -> None:
    world = World()
    _many(world, 5)
    world.psa_adds(entry("old", OLD))
    world.run()
    world.links.clear()
    world.resync = True
    world.settle()
    assert len(world.pairs()) == 6
    assert world.writes == ["create exchange"]


# --- 10: waiting and crashes ----------------------------------------------------------------------------------------


def test_rule_10_1_a_set_aside_entry_waits_for_its_time_or_a_change() -> None:
    world = World()
    activity, event = world.linked(entry())
    world.psa_edits(activity, title="mine")
    version = world.activities[activity].version
    world.aside[Side.PSA, activity] = SetAside(
        Side.PSA, activity, "refused_by_server", retry_at=utc("2026-03-01 13:00"), version=version
    )
    assert world.plan().actions == ()
    world.later(hours=1)
    assert kinds(world) == ["Update"]
    world.later(hours=-1)
    world.exchange_edits(event, place="Attic")
    assert kinds(world) == ["Update"]  # the other side changed: a new try
    world.exchange_edits(event, place="")
    world.psa_edits(activity, title="mine again")
    assert kinds(world) == ["Update"]  # it changed itself


def test_rule_10_1_a_set_aside_event_waits_too_unless_its_activity_was_edited() -> None:
    world = World()
    activity, event = world.linked(entry())
    world.exchange_edits(event, title="theirs")
    version = world.events[event].version
    world.aside[Side.EXCHANGE, event] = SetAside(Side.EXCHANGE, event, "refused_by_psa", version=version)
    assert world.plan().actions == ()
    world.psa_edits(activity, place="Attic")
    assert kinds(world) == ["Update"]


def test_rule_10_1_a_newcomer_set_aside_waits_and_the_others_go_on() -> None:
    world = World()
    bad = world.exchange_adds(entry("bad"))
    world.exchange_adds(entry("good"))
    version = world.events[bad].version
    world.aside[Side.EXCHANGE, bad] = SetAside(Side.EXCHANGE, bad, "refused_by_psa", version=version)
    world.settle()
    assert world.titles()[0] == ["good"]


def _begun(world: World, side: Side, **more: object) -> Link:
    """A link whose create on `side` was begun."""
    if side is Side.EXCHANGE:
        made = {"psa_id": world.psa_adds(entry(), **more), "item_id": None}
    else:
        made = {"item_id": world.exchange_adds(entry(), **more), "psa_id": None}
    link = Link("l", LinkStatus.CREATING, key="key", born=side.other, **made)
    world.links["l"] = link
    return link


@pytest.mark.parametrize("side", list(Side))
def test_rule_10_4_a_begun_create_is_completed_under_its_link(side: Side) -> None:
    world = World()
    _begun(world, side)
    (action,) = world.plan().actions
    assert (action.rule, action.link.key) == ("10.4", "key")
    world.settle()
    assert len(world.pairs()) == 1
    assert len(world.writes) == 1


@pytest.mark.parametrize("side", list(Side))
def test_rule_10_4_a_create_found_done_is_joined(side: Side) -> None:
    world = World()
    _begun(world, side)
    made = (world.psa_adds if side is Side.PSA else world.exchange_adds)(entry("Lunch "), key="key")
    (action,) = world.plan().actions
    assert isinstance(action, Join)
    world.settle()
    assert made in {one.id for one in world.pairs()[0]}
    assert world.writes == []


def test_rule_10_4_an_edit_made_since_a_create_was_begun_is_still_an_edit() -> None:
    world = World()
    link = _begun(world, Side.EXCHANGE)
    activity, made = world.activities[link.psa_id], world.exchange_adds(entry(), key="key")

    base = base_after(None, activity, world.events[made], RULES)
    world.links["l"] = replace(link, base=base, type_id="meet")
    world.exchange_edits(made, title="edited")
    world.settle()
    assert world.titles() == (["edited"], ["edited"])


@pytest.mark.parametrize("side", list(Side))
def test_rule_10_4_a_begun_create_whose_source_is_gone_is_forgotten(side: Side) -> None:
    world = World()
    _begun(world, side)
    world.activities.clear()
    world.events.clear()
    (action,) = world.plan().actions
    assert isinstance(action, Forget)


@pytest.mark.parametrize("side", list(Side))
def test_rule_10_4_a_begun_create_whose_source_was_not_seen_waits(side: Side) -> None:
    world = World()
    _begun(world, side)

    seen = replace(world.observe(), activities={}, events={})
    assert make_plan(seen, RULES, world.now).actions == ()
    keyed = {"e": replace(world.events.get("e") or _event(), key="key")}
    if side is Side.EXCHANGE:
        assert make_plan(replace(seen, events=keyed), RULES, world.now).actions == ()


@pytest.mark.parametrize("side", list(Side))
def test_rule_10_4_a_begun_create_obeys_the_rules_of_today(side: Side) -> None:
    world = World()
    link = _begun(world, side)
    source = link.psa_id or link.item_id
    waiting = SetAside(side.other, source, "refused", version=_version(world, source))
    world.aside[side.other, source] = waiting
    assert world.plan().actions == ()
    world.aside.clear()
    edit = world.psa_edits if side is Side.EXCHANGE else world.exchange_edits
    edit(source, recurrence=Inexpressible("position_set"))
    assert kinds(world) == ["PutAside"]
    edit(source, recurrence=None)
    if side is Side.EXCHANGE:
        edit(source, draft=True)
        assert kinds(world) == ["Forget"]
    else:
        world.rules = replace(RULES, types=())
        assert kinds(world) == ["PutAside"]


def test_unseen_sides_are_as_their_base_says() -> None:
    """A run that could not read the other side still knows which keys travel."""

    world = World()
    activity, event = world.linked(entry())
    world.psa_edits(activity, title="mine")
    (update,) = make_plan(replace(world.observe(), events={}), RULES, world.now).actions
    assert isinstance(update, Update)
    assert (update.event, update.exchange_fields, update.to_exchange.title) == (None, {"title"}, "mine")
    world.psa_edits(activity, title="Lunch")
    world.exchange_edits(event, title="theirs")
    (update,) = make_plan(replace(world.observe(), activities={}), RULES, world.now).actions
    assert (update.activity, update.psa_fields, update.to_psa.title) == (None, {"title"}, "theirs")
    gone = replace(world.observe(), activities={}, events={})
    assert make_plan(replace(gone, gone_events={event: Gone.CONFIRMED}), RULES, world.now).actions == ()
    assert make_plan(replace(gone, gone_activities={activity: Gone.CONFIRMED}), RULES, world.now).actions == ()


def test_rule_7_2_made_again_under_the_old_type_or_waits_without_one() -> None:
    world = World()
    activity, event = world.linked(entry(), "visit")
    del world.activities[activity]
    world.exchange_edits(event, title="theirs")
    (action,) = world.plan().actions
    assert action.type_id == "visit"
    world.rules = replace(RULES, types=tuple(k for k in RULES.types if k.id != "visit"))
    (action,) = world.plan().actions
    assert action.type_id == "meet"
    world.rules = replace(RULES, types=())
    assert kinds(world) == ["PutAside"]


def test_plans_are_the_same_whatever_the_order_of_what_was_seen() -> None:
    world = World()
    for number in range(6):
        world.psa_adds(entry(f"e{number % 3}"))
        world.exchange_adds(entry(f"e{number % 3}", place="x" * (number % 2)))
    seen = world.observe()

    turned = replace(
        seen,
        activities=dict(reversed(seen.activities.items())),
        events=dict(reversed(seen.events.items())),
    )
    one, other = make_plan(seen, RULES, world.now), make_plan(turned, RULES, world.now)
    assert one.actions == other.actions
    assert one.id == other.id
    assert one.counts() == {"Join": 6}


def _event():
    world = World()
    return world.events[world.exchange_adds(entry())]


def _version(world: World, entry_id: str) -> str:
    return (world.activities.get(entry_id) or world.events[entry_id]).version


def _category(type_id: str):

    return next((kind.category for kind in RULES.types if kind.id == type_id), Category.CALENDAR_ENTRY)
