"""Microsoft's clouds: one setting, of which the addresses of sign-in and Graph follow together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import get_args

import pytest
from pydantic import ValidationError

from samklang.config import Config, config
from samklang.connectors.graph.access import CLOUDS
from samklang.mailboxes.access import app_in, consent_address

Set = Callable[..., None]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Set]:
    """An installation with an application, at Microsoft; `settings(X=…)` sets SAMKLANG_X."""

    def change(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"SAMKLANG_{name}", value)
        config.cache_clear()

    for name in ("GRAPH_URL", "LOGIN_URL", "CONSENT_URL", "CLOUD"):
        monkeypatch.delenv(f"SAMKLANG_{name}", raising=False)
    change(APP_ID="app", APP_SECRET="secret")
    yield change
    monkeypatch.undo()
    config.cache_clear()


@pytest.mark.parametrize(
    ("cloud", "login", "graph"),
    [
        ("global", "login.microsoftonline.com", "graph.microsoft.com"),
        ("gcc-high", "login.microsoftonline.us", "graph.microsoft.us"),
        ("dod", "login.microsoftonline.us", "dod-graph.microsoft.us"),
        ("china", "login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn"),
    ],
)
def test_a_cloud_is_one_setting_for_sign_in_graph_scope_and_consent(
    settings: Set, cloud: str, login: str, graph: str
) -> None:
    settings(CLOUD=cloud)
    access = app_in("example.com")
    assert access.authority == f"https://{login}/example.com"
    assert (access.graph_url, access.scope) == (f"https://{graph}/v1.0", f"https://{graph}/.default")
    assert consent_address("state", "https://here.example/back").startswith(f"https://{login}/organizations/")


def test_without_a_word_it_is_the_worldwide_cloud(settings: Set) -> None:
    settings()
    assert app_in("example.com").login_url == CLOUDS["global"].login_url


def test_every_cloud_can_be_set_and_no_other(settings: Set) -> None:
    assert set(get_args(Config.model_fields["cloud"].annotation)) == set(CLOUDS)
    settings(CLOUD="germany")
    with pytest.raises(ValidationError):
        config()


@pytest.mark.parametrize(
    "mixed",
    [
        {"LOGIN_URL": "https://127.0.0.1/login"},
        {"GRAPH_URL": "https://127.0.0.1/v1.0"},
        {"CLOUD": "china", "GRAPH_URL": "https://127.0.0.1/v1.0", "LOGIN_URL": "https://127.0.0.1/login"},
    ],
)
def test_addresses_of_two_places_are_never_mixed(settings: Set, mixed: dict[str, str]) -> None:
    settings(**mixed)
    with pytest.raises(ValidationError, match="SAMKLANG_CLOUD"):
        config()
