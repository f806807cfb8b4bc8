"""Who gets in, to whose mailbox, and in which language he is told that he does not (EWS facts §2.2)."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
import requests
import spnego

from tests.sandbox.oracles import ALICE, PASSWORD, USER
from tests.sandbox.wire import CALENDAR, IDS_ONLY, Wire
from tests.sandbox_client import Sandbox

BOB = "bob@example.com"
FOLDER = "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>{}</m:FolderIds></m:GetFolder>"  # noqa: E501
OF_BOB = f'<t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>{BOB}</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>'  # noqa: E501


@pytest.fixture
def wire(exchange: Sandbox) -> Wire:
    exchange.mailbox(BOB)
    return Wire(exchange)


def codes(wire: Wire, folder: str = CALENDAR, address: str | None = ALICE) -> list[str]:
    return wire.send(FOLDER.format(folder), address=address).codes


# --- acting for a user


@pytest.mark.parametrize(
    ("version", "code"), [("2007_sp1", "ErrorImpersonationDenied"), ("2010_sp2", "ErrorImpersonateUserDenied")]
)
def test_an_account_that_may_act_for_nobody_is_told_so_as_its_server_does(
    exchange: Sandbox, version: str, code: str
) -> None:
    exchange.server(version)
    exchange.account(USER, PASSWORD, [])
    assert codes(Wire(exchange, None)) == [code]


def test_outside_its_scope_an_account_is_refused_that_user_alone(exchange: Sandbox, wire: Wire) -> None:
    exchange.account(USER, PASSWORD, [ALICE])
    assert codes(wire) == ["NoError"]
    assert codes(wire, address=BOB) == ["ErrorImpersonateUserDenied"]


def test_a_mailbox_without_web_services_is_closed_to_who_acts_for_it_and_to_its_own_user(
    exchange: Sandbox, wire: Wire
) -> None:
    exchange.mailbox("carol@example.com", password="carols own")
    exchange.change_mailbox("carol@example.com", ews_enabled=False)
    assert codes(wire, address="carol@example.com") == ["ErrorAccessDenied"]
    wire.session.auth = ("carol@example.com", "carols own")
    assert wire.send(FOLDER.format(CALENDAR), address=None).status == 403


def test_a_wrong_anchor_costs_time_and_nothing_else(wire: Wire) -> None:
    wire.session.headers["X-AnchorMailbox"] = "nobody@example.com"
    assert codes(wire) == ["NoError"]


# --- opening by FullAccess


@pytest.mark.parametrize("version", ["2007_sp1", "2013_sp1"])
def test_full_access_opens_a_mailbox_by_its_address_and_is_no_right_to_act_for_it(
    exchange: Sandbox, version: str
) -> None:
    exchange.server(version)
    exchange.mailbox(BOB)
    made = exchange.person_creates(BOB, subject="Bob's", start="2026-03-02T08:00", end="2026-03-02T09:00")
    exchange.account(USER, PASSWORD, [], full_access=[BOB])
    wire = Wire(exchange, None)
    assert codes(wire, OF_BOB, None) == ["NoError"]
    read = wire.send(
        f"<m:GetItem>{IDS_ONLY}<m:ItemIds><t:ItemId Id='{made['id']}'/></m:ItemIds></m:GetItem>", address=None
    )
    assert [id for id, _ in read.ids] == [made["id"]]
    assert codes(wire, address=BOB)[0].startswith("ErrorImpersonat")


def test_who_acts_for_a_user_opens_what_that_user_may_open(exchange: Sandbox, wire: Wire) -> None:
    exchange.account(USER, PASSWORD, "*", full_access=[BOB])
    assert codes(wire, OF_BOB) == ["ErrorAccessDenied"]


# --- log-on


def test_with_a_password_that_has_expired_one_is_let_in_to_be_refused(exchange: Sandbox, wire: Wire) -> None:
    exchange.account(USER, PASSWORD, "*", password_expired=True)
    assert codes(wire) == ["ErrorPasswordExpired"]


def _raw() -> spnego.ContextProxy:
    return spnego.client(USER, PASSWORD, protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)


def _wrapped() -> spnego.ContextProxy:
    options = spnego.NegotiateOptions.use_negotiate | spnego.NegotiateOptions.use_ntlm
    return spnego.client(USER, PASSWORD, protocol="negotiate", options=options)


@pytest.mark.parametrize("client", [_raw, _wrapped], ids=["as it is", "in SPNEGO"])
def test_negotiate_takes_ntlm(exchange: Sandbox, client: Callable[[], spnego.ContextProxy]) -> None:
    exchange.server(auth=("negotiate",))
    exchange.zero_counts()
    context, token = client(), None
    with requests.Session() as session:
        session.verify, session.trust_env = exchange.ca_file, False
        while not context.complete:
            sent = base64.b64encode(context.step(token) or b"").decode()
            answer = session.get(exchange.ews, headers={"Authorization": f"Negotiate {sent}"}, timeout=10)
            if answer.status_code != 401:
                break
            scheme, _, given = answer.headers["WWW-Authenticate"].partition(" ")
            assert scheme == "Negotiate"
            token = base64.b64decode(given)
        assert answer.status_code == 200
    assert sum(each["logons"] for each in exchange.counts().values()) == 1


# --- in words


@pytest.mark.parametrize("language", ["sv-SE", "de-DE"])
def test_texts_are_in_the_servers_language_and_codes_are_not(exchange: Sandbox, wire: Wire, language: str) -> None:
    exchange.server(language=language)
    missing = wire.get("AAMkAAAA")
    assert missing.codes == ["ErrorItemNotFound"]
    assert missing.text("//m:MessageText") not in (None, "The specified object was not found in the store.")
    fault = wire.send(FOLDER.format(CALENDAR), address="nobody@example.com")
    assert fault.codes == ["ErrorNonExistentMailbox"]
    assert fault.text("//faultstring/@xml:lang") == language
    assert "SMTP" not in (fault.text("//faultstring") or "")
