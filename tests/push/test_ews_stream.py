"""An Exchange Server tells of changes over one connection for many mailboxes; what cannot be heard is polled (9.2)."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from samklang.connectors.ews.soap import envelopes
from samklang.connectors.ews.streaming import Told
from samklang.jobs.listening import Group, Listener
from samklang.mailboxes import access
from samklang.mailboxes.models import Connection, Mailbox, Push
from samklang.mailboxes.push import state
from tests.acceptance.people import Person
from tests.acceptance.world import COMPANY, World
from tests.jobs.world import no_jobs_left
from tests.push.receiver import wait_until
from tests.sandbox_client import Sandbox


@pytest.fixture
def office(sandbox: Sandbox, transactional_db: None) -> Iterator[World]:
    """Alice's and Bob's calendars on an Exchange Server are kept up to date continuously."""
    world = World(sandbox, "ews")
    sandbox.server(world.server, stream_minute_seconds=0.15)
    world.done("connection", "set", "--mode", "continuous", "--org", COMPANY)
    yield world.started(world.alice, world.bob)
    world.close()
    no_jobs_left()


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A worker's; its threads end with the test."""
    made = Listener()
    yield made
    made.stop()
    for thread in made._threads.values():
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def heard(office: World, listener: Listener) -> World:
    listener.look()
    wait_until(lambda: len(office.sandbox.subscriptions()) == 2 and Push.objects.count() == 2)
    return office


def now_is(world: World, server: str, *, version: str) -> None:
    """The server is another from now on, and nobody has heard from it yet. `version`: as the administrator chose it."""
    world.sandbox.server(server, stream_minute_seconds=0.15)
    Connection.objects.update(version=version, server_build="")


def row(person: Person) -> Any:
    return Mailbox.objects.filter(user__email=person.email)


def is_due(person: Person) -> bool:
    mailbox = row(person).get()
    return bool(mailbox.seq > mailbox.synced_seq)


def becomes_due(person: Person) -> None:
    wait_until(lambda: is_due(person))


def lose(world: World, person: Person) -> None:
    for each in world.sandbox.subscriptions():
        if each["mailbox"] == person.email:
            world.sandbox.loses_subscription(each["id"])


def test_a_change_in_outlook_makes_its_mailbox_due_and_no_other(heard: World) -> None:
    heard.alice.outlook.makes("Tea")
    becomes_due(heard.alice)
    assert not is_due(heard.bob)
    assert heard.alice.runs()["psa"]["created"] == 1


def test_all_mailboxes_of_a_server_share_one_connection(heard: World) -> None:
    operations: list[tuple[str, str]] = []

    def told() -> bool:
        operations[:] = [(each["operation"], each["mailbox"]) for each in heard.sandbox.log()]
        return any(operation == "GetStreamingEvents" for operation, _ in operations)

    wait_until(told)
    assert [mailbox for operation, mailbox in operations if operation == "Subscribe"] == [
        heard.alice.email,
        heard.bob.email,
    ]
    assert {mailbox for operation, mailbox in operations if operation == "GetStreamingEvents"} == {heard.alice.email}


def test_a_connection_that_the_server_closed_is_opened_again_with_the_same_subscriptions(heard: World) -> None:
    before = heard.sandbox.subscriptions()
    wait_until(lambda: sum(e["operation"] == "GetStreamingEvents" for e in heard.sandbox.log()) >= 2)
    assert heard.sandbox.subscriptions() == before
    heard.alice.outlook.makes("Tea")
    becomes_due(heard.alice)


def test_our_own_write_coming_back_as_a_notice_writes_nothing(heard: World) -> None:
    """Case 191."""
    heard.alice.makes("Tea")
    assert heard.alice.runs()["exchange"]["created"] == 1
    becomes_due(heard.alice)
    heard.sandbox.zero_counts()
    report = heard.alice.runs()
    assert (report["error"], report["psa"]["updated"], report["psa"]["created"]) == (None, 0, 0)
    assert set(heard.sandbox.counts(heard.alice.email)["writes"].values()) == {0}


