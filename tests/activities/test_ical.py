from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from samklang.activities import queries, services
from samklang.activities.ical import NotACalendar, Report, export_calendar, import_calendar
from samklang.activities.models import Activity, ActivityType
from samklang.activities.rows import entry_of
from samklang.activities.services import Guest
from samklang.engine.model import AllDay, Entry, Inexpressible, Timed
from tests.people import People, people

pytestmark = pytest.mark.django_db

CUSTOM_ZONE = """BEGIN:VTIMEZONE
TZID:Customized Time Zone
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VTIMEZONE
TZID:Europe/Helsinki
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0900
TZOFFSETTO:+0900
END:STANDARD
END:VTIMEZONE
BEGIN:VTIMEZONE
TZID:europe/lisbon
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0900
TZOFFSETTO:+0900
END:STANDARD
END:VTIMEZONE
BEGIN:VTIMEZONE
TZID:Moon
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0017
TZOFFSETTO:+0017
END:STANDARD
END:VTIMEZONE
"""


@pytest.fixture
def them() -> People:
    return people()


def ics(*events: str) -> bytes:
    body = "".join(f"BEGIN:VEVENT\nDTSTAMP:20260101T000000Z\n{event.strip()}\nEND:VEVENT\n" for event in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Test//EN\n{CUSTOM_ZONE}{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


def imported(them: People, *events: str) -> Report:
    return import_calendar(them.alice, ics(*events))


def entry(uid: str) -> Entry:
    return entry_of(Activity.objects.whole().get(import_uid=uid))


def times_of(event_times: str, them: People) -> Timed | AllDay:
    report = imported(them, f"UID:x\nSUMMARY:X\n{event_times}")
    assert report.left_out == []
    return entry("x").when


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


NINE, TEN = at(2026, 7, 1, 7), at(2026, 7, 1, 8)  # 09:00 and 10:00 in Stockholm


@pytest.mark.parametrize(
    ("event_times", "expected"),
    [
        ("DTSTART:20260701T070000Z\nDTEND:20260701T080000Z", Timed(NINE, TEN, "UTC")),
        ("DTSTART:20260701T090000\nDTEND:20260701T100000", Timed(NINE, TEN, "Europe/Stockholm")),
        (
            "DTSTART;TZID=Europe/Stockholm:20260701T090000\nDTEND;TZID=Europe/Stockholm:20260701T100000",
            Timed(NINE, TEN, "Europe/Stockholm"),
        ),
        (
            "DTSTART;TZID=W. Europe Standard Time:20260701T090000\nDURATION:PT1H",
            Timed(NINE, TEN, "Europe/Berlin"),
        ),
        ("DTSTART;TZID=europe/oslo:20260701T090000\nDURATION:PT1H", Timed(NINE, TEN, "Europe/Oslo")),
        (
            "DTSTART;TZID=Exchange/Europe/Oslo:20260701T090000\nDURATION:PT1H",
            Timed(NINE, TEN, "Europe/Oslo"),
        ),
        ("DTSTART;TZID=Customized Time Zone:20260701T090000\nDURATION:PT1H", Timed(NINE, TEN, "Europe/Stockholm")),
        ("DTSTART;TZID=Nowhere:20260701T090000\nDURATION:PT1H", Timed(NINE, TEN, "Europe/Stockholm")),
        (
            "DTSTART;TZID=Moon:20260701T071700\nDURATION:PT1H",
            Timed(NINE, TEN, "Europe/Stockholm"),
        ),
        (
            "DTSTART;TZID=Europe/Stockholm:20260701T090000\nDTEND;TZID=America/New_York:20260701T040000",
            Timed(NINE, TEN, "Europe/Stockholm", "America/New_York"),
        ),
        # A definition in the file counts for a name that is none of ours, not for one that is.
        ("DTSTART;TZID=Europe/Helsinki:20260701T100000\nDURATION:PT1H", Timed(NINE, TEN, "Europe/Helsinki")),
        ("DTSTART;TZID=europe/lisbon:20260701T160000\nDURATION:PT1H", Timed(NINE, TEN, "Asia/Seoul")),
        ("DTSTART:20260701T070000Z", Timed(NINE, NINE, "UTC")),
        ("DTSTART:20260701T070000Z\nDTEND:20260701T060000Z", Timed(NINE, NINE, "UTC")),
        # A day by the wall clock is 23 hours here.
        (
            "DTSTART;TZID=Europe/Stockholm:20260328T120000\nDURATION:P1D",
            Timed(at(2026, 3, 28, 11), at(2026, 3, 29, 10), "Europe/Stockholm"),
        ),
        ("DTSTART;VALUE=DATE:20260701", AllDay(date(2026, 7, 1), date(2026, 7, 2))),
        ("DTSTART;VALUE=DATE:20260701\nDTEND;VALUE=DATE:20260704", AllDay(date(2026, 7, 1), date(2026, 7, 4))),
        ("DTSTART;VALUE=DATE:20260701\nDTEND;VALUE=DATE:20260701", AllDay(date(2026, 7, 1), date(2026, 7, 2))),
        ("DTSTART;VALUE=DATE:20260701\nDURATION:P3D", AllDay(date(2026, 7, 1), date(2026, 7, 4))),
    ],
)
def test_times_in_every_form_are_understood(them: People, event_times: str, expected: Timed | AllDay) -> None:
    assert times_of(event_times, them) == expected


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20260715T070000Z", date(2026, 7, 15)),
        ("20260715T065959Z", date(2026, 7, 8)),
        ("20260715T090000", date(2026, 7, 15)),
        ("20260715", date(2026, 7, 15)),
    ],
)
def test_the_end_of_a_rule_in_every_form_is_understood(them: People, until: str, last: date) -> None:
    imported(
        them,
        "UID:x\nSUMMARY:X\nDTSTART;TZID=Europe/Stockholm:20260701T090000\nDURATION:PT1H\n"
        f"RRULE:FREQ=WEEKLY;UNTIL={until}",
    )
    shown = queries.between(them.alice, at(2026, 6, 1), at(2026, 12, 1))
    assert shown[-1].day == last


