"""Every rule that decides about an entry has a sentence for people (rule 11.3)."""

from __future__ import annotations

import re
from pathlib import Path

from django.utils import translation

import samklang
from samklang.mailboxes.reasons import RULES, field, field_order, why

SOURCE = Path(samklang.__file__).parent


def test_rule_11_3_every_rule_an_action_carries_has_a_sentence() -> None:
    sources = [path.read_text() for place in ("engine", "sync") for path in (SOURCE / place).rglob("*.py")]
    carried = {rule for source in sources for rule in re.findall(r'"(\d+\.\d+)"', source)} - {"10.1"}
    assert sorted(carried - set(RULES)) == []
    assert all(why(rule).endswith(".") for rule in RULES)


def test_an_unknown_rule_has_none() -> None:
    assert why("99.9") == ""


def test_fields_have_names_and_an_order_people_read_them_in() -> None:
    with translation.override("en"):
        _speaks_of_fields()


def _speaks_of_fields() -> None:
    assert field("x:2026-03-02:title") == "Title on 2026-03-02"
    assert field("x:2026-03-02") == "Occurrence of 2026-03-02"
    assert sorted(["text", "x:2026-03-02", "title", "time"], key=field_order) == [
        "title",
        "time",
        "text",
        "x:2026-03-02",
    ]
