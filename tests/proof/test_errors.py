"""What an administrator and a user are told when the access fails: a name, at most one log-on, and nothing lost.

Each error is shown by `connection test --json` and by `sync run --json` and `sync status --json`; once it is mended the
sync goes on by itself (rule 10.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from samklang import wiring
from samklang.mailboxes import doors
from tests.installation import ACCOUNT, ACCOUNT_PASSWORD, SECRET, Installation, User
from tests.sandbox_client import Sandbox

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
ADDRESS = "alice@example.org"
HOUR = {"start": "2026-03-09T09:00:00", "end": "2026-03-09T10:00:00"}


@dataclass(frozen=True)
class Trouble:
    """What goes wrong, what it is called, and how it is mended."""

    protocol: str
    code: str
    happens: Callable[[Installation], object]
    mended: Callable[[Installation], object]
    #: The whole connection, or this user's mailbox alone.
    pauses: bool = True


def _url(installation: Installation, url: str) -> None:
    installation.done("connection", "set", "--url", url)


TROUBLES = {
    "wrong password": Trouble(
        "ews",
        "sign_in_refused",
        lambda i: i.sandbox.account(ACCOUNT, "changed by somebody"),
        lambda i: i.sandbox.account(ACCOUNT, ACCOUNT_PASSWORD),
    ),
    "unknown host": Trouble(
        "ews",
        "unknown_host",
        lambda i: _url(i, "https://nobody.invalid/EWS/Exchange.asmx"),
        lambda i: _url(i, i.sandbox.ews),
        pauses=False,
    ),
    "bad certificate": Trouble(
        "ews",
        "bad_certificate",
        lambda i: i.forget_authority(),
        lambda i: i.settings(SAMKLANG_CA_FILE=i.sandbox.ca_file),
        pauses=False,
    ),
    "impersonation denied": Trouble(
        "ews",
        "impersonation_denied",
        lambda i: i.sandbox.account(ACCOUNT, ACCOUNT_PASSWORD, ["somebody.else@example.org"]),
        lambda i: i.sandbox.account(ACCOUNT, ACCOUNT_PASSWORD),
        pauses=False,
    ),
    "expired secret": Trouble(
        "graph",
        "secret_expired",
        lambda i: i.microsoft_knows_us(secret_expired=True),
        lambda i: i.microsoft_knows_us(),
    ),
    "wrong secret": Trouble(
        "graph",
        "wrong_secret",
        lambda i: i.microsoft_knows_us(secret="another"),
        lambda i: i.microsoft_knows_us(secret=SECRET),
    ),
    "withdrawn consent": Trouble(
        "graph",
        "app_not_found",
        lambda i: i.microsoft_knows_us(consented=False),
        lambda i: i.microsoft_knows_us(),
    ),
}
#: In every run.
QUICK = ("wrong password", "impersonation denied", "expired secret", "withdrawn consent")


@pytest.fixture
def installation(request: pytest.FixtureRequest, sandbox: Sandbox, db: None) -> Iterator[Installation]:
    made = Installation(sandbox, request.param, NOW)
    yield made
    made.close()


def _at_work(installation: Installation) -> User:
    """Alice syncs, with an entry from each side."""
    installation.mailbox(ADDRESS)
    alice = installation.add_user(ADDRESS, "Alice", "Nordhavn", "--admin")
    installation.connect("Nordhavn")
    installation.sandbox.person_creates(ADDRESS, subject="Tea", **HOUR)
    alice.switches_on()
    assert alice.runs()["error"] is None
    return alice


@pytest.mark.parametrize(
    ("installation", "trouble"),
    [
        pytest.param(one.protocol, one, id=name, marks=() if name in QUICK else pytest.mark.full)
        for name, one in TROUBLES.items()
    ],
    indirect=["installation"],
)
def test_a_refused_access_is_named_tried_once_and_goes_on_when_mended(
    installation: Installation, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, sandbox = _at_work(installation), installation.sandbox
    trouble.happens(installation)
    installation.forget_tokens()
    sandbox.person_creates(ADDRESS, subject="Coffee", **HOUR)

    sandbox.zero_counts()
    tested = installation.command("connection", "test", "--json")
    assert tested.status in (1, 3) and not tested.json["passed"]
    failed = next(step for step in tested.json["steps"] if not step["ok"])
    assert failed["code"] == trouble.code and failed["cause"] and failed["remedy"]
    assert _log_ons(sandbox) <= 1

    sandbox.zero_counts()
    for _ in range(3):
        installation.later(minutes=10)
        assert alice.runs()["error"] == trouble.code
    assert alice.status()["error"] == trouble.code
    if trouble.pauses:
        assert _log_ons(sandbox) <= 1, "one refusal pauses, lest the account be locked"
        assert installation.done("connection", "show", "--json").json["paused"] == trouble.code
    names = [one["name"] for one in alice.pages("/rest-api/v1/activities", recurrenceType="None")]
    assert names == ["Tea"] and len(sandbox.entries(ADDRESS)) == 2, "nothing is deleted"

    trouble.mended(installation)
    sandbox.clear_faults()
    # An hour passes: waiting goes by real time, which a test clock must not stop.
    in_an_hour = datetime.now(UTC) + timedelta(minutes=61)
    for module in (wiring, doors):
        monkeypatch.setattr(module, "real_now", lambda: in_an_hour)
    assert alice.runs()["error"] is None
    assert alice.status()["error"] is None
    assert len(alice.pages("/rest-api/v1/activities", recurrenceType="None")) == 2
    assert sandbox.mails() == []


@pytest.mark.parametrize("installation", ["ews", "graph"], indirect=True)
def test_a_user_without_mailbox_is_told_so_and_nobody_else_is_disturbed(installation: Installation) -> None:
    alice = _at_work(installation)
    bob = installation.add_user("bob@example.org", "Bob", "Nordhavn")
    bob.switches_on()
    assert bob.runs()["error"] == "mailbox_not_found"
    assert bob.status()["error"] == "mailbox_not_found"
    tested = installation.command("connection", "test", "--address", "bob@example.org", "--json")
    assert [step["code"] for step in tested.json["steps"] if not step["ok"]] == ["mailbox_not_found"]
    assert alice.runs()["error"] is None
    installation.mailbox("bob@example.org")
    installation.later(minutes=61)
    assert bob.runs()["error"] is None


@pytest.mark.parametrize("installation", ["ews"], indirect=True)
def test_a_saved_password_is_tried_once_however_many_mailboxes_wait_for_it(installation: Installation) -> None:
    alice, sandbox = _at_work(installation), installation.sandbox
    installation.mailbox("bob@example.org")
    bob = installation.add_user("bob@example.org", "Bob", "Nordhavn")
    bob.switches_on()
    sandbox.account(ACCOUNT, "changed by somebody")
    assert alice.runs()["error"] == "sign_in_refused"

    sandbox.zero_counts()
    installation.with_secret("wrong again", "connection", "set")
    shown = installation.done("connection", "show", "--json").json
    assert shown["paused"] == "sign_in_refused", "the others wait for what comes of the first"
    assert [person.runs()["error"] for person in (alice, bob, alice)] == ["sign_in_refused"] * 3
    assert _log_ons(sandbox) == 1, "the account would be locked"

    sandbox.zero_counts()
    installation.with_secret("changed by somebody", "connection", "set")
    assert [person.runs()["error"] for person in (bob, alice)] == [None, None]
    assert _log_ons(sandbox) == 0


def _log_ons(sandbox: Sandbox) -> int:
    """Log-ons to Exchange, and Microsoft's tokens, that were asked for and refused."""
    everybody = sandbox.counts().values()
    return sum(one["logons_refused"] for one in everybody) + sum(one["token_requests"] for one in everybody)
