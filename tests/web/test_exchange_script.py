"""The set-up assistant where people meet it: on the settings page, over the API, at the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import samklang
from samklang.cli import main
from samklang.config import config
from samklang.mailboxes import messages, scripts, services
from samklang.mailboxes.script_words import NOTES
from tests.web.house import House, as_person, as_program, send

_EXCHANGE = "/settings/integrations/microsoft-exchange"
_ACCOUNT = r"EXAMPLE\sync"
_APP = "5a3c1a9e-0000-4000-8000-0000000000a1"


def _save(house: House, **values: str) -> None:
    services.save_connection(services.connection_of(house.alice.organization), values, by=house.alice)


def _written(version: str, kind: scripts.Kind, scope: str, **more: Any) -> scripts.Script:
    return scripts.write(version, scripts.Order(_ACCOUNT, _APP, scripts.Scope(kind, scope), **more))


# --- page


@pytest.mark.django_db
@pytest.mark.parametrize("version", ["2007", "2010", "se"])
def test_the_page_writes_the_script_for_the_version_and_account_saved(house: House, version: str) -> None:
    _save(house, version=version, domain="EXAMPLE", username="sync")
    sent = {"kind": "ou", "scope": "example.org/O'Brien's", "mailbox": "alice@example.org"}
    text = unescape(as_person(house.alice).post(f"{_EXCHANGE}/script", sent).content.decode())
    script = _written(version, scripts.Kind.OU, "example.org/O'Brien's", mailbox="alice@example.org")
    for part in (script.grant, script.check, script.undo):
        assert part in text
    assert all(NOTES[note] in text for note in script.notes)


@pytest.mark.django_db
def test_for_office_365_the_page_limits_the_application(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMKLANG_APP_ID", _APP)
    config.cache_clear()
    _save(house, version="office365")
    page = as_person(house.alice)
    assert "everybody" not in page.get(_EXCHANGE).content.decode()
    text = unescape(page.post(f"{_EXCHANGE}/script", {"kind": "group", "scope": "Sales"}).content.decode())
    monkeypatch.undo()
    config.cache_clear()
    assert _written("office365", scripts.Kind.GROUP, "Sales").grant in text
    assert NOTES["tenant_wide"] in text


@pytest.mark.django_db
def test_the_page_says_what_a_script_lacks_beside_its_field(house: House) -> None:
    _save(house, version="2016", domain="", username="sync@example.org")
    page = as_person(house.alice)
    answer = page.post(f"{_EXCHANGE}/script", {"kind": "filter", "scope": "Name -eq 'x"})
    assert answer.status_code == 422
    assert " ".join(messages.explain("filter_quotes")) in unescape(answer.content.decode())
    _save(house, username="")
    answer = page.post(f"{_EXCHANGE}/script", {"kind": "everybody"})
    assert "Save the delegate account's username first" in unescape(answer.content.decode())


# --- API


@pytest.mark.django_db
def test_the_api_gives_the_parts_and_refuses_with_the_field(house: House) -> None:
    _save(house, version="2019", domain="EXAMPLE", username="sync")
    alice = as_program(house.alice)
    given = send(alice, "POST", "/api/connection/script", {"kind": "group", "scope": "Sales"}).json()
    script = _written("2019", scripts.Kind.GROUP, "Sales")
    assert (given["grant"], given["check"], given["undo"]) == (script.grant, script.check, script.undo)
    refused = send(alice, "POST", "/api/connection/script", {"kind": "unit", "scope": "x"})
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (422, "scope_not_here", "kind")


# --- command line


def _printed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["exchange-script", *words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.mark.parametrize(("flag", "part"), [([], "grant"), (["--check"], "check"), (["--undo"], "undo")])
def test_the_command_prints_notes_as_comments_and_one_part(
    capsys: pytest.CaptureFixture[str], flag: list[str], part: str
) -> None:
    status, out, _ = _printed(capsys, "--version", "2007", "--user", _ACCOUNT, "--group", "Sales", *flag)
    script = _written("2007", scripts.Kind.GROUP, "Sales")
    assert status == 0
    assert out.endswith("\n\n" + getattr(script, part))
    assert [line[2:] for line in out.splitlines() if line.startswith("# ")] == [NOTES[n] for n in script.notes]


def test_the_command_gives_all_parts_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--version", "office365", "--app", _APP, "--filter", "Department -eq 'Sales'", "--json")
    given = json.loads(_printed(capsys, *words)[1])
    script = _written("office365", scripts.Kind.FILTER, "Department -eq 'Sales'")
    assert (given["grant"], given["check"], given["undo"]) == (script.grant, script.check, script.undo)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--version", "2016", "--user", "a\nb"], "--user: The value holds a line break"),
        (["--version", "2016", "--user", "a", "--filter", "'"], "--filter: The filter's quotation marks"),
        (["--version", "2016", "--user", "a", "--unit", "u"], "--unit: This Exchange version cannot limit"),
        (["--version", "office365", "--app", "a"], "samklang: This Exchange version cannot limit"),
        (["--version", "2007", "--user", "a", "--full-access"], "--full-access: Full access is written for"),
    ],
)
def test_the_command_names_the_option_it_cannot_use(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    status, out, err = _printed(capsys, *words)
    assert (status, out) == (2, "")
    assert said in err


@pytest.mark.django_db
def test_the_command_takes_what_is_saved_when_nothing_is_named(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samklang.cli.exchange_script.open_database", lambda: None)
    _save(house, version="2013", domain="EXAMPLE", username="sync")
    company = house.alice.organization.name
    assert _printed(capsys, "--org", company)[1].endswith(_written("2013", scripts.Kind.EVERYBODY, "").grant)
    other = _printed(capsys, "--org", company, "--version", "2007")[1]
    assert other.endswith(_written("2007", scripts.Kind.EVERYBODY, "").grant)
    _save(house, domain="EXAMPLE", username="sync@example.org")
    assert "-User 'sync@example.org'" in _printed(capsys, "--org", company)[1]


def test_the_command_works_where_nothing_is_set_up(tmp_path: Path) -> None:
    words = ["exchange-script", "--version", "2010", "--user", _ACCOUNT]
    source = str(Path(samklang.__file__).parents[1])
    nothing = {"PATH": os.environ["PATH"], "PYTHONPATH": source, "SAMKLANG_DATA": str(tmp_path)}
    whole = [sys.executable, "-m", "samklang", *words]
    run = subprocess.run(whole, env=nothing, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.endswith(_written("2010", scripts.Kind.EVERYBODY, "").grant)
    assert list(tmp_path.iterdir()) == []
