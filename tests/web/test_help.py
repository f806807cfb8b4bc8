"""The examples in the help are typed in as they stand."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from samklang.web import help as pages
from tests.house.test_papers import unknown_to_samklang
from tests.web.house import House, as_program, send

pytestmark = pytest.mark.django_db

TEMPLATES = Path(pages.__file__).parent / "templates" / "help"
#: The command that lets an account impersonate, as Microsoft writes it (EWS facts §4).
IMPERSONATION = re.compile(
    r'New-ManagementRoleAssignment -Name "[^"]+" -Role ApplicationImpersonation -User "DOMAIN\\account"'
)


def _examples() -> list[str]:
    texts = [page.read_text(encoding="utf-8") for page in sorted(TEMPLATES.glob("*/*.html"))]
    return sorted({html.unescape(found) for text in texts for found in re.findall(r"<code>(.*?)</code>", text, re.S)})


@pytest.mark.parametrize("example", _examples())
def test_every_example_of_the_help_works(house: House, example: str) -> None:
    if example.startswith("https://"):
        answer = send(as_program(house.alice), "PUT", "/api/connection", {"url": example})
        assert (answer.status_code, answer.json()["url"]) == (200, example)
    elif example.startswith("samklang "):
        assert unknown_to_samklang(example.split()[1:]) is None
    else:
        assert IMPERSONATION.fullmatch(example), f"nobody knows how to try {example!r}"
