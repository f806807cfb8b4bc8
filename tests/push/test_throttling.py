"""A server that asks to wait is left alone, by everybody and for everything; other mailboxes go on (rule 10.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from samklang.jobs.tasks import _run as job
from samklang.mailboxes import outcome
from samklang.mailboxes.models import Mailbox
from tests.acceptance.people import Person
from tests.acceptance.world import World
from tests.installation import ApiRefused


def requests(person: Person) -> int:
    return int(person.installation.sandbox.counts(person.email)["requests"])


def row(person: Person) -> Any:
    return Mailbox.objects.filter(user__email=person.email)


def over(person: Person) -> None:
    """The time the server asked for has passed: real time, which no test moves."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    row(person).update(wait_until=past, next_due=past)


def throttled(office: World, **what: Any) -> None:
    """Alice's next request is answered "wait an hour"."""
    order = {"seconds": 3600} | what
    office.sandbox.fault("throttle", {"mailbox": office.alice.email}, {"times": 1}, **order)
    assert office.alice.runs()["error"] == "throttled"
    office.sandbox.zero_counts()


def test_no_request_goes_out_while_the_server_wants_none_whoever_asks(office: World) -> None:
    throttled(office)
    alice = office.alice
    alice.makes("Tea")
    alice.ask("POST", "/api/me/calendar-sync/run")
    alice.ask("POST", "/api/connection/run")
    job(row(alice).get().pk)
    assert alice.runs("--reconcile")["error"] == "throttled"
    with pytest.raises(ApiRefused) as refused:
        alice.ask("GET", "/api/me/calendar-sync/plan")
    assert refused.value.body["code"] == "throttled"
    assert requests(alice) == 0
    assert alice.outlook.entries == []


def test_a_connection_test_sends_nothing_meanwhile_and_says_until_when(office: World) -> None:
    throttled(office)
    tested = office.command("connection", "test", "--address", office.alice.email, "--json")
    (step,) = tested.json["steps"]
    assert (step["ok"], step["code"], tested.status) == (False, "throttled", 1)
    assert datetime.fromisoformat(step["until"]) == row(office.alice).get().wait_until.replace(microsecond=0)
    assert requests(office.alice) == 0
    assert office.done("connection", "show", "--json").json["tested"] is True, "the test before still counts"
    assert office.command("connection", "test", "--address", office.bob.email).status == 0


def test_a_connection_test_that_is_throttled_holds_the_runs_back_as_well(office: World) -> None:
    office.sandbox.fault("throttle", {"mailbox": office.alice.email}, {"times": 1}, seconds=3600)
    assert office.command("connection", "test", "--address", office.alice.email).status == 1
    office.sandbox.zero_counts()
    assert office.alice.runs()["error"] == "throttled"
    assert requests(office.alice) == 0


def test_other_mailboxes_go_on_meanwhile(office: World) -> None:
    throttled(office)
    office.bob.makes("Coffee")
    assert office.bob.runs()["error"] is None
    assert [entry["subject"] for entry in office.bob.outlook.entries] == ["Coffee"]


def test_afterwards_the_run_goes_on_with_everything_that_came_meanwhile(office: World) -> None:
    throttled(office)
    office.alice.makes("Tea")
    over(office.alice)
    assert office.alice.runs()["error"] is None
    assert [entry["subject"] for entry in office.alice.outlook.entries] == ["Tea"]


def test_the_wait_is_as_long_as_the_server_says(office: World) -> None:
    before = datetime.now(UTC)
    throttled(office)
    mailbox = row(office.alice).get()
    assert mailbox.wait_until - before >= timedelta(hours=1)
    assert mailbox.next_due == mailbox.wait_until


@pytest.mark.parametrize("chance", [0.5, pytest.param(0.0, marks=pytest.mark.full)])
def test_where_the_server_does_not_say_how_long_each_time_is_twice_as_long(
    office: World, monkeypatch: pytest.MonkeyPatch, chance: float
) -> None:
    monkeypatch.setattr(outcome, "chance", lambda: chance)
    if office.protocol == "ews":
        office.sandbox.fault("soap_fault", {"mailbox": office.alice.email}, code="ErrorServerBusy")
    else:
        office.sandbox.fault("throttle", {"mailbox": office.alice.email}, form="absent")
    waits = []
    for _ in range(4):
        before = datetime.now(UTC)
        assert office.alice.runs()["error"] == "throttled"
        mailbox = row(office.alice).get()
        assert mailbox.next_due == mailbox.wait_until
        waits.append(mailbox.wait_until - before)
        over(office.alice)
    least = [timedelta(seconds=15 * (1 + chance) * 2**n) for n in range(4)]
    assert all(wait >= low for low, wait in zip(least, waits, strict=True))


def test_a_wait_asked_for_inside_a_batch_is_obeyed_too(office: World) -> None:
    """Exchange throttles single items of a GetItem inside a good answer; Graph each request by itself."""
    office.alice.outlook.makes("One")
    office.alice.outlook.makes("Two")
    if office.protocol == "ews":
        fault = {"code": "ErrorServerBusy", "item": 1, "back_off_ms": 3_600_000}
        where = {"protocol": "ews", "operation": "GetItem"}
        office.sandbox.fault("response_code", where, {"times": 1}, **fault)
        assert office.alice.runs()["error"] == "throttled"
        office.sandbox.zero_counts()
    else:
        throttled(office, form="fractional")
    assert office.alice.runs()["error"] == "throttled"
    assert requests(office.alice) == 0
    over(office.alice)
    assert office.alice.runs()["error"] is None
    assert sorted(one["name"] for one in office.alice.activities) == ["One", "Two"]


def test_a_preview_that_is_throttled_holds_the_runs_back_as_well(office: World) -> None:
    office.sandbox.fault("throttle", {"mailbox": office.alice.email}, {"times": 1}, seconds=3600)
    with pytest.raises(ApiRefused):
        office.alice.ask("GET", "/api/me/calendar-sync/plan")
    office.sandbox.zero_counts()
    assert office.alice.runs()["error"] == "throttled"
    assert requests(office.alice) == 0


def test_a_mailbox_never_meets_more_than_four_requests_at_once(office: World) -> None:
    for number in range(12):
        office.alice.outlook.makes(f"Entry {number}")
        office.alice.makes(f"Activity {number}")
    office.sandbox.zero_counts()
    assert office.alice.runs()["error"] is None
    assert 1 <= office.sandbox.counts(office.alice.email)["max_concurrent"] <= 4
