"""Private entries, and both sides changed at once."""

from __future__ import annotations

import pytest

from tests.acceptance.when import at, weekly
from tests.acceptance.world import World


def test_case_163_a_private_event_is_masked_for_others_and_real_for_its_owner(world: World) -> None:
    world.alice.outlook.makes("Doctor", body="Bring the card", location="Clinic", sensitivity="private")
    world.synced()
    assert world.alice.one["activityType"]["name"] == "Private" and world.alice.one["name"] == "Doctor"
    seen = world.bob.activity(world.alice.one["guid"])
    assert (seen["name"], seen["notes"], seen["location"]) == ("Private", None, None)


def test_case_07_without_a_type_private_the_default_type_masks_a_private_event(world: World) -> None:
    world.alice.changes_type("Private", isActive=False)
    world.alice.outlook.makes("Doctor", body="Bring the card", location="Clinic", sensitivity="private")
    assert world.synced().psa.created == 1
    if world.in_severa:
        world.differs_by = "1.6: nothing masks it there, so a title that says nothing stands for all"
    title = "Private" if world.in_severa else "Doctor"
    assert (world.alice.one["name"], world.alice.one["activityType"]["name"]) == (title, "Meeting")
    seen = world.bob.activity(world.alice.one["guid"])
    assert (seen["name"], seen["notes"], seen["location"]) == ("Private", None, None)
    world.alice.edits(world.alice.one["guid"], at(8))
    assert world.synced().exchange.updated == 1
    event = world.alice.outlook.one
    assert (event["sensitivity"], event["subject"]) == ("private", "Doctor"), "the mask is kept on the way back"


def test_case_164_made_private_later_it_is_masked_from_the_next_run_on(world: World) -> None:
    item = world.alice.outlook.makes("Doctor")
    world.synced()
    world.alice.outlook.edits(item, sensitivity="private")
    assert world.synced().psa.updated == 1
    assert world.bob.activity(world.alice.one["guid"])["name"] == "Private"
    world.alice.outlook.edits(item, sensitivity="normal")
    assert world.synced().psa.updated == 1
    assert world.alice.one["activityType"]["name"] == "Meeting"


@pytest.mark.parametrize(
    ("type", "sensitivity", "show_as"),
    [
        ("Private", "private", "busy"),
        ("Personal", "private", "busy"),
        ("Absence", "private", "oof"),
        ("Meeting", "normal", "busy"),
    ],
)
def test_case_166_the_type_decides_what_exchange_shows(world: World, type: str, sensitivity: str, show_as: str) -> None:
    world.alice.makes("Tea", type=type)
    assert world.synced().exchange.created == 1
    event = world.alice.outlook.one
    assert (event["sensitivity"], event["show_as"]) == (sensitivity, show_as)


@pytest.mark.parametrize("level", ["confidential", "personal"])
def test_case_167_confidential_and_personal_are_never_lowered(world: World, level: str) -> None:
    world.alice.outlook.makes("Doctor", sensitivity=level)
    world.synced()
    assert world.alice.one["activityType"]["name"] == "Private"
    other = "Personal" if world.in_severa else "Meeting"  # no activity leaves its group there
    world.alice.edits(world.alice.one["guid"], type=other, name="Checkup")
    world.synced()
    assert world.alice.outlook.one["sensitivity"] == level


def test_case_169_status_and_reports_never_name_what_an_entry_says(world: World) -> None:
    world.alice.makes("Secret plan", notes="secret notes", location="secret place")
    report = world.run()
    shown = str(report.runs) + str(world.alice.status()) + str(world.alice.ask("GET", "/api/connection/users"))
    assert "secret" not in shown.lower()


def test_case_170_a_private_series_stays_private_with_its_exceptions(world: World) -> None:
    item = world.alice.outlook.makes("Doctor", at(7), weekly(count=5), sensitivity="private")
    world.alice.outlook.edits(item, at(15, 12), on="2026-03-16", subject="Dentist")
    world.synced()
    seen = {one["name"] for one in world.bob.sees_of(world.alice)}
    assert seen == {"Private"}


# -- conflicts


def _both_rename(world: World, newest: str) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    item = world.alice.outlook.one["id"]
    acts = {
        "psa": lambda: world.alice.edits(guid, name="From the PSA"),
        "exchange": lambda: world.alice.outlook.edits(item, subject="From Outlook"),
    }
    first = "exchange" if newest == "psa" else "psa"
    for side in (first, newest):
        world.later(minutes=5)
        acts[side]()


