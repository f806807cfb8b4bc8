"""The calendar contract over EWS against the sandbox."""

from __future__ import annotations

import pytest

from tests.connectors.ews.conftest import Open
from tests.contract.calendar import CalendarContract, CalendarSide
from tests.contract.meeting_people import surrounded
from tests.contract.meetings import MeetingContract, MeetingSide
from tests.contract.person import Person


class TestEwsCalendar(CalendarContract):
    @pytest.fixture
    def side(self, opened: Open, alice: Person) -> CalendarSide:
        sandbox = alice.sandbox

        def lose_create() -> None:
            sandbox.fault("drop", {"protocol": "ews", "operation": "CreateItem"}, {"times": 1, "side": "after"})

        def spoil(id: str) -> None:
            place = [entry["id"] for entry in sandbox.entries(alice.address)].index(id)
            where = {"protocol": "ews", "operation": "GetItem"}
            sandbox.fault("response_code", where, code="ErrorItemCorrupt", item=place)

        def forget_tokens() -> None:
            sandbox.fault("stale", {"protocol": "ews", "operation": "SyncFolderItems"}, {"times": 1})

        return CalendarSide(
            port=opened(),
            another=opened,
            adds=alice.adds,
            edits=alice.edits,
            edits_date=alice.edits_date,
            deletes=alice.deletes,
            deletes_date=alice.deletes_date,
            touches=alice.touches,
            forget_tokens=forget_tokens,
            lose_create=lose_create,
            spoil=spoil,
            writes=alice.writes,
            mails=alice.mails,
        )


class TestEwsMeetings(MeetingContract):
    @pytest.fixture(params=["2013_sp1", "se"])
    def side(self, request: pytest.FixtureRequest, opened: Open, alice: Person) -> MeetingSide:
        alice.sandbox.server(request.param, ("ntlm",))
        return surrounded(alice.sandbox, alice.address, opened(), can_be_silent=True)