SERIES = """UID:s
SUMMARY:Stand-up
DTSTART;TZID=Europe/Stockholm:20260701T090000
DTEND;TZID=Europe/Stockholm:20260701T091500
RRULE:FREQ=DAILY;COUNT=6"""


def days_shown(them: People) -> list[tuple[str, str]]:
    shown = queries.between(them.alice, at(2026, 6, 1), at(2026, 12, 1))
    return [(one.title, f"{one.when.start:%m-%d %H:%M}") for one in shown]  # type: ignore[union-attr]


def test_a_series_comes_with_its_exceptions_and_gaps(them: People) -> None:
    report = imported(
        them,
        SERIES + "\nEXDATE;TZID=Europe/Stockholm:20260702T090000,20260703T080000\nEXDATE:20260706T070000Z",
        "UID:s\nSUMMARY:Late one\nRECURRENCE-ID:20260704T070000Z\nDTSTART:20260704T120000Z\nDTEND:20260704T123000Z",
        "UID:s\nSTATUS:CANCELLED\nRECURRENCE-ID;TZID=Europe/Stockholm:20260705T090000\nDTSTART:20260705T070000Z",
    )
    assert (report.created, report.left_out) == (1, [])
    # The second EXDATE names a time at which nothing starts: it excludes nothing (RFC 5545 §3.8.5.1).
    assert days_shown(them) == [
        ("Stand-up", "07-01 07:00"),
        ("Stand-up", "07-03 07:00"),
        ("Late one", "07-04 12:00"),
    ]


def test_a_changed_occurrence_of_no_date_of_the_rule_stands_alone(them: People) -> None:
    other = "UID:s\nSUMMARY:Extra\nRECURRENCE-ID:20260720T070000Z\nDTSTART:20260720T070000Z\nDTEND:20260720T080000Z"
    assert imported(them, SERIES, other).created == 2
    assert days_shown(them)[-1] == ("Extra", "07-20 07:00")
    assert imported(them, SERIES, other).unchanged == 2


def test_an_occurrence_whose_series_is_missing_stands_alone(them: People) -> None:
    other = "UID:s\nSUMMARY:Invited\nRECURRENCE-ID:20260704T070000Z\nDTSTART:20260704T120000Z\nDTEND:20260704T130000Z"
    assert imported(them, other).created == 1
    assert days_shown(them) == [("Invited", "07-04 12:00")]


