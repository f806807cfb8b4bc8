"""Every rule an action can carry has a sentence (rule 11.3)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import samklang.engine
from samklang.engine.explain import SENTENCES, why

SOURCES = Path(samklang.engine.__file__).parent


def test_rule_11_3_every_rule_an_action_carries_has_a_sentence() -> None:
    sources = [path.read_text() for path in SOURCES.glob("*.py") if path.name != "explain.py"]
    carried = {rule for source in sources for rule in re.findall(r'"(\d+\.\d+)"', source)}
    assert carried == set(SENTENCES)
    assert all(why(rule).endswith(".") for rule in carried)


def test_an_unknown_rule_has_none() -> None:
    with pytest.raises(KeyError):
        why("99.9")
