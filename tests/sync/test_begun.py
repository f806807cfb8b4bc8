"""A write whose answer was lost is ours, not a person's edit (rules 7.2, 8.4): on either side, whoever edits next."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from samklang.engine.model import Side
from samklang.engine.rules import ConflictPolicy
from samklang.sync.errors import Unavailable
from samklang.sync.memory import PowerCut
from tests.sync.world import World, at, single

LOST = [Unavailable(), PowerCut()]
POLICIES = list(ConflictPolicy)


class Lost(World):
    """A pair whose title was edited on `edited`; our write of it to the other side took effect, its answer was lost."""

    def __init__(self, edited: Side, error: BaseException, policy: ConflictPolicy) -> None:
        super().__init__(conflict=policy)
        self.started()
        self.add_to_psa(single("Tea"))
        self.synced()
        self.ids = {Side.PSA: self.activity.id, Side.EXCHANGE: self.event.id}
        self.edits(edited, title="Cake")
        target = {Side.PSA: "psa", Side.EXCHANGE: "exchange"}[edited.other]
        self.faults.arm(error, on=f"{target}.update", after=True)
        with suppress(PowerCut):
            self.run()
        assert {self.activity.entry.title, self.event.entry.title} == {"Cake"}

    def edits(self, side: Side, **changes: Any) -> None:
        (self.psa if side is Side.PSA else self.exchange).person_edits(self.ids[side], **changes)
        self.later(minutes=1)

    def deletes(self, side: Side) -> None:
        (self.psa if side is Side.PSA else self.exchange).person_deletes(self.ids[side])

    def at_rest(self) -> None:
        self.synced()
        self.check_at_rest()
        assert self.store.begun() == ()


pytestmark = [
    pytest.mark.parametrize("policy", POLICIES),
    pytest.mark.parametrize("error", LOST, ids=["failed", "cut off"]),
    pytest.mark.parametrize("edited", list(Side)),
]


def test_an_edit_after_it_wins_whatever_else_is_edited(edited: Side, error: Any, policy: ConflictPolicy) -> None:
    world = Lost(edited, error, policy)
    world.edits(edited, title="Pie")
    world.edits(edited.other, place="Garden")
    world.at_rest()
    assert (world.event.entry.title, world.event.entry.place) == ("Pie", "Garden")


def test_what_is_put_back_after_it_is_put_back_there_too(edited: Side, error: Any, policy: ConflictPolicy) -> None:
    world = Lost(edited, error, policy)
    world.edits(edited, title="Tea")
    world.at_rest()
    assert world.event.entry.title == "Tea"


def test_what_is_edited_where_we_wrote_is_an_edit(edited: Side, error: Any, policy: ConflictPolicy) -> None:
    world = Lost(edited, error, policy)
    world.edits(edited.other, when=at(9))
    world.at_rest()
    assert (world.activity.entry.title, world.activity.entry.when.start) == ("Cake", at(9).start)


def test_what_is_deleted_after_it_does_not_come_back(edited: Side, error: Any, policy: ConflictPolicy) -> None:
    world = Lost(edited, error, policy)
    world.deletes(edited)
    world.at_rest()
    assert not world.activities and not world.events


def test_what_is_deleted_where_we_wrote_goes_as_ever(edited: Side, error: Any, policy: ConflictPolicy) -> None:
    world = Lost(edited, error, policy)
    world.deletes(edited.other)
    world.synced()
    world.check_at_rest()
    assert len(world.activities) == len(world.events)
