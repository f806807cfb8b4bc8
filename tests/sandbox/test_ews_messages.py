"""Meetings leave messages in the inboxes of those they concern, as Exchange serves them over EWS (EWS facts §2.8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.oracles import ALICE
from tests.sandbox.wire import CALENDAR, EVERYTHING, NAMES, Answer, Wire
from tests.sandbox_client import Sandbox

BOB = "bob@example.com"
INBOX = '<t:DistinguishedFolderId Id="inbox"/>'
PLAN: dict[str, Any] = {
    "subject": "Plan",
    "location": "Rum 1",
    "start": "2026-03-02T09:00:00",
    "end": "2026-03-02T10:00:00",
    "zone": "Europe/Stockholm",
    "attendees": [{"address": BOB, "name": "Bob"}],
}
DAILY = {
    "pattern": {"type": "daily", "interval": 1},
    "range": {"type": "noEnd", "startDate": "2026-03-02", "recurrenceTimeZone": "W. Europe Standard Time"},
}
WITH_CLASS = (
    "<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>"
    '<t:FieldURI FieldURI="item:ItemClass"/></t:AdditionalProperties></m:ItemShape>'
)


@pytest.fixture
def wire(exchange: Sandbox) -> Wire:
    exchange.mailbox(BOB, name="Bob")
    return Wire(exchange)


class Inbox:
    """Somebody's, over EWS."""

    def __init__(self, wire: Wire, address: str) -> None:
        self._wire, self._address = wire, address

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Element and class of each message, oldest first."""
        listing = self.listing()
        for item in listing.all("//m:Changes/t:Create/*"):
            yield item.tag.rpartition("}")[2], item.findtext("t:ItemClass", namespaces=NAMES)

    def listing(self) -> Answer:
        return self._wire.send(
            f"<m:SyncFolderItems>{WITH_CLASS}<m:SyncFolderId>{INBOX}</m:SyncFolderId>"
            "<m:MaxChangesReturned>512</m:MaxChangesReturned></m:SyncFolderItems>",
            address=self._address,
        )

    def newest(self, shape: str = EVERYTHING) -> Answer:
        id, _ = self.listing().ids[-1]
        return self._wire.send(
            f'<m:GetItem>{shape}<m:ItemIds><t:ItemId Id="{id}"/></m:ItemIds></m:GetItem>', address=self._address
        )

    def answer(self, how: str, disposition: str = "SendAndSaveCopy") -> Answer:
        """By the newest message, as people do."""
        id, key = self.listing().ids[-1]
        reference = f'<t:ReferenceItemId Id="{id}" ChangeKey="{key}"/>'
        return self._wire.send(
            f'<m:CreateItem MessageDisposition="{disposition}"><m:Items><t:{how}>{reference}</t:{how}></m:Items>'
            "</m:CreateItem>",
            address=self._address,
        )


REQUEST, CANCELLED = "IPM.Schedule.Meeting.Request", "IPM.Schedule.Meeting.Canceled"


def test_an_invitation_an_update_and_a_cancellation_are_messages(wire: Wire, exchange: Sandbox) -> None:
    meeting = exchange.person_creates(ALICE, send="all", **PLAN)
    exchange.person_edits(ALICE, meeting["id"], send="all", location="Rum 2")
    exchange.person_deletes(ALICE, meeting["id"], send="all")
    inbox = Inbox(wire, BOB)
    assert list(inbox) == [
        ("MeetingRequest", REQUEST),
        ("MeetingRequest", REQUEST),
        ("MeetingCancellation", CANCELLED),
    ]
    assert inbox.newest().text("//t:Subject") == "Canceled: Plan"
    assert list(Inbox(wire, ALICE)) == []


def test_nobody_finds_a_message_of_what_was_not_mailed(wire: Wire, exchange: Sandbox) -> None:
    meeting = exchange.person_creates(ALICE, **PLAN)
    exchange.person_edits(ALICE, meeting["id"], location="Rum 2")
    assert list(Inbox(wire, BOB)) == []


@pytest.mark.parametrize("server", ["2007_sp1", "2010", "2010_sp2", "2013", "2013_sp1", "2016", "se"])
def test_messages_are_what_each_versions_schema_allows(wire: Wire, exchange: Sandbox, server: str) -> None:
    """… and lead to the entry in the calendar. The fixture `exchange` looks whether all was valid."""
    exchange.server(server)
    claimed = {"2007_sp1": "Exchange2007_SP1", "2010": "Exchange2010", "2010_sp2": "Exchange2010_SP2"}
    wire.version = claimed.get(server, "Exchange2013" if server == "2013" else "Exchange2013_SP1")
    exchange.person_creates(ALICE, send="all", recurrence=DAILY, **PLAN)
    (entry,) = exchange.entries(BOB)
    request = Inbox(wire, BOB).newest()
    assert request.text("//t:MeetingRequestType") == "NewMeetingRequest"
    assert request.text("//t:From//t:EmailAddress") == ALICE
    assert [found.get("Id") for found in request.all("//t:AssociatedCalendarItemId")] == [entry["id"]]
    assert request.text("//t:Location") == "Rum 1"
    exchange.person_answers(BOB, entry["id"], "declined")
    response = Inbox(wire, ALICE).newest()
    assert (response.text("//t:ResponseType"), response.text("//t:Subject")) == ("Decline", "Declined: Plan")
    (held,) = exchange.entries(ALICE)
    exchange.person_deletes(ALICE, held["id"], send="all")
    assert Inbox(wire, BOB).newest().codes == ["NoError"]


@pytest.mark.parametrize(
    ("how", "response", "ending"),
    [("AcceptItem", "accepted", "Pos"), ("TentativelyAcceptItem", "tentativelyAccepted", "Tent")],
)
def test_an_invitation_is_answered_by_its_message_and_the_organizer_finds_the_answer(
    wire: Wire, exchange: Sandbox, how: str, response: str, ending: str
) -> None:
    exchange.person_creates(ALICE, send="all", **PLAN)
    answer = Inbox(wire, BOB).answer(how)
    (entry,) = exchange.entries(BOB)
    assert [id for id, _ in answer.ids] == [entry["id"]]
    assert entry["my_response"] == response
    assert list(Inbox(wire, ALICE)) == [("MeetingResponse", f"IPM.Schedule.Meeting.Resp.{ending}")]


def test_an_answer_that_is_only_saved_leaves_no_message(wire: Wire, exchange: Sandbox) -> None:
    exchange.person_creates(ALICE, send="all", **PLAN)
    assert Inbox(wire, BOB).answer("AcceptItem", "SaveOnly").codes == ["NoError"]
    assert list(Inbox(wire, ALICE)) == []


def test_a_message_about_one_date_leads_to_that_date(wire: Wire, exchange: Sandbox) -> None:
    series = exchange.person_creates(ALICE, send="all", recurrence=DAILY, **PLAN)
    exchange.person_edits(ALICE, series["id"], "2026-03-05", send="all", location="Rum 2")
    request = Inbox(wire, BOB).newest()
    assert request.text("//t:Location") == "Rum 2"
    assert (request.text("//t:Start") or "")[:10] == "2026-03-05"
    assert Inbox(wire, BOB).answer("DeclineItem").codes == ["NoError"]
    (copy,) = exchange.entries(BOB)
    assert copy["cancelled"] == ["2026-03-05"]


def test_a_message_is_no_entry_and_goes_when_it_is_deleted(wire: Wire, exchange: Sandbox) -> None:
    exchange.person_creates(ALICE, send="all", **PLAN)
    id, _ = Inbox(wire, BOB).listing().ids[-1]
    ids = f'<m:ItemIds><t:ItemId Id="{id}"/></m:ItemIds>'
    moved = f"<m:MoveItem><m:ToFolderId>{CALENDAR}</m:ToFolderId>{ids}</m:MoveItem>"
    assert wire.send(moved, address=BOB).codes == ["ErrorMoveCopyFailed"]
    deleted = f'<m:DeleteItem DeleteType="HardDelete">{ids}</m:DeleteItem>'
    assert wire.send(deleted, address=BOB).codes == ["NoError"]
    assert list(Inbox(wire, BOB)) == []
    assert len(exchange.entries(BOB)) == 1
