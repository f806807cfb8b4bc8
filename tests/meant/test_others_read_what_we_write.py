"""What our client writes to each server, read by clients nobody here wrote: every field is what was meant.

In every run one server of each kind; in the whole matrix all of them, each in every version others speak to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from samklang.engine.model import SeenEvent
from tests.meant.conftest import Other, Server, in_every_version, on, others, our_calendar
from tests.meant.ours import as_meant, as_told, held_by, shown_by, starts, write
from tests.meant.table import Meant
from tests.sandbox_client import Sandbox

pytestmark = pytest.mark.oracle

#: Where not what it reads is wrong but how: exchangelib takes 24 hours off the end of whole days (EWS facts §1.3).
MISREAD = {("exchangelib", "the spring day of 23 hours"), ("exchangelib", "whole days that had hours")}
Written = dict[str, tuple[Meant, SeenEvent]]


@pytest.mark.parametrize("server", on("2007_sp1", "2010_sp2", "se", "graph"))
def test_everything_we_write_is_read_as_it_was_meant(place: Sandbox, server: Server) -> None:
    written = ours(place, server)
    found = [difference for other in others(place, server) for difference in differences(other, server, written)]
    assert found == []
    assert place.validation()["failures"] == []


@pytest.mark.parametrize("server", [each for each in on() if each.id != "graph"])
def test_it_is_read_so_in_every_version(place: Sandbox, server: Server) -> None:
    written = ours(place, server)
    for other in in_every_version(place, server):
        assert list(differences(other, server, written)) == [], other.name
    assert place.validation()["failures"] == []


def ours(place: Sandbox, server: Server) -> Written:
    """What our client wrote of all that the server can hold."""
    with our_calendar(place, server) as port:
        return {name: (meant, write(port, meant, f"key of {name}")) for name, meant in held_by(server.kind).items()}


def differences(other: Other, server: Server, written: Written) -> Iterator[tuple[Any, ...]]:
    """(other, entry, field, meant, told) of whatever was read otherwise than it was meant."""
    ids = [seen.id for _, seen in written.values()]
    period = {"start": "2026-01-01", "end": "2027-06-01"}
    told, dates = other.does({"do": "read_plain", "ids": ids}, {"do": "dates_plain", **period})
    assert "error" not in told, (other.name, told)
    assert "error" not in dates, (other.name, dates)
    for (name, (meant, seen)), one in zip(written.items(), told, strict=True):
        shown = shown_by(other.kind, meant)
        wanted = as_meant(shown, f"key of {name}", week_start=other.kind != "2007") | {"uid": seen.uid}
        wanted["dates"] = starts(meant.dates or (meant.start,), meant)
        read = as_told(one, meant) | {"uid": one["uid"]}
        read["dates"] = starts(dates.get(seen.id if server.kind == "graph" else seen.uid, []), meant)
        for field in wanted.keys() | read.keys():
            if wanted.get(field) != read.get(field) and not ((other.client, name) in MISREAD and field == "end"):
                yield other.name, name, field, wanted.get(field), read.get(field)
