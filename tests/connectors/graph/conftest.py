"""A tenant of the sandbox with one app, and the ways in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from samklang.connectors.graph.access import GraphAccess
from tests.sandbox_client import Sandbox

TENANT = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
APP = "11111111-2222-4333-8444-555555555555"
SECRET = "only-for-tests"
ROLES = ["Calendars.ReadWrite", "User.Read.All"]


@pytest.fixture
def tenant(sandbox: Sandbox) -> Callable[..., None]:
    """Make (or change) the tenant; `app` changes its one app, e.g. {"roles": []}."""

    def make(app: dict[str, Any] | None = None, **details: Any) -> None:
        plain = {"client_id": APP, "secret": SECRET, "consented": True, "roles": ROLES}
        sandbox.tenant(TENANT, domains=["example.com"], apps=[plain | (app or {})], **details)

    make()
    return make


@pytest.fixture
def access(sandbox: Sandbox, tenant: Callable[..., None]) -> GraphAccess:
    return GraphAccess(
        sandbox.graph, sandbox.login, TENANT, APP, secret=SECRET, ca_file=sandbox.ca_file, allow_private=True
    )
