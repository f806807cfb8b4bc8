"""What our client writes to each server, read by clients nobody here wrote: every field is what was meant.

In every run one server of each kind; in the whole matrix all of them, each in every version others speak to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from samklang.engine.model import SeenEvent
from tests.meant.conftest import SERVERS, Reader, Server, our_calendar, readers
from tests.meant.ours import as_meant, as_told, held_by, starts, write
from tests.meant.table import Meant
from tests.sandbox_client import Sandbox

pytestmark = pytest.mark.oracle

#: Where not what it reads is wrong but how: exchangelib takes 24 hours off the end of whole days (EWS facts §1.3).
MISREAD = {("exchangelib", "the spring day of 23 hours"), ("exchangelib", "whole days that had hours")}
Written = dict[str, tuple[Meant, SeenEvent]]


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS.keys())
def test_everything_we_write_is_read_as_it_was_meant(place: Sandbox, server: Server) -> None:
    written = ours(place, server)
    found = [difference for reader in readers(place, server) for difference in differences(reader, server, written)]
    assert found == []
    assert place.validation()["failures"] == []


@pytest.mark.full
@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS.keys())
def test_it_is_read_so_in_every_version(place: Sandbox, server: Server) -> None:
    written = ours(place, server)
    for reader in readers(place, server, every=True):
        assert list(differences(reader, server, written)) == [], reader.name
    assert place.validation()["failures"] == []


def ours(place: Sandbox, server: Server) -> Written:
    """What our client wrote of all that the server can hold."""
    with our_calendar(place, server) as port:
        return {name: (meant, write(port, meant, f"key of {name}")) for name, meant in held_by(server.kind).items()}


def differences(reader: Reader, server: Server, written: Written) -> Iterator[tuple[Any, ...]]:
    """(reader, entry, field, meant, told) of whatever was read otherwise than it was meant."""
    ids = [seen.id for _, seen in written.values()]
    period = {"start": "2026-01-01", "end": "2027-06-01"}
    told, dates = reader.does({"do": "read_plain", "ids": ids}, {"do": "dates_plain", **period})
    assert "error" not in told, (reader.name, told)
    assert "error" not in dates, (reader.name, dates)
    for (name, (meant, seen)), one in zip(written.items(), told, strict=True):
        wanted = as_meant(meant, f"key of {name}", week_start=server.kind != "2007") | {"uid": seen.uid}
        wanted["dates"] = starts(meant.dates or (meant.start,), meant)
        read = as_told(one, meant) | {"uid": one["uid"]}
        read["dates"] = starts(dates.get(seen.id if server.kind == "graph" else seen.uid, []), meant)
        for field in wanted.keys() | read.keys():
            if wanted.get(field) != read.get(field) and not ((reader.client, name) in MISREAD and field == "end"):
                yield reader.name, name, field, wanted.get(field), read.get(field)
