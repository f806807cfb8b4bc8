"""First contact: matching, the cut-off, preview and acceptance, and meeting again."""

from __future__ import annotations

import pytest

from tests.acceptance.when import Time, at, daily, days, utc, weekly
from tests.acceptance.world import World
from tests.installation import ApiRefused


def test_case_68_the_same_six_fields_are_linked_without_a_write(office: World) -> None:
    office.alice.makes("Tea")
    office.alice.outlook.makes("Tea")
    office.syncs(office.alice)
    report = office.synced()
    assert (report.joined, report.writes) == (1, 0)
    office.alice.outlook.edits(office.alice.outlook.one["id"], subject="Coffee")
    assert office.synced().psa.updated == 1


def test_case_70_titles_that_differ_in_case_or_space_only_are_linked(office: World) -> None:
    office.alice.makes("  Tea  with BOB ")
    office.alice.outlook.makes("tea with bob")
    office.differs_by = "3.1: matching writes nothing"
    office.syncs(office.alice)
    report = office.synced()
    assert (report.joined, report.writes) == (1, 0)


def test_case_71_of_two_equal_candidates_one_is_paired_and_the_other_made(office: World) -> None:
    office.alice.makes("Tea")
    office.alice.outlook.makes("Tea")
    office.alice.outlook.makes("Tea")
    office.syncs(office.alice)
    report = office.synced()
    assert (report.joined, report.psa.created, report.writes) == (1, 1, 1)


def test_case_73_a_whole_day_and_midnight_to_midnight_are_not_the_same(office: World) -> None:
    office.alice.makes("Fair", days(7))
    office.alice.outlook.makes("Fair", Time("2026-03-09T00:00:00", "2026-03-10T00:00:00"))
    office.syncs(office.alice)
    report = office.synced()
    assert (report.joined, report.writes) == (0, 2)


@pytest.mark.parametrize(("started", "there"), [(-31, 0), (-30, 1), (-29, 1)])
def test_case_74_thirty_days_ago_is_in_and_thirty_one_is_out(office: World, started: int, there: int) -> None:
    office.alice.outlook.makes("Tea", at(started, 8))
    office.alice.makes("Coffee", at(started, 10))
    office.differs_by = "" if there else "3.3"
    office.syncs(office.alice)
    assert office.synced().writes == 2 * there
    assert office.alice.status()["links"] == 2 * there


@pytest.mark.parametrize(("end", "there"), [("2026-01-30T23:59:00", 0), ("2026-01-31T00:00:00", 1)])
def test_case_74_the_cut_off_is_midnight_in_the_users_zone(office: World, end: str, there: int) -> None:
    start = "2026-01-30T22:00:00"
    office.alice.outlook.makes("Tea", Time(start, end))
    office.differs_by = "" if there else "3.3"
    office.syncs(office.alice)
    assert office.synced().psa.created == there


def test_case_76_a_series_that_ended_31_days_ago_is_left_out_and_one_that_goes_on_is_whole(office: World) -> None:
    office.alice.outlook.makes("Over", at(-60), weekly("thursday", until="2026-01-29"))
    office.alice.outlook.makes("Goes on", at(-200), weekly("thursday", count=60))
    office.differs_by = "3.3"
    office.syncs(office.alice)
    assert office.synced().psa.created == 1
    assert office.alice.one["name"] == "Goes on"
    assert office.alice.one["startDateTime"].startswith("2025-08-14"), "from its beginning"


def test_five_of_six_fields_equal_are_a_near_match_and_two_entries(office: World) -> None:
    office.alice.makes("Tea", at(7, 9, 60))
    office.alice.outlook.makes("Tea", at(7, 9, 90))
    office.alice.ask("PUT", "/api/me/calendar-sync", {"on": True})
    plan = office.alice.ask("GET", "/api/me/calendar-sync/plan")
    assert plan["counts"] == {"CreateEvent": 1, "CreateActivity": 1, "NearMatch": 1}
    office.syncs(office.alice)
    assert office.synced().writes == 2


