from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from samklang.engine.model import Entry
from samklang.engine.recurrence import occurrence
from samklang.sync.errors import Unavailable
from samklang.sync.memory import MemoryCalendar
from tests.contract.calendar import CalendarContract, CalendarSide


class TestMemoryCalendar(CalendarContract):
    @pytest.fixture
    def side(self) -> CalendarSide:
        port = MemoryCalendar(lambda: datetime(2026, 3, 1, tzinfo=UTC), page_size=3)

        def held(id_: str) -> Entry:
            return port.shelf.shown()[id_].entry

        def edits_date(id_: str, day: date, title: str) -> None:
            changed = replace(occurrence(held(id_), day), title=title)
            port.person_edits(id_, exceptions={**held(id_).exceptions, day: changed})

        def deletes_date(id_: str, day: date) -> None:
            rest = {each: changed for each, changed in held(id_).exceptions.items() if each != day}
            port.person_edits(id_, exceptions=rest, cancelled=held(id_).cancelled | {day})

        def writes() -> Mapping[str, int]:
            return dict(port.shelf.writes)

        return CalendarSide(
            port=port,
            another=lambda: port,
            adds=port.person_adds,
            edits=port.person_edits,
            edits_date=edits_date,
            deletes=port.person_deletes,
            deletes_date=deletes_date,
            touches=port.person_marks,
            forget_tokens=port.shelf.forget_tokens,
            lose_create=lambda: port.faults.arm(Unavailable(), on="exchange.create", after=True),
            spoil=port.unreadable.add,
            writes=writes,
            mails=lambda: len(port.post.mails),
        )
