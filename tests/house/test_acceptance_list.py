"""Every case of the acceptance list has its test, or a place that shows it; nothing is silently missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.acceptance.table import ELSEWHERE, TESTS, named_elsewhere, named_here

LIST = Path(__file__).parents[3] / "shared" / "spec" / "acceptance.md"


def test_every_case_of_the_list_has_a_test_or_a_stated_place() -> None:
    if not LIST.exists():
        pytest.skip("the acceptance list (../shared/spec/acceptance.md) is not beside this repository")
    listed = {int(number) for number in re.findall(r"^(\d+)\. ", LIST.read_text(encoding="utf-8"), re.M)}
    shown = named_here() | named_elsewhere().keys() | ELSEWHERE.keys()
    assert listed - shown == set(), "cases without a test or a place"
    assert shown - listed == set(), "tests and places of cases there are not"


@pytest.mark.parametrize("case", sorted(ELSEWHERE))
def test_a_place_that_shows_a_case_exists(case: int) -> None:
    place = ELSEWHERE[case]
    assert re.search(rf"^def {place.test}", (TESTS / place.file).read_text(encoding="utf-8"), re.M), place