def test_a_lost_subscription_is_made_again_and_its_mailbox_looked_at(heard: World) -> None:
    """Case 188: what happened before the new one stands is read by the run it starts."""
    heard.synced()
    lose(heard, heard.alice)
    becomes_due(heard.alice)
    assert not is_due(heard.bob)
    wait_until(lambda: len(heard.sandbox.subscriptions()) == 2)
    heard.alice.runs()
    heard.alice.outlook.makes("Tea")
    becomes_due(heard.alice)


def test_one_mailbox_that_cannot_be_heard_is_polled_and_the_others_are_heard(office: World, listener: Listener) -> None:
    fault = {"code": "ErrorImpersonateUserDenied"}
    office.sandbox.fault("soap_fault", {"operation": "Subscribe", "mailbox": office.alice.email}, **fault)
    listener.look()
    wait_until(lambda: len(office.sandbox.subscriptions()) == 1 and Push.objects.count() == 2)
    assert Push.objects.get(mailbox=row(office.alice).get()).error_code == "impersonation_denied"
    office.bob.outlook.makes("Coffee")
    becomes_due(office.bob)
    office.alice.outlook.makes("Tea")
    assert office.alice.runs()["psa"]["created"] == 1


def test_a_server_that_breaks_off_is_tried_again_later_and_polled_meanwhile(office: World, listener: Listener) -> None:
    office.sandbox.fault("drop", {"operation": "GetStreamingEvents"})
    listener.look()
    wait_until(lambda: Push.objects.filter(error_code="connection_lost").count() == 2)
    office.alice.outlook.makes("Tea")
    assert office.alice.runs()["psa"]["created"] == 1


@pytest.fixture
def others(office: World) -> Iterator[list[Generator[Told]]]:
    """Programs that use our account too, and leave room for one more connection: 2013 holds three open."""
    office.sandbox.server(stream_minute_seconds=60)
    connection = Connection.objects.get()
    streams = [access.stream(connection, office.bob.email) for _ in range(2)]
    heard = [stream.listen([stream.subscribe(office.bob.email)]) for stream in streams]
    for each in heard:
        assert next(each) == Told()  # a sign of life: it is open
    yield heard
    for stream in streams:
        stream.close()


