"""Items as Exchange answers them, read into entries. Samples are written by hand from EWS facts §2 and the schema."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from samklang.connectors.ews import wire, zones
from samklang.engine.model import (
    AllDay,
    Availability,
    Entry,
    Frequency,
    Inexpressible,
    Occurrence,
    Person,
    Recurrence,
    SeenEvent,
    Sensitivity,
    Timed,
    Weekday,
)
from tests.wire.ews.schemas import VERSIONS, assert_valid

HOME = "Europe/Stockholm"
SERIES = Entry("Stand-up", Timed(datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 2, 9, tzinfo=UTC), HOME))
NAMES = (
    'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" '
    'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"'
)


@pytest.mark.parametrize(
    ("data", "uid"),
    [
        (b"vCal-Uid\x01\0\0\0lunch@example.com\0", "lunch@example.com"),
        (bytes(range(16)), None),
    ],
    ids=["another program's", "Exchange's own"],
)
def test_the_global_id_of_an_entry_is_its_uid(data: bytes, uid: str | None) -> None:
    # MS-OXOCAL §2.2.1.27: 16 bytes the same in all, date, time of creation, 8 bytes of nothing, size, data.
    id = bytes.fromhex("040000008200E00074C5B7101A82E008") + bytes(20) + len(data).to_bytes(4, "little") + data
    path = '<t:ExtendedFieldURI DistinguishedPropertySetId="Meeting" PropertyId="35" PropertyType="Binary"/>'
    value = f"<t:ExtendedProperty>{path}<t:Value>{b64encode(id).decode()}</t:Value></t:ExtendedProperty>"
    told = etree.fromstring(f"<t:CalendarItem {NAMES}>{value}</t:CalendarItem>")
    draft = wire.with_global_id(wire.read_event(item(), HOME), told)
    assert draft.event.uid == (uid or id.hex().upper())


def item(
    *,
    head: str = "",
    start: str = "2026-03-02T08:00:00Z",
    end: str = "2026-03-02T09:00:00Z",
    all_day: bool = False,
    tail: str = "",
    zone: str | None = "W. Europe Standard Time",
    end_zone: str | None = None,
) -> etree._Element:
    zone_ids = "" if zone is None else f"<t:StartTimeZoneId>{zone}</t:StartTimeZoneId>"
    zone_ids += "" if zone is None else f"<t:EndTimeZoneId>{end_zone or zone}</t:EndTimeZoneId>"
    found = etree.fromstring(
        f"<t:CalendarItem {NAMES}>"
        f'<t:ItemId Id="AAMk=" ChangeKey="DwAA"/><t:ParentFolderId Id="Folder=" ChangeKey="AQ"/>'
        f"{head}<t:UID>040000008200E00074C5B7101A82E008</t:UID><t:Start>{start}</t:Start><t:End>{end}</t:End>"
        f"<t:IsAllDayEvent>{str(all_day).lower()}</t:IsAllDayEvent>{tail}{zone_ids}</t:CalendarItem>"
    )
    answer = etree.fromstring(
        f'<m:GetItemResponse {NAMES}><m:ResponseMessages><m:GetItemResponseMessage ResponseClass="Success">'
        "<m:ResponseCode>NoError</m:ResponseCode><m:Items/></m:GetItemResponseMessage></m:ResponseMessages>"
        "</m:GetItemResponse>"
    )
    answer[0][0][1].append(found)
    for version in VERSIONS:
        assert_valid(answer, version)
    return found


def series(
    pattern: str, end: str = "<t:NoEndRecurrence><t:StartDate>2026-03-02</t:StartDate></t:NoEndRecurrence>"
) -> str:
    return f"<t:Recurrence>{pattern}{end}</t:Recurrence>"


WEEKLY = series(
    "<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Monday</t:DaysOfWeek></t:WeeklyRecurrence>"
)


def test_a_full_item_becomes_an_event() -> None:
    draft = wire.read_event(
        item(
            head="<t:Subject>Möte 🎉</t:Subject><t:Sensitivity>Private</t:Sensitivity>"
            '<t:Body BodyType="HTML">&lt;html&gt;&lt;body&gt;&lt;p&gt;Rad 1&lt;/p&gt;&lt;p&gt;Rad 2&lt;/p&gt;'
            "&lt;/body&gt;&lt;/html&gt;</t:Body>"
            '<t:ExtendedProperty><t:ExtendedFieldURI PropertySetId="6f0d1c4e-52a7-4b0f-9a3e-8c1d7f2b9e45" '
            'PropertyName="SamklangKey" PropertyType="String"/><t:Value>key-1</t:Value></t:ExtendedProperty>'
            "<t:LastModifiedTime>2026-03-01T07:00:01Z</t:LastModifiedTime>",
            tail="<t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus><t:Location>Rum 1</t:Location>",
        ),
        HOME,
    )
    event = draft.event
    assert (event.id, event.version, event.uid) == ("AAMk=", "DwAA", "040000008200E00074C5B7101A82E008")
    assert event.entry.title == "Möte 🎉"
    assert event.entry.text == "Rad 1\nRad 2"
    assert event.entry.place == "Rum 1"
    assert event.entry.sensitivity is Sensitivity.PRIVATE
    assert event.entry.availability is Availability.OUT_OF_OFFICE
    assert event.entry.when == Timed(
        datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 2, 9, tzinfo=UTC), "Europe/Stockholm"
    )
    assert event.key == "key-1"
    assert event.modified == datetime(2026, 3, 1, 7, 0, 1, tzinfo=UTC)
    assert (event.is_meeting, event.is_organizer, event.is_cancelled) == (False, True, False)
    assert draft.folder == "Folder="


@pytest.mark.parametrize(
    ("state", "meeting", "organizer", "cancelled"),
    [
        (0, False, True, False),
        (1, True, True, False),
        (3, True, False, False),
        (5, True, True, True),
        (7, True, False, True),
    ],
)
def test_the_appointment_state_tells_whose_meeting_it_is(
    state: int, meeting: bool, organizer: bool, cancelled: bool
) -> None:
    bob = f"<t:RequiredAttendees>{attendee('bob')}</t:RequiredAttendees>" if state else ""
    event = wire.read_event(item(tail=f"{bob}<t:AppointmentState>{state}</t:AppointmentState>"), HOME).event
    assert (event.is_meeting, event.is_organizer, event.is_cancelled) == (meeting, organizer, cancelled)


def test_a_meeting_nobody_is_asked_to_any_longer_is_a_plain_appointment() -> None:
    state = "<t:AppointmentState>1</t:AppointmentState>"
    assert not wire.read_event(
        item(tail=f"<t:Organizer>{mailbox('alice')}</t:Organizer>{state}"), HOME
    ).event.is_meeting


def test_an_organizer_who_is_listed_among_the_attendees_too_is_one_person() -> None:
    both = attendee("Alice", "Organizer") + attendee("bob", "Accept")
    tail = f"<t:Organizer>{mailbox('alice')}</t:Organizer><t:RequiredAttendees>{both}</t:RequiredAttendees>"
    people = wire.read_event(item(tail=tail), HOME).event.entry.people
    assert [(person.address, person.response) for person in people] == [
        ("alice@example.com", "organizer"),
        ("bob@example.com", "accepted"),
    ]


def test_a_date_its_organizer_cancelled_is_a_cancelled_date_and_no_changed_one() -> None:
    def occurrence(state: int) -> Occurrence | None:
        tail = f"<t:AppointmentState>{state}</t:AppointmentState>"
        head = "<t:Subject>Canceled: Stand-up</t:Subject>"
        return wire.read_occurrence(item(head=head, tail=tail), SeenEvent("AAA=", "CK=", SERIES), HOME)

    assert occurrence(7) is None
    assert occurrence(3) is not None
    series = wire.with_occurrences(SeenEvent("AAA=", "CK=", SERIES), {date(2026, 3, 9): occurrence(7)})
    assert (series.entry.exceptions, series.entry.cancelled) == ({}, {date(2026, 3, 9)})


def mailbox(name: str) -> str:
    return f"<t:Mailbox><t:Name>{name}</t:Name><t:EmailAddress>{name}@example.com</t:EmailAddress></t:Mailbox>"


def attendee(name: str, response: str = "Unknown") -> str:
    return f"<t:Attendee>{mailbox(name)}<t:ResponseType>{response}</t:ResponseType></t:Attendee>"


def test_people_are_organizer_attendees_and_rooms() -> None:
    event = wire.read_event(
        item(
            tail="<t:MyResponseType>Tentative</t:MyResponseType>"
            f"<t:Organizer>{mailbox('alice')}</t:Organizer>"
            f"<t:RequiredAttendees><t:Attendee>{mailbox('bob')}<t:ResponseType>Accept</t:ResponseType></t:Attendee>"
            "</t:RequiredAttendees>"
            f"<t:OptionalAttendees><t:Attendee>{mailbox('eve')}</t:Attendee></t:OptionalAttendees>"
            f"<t:Resources><t:Attendee>{mailbox('room')}</t:Attendee></t:Resources>"
            "<t:AppointmentState>3</t:AppointmentState>"
        ),
        HOME,
    ).event
    assert event.response == "tentative"
    assert event.entry.people == (
        Person("alice@example.com", "alice", False, "organizer"),
        Person("bob@example.com", "bob", False, "accepted"),
        Person("eve@example.com", "eve", False, "none", optional=True),
        Person("room@example.com", "room", True, "none"),
    )


@pytest.mark.parametrize("stamp", ["2026-03-02T08:00:00.123Z", "2026-03-02T09:00:00.123+01:00"])
def test_times_come_with_z_or_an_offset_and_perhaps_with_fractions(stamp: str) -> None:
    when = wire.read_event(item(start=stamp), HOME).event.entry.when
    assert isinstance(when, Timed)
    assert when.start == datetime(2026, 3, 2, 8, 0, 0, 123000, tzinfo=UTC)
    assert when.start.tzinfo is UTC


def test_a_time_without_a_zone_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="zone"):
        wire.read_event(item(start="2026-03-02T08:00:00"), HOME)


@pytest.mark.parametrize(
    ("zone", "start", "end", "first", "after"),
    [
        # The spring day of Stockholm has 23 hours, the autumn day 25 (EWS facts §2.5).
        (
            "W. Europe Standard Time",
            "2026-03-28T23:00:00Z",
            "2026-03-29T22:00:00Z",
            date(2026, 3, 29),
            date(2026, 3, 30),
        ),
        (
            "W. Europe Standard Time",
            "2026-10-24T22:00:00Z",
            "2026-10-25T23:00:00Z",
            date(2026, 10, 25),
            date(2026, 10, 26),
        ),
        ("UTC-11", "2026-01-05T11:00:00Z", "2026-01-06T11:00:00Z", date(2026, 1, 5), date(2026, 1, 6)),
        (
            "Line Islands Standard Time",
            "2026-01-04T10:00:00Z",
            "2026-01-06T10:00:00Z",
            date(2026, 1, 5),
            date(2026, 1, 7),
        ),
        ("UTC", "2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z", date(2026, 1, 5), date(2026, 1, 6)),
        # Named one zone, made in the user's: the zone where both are midnights counts.
        ("tzone://Microsoft/Utc", "2026-01-04T23:00:00Z", "2026-01-05T23:00:00Z", date(2026, 1, 5), date(2026, 1, 6)),
        # Midnight in neither: the nearest day.
        ("UTC", "2026-01-05T05:00:00Z", "2026-01-06T05:00:00Z", date(2026, 1, 5), date(2026, 1, 6)),
        ("UTC", "2026-01-05T00:00:00Z", "2026-01-05T00:00:00Z", date(2026, 1, 5), date(2026, 1, 6)),
    ],
)
def test_whole_days_are_dates_after_conversion(zone: str, start: str, end: str, first: date, after: date) -> None:
    event = wire.read_event(item(start=start, end=end, all_day=True, zone=zone), HOME).event
    assert event.entry.when == AllDay(first, after)


@pytest.mark.parametrize(
    ("name", "home", "iana"),
    [
        ("W. Europe Standard Time", "Europe/Stockholm", "Europe/Stockholm"),
        ("W. Europe Standard Time", "Europe/Rome", "Europe/Rome"),
        ("W. Europe Standard Time", "America/New_York", "Europe/Berlin"),
        ("Eastern Standard Time", "Europe/Stockholm", "America/New_York"),
        ("tzone://Microsoft/Utc", "Europe/Stockholm", "UTC"),
        ("Europe/Kyiv", "Europe/Stockholm", "Europe/Kyiv"),
    ],
)
def test_zone_names_of_all_kinds_are_understood(name: str, home: str, iana: str) -> None:
    when = wire.read_event(item(zone=name), home).event.entry.when
    assert isinstance(when, Timed)
    assert when.zone == iana


def test_an_end_in_another_zone_is_kept() -> None:
    when = wire.read_event(item(end_zone="Eastern Standard Time"), HOME).event.entry.when
    assert isinstance(when, Timed)
    assert (when.zone, when.end_zone) == ("Europe/Stockholm", "America/New_York")


CUSTOM = etree.fromstring(f"""
<t:CalendarItem {NAMES}>
<t:StartTimeZone Id="Customized Time Zone" Name="Egen">
 <t:Periods>
  <t:Period Bias="-PT1H" Name="Standard" Id="Std"/><t:Period Bias="-PT2H" Name="Daylight" Id="Dlt"/>
 </t:Periods>
 <t:TransitionsGroups>
  <t:TransitionsGroup Id="0">
   <t:RecurringDayTransition><t:To Kind="Period">Dlt</t:To><t:TimeOffset>PT2H</t:TimeOffset><t:Month>3</t:Month>
    <t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>-1</t:Occurrence></t:RecurringDayTransition>
   <t:RecurringDayTransition><t:To Kind="Period">Std</t:To><t:TimeOffset>PT3H</t:TimeOffset><t:Month>10</t:Month>
    <t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>-1</t:Occurrence></t:RecurringDayTransition>
  </t:TransitionsGroup>
 </t:TransitionsGroups>
 <t:Transitions><t:Transition><t:To Kind="Group">0</t:To></t:Transition></t:Transitions>
