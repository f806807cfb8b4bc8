"""What is due is put in, once, bounded, the organizations in turn; what is not due is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from samklang.jobs import tick as ticking
from samklang.jobs.tick import tick
from samklang.mailboxes import dirty
from samklang.mailboxes.models import Connection, Mailbox
from tests.jobs.world import Boxes, Runs, drain, jobs

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SOON = NOW + timedelta(seconds=1)


def change(box: Mailbox | Connection, **values: object) -> None:
    type(box)._default_manager.filter(pk=box.pk).update(**values)


@pytest.mark.parametrize(
    ("row", "due"),
    [
        ({}, False),
        ({"next_due": NOW}, True),
        ({"next_due": SOON}, False),
        ({"seq": 1}, True),
        ({"seq": 1, "synced_seq": 1}, False),
        ({"seq": 1, "next_due": SOON}, True),
        ({"seq": 1, "next_due": SOON, "failures": 1}, False),
        ({"seq": 1, "next_due": NOW, "failures": 1}, True),
        ({"next_due": NOW, "on": False}, False),
        ({"next_due": NOW, "seq": 1, "wait_until": SOON}, False),
        ({"seq": 1, "wait_until": NOW}, True),
    ],
    ids=[
        "nothing to do",
        "its time has come",
        "its time is not yet",
        "changed since it was synced",
        "synced since it changed",
        "changed, and not waiting for the next poll",
        "changed, and backing off after a failure",
        "the back-off is over",
        "switched off by its user",
        "its server asks to wait",
        "its server asked to wait until now",
    ],
)
def test_a_mailbox_is_put_in_when_it_is_due(boxes: Boxes, row: dict[str, object], due: bool) -> None:
    change(boxes.alice, **row)
    assert tick(NOW) == due
    assert jobs() == ([(boxes.alice.pk, "todo")] if due else [])


def test_a_paused_organization_and_a_user_who_left_are_not_put_in(boxes: Boxes) -> None:
    Mailbox.objects.update(next_due=NOW)
    change(boxes.ours, enabled=False)
    boxes.charlie.user.is_active = False
    boxes.charlie.user.save()
    assert tick(NOW) == 0


def test_a_mailbox_with_a_job_is_not_put_in_again(boxes: Boxes, runs: Runs) -> None:
    change(boxes.alice, next_due=NOW)
    assert [tick(NOW), tick(NOW)] == [1, 0]

    def tick_while_it_runs() -> None:
        if len(runs.seen) < 3:  # … which would otherwise go on for ever
            tick(NOW)

    runs.meanwhile = tick_while_it_runs
    drain()
    assert runs.mailboxes == [boxes.alice.pk]


def test_organizations_take_turns(boxes: Boxes) -> None:
    boxes.more_of_ours(3)
    Mailbox.objects.update(next_due=NOW)
    tick(NOW)
    turn = [mailbox_id for mailbox_id, _ in jobs()].index(boxes.charlie.pk)
    assert turn == 1


def test_one_organization_has_a_bounded_number_waiting(
    boxes: Boxes, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticking, "WAITING_PER_ORGANIZATION", 3)
    boxes.more_of_ours(4)
    Mailbox.objects.update(next_due=NOW)

    assert tick(NOW) == 3 + 1
    assert tick(NOW) == 0
    drain()
    assert tick(NOW) == 3 + 1


def test_an_idle_tick_writes_nothing(boxes: Boxes) -> None:
    with CaptureQueriesContext(connection) as queries:
        tick(NOW)
    assert [q["sql"].split()[0].lower() for q in queries if "savepoint" not in q["sql"].lower()] == [
        "begin",
        "select",
        "with",
        "select",
        "select",
        "commit",
    ]


def test_two_workers_do_not_tick_at_once(boxes: Boxes) -> None:
    change(boxes.alice, next_due=NOW)
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("select pg_advisory_lock(%s)", [ticking._TICKING])
        assert tick(NOW) == 0
        other.execute("select pg_advisory_unlock(%s)", [ticking._TICKING])
    assert tick(NOW) == 1


def test_a_change_is_put_in_with_its_transaction_and_once(boxes: Boxes) -> None:
    dirty.mark([boxes.alice.user_id])
    dirty.mark([boxes.alice.user_id, boxes.charlie.user_id])
    assert jobs() == [(boxes.alice.pk, "todo"), (boxes.charlie.pk, "todo")]
    assert tick(NOW) == 0
