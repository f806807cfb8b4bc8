"""Writes docs/acceptance.md from results: `pytest --junitxml=FILE tests/acceptance`, then
`python -m tests.acceptance.table FILE…`. Cases shown by tests of another kind are named in `ELSEWHERE`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "acceptance.md"


@dataclass(frozen=True)
class Place:
    """Where a case is shown that no test of this folder names: file under tests/, test, in which words."""

    file: str
    test: str
    words: str
    protocols: tuple[str, ...] = ("ews", "graph")


#: In the same test run, in another folder.
ELSEWHERE = {
    98: Place("web/test_people.py", "test_an_occurrence_moved_over_its_neighbour", "refused in words, page and API"),
    158: Place("sync/test_series.py", "test_case_158_a_zone", "written once more, else reported; the server in memory"),
    187: Place(
        "push/test_graph_notices.py", "test_doubled_and_disordered_notices", "odd notices harm nothing", ("graph",)
    ),
    188: Place("push/test_graph_notices.py", "test_one_that_ended_while_we_were_down", "the gap is read", ("graph",)),
    143: Place("web/test_people.py", "test_a_colleague_who_does_not_sync_is_warned", "warned of before saving"),
    197: Place("proof/test_errors.py", "test_a_refused_access_is_named", "an expired secret pauses", ("graph",)),
    202: Place("proof/test_kills.py", "test_a_first_run_that_is_killed_five_times", "killed five times"),
    208: Place("proof/test_errors.py", "test_a_refused_access_is_named", "a withdrawn consent pauses", ("graph",)),
    209: Place("proof/test_errors.py", "test_a_refused_access_is_named", "impersonation denied is named", ("ews",)),
    220: Place("bench/test_bench.py", "test_case_220", "timed in both directions by the bench"),
    224: Place("web/test_words.py", "test_every_code_says_what_is_wrong", "every code has a cause and a next step"),
    229: Place("web/test_browser.py", "test_no_page_has_a_barrier_axe_knows", "keyboard and screen reader, every page"),
    230: Place("web/test_help.py", "test_every_example_of_the_help_works", "examples of the help are executed"),
}
_HEAD = """# Acceptance cases and their tests

Made by `python -m tests.acceptance.table` from the results of a test run at commit COMMIT; not to be edited by hand.

Every case runs over EWS (Exchange SE) and over Graph against the sandbox, through public surfaces, with three PSAs: the
built-in calendar, the sandbox's Severa, and (API) another Samklang over its Severa-compatible API; with the built-in
calendar also over the EWS of Exchange 2007 SP1 (2007). It ends with: a second run
writes nothing, nobody was mailed but whom the case names, every pair is equal or the case says why not, and there were
no more writes to Exchange than entries and single dates that changed there. Where Severa's API cannot hold what the
built-in calendar can, a case asserts what rule 13 says instead.

FIGURES

| case | what is shown | EWS | Graph | 2007 | Severa · EWS | Severa · Graph | API · EWS | API · Graph |
|---|---|---|---|---|---|---|---|---|
"""
_BESIDES = """| | EWS | Graph | 2007 | Severa · EWS | Severa · Graph | API · EWS | API · Graph |
|---|---|---|---|---|---|---|---|
"""
_SIGNS = {"passed": "✓", "skipped": "not yet", "failed": "**fails**"}
#: As the names of tests have them, in the order of the columns.
_COLUMNS = ("ews", "graph", "ews-2007", "ews-severa", "graph-severa", "ews-elsewhere", "graph-elsewhere")
#: Of a case shown elsewhere, in the columns of the other server and PSAs.
_NO_OTHER = " | –" * (len(_COLUMNS) - 2)
_OUTCOMES = {"failure": "failed", "error": "failed", "skipped": "skipped"}


@dataclass
class Results:
    """Outcomes by column of each test, by the cases and words of its name; figures summed over all."""

    by_test: dict[tuple[tuple[int, ...], str], dict[str, set[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    figures: Counter[str] = field(default_factory=Counter)
    #: By words: why there is nothing of it in Severa.
    not_in_severa: dict[str, str] = field(default_factory=dict)
    runs: int = 0

    def add(self, case: ElementTree.Element) -> None:
        name, _, parameters = case.get("name", "").partition("[")
        column = re.search(r"\b(ews|graph)(-2007|-severa|-elsewhere)?\b", parameters)
        if not name.startswith("test_") or column is None:
            return
        outcome = next((_OUTCOMES[part.tag] for part in case if part.tag in _OUTCOMES), "passed")
        self.by_test[cases_of(name), words_of(name)][column[0]].add(outcome)
        self.runs += 1
        for figure in case.iter("property"):
            figure_name, value = figure.get("name", ""), figure.get("value", "0")
            if figure_name == "not in Severa":
                self.not_in_severa[words_of(name)] = value
            else:
                self.figures[figure_name] += int(value)


def cases_of(name: str) -> tuple[int, ...]:
    """The numbers in a test's name, "test_case_88_89_a_pattern…"."""
    found = re.match(r"test_case_((?:\d+_)+)", name)
    return tuple(int(number) for number in found[1].split("_") if number) if found else ()


