"""The examples in the help are typed in as they stand."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from samklang.config import Config
from samklang.connectors.graph.permissions import missing
from samklang.connectors.severa.access import SCOPES
from samklang.mailboxes import scripts
from samklang.web import help as pages
from tests.house.test_papers import unknown_to_samklang
from tests.web.house import House, as_program, send

pytestmark = pytest.mark.django_db

TEMPLATES = Path(pages.__file__).parent / "templates" / "help"
#: Whose rights the examples are about.
ACCOUNT = "DOMAIN\\account"
#: How an application comes into a tenant that consents to nothing, and may find users: one permission, of Microsoft
#: Graph's own application, to one principal (Graph facts §2.4).
FINDS_USERS = re.compile(
    r"Connect-MgGraph -Scopes [\w., ]+\n\$app = New-MgServicePrincipal -AppId '[\w-]+'\n"
    r"\$graph = Get-MgServicePrincipal -Filter \"appId eq '00000003-0000-0000-c000-000000000000'\"\n"
    r"\$role = \$graph\.AppRoles \| Where-Object Value -eq '(?P<permission>[\w.]+)'\n"
    r"New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId \$app\.Id -PrincipalId \$app\.Id"
    r" -ResourceId \$graph\.Id -AppRoleId \$role\.Id"
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
    elif "New-MgServicePrincipal" in example:
        found = FINDS_USERS.fullmatch(example)
        assert found is not None
        assert missing([found["permission"]], scoped=True) == [], "nothing but the calendars is left to be opened"
    else:
        written = {scripts.write(version, scripts.Order(account=ACCOUNT)).grant for version in ("2007", "2010")}
        assert f"{example}\n" in written, f"nobody knows how to try {example!r}"
