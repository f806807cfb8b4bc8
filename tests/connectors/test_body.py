"""A new text leaves the block of an online meeting standing."""

from __future__ import annotations

from samklang.connectors.body import has_meeting_block, with_meeting_block
from samklang.engine.canonical import text_from_html

LINE = "_" * 80
BLOCK = (
    f'<div style="width:100%; height:20px"><span style="color:#5F5F5F">{LINE}</span></div>'
    '<div class="me-email-text"><span>Microsoft Teams</span><div>'
    '<a class="join" href="https://teams.microsoft.com/l/meetup-join/19%3ameeting">Join the meeting</a></div></div>'
    f'<div style="width:100%; height:20px"><span style="color:#5F5F5F">{LINE}</span></div>'
)
STORED = f"<html><body><div>Agenda: old</div><br>{BLOCK}</body></html>"


def test_the_block_stands_whole_behind_the_new_text() -> None:
    new = with_meeting_block(STORED, "Agenda: new & <short>\nsecond line")
    assert new is not None
    assert BLOCK in new
    assert text_from_html(new).startswith("Agenda: new & <short>\nsecond line\n")
    assert "old" not in new


def test_a_text_that_holds_the_block_as_we_read_it_does_not_double_it() -> None:
    read = text_from_html(STORED)
    assert has_meeting_block(read)
    again = with_meeting_block(STORED, read.replace("old", "new"))
    assert again is not None
    assert text_from_html(again).count("Join the meeting") == 1
    assert again.count(LINE) == 2


def test_a_body_without_such_a_block_is_replaced_as_any_other() -> None:
    assert not has_meeting_block(f"Sign here: {LINE}")
    assert with_meeting_block("<html><body><p>Agenda</p></body></html>", "new") is None
