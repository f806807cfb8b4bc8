"""The mailbox page in a real browser: what others change appears by itself, and keys and mouse do a person's work."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect, sync_playwright

from tests.sandbox.graph_client import ALICE, Graph, graph, weekly
from tests.sandbox_client import Sandbox

__all__ = ["graph"]

pytestmark = pytest.mark.browser


@pytest.fixture
def page(graph: Graph) -> Iterator[Page]:
    """Alice's week of 2 March 2026; any error of the page's own fails the test."""
    chromium = os.environ.get("SAMKLANG_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.fail("No Chromium. `./run test` installs it, or set SAMKLANG_CHROMIUM to one.")
    graph.sandbox.set_clock("2026-03-04T10:00:00Z")
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": 1280, "height": 800}, locale="sv-SE")
        shown.on("pageerror", lambda error: errors.append(str(error)))
        shown.on("console", lambda message: errors.append(message.text) if _is_wrong(message) else None)
        shown.goto(f"{graph.sandbox.pages}/mailboxes/{ALICE}")
        yield shown
        browser.close()
    assert errors == []


def _is_wrong(message: ConsoleMessage) -> bool:
    """A refused move (422) is shown to the person; Chromium logs it all the same."""
    return message.type == "error" and "422" not in message.text


def create(sandbox: Sandbox, subject: str, **fields: object) -> str:
    times = {"start": "2026-03-04T10:00", "end": "2026-03-04T11:00"}
    return str(sandbox.person_creates(ALICE, subject=subject, **(times | fields))["id"])


def test_what_sync_writes_appears_changes_and_goes_without_a_reload(page: Page, graph: Graph) -> None:
    id = create(graph.sandbox, "Från sync")
    expect(page.get_by_role("link", name="Från sync, Wed 04 Mar 10:00–11:00")).to_be_visible()
    graph.sandbox.person_edits(ALICE, id, subject="Ändrat")
    expect(page.locator(".entry.fresh", has_text="Ändrat")).to_be_visible()
    graph.sandbox.person_deletes(ALICE, id)
    expect(page.locator(".entry")).to_have_count(0)


def test_an_entry_is_made_and_deleted_with_the_keyboard_alone(page: Page, graph: Graph) -> None:
    page.keyboard.press("n")
    page.locator("dialog [name=subject]").wait_for()
    page.keyboard.type("Tangenter")
    page.keyboard.press("Enter")
    made = page.get_by_role("link", name="Tangenter")
    expect(made).to_be_visible()
    made.focus()
    page.keyboard.press("Enter")
    page.locator("dialog [name=subject]").wait_for()
    page.keyboard.type("Nytt namn")
    page.keyboard.press("Enter")
    made = page.get_by_role("link", name="Nytt namn")
    expect(made).to_be_visible()
    made.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Delete").focus()
    page.keyboard.press("Enter")
    expect(made).to_have_count(0)
    assert graph.sandbox.entries(ALICE) == []


def test_a_dragged_date_of_a_series_moves_alone_and_not_past_its_neighbour(page: Page, graph: Graph) -> None:
    daily = {"pattern": {"type": "daily", "interval": 1}, "range": {"type": "noEnd", "startDate": "2026-03-05"}}
    create(graph.sandbox, "Daglig", start="2026-03-05T10:00", end="2026-03-05T11:00", recurrence=daily)
    entry = page.get_by_role("link", name="Daglig, Thu 05 Mar")
    entry.drag_to(page.locator(".column[data-day='2026-03-03']"), target_position={"x": 40, "y": 14 * 44})
    moved = page.get_by_role("link", name="Daglig, Tue 03 Mar 13:30")
    expect(moved).to_be_visible()
    moved.drag_to(page.locator(".column[data-day='2026-03-07']"), target_position={"x": 40, "y": 14 * 44})
    expect(page.get_by_role("alert")).to_contain_text("neighbour")
    (series,) = graph.sandbox.entries(ALICE)
    assert [exception["original"] for exception in series["exceptions"]] == ["2026-03-05"]


def test_the_month_opens_by_a_key_and_leads_to_a_date_and_its_series(page: Page, graph: Graph) -> None:
    create(graph.sandbox, "Vecka", start="2026-03-02T09:00", end="2026-03-02T10:00", recurrence=weekly())
    page.keyboard.press("m")
    expect(page.get_by_role("heading", name="March 2026")).to_be_visible()
    page.get_by_role("link", name="Vecka, Mon 16 Mar").click()
    page.get_by_role("link", name="Open the series").click()
    page.get_by_role("heading", name="Edit event").wait_for()
    page.locator("dialog [name=subject]").fill("Varje vecka")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Varje vecka")).to_have_count(5)
    assert graph.sandbox.entries(ALICE)[0]["subject"] == "Varje vecka"
