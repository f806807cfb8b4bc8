"""Who is mailed: the attendees of a future meeting that its organizer changes in the PSA; nobody else (rule 4.6)."""

from __future__ import annotations

import pytest

from tests.acceptance.people import Person
from tests.acceptance.when import MONDAY, at, weekly
from tests.acceptance.world import World

BOB, DORA, XENIA = "bob@example.org", "dora@example.org", "xenia@elsewhere.example"


def _called(world: World, *guests: str, **more: object) -> str:
    """A meeting of Alice's with its activity; returns the activity's guid."""
    world.alice.outlook.calls(*(guests or (BOB,)), **more)  # type: ignore[arg-type]
    world.synced()
    assert not world.mails, "what a person sends is not ours"
    return str(world.alice.one["guid"])


@pytest.mark.parametrize("field", ["title", "time", "place"])
def test_a_future_meeting_changed_in_the_psa_is_sent_to_its_attendees(world: World, field: str) -> None:
    guid = _called(world, BOB, XENIA)
    edits = {"title": {"name": "Late lunch"}, "time": {"when": at(8, 14)}, "place": {"location": "Attic"}}
    world.alice.edits(guid, **edits[field])  # type: ignore[arg-type]
    assert world.synced().exchange.updated == 1
    world.mails_allowed.update([("update", BOB), ("update", XENIA)])
    assert (world.bob.outlook.one["subject"], world.bob.outlook.one["location"], world.bob.outlook.starts()) == (
        world.alice.outlook.one["subject"],
        world.alice.outlook.one["location"],
        world.alice.outlook.starts(),
    )


def test_case_26_a_colleagues_edit_goes_to_the_organizers_event_once(both: World) -> None:
    guid = _called(both)
    both.bob.edits(guid, name="Late lunch")
    assert both.synced().exchange.all == 1
    assert both.alice.outlook.one["subject"] == both.bob.outlook.one["subject"] == "Late lunch"
    both.mails_allowed.update([("update", BOB)])


def test_a_future_meeting_deleted_in_the_psa_is_cancelled(world: World) -> None:
    guid = _called(world)
    world.alice.deletes(guid)
    assert world.synced().exchange.deleted == 1
    world.mails_allowed.update([("cancellation", BOB)])
    assert world.bob.outlook.one["subject"] == "Canceled: Lunch"


def test_case_139_other_fields_mail_nobody(world: World) -> None:
    guid = _called(world)
    world.alice.edits(guid, notes="Bring cups")
    world.differs_by = "4.6: nobody can be mailed for a text; the link says so"
    report = world.synced()
    assert report.exchange.all == 0, "alike over EWS and Graph, which could not write it silently"
    assert report.set_aside == {"meeting_would_mail": 1}
    world.alice.edits(guid, type=world.psa.another_type)
    assert world.synced().exchange.all == 0


def test_case_140_a_past_meeting_mails_nobody(world: World) -> None:
    guid = _called(world, when=at(-3))
    world.alice.edits(guid, name="What was said")
    world.differs_by = "4.6: over; the link says so"
    report = world.synced()
    assert report.exchange.all == 0
    assert report.set_aside == {"meeting_would_mail": 1}


def test_a_past_meeting_deleted_in_the_psa_mails_nobody(world: World) -> None:
    guid = _called(world, when=at(-3))
    world.alice.deletes(guid)
    world.one_sided_by = "4.6: over; the link says so"
    assert world.synced().exchange.all == 0
    assert world.bob.outlook.one["subject"] == "Lunch"


def test_one_date_of_a_series_that_is_changed_is_sent_once_to_its_attendees(world: World) -> None:
    guid = _called(world, when=at(7), rule=weekly(count=4))
    world.alice.edits(guid, on=MONDAY.replace(day=16), name="With guests")
    assert world.synced().exchange.updated == 1
    world.mails_allowed.update([("update", BOB)])
    assert [one["subject"] for one in world.bob.outlook.occurrences].count("With guests") == 1


def _dora(world: World) -> Person:
    world.mailbox(DORA, name="Dora Ek")
    return world.person(DORA, "Dora Ek")


def test_case_133_who_is_added_or_removed_in_the_psa_is_mailed_alone(world: World) -> None:
    dora = _dora(world)
    guid = _called(world)
    world.alice.invites(dora, guid)
    assert world.synced().exchange.updated == 1
    assert dora.outlook.one["subject"] == "Lunch"
    assert world.mails == {("invitation", DORA): 1}
    world.alice.takes_off(DORA, guid)
    assert world.synced().exchange.updated == 1
    world.mails_allowed.update([("invitation", DORA), ("cancellation", DORA)])
    assert set(world.alice.outlook.asked_to(world.alice.outlook.one["id"])) == {BOB}


def test_case_133_who_is_added_or_removed_in_outlook_is_so_in_the_psa(world: World) -> None:
    guid = _called(world)
    item = world.alice.outlook.one["id"]
    world.alice.outlook.asks(item, BOB, XENIA)
    report = world.synced()
    assert (report.psa.updated, report.writes) == (1, 1)
    assert set(world.alice.people(guid)) == world.psa.holds(BOB, XENIA)
    world.alice.outlook.asks(item, XENIA)
    assert world.synced().writes == 1
    assert set(world.alice.people(guid)) == world.psa.holds(XENIA)


def test_case_142_removed_from_a_meeting_in_the_psa_he_alone_loses_it(both: World) -> None:
    guid = _called(both, BOB, XENIA)
    both.alice.takes_off(BOB, guid)
    both.differs_by = "8.2: his cancelled copy is his to remove"
    assert both.synced().exchange.updated == 1
    both.mails_allowed.update([("cancellation", BOB)])
    assert set(both.alice.outlook.asked_to(both.alice.outlook.one["id"])) == {XENIA}
    assert both.bob.activities == [] and both.alice.one["name"] == "Lunch"


def test_a_change_that_only_ones_own_outlook_knows_is_sent_by_nobody(both: World) -> None:
    """Made in Outlook it is Outlook that mails: we bring it to the PSA and tell nobody."""
    guid = _called(both, BOB, XENIA)
    both.alice.outlook.edits(both.alice.outlook.one["id"], at(8, 14), subject="Late lunch", send="all")
    report = both.synced()
    assert (report.psa.updated, report.exchange.all) == (1, 0)
    assert both.alice.activity(guid)["name"] == "Late lunch"
