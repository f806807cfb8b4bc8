"""The machine with meetings: people call, change and call off, answer and leave, by Exchange's own mail (rule 4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from samklang.engine.model import Entry, LinkStatus, Mail, Person, Role, SeenEvent, Side
from samklang.engine.rules import ConflictPolicy
from samklang.sync.report import RunReport
from tests.machine.machine import AHEAD, PEOPLE, SHORT, People, numbers, people
from tests.machine.office import PSA, Item, Office, address, timed
from tests.machine.shown import words

#: Nobody who syncs; he is mailed all the same.
OUTSIDE = "x@customer.example"
#: Fields of an entry, as `shown` and a base name them.
_EVERYTHING = {"title", "place", "text", "time", "sensitivity"}
#: What rule 7.2 puts under the text of a meeting made again; nobody here types an address.
_NAMES = re.compile(r"\n\n[\w.@]+@[\w.@]+(, [\w.@]+)*$")


class MeetingOffice(Office):
    def __init__(self, people: tuple[str, ...], policy: ConflictPolicy) -> None:
        super().__init__(people, policy)
        #: Mails that runs sent; people's own are not ours.
        self.sent = 0
        #: A person may edit, and mail, while we write.
        self.in_a_run = False
        #: Activities with changes that may not be told yet, for nothing is mailed on a first run (rule 4.6).
        self.held_at_first: set[str] = set()

    def event(self, person: str, id: str) -> SeenEvent:
        return self.desks[person].calendar.shelf.shown()[id]

    def _change(self, place: str, id: str, changes: Mapping[str, Any]) -> None:
        """Who called a meeting tells everybody what he changes."""
        before = None if place == PSA else self.event(place, id)
        super()._change(place, id, changes)
        if before is not None and before.is_meeting:
            mails = len(self.post.mails)
            self.post.tell(before, self.event(place, id), Mail.ALL)
            self.sent -= (len(self.post.mails) - mails) * self.in_a_run

    def delete(self, place: str, id: str) -> None:
        if place != PSA and self.event(place, id).is_meeting and self.event(place, id).is_organizer:
            self.desks[place].calendar.person_cancels(id)
        else:
            super().delete(place, id)

    def run(self, person: str, *, reconcile: bool = False) -> RunReport:
        before, first = len(self.post.mails), not self.desks[person].store.state().first_run_done
        self.in_a_run = True
        try:
            return super().run(person, reconcile=reconcile)
        finally:
            self.in_a_run = False
            self.sent += len(self.post.mails) - before
            self.held_at_first |= self.untold() if first else set()

    def mails(self) -> int:
        return self.sent

    def items(self, place: str) -> dict[str, Item]:
        """As a person reads them: a copy that says the meeting is called off counts as gone, for Exchange leaves it to
        its reader to throw it away; the names under the text of what was made again (rule 7.2) are no text of his."""
        found = super().items(place)
        if place != PSA:
            found = {id: item for id, item in found.items() if not self.event(place, id).is_cancelled}
        return {id: _without_names(item) for id, item in found.items()}

    def called_off(self) -> set[str]:
        """What meetings were born with of which a copy says that they are called off."""
        shown = [desk.calendar.shelf.shown().values() for desk in self.desks.values()]
        return {_born(one.entry) for events in shown for one in events if one.is_cancelled}

    def losers(self) -> set[str]:
        """A meeting called off goes into the trash with what was edited of it in the PSA at that moment."""
        return super().losers().union(*(words(item.seen) for item in self.trash().values()))

    def untold(self) -> set[str]:
        """Activities with a change that is held back, for the server would mail it (rule 4.6)."""
        waiting = [one for desk in self.desks.values() for one in desk.store.set_aside()]
        return {one.id for one in waiting if (one.side, one.code) == (Side.PSA, "meeting_would_mail")}

    def is_first_for_somebody(self) -> bool:
        return not all(desk.store.state().first_run_done for desk in self.desks.values())

    def is_joined_by_its_organizer(self, psa_id: str) -> bool:
        links = [link for desk in self.desks.values() for link in desk.store.links() if link.psa_id == psa_id]
        return any(link.role is Role.ORGANIZER for link in links)

    def is_kept_apart(self, psa_id: str) -> bool:
        """Whether the activity is joined no longer to the copy of who called the meeting."""
        links = [link for desk in self.desks.values() for link in desk.store.links() if link.psa_id == psa_id]
        return any(link.status is LinkStatus.UNLINKED and link.role is Role.ORGANIZER for link in links)

    def is_foreign(self, place: str, id: str) -> bool:
        return place != PSA and not self.event(place, id).is_organizer

    def is_called(self, item: Item) -> bool:
        """Whether a meeting with this content stands in any calendar."""
        events = [one for desk in self.desks.values() for one in desk.calendar.shelf.shown().values()]
        return any(one.is_meeting and _born(one.entry) == item.born for one in events)


def _born(entry: Entry) -> str:
    return entry.text.split("\n")[0]


def _without_names(item: Item) -> Item:
    return replace(item, entry=replace(item.entry, text=_NAMES.sub("", item.entry.text)))


class Meetings(People):
    """The same people, who also call meetings."""

    def opens(self, policy: ConflictPolicy) -> Any:
        return MeetingOffice(PEOPLE, policy)

    def __init__(self) -> None:
        super().__init__()
        #: Somebody changed a meeting in the PSA: its attendees may hear of it.
        self.may_mail = False

    def _pick(self, place: str, number: int, *, series: bool = False) -> Item | None:
        """People change in Exchange what is theirs to change."""
        item = super()._pick(place, number, series=series)
        if item is None or self.office.is_foreign(place, item.id):
            return None
        return item

    def _changing(self, place: str, item: Item, meant: dict[str, str | None]) -> Any:
        if self.office.is_called(item):
            self.may_mail = self.may_mail or place == PSA
            if place == PSA and not self.office.is_joined_by_its_organizer(item.id):
                # A colleague's run between it and who called the meeting leaves nothing that tells whose edit it was.
                self.record.contested = True
            meant = dict.fromkeys(meant) | {key: value for key, value in meant.items() if value == "cancelled"}
        return super()._changing(place, item, meant)

    def _edit(self, place: str, item: Item | None, field: str) -> None:
        if item is not None and not self.office.is_foreign(place, item.id):
            super()._edit(place, item, field)

    def _delete(self, place: str, item: Item | None) -> None:
        if item is not None and self.office.is_called(item):
            self.may_mail = self.may_mail or place == PSA
            self.record.contested = True
        others = self._copies(place, item.id) if item is not None else []
        held_back = {(PSA, id) for id in self.office.untold()}
        super()._delete(place, item)
        if held_back & set(others):
            self.record.must_go -= set(others)  # an edit that waits beats a delete, too (rule 7.2)
        there = [one for one in others if one[0] != PSA and one[1] in self.office.items(one[0])]
        if place == PSA and self.office.is_first_for_somebody():
            self.record.must_go -= set(others)  # nobody is mailed on a first run, so that the meeting stays (rule 4.6)
        if all(self.office.is_foreign(*one) for one in there):
            self.record.must_go -= set(there)  # while the organizer's copy is not joined, nobody can call it off (4.4)

    @rule(person=people, day=st.integers(0, 1), outside=st.booleans())
    def calls_a_meeting(self, person: str, day: int, outside: bool) -> None:
        if len(self.office.items(person)) >= 6:
            return
        attendees = [Person(address(other)) for other in PEOPLE if other != person]
        attendees += [Person(OUTSIDE)] if outside else []
        entry = Entry("Review", timed(AHEAD + day), text=f"born {self.record.number()}")
        id = self.office.desks[person].calendar.person_calls(entry, *attendees)
        self.record.pool |= words(self.office.items(person)[id].seen)
        self.record.deed(reach=2 * len(PEOPLE))

    @rule(person=people, number=numbers, response=st.sampled_from(["accepted", "tentative"]))
    def answers(self, person: str, number: int, response: str) -> None:
        id = self._invitation(person, number)
        if id is not None:
            self.office.desks[person].calendar.person_marks(id, response=response)
            self.record.deed(reach=len(PEOPLE))

    @rule(person=people, number=numbers)
    def declines(self, person: str, number: int) -> None:
        """Exchange takes his copy away; the meeting stays for the others (rule 4.5)."""
        id = self._invitation(person, number)
        if id is not None and self._may_delete(person, self.office.items(person)[id]):
            self.office.delete(person, id)
            self.record.contested = True
            self.record.deed(reach=len(PEOPLE))

    def _held_back(self, psa_id: str) -> set[str]:
        """Text and privacy are no news for attendees, and no write to their meeting is silent (rule 4.6); what was
        changed before the first run of who called it waits whole until he, or the PSA, changes it again. While a mark
        keeps the activity apart from the copy of who called it (rule 4.9), nobody else's has to say what his says."""
        if self.office.is_kept_apart(psa_id):
            return _EVERYTHING
        if psa_id not in self.office.untold():
            return set()
        aloud = {"title", "place", "time"} if psa_id in self.office.held_at_first else set()
        return {"text", "sensitivity"} | aloud

    def _not_deleted(self) -> Iterator[tuple[str, str]]:
        """An invitation stays as long as the meeting of who called it does, joined to it or not; once a copy says that
        it is called off, nothing of it has to. After an old answer of the PSA one may be declined once more."""
        off = self.office.called_off()
        found = [one for one in super()._not_deleted() if self.office.items(one[0])[one[1]].born not in off]
        found = [one for one in found if not (self.record.lied and self.office.is_foreign(*one))]
        called = {(place, id) for place, id in found if place != PSA and not self.office.is_foreign(place, id)}
        standing = {self.office.items(place)[id].born for place, id in called}
        for place, id in found:
            if place == PSA or (place, id) in called or self.office.items(place)[id].born in standing:
                yield place, id

    def _was_joined_unlike(self, link: Any) -> bool:
        """An invitation is joined as it stands, whatever the activity says of the meeting (rule 3.2)."""
        return bool(link.unlike)

    def _took_its_place(self, place: str, born: str) -> bool:
        """The invitation takes the place of the plain copy (rule 4.1) of who had removed an earlier one."""
        items = self.office.items(place).items() if place != PSA else ()
        return any(item.born == born and self.office.is_foreign(place, id) for id, item in items)

    def _invitation(self, person: str, number: int) -> str | None:
        ids = [id for id in self.office.items(person) if self.office.is_foreign(person, id)]
        return ids[number % len(ids)] if ids else None

    @invariant()
    def nobody_is_mailed(self) -> None:
        """… but by a person's change of a meeting in the PSA (rule 4.6)."""
        if self.office is not None:
            assert self.may_mail or self.office.mails() == 0


#: Fewer than of the plain machine, in every run of the tests.
Meetings.TestCase.settings = settings(SHORT, max_examples=20)
