"""Idle mailboxes of Office 365 are asked about together, each judged by itself (rule 9.2; Graph facts §5.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from samklang.jobs.tick import TOGETHER, tick
from samklang.mailboxes import dirty
from samklang.mailboxes.models import Connection, Mailbox, Run
from tests.acceptance.people import Person
from tests.acceptance.world import COMPANY, World
from tests.jobs.world import Boxes, done_here, queued
from tests.sandbox_client import Sandbox


@pytest.fixture
def cloud(sandbox: Sandbox, db: None) -> Iterator[World]:
    """Alice's and Bob's calendars in Office 365 are polled; their first runs are done."""
    world = World(sandbox, "graph")
    world.done("connection", "set", "--mode", "continuous", "--org", COMPANY)
    world.started(world.alice, world.bob)
    tick(datetime.now(UTC))
    done_here()  # what setting up left behind
    yield world
    world.close()


def row(person: Person) -> Any:
    return Mailbox.objects.filter(user__email=person.email)


def its_time_comes(world: World) -> Counter[str]:
    """All are due, and a worker does what there is to do. What Graph was asked for."""
    Mailbox.objects.update(next_due=datetime.now(UTC) - timedelta(seconds=1))
    world.sandbox.zero_counts()
    Run.objects.all().delete()
    tick(datetime.now(UTC))
    done_here()
    found: Counter[str] = Counter()
    for counts in world.sandbox.counts().values():
        found.update(counts["by_operation"])
    return found


def ran() -> list[str]:
    return sorted(Run.objects.values_list("mailbox__user__email", flat=True))


def test_mailboxes_where_nothing_happened_cost_one_request_together_and_no_run(cloud: World) -> None:
    before = row(cloud.alice).get().exchange_token
    assert its_time_comes(cloud) == {"batch": 1, "calendarView.delta": 2}
    assert ran() == []
    alice = row(cloud.alice).get()
    assert alice.next_due > datetime.now(UTC) + timedelta(seconds=250)
    assert (alice.last_good_run, alice.error_code) == (cloud.now, "")
    assert alice.exchange_token != before, "the next poll goes on from here"
    assert its_time_comes(cloud) == {"batch": 1, "calendarView.delta": 2}


def test_whoever_has_something_new_is_run_and_nobody_else(cloud: World) -> None:
    cloud.alice.outlook.makes("Tea")
    its_time_comes(cloud)
    assert ran() == [cloud.alice.email]
    assert [one["name"] for one in cloud.alice.activities] == ["Tea"]
    cloud.bob.makes("From the PSA")
    assert its_time_comes(cloud)["batch"] == 1
    assert [one["subject"] for one in cloud.bob.outlook.entries] == ["From the PSA"]
    its_time_comes(cloud)  # our own write comes back
    assert its_time_comes(cloud) == {"batch": 1, "calendarView.delta": 2}
    cloud.is_at_rest()


def test_a_part_that_is_throttled_holds_its_mailbox_back_and_no_other(cloud: World) -> None:
    where = {"protocol": "graph", "mailbox": cloud.alice.email}
    cloud.sandbox.fault("throttle", where, {"times": 1}, seconds=3600)
    its_time_comes(cloud)
    held, other = row(cloud.alice).get(), row(cloud.bob).get()
    assert (held.error_code, other.error_code, other.wait_until) == ("throttled", "", None)
    assert held.wait_until > datetime.now(UTC) + timedelta(seconds=3500)
    cloud.alice.outlook.makes("Tea")
    assert its_time_comes(cloud) == {"batch": 1, "calendarView.delta": 1}
    assert cloud.sandbox.counts(cloud.alice.email)["during_back_off"] == 0
    row(cloud.alice).update(wait_until=datetime.now(UTC))
    its_time_comes(cloud)
    assert [one["name"] for one in cloud.alice.activities] == ["Tea"]


def test_what_is_wrong_with_one_its_own_run_finds_and_names(cloud: World) -> None:
    where = {"protocol": "graph", "mailbox": cloud.alice.email}
    cloud.sandbox.fault("response_code", where, status=403, code="ErrorAccessDenied")
    its_time_comes(cloud)
    assert ran() == [cloud.alice.email]
    assert [row(one).get().error_code for one in (cloud.alice, cloud.bob)] == ["mailbox_access_denied", ""]


@pytest.mark.parametrize(
    ("operation", "kind", "what"),
    [("calendarView.delta", "token_invalid", {"token": "delta"}), ("batch", "status", {"status": 503})],
)
def test_a_link_microsoft_forgot_or_a_request_that_fails_loses_nothing(
    cloud: World, operation: str, kind: str, what: dict[str, Any]
) -> None:
    cloud.alice.outlook.makes("Tea")
    where = {"operation": operation} | ({"mailbox": cloud.alice.email} if kind == "token_invalid" else {})
    cloud.sandbox.fault(kind, where, {"times": 2 if kind == "token_invalid" else 1}, **what)
    its_time_comes(cloud)
    assert cloud.alice.email in ran()
    assert [one["name"] for one in cloud.alice.activities] == ["Tea"]
    cloud.is_at_rest()


def test_where_it_is_held_back_as_a_whole_nobody_sends_anything(cloud: World) -> None:
    cloud.sandbox.fault("throttle", {"operation": "batch"}, seconds=3600)
    assert its_time_comes(cloud) == {"batch": 1}
    assert its_time_comes(cloud) == {}
    assert {one.error_code for one in Mailbox.objects.all()} == {"throttled"}


def test_a_nights_comparison_is_a_run_of_its_own(cloud: World) -> None:
    cloud.later(days=1)
    assert its_time_comes(cloud)["batch"] == 0
    assert ran() == [cloud.alice.email, cloud.bob.email]
    assert row(cloud.alice).get().reconciled_on == cloud.now.date()


def test_what_waits_for_another_try_is_tried_by_a_run(cloud: World) -> None:
    cloud.sandbox.fault("response_code", {"operation": "events.create"}, status=400, code="ErrorInvalidRequest")
    cloud.alice.makes("Tea")
    done_here()
    assert row(cloud.alice).get().set_aside_rows.count() == 1
    cloud.sandbox.clear_faults()
    cloud.later(hours=1)
    its_time_comes(cloud)
    assert [one["subject"] for one in cloud.alice.outlook.entries] == ["Tea"]


def test_a_worker_that_dies_before_it_asks_leaves_them_to_the_next_poll(cloud: World) -> None:
    Mailbox.objects.update(next_due=datetime.now(UTC) - timedelta(seconds=1))
    now = datetime.now(UTC)
    assert tick(now) == 2
    assert [task for task, _ in queued()] == [TOGETHER]
    assert tick(now) == 0, "they are asked about soon"
    assert set(Mailbox.objects.values_list("next_due", flat=True)) == {now + timedelta(seconds=300)}


def test_twenty_are_asked_about_at_once_an_organization_at_a_time(boxes: Boxes) -> None:
    boxes.more_of_ours(43)
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    Mailbox.objects.update(first_run_done=True, exchange_token="x", psa_token="x", next_due=now)
    Connection.objects.update(mode="continuous")
    assert tick(now) == 46
    sizes = [len(arguments["mailbox_ids"]) for _, arguments in queued()]
    assert sorted(sizes) == [1, 5, 20, 20]
    Mailbox.objects.update(next_due=now)
    assert tick(now) == 0, "while such jobs wait there is no use for more"


@pytest.mark.parametrize(
    "values",
    [
        {"seq": 1},
        {"failures": 1},
        {"first_run_done": False},
        {"waiting_for": "brake"},
        {"errand": "undo 1"},
        {"exchange_token": ""},
        {"psa_token": ""},
    ],
    ids=lambda values: next(iter(values)),
)
def test_whoever_has_more_to_do_than_to_ask_is_run(boxes: Boxes, values: dict[str, Any]) -> None:
    due = datetime(2026, 3, 2, tzinfo=UTC)
    idle = {"first_run_done": True, "exchange_token": "x", "psa_token": "x", "next_due": due}
    Mailbox.objects.filter(pk=boxes.alice.pk).update(**(idle | values))
    Connection.objects.update(mode="continuous")
    assert tick(due) == 1
    assert [task for task, _ in queued()] == [dirty.TASK]
