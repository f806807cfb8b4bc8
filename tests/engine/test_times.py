"""Zones and instants (rules 3.3, 6.2-6.4)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from samklang.engine import times
from tests.engine.make import STOCKHOLM, all_day, at, utc


@pytest.mark.parametrize(
    ("zone", "windows", "iana"),
    [
        ("Europe/Stockholm", "W. Europe Standard Time", "Europe/Stockholm"),
        ("W. Europe Standard Time", "W. Europe Standard Time", "Europe/Berlin"),
        ("Europe/Kyiv", "FLE Standard Time", "Europe/Kyiv"),
        ("UTC", "UTC", "Etc/UTC"),
        ("Customized Time Zone", None, None),
        ("tzone://Microsoft/Utc", None, None),
        ("Europe", None, None),
        ("../etc/passwd", None, None),
        ("", None, None),
    ],
)
def test_rule_6_3_windows_and_iana_names_are_both_understood(zone: str, windows: str | None, iana: str | None) -> None:
    assert (times.windows_id(zone), times.iana_name(zone)) == (windows, iana)


def test_rule_6_3_one_name_for_equal_zones() -> None:
    assert times.canonical_zone("Europe/Stockholm") == times.canonical_zone("W. Europe Standard Time")
    assert times.canonical_zone("Nowhere/Land") == "Nowhere/Land"
    assert times.zone_info("Nowhere/Land").key == "UTC"


@pytest.mark.parametrize(
    ("wall", "fold", "instant"),
    [
        ("2026-03-29 02:30", 0, "2026-03-29 01:30"),  # missing: 03:30 in summer time
        ("2026-10-25 02:30", 0, "2026-10-25 00:30"),
        ("2026-10-25 02:30", 1, "2026-10-25 01:30"),
        ("1969-12-31 23:00", 0, "1969-12-31 22:00"),
    ],
)
def test_rule_6_4_ambiguous_and_missing_wall_times(wall: str, fold: int, instant: str) -> None:
    naive = datetime.fromisoformat(wall).replace(fold=fold)
    assert times.to_instant(naive, STOCKHOLM) == utc(instant)
    if "10-25" in wall:
        assert times.to_wall(utc(instant), STOCKHOLM).fold == fold


def test_times_at_the_ends_of_the_calendar_are_held_there() -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    assert times.to_wall(last, "Asia/Tokyo").date() == date.max
    assert times.to_wall(first, "America/New_York").date() == date.min
    assert times.to_instant(first.replace(tzinfo=None), "Asia/Tokyo") == first
    assert times.add_days(date.max, 1) == date.max
    assert times.add_days(date.min, -1) == date.min


def test_rule_6_2_whole_days_begin_and_end_at_local_midnight_also_when_clocks_change() -> None:
    sunday = all_day("2026-03-29")
    assert times.start_of(sunday, STOCKHOLM) == utc("2026-03-28 23:00")
    assert times.end_of(sunday, STOCKHOLM) == utc("2026-03-29 22:00")
    assert times.local_day(sunday) == date(2026, 3, 29)
    assert times.local_day(at("2026-03-02 00:30")) == date(2026, 3, 2)


@pytest.mark.parametrize(
    ("end", "left_out"),
    [
        ("2026-01-30 00:00", False),
        ("2026-01-30 10:00", False),
        ("2026-01-29 23:59:59", True),
        ("2026-03-01 00:00", False),
    ],
)
@pytest.mark.parametrize("zone", [STOCKHOLM, "Pacific/Pago_Pago", "Pacific/Kiritimati"])
def test_rule_3_3_exactly_thirty_days_is_in_in_the_users_zone(end: str, left_out: bool, zone: str) -> None:
    instant = times.to_instant(datetime.fromisoformat(end), zone)
    assert times.is_before_cut_off(instant, date(2026, 3, 1), zone) is left_out
