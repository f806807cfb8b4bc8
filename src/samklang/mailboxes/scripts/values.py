"""What a script is ordered with, and what it is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class ScriptRefused(Exception):
    """No script can be written. `code`: why, in `script_words`; `field`: of which value of the order."""

    def __init__(self, code: str, field: str) -> None:
        self.code = code
        self.field = field
        super().__init__(f"{code}: {field}")


class Kind(StrEnum):
    """By what the mailboxes are limited."""

    EVERYBODY = "everybody"
    #: A distribution group or mail-enabled security group: name, address or distinguished name.
    GROUP = "group"
    #: An organizational unit: "contoso.com/Staff" or a distinguished name.
    OU = "ou"
    #: An OPATH filter: "Department -eq 'Sales'".
    FILTER = "filter"
    #: An administrative unit of Microsoft 365, by its id.
    UNIT = "unit"


@dataclass(frozen=True, slots=True)
class Scope:
    kind: Kind = Kind.EVERYBODY
    value: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What a script shall do. Values are as people typed them: nothing is quoted yet."""

    #: The delegate account, "CONTOSO\\sync" or "sync@contoso.com"; Exchange Server alone.
    account: str = ""
    #: The application's id; Microsoft 365 alone.
    app: str = ""
    scope: Scope = field(default=Scope())
    #: What the assignment and the scope are called in Exchange.
    name: str = "Samklang"
    #: Full access to the mailboxes besides, Exchange 2010 to SE: not needed to impersonate.
    full_access: bool = False
    #: A user's address to check with; may be empty.
    mailbox: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """Commands to paste into a shell, each part by itself; lines end with "\\n"."""

    grant: str
    check: str
    undo: str
    #: What to know before running it: codes of `script_words.NOTES`.
    notes: tuple[str, ...]


def lines(*commands: str | Iterable[str]) -> str:
    """Commands one after the other, those of lists included, empty ones left out."""
    flat = [one for each in commands for one in ([each] if isinstance(each, str) else each)]
    return "".join(command + "\n" for command in flat if command)
