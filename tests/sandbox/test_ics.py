"""What an iCalendar file becomes in a mailbox, and what is refused for which reason."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from samklang.sandbox import bodies, ics, recurrence
from samklang.sandbox.model import Item, Mailbox

CALENDARS = Path(os.environ.get("SAMKLANG_CALENDARS") or "../shared/calendars")
WEEKLY = "DTSTART;TZID=Europe/Stockholm:20260316T090000\nDTEND;TZID=Europe/Stockholm:20260316T100000\n"
CUSTOM_ZONE = """BEGIN:VTIMEZONE
TZID:Our Own Zone
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
"""


def calendar(*events: str, zones: str = "") -> str:
    body = "".join(f"BEGIN:VEVENT\n{e.strip()}\nEND:VEVENT\n" for e in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{zones}{body}END:VCALENDAR\n".replace("\n", "\r\n")


def load(*events: str, zones: str = "") -> tuple[list[Item], list[str]]:
    items, rejected = ics.load(calendar(*events, zones=zones), "graph", zone="Europe/Stockholm")
    return items, [r.reason for r in rejected]


def one(event: str, zones: str = "") -> Item:
    items, reasons = load(f"UID:1\n{event}", zones=zones)
    assert (len(items), reasons) == (1, [])
    return items[0]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("tzid", "windows"),
    [
        ("Europe/Stockholm", "W. Europe Standard Time"),
        ("europe/stockholm", "W. Europe Standard Time"),
        ("FLE Standard Time", "FLE Standard Time"),
        ("/vendor.example/20240101/Europe/Helsinki", "FLE Standard Time"),
        ("Our Own Zone", "W. Europe Standard Time"),
    ],
)
def test_a_zone_is_understood_by_iana_name_windows_name_or_its_definition(tzid: str, windows: str) -> None:
    item = one(f"DTSTART;TZID={tzid}:20260716T090000\nDURATION:PT90M", zones=CUSTOM_ZONE)
    hour = 6 if windows.startswith("FLE") else 7
    assert (item.start, item.end, item.start_zone) == (
        at(f"2026-07-16T0{hour}:00"),
        at(f"2026-07-16T0{hour + 1}:30"),
        windows,
    )


def test_floating_and_whole_day_times_are_the_mailbox_zones() -> None:
    assert one("DTSTART:20260116T090000\nDTEND:20260116T100000").start == at("2026-01-16T08:00")
    day = one("DTSTART;VALUE=DATE:20260329")
    assert (day.start, day.end, day.all_day) == (at("2026-03-28T23:00"), at("2026-03-29T22:00"), True)


def test_privacy_availability_texts_and_reminders_are_read() -> None:
    item = one(
        "DTSTART:20260116T090000Z\nSUMMARY:Titel\nDESCRIPTION:Rad 1\\nRad 2\nLOCATION:Rum\nCLASS:PRIVATE\n"
        "TRANSP:TRANSPARENT\nCATEGORIES:Ett,Två\nPRIORITY:1\n"
        "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT10M\nDESCRIPTION:x\nEND:VALARM"
    )
    assert (item.subject, item.location, item.sensitivity, item.show_as) == ("Titel", "Rum", "private", "free")
    assert bodies.to_text(item.body.content) == "Rad 1\r\nRad 2"
    assert (item.categories, item.importance, item.reminder.minutes) == (["Ett", "Två"], "high", 10)
    assert item.end == item.start


@pytest.mark.parametrize(
    ("until", "last"),
    [("20260330", "2026-03-30"), ("20260330T070000Z", "2026-03-30"), ("20260330T065959Z", "2026-03-29")],
)
def test_the_end_of_a_rule_becomes_the_last_date_that_may_have_an_occurrence(until: str, last: str) -> None:
    item = one(f"{WEEKLY}RRULE:FREQ=WEEKLY;UNTIL={until}")
    assert item.recurrence is not None
    assert item.recurrence["range"]["endDate"] == last


def test_exceptions_and_excluded_dates_belong_to_their_series() -> None:
    items, reasons = load(
        f"UID:1\n{WEEKLY}SUMMARY:A\nRRULE:FREQ=WEEKLY;COUNT=6\nEXDATE;TZID=Europe/Stockholm:20260323T090000\n"
        "EXDATE;TZID=Europe/Stockholm:20260330T113000",
        "UID:1\nRECURRENCE-ID;TZID=Europe/Stockholm:20260330T090000\nSUMMARY:B\n"
        "DTSTART;TZID=Europe/Stockholm:20260401T130000\nDTEND;TZID=Europe/Stockholm:20260401T140000",
        "UID:1\nRECURRENCE-ID:20260406T070000Z\nSTATUS:CANCELLED\n" + WEEKLY,
        "UID:1\nRECURRENCE-ID;TZID=Europe/Stockholm:20260413T090000\nSUMMARY:C\n"
        "DTSTART;TZID=Europe/Stockholm:20260421T090000\nDTEND;TZID=Europe/Stockholm:20260421T100000",
        "UID:1\nRECURRENCE-ID;TZID=Europe/Stockholm:20260414T090000\nSUMMARY:D\n" + WEEKLY,
    )
    (item,) = items
    assert item.cancelled == [date(2026, 3, 23), date(2026, 4, 6)]
    assert set(item.exceptions) == {date(2026, 3, 30)}
    fields = item.exceptions[date(2026, 3, 30)].fields
    assert (fields.subject, fields.location, fields.start) == ("B", None, at("2026-04-01T11:00"))
    assert [o.start.date().isoformat() for o in recurrence.occurrences(item, at("2026-01-01"), at("2027-01-01"))] == [
        "2026-03-16",
        "2026-04-01",
        "2026-04-13",
        "2026-04-20",
    ]
    assert sorted(reasons) == [
        "ErrorOccurrenceCrossingBoundary: The occurrence would be on or past the day of its neighbour.",
        "its RECURRENCE-ID is no date of the series",
    ]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=HOURLY", "HOURLY"),
        ("FREQ=YEARLY;INTERVAL=3", "yearly INTERVAL"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15", "several BYMONTHDAY"),
        ("FREQ=YEARLY;BYMONTH=6;BYDAY=MO;BYMONTHDAY=15,16,17,18,19", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYDAY=MO,TU", "without one position"),
        ("FREQ=MONTHLY;BYDAY=5MO", "position 5"),
        ("FREQ=MONTHLY;BYMONTHDAY=-2", "from the end"),
        ("FREQ=WEEKLY;BYMONTH=3", "BYMONTH"),
        ("FREQ=DAILY;BYHOUR=9,12", "BYHOUR"),
        ("FREQ=DAILY;COUNT=1000", "999"),
        ("FREQ=WEEKLY;BYDAY=FR", "no date of the rule"),
        ("FREQ=WEEKLY;UNTIL=20260101", "ends before it starts"),
    ],
)
def test_a_rule_exchange_cannot_hold_is_rejected_with_the_reason(rule: str, words: str) -> None:
    items, reasons = load(f"UID:1\n{WEEKLY}RRULE:{rule}")
    assert items == []
    assert words in reasons[0]


def test_day_31_is_rejected_where_its_meaning_differs_and_kept_where_it_does_not() -> None:
    start = "UID:1\nDTSTART;VALUE=DATE:20260131\nRRULE:"
    assert "skips them" in load(start + "FREQ=MONTHLY")[1][0]
    for rule in ("FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=YEARLY", "FREQ=MONTHLY;INTERVAL=2;COUNT=4"):
        items, reasons = load(start + rule)
        assert (len(items), reasons) == (1, []), rule


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("SUMMARY:no start", "no start"),
        ("DTSTART:20260316T090000Z\nDTEND:20260316T080000Z", "ends before"),
        ("DTSTART;TZID=Nowhere/At All:20260316T090000", "Nowhere/At All"),
        ("DTSTART:20260316T090000Z\nSTATUS:CANCELLED", "cancelled"),
        ("DTSTART:20260316T250000Z", "DTSTART cannot be read"),
        ("DTSTART:20260316T090000Z\nRDATE:20260317T090000Z", "one rule"),
        ("DTSTART:20260316T090000Z\nDTEND:20360316T090000Z", "5 years"),
        ("DTSTART:20260316T090000Z\nSUMMARY:" + "x" * 256, "255"),
    ],
)
def test_an_entry_exchange_cannot_hold_is_rejected_with_the_reason(event: str, words: str) -> None:
    items, reasons = load(f"UID:1\n{event}")
    assert items == []
    assert words in reasons[0]


def test_of_two_versions_of_one_uid_the_later_is_kept() -> None:
    items, reasons = load(
        "UID:1\nSEQUENCE:2\nSUMMARY:new\nDTSTART:20260316T090000Z",
        "UID:1\nSEQUENCE:1\nSUMMARY:old\nDTSTART:20260316T090000Z",
    )
    assert [i.subject for i in items] == ["new"]
    assert reasons == ["a later version of the same UID follows"]


def test_an_invitation_to_one_date_stands_alone_without_its_series() -> None:
    item = one("RECURRENCE-ID:20260316T090000Z\nDTSTART:20260316T100000Z")
    assert (item.recurrence, item.start) == (None, at("2026-03-16T10:00"))


def test_a_meeting_is_the_organizers_or_an_invitation() -> None:
    text = (
        "DTSTART:20260316T090000Z\nORGANIZER:mailto:Anna@Example.com\nATTENDEE;PARTSTAT=ACCEPTED:mailto:bo@example.com"
    )
    anna = ics.adopt(one(text), Mailbox(id=7, address="anna@example.com"))
    bo = ics.adopt(one(text), Mailbox(id=8, address="b@example.com", aliases=["bo@example.com"]))
    assert (anna.mailbox, anna.appointment_state, anna.my_response) == (7, 1, "organizer")
    assert (bo.appointment_state, bo.my_response, bo.organizer.address) == (3, "accepted", "Anna@Example.com")


@pytest.mark.parametrize("file", sorted(CALENDARS.glob("*.ics")) or [None], ids=lambda f: f.stem if f else "none")
def test_every_entry_of_real_calendars_is_stored_or_rejected(file: Path | None) -> None:
    if file is None:
        pytest.skip(f"no real calendars in {CALENDARS} (set SAMKLANG_CALENDARS)")
    text = file.read_bytes()
    items, rejected = ics.load(text, "ews", zone="Europe/Stockholm")
    kept = len(items) + sum(len(item.exceptions) for item in items)
    assert kept + len(rejected) == text.count(b"BEGIN:VEVENT")
    for item in items:
        if item.recurrence:
            assert recurrence.series_of(item).first() is not None
