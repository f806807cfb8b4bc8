"""One side as this run sees it: pages first, then questions by id."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from samklang.engine.materialize import whole_id
from samklang.engine.model import Gone, Link, LinkStatus, SeenActivity, SeenEvent, Side
from samklang.engine.rules import Rules, content
from samklang.sync.errors import ProtocolError, TokenRejected
from samklang.sync.known import Known, version_on
from samklang.sync.ports import Unreadable

S = TypeVar("S", SeenActivity, SeenEvent)

#: Ids asked for in one call of a port; connectors split further where their protocol wants it.
BATCH = 100


def alike(one: S, other: S, rules: Rules) -> bool:
    """True when nothing differs that a decision was made on: content, type, a meeting called off."""
    if isinstance(one, SeenActivity) and isinstance(other, SeenActivity) and one.type_id != other.type_id:
        return False
    if isinstance(one, SeenEvent) and isinstance(other, SeenEvent) and one.is_cancelled != other.is_cancelled:
        return False
    return content(one, rules) == content(other, rules)


@dataclass(frozen=True, slots=True)
class Page(Generic[S]):
    """A page of either port."""

    entries: Sequence[S]
    removed: Sequence[str]
    token: str | None
    #: What was listed but could not be read.
    unreadable: Sequence[Unreadable]


class Look(Generic[S]):
    """Everything seen of one side in one run, in one flat map; entries that stand as remembered are not kept."""

    def __init__(
        self,
        side: Side,
        known: Known,
        rules: Rules,
        get: Callable[[Sequence[str]], Mapping[str, S | None]],
    ) -> None:
        self.side = side
        self.seen: dict[str, S] = {}
        self.gone: dict[str, Gone] = {}
        #: By id.
        self.unreadable: dict[str, Unreadable] = {}
        #: Where the round ended.
        self.token: str | None = None
        #: The whole side was listed.
        self.complete = False
        #: Our token was rejected (rule 8.5).
        self.rejected = False
        self._known = known
        self._rules = rules
        self._get: Callable[[Sequence[str]], Mapping[str, S | None]] = get
        self._listed: set[str] = set()
        self._named: set[str] = set()
        self._due: set[str] = set()

    # -- pages

    def read(
        self, pages: Callable[[str | None], Iterator[Page[S]]], token: str | None, *, wholly: bool = False
    ) -> None:
        """Take in the changes since `token`; everything `wholly`, or when there is no token or it is rejected."""
        try:
            self._take(pages(None if wholly else token))
            self.complete = wholly or token is None
        except TokenRejected:
            if wholly or token is None:
                raise
            self.rejected = True
            self._begin_again()
            self._take(pages(None))
            self.complete = True
        if self.complete:
            missing = self._known.ids(self.side) - self._listed - self.unreadable.keys()
            self._conclude(missing, None if self.rejected else token)

    def reconcile(self, pages: Iterator[Page[S]], token: str) -> None:
        """Take in a complete listing that names what is missing and leaves out what has the version we know."""
        self._take(pages)
        self.complete = True
        missing, self._named = self._named, set()
        if not self._listed and missing < self._known.versions(self.side).keys():
            self._named = missing  # all that was listed is as we know it
        else:
            self._conclude(missing, token)

    def _conclude(self, missing: set[str], token: str | None) -> None:
        """Suspect what a complete listing missed. An empty one proves nothing (rule 8.1): the next run goes on from
        where this one began, and there removals have names."""
        if self._listed:
            self._named |= missing
        elif missing and token is not None:
            self.token = token

    def _take(self, pages: Iterator[Page[S]]) -> None:
        for page in pages:
            for seen in page.entries:
                self._listed.add(seen.id)
                self._notice(seen)
            self._named.update(page.removed)
            self.unreadable.update((unread.id, unread) for unread in page.unreadable)
            self.token = page.token
        if self.token is None:
            raise ProtocolError("no_token")
        # A series comes with all its occurrences (rule 5.5): what we know of one and did not see is suspected.
        for whole in {whole_id(entry_id) for entry_id in self._listed | self._named}:
            self._named.update(i for i in self._known.family(self.side, whole) if i not in self._listed)

    def _begin_again(self) -> None:
        for collected in (self.seen, self.gone, self.unreadable, self._listed, self._named):
            collected.clear()

    def _notice(self, seen: S) -> None:
        link = self._known.link_of(self.side, seen.id)
        if link is not None and self._stands(link, seen):
            self.seen.pop(seen.id, None)
        else:
            self.seen[seen.id] = seen

    def _stands(self, link: Link, seen: S) -> bool:
        """True when there is nothing to decide, not even a new version to remember."""
        return (
            link.status is LinkStatus.LINKED
            and seen.version == version_on(link, self.side)
            and not self._differs(link, seen)
        )

    def _differs(self, link: Link, seen: S) -> bool:
        if isinstance(seen, SeenActivity) and seen.type_id != link.type_id:
            return True
        if isinstance(seen, SeenEvent) and seen.is_cancelled:
            return True
        return content(seen, self._rules) != dict(link.base.of(self.side))

    # -- questions by id

    def confirm_removals(self) -> None:
        """Ask for every entry we know of that a listing named or missed."""
        self.ask({i for i in self._named if self._known.concerns(self.side, i)}, keep=False)

    def lose(self, ids: Collection[str], listing: Callable[[], Iterator[Page[S]]]) -> None:
        """These ids are of no entry any longer, and nothing was deleted. What there is instead is listed, unless it
        was; where that shows nothing, they wait (rule 8.1)."""
        self.rejected = True
        if not self.complete:
            self._begin_again()
            self._take(listing())
            self.complete = True
            self._conclude(self._known.ids(self.side) - self._listed - self.unreadable.keys(), None)
            self.confirm_removals()
        for entry_id in ids:
            if self._listed:
                self.unreadable.pop(entry_id, None)
                self.gone[entry_id] = Gone.CONFIRMED
            else:
                self.unreadable.setdefault(entry_id, Unreadable(entry_id))

    def retry_due(self, now: datetime) -> None:
        """Fetch the set-aside entries whose next try has come."""
        self._due = self._known.due(self.side, now)
        self.ask(self.missing(self._due))

    def missing(self, ids: Collection[str]) -> set[str]:
        """Those of `ids` this run knows nothing of yet."""
        return {i for i in ids if i not in self.seen and i not in self.gone and i not in self.unreadable}

    def ask(self, ids: Collection[str], *, keep: bool = True) -> None:
        """Fetch entries by id; without `keep`, those that stand as remembered are dropped again."""
        wanted = sorted(ids)
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            answer = self._get(batch)
            for entry_id in batch:
                self._hear(entry_id, answer, keep)

    def _hear(self, entry_id: str, answer: Mapping[str, S | None], keep: bool) -> None:
        if entry_id not in answer:
            self.unreadable.setdefault(entry_id, Unreadable(entry_id))
            return
        self.unreadable.pop(entry_id, None)
        seen = answer[entry_id]
        if seen is None or (isinstance(seen, SeenEvent) and seen.elsewhere):
            self.gone[entry_id] = Gone.CONFIRMED if seen is None else Gone.MOVED
            self.seen.pop(entry_id, None)
        elif keep:
            self.seen[entry_id] = seen
        else:
            self._notice(seen)

    def touched(self, link: Link, entry_id: str) -> bool:
        """True when what this run saw of the entry may lead to a write on the other side."""
        if entry_id in self.gone or entry_id in self._due:
            return True
        seen = self.seen.get(entry_id)
        return seen is not None and self._differs(link, seen)
