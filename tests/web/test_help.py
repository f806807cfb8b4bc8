"""The examples in the help are typed in as they stand."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from samklang.config import Config
from samklang.connectors.severa.access import SCOPES
from samklang.web import help as pages
from tests.house.test_papers import unknown_to_samklang
from tests.web.house import House, as_program, send

pytestmark = pytest.mark.django_db

TEMPLATES = Path(pages.__file__).parent / "templates" / "help"
#: The commands that let an account impersonate, as Microsoft writes them (EWS facts §4): since 2010, and for 2007.
IMPERSONATION = re.compile(
    r'New-ManagementRoleAssignment -Name "[^"]+" -Role ApplicationImpersonation -User "DOMAIN\\account"'
    r"|Get-ExchangeServer \| where {\$_\.IsClientAccessServer -eq \$TRUE} \| ForEach-Object {\s+"
    r"Add-ADPermission -Identity \$_\.DistinguishedName -User \(Get-User -Identity 'DOMAIN\\account'\)\.Identity"
    r" -ExtendedRights ms-Exch-EPI-Impersonation }\s+"
    r"Get-MailboxDatabase \| ForEach-Object {\s+"
    r"Add-ADPermission -Identity \$_\.DistinguishedName -User 'DOMAIN\\account'"
    r" -ExtendedRights ms-Exch-EPI-May-Impersonate }"
)


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
        assert IMPERSONATION.fullmatch(example), f"nobody knows how to try {example!r}"
