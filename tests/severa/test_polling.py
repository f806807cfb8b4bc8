"""One poll for everybody of an organization in Severa, in the place of the triggers only Severa sees (rule 9.2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from samklang.clock import real_now
from samklang.jobs.tick import tick
from tests.jobs.world import drain, no_jobs_left
from tests.severa.office import ANNA, BO, NOW, Office


@pytest.fixture(params=["ews", pytest.param("graph", marks=pytest.mark.full)])
def office(request: pytest.FixtureRequest, transactional_db: None, office: Office) -> Iterator[Office]:
    office.arranged().started(office.anna, office.bo)
    no_jobs_left()
    yield office
    no_jobs_left()


def _a_minute_later(office: Office) -> list[str]:
    """The workers do what is due, before mailboxes are polled by themselves; what Severa was asked."""
    office.later(minutes=1)
    minutes = int((office.now - NOW).total_seconds() // 60) - 3
    seen = office.sandbox.log()[-1]["seq"]
    tick(real_now() + timedelta(minutes=minutes))
    drain()
    return [one["operation"] for one in office.sandbox.log(seen) if one["protocol"] == "severa"]


def test_a_change_in_severa_reaches_everybody_it_concerns_within_a_minute(office: Office) -> None:
    planning = office.has(office.severa.anna, "Planning")
    _a_minute_later(office)
    assert (office.events(ANNA), office.events(BO)) == (["Planning"], [])
    office.sandbox.severa_adds(planning, office.severa.bo["guid"])
    office.sandbox.severa_edits(planning, name="Planning of May")
    _a_minute_later(office)
    assert office.events(ANNA) == office.events(BO) == ["Planning of May"]
    office.sandbox.severa_edits(planning, owner=office.severa.bo["guid"])
    _a_minute_later(office)
    assert office.events(BO) == ["Planning of May"]


def test_while_nothing_changes_severa_is_asked_twice_whoever_syncs(office: Office) -> None:
    _a_minute_later(office)
    assert _a_minute_later(office) == ["activities.list"] * 2
    assert _a_minute_later(office) == ["activities.list"] * 2


def test_nobody_syncs_nobody_asks(office: Office) -> None:
    for person in (office.anna, office.bo):
        person.ask("PUT", "/api/me/calendar-sync", {"on": False})
    assert _a_minute_later(office) == []


def test_a_refused_poll_pauses_everybody_after_one_attempt(office: Office) -> None:
    office.named(secret="wrong")
    no_jobs_left()
    assert _a_minute_later(office) == ["token.create"]
    assert office.done("connection", "show", "--json").json["paused"] == "severa_credentials_refused"
    assert _a_minute_later(office) == []
