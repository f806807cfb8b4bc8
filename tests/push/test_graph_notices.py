"""Office 365 tells of changes: a notice makes a mailbox due and does nothing else (rule 9.2; cases 187, 188, 191)."""

from __future__ import annotations

import json
import logging
from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from samklang.accounts.models import Organization
from samklang.accounts.services import add_user
from samklang.jobs.tasks import _run as job
from samklang.mailboxes.models import Connection, Mailbox, Push
from samklang.mailboxes.push import state
from samklang.mailboxes.secrets import open_sealed, seal
from tests.acceptance.people import Person
from tests.acceptance.world import COMPANY, World
from tests.jobs.world import jobs, no_jobs_left
from tests.push.receiver import Receiver, wait_until


def row(person: Person) -> Any:
    return Mailbox.objects.filter(user__email=person.email)


def push(person: Person) -> Push:
    return Push.objects.get(mailbox__user__email=person.email)


def is_due(person: Person) -> bool:
    mailbox = row(person).get()
    return bool(mailbox.seq > mailbox.synced_seq)


def becomes_due(person: Person) -> None:
    wait_until(lambda: is_due(person))


def operations(world: World) -> Counter[str]:
    """What Graph was asked for, since the counts were zeroed."""
    found: Counter[str] = Counter()
    for counts in world.sandbox.counts().values():
        found.update(counts["by_operation"])
    return found


def subscribed(world: World) -> list[str]:
    return sorted(each["mailbox"] for each in world.sandbox.subscriptions())


def post(*notices: dict[str, Any]) -> int:
    """Somebody sends notices to our page."""
    body = json.dumps({"value": list(notices)})
    return Client().post("/notices/graph", body, content_type="application/json").status_code


def notice(person: Person, **changed: Any) -> dict[str, Any]:
    """As Graph would write it, but for the secret, which it alone knows."""
    return {
        "subscriptionId": push(person).subscription_id,
        "clientState": "guessed",
        "changeType": "updated",
        "resource": "Users/1/Events/2",
    } | changed


# -- subscriptions


def test_the_first_continuous_run_subscribes_and_later_ones_ask_nothing_more(told: World, receiver: Receiver) -> None:
    assert subscribed(told) == [told.alice.email, told.bob.email]
    assert len(receiver.handshakes) == 2
    told.sandbox.zero_counts()
    report = told.alice.runs()
    assert (report["error"], report["requests"]) == (None, 1)
    assert operations(told) == {"calendarView.delta": 1}


def test_a_subscription_is_renewed_ahead_of_its_end(told: World) -> None:
    before = push(told.alice)
    told.later(days=2)
    told.sandbox.zero_counts()
    told.alice.runs()
    assert operations(told)["subscriptions.renew"] == 0
    told.later(days=1.5)
    told.alice.runs()
    told.alice.runs()
    after = push(told.alice)
    assert operations(told)["subscriptions.renew"] == 1
    assert after.subscription_id == before.subscription_id
    assert before.expires_at is not None
    assert after.expires_at is not None
    assert after.expires_at > before.expires_at


def test_without_a_public_address_mailboxes_are_polled(told: World) -> None:
    told.settings(SAMKLANG_NOTIFICATION_URL="")
    told.alice.runs()
    assert subscribed(told) == [told.bob.email]
    told.alice.outlook.makes("Tea")
    assert told.alice.runs()["psa"]["created"] == 1


def test_on_use_nobody_subscribes(told: World) -> None:
    told.done("connection", "set", "--mode", "on_use", "--org", COMPANY)
    told.synced()
    assert subscribed(told) == []


def test_a_microsoft_that_cannot_reach_us_does_not_stop_the_runs(told: World, receiver: Receiver) -> None:
    told.sandbox.loses_subscription(push(told.alice).subscription_id)
    receiver.then = lambda got: (_ for _ in ()).throw(ConnectionError)  # the proxy is down
    told.later(days=4)
    told.alice.outlook.makes("Tea")
    assert told.alice.runs()["psa"]["created"] == 1
    assert push(told.alice).error_code == "push_refused"
    told.sandbox.zero_counts()
    told.alice.runs()
    assert operations(told)["subscriptions.create"] == 0, "the next try is an hour later"


def test_a_subscription_nobody_remembers_is_replaced(told: World) -> None:
    Push.objects.all().delete()
    told.alice.runs()
    ids = [each["id"] for each in told.sandbox.subscriptions() if each["mailbox"] == told.alice.email]
    assert ids == [push(told.alice).subscription_id]


# -- notices


def test_the_handshake_is_answered_with_its_token_as_plain_text() -> None:
    answer = Client().post("/notices/graph?validationToken=Validation%3A%20%3Cb%3E%C3%A5")
    assert (answer.status_code, answer.content.decode()) == (200, "Validation: <b>å")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_change_in_outlook_makes_its_mailbox_due_and_no_other(told: World) -> None:
    told.alice.outlook.makes("Tea")
    becomes_due(told.alice)
    assert not is_due(told.bob)
    assert told.alice.runs()["psa"]["created"] == 1


