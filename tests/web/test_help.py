"""The examples in the help are typed in as they stand."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from samklang.config import Config
from samklang.connectors.severa.access import SCOPES
from samklang.mailboxes import scripts
from samklang.web import help as pages
from tests.house.test_papers import unknown_to_samklang
from tests.web.house import House, as_program, send

pytestmark = pytest.mark.django_db

TEMPLATES = Path(pages.__file__).parent / "templates" / "help"
#: Whose rights the examples are about.
ACCOUNT = "DOMAIN\\account"


def _examples() -> list[str]:
    texts = [page.read_text(encoding="utf-8") for page in sorted(TEMPLATES.glob("*/*.html"))]
    return sorted({html.unescape(found) for text in texts for found in re.findall(r"<code>(.*?)</code>", text, re.S)})


@pytest.mark.parametrize("example", _examples())
def test_every_example_of_the_help_works(house: House, example: str) -> None:
    if example.startswith("https://"):
        answer = send(as_program(house.alice), "PUT", "/api/connection", {"url": example})
        assert (answer.status_code, answer.json()["url"]) == (200, example)
    elif example.startswith("SAMKLANG_"):
        assert example.removeprefix("SAMKLANG_").lower() in Config.model_fields
    elif example.startswith("samklang "):
        assert unknown_to_samklang(example.split()[1:]) is None
    elif ":" in example:
        assert example in SCOPES
    else:
        written = {scripts.write(version, scripts.Order(account=ACCOUNT)).grant for version in ("2007", "2010")}
        assert f"{example}\n" in written, f"nobody knows how to try {example!r}"
