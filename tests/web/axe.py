"""axe-core, which knows what keeps people from using a page."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.web.served import ROOT

_AXE = ROOT / "node_modules/axe-core/axe.min.js"


def barriers_on(page: Page) -> list[tuple[str, str]]:
    """What axe finds serious or critical on the page as it is shown: rule and element."""
    page.evaluate(_AXE.read_text())
    # The roles inside FullCalendar's grid and list are its own, and axe disputes some (a day's cell is named by its
    # date, though it shows its entries; a list's items stand in groups). Ours are its colours, held to with the rest.
    found = page.evaluate(
        """async () => {
          const inside = ["#calendar [role=grid]", "#calendar [role=list]"];
          const all = await axe.run({ exclude: inside }, { resultTypes: ["violations"] });
          const colours = await axe.run(document, { runOnly: ["color-contrast", "button-name", "link-name"] });
          return [...all.violations, ...colours.violations];
        }"""
    )
    serious = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    return [(rule["id"], node["html"][:200]) for rule in serious for node in rule["nodes"]]