@pytest.mark.parametrize(
    ("rule", "reason", "expected"),
    [
        ("RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15;COUNT=3", "several_dates_of_month", ["07-01", "07-15", "08-01"]),
        ("RRULE:FREQ=MONTHLY;BYMONTHDAY=31;UNTIL=20261101", "days_29_to_31", ["07-31", "08-31", "10-31"]),
        (
            "RRULE:FREQ=WEEKLY;COUNT=2\nRDATE;TZID=Europe/Stockholm:20260703T140000",
            "rule_and_extra_dates",
            ["07-01", "07-03", "07-08"],
        ),
        ("RDATE:20260705T070000Z", "rule_and_extra_dates", ["07-01", "07-05"]),
        ("RRULE:FREQ=YEARLY;BYDAY=FR;BYMONTHDAY=19,20,21,22,23,24,25;BYMONTH=6", "several_dates_of_month", ["06-25"]),
    ],
)
def test_a_rule_that_is_no_common_pattern_is_kept_as_text_and_shown_right(
    them: People, rule: str, reason: str, expected: list[str]
) -> None:
    start = "20260701T090000" if "YEARLY" not in rule else "20270625T090000"
    report = imported(them, f"UID:x\nSUMMARY:X\nDTSTART;TZID=Europe/Stockholm:{start}\nDURATION:PT1H\n{rule}")
    assert (report.created, report.kept_as_text, report.left_out) == (1, 1, [])
    kept = entry("x").recurrence
    assert isinstance(kept, Inexpressible) and kept.reason == reason
    year = int(start[:4])
    shown = queries.between(them.alice, at(year, 6, 1), at(year, 12, 1))
    assert [one.day.isoformat()[5:] for one in shown if one.day] == expected


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ("SUMMARY:No start", "start_missing"),
        ("DTSTART:yesterday", "unreadable"),
        ("DTSTART:20260701T070000Z\nSTATUS:CANCELLED", "cancelled"),
        ("DTSTART:20260701T070000Z\nRRULE:every day", "invalid_rule"),
        ("DTSTART:20260701T070000Z\nRRULE:FREQ=HOURLY", "sub_daily"),
        ("DTSTART:20260701T070000Z\nRRULE:FREQ=WEEKLY;INTERVAL=0", "invalid_rule"),
        ("DTSTART;TZID=Moon:20260701T070000\nRRULE:FREQ=WEEKLY", "zone_custom"),
        ("DTSTART:20260701T070000Z\nRRULE:FREQ=WEEKLY\nEXRULE:FREQ=MONTHLY", "exrule"),
        ("DTSTART:20260701T070000Z\nRDATE;VALUE=PERIOD:20260702T070000Z/PT2H", "extra_periods"),
    ],
)
def test_what_cannot_be_kept_is_left_out_with_its_reason_and_the_rest_comes_in(
    them: People, event: str, code: str
) -> None:
    report = imported(them, f"UID:bad\n{event}", "UID:good\nSUMMARY:Good\nDTSTART:20260701T070000Z")
    assert report.created == 1
    assert [(one.uid, one.code) for one in report.reasons] == [("bad", code)]


def test_importing_again_updates_what_changed_and_keeps_what_is_ours(them: People) -> None:
    imported(them, "UID:a\nSUMMARY:A\nDTSTART:20260701T070000Z", "UID:b\nSUMMARY:B\nDTSTART:20260701T070000Z")
    services.update(them.alice, Activity.objects.get(import_uid="a").guid, project="Bridge")
    report = imported(them, "UID:a\nSUMMARY:A2\nDTSTART:20260701T080000Z", "UID:b\nSUMMARY:B\nDTSTART:20260701T070000Z")
    assert (report.created, report.updated, report.unchanged) == (0, 1, 1)
    changed = Activity.objects.get(import_uid="a")
    assert (changed.name, changed.starts, changed.project) == ("A2", TEN, "Bridge")


def test_importing_again_takes_it_out_of_the_trash(them: People) -> None:
    imported(them, "UID:a\nSUMMARY:A\nDTSTART:20260701T070000Z")
    services.trash(them.alice, Activity.objects.get(import_uid="a").guid)
    assert imported(them, "UID:a\nSUMMARY:A\nDTSTART:20260701T070000Z").updated == 1
    assert days_shown(them) == [("A", "07-01 07:00")]


