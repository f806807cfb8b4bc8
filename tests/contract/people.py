"""The contract of `sync.ports.Activities` about people (rule 4): every implementation passes it, made as a subclass
with a `pair` fixture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from samklang.engine.model import FieldKey, Person, SeenActivity
from samklang.sync.errors import NotFound, VersionConflict
from samklang.sync.ports import Activities
from tests.contract.activities import MEETING, delta, read, token_after

EVA = Person("Eva@Customer.example", "Eva Lund", response="organizer")
ROOM = Person("room3@example.org", "Room 3", resource=True)


@dataclass(frozen=True)
class Somebody:
    """A user of the organization, and its activities as he sees them."""

    port: Activities
    id: str
    address: str

    def as_person(self, response: str = "none") -> Person:
        return Person(self.address, "As the server calls him", response=response)


@dataclass(frozen=True)
class Pair:
    """Two colleagues; the first one's address sorts before the other's."""

    first: Somebody
    second: Somebody
    type_id: str
    #: A person makes these users (by id) participants of the activity, and no others.
    invites: Callable[[str, list[str]], None]
    #: What was deleted comes back under its old id; in Severa it is made anew (rule 13.1).
    keeps_ids: bool = True
    #: An activity may belong to nobody; in Severa each has an owner.
    needs_no_owner: bool = True

    def make(self, *people: Person, owner_id: str | None = None, key: str = "key") -> SeenActivity:
        return self.first.port.create(replace(MEETING, people=people), self.type_id, key, owner_id)


class PeopleContract:
    @pytest.fixture
    def pair(self) -> Pair:
        raise NotImplementedError

    def test_who_is_invited_takes_part_and_rooms_are_no_people(self, pair: Pair) -> None:
        made = pair.make(EVA, pair.first.as_person(), pair.second.as_person("accepted"), ROOM)
        assert (made.owner_id, made.participant_ids) == (pair.first.id, (pair.second.id,))
        assert answers(made) == {"eva@customer.example": "organizer", pair.second.address: "accepted"}
        assert made.invitation and made.entry.people[0].name == "Eva Lund"

    def test_a_meeting_a_colleague_called_is_his_and_no_invitation(self, pair: Pair) -> None:
        made = pair.make(pair.second.as_person("organizer"), pair.first.as_person(), owner_id=pair.second.id)
        assert (made.owner_id, made.participant_ids, made.invitation) == (pair.second.id, (pair.first.id,), False)
        assert [seen.id for seen in read(pair.second.port)] == [made.id]

    def test_who_makes_a_colleagues_activity_takes_part_in_it(self, pair: Pair) -> None:
        made = pair.make(pair.second.as_person("organizer"), owner_id=pair.second.id)
        assert (made.owner_id, made.participant_ids) == (pair.second.id, (pair.first.id,))

    def test_an_activity_may_belong_to_nobody(self, pair: Pair) -> None:
        made = pair.make(EVA, owner_id="")
        nobodys = (None, (pair.first.id,)) if pair.needs_no_owner else (pair.first.id, ())
        assert (made.owner_id, made.participant_ids) == nobodys

    def test_the_same_key_in_a_colleagues_mailbox_makes_him_take_part_in_the_one(self, pair: Pair) -> None:
        first = pair.make(EVA, pair.first.as_person())
        assert pair.second.port.find_created("key") is None, "he is still to be made to take part"
        other = replace(MEETING, title="As he sees it", people=(EVA, pair.second.as_person("tentative")))
        again = pair.second.port.create(other, pair.type_id, "key")
        assert (again.id, again.entry.title, again.owner_id) == (first.id, MEETING.title, pair.first.id)
        assert answers(again)[pair.second.address] == "tentative"
        assert pair.second.port.find_created("key") == again
        once_more = pair.second.port.create(other, pair.type_id, "key")
        assert once_more == again, "the second time nothing is written"

    def test_a_key_whose_activity_is_in_the_trash_brings_it_back(self, pair: Pair) -> None:
        first = pair.make(EVA)
        pair.first.port.delete(first)
        again = pair.second.port.create(MEETING, pair.type_id, "key")
        assert (again.id == first.id, again.owner_id) == (pair.keeps_ids, pair.first.id)
        assert again.participant_ids == (pair.second.id,)
        assert pair.first.port.get([again.id])[again.id] == again

    def test_only_the_people_named_are_changed(self, pair: Pair) -> None:
        made = pair.make(EVA, pair.second.as_person("accepted"))
        new = Person("kim@customer.example", "Kim")
        after = update(pair.first, made, (new, ROOM), "p:kim@customer.example")
        assert answers(after) == {
            "eva@customer.example": "organizer",
            pair.second.address: "accepted",
            "kim@customer.example": "none",
        }
        gone = update(pair.first, after, (EVA,), f"p:{pair.second.address}", "p:kim@customer.example")
        assert answers(gone) == {"eva@customer.example": "organizer"}

    def test_an_address_of_a_colleague_means_the_colleague_and_nobody_is_listed_twice(self, pair: Pair) -> None:
        made = pair.make()
        shouting = replace(pair.second.as_person(), address=pair.second.address.upper())
        key = f"p:{pair.second.address}"
        after = update(pair.first, made, (shouting, pair.second.as_person()), key)
        assert after.participant_ids == (pair.second.id,)
        after = update(pair.first, after, (shouting,), key)
        assert after.participant_ids == (pair.second.id,)
        external = update(pair.first, after, (EVA, replace(EVA, address=EVA.address.lower())), "p:eva@customer.example")
        assert len(external.entry.people) == 2

    def test_the_owner_stays_whatever_the_list_says(self, pair: Pair) -> None:
        made = pair.make(pair.second.as_person())
        after = update(pair.second, made, (), f"p:{pair.first.address}")
        assert (after.owner_id, after.participant_ids) == (pair.first.id, (pair.second.id,))
        again = update(pair.second, after, (pair.first.as_person(),), f"p:{pair.first.address}")
        assert (again.owner_id, again.participant_ids) == (pair.first.id, (pair.second.id,))

    def test_answers_are_set_for_who_is_named(self, pair: Pair) -> None:
        made = pair.make(Person("kim@customer.example", "Kim"), pair.second.as_person())
        people = (Person("KIM@customer.example", response="declined"), pair.second.as_person("accepted"))
        after = update(pair.first, made, people, "r:kim@customer.example")
        assert answers(after) == {"kim@customer.example": "declined", pair.second.address: "none"}
        taken_back = update(pair.first, after, (Person("kim@customer.example"),), "r:kim@customer.example")
        assert answers(taken_back)["kim@customer.example"] == "none"

    def test_ones_own_answer_is_set_for_oneself(self, pair: Pair) -> None:
        made = pair.make(pair.second.as_person(), Person("kim@customer.example"))
        people = (pair.second.as_person("tentative"), Person("kim@customer.example", response="accepted"))
        after = update(pair.second, made, people, "response")
        assert answers(after) == {pair.second.address: "tentative", "kim@customer.example": "none"}
        assert after.entry.title == MEETING.title

    def test_who_joins_takes_part_once(self, pair: Pair) -> None:
        made = pair.make(EVA)
        joined = pair.second.port.take_part(made.id, "accepted")
        assert answers(joined)[pair.second.address] == "accepted"
        assert pair.second.port.take_part(made.id, "declined") == joined
        assert pair.first.port.take_part(made.id, "accepted") == joined, "the owner takes part already"
        pair.first.port.delete(joined)
        with pytest.raises(NotFound):
            pair.second.port.take_part(made.id, "accepted")

    def test_an_invitation_whose_owner_left_is_the_next_ones(self, pair: Pair) -> None:
        made = pair.make(EVA, pair.second.as_person("accepted"))
        after = pair.first.port.hand_over(made, pair.second.id)
        assert (after.owner_id, after.participant_ids, after.invitation) == (pair.second.id, (), True)
        assert read(pair.first.port) == []
        with pytest.raises(VersionConflict):
            pair.first.port.hand_over(made, pair.second.id)

    def test_who_left_still_finds_it_by_its_id_and_hears_of_it_once(self, pair: Pair) -> None:
        made = pair.make(pair.second.as_person())
        token = token_after(pair.second.port.read(None))
        pair.invites(made.id, [])
        changed, removed, token = delta(pair.second.port, token)
        assert ({id_: seen.participant_ids for id_, seen in changed.items()}, removed) == ({made.id: ()}, set())
        assert pair.second.port.get([made.id])[made.id] == changed[made.id]
        assert read(pair.second.port) == []
        pair.first.port.update(changed[made.id], replace(MEETING, title="New"), frozenset({"title"}))
        assert delta(pair.second.port, token)[:2] == ({}, set())

    def test_everybody_concerned_hears_of_every_change_of_people(self, pair: Pair) -> None:
        made = pair.make()
        before = token_after(pair.second.port.read(None))
        joined = pair.second.port.take_part(made.id, "accepted")
        mine = token_after(pair.first.port.read(None))
        answered = update(pair.second, joined, (pair.second.as_person("declined"),), "response")
        assert delta(pair.first.port, mine)[0] == {made.id: answered}
        removed = update(pair.first, answered, (), f"p:{pair.second.address}")
        assert delta(pair.second.port, before)[0] == {made.id: removed}

    def test_what_was_put_into_the_trash_by_a_run_comes_back_by_any_colleagues(self, pair: Pair) -> None:
        made = pair.make(pair.second.as_person())
        pair.second.port.delete(made)
        assert pair.first.port.get([made.id]) == {made.id: None}
        back = pair.second.port.restore(made.id)
        assert (back.id == made.id) is pair.keeps_ids
        assert pair.first.port.get([back.id]) == {back.id: back}
        assert (back.owner_id, back.participant_ids) == (made.owner_id, made.participant_ids)
        with pytest.raises(NotFound):
            pair.second.port.restore("00000000-0000-4000-8000-000000000000")


def update(who: Somebody, seen: SeenActivity, people: tuple[Person, ...], *keys: FieldKey) -> SeenActivity:
    return who.port.update(seen, replace(MEETING, title="Not named", people=people), frozenset(keys))


def answers(seen: SeenActivity) -> dict[str, str]:
    return {person.address.casefold(): person.response for person in seen.entry.people}
