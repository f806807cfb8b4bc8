"""The pages in a real Chromium, served as in production, beside the sandbox's Exchange: keys, eyes and ears.

One site and one browser for the module: starting them costs more than all tests together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from tests.connectors.proxy import Proxy, proxy
from tests.sandbox_client import Sandbox
from tests.web.axe import barriers_on
from tests.web.browser_site import EMAIL, PASSWORD
from tests.web.served import APP, Site, served

__all__ = ["proxy"]

pytestmark = pytest.mark.browser

#: A change travels within 10 s (two polls of the demo's pace); the machine may be slow.
TRAVEL = 40_000
PAGES = (
    "/calendar",
    "/calendar/files",
    "/calendar/trash",
    "/profile",
    "/settings/integrations/microsoft-exchange",
    "/settings/integrations/microsoft-sign-in",
    "/settings/integrations/rest-api",
    "/settings/integrations/visma-severa",
    "/profile/calendar/synchronization",
    "/profile/calendar/synchronization/history",
    "/profile/calendar/synchronization/leave",
    "/help/user",
    "/help/administrator",
    "/help/errors",
    "/nowhere",
)


@pytest.fixture(scope="module")
def site(database_url: str, sandbox_process: Sandbox) -> Iterator[Site]:
    sandbox = sandbox_process
    sandbox.reset()
    sandbox.account(r"EXAMPLE\sync", "right")
    sandbox.mailbox(EMAIL, name="Alice Berg", zone="Europe/Stockholm")
    sandbox.tenant("5a3c1a9e-0000-4000-8000-00000000f1fe", domains=["example.org"], apps=[APP])
    with served(database_url, sandbox, sandbox.ews) as site:
        yield site


@pytest.fixture(scope="module")
def cookies(chromium: Browser, site: Site) -> Any:
    """Alice's session, signed in by keyboard alone."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(site.address, timeout=60_000)
    expect(page.locator("[name=email]")).to_be_focused()
    page.keyboard.type(EMAIL)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Calendar", exact=True)).to_be_visible(timeout=20_000)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture(params=["light", pytest.param("dark", marks=pytest.mark.full)])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _open(chromium: Browser, cookies: Any, scheme: str = "light", width: int = 1280) -> Page:
    context = chromium.new_context(
        storage_state=cookies,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": 900},
    )
    return context.new_page()


@pytest.fixture
def page(chromium: Browser, cookies: Any) -> Iterator[Page]:
    """Alice's page; any error of its own, or anything the policy had to block, fails the test."""
    errors: list[str] = []
    shown = _open(chromium, cookies)
    shown.on("pageerror", lambda error: errors.append(str(error)))
    shown.on("console", lambda message: errors.append(message.text) if _is_wrong(message) else None)
    yield shown
    shown.context.close()
    assert errors == []


def _is_wrong(message: ConsoleMessage) -> bool:
    """What is refused with a reason is shown to the person; Chromium logs it all the same."""
    return message.type == "error" and not re.search(r"status of (404|409|422)", message.text)


def _in_calendar(page: Page, title: str) -> Locator:
    return page.locator("#calendar").get_by_role("button", name=re.compile(title)).first


def _subjects(sandbox: Sandbox) -> list[str]:
    return [entry["subject"] for entry in sandbox.entries(EMAIL)]