</t:StartTimeZone></t:CalendarItem>""")


def test_a_customized_zone_is_known_by_its_rules() -> None:
    odd = item(zone="Customized Time Zone")
    assert wire.read_event(odd, "America/New_York").odd_zone
    draft = wire.read_event(odd, "America/New_York", CUSTOM)
    assert not draft.odd_zone
    when = draft.event.entry.when
    assert isinstance(when, Timed)
    assert datetime(2026, 7, 1, tzinfo=UTC).astimezone(ZoneInfo(when.zone)).hour == 2
    # The user's own zone keeps the same clocks: it is meant.
    home = wire.read_event(odd, HOME, CUSTOM).event.entry.when
    assert isinstance(home, Timed)
    assert home.zone == HOME


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles", "Asia/Kolkata", "Australia/Sydney"])
def test_rules_of_zones_all_over_the_world_are_recognized(zone: str) -> None:
    rules = {
        "Pacific/Auckland": ("-PT12H", "-PT13H", (9, -1, "PT2H"), (4, 1, "PT3H")),
        "America/Los_Angeles": ("PT8H", "PT7H", (3, 2, "PT2H"), (11, 1, "PT2H")),
        "Australia/Sydney": ("-PT10H", "-PT11H", (10, 1, "PT2H"), (4, 1, "PT3H")),
        "Asia/Kolkata": ("-PT5H30M", None, None, None),
    }
    standard, daylight, spring, autumn = rules[zone]
    periods = f'<t:Period Bias="{standard}" Name="Standard" Id="S"/>'
    groups = ""
    if daylight and spring and autumn:
        periods += f'<t:Period Bias="{daylight}" Name="Daylight" Id="D"/>'
        changes = "".join(
            f'<t:RecurringDayTransition><t:To Kind="Period">{to}</t:To><t:TimeOffset>{at}</t:TimeOffset>'
            f"<t:Month>{month}</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>{nth}</t:Occurrence>"
            "</t:RecurringDayTransition>"
            for to, (month, nth, at) in (("D", spring), ("S", autumn))
        )
        groups = (
            f'<t:TransitionsGroups><t:TransitionsGroup Id="0">{changes}</t:TransitionsGroup></t:TransitionsGroups>'
            '<t:Transitions><t:Transition><t:To Kind="Group">0</t:To></t:Transition></t:Transitions>'
        )
    definition = etree.fromstring(
        f"<t:StartTimeZone {NAMES} Id='x'><t:Periods>{periods}</t:Periods>{groups}</t:StartTimeZone>"
    )
    assert zones.by_rules(definition, datetime(2026, 5, 1, tzinfo=UTC), zone) == zone


def test_rules_no_zone_has_fall_back_to_the_users_zone() -> None:
    definition = etree.fromstring(
        f"<t:CalendarItem {NAMES}><t:StartTimeZone Id='Customized Time Zone'>"
        "<t:Periods><t:Period Bias='-PT7H13M' Name='Standard' Id='S'/></t:Periods></t:StartTimeZone></t:CalendarItem>"
    )
    when = wire.read_event(item(zone="Customized Time Zone"), HOME, definition).event.entry.when
    assert isinstance(when, Timed)
    assert when.zone == HOME


PATTERNS = {
    "<t:DailyRecurrence><t:Interval>3</t:Interval></t:DailyRecurrence>": Recurrence(Frequency.DAILY, 3),
    "<t:WeeklyRecurrence><t:Interval>2</t:Interval><t:DaysOfWeek>Monday Thursday</t:DaysOfWeek>"
    "<t:FirstDayOfWeek>Sunday</t:FirstDayOfWeek></t:WeeklyRecurrence>": Recurrence(
        Frequency.WEEKLY, 2, (Weekday.MONDAY, Weekday.THURSDAY), Weekday.SUNDAY
    ),
    "<t:AbsoluteMonthlyRecurrence><t:Interval>2</t:Interval><t:DayOfMonth>2</t:DayOfMonth>"
    "</t:AbsoluteMonthlyRecurrence>": Recurrence(Frequency.MONTHLY, 2, day_of_month=2),
    "<t:RelativeMonthlyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Weekday</t:DaysOfWeek>"
    "<t:DayOfWeekIndex>Last</t:DayOfWeekIndex></t:RelativeMonthlyRecurrence>": Recurrence(
        Frequency.MONTHLY, 1, tuple(Weekday)[:5], position=-1
    ),
    "<t:AbsoluteYearlyRecurrence><t:DayOfMonth>2</t:DayOfMonth><t:Month>March</t:Month>"
    "</t:AbsoluteYearlyRecurrence>": Recurrence(Frequency.YEARLY, day_of_month=2, month=3),
    "<t:RelativeYearlyRecurrence><t:DaysOfWeek>Monday</t:DaysOfWeek><t:DayOfWeekIndex>First</t:DayOfWeekIndex>"
    "<t:Month>March</t:Month></t:RelativeYearlyRecurrence>": Recurrence(
        Frequency.YEARLY, 1, (Weekday.MONDAY,), position=1, month=3
    ),
}


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.split("<t:")[1].split(">")[0])
def test_each_pattern_is_read(pattern: str) -> None:
    assert wire.read_event(item(tail=series(pattern)), HOME).event.entry.recurrence == PATTERNS[pattern]


def test_each_end_is_read_also_with_an_offset_on_its_dates() -> None:
    from dataclasses import replace

    daily = "<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>"
    start = "<t:StartDate>2026-03-02+01:00</t:StartDate>"
    until = f"<t:EndDateRecurrence>{start}<t:EndDate>2026-04-30+02:00</t:EndDate></t:EndDateRecurrence>"
    count = f"<t:NumberedRecurrence>{start}<t:NumberOfOccurrences>7</t:NumberOfOccurrences></t:NumberedRecurrence>"
    rule = Recurrence(Frequency.DAILY)
    read = wire.read_event
    assert read(item(tail=series(daily, until)), HOME).event.entry.recurrence == replace(rule, until=date(2026, 4, 30))
    assert read(item(tail=series(daily, count)), HOME).event.entry.recurrence == replace(rule, count=7)


def monthly(day: int) -> str:
    return (
        f"<t:AbsoluteMonthlyRecurrence><t:Interval>1</t:Interval><t:DayOfMonth>{day}</t:DayOfMonth>"
        "</t:AbsoluteMonthlyRecurrence>"
    )


def test_the_31st_of_each_month_means_the_last_day_and_is_read_so() -> None:
    rule = wire.read_event(item(tail=series(monthly(31))), HOME).event.entry.recurrence
    assert rule == Recurrence(Frequency.MONTHLY, 1, tuple(Weekday), position=-1)


def test_the_30th_of_each_month_means_other_dates_to_us_and_is_not_read_as_a_pattern() -> None:
    rule = wire.read_event(item(tail=series(monthly(30))), HOME).event.entry.recurrence
    assert isinstance(rule, Inexpressible)
    assert rule.reason == "days_29_to_31"


def test_changed_and_removed_dates_are_keyed_by_their_original_local_date() -> None:
    draft = wire.read_event(
        item(
            start="2026-03-02T23:30:00Z",
            end="2026-03-03T00:30:00Z",
            tail=WEEKLY + "<t:ModifiedOccurrences><t:Occurrence><t:ItemId Id='OCC1' ChangeKey='c'/>"
            "<t:Start>2026-03-11T10:00:00Z</t:Start><t:End>2026-03-11T11:00:00Z</t:End>"
            "<t:OriginalStart>2026-03-09T23:30:00Z</t:OriginalStart></t:Occurrence></t:ModifiedOccurrences>"
            "<t:DeletedOccurrences><t:DeletedOccurrence><t:Start>2026-04-05T22:30:00Z</t:Start></t:DeletedOccurrence>"
            "</t:DeletedOccurrences>",
        ),
        HOME,
    )
    assert draft.occurrences == {date(2026, 3, 10): "OCC1"}
    assert draft.event.entry.cancelled == {date(2026, 4, 6)}


def test_an_exception_without_a_zone_of_its_own_name_has_the_series_zone() -> None:
    event = wire.read_event(item(tail=WEEKLY), HOME).event
    changed = wire.read_occurrence(item(head="<t:Subject>Annat</t:Subject>", zone="Customized Time Zone"), event, HOME)
    assert changed.title == "Annat"
    assert isinstance(changed.when, Timed)
    assert changed.when.zone == HOME


def test_a_listing_names_what_is_there_what_is_gone_and_where_to_go_on() -> None:
    message = etree.fromstring(
        f'<m:SyncFolderItemsResponseMessage {NAMES} ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>'
        "<m:SyncState>H4sI</m:SyncState><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange><m:Changes>"
        '<t:Create><t:CalendarItem><t:ItemId Id="A" ChangeKey="1"/></t:CalendarItem></t:Create>'
        '<t:Update><t:CalendarItem><t:ItemId Id="B" ChangeKey="2"/></t:CalendarItem></t:Update>'
        '<t:Create><t:Message><t:ItemId Id="M" ChangeKey="3"/></t:Message></t:Create>'
        '<t:ReadFlagChange><t:ItemId Id="B"/><t:IsRead>true</t:IsRead></t:ReadFlagChange>'
        '<t:Delete><t:ItemId Id="C" ChangeKey="4"/></t:Delete>'
        "</m:Changes></m:SyncFolderItemsResponseMessage>"
    )
    changes = wire.read_changes(message)
    assert changes == wire.Changes((("A", "1"), ("B", "2")), ("C",), "H4sI", True)
