"""The meetings' part of the contract of `sync.ports.Calendar`: a subclass gives the fixture `side`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import pytest

from samklang.engine import canonical
from samklang.engine.model import Mail, Person, SeenEvent, Sensitivity
from samklang.sync.errors import ItemError, NotFound, VersionConflict
from samklang.sync.ports import Calendar
from tests.contract.calendar import CAKE, CHANGED, MEETING, SERIES, events, stored, token_of

#: The user whose calendar it is, a colleague, somebody outside who calls meetings too, and a room.
ALICE = Person("alice@example.com", response="organizer")
BOB = Person("bob@example.com", "Bob")
CAROL = Person("Carol@Example.com", "Carol", optional=True)
DAVID = Person("david@example.com", "David")
ROOM = Person("room@example.com", "Room 3", resource=True)
XENIA = Person("xenia@elsewhere.example", response="organizer")
CALLED = (BOB, CAROL, ROOM)


@dataclass(frozen=True)
class MeetingSide:
    """One implementation, with the hands of the people around it. Mails of people's own doing are not counted."""

    port: Calendar
    #: Alice calls a meeting and sends it; its item id. `calls(entry, attendees)`.
    calls: Callable[..., str]
    #: Xenia calls a meeting and asks Alice; the item id in Alice's calendar.
    invites: Callable[..., str]
    #: Xenia changes her meeting (None) or a date of it, or cancels it, and tells everybody.
    changes: Callable[..., None]
    cancels: Callable[[date | None], None]
    #: Alice deletes a date of an event: `deletes_date(id, day)`.
    deletes_date: Callable[[str, date], None]
    #: Bob, who has a calendar too, answers Alice's one meeting.
    bob_answers: Callable[[str], None]
    #: Alice edits an event by hand: `edits(id, title=…)`.
    edits: Callable[..., None]
    #: What Xenia knows of Alice's answer.
    heard: Callable[[], str]
    #: Mails that the port caused: (kind, recipient).
    mailed: Callable[[], list[tuple[str, str]]]
    #: Writes that the port caused.
    writes: Callable[[], int]
    #: The server can change a meeting one called without a mail.
    can_be_silent: bool


def people(seen: SeenEvent) -> list[Person]:
    """Without the names, which servers fill in as they like."""
    return [replace(person, name="") for person in seen.entry.people]


def asked(*others: Person) -> list[Person]:
    """Alice and whom she asked, without names."""
    return [replace(person, name="") for person in (ALICE, *others)]


