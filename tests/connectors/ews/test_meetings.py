"""Meetings over EWS beyond their contract, seen by exchangelib too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from samklang.engine.model import Mail, Person, Sensitivity
from tests.connectors.ews.conftest import ALICE, PASSWORD, Open
from tests.contract.calendar import CANCELLED, MEETING, SERIES, WITH_EXCEPTIONS, stored
from tests.contract.meeting_people import surrounded
from tests.contract.meetings import BOB, CALLED, CAROL, DAVID, ROOM, XENIA, people
from tests.sandbox.oracles import exchangelib
from tests.sandbox_client import Sandbox

ACCOUNT = {"username": "CONTOSO\\sync", "password": PASSWORD, "auth": "ntlm"}


def test_a_date_given_back_is_told_once_and_not_the_detour_it_takes(exchange: Sandbox, opened: Open) -> None:
    side = surrounded(exchange, ALICE, opened(), can_be_silent=True)
    id = side.calls(SERIES, (BOB,))
    side.deletes_date(id, CANCELLED)
    wanted = replace(SERIES, people=(BOB,))
    side.port.update(stored(side.port, id), wanted, frozenset({f"x:{CANCELLED}"}), Mail.ALL)
    assert side.mailed() == [("update", BOB.address)]
    assert exchange.invitation(BOB.address, stored(side.port, id).uid)["cancelled"] == []


def test_a_series_of_somebody_else_keeps_its_exceptions_when_it_is_answered(exchange: Sandbox, opened: Open) -> None:
    side = surrounded(exchange, ALICE, opened(), can_be_silent=True)
    id = side.invites(SERIES)
    (day,) = WITH_EXCEPTIONS.exceptions
    side.changes(day, title="Moved")
    before = stored(side.port, id)
    after = side.port.respond(before, "accepted")
    assert after is not None
    assert after.id != id
    assert after.occurrence_ids.keys() == {day}
    assert after.occurrence_ids != before.occurrence_ids
    assert side.port.get([id]) == {id: None}


def test_a_room_alone_makes_a_meeting_and_who_is_taken_off_last_ends_it(exchange: Sandbox, opened: Open) -> None:
    side = surrounded(exchange, ALICE, opened(), can_be_silent=True)
    seen = stored(side.port, side.calls(MEETING, (BOB, ROOM)))
    after = side.port.update(seen, MEETING, frozenset({"p:bob@example.com"}), Mail.CHANGED)
    assert after.is_meeting
    other = stored(side.port, side.calls(replace(MEETING, title="Other"), (BOB,)))
    after = side.port.update(other, MEETING, frozenset({"p:bob@example.com"}), Mail.CHANGED)
    assert not after.is_meeting


@pytest.mark.parametrize("product", [("2007_sp1", "2007"), ("2013_sp1", "2013")], ids=["2007", "2013"])
def test_a_meeting_whose_uid_is_not_told_is_known_by_its_global_id(exchange: Sandbox, opened: Open) -> None:
    side = surrounded(exchange, ALICE, opened(), can_be_silent=True)
    for id in (side.invites(SERIES), side.calls(MEETING, (BOB,))):
        uid = stored(side.port, id).uid
        exchange.person_edits(ALICE, id, without_uid=True)
        before = side.port.counts.requests
        assert stored(side.port, id).uid == uid != ""
        told = side.port.counts.requests - before
        exchange.person_edits(ALICE, id, without_uid=False)
        before = side.port.counts.requests
        assert stored(side.port, id).uid == uid
        assert side.port.counts.requests - before == told - 1, "asked for only where it is needed"


def test_a_plain_entry_without_uid_stays_without_an_identity(exchange: Sandbox, opened: Open) -> None:
    calendar = opened()
    made = calendar.create(MEETING, "key")
    exchange.person_edits(ALICE, made.id, without_uid=True)
    assert stored(calendar, made.id).uid == ""


@pytest.mark.oracle
def test_exchangelib_reads_the_people_we_wrote_and_the_answer_we_gave(exchange: Sandbox, opened: Open) -> None:
    side = surrounded(exchange, ALICE, opened(), can_be_silent=True)
    seen = stored(side.port, side.calls(MEETING, CALLED))
    wanted = replace(MEETING, people=(Person("bob@example.com"), CAROL, DAVID), sensitivity=Sensitivity.PRIVATE)
    keys = frozenset({"p:david@example.com", "sensitivity"})
    after = side.port.update(seen, wanted, keys, Mail.CHANGED)
    answered = side.port.respond(stored(side.port, side.invites(replace(MEETING, title="Xenia's"))), "tentative")
    assert answered is not None
    read, invitation = exchangelib(exchange, {"do": "get", "id": after.id}, {"do": "get", "id": answered.id}, **ACCOUNT)
    assert [(kind, address) for kind, address, _ in read["people"]] == [
        ("required", BOB.address),
        ("required", DAVID.address),
        ("optional", CAROL.address),
        ("resource", ROOM.address),
    ]
    assert (read["sensitivity"], read["my_response_type"]) == ("Private", "Organizer")
    assert (invitation["my_response_type"], invitation["organizer"]) == ("Tentative", XENIA.address)


@pytest.mark.oracle
def test_we_read_what_exchangelib_asked_answered_and_cancelled(exchange: Sandbox, opened: Open) -> None:
    calendar = opened()
    exchange.mailbox(BOB.address, zone="Europe/Stockholm")
    fields = {
        "subject": "Plan",
        "start": "2026-03-02T09:00:00",
        "end": "2026-03-02T10:00:00",
        "required_attendees": [BOB.address],
        "optional_attendees": [CAROL.address],
    }
    (made,) = exchangelib(exchange, {"do": "create", "fields": fields, "send": "SendToAllAndSaveCopy"}, **ACCOUNT)
    (copy,) = exchange.entries(BOB.address)
    exchangelib(exchange, {"do": "answer", "id": copy["id"], "how": "accept"}, address=BOB.address, **ACCOUNT)
    seen = stored(calendar, made["id"])
    assert people(seen)[1:] == [Person(BOB.address, response="accepted"), Person(CAROL.address, optional=True)]
    exchangelib(exchange, {"do": "answer", "id": made["id"], "how": "cancel"}, **ACCOUNT)
    assert calendar.get([made["id"]]) == {made["id"]: None}