def words_of(name: str) -> str:
    return re.sub(r"^test_(case_(\d+_)+)?", "", name).replace("_", " ")


def named_here() -> set[int]:
    """The cases that tests of this folder name."""
    files = Path(__file__).parent.glob("test_*.py")
    return {case for file in files for name in _names(file) for case in cases_of(name)}


def named_elsewhere() -> dict[int, str]:
    """The file of each case that only a test of another folder names."""
    found = {
        case: file for file in sorted(TESTS.rglob("test_*.py")) for name in _names(file) for case in cases_of(name)
    }
    known = named_here() | ELSEWHERE.keys()
    return {case: file.relative_to(TESTS).as_posix() for case, file in found.items() if case not in known}


def _names(file: Path) -> list[str]:
    return re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.M)


def table(reports: list[Path]) -> str:
    results = Results()
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):
            results.add(case)
    tests = sorted(results.by_test.items())
    rows = [_row(cases, _with_reason(words, results), found) for (cases, words), found in tests if cases]
    rows += [_row_elsewhere(case, place) for case, place in ELSEWHERE.items()]
    beside = named_elsewhere()
    rows += [f"| {case} | (tests/{file}) | see there | see there{_NO_OTHER} |" for case, file in beside.items()]
    more = ["| " + _line(_with_reason(words, results), found) for (cases, words), found in tests if not cases]
    head = _HEAD.replace("COMMIT", _commit()).replace("FIGURES", _figures(results))
    text = head + "\n".join(sorted(rows, key=lambda row: int(re.findall(r"\d+", row)[0])))
    text += f"\n\n## Shown besides\n\n{_BESIDES}" + "\n".join(more) + "\n"
    return text


def _figures(results: Results) -> str:
    writes, places = results.figures["writes"], results.figures["places"]
    return (
        f"| over {results.runs} runs of the cases | |\n|---|---|\n"
        f"| writes to Exchange, as the server counted | {writes} |\n"
        f"| entries and single dates that changed there | {places} |\n"
        f"| writes of second runs | {results.figures['second run']} |\n"
        f"| mails, all of them such as rule 4.6 allows | {results.figures['mails']} |\n"
        f"| mails rule 4.6 does not allow | {results.figures['mails not allowed']} |"
    )


def _row(cases: tuple[int, ...], words: str, found: dict[str, set[str]]) -> str:
    return f"| {', '.join(map(str, cases))} | {_line(words, found)}"


def _line(words: str, found: dict[str, set[str]]) -> str:
    return f"{words} | {' | '.join(_sign(found[column]) for column in _COLUMNS)} |"


def _with_reason(words: str, results: Results) -> str:
    reason = results.not_in_severa.get(words)
    return f"{words} (not with Severa: {reason})" if reason else words


def _row_elsewhere(case: int, place: Place) -> str:
    seen = ["see there" if protocol in place.protocols else "–" for protocol in ("ews", "graph")]
    return f"| {case} | {place.words} (tests/{place.file}) | {' | '.join(seen)}{_NO_OTHER} |"


def _sign(outcomes: set[str]) -> str:
    return next((_SIGNS[outcome] for outcome in ("failed", "skipped", "passed") if outcome in outcomes), "–")


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, capture_output=True, check=True, text=True, cwd=PAGE.parent).stdout.strip()


if __name__ == "__main__":
    PAGE.write_text(table([Path(name) for name in sys.argv[1:]]), encoding="utf-8")
