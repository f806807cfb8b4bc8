"""What is written to Severa: only what changed, once, and what it cannot hold beside it (rules 2, 13)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import requests

from samklang.activities import services
from samklang.activities.models import Activity, ActivityType
from samklang.activities.services import Guest
from samklang.connectors.severa.activities import SeveraActivities
from samklang.engine import canonical, recurrence
from samklang.engine.model import (
    AllDay,
    Category,
    Entry,
    Frequency,
    Person,
    Recurrence,
    SeenActivity,
    Sensitivity,
    Timed,
    Weekday,
)
from samklang.mailboxes.models import Connection, LinkRow, Mailbox
from samklang.severa import models
from samklang.sync.errors import Inexpressible, ItemError, Unavailable, VersionConflict
from tests.connectors.severa.compatible import Severa, ThroughDjango
from tests.connectors.severa.test_contract import type_id
from tests.contract.activities import CANCELLED, CHANGED, MEETING, SERIES, WITH_EXCEPTIONS, changed_keys, read
from tests.contract.people import EVA, answers
from tests.people import People

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_entry_is_too_old")]


@pytest.fixture
def port(them: People, severa: Severa) -> SeveraActivities:
    return severa.of(them.alice)


@pytest.fixture
def make(them: People, port: SeveraActivities, network: ThroughDjango) -> Callable[..., SeenActivity]:
    def make(entry: Entry = MEETING, key: str = "key", type_name: str = "Meeting") -> SeenActivity:
        made = port.create(entry, type_id(them, type_name), key)
        network.sent.clear()
        network.bodies.clear()
        return made

    return make


Make = Callable[..., SeenActivity]


def linked(them: People, psa_id: str) -> Callable[[], list[str | None]]:
    """Two colleagues' mailboxes have it linked; what their links name now."""
    connection = Connection.objects.create(organization=them.company)
    for user in (them.alice, them.bob):
        mailbox = Mailbox.objects.create(user=user, connection=connection)
        LinkRow.objects.create(mailbox=mailbox, status="linked", psa_id=psa_id, item_id=user.email, born="psa")
    return lambda: list(LinkRow.objects.values_list("psa_id", flat=True))


# --- only what changed ------------------------------------------------------------------------------------------------


def test_one_changed_field_is_one_read_and_one_write(
    port: SeveraActivities, make: Make, network: ThroughDjango
) -> None:
    made = make()
    port.update(made, replace(MEETING, title="New", text="Not named"), frozenset({"title"}))
    assert network.counted() == {"GET activities one": 1, "PATCH activities one": 1}
    assert network.bodies == [[{"op": "replace", "path": "/name", "value": "New"}]]


def test_a_field_that_is_as_wanted_already_is_not_written(
    port: SeveraActivities, make: Make, network: ThroughDjango
) -> None:
    made = make()
    port.update(made, replace(MEETING, title=f" {MEETING.title} "), frozenset({"title", "place", "time"}))
    assert network.counted() == {"GET activities one": 1}


def test_a_new_time_moves_start_and_end_alone(port: SeveraActivities, make: Make, network: ThroughDjango) -> None:
    assert isinstance(MEETING.when, Timed)
    later = replace(
        MEETING.when, start=MEETING.when.start + timedelta(hours=1), end=MEETING.when.end + timedelta(hours=2)
    )
    port.update(make(), replace(MEETING, when=later), frozenset({"time"}))
    assert network.bodies == [
        [
            {"op": "replace", "path": "/startDateTime", "value": "2026-03-02T11:00:00+01:00"},
            {"op": "replace", "path": "/endDateTime", "value": "2026-03-02T13:00:00+01:00"},
        ]
    ]


def test_a_whole_day_runs_from_midnight_to_midnight_with_both_flags(
    port: SeveraActivities, make: Make, network: ThroughDjango
) -> None:
    days = AllDay(date(2026, 3, 28), date(2026, 3, 30))  # the clocks change on the 29th
    after = port.update(make(), replace(MEETING, when=days), frozenset({"time"}))
    assert after.entry.when == days
    assert {one["path"]: one["value"] for one in network.bodies[0]} == {
        "/startDateTime": "2026-03-28T00:00:00+01:00",
        "/endDateTime": "2026-03-30T00:00:00+02:00",
        "/isAllDay": True,
        "/hasDuration": True,
    }


