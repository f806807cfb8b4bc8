"""The memory ports themselves: what their knobs do. Their contracts are tested in tests/contract."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from samklang.engine.model import Category, Entry, Timed
from samklang.engine.rules import ActivityType
from samklang.sync.errors import TokenRejected, Unavailable, VersionConflict
from samklang.sync.memory import Faults, MemoryActivities, MemoryCalendar, MemoryStore, PowerCut

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MEETING = Entry("Tea", Timed(NOW, NOW, "Europe/Stockholm"))
TYPES = (ActivityType("visit", "Visit", Category.CALENDAR_ENTRY, is_default=True, ticked=True),)


def clock() -> datetime:
    return NOW


def read_all(calendar: MemoryCalendar, token: str | None) -> tuple[set[str], set[str], str | None]:
    pages = list(calendar.read(token))
    return {e.id for p in pages for e in p.events}, {i for p in pages for i in p.removed}, pages[-1].token


def test_a_token_gives_what_changed_and_went_since() -> None:
    calendar = MemoryCalendar(clock, page_size=2)
    ids = [calendar.person_adds(MEETING) for _ in range(5)]
    seen, removed, token = read_all(calendar, None)
    assert seen == set(ids) and not removed
    calendar.person_edits(ids[1], title="Coffee")
    calendar.person_deletes(ids[2])
    assert read_all(calendar, token)[:2] == ({ids[1]}, {ids[2]})


def test_a_forgotten_token_is_rejected() -> None:
    calendar = MemoryCalendar(clock)
    token = read_all(calendar, None)[2]
    calendar.shelf.forget_tokens()
    with pytest.raises(TokenRejected):
        list(calendar.read(token))


def test_a_create_whose_answer_is_lost_took_effect_and_is_found_by_its_key() -> None:
    calendar = MemoryCalendar(clock)
    calendar.faults.arm(Unavailable(), on="exchange.create", after=True)
    with pytest.raises(Unavailable):
        calendar.create(MEETING, "key")
    found = calendar.find_created("key")
    assert found is not None and calendar.create(MEETING, "key") == found
    assert len(calendar.shelf.shown()) == 1


def test_a_write_with_an_old_version_is_refused() -> None:
    calendar = MemoryCalendar(clock)
    item = calendar.person_adds(MEETING)
    seen = calendar.shelf.shown()[item]
    calendar.shelf.meanwhile.append(lambda: calendar.person_edits(item, place="Attic"))
    with pytest.raises(VersionConflict):
        calendar.update(seen, MEETING, frozenset({"title"}))
    assert calendar.shelf.shown()[item].entry.place == "Attic"


def test_calls_of_all_ports_are_counted_together_and_the_chosen_one_is_cut() -> None:
    faults = Faults()
    activities = MemoryActivities(clock, "alice", TYPES, faults=faults)
    store = MemoryStore(faults=faults)
    faults.arm(PowerCut(), nth=2)
    store.state()
    with pytest.raises(PowerCut):
        activities.create(MEETING, "visit", "key")
    assert not activities.shelf.shown() and faults.calls == ["store.state", "psa.create"]


def test_a_deleted_activity_lies_in_the_trash_and_comes_back_with_its_id() -> None:
    activities = MemoryActivities(clock, "alice", TYPES)
    activity = activities.create(MEETING, "visit", "key")
    activities.delete(activity)
    assert activities.get([activity.id]) == {activity.id: None}
    activities.person_restores(activity.id)
    assert activities.find_created("key") is not None
