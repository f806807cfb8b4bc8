"""The way to Microsoft's consent page and back."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from samklang.connectors.graph.consent import consent_url, read_redirect


def test_the_address_asks_for_the_apps_permissions_and_carries_our_state() -> None:
    url = consent_url(
        "https://login.microsoftonline.com/",
        "contoso.com",
        "app-1",
        scope="https://graph.microsoft.com/.default",
        redirect_uri="https://psa.example.com/back?x=1",
        state="s&1",
    )
    parts = urlsplit(url)
    assert (parts.netloc, parts.path) == ("login.microsoftonline.com", "/contoso.com/v2.0/adminconsent")
    assert parse_qs(parts.query) == {
        "client_id": ["app-1"],
        "scope": ["https://graph.microsoft.com/.default"],
        "redirect_uri": ["https://psa.example.com/back?x=1"],
        "state": ["s&1"],
    }


def test_a_grant_names_the_tenant_and_returns_the_state() -> None:
    answer = read_redirect({"admin_consent": "True", "tenant": "guid-1", "state": "s"})
    assert (answer.tenant, answer.state, answer.refusal) == ("guid-1", "s", None)


def test_a_refusal_is_one_although_it_says_admin_consent_too() -> None:
    answer = read_redirect(
        {
            "admin_consent": "True",
            "tenant": "guid-1",
            "error": "consent_required",
            "error_description": "AADSTS65004: The resource owner denied",
            "state": "s",
        }
    )
    assert (answer.tenant, answer.refusal, answer.detail) == (None, "consent_declined", "AADSTS65004")


def test_half_an_answer_is_no_grant() -> None:
    assert read_redirect({"state": "s"}).refusal == "consent_incomplete"
    assert read_redirect({"admin_consent": "True"}).refusal == "consent_incomplete"
