"""Changing what both sides have."""

from __future__ import annotations

from tests.acceptance.when import at, days
from tests.acceptance.world import World


def test_case_22_a_changed_subject_is_one_write_of_that_field(world: World) -> None:
    guid = world.alice.makes("Tea", at(3), location="Attic", notes="Bring cups")
    world.synced()
    before = world.alice.outlook.one
    world.alice.edits(guid, name="Coffee")
    report = world.synced()
    assert (report.exchange.updated, report.writes) == (1, 1)
    after = world.alice.outlook.one
    changed = {name for name in after if after[name] != before[name]}
    assert changed - {"change_key", "modified", "extended"} == {"subject"}


def test_case_23_a_moved_event_moves_the_activity_and_keeps_its_type(world: World) -> None:
    guid = world.alice.makes("Tea", type="To-do")
    world.synced()
    world.alice.outlook.edits(world.alice.outlook.one["id"], at(8, 14, 90))
    report = world.synced()
    assert (report.psa.updated, report.writes) == (1, 1)
    activity = world.alice.activity(guid)
    assert activity["startDateTime"].startswith("2026-03-10T14:00") and activity["activityType"]["name"] == "To-do"


def test_case_25_what_the_psa_does_not_have_causes_no_write_and_stays(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    own = {"categories": ["Blue"], "reminder": {"on": True, "minutes": 42}, "importance": "high"}
    world.alice.outlook.edits(world.alice.outlook.one["id"], **own)
    assert world.synced().writes == 0
    world.alice.edits(guid, name="Coffee", location="Attic")
    assert world.synced().exchange.updated == 1
    event = world.alice.outlook.one
    assert {name: event[name] for name in own} == own


def test_case_26_a_participants_edit_reaches_the_owners_event_once(both: World) -> None:
    guid = both.alice.makes("Tea")
    both.alice.invites(both.bob, guid)
    both.synced()
    both.bob.edits(guid, name="Coffee")
    assert both.synced().exchange.updated == 2, "one write per place"
    assert both.alice.outlook.one["subject"] == both.bob.outlook.one["subject"] == "Coffee"


def test_case_28_a_new_version_without_new_content_loses_no_edit_of_the_other_side(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.edits(guid, isClosed=True)
    world.alice.outlook.edits(world.alice.outlook.one["id"], subject="Coffee")
    report = world.synced()
    assert (report.psa.updated, report.writes) == (1, 1)
    assert world.alice.activity(guid)["name"] == "Coffee"


def test_case_29_changed_and_changed_back_is_no_write(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.edits(guid, name="Coffee")
    world.alice.edits(guid, name="Tea")
    item = world.alice.outlook.one["id"]
    world.alice.outlook.edits(item, location="Attic")
    world.alice.outlook.edits(item, location="")
    assert world.synced().writes == 0


def test_case_31_an_old_entry_with_a_new_version_only_is_left_alone(office: World) -> None:
    item = office.alice.outlook.makes("Long ago", at(-60))
    office.one_sided_by = "3.3"
    office.started(office.alice)
    office.alice.outlook.edits(item, categories=["Blue"])
    assert office.synced().writes == 0


def test_case_32_an_old_entry_that_a_person_really_changes_comes_in(office: World) -> None:
    item = office.alice.outlook.makes("Long ago", at(-60))
    office.started(office.alice)
    assert office.alice.activities == []
    office.alice.outlook.edits(item, subject="Not forgotten")
    report = office.synced()
    assert (report.psa.created, report.writes) == (1, 1)


def test_case_34_moved_to_an_unticked_type_the_pair_is_unlinked_and_the_event_stays(world: World) -> None:
    world.psa.ticks("Meeting")
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.edits(guid, type=world.psa.another_type)
    assert world.synced().writes == 0
    world.alice.edits(guid, name="Coffee")
    assert world.synced().writes == 0
    assert world.alice.outlook.one["subject"] == "Tea"
    world.differs_by = "4.8: unlinked, both stay"


def test_case_35_moved_to_a_ticked_type_the_event_is_made_once(world: World) -> None:
    world.psa.ticks("Meeting")
    guid = world.alice.makes("Tea", type=world.psa.another_type)
    assert world.synced().writes == 0
    world.alice.edits(guid, type="Meeting")
    assert world.synced().exchange.created == 1


def test_a_pair_born_in_exchange_is_two_way_whatever_its_type(world: World) -> None:
    world.psa.ticks("Personal")
    world.alice.outlook.makes("Tea")
    world.synced()
    world.alice.edits(world.alice.one["guid"], name="Coffee")
    assert world.synced().exchange.updated == 1


def test_case_37_moved_between_calendars_is_unlinked_and_revived_when_it_comes_back(world: World) -> None:
    item = world.alice.outlook.makes("Tea")
    world.synced()
    there = world.alice.outlook.moves_to("Club", item)
    world.one_sided_by = "8.2: moved to another calendar"
    assert world.synced("--reconcile").writes == 0
    assert world.alice.one["name"] == "Tea"
    world.is_at_rest()
    world.one_sided_by = ""
    world.alice.outlook.moves_to("calendar", there)
    assert world.synced("--reconcile").writes == 0, "one moved pair, not a second one"


def test_case_38_an_online_meeting_block_survives_a_changed_text(world: World) -> None:
    line = "<div>" + "_" * 80 + "</div>"
    link = '<div><a href="https://teams.microsoft.com/l/meetup-join/1">Join the meeting</a></div>'
    block = f"<p>Agenda</p>{line}{link}{line}"
    item = world.alice.outlook.makes("Tea", body={"type": "html", "content": block})
    world.differs_by = "2: the address behind a link is part of the event's HTML alone"
    world.synced()
    notes = world.alice.one["notes"]
    world.alice.edits(world.alice.one["guid"], notes=notes.replace("Agenda", "New agenda"))
    world.synced()
    content = world.alice.outlook.entry(item)["body"]["content"]
    assert "New agenda" in content and "teams.microsoft.com/l/meetup-join/1" in content


def test_an_entry_becomes_whole_day_and_timed_again(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.edits(guid, days(7))
    assert world.synced().exchange.updated == 1
    assert world.alice.outlook.one["all_day"]
    world.alice.outlook.edits(world.alice.outlook.one["id"], at(8, 10), all_day=False)
    assert world.synced().psa.updated == 1
    assert world.alice.activity(guid)["startDateTime"].startswith("2026-03-10T10:00")


def test_closing_an_activity_changes_nothing_in_exchange(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.edits(guid, isClosed=True)
    assert world.synced().writes == 0
