"""As much of PowerShell's grammar as our scripts use: its tokens, and what they mean where they are literal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

#: What PowerShell takes for a single quote; a double quote has typographic forms too.
SINGLE = "'\u2018\u2019\u201a\u201b"
DOUBLE = '"\u201c\u201d\u201e'


@dataclass(frozen=True)
class Token:
    #: "literal" (single-quoted), "text" (double-quoted) or "bare".
    kind: str
    value: str


def tokens(script: str) -> list[Token]:
    """Raises ValueError where a string does not end."""
    return list(_tokens(script))


def _tokens(script: str) -> Iterator[Token]:
    at = 0
    while at < len(script):
        character = script[at]
        if character.isspace():
            at += 1
        elif character in SINGLE or character in DOUBLE:
            quotes = SINGLE if character in SINGLE else DOUBLE
            value, at = _string(script, at + 1, quotes)
            yield Token("literal" if quotes == SINGLE else "text", value)
        elif character.isalnum() or character in "-$@_.:":
            end = at + 1
            while end < len(script) and (script[end].isalnum() or script[end] in "-$@_.:"):
                end += 1
            yield Token("bare", script[at:end])
            at = end
        else:
            yield Token("bare", character)
            at += 1


def _string(script: str, at: int, quotes: str) -> tuple[str, int]:
    """The string that began before `at`, and where what follows it begins: a quote of any form ends it, two are the
    second of them. Ours hold no variable and no backtick in double quotes."""
    value = ""
    while at < len(script):
        if script[at] not in quotes:
            value += script[at]
        elif script[at + 1 : at + 2] and script[at + 1] in quotes:
            at += 1
            value += script[at]
        else:
            return value, at + 1
        at += 1
    raise ValueError("the string does not end")


def parameters(script: str) -> set[str]:
    """Names of parameters and operators, in small letters, and the commands."""
    return {
        token.value.split(":")[0].lower() for token in tokens(script) if token.kind == "bare" and "-" in token.value
    }


def literals(script: str) -> list[str]:
    return [token.value for token in tokens(script) if token.kind == "literal"]


def skeleton(script: str) -> list[str]:
    """The script without what its literals say: values must not change it."""
    return [token.kind if token.kind == "literal" else token.value for token in tokens(script)]
