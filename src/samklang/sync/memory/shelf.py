"""What both memory calendars share: entries with versions, a change log, tokens that can be forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from samklang.engine.canonical import with_fields
from samklang.engine.model import Entry, SeenActivity, SeenEvent
from samklang.sync.errors import NotFound, TokenRejected, VersionConflict
from samklang.sync.memory.faults import Faults

#: What of a series its occurrences follow, with the field key of each.
_FOLLOWED = {
    "title": "title",
    "when": "time",
    "place": "place",
    "text": "text",
    "sensitivity": "sensitivity",
    "recurrence": "recurrence",
}


def edited(entry: Entry, changes: Mapping[str, Any]) -> Entry:
    """The entry with attributes changed by a person: what an occurrence has of its own stays, the rest follows."""
    plain = {name: value for name, value in changes.items() if name in _FOLLOWED}
    after = with_fields(entry, replace(entry, **plain), {_FOLLOWED[name] for name in plain})
    return replace(after, **{name: value for name, value in changes.items() if name not in plain})


S = TypeVar("S", SeenActivity, SeenEvent)


class Shelf(Generic[S]):
    """Entries of one side, whole; every change gives a new version and a line in the change log."""

    def __init__(self, name: str, clock: Callable[[], datetime], faults: Faults, page_size: int) -> None:
        self.name = name
        self.faults = faults
        self.page_size = page_size
        #: Writes asked of the server by us, by kind; a refused or lost one counts too.
        self.writes: dict[str, int] = {"create": 0, "update": 0, "delete": 0}
        #: Called once, in order, just before the next conditional writes: somebody edits meanwhile.
        self.meanwhile: list[Callable[[], None]] = []
        #: The next so many answers of `get` about changed entries come from a replica that lags one version behind.
        self.stale_gets = 0
        #: Ids a listing leaves out although they are there.
        self.omits: set[str] = set()
        self._clock = clock
        self._shown: dict[str, S] = {}
        self._before: dict[str, S] = {}
        self._log: list[str] = []
        self._made = 0
        self._generation = 0

    @property
    def all_writes(self) -> int:
        """Every write asked of the server by us."""
        return sum(self.writes.values())

    def forget_tokens(self) -> None:
        """Every token handed out so far is rejected from here on."""
        self._generation += 1

    def miss_changes(self, count: int) -> None:
        """The change log loses its last lines: only a full listing tells of them."""
        self._log[-count:] = [""] * count

    def shown(self) -> dict[str, S]:
        """What a person sees when he looks: the entries by id."""
        return dict(self._shown)

    def listing(self, token: str | None) -> tuple[list[str], str]:
        """Ids changed since `token` (all without one), oldest change first, and the next token."""
        next_token = f"{self._generation}.{len(self._log)}"
        if token is None:
            return list(self._shown), next_token
        generation, position = map(int, token.split("."))
        if generation != self._generation:
            raise TokenRejected
        changed = dict.fromkeys(i for i in reversed(self._log[position:]) if i)
        return list(reversed(changed)), next_token

    def pages(self, ids: Sequence[str]) -> Iterator[tuple[Sequence[str], bool]]:
        """Slices of `ids` and whether each is the last; at least one, each counted as a call."""
        starts = range(0, max(len(ids), 1), self.page_size)
        for start in starts:
            with self.faults.call(f"{self.name}.read"):
                page = [i for i in ids[start : start + self.page_size] if i not in self.omits]
            yield page, start == starts[-1]

    def look(self, entry_id: str) -> S | None:
        """One answer of `get`."""
        if self.stale_gets > 0 and entry_id in self._before and entry_id in self._shown:
            self.stale_gets -= 1
            return self._before[entry_id]
        return self._shown.get(entry_id)

    def keyed(self, key: str) -> S | None:
        return next((seen for seen in self._shown.values() if seen.key == key), None)

    def fresh_id(self) -> str:
        self._made += 1
        return f"{self.name}-{self._made}"

    def put(self, seen: S, edited: datetime | None = None) -> S:
        """Store under `seen.id` with a new version; its stamp says when it was edited: now, if not given."""
        if seen.id in self._shown:
            self._before[seen.id] = self._shown[seen.id]
        self._log.append(seen.id)
        self._shown[seen.id] = replace(seen, version=f"v{len(self._log)}", modified=edited or self._clock())
        return self._shown[seen.id]

    def take(self, entry_id: str) -> S:
        """Remove from sight."""
        self._log.append(entry_id)
        return self._shown.pop(entry_id)

    def current(self, seen: S) -> S:
        """The entry a conditional write is about; raises NotFound or VersionConflict."""
        if self.meanwhile:
            self.meanwhile.pop(0)()
        held = self._shown.get(seen.id)
        if held is None:
            raise NotFound
        if held.version != seen.version:
            raise VersionConflict
        return held
