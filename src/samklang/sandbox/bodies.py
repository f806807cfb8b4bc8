"""Texts as Exchange keeps them: always HTML, rewritten; asked for as text, converted (Graph facts §4.1
`body`).

The rewriting is of the kind Exchange does, not letter for letter: see the assumptions in docs/sandbox.md.
"""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

_HEAD = '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
_FROM_TEXT = (
    "<html>\r\n<head>\r\n" + _HEAD + '\r\n<meta name="Generator" content="Microsoft Exchange Server">\r\n'
    "<!-- converted from text -->\r\n<style><!-- .EmailQuote { margin-left: 1pt; padding-left: 4pt; "
    "border-left: #800000 2px solid; } --></style></head>\r\n<body>\r\n"
    '<font size="2"><span style="font-size:11pt;"><div class="PlainText">%s</div></span></font>\r\n'
    "</body>\r\n</html>\r\n"
)
_TEXT_HEAD, _TEXT_TAIL = _FROM_TEXT.split("%s")
_FROM_HTML = "<html>\r\n<head>\r\n" + _HEAD + "\r\n</head>\r\n<body>\r\n%s\r\n</body>\r\n</html>\r\n"
_NEVER_KEPT = re.compile(r"<(script|object|iframe)\b.*?</\1\s*>|\son\w+\s*=\s*(\"[^\"]*\"|'[^']*')", re.I | re.S)
_BODY = re.compile(r"<body\b[^>]*>(.*?)(</body\s*>|\Z)", re.I | re.S)
_BLOCKS = frozenset(
    (
        "blockquote",
        "div",
        "dl",
        "dt",
        "dd",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "ol",
        "p",
        "pre",
        "table",
        "tr",
        "ul",
    )
)
_SILENT = frozenset(("head", "style", "script", "title"))


def from_text(text: str) -> str:
    """The HTML Exchange stores for a plain text; empty stays empty."""
    if not text:
        return ""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    spaced = (re.sub(r"^ |(?<= ) |\t", "&nbsp;", html.escape(line, quote=False)) for line in lines)
    return _FROM_TEXT % "<br>\r\n".join(spaced)


def from_html(content: str) -> str:
    """The HTML Exchange stores for HTML: its own frame, scripts gone, line ends CRLF; empty stays empty."""
    if not content.strip():
        return ""
    cleaned = _NEVER_KEPT.sub("", content)
    found = _BODY.search(cleaned)
    inner = (found.group(1) if found else cleaned).strip().replace("\r\n", "\n")
    return _FROM_HTML % inner.replace("\n", "\r\n")


def stored(kind: str, content: str) -> str:
    """`kind` is text or html, in any case."""
    return from_text(content) if kind.lower() == "text" else from_html(content)


def to_text(content: str) -> str:
    """The text Exchange shows for stored HTML: lines end with CRLF, links as `words<address>`."""
    if not content:
        return ""
    if content.startswith(_TEXT_HEAD) and content.endswith(_TEXT_TAIL):  # our own frame: no need to parse it
        inner = content[len(_TEXT_HEAD) : -len(_TEXT_TAIL)]
        lines = html.unescape(inner.replace("<br>\r\n", "\n")).replace("\u00a0", " ").split("\n")
        return "\r\n".join(line.rstrip() for line in lines).strip("\r\n")
    reader = _Text()
    reader.feed(content)
    reader.close()
    lines = "".join(reader.parts).replace("\u00a0", " ").split("\n")
    return "\r\n".join(line.rstrip() for line in lines).strip("\r\n")


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0
        self._link = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "br":
            self.parts.append("\n")
        elif tag in _BLOCKS:
            self._new_line()
        elif tag == "li":
            self._new_line()
            self.parts.append("  *   ")
        elif tag == "a":
            self._link = dict(attrs).get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "p":
            self._new_line()
            self.parts.append("\n")
        elif tag in _BLOCKS or tag == "li":
            self._new_line()
        elif tag == "a" and self._link:
            if self.parts and self.parts[-1].strip() != self._link:
                self.parts.append(f"<{self._link}>")
            self._link = ""

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        words = re.sub(r"[ \t\r\n]+", " ", data)
        if not self.parts or self.parts[-1].endswith(("\n", " ")):
            words = words.lstrip(" ")
        if words:
            self.parts.append(words)

    def _new_line(self) -> None:
        if self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")
