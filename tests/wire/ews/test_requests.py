"""Every request we build is valid for every generation it is sent to."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from lxml import etree

from samklang.connectors.ews import operations, people, wire
from samklang.connectors.ews.dialect import EXCHANGE_2013_SP1 as NEW
from samklang.connectors.ews.dialect import Dialect, dialect_of
from samklang.connectors.ews.soap import E, S, T, envelope, t
from samklang.engine.model import (
    AllDay,
    Availability,
    Entry,
    Frequency,
    Mail,
    Person,
    Recurrence,
    SeenEvent,
    Sensitivity,
    Timed,
    Weekday,
)
from samklang.sync import errors
from tests.wire.ews.schemas import ALL_VERSIONS, assert_valid

HOME = "Europe/Stockholm"
MONDAY = Timed(datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 2, 9, tzinfo=UTC), HOME)
WORKDAYS = tuple(Weekday)[:5]

RULES = {
    "daily": Recurrence(Frequency.DAILY, 3),
    "weekly": Recurrence(Frequency.WEEKLY, 2, (Weekday.MONDAY, Weekday.THURSDAY), Weekday.SUNDAY),
    "monthly by date": Recurrence(Frequency.MONTHLY, 2, day_of_month=2),
    "monthly by weekday": Recurrence(Frequency.MONTHLY, 1, (Weekday.MONDAY,), position=1),
    "last workday of the month": Recurrence(Frequency.MONTHLY, 1, WORKDAYS, position=-1),
    "yearly by date": Recurrence(Frequency.YEARLY, day_of_month=2, month=3),
    "yearly by weekday": Recurrence(Frequency.YEARLY, 1, (Weekday.MONDAY,), position=1, month=3),
}
ENDS = {"never": {}, "by date": {"until": date(2027, 6, 30)}, "by count": {"count": 12}}


def with_end(rule: Recurrence, end: dict[str, object]) -> Recurrence:
    from dataclasses import replace

    return replace(rule, **end)  # type: ignore[arg-type]


@pytest.fixture(params=ALL_VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def spoken(version: str) -> Dialect:
    """How we speak to the servers of a schema."""
    return dialect_of(version[:4]) if version[:4] in ("2007", "2010") else NEW


def created(entry: Entry, dialect: Dialect = NEW) -> etree._Element:
    return operations.create_item(wire.new_item(entry, "key-1", home=HOME, reminder=False, dialect=dialect))


def test_reading_requests_are_valid(version: str) -> None:
    for request in (
        operations.sync_items(None, 512),
        operations.sync_items("H4sIAAA=", 512),
        operations.get_items(["AAA=", "BBB="], spoken(version)),
        operations.get_occurrences(["AAA="], spoken(version)),
        *([operations.get_zone_rules(["AAA="])] if spoken(version).two_zones else []),
        operations.get_global_ids(["AAA="]),
        operations.get_body("AAA="),
        operations.get_versions(["AAA="]),
        operations.find_key("key-1"),
        operations.get_calendar_folder(),
    ):
        assert_valid(request, version)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("rule", RULES)
def test_series_of_every_pattern_and_end_are_valid_when_created_and_when_changed(
    version: str, rule: str, end: str
) -> None:
    series = Entry("Stand-up", MONDAY, recurrence=with_end(RULES[rule], ENDS[end]))
    assert_valid(created(series, spoken(version)), version)
    update = wire.change(wire.item_id("AAA=", "CK="), [wire.set_recurrence(series, spoken(version))])
    assert_valid(operations.update_items([update], only_if_unchanged=True), version)


def test_singles_with_every_field_are_valid(version: str) -> None:
    full = Entry("Möte 🎉", MONDAY, "Rum 1", "Rad 1\nRad 2", Sensitivity.CONFIDENTIAL, Availability.ELSEWHERE)
    whole_day = Entry("Ledig", AllDay(date(2026, 3, 29), date(2026, 3, 30)))
    for entry in (full, Entry("", MONDAY), whole_day):
        assert_valid(created(entry, spoken(version)), version)


def test_updates_of_every_field_are_valid(version: str) -> None:
    fields = [
        wire.set_text("item:Subject", "Subject", "Nytt"),
        wire.set_text("calendar:Location", "Location", ""),
        wire.set_body("Text", None),
        wire.set_body("Text", "<html><body>Text</body></html>"),
        wire.set_sensitivity(Sensitivity.PRIVATE),
        *wire.set_when(MONDAY, HOME, spoken(version), series=False, was_all_day=True),
        wire.set_recurrence(Entry("x", MONDAY), spoken(version)),
    ]
    update = wire.change(wire.item_id("AAA=", "CK="), fields)
    assert_valid(operations.update_items([update], only_if_unchanged=True), version)


def test_writes_to_occurrences_are_valid_and_count_every_date_of_the_pattern(version: str) -> None:
    series = Entry("x", MONDAY, recurrence=RULES["weekly"], cancelled=frozenset({date(2026, 3, 5)}))
    address = wire.occurrence_id("AAA=", "CK=", series, date(2026, 3, 16))
    assert address.get("InstanceIndex") == "3"
    update = wire.change(address, [wire.set_text("item:Subject", "Subject", "Annat")])
    assert_valid(operations.update_items([update], only_if_unchanged=False), version)
    assert_valid(operations.delete_items([wire.occurrence_id("AAA=", "CK=", series, date(2026, 3, 5))]), version)


ORGANIZER = Person("alice@example.com", "Alice", response="organizer")
BOB, EVE = Person("Bob@Example.com", "Bob", response="accepted"), Person("eve@example.com", optional=True)
ROOM = Person("room@example.com", resource=True)
CALLED = SeenEvent("AAA=", "CK=", Entry("x", MONDAY, people=(ORGANIZER, BOB, EVE, ROOM)), is_meeting=True)


def listed(wanted: tuple[Person, ...]) -> dict[str, list[str]]:
    """What is written: list of attendees -> addresses; an empty one is cleared."""
    changes = list(people.set_attendees(CALLED, Entry("x", MONDAY, people=wanted)))
    if changes:
        update = wire.change(wire.item_id("AAA=", "CK="), changes)
        for each in ALL_VERSIONS:
            assert_valid(operations.update_items([update], only_if_unchanged=True, mail=Mail.CHANGED), each)
    return {
        change[0].get("FieldURI", "").partition(":")[2]: [found.text or "" for found in change.iter(f"{T}EmailAddress")]
        for change in changes
    }


def test_somebody_new_is_asked_as_one_who_must_come_and_the_others_stay_as_they_are() -> None:
    new = Person("carol@example.com", "Carol", response="accepted")
    wanted = (Person("BOB@example.com"), Person("EVE@EXAMPLE.COM"), new)
    assert listed(wanted) == {"RequiredAttendees": ["Bob@Example.com", "carol@example.com"]}


def test_somebody_taken_off_leaves_his_list_alone_changed() -> None:
    assert listed((BOB,)) == {"OptionalAttendees": []}
    assert listed((EVE,)) == {"RequiredAttendees": []}


def test_rooms_stay_and_the_organizer_is_no_attendee() -> None:
    assert listed((BOB, EVE)) == {}
    assert listed((BOB, EVE, Person("ALICE@example.com"))) == {}


@pytest.mark.parametrize("response", ["accepted", "tentative", "declined"])
def test_an_answer_is_saved_and_not_sent(response: str) -> None:
    request = operations.respond("AAA=", "CK=", response)
    assert request.get("MessageDisposition") == "SaveOnly"
    for each in ALL_VERSIONS:
        assert_valid(request, each)


def test_an_answer_cannot_be_taken_back() -> None:
    with pytest.raises(errors.ItemError):
        operations.respond("AAA=", "CK=", "none")


def test_mail_goes_to_whom_the_write_is_said_to_tell() -> None:
    def told(mail: Mail) -> tuple[str | None, str | None]:
        update, delete = (
            operations.update_items([], only_if_unchanged=True, mail=mail),
            operations.delete_items([], mail=mail),
        )
        return update.get("SendMeetingInvitationsOrCancellations"), delete.get("SendMeetingCancellations")

    assert told(Mail.NONE) == ("SendToNone", "SendToNone")
    assert told(Mail.CHANGED) == ("SendToChangedAndSaveCopy", "SendToAllAndSaveCopy")
    assert told(Mail.ALL) == ("SendToAllAndSaveCopy", "SendToAllAndSaveCopy")


def test_a_date_the_pattern_does_not_give_has_no_address() -> None:
    series = Entry("x", MONDAY, recurrence=RULES["weekly"])
    with pytest.raises(errors.ItemError) as caught:
        wire.occurrence_id("AAA=", "CK=", series, date(2026, 3, 3))
    assert caught.value.params["day"] == "2026-03-03"


def test_a_series_whose_weeks_start_on_another_day_than_the_servers_is_refused_where_that_moves_dates() -> None:
    days = (Weekday.MONDAY, Weekday.SUNDAY)
    old = dialect_of("2007")
    for interval, start in ((1, Weekday.MONDAY), (2, Weekday.SUNDAY)):
        created(Entry("x", MONDAY, recurrence=Recurrence(Frequency.WEEKLY, interval, days, start)), old)
    with pytest.raises(errors.Inexpressible) as caught:
        created(Entry("x", MONDAY, recurrence=Recurrence(Frequency.WEEKLY, 2, days)), old)
    assert caught.value.params["reason"] == "week_start"


def test_headers_carry_version_user_and_zone() -> None:
    root = etree.fromstring(
        envelope(operations.get_calendar_folder(), NEW, "anna@example.com", "W. Europe Standard Time")
    )
    header = root.find(S + "Header")
    assert header is not None
    assert [child.tag.removeprefix(T) for child in header] == [
        "RequestServerVersion",
        "ExchangeImpersonation",
        "TimeZoneContext",
    ]
    assert header[0].get("Version") == "Exchange2013_SP1"
    assert header[1].findtext(f"{T}ConnectingSID/{T}SmtpAddress") == "anna@example.com"
    assert header[2][0].get("Id") == "W. Europe Standard Time"
    assert E  # the errors namespace is read, never written


def test_nobody_is_mailed_unless_asked_for() -> None:
    assert created(Entry("x", MONDAY)).get("SendMeetingInvitations") == "SendToNone"
    assert (
        operations.update_items([], only_if_unchanged=True).get("SendMeetingInvitationsOrCancellations") == "SendToNone"
    )
    assert operations.delete_items([]).get("SendMeetingCancellations") == "SendToNone"


def test_characters_xml_does_not_know_are_left_out() -> None:
    assert t("Subject", "a\x00b\x1fc\ufffe\ud800d").text == "abcd"


def test_whole_days_run_from_midnight_to_midnight_in_the_users_zone_also_when_clocks_change() -> None:
    item = created(Entry("x", AllDay(date(2026, 3, 29), date(2026, 3, 30))))[1][0]
    assert item.findtext(T + "Start") == "2026-03-28T23:00:00Z"
    assert item.findtext(T + "End") == "2026-03-29T22:00:00Z"
    zone = item.find(T + "StartTimeZone")
    assert zone is not None and zone.get("Id") == "W. Europe Standard Time"


def test_fractions_of_seconds_are_not_sent() -> None:
    when = Timed(MONDAY.start.replace(microsecond=7), MONDAY.end, HOME)
    assert created(Entry("x", when))[1][0].findtext(T + "Start") == "2026-03-02T08:00:00Z"


def test_a_create_without_reminder_says_so_and_another_leaves_it_to_the_mailbox() -> None:
    def sent(reminder: bool) -> str | None:
        return wire.new_item(Entry("x", MONDAY), "k", home=HOME, reminder=reminder, dialect=NEW).findtext(
            T + "ReminderIsSet"
        )

    assert sent(False) == "false"
    assert sent(True) is None


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (Recurrence(Frequency.YEARLY, 2, day_of_month=2, month=3), "yearly_interval"),
        (Recurrence(Frequency.MONTHLY, day_of_month=31), "days_29_to_31"),
        (Recurrence(Frequency.DAILY, 1000), "interval_too_large"),
    ],
)
def test_a_rule_exchange_cannot_hold_is_refused_with_its_reason(rule: Recurrence, reason: str) -> None:
    with pytest.raises(errors.Inexpressible) as caught:
        created(Entry("x", MONDAY, recurrence=rule))
    assert caught.value.code == "recurrence_inexpressible"
    assert caught.value.params["reason"] == reason


def test_a_count_above_999_is_written_as_an_end_date() -> None:
    made = created(Entry("x", MONDAY, recurrence=Recurrence(Frequency.DAILY, count=1000)))
    assert made.find(f".//{T}NumberOfOccurrences") is None
    assert made.findtext(f".//{T}EndDate") == "2028-11-25"


def test_a_series_in_a_zone_windows_does_not_know_is_refused() -> None:
    when = Timed(MONDAY.start, MONDAY.end, "Antarctica/Troll")
    with pytest.raises(errors.Inexpressible) as caught:
        created(Entry("x", when, recurrence=RULES["daily"]))
    assert caught.value.params["reason"] == "zone_unknown_to_windows"
    assert created(Entry("x", when)) is not None