def test_before_its_acceptance_a_first_run_writes_nothing_and_says_so(office: World) -> None:
    office.alice.makes("Tea")
    office.alice.outlook.makes("Coffee", at(8))
    answer = office.alice.ask("PUT", "/api/me/calendar-sync", {"on": True})
    assert answer["state"] == "awaiting_acceptance"
    said = office.command("sync", "run", "--user", office.alice.email, "--json")
    assert said.status == 1 and said.json["waiting_for"] == "first_run" and said.json["plan"] == answer["plan"]
    assert len(office.alice.activities) == len(office.alice.outlook.entries) == 1
    refused = office.command("sync", "accept", "--user", office.alice.email)
    assert refused.status == 1 and "first run" in refused.err, "an operator cannot begin it for her"
    office.alice.ask("POST", "/api/me/calendar-sync/accept", {"plan": answer["plan"]})
    office.syncing.append(office.alice)
    assert office.synced().writes == 2


def test_case_85_a_plan_is_outdated_when_something_changed_before_it_is_accepted(office: World) -> None:
    office.alice.makes("Tea")
    plan = office.alice.ask("PUT", "/api/me/calendar-sync", {"on": True})["plan"]
    office.alice.outlook.makes("Coffee", at(8))
    with pytest.raises(ApiRefused) as refused:
        office.alice.ask("POST", "/api/me/calendar-sync/accept", {"plan": plan})
    assert refused.value.status == 409 and refused.value.body["plan"] != plan
    office.alice.ask("POST", "/api/me/calendar-sync/accept", {"plan": refused.value.body["plan"]})
    office.syncing.append(office.alice)
    assert office.synced().writes == 2


def test_case_80_a_mailbox_is_found_by_a_secondary_address(office: World) -> None:
    office.mailbox("new.name@example.org", aliases=["dora@example.org"])
    token = office.add_user("dora@example.org", "Dora", "Nordhavn Konsult")
    token.switches_on()
    assert token.runs()["error"] is None
    assert token.status()["address"] == "new.name@example.org"


def test_case_86_an_event_that_another_tool_made_of_the_activity_is_linked(office: World) -> None:
    office.alice.makes("Round", at(7), weekly(count=8), notes="ours")
    office.alice.outlook.makes("Round", at(7), weekly(count=8), body="Made by a tool", categories=["Tool"])
    office.differs_by = "3.1: other fields that differ stay until edited"
    office.syncs(office.alice)
    report = office.synced()
    assert (report.joined, report.writes) == (1, 0)


def test_series_are_matched_by_their_pattern(office: World) -> None:
    office.alice.makes("Round", at(7), weekly(count=8))
    office.alice.outlook.makes("Round", at(7), weekly(until="2026-04-27"))
    office.alice.makes("Walk", at(7, 12), daily(until="2026-03-20"))
    office.alice.outlook.makes("Walk", at(7, 12), daily(until="2026-03-20"))
    office.syncs(office.alice)
    report = office.synced()
    assert report.joined == 1 and report.writes == 2, "another range is another series"


def test_switching_off_leaves_everything_and_on_again_doubles_nothing(world: World) -> None:
    for number in range(3):
        world.alice.makes(f"Tea {number}", at(number))
        world.alice.outlook.makes(f"Coffee {number}", at(number, 12))
    world.synced()
    world.alice.ask("PUT", "/api/me/calendar-sync", {"on": False})
    assert len(world.alice.activities) == len(world.alice.outlook.entries) == 6
    world.alice.ask("PUT", "/api/me/calendar-sync", {"on": True})
    assert world.synced().writes == 0


def test_case_82_a_mailbox_serves_one_user_only(office: World) -> None:
    office.started(office.alice)
    office.sandbox.change_mailbox("alice@example.org", aliases=["second@example.org"])
    second = office.add_user("second@example.org", "Second", "Nordhavn Konsult")
    second.switches_on()
    assert second.runs()["error"] == "mailbox_of_colleague"


def test_the_first_run_mails_nobody_and_a_day_across_the_clock_change_is_matched(office: World) -> None:
    office.alice.makes("Night", utc("2026-03-29T01:30:00"))
    office.alice.outlook.makes("Night", utc("2026-03-29T01:30:00"))
    office.syncs(office.alice)
    assert office.synced().writes == 0
