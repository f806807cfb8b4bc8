"""The bytes of a recurrence, as far as we read them (MS-OXOCAL 2.2.1.44.1)."""

from __future__ import annotations

from base64 import b64encode
from datetime import date
from struct import pack

import pytest

from samklang.connectors.graph.recur_blob import cancelled_days, is_plain

#: Every Monday, never-ending, up to the count of deleted instances.
WEEKLY = bytes.fromhex("04300430 0b20 0100 0000 c0210000 01000000 00000000 02000000 23200000 0a000000 00000000")
DAILY = bytes.fromhex("04300430 0a20 0000 0000 00000000 a0050000 00000000 22200000 0c000000 00000000")
MONTHLY_NTH = bytes.fromhex(
    "04300430 0c20 0300 0000 00000000 01000000 00000000 7f000000 05000000 23200000 0a000000 00000000"
)


#: 9 and 16 March 2026, in minutes since 1601.
WEEK_2, WEEK_3 = 0x0D543E60, 0x0D5465C0


def encoded(start: bytes, *deleted: int, changed: int = 0) -> str:
    dates = pack(f"<I{len(deleted)}I", len(deleted), *deleted) + pack("<I", changed)
    return b64encode(start + dates + bytes(8 + 4 * changed)).decode()


@pytest.mark.parametrize("start", [WEEKLY, DAILY, MONTHLY_NTH], ids=["weekly", "daily", "monthly"])
def test_a_series_is_plain_when_no_date_is_deleted(start: bytes) -> None:
    assert is_plain(encoded(start))
    assert not is_plain(encoded(start, 0x0CB12340))


@pytest.mark.parametrize(
    "value", [None, "", "no base64!", "AAAA", encoded(b"\x05" + WEEKLY[1:]), b64encode(WEEKLY).decode()]
)
def test_bytes_that_are_not_understood_are_not_taken_for_a_plain_series(value: str | None) -> None:
    assert not is_plain(value)


def test_a_pattern_type_that_is_not_known_is_not_plain() -> None:
    hijri = WEEKLY[:6] + b"\x0a\x00" + WEEKLY[8:]
    assert not is_plain(encoded(hijri))


def test_dates_that_are_not_changed_ones_are_cancelled() -> None:
    both = encoded(WEEKLY, WEEK_2, WEEK_3, changed=1)
    assert cancelled_days(both, {date(2026, 3, 9)}) == {date(2026, 3, 16)}
    assert cancelled_days(encoded(WEEKLY), set()) == frozenset()


@pytest.mark.parametrize("changed", [set(), {date(2026, 3, 23)}, {date(2026, 3, 9), date(2026, 3, 16)}])
def test_a_date_is_not_taken_for_cancelled_where_the_changed_ones_do_not_add_up(changed: set[date]) -> None:
    """Somebody moved one between two reads, or the server left one out."""
    assert cancelled_days(encoded(WEEKLY, WEEK_2, WEEK_3, changed=1), changed) is None
    assert cancelled_days("no base64!", changed) is None
