"""Whole answers and requests of each generation of servers, as files under `samples`: what they mean, both ways.

They are written from the documents (EWS facts §2) and held to the schemas, none is a recording. `every` holds what
looks the same on all of them, but for the header. Requests are compared as XML, without blanks between elements.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from lxml import etree

from samklang.connectors.ews import EwsCalendar
from samklang.engine import canonical
from samklang.engine.model import (
    AllDay,
    Availability,
    Entry,
    Frequency,
    Occurrence,
    Person,
    Recurrence,
    SeenEvent,
    Sensitivity,
    Timed,
    Weekday,
)
from samklang.sync import errors
from tests.wire.ews.schemas import assert_valid
from tests.wire.ews.scripted import Script

SAMPLES = Path(__file__).parent / "samples"


class Server(NamedTuple):
    """`product`: as an administrator chose it. `claimed`: the version we claim to speak."""

    product: str
    build: str
    schema: str
    claimed: str


SERVERS = {
    "2007_sp1": Server("2007", "8.1.436.0", "2007sp1", "Exchange2007_SP1"),
    "2010": Server("2010", "14.0.639.11", "2010sp1", "Exchange2010"),
    "2010_sp2": Server("2010", "14.2.247.5", "2010sp2", "Exchange2010_SP2"),
    "2013": Server("2013", "15.0.1156.6", "2013sp1", "Exchange2013_SP1"),
    "2016": Server("2016", "15.1.2507.6", "se-15.2.2562.17", "Exchange2013_SP1"),
}
HOME = "Europe/Stockholm"
_HEADER = re.compile(rb"<t:ServerVersionInfo [^>]*>")


def at(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


MOVED = Occurrence(
    "Måndagsmöte, senare", Timed(at(30, 8), at(30, 9), HOME), "Rum 2", "Rad 1\nRad 3", Sensitivity.NORMAL
)
SERIES = Entry(
    "Måndagsmöte 🎉",
    Timed(at(2, 8), at(2, 8, 30), HOME),
    "Rum 1",
    "Rad 1\nRad 2",
    recurrence=Recurrence(Frequency.WEEKLY, 1, (Weekday.MONDAY,), Weekday.MONDAY, until=date(2026, 6, 29)),
    exceptions={date(2026, 3, 30): MOVED},
    cancelled=frozenset({date(2026, 3, 9)}),
    people=(Person("alice@example.com", "Alice", response="organizer"),),
)
#: The day on which Stockholm's clocks go forward has 23 hours.
DAY = AllDay(date(2026, 3, 29), date(2026, 3, 30))


def sample(folder: str, name: str) -> bytes:
    return (SAMPLES / folder / f"{name}.xml").read_bytes()


def common(server: str, name: str) -> bytes:
    """What every server says, as this one says it: its header tells who it is."""
    header = _HEADER.search(sample(server, "get_item"))
    assert header is not None
    return _HEADER.sub(header[0], sample("every", name))


def body(envelope: bytes) -> etree._Element:
    root = etree.fromstring(envelope)
    return root[-1][0]


def plain(envelope: bytes) -> str:
    """The request without what only layout and prefixes make of it."""
    parser = etree.XMLParser(remove_blank_text=True, remove_comments=True)
    return etree.canonicalize(etree.fromstring(envelope, parser), rewrite_prefixes=True)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def calendar(script: Script, server: str) -> EwsCalendar:
    """Alice's on that server, as the first answers will tell."""
    return script.calendar(home=HOME, product=SERVERS[server].product)


def fetched(script: Script, calendar: EwsCalendar, server: str) -> dict[str, SeenEvent | None]:
    script.says(common(server, "get_folder"), sample(server, "get_item"), sample(server, "get_occurrence"))
    return dict(calendar.get(["AAMkSeries=", "AAMkDay=", "AAMkMeeting=", "AAMkGone="]))


def claimed(script: Script) -> list[str]:
    """RequestServerVersion of what was asked."""
    return [etree.fromstring(each)[0][0].get("Version", "") for each in script.asked]


def test_every_sample_is_what_its_schema_allows() -> None:
    for folder in (*SERVERS, "every"):
        files = sorted((SAMPLES / folder).rglob("*.xml"))
        assert files
        for schema in [it.schema for name, it in SERVERS.items() if folder in (name, "every")]:
            for file in files:
                if not file.stem.startswith("fault_"):
                    assert_valid(body(file.read_bytes()), schema)


