from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from samklang.accounts.models import User
from samklang.activities import services
from samklang.activities.models import Activity, ActivityType, ChangeLog, Participant
from samklang.activities.services import Guest, NotAllowed, NotThere, Outdated, Refused
from samklang.activities.types import default_type, found_organization, private_type, set_ticks, types_for_rules
from samklang.engine.model import AllDay, Category, Frequency, Recurrence, Timed, Weekday
from tests.people import People, people

pytestmark = pytest.mark.django_db

NINE = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # a Monday, 09:00 in Stockholm
WHEN = Timed(NINE, NINE + timedelta(hours=1), "Europe/Stockholm")


@pytest.fixture
def them() -> People:
    return people()


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> list[set[int]]:
    """The users whose mailboxes were marked, write by write; each time within a transaction."""
    marks: list[set[int]] = []

    def mark(user_ids: object) -> None:
        assert connection.in_atomic_block
        marks.append(set(user_ids))  # type: ignore[call-overload]

    monkeypatch.setattr("samklang.mailboxes.dirty.mark", mark)
    return marks


def meeting(them: People, **values: object) -> Activity:
    return services.create(them.alice, **({"name": "Planning", "when": WHEN} | values))  # type: ignore[arg-type]


def refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(Refused) as error:
        act()
    assert error.value.code == code


# --- making and changing --------------------------------------------------------------------------------------------


def test_an_activity_is_owned_by_its_maker_and_of_his_default_type(them: People) -> None:
    made = meeting(them)
    assert (made.owner, made.created_by, made.type.name, made.version) == (them.alice, them.alice, "Meeting", 1)
    assert made.start_wall.isoformat() == "2026-03-02T09:00:00"


def test_a_users_own_default_type_comes_before_the_organizations(them: People) -> None:
    visit = ActivityType.objects.create(organization=them.company, name="Visit", category=Category.CALENDAR_ENTRY)
    User.objects.filter(pk=them.bob.pk).update(default_activity_type=str(visit.guid))
    them.bob.refresh_from_db()
    assert services.create(them.bob, name="X", when=WHEN).type == visit
    visit.is_active = False
    visit.save()
    assert default_type(them.company, them.bob).name == "Meeting"


def test_a_write_changes_what_was_given_and_nothing_else(them: People) -> None:
    made = meeting(them, location="Room 3", notes="Bring cake", project="Bridge")
    changed = services.update(them.alice, made.guid, version=1, location="Attic", closed=True)
    assert (changed.name, changed.location, changed.notes) == ("Planning", "Attic", "Bring cake")
    assert (changed.closed, changed.project, changed.version) == (True, "Bridge", 2)


def test_who_saw_an_old_version_writes_nothing(them: People) -> None:
    made = meeting(them)
    services.update(them.alice, made.guid, version=1, name="First")
    with pytest.raises(Outdated):
        services.update(them.alice, made.guid, version=1, name="Second")
    assert Activity.objects.get().name == "First"


