"""Whole runs with the sandbox's Severa as the PSA: both calendars agree, and a second run writes nothing (rule 7.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from samklang.activities.models import Activity, ActivityType
from samklang.connectors.severa.activities import SeveraActivities
from samklang.engine.canonical import fields
from samklang.engine.model import (
    Category,
    Entry,
    Frequency,
    LinkStatus,
    Occurrence,
    Person,
    Recurrence,
    SeenActivity,
    Sensitivity,
    Timed,
    Weekday,
)
from samklang.engine.people import Colleague, Directory
from samklang.engine.recurrence import slot
from samklang.engine.rules import ActivityType as Kind
from samklang.engine.rules import Rules
from samklang.severa.mirror import DjangoMirror
from samklang.sync.memory import MemoryCalendar, MemoryStore
from samklang.sync.parts import Parts
from samklang.sync.report import RunReport
from samklang.sync.run import run
from tests.connectors.severa.compatible import Severa, ThroughDjango
from tests.connectors.severa.sandboxed import Acme
from tests.people import People, people
from tests.sandbox.severa_client import CLIENT
from tests.sandbox_client import Sandbox

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
SOON = NOW + timedelta(days=3)
HOUR = Timed(SOON, SOON + timedelta(hours=1), "Europe/Stockholm")
ZONE = "Europe/Stockholm"


def single(title: str = "Planning", **more: Any) -> Entry:
    return Entry(title, HOUR, **more)


def series(title: str = "Round") -> Entry:
    """Eight weeks; the second moved, the third off."""
    whole = Entry(title, HOUR, recurrence=Recurrence(Frequency.WEEKLY, weekdays=(Weekday(SOON.weekday()),), count=8))
    second, third = ((SOON + timedelta(weeks=week)).date() for week in (1, 2))
    when = slot(whole, second)
    assert isinstance(when, Timed)
    later = replace(when, start=when.start + timedelta(hours=2), end=when.end + timedelta(hours=2))
    return replace(whole, exceptions={second: Occurrence(title, later)}, cancelled=frozenset({third}))


@dataclass
class Desk:
    """One user's two calendars."""

    port: Callable[[], SeveraActivities]
    rules: Rules
    writes: Callable[[], int]
    exchange: MemoryCalendar = field(default_factory=lambda: MemoryCalendar(lambda: datetime.now(UTC)))
    store: MemoryStore = field(default_factory=MemoryStore)

    def run(self) -> RunReport:
        now = datetime.now(UTC)
        return run(Parts(self.port(), self.exchange, self.store, self.rules, lambda: now), reconcile=True)

    def synced(self) -> RunReport:
        self.store.accept(None)
        report = self.run()
        assert report.error is None and report.needs_acceptance is None, report
        return report

    @property
    def activities(self) -> dict[str, SeenActivity]:
        return {seen.entry.title: seen for page in self.port().read(None) for seen in page.activities}

    @property
    def events(self) -> dict[str, Entry]:
        return {seen.entry.title: seen.entry for seen in self.exchange.shelf.shown().values()}

    def at_rest(self) -> None:
        before = self.writes(), self.exchange.shelf.all_writes
        report = self.synced()
        assert (report.writes, self.writes(), self.exchange.shelf.all_writes) == (0, *before), "a second run wrote"
        assert report.set_aside == {}
        shown, activities = self.exchange.shelf.shown(), {seen.id: seen for seen in self.activities.values()}
        links = [link for link in self.store.links() if link.status is LinkStatus.LINKED]
        assert len(links) == len(shown) == len(activities)
        for link in links:
            activity, event = activities[link.psa_id or ""], shown[link.item_id or ""]
            assert _content(activity.entry) == _content(event.entry)


def _content(entry: Entry) -> dict[str, str]:
    return {key: value for key, value in fields(entry).items() if "sensitivity" not in key}


@pytest.fixture
def acme(sandbox: Sandbox) -> Acme:
    return Acme.of_sandbox(sandbox, people().company)


@pytest.fixture
def desk(acme: Acme) -> Desk:
    severa = acme.severa
    types = tuple(
        Kind(one["guid"], one["name"], Category(one["category"]), is_default=True, ticked=True)
        for one in severa.types.values()
    )
    colleagues = Directory(
        (Colleague(severa.anna["guid"], "anna@example.com", syncs=True), Colleague(severa.bo["guid"], "bo@example.com"))
    )
    rules = Rules(severa.anna["guid"], ZONE, types, NOW.date(), people=colleagues, psa_masks=False)

    def writes() -> int:
        return sum(acme.sandbox.counts(CLIENT)["writes"].values())

    return Desk(lambda: acme.port(severa.anna), rules, writes)


def test_the_first_run_brings_each_side_what_the_other_has(acme: Acme, desk: Desk) -> None:
    start, end = HOUR.start.isoformat(), HOUR.end.isoformat()
    for name in ("One", "Two"):
        acme.sandbox.severa_creates("anna@example.com", name=name, start=start, end=end, zone=ZONE, type="Meeting")
    desk.exchange.person_adds(single("Two"))
    for entry in (single("Three", text="One\n\ntwo", place="Attic"), series()):
        desk.exchange.person_adds(entry)
    report = desk.synced()
    assert desk.activities.keys() == desk.events.keys() == {"One", "Two", "Three", "Round"}
    assert report.error is None
    desk.at_rest()


