"""What earlier runs remember of a mailbox, found by the ids of either side."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

from samklang.engine.marks import is_absent
from samklang.engine.materialize import whole_id
from samklang.engine.model import Link, LinkStatus, SetAside, Side


def id_on(link: Link, side: Side) -> str | None:
    """The id of the link's entry on `side`."""
    return link.psa_id if side is Side.PSA else link.item_id


def version_on(link: Link, side: Side) -> str:
    """The version of the link's entry on `side` when it was last looked at."""
    return link.psa_version if side is Side.PSA else link.item_version


class Known:
    """All links and set-aside entries of a mailbox."""

    def __init__(self, links: Iterable[Link], aside: Iterable[SetAside]) -> None:
        self._links: dict[str, Link] = {}
        self._by_entry: dict[tuple[Side, str], Link] = {}
        self._families: dict[tuple[Side, str], set[str]] = {}
        self.aside: Mapping[tuple[Side, str], SetAside] = {(a.side, a.id): a for a in aside}
        for waiting in self.aside:
            self._relate(*waiting)
        for link in links:
            self.keep(link)

    def _relate(self, side: Side, entry_id: str) -> None:
        self._families.setdefault((side, whole_id(entry_id)), set()).add(entry_id)

    def family(self, side: Side, whole: str) -> Collection[str]:
        """A series and its parts (rule 5.5), as far as we know, or ever knew in this run, anything of them."""
        return self._families.get((side, whole), ())

    def keep(self, link: Link) -> None:
        """Remember a link as it is now."""
        self._links[link.id] = link
        for side in Side:
            entry_id = id_on(link, side)
            if entry_id is not None:
                self._by_entry[side, entry_id] = link
                self._relate(side, entry_id)

    def drop(self, link: Link) -> None:
        """Forget a link; its entries are as new."""
        self._links.pop(link.id, None)
        for side in Side:
            entry_id = id_on(link, side)
            if entry_id is not None:
                self._by_entry.pop((side, entry_id), None)

    def of_id(self, link_id: str) -> Link | None:
        return self._links.get(link_id)

    def links(self) -> tuple[Link, ...]:
        return tuple(self._links.values())

    def creating(self) -> Iterator[Link]:
        """Links whose create was begun and never recorded as done."""
        return (link for link in self.links() if link.status is LinkStatus.CREATING)

    def link_of(self, side: Side, entry_id: str) -> Link | None:
        return self._by_entry.get((side, entry_id))

    def plain_copy_of(self, activity_id: str) -> Link | None:
        """The link of the user's own copy of an activity, which is no meeting of its own."""
        link = self._by_entry.get((Side.PSA, activity_id))
        plain = link is not None and link.status is LinkStatus.LINKED and not link.role.is_meeting
        return link if plain else None

    def concerns(self, side: Side, entry_id: str) -> bool:
        """True for an entry we know anything of, and not that it is gone."""
        link = self._by_entry.get((side, entry_id))
        return (link is not None and not is_absent(link, side)) or (side, entry_id) in self.aside

    def ids(self, side: Side) -> set[str]:
        """Every entry of `side` we know anything of, but for those a mark remembers as gone."""
        linked = {i for (s, i), link in self._by_entry.items() if s is side and not is_absent(link, side)}
        return linked | {i for s, i in self.aside if s is side}

    def versions(self, side: Side) -> Mapping[str, str]:
        """Id -> version of every entry of `side` we know anything of, but for those a mark remembers as gone."""
        here = ((i, link) for (s, i), link in self._by_entry.items() if s is side and not is_absent(link, side))
        return {i: version_on(link, side) for i, link in here}

    def waits(self, link: Link, now: datetime) -> bool:
        """True while an entry of the link is set aside and its next try has not come."""
        waiting = (self.aside.get((side, id_on(link, side) or "")) for side in Side)
        return any(one is not None and (one.retry_at is None or one.retry_at > now) for one in waiting)

    def due(self, side: Side, now: datetime) -> set[str]:
        """Set-aside entries of `side` whose next try has come."""
        return {i for (s, i), a in self.aside.items() if s is side and a.retry_at is not None and a.retry_at <= now}
