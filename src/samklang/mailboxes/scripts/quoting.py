"""Any value as one literal of PowerShell, or a refusal that says what is wrong with it."""

from __future__ import annotations

import re
import unicodedata

from samklang.mailboxes.scripts.values import ScriptRefused

#: To PowerShell all of these end a single-quoted string; written twice, each stands for itself. Nothing else is special
#: in one: neither $, nor the backtick, nor double quotes.
_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")
#: Characters: no name, address, path or filter that Exchange takes is longer.
_LONGEST = 1024
#: Characters a name of an assignment or a scope may have (EWS facts §4).
NAME_LONGEST = 64
#: Line breaks and other controls, and characters that cannot be seen or turn the direction of a line: a script must be
#: what it looks like.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_OPATH_TEXT = re.compile(r"""'(?:[^']|'')*'|"[^"]*\"""")


def literal(value: str, field: str, longest: int = _LONGEST) -> str:
    """The value as a single-quoted string. Raises ScriptRefused, naming `field`."""
    value = value.strip()
    if not value:
        raise ScriptRefused("value_missing", field)
    if len(value) > longest:
        raise ScriptRefused("value_too_long", field)
    if any(unicodedata.category(character) in _UNSEEN for character in value):
        raise ScriptRefused("value_unseen", field)
    return quoted(value)


def quoted(text: str) -> str:
    """A text of ours, or one that was looked at, as a single-quoted string."""
    return "'" + _QUOTES.sub(r"\1\1", text) + "'"


def opath_literal(expression: str, field: str) -> str:
    """An OPATH filter as a single-quoted string: nothing in it is the shell's to expand.

    Raises ScriptRefused, also where its own quotation marks do not come in pairs.
    """
    if re.search("['\"]", _OPATH_TEXT.sub("", expression)):
        raise ScriptRefused("filter_quotes", field)
    return literal(expression, field)


def group_filter(group: str) -> tuple[str, str]:
    """Lines that leave the OPATH filter for the direct members of a group in $filter.

    The group's distinguished name is looked up where the script runs, and quoted there (EWS facts §4). A group that is
    not found leaves a filter nobody matches.
    """
    return (
        f"$group = Get-DistributionGroup -Identity {literal(group, 'scope')}",
        """$filter = "MemberOfGroup -eq '" + ($group.DistinguishedName -replace "'", "''") + "'\"""",
    )