@pytest.mark.parametrize(("newest", "name"), [("psa", "From the PSA"), ("exchange", "From Outlook")])
def test_case_172_of_two_values_for_one_field_the_newest_wins(world: World, newest: str, name: str) -> None:
    _both_rename(world, newest)
    assert world.synced().writes == 1
    assert world.alice.one["name"] == world.alice.outlook.one["subject"] == name


@pytest.mark.parametrize(("policy", "name"), [("psa", "From the PSA"), ("exchange", "From Outlook")])
def test_case_172_or_the_side_the_organization_chose(world: World, policy: str, name: str) -> None:
    world.done("connection", "set", "--conflict", policy)
    _both_rename(world, "exchange" if policy == "psa" else "psa")
    assert world.synced().writes == 1
    assert world.alice.one["name"] == name


def test_case_173_the_same_value_on_both_sides_is_no_conflict(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.edits(guid, name="Coffee")
    world.alice.outlook.edits(world.alice.outlook.one["id"], subject="Coffee")
    assert world.synced().writes == 0


def test_different_fields_changed_on_both_sides_are_both_kept(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.edits(guid, name="Coffee")
    world.alice.outlook.edits(world.alice.outlook.one["id"], location="Attic")
    assert world.synced().writes == 2
    assert (world.alice.one["name"], world.alice.one["location"]) == ("Coffee", "Attic")


def test_case_175_at_equal_times_exchange_wins(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.edits(guid, name="From the PSA")
    world.alice.outlook.edits(world.alice.outlook.one["id"], subject="From Outlook")
    world.synced()
    assert world.alice.one["name"] == "From Outlook"


def test_case_176_what_a_pair_without_a_base_differs_in_is_a_conflict_and_never_overwritten(office: World) -> None:
    guid = office.alice.makes("Tea", notes="Here", location="Attic")
    item = office.alice.outlook.makes("Tea", body="There", location="Attic")
    office.differs_by = "3.1: what differs at first contact stays until it is edited"
    office.syncs(office.alice)
    assert office.synced().writes == 0, "nobody has edited either: neither text is better"
    office.alice.edits(guid, location="Cellar")
    assert office.synced().writes == 1
    assert (office.alice.one["notes"], office.alice.outlook.entry(item)["text"].strip()) == ("Here", "There")
    office.alice.outlook.edits(item, body="There, edited")
    assert office.synced().psa.updated == 1
    assert office.alice.one["notes"] == "There, edited"
    office.differs_by = ""


@pytest.mark.parametrize("first", ["alice", "bob"])
def test_case_179_two_colleagues_rename_one_entry_and_the_newer_name_wins_whoever_runs_first(
    both: World, first: str
) -> None:
    guid = both.alice.makes("Tea")
    both.alice.invites(both.bob, guid)
    both.synced()
    both.later(minutes=1)
    both.bob.outlook.edits(both.bob.outlook.one["id"], subject="By Bob")
    both.later(minutes=1)
    both.alice.outlook.edits(both.alice.outlook.one["id"], subject="By Alice")
    both.later(minutes=1)
    if first == "bob":
        both.syncing.reverse()
        both.figures["places"] += 1  # the activity hears of the older edit first
    both.synced()
    assert both.alice.one["name"] == "By Alice"
    assert [person.outlook.one["subject"] for person in (both.alice, both.bob)] == ["By Alice", "By Alice"]


@pytest.mark.parametrize("first", ["alice", "bob"])
def test_case_179_three_people_change_one_entry_in_one_interval_and_the_order_of_runs_does_not_matter(
    both: World, first: str
) -> None:
    guid = both.alice.makes("Tea")
    both.alice.invites(both.bob, guid)
    both.synced()
    both.alice.edits(guid, name="Coffee")
    both.alice.outlook.edits(both.alice.outlook.one["id"], body="Bring cups")
    both.bob.outlook.edits(both.bob.outlook.one["id"], at(8, 14), location="Attic")
    if first == "bob":
        both.syncing.reverse()
    both.synced()
    both.figures["places"] += 1  # one event hears of the PSA's edit first, of the colleague's in the next round
    for person in (both.alice, both.bob):
        event = person.outlook.one
        assert (event["subject"], event["location"], event["text"].strip()) == ("Coffee", "Attic", "Bring cups")
        assert person.outlook.starts() == ["2026-03-10T14:00"]
