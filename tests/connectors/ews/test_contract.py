"""The calendar contract over EWS against the sandbox: 2013 SP1 in every run, the others in the full one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.connectors.ews.conftest import Open
from tests.contract.calendar import MEETING, WHEN, CalendarContract, CalendarSide
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
    @pytest.fixture
    def side(self, opened: Open, alice: Person) -> MeetingSide:
        return surrounded(alice.sandbox, alice.address, opened(), can_be_silent=True)


class _On2007:
    @pytest.fixture
    def product(self) -> tuple[str, str]:
        return "2007_sp1", "2007"


class _On2010:
    @pytest.fixture
    def product(self) -> tuple[str, str]:
        return "2010_sp2", "2010"


class _On2016:
    @pytest.fixture
    def product(self) -> tuple[str, str]:
        return "2016", "2016"


class _OnSE:
    @pytest.fixture
    def product(self) -> tuple[str, str]:
        return "se", "se"


@pytest.mark.full
class TestEwsCalendar2007(_On2007, TestEwsCalendar):
    def test_a_timed_entry_keeps_both_its_zones(self, side: CalendarSide) -> None:
        # 2007 has one zone for an event: the instants stay, in the zone it starts in.
        flight = replace(WHEN, end=WHEN.end + timedelta(hours=8), end_zone="America/New_York")
        made = side.port.create(replace(MEETING, when=flight), "key")
        assert made.entry.when == replace(flight, end_zone=None)


@pytest.mark.full
class TestEwsMeetings2007(_On2007, TestEwsMeetings):
    pass


@pytest.mark.full
class TestEwsCalendar2010(_On2010, TestEwsCalendar):
    pass


@pytest.mark.full
class TestEwsMeetings2010(_On2010, TestEwsMeetings):
    pass


@pytest.mark.full
class TestEwsCalendar2016(_On2016, TestEwsCalendar):
    pass


@pytest.mark.full
class TestEwsMeetings2016(_On2016, TestEwsMeetings):
    pass


@pytest.mark.full
class TestEwsCalendarSE(_OnSE, TestEwsCalendar):
    pass


@pytest.mark.full
class TestEwsMeetingsSE(_OnSE, TestEwsMeetings):
    pass
