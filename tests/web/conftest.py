from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.sandbox_client import Sandbox
    from tests.web.connected import Connected
    from tests.web.house import House


@pytest.fixture
def house(db: None) -> House:
    from tests.web.house import furnish

    return furnish()


@pytest.fixture
def reached(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This installation's settings lead to the sandbox."""
    from samklang.config import config
    from tests.web.connected import reach

    reach(sandbox, monkeypatch)
    yield
    monkeypatch.undo()
    config.cache_clear()


@pytest.fixture
def connected(db: None, sandbox: Sandbox, reached: None) -> Connected:
    from tests.web.connected import furnish

    return furnish(sandbox)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    path = os.environ.get("SAMKLANG_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("No Chromium. `./run test` installs it, or set SAMKLANG_CHROMIUM to one.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Every answer of `/rest-api` is checked against Severa's own document of it, where that is at hand; how many."""
    from django.test import Client

    from tests.web import severa_document

    counted: Counter[str] = Counter()
    generic = Client.generic

    def checked(self: Client, method: str, path: str, *args: Any, **kwargs: Any) -> Any:
        answer = generic(self, method, path, *args, **kwargs)
        if path.startswith("/rest-api/"):
            known = severa_document.check_answer(method, path, answer)
            assert known or answer.status_code in (404, 405) or path.endswith("openapi.json"), (
                f"no {path} in the document"
            )
            counted["checked"] += known
        return answer

    if severa_document.PATH.exists():
        monkeypatch.setattr(Client, "generic", checked)
    return counted
