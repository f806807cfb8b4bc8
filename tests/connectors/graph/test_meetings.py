"""Meetings over Graph beyond their contract: what the service cannot keep quiet is not written (Graph facts §1.6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from samklang.connectors.graph.calendar import GraphCalendar
from samklang.engine.model import Mail, Person, SeenEvent
from samklang.sync.errors import ItemError
from samklang.sync.ports import Calendar
from tests.connectors.graph.conftest import ALICE, APP, SECRET, TENANT
from tests.contract.calendar import MEETING, SERIES, stored
from tests.contract.meeting_people import surrounded
from tests.contract.meetings import BOB, CALLED, CAROL, DAVID, ROOM, MeetingSide
from tests.sandbox.oracles import msgraph_sdk
from tests.sandbox_client import Sandbox


@pytest.fixture
def side(sandbox: Sandbox, calendar: GraphCalendar) -> MeetingSide:
    return surrounded(sandbox, ALICE, calendar, can_be_silent=False)


def refused(port: Calendar, seen: SeenEvent, keys: set[str], mail: Mail) -> str:
    wanted = replace(MEETING, title="New", text="New", people=(*CALLED, DAVID))
    with pytest.raises(ItemError) as caught:
        port.update(seen, wanted, frozenset(keys), mail)
    return caught.value.code


@pytest.mark.parametrize("more", ["title", "text", "sensitivity", "x:2026-03-09"])
def test_what_would_reach_everybody_is_not_written_for_those_who_changed(side: MeetingSide, more: str) -> None:
    seen = stored(side.port, side.calls(SERIES, CALLED))
    assert refused(side.port, seen, {"p:david@example.com", more}, Mail.CHANGED) == "meeting_would_mail"
    assert (side.mailed(), side.writes()) == ([], 0)


def test_nobody_is_asked_to_a_plain_event_in_silence(side: MeetingSide) -> None:
    made = side.port.create(MEETING, "key")
    assert refused(side.port, made, {"p:david@example.com"}, Mail.NONE) == "meeting_would_mail"


def test_a_meeting_nobody_is_left_of_is_a_plain_event_that_can_be_written_and_deleted(side: MeetingSide) -> None:
    seen = stored(side.port, side.calls(MEETING, (BOB,)))
    after = side.port.update(seen, MEETING, frozenset({"p:bob@example.com"}), Mail.CHANGED)
    assert not after.is_meeting
    after = side.port.update(after, replace(MEETING, title="Alone"), frozenset({"title"}))
    side.port.delete(after)
    assert side.mailed() == [("cancellation", BOB.address)]


def test_people_and_a_title_travel_in_one_write_for_all(side: MeetingSide) -> None:
    seen = stored(side.port, side.calls(MEETING, (BOB,)))
    wanted = replace(MEETING, title="New", people=(BOB, DAVID))
    side.port.update(seen, wanted, frozenset({"p:david@example.com", "title"}), Mail.ALL)
    assert sorted(side.mailed()) == [("invitation", DAVID.address), ("update", BOB.address)]
    assert side.writes() == 1


@pytest.mark.oracle
def test_the_sdk_reads_the_people_we_wrote_and_the_answer_we_gave(sandbox: Sandbox, side: MeetingSide) -> None:
    seen = stored(side.port, side.calls(MEETING, CALLED))
    wanted = replace(MEETING, people=(Person("bob@example.com"), CAROL, DAVID))
    side.port.update(seen, wanted, frozenset({"p:david@example.com"}), Mail.CHANGED)
    answered = side.port.respond(stored(side.port, side.invites(replace(MEETING, title="Xenia's"))), "tentative")
    assert answered is not None
    ours = {"tenant": TENANT, "client_id": APP, "secret": SECRET, "user": ALICE}
    read, invitation = msgraph_sdk(sandbox, {"do": "get", "id": seen.id}, {"do": "get", "id": answered.id}, **ours)
    assert [(each["type"], each["emailAddress"]["address"]) for each in read["attendees"]] == [
        ("required", BOB.address),
        ("optional", CAROL.address),
        ("resource", ROOM.address),
        ("required", DAVID.address),
    ]
    assert (invitation["responseStatus"]["response"], invitation["isOrganizer"]) == ("tentativelyAccepted", False)
