"""Several mailboxes asked about in one `$batch`: each answer stands for itself (Graph facts §5.3)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from samklang.connectors.graph.access import GraphAccess
from samklang.connectors.graph.auth import Tokens
from samklang.connectors.graph.calendar import GraphCalendar
from samklang.connectors.graph.client import GraphClient
from samklang.connectors.graph.together import unchanged
from samklang.connectors.graph.users import find_user
from samklang.sync.errors import Throttled
from tests.connectors.graph.conftest import ALICE, NOW, TENANT, Clock
from tests.sandbox_client import Sandbox

BOB = "bob@example.com"
Answers = dict[str, str | Throttled | None]


@dataclass
class Together:
    """Alice's and Bob's calendars, read up to now; `ask` asks about both at once."""

    sandbox: Sandbox
    tokens: dict[str, str]
    client: GraphClient
    read: Callable[[str], list[str]]

    def ask(self, after: timedelta = timedelta()) -> Answers:
        return unchanged(self.client, self.tokens, NOW + after)


@pytest.fixture
def both(sandbox: Sandbox, access: GraphAccess, alice: str, clock: Clock) -> Iterator[Together]:
    sandbox.mailbox(BOB, zone="Europe/Stockholm", tenant=TENANT)
    sign_in = Tokens(access)
    client = GraphClient(access, sign_in)
    ids = {ALICE: alice, BOB: find_user(client, BOB).id}
    calendars = {who: GraphCalendar(access, sign_in, id, home="UTC", now=clock) for who, id in ids.items()}
    kept: dict[str, str] = {}

    def read(who: str) -> list[str]:
        """Titles of what is new since last read, as a run would."""
        pages = list(calendars[who].read(kept.get(who)))
        kept[who] = pages[-1].token or ""
        return [event.entry.title for page in pages for event in page.events]

    for who in ids:
        read(who)
    sandbox.zero_counts()
    yield Together(sandbox, kept, client, read)
    for each in (*calendars.values(), client, sign_in):
        each.close()
    assert sandbox.validation()["failures"] == []


def test_one_request_asks_about_both_and_each_goes_on_from_where_it_is(both: Together) -> None:
    answers = both.ask()
    assert all(isinstance(answer, str) for answer in answers.values())
    log = [(line["operation"], line["mailbox"]) for line in both.sandbox.log() if line["protocol"] == "graph"]
    assert sorted(log[-3:]) == [("batch", ""), ("calendarView.delta", ALICE), ("calendarView.delta", BOB)]
    both.sandbox.person_creates(ALICE, subject="Tea", start="2026-03-03T09:00:00", end="2026-03-03T10:00:00")
    both.tokens.update({who: str(answer) for who, answer in answers.items()})
    assert both.read(ALICE) == ["Tea"]


def test_whoever_has_something_new_is_left_to_a_run(both: Together) -> None:
    both.sandbox.person_creates(ALICE, subject="Tea", start="2026-03-03T09:00:00", end="2026-03-03T10:00:00")
    answers = both.ask()
    assert answers[ALICE] is None and isinstance(answers[BOB], str)
    assert both.read(ALICE) == ["Tea"]


@pytest.mark.parametrize(("form", "seconds"), [("seconds", 30), ("fractional", 30.128), ("date", 30), ("absent", None)])
def test_a_part_that_is_throttled_says_for_itself_how_long(both: Together, form: str, seconds: float | None) -> None:
    both.sandbox.fault("throttle", {"protocol": "graph", "mailbox": ALICE}, seconds=30, form=form)
    answers = both.ask()
    held = answers[ALICE]
    assert isinstance(held, Throttled) and isinstance(answers[BOB], str)
    assert held.retry_after == (None if seconds is None else pytest.approx(seconds, abs=1 if form == "date" else 0.001))


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("response_code", {"status": 403, "code": "ErrorAccessDenied"}),
        ("response_code", {"status": 404, "code": "MailboxNotEnabledForRESTAPI"}),
        ("response_code", {"status": 500, "code": "ErrorInternalServerError"}),
        ("token_invalid", {}),
        ("token_invalid", {"token": "delta"}),
        ("token_invalid", {"token": "delta", "status": 400, "code": "ErrorInvalidIdMalformed"}),
    ],
)
def test_what_is_wrong_with_one_is_left_to_its_run(both: Together, kind: str, what: dict[str, Any]) -> None:
    both.sandbox.fault(kind, {"protocol": "graph", "mailbox": ALICE}, **what)
    answers = both.ask()
    assert answers[ALICE] is None and isinstance(answers[BOB], str)


@pytest.mark.parametrize("kind", ["status", "drop", "html", "malformed"])
def test_where_the_request_fails_as_a_whole_all_are_left_to_their_runs(both: Together, kind: str) -> None:
    both.sandbox.fault(kind, {"operation": "batch"}, status=503 if kind == "status" else 200)
    assert both.ask() == {ALICE: None, BOB: None}


def test_where_it_is_held_back_as_a_whole_all_are(both: Together) -> None:
    both.sandbox.fault("throttle", {"operation": "batch"}, seconds=30)
    assert [answer and answer.retry_after for answer in both.ask().values() if not isinstance(answer, str)] == [30, 30]


def test_a_window_that_is_half_used_and_a_token_of_elsewhere_are_not_asked_about(both: Together) -> None:
    assert both.ask(timedelta(days=366)) == {ALICE: None, BOB: None}
    elsewhere = json.loads(both.tokens[ALICE]) | {"link": "https://evil.example/v1.0/x"}
    both.tokens[ALICE] = json.dumps(elsewhere)
    both.sandbox.zero_counts()
    assert both.ask()[ALICE] is None
    assert both.sandbox.counts(ALICE)["requests"] == 0
