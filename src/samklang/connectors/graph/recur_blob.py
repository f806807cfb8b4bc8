"""Whether a series has anything that deviates, from the bytes MAPI keeps it in: the one thing a listing tells of it.

Spares a request for each series without exceptions (Graph facts §4.5b; MS-OXOCAL 2.2.1.44.1). Pure.
"""

from __future__ import annotations

from base64 import b64decode
from struct import error, unpack_from

#: PidLidAppointmentRecur, as an id of an extended property.
RECUR_PROPERTY = "Binary {00062002-0000-0000-c000-000000000046} Id 0x8216"

_VERSION = 0x3004
#: PatternType at offset 6 -> length of what follows the fixed part at offset 22.
_SPECIFIC = {0x0: 0, 0x1: 4, 0x2: 4, 0x3: 8, 0x4: 4}
_ENDS = (0x2021, 0x2022, 0x2023, 0xFFFFFFFF)


def is_plain(value: str | None) -> bool:
    """True when no occurrence was changed or cancelled; False when one was, or when the bytes are not understood."""
    try:
        blob = b64decode(value or "", validate=True)
        reader, writer, _, pattern = unpack_from("<HHHH", blob, 0)
        end_type, _, _, deleted = unpack_from("<IIII", blob, 22 + _SPECIFIC[pattern])
    except (ValueError, error, KeyError):
        return False
    # Changed occurrences are counted among the deleted.
    return (reader, writer) == (_VERSION, _VERSION) and end_type in _ENDS and deleted == 0
