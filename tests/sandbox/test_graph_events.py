"""Events over Graph, as the documentation and live observation have them (Graph facts §4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.graph_client import ALICE, BOB, CHARLIE, STOCKHOLM, Graph, code, graph, timed, weekly

__all__ = ["graph"]

MARK = "String {6b1f5b6e-1111-2222-3333-444455556666} Name SamklangId"


@pytest.fixture(autouse=True)
def answers_follow_the_schema(graph: Graph) -> Any:
    yield
    assert graph.sandbox.validation()["failures"] == []


def test_an_event_is_made_read_changed_and_deleted(graph: Graph) -> None:
    made = graph.create(
        ALICE,
        subject="Möte",
        body={"contentType": "text", "content": "rad 1\nrad 2"},
        location={"displayName": "Rum 4"},
        sensitivity="private",
        showAs="oof",
        categories=["Blå"],
        isReminderOn=False,
        **timed("2026-03-02"),
    )
    assert made["start"] == {"dateTime": "2026-03-02T08:00:00.0000000", "timeZone": "UTC"}
    assert (made["type"], made["originalStartTimeZone"], made["location"]["displayName"]) == (
        "singleInstance",
        STOCKHOLM,
        "Rum 4",
    )
    read = graph.event(
        ALICE, made["id"], {"Prefer": 'outlook.body-content-type="text", outlook.timezone="Europe/Stockholm"'}
    )
    assert read["body"] == {"contentType": "text", "content": "rad 1\r\nrad 2"}
    assert read["start"] == {"dateTime": "2026-03-02T09:00:00.0000000", "timeZone": "Europe/Stockholm"}
    changed = graph.update(ALICE, made["id"], subject="Nytt")
    assert (changed["subject"], changed["sensitivity"]) == ("Nytt", "private")
    assert changed["@odata.etag"] != made["@odata.etag"]
    assert changed["iCalUId"] == made["iCalUId"]
    assert graph.delete(ALICE, made["id"]).status_code == 204
    assert code(graph.delete(ALICE, made["id"])) == (404, "ErrorItemNotFound")
    counts = graph.sandbox.counts(ALICE)
    assert (counts["writes"], counts["mails"]) == ({"create": 1, "update": 1, "delete": 1}, 0)


def test_what_a_person_does_in_outlook_is_seen_over_graph(graph: Graph) -> None:
    made = graph.sandbox.person_creates(ALICE, subject="Lunch", start="2026-03-02T12:00", end="2026-03-02T13:00")
    assert graph.event(ALICE, made["id"])["subject"] == "Lunch"
    graph.update(ALICE, made["id"], subject="Middag")
    assert graph.sandbox.entry(ALICE, made["id"])["subject"] == "Middag"


@pytest.mark.parametrize("zone", ["Dateline Standard Time", "UTC", "Europe/Helsinki", "Pacific/Kiritimati"])
def test_an_all_day_event_floats_whatever_zone_is_asked(graph: Graph, zone: str) -> None:
    times = {
        "start": {"dateTime": "2026-03-29T00:00:00", "timeZone": zone},
        "end": {"dateTime": "2026-03-30T00:00:00", "timeZone": zone},
    }
    made = graph.create(ALICE, subject="Dag", isAllDay=True, **times)
    for asked in ("Tokyo Standard Time", "America/New_York"):
        read = graph.event(ALICE, made["id"], {"Prefer": f'outlook.timezone="{asked}"'})
        assert read["start"]["dateTime"] == "2026-03-29T00:00:00.0000000"
        assert read["end"]["dateTime"] == "2026-03-30T00:00:00.0000000"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"start": {"dateTime": "2026-03-02T09:00:00", "timeZone": "Mars/Olympus"}}, "TimeZoneNotSupportedException"),
        ({"isAllDay": True}, "ErrorPropertyValidationFailure"),
        (timed("2026-03-02", "10:00", "09:00"), "ErrorPropertyValidationFailure"),
        ({"titel": "x"}, "RequestBodyRead"),
        ({"recurrence": weekly("2026-03-03", "tuesday")}, "ErrorPropertyValidationFailure"),
        ({"singleValueExtendedProperties": [{"id": "Name X", "value": "1"}]}, "ErrorPropertyValidationFailure"),
    ],
)
def test_what_the_service_cannot_hold_is_a_400(graph: Graph, fields: dict[str, Any], error: str) -> None:
    body = {"subject": "x", **timed("2026-03-02")} | fields
    assert code(graph.call("POST", f"/users/{ALICE}/events", body)) == (400, error)
    assert graph.sandbox.counts(ALICE)["writes"]["create"] == 0


def test_the_same_transaction_makes_one_event_and_another_event_is_refused(graph: Graph) -> None:
    first = graph.create(ALICE, subject="En", transactionId="t-1", **timed("2026-03-02"))
    again = graph.create(ALICE, subject="En", transactionId="t-1", **timed("2026-03-02"))
    assert again["id"] == first["id"]
    body = {"subject": "Två", "transactionId": "t-1", **timed("2026-03-02")}
    other = graph.call("POST", f"/users/{ALICE}/events", body)
    assert code(other) == (409, "ErrorDuplicateTransactionId")
    assert other.json()["error"]["innerError"]["existingEventId"] == first["id"]
    graph.sandbox.graph_behaves(duplicate_transaction=400)
    assert code(graph.call("POST", f"/users/{ALICE}/events", body))[0] == 400
    assert len(graph.sandbox.entries(ALICE)) == 1


def test_a_write_against_an_old_etag_is_refused(graph: Graph) -> None:
    made = graph.create(ALICE, subject="A", **timed("2026-03-02"))
    graph.update(ALICE, made["id"], {"If-Match": made["@odata.etag"]}, subject="B")
    old = {"If-Match": made["@odata.etag"]}
    refused = graph.call("PATCH", f"/users/{ALICE}/events/{made['id']}", {"subject": "C"}, old)
    assert code(refused) == (412, "ErrorIrresolvableConflict")
    assert code(graph.delete(ALICE, made["id"], old)) == (412, "ErrorIrresolvableConflict")
    assert graph.event(ALICE, made["id"])["subject"] == "B"


def test_an_id_belongs_to_one_mailbox_and_keeps_its_case(graph: Graph) -> None:
    made = graph.create(ALICE, subject="A", **timed("2026-03-02"))
    assert code(graph.call("GET", f"/users/{BOB}/events/{made['id']}")) == (400, "ErrorInvalidIdMalformed")
    assert code(graph.call("GET", f"/users/{ALICE}/events/{made['id'].swapcase()}"))[0] in (400, 404)
    assert code(graph.call("GET", f"/users/{CHARLIE}/events/{made['id']}")) == (404, "Request_ResourceNotFound")


def test_our_mark_is_seen_only_where_it_is_asked_for(graph: Graph) -> None:
    mark = {"id": MARK, "value": "Abc"}
    made = graph.create(ALICE, subject="A", singleValueExtendedProperties=[mark], **timed("2026-03-02"))
    graph.create(ALICE, subject="B", **timed("2026-03-02"))
    assert "singleValueExtendedProperties" not in graph.event(ALICE, made["id"])
    expand = f"singleValueExtendedProperties($filter=id eq '{MARK}')"
    assert graph.event(ALICE, made["id"], expand=expand)["singleValueExtendedProperties"] == [mark]
    filter = f"singleValueExtendedProperties/Any(ep: ep/id eq '{MARK}' and ep/value eq 'abc')"
    found = graph.get(f"/users/{ALICE}/events", filter=filter, expand=expand, select="subject")
    assert [(e["subject"], e["singleValueExtendedProperties"]) for e in found["value"]] == [("A", [mark])]


def test_a_listing_comes_in_pages_and_can_be_filtered_selected_and_ordered(graph: Graph) -> None:
    for n in range(1, 13):
        graph.create(ALICE, subject=f"E{n:02}", **timed(f"2026-03-{n:02}"))
    first = graph.get(f"/users/{ALICE}/events", select="subject")
    assert (len(first["value"]), set(first["value"][0])) == (10, {"@odata.etag", "id", "subject"})
    rest = graph.get(first["@odata.nextLink"])
    assert [e["subject"] for e in first["value"] + rest["value"]] == [f"E{n:02}" for n in range(1, 13)]
    assert "@odata.nextLink" not in rest
    last = graph.event(ALICE, rest["value"][-1]["id"])["lastModifiedDateTime"]
    newer = graph.get(f"/users/{ALICE}/events", filter=f"lastModifiedDateTime ge {last}", select="subject")
    assert [e["subject"] for e in newer["value"]] == ["E12"]
    ordered = graph.get(f"/users/{ALICE}/events", orderby="subject desc", top="2", select="subject")
    assert [e["subject"] for e in ordered["value"]] == ["E12", "E11"]
    chosen = graph.get(f"/users/{ALICE}/events", filter="subject eq 'e03' or startswith(subject,'E1')", top="1")
    assert [e["subject"] for e in chosen["value"]] == ["E03"]
    assert "@odata.nextLink" in chosen
    assert code(graph.call("GET", f"/users/{ALICE}/events", filter="subject eq")) == (400, "ErrorInvalidUrlQueryFilter")


def test_users_are_found_by_every_address_when_asked_rightly(graph: Graph) -> None:
    filter = f"mail eq '{ALICE}' or userPrincipalName eq '{ALICE}'"
    (found,) = graph.get("/users", filter=filter)["value"]
    assert (found["displayName"], found["mail"]) == ("Alice Ek", ALICE)
    proxy = "proxyAddresses/any(p:p eq 'smtp:AL@example.com')"
    assert code(graph.call("GET", "/users", filter=proxy)) == (400, "Request_UnsupportedQuery")
    (alias,) = graph.get(
        "/users", {"ConsistencyLevel": "eventual"}, filter=proxy, count="true", select="id,proxyAddresses"
    )["value"]
    assert (alias["id"], len(alias["proxyAddresses"])) == (found["id"], 2)
    assert graph.get(f"/users/{found['id']}")["mail"] == ALICE
    assert code(graph.call("GET", "/users/al@example.com"))[0] == 404
    assert [u["mail"] for u in graph.get("/users")["value"]] == [ALICE, BOB]
    assert graph.get("/organization")["value"][0]["verifiedDomains"][0]["name"] == "example.com"
    assert graph.get(f"/users/{ALICE}/mailboxSettings")["timeZone"] == STOCKHOLM


def test_zones_calendars_and_the_default_one_are_listed(graph: Graph) -> None:
    path = f"/users/{ALICE}/outlook/supportedTimeZones"
    assert STOCKHOLM in {z["alias"] for z in graph.get(path)["value"]}
    iana = graph.get(path + "(TimeZoneStandard=microsoft.graph.timeZoneStandard'Iana')")
    assert "Europe/Stockholm" in {z["alias"] for z in iana["value"]}
    graph.ok(graph.call("POST", f"/users/{ALICE}/calendars", {"name": "Andra"}), 201)
    default, second = graph.get(f"/users/{ALICE}/calendars")["value"]
    assert (default["isDefaultCalendar"], second["name"]) == (True, "Andra")
    assert graph.get(f"/users/{ALICE}/calendar")["id"] == default["id"]
    body = {"subject": "x", **timed("2026-03-02")}
    graph.ok(graph.call("POST", f"/users/{ALICE}/calendars/{second['id']}/events", body), 201)
    assert graph.get(f"/users/{ALICE}/events")["value"] == []
    assert len(graph.get(f"/users/{ALICE}/calendars/{second['id']}/events")["value"]) == 1


def test_a_mailbox_without_exchange_online_and_one_denied_by_policy_are_told_apart(graph: Graph) -> None:
    graph.sandbox.change_mailbox(ALICE, enabled=False)
    assert code(graph.call("GET", f"/users/{ALICE}/events")) == (404, "MailboxNotEnabledForRESTAPI")
    assert graph.get(f"/users/{ALICE}")["mail"] == ALICE
    graph.sandbox.fault("response_code", {"protocol": "graph", "mailbox": BOB}, status=403, code="ErrorAccessDenied")
    assert code(graph.call("GET", f"/users/{BOB}/events")) == (403, "ErrorAccessDenied")