def test_the_same_create_key_makes_one_activity(them: People) -> None:
    assert meeting(them, create_key="k").pk == meeting(them, create_key="k", name="Again").pk


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"name": " "}, "name_missing"),
        ({"location": "x" * 1001}, "place_too_long"),
        ({"when": Timed(NINE, NINE - timedelta(minutes=1), "Europe/Stockholm")}, "end_before_start"),
        ({"when": AllDay(date(2026, 3, 2), date(2026, 3, 2))}, "end_before_start"),
        ({"when": Timed(NINE, NINE, "Europe/Nowhere")}, "zone_unknown"),
        ({"recurrence": Recurrence(Frequency.DAILY, interval=0)}, "invalid_rule"),
        ({"recurrence": Recurrence(Frequency.DAILY, until=date(2026, 4, 1), count=3)}, "count_and_until"),
        ({"recurrence": Recurrence(Frequency.DAILY, until=date(2026, 3, 1))}, "no_occurrence"),
        ({"participants": [Guest()]}, "participant_empty"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name_and_leaves_nothing(
    them: People, values: dict[str, object], code: str
) -> None:
    refused(code, lambda: meeting(them, **values))
    assert not Activity.objects.exists() and not ChangeLog.objects.exists()


def test_another_organizations_types_owners_and_participants_are_refused(them: People) -> None:
    theirs = ActivityType.objects.of(them.charlie.organization).first()
    refused("type_unknown", lambda: meeting(them, type=theirs))
    refused("owner_unknown", lambda: meeting(them, owner=them.charlie))
    refused("participant_unknown", lambda: meeting(them, participants=[Guest(them.charlie)]))


# --- who may --------------------------------------------------------------------------------------------------------


def test_a_participant_edits_but_does_not_delete_or_hand_over(them: People) -> None:
    made = meeting(them, participants=[Guest(them.bob)])
    assert services.update(them.bob, made.guid, name="Bob's words").name == "Bob's words"
    for act in (
        lambda: services.trash(them.bob, made.guid),
        lambda: services.update(them.bob, made.guid, owner=them.bob),
    ):
        with pytest.raises(NotAllowed):
            act()
    services.leave(them.bob, made.guid)
    with pytest.raises(NotAllowed):
        services.update(them.bob, made.guid, name="Too late")


def test_a_colleague_who_does_not_take_part_changes_nothing(them: People) -> None:
    made = meeting(them)
    for act in (
        lambda: services.update(them.bob, made.guid, name="X"),
        lambda: services.trash(them.bob, made.guid),
        lambda: services.leave(them.bob, made.guid),
        lambda: services.respond(them.bob, made.guid, Participant.Status.ACCEPTED),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert Activity.objects.get().version == 1


def test_to_another_organization_the_activity_is_not_there(them: People) -> None:
    made = meeting(them)
    for act in (
        lambda: services.update(them.charlie, made.guid, name="X"),
        lambda: services.trash(them.charlie, made.guid),
        lambda: services.restore(them.charlie, made.guid),
        lambda: services.leave(them.charlie, made.guid),
        lambda: services.cancel_occurrence(them.charlie, made.guid, date(2026, 3, 2)),
    ):
        with pytest.raises(NotThere):
            act()


def test_a_draft_is_there_for_who_takes_part_only(them: People) -> None:
    made = meeting(them, draft=True)
    with pytest.raises(NotThere):
        services.update(them.bob, made.guid, name="X")
    assert Activity.objects.visible_to(them.alice).count() == 1
    assert Activity.objects.visible_to(them.bob).count() == 0


def test_a_deleted_activity_lies_in_the_trash_until_it_is_purged(them: People) -> None:
    made = meeting(them, participants=[Guest(them.bob)])
    services.trash(them.alice, made.guid)
    with pytest.raises(NotThere):
        services.update(them.alice, made.guid, name="X")
    services.restore(them.alice, made.guid)
    assert services.update(them.bob, made.guid, name="Back").version == 4
    services.trash(them.alice, made.guid)
    now = datetime.now(UTC)
    assert services.purge_trash(them.company, now - timedelta(days=30)) == 0
    assert services.purge_trash(them.company, now + timedelta(days=1)) == 1
    assert not Activity.objects.exists()


# --- people ---------------------------------------------------------------------------------------------------------


def test_an_address_of_a_colleague_means_the_colleague_and_the_owner_is_no_participant(them: People) -> None:
    guests = [Guest(address="BOB@Example.org"), Guest(them.alice), Guest(name="Eva", address="eva@customer.example")]
    made = meeting(them, participants=guests)
    assert [(p.user, p.shown_address, p.kind) for p in made.participants.all()] == [
        (them.bob, "bob@example.org", "User"),
        (None, "eva@customer.example", "Other"),
    ]
    assert not services.update(them.alice, made.guid, participants=[Guest(them.alice)]).participants.exists()


def test_who_stays_keeps_his_place_and_his_answer(them: People) -> None:
    made = meeting(them, participants=[Guest(them.bob), Guest(name="Eva", address="eva@customer.example")])
    services.respond(them.bob, made.guid, Participant.Status.ACCEPTED)
    before = made.participants.get(user=them.bob)
    changed = services.update(them.alice, made.guid, participants=[Guest(them.bob)])
    (only,) = changed.participants.all()
    assert (only.guid, only.status) == (before.guid, "Accepted")


def test_a_participant_who_becomes_owner_is_no_participant_any_longer(them: People) -> None:
    made = meeting(them, participants=[Guest(them.bob)])
    changed = services.update(them.alice, made.guid, owner=them.bob, participants=[Guest(them.alice)])
    assert [p.user for p in changed.participants.all()] == [them.alice]


# --- series ---------------------------------------------------------------------------------------------------------

WEEKLY = Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY,), count=5)
MONDAYS = [date(2026, 3, 2) + timedelta(days=7 * n) for n in range(5)]


def series(them: People, **values: object) -> Activity:
    return meeting(them, recurrence=WEEKLY, **values)


def starts(activity: Activity) -> list[str]:
    from samklang.activities import queries

    year = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    assert activity.owner
    fresh = Activity.objects.whole().get(pk=activity.pk)
    return [f"{one.when.start:%m-%d %H} {one.title}" for one in queries.occurrences(activity.owner, fresh, *year)]  # type: ignore[union-attr]


