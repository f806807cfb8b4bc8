"""Tokens, faults, set-aside entries, and who may do what."""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest

from tests.acceptance.when import at, weekly
from tests.acceptance.world import World
from tests.installation import SECRET, ApiRefused


def _some(world: World) -> None:
    for number in range(4):
        world.alice.makes(f"Here {number}", at(number + 1))
        world.alice.outlook.makes(f"There {number}", at(number + 1, 13))


def test_case_181_an_unchanged_calendar_costs_one_request_and_no_write(world: World) -> None:
    _some(world)
    world.synced()
    report = world.synced()
    assert (report.requests, report.writes) == (1, 0)


def test_case_182_a_refused_token_leads_to_no_delete_and_no_double(world: World) -> None:
    _some(world)
    world.synced()
    operation = "SyncFolderItems" if world.protocol == "ews" else "calendarView.delta"
    world.sandbox.fault("stale", {"operation": operation}, {"times": 1})
    world.alice.outlook.makes("New", at(9))
    report = world.synced()
    assert (report.psa.created, report.writes) == (1, 1)


@pytest.mark.only("ews")
@pytest.mark.parametrize("why", ["moved", "old"])
def test_a_sync_state_that_ended_leads_to_no_delete_and_no_double(world: World, why: str) -> None:
    """While nobody listened things were made, edited and deleted, on both sides."""
    world.one_sided_by = "8.5: what a new listing lacks is missing, not deleted"
    world.sandbox.server(sync_state_days=7)
    _some(world)
    world.synced()
    ids = {entry["subject"]: entry["id"] for entry in world.alice.outlook.entries}
    world.alice.outlook.edits(ids["There 0"], subject="Edited")
    world.alice.outlook.deletes(ids["There 1"])
    world.alice.outlook.makes("New there", at(9))
    world.alice.makes("New here", at(10))
    if why == "moved":
        world.sandbox.mailbox_moves(world.alice.email)
    else:
        world.later(days=8)
    report = world.synced()
    assert (report.psa.created, report.psa.updated, report.psa.deleted, report.exchange.created) == (1, 1, 0, 1)
    subjects = Counter(entry["subject"] for entry in world.alice.outlook.entries)
    assert subjects.total() == 9
    assert Counter(activity["name"] for activity in world.alice.activities) == subjects + Counter(["There 1"])


def test_case_191_our_own_writes_come_back_without_a_write(world: World) -> None:
    _some(world)
    assert world.synced().writes == 8
    assert world.synced().writes == 0
    assert world.synced("--reconcile").writes == 0


@pytest.mark.only("graph")  # EWS answers with no addresses to go on from
def test_case_184_a_next_link_to_another_host_is_refused(world: World) -> None:
    _some(world)
    world.synced()
    world.alice.outlook.makes("New", at(9))
    foreign = json.dumps({"value": [], "@odata.nextLink": f"{world.sandbox.pages}/v1.0/me/calendarView/delta"})
    answer = {"status": 200, "body": foreign, "content_type": "application/json"}
    world.sandbox.fault("status", {"operation": "calendarView.delta"}, {"times": 1}, **answer)
    report = world.run()
    assert report.errors == {"foreign_link"} and report.writes == 0
    assert world.synced().psa.created == 1


