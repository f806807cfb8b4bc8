from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from samklang import clock
from samklang.activities import changes, services
from samklang.activities.models import Activity, ActivityType
from samklang.activities.services import Guest
from samklang.activities.source import BuiltInActivities
from samklang.engine.model import Category, Sensitivity
from samklang.sync.errors import ItemError, NotFound
from tests.contract.activities import MEETING, ActivitiesContract, ActivitySide, delta, read, token_after
from tests.contract.people import Pair, PeopleContract, Somebody
from tests.people import People, people

pytestmark = pytest.mark.django_db


@pytest.fixture
def them() -> People:
    return people()


def a_type(them: People, name: str) -> ActivityType:
    return ActivityType.objects.of(them.company).get(name=name)


@pytest.fixture
def port(them: People) -> BuiltInActivities:
    return BuiltInActivities(them.alice)


class TestBuiltInActivities(ActivitiesContract):
    @pytest.fixture
    def side(self, them: People, port: BuiltInActivities) -> ActivitySide:
        visit = ActivityType.objects.create(organization=them.company, name="Visit", category=Category.CALENDAR_ENTRY)
        return ActivitySide(
            port=port,
            type_id=str(a_type(them, "Meeting").guid),
            other_type_id=str(visit.guid),
            renames=lambda id_, name: void(services.update(them.alice, id_, name=name)),
            deletes=lambda id_: services.trash(them.alice, id_),
            restores=lambda id_: services.restore(them.alice, id_).psa_id,
            forget_tokens=lambda: void(
                services.update(them.alice, read(port)[0].id, name="Newer"),
                changes.purge(them.company.pk, clock.now() + timedelta(days=1)),
            ),
        )


def void(*_done: object) -> None:
    """Nothing comes of it."""


class TestPeopleOfBuiltInActivities(PeopleContract):
    @pytest.fixture
    def pair(self, them: People) -> Pair:
        users = {user.psa_id: user for user in (them.alice, them.bob)}
        return Pair(
            Somebody(BuiltInActivities(them.alice), them.alice.psa_id, "alice@example.org"),
            Somebody(BuiltInActivities(them.bob), them.bob.psa_id, "bob@example.org"),
            str(a_type(them, "Meeting").guid),
            invites=lambda id_, ids: void(
                services.update(them.alice, id_, participants=[Guest(users[psa_id]) for psa_id in ids])
            ),
        )


def test_one_meeting_in_two_organizations_is_an_activity_in_each(them: People, port: BuiltInActivities) -> None:
    theirs = BuiltInActivities(them.charlie)
    type_id = str(ActivityType.objects.of(them.charlie.organization).get(name="Meeting").guid)
    made = port.create(MEETING, str(a_type(them, "Meeting").guid), "key of its UID")
    assert theirs.create(MEETING, type_id, "key of its UID").id != made.id
    assert theirs.get([made.id]) == {made.id: None}


def test_nobody_of_another_organization_joins_owns_or_restores(them: People, port: BuiltInActivities) -> None:
    made = port.create(MEETING, str(a_type(them, "Meeting").guid), "key")
    theirs = BuiltInActivities(them.charlie)
    with pytest.raises(NotFound):
        theirs.take_part(made.id, "accepted")
    with pytest.raises(NotFound):
        theirs.restore(made.id)
    with pytest.raises(ItemError, match="owner_unknown"):
        port.hand_over(made, them.charlie.psa_id)
    with pytest.raises(ItemError, match="owner_unknown"):
        port.create(MEETING, made.type_id, "other", them.charlie.psa_id)


def test_a_colleague_who_does_not_take_part_reads_but_does_not_write(them: People, port: BuiltInActivities) -> None:
    made = port.create(MEETING, str(a_type(them, "Meeting").guid), "key")
    token = token_after(port.read(None))
    bobs = BuiltInActivities(them.bob)
    assert read(bobs) == [] and bobs.get([made.id]) == {made.id: made}
    with pytest.raises(ItemError, match="not_allowed"):
        bobs.update(made, replace(MEETING, title="Taken"), frozenset({"title"}))
    with pytest.raises(ItemError, match="not_allowed"):
        bobs.delete(made)
    with pytest.raises(ItemError, match="not_allowed"):
        bobs.hand_over(made, them.bob.psa_id)
    services.create(them.bob, name="Bob's", when=MEETING.when)
    services.create(them.charlie, name="Charlie's", when=MEETING.when)
    assert delta(port, token)[:2] == ({}, set())


def test_a_private_event_without_a_private_type_is_masked(them: People, port: BuiltInActivities) -> None:
    private = replace(MEETING, sensitivity=Sensitivity.PRIVATE)
    made = port.create(private, str(a_type(them, "Meeting").guid), "key")
    assert made.entry.sensitivity is Sensitivity.PRIVATE
    assert Activity.objects.get(guid=made.id).masked
    after = port.update(made, MEETING, frozenset({"sensitivity"}))
    assert after.entry.sensitivity is Sensitivity.NORMAL


def test_the_seen_activity_tells_who_takes_part_and_what_state_it_is_in(them: People, port: BuiltInActivities) -> None:
    services.create(
        them.alice,
        name="Shared",
        when=MEETING.when,
        participants=[Guest(them.bob), Guest(name="Eva", address="eva@customer.example")],
        closed=True,
        has_hours=True,
        draft=True,
    )
    (seen,) = read(port)
    assert (seen.owner_id, seen.participant_ids) == (them.alice.psa_id, (them.bob.psa_id,))
    assert seen.closed and seen.has_hours and seen.draft
    assert [person.address for person in seen.entry.people] == ["bob@example.org", "eva@customer.example"]


def test_a_value_the_calendar_refuses_sets_the_entry_aside(them: People, port: BuiltInActivities) -> None:
    with pytest.raises(ItemError) as refused:
        port.create(replace(MEETING, place="x" * 1001), str(a_type(them, "Meeting").guid), "key")
    assert refused.value.code == "place_too_long"
    with pytest.raises(ItemError) as refused:
        port.create(MEETING, "00000000-0000-4000-8000-000000000000", "key")
    assert refused.value.code == "type_unknown"
