"""Deleting, restoring, and the brake."""

from __future__ import annotations

import pytest

from tests.acceptance.when import at, days, weekly
from tests.acceptance.world import World


def test_a_deleted_activity_takes_its_event_along(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.deletes(guid)
    report = world.synced()
    assert (report.exchange.deleted, report.writes) == (1, 1)
    assert world.alice.outlook.entries == []


def test_a_deleted_event_takes_its_activity_along(world: World) -> None:
    world.alice.makes("Tea")
    world.synced()
    world.alice.outlook.deletes(world.alice.outlook.one["id"])
    report = world.synced()
    assert (report.psa.deleted, report.writes) == (1, 1)
    assert world.alice.activities == []


def test_case_44_a_closed_activity_whose_event_goes_stays(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.edits(guid, isClosed=True)
    world.alice.outlook.deletes(world.alice.outlook.one["id"])
    world.one_sided_by = "8.2: closed"
    assert world.synced().writes == 0
    assert world.alice.one["name"] == "Tea"


@pytest.mark.parametrize("booked", [{"hasHours": True}, {"isClosed": True}], ids=["hours", "closed"])
def test_case_47_with_hours_booked_or_closed_the_activity_stays_unlinked(world: World, booked: dict[str, bool]) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.edits(guid, **booked)
    world.alice.outlook.deletes(world.alice.outlook.one["id"])
    world.one_sided_by = "8.2: hours or closed"
    assert world.synced().writes == 0
    world.alice.edits(guid, name="Coffee")
    assert world.synced().writes == 0, "unlinked: an edit makes no new event"
    assert world.alice.outlook.entries == [] and world.alice.status()["links"] == 0


def test_case_46_the_activity_of_a_deleted_past_event_stays(world: World) -> None:
    world.alice.makes("Was", at(-3))
    world.synced()
    world.alice.outlook.deletes(world.alice.outlook.one["id"])
    world.one_sided_by = "8.2: over"
    assert world.synced().writes == 0
    assert world.alice.one["name"] == "Was"


def test_case_43_a_participant_who_deletes_takes_only_himself_out(both: World) -> None:
    guid = both.alice.makes("Tea")
    both.alice.invites(both.bob, guid)
    both.synced()
    both.bob.takes_off("bob@example.org", guid)
    report = both.synced()
    assert (report.exchange.deleted, report.writes) == (1, 1)
    assert both.bob.outlook.entries == [] and both.alice.outlook.one["subject"] == "Tea"


def test_case_142_a_removed_participants_copy_goes_and_is_not_made_again(both: World) -> None:
    guid = both.alice.makes("Tea")
    both.alice.invites(both.bob, guid)
    both.synced()
    both.alice.takes_off("bob@example.org", guid)
    assert both.synced().exchange.deleted == 1
    both.alice.edits(guid, name="Coffee")
    assert both.synced().exchange.updated == 1
    assert both.bob.outlook.entries == []


def test_case_50_deleted_on_both_sides_is_forgotten_without_error(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.outlook.deletes(world.alice.outlook.one["id"])
    world.alice.deletes(guid)
    assert world.synced().writes == 0


def test_case_52_deleted_here_and_changed_there_comes_back(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.deletes(guid)
    world.alice.outlook.edits(world.alice.outlook.one["id"], subject="Coffee")
    assert world.synced().psa.created == 1
    assert world.alice.one["name"] == "Coffee"


def test_case_52_deleted_there_and_changed_here_comes_back(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.outlook.deletes(world.alice.outlook.one["id"])
    world.alice.edits(guid, name="Coffee")
    assert world.synced().exchange.created == 1
    assert world.alice.outlook.one["subject"] == "Coffee"


def test_case_53_a_deletion_of_something_unknown_is_ignored(world: World) -> None:
    item = world.alice.outlook.makes("Here and gone")
    world.alice.outlook.deletes(item)
    assert world.synced().writes == 0


def test_case_55_several_deleted_at_once_go_each_once(world: World) -> None:
    guids = [world.alice.makes(f"Tea {n}", at(n)) for n in range(1, 9)]
    world.synced()
    for guid in guids[:4]:
        world.alice.deletes(guid)
    for event in world.alice.outlook.entries:
        if event["subject"] in ("Tea 6", "Tea 7"):
            world.alice.outlook.deletes(event["id"])
    report = world.synced()
    assert (report.exchange.deleted, report.psa.deleted, report.writes) == (4, 2, 6)
    assert len(world.alice.activities) == 2


def test_case_56_a_delete_that_fails_keeps_its_base_and_is_tried_again(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.deletes(guid)
    operation = "DeleteItem" if world.protocol == "ews" else "events.delete"
    world.sandbox.fault("status", {"operation": operation}, status=500)
    for _ in range(3):
        world.run()
        assert world.alice.outlook.one["subject"] == "Tea"
        world.later(hours=2)
    world.sandbox.clear_faults()
    world.later(hours=25)
    world.synced()
    assert world.alice.outlook.entries == []


def _full(world: World, count: int = 40) -> list[str]:
    return [world.alice.makes(f"Tea {n}", at(n, 8)) for n in range(1, count + 1)]


def test_case_59_when_more_vanishes_than_the_brake_allows_nothing_is_deleted_until_accepted(world: World) -> None:
    _full(world)
    world.synced()
    for event in world.alice.outlook.entries[:12]:
        world.alice.outlook.deletes(event["id"])
    report = world.run()
    (stopped,) = report.runs.values()
    assert stopped["brake"] == "removals" and stopped["waiting_for"] == "brake" and report.writes == 0
    assert (stopped["brake_count"], stopped["brake_of"]) == (12, 40)
    assert len(world.alice.activities) == 40
    assert world.run().writes == 0, "it waits until somebody accepts that very plan"
    world.done("sync", "accept", "--user", world.alice.email)
    assert world.synced().psa.deleted == 12


def test_case_62_when_nearly_everything_changed_at_once_it_stops_and_asks(world: World) -> None:
    guids = _full(world, 12)
    world.synced()
    for number, guid in enumerate(guids):
        world.alice.edits(guid, at(number + 1, 9))
    report = world.run()
    (stopped,) = report.runs.values()
    assert stopped["brake"] == "changes" and report.writes == 0
    world.alice.ask("POST", "/api/me/calendar-sync/accept", {"plan": stopped["plan"]})
    assert world.synced().exchange.updated == 12


def test_case_61_a_listing_that_breaks_off_leads_to_no_delete(world: World) -> None:
    _full(world, 12)
    world.synced()
    operation = "SyncFolderItems|FindItem" if world.protocol == "ews" else "calendarView.delta|events.list"
    world.sandbox.fault("truncated_listing", {"operation": operation}, items=5)
    world.later(days=1)  # a full comparison is due
    assert world.run().psa.deleted == 0
    world.sandbox.clear_faults()
    world.synced("--reconcile")
    assert len(world.alice.activities) == 12


def test_case_64_a_disabled_mailbox_pauses_and_nothing_is_deleted(world: World) -> None:
    world.alice.makes("Tea")
    world.synced()
    world.sandbox.change_mailbox("alice@example.org", enabled=False)
    world.alice.makes("Coffee", at(8))
    report = world.run()
    assert report.errors and report.writes == 0
    assert len(world.alice.activities) == 2
    world.sandbox.change_mailbox("alice@example.org", enabled=True)
    assert world.synced().exchange.created == 1


def test_case_65_what_a_mail_client_archives_away_stays_an_activity(world: World) -> None:
    for number in range(5):
        world.alice.outlook.makes(f"Old {number}", at(-10 + number))
    world.synced()
    for event in world.alice.outlook.entries:
        world.alice.outlook.moves_to("Archive", event["id"])
    world.one_sided_by = "8.2: over"
    assert world.synced().writes == 0
    assert len(world.alice.activities) == 5


def test_case_67_what_was_born_and_deleted_in_exchange_is_never_resurrected_there(world: World) -> None:
    item = world.alice.outlook.makes("Tea")
    world.synced()
    world.alice.outlook.deletes(item)
    assert world.synced().psa.deleted == 1
    assert world.synced("--reconcile").writes == 0
    assert world.alice.outlook.entries == [] and world.alice.activities == []


def test_case_101_the_first_occurrence_deleted_the_series_goes_on(world: World) -> None:
    item = world.alice.outlook.makes("Round", at(7), weekly(count=5))
    world.synced()
    first = world.alice.outlook.occurrences[0]["original"]
    world.alice.outlook.deletes(item, on=first)
    report = world.synced()
    assert (report.psa.updated, report.writes) == (1, 1)
    assert len(world.alice.occurrences) == 4


@pytest.mark.parametrize("side", ["psa", "exchange"])
def test_a_series_still_to_come_goes_as_a_whole(world: World, side: str) -> None:
    guid = world.alice.makes("Round", at(7), weekly(count=5))
    world.synced()
    if side == "psa":
        world.alice.deletes(guid)
    else:
        world.alice.outlook.deletes(world.alice.outlook.one["id"])
    assert world.synced().writes == 1
    assert world.alice.activities == [] and world.alice.outlook.entries == []


def test_a_running_series_deleted_in_exchange_keeps_what_is_over(world: World) -> None:
    world.alice.outlook.makes("Round", at(-14), weekly(count=10))
    world.synced()
    world.alice.outlook.deletes(world.alice.outlook.one["id"])
    world.one_sided_by = "8.2: what is over stays"
    world.synced()
    assert world.alice.starts() == ["2026-02-16T09:00", "2026-02-23T09:00"]


def test_a_whole_day_deleted_on_its_last_day_goes(world: World) -> None:
    world.alice.makes("Fair", days(0))
    world.synced()
    world.alice.outlook.deletes(world.alice.outlook.one["id"])
    assert world.synced().psa.deleted == 1
