"""Every seeded bug still has its place in the code, and is a bug, not a slip of the pen."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from tests.bugs.catalogue import ROOT, Bug, areas, bugs


@pytest.mark.parametrize("area", areas())
def test_each_seed_applies_to_the_code_as_it_stands(area: str) -> None:
    wrong = [f"{bug.name}: {fault}" for bug in bugs([area]) if (fault := _fault(bug))]
    assert not wrong, "\n".join(wrong)


def _fault(bug: Bug) -> str:
    path = ROOT / bug.file
    if not path.is_file():
        return f"there is no {bug.file}"
    right = path.read_text()
    if (count := right.count(bug.old)) != 1:
        return f"its place in {bug.file} is found {count} times"
    if bug.old == bug.new:
        return "it changes nothing"
    if missing := [file for file in bug.files if not (ROOT / file).exists()]:
        return f"there is no {missing[0]}"
    if not bug.files:
        return "no test file is named"
    if path.suffix == ".py":
        try:
            ast.parse(right.replace(bug.old, bug.new))
        except SyntaxError as error:
            return f"it is no Python: {error}"
    return ""


def test_names_tell_them_apart() -> None:
    names = Counter((bug.area, bug.name) for bug in bugs())
    assert [name for name, count in names.items() if count > 1] == []
