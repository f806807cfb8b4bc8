"""The activity dialog writes what the person changed, and nothing of what it cannot show."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from samklang.activities import queries, rows, services
from samklang.activities.models import Activity, Participant
from samklang.activities.services import Guest
from samklang.engine.model import Frequency, Recurrence, Timed, Weekday
from tests.web.house import House, as_person, timed

pytestmark = pytest.mark.django_db

DAY = "2026-03-09"  # the series' second Monday


def _sent(house: House, activity: Activity, day: str = "", **changed: Any) -> dict[str, Any]:
    """What the browser sends for the dialog as it was opened, with these fields changed."""
    form = as_person(house.alice).get("/calendar/form", {"id": activity.psa_id, "day": day}).context["form"]
    values = {name: form[name].value() for name in form.fields}
    values["all_day"] = "on" if values["all_day"] else None
    sent = {name: value for name, value in (values | changed).items() if value is not None}
    for name in ("start", "end"):
        sent[name] = str(sent[name]).replace(" ", "T")[:16]
    return sent | {"notes": sent.get("notes", "").replace("\n", "\r\n")}


def _save(house: House, sent: dict[str, Any], scope: str = "all") -> None:
    answer = as_person(house.alice).post("/calendar/form", sent | {"scope": scope})
    assert answer.status_code == 204, answer.content.decode()


def _fresh(house: House, activity: Activity) -> Activity:
    return queries.find(house.alice, activity.guid)


def test_saving_without_a_change_writes_nothing(house: House) -> None:
    services.update(house.alice, house.meeting.guid, notes="two\nlines", location=" Room ")
    for activity, day in ((house.meeting, ""), (house.series, DAY)):
        before = _fresh(house, activity).version
        _save(house, _sent(house, activity, day))
        assert _fresh(house, activity).version == before


def test_a_new_name_keeps_seconds_and_people_without_an_address(house: House) -> None:
    odd = timed()
    odd = replace(odd, start=odd.start + timedelta(seconds=17))
    people = [Guest(user=house.bob, status=Participant.Status.ACCEPTED), Guest(name="The caterer")]
    services.update(house.alice, house.meeting.guid, when=odd, participants=people)
    _save(house, _sent(house, house.meeting, name="Renamed"))
    kept = _fresh(house, house.meeting)
    assert (kept.name, rows.when_of(kept)) == ("Renamed", odd)
    assert {(p.shown_name, p.status) for p in kept.participants.all()} == {
        ("Bob Dahl", Participant.Status.ACCEPTED),
        ("The caterer", Participant.Status.UNKNOWN),
    }


def test_a_series_moved_as_a_whole_turns_its_rule_along(house: House) -> None:
    _save(house, _sent(house, house.series, DAY, start="2026-03-10T13:00", end="2026-03-10T14:00"))
    entry = rows.entry_of(_fresh(house, house.series))
    assert isinstance(entry.when, Timed)
    assert isinstance(entry.recurrence, Recurrence)
    assert (entry.when.start.day, entry.recurrence.weekdays) == (3, (Weekday.TUESDAY,))


def test_a_rule_the_form_shows_in_part_survives_another_change(house: House) -> None:
    rule = Recurrence(Frequency.MONTHLY, position=1, weekdays=tuple(Weekday)[:5])  # the first working day
    services.update(house.alice, house.series.guid, recurrence=rule)
    _save(house, _sent(house, house.series, "2026-03-02", location="Terrace"))
    assert rows.entry_of(_fresh(house, house.series)).recurrence == rule


def test_one_occurrence_takes_a_name_but_no_people_of_its_own(house: House) -> None:
    _save(house, _sent(house, house.series, DAY, name="Tea"), scope="this")
    assert len(rows.entry_of(_fresh(house, house.series)).exceptions) == 1
    refused = as_person(house.alice).post(
        "/calendar/form", _sent(house, house.series, DAY, participants="bob@example.org") | {"scope": "this"}
    )
    assert refused.status_code == 422
    assert b"Save it for the whole series" in refused.content


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(house: House) -> None:
    sent = _sent(house, house.meeting, name="Mine")
    services.update(house.bob, house.meeting.guid, name="Bob's")
    answer = as_person(house.alice).post("/calendar/form", sent)
    assert answer.status_code == 409
    assert b"Somebody changed the activity meanwhile" in answer.content
    assert _fresh(house, house.meeting).name == "Bob's"
