"""What deviates from a series, from the bytes MAPI keeps it in: all that a listing tells of it, and the second way to
hear of cancelled dates (Graph facts §4.5b; MS-OXOCAL 2.2.1.44.1).

Spares a request for each series without exceptions. Pure.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Collection
from datetime import date, timedelta
from struct import error, unpack_from
from typing import NamedTuple

#: PidLidAppointmentRecur, as an id of an extended property.
RECUR_PROPERTY = "Binary {00062002-0000-0000-c000-000000000046} Id 0x8216"

_VERSION = 0x3004
#: PatternType at offset 6 -> length of what follows the fixed part at offset 22.
_SPECIFIC = {0x0: 0, 0x1: 4, 0x2: 4, 0x3: 8, 0x4: 4}
_ENDS = (0x2021, 0x2022, 0x2023, 0xFFFFFFFF)
#: Dates are minutes since then, on the series' own clock.
_EPOCH = date(1601, 1, 1)


class _Deviating(NamedTuple):
    #: Original dates that are not held as the rule gives them: cancelled ones, and changed ones too.
    days: frozenset[date]
    #: How many of them are changed.
    changed: int


def is_plain(value: str | None) -> bool:
    """True when no occurrence was changed or cancelled; False when one was, or when the bytes are not understood."""
    found = _read(value)
    return found is not None and not found.days


def cancelled_days(value: str | None, changed: Collection[date]) -> frozenset[date] | None:
    """Original dates of cancelled occurrences. `changed`: those of the changed ones, which the bytes do not tell apart.

    None when the bytes are not understood, or know of other changed dates: a date must not be taken for cancelled
    because somebody moved it meanwhile.
    """
    found = _read(value)
    if found is None or len(found.days) - len(left := found.days - set(changed)) != found.changed:
        return None
    return left


def _read(value: str | None) -> _Deviating | None:
    try:
        blob = b64decode(value or "", validate=True)
        reader, writer, _, pattern = unpack_from("<HHHH", blob, 0)
        at = 22 + _SPECIFIC[pattern]
        end_type, _, _, count = unpack_from("<IIII", blob, at)
        *minutes, changed = unpack_from(f"<{count + 1}I", blob, at + 16)
    except (ValueError, error, KeyError):
        return None
    if (reader, writer) != (_VERSION, _VERSION) or end_type not in _ENDS:
        return None
    return _Deviating(frozenset(_EPOCH + timedelta(minutes=each) for each in minutes), changed)
