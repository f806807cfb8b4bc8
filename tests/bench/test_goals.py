"""What `samklang bench` is to show is judged by its figures, and by those alone."""

from __future__ import annotations

from typing import Any

import pytest

from samklang.cli.bench.goals import goals


def figures(**changes: dict[str, Any]) -> dict[str, Any]:
    """Of a bench that meets everything, but for these."""
    found: dict[str, Any] = {}
    for protocol, peer, ratio in (("ews", "exchangelib", 10.0), ("graph", "msgraph-sdk", 100.0)):
        found[f"reading_{protocol}"] = {"own_us": 150.0, "peer": peer, "ratio": ratio}
        found[f"writes_{protocol}"] = {"per_place": 1.0, "mails": 0}
        found[f"idle_{protocol}"] = {"requests": 1}
        found[f"waiting_{protocol}"] = {"from_psa_p95": 10.0, "from_exchange_p95": 10.0}
    return {name: values | changes.get(name, {}) for name, values in found.items()}


def missed(**changes: dict[str, Any]) -> list[str]:
    return [goal.name for goal in goals(figures(**changes)) if not goal.met]


def test_a_figure_that_is_just_good_enough_meets_its_goal() -> None:
    assert missed() == []


@pytest.mark.parametrize(
    ("changes", "goal"),
    [
        ({"reading_ews": {"own_us": 150.1}}, "EWS: an event is read in 150 µs"),
        ({"reading_ews": {"ratio": 9.9}}, "EWS: exchangelib takes 10 times as much"),
        ({"reading_graph": {"ratio": 99.9}}, "Graph: msgraph-sdk takes 100 times as much"),
        ({"writes_graph": {"per_place": 1.083}}, "Graph: one write for each place, no mail"),
        ({"writes_ews": {"mails": 1}}, "EWS: one write for each place, no mail"),
        ({"idle_graph": {"requests": 2}}, "Graph: one request of an idle mailbox"),
        ({"waiting_ews": {"from_psa_p95": 10.1}}, "EWS: 19 of 20 changes on the other side within 10 s"),
        ({"waiting_ews": {"from_exchange_p95": 10.1}}, "EWS: 19 of 20 changes on the other side within 10 s"),
    ],
)
def test_one_that_is_not_misses_its_own_and_no_other(changes: dict[str, Any], goal: str) -> None:
    assert missed(**changes) == [goal]


def test_nobody_is_compared_with_a_client_that_is_not_here() -> None:
    told = goals(figures(reading_ews={"ratio": None}))
    assert not any("exchangelib" in goal.name for goal in told)
