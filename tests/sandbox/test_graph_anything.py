"""Whatever Graph is sent, the sandbox's answers as Microsoft's metadata says, and does not fail."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.sandbox.graph_client import ALICE, BOB, STOCKHOLM, Graph, graph, timed, weekly

__all__ = ["graph"]

PATH = Path(os.environ.get("SAMKLANG_SCHEMAS") or "../shared/schemas") / "graph-calendar-openapi.yaml"
pytestmark = pytest.mark.skipif(not PATH.exists(), reason="Graph's OpenAPI document is not at hand")

#: Requests to each operation; in every run to those of the default calendar, by the address the others stand for too.
EXAMPLES = [pytest.param(1, id="few"), pytest.param(30, id="many", marks=pytest.mark.full)]
AGAIN = ("/users/{user-id}/calendar/", "/users/{user-id}/calendars/{calendar-id}/")
#: Paths of the document the sandbox has nothing at.
NOT_SERVED = ("getSchedule", "translateExchangeIds", "/events/delta")
WALL = (
    "2026-03-02T09:00:00",
    "2026-03-29T02:30:00",
    "2026-10-25T02:30:00",
    "2026-03-02T00:00:00",
    "0001-01-01T00:00:00",
)
INSTANTS = ("2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z", "2026-03-29T02:30:00", "2030-12-30T00:00:00+14:00")


@pytest.mark.parametrize("examples", EXAMPLES)
def test_the_sandboxs_graph_answers_whatever_it_is_sent(graph: Graph, examples: int) -> None:
    from tests.anything import Api, operations

    document = yaml.load(PATH.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    wanted = [(method, path) for method, path in operations(document) if not path.endswith(NOT_SERVED)]
    if examples == 1:
        wanted = [(method, path) for method, path in wanted if not path.startswith(AGAIN)]
        document["paths"] = {path: document["paths"][path] for _, path in wanted}
    session = requests.Session()
    session.trust_env = False

    def call(case: Any, headers: dict[str, str]) -> Any:
        return case.call(graph.sandbox.graph, session=session, headers=headers, verify=graph.sandbox.ca_file)

    tried = Api(document, call, [graph.token], known(graph))
    assert tried.try_out(wanted, examples) > examples * len(wanted) / 2
    assert graph.sandbox.validation()["failures"] == []


@pytest.mark.parametrize(
    "fields",
    [
        {"reminderMinutesBeforeStart": 2**31},
        {
            "singleValueExtendedProperties": [
                {"id": f"Integer {{{'0' * 8}-0000-0000-0000-{'0' * 12}}} Name N", "value": "x"}
            ]
        },
    ],
    ids=["a reminder beyond all numbers", "a word where a number is meant"],
)
def test_a_value_that_is_none_of_its_type_is_refused(graph: Graph, fields: dict[str, Any]) -> None:
    refused = graph.call("POST", f"/users/{ALICE}/events", {"subject": "x", **timed("2026-03-02"), **fields})
    assert refused.status_code == 400


def test_a_line_feed_in_a_path_is_an_id_of_nothing(graph: Graph) -> None:
    refused = graph.call("GET", f"/users/{ALICE}/events/a%0Ab")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "ErrorInvalidIdMalformed")


def known(graph: Graph) -> dict[str, Any]:
    """Values there are, by the ends of the names that ask for them."""
    single = graph.create(ALICE, subject="Plan", **timed("2026-03-02"))["id"]
    series = graph.create(ALICE, subject="Week", recurrence=weekly(), **timed("2026-03-02"))["id"]
    window = {"startDateTime": "2026-03-01T00:00:00Z", "endDateTime": "2026-04-01T00:00:00Z"}
    dates = [each["id"] for each in graph.get(f"/users/{ALICE}/events/{series}/instances", **window)["value"]]
    graph.update(ALICE, dates[1], subject="Moved")
    calendars = [each["id"] for each in graph.get(f"/users/{ALICE}/calendars")["value"]]
    return {
        "user-id": [ALICE, ALICE, ALICE, BOB, graph.get(f"/users/{ALICE}")["id"]],
        "event-id": [single, series, *dates[:3], "AAMk" + "A" * 120],
        "calendar-id": calendars,
        "startdatetime": INSTANTS,
        "enddatetime": INSTANTS,
        "datetime": WALL,
        "timezone": [STOCKHOLM, "UTC", "Europe/Stockholm", "Mars"],
        "url": ["https://127.0.0.1:1/"],
        "resource": [f"/users/{ALICE}/events"],
        "$top": [1, 2, 1000],
        "$skip": [0, 1],
        "$select": ["subject,start", "id", "nothing"],
        "$expand": ["exceptionOccurrences", "instances"],
        "$filter": ["subject eq 'Plan'", "start/dateTime ge '2026-01-01'", "type eq 'seriesMaster'"],
        "$orderby": ["start/dateTime", "subject desc"],
        "standard": ["Iana", "Windows"],
    }
