"""Microsoft's own SDK (msgraph-sdk, azure-identity) against the sandbox: what it sends is understood, what we answer
it reads."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.graph_client import ALICE, STOCKHOLM, Graph, graph, timed, weekly
from tests.sandbox.oracles import msgraph_sdk

__all__ = ["graph"]

pytestmark = pytest.mark.oracle

YEAR = {"start_date_time": "2026-01-01T00:00:00Z", "end_date_time": "2027-01-01T00:00:00Z"}


def sdk(graph: Graph, *steps: dict[str, Any], **order: Any) -> list[Any]:
    """One result per step."""
    return msgraph_sdk(graph.sandbox, *steps, **order)


def test_the_sdk_makes_reads_changes_lists_and_deletes(graph: Graph) -> None:
    event = {
        "subject": "Möte",
        "body": {"contentType": "text", "content": "rad 1\nrad 2"},
        "sensitivity": "private",
        "showAs": "oof",
        "location": {"displayName": "Rum 4"},
        "transactionId": "t-1",
        **timed("2026-03-02"),
    }
    made, read, changed, again, listed, _, gone = sdk(
        graph,
        {"do": "create", "event": event},
        {"do": "get", "id": "$0.id", "headers": {"Prefer": 'outlook.timezone="Europe/Stockholm"'}},
        {"do": "update", "id": "$0.id", "event": {"subject": "Nytt"}},
        {"do": "create", "event": event},
        {"do": "list", "query": {"top": 1, "select": ["subject", "start"]}},
        {"do": "delete", "id": "$0.id"},
        {"do": "get", "id": "$0.id"},
    )
    assert (made["type"], made["originalStartTimeZone"], made["sensitivity"]) == (
        "singleInstance",
        STOCKHOLM,
        "private",
    )
    assert read["start"] == {"dateTime": "2026-03-02T09:00:00.0000000", "timeZone": "Europe/Stockholm"}
    assert (changed["subject"], changed["showAs"]) == ("Nytt", "oof")
    assert again["id"] == made["id"]
    assert [row["subject"] for row in listed["rows"]] == ["Nytt"]
    assert (gone["status"], gone["error"]) == (404, "ErrorItemNotFound")
    assert graph.sandbox.validation()["failures"] == []


def test_the_sdk_sees_a_series_its_exception_and_its_deleted_date(graph: Graph) -> None:
    event = {"subject": "Vecka", "recurrence": weekly(), **timed("2026-03-02")}
    made, before, changed, _, after, master, view = sdk(
        graph,
        {"do": "create", "event": event},
        {"do": "instances", "id": "$0.id", "query": YEAR},
        {"do": "update", "id": "$1.rows.1.id", "event": {"subject": "Annat", **timed("2026-03-10")}},
        {"do": "delete", "id": "$1.rows.2.id"},
        {"do": "instances", "id": "$0.id", "query": YEAR},
        {
            "do": "get",
            "id": "$0.id",
            "query": {"select": ["subject", "cancelledOccurrences"], "expand": ["exceptionOccurrences"]},
        },
        {"do": "view", "query": YEAR | {"top": 2}},
    )
    assert made["recurrence"]["range"]["recurrenceTimeZone"] == STOCKHOLM
    assert len(before["rows"]) == 6
    assert changed["type"] == "exception"
    assert [row["start"]["dateTime"][5:10] for row in after["rows"]] == ["03-02", "03-10", "03-23", "03-30", "04-06"]
    assert master["cancelledOccurrences"] == [f"OID.{made['id']}.2026-03-16"]
    assert [row["subject"] for row in master["exceptionOccurrences"]] == ["Annat"]
    assert [row["id"] for row in view["rows"]] == [row["id"] for row in after["rows"]]


def test_the_sdk_follows_a_delta_round_and_the_next(graph: Graph) -> None:
    small = {"Prefer": "odata.maxpagesize=2"}
    for n in range(1, 6):
        graph.create(ALICE, subject=f"E{n}", **timed(f"2026-03-0{n}"))
    first, made, _, second, third = sdk(
        graph,
        {"do": "delta", "query": YEAR, "headers": small},
        {"do": "create", "event": {"subject": "Ny", **timed("2026-03-06")}},
        {"do": "delete", "id": "$0.rows.0.id"},
        {"do": "delta", "link": "$0.link"},
        {"do": "delta", "link": "$3.link"},
    )
    assert {row["subject"] for row in first["rows"]} == {f"E{n}" for n in range(1, 6)}
    told = {row["id"]: row.get("subject") or row.get("@removed") for row in second["rows"]}
    assert told == {made["id"]: "Ny", first["rows"][0]["id"]: {"reason": "deleted"}}
    assert third["rows"] == []


def test_the_sdk_finds_a_user_and_names_what_went_wrong(graph: Graph) -> None:
    wrong = {
        "subject": "x",
        "start": {"dateTime": "2026-03-02T09:00:00", "timeZone": "Mars"},
        "end": timed("2026-03-02")["end"],
    }
    found, refused, other = sdk(
        graph,
        {"do": "users", "query": {"filter": f"mail eq '{ALICE}' or userPrincipalName eq '{ALICE}'"}},
        {"do": "create", "event": wrong},
        {"do": "get", "id": "rubbish"},
    )
    assert [user["displayName"] for user in found] == ["Alice Ek"]
    assert (refused["status"], refused["error"]) == (400, "TimeZoneNotSupportedException")
    assert (other["status"], other["error"]) == (400, "ErrorInvalidIdMalformed")
