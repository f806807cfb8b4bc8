"""A user's own switch: what he does by page and API, and that nobody does it for him (rules 1.2, 3.5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from samklang.clock import now
from samklang.wiring import run_mailbox
from tests.web.connected import Connected, command
from tests.web.house import as_person, as_program, mailbox_of, send

pytestmark = pytest.mark.django_db

SWITCH = "/api/me/calendar-sync"
PAGE = "/profile/calendar/synchronization"


def _on(connected: Connected, **more: Any) -> Any:
    return send(as_program(connected.them.alice), "PUT", SWITCH, {"on": True, **more})


def _accept(connected: Connected, plan: str) -> Any:
    return send(as_program(connected.them.alice), "POST", f"{SWITCH}/accept", {"plan": plan})


def test_switching_on_answers_with_a_plan_and_writes_nothing(
    connected: Connected, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = _on(connected)
    assert answer.status_code == 202
    assert answer.json()["state"] == "awaiting_acceptance"
    plan = send(as_program(connected.them.alice), "GET", f"{SWITCH}/plan").json()
    assert plan["plan"] == answer.json()["plan"]
    assert sorted(row["title"] for row in plan["rows"]) == ["Dentist", "Planning"]
    status, report = command(capsys, "sync", "run", "--user", "alice@example.org")
    assert (status, report["waiting_for"], report["plan"]) == (1, "first_run", plan["plan"])
    assert connected.writes() == 0


def test_accepting_the_plan_starts_the_first_run_and_a_second_run_writes_nothing(
    connected: Connected, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = _accept(connected, _on(connected).json()["plan"])
    assert (answer.status_code, answer.json()["state"]) == (202, "started")
    status, report = command(capsys, "sync", "run", "--user", "alice@example.org")
    assert (status, report["psa"]["created"], report["exchange"]["created"]) == (0, 1, 1)
    assert [entry["subject"] for entry in connected.sandbox.entries("alice@example.org")] == ["Dentist", "Planning"]
    before = connected.writes()
    status, report = command(capsys, "sync", "run", "--user", "alice@example.org")
    assert (status, connected.writes()) == (0, before)


def test_an_outdated_plan_is_refused_with_the_new_one(connected: Connected) -> None:
    old = _on(connected).json()["plan"]
    start = now() + timedelta(days=3)
    connected.sandbox.person_creates(
        "alice@example.org", subject="New", start=start.isoformat(), end=(start + timedelta(hours=1)).isoformat()
    )
    refused = _accept(connected, old)
    assert (refused.status_code, refused.json()["code"]) == (409, "plan_outdated")
    assert refused.json()["plan"] != old
    assert _accept(connected, refused.json()["plan"]).status_code == 202


def test_the_first_plan_may_be_taken_unseen(connected: Connected, capsys: pytest.CaptureFixture[str]) -> None:
    answer = _on(connected, accept=True)
    assert (answer.status_code, answer.json()["state"]) == (202, "started")
    status, report = command(capsys, "sync", "run", "--user", "alice@example.org")
    assert (status, report["finished_first_run"]) == (0, True)


def test_an_operator_cannot_accept_a_first_run(connected: Connected, capsys: pytest.CaptureFixture[str]) -> None:
    _on(connected)
    status, said = command(capsys, "sync", "accept", "--user", "alice@example.org")
    assert status == 1
    assert "for alice@example.org to accept" in said
    status, report = command(capsys, "sync", "run", "--user", "alice@example.org")
    assert (status, report["waiting_for"], connected.writes()) == (1, "first_run", 0)


def test_nobody_switches_on_for_another(connected: Connected, capsys: pytest.CaptureFixture[str]) -> None:
    bob = connected.them.bob
    client = as_program(connected.them.alice)
    for extra in ({"user": bob.psa_id}, {"email": bob.email}):
        send(client, "PUT", SWITCH, {"on": True, **extra})
    assert not type(mailbox_of(connected.them.alice)).objects.filter(user=bob).exists()
    status, said = command(capsys, "sync", "run", "--user", bob.email)
    assert status == 1
    assert "only he or she can" in said
    assert connected.sandbox.counts(bob.email)["requests"] == 0


def test_a_switched_off_user_is_left_alone_and_keeps_everything(
    connected: Connected, capsys: pytest.CaptureFixture[str]
) -> None:
    _on(connected, accept=True)
    command(capsys, "sync", "run", "--user", "alice@example.org")
    client = as_program(connected.them.alice)
    assert send(client, "PUT", SWITCH, {"on": False}).json() == {"state": "off"}
    assert send(client, "GET", f"{SWITCH}/plan").json()["code"] == "switched_off"
    assert len(connected.sandbox.entries("alice@example.org")) == 2


def test_without_the_organizations_switch_nobody_can_switch_on(connected: Connected) -> None:
    send(as_program(connected.them.alice), "PUT", "/api/connection/enabled", {"enabled": False})
    refused = _on(connected)
    assert (refused.status_code, refused.json()["code"]) == (409, "organization_off")


def test_the_page_leads_from_the_preview_to_the_synced_calendar(connected: Connected) -> None:
    alice = as_person(connected.them.alice)
    alice.post(f"{PAGE}/switch")
    mailbox = mailbox_of(connected.them.alice)
    run_mailbox(mailbox.pk, "job")
    page = alice.get(PAGE)
    for words in ("Nothing has been written yet", "Dentist", "Planning", "To be created in Exchange: 1"):
        assert words in page.content.decode()
    assert connected.writes() == 0
    mailbox.refresh_from_db()
    alice.post(f"{PAGE}/accept", {"plan": mailbox.waiting_plan})
    waiting = alice.get(PAGE).content.decode()
    assert "Reading both calendars" in waiting
    assert 'name="plan"' not in waiting
    run_mailbox(mailbox.pk, "job")
    done = alice.get(f"{PAGE}/state").content.decode()
    assert "<dt>Linked entries</dt><dd>2</dd>" in done
    assert "Sync now" in done


def test_a_stopped_run_stays_stopped_until_its_user_continues(connected: Connected) -> None:
    alice = as_person(connected.them.alice)
    alice.post(f"{PAGE}/switch", {"unseen": "1"})
    alice.post(f"{PAGE}/stop")
    mailbox = mailbox_of(connected.them.alice)
    run_mailbox(mailbox.pk, "job")
    assert connected.sandbox.counts("alice@example.org")["requests"] == 0
    assert "Continue" in alice.get(PAGE).content.decode()
    alice.post(f"{PAGE}/now")
    assert run_mailbox(mailbox.pk, "job")["finished_first_run"]


def test_an_entry_set_aside_is_named_with_its_reason_and_what_to_do(connected: Connected) -> None:
    connected.sandbox.fault("response_code", {"operation": "CreateItem"}, code="ErrorCalendarDurationIsTooLong")
    _on(connected, accept=True)
    mailbox = mailbox_of(connected.them.alice)
    run_mailbox(mailbox.pk, "job")
    page = as_person(connected.them.alice).get(PAGE).content.decode()
    assert "The entry lasts longer than Exchange allows (five years)." in page
    assert "<td>Planning</td>" in page


def test_a_person_chooses_on_the_page_what_becomes_of_series_the_other_calendar_does_not_know(
    connected: Connected,
) -> None:
    alice = as_person(connected.them.alice)
    alice.post(f"{PAGE}/switch", {"unseen": "1"})
    alice.post(f"{PAGE}/series", {"inexpressible": "refuse"})
    assert mailbox_of(connected.them.alice).refuse_inexpressible
    assert 'value="refuse" checked' in alice.get(PAGE).content.decode()
    alice.post(f"{PAGE}/series", {"inexpressible": "singly"})
    assert not mailbox_of(connected.them.alice).refuse_inexpressible
