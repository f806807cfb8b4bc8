from __future__ import annotations

from datetime import UTC, datetime

import pytest

from samklang.engine.model import Category
from samklang.engine.rules import ActivityType
from samklang.sync.memory import MemoryActivities
from tests.contract.activities import ActivitiesContract, ActivitySide

TYPES = (
    ActivityType("meeting", "Meeting", Category.CALENDAR_ENTRY, is_default=True, ticked=True),
    ActivityType("visit", "Visit", Category.CALENDAR_ENTRY),
)


class TestMemoryActivities(ActivitiesContract):
    @pytest.fixture
    def side(self) -> ActivitySide:
        port = MemoryActivities(lambda: datetime(2026, 3, 2, tzinfo=UTC), "alice", TYPES, page_size=3)
        return ActivitySide(
            port=port,
            type_id="meeting",
            other_type_id="visit",
            renames=lambda id_, title: port.person_edits(id_, title=title),
            deletes=port.person_deletes,
            restores=lambda id_: port.person_restores(id_) or id_,
            forget_tokens=port.shelf.forget_tokens,
        )
