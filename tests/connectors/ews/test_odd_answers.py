"""Answers no well-behaved server gives, from a server that says what the test tells it to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from samklang.connectors.ews import EwsCalendar
from samklang.engine.model import Timed
from samklang.sync.errors import ProtocolError, TokenRejected, VersionConflict
from tests.contract.calendar import MEETING
from tests.wire.ews.scripted import Script
from tests.wire.ews.test_answers import CUSTOM

NAMES = (
    'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" '
    'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"'
)


Tell = Callable[..., tuple[EwsCalendar, Script]]


@pytest.fixture
def tell(script: Script) -> Tell:
    calendar = script.calendar(home="America/New_York")

    def make(*answers: str | bytes) -> tuple[EwsCalendar, Script]:
        script.says(*answers)
        return calendar, script

    return make


def envelope(operation: str, *messages: str) -> str:
    found = "".join(
        f'<m:{operation}ResponseMessage ResponseClass="{"Error" if "<m:ResponseCode>Error" in each else "Success"}">'
        f"{each}</m:{operation}ResponseMessage>"
        for each in messages
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope {NAMES}><s:Body><m:{operation}Response>'
        f"<m:ResponseMessages>{found}</m:ResponseMessages></m:{operation}Response></s:Body></s:Envelope>"
    )


def listing(*ids: str, last: bool = True, state: str = "S1") -> str:
    changes = "".join(
        f'<t:Create><t:CalendarItem><t:ItemId Id="{id}" ChangeKey="1"/></t:CalendarItem></t:Create>' for id in ids
    )
    return envelope(
        "SyncFolderItems",
        f"<m:ResponseCode>NoError</m:ResponseCode><m:SyncState>{state}</m:SyncState>"
        f"<m:IncludesLastItemInRange>{str(last).lower()}</m:IncludesLastItemInRange><m:Changes>{changes}</m:Changes>",
    )


def item(id: str, subject: str = "x", zone: str = "UTC", more: str = "") -> str:
    return (
        f'<m:ResponseCode>NoError</m:ResponseCode><m:Items><t:CalendarItem><t:ItemId Id="{id}" ChangeKey="1"/>'
        f"<t:Subject>{subject}</t:Subject><t:Start>2026-03-02T08:00:00Z</t:Start><t:End>2026-03-02T09:00:00Z</t:End>"
        f"{more}<t:StartTimeZoneId>{zone}</t:StartTimeZoneId><t:EndTimeZoneId>{zone}</t:EndTimeZoneId>"
        "</t:CalendarItem></m:Items>"
    )


def failed(code: str) -> str:
    return f"<m:ResponseCode>{code}</m:ResponseCode><m:Items/>"


def test_a_reference_to_a_character_xml_does_not_know_is_left_out(tell: Tell) -> None:
    calendar, _ = tell(listing("A"), envelope("GetItem", item("A", "a&#x1F;b&#3;c&#x0;&#10;d")))
    (page,) = calendar.read(None)
    assert page.events[0].entry.title == "abc\nd"


@pytest.mark.parametrize(
    "answer",
    [
        "<?xml version='1.0'?><!DOCTYPE s [<!ENTITY a 'b'>]>" + listing().split("?>", 1)[1],
        listing().replace("</s:Envelope>", ""),
        "<?xml version='1.0'?><other/>",
        f"<?xml version='1.0'?><s:Envelope {NAMES}><s:Body/></s:Envelope>",
    ],
    ids=["document type", "cut", "not soap", "empty body"],
)
def test_what_is_not_soap_is_refused(tell: Tell, answer: str) -> None:
    calendar, _ = tell(answer)
    with pytest.raises(ProtocolError) as caught:
        list(calendar.read(None))
    assert caught.value.code == "malformed_answer"


def test_entities_are_not_expanded(tell: Tell, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    external = f"<!DOCTYPE s [<!ENTITY a SYSTEM '{(tmp_path / 'secret').as_uri()}'>]>"
    calendar, _ = tell("<?xml version='1.0'?>" + external + listing(state="&a;").split("?>", 1)[1])
    with pytest.raises(ProtocolError):
        list(calendar.read(None))


def test_a_listing_that_does_not_move_on_is_refused(tell: Tell) -> None:
    calendar, _ = tell(listing(last=False), listing(last=False))
    with pytest.raises(ProtocolError, match="malformed"):
        list(calendar.read(None))


def test_a_listing_without_a_state_is_a_rejected_token(tell: Tell) -> None:
    calendar, _ = tell(listing(state=""))
    with pytest.raises(TokenRejected):
        list(calendar.read("S0"))


def test_fewer_answers_than_items_are_refused(tell: Tell) -> None:
    calendar, _ = tell(listing("A", "B"), envelope("GetItem", item("A")))
    with pytest.raises(ProtocolError):
        list(calendar.read(None))


def test_an_item_gone_between_listing_and_reading_is_left_to_the_next_read(tell: Tell) -> None:
    calendar, _ = tell(listing("A", "B"), envelope("GetItem", failed("ErrorItemNotFound"), item("B")))
    (page,) = calendar.read(None)
    assert [event.id for event in page.events] == ["B"]
    assert page.unreadable == ()
    assert page.token == "S1"


def test_an_item_without_its_times_is_unreadable_and_the_others_are_read(tell: Tell) -> None:
    odd = item("A").replace("<t:Start>2026-03-02T08:00:00Z</t:Start>", "")
    calendar, _ = tell(listing("A", "B"), envelope("GetItem", odd, item("B")))
    (page,) = calendar.read(None)
    assert [event.id for event in page.events] == ["B"]
    assert [(each.id, each.code) for each in page.unreadable] == [("A", "unreadable")]


def test_a_stopped_batch_is_asked_again_until_one_item_alone_is_to_blame(tell: Tell) -> None:
    stop = failed("ErrorBatchProcessingStopped")
    calendar, script = tell(
        listing("A", "B", "C"),
        envelope("GetItem", item("A"), stop, stop),
        envelope("GetItem", stop),
        envelope("GetItem", item("C")),
    )
    (page,) = calendar.read(None)
    assert [event.id for event in page.events] == ["A", "C"]
    assert [each.id for each in page.unreadable] == ["B"]
    assert len(script.asked) == 4


def test_a_series_whose_exception_cannot_be_read_is_not_shown_in_part(tell: Tell) -> None:
    series = (
        "<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NoEndRecurrence>"
        "<t:StartDate>2026-03-02</t:StartDate></t:NoEndRecurrence></t:Recurrence><t:ModifiedOccurrences><t:Occurrence>"
        '<t:ItemId Id="A1" ChangeKey="1"/><t:Start>2026-03-03T08:00:00Z</t:Start><t:End>2026-03-03T09:00:00Z</t:End>'
        "<t:OriginalStart>2026-03-03T08:00:00Z</t:OriginalStart></t:Occurrence></t:ModifiedOccurrences>"
    )
    calendar, _ = tell(
        listing("A", "B"),
        envelope("GetItem", item("A", more=series), item("B")),
        envelope("GetItem", failed("ErrorItemCorrupt")),
    )
    (page,) = calendar.read(None)
    assert [event.id for event in page.events] == ["B"]
    assert [(each.id, each.detail) for each in page.unreadable] == [("A", "ErrorItemCorrupt")]


def test_the_rules_of_a_zone_without_a_name_are_asked_for_once_per_page(tell: Tell) -> None:
    rules = etree.tostring(CUSTOM[0], with_tail=False).decode()
    answer = (
        f'<m:ResponseCode>NoError</m:ResponseCode><m:Items><t:CalendarItem><t:ItemId Id="A" ChangeKey="1"/>{rules}'
        "</t:CalendarItem></m:Items>"
    )
    calendar, script = tell(
        listing("A", "B"),
        envelope("GetItem", item("A", zone="Customized Time Zone"), item("B")),
        envelope("GetItem", answer),
    )
    (page,) = calendar.read(None)
    when = {event.id: event.entry.when for event in page.events}["A"]
    assert isinstance(when, Timed)
    assert when.zone.startswith(("Europe/", "Africa/"))
    assert len(script.asked) == 3


def test_an_edit_between_our_write_and_the_read_back_is_left_for_the_next_run(tell: Tell) -> None:
    written = (
        '<m:ResponseCode>NoError</m:ResponseCode><m:Items><t:CalendarItem><t:ItemId Id="A" ChangeKey="2"/>'
        "</t:CalendarItem></m:Items>"
    )
    later = item("A", "By hand").replace('ChangeKey="1"', 'ChangeKey="3"')
    calendar, _ = tell(envelope("CreateItem", written), envelope("GetItem", later))
    made = calendar.create(MEETING, "key")
    assert (made.version, made.entry) == ("2", MEETING)


def test_a_conflict_told_for_the_item_is_a_version_conflict(tell: Tell) -> None:
    calendar, _ = tell(
        envelope("CreateItem", item("A")),
        envelope("GetItem", item("A")),
        envelope("UpdateItem", failed("ErrorStaleObject")),
    )
    made = calendar.create(MEETING, "key")
    with pytest.raises(VersionConflict):
        calendar.update(made, MEETING, frozenset({"title"}))
