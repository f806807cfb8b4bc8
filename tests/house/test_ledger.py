"""What a test run holds to the official schemas is counted over all its sandboxes, and what does not fit fails it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests import ledger
from tests.installation import APP, SECRET, TENANT
from tests.sandbox_client import Sandbox

ALICE, USER, PASSWORD = "alice@example.com", "CONTOSO\\sync", "correct horse"
SHAPE = "<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
FINE = SHAPE + '<m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds>'
NOT_FINE = SHAPE


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that writes apart from the run's own."""
    folder = tmp_path_factory.mktemp("counted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ledger.SETTING, str(folder / "ledger"))
        with Sandbox(folder) as sandbox:
            yield sandbox


@pytest.fixture
def started(process: Sandbox) -> Sandbox:
    process.reset()
    process.mailbox(ALICE)
    process.account(USER, PASSWORD)
    return process


@pytest.fixture
def file(started: Sandbox) -> Path:
    """The ledger, empty."""
    (started.folder / "ledger").write_text("")
    return started.folder / "ledger"


def ews(sandbox: Sandbox, folder: str, *, client: str = ledger.OURS, version: str = "Exchange2013_SP1") -> int:
    types, messages = (f"http://schemas.microsoft.com/exchange/services/2006/{name}" for name in ("types", "messages"))
    soap = "http://schemas.xmlsoap.org/soap/envelope/"
    envelope = (
        f'<s:Envelope xmlns:s="{soap}" xmlns:t="{types}"><s:Header><t:RequestServerVersion Version="{version}"/>'
        f"<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>{ALICE}</t:PrimarySmtpAddress>"
        "</t:ConnectingSID></t:ExchangeImpersonation></s:Header><s:Body>"
        f'<m:GetFolder xmlns:m="{messages}">{folder}</m:GetFolder></s:Body></s:Envelope>'
    )
    headers = {"User-Agent": client, "Content-Type": "text/xml; charset=utf-8"}
    return asked(sandbox, "POST", sandbox.ews, data=envelope, headers=headers, auth=(USER, PASSWORD)).status_code


def asked(sandbox: Sandbox, method: str, url: str, **more: object) -> requests.Response:
    with requests.Session() as session:
        session.trust_env, session.verify = False, sandbox.ca_file
        return session.request(method, url, **more)  # type: ignore[arg-type]


@pytest.fixture
def graph(started: Sandbox) -> Callable[..., int]:
    """Asks Microsoft Graph; by a program of another name than ours if one is given."""
    app = {"client_id": APP, "secret": SECRET, "consented": True, "roles": ["Calendars.ReadWrite", "User.Read.All"]}
    started.tenant(TENANT, domains=["example.com"], apps=[app])
    form = {"client_id": APP, "client_secret": SECRET, "grant_type": "client_credentials"}
    form["scope"] = "https://graph.microsoft.com/.default"
    token = asked(started, "POST", f"{started.login}/{TENANT}/oauth2/v2.0/token", data=form).json()["access_token"]

    def ask(method: str, path: str, *, client: str = ledger.OURS, **more: object) -> int:
        headers = {"Authorization": f"Bearer {token}", "User-Agent": client}
        return asked(started, method, f"{started.graph}/{path}", headers=headers, **more).status_code

    return ask


def counted(file: Path) -> Counter[ledger.Line]:
    found = ledger.read([file])
    if not found:
        pytest.skip("the official schemas are not here: set SAMKLANG_SCHEMAS to the folder that has them")
    return found


def wrong(file: Path) -> list[str]:
    return [line for line in ledger.report(counted(file)) if line.startswith("INVALID")]


def test_what_is_valid_is_counted_by_the_version_it_claims_over_resets_and_kills(started: Sandbox, file: Path) -> None:
    assert ews(started, FINE) == 200
    started.stop(kill=True)
    started.start()
    assert ews(started, FINE, version="Exchange2010_SP2") == 200
    started.reset()
    found = counted(file)
    assert {(line.version, line.way, line.violation): times for line, times in found.items()} == {
        ("Exchange2013_SP1", "request", ""): 1,
        ("Exchange2013_SP1", "answer", ""): 1,
        ("Exchange2010_SP2", "request", ""): 1,
        ("Exchange2010_SP2", "answer", ""): 1,
    }
    assert ledger.main([str(file)]) == 0


def test_an_invalid_request_of_our_client_fails_the_run_and_one_of_anybody_else_does_not(
    started: Sandbox, file: Path
) -> None:
    assert ews(started, NOT_FINE, client="exchangelib/5.6.0 (python)") == 500
    assert ledger.is_clean(counted(file))
    assert ews(started, NOT_FINE) == 500
    assert len(wrong(file)) == 1
    assert ledger.main([str(file)]) == 1


def test_a_request_is_held_to_the_version_it_claims_though_the_server_does_not_take_it(
    started: Sandbox, file: Path
) -> None:
    started.server("2010")
    assert ews(started, FINE) == 500
    assert wrong(file) == []
    assert ews(started, NOT_FINE) == 500
    assert len(wrong(file)) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"users/{ALICE}/calendarView/delta?startDateTime=2026-01-01T00:00:00Z", None),
        ("GET", f"users/{ALICE}/events?$top=0", None),
        ("GET", f"users/{ALICE}/events?$subject=x", None),
        ("GET", f"users/{ALICE}/messages", None),
        ("POST", f"users/{ALICE}/events", {"subjekt": "x"}),
        # What the service forgives, our client has no need of.
        ("POST", f"users/{ALICE}/calendars", {"Name": "x"}),
    ],
)
def test_paths_options_and_bodies_of_graph_are_held_to_the_subset(
    graph: Callable[..., int], file: Path, method: str, path: str, body: object
) -> None:
    graph(method, path, client="python", json=body)
    assert ledger.is_clean(counted(file))
    graph(method, path, json=body)
    assert len(wrong(file)) == 1


def test_graph_is_counted_where_all_is_well(graph: Callable[..., int], file: Path) -> None:
    assert graph("GET", f"users/{ALICE}/events?$top=5&$select=subject") == 200
    assert graph("GET", "organization?$select=displayName") == 200
    found = counted(file)
    assert sum(times for line, times in found.items() if line.client == ledger.OURS) == 2
    assert ledger.is_clean(found)


def test_an_answer_of_the_sandbox_against_its_schema_fails_the_run() -> None:
    answer = ledger.Line("ews", "Exchange2016", "answer", "GetItem", "", "no such element")
    assert not ledger.is_clean(Counter({answer: 3}))
    (said,) = (line for line in ledger.report(Counter({answer: 3})) if line.startswith("INVALID"))
    assert said == "INVALID 3 x ews Exchange2016 answer GetItem: no such element"


def test_the_processes_of_a_run_are_counted_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "other"):
        (tmp_path / name).write_text("ews\tExchange2016\trequest\tGetItem\tSamklang\t\n" * 2)
    assert ledger.main([str(tmp_path / name) for name in ("one", "other", "none")]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["all", "4", "0", "0", "0"]
