"""What a server's own code means to a run: one value for each code we know, by which a connector acts.

The help lists the same values (`mailboxes.error_table`), so that what it says and what is done cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from samklang.sync.errors import SyncError, Throttled


class Meaning(NamedTuple):
    #: For the entry, the mailbox or the connection, and whether waiting helps.
    kind: type[SyncError]
    #: Our name for it; None: that of the kind.
    name: str | None = None

    @property
    def code(self) -> str:
        return self.name or self.kind.code

    def error(self, detail: str, wait: float | None = None) -> SyncError:
        """The error to raise. `detail`: the server's own code; `wait`: seconds it asks for, where it asks to wait."""
        return Throttled(wait, detail) if issubclass(self.kind, Throttled) else self.kind(self.name, detail)


def each(kind: type[SyncError], name: str | None, *codes: str) -> Mapping[str, Meaning]:
    """The same meaning for several codes."""
    return dict.fromkeys(codes, Meaning(kind, name))