@pytest.mark.parametrize("way", ["twice", "reversed"])
def test_doubled_and_disordered_notices_do_no_harm(told: World, receiver: Receiver, way: str) -> None:
    """Case 187."""
    told.sandbox.graph_behaves(notices=way)
    entry = told.alice.outlook.makes("Tea")
    told.alice.outlook.edits(entry, subject="Coffee")
    gone = told.alice.outlook.makes("Gone at once")
    told.alice.outlook.deletes(gone)
    receiver.waits_for(8 if way == "twice" else 4)
    told.synced()
    assert [one["name"] for one in told.alice.activities] == ["Coffee"]
    assert told.synced().writes == 0


def test_a_lost_notice_is_made_good_by_the_next_poll(told: World) -> None:
    told.sandbox.graph_behaves(notices="lost")
    told.alice.outlook.makes("Tea")
    assert row(told.alice).get().next_due is not None
    assert told.alice.runs()["psa"]["created"] == 1


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"clientState": None},
        {"subscriptionId": "nobody's"},
        {"subscriptionId": ""},
        {"lifecycleEvent": "subscriptionRemoved"},
        {"subscriptionId": 7},
    ],
    ids=["a wrong secret", "no secret", "unknown", "no id", "a life event with a wrong secret", "malformed"],
)
def test_what_microsoft_did_not_send_is_ignored_and_answered_all_the_same(
    told: World, changed: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Case 187."""
    logging.getLogger("samklang").addHandler(caplog.handler)
    before = push(told.alice).subscription_id
    with caplog.at_level(logging.INFO, "samklang.push"):
        assert post(notice(told.alice, **changed)) == 202
    logging.getLogger("samklang").removeHandler(caplog.handler)
    assert not is_due(told.alice)
    assert push(told.alice).subscription_id == before
    assert [record.action for record in caplog.records] == ["notices_ignored"]
    assert not any(secret in str(vars(record)) for record in caplog.records for secret in ("guessed", "Users/"))


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff\xfe", b'{"value": 3}', b"<html>"])
def test_rubbish_is_answered_like_anything_else(transactional_db: None, body: bytes) -> None:
    assert Client().post("/notices/graph", body, content_type="application/json").status_code == 202


def test_notices_that_were_not_believed_are_counted(told: World) -> None:
    post(notice(told.alice), notice(told.alice))
    told.alice.outlook.makes("Tea")
    becomes_due(told.alice)
    assert (push(told.alice).notices, push(told.alice).ignored) == (1, 2)


def test_a_mailbox_that_was_switched_off_hears_nothing(told: World, receiver: Receiver) -> None:
    told.alice.ask("PUT", "/api/me/calendar-sync", {"on": False})
    before = row(told.alice).get().seq
    told.alice.outlook.makes("Tea")
    receiver.waits_for(1)
    assert row(told.alice).get().seq == before
    assert (push(told.alice).notices, push(told.alice).ignored) == (0, 1)


def ended_by_its_job(person: Person) -> None:
    job(row(person).get().pk)


def test_whoever_switches_off_need_not_be_told_any_longer(told: World) -> None:
    no_jobs_left()
    told.alice.ask("PUT", "/api/me/calendar-sync", {"on": False})
    assert [mailbox_id for mailbox_id, _ in jobs()] == [row(told.alice).get().pk]
    ended_by_its_job(told.alice)
    assert subscribed(told) == [told.bob.email]
    assert push(told.alice).subscription_id == ""
    told.sandbox.zero_counts()
    ended_by_its_job(told.alice)
    assert operations(told) == {}, "once"
    told.alice.switches_on()
    told.synced()
    assert subscribed(told) == [told.alice.email, told.bob.email]


def test_where_the_organization_switches_off_nobody_need_be_told(told: World) -> None:
    told.done("connection", "disable", "--org", COMPANY)
    told.sandbox.zero_counts()
    for person in (told.alice, told.bob):
        ended_by_its_job(person)
    assert subscribed(told) == []
    assert operations(told) == {"subscriptions.delete": 2}


def test_one_that_cannot_be_ended_is_left_to_end_by_itself(told: World) -> None:
    told.sandbox.fault("status", {"operation": "subscriptions.delete"}, status=503)
    told.alice.ask("PUT", "/api/me/calendar-sync", {"on": False})
    ended_by_its_job(told.alice)
    told.sandbox.zero_counts()
    ended_by_its_job(told.alice)
    assert operations(told) == {}
    assert post(notice(told.alice)) == 202
    assert not is_due(told.alice)


def test_an_end_that_is_throttled_sends_nothing_more_meanwhile(told: World) -> None:
    told.sandbox.fault("throttle", {"mailbox": "", "operation": "subscriptions.delete"}, {"times": 1}, seconds=3600)
    told.alice.ask("PUT", "/api/me/calendar-sync", {"on": False})
    ended_by_its_job(told.alice)
    told.sandbox.zero_counts()
    ended_by_its_job(told.alice)
    assert operations(told) == {}
    row(told.alice).update(wait_until=None)
    ended_by_its_job(told.alice)
    assert subscribed(told) == [told.bob.email]


def test_one_post_may_be_about_several_tenants(told: World) -> None:
    other = Organization.objects.create(name="Other")
    stranger = add_user(other, "charlie@example.net", "Charlie")
    version = Connection.Version.OFFICE365
    theirs = Connection.objects.create(
        organization=other, version=version, mode="continuous", enabled=True, tenant="t2"
    )
    box = Mailbox.objects.create(user=stranger, connection=theirs, on=True, directory_id="t2/charlie")
    Push.objects.create(mailbox=box, subscription_id="theirs", secret=seal("their secret"))
    ours = notice(told.alice, clientState=open_sealed(push(told.alice).secret), tenantId="t1")
    forged = notice(told.bob, clientState="their secret", tenantId="t2")
    assert post(ours, {"subscriptionId": "theirs", "clientState": "their secret", "tenantId": "t2"}, forged) == 202
    box.refresh_from_db()
    assert (is_due(told.alice), is_due(told.bob), box.seq) == (True, False, 1)


def test_a_post_is_answered_by_writing_it_down_and_nothing_else(told: World) -> None:
    """Microsoft gives three seconds (Graph facts §3.4): what a notice costs must not grow, nor wait for a server."""
    secret = open_sealed(push(told.alice).secret)
    told.sandbox.zero_counts()
    with CaptureQueriesContext(connection) as one:
        post(notice(told.alice, clientState=secret))
    Mailbox.objects.update(synced_seq=F("seq"))
    no_jobs_left()
    with CaptureQueriesContext(connection) as many:
        post(*[notice(told.alice, clientState=secret)] * 300, *[notice(told.alice)] * 300)
    assert len(many) <= len(one) + 1, "the count of those that were not believed"
    assert operations(told) == {}, "nobody was asked anything"
    assert (push(told.alice).notices, push(told.alice).ignored) == (301, 300)


def test_a_notice_sends_no_request_to_a_mailbox_whose_server_wants_none(told: World) -> None:
    told.sandbox.fault("throttle", {"mailbox": told.alice.email}, {"times": 1}, seconds=3600)
    assert told.alice.runs()["error"] == "throttled"
    told.sandbox.zero_counts()
    told.alice.outlook.makes("Tea")
    becomes_due(told.alice)
    assert told.alice.runs()["error"] == "throttled"
    assert operations(told) == {}


def test_our_own_write_coming_back_as_a_notice_writes_nothing(told: World, receiver: Receiver) -> None:
    """Case 191."""
    told.alice.makes("Tea")
    assert told.alice.runs()["exchange"]["created"] == 1
    receiver.waits_for(1)
    becomes_due(told.alice)
    told.sandbox.zero_counts()
    report = told.alice.runs()
    assert (report["error"], report["psa"]["updated"], report["psa"]["created"]) == (None, 0, 0)
    assert set(told.sandbox.counts(told.alice.email)["writes"].values()) == {0}


# -- its own life


def test_one_that_ended_while_we_were_down_is_made_again_and_the_gap_is_read(told: World) -> None:
    """Case 188."""
    told.later(days=8)
    told.alice.outlook.makes("Tea")
    report = told.alice.runs()
    assert report["psa"]["created"] == 1
    assert subscribed(told) == [told.alice.email]
    told.alice.outlook.makes("Coffee")
    becomes_due(told.alice)


def test_it_is_renewed_when_microsoft_asks_for_it(told: World) -> None:
    told.sandbox.tells_lifecycle(push(told.alice).subscription_id, "reauthorizationRequired")
    becomes_due(told.alice)
    told.sandbox.zero_counts()
    told.alice.runs()
    told.alice.runs()
    assert operations(told)["subscriptions.renew"] == 1


def test_it_is_made_again_when_microsoft_removed_it_and_the_gap_is_read(told: World) -> None:
    told.sandbox.tells_lifecycle(push(told.alice).subscription_id, "subscriptionRemoved")
    told.alice.outlook.makes("Tea")
    assert told.alice.runs()["psa"]["created"] == 1
    assert subscribed(told) == [told.alice.email, told.bob.email]


def test_missed_notices_make_the_mailbox_due(told: World) -> None:
    before = push(told.alice).subscription_id
    told.sandbox.tells_lifecycle(before, "missed")
    becomes_due(told.alice)
    told.alice.runs()
    assert push(told.alice).subscription_id == before


def test_a_life_event_nobody_knows_yet_is_ignored(told: World) -> None:
    told.sandbox.tells_lifecycle(push(told.alice).subscription_id, "somethingNew")
    assert not is_due(told.alice)


# -- what the administrator sees


def test_the_administrator_sees_how_many_mailboxes_tell_by_themselves(told: World) -> None:
    connection = row(told.alice).get().connection
    seen = state(connection)
    assert (seen["push"], seen["mailboxes"], seen["telling"]) == ("graph", 2, 2)
    assert seen["reconciled_last"] == told.now.date()
    told.later(days=8)
    assert state(connection)["telling"] == 0
    told.settings(SAMKLANG_NOTIFICATION_URL="")
    assert state(connection)["push"] == "no_address"
