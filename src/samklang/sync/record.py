"""What a run writes down: links with their base, journal, set-aside entries. Never a word to either calendar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from samklang.engine.actions import (
    Forget,
    Join,
    LeaveOut,
    Loser,
    Observation,
    PutAside,
    Rebase,
    Unlink,
)
from samklang.engine.canonical import occurrence_of
from samklang.engine.marks import is_absent
from samklang.engine.model import (
    Base,
    FieldKey,
    Fields,
    Link,
    LinkStatus,
    SeenActivity,
    SeenEvent,
    SetAside,
    Side,
)
from samklang.engine.people import role_of
from samklang.sync.errors import ItemError, NotFound, VersionConflict
from samklang.sync.known import Known, id_on
from samklang.sync.parts import Parts
from samklang.sync.ports import Change

#: Reason of a link whose series is just being laid out anew in Exchange: cut off, dates are missing there.
LAID_OUT_ANEW = "5.4"
#: Actions that write to neither calendar.
Remembered = Join | Rebase | Forget | Unlink | LeaveOut | PutAside


def back_off(tries: int, *, at_once: bool = False) -> timedelta:
    """Wait before the next try of an entry that failed `tries` times: 5 minutes, doubling up to a day, without end.

    `at_once`: the server failed rather than refused; the first two tries come with the next run.
    """
    if at_once and tries <= 2:
        return timedelta(0)
    return min(timedelta(minutes=5) * (1 << min(tries - 1, 10)), timedelta(days=1))


def linked(link: Link, activity: SeenActivity | None, event: SeenEvent | None, base: Base, user_id: str) -> Link:
    """The link as it stands once both sides hold `base`; a side that was not read stays as it was remembered."""
    role = role_of(activity, event, user_id, link.role)
    link = replace(link, status=LinkStatus.LINKED, base=base, role=role, reason="")
    if activity is not None:
        link = replace(link, psa_id=activity.id, psa_version=activity.version, type_id=activity.type_id)
    if event is not None:
        link = replace(link, item_id=event.id, item_version=event.version, uid=event.uid)
    return link


def without_missing_dates(base: Base, now: Fields) -> Base:
    """The base without the series' dates that a side lacks which was being written when a run was cut off.

    Dates follow their master one write each, and a server drops them all with a new rule (5.4): what is not there was
    not yet written, and must look like the other side's own edit, not like a person's removal.
    """
    there = {occurrence_of(key) for key in now}

    def kept(side: Fields) -> Fields:
        return {key: value for key, value in side.items() if (day := occurrence_of(key)) is None or day in there}

    return Base(kept(base.psa), kept(base.exchange))


class Recorder:
    """Keeps the store, and what this run knows of it, in step with what was done."""

    def __init__(self, parts: Parts, observation: Observation, written: Counter[tuple[Side, str]]) -> None:
        self.known = Known(observation.links, observation.set_aside)
        #: Writes that took effect, by side and kind; the run's own count.
        self.written = written
        self.joined = 0
        self._store = parts.store
        self._now = parts.now
        #: Journal row of the write that is being made.
        self._begun = ""
        self._user_id = parts.rules.user_id

    def begin_create(
        self, side: Side, seen_id: str, link: Link | None, base: Base, key: str = "", type_id: str = "", uid: str = ""
    ) -> Link:
        """Commit to a create on `side` before it is asked for (rule 10.4); an activity of what type, if it had one."""
        link = link and (self.known.of_id(link.id) or link)
        if link is not None:
            link = replace(link, type_id=type_id or link.type_id)
            self.known.drop(link)
        begun = self._store.begin_create(side, seen_id, link, base, key, uid)
        self.known.keep(begun)
        return begun

    def gone_over(self, item_id: str) -> Sequence[Fields]:
        """What our writes replaced on either side of an event's link."""
        return self._store.gone_over(item_id)

    def expect_dropped_dates(self, link: Link) -> None:
        """Commit to laying out a series anew, before the write that drops its dates in Exchange (rule 5.4)."""
        link = self.known.of_id(link.id) or link
        self._keep(replace(link, reason=LAID_OUT_ANEW))

    @contextmanager
    def writing(
        self,
        link: Link,
        side: Side,
        kind: str,
        rule: str,
        before: Fields,
        after: Fields,
        losers: Collection[Loser] = (),
        by: str = "",
    ) -> Iterator[None]:
        """Around a write that goes over something, and its record: journalled before it is made (rule 11.1).

        Afterwards both sides agree, and a crash right after the write would leave nothing that tells of it. What
        became of a write nobody answered for the next run sees.
        """
        change = Change(side, kind, link.psa_id, link.item_id, before, after, _lost(losers, side), rule, by)
        self._begun = self._store.begin(change)
        try:
            yield
        except (ItemError, NotFound, VersionConflict):
            if self._begun:
                self._store.settle(self._begun, happened=False)
            raise
        finally:
            self._begun = ""

    def write(
        self,
        link: Link,
        side: Side,
        kind: str,
        rule: str,
        *,
        before: Fields | None = None,
        after: Fields | None = None,
        losers: Collection[Loser] = (),
        by: str = "",
    ) -> None:
        """Record a write that took effect on `side`, with what differs between `before` and `after`."""
        before, after = before or {}, after or {}
        differing = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        change = Change(
            side,
            kind,
            link.psa_id,
            link.item_id,
            before=only(before, differing),
            after=only(after, differing),
            losers=_lost(losers, side),
            rule=rule,
            by=by,
        )
        self._keep(link, change)
        self._begun = ""
        self.written[side, kind] += 1

    def remember(self, action: Remembered) -> None:
        """Do an action that writes to neither calendar."""
        match action:
            case Join():
                self._join(action)
            case Rebase():
                self._keep(linked(action.link, action.activity, action.event, action.base, self._user_id))
            case Forget():
                self._keep(action.link, remove=True)
            case Unlink():
                link = self.known.of_id(action.link.id) or action.link
                link = replace(link, psa_id=action.link.psa_id, item_id=action.link.item_id)
                self._keep(replace(link, status=LinkStatus.UNLINKED, reason=action.rule))
            case LeaveOut():
                self._keep(_left_out(action))
            case PutAside():
                self._store.put_aside(action.entry, action.link and self._as_recorded(action.link))

    def put_aside(
        self, side: Side, entry_id: str, version: str, code: str, params: Mapping[str, str], *, at_once: bool
    ) -> None:
        """Let an entry wait that could not be written or read, longer each time."""
        before = self.known.aside.get((side, entry_id))
        tries = 1 + (before.tries if before else 0)
        retry_at = self._now() + back_off(tries, at_once=at_once)
        self._store.put_aside(SetAside(side, entry_id, code, params, tries, retry_at, version))

    def _as_recorded(self, link: Link) -> Link:
        """The link with what an action before this one recorded of both sides."""
        held = self.known.of_id(link.id) or link
        return replace(link, base=held.base, psa_version=held.psa_version, item_version=held.item_version)

    def _join(self, action: Join) -> None:
        link = action.link or Link("", LinkStatus.LINKED, None, None, born=Side.PSA)
        self._keep(linked(link, action.activity, action.event, action.base, self._user_id))
        self.joined += 1

    def _keep(self, link: Link, change: Change | None = None, *, remove: bool = False) -> None:
        held = self.known.of_id(link.id)
        waits = any((side, id_on(link, side)) in self.known.aside for side in Side)
        if change is None and not waits and (held is None if remove else held == link):
            return
        for side in Side:
            spare = self.known.link_of(side, id_on(link, side) or "")
            if spare is not None and spare.id != link.id and _gives_way(spare, side):
                self._store.record(spare, remove=True)
                self.known.drop(spare)
        self._store.record(link, change, remove=remove, begun=self._begun if change else "")
        if held is not None:
            self.known.drop(held)
        if not remove and link.id:
            self.known.keep(link)


def _gives_way(link: Link, side: Side) -> bool:
    """Whether what another link now joins ends this one: each side was left out alone, or it remembers as deleted what
    was made again, out of the trash (rule 4.3)."""
    return link.status is LinkStatus.LEFT_OUT or is_absent(link, side)


def _left_out(action: LeaveOut) -> Link:
    link = action.link or Link("", LinkStatus.LEFT_OUT, None, None, born=action.side)
    link = replace(link, status=LinkStatus.LEFT_OUT, base=action.base, reason=action.rule)
    if isinstance(action.seen, SeenActivity):
        return replace(link, psa_id=action.seen.id, psa_version=action.seen.version, type_id=action.seen.type_id)
    return replace(link, item_id=action.seen.id, item_version=action.seen.version, uid=action.seen.uid)


def _lost(losers: Collection[Loser], side: Side) -> dict[str, str]:
    """The values a write on `side` goes over although a person typed them (rule 7.4), by side and field."""
    return {f"{loser.side}:{loser.field}": loser.value for loser in losers if loser.side is side}


def only(values: Fields, keys: Collection[FieldKey]) -> dict[FieldKey, str]:
    """Those of the values that have one of the keys."""
    return {key: values[key] for key in sorted(keys) if key in values}
