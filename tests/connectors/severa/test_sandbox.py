"""The whole contract of `sync.ports.Activities` with the sandbox's Severa, also where it behaves as nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest

from samklang.engine import canonical, recurrence
from samklang.engine.model import AllDay, Entry, Frequency, Recurrence, Timed, Weekday, When
from samklang.severa import models
from tests.connectors.severa.sandboxed import Acme
from tests.contract.activities import ActivitiesContract, ActivitySide, read
from tests.contract.people import Pair, PeopleContract, Somebody
from tests.people import people
from tests.sandbox_client import Sandbox

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_entry_is_too_old")]

#: What no source tells (Severa facts, "Open questions"): the default first.
BEHAVIOURS: dict[str, dict[str, Any]] = {
    "default": {},
    "utc": {"offsets": "utc", "notes": "html", "not_found_body": True},
    "naive": {"offsets": "none", "touched_by": ["participants", "exceptions"]},
    "lower": {"patch_ops": "lower", "exception_guid": "new"},
    "reset": {"relaid_exceptions": "reset", "owner_participates": True},
    "capital": {"patch_ops": "capital", "patch_values": "strings"},
    "fixed": {"fixed_fields": ["recurrence", "activityType"]},
    "follows": {"exceptions_follow": True, "status_writable": True, "touched_by": ["exceptions", "participants"]},
}
both = pytest.mark.parametrize(
    "behaviour",
    [pytest.param(name, marks=[] if name == "default" else [pytest.mark.full]) for name in BEHAVIOURS],
)


@pytest.fixture
def behaviour() -> str:
    return "default"


@pytest.fixture
def acme(sandbox: Sandbox, behaviour: str) -> Acme:
    return Acme.of_sandbox(sandbox, people().company, **BEHAVIOURS[behaviour])


@both
class TestSeveraActivities(ActivitiesContract):
    @pytest.fixture
    def side(self, acme: Acme, behaviour: str) -> ActivitySide:
        port, other = acme.port(acme.severa.anna), acme.sandbox.severa_type("acme", "Visit", "CalendarEntry")
        return ActivitySide(
            port=port,
            type_id=acme.severa.types["CalendarEntry"]["guid"],
            other_type_id=other["guid"],
            renames=lambda id_, name: acme.sandbox.severa_edits(id_, name=name),
            deletes=acme.sandbox.severa_deletes,
            restores=lambda id_: port.restore(id_).id,
            forget_tokens=lambda: models.Mirror.objects.update(epoch=uuid4()),
            in_place=behaviour != "fixed",
        )


MONDAY = date(2026, 3, 2)
NINE = Timed(datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 2, 9, tzinfo=UTC), "Europe/Stockholm")
LATE = Timed(datetime(2026, 3, 2, 22, tzinfo=UTC), datetime(2026, 3, 3, 3, tzinfo=UTC), "Europe/Stockholm")
DAYS = AllDay(MONDAY, date(2026, 3, 4))
WORKDAYS, WEEKEND = tuple(Weekday)[:5], tuple(Weekday)[5:]
RULES = {
    "every day": Recurrence(Frequency.DAILY, count=10),
    "every third day": Recurrence(Frequency.DAILY, interval=3, until=date(2026, 4, 30)),
    "workdays": Recurrence(Frequency.WEEKLY, weekdays=WORKDAYS, count=20),
    "every other week": Recurrence(Frequency.WEEKLY, interval=2, weekdays=(Weekday.MONDAY, Weekday.FRIDAY), count=9),
    "never-ending": Recurrence(Frequency.WEEKLY),
    "second of the month": Recurrence(Frequency.MONTHLY, day_of_month=2, count=12),
    "first Monday": Recurrence(Frequency.MONTHLY, position=1, weekdays=(Weekday.MONDAY,), count=12),
    "last workday": Recurrence(Frequency.MONTHLY, interval=2, position=-1, weekdays=WORKDAYS, count=6),
    "second day of a weekend": Recurrence(Frequency.MONTHLY, position=2, weekdays=WEEKEND, count=6),
    "last day": Recurrence(Frequency.MONTHLY, position=-1, weekdays=tuple(Weekday), count=6),
    "a date of the year": Recurrence(Frequency.YEARLY, month=3, day_of_month=2, count=5),
    "a Monday of the year": Recurrence(Frequency.YEARLY, month=3, position=1, weekdays=(Weekday.MONDAY,), count=5),
}


@pytest.mark.full
@pytest.mark.parametrize("when", [NINE, LATE, DAYS], ids=["timed", "over midnight", "whole days"])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_rule_is_held_as_given_with_a_changed_and_a_removed_date(
    acme: Acme, rule: Recurrence, when: When
) -> None:
    plain = recurrence.aligned(Entry("Round", when, recurrence=rule))
    second, third = recurrence.slot_days(plain, MONDAY, date(2032, 1, 1))[1:3]
    changed = replace(recurrence.occurrence(plain, second), title="With cake", place="Attic")
    entry = replace(plain, exceptions={second: changed}, cancelled=frozenset({third}))
    made = acme.port(acme.severa.anna).create(entry, acme.severa.types["CalendarEntry"]["guid"], "key")
    assert canonical.fields(made.entry) == canonical.fields(entry)
    models.MirrorRow.objects.all().delete()
    models.MirrorState.objects.all().delete()
    (read_anew,) = read(acme.port(acme.severa.anna))
    assert canonical.fields(read_anew.entry) == canonical.fields(entry)


@both
class TestPeopleOfSeveraActivities(PeopleContract):
    @pytest.fixture
    def pair(self, acme: Acme) -> Pair:
        anna, bo = acme.severa.anna, acme.severa.bo
        return Pair(
            Somebody(acme.port(anna), anna["guid"], "anna@example.com"),
            Somebody(acme.port(bo), bo["guid"], "bo@example.com"),
            acme.severa.types["CalendarEntry"]["guid"],
            invites=_invites(acme),
            keeps_ids=False,
            needs_no_owner=False,
        )


def _invites(acme: Acme) -> Callable[[str, list[str]], None]:
    def invites(id_: str, ids: list[str]) -> None:
        there = {one["participantGuid"] for one in acme.severa.get(f"/v1/activities/{id_}/activityparticipants")}
        for gone in there - set(ids) - {acme.severa.anna["guid"]}:
            acme.sandbox.severa_removes(id_, gone)
        for new in set(ids) - there:
            acme.sandbox.severa_adds(id_, new)

    return invites
