"""The sandbox's streaming notifications, seen by exchangelib and on the wire."""

from __future__ import annotations

import pytest

from tests.sandbox.oracles import ALICE, exchangelib
from tests.sandbox.wire import CALENDAR, M, S, T, Wire
from tests.sandbox_client import Sandbox

PLAN = {"subject": "Plan", "start": "2026-03-02T09:00", "end": "2026-03-02T10:00"}
SUBSCRIBE = f"""<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds>{CALENDAR}</t:FolderIds><t:EventTypes>
<t:EventType>CreatedEvent</t:EventType><t:EventType>ModifiedEvent</t:EventType><t:EventType>DeletedEvent</t:EventType>
</t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>"""


@pytest.fixture
def quick(exchange: Sandbox) -> Sandbox:
    """A minute of a streaming connection lasts half a second."""
    exchange.server(stream_minute_seconds=0.5)
    return exchange


def listen(*ids: str) -> str:
    listed = "".join(f"<t:SubscriptionId>{id}</t:SubscriptionId>" for id in ids)
    return (
        f"<m:GetStreamingEvents><m:SubscriptionIds>{listed}</m:SubscriptionIds>"
        "<m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>"
    )


def subscribed(wire: Wire) -> str:
    id = wire.send(SUBSCRIBE).text("//m:SubscriptionId")
    assert id
    return id


def said(wire: Wire, body: str) -> str:
    """Everything one connection said until it was closed: envelopes, one after the other."""
    version = f'<t:RequestServerVersion Version="{wire.version}"/>'
    names = f'xmlns:s="{S}" xmlns:t="{T}" xmlns:m="{M}"'
    envelope = f"<s:Envelope {names}><s:Header>{version}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    answer = wire.session.post(wire.sandbox.ews, data=envelope, headers={"Content-Type": "text/xml"}, timeout=60)
    assert answer.headers["Transfer-Encoding"] == "chunked"
    return answer.text


@pytest.mark.oracle
@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_exchangelib_hears_of_an_entry_it_makes(quick: Sandbox, auth: str) -> None:
    (told,) = exchangelib(quick, {"do": "listen", "fields": PLAN}, auth=auth)
    (entry,) = quick.entries(ALICE)
    assert told == [["CreatedEvent", entry["id"]]]
    assert quick.subscriptions() == []


@pytest.mark.oracle
def test_exchangelib_is_told_of_a_subscription_that_is_gone(quick: Sandbox) -> None:
    (refused,) = exchangelib(quick, {"do": "listen_in_vain"})
    assert refused["error"] == "ErrorSubscriptionNotFound"


def test_a_stream_begins_with_a_sign_of_life_and_ends_with_closed(quick: Sandbox) -> None:
    wire = Wire(quick)
    text = said(wire, listen(subscribed(wire)))
    assert text.count("</s:Envelope>") == 2
    assert text.index("<m:ConnectionStatus>OK<") < text.index("<m:ConnectionStatus>Closed<")


def test_what_a_person_does_is_told_once_in_order(quick: Sandbox) -> None:
    wire = Wire(quick)
    id = subscribed(wire)
    made = quick.person_creates(ALICE, **PLAN)
    quick.person_edits(ALICE, made["id"], subject="Plan B")
    quick.person_deletes(ALICE, made["id"])
    text = said(wire, listen(id))
    order = [text.index(f"<t:{kind}Event>") for kind in ("Created", "Modified", "Deleted")]
    assert order == sorted(order)
    assert "Event>" not in said(wire, listen(id))


def test_the_first_answer_names_the_server_to_stay_with(quick: Sandbox) -> None:
    wire = Wire(quick)
    first = wire.send(SUBSCRIBE).http.cookies["X-BackEndOverrideCookie"]
    assert wire.send(SUBSCRIBE).http.cookies["X-BackEndOverrideCookie"] == first


def test_several_subscriptions_share_a_connection_and_a_lost_one_ends_it(quick: Sandbox) -> None:
    wire = Wire(quick)
    ids = [subscribed(wire), subscribed(wire)]
    quick.loses_subscription(ids[0])
    text = said(wire, listen(*ids))
    assert "ErrorSubscriptionNotFound" in text
    assert f"<t:SubscriptionId>{ids[0]}<" in text
    assert f"<t:SubscriptionId>{ids[1]}<" not in text


@pytest.mark.parametrize(
    ("server", "version", "code"),
    [("2007_sp1", "Exchange2007_SP1", "ErrorSchemaValidation"), ("2010", "Exchange2010", "ErrorInvalidRequest")],
    ids=["2007", "2010 without a service pack"],
)
def test_older_servers_know_no_streaming(quick: Sandbox, server: str, version: str, code: str) -> None:
    quick.server(server)
    assert Wire(quick, version).send(SUBSCRIBE).codes == [code]
