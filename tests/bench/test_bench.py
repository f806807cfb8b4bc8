"""`samklang bench --quick --json`: every figure is there, and those that are counted are what they must be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROTOCOLS = ("ews", "graph")


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return _measured(tmp_path_factory)


def _measured(tmp_path_factory: pytest.TempPathFactory, *more: str) -> dict[str, Any]:
    # From a folder without .venv-oracles: the figures of ours do not need other people's clients.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(Path(each).resolve()) for each in ("src", "."))}
    done = subprocess.run(
        [sys.executable, "-m", "samklang", "bench", "--quick", "--json", *more],
        stdout=subprocess.PIPE,
        env=environment,
        cwd=tmp_path_factory.mktemp("elsewhere"),
        check=True,
    )
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_change_is_written_once_to_each_place_it_must_reach(figures: dict[str, Any], protocol: str) -> None:
    writes = figures[f"writes_{protocol}"]
    assert writes["places"] > writes["changes"] > 0
    assert writes["exchange"] + writes["psa"] == writes["places"]
    assert writes["journal_exchange"] == writes["exchange"]
    assert writes["per_place"] == 1
    assert writes["mails"] == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_idle_mailbox_costs_one_request_and_no_write(figures: dict[str, Any], protocol: str) -> None:
    idle = figures[f"idle_{protocol}"]
    assert (idle["requests"], idle["writes"]) == (1, 0)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_first_run_is_measured_in_both_directions(figures: dict[str, Any], protocol: str) -> None:
    first = figures[f"first_run_{protocol}"]
    assert first["entries"] == figures["sizes"]["first_run"]
    assert first["per_second"] > 0 < first["cpu"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_reading_is_measured_and_says_how_to_get_what_it_is_compared_with(
    figures: dict[str, Any], protocol: str
) -> None:
    reading = figures[f"reading_{protocol}"]
    assert reading["own_us"] > 0
    assert reading["ratio"] is None
    assert "./run bench" in reading["missing"]


def test_what_is_counted_meets_its_goals(figures: dict[str, Any]) -> None:
    counted = [goal for goal in figures["goals"] if "write" in goal["name"] or "request" in goal["name"]]
    assert len(counted) == 2 * len(PROTOCOLS)
    assert all(goal["met"] for goal in counted)
    assert not any("times as much" in goal["name"] for goal in figures["goals"]), "nobody was compared with"


@pytest.fixture(scope="module")
def first_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return _measured(tmp_path_factory, "--first-run")


@pytest.mark.full
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_calendar_that_stands_on_both_sides_is_read_in_full_pages(first_runs: dict[str, Any], protocol: str) -> None:
    asked = first_runs[f"matched_{protocol}"]
    # Whether a tenant tracks events without a window is tried once, in two ways.
    tried = sum(asked["by_operation"].get(one, 0) for one in ("calendars.get", "events.delta"))
    assert tried <= 4 * (protocol == "graph")
    # The sandbox's Graph fills its delta pages less than it is asked to.
    assert asked["least"] <= asked["requests"] - tried <= asked["least"] + (protocol == "graph")


@pytest.mark.full
def test_each_entry_of_a_first_run_is_written_by_one_request(first_runs: dict[str, Any]) -> None:
    ews, graph = (first_runs[f"written_{protocol}"] for protocol in PROTOCOLS)
    assert ews["by_operation"]["CreateItem"] == ews["entries"]
    assert graph["by_operation"]["events.create"] == graph["entries"]
    # What was made is read back, one by one over EWS, and in the pages of the round that follows.
    assert ews["requests"] <= ews["least"] + ews["entries"] + 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_case_220_the_way_of_a_change_to_the_other_side_is_timed_in_both_directions(
    figures: dict[str, Any], protocol: str
) -> None:
    waits = figures[f"waiting_{protocol}"]
    assert waits["changes"] == figures["sizes"]["waits"]
    for start in ("from_psa", "from_exchange"):
        assert 0 < waits[f"{start}_median"] <= waits[f"{start}_p95"]


def test_memory_is_measured_at_two_sizes(figures: dict[str, Any]) -> None:
    memory = figures["memory"]
    assert memory["large"] > memory["small"]
    for kind in ("first", "idle"):
        # A Python process with a database driver is never smaller: less would be somebody else's peak.
        assert memory[f"{kind}_small"] > 20e6
        assert isinstance(memory[f"{kind}_per_entry"], int)


@pytest.mark.full
def test_with_severa_as_the_psa_no_request_is_needless_and_none_too_many_at_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    one = _measured(tmp_path_factory, "--severa")["rate"]
    assert one["most_in_a_second"] <= one["admitted"] == 10
    # What the polls asked for that came meanwhile.
    polls = 2 * (1 + one["seconds"] // 50)
    assert one["least"] <= one["requests"] <= one["least"] + polls
    assert one["idle_requests"] <= 2 * (one["idle_polls"] + 1)
