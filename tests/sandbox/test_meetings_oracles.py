"""Meetings between the sandbox's mailboxes, driven by clients nobody here wrote."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.graph_client import ALICE, BOB, Graph, graph, timed
from tests.sandbox.oracles import ews_javascript_api, exchangelib
from tests.sandbox.test_ews_javascript import EVERY_SERVER, PLAN
from tests.sandbox.test_graph_oracle import sdk
from tests.sandbox_client import Sandbox

__all__ = ["graph"]

pytestmark = pytest.mark.oracle


@pytest.fixture
def bob(exchange: Sandbox) -> Sandbox:
    exchange.mailbox(BOB, name="Bob", zone="Europe/Stockholm")
    return exchange


def sent(sandbox: Sandbox) -> list[tuple[str, str]]:
    return [(mail["kind"], mail["recipient"]) for mail in sandbox.mails()]


def called(sandbox: Sandbox, **more: Any) -> tuple[str, str]:
    """Alice calls a meeting with Bob in Outlook: (her item id, his)."""
    fields = {"subject": "Plan", "start": "2026-03-02T09:00", "end": "2026-03-02T10:00"}
    attendees = [{"address": BOB}, {"address": "room@example.com", "kind": "resource"}]
    made = sandbox.person_creates(ALICE, send="all", attendees=attendees, **fields | more)
    return made["id"], sandbox.invitation(BOB, made["uid"])["id"]


@pytest.mark.parametrize(
    ("how", "response"), [("accept", "Accept"), ("tentatively_accept", "Tentative"), ("decline", "Decline")]
)
def test_exchangelib_answers_and_the_organizer_knows(bob: Sandbox, how: str, response: str) -> None:
    own, copy = called(bob)
    _, calendar = exchangelib(bob, {"do": "answer", "id": copy, "how": how}, {"do": "all"}, address=BOB)
    (read,) = exchangelib(bob, {"do": "get", "id": own})
    assert read["people"] == [["required", BOB, response], ["resource", "room@example.com", "Unknown"]]
    assert sent(bob) == [("response", ALICE)]
    assert [item["my_response_type"] for item in calendar] == ([response] if how != "decline" else [])


def test_exchangelib_answers_in_silence(bob: Sandbox) -> None:
    own, copy = called(bob)
    exchangelib(bob, {"do": "answer", "id": copy, "how": "accept", "send": "SaveOnly"}, address=BOB)
    assert sent(bob) == []
    assert bob.entry(ALICE, own)["attendees"][0]["response"] == "none"
    assert [entry["my_response"] for entry in bob.entries(BOB)] == ["accepted"]


def test_exchangelib_cancels_its_own_meeting_and_nobody_elses(bob: Sandbox) -> None:
    own, copy = called(bob)
    (refused, answered) = (
        exchangelib(bob, {"do": "answer", "id": copy, "how": "cancel"}, address=BOB)[0],
        exchangelib(bob, {"do": "answer", "id": own, "how": "accept"})[0],
    )
    assert (refused["error"], answered["error"]) == (
        "ErrorCalendarIsNotOrganizer",
        "ErrorCalendarIsOrganizerForAccept",
    )
    exchangelib(bob, {"do": "answer", "id": own, "how": "cancel"})
    assert sent(bob) == [("cancellation", BOB), ("cancellation", "room@example.com")]
    (read,) = exchangelib(bob, {"do": "get", "id": copy}, address=BOB)
    assert (read["is_cancelled"], read["organizer"]) == (True, ALICE)
    assert read["appointment_state"] == ["Meeting", "Received", "Canceled"]


@EVERY_SERVER
def test_microsofts_client_asks_answers_and_cancels(bob: Sandbox, server: str, version: str) -> None:
    bob.server(version=server)
    fields = PLAN | {"required_attendees": [BOB]}
    (made,) = ews_javascript_api(
        bob, {"do": "create", "fields": fields, "send": "SendToAllAndSaveCopy"}, version=version
    )
    (copy,) = bob.entries(BOB)
    answered, read, declined = ews_javascript_api(
        bob,
        {"do": "answer", "id": copy["id"], "how": "Accept", "send": False},
        {"do": "get", "id": "$0.id"},
        {"do": "answer", "id": "$0.id", "how": "AcceptTentatively", "send": True},
        address=BOB,
        version=version,
    )
    assert answered["id"] != copy["id"]
    assert (read["response"], read["organizer"]) == ("Accept", ALICE)
    assert declined["id"] not in (copy["id"], answered["id"])
    (own,) = ews_javascript_api(bob, {"do": "get", "id": made["id"]}, version=version)
    assert own["people"] == [["required", BOB, "Tentative"]]
    ews_javascript_api(bob, {"do": "answer", "id": made["id"], "how": "CancelMeeting"}, version=version)
    assert sent(bob) == [("invitation", BOB), ("response", ALICE), ("cancellation", BOB)]
    (left,) = ews_javascript_api(bob, {"do": "get", "id": declined["id"]}, address=BOB, version=version)
    assert left["cancelled"] is True


@pytest.mark.parametrize("how", ["accept", "tentatively_accept", "decline"])
@pytest.mark.parametrize("send", [True, pytest.param(False, marks=pytest.mark.full)], ids=["sent", "silent"])
def test_microsofts_sdk_answers(graph: Graph, how: str, send: bool) -> None:
    own, copy = called(graph.sandbox)
    _, listed, read = sdk(
        graph,
        {"do": "answer", "user": BOB, "id": copy, "how": how, "send": send},
        {"do": "list", "user": BOB},
        {"do": "get", "id": own},
    )
    response = {"accept": "accepted", "tentatively_accept": "tentativelyAccepted", "decline": "declined"}[how]
    assert [row["responseStatus"]["response"] for row in listed["rows"]] == ([response] if how != "decline" else [])
    assert read["attendees"][0]["status"]["response"] == (response if send else "none")
    assert read["attendees"][1]["type"] == "resource"
    assert sent(graph.sandbox) == ([("response", ALICE)] if send else [])


def test_microsofts_sdk_asks_somebody_more_and_cancels(graph: Graph) -> None:
    people = [{"type": "required", "emailAddress": {"address": BOB}}]
    carol = {"type": "optional", "emailAddress": {"address": "carol@example.com"}}
    _, changed, moved, _ = sdk(
        graph,
        {"do": "create", "event": {"subject": "Plan", "attendees": people, **timed("2026-03-02")}},
        {"do": "update", "id": "$0.id", "event": {"attendees": [*people, carol]}},
        {"do": "update", "id": "$0.id", "event": {"subject": "New", "attendees": people}},
        {"do": "cancel", "id": "$0.id"},
    )
    assert [each["type"] for each in changed["attendees"]] == ["required", "optional"]
    assert (moved["subject"], len(moved["attendees"])) == ("New", 1)
    assert sent(graph.sandbox) == [
        ("invitation", BOB),
        ("invitation", "carol@example.com"),
        ("cancellation", "carol@example.com"),
        ("update", BOB),
        ("cancellation", BOB),
    ]
