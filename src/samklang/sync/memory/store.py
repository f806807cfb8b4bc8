"""What we know of one mailbox, in memory. Each method is one commit: it takes effect whole or not at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from samklang.engine.actions import NearMatch
from samklang.engine.marks import DELETED
from samklang.engine.model import Base, ColleagueLink, Fields, Link, LinkStatus, SetAside, Side
from samklang.sync.memory.faults import Faults
from samklang.sync.ports import Begun, Change, MailboxState, Tokens


class MemoryStore:
    """Implements `ports.Store`."""

    def __init__(self, *, faults: Faults | None = None, mailbox_id: str = "mailbox", address: str = "") -> None:
        self.faults = faults or Faults()
        #: Writes by the id they were begun under, in order; those not settled yet are in `_begun`.
        self._journal: dict[str, Change] = {}
        self._begun: set[str] = set()
        self._writes = 0
        self.near: list[NearMatch] = []
        #: Progress reports, in order.
        self.reports: list[Mapping[str, int]] = []
        #: The user asks the run to stop after so many more questions; None: never.
        self.stop_after: int | None = None
        self._state = MailboxState(mailbox_id)
        self._links: dict[str, Link] = {}
        self._aside: dict[tuple[Side, str], SetAside] = {}
        self._made = 0
        self.address = address
        #: The stores of the colleagues' mailboxes.
        self.colleagues: list[MemoryStore] = []

    @property
    def journal(self) -> list[Change]:
        return list(self._journal.values())

    def state(self) -> MailboxState:
        with self.faults.call("store.state"):
            return self._state

    def links(self) -> Sequence[Link]:
        with self.faults.call("store.links"):
            return tuple(self._links.values())

    def set_aside(self) -> Sequence[SetAside]:
        with self.faults.call("store.set_aside"):
            return tuple(self._aside.values())

    def meetings(self, uids: Collection[str], psa_ids: Collection[str]) -> Sequence[ColleagueLink]:
        with self.faults.call("store.meetings"):
            return [
                ColleagueLink(
                    link.uid, link.psa_id, link.role, store.address, link.status is LinkStatus.LINKED, link.base
                )
                for store in self.colleagues
                for link in store._links.values()
                if link.status is LinkStatus.LINKED or (link.status is LinkStatus.UNLINKED and link.reason != DELETED)
                if link.psa_id
                if link.uid in uids or (link.role.is_meeting and link.psa_id in psa_ids)
            ]

    def being_made(self, keys: Collection[str]) -> Collection[str]:
        with self.faults.call("store.being_made"):
            links = (link for store in self.colleagues for link in store._links.values())
            return {link.key for link in links if link.status is LinkStatus.CREATING and link.key in keys}

    def begin_create(
        self, side: Side, seen_id: str, link: Link | None, base: Base | None = None, key: str = "", uid: str = ""
    ) -> Link:
        with self.faults.call("store.begin_create"):
            self._made += 1
            if link is None:
                link = Link(f"link-{self._made}", LinkStatus.LINKED, None, None, born=side.other)
            key = link.key if link.status is LinkStatus.CREATING else key or f"{self._state.mailbox_id}-{self._made}"
            if side is Side.EXCHANGE:
                link = replace(link, psa_id=seen_id, item_id=None, item_version="")
            else:
                link = replace(link, item_id=seen_id, psa_id=None, psa_version="")
            begun = replace(
                link, status=LinkStatus.CREATING, key=key, base=base or link.base, reason="", uid=uid or link.uid
            )
            self._keep(begun)
            return begun

    def begin(self, change: Change) -> str:
        with self.faults.call("store.begin"):
            begun_id = self._write_down(change)
            self._begun.add(begun_id)
            return begun_id

    def begun(self) -> Sequence[Begun]:
        return tuple(Begun(one, self._journal[one]) for one in sorted(self._begun))

    def gone_over(self, item_id: str) -> Sequence[Fields]:
        with self.faults.call("store.gone_over"):
            return [one.before for one in self.journal if (one.item_id, one.kind) == (item_id, "update")]

    def settle(self, begun_id: str, *, happened: bool) -> None:
        with self.faults.call("store.settle"):
            self._begun.discard(begun_id)
            if not happened:
                self._journal.pop(begun_id, None)

    def record(self, link: Link | None, change: Change | None = None, *, remove: bool = False, begun: str = "") -> None:
        with self.faults.call("store.record"):
            if link is not None:
                self._lift(link)
                if remove:
                    self._links.pop(link.id, None)
                else:
                    self._keep(link)
            if change is not None:
                self._write_down(change, begun)
                self._begun.discard(begun)

    def _write_down(self, change: Change, begun_id: str = "") -> str:
        if not begun_id:
            self._writes += 1
            begun_id = f"write-{self._writes}"
        self._journal[begun_id] = change
        return begun_id

    def put_aside(self, entry: SetAside, link: Link | None = None) -> None:
        with self.faults.call("store.put_aside"):
            if link is not None:
                self._keep(link)
            self._aside[entry.side, entry.id] = entry

    def lift(self, side: Side, entry_id: str) -> None:
        with self.faults.call("store.lift"):
            self._aside.pop((side, entry_id), None)

    def save_tokens(self, tokens: Tokens) -> None:
        with self.faults.call("store.save_tokens"):
            self._state = replace(self._state, tokens=tokens)

    def accept(self, plan_id: str | None) -> None:
        """A person's hand, not the port's: the plan with this id, or (None) the first one unseen."""
        self._state = replace(self._state, accepted_plan=plan_id, accept_any=plan_id is None)

    def begin_accepted(self, actions: Collection[str]) -> None:
        with self.faults.call("store.begin_accepted"):
            self._state = replace(self._state, accepted_actions=frozenset(actions))

    def finish_accepted(self) -> None:
        with self.faults.call("store.finish_accepted"):
            self._state = replace(self._state, accepted_actions=frozenset())

    def begin_first_run(self, started_on: date) -> None:
        with self.faults.call("store.begin_first_run"):
            self._state = replace(self._state, started_on=started_on)

    def finish_first_run(self) -> None:
        with self.faults.call("store.finish_first_run"):
            self._state = replace(self._state, first_run_done=True, accepted_plan=None, accept_any=False)

    def note_near_matches(self, found: Sequence[NearMatch]) -> None:
        self.near += [one for one in found if one not in self.near]

    def heard(self, at: datetime, progress: Mapping[str, int]) -> None:
        with self.faults.call("store.heard"):
            self.reports.append(dict(progress))

    def should_stop(self) -> bool:
        if self.stop_after is None:
            return False
        self.stop_after -= 1
        return self.stop_after < 0

    def _keep(self, link: Link) -> None:
        """Store the link; the two ids are unique within a mailbox, as in the database."""
        if not link.id:
            self._made += 1
            link = replace(link, id=f"link-{self._made}")
        for other in self._links.values():
            if other.id != link.id and (
                (link.psa_id is not None and other.psa_id == link.psa_id)
                or (link.item_id is not None and other.item_id == link.item_id)
            ):
                raise ValueError(f"{link.id} names an entry that {other.id} already links")
        self._links[link.id] = link

    def _lift(self, link: Link) -> None:
        self._aside.pop((Side.PSA, link.psa_id or ""), None)
        self._aside.pop((Side.EXCHANGE, link.item_id or ""), None)
