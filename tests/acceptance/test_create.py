"""Creating. The cases are those of the acceptance list."""

from __future__ import annotations

import pytest

from tests.acceptance.when import at, days
from tests.acceptance.world import World

EVERYTHING = "Åäö éß 日本語 👩‍🚀🎉 עברית العربية «»"


def test_case_01_nothing_is_written_or_queued_while_sync_is_off(office: World) -> None:
    office.bob.makes()
    office.alice.makes()
    assert office.alice.outlook.entries == office.bob.outlook.entries == []
    assert office.sandbox.counts("bob@example.org")["writes"] == {"create": 0, "update": 0, "delete": 0}
    assert office.bob.ask("GET", "/api/me/calendar-sync") == {"on": False}


def test_case_02_an_activity_of_a_ticked_type_becomes_one_event(world: World) -> None:
    world.alice.makes("Tea", at(3), location="Attic", notes="Bring cups")
    report = world.synced()
    assert (report.exchange.created, report.writes) == (1, 1)
    event = world.alice.outlook.one
    assert (event["subject"], event["location"], event["text"].strip()) == ("Tea", "Attic", "Bring cups")


def test_case_04_a_project_task_is_not_synced_and_no_error(world: World) -> None:
    world.alice.makes("Paint", type="Project task")
    world.one_sided_by = "1.5"
    report = world.synced()
    assert report.writes == 0 and not report.set_aside and not report.errors
    assert world.alice.outlook.entries == []


def test_case_05_an_event_becomes_one_activity_of_the_default_type_owned_by_its_user(world: World) -> None:
    world.alice.outlook.makes("Tea")
    report = world.synced()
    assert (report.psa.created, report.writes) == (1, 1)
    assert world.alice.one["activityType"]["name"] == "Meeting"
    assert world.alice.one["ownerUser"]["guid"] == world.alice.guid


def test_case_08_an_event_without_subject_gets_a_title_that_never_goes_back(world: World) -> None:
    item = world.alice.outlook.makes("")
    world.differs_by = "2: the replacement title stays on the PSA side"
    world.synced()
    assert world.alice.one["name"] == "(no subject)"
    world.alice.edits(world.alice.one["guid"], location="Attic")
    assert world.synced().exchange.updated == 1
    assert world.alice.outlook.entry(item)["subject"] == ""
    assert world.alice.outlook.entry(item)["location"] == "Attic"


@pytest.mark.parametrize("text", [EVERYTHING, "line one\nline two\n\n  indented\n"], ids=["scripts", "lines"])
def test_case_10_emoji_accents_and_other_scripts_are_equal_after_one_write(world: World, text: str) -> None:
    world.alice.makes(EVERYTHING.strip(), at(3), notes=text)
    world.alice.outlook.makes("Other " + EVERYTHING.strip(), at(4), body=text)
    assert world.synced().writes == 2


def test_case_11_html_that_the_server_rewrites_causes_no_second_write(world: World) -> None:
    html = "<p>Bring <b>cups</b> &amp; a pot</p><ul><li>green</li><li>black</li></ul>"
    item = world.alice.outlook.makes("Tea", body={"type": "html", "content": html})
    assert world.synced().writes == 1
    world.alice.edits(world.alice.one["guid"], location="Attic")
    assert world.synced().writes == 1
    assert "<b>cups</b>" in world.alice.outlook.entry(item)["body"]["content"], "only changed text replaces it"


def test_case_13_what_was_made_while_sync_was_off_comes_once_when_it_is_on_again(world: World) -> None:
    world.alice.makes("Before")
    world.synced()
    world.alice.ask("PUT", "/api/me/calendar-sync", {"on": False})
    world.alice.makes("Meanwhile here", at(8))
    world.alice.outlook.makes("Meanwhile there", at(9))
    world.alice.ask("PUT", "/api/me/calendar-sync", {"on": True})
    report = world.synced()
    assert (report.exchange.created, report.psa.created, report.writes) == (1, 1, 2)


