"""From nothing to a synced calendar at Microsoft 365, as an administrator does it in a browser: consent in the pop-up,
test, enable, and a first run; against the sandbox's consent page, which takes its time as Microsoft's does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.sandbox_client import Sandbox
from tests.web.axe import barriers_on
from tests.web.browser_site import EMAIL, PASSWORD
from tests.web.connected import ROLES, TENANT
from tests.web.served import APP, Site, served

pytestmark = pytest.mark.browser

#: What workers do in the background; the machine may be slow.
SOON = 60_000


@pytest.fixture(scope="module")
def site(database_url: str, sandbox_process: Sandbox) -> Iterator[Site]:
    sandbox = sandbox_process
    sandbox.reset()
    sandbox.mailbox(EMAIL, name="Alice Berg", zone="Europe/Stockholm")
    asked: dict[str, Any] = {**APP, "consented": False, "roles": ROLES}
    sandbox.tenant(TENANT, domains=["example.org"], apps=[asked], consent_delay_seconds=4)
    with served(database_url, sandbox) as site:
        yield site


@pytest.fixture
def page(chromium: Browser, site: Site) -> Iterator[Page]:
    """Alice's page, signed in and on the settings of Microsoft Exchange; no error of its own."""
    errors: list[str] = []
    shown = chromium.new_context().new_page()
    shown.on("pageerror", lambda error: errors.append(str(error)))
    shown.goto(f"{site.address}/sign-in", timeout=60_000)
    shown.locator("[name=email]").fill(EMAIL)
    shown.locator("[name=password]").fill(PASSWORD)
    shown.keyboard.press("Enter")
    expect(shown.get_by_role("heading", name="Calendar", exact=True)).to_be_visible(timeout=SOON)
    shown.goto(f"{site.address}/settings/integrations/microsoft-exchange")
    yield shown
    shown.context.close()
    assert errors == []


def _answer(page: Page, button: str) -> None:
    """Grant permissions opens the pop-up; the administrator signs in there and answers."""
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Grant permissions").click()
    popup = opened.value
    popup.get_by_label("admin@example.org").check()
    popup.get_by_role("button", name="Next").click()
    if button == "Accept":
        with popup.expect_event("close"):
            popup.get_by_role("button", name=button).click()
    else:
        popup.get_by_role("button", name=button).click()
        expect(popup.get_by_role("alert")).to_contain_text("The permissions were not granted.")
        popup.close()


def test_a_refusal_in_the_pop_up_is_said_on_the_page_that_opened_it(page: Page) -> None:
    _answer(page, "Cancel")
    expect(page.get_by_role("alert")).to_contain_text("The permissions were not granted.")


def test_from_consent_over_test_and_switch_to_a_synced_calendar(page: Page, site: Site) -> None:
    at = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
    site.sandbox.person_creates(
        EMAIL, subject="Made in Outlook", start=at.isoformat(), end=(at + timedelta(hours=1)).isoformat()
    )
    _answer(page, "Accept")
    expect(page.get_by_text("Waiting for Microsoft.")).to_be_visible()
    # The worker asks again, and the page looks again, by themselves.
    expect(page.get_by_text(TENANT)).to_be_visible(timeout=SOON)
    expect(page.get_by_text("Mailboxes of your users")).to_be_visible(timeout=SOON)
    expect(page.get_by_role("row", name=re.compile(f"Alice Berg .*{EMAIL}"))).to_be_visible()
    page.get_by_text("Only some mailboxes?").click()
    expect(page.get_by_role("button", name="Write the script")).to_be_visible()
    assert barriers_on(page) == []
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.get_by_role("list", name="Result of the test").get_by_text("✓")).to_have_count(5)
    page.get_by_role("switch", name="Enable Microsoft Exchange").click()
    expect(page.get_by_role("switch", name="Enable Microsoft Exchange")).to_have_attribute("aria-checked", "true")
    page.goto(f"{site.address}/profile/calendar/synchronization")
    page.get_by_role("button", name="Switch on and show what would happen").click()
    page.get_by_role("button", name="Start", exact=True).click(timeout=SOON)
    expect(page.get_by_role("button", name="Sync now")).to_be_visible(timeout=SOON)
    expect(page.locator("dl.facts")).to_contain_text(re.compile(r"Linked entries\s*1"))
    page.goto(f"{site.address}/profile/calendar/synchronization/history")
    expect(page.get_by_text("Made in Outlook").first).to_be_visible()
