"""The words and lines a reader sees in the HTML of a body. Pure, and linear: anybody may send an invitation.

Not a browser: what Exchange stores is simple HTML. `html.parser` was five times slower, and takes quadratic time on
malformed input in the Python versions we run on.
"""

from __future__ import annotations

import re
from html import unescape

# Group 1 is the name of a tag, "/" before it for an end tag; None for comments, doctypes and "<![if …]>". Possessive,
# so that an unclosed quote is given up at once.
_TAG = re.compile(r"<(/?[a-zA-Z][^\s/<>]*)(?:[^<>\"']+|\"[^\"]*\"|'[^']*')*+>|<[!?][^<>]*>")
_SPACES = re.compile(r"[ \t\r\n]+")

_HIDDEN = ("head", "style", "script", "title", "template")
_BLOCKS = (  # noqa: SIM905  # thirty quoted names read worse
    "address article aside blockquote dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p "
    "pre section table tbody tfoot thead tr ul"
).split()
_LINE, _BREAK, _CELL, _HIDE, _BODY = range(5)
_MEANING = {
    **{end + name: _LINE for name in _BLOCKS for end in ("", "/")},
    "br": _BREAK,
    "td": _CELL,
    "th": _CELL,
    **dict.fromkeys(_HIDDEN, _HIDE),
    "body": _BODY,
}


def visible_text(html: str) -> str:
    """Text with "\\n" line ends: each block on lines of its own, white space folded as in a browser except in <pre>."""
    parts: list[str] = []
    line_start, after_space = True, False
    hidden_until, preformatted = "", 0
    pieces = _TAG.split(_without_comments(html))
    for position, piece in enumerate(pieces):
        if position % 2 == 0:
            if not piece or hidden_until:
                continue
            text = unescape(piece) if "&" in piece else piece
            if not preformatted:
                text = _SPACES.sub(" ", text)
                if (line_start or after_space) and text[0] == " ":
                    text = text[1:]
            if text:
                parts.append(text)
                line_start, after_space = text[-1] == "\n", text[-1] == " "
            continue
        meaning = None if piece is None else _MEANING.get(piece, -1)
        if meaning == -1:
            piece = piece.lower()
            meaning = _MEANING.get(piece)
        if hidden_until:
            # A body ends a head that nobody closed.
            if piece == hidden_until or (meaning == _BODY and hidden_until == "/head"):
                hidden_until = ""
        elif meaning == _LINE:
            if piece.endswith("pre"):
                preformatted = max(0, preformatted + (-1 if piece[0] == "/" else 1))
            if not line_start:
                parts.append("\n")
                line_start, after_space = True, False
        elif meaning == _BREAK:
            parts.append("\n")
            line_start, after_space = True, False
        elif meaning == _CELL:
            if not line_start:
                parts.append(" ")
                after_space = True
        elif meaning == _HIDE:
            hidden_until = "/" + piece
    return "".join(parts)


def _without_comments(html: str) -> str:
    """What stands between comments; an unclosed one hides the rest."""
    if "<!--" not in html:
        return html
    first, *others = html.split("<!--")
    return first + "".join(other.partition("-->")[2] for other in others)