def test_a_whole_day_stays_its_day_when_its_owner_moves(them: People, port: SeveraActivities, make: Make) -> None:
    made = make(replace(MEETING, when=AllDay(date(2026, 3, 28), date(2026, 3, 30))))
    them.alice.zone = "America/New_York"
    them.alice.save()
    Activity.objects.filter(guid=made.id).update(modified=datetime.now(UTC))
    (seen,) = read(port)
    assert seen.entry.when == made.entry.when


def test_what_has_no_duration_keeps_having_none(them: People, port: SeveraActivities, network: ThroughDjango) -> None:
    services.create(them.alice, name="To do", when=AllDay(date(2026, 3, 2), date(2026, 3, 3)), has_duration=False)
    (seen,) = read(port)
    network.bodies.clear()
    port.update(seen, replace(seen.entry, when=AllDay(date(2026, 3, 4), date(2026, 3, 5))), frozenset({"time"}))
    assert [one["path"] for one in network.bodies[0]] == ["/startDateTime", "/endDateTime"]
    assert not Activity.objects.get(guid=seen.id).has_duration


def test_closed_hours_customer_and_project_stay_as_they_are(them: People, port: SeveraActivities, make: Make) -> None:
    made = make()
    services.update(them.alice, made.id, customer="Acme", project="P1", closed=True, has_hours=True)
    (seen,) = read(port)
    port.update(seen, replace(MEETING, title="New"), frozenset({"title"}), seen.type_id)
    kept = Activity.objects.get(guid=made.id)
    assert (kept.name, kept.customer, kept.project, kept.closed, kept.has_hours) == ("New", "Acme", "P1", True, True)


def test_rule_13_2_what_somebody_changed_meanwhile_is_read_before_the_write(
    them: People, port: SeveraActivities, make: Make, network: ThroughDjango
) -> None:
    made = make(replace(MEETING, people=(Person(them.bob.email),)))
    services.update(them.alice, made.id, participants=[])
    with pytest.raises(VersionConflict):
        port.update(made, replace(MEETING, title="New"), frozenset({"title"}))
    assert not network.bodies


# --- once -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", [MEETING, WITH_EXCEPTIONS], ids=["single", "series"])
def test_rule_13_2_a_create_whose_answer_was_lost_is_found_and_not_made_twice(
    them: People, port: SeveraActivities, network: ThroughDjango, entry: Entry
) -> None:
    network.after = _lost("POST /activities")
    with pytest.raises(Unavailable):
        port.create(entry, type_id(them), "key")
    found = port.find_created("key")
    assert found is not None and found.key == "key"
    again = port.create(entry, type_id(them), "key")
    assert [seen.id for seen in read(port)] == [again.id] == [found.id]
    assert network.counted()["POST activities"] == 1


def test_rule_13_2_what_another_key_or_a_person_made_before_is_not_taken_for_it(
    them: People, port: SeveraActivities, make: Make, network: ThroughDjango
) -> None:
    older = services.create(them.alice, name=MEETING.title, when=MEETING.when)
    Activity.objects.filter(pk=older.pk).update(created=datetime.now(UTC) - timedelta(hours=1))
    first = make()
    network.before = _lost("POST /activities")
    with pytest.raises(Unavailable):
        port.create(MEETING, type_id(them), "other")
    again = port.create(MEETING, type_id(them), "other")
    assert len({again.id, first.id, older.psa_id}) == 3


# --- groups (rule 13.3) -----------------------------------------------------------------------------------------------


def test_rule_13_3_private_is_made_anew_and_every_link_follows(
    them: People, port: SeveraActivities, make: Make, network: ThroughDjango
) -> None:
    made = make(replace(WITH_EXCEPTIONS, people=(EVA, Person(them.bob.email, response="accepted"))))
    links = linked(them, made.id)
    after = port.update(made, made.entry, frozenset(), type_id(them, "Private"))
    assert after.id != made.id
    assert (after.category, after.type_id) == (Category.PERSONAL, type_id(them, "Private"))
    assert canonical.fields(after.entry) == canonical.fields(made.entry)
    assert answers(after) == answers(made)
    assert [seen.id for seen in read(port)] == [after.id]
    assert links() == [after.id, after.id]
    assert port.find_created("key") == after, "the key names the new one"


