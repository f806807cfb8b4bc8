"""New text for an event that carries an online meeting: its block of join details must survive (Graph facts §4.1).

Exchange sets such a block off by two lines of underscores with a link between them; without it the join link breaks.
Pure.
"""

from __future__ import annotations

import html
import re

_LINE = "_{20,}"
_TEXT_BLOCK = re.compile(rf"^[ \t]*{_LINE}[ \t]*$.*^[ \t]*{_LINE}[ \t]*$", re.M | re.S)
_HTML_BLOCK = re.compile(
    # From the block element that holds the first line to the end of the one that holds the last.
    rf"<(div|p)\b[^>]*>(?:(?!</?(?:div|p)\b).)*?{_LINE}.*?<a\b[^>]*\bhref=.*{_LINE}(?:(?!<(?:div|p)\b).)*?</\1\s*>",
    re.I | re.S,
)


def has_meeting_block(text: str) -> bool:
    """Whether a plain text looks as if an online-meeting block is part of it."""
    return _TEXT_BLOCK.search(text) is not None


def with_meeting_block(current_html: str, text: str) -> str | None:
    """HTML of `text` followed by the block of `current_html`; None when that has none.

    What `text` holds between two lines of underscores is the block as we read it, and is not written twice.
    """
    block = _HTML_BLOCK.search(current_html)
    if block is None:
        return None
    own = html.escape(_TEXT_BLOCK.sub("", text).strip("\n"), quote=False)
    lines = own.replace("\r\n", "\n").replace("\n", "<br>\n")
    return f"<html><body><div>{lines}</div>\n{block.group()}</body></html>"
