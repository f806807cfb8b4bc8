"""All-day entries, zones and clocks that change."""

from __future__ import annotations

import pytest

from tests.acceptance.world import Time, World, at, days, utc, weekly

ZONES = ["America/New_York", "Asia/Kathmandu", "Pacific/Auckland"]


def test_case_148_three_whole_days_end_on_the_third(world: World) -> None:
    world.alice.makes("Fair", days(7, 3))
    world.alice.outlook.makes("Leave", days(14, 3))
    assert world.synced().writes == 2
    (fair,) = [one for one in world.alice.outlook.entries if one["subject"] == "Fair"]
    assert (fair["start_date"], fair["end_date"]) == ("2026-03-09", "2026-03-12")


@pytest.mark.parametrize("zone", ["Pacific/Pago_Pago", "UTC", "Europe/Helsinki", "Pacific/Kiritimati"])
def test_case_149_a_whole_day_is_the_same_date_in_every_zone(office: World, zone: str) -> None:
    office.mailbox("dora@example.org", zone=zone)
    dora = office.person("dora@example.org", "Dora", zone=zone)
    dora.makes("Fair", Time("2026-03-29", "2026-03-30", all_day=True))
    office.sandbox.person_creates(
        "dora@example.org", subject="Leave", start="2026-10-25", end="2026-10-26", all_day=True, zone=zone
    )
    office.started(dora)
    assert sorted(one["start_date"] for one in dora.outlook.occurrences) == ["2026-03-29", "2026-10-25"]
    office.later(days=1)
    assert office.synced().writes == 0


@pytest.mark.parametrize("zone", ZONES)
def test_case_151_made_in_another_zone_it_is_the_same_instant_and_keeps_its_zone(world: World, zone: str) -> None:
    world.sandbox.person_creates(
        "alice@example.org", subject="Call", start="2026-03-10T09:00:00", end="2026-03-10T10:00:00", zone=zone
    )
    assert world.synced().writes == 1
    assert world.alice.one["startDateTime"][11:16] == "09:00"
    kept = world.alice.outlook.one["zone"]
    world.alice.edits(world.alice.one["guid"], name="Longer call")
    world.synced()
    assert world.alice.outlook.one["zone"] == kept


def test_case_157_a_user_who_changes_zone_causes_no_write(world: World) -> None:
    world.alice.makes("Tea", at(3))
    world.alice.makes("Fair", days(8))
    world.alice.outlook.makes("Round", at(7), weekly(count=5))
    world.synced()
    world.sandbox.change_mailbox("alice@example.org", zone="America/New_York")
    assert world.synced("--reconcile").writes == 0


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-10T09:00:00", "2026-03-10T09:00:00"),
        ("2026-03-10T09:00:00", "2026-03-24T09:00:00"),
        ("2026-12-31T22:00:00", "2027-01-01T02:00:00"),
        ("2026-10-25T02:30:00", "2026-10-25T03:30:00"),
        ("2026-03-29T01:30:00", "2026-03-29T03:30:00"),
    ],
    ids=["zero length", "fourteen days", "new year", "clocks back", "clocks forward"],
)
def test_case_160_odd_lengths_and_nights_are_kept_exactly(world: World, start: str, end: str) -> None:
    world.alice.makes("Here", Time(start, end))
    world.alice.outlook.makes("There", Time(start, end))
    assert world.synced().writes == 2


def test_case_161_seconds_cause_no_ping_pong(world: World) -> None:
    world.alice.makes("Here", Time("2026-03-10T09:00:30", "2026-03-10T10:00:59"))
    world.alice.outlook.makes("There", Time("2026-03-11T09:00:30", "2026-03-11T10:00:59"))
    assert world.synced().writes == 2


def test_case_190_a_day_later_nothing_is_deleted_and_a_far_entry_is_there(world: World) -> None:
    world.alice.outlook.makes("Far", utc("2028-03-05T09:00:00"))
    world.alice.makes("Near", at(3))
    world.synced()
    world.later(days=1)
    world.synced()  # what lies outside a server's window comes with the day's full comparison (rule 7.7)
    for _ in range(3):
        world.later(days=1)
        assert world.synced().writes == 0
    assert {one["name"] for one in world.alice.activities} == {"Far", "Near"}
