"""Writes docs/acceptance.md from results: `pytest --junitxml=FILE tests/acceptance`, then
`python -m tests.acceptance.table FILE…`."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

PAGE = Path(__file__).parents[2] / "docs" / "acceptance.md"
#: Shown by tests of their own kind.
ELSEWHERE = {
    197: "proof/test_errors.py, expired secret",
    202: "proof/test_kills.py, a worker killed five times",
    208: "proof/test_errors.py, withdrawn consent",
    209: "proof/test_errors.py, impersonation denied",
}
#: Cases of later issues, by what they wait for.
LATER = {
    "meetings and people (rules §4)": (40, 41, 49, 109, 112, 116, 118, *range(127, 147)),
    "changed connections and joining by UID (3.2, 3.6)": (77, 79, 215),
    "materialized series and refusals before writing (5.4, 5.5)": (98, 103),
    "history, restore and undo (§11)": (58, 226, 227),
    "push (9.2)": (187, 188),
    "pages, languages, help, accessibility": (223, 224, 229, 230),
    "scale, soak and upgrades": (83, 203, 205, 206, 217, 218, 220),
}
_HEAD = """# Acceptance cases and their tests

Made by `python -m tests.acceptance.table` from the results of a test run; not to be edited by hand.

Every case runs over EWS and over Graph against the sandbox with the built-in calendar, through public surfaces, and
ends with: a second run writes nothing, nobody was mailed, every pair is equal or the case says why not.

| case | what is shown | EWS | Graph |
|---|---|---|---|
"""
_SIGNS = {"passed": "✓", "skipped": "not yet", "failed": "**fails**"}


def table(reports: list[Path]) -> str:
    results: dict[tuple[tuple[int, ...], str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):
            _add(results, case)
    rows = [_row(cases, words, found) for (cases, words), found in sorted(results.items()) if cases]
    rows += [f"| {case} | {where} | ✓ | ✓ |" for case, where in ELSEWHERE.items()]
    more = [f"* {words}: {_both(found)}" for (cases, words), found in sorted(results.items()) if not cases]
    shown = {case for cases, _ in results for case in cases} | ELSEWHERE.keys()
    later = [f"* {what}: {', '.join(str(n) for n in cases if n not in shown)}" for what, cases in LATER.items()]
    return (
        _HEAD
        + "\n".join(sorted(rows, key=lambda row: int(re.findall(r"\d+", row)[0])))
        + "\n\n## Shown besides\n\n"
        + "\n".join(more)
        + "\n\n## Cases of later issues\n\n"
        + "\n".join(later)
        + "\n"
    )


def _add(results: dict[tuple[tuple[int, ...], str], dict[str, set[str]]], case: ElementTree.Element) -> None:
    name, _, parameters = case.get("name", "").partition("[")
    found = re.match(r"test_(?:case_((?:\d+_)+))?(.*)", name)
    protocol = re.search(r"\b(ews|graph)\b", parameters)
    if found is None or protocol is None:
        return
    cases = tuple(int(number) for number in (found[1] or "").split("_") if number)
    outcome = next((_OUTCOMES[part.tag] for part in case if part.tag in _OUTCOMES), "passed")
    results[cases, found[2].replace("_", " ")][protocol[1]].add(outcome)


_OUTCOMES = {"failure": "failed", "error": "failed", "skipped": "skipped"}


def _row(cases: tuple[int, ...], words: str, found: dict[str, set[str]]) -> str:
    return f"| {', '.join(map(str, cases))} | {words} | {_sign(found['ews'])} | {_sign(found['graph'])} |"


def _both(found: dict[str, set[str]]) -> str:
    return f"EWS {_sign(found['ews'])}, Graph {_sign(found['graph'])}"


def _sign(outcomes: set[str]) -> str:
    return next((_SIGNS[outcome] for outcome in ("failed", "skipped", "passed") if outcome in outcomes), "–")


if __name__ == "__main__":
    PAGE.write_text(table([Path(name) for name in sys.argv[1:]]), encoding="utf-8")
