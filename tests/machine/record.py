"""The oracle: what people typed where, what they overwrote knowingly, what must go, how many writes that may cost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from samklang.engine.model import LinkStatus
from tests.machine.office import PSA, Item
from tests.machine.shown import words

#: Writes a call that failed may cost besides.
PER_TROUBLE = 6


class Record:
    def __init__(self) -> None:
        self._fresh = 0
        #: Everything people typed; what of it they overwrote or deleted knowingly; what entries are born with.
        self.typed: set[str] = set()
        self.discarded: set[str] = set()
        self.pool: set[str] = set()
        #: What went with a delete, its counterparts untouched since the last rest: it may not come back.
        self.must_go: set[tuple[str, str]] = set()
        #: Events joined at first contact with what somebody else had made; what differed stays on each side (rule 3.1).
        self.matched: set[tuple[str, str]] = set()
        self.rests = 0
        #: Notices were lost or answers lagged: only the reconcile finds all.
        self.lagged = False
        #: By entry, edits while a type kept its places apart (rule 4.8): all of them travel when it is ticked again.
        self.while_apart: Counter[str] = Counter()
        self._written_before = 0
        self._begin()

    def _begin(self) -> None:
        #: By entry, then field: the last value typed there since the last rest. None: whatever.
        self._meant: dict[tuple[str, str], dict[str, str | None]] = defaultdict(dict)
        #: By entry, what Exchange forgot with a new rule or time.
        self._dropped: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        #: Place, entry and field of those of them that were joined to nothing then.
        self._alone: set[tuple[str, str, str]] = set()
        self._touched: set[tuple[str, str]] = set()
        self._deeds = self._troubles = self.rewritten = 0
        #: An old answer was taken for an edit.
        self.lied = False
        #: Two places of one entry were touched: who wins may depend on who is asked.
        self.contested = False

    def number(self) -> int:
        self._fresh += 1
        return self._fresh

    @property
    def is_at_rest(self) -> bool:
        return self.rests > 0 and not (self._deeds or self._troubles or self.lagged)

    def deed(self, *, reach: int) -> None:
        """Something a person did that must reach so many places."""
        self._deeds += reach

    @contextmanager
    def changing(self, office: Any, place: str, item: Item, meant: dict[str, str | None]) -> Iterator[None]:
        """Around an edit of an entry in one place: the values it means, None where only a change is known."""
        before = words(item.seen)
        yield
        now = office.items(place)[item.id]
        self.typed |= words(now.seen) - before
        gone = before - words(now.seen)
        if meant.keys() & {"time", "rule"}:
            # Exchange forgets changed dates with it; nobody meant that where the others still know them (rule 5.4).
            known = {
                word for where in office.places for one in office.items(where).values() for word in words(one.seen)
            }
            gone -= known & words({key: value for key, value in item.seen.items() if key[0].isdigit()})
            self._dropped[place, item.id] |= {key: value for key, value in item.seen.items() if key[0].isdigit()}
            for key in [key for key in self._meant[place, item.id] if key[0].isdigit()]:
                self._meant[place, item.id][key] = None
        # … until somebody types over it there.
        dropped = self._dropped[place, item.id]
        self.discarded |= {value for key, value in dropped.items() if key in meant or key[:10] in meant} | gone
        if any(value == "cancelled" == dropped.get(key) for key, value in meant.items()):
            self.discarded |= set(dropped.values())  # as if nothing had been dropped, and the rest removed by hand
        self._meant[place, item.id] |= meant
        fields = {(place, item.id, key) for key in meant}
        joined = self._statuses(office, place, item.id)
        self._alone = self._alone - fields if joined else self._alone | fields
        self._touch(office, place, item.id)
        self.while_apart[item.born] += LinkStatus.UNLINKED in joined
        self.deed(reach=len(office.people))

    @staticmethod
    def _statuses(office: Any, place: str, id: str) -> set[LinkStatus]:
        """Of the links and marks that name it."""
        links = office.joined()
        return {one.status for one in links if (place, id) in ((PSA, one.psa_id), (one.person, one.item_id))}

    def _touch(self, office: Any, place: str, id: str) -> None:
        from tests.machine.machine import copies

        self._touched.add((place, id))
        self.must_go.discard((place, id))
        others = self._others(office, place, id)
        if (self._touched | self.must_go) & others:
            self.contested = True
        if place != PSA and self._is_awaited(office, copies(office, place, id)):
            self.contested = True
        self.must_go -= others  # an edit beats a delete (rule 7.2)

    @staticmethod
    def _others(office: Any, place: str, id: str) -> set[tuple[str, str]]:
        """The other places of an entry, those that a mark keeps apart for a while among them."""
        ends = [{(PSA, link.psa_id), (link.person, link.item_id)} for link in office.joined() if link.psa_id]
        activities = {one for pair in ends if (place, id) in pair for one in pair if one[0] == PSA}
        return {one for pair in ends if pair & activities for one in pair} - {(place, id)}

    @staticmethod
    def _is_awaited(office: Any, others: list[tuple[str, str]]) -> bool:
        """Whether somebody who has it in the PSA has not joined it yet: what of his own it is like (rule 3.1), and so
        what he makes of it, depends on whether he looks before the edit is carried there."""
        activities = {id: office.items(PSA)[id] for place, id in others if place == PSA and id in office.items(PSA)}
        joined = {(link.person, link.psa_id) for link in office.joined()}
        return any((person, id) not in joined for id, item in activities.items() for person in item.people)

    def deleted(self, office: Any, place: str, item: Item, others: list[tuple[str, str]]) -> None:
        self.discarded |= words(item.seen) | set(self._dropped[place, item.id].values())
        there = [(where, id) for where, id in others if id in office.items(where)]
        if self._is_elsewhere(office, item, others):
            self.contested = True  # made again in the meantime, it is another one to somebody
        elif self.lied or any(other in self._touched for other in others) or len(there) < len(others):
            self.contested = True
        elif any(one.status is LinkStatus.CREATING for one in office.joined()):
            self.contested = True  # who was cut off at making it again is about to take part: an edit, too
        elif self._is_on_its_way(item, [office.items(where)[id] for where, id in there]):
            self.contested = True
        elif place == PSA or item.people[0] == self._owner(office, there):
            self.must_go |= set(there)
        self.must_go.discard((place, item.id))
        self._touched.add((place, item.id))
        self._settle_for_either([(place, item.id), *others])
        self._settle_for_whoever_is_first([item, *(office.items(where)[id] for where, id in there)], others)
        self.deed(reach=len(office.people))

    def _is_on_its_way(self, item: Item, others: list[Item]) -> bool:
        """Whether what somebody typed has not reached this place, but another: an edit beats a delete (rule 7.2)."""
        keys = {key for meant in self._meant.values() for key in meant}
        return any(item.seen.get(key) != other.seen.get(key) for other in others for key in keys)

    @staticmethod
    def _is_elsewhere(office: Any, item: Item, others: list[tuple[str, str]]) -> bool:
        """Whether copies of it stand somewhere that no link joins to it."""
        here = {
            (place, id) for place in office.places for id, one in office.items(place).items() if one.born == item.born
        }
        return bool(here - set(others))

    def _settle_for_either(self, group: list[tuple[str, str]]) -> None:
        """Where two places of an entry had a conflict, it was perhaps settled before one of them went; made again, that
        one has another id, and what was typed there is no longer known to have been typed of this entry. To remove a
        date is in conflict with all that is typed of it."""
        typed = [(one, key) for one in group for key in self._meant.get(one, {})]
        for one, key in typed:
            whole = key[:10] if key[0].isdigit() else key
            there = {other for place, other in typed if place != one}
            if key in there or whole in there or (key == whole and any(other.startswith(key) for other in there)):
                self._meant[one][key] = None

    def _settle_for_whoever_is_first(self, shown: list[Item], others: list[tuple[str, str]]) -> None:
        """An edit that has not reached every copy is lost to view where one without it makes the entry again."""
        for one in others:
            unlike = {key for key in self._meant[one] if len({item.seen.get(key) for item in shown}) > 1}
            self._meant[one] |= dict.fromkeys(unlike)

    @staticmethod
    def _owner(office: Any, there: list[tuple[str, str]]) -> str:
        return next((office.items(PSA)[id].people[0] for place, id in there if place == PSA), "")

    def goes_apart(self, item: Item, group: list[tuple[str, str]]) -> None:
        """What was not carried across yet waits, too, until a type that goes out joins its places again (rule 4.8)."""
        self.while_apart[item.born] += sum(one in self._meant for one in group)

    def came_back(self, place: str, item: Item, others: list[tuple[str, str]]) -> None:
        """Restored by a person."""
        self.must_go -= {(place, item.id), *others}
        self.contested = True

    def interrupted(self) -> None:
        """A run of one person in between: what was typed before it may have become what others saw."""
        self._troubles += 1

    def trouble(self, times: int = 1) -> None:
        self._troubles += times

    def lied_to(self) -> None:
        """A server gave an old answer: what was read from it may have been taken for an edit."""
        self.must_go.clear()
        self.lied = self.lagged = self.contested = True
        self._troubles += 1

    # -- what must be true at rest

    def typed_in(self, group: list[tuple[str, str]], *, matched: bool) -> dict[str, set[str | None]]:
        """By field, what may be shown of it in these places of one entry.

        `matched`: several people made it; what differed then stays on each side (rule 3.1).
        """
        found: dict[str, set[str | None]] = defaultdict(set)
        if self.lied:
            return {}
        open_ended = set()
        for one in group:
            for key, value in self._meant.get(one, {}).items():
                if matched and (*one, key) in self._alone:
                    continue
                found[key].add(value)
                if value is None:
                    open_ended.add(key)
                if key in ("time", "rule"):
                    open_ended |= {other for meant in self._meant.values() for other in meant if other[0].isdigit()}
        days = {key[:10] for key in found if key.endswith(("time", "title", "place")) and key[0].isdigit()}
        for day in days & found.keys():  # removed here, edited there: the edit wins, or the removal was seen first
            open_ended |= {key for key in found if key.startswith(day)}
        return {key: values for key, values in found.items() if key not in open_ended}

    def check_writes(self, office: Any) -> None:
        """Bounded: a deed costs one write in each place it must reach, trouble a few more."""
        written = office.writes() - self._written_before
        allowed = self._deeds + self.rewritten * len(office.people) + PER_TROUBLE * self._troubles
        assert written <= allowed, f"{written} writes, {allowed} allowed"

    def rest(self, office: Any) -> None:
        self.rests += 1
        self.must_go.clear()
        self.lagged = False
        self._written_before = office.writes()
        meant = self._meant
        self._begin()
        # What was typed into an entry that is kept apart has reached no other place yet (rule 4.8).
        apart = {one for one in meant if LinkStatus.UNLINKED in self._statuses(office, *one)}
        self._meant.update((one, meant[one]) for one in apart)
        self._touched |= apart