@pytest.mark.parametrize("mark", ["has_hours", "closed"])
def test_rule_13_3_with_hours_or_closed_nothing_is_changed(
    them: People, port: SeveraActivities, make: Make, network: ThroughDjango, mark: str
) -> None:
    made = make()
    services.update(them.alice, made.id, **{mark: True})  # type: ignore[arg-type]
    (seen,) = read(port)
    with pytest.raises(ItemError, match="group_kept"):
        port.update(seen, MEETING, frozenset(), type_id(them, "Private"))
    assert read(port) == [seen]
    assert not network.bodies


@pytest.mark.parametrize(
    ("when", "at"),
    [
        ("after", "POST /activities"),
        ("after", "POST /activityparticipants"),
        ("before", "DELETE"),
        ("after", "DELETE"),
    ],
)
def test_rule_13_3_cut_off_anywhere_there_is_one_in_the_end_and_the_links_name_it(
    them: People, port: SeveraActivities, make: Make, network: ThroughDjango, when: str, at: str
) -> None:
    made = make(replace(MEETING, people=(Person(them.bob.email),)))
    links = linked(them, made.id)
    setattr(network, when, _lost(at))
    with pytest.raises(Unavailable):
        port.update(made, MEETING, frozenset(), type_id(them, "Private"))
    (one,) = read(port)
    assert links() == [one.id, one.id]
    assert one.participant_ids == (them.bob.psa_id,)
    assert Activity.objects.filter(trashed_at=None).count() == 1
    wanted = type_id(them, "Private")
    after = port.update(one, MEETING, frozenset(), wanted if one.type_id != wanted else None)
    assert after.type_id == wanted
    assert [seen.id for seen in read(port)] == [after.id]


def test_rule_13_3_cut_off_before_anything_was_made_what_a_person_had_just_made_stays(
    them: People, port: SeveraActivities, network: ThroughDjango
) -> None:
    kind = ActivityType.objects.of(them.company).get(name="Private")
    old = services.create(them.alice, name=MEETING.title, when=MEETING.when, location=MEETING.place)
    alike = services.create(them.alice, name=MEETING.title, when=MEETING.when, location=MEETING.place, type=kind)
    seen = {one.id: one for one in read(port)}[old.psa_id]
    network.before = _lost("POST /activities")
    with pytest.raises(Unavailable):
        port.update(seen, seen.entry, frozenset(), type_id(them, "Private"))
    assert {one.id for one in read(port)} == {old.psa_id, alike.psa_id}


# --- deleted for good (rule 13.1) -------------------------------------------------------------------------------------


def test_rule_13_1_a_restore_makes_it_anew_whole_and_every_link_follows(
    them: People, port: SeveraActivities, make: Make
) -> None:
    made = make(replace(WITH_EXCEPTIONS, people=(EVA, Person(them.bob.email, response="tentative"))))
    links = linked(them, made.id)
    port.delete(made)
    back = port.restore(made.id)
    assert back.id != made.id
    assert canonical.fields(back.entry) == canonical.fields(made.entry)
    assert answers(back) == answers(made)
    assert links() == [back.id, back.id]


# --- people (rule 13.4) -----------------------------------------------------------------------------------------------


def test_rule_13_4_somebody_known_by_an_address_alone_stays_whatever_is_written(
    them: People, port: SeveraActivities, make: Make, network: ThroughDjango
) -> None:
    made = make(replace(MEETING, people=(EVA,)))
    assert not [body for body in network.bodies if "participantGuid" in body]
    services.update(them.alice, made.id, name="By hand", participants=[Guest(them.bob)])
    (seen,) = read(port)
    assert answers(seen) == {"eva@customer.example": "organizer", them.bob.email: "none"}
    after = port.update(seen, replace(MEETING, title="New"), frozenset({"title"}))
    assert answers(after) == answers(seen)


