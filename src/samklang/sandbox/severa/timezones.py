"""The time zones Severa lists: the IANA names, each with the Windows zone it belongs to."""

from __future__ import annotations

import uuid
from typing import Any

from samklang.sandbox import zones


def timezone(name: str) -> dict[str, Any]:
    """`TimezoneModel` of an IANA name."""
    windows = zones.windows_id(name)
    return {
        "guid": str(uuid.uuid5(uuid.NAMESPACE_DNS, name)),
        "name": f"{windows}, {name}",
        "systemName": windows,
        "ianaName": name,
    }


def every() -> list[dict[str, Any]]:
    return [timezone(name) for name in zones.iana_names()]