# --- answers
def test_a_series_is_read_with_its_rule_its_zone_and_its_changed_and_removed_dates(
    script: Script, calendar: EwsCalendar, server: str
) -> None:
    event = fetched(script, calendar, server)["AAMkSeries="]
    assert event is not None
    assert event.entry.recurrence is not None
    # 2007 does not tell on which day weeks begin: every week it makes no difference.
    rule = replace(event.entry.recurrence, week_start=Weekday.MONDAY)
    assert canonical.fields(replace(event.entry, recurrence=rule)) == canonical.fields(SERIES)
    assert (event.entry.when, event.entry.people) == (SERIES.when, SERIES.people)
    assert claimed(script)[-1] == SERVERS[server].claimed
    assert (event.version, event.key, event.is_meeting) == ("DwAAABYAAAA1", "key-1", False)
    assert event.modified is not None
    assert event.modified.replace(microsecond=0) == datetime(2026, 3, 1, 7, 0, 1, tzinfo=UTC)


def test_a_whole_private_day_of_23_hours_is_that_day(script: Script, calendar: EwsCalendar, server: str) -> None:
    event = fetched(script, calendar, server)["AAMkDay="]
    assert event is not None
    elsewhere = server in ("2013", "2016")  # a word that older servers do not have
    assert (event.entry.title, event.entry.when, event.entry.sensitivity) == ("Ledig", DAY, Sensitivity.PRIVATE)
    assert event.entry.availability is (Availability.ELSEWHERE if elsewhere else Availability.OUT_OF_OFFICE)


def test_an_invitation_is_read_with_its_people_and_what_is_gone_is_gone(
    script: Script, calendar: EwsCalendar, server: str
) -> None:
    found = fetched(script, calendar, server)
    event = found["AAMkMeeting="]
    assert event is not None
    assert event.entry.when == Timed(at(4, 13), at(4, 14), HOME)
    assert event.entry.people == (
        Person("bob@example.com", "Bob", response="organizer"),
        Person("alice@example.com", "Alice", response="none"),
        Person("room@example.com", "Room", True, "none"),
    )
    assert (event.is_meeting, event.is_organizer, event.response) == (True, False, "tentative")
    assert found["AAMkGone="] is None


def test_a_page_of_changes_names_events_alone(script: Script, calendar: EwsCalendar, server: str) -> None:
    listing, series = common(server, "sync_folder_items"), sample(server, "get_item")
    script.says(listing, _first_of(series), sample(server, "get_occurrence"))
    known = {"AAMkSeries=": "old", "AAMkDay=": "DwAAABYAAAA2", "AAMkGone=": "DwAAABYAAAA4"}
    pages = list(calendar.reconcile(known))
    assert [event.id for page in pages for event in page.events] == ["AAMkSeries="]
    assert pages[-1].removed == ("AAMkGone=",)
    assert (pages[-1].token or "").startswith("H4sIAAAA")


def _first_of(answer: bytes) -> bytes:
    """The answer to whoever asked for its first item alone."""
    root = etree.fromstring(answer)
    messages = root[-1][0][0]
    del messages[1:]
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def test_what_was_written_comes_back_with_its_id_and_version(
    script: Script, calendar: EwsCalendar, server: str
) -> None:
    seen = SeenEvent("AAMkDay=", "DwAAABYAAAA2", Entry("Ledig", DAY))
    script.says(common(server, "create_item"), common(server, "gone"))
    assert calendar.create(Entry("Ledig", DAY), "key-2").version == "DwAAABYAAAA6"
    script.says(common(server, "update_item"), common(server, "gone"))
    assert calendar.update(seen, Entry("Vab", DAY), frozenset({"title"})).version == "DwAAABYAAAA7"
    script.says(_only_day(server), common(server, "delete_item"))
    calendar.delete(seen)


def _only_day(server: str) -> bytes:
    root = etree.fromstring(sample(server, "get_item"))
    messages = root[-1][0][0]
    del messages[2:], messages[0]
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