def _appears_in_exchange(page: Page, sandbox: Sandbox, title: str) -> None:
    for _ in range(TRAVEL // 500):
        if title in _subjects(sandbox):
            return
        page.wait_for_timeout(500)
    pytest.fail(f"{title} did not arrive: {_subjects(sandbox)}")


def test_an_activity_made_by_keyboard_shows_on_the_exchange_page(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/calendar")
    page.locator("#new-entry").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#entry [name=name]")).to_be_focused()
    page.keyboard.type("Typed by hand")
    page.keyboard.press("Enter")
    expect(page.locator("#entry")).not_to_be_visible()
    expect(_in_calendar(page, "Typed by hand")).to_be_visible()
    _appears_in_exchange(page, site.sandbox, "Typed by hand")
    other = page.context.new_page()
    other.goto(f"{site.sandbox.pages}/mailboxes/{EMAIL}")
    expect(other.get_by_role("link", name=re.compile("Typed by hand"))).to_be_visible()
    other.close()


def test_what_a_person_does_in_exchange_shows_on_samklangs_page_without_a_reload(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/calendar")
    now = datetime.now(ZoneInfo("Europe/Stockholm")).replace(minute=0, second=0, microsecond=0)
    made = site.sandbox.person_creates(
        EMAIL, subject="Made in Outlook", start=now.isoformat(), end=(now + timedelta(hours=1)).isoformat()
    )
    expect(_in_calendar(page, "Made in Outlook")).to_be_visible(timeout=TRAVEL)
    site.sandbox.person_edits(EMAIL, made["id"], subject="Renamed in Outlook")
    expect(_in_calendar(page, "Renamed in Outlook")).to_be_visible(timeout=TRAVEL)
    site.sandbox.person_deletes(EMAIL, made["id"])
    expect(page.get_by_role("button", name=re.compile("Renamed in Outlook"))).to_have_count(0, timeout=TRAVEL)


def test_one_occurrence_and_the_whole_series_are_told_apart_and_deleting_asks_first(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/calendar")
    page.locator("#new-entry").click()
    page.locator("#entry [name=name]").fill("Standup")
    page.locator("#entry [name=frequency]").select_option("daily")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("tab", name="list view").click()
    page.get_by_role("tab", name="Month view").click()
    days = page.locator("#calendar").get_by_text("Standup", exact=True)
    expect(days.first).to_be_visible()
    several = days.count()
    days.first.click()
    page.locator("#entry [name=name]").fill("Retro")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="This occurrence").click()
    expect(page.locator("#calendar").get_by_text("Retro", exact=True)).to_be_visible()
    expect(days).to_have_count(several - 1)
    page.locator("#calendar").get_by_text("Retro", exact=True).click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="What should be deleted?")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#entry")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="The whole series").click()
    expect(days).to_have_count(0)


def test_the_exchange_url_is_looked_up_by_keyboard_and_nothing_typed_is_lost(
    page: Page, site: Site, proxy: Proxy
) -> None:
    ews, foreign = "https://mail.example.org/EWS/Exchange.asmx", "autodiscover.example.net"
    for host in ("autodiscover.example.org", foreign):
        proxy.leads(f"{host}:443", site.sandbox.ews)
    there = f"https://{foreign}/autodiscover/autodiscover.xml"
    away = {"kind": "url", "to": there, "at": "autodiscover.example.org"}
    site.sandbox.server(autodiscover={"hosts": r"autodiscover\..*", "external_url": ews, "redirects": [away]})
    page.goto(f"{site.address}/settings/integrations/microsoft-exchange")
    password, url = page.get_by_label("Delegate password"), page.get_by_label("Exchange URL")
    password.fill("right")
    page.get_by_label("Proxy", exact=True).fill(proxy.url)
    page.get_by_role("button", name="Look up", exact=True).press("Enter")
    confirm = page.get_by_role("button", name=f"I know {foreign}")
    expect(confirm).to_be_visible()
    assert f"CONNECT {foreign}:443" not in proxy.asked
    assert barriers_on(page) == []
    confirm.press("Enter")
    expect(url).to_have_value(ews)
    expect(url).to_be_focused()
    expect(page.locator("#look-up")).to_contain_text(f"at {foreign}")
    expect(password).to_have_value("right")
    site.sandbox.server()


def test_what_is_wrong_in_the_dialog_is_said_beside_its_field(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/calendar")
    page.locator("#new-entry").click()
    page.locator("#entry [name=name]").fill("Trip")
    page.locator("#entry [name=add]").fill("nobody")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("There is no one colleague called “nobody”.")).to_be_visible()
    expect(page.locator("#entry [name=add]")).to_be_focused()
    page.locator("#entry [name=add]").fill("")
    page.locator("#entry [name=name]").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("This field is required.")).to_be_visible()
    expect(page.locator("#entry [name=name]")).to_be_focused()
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#entry")).not_to_be_visible()


def test_people_are_added_by_keyboard_and_who_does_not_sync_is_warned_of_before_saving(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/calendar")
    page.locator("#new-entry").click()
    page.locator("#entry [name=name]").fill("Kick-off")
    page.locator("#entry [name=add]").focus()
    page.keyboard.type("Eva Lund <eva@customer.example>")
    page.keyboard.press("Enter")
    people = page.locator("#entry [data-people] li")
    expect(people).to_have_count(1)
    expect(people).to_contain_text("eva@customer.example")
    page.keyboard.type("Bob Dahl")
    page.get_by_role("button", name="Save").click()
    warning = page.get_by_text("Does not synchronize a calendar")
    expect(warning.first).to_be_visible()
    expect(page.locator("#entry")).to_be_visible()  # nothing is saved before it could be read
    expect(page.locator("#entry [role=status]")).to_contain_text("Does not synchronize a calendar")
    page.get_by_role("button", name="Remove Eva Lund").click()
    expect(page.locator("#entry [name=add]")).to_be_focused()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#entry")).not_to_be_visible()
    _in_calendar(page, "Kick-off").click()
    expect(people).to_have_count(2)
    expect(people.last).to_contain_text("Bob Dahl")


def test_what_was_deleted_is_taken_out_of_the_trash(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/calendar")
    page.locator("#new-entry").click()
    page.locator("#entry [name=name]").fill("Thrown away")
    page.keyboard.press("Enter")
    _in_calendar(page, "Thrown away").click()
    page.get_by_role("button", name="Delete").click()
    page.locator("#certain").get_by_role("button", name="Delete").click()
    expect(page.locator("#entry")).not_to_be_visible()
    page.get_by_role("link", name="Trash").click()
    row = page.get_by_role("row", name=re.compile("Thrown away"))
    row.get_by_role("button", name="Restore").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("“Thrown away” is back in the calendar.")).to_be_visible()
    page.get_by_role("link", name="Back to the calendar").click()
    expect(_in_calendar(page, "Thrown away")).to_be_visible()


def test_ones_language_is_changed_in_ones_profile(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/calendar")
    page.get_by_role("link", name="My profile").click()
    page.locator("[name=language]").select_option("sv")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Min profil")).to_be_visible()
    page.locator("[name=language]").select_option("en")
    page.get_by_role("button", name="Spara").click()
    expect(page.get_by_text("Saved.")).to_be_visible()


def test_sign_in_with_microsoft_is_switched_on_by_signing_in_and_then_offered(
    chromium: Browser, cookies: Any, site: Site
) -> None:
    page = _open(chromium, cookies)
    page.goto(f"{site.address}/settings/integrations/microsoft-sign-in")
    page.get_by_role("switch", name="Let people sign in with Microsoft").click()
    page.get_by_label(EMAIL).check()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("People of your organization can sign in with Microsoft from now on.")).to_be_visible()
    stranger = chromium.new_context().new_page()
    stranger.goto(f"{site.address}/profile")
    assert barriers_on(stranger) == []
    stranger.get_by_role("link", name="Sign in with Microsoft").click()
    stranger.get_by_label(EMAIL).check()
    stranger.get_by_role("button", name="Next").click()
    expect(stranger.get_by_text("You sign in with your Microsoft account.")).to_be_visible()
    for each in (page, stranger):
        each.context.close()


def test_the_script_for_the_delegate_account_is_copied_by_keyboard(page: Page, site: Site) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{site.address}/settings/integrations/microsoft-exchange")
    page.get_by_text("Script for the delegate account").click()
    page.get_by_label("For whose mailboxes").select_option("group")
    page.get_by_label("Which group, unit or filter").fill("O'Brien's")
    page.get_by_role("button", name="Write the script").click()
    copy = page.get_by_role("button", name="Copy: Give the right")
    copy.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert "-Identity 'O''Brien''s'" in page.evaluate("navigator.clipboard.readText()")
    assert barriers_on(page) == []


def test_no_page_has_a_barrier_axe_knows(chromium: Browser, cookies: Any, site: Site, scheme: str) -> None:
    page = _open(chromium, cookies, scheme)
    barriers: dict[str, list[tuple[str, str]]] = {}
    for path in PAGES:
        page.goto(site.address + path)
        barriers[path] = barriers_on(page)
    page.goto(f"{site.address}/calendar")
    for view in ("Month view", "list view"):
        page.get_by_role("tab", name=view).click()
        page.mouse.move(0, 0)
        page.wait_for_timeout(400)  # the button's colour fades in
        barriers[view] = barriers_on(page)
    page.locator("#new-entry").click()
    page.locator("#entry [name=frequency]").select_option("weekly")
    page.locator("#entry [name=add]").fill("Bob Dahl")
    page.locator("#entry [data-add]").click()
    expect(page.get_by_text("Does not synchronize a calendar").first).to_be_visible()
    barriers["dialog"] = barriers_on(page)
    page.context.clear_cookies()
    page.goto(f"{site.address}/sign-in")
    barriers["/sign-in"] = barriers_on(page)
    page.context.close()
    assert {path: found for path, found in barriers.items() if found} == {}


_CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"


@pytest.mark.parametrize("path", PAGES)
def test_every_control_is_reached_by_keyboard(page: Page, site: Site, path: str) -> None:
    page.goto(site.address + path)
    page.wait_for_load_state("networkidle")
    controls = page.locator(_CONTROLS)
    wanted = controls.evaluate_all(
        "all => all.filter(one => one.checkVisibility() && !one.disabled && one.tabIndex >= 0)"
        ".map((one, n) => one.dataset.reach = String(n)).length"
    )
    assert wanted > 3
    reached = set()
    for _ in range(wanted * 3 + 10):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement?.dataset.reach ?? ''"))
        if len(reached - {""}) == wanted:
            return
    missed = [page.locator(f"[data-reach='{n}']").inner_text() for n in range(wanted) if str(n) not in reached]
    pytest.fail(f"not reached: {missed}")


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_wider_than_a_phone(chromium: Browser, cookies: Any, site: Site, path: str) -> None:
    page = _open(chromium, cookies, width=390)
    page.goto(site.address + path)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()
