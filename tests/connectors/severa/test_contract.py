"""The whole contract of `sync.ports.Activities` with Severa as the PSA, over our own Severa-compatible API."""

from __future__ import annotations

from uuid import uuid4

import pytest

from samklang.activities import services
from samklang.activities.models import ActivityType
from samklang.activities.services import Guest
from samklang.engine.model import Category
from samklang.severa import models
from tests.connectors.severa.compatible import Severa
from tests.contract.activities import ActivitiesContract, ActivitySide
from tests.contract.people import Pair, PeopleContract, Somebody
from tests.people import People

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_entry_is_too_old")]


def void(*_done: object) -> None:
    """Nothing comes of it."""


def type_id(them: People, name: str = "Meeting") -> str:
    return str(ActivityType.objects.of(them.company).get(name=name).guid)


@pytest.mark.full  # `test_sandbox.py` has the same in every run
class TestSeveraActivities(ActivitiesContract):
    @pytest.fixture
    def side(self, them: People, severa: Severa) -> ActivitySide:
        visit = ActivityType.objects.create(organization=them.company, name="Visit", category=Category.CALENDAR_ENTRY)
        return ActivitySide(
            port=severa.of(them.alice),
            type_id=type_id(them),
            other_type_id=str(visit.guid),
            renames=lambda id_, name: void(services.update(them.alice, id_, name=name)),
            deletes=lambda id_: services.trash(them.alice, id_),
            restores=lambda id_: services.restore(them.alice, id_).psa_id,
            forget_tokens=lambda: void(models.Mirror.objects.update(epoch=uuid4())),
        )


@pytest.mark.full
class TestPeopleOfSeveraActivities(PeopleContract):
    @pytest.fixture
    def pair(self, them: People, severa: Severa) -> Pair:
        users = {user.psa_id: user for user in (them.alice, them.bob)}
        return Pair(
            Somebody(severa.of(them.alice), them.alice.psa_id, "alice@example.org"),
            Somebody(severa.of(them.bob), them.bob.psa_id, "bob@example.org"),
            type_id(them),
            invites=lambda id_, ids: void(
                services.update(them.alice, id_, participants=[Guest(users[psa_id]) for psa_id in ids])
            ),
            keeps_ids=False,
            needs_no_owner=False,
        )