@pytest.mark.parametrize("kind", ["drop", "malformed", "html", "status"])
def test_case_193_199_every_call_fails_once_then_works(world: World, kind: str) -> None:
    _some(world)
    details = {"status": 502} if kind == "status" else {}  # 503 asks for a wait of real time
    for protocol in world.protocols:
        world.sandbox.fault(kind, {"protocol": protocol}, {"every": 2}, **details)
    for _ in range(3):
        world.run()
        world.later(minutes=40)
    world.sandbox.clear_faults()
    world.tried_again()
    assert len(world.alice.activities) == len(world.alice.outlook.entries) == 8


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mailbox as large as pages are many."""
    monkeypatch.setattr("samklang.connectors.ews.calendar.SYNC_PAGE", 2)
    monkeypatch.setattr("samklang.connectors.ews.calendar.GET_BATCH", 1)


#: Operation, which of its requests, and whether the server did what it was asked.
PAGES = [
    pytest.param(operation, nth, side, marks=() if (nth, side) == (2, "after") else pytest.mark.full)
    for operation in ("SyncFolderItems", "GetItem")
    for nth in (1, 2, 3, 4)
    for side in ("before", "after")
]


@pytest.mark.only("ews")  # Graph's pages: tests/connectors/graph
@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(("operation", "nth", "side"), PAGES)
def test_a_first_listing_that_breaks_off_at_any_page_loses_and_doubles_nothing(
    office: World, operation: str, nth: int, side: str
) -> None:
    """Where a listing ended is kept with what came of it (docs/tour.md)."""
    for number in range(7):
        office.alice.outlook.makes(f"There {number}", at(number + 1))
    office.sandbox.fault("drop", {"operation": operation}, {"nth": nth, "side": side})
    report = office.syncs(office.alice).run()
    assert (report.errors, report.writes) == ({"connection_lost"}, 0)
    office.sandbox.clear_faults()
    assert office.tried_again().psa.created == 7
    assert len(office.alice.activities) == 7


@pytest.mark.only("ews")
@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(("operation", "nth", "side"), PAGES)
def test_news_that_break_off_at_any_page_lose_and_double_nothing(
    world: World, operation: str, nth: int, side: str
) -> None:
    _some(world)
    world.synced()
    edited, deleted = (
        entry["id"] for entry in world.alice.outlook.entries if entry["subject"] in ("Here 0", "There 0")
    )
    world.alice.outlook.edits(edited, subject="Edited")
    world.alice.outlook.deletes(deleted)
    for number in range(5):
        world.alice.outlook.makes(f"New {number}", at(number + 10))
    world.sandbox.fault("drop", {"operation": operation}, {"nth": nth, "side": side})
    report = world.run()
    assert (report.errors, report.writes) == ({"connection_lost"}, 0)
    world.sandbox.clear_faults()
    again = world.tried_again().psa
    assert (again.created, again.updated, again.deleted) == (5, 1, 1)


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("nth", [1, 3, *(pytest.param(n, marks=pytest.mark.full) for n in (2, 4, 5, 6, 8))])
def test_case_194_a_call_lost_at_any_place_changes_nothing_in_the_end(world: World, nth: int, side: str) -> None:
    _some(world)
    for protocol in world.protocols:
        world.sandbox.fault("drop", {"protocol": protocol}, {"nth": nth, "side": side})
    world.run()
    world.sandbox.clear_faults()
    world.tried_again()
    world.tried_again()
    assert len(world.alice.activities) == len(world.alice.outlook.entries) == 8


def test_case_196_one_mailbox_that_fails_for_ever_does_not_disturb_the_other(both: World) -> None:
    both.alice.makes("Tea")
    both.bob.makes("Coffee")
    both.sandbox.fault("status", {"mailbox": "alice@example.org", "protocol": both.protocol}, status=504)
    report = both.run()
    assert report.runs["alice@example.org"]["error"] or report.set_aside
    assert both.bob.outlook.one["subject"] == "Coffee"
    both.sandbox.clear_faults()
    both.later(days=2)
    both.synced()
    assert both.alice.outlook.one["subject"] == "Tea"


def test_case_200_one_poisonous_entry_is_set_aside_and_all_others_come(world: World) -> None:
    world.alice.outlook.makes("Round", at(7), weekly(count=3))
    _some(world)
    world.alice.makes("Good", at(12))
    operation = "CreateItem" if world.protocol == "ews" else "events.create"
    world.sandbox.fault("response_code", {"operation": operation}, {"nth": 2}, code="ErrorItemSave", status=400)
    report = world.run()
    assert sum(report.set_aside.values()) == 1
    (waiting,) = world.alice.status()["set_aside"]
    assert waiting["code"] and waiting["retry_at"]
    world.sandbox.clear_faults()
    world.tried_again()
    assert world.alice.status()["set_aside"] == []
    assert len(world.alice.activities) == len(world.alice.outlook.entries) == 10


def test_a_throttled_run_waits_as_long_as_it_is_asked_to(world: World) -> None:
    world.alice.makes("Tea")
    world.sandbox.fault("throttle", {"protocol": world.protocol}, seconds=1)
    report = world.run()
    assert report.errors == {"throttled"} or report.set_aside
    world.sandbox.clear_faults()
    time.sleep(1.5)  # a server's wait is real time; that nobody asks meanwhile is shown in tests/push
    world.tried_again()
    assert world.alice.outlook.one["subject"] == "Tea"


def test_case_212_a_calendar_that_may_only_be_read_is_named_and_loses_nothing(world: World) -> None:
    world.alice.outlook.makes("There")
    guid = world.alice.makes("Here", at(8))
    operation = "CreateItem" if world.protocol == "ews" else "events.create"
    world.sandbox.fault("response_code", {"operation": operation}, code="ErrorAccessDenied", status=403)
    report = world.run()
    assert report.exchange.all == report.psa.deleted == 0
    if world.protocol == "ews":  # an answer of its own for each entry: the others go on
        assert sum(report.set_aside.values()) == 1 and len(world.alice.activities) == 2
    else:  # Microsoft 365 refuses the whole mailbox in the same words
        assert report.errors == {world.alice.status()["error"]}
    world.sandbox.clear_faults()
    world.later(hours=1)
    world.alice.edits(guid, location="Attic")
    world.done("connection", "test")
    world.synced()
    assert {one["subject"] for one in world.alice.outlook.entries} == {"Here", "There"}


def test_case_223_what_the_administrator_counts_is_what_the_stores_hold(both: World) -> None:
    _some(both)
    both.bob.makes("Coffee", at(20))
    operation = "CreateItem" if both.protocol == "ews" else "events.create"
    both.sandbox.fault("response_code", {"operation": operation}, {"nth": 2}, code="ErrorItemSave", status=400)
    both.run()
    both.sandbox.clear_faults()
    rows = {row["user"]: row for row in both.alice.ask("GET", "/api/connection/users")}
    for person in (both.alice, both.bob):
        mine = person.status()
        row = rows[person.email]
        assert row["links"] == mine["links"] == len({one["name"] for one in person.activities}) - row["set_aside"]
        assert row["set_aside"] == len(mine["set_aside"])
    assert sum(row["set_aside"] for row in rows.values()) == 1
    both.tried_again()


def test_case_211_nobody_switches_on_for_a_colleague_or_sees_the_connection(office: World) -> None:
    with pytest.raises(ApiRefused) as refused:
        office.bob.ask("GET", "/api/connection")
    assert refused.value.status == 403
    office.alice.ask("PUT", "/api/me/calendar-sync", {"on": True})
    assert office.bob.ask("GET", "/api/me/calendar-sync") == {"on": False}
    said = office.command("sync", "run", "--user", office.bob.email)
    assert said.status != 0 and "only he or she" in said.err
    office.alice.ask("PUT", "/api/me/calendar-sync", {"on": False})


def test_case_214_secrets_are_in_no_answer(office: World) -> None:
    shown = office.done("connection", "show", "--json").out + str(office.alice.ask("GET", "/api/connection"))
    assert SECRET not in shown and "account's-password" not in shown


def test_case_221_one_changed_field_is_one_write_and_nothing_changed_none(world: World) -> None:
    _some(world)
    world.synced()
    world.alice.edits(world.alice.activities[0]["guid"], location="Attic")
    assert world.synced().writes == 1
    assert world.synced().writes == 0
