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
            restores=lambda id_: void(services.restore(them.alice, id_)),
            forget_tokens=lambda: void(
                services.update(them.alice, read(port)[0].id, name="Newer"),
                changes.purge(them.company.pk, clock.now() + timedelta(days=1)),
            ),
        )


def void(*_done: object) -> None:
    """Nothing comes of it."""


def test_who_leaves_an_activity_sees_it_removed(them: People) -> None:
    shared = services.create(them.alice, name="Shared", when=MEETING.when, participants=[Guest(them.bob)])
    bobs = BuiltInActivities(them.bob)
    assert [seen.id for seen in read(bobs)] == [shared.psa_id]
    token = token_after(bobs.read(None))
    services.update(them.alice, shared.guid, participants=[])
    assert delta(bobs, token)[:2] == ({}, {shared.psa_id})
    assert bobs.get([shared.psa_id]) == {shared.psa_id: None}


def test_a_participant_deletes_only_his_part(them: People, port: BuiltInActivities) -> None:
    shared = services.create(them.alice, name="Shared", when=MEETING.when, participants=[Guest(them.bob)])
    bobs = BuiltInActivities(them.bob)
    bobs.delete(read(bobs)[0])
    assert read(bobs) == []
    assert [seen.participant_ids for seen in read(port)] == [()]
    assert Activity.objects.get(pk=shared.pk).trashed_at is None


def test_a_colleagues_and_a_strangers_activities_are_not_there(them: People, port: BuiltInActivities) -> None:
    made = services.create(them.alice, name="Mine", when=MEETING.when)
    token = token_after(port.read(None))
    for other in (them.bob, them.charlie):
        theirs = BuiltInActivities(other)
        assert read(theirs) == [] and theirs.get([made.psa_id]) == {made.psa_id: None}
        with pytest.raises((ItemError, NotFound)):
            theirs.update(read(port)[0], replace(MEETING, title="Taken"), frozenset({"title"}))
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
