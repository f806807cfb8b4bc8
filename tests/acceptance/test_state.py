"""What is remembered between runs: breaks at the wrong moment, long pauses, other versions; and what a run costs."""

from __future__ import annotations

import gc
from typing import Any, NoReturn

import pytest
from django.db.migrations.recorder import MigrationRecorder

from samklang.mailboxes.store import DjangoStore
from tests.acceptance.when import at, weekly
from tests.acceptance.world import World


def _broken_off_at(world: World, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """A run of Alice's that ends in the middle, when the store is about to do this."""

    def ends(*_: object, **__: object) -> NoReturn:
        raise KeyboardInterrupt

    world.psa.lets_time_pass()
    with monkeypatch.context() as broken:
        broken.setattr(DjangoStore, moment, ends)
        assert world.command("sync", "run", "--user", world.alice.email).status == 130


def test_case_16_what_was_made_but_not_recorded_is_linked_by_the_next_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.alice.outlook.makes("There")
    _broken_off_at(world, monkeypatch, "record")
    made = world.alice.one
    world.synced()
    assert world.alice.one == made, "neither made again nor written again"
    world.alice.outlook.edits(world.alice.outlook.one["id"], subject="Coffee")
    assert world.synced().psa.updated == 1


def test_case_16_an_event_that_was_made_but_not_recorded_is_linked_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.alice.makes("Here")
    _broken_off_at(world, monkeypatch, "record")
    assert world.alice.outlook.one["subject"] == "Here"
    assert world.synced().exchange.created == 0
    world.alice.edits(world.alice.one["guid"], location="Attic")
    assert world.synced().exchange.updated == 1


def test_what_two_changed_of_an_activity_made_again_is_kept_though_one_was_cut_off_at_it(
    both: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    guid = both.alice.makes("Tea")
    both.alice.invites(both.bob, guid)
    both.synced()
    both.alice.deletes(guid)
    both.alice.outlook.edits(both.alice.outlook.one["id"], subject="Coffee")
    both.bob.outlook.edits(both.bob.outlook.one["id"], location="Attic")
    begin = DjangoStore.begin_create

    def is_cut_off(*args: Any, **more: Any) -> NoReturn:
        begin(*args, **more)
        raise KeyboardInterrupt

    both.psa.lets_time_pass()
    with monkeypatch.context() as broken:
        broken.setattr(DjangoStore, "begin_create", is_cut_off)
        assert both.command("sync", "run", "--user", both.bob.email).status == 130
    both.alice.runs()
    both.synced()
    for person in (both.alice, both.bob):
        assert (person.outlook.one["subject"], person.outlook.one["location"]) == ("Coffee", "Attic")
        assert (person.one["name"], person.one["location"]) == ("Coffee", "Attic")


def test_a_title_only_one_had_heard_of_outlives_that_a_colleague_makes_the_activity_again(both: World) -> None:
    guid = both.alice.makes("Tea")
    both.alice.invites(both.bob, guid)
    both.synced()
    both.bob.outlook.edits(both.bob.outlook.one["id"], subject="Coffee")
    both.bob.runs()
    both.alice.deletes(guid)
    both.alice.outlook.edits(both.alice.outlook.one["id"], location="Attic")
    both.bob.outlook.edits(both.bob.outlook.one["id"], body="word")
    both.alice.runs()
    both.synced()
    for person in (both.alice, both.bob):
        assert (person.outlook.one["subject"], person.outlook.one["location"]) == ("Coffee", "Attic")
        assert (person.one["name"], person.one["location"]) == ("Coffee", "Attic")


@pytest.mark.parametrize(("moment", "done"), [("begin_create", 0), ("save_tokens", 2)])
def test_case_185_changes_whose_token_was_not_kept_are_seen_again_harmlessly(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: str, done: int
) -> None:
    world.alice.makes("Here")
    world.alice.outlook.makes("There", at(8))
    _broken_off_at(world, monkeypatch, moment)
    assert world.synced().writes == 2 - done
    assert len(world.alice.activities) == len(world.alice.outlook.entries) == 2


def test_case_83_a_first_run_shows_how_far_it_is_and_can_be_stopped_and_continued(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(15):
        office.alice.makes(f"Here {number}", at(number, 8))
        office.alice.outlook.makes(f"There {number}", at(number, 13))
    told: list[dict[str, int]] = []
    heard = DjangoStore.heard

    def stops(store: DjangoStore, *progress: Any) -> None:
        """Looks at the page and, at the second look, presses Stop."""
        heard(store, *progress)
        told.append(office.alice.ask("GET", "/api/me/calendar-sync")["progress"])
        if len(told) == 2:
            office.alice.ask("POST", "/api/me/calendar-sync/stop")
            store._look_again = 0  # half a second later

    office.syncs(office.alice)
    with monkeypatch.context() as watched:
        watched.setattr(DjangoStore, "heard", stops)
        first = office.run()
    assert 0 < told[1]["done"] < told[1]["of"] == 30
    assert 0 < first.writes < 30 and first.runs[office.alice.email]["stopped"]
    assert office.run().errors == {"stopped"}, "it waits for its user"
    office.alice.ask("POST", "/api/me/calendar-sync/run")
    assert office.synced().writes == 30 - first.writes


def test_case_203_a_day_of_changes_made_while_the_psa_was_down_comes_as_it_stands_at_the_end(world: World) -> None:
    outlook = world.alice.outlook
    stays, goes = outlook.makes("Stays", at(7)), outlook.makes("Goes", at(8))
    world.synced()
    for step in (
        lambda: outlook.edits(stays, subject="Renamed"),
        lambda: outlook.makes("New", at(9)),
        lambda: outlook.edits(stays, at(7, 15), subject="Renamed again"),
        lambda: outlook.deletes(goes),
        lambda: outlook.deletes(outlook.makes("Came and went", at(10))),
    ):
        world.later(hours=5)
        step()
    report = world.synced()
    assert (report.psa.created, report.psa.updated, report.psa.deleted, report.writes) == (1, 1, 1, 3)
    assert sorted(one["name"] for one in world.alice.activities) == ["New", "Renamed again"]


def test_case_205_a_database_of_a_newer_version_is_refused_and_left_alone(world: World) -> None:
    world.alice.makes("Tea")
    newer = MigrationRecorder.Migration.objects.create(app="mailboxes", name="9999_of_the_future")
    said = world.command("sync", "run", "--user", world.alice.email)
    assert said.status == 1 and "newer Samklang" in said.err and "9999_of_the_future" in said.err
    assert world.command("migrate").status == 1
    assert world.alice.outlook.entries == []
    newer.delete()
    assert world.synced().exchange.created == 1


@pytest.mark.not_elsewhere("its server stands in this process, whose test client keeps an object for each request")
def test_case_206_three_weeks_of_runs_leave_no_more_objects_than_one(world: World) -> None:
    world.alice.makes("Round", at(0), weekly())
    item = world.alice.outlook.makes("Tea", at(100))
    counted = []
    for day in range(21):
        world.later(days=1)
        world.alice.outlook.edits(item, subject=f"Tea {day}")
        world.alice.runs()
        gc.collect()
        counted.append(len(gc.get_objects()))
    week_one, week_three = max(counted[4:8]), min(counted[-4:])
    assert week_three - week_one < 200, counted


def test_case_217_a_first_run_asks_once_for_each_entry_it_writes_and_never_more_than_four_at_once(
    office: World,
) -> None:
    for number in range(30):
        office.alice.makes(f"Here {number}", at(number, 8))
        office.alice.outlook.makes(f"There {number}", at(number, 13))
    report = office.syncs(office.alice).synced()
    assert report.writes == 60
    # Exchange answers a create with an id alone (EWS facts §2.3); the limit in ten minutes is Microsoft 365's.
    each = 2 if office.protocol == "ews" else 1
    assert report.requests <= 30 * each + 10, "10,000 entries, and little more than 10,000 requests"
    assert office.sandbox.counts("alice@example.org")["max_concurrent"] <= 4


def test_case_218_an_idle_day_costs_one_request_for_each_poll_and_one_full_comparison(world: World) -> None:
    world.done("connection", "set", "--mode", "continuous")
    for number in range(5):
        world.alice.makes(f"Here {number}", at(number, 8))
    world.synced()
    world.sandbox.zero_counts()
    polls = 24
    for _ in range(polls):
        world.later(hours=1)
        assert world.alice.runs()["error"] is None
    counted = world.sandbox.counts("alice@example.org")
    assert counted["requests"] <= polls + 4, counted["by_operation"]
    assert sum(counted["writes"].values()) == 0
