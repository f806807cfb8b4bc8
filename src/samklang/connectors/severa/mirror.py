"""The mirror: an organization's activities as last seen in Severa, shared by all its mailboxes and processes.

Severa tells of changes by organization, not by user (facts §5.1), so they are read once for all and each user's share
is taken from here. Nothing is decided by the mirror: before a write the activity is read again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Row:
    """One activity; `content` is JSON of `schema.Whole`, and stays after the activity is gone (rule 13.1)."""

    id: str
    #: PSA ids of those who own it or take part.
    users: frozenset[str]
    content: bytes
    gone: bool = False
    #: Given by `put`: greater than that of every row written before.
    number: int = 0


@dataclass(frozen=True, slots=True)
class Creation:
    """A create that was begun with a key, and what came of it (rule 13.2)."""

    #: JSON of what was about to be made, and since when.
    content: bytes
    #: "" until it is known.
    id: str = ""


class Mirror(Protocol):
    """Each method is one transaction; nothing stays open across a remote call."""

    def alone(self, what: str) -> AbstractContextManager[None]:
        """Let one process at a time do `what`; the others wait. Raises Throttled when that takes too long."""

    def epoch(self) -> str:
        """Names this mirror; another one, made after it was lost, has another name."""

    def state(self, name: str) -> bytes:
        """What was stored by this name; empty at first."""

    def save_state(self, name: str, state: bytes) -> None: ...

    def get(self, ids: Collection[str]) -> Mapping[str, Row]: ...

    def put(self, rows: Sequence[Row]) -> None:
        """Insert or replace, each with a fresh number."""

    def succeed(self, old: str, new: str) -> None:
        """`new` was made in the place of `old`, which goes: every link of a mailbox to `old`, and its history, is
        of `new` from now on (rules 13.1, 13.3)."""

    def newest(self) -> int:
        """Number of the row written last."""

    def since(self, number: int, user_id: str) -> Sequence[Row] | None:
        """Rows the user owns or takes part in that were written after `number`, and those he left since, oldest first;
        None where some were forgotten."""

    def of_user(self, user_id: str) -> Iterator[Row]:
        """Rows he owns or takes part in that are not gone."""

    def there(self) -> Iterator[Row]:
        """All rows that are not gone."""

    def creation(self, key: str) -> Creation | None: ...

    def save_creation(self, key: str, creation: Creation) -> None: ...
