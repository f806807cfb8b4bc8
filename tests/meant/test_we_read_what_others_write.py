"""What clients nobody here wrote write to each server, read by ours: every field is what was meant."""

from __future__ import annotations

from typing import Any

import pytest

from samklang.engine import canonical, times
from samklang.engine.model import AllDay, Entry, SeenEvent
from samklang.sync.ports import Calendar
from tests.meant.conftest import SERVERS, Server, our_calendar, readers
from tests.meant.ours import entry_of, for_others, held_by
from tests.meant.table import Meant
from tests.sandbox_client import Sandbox

pytestmark = pytest.mark.oracle

#: Only our client has words for it.
UNSPEAKABLE = {"a zone Windows has no name for"}


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS.keys())
def test_everything_others_write_is_read_as_it_was_meant(place: Sandbox, server: Server) -> None:
    meant = {name: each for name, each in held_by(server.kind).items() if name not in UNSPEAKABLE}
    with our_calendar(place, server) as port:
        for writer in readers(place, server):
            ids = writer.does(*({"do": "write_plain", "meant": for_others(each)} for each in meant.values()))
            assert [id for id in ids if not isinstance(id, str)] == [], writer.name
            seen, token = everything(port)
            for (name, each), id in zip(meant.items(), ids, strict=True):
                assert told(seen[id].entry) == told(entry_of(each), each), (writer.name, name)
                assert seen[id].key is None
            see_changes(writer, port, token, ids)
            writer.does(*({"do": "delete", "id": id} for id in ids[1:]))
    assert place.validation()["failures"] == []


def see_changes(writer: Any, port: Calendar, token: str, ids: list[str]) -> None:
    """The writer changes one entry and deletes another: ours is told of these two."""
    change = {"event": {"subject": "Changed"}} if writer.client == "msgraph_sdk" else {"fields": {"subject": "Changed"}}
    writer.does({"do": "update", "id": ids[0], **change}, {"do": "delete", "id": ids[1]})
    pages = list(port.read(token))
    assert {event.id: event.entry.title for page in pages for event in page.events} == {ids[0]: "Changed"}
    assert [id for page in pages for id in page.removed] == [ids[1]]


def everything(port: Calendar) -> tuple[dict[str, SeenEvent], str]:
    pages = list(port.read(None))
    assert [each for page in pages for each in page.unreadable] == []
    assert pages[-1].token is not None
    return {event.id: event for page in pages for event in page.events}, pages[-1].token


def told(entry: Entry, meant: Meant | None = None) -> dict[str, Any]:
    """All that is compared: what the engine compares, and the zones, what it shows as and the people."""
    when = entry.when
    zones = () if isinstance(when, AllDay) else (when.zone, when.end_zone or when.zone)
    if meant and zones:
        zones = (meant.windows, meant.end_windows or meant.windows)
    people = {(one.address, one.optional, one.resource) for one in entry.people if not one.is_organizer}
    return dict(canonical.fields(entry)) | {
        "zones": [times.canonical_zone(zone) for zone in zones],
        "shows": entry.availability,
        "invited": people,
    }
