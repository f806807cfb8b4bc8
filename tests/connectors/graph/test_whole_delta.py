"""The delta of a calendar's events themselves: used where it works, and only there (Graph facts §1.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from samklang.connectors.graph.access import GraphAccess
from samklang.connectors.graph.auth import Tokens
from samklang.connectors.graph.calendar import GraphCalendar
from samklang.connectors.graph.events import WholeDelta
from samklang.engine.model import SeenEvent
from samklang.sync.errors import TokenRejected
from samklang.sync.ports import EventPage
from tests.connectors.graph.conftest import ALICE, Clock
from tests.sandbox_client import Sandbox

MONDAYS = {
    "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"},
    "range": {"type": "noEnd", "startDate": "2026-03-02"},
}
Open = Callable[[WholeDelta], GraphCalendar]


@pytest.fixture
def opens(sandbox: Sandbox, access: GraphAccess, alice: str, clock: Clock) -> Iterator[Open]:
    tokens, calendars = Tokens(access), []

    def make(known: WholeDelta) -> GraphCalendar:
        calendars.append(GraphCalendar(access, tokens, alice, home="Europe/Stockholm", now=clock, whole_delta=known))
        return calendars[-1]

    yield make
    for calendar in calendars:
        calendar.close()
    tokens.close()
    assert sandbox.validation()["failures"] == []


def adds(sandbox: Sandbox, subject: str, day: str = "2026-03-02", **more: Any) -> str:
    fields = {"start": f"{day}T12:00:00", "end": f"{day}T13:00:00", "zone": "Europe/Stockholm"} | more
    return str(sandbox.person_creates(ALICE, subject=subject, **fields)["id"])


def read(calendar: GraphCalendar, token: str | None) -> tuple[dict[str, SeenEvent], tuple[str, ...], str]:
    """Events by title, ids said to be removed, and the token."""
    pages: list[EventPage] = list(calendar.read(token))
    found = {event.entry.title: event for page in pages for event in page.events}
    return found, tuple(id for page in pages for id in page.removed), pages[-1].token or ""


def asked(sandbox: Sandbox) -> dict[str, int]:
    return {name: n for name, n in sandbox.counts(ALICE)["by_operation"].items() if "delta" in name}


@pytest.mark.parametrize("traps", [True, "odd"])
@pytest.mark.parametrize("way", ["plain", "ids"])
def test_where_it_works_each_change_is_asked_for_by_id_wherever_it_is(
    sandbox: Sandbox, opens: Open, way: str, traps: bool | str
) -> None:
    sandbox.graph_behaves(events_delta=way, delta_traps=traps)
    for number in range(3):
        adds(sandbox, f"There {number}")
    gone, series = adds(sandbox, "Gone"), adds(sandbox, "Standup", recurrence=MONDAYS)
    calendar = opens(WholeDelta.UNKNOWN)
    found, _, token = read(calendar, None)
    assert (len(found), calendar.whole_delta) == (5, way)
    sandbox.zero_counts()
    assert read(calendar, token)[0] == {}
    assert asked(sandbox) == {"events.delta": 1}
    adds(sandbox, "Far ahead", "2034-03-02")
    sandbox.person_deletes(ALICE, series, date(2026, 3, 16))
    sandbox.person_edits(ALICE, series, date(2026, 3, 9), subject="Long")
    sandbox.person_deletes(ALICE, gone)
    new, removed, token = read(calendar, token)
    assert set(new) == {"Far ahead", "Standup"} and removed == (found["Gone"].id,)
    assert new["Standup"].entry.cancelled == {date(2026, 3, 16)}
    assert set(new["Standup"].entry.exceptions) == {date(2026, 3, 9)}
    assert read(calendar, token)[:2] == ({}, ())


def test_where_it_is_refused_the_window_serves_and_it_is_not_tried_again(sandbox: Sandbox, opens: Open) -> None:
    calendar = opens(WholeDelta.UNKNOWN)
    read(calendar, None)
    assert calendar.whole_delta is WholeDelta.NO
    sandbox.zero_counts()
    list(opens(calendar.whole_delta).reconcile({}))
    assert asked(sandbox) == {"calendarView.delta": 1}


def test_a_failure_that_says_nothing_of_it_decides_nothing(sandbox: Sandbox, opens: Open) -> None:
    sandbox.fault("status", {"protocol": "graph", "operation": "events.delta"}, status=503)
    calendar = opens(WholeDelta.UNKNOWN)
    adds(sandbox, "Tea")
    assert set(read(calendar, None)[0]) == {"Tea"}
    assert calendar.whole_delta is WholeDelta.UNKNOWN


def test_what_was_tracked_and_is_no_longer_is_listed_anew_and_goes_on_by_the_window(
    sandbox: Sandbox, opens: Open
) -> None:
    sandbox.graph_behaves(events_delta="ids")
    calendar = opens(WholeDelta.IDS)
    _, _, token = read(calendar, None)
    sandbox.graph_behaves()
    adds(sandbox, "Tea")
    with pytest.raises(TokenRejected):
        read(calendar, token)
    assert calendar.whole_delta is WholeDelta.NO
    found, _, token = read(calendar, None)
    assert set(found) == {"Tea"}
    adds(sandbox, "Coffee")
    assert set(read(calendar, token)[0]) == {"Coffee"}


def test_what_expires_is_begun_anew_the_same_way(sandbox: Sandbox, opens: Open) -> None:
    sandbox.graph_behaves(events_delta="ids")
    calendar = opens(WholeDelta.IDS)
    _, _, token = read(calendar, None)
    sandbox.fault("token_invalid", {"protocol": "graph"}, {"times": 1}, token="delta")
    with pytest.raises(TokenRejected):
        read(calendar, token)
    assert calendar.whole_delta is WholeDelta.IDS


def test_the_nights_comparison_goes_over_from_the_window(sandbox: Sandbox, opens: Open) -> None:
    calendar = opens(WholeDelta.NO)
    adds(sandbox, "Tea")
    known, _, _ = read(calendar, None)
    sandbox.graph_behaves(events_delta="plain")
    calendar = opens(WholeDelta.UNKNOWN)
    adds(sandbox, "While it went over")
    pages = list(calendar.reconcile({event.id: event.version for event in known.values()}))
    assert [event.entry.title for page in pages for event in page.events] == ["While it went over"]
    adds(sandbox, "Coffee")
    sandbox.zero_counts()
    assert set(read(calendar, pages[-1].token)[0]) == {"Coffee"}
    assert asked(sandbox) == {"events.delta": 1}