def test_somebody_without_an_address_stays_whoever_comes_and_goes(
    them: People, port: SeveraActivities, make: Make, network: ThroughDjango
) -> None:
    made = make()
    services.update(them.alice, made.id, participants=[Guest(name="Eva"), Guest(name="Kim"), Guest(them.bob)])
    (seen,) = read(port)
    kim = Person("kim@customer.example", "Kim")
    keys = frozenset({f"p:{them.bob.email}", "p:kim@customer.example"})
    after = port.update(seen, replace(MEETING, people=(kim,)), keys)
    assert sorted((one.name, one.address) for one in after.entry.people) == [
        ("Eva", ""),
        ("Kim", ""),
        ("Kim", "kim@customer.example"),
    ]
    assert sum(one.startswith("DELETE") for one in network.sent) == 1, "the one who was named"


def test_each_participant_comes_by_one_request_and_an_answer_by_two(
    them: People, port: SeveraActivities, make: Make, network: ThroughDjango
) -> None:
    made = make()
    bob = Person(them.bob.email, response="accepted")
    after = port.update(made, replace(MEETING, people=(bob,)), frozenset({f"p:{them.bob.email}"}))
    assert network.counted()["POST activityparticipants"] == 1
    network.sent.clear()
    declined = replace(bob, response="declined")
    port.update(after, replace(MEETING, people=(declined,)), frozenset({f"r:{them.bob.email}"}))
    assert network.counted()["POST activityparticipants"] == 1
    assert sum(one.startswith("DELETE") for one in network.sent) == 1


# --- zones and series (rules 5.5, 13.5) -------------------------------------------------------------------------------


def test_rule_13_5_a_single_keeps_the_zone_it_was_made_in(them: People, severa: Severa, make: Make) -> None:
    assert isinstance(MEETING.when, Timed)
    made = make(replace(MEETING, when=replace(MEETING.when, zone="Asia/Tokyo", end_zone="America/New_York")))
    services.update(them.alice, made.id, name="By hand")
    (seen,) = read(severa.of(them.bob)) or read(severa.of(them.alice))
    assert seen.entry.when == made.entry.when


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (
            replace(SERIES, when=replace(SERIES.when, zone="America/New_York")),  # type: ignore[arg-type]
            "severa_series_zone",
        ),
        (
            replace(
                SERIES,
                recurrence=Recurrence(
                    Frequency.WEEKLY,
                    interval=2,
                    weekdays=(Weekday.MONDAY, Weekday.SUNDAY),
                    week_start=Weekday.SUNDAY,
                ),
            ),
            "severa_week_start",
        ),
    ],
    ids=["zone", "week start"],
)
def test_rule_13_5_a_series_severa_would_date_otherwise_is_refused_before_anything_is_written(
    them: People, port: SeveraActivities, make: Make, network: ThroughDjango, entry: Entry, code: str
) -> None:
    made = make()
    assert port.holds(MEETING) and port.holds(SERIES) and not port.holds(entry)
    with pytest.raises(Inexpressible) as refused:
        port.create(entry, type_id(them), "series")
    assert refused.value.code == code
    with pytest.raises(Inexpressible):
        port.update(made, entry, frozenset({"recurrence"}))
    assert not network.bodies


def test_a_series_of_a_zone_with_the_same_clocks_is_kept_in_its_own(them: People, make: Make) -> None:
    oslo = replace(SERIES, when=replace(SERIES.when, zone="Europe/Oslo"))  # type: ignore[arg-type]
    made = make(oslo)
    assert canonical.fields(made.entry) == canonical.fields(oslo)


def test_a_date_held_again_resets_all_and_writes_the_others_once_more(
    port: SeveraActivities, make: Make, network: ThroughDjango
) -> None:
    made = make(WITH_EXCEPTIONS)
    wanted = replace(WITH_EXCEPTIONS, cancelled=frozenset())
    after = port.update(made, wanted, changed_keys(WITH_EXCEPTIONS, wanted))
    assert canonical.fields(after.entry) == canonical.fields(wanted)
    assert sum(one.endswith("/exceptions") for one in network.sent) == 1


