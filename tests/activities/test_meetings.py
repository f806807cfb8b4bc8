"""What only a meeting's organizer may change, and what stays everybody's own (rule 4.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from samklang.activities import services
from samklang.activities.models import Activity, ActivityType, Participant
from samklang.activities.services import Guest, NotAllowed
from samklang.activities.source import BuiltInActivities
from samklang.engine.model import Category, Frequency, LinkStatus, Recurrence, Role, Timed, Weekday
from tests.contract.activities import read
from tests.linked import link, syncs
from tests.people import People, people

pytestmark = pytest.mark.django_db

NINE = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
WHEN = Timed(NINE, NINE + timedelta(hours=1), "Europe/Stockholm")
LATER = Timed(NINE + timedelta(hours=2), NINE + timedelta(hours=3), "Europe/Stockholm")
WEEKLY = Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY,), count=5)
SECOND = date(2026, 3, 9)
EVA = Guest(name="Eva Lund", address="eva@customer.example", organizer=True, status=Participant.Status.ACCEPTED)


@pytest.fixture
def them() -> People:
    return people()


def invitation(them: People, **values: object) -> Activity:
    """Eva, who is outside, invited Alice and Bob; Alice owns the activity."""
    made = services.create(
        them.alice,
        **({"name": "Review", "when": WHEN, "participants": [EVA, Guest(them.bob)]} | values),  # type: ignore[arg-type]
    )
    link(them.alice, made, Role.ATTENDEE)
    return made


def refused(act: Callable[[], object]) -> str:
    before = list(Activity.objects.order_by("pk").values())
    with pytest.raises(NotAllowed) as error:
        act()
    assert error.value.code == "organizer_only"
    assert list(Activity.objects.order_by("pk").values()) == before, "nothing is written"
    return str(error.value)


@pytest.mark.parametrize(
    "values",
    [
        {"name": "Other"},
        {"when": LATER},
        {"location": "Attic"},
        {"recurrence": WEEKLY},
        {"participants": [EVA]},
        {"participants": [EVA, Guest(), Guest(name="Kim", address="kim@customer.example")]},
    ],
    ids=["title", "time", "place", "repetition", "somebody goes", "somebody comes"],
)
def test_what_is_the_organizers_is_refused_with_the_reason(them: People, values: dict[str, object]) -> None:
    made = invitation(them)
    if len(values.get("participants", ())) == 3:  # type: ignore[arg-type]
        values["participants"][1] = Guest(them.bob)  # type: ignore[index]
    for who in (them.alice, them.bob):
        assert "Eva Lund" in refused(partial(services.update, who, made.guid, **values))  # type: ignore[arg-type]


def test_what_is_ones_own_stays_free(them: People) -> None:
    made = invitation(them)
    private = ActivityType.objects.of(them.company).get(name="Private")
    same = {"name": "Review", "when": WHEN, "location": "", "recurrence": None, "participants": [EVA, Guest(them.bob)]}
    changed = services.update(
        them.alice,
        made.guid,
        **same,  # type: ignore[arg-type]
        type=private,
        notes="For me",
        customer="Nordhavn",
        project="Bridge",
        masked=True,
        closed=True,
    )
    assert (changed.type, changed.notes, changed.customer, changed.project) == (
        private,
        "For me",
        "Nordhavn",
        "Bridge",
    )


def test_answering_leaving_and_deleting_are_ones_own_too(them: People) -> None:
    made = invitation(them)
    services.respond(them.bob, made.guid, Participant.Status.DECLINED)
    services.leave(them.bob, made.guid)
    services.trash(them.alice, made.guid)
    assert services.restore(them.alice, made.guid).name == "Review"


def test_an_occurrence_of_somebody_elses_series_is_the_organizers_too(them: People) -> None:
    made = invitation(them, recurrence=WEEKLY)
    for act in (
        lambda: services.update_occurrence(them.alice, made.guid, SECOND, name="Other"),
        lambda: services.update_occurrence(them.alice, made.guid, SECOND, when=_on(SECOND)),
        lambda: services.cancel_occurrence(them.alice, made.guid, SECOND),
        lambda: services.update_following(them.alice, made.guid, SECOND, location="Attic"),
        lambda: services.cancel_following(them.alice, made.guid, SECOND),
        lambda: services.move_series(them.alice, made.guid, SECOND, _on(SECOND)),
    ):
        refused(act)
    services.update_occurrence(them.alice, made.guid, SECOND, notes="For me")


def _on(day: date) -> Timed:
    start = datetime(day.year, day.month, day.day, 11, tzinfo=UTC)
    return Timed(start, start + timedelta(hours=1), "Europe/Stockholm")


def test_a_meeting_whose_organizer_syncs_is_changed_by_anybody_who_takes_part(them: People) -> None:
    made = services.create(them.alice, name="Plan", when=WHEN, participants=[Guest(them.bob)])
    link(them.alice, made, Role.ORGANIZER)
    link(them.bob, made, Role.ATTENDEE)
    assert services.update(them.bob, made.guid, name="New plan", when=LATER).name == "New plan"


def test_the_meeting_of_a_colleague_who_does_not_sync_is_his_even_to_himself(them: People) -> None:
    made = services.create(them.alice, name="Plan", when=WHEN, participants=[Guest(them.bob)])
    link(them.bob, made, Role.ATTENDEE)
    assert "Alice Berg" in refused(lambda: services.update(them.alice, made.guid, name="New plan"))
    link(them.alice, made, Role.ORGANIZER)
    syncs(them.alice, on=False)
    refused(lambda: services.update(them.bob, made.guid, name="New plan"))


@pytest.mark.parametrize(
    ("role", "status", "on"),
    [
        (Role.PARTICIPANT, LinkStatus.LINKED, True),
        (Role.ATTENDEE, LinkStatus.UNLINKED, True),
        (Role.ATTENDEE, LinkStatus.LINKED, False),
    ],
    ids=["a copy without attendees", "unlinked", "nobody syncs it"],
)
def test_what_no_mailbox_holds_as_a_meeting_is_free(them: People, role: Role, status: LinkStatus, on: bool) -> None:
    made = services.create(them.alice, name="Plan", when=WHEN, participants=[EVA, Guest(them.bob)])
    link(them.bob, made, role, status=status)
    syncs(them.bob, on=on)
    assert services.update(them.alice, made.guid, name="New plan").name == "New plan"


def test_a_link_of_another_organization_binds_nobody(them: People) -> None:
    made = services.create(them.alice, name="Plan", when=WHEN)
    link(them.charlie, made, Role.ATTENDEE)
    services.update(them.alice, made.guid, name="New plan")


def test_the_sync_itself_brings_what_the_organizer_changed(them: People) -> None:
    invitation(them)
    port = BuiltInActivities(them.alice)
    (seen,) = read(port)
    after = port.update(seen, replace(seen.entry, title="Moved", when=LATER), frozenset({"title", "time"}))
    assert (after.entry.title, after.entry.when) == ("Moved", LATER)


def test_a_meeting_that_gets_another_owner_keeps_its_organizer(them: People) -> None:
    made = services.create(them.alice, name="Plan", when=WHEN, participants=[Guest(them.bob)])
    link(them.alice, made, Role.ORGANIZER)
    changed = services.update(them.alice, made.guid, owner=them.bob)
    assert changed.owner == them.bob
    assert [(row.user, row.organizer) for row in changed.participants.all()] == [(them.alice, True)]
    (seen,) = read(BuiltInActivities(them.alice))
    assert (seen.owner_id, seen.invitation) == (them.bob.psa_id, False)


def test_an_invitation_is_handed_to_a_colleague_and_who_was_invited_stays(them: People) -> None:
    made = invitation(them, participants=[EVA])
    changed = services.update(them.alice, made.guid, owner=them.bob)
    assert [(row.shown_name, row.organizer) for row in changed.participants.all()] == [
        ("Eva Lund", True),
        ("Alice Berg", False),
    ]


def test_what_is_no_meeting_changes_hands_whole(them: People) -> None:
    made = services.create(them.alice, name="Plan", when=WHEN)
    assert not services.update(them.alice, made.guid, owner=them.bob).participants.exists()


def test_the_type_may_change_to_one_of_another_group(them: People) -> None:
    made = invitation(them)
    todo = ActivityType.objects.of(them.company).get(category=Category.TO_DO)
    assert services.update(them.bob, made.guid, type=todo).type == todo