def test_mailboxes_the_server_holds_no_connection_open_for_are_polled_and_heard_when_there_is_room(
    office: World, listener: Listener, others: list[Generator[Told]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """HangingConnectionLimit (EWS facts §2.9). Each mailbox is a group, as if it were two hundred."""
    monkeypatch.setattr("samklang.jobs.listening.MOST", 1)
    monkeypatch.setattr("samklang.jobs.listening.FIRST_WAIT", 0.05)
    listener.look()
    wait_until(lambda: Push.objects.filter(error_code="throttled").count() == 1)
    deaf = Push.objects.get(error_code="throttled").mailbox.user.email
    unheard, heard = (office.alice, office.bob) if deaf == office.alice.email else (office.bob, office.alice)
    heard.outlook.makes("Coffee")
    becomes_due(heard)
    unheard.outlook.makes("Tea")
    assert unheard.runs()["psa"]["created"] == 1
    assert row(unheard).get().wait_until is None  # the mailbox itself is not asked to wait
    for each in others:
        each.close()
    wait_until(lambda: not Push.objects.exclude(error_code="").exists())
    unheard.outlook.makes("More tea")
    becomes_due(unheard)
    mine = [each["mailbox"] for each in office.sandbox.subscriptions()]
    assert (mine.count(office.alice.email), mine.count(office.bob.email)) == (1, 3)  # two are the others'
    listener.stop()
    for each in office.sandbox.subscriptions():
        office.sandbox.loses_subscription(each["id"])  # else its threads would hear on for minutes


@pytest.mark.parametrize(("version", "build"), [("2007", ""), ("2010", "14.0.639.11"), ("office365", "")])
def test_what_cannot_stream_is_not_listened_to(office: World, listener: Listener, version: str, build: str) -> None:
    Connection.objects.update(version=version, server_build=build)
    listener.look()
    assert listener._threads == {}


@pytest.mark.parametrize("server", ["2010_sp1", "2010_sp2", "2010_sp3"])
def test_exchange_2010_with_a_service_pack_tells_of_changes(office: World, listener: Listener, server: str) -> None:
    now_is(office, server, version="2010")
    listener.look()
    wait_until(lambda: Push.objects.filter(expires_at__isnull=False).count() == 2)
    assert state(Connection.objects.get())["push"] == "ews"
    office.alice.outlook.makes("Tea")
    becomes_due(office.alice)
    assert office.alice.runs()["psa"]["created"] == 1


@pytest.mark.parametrize(("server", "version"), [("2010", "2010"), ("2007_sp3", "2010"), ("2007_sp1", "2007")])
def test_an_older_server_is_polled_and_asked_for_no_subscription(
    office: World, listener: Listener, server: str, version: str
) -> None:
    """What it is shows in the first answer; then nobody listens, whatever was chosen."""
    now_is(office, server, version=version)
    for _ in range(3):
        listener.look()
        wait_until(lambda: not any(thread.is_alive() for thread in listener._threads.values()))
    assert [each for each in office.sandbox.log() if each["operation"] in ("Subscribe", "GetStreamingEvents")] == []
    shown = state(Connection.objects.get())
    assert (shown["push"], shown["telling"], shown["troubled"]) == ("old_server", 0, 0)
    office.alice.outlook.makes("Tea")
    assert office.alice.runs()["psa"]["created"] == 1


def test_a_server_that_was_renewed_is_listened_to_from_its_next_answer_on(office: World, listener: Listener) -> None:
    Connection.objects.update(version="2010", server_build="14.0.639.11")
    listener.look()
    assert listener._threads == {}
    assert office.alice.runs()["error"] is None
    listener.look()
    wait_until(lambda: len(office.sandbox.subscriptions()) == 2)


def test_on_use_and_while_paused_nobody_listens(office: World, listener: Listener) -> None:
    Connection.objects.update(mode="on_use")
    listener.look()
    Connection.objects.update(mode="continuous", paused_code="sign_in_refused")
    listener.look()
    assert listener._threads == {}


def test_a_refused_sign_in_pauses_the_connection_after_one_attempt(office: World, listener: Listener) -> None:
    office.sandbox.account("CONTOSO\\sync", "changed meanwhile")
    office.sandbox.zero_counts()
    listener.look()
    wait_until(lambda: Connection.objects.filter(paused_code="sign_in_refused").exists())
    refused = sum(counts["logons_refused"] for counts in office.sandbox.counts().values())
    assert refused == 1


def test_one_worker_at_a_time_listens_and_another_takes_the_place_of_a_dead_one(office: World) -> None:
    first, second = Listener(), Listener()
    connection = Connection.objects.get()
    assert first._claims(connection.pk)
    assert not second._claims(connection.pk)
    assert first._claims(connection.pk)
    Connection.objects.update(listened_until=datetime.now(UTC) - timedelta(seconds=1))
    assert second._claims(connection.pk)
    assert not first._claims(connection.pk)


def test_a_mailbox_whose_server_wants_no_request_is_not_subscribed(office: World, listener: Listener) -> None:
    row(office.alice).update(wait_until=datetime.now(UTC) + timedelta(hours=1))
    group = Group(Connection.objects.get().pk, 0, "x", listener._stopped)
    assert list(group.members().values()) == [office.bob.email]


def test_a_mailbox_told_to_wait_while_others_are_subscribed_is_left_alone(office: World, listener: Listener) -> None:
    where = {"protocol": "ews", "operation": "Subscribe", "mailbox": office.alice.email}
    office.sandbox.fault("delay", where, seconds=0.5)
    office.sandbox.zero_counts()
    listener.look()
    wait_until(lambda: office.sandbox.ask("GET", "/faults")[0]["matched"] == 1)
    row(office.bob).update(wait_until=datetime.now(UTC) + timedelta(hours=1))
    wait_until(lambda: Push.objects.count() == 1)
    assert office.sandbox.counts(office.bob.email)["requests"] == 0


def test_the_administrator_sees_how_many_mailboxes_are_heard(heard: World) -> None:
    seen = state(Connection.objects.get())
    assert (seen["push"], seen["mailboxes"], seen["telling"]) == ("ews", 2, 2)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_envelopes_are_found_however_the_answer_is_cut(size: int) -> None:
    said = [b"<?xml version='1.0'?><s:Envelope a='1'/></s:Envelope>", b"<Envelope><b>&lt;/Envelope&gt;</b></Envelope >"]
    whole = b"".join(said)
    pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
    assert list(envelopes(pieces)) == said
