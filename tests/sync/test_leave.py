"""Switching off and removing what the sync made, on either side (rule 12.1)."""

from __future__ import annotations

from typing import Any

import pytest

from samklang.engine.model import Person as Guest
from samklang.engine.model import Side
from samklang.sync.leave import leave, made
from samklang.sync.undo import Person
from tests.sync.world import World, at, single, weekly

ALICE = Person("alice", "leaving")


def _left(world: World, *sides: Side, edited: tuple[tuple[Side, str], ...] = ()) -> dict[str, str]:
    """Titles of what stayed, with the reason."""
    return {row.title: row.code for row in leave(world.parts, sides, edited, ALICE)}


@pytest.mark.parametrize("side", list(Side))
def test_what_the_sync_made_goes_and_what_people_made_stays(world: World, side: Side) -> None:
    world.add_to_psa(single("Typed here"))
    world.add_to_exchange(single("Typed there", at(9)))
    world.synced()
    assert _left(world, side) == {}
    here, there = ([one.entry.title for one in entries] for entries in (world.activities, world.events))
    if side is Side.PSA:
        assert (here, sorted(there)) == (["Typed here"], ["Typed here", "Typed there"])
    else:
        assert (sorted(here), there) == (["Typed here", "Typed there"], ["Typed there"])
    assert world.store.journal[-1].cause == "leaving"
    world.synced()  # switched on again: everything is there once more, and nothing twice
    assert len(world.activities) == len(world.events) == 2


def test_a_matched_pair_is_nobodys_making(before_start: World) -> None:
    world = before_start
    world.add_to_psa(single("Tea"))
    world.add_to_exchange(single("Tea"))
    world.started()
    assert list(made(world.parts, list(Side), ())) == []


@pytest.mark.parametrize(
    ("marks", "code"),
    [
        ({"closed": True}, "is_closed"),
        ({"has_hours": True}, "has_hours"),
        ({"participant_ids": ("bob",)}, "has_attendees"),
    ],
)
def test_what_others_or_the_books_rely_on_stays_on_both_sides(world: World, marks: dict[str, Any], code: str) -> None:
    world.add_to_psa(single("Typed here"), **marks)
    world.add_to_exchange(single("Typed there", at(9)))
    world.synced()
    (there,) = (one.id for one in world.activities if one.entry.title == "Typed there")
    world.psa.person_marks(there, **marks)
    assert _left(world, *Side) == {"Typed here": code, "Typed there": code}
    assert len(world.activities) == len(world.events) == 2


def test_an_event_with_attendees_stays(world: World) -> None:
    world.add_to_psa(single("Tea"))
    world.synced()
    guest = Guest("xaver@example.net", "Xaver")
    world.exchange.person_marks(world.event.id, is_meeting=True, entry=single("Tea", people=(guest,)))
    assert _left(world, Side.EXCHANGE) == {"Tea": "has_attendees"}
    world.synced()


def test_what_is_over_stays_and_a_series_that_has_begun(world: World) -> None:
    world.add_to_psa(single("Was", at(-3)))
    world.add_to_psa(weekly("Round", day=-14))
    world.add_to_psa(weekly("To come"))
    world.synced()
    assert _left(world, Side.EXCHANGE) == {"Was": "is_over", "Round": "is_over"}
    assert sorted(one.entry.title for one in world.events) == ["Round", "Was"]
    world.synced()


def test_what_a_person_edited_stays_whether_the_edit_was_carried_over_or_not(world: World) -> None:
    world.add_to_psa(single("Tea"))
    world.add_to_psa(single("Coffee", at(9)))
    world.synced()
    carried, fresh = ("Tea", "Coffee")
    items = {one.entry.title: one.id for one in world.events}
    world.exchange.person_edits(items[carried], place="Attic")
    world.synced()
    world.exchange.person_edits(items[fresh], place="Cellar")
    (link,) = (one for one in world.links if one.item_id == items[carried])
    left = _left(world, Side.EXCHANGE, edited=((Side.EXCHANGE, link.id),))
    assert left == {"Tea": "edited_since", "Coffee": "edited_since"}
    world.synced()


def test_asking_what_would_go_writes_nothing(world: World) -> None:
    world.add_to_psa(single("Tea"))
    world.synced()
    (one,) = made(world.parts, [Side.EXCHANGE], ())
    assert (one.row().kind, one.row().title, one.row().side) == ("Delete", "Tea", "exchange")
    assert len(world.events) == 1