def test_one_file_may_come_to_two_people(them: People) -> None:
    text = ics("UID:a\nSUMMARY:A\nDTSTART:20260701T070000Z")
    assert [import_calendar(user, text).created for user in (them.alice, them.bob, them.charlie)] == [1, 1, 1]


def test_private_entries_and_categories_find_their_types(them: People) -> None:
    imported(
        them,
        "UID:p\nSUMMARY:Dentist\nDTSTART:20260701T070000Z\nCLASS:PRIVATE",
        "UID:c\nSUMMARY:Law\nDTSTART:20260701T070000Z\nCLASS:CONFIDENTIAL\nCATEGORIES:To-do",
        "UID:t\nSUMMARY:Call\nDTSTART:20260701T070000Z\nCATEGORIES:Whatever,TO-DO",
        "UID:m\nSUMMARY:Meet\nDTSTART:20260701T070000Z\nCLASS:PUBLIC",
    )
    named = dict(Activity.objects.values_list("import_uid", "type__name"))
    assert named == {"p": "Private", "c": "Private", "t": "To-do", "m": "Meeting"}


def test_a_private_entry_is_masked_where_there_is_no_private_type(them: People) -> None:
    ActivityType.objects.of(them.company).filter(name="Private").delete()
    imported(them, "UID:p\nSUMMARY:Dentist\nDTSTART:20260701T070000Z\nCLASS:PRIVATE")
    (seen,) = queries.between(them.bob, at(2026, 7, 1), at(2026, 7, 2), people=[them.alice])
    assert seen.masked and seen.title != "Dentist"


def test_people_of_a_file_become_external_and_nobody_elses_calendar_changes(them: People) -> None:
    imported(
        them,
        "UID:m\nSUMMARY:Meet\nDTSTART:20260701T070000Z\nORGANIZER;CN=Eva:mailto:eva@customer.example\n"
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org\nATTENDEE:mailto:ALICE@example.org\n"
        "ATTENDEE;CUTYPE=ROOM:mailto:room@example.org",
    )
    rows = Activity.objects.get(import_uid="m").participants.values_list("address", "kind", "status", "user")
    assert list(rows) == [
        ("bob@example.org", "Other", "Accepted", None),
        ("room@example.org", "Resource", "Unknown", None),
        ("eva@customer.example", "Other", "Unknown", None),
    ]
    assert queries.between(them.bob, at(2026, 7, 1), at(2026, 7, 2)) == []


def test_odd_texts_come_in(them: People) -> None:
    long_uid = "u" * 500
    report = imported(
        them,
        "DTSTART:20260701T070000Z\nSUMMARY:No UID",
        f"UID:{long_uid}\nDTSTART:20260701T070000Z\nLOCATION:{'x' * 1500}\nDESCRIPTION:tab\\, NUL \x00 and 💥\\nline",
    )
    assert (report.created, report.left_out) == (2, [])
    odd = Activity.objects.get(location__startswith="x")
    assert (odd.name, len(odd.location), odd.notes) == ("(no subject)", 1000, "tab, NUL  and 💥\nline")
    assert imported(them, "DTSTART:20260701T070000Z\nSUMMARY:No UID").unchanged == 1


@pytest.mark.parametrize("text", [b"", b"hello", b"BEGIN:VEVENT\r\nEND:VEVENT\r\n", b"\xff\xfe\x00", b"<html></html>"])
def test_what_is_no_calendar_is_refused(them: People, text: bytes) -> None:
    with pytest.raises(NotACalendar):
        import_calendar(them.alice, text)


def test_an_export_of_ones_own_activities_does_not_double_them_on_import(them: People) -> None:
    mine = services.create(
        them.alice, name="Åäö; with, commas", when=Timed(NINE, TEN, "Europe/Stockholm"), participants=[Guest(them.bob)]
    )
    services.create(them.charlie, name="Charlie's", when=Timed(NINE, TEN, "Europe/London"))
    for user in (them.alice, them.bob):
        exported = export_calendar(user)
        assert b"TZID:Europe/Stockholm" in exported and b"Charlie" not in exported
        again = import_calendar(user, exported)
        assert (again.created, again.updated, again.unchanged) == (0, 0, 1)
    assert Activity.objects.get(pk=mine.pk).version == 1