def test_case_14_a_create_whose_answer_was_lost_is_found_and_not_made_twice(world: World) -> None:
    world.alice.makes()
    operation = "CreateItem" if world.protocol == "ews" else "events.create"
    world.sandbox.fault("drop", {"operation": operation}, {"times": 1, "side": "after"})
    world.run()
    world.sandbox.clear_faults()
    world.tried_again()
    assert world.alice.outlook.one["subject"] == "Tea"


def test_case_17_an_event_in_another_calendar_is_ignored(world: World) -> None:
    item = world.alice.outlook.makes("Tea")
    world.alice.outlook.moves_to("Club", item)
    assert world.synced().writes == 0
    assert world.alice.activities == []


@pytest.mark.not_in_severa("every activity there has an owner")
def test_case_19_an_activity_without_owner_reaches_its_participants_and_is_no_error(both: World) -> None:
    guid = both.alice.makes("Room")
    both.alice.invites(both.bob, guid)
    both.alice.edits(guid, ownerUser=None)
    report = both.synced()
    assert not report.set_aside and not report.errors
    assert [one["subject"] for one in both.bob.outlook.entries] == ["Room"]
    assert both.alice.outlook.entries == []


@pytest.mark.not_in_severa("there are no drafts there")
def test_case_20_a_draft_stays_in_the_psa_until_it_is_released(world: World) -> None:
    guid = world.alice.makes("Tea", isDraft=True)
    world.one_sided_by = "1.5"
    assert world.synced().writes == 0
    world.is_at_rest()
    world.one_sided_by = ""
    world.alice.edits(guid, isDraft=False)
    assert world.synced().exchange.created == 1


def test_an_activity_without_end_becomes_a_whole_day_that_is_free(world: World) -> None:
    world.alice.makes("Call Bo", at(3), endDateTime=None)
    world.synced()
    assert world.alice.outlook.one["all_day"] and world.alice.outlook.one["show_as"] == "free"


def test_a_created_event_has_no_reminder_if_its_start_is_past(world: World) -> None:
    world.alice.makes("Was", at(-3))
    world.alice.makes("Will be", at(3))
    world.synced()
    reminders = {one["subject"]: one["reminder"]["on"] for one in world.alice.outlook.entries}
    assert reminders == {"Was": False, "Will be": True}


def test_a_title_too_long_for_exchange_is_shortened_there_and_never_comes_back(world: World) -> None:
    world.differs_by = "2: the short form stays there"
    guid = world.alice.makes("Tea " * 100)
    assert world.synced().writes == 1
    assert len(world.alice.outlook.one["subject"]) <= 255
    world.alice.outlook.edits(world.alice.outlook.one["id"], location="Attic")
    world.synced()
    assert world.alice.activity(guid)["name"].strip() == ("Tea " * 100).strip()


def test_a_colleague_who_takes_part_gets_a_copy_and_an_edit_in_it_reaches_the_other_copy(both: World) -> None:
    guid = both.alice.makes("Tea")
    both.alice.invites(both.bob, guid)
    assert both.synced().exchange.created == 2
    assert [one["attendees"] for one in both.bob.outlook.entries] == [[]], "without attendees, so nobody is mailed"
    both.bob.outlook.edits(both.bob.outlook.one["id"], location="Attic")
    report = both.synced()
    assert (report.psa.updated, report.exchange.updated) == (1, 1)
    assert both.alice.outlook.one["location"] == "Attic"


def test_a_colleague_who_does_not_sync_gets_nothing_in_his_mailbox(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.alice.invites(world.bob, guid)
    world.synced()
    assert world.bob.outlook.entries == []


def test_whole_days_and_hours_are_made_on_either_side(world: World) -> None:
    world.alice.makes("Fair", days(3, 2))
    world.alice.outlook.makes("Leave", days(10))
    assert world.synced().writes == 2
    assert world.alice.starts() == world.alice.outlook.starts() == ["2026-03-05", "2026-03-12"]
