"""The administrator's consent: the page to send him to and what he comes back with (Graph facts §2.1). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from samklang.connectors.graph.auth import REFUSALS


def consent_url(login_url: str, tenant: str, app_id: str, *, scope: str, redirect_uri: str, state: str) -> str:
    """Address of Microsoft's consent page. `tenant`: GUID or domain, or "organizations"; never "common".

    `state` comes back unchanged: random, short-lived, bound by the caller to the signed-in administrator, used once.
    """
    query = {"client_id": app_id, "scope": scope, "redirect_uri": redirect_uri, "state": state}
    return f"{login_url.rstrip('/')}/{quote(tenant, safe='')}/v2.0/adminconsent?{urlencode(query)}"


@dataclass(frozen=True, slots=True)
class ConsentAnswer:
    """What the redirect says. Nothing in it is proof: anybody can write such an address.

    A grant is believed once a token for the tenant was had and `organization.tenant_of` was checked.
    """

    state: str
    #: Tenant id as claimed, when granted.
    tenant: str | None = None
    #: Stable code when refused, e.g. "consent_declined".
    refusal: str | None = None
    #: Microsoft's own code.
    detail: str = ""


def read_redirect(query: Mapping[str, str]) -> ConsentAnswer:
    """The answer in a redirect's query. `admin_consent=True` is there after a refusal too, so the error comes first."""
    state = query.get("state", "")
    if "error" in query:
        number = re.search(r"AADSTS(\d+)", query.get("error_description", ""))
        code = REFUSALS.get(int(number.group(1))) if number else None
        return ConsentAnswer(state, None, code or "consent_declined", number.group() if number else query["error"][:80])
    if query.get("admin_consent", "").lower() != "true" or not query.get("tenant"):
        return ConsentAnswer(state, refusal="consent_incomplete")
    return ConsentAnswer(state, tenant=query["tenant"])