def later(day: date, hours: int, days: int = 0) -> Timed:
    start = datetime(day.year, day.month, day.day, 8, tzinfo=UTC) + timedelta(days=days, hours=hours)
    return Timed(start, start + timedelta(hours=1), "Europe/Stockholm")


def test_this_occurrence_alone_is_changed_moved_and_cancelled(them: People) -> None:
    made = series(them)
    services.update_occurrence(them.alice, made.guid, MONDAYS[1], name="Special", when=later(MONDAYS[1], 3))
    services.cancel_occurrence(them.alice, made.guid, MONDAYS[2])
    assert starts(made) == ["03-02 08 Planning", "03-09 11 Special", "03-23 08 Planning", "03-30 07 Planning"]
    services.reset_occurrences(them.alice, made.guid, MONDAYS[2])
    assert "03-16 08 Planning" in starts(made)
    services.reset_occurrences(them.alice, made.guid)
    assert "Special" not in " ".join(starts(made))


def test_a_changed_occurrence_keeps_its_own_id_while_it_stays_changed(them: People) -> None:
    made = series(them)
    first = services.update_occurrence(them.alice, made.guid, MONDAYS[1], name="One").overrides.get().guid
    assert services.update_occurrence(them.alice, made.guid, MONDAYS[1], name="Two").overrides.get().guid == first


def test_an_occurrence_may_not_be_moved_onto_or_past_its_neighbour(them: People) -> None:
    made = series(them)
    for days in (-7, 7, 8):
        to = later(MONDAYS[1], 0, days)
        refused(
            "occurrence_crosses_neighbour",
            lambda to=to: services.update_occurrence(them.alice, made.guid, MONDAYS[1], when=to),  # type: ignore[misc]
        )
    to = later(MONDAYS[1], -4, 7)  # the neighbour's day, but over before it begins
    refused(
        "occurrence_crosses_neighbour",
        lambda: services.update_occurrence(them.alice, made.guid, MONDAYS[1], when=to),
    )
    into_the_next = Timed(NINE + timedelta(days=7), NINE + timedelta(days=14, minutes=1), "Europe/Stockholm")
    refused(
        "occurrence_crosses_neighbour",
        lambda: services.update_occurrence(them.alice, made.guid, MONDAYS[1], when=into_the_next),
    )
    services.cancel_occurrence(them.alice, made.guid, MONDAYS[2])
    services.update_occurrence(them.alice, made.guid, MONDAYS[1], when=later(MONDAYS[1], 0, 8))
    assert "03-17 08 Planning" in starts(made)


def test_a_date_the_series_does_not_have_is_refused(them: People) -> None:
    made = series(them)
    services.cancel_occurrence(them.alice, made.guid, MONDAYS[1])
    for day in (date(2026, 3, 3), MONDAYS[1], date(2027, 3, 1)):
        refused("occurrence_unknown", lambda day=day: services.update_occurrence(them.alice, made.guid, day, name="X"))  # type: ignore[misc]


def test_the_last_occurrence_takes_the_series_into_the_trash(them: People) -> None:
    made = series(them)
    for day in MONDAYS:
        services.cancel_occurrence(them.alice, made.guid, day)
    assert Activity.objects.get().trashed_at is not None


def test_a_change_of_all_leaves_what_an_occurrence_has_of_its_own(them: People) -> None:
    made = series(them)
    services.update_occurrence(them.alice, made.guid, MONDAYS[1], name="Special")
    services.update(them.alice, made.guid, name="Review", when=later(MONDAYS[0], 2))
    assert starts(made)[:3] == ["03-02 10 Review", "03-09 10 Special", "03-16 10 Review"]


def test_this_and_following_makes_two_series(them: People) -> None:
    made = series(them, participants=[Guest(them.bob)], project="Bridge", notes="Agenda")
    services.update_occurrence(them.alice, made.guid, MONDAYS[3], name="Special")
    services.cancel_occurrence(them.alice, made.guid, MONDAYS[0])
    rest = services.update_following(them.alice, made.guid, MONDAYS[2], name="Review", location="Attic")
    assert starts(made) == ["03-09 08 Planning"]
    assert starts(rest) == ["03-16 08 Review", "03-23 08 Special", "03-30 07 Review"]
    assert (rest.project, rest.notes, rest.location, rest.owner) == ("Bridge", "Agenda", "Attic", them.alice)
    assert [p.user for p in rest.participants.all()] == [them.bob]


