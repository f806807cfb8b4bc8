"""Series: patterns, ranges and what becomes of them; changed and cancelled occurrences."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.when import MONDAY, Rule, at, daily, days, monthly, monthly_on, utc, weekly, yearly
from tests.acceptance.world import World
from tests.installation import ApiRefused

RULES = {
    "weekdays": weekly("monday", "tuesday", "wednesday", "thursday", "friday", count=12),
    "every second week": weekly("monday", "thursday", every=2, count=9),
    "every third day": daily(3, count=11),
    "daily until": daily(until="2026-04-03"),
    "monthly by date": monthly(9, count=14),
    "last friday": monthly_on("last", "friday", count=7),
    "second monday": monthly_on("second", "monday", until="2027-02-01"),
    "yearly": yearly("March", 3, 9, count=4),
    "never ending": weekly("monday"),
}


def monday(week: int) -> date:
    return MONDAY + timedelta(weeks=week)


def start_of(rule: Rule) -> str:
    return "2026-03-27T09:00:00" if rule is RULES["last friday"] else "2026-03-09T09:00:00"


@pytest.mark.parametrize("name", RULES)
def test_case_88_89_92_a_pattern_made_here_is_that_pattern_there(world: World, name: str) -> None:
    world.alice.makes("Round", utc(start_of(RULES[name])), RULES[name])
    report = world.synced()
    assert (report.exchange.created, report.writes) == (1, 1)
    assert world.alice.outlook.starts() == world.alice.starts() != []


@pytest.mark.parametrize("name", RULES)
def test_case_88_89_a_pattern_made_there_is_that_pattern_here(world: World, name: str) -> None:
    world.alice.outlook.makes("Round", utc(start_of(RULES[name])), RULES[name])
    report = world.synced()
    assert (report.psa.created, report.writes) == (1, 1)
    assert world.alice.outlook.starts() == world.alice.starts() != []


def test_case_91_a_week_that_starts_on_monday_keeps_its_dates(world: World) -> None:
    world.alice.makes("Round", utc("2026-03-10T09:00:00"), weekly("sunday", "tuesday", every=2, count=8))
    in_singles = world.server == "2007_sp1"  # whose weeks start on Sunday (EWS facts §2.4)
    if in_singles:
        world.in_singles_by = "5.5: weeks begin on Sunday there"
    assert world.synced().writes == (8 if in_singles else 1)
    assert world.alice.outlook.starts() == world.alice.starts() != []


def test_case_88_a_week_that_starts_on_sunday_keeps_its_dates(world: World) -> None:
    rule = weekly("sunday", "tuesday", every=2, count=8)
    rule.microsoft["firstDayOfWeek"] = "sunday"
    world.alice.outlook.makes("Round", utc("2026-03-08T09:00:00"), rule)
    if world.in_severa:
        world.in_singles_by = "13.5: weeks begin on Monday there"
    assert world.synced().writes == (8 if world.in_severa else 1)
    assert world.alice.starts() == world.alice.outlook.starts()


def test_case_91_a_rule_with_both_count_and_end_is_refused_and_others_go_on(world: World) -> None:
    if world.psa.is_severa:
        # It takes both, and says which date is the last.
        world.alice.makes("Round", at(7), weekly(count=3, until="2026-05-01"))
    else:
        with pytest.raises(ApiRefused) as refused:
            world.alice.makes("Round", at(7), weekly(count=3, until="2026-05-01"))
        assert refused.value.status == 400
    world.alice.makes("Tea", at(8))
    assert world.synced().writes == (2 if world.psa.is_severa else 1)


@pytest.mark.parametrize("side", ["psa", "exchange"])
def test_case_94_a_changed_pattern_is_the_same_pair(world: World, side: str) -> None:
    guid = world.alice.makes("Round", at(7), weekly(count=8))
    world.synced()
    item = world.alice.outlook.one["id"]
    if side == "psa":
        world.alice.edits(guid, recurrence=weekly(every=2, count=4))
    else:
        world.alice.outlook.edits(item, recurrence=weekly(every=2, count=4))
    assert world.synced().writes == 1
    assert world.alice.one["guid"] == guid and world.alice.outlook.one["id"] == item
    assert len(world.alice.occurrences) == 4


@pytest.mark.parametrize("count", [3, 15])
def test_case_95_a_series_made_shorter_or_longer(world: World, count: int) -> None:
    world.alice.outlook.makes("Round", at(7), weekly(count=8))
    world.synced()
    world.alice.outlook.edits(world.alice.outlook.one["id"], recurrence=weekly(count=count))
    assert world.synced().psa.updated == 1
    assert len(world.alice.occurrences) == count


def test_case_97_this_and_following_renamed_is_a_shortened_and_a_new_series(world: World) -> None:
    item = world.alice.outlook.makes("Round", at(7), weekly(count=8))
    world.synced()
    world.alice.outlook.edits(item, recurrence=weekly(until=str(monday(4))))
    world.alice.outlook.makes("New round", at(35), weekly(count=4))
    report = world.synced()
    assert (report.psa.updated, report.psa.created, report.writes) == (1, 1, 2)


@pytest.mark.parametrize("side", ["psa", "exchange"])
def test_case_100_a_series_becomes_a_single_entry_and_back_in_place(world: World, side: str) -> None:
    guid = world.alice.makes("Round", at(7), weekly(count=8))
    world.synced()
    item = world.alice.outlook.one["id"]
    for rule in (None, weekly(count=3)):
        if side == "psa":
            world.alice.edits(guid, recurrence=rule)
        else:
            world.alice.outlook.edits(item, recurrence=rule)
        assert world.synced().writes == 1
        assert world.alice.one["guid"] == guid and len(world.alice.occurrences) == (3 if rule else 1)


@pytest.mark.parametrize("zone", ["Europe/Stockholm", "America/New_York", "Australia/Sydney"])
def test_case_104_a_series_keeps_its_wall_clock_across_daylight_saving(world: World, zone: str) -> None:
    when = {"start": "2026-03-09T09:00:00", "end": "2026-03-09T10:00:00", "zone": zone}
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"}
    limits = {"type": "numbered", "startDate": "2026-03-09", "numberOfOccurrences": 40, "recurrenceTimeZone": zone}
    world.sandbox.person_creates(
        "alice@example.org", subject="Round", recurrence={"pattern": pattern, "range": limits}, **when
    )
    alone = world.in_severa and zone != "Europe/Stockholm"
    if alone:
        world.in_singles_by = "13.5: a series repeats by the clock of its owner there"
    assert world.synced().writes == (40 if alone else 1)
    starts = [datetime.fromisoformat(one["startDateTime"]) for one in world.alice.occurrences]
    assert {start.astimezone(ZoneInfo(zone)).hour for start in starts} == {9}


def test_case_106_five_endless_series_at_once(world: World) -> None:
    for number in range(5):
        world.alice.outlook.makes(f"Round {number}", at(7, 9 + number), weekly())
    assert world.synced().psa.created == 5
    assert len(world.alice.occurrences) == len(world.alice.outlook.occurrences) > 500


def test_case_107_a_series_with_many_exceptions(world: World) -> None:
    item = world.alice.outlook.makes("Round", at(7), daily(count=60))
    first = MONDAY + timedelta(days=7)
    for number in range(40):
        world.alice.outlook.edits(item, on=first + timedelta(days=number), subject=f"Round {number}")
    report = world.synced()
    assert (report.psa.created, report.writes) == (1, 1)
    world.alice.edits(world.alice.one["guid"], on=first + timedelta(days=55), name="From here")
    assert world.synced().exchange.all == 1


# -- one occurrence


def test_case_110_one_renamed_occurrence_is_renamed_alone(world: World) -> None:
    guid = world.alice.makes("Round", at(7), weekly(count=8))
    world.synced()
    item = world.alice.outlook.one["id"]
    world.alice.outlook.edits(item, on=monday(3), subject="Special")
    report = world.synced()
    assert (report.psa.updated, report.writes) == (1, 1)
    names = [one["name"] for one in sorted(world.alice.occurrences, key=lambda one: one["startDateTime"])]
    assert names.count("Special") == 1 and names[2] == "Special"
    world.alice.outlook.edits(item, location="Attic")
    assert world.synced().psa.updated == 1, "the link to the series is kept"
    assert world.alice.activity(guid, on=monday(3))["location"] == "Attic"


def test_an_occurrence_changed_here_is_changed_alone_there(world: World) -> None:
    guid = world.alice.makes("Round", at(7), weekly(count=8))
    world.synced()
    world.alice.edits(guid, at(22, 14), on=monday(3), name="Special", location="Attic", notes="Bring cups")
    report = world.synced()
    assert (report.exchange.updated, report.writes) == (1, 1)
    (exception,) = world.alice.outlook.one["exceptions"]
    assert exception["original"] == str(monday(3)) and exception["subject"] == "Special"


def test_case_113_an_occurrence_moved_over_its_neighbour_is_not_written(world: World) -> None:
    guid = world.alice.makes("Round", at(7), weekly(count=8))
    world.synced()
    try:
        world.alice.edits(guid, at(29, 9), on=monday(3))
    except ApiRefused as refused:
        assert refused.status == 400
        return
    world.differs_by = "5.2: set aside alone"
    report = world.synced()
    assert report.exchange.all == 0 and report.set_aside == {"occurrence_crosses_neighbour": 1}


def test_case_115_an_occurrence_cancelled_here_is_cancelled_there(world: World) -> None:
    guid = world.alice.makes("Round", at(7), weekly(count=8))
    world.synced()
    before = world.alice.outlook.one["recurrence"]
    world.alice.deletes(guid, on=monday(3))
    assert world.synced().exchange.all == 1
    assert world.alice.outlook.one["cancelled"] == [str(monday(3))]
    assert world.alice.outlook.one["recurrence"] == before
    assert len(world.alice.occurrences) == 7


def test_an_occurrence_cancelled_there_is_cancelled_here(world: World) -> None:
    world.alice.makes("Round", at(7), weekly(count=8))
    world.synced()
    world.alice.outlook.deletes(world.alice.outlook.one["id"], on=monday(3))
    report = world.synced()
    assert (report.psa.updated, report.writes) == (1, 1)
    assert len(world.alice.occurrences) == 7


def test_a_series_comes_with_its_exceptions_and_cancellations_the_first_time(office: World) -> None:
    there = office.alice.outlook.makes("There", at(7), weekly(count=8))
    office.alice.outlook.edits(there, at(22, 14), on=monday(3), subject="There, special")
    office.alice.outlook.deletes(there, on=monday(4))
    here = office.alice.makes("Here", at(7, 12), weekly(count=8))
    office.alice.edits(here, at(22, 17), on=monday(3), name="Here, special")
    office.alice.deletes(here, on=monday(4))
    office.started(office.alice)
    assert len(office.alice.occurrences) == len(office.alice.outlook.occurrences) == 14


def test_a_later_edit_of_the_series_does_not_overwrite_what_the_exception_changed(world: World) -> None:
    guid = world.alice.makes("Round", at(7), weekly(count=8))
    world.alice.edits(guid, on=monday(3), name="Special")
    world.synced()
    world.alice.edits(guid, name="Square", location="Attic")
    world.synced()
    shown = {one["subject"] for one in world.alice.outlook.occurrences}
    assert shown == {"Square", "Special"}


def test_case_119_an_exception_becomes_whole_day_while_the_series_is_not(world: World) -> None:
    item = world.alice.outlook.makes("Round", at(7), weekly(count=8))
    world.alice.outlook.edits(item, days(21), on=monday(3))
    world.synced()
    shown = [one["isAllDay"] for one in world.alice.occurrences]
    assert shown.count(True) == 1


@pytest.mark.parametrize("linked", [True, False])
def test_case_119_an_exception_made_private_while_the_series_is_not(world: World, linked: bool) -> None:
    item = world.alice.outlook.makes("Round", at(7), weekly(count=8))
    if linked:
        world.synced()
    world.alice.outlook.edits(item, on=monday(3), subject="Doctor", sensitivity="private")
    if world.in_severa:
        world.in_singles_by = "13.5: no date of a series is private alone there"
    assert world.synced().set_aside == {}
    assert sorted(one["name"] for one in world.alice.occurrences) == ["Doctor", *["Round"] * 7]
    assert sorted(one["name"] for one in world.bob.sees_of(world.alice)) == ["Private", *["Round"] * 7]
    world.alice.outlook.edits(item, on=monday(3), sensitivity="normal")
    world.synced()
    world.in_singles_by = ""
    assert len(world.alice.series) == 1
    assert sorted(one["name"] for one in world.bob.sees_of(world.alice)) == ["Doctor", *["Round"] * 7]


@pytest.mark.parametrize("side", ["psa", "exchange"])
def test_case_121_a_moved_series_has_the_same_exceptions_on_both_sides(world: World, side: str) -> None:
    guid = world.alice.makes("Round", at(7), weekly(count=8))
    world.alice.edits(guid, on=monday(3), name="Special")
    world.alice.deletes(guid, on=monday(5))
    world.synced()
    if side == "psa":
        world.alice.edits(guid, at(7, 11))
    else:
        world.alice.outlook.edits(world.alice.outlook.one["id"], at(7, 11))
    world.synced()
    assert world.alice.starts()[0].endswith("11:00")


def test_case_122_an_occurrence_moved_far_ahead_is_neither_deleted_nor_doubled(world: World) -> None:
    item = world.alice.outlook.makes("Round", utc("2026-03-09T09:00:00"), yearly("March", 3, 9, count=6))
    world.synced()
    world.alice.outlook.edits(item, utc("2028-11-09T09:00:00"), on=date(2028, 3, 9))
    world.synced()
    assert world.synced("--reconcile").writes == 0
    world.alice.outlook.edits(item, utc("2027-11-09T09:00:00"), on=date(2028, 3, 9))
    world.synced("--reconcile")
    assert sum(one["startDateTime"].startswith("2027-11-09") for one in world.alice.occurrences) == 1


def test_case_124_an_occurrence_is_still_found_after_the_series_was_edited(world: World) -> None:
    guid = world.alice.makes("Round", at(7), weekly(count=8))
    world.alice.edits(guid, on=monday(3), name="Special")
    world.synced()
    world.alice.edits(guid, recurrence=weekly("monday", "thursday", count=16))
    world.synced()
    world.alice.edits(guid, on=monday(3), location="Attic")
    world.synced()
    special = [one for one in world.alice.outlook.occurrences if one["subject"] == "Special"]
    assert [one["location"] for one in special] == ["Attic"]


def test_case_125_a_past_exception_is_not_touched_when_the_series_is_renamed(world: World) -> None:
    item = world.alice.outlook.makes("Round", at(-14), weekly(count=8))
    world.alice.outlook.edits(item, on=monday(-1), subject="Was special")
    world.synced()
    world.alice.edits(world.alice.one["guid"], name="Square")
    world.synced()
    assert [one["subject"] for one in world.alice.outlook.occurrences].count("Was special") == 1


def test_case_97_this_and_following_made_here_is_a_shortened_and_a_new_series_there(world: World) -> None:
    guid = world.alice.makes("Round", at(7), weekly(count=8))
    world.synced()
    item = world.alice.outlook.one["id"]
    world.alice.edits(guid, recurrence=weekly(until=str(monday(4))))
    world.alice.makes("New round", at(35), weekly(count=4))
    report = world.synced()
    assert (report.exchange.updated, report.exchange.created, report.writes) == (1, 1, 2)
    assert item in {one["id"] for one in world.alice.outlook.entries}


def test_case_103_a_series_deleted_there_is_deleted_here_whatever_the_notice_says(world: World) -> None:
    item = world.alice.outlook.makes("Round", at(7), weekly(count=8))
    world.synced()
    world.alice.outlook.deletes(item)
    report = world.synced()
    assert (report.psa.deleted, report.writes) == (1, 1)
    assert world.alice.activities == []


def test_case_119_an_exception_made_in_another_zone_while_the_series_is_not(world: World) -> None:
    item = world.alice.outlook.makes("Round", at(7), weekly(count=4))
    world.synced()
    times = {"start": "2026-03-16T05:00:00", "end": "2026-03-16T06:00:00", "zone": "America/New_York"}
    world.sandbox.person_edits(world.alice.email, item, monday(2), **times)
    assert world.synced().writes == 1
    assert "2026-03-16T10:00" in world.alice.starts() and "2026-03-23T09:00" in world.alice.starts()


@pytest.mark.parametrize("side", ["psa", "exchange"])
def test_case_121_an_exception_that_is_over_outlives_its_pattern_and_one_to_come_does_not(
    world: World, side: str
) -> None:
    item = world.alice.outlook.makes("Round", at(7), weekly(count=8))
    world.alice.outlook.edits(item, on=monday(2), subject="Round with cake")
    world.alice.outlook.edits(item, on=monday(6), subject="Round with tea")
    world.synced()
    world.later(days=17)
    if side == "psa":
        world.alice.edits(world.alice.one["guid"], recurrence=weekly("tuesday", count=8))
    else:
        world.alice.outlook.edits(item, recurrence=weekly("tuesday", count=8))
    report = world.synced()
    assert (report.psa.created, report.exchange.created) == (1, 1)
    for names in (
        [one["name"] for one in world.alice.occurrences],
        [one["subject"] for one in world.alice.outlook.occurrences],
    ):
        assert sorted(names) == [*["Round"] * 8, "Round with cake"]


def test_rule_5_6_a_thousand_occurrences_cost_one_write_and_few_requests(world: World) -> None:
    world.alice.makes("Round", at(7), daily(count=1000))
    report = world.synced()
    assert (report.exchange.created, report.writes, report.set_aside) == (1, 1, {})
    assert world.alice.outlook.one["recurrence"]["range"]["endDate"] == "2028-12-02"
    assert report.requests <= 20
