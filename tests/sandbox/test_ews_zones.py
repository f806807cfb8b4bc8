"""A zone's rules as the sandbox tells them, read by our client's reader of rules: the clocks stand alike all year."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tzlocal.windows_tz import win_tz

from samklang.connectors.ews import zones
from samklang.sandbox.ews import zonerules


@pytest.mark.parametrize("year", [2026, *(pytest.param(year, marks=pytest.mark.full) for year in (2027, 2028))])
def test_the_rules_of_every_windows_zone_are_its_clocks(year: int) -> None:
    at = datetime(year, 3, 2, tzinfo=UTC)
    other = [
        windows
        for windows, iana in win_tz.items()
        if zones.by_rules(zonerules.definition("StartTimeZone", windows, at), at, iana) != iana
    ]
    assert other == []
