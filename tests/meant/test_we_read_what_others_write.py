"""What clients nobody here wrote write to each server, read by ours: every field is what was meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from samklang.engine import canonical, times
from samklang.engine.model import AllDay, Entry, SeenEvent
from samklang.sync.ports import Calendar
from tests.meant.conftest import Other, Server, on, others, our_calendar
from tests.meant.ours import entry_of, for_others, held_by
from tests.meant.table import Meant
from tests.sandbox_client import Sandbox

pytestmark = pytest.mark.oracle

#: What a client has no words for: exchangelib's times forget which of two equal ones they are, and Microsoft's client
#: tells where weeks start from 2010 SP1 on.
UNSPEAKABLE = {
    ("exchangelib", "the second of two equal wall times"),
    ("ews_javascript_api 2010", "every second week from Monday"),
}


@pytest.mark.parametrize("server", on("se", "graph"))
def test_everything_others_write_is_read_as_it_was_meant(place: Sandbox, server: Server) -> None:
    # What only we call by name, they cannot either.
    meant = {name: each for name, each in held_by(server.kind).items() if name != "a zone Windows has no name for"}
    with our_calendar(place, server) as port:
        for other in others(place, server):
            said = {
                name: each
                for name, each in meant.items()
                if not {(other.client, name), (other.name, name)} & UNSPEAKABLE
            }
            ids = other.does(*({"do": "write_plain", "meant": for_others(each)} for each in said.values()))
            assert [id for id in ids if not isinstance(id, str)] == [], other.name
            seen, token = everything(port)
            assert list(differences(said, [seen[id] for id in ids])) == [], other.name
            see_changes(other, port, token, ids)
            other.does(*({"do": "delete", "id": id} for id in (ids[0], *ids[2:])))
    assert place.validation()["failures"] == []


def differences(said: Mapping[str, Meant], seen: list[SeenEvent]) -> Iterator[tuple[Any, ...]]:
    """(entry, field, meant, read) of whatever we read otherwise than it was meant."""
    for (name, each), event in zip(said.items(), seen, strict=True):
        zones = [] if isinstance(event.entry.when, AllDay) else [each.windows, each.end_windows or each.windows]
        wanted = fields(entry_of(each)) | {"zones": zones, "key": None}
        read = fields(event.entry) | {"key": event.key}
        yield from (
            (name, key, wanted.get(key), read.get(key))
            for key in wanted.keys() | read.keys()
            if wanted.get(key) != read.get(key)
        )


def see_changes(other: Other, port: Calendar, token: str, ids: list[str]) -> None:
    """The other one changes one entry and deletes another: we are told of these two."""
    change = {"event": {"subject": "Changed"}} if other.client == "msgraph_sdk" else {"fields": {"subject": "Changed"}}
    other.does({"do": "update", "id": ids[0], **change}, {"do": "delete", "id": ids[1]})
    pages = list(port.read(token))
    assert {event.id: event.entry.title for page in pages for event in page.events} == {ids[0]: "Changed"}
    assert [id for page in pages for id in page.removed] == [ids[1]]


def everything(port: Calendar) -> tuple[dict[str, SeenEvent], str]:
    pages = list(port.read(None))
    assert [each for page in pages for each in page.unreadable] == []
    assert pages[-1].token is not None
    return {event.id: event for page in pages for event in page.events}, pages[-1].token


def fields(entry: Entry) -> dict[str, Any]:
    """All that is compared: what the engine compares, and the zones, what it shows as and the people."""
    when = entry.when
    zones = [] if isinstance(when, AllDay) else [when.zone, when.end_zone or when.zone]
    return dict(canonical.fields(entry)) | {
        "zones": [times.canonical_zone(zone) for zone in zones],
        "shows": entry.availability,
        "invited": {(one.address, one.optional, one.resource) for one in entry.people if not one.is_organizer},
    }
