"""The whole contract of `sync.ports.Activities` with the sandbox's Severa, also where it behaves as nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from samklang.severa import models
from tests.connectors.severa.sandboxed import Acme
from tests.contract.activities import ActivitiesContract, ActivitySide
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