def test_an_edit_on_either_side_is_one_write_on_the_other(acme: Acme, desk: Desk) -> None:
    desk.exchange.person_adds(single("Planning"))
    item = desk.exchange.person_adds(series())
    desk.synced()
    acme.sandbox.severa_edits(desk.activities["Planning"].id, name="Renamed")
    before = desk.writes()
    desk.exchange.person_edits(item, place="Attic")
    assert desk.synced().writes == 2
    assert desk.writes() - before <= 2, "the series, and the date that does not follow it by itself"
    assert desk.events.keys() == {"Renamed", "Round"}
    assert desk.activities["Round"].entry.place == "Attic"
    desk.at_rest()


def test_single_dates_travel_both_ways(acme: Acme, desk: Desk) -> None:
    desk.exchange.person_adds(series())
    desk.synced()
    fourth, fifth = ((SOON + timedelta(weeks=week)).date() for week in (3, 4))
    made = desk.activities["Round"]
    acme.sandbox.severa_edits(made.id, fourth, name="With cake")
    acme.sandbox.severa_deletes(made.id, fifth)
    desk.synced()
    event = desk.events["Round"]
    assert event.exceptions[fourth].title == "With cake"
    assert fifth in event.cancelled
    desk.at_rest()


def test_a_delete_on_either_side_is_one_on_the_other(acme: Acme, desk: Desk) -> None:
    items = {name: desk.exchange.person_adds(single(name)) for name in ("Kept", "Gone here", "Gone there")}
    desk.synced()
    acme.sandbox.severa_deletes(desk.activities["Gone here"].id)
    desk.exchange.person_deletes(items["Gone there"])
    desk.synced()
    assert desk.activities.keys() == desk.events.keys() == {"Kept"}
    desk.at_rest()


def test_made_private_and_public_again_it_stays_one_pair(desk: Desk) -> None:
    item = desk.exchange.person_adds(series())
    desk.synced()
    before = desk.activities["Round"]
    desk.exchange.person_edits(item, sensitivity=Sensitivity.PRIVATE)
    desk.synced()
    assert desk.activities["Round"].category is Category.PERSONAL
    assert desk.activities["Round"].id != before.id
    desk.at_rest()
    desk.exchange.person_edits(item, sensitivity=Sensitivity.NORMAL)
    desk.synced()
    assert desk.activities["Round"].category is Category.CALENDAR_ENTRY
    desk.at_rest()


def test_a_meeting_has_its_people_and_nobody_is_lost(acme: Acme, desk: Desk) -> None:
    guests = (Person("bo@example.com", "Bo"), Person("eva@customer.example", "Eva"))
    me = Person("anna@example.com", "Anna", response="organizer")
    desk.exchange.person_adds(replace(single(), people=(me, *guests)), is_meeting=True, uid="1")
    desk.synced()
    assert desk.activities["Planning"].participant_ids == (acme.severa.bo["guid"],)
    acme.sandbox.severa_edits(desk.activities["Planning"].id, name="Renamed")
    desk.synced()
    (event,) = desk.exchange.shelf.shown().values()
    assert {person.address for person in event.entry.people} >= {"bo@example.com", "eva@customer.example"}
    desk.at_rest()


# --- cut off (rule 10.4) ----------------------------------------------------------------------------------------------


@pytest.fixture
def own_desk(them: People, severa: Severa, network: ThroughDjango, monkeypatch: pytest.MonkeyPatch) -> Desk:
    types = tuple(
        Kind(str(one.guid), one.name, Category(one.category), is_default=one.is_default, ticked=True)
        for one in ActivityType.objects.of(them.company)
    )
    rules = Rules(them.alice.psa_id, ZONE, types, NOW.date(), psa_masks=False)
    desk = Desk(lambda: severa.of(them.alice), rules, lambda: _writes(network))

    def succeed(_mirror: DjangoMirror, old: str, new: str) -> None:
        """As it does with the links in the database."""
        for link in desk.store.links():
            if link.psa_id == old:
                desk.store.record(replace(link, psa_id=new))

    monkeypatch.setattr(DjangoMirror, "succeed", succeed)
    return desk


@pytest.mark.parametrize(
    ("at", "when"),
    [
        pytest.param(at, when, marks=[] if (at, when) == (3, "after") else [pytest.mark.full])
        for at in range(1, 12)
        for when in ("before", "after")
    ],
)
def test_cut_off_at_any_request_the_next_runs_end_as_if_nothing_had_been(
    own_desk: Desk, network: ThroughDjango, at: int, when: str
) -> None:
    item = own_desk.exchange.person_adds(series())
    own_desk.exchange.person_adds(single())
    own_desk.synced()
    own_desk.exchange.person_edits(item, title="Renamed", sensitivity=Sensitivity.PRIVATE)
    own_desk.exchange.person_adds(series("New"))
    own_desk.exchange.person_adds(single("Another"))
    _cut_off(network, when, at)
    own_desk.store.accept(None)
    own_desk.run()
    setattr(network, when, None)
    for _ in range(3):
        for waiting in own_desk.store.set_aside():
            own_desk.store.lift(waiting.side, waiting.id)
        own_desk.synced()
    assert own_desk.activities.keys() == {"Renamed", "New", "Planning", "Another"}
    assert Activity.objects.filter(trashed_at=None).count() == 4, "no entry twice"
    own_desk.at_rest()


def _writes(network: ThroughDjango) -> int:
    return sum(not one.startswith("GET") and "token" not in one for one in network.sent)


def _cut_off(network: ThroughDjango, when: str, at: int) -> None:
    """Loses every request from the so-maniest write on."""
    seen: list[str] = []

    def lose(sent: str) -> None:
        if not sent.startswith("GET") and "token" not in sent:
            seen.append(sent)
        if len(seen) >= at:
            raise requests.ConnectionError

    setattr(network, when, lose)
