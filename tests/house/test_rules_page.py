"""The page of the rules says what the code does: its figures are the code's constants, its table the engine's."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from samklang.activities import housekeeping
from samklang.config import Config
from samklang.connectors import http
from samklang.connectors.graph import calendar as graph
from samklang.connectors.severa import organization, pace
from samklang.engine import materialize, recurrence, times
from samklang.engine.changes import Change
from samklang.engine.decide import Verdict, decide
from samklang.engine.rules import Rules
from samklang.jobs import trigger
from samklang.mailboxes import doors, reasons, services
from samklang.severa import polling

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
RULES = Rules(user_id="", zone="UTC", types=(), started_on=date(2026, 1, 1))


def _rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    part = re.search(rf"^## {heading}.*?^(\|.*?)(?:\n\n|\Z)", PAGE, re.M | re.S)
    assert part, heading
    lines = part[1].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


FIGURES = {
    "entries that ended more than this": f"{times.CUT_OFF.days} days",
    "the brake stops a run that would remove": str(RULES.brake_count),
    "… that are also more than": _percent(RULES.brake_share),
    "… or more than this many": str(RULES.brake_absolute),
    f"… or finds more than {RULES.brake_count} entries": _percent(RULES.brake_changed),
    "deleted activities stay in the trash": f"{housekeeping.TRASH_DAYS} days",
    "series the other side cannot express": f"{materialize.HORIZON_YEARS * 12} months",
    "while a user navigates": f"{trigger.PAUSE // timedelta(minutes=1)} minutes",
    "in mode *continuous*": f"{Config.model_fields['poll_seconds'].default // 60} minutes",
    "Microsoft 365 tells of changes": f"{graph.PAST.days} days back, {graph.FUTURE.days} ahead",
    "requests to one Exchange Server": str(doors.PLACES),
    "a paused connection": f"{services.PROBE_EVERY // timedelta(hours=1)} hour",
    "with activities in Severa it is": f"{polling.EVERY // timedelta(seconds=1)} seconds",
    "a complete listing of": f"{organization.COMPLETE // timedelta(hours=1)} hour",
    "requests a second to Severa": f"{pace.RATE:.0f}",
    "longest title in Exchange": f"{RULES.exchange_title_limit} characters",
    "longest place in an activity": f"{RULES.psa_place_limit} characters",
    "largest count of a series": str(recurrence.MAX_COUNT),
}


@pytest.mark.parametrize("what", FIGURES)
def test_a_figure_of_the_page_is_the_one_in_the_code(what: str) -> None:
    (row,) = [row for row in _rows("Figures") if row[0].startswith(what)]
    assert row[1] == FIGURES[what]


def test_a_mailbox_is_never_asked_more_at_once_than_the_page_says() -> None:
    (row,) = [row for row in _rows("Figures") if row[0].startswith("requests of one mailbox")]
    assert int(row[1]) >= http.REQUESTS_AT_ONCE


def test_the_prose_says_the_figures_of_its_table() -> None:
    prose = PAGE.partition("## 1. Who")[2]
    for row in _rows("Figures"):
        if row[2] in ("3.3", "8.2", "8.3", "5.5", "9.1", "9.2"):
            assert re.search(rf"\b{re.escape(row[1])}", prose), row


_WORDS = {
    Verdict.NOTHING: "nothing",
    Verdict.TO_PSA: "the activity follows",
    Verdict.TO_EXCHANGE: "the event follows",
    Verdict.MERGE: "both are merged",
    Verdict.REMOVE_ACTIVITY: "the activity is removed (8)",
    Verdict.REMOVE_EVENT: "the event is removed (8)",
    Verdict.MAKE_ACTIVITY_AGAIN: "the activity is made again",
    Verdict.MAKE_EVENT_AGAIN: "the event is made again",
    Verdict.FORGET: "the link is forgotten",
}
_CHANGES = (Change.SAME, Change.EDITED, Change.GONE)


def test_the_table_of_decisions_is_the_engines() -> None:
    shown = [[f"**{psa.value}**", *(_WORDS[decide(psa, event)] for event in _CHANGES)] for psa in _CHANGES]
    assert _rows("7. Who wins") == shown


def test_every_rule_that_why_can_answer_with_stands_on_the_page() -> None:
    told = {number for group in re.findall(r"\(([\d., ]+)\)", PAGE) for number in re.split(r", ", group)}
    assert sorted(set(reasons.RULES) - told) == []


def test_every_rule_number_of_the_rule_book_stands_on_the_page() -> None:
    book = Path(__file__).parents[3] / "shared" / "spec" / "rules.md"
    if not book.exists():
        pytest.skip("the rule book (../shared/spec/rules.md) is not beside this repository")
    numbers = set(re.findall(r"^(\d+\.\d+) ", book.read_text(encoding="utf-8"), re.M))
    told = {number for group in re.findall(r"\(([\d., ]+)\)", PAGE) for number in re.split(r", ", group)}
    # Chapter 13, the arrangement with Severa, comes with its own issue.
    assert sorted(number for number in numbers - told if not number.startswith("13.")) == []
