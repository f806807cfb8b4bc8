"""Texts as Exchange keeps them and gives them back."""

from __future__ import annotations

import pytest

from samklang.sandbox import bodies


@pytest.mark.parametrize(
    "text", ["", "en rad", "rad 1\r\nrad 2", "  två  mellanslag", '<b> & "citat"', "tom\r\n\r\nrad", "åäö – 🎉"]
)
def test_a_text_comes_back_though_it_is_kept_as_html(text: str) -> None:
    kept = bodies.from_text(text)
    assert kept != text or not text
    assert bodies.to_text(kept) == text
    assert bodies.to_text(bodies.from_html(kept)) == text, "the same without the frame we know"


def test_html_is_framed_cleaned_and_read_as_text() -> None:
    kept = bodies.from_html(
        '<p onclick="x()">Hej <b>du</b></p><script>evil()</script><ul><li>ett</li><li>två</li></ul>'
    )
    assert "script" not in kept
    assert "onclick" not in kept
    assert bodies.to_text(kept) == "Hej du\r\n\r\n  *   ett\r\n  *   två"
    assert bodies.to_text('<a href="https://example.com">länk</a>') == "länk<https://example.com>"
