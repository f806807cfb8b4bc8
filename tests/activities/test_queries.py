from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from samklang.accounts.models import User
from samklang.activities import queries, services
from samklang.activities.errors import NotThere
from samklang.activities.models import ActivityType
from samklang.activities.services import Guest
from samklang.engine.model import AllDay, Frequency, Recurrence, Timed
from tests.people import People, people

pytestmark = pytest.mark.django_db

MARCH, APRIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
NINE = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
WHEN = Timed(NINE, NINE + timedelta(hours=1), "Europe/Stockholm")


@pytest.fixture
def them() -> People:
    return people()


def private(them: People) -> ActivityType:
    return ActivityType.objects.of(them.company).get(name="Private")


def titles(reader: User, *whose: User) -> list[str]:
    return [one.title for one in queries.between(reader, MARCH, APRIL, people=whose or None)]


def test_one_sees_what_one_owns_or_takes_part_in(them: People) -> None:
    services.create(them.alice, name="Alone", when=WHEN)
    services.create(them.alice, name="Together", when=WHEN, participants=[Guest(them.bob)])
    assert titles(them.alice) == ["Alone", "Together"]
    assert titles(them.bob) == ["Together"]
    assert titles(them.bob, them.alice) == ["Alone", "Together"]
    assert titles(them.charlie) == titles(them.charlie, them.alice) == []


def test_a_colleague_sees_of_a_private_entry_its_time_and_nothing_else(them: People) -> None:
    made = services.create(
        them.alice, name="Dentist", when=WHEN, location="Clinic", notes="Root canal", type=private(them)
    )
    (seen,) = queries.between(them.bob, MARCH, APRIL, people=[them.alice])
    assert (seen.title, seen.place, seen.text, seen.when) == ("Private", "", "", WHEN)
    assert seen.masked and seen.private and not seen.mine
    assert queries.shown(them.bob, queries.find(them.bob, made.guid)).title == "Private"
    (own,) = queries.between(them.alice, MARCH, APRIL)
    assert (own.title, own.place, own.masked, own.mine) == ("Dentist", "Clinic", False, True)


def test_a_participant_sees_a_private_entry_in_full(them: People) -> None:
    services.create(them.alice, name="Talk", when=WHEN, type=private(them), participants=[Guest(them.bob)])
    assert titles(them.bob) == ["Talk"]


def test_one_occurrence_can_be_private_alone(them: People) -> None:
    made = services.create(them.alice, name="Run", when=WHEN, recurrence=Recurrence(Frequency.WEEKLY, count=3))
    services.update_occurrence(them.alice, made.guid, date(2026, 3, 9), name="Secret", masked=True)
    assert titles(them.bob, them.alice) == ["Run", "Private", "Run"]
    assert titles(them.alice) == ["Run", "Secret", "Run"]


def test_an_unknown_deleted_or_foreign_activity_is_not_there(them: People) -> None:
    made = services.create(them.alice, name="Mine", when=WHEN)
    assert queries.find(them.bob, str(made.guid)) == made
    for reader, guid in [(them.charlie, str(made.guid)), (them.alice, "nonsense")]:
        with pytest.raises(NotThere):
            queries.find(reader, guid)
    services.trash(them.alice, made.guid)
    with pytest.raises(NotThere):
        queries.find(them.alice, made.guid)


def test_occurrences_tell_their_original_date_and_whether_they_were_changed(them: People) -> None:
    made = services.create(them.alice, name="Run", when=WHEN, recurrence=Recurrence(Frequency.WEEKLY, count=3))
    changed = services.update_occurrence(them.alice, made.guid, date(2026, 3, 9), name="Race")
    services.create(them.alice, name="Single", when=WHEN)
    seen = queries.between(them.alice, MARCH, APRIL)
    assert [(one.title, one.day, one.changed) for one in seen] == [
        ("Run", date(2026, 3, 2), False),
        ("Single", None, False),
        ("Race", date(2026, 3, 9), True),
        ("Run", date(2026, 3, 16), False),
    ]
    assert seen[2].guid == str(changed.overrides.get().guid)


@pytest.mark.parametrize("zone", ["Pacific/Pago_Pago", "UTC", "Europe/Stockholm", "Pacific/Kiritimati"])
def test_a_whole_day_is_the_same_date_in_every_zone(them: People, zone: str) -> None:
    services.create(them.alice, name="Fair", when=AllDay(date(2026, 3, 29), date(2026, 3, 30)))
    User.objects.filter(pk=them.alice.pk).update(zone=zone)
    them.alice.refresh_from_db()
    from samklang.engine.times import midnight

    days = [date(2026, 3, 28) + timedelta(days=n) for n in range(4)]
    shown = [
        bool(queries.between(them.alice, midnight(day, zone), midnight(day + timedelta(days=1), zone))) for day in days
    ]
    assert shown == [False, True, False, False]
    begins, ends = midnight(date(2026, 3, 29), zone), midnight(date(2026, 3, 30), zone)
    minute = timedelta(minutes=1)
    assert queries.between(them.alice, begins, begins + minute) and queries.between(them.alice, ends - minute, ends)


def test_what_was_moved_is_found_where_it_is_now(them: People) -> None:
    made = services.create(them.alice, name="Fest", when=WHEN, recurrence=Recurrence(Frequency.YEARLY, count=2))
    june = datetime(2026, 6, 1, tzinfo=UTC)
    services.update_occurrence(
        them.alice, made.guid, date(2026, 3, 2), when=Timed(june, june + timedelta(hours=1), "Europe/Stockholm")
    )
    assert titles(them.alice) == []
    assert [one.title for one in queries.between(them.alice, june, june + timedelta(days=1))] == ["Fest"]


def test_the_first_occurrence_is_found_before_the_series_begins(them: People) -> None:
    made = services.create(them.alice, name="Run", when=WHEN, recurrence=Recurrence(Frequency.WEEKLY, count=3))
    sunday = NINE - timedelta(days=1)
    services.update_occurrence(them.alice, made.guid, date(2026, 3, 2), when=Timed(sunday, sunday, "Europe/Stockholm"))
    assert [one.day for one in queries.between(them.alice, MARCH, NINE)] == [date(2026, 3, 2)]


def test_an_endless_daily_series_from_long_ago_is_shown_at_once(them: People) -> None:
    long_ago = Timed(NINE.replace(year=1970), NINE.replace(year=1970), "Europe/Stockholm")
    services.create(them.alice, name="Bell", when=long_ago, recurrence=Recurrence(Frequency.DAILY))
    assert len(titles(them.alice)) == 31
