"""All-day entries, zones and clocks that change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from samklang.engine import times
from tests.acceptance.when import Time, at, days, utc, weekly
from tests.acceptance.world import World

_STOCKHOLM = ZoneInfo("Europe/Stockholm")
#: Wall time of a law a case makes.
_LAW_BEGINS = "2026-09-01T00:00:00"
ZONES = ["America/New_York", "Asia/Kathmandu", "Pacific/Auckland"]


def test_case_148_three_whole_days_end_on_the_third(world: World) -> None:
    world.alice.makes("Fair", days(7, 3))
    world.alice.outlook.makes("Leave", days(14, 3))
    assert world.synced().writes == 2
    (fair,) = [one for one in world.alice.outlook.entries if one["subject"] == "Fair"]
    assert (fair["start_date"], fair["end_date"]) == ("2026-03-09", "2026-03-12")


@pytest.mark.parametrize("zone", ["Pacific/Pago_Pago", "UTC", "Europe/Helsinki", "Pacific/Kiritimati"])
def test_case_149_a_whole_day_is_the_same_date_in_every_zone(office: World, zone: str) -> None:
    office.mailbox("dora@example.org", zone=zone)
    dora = office.person("dora@example.org", "Dora", zone=zone)
    dora.makes("Fair", Time("2026-03-29", "2026-03-30", all_day=True))
    office.sandbox.person_creates(
        "dora@example.org", subject="Leave", start="2026-10-25", end="2026-10-26", all_day=True, zone=zone
    )
    office.started(dora)
    assert sorted(one["start_date"] for one in dora.outlook.occurrences) == ["2026-03-29", "2026-10-25"]
    office.later(days=1)
    assert office.synced().writes == 0


@pytest.mark.parametrize("zone", ZONES)
def test_case_151_made_in_another_zone_it_is_the_same_instant_and_keeps_its_zone(world: World, zone: str) -> None:
    world.sandbox.person_creates(
        "alice@example.org", subject="Call", start="2026-03-10T09:00:00", end="2026-03-10T10:00:00", zone=zone
    )
    assert world.synced().writes == 1
    start = datetime.fromisoformat(world.alice.one["startDateTime"])
    assert start.astimezone(ZoneInfo(zone)).hour == 9
    assert world.in_severa or start.hour == 9, "Severa shows its owner's clock"
    kept = world.alice.outlook.one["zone"]
    world.alice.edits(world.alice.one["guid"], name="Longer call")
    world.synced()
    assert world.alice.outlook.one["zone"] == kept


def test_case_157_a_user_who_changes_zone_causes_no_write(world: World) -> None:
    world.alice.makes("Tea", at(3))
    world.alice.makes("Fair", days(8))
    world.alice.outlook.makes("Round", at(7), weekly(count=5))
    world.synced()
    world.sandbox.change_mailbox("alice@example.org", zone="America/New_York")
    assert world.synced("--reconcile").writes == 0


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-10T09:00:00", "2026-03-10T09:00:00"),
        ("2026-03-10T09:00:00", "2026-03-24T09:00:00"),
        ("2026-12-31T22:00:00", "2027-01-01T02:00:00"),
        ("2026-10-25T02:30:00", "2026-10-25T03:30:00"),
        ("2026-03-29T01:30:00", "2026-03-29T03:30:00"),
    ],
    ids=["zero length", "fourteen days", "new year", "clocks back", "clocks forward"],
)
def test_case_160_odd_lengths_and_nights_are_kept_exactly(world: World, start: str, end: str) -> None:
    world.alice.makes("Here", Time(start, end))
    world.alice.outlook.makes("There", Time(start, end))
    assert world.synced().writes == 2


def test_case_160_an_entry_from_before_1970_is_kept_exactly(world: World) -> None:
    world.alice.outlook.makes("There", Time("1962-03-10T09:00:00", "1962-03-10T10:00:00"))
    world.alice.makes("Here", Time("1962-03-11T09:00:00", "1962-03-11T10:00:00"))
    assert world.synced("--reconcile").writes == 2
    walls = [datetime.fromisoformat(one["startDateTime"]).astimezone(_STOCKHOLM) for one in world.alice.activities]
    assert sorted((wall.year, wall.day, wall.hour) for wall in walls) == [(1962, 10, 9), (1962, 11, 9)]
    event = next(one for one in world.alice.outlook.entries if one["subject"] == "There")
    world.alice.edits(next(one["guid"] for one in world.alice.activities if one["name"] == "There"), name="Then")
    assert world.synced().writes == 1
    assert world.alice.outlook.entry(event["id"])["start"] == event["start"]


def test_case_160_a_year_exchange_does_not_know_waits_with_a_reason_and_others_go_on(world: World) -> None:
    world.alice.makes("Far", Time("9998-03-10T09:00:00", "9998-03-10T10:00:00"))
    world.alice.makes("Tea", at(3))
    report = world.synced()
    assert (report.exchange.created, sum(report.set_aside.values())) == (1, 1)
    world.one_sided_by = "10.1: set aside, for Exchange's calendar ends before"


_ZONE = """BEGIN:VTIMEZONE\r
TZID:{name}\r
BEGIN:STANDARD\r
DTSTART:16010101T030000\r
TZOFFSETFROM:+0200\r
TZOFFSETTO:+0100\r
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r
END:STANDARD\r
BEGIN:DAYLIGHT\r
DTSTART:16010101T020000\r
TZOFFSETFROM:+0100\r
TZOFFSETTO:+0200\r
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r
END:DAYLIGHT\r
END:VTIMEZONE\r
"""


@pytest.mark.not_in_severa("it takes in no calendar files; its zones are its users'")
@pytest.mark.parametrize(
    ("name", "defined"),
    [
        ("W. Europe Standard Time", ""),
        ("Europe/Stockholm", ""),
        ("Our Office", _ZONE.format(name="Our Office")),
        ("Our Office", _ZONE.format(name="Our Office") * 2),
        ("Nowhere", ""),
        ("Broken", "BEGIN:VTIMEZONE\r\nTZID:Broken\r\nEND:VTIMEZONE\r\n"),
    ],
    ids=["Windows", "IANA", "custom", "doubled", "missing", "broken"],
)
def test_case_155_any_name_of_a_zone_is_one_wall_clock_on_both_sides(world: World, name: str, defined: str) -> None:
    calendar = (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//test//EN\r\n{defined}BEGIN:VEVENT\r\n"
        f"UID:zone@example.org\r\nDTSTAMP:20260301T000000Z\r\nDTSTART;TZID={name}:20260320T090000\r\n"
        "DURATION:PT1H\r\nRRULE:FREQ=WEEKLY;COUNT=4\r\nSUMMARY:Round\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    with world.a_file(calendar) as path:
        world.done("import", str(path), "--user", world.alice.email)
    assert world.synced().writes == 1
    days_of_march = [f"2026-{day}T09:00" for day in ("03-20", "03-27", "04-03", "04-10")]
    assert world.alice.outlook.starts() == world.alice.starts() == days_of_march


class _NewLaw(tzinfo):
    """Stockholm keeps Helsinki's time from September 2026 on."""

    def _at(self, moment: datetime) -> ZoneInfo:
        return ZoneInfo(
            "Europe/Helsinki" if moment.replace(tzinfo=None).isoformat() >= _LAW_BEGINS else "Europe/Stockholm"
        )

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        return moment and moment.replace(tzinfo=self._at(moment)).utcoffset()

    def dst(self, moment: datetime | None) -> timedelta | None:
        return moment and moment.replace(tzinfo=self._at(moment)).dst()

    def tzname(self, moment: datetime | None) -> str:
        return "law"

    def fromutc(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=UTC).astimezone(self._at(moment)).replace(tzinfo=self)


