"""Writes docs/acceptance.md from results: `pytest --junitxml=FILE tests/acceptance`, then
`python -m tests.acceptance.table FILE…`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

PAGE = Path(__file__).parents[2] / "docs" / "acceptance.md"
#: Shown by tests of their own kind, which are in the same test run: where, and over which protocols.
ELSEWHERE = {
    197: ("proof/test_errors.py, expired secret", ("graph",)),
    202: ("proof/test_kills.py, a worker killed five times (Graph with --full)", ("ews",)),
    208: ("proof/test_errors.py, withdrawn consent", ("graph",)),
    209: ("proof/test_errors.py, impersonation denied", ("ews",)),
}
#: The numbers of the list: every third is missing there.
CASES = [number for number in range(1, 231) if number % 3]
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

Made by `python -m tests.acceptance.table` from the results of a test run at commit COMMIT; not to be edited by hand.

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
    for case, (where, protocols) in ELSEWHERE.items():
        seen = ["see there" if protocol in protocols else "–" for protocol in ("ews", "graph")]
        rows.append(f"| {case} | {where} | {' | '.join(seen)} |")
    more = [f"* {words}: {_both(found)}" for (cases, words), found in sorted(results.items()) if not cases]
    shown = {case for cases, _ in results for case in cases} | ELSEWHERE.keys()
    later = [f"* {what}: {_numbers(set(cases) - shown)}" for what, cases in LATER.items()]
    open_ = set(CASES) - shown - {case for cases in LATER.values() for case in cases}
    return (
        _HEAD.replace("COMMIT", _commit())
        + "\n".join(sorted(rows, key=lambda row: int(re.findall(r"\d+", row)[0])))
        + "\n\n## Shown besides\n\n"
        + "\n".join(more)
        + f"\n\n## Not shown here yet\n\n{_numbers(open_)}"
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


def _numbers(cases: set[int]) -> str:
    return ", ".join(str(case) for case in sorted(cases.intersection(CASES)))


def _both(found: dict[str, set[str]]) -> str:
    return f"EWS {_sign(found['ews'])}, Graph {_sign(found['graph'])}"


def _sign(outcomes: set[str]) -> str:
    return next((_SIGNS[outcome] for outcome in ("failed", "skipped", "passed") if outcome in outcomes), "–")


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, capture_output=True, check=True, text=True, cwd=PAGE.parent).stdout.strip()


if __name__ == "__main__":
    PAGE.write_text(table([Path(name) for name in sys.argv[1:]]), encoding="utf-8")