def test_one_changed_date_is_one_write(port: SeveraActivities, make: Make, network: ThroughDjango) -> None:
    made = make(WITH_EXCEPTIONS)
    held = WITH_EXCEPTIONS.exceptions[CHANGED]
    wanted = replace(WITH_EXCEPTIONS, exceptions={CHANGED: replace(held, title="Without")})
    port.update(made, wanted, changed_keys(WITH_EXCEPTIONS, wanted))
    assert network.bodies == [[{"op": "replace", "path": "/name", "value": "Without"}]]
    assert CANCELLED in made.entry.cancelled


def test_rule_5_5_a_date_of_a_series_only_severa_can_hold_is_changed_and_removed_there(
    them: People, port: SeveraActivities, network: ThroughDjango
) -> None:
    assert isinstance(MEETING.when, Timed)
    start = MEETING.when.start.replace(day=31)
    when = replace(MEETING.when, start=start, end=start + timedelta(hours=1))
    each_31st = Recurrence(Frequency.MONTHLY, day_of_month=31, count=4)
    services.create(them.alice, name="Report", when=when, recurrence=each_31st)
    (seen,) = read(port)
    july = date(2026, 7, 31)
    wanted = replace(seen.entry, title="Reports", cancelled=frozenset({july}))
    changed = port.update(seen, wanted, changed_keys(seen.entry, wanted))
    assert (changed.entry.title, changed.entry.cancelled) == ("Reports", {july})
    other = replace(wanted, when=replace(when, zone="America/New_York"), recurrence=replace(each_31st, count=5))
    with pytest.raises(Inexpressible):
        port.update(changed, other, changed_keys(changed.entry, other))


def test_where_a_series_lists_its_removed_dates_alone_nothing_is_taken_for_another(
    them: People, severa: Severa, port: SeveraActivities, network: ThroughDjango
) -> None:
    def only_removed(shown: dict[str, Any]) -> None:
        if shown["recurrence"]:
            changed = Activity.objects.get(guid=shown["guid"]).overrides.filter(cancelled=False)
            days = {str(day) for day in changed.values_list("day", flat=True)}
            shown["recurrence"]["exceptions"] = [d for d in shown["recurrence"]["exceptions"] if d[:10] not in days]

    network.reshape = only_removed
    made = port.create(WITH_EXCEPTIONS, type_id(them), "key")
    assert canonical.fields(made.entry) == canonical.fields(WITH_EXCEPTIONS)
    held = WITH_EXCEPTIONS.exceptions[CHANGED]
    assert isinstance(held.when, Timed)
    tomorrow = replace(held.when, start=held.when.start + timedelta(days=1), end=held.when.end + timedelta(days=1))
    moved = replace(WITH_EXCEPTIONS, exceptions={CHANGED: replace(held, when=tomorrow)})
    port.update(made, moved, changed_keys(WITH_EXCEPTIONS, moved))
    models.MirrorRow.objects.all().delete()
    models.MirrorState.objects.exclude(name="findings").delete()
    (seen,) = read(severa.of(them.alice))
    assert canonical.fields(seen.entry) == canonical.fields(moved)


def _lost(what: str) -> Callable[[str], None]:
    """Loses the connection once, at the first such request."""
    lost: list[Any] = []

    def lose(sent: str) -> None:
        if sent.startswith(what) and not lost:
            lost.append(sent)
            raise requests.ConnectionError

    return lose


def test_rule_13_5_a_private_date_of_a_series_is_refused_before_a_word_of_it_is_written(
    them: People, port: SeveraActivities, make: Make, network: ThroughDjango
) -> None:
    secret = replace(recurrence.occurrence(SERIES, CHANGED), title="Doctor", sensitivity=Sensitivity.PRIVATE)
    entry = replace(SERIES, exceptions={CHANGED: secret})
    made = make(SERIES)
    assert port.holds(entry) and port.holds_dates(SERIES) and not port.holds_dates(entry)
    with pytest.raises(Inexpressible) as refused:
        port.create(entry, type_id(them), "another")
    assert refused.value.code == "severa_private_date"
    with pytest.raises(Inexpressible):
        port.update(
            made, entry, frozenset({canonical.occurrence_key(CHANGED, name) for name in ("title", "sensitivity")})
        )
    assert not network.bodies