class MeetingContract:
    @pytest.fixture
    def side(self) -> MeetingSide:
        raise NotImplementedError

    # --- reading

    def test_a_meeting_one_calls_has_its_organizer_first_then_attendees_of_each_kind_then_rooms(
        self, side: MeetingSide
    ) -> None:
        seen = stored(side.port, side.calls(MEETING, (ROOM, CAROL, BOB)))
        assert people(seen) == asked(BOB, CAROL, ROOM)
        assert (seen.is_meeting, seen.is_organizer, seen.response) == (True, True, "organizer")
        assert canonical.fields(seen.entry) == canonical.fields(MEETING)

    def test_a_meeting_one_is_asked_to_is_somebody_elses(self, side: MeetingSide) -> None:
        seen = stored(side.port, side.invites(MEETING))
        assert (seen.is_meeting, seen.is_organizer, seen.is_cancelled, seen.response) == (True, False, False, "none")
        assert people(seen)[0] == XENIA
        assert ALICE.address in {person.address for person in people(seen)[1:]}

    def test_a_plain_event_is_no_meeting(self, side: MeetingSide) -> None:
        assert not side.port.create(MEETING, "key").is_meeting

    def test_an_attendees_answer_shows_in_the_next_read_and_changes_no_content(self, side: MeetingSide) -> None:
        id = side.calls(MEETING, CALLED)
        token = token_of(side.port.read(None))
        side.bob_answers("declined")
        (seen,) = events(side.port.read(token))
        assert seen.id == id
        assert people(seen) == asked(replace(BOB, response="declined"), CAROL, ROOM)
        assert canonical.fields(seen.entry) == canonical.fields(MEETING)

    def test_a_meeting_its_organizer_cancelled_says_so(self, side: MeetingSide) -> None:
        id = side.invites(MEETING)
        token = token_of(side.port.read(None))
        side.cancels(None)
        (seen,) = events(side.port.read(token))
        assert (seen.id, seen.is_cancelled, seen.is_organizer) == (id, True, False)

    def test_a_date_its_organizer_cancelled_is_a_cancelled_date(self, side: MeetingSide) -> None:
        id = side.invites(SERIES)
        token = token_of(side.port.read(None))
        side.changes(date(2026, 4, 9), title="With guests")
        side.cancels(CHANGED)
        side.deletes_date(id, date(2026, 4, 6))
        (seen,) = events(side.port.read(token))
        assert not seen.is_cancelled
        assert seen.entry.cancelled == {CHANGED, date(2026, 4, 6)}
        assert {day: x.title for day, x in seen.entry.exceptions.items()} == {date(2026, 4, 9): "With guests"}
        assert seen.entry.title == SERIES.title

    # --- people

    def test_who_is_added_is_invited_alone_and_the_others_stay_as_they_are(self, side: MeetingSide) -> None:
        seen = stored(side.port, side.calls(MEETING, CALLED))
        wanted = replace(MEETING, people=(Person("BOB@example.com"), Person("carol@example.com"), DAVID))
        writes = side.writes()
        after = side.port.update(seen, wanted, frozenset({"p:david@example.com"}), Mail.CHANGED)
        assert side.mailed() == [("invitation", DAVID.address)]
        assert side.writes() == writes + 1
        assert people(after) == asked(BOB, DAVID, CAROL, ROOM)
        assert people(stored(side.port, seen.id)) == people(after)
        assert canonical.fields(after.entry) == canonical.fields(MEETING)

    def test_who_is_taken_off_is_told_alone_and_rooms_stay(self, side: MeetingSide) -> None:
        seen = stored(side.port, side.calls(MEETING, CALLED))
        wanted = replace(MEETING, people=(Person("bob@example.com"),))
        after = side.port.update(seen, wanted, frozenset({"p:carol@example.com"}), Mail.CHANGED)
        assert side.mailed() == [("cancellation", CAROL.address)]
        assert people(after) == asked(BOB, ROOM)

    def test_answers_stay_when_somebody_is_added(self, side: MeetingSide) -> None:
        id = side.calls(MEETING, CALLED)
        side.bob_answers("accepted")
        wanted = replace(MEETING, people=(*CALLED, DAVID))
        after = side.port.update(stored(side.port, id), wanted, frozenset({"p:david@example.com"}), Mail.CHANGED)
        assert people(after) == asked(replace(BOB, response="accepted"), DAVID, CAROL, ROOM)

    def test_somebody_asked_to_a_plain_event_makes_it_a_meeting(self, side: MeetingSide) -> None:
        made = side.port.create(MEETING, "key")
        keys = frozenset({"p:bob@example.com"})
        after = side.port.update(made, replace(MEETING, people=(BOB,)), keys, Mail.CHANGED)
        assert (after.is_meeting, after.is_organizer, people(after)) == (True, True, asked(BOB))
        assert side.mailed() == [("invitation", BOB.address)]

    # --- mail

    def test_an_edit_for_all_is_sent_to_every_attendee_in_one_write(self, side: MeetingSide) -> None:
        seen = stored(side.port, side.calls(MEETING, CALLED))
        writes = side.writes()
        after = side.port.update(seen, replace(MEETING, title="Moved"), frozenset({"title"}), Mail.ALL)
        assert after.entry.title == "Moved" and people(after) == people(seen)
        assert sorted(side.mailed()) == [("update", person.address) for person in sorted(CALLED, key=address)]
        assert side.writes() == writes + 1

    @pytest.mark.parametrize("names", [{"title"}, {"sensitivity"}, {"p:david@example.com"}], ids=str)
    def test_a_silent_edit_mails_nobody_or_is_refused(self, side: MeetingSide, names: set[str]) -> None:
        seen = stored(side.port, side.calls(MEETING, CALLED))
        wanted = replace(MEETING, title="New", sensitivity=Sensitivity.PRIVATE, people=(*CALLED, DAVID))
        writes = side.writes()
        if side.can_be_silent:
            side.port.update(seen, wanted, frozenset(names))
            assert side.writes() == writes + 1
        else:
            with pytest.raises(ItemError) as caught:
                side.port.update(seen, wanted, frozenset(names))
            assert caught.value.code == "meeting_would_mail"
            assert side.writes() == writes
        assert side.mailed() == []

    def test_a_mailed_edit_of_an_old_version_is_refused_and_mails_nobody(self, side: MeetingSide) -> None:
        seen = stored(side.port, side.calls(MEETING, CALLED))
        side.edits(seen.id, title="By hand")
        with pytest.raises(VersionConflict):
            side.port.update(seen, replace(MEETING, title="By us"), frozenset({"title"}), Mail.ALL)
        with pytest.raises(VersionConflict):
            side.port.delete(seen, Mail.ALL)
        assert side.mailed() == []
        assert stored(side.port, seen.id).entry.title == "By hand"

    def test_a_changed_and_a_cancelled_date_are_sent_too(self, side: MeetingSide) -> None:
        seen = stored(side.port, side.calls(SERIES, (BOB,)))
        wanted = replace(SERIES, exceptions={CHANGED: CAKE})
        keys = canonical.changed_keys(canonical.fields(SERIES), canonical.fields(wanted))
        after = side.port.update(seen, wanted, keys, Mail.ALL)
        assert side.mailed() == [("update", BOB.address)]
        gone = replace(wanted, cancelled=frozenset({date(2026, 4, 9)}))
        after = side.port.update(after, gone, frozenset({"x:2026-04-09"}), Mail.ALL)
        assert side.mailed()[1:] == [("cancellation", BOB.address)]
        assert canonical.fields(after.entry) == canonical.fields(gone)

    def test_a_meeting_deleted_for_all_is_cancelled(self, side: MeetingSide) -> None:
        seen = stored(side.port, side.calls(MEETING, (BOB, CAROL)))
        writes = side.writes()
        side.port.delete(seen, Mail.ALL)
        assert side.port.get([seen.id]) == {seen.id: None}
        assert sorted(side.mailed()) == [("cancellation", CAROL.address), ("cancellation", BOB.address)]
        assert side.writes() == writes + 1
        side.port.delete(seen, Mail.ALL)

    def test_a_silent_delete_mails_nobody_or_is_refused(self, side: MeetingSide) -> None:
        seen = stored(side.port, side.calls(MEETING, (BOB,)))
        if side.can_be_silent:
            side.port.delete(seen)
            assert side.port.get([seen.id]) == {seen.id: None}
        else:
            with pytest.raises(ItemError) as caught:
                side.port.delete(seen)
            assert caught.value.code == "meeting_would_mail"
            assert stored(side.port, seen.id) == seen
        assert side.mailed() == []

    # --- somebody else's meeting

    @pytest.mark.parametrize("response", ["accepted", "tentative"])
    def test_an_answer_stays_between_the_user_and_his_calendar(self, side: MeetingSide, response: str) -> None:
        seen = stored(side.port, side.invites(SERIES))
        writes = side.writes()
        after = side.port.respond(seen, response)
        assert after is not None
        assert (after.response, after.uid, after.is_meeting) == (response, seen.uid, True)
        assert canonical.fields(after.entry) == canonical.fields(seen.entry)
        assert stored(side.port, after.id) == after
        assert (side.mailed(), side.heard()) == ([], "none")
        assert side.writes() == writes + 1

    def test_an_answer_can_be_changed(self, side: MeetingSide) -> None:
        after = side.port.respond(stored(side.port, side.invites(MEETING)), "tentative")
        assert after is not None
        after = side.port.respond(after, "accepted")
        assert after is not None and after.response == "accepted"
        assert [each.id for each in events(side.port.read(None))] == [after.id]

    def test_a_declined_meeting_leaves_the_calendar(self, side: MeetingSide) -> None:
        seen = stored(side.port, side.invites(MEETING))
        assert side.port.respond(seen, "declined") is None
        assert side.port.get([seen.id]) == {seen.id: None}
        assert events(side.port.read(None)) == []
        assert (side.mailed(), side.heard()) == ([], "none")

    def test_an_answer_to_an_old_version_is_refused(self, side: MeetingSide) -> None:
        seen = stored(side.port, side.invites(MEETING))
        side.changes(None, title="Moved by Xenia")
        with pytest.raises(VersionConflict):
            side.port.respond(seen, "accepted")
        assert stored(side.port, seen.id).response == "none"

    def test_an_answer_to_what_is_gone_or_no_answer_is_refused(self, side: MeetingSide) -> None:
        seen = stored(side.port, side.invites(MEETING))
        with pytest.raises(ItemError):
            side.port.respond(seen, "none")
        side.port.delete(seen)
        with pytest.raises(NotFound):
            side.port.respond(seen, "accepted")

    @pytest.mark.parametrize("names", [{"title"}, {"time"}, {"place"}, {"p:david@example.com"}], ids=str)
    def test_what_its_organizer_decides_is_not_written(self, side: MeetingSide, names: set[str]) -> None:
        seen = stored(side.port, side.invites(MEETING))
        writes = side.writes()
        with pytest.raises(ItemError) as caught:
            side.port.update(seen, replace(MEETING, title="Mine", people=(DAVID,)), frozenset(names), Mail.ALL)
        assert (caught.value.code, side.writes(), side.mailed()) == ("not_organizer", writes, [])

    def test_what_is_the_users_own_is_written_to_his_copy(self, side: MeetingSide) -> None:
        seen = stored(side.port, side.invites(MEETING))
        wanted = replace(seen.entry, sensitivity=Sensitivity.PRIVATE)
        after = side.port.update(seen, wanted, frozenset({"sensitivity"}))
        assert after.entry.sensitivity is Sensitivity.PRIVATE
        assert people(after) == people(seen)
        assert (side.mailed(), side.heard()) == ([], "none")

    @pytest.mark.parametrize("cancelled", [False, True], ids=["on", "cancelled"])
    def test_a_deleted_copy_goes_without_a_word(self, side: MeetingSide, cancelled: bool) -> None:
        id = side.invites(MEETING)
        if cancelled:
            side.cancels(None)
        side.port.delete(stored(side.port, id))
        assert side.port.get([id]) == {id: None}
        assert (side.mailed(), side.heard()) == ([], "none")


def address(person: Person) -> str:
    return person.address


def as_attendees(people: Sequence[Person]) -> list[dict[str, str]]:
    """Attendees in the words of the sandbox's control API."""
    kinds = ["resource" if p.resource else "optional" if p.optional else "required" for p in people]
    return [{"address": p.address, "name": p.name, "kind": kind} for p, kind in zip(people, kinds, strict=True)]