def test_a_series_moved_to_another_weekday_turns_its_rule_along(them: People) -> None:
    made = series(them)
    services.update(them.alice, made.guid, when=later(MONDAYS[0], 0, days=1))
    assert starts(made)[:2] == ["03-03 08 Planning", "03-10 08 Planning"]
    rest = services.update_following(them.alice, made.guid, date(2026, 3, 17), when=later(date(2026, 3, 17), 0, days=1))
    assert starts(made) == ["03-03 08 Planning", "03-10 08 Planning"]
    assert starts(rest) == ["03-18 08 Planning", "03-25 08 Planning", "04-01 07 Planning"]


def test_a_series_whose_start_moves_within_its_rule_keeps_the_rule(them: People) -> None:
    made = meeting(them, recurrence=Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY, Weekday.FRIDAY), count=3))
    services.update(them.alice, made.guid, when=later(date(2026, 3, 6), 0))
    assert starts(made) == ["03-06 08 Planning", "03-09 08 Planning", "03-13 08 Planning"]


def test_this_and_following_from_the_first_occurrence_is_all(them: People) -> None:
    made = series(them)
    assert services.update_following(them.alice, made.guid, MONDAYS[0], name="Review").pk == made.pk
    assert Activity.objects.count() == 1


def test_ending_a_series_keeps_what_was_before(them: People) -> None:
    made = series(them)
    services.cancel_following(them.alice, made.guid, MONDAYS[2])
    assert starts(made) == ["03-02 08 Planning", "03-09 08 Planning"]
    services.cancel_following(them.alice, made.guid, MONDAYS[0])
    assert Activity.objects.get().trashed_at is not None


@pytest.mark.parametrize(
    ("rule", "day", "expected"),
    [
        (WEEKLY, MONDAYS[1], ["03-03 10", "03-10 10", "03-17 10"]),
        (
            Recurrence(Frequency.MONTHLY, day_of_month=2, count=3),
            date(2026, 4, 2),
            ["03-03 10", "04-03 09", "05-03 09"],
        ),
        (
            Recurrence(Frequency.MONTHLY, position=1, weekdays=(Weekday.MONDAY,), count=3),
            date(2026, 4, 6),
            ["03-03 10", "04-07 09", "05-05 09"],
        ),
        (Recurrence(Frequency.DAILY, count=3), date(2026, 3, 3), ["03-03 10", "03-04 10", "03-05 10"]),
    ],
)
def test_dragging_one_occurrence_moves_the_whole_series(
    them: People, rule: Recurrence, day: date, expected: list[str]
) -> None:
    made = meeting(them, recurrence=rule)
    services.move_series(them.alice, made.guid, day, later(day, 2 if day < date(2026, 3, 29) else 1, days=1))
    assert [start[:8] for start in starts(made)][:3] == expected


# --- what a write sets off ------------------------------------------------------------------------------------------


def test_every_owner_and_participant_before_and_after_is_due(them: People, marked: list[set[int]]) -> None:
    both = {them.alice.pk, them.bob.pk}
    made = meeting(them)
    services.update(them.alice, made.guid, participants=[Guest(them.bob)])
    services.update(them.alice, made.guid, participants=[])
    services.update(them.alice, made.guid, owner=them.bob)
    services.update(them.bob, made.guid, participants=[Guest(them.alice)])
    services.leave(them.alice, made.guid)
    services.trash(them.bob, made.guid)
    assert marked == [{them.alice.pk}, both, both, both, both, both, {them.bob.pk}]


def test_a_refused_write_makes_nobody_due(them: People, marked: list[set[int]]) -> None:
    made = meeting(them)
    marked.clear()
    with pytest.raises(NotAllowed):
        services.update(them.bob, made.guid, name="X")
    assert marked == []


# --- types ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "default", "private"), [("sv", "Möte", "Privat"), ("en", "Meeting", "Private")])
def test_a_new_organization_has_its_types_in_its_language(language: str, default: str, private: str) -> None:
    organization = found_organization("New", language=language)
    found = private_type(organization)
    assert default_type(organization).name == default
    assert found is not None and found.name == private
    assert {type_.category for type_ in types_for_rules(organization)} == set(Category)


def test_ticking_a_type_makes_its_activities_due(them: People, marked: list[set[int]]) -> None:
    made = meeting(them)
    marked.clear()
    set_ticks(them.company, [str(made.type.guid)], by=them.alice)
    set_ticks(them.company, [str(made.type.guid)], by=them.alice)
    assert marked == [{them.alice.pk}]
    assert [type_.name for type_ in types_for_rules(them.company) if type_.ticked] == ["Meeting"]
    refused("type_unknown", lambda: set_ticks(them.charlie.organization, [str(made.type.guid)]))
