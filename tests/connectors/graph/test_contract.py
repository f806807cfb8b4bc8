"""The calendar contract over Graph against the sandbox."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.connectors.graph.conftest import ALICE, Open
from tests.contract.calendar import CANCELLED, MEETING, SERIES, WHOLE_DAYS, CalendarContract, CalendarSide, ids
from tests.contract.meeting_people import surrounded
from tests.contract.meetings import MeetingContract, MeetingSide
from tests.contract.person import Person
from tests.sandbox_client import Sandbox


class TestGraphCalendar(CalendarContract):
    @pytest.fixture
    def side(self, sandbox: Sandbox, opened: Open) -> CalendarSide:
        alice = Person(sandbox, ALICE)

        def lose_create() -> None:
            where = {"protocol": "graph", "operation": "events.create"}
            sandbox.fault("drop", where, {"times": 1, "side": "after"})

        def spoil(id: str) -> None:
            # The only event of these tests that is asked for by itself.
            assert [entry["id"] for entry in sandbox.entries(ALICE) if entry["recurrence"]] == [id]
            where = {"protocol": "graph", "operation": "events.get"}
            sandbox.fault("response_code", where, status=500, code="ErrorInternalServerError")

        def forget_tokens() -> None:
            where = {"protocol": "graph", "operation": "calendarView.delta"}
            sandbox.fault("token_invalid", where, {"times": 1}, token="delta")

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

    def test_one_unreadable_event_does_not_stop_the_others(self, side: CalendarSide) -> None:
        # A listing holds its events' contents; only a series that deviates is asked for by itself.
        good, bad, also = side.adds(MEETING), side.adds(replace(SERIES, title="Bad")), side.adds(WHOLE_DAYS)
        side.deletes_date(bad, CANCELLED)
        side.spoil(bad)
        pages = list(side.port.read(None))
        assert sorted(ids(pages)) == sorted([good, also])
        assert [each.id for page in pages for each in page.unreadable] == [bad]
        assert pages[-1].token
        assert bad not in side.port.get([bad])


class TestGraphMeetings(MeetingContract):
    @pytest.fixture
    def side(self, sandbox: Sandbox, opened: Open) -> MeetingSide:
        return surrounded(sandbox, ALICE, opened(), can_be_silent=False)