def test_case_154_a_new_law_of_a_zone_leaves_the_wall_clock_of_a_running_series(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.alice.makes("Round", at(7), weekly())
    world.synced()
    law = _NewLaw()
    real = times.zone_info
    monkeypatch.setattr(times, "zone_info", lambda zone: law if zone == "Europe/Stockholm" else real(zone))
    assert world.synced("--reconcile").writes == 0
    if not world.in_severa:  # which is the sandbox's too
        starts = [datetime.fromisoformat(one["startDateTime"]).astimezone(law) for one in world.alice.occurrences]
        assert {start.hour for start in starts} == {9}
    world.differs_by = "6.1: the sandbox has not heard of the law"


@pytest.mark.not_in_severa("it takes in no calendar files, and an activity has no zone")
def test_case_152_a_flight_starts_in_one_zone_and_ends_in_another(world: World) -> None:
    calendar = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//test//EN\r\nBEGIN:VEVENT\r\nUID:flight@example.org\r\n"
        "DTSTAMP:20260301T000000Z\r\nDTSTART;TZID=Europe/Stockholm:20260310T100000\r\n"
        "DTEND;TZID=America/New_York:20260310T130000\r\nSUMMARY:Flight\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    with world.a_file(calendar) as path:
        world.done("import", str(path), "--user", world.alice.email)
    assert world.synced().writes == 1
    event = world.alice.outlook.one
    assert (event["start"][:16], event["end"][:16]) == ("2026-03-10T09:00", "2026-03-10T17:00")
    # Exchange 2007 keeps one zone (EWS facts §2.5); the instants are the same.
    end_zone = "W. Europe Standard Time" if world.server == "2007_sp1" else "Eastern Standard Time"
    assert (event["zone"], event["end_zone"]) == ("W. Europe Standard Time", end_zone)
    world.alice.outlook.edits(event["id"], subject="Flight home")
    assert world.synced().writes == 1
    assert world.alice.one["endDateTime"] == world.alice.activity(world.alice.one["guid"])["endDateTime"]


def test_case_161_seconds_cause_no_ping_pong(world: World) -> None:
    world.alice.makes("Here", Time("2026-03-10T09:00:30", "2026-03-10T10:00:59"))
    world.alice.outlook.makes("There", Time("2026-03-11T09:00:30", "2026-03-11T10:00:59"))
    assert world.synced().writes == 2


def test_case_190_a_day_later_nothing_is_deleted_and_a_far_entry_is_there(world: World) -> None:
    world.alice.outlook.makes("Far", utc("2028-03-05T09:00:00"))
    world.alice.makes("Near", at(3))
    world.synced()
    world.later(days=1)
    world.synced()  # what lies outside a server's window comes with the day's full comparison (rule 7.7)
    for _ in range(3):
        world.later(days=1)
        assert world.synced().writes == 0
    assert {one["name"] for one in world.alice.activities} == {"Far", "Near"}