REFUSALS: dict[str, tuple[type[errors.SyncError], str, float | None]] = {
    "sync_state_expired": (errors.TokenRejected, "token_rejected", None),
    "busy_inside": (errors.Throttled, "throttled", 297.749),
    "fault_busy": (errors.Throttled, "throttled", 297.749),
    "fault_denied": (errors.MailboxError, "impersonation_denied", None),
    "fault_schema": (errors.ProtocolError, "request_refused", None),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_known_by_its_code_whatever_its_words(
    script: Script, calendar: EwsCalendar, server: str, name: str
) -> None:
    kind, code, seconds = REFUSALS[name]
    script.says(common(server, name))
    with pytest.raises(kind) as caught:
        list(calendar.read("H4sI"))
    assert caught.value.code == code
    assert getattr(caught.value, "retry_after", None) == seconds


def test_a_stale_change_key_is_a_conflict(script: Script, calendar: EwsCalendar, server: str) -> None:
    script.says(common(server, "conflict"))
    with pytest.raises(errors.VersionConflict):
        calendar.update(SeenEvent("AAMkDay=", "old", Entry("Ledig", DAY)), Entry("Vab", DAY), frozenset({"title"}))


def test_a_version_the_server_does_not_know_is_followed_by_an_older_one(script: Script) -> None:
    calendar = script.calendar(home=HOME, product="2010")
    script.says(sample("every", "fault_version"), common("2010", "get_folder"))
    script.answers += [sample("2010", "get_item"), sample("2010", "get_occurrence")]
    assert calendar.get(["AAMkSeries=", "AAMkDay=", "AAMkMeeting=", "AAMkGone="])["AAMkGone="] is None
    assert claimed(script) == ["Exchange2010_SP2", *["Exchange2010_SP1"] * 3]


# --- requests
#: What versions write differently: zones, the first day of weeks, a time spent elsewhere, whom one speaks for.
WEEKLY = replace(
    SERIES,
    exceptions={},
    cancelled=frozenset(),
    people=(),
    sensitivity=Sensitivity.PRIVATE,
    availability=Availability.ELSEWHERE,
)
HELD = SeenEvent("AAMkSeries=", "DwAAABYAAAA1", WEEKLY)
LATER = Timed(at(2, 9), at(2, 9, 30), HOME)
TWICE = Recurrence(Frequency.WEEKLY, 2, (Weekday.MONDAY, Weekday.SUNDAY), Weekday.SUNDAY, count=20)
ANEW = replace(WEEKLY, when=LATER, recurrence=TWICE, place="")
WITHOUT = replace(WEEKLY, cancelled=frozenset({date(2026, 3, 9)}))
#: Sample -> what makes our client send it, as its last request but `after`, and the answers of `every` it gets.
ACTS: dict[str, tuple[Callable[[EwsCalendar], object], int, tuple[str, ...]]] = {
    "create_item": (lambda calendar: calendar.create(WEEKLY, "key-1"), 1, ("create_item", "gone")),
    "update_item": (
        lambda calendar: calendar.update(HELD, ANEW, frozenset({"time", "recurrence", "place"})),
        1,
        ("update_item", "gone"),
    ),
    "get_item": (lambda calendar: calendar.get(["AAMkGone="]), 0, ("get_folder", "gone")),
    "sync_folder_items": (lambda calendar: list(calendar.read("H4sIAAAA")), 0, ("sync_folder_items_none",)),
    "find_item": (lambda calendar: calendar.find_created("key-1"), 1, ("find_item", "gone")),
    "decline_item": (
        lambda calendar: calendar.respond(HELD, "declined"),
        2,
        ("held", "create_item", "get_folder", "gone"),
    ),
    "delete_occurrence": (
        lambda calendar: calendar.update(HELD, WITHOUT, frozenset({"x:2026-03-09:"})),
        1,
        ("held", "delete_item", "gone"),
    ),
}


@pytest.mark.parametrize("name", ACTS)
def test_what_we_ask_is_what_the_sample_says(script: Script, server: str, name: str) -> None:
    act, after, said = ACTS[name]
    it = SERVERS[server]
    script.says(*(common(server, each) for each in said))
    act(script.calendar(home=HOME, product=it.product, build=it.build))
    asked = script.asked[-1 - after]
    assert claimed(script) == [it.claimed] * len(said)
    assert_valid(body(asked), it.schema)
    own = SAMPLES / server / "requests" / f"{name}.xml"
    if own.exists():
        assert plain(asked) == plain(own.read_bytes())
    else:  # but for the header, all are asked the same
        whole = (SAMPLES / "every" / "requests" / f"{name}.xml").read_bytes()
        assert plain(etree.tostring(body(asked))) == plain(etree.tostring(body(whole), with_tail=False))
