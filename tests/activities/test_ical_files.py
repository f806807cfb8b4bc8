"""Real calendars come in whole and show what an independent reading of them shows."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import icalendar
import pytest

from samklang.activities import queries
from samklang.activities.ical import export_calendar, import_calendar
from samklang.activities.ical.reading import read
from samklang.activities.models import Activity
from samklang.engine.model import AllDay
from tests.activities.expansion import Seen, expand
from tests.people import People, people

pytestmark = pytest.mark.django_db

FOLDER = Path(os.environ.get("SAMKLANG_CALENDARS", Path(__file__).parents[2].parent / "shared" / "calendars"))
#: File, and the two years that are compared.
FILES = {
    "work-4778-events.ics": 2014,
    "makerspace-2019.ics": 2019,
    "fablab-2018.ics": 2018,
    "holidays-SwedishHolidays.ics": 2020,
    "holidays-NorwegianHolidays.ics": 2020,
    "holidays-FinlandHolidaysSwedish.ics": 2020,
    "holidays-GermanHolidays.ics": 2020,
    "holidays-UKHolidays.ics": 2022,
}


@pytest.fixture
def them() -> People:
    return people()


def calendar(name: str) -> bytes:
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"{name} is not at hand; SAMKLANG_CALENDARS names the folder of real calendars")
    return path.read_bytes()


def shown(them: People, start: datetime, end: datetime) -> list[Seen]:
    seen: list[Seen] = []
    for one in queries.between(them.alice, start, end):
        when = one.when
        ends = (when.first, when.end) if isinstance(when, AllDay) else (when.start, when.end)
        seen.append((one.title, *ends))
    return seen


def in_order(seen: list[Seen]) -> list[tuple[str, str, str]]:
    return sorted((str(begin), str(end), title) for title, begin, end in seen)


#: The largest takes long to read again and again.
SOME = [pytest.param(name, marks=pytest.mark.full if "4778" in name else ()) for name in FILES]


@pytest.mark.parametrize("name", SOME)
def test_a_real_calendar_shows_the_same_for_two_years(them: People, name: str) -> None:
    text = calendar(name)
    start, end = datetime(FILES[name], 1, 1, tzinfo=UTC), datetime(FILES[name] + 2, 1, 1, tzinfo=UTC)
    import_calendar(them.alice, text)
    expected = expand(text, them.alice.zone, start, end)
    assert expected
    assert in_order(shown(them, start, end)) == in_order(expected)


@pytest.mark.parametrize("name", SOME)
def test_a_real_calendar_comes_in_whole_and_once(them: People, name: str) -> None:
    text = calendar(name)
    report = import_calendar(them.alice, text)
    assert report.left_out == []
    events = icalendar.Calendar.from_ical(text).walk("VEVENT")
    drafts = read(text, them.alice.zone).drafts
    assert report.created == len(drafts)
    assert len(drafts) + sum(len(draft.entry.exceptions) for draft in drafts) == len(events)
    versions = sorted(Activity.objects.values_list("guid", "version"))
    again = import_calendar(them.alice, text)
    assert (again.created, again.updated, again.unchanged) == (0, 0, report.created)
    assert sorted(Activity.objects.values_list("guid", "version")) == versions


@pytest.mark.parametrize("name", SOME)
def test_what_is_exported_comes_back_the_same(them: People, name: str) -> None:
    text = calendar(name)
    start, end = datetime(FILES[name], 1, 1, tzinfo=UTC), datetime(FILES[name] + 2, 1, 1, tzinfo=UTC)
    import_calendar(them.alice, text)
    exported = export_calendar(them.alice)
    assert in_order(expand(exported, them.alice.zone, start, end)) == in_order(shown(them, start, end))
    again = import_calendar(them.alice, exported)
    assert (again.created, again.updated, again.left_out) == (0, 0, [])
