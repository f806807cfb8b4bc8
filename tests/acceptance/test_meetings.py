"""Meetings: one activity however many mailboxes show them, and whose it is (rules 3.2, 4.1-4.7, 8.2)."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from samklang.clock import real_now
from samklang.engine.people import meeting_key
from samklang.mailboxes.models import Mailbox
from samklang.mailboxes.store import DjangoStore
from tests.acceptance.people import Person
from tests.acceptance.when import MONDAY, at, weekly
from tests.acceptance.world import World
from tests.installation import ApiRefused
from tests.sandbox_client import Refused

ALICE, BOB, XENIA = "alice@example.org", "bob@example.org", "xenia@elsewhere.example"


def _ordered(office: World, first: str) -> tuple[Person, Person]:
    return (office.alice, office.bob) if first == "alice" else (office.bob, office.alice)


# -- whose meeting


def test_a_meeting_is_owned_by_its_organizer_and_colleagues_take_part_though_they_do_not_sync(world: World) -> None:
    world.alice.outlook.calls(BOB, XENIA)
    report = world.synced()
    assert (report.psa.created, report.writes) == (1, 1)
    guid = world.alice.one["guid"]
    assert world.alice.owner(guid) == "Alice Berg"
    assert set(world.alice.people(guid)) == world.psa.holds(BOB, XENIA)
    assert [one["guid"] for one in world.bob.activities] == [guid]


@pytest.mark.parametrize("first", ["alice", "bob"])
def test_case_109_whoever_syncs_first_there_is_one_series_and_its_organizer_keeps_it(office: World, first: str) -> None:
    office.alice.outlook.calls(BOB, when=at(7), rule=weekly(count=5))
    for person in _ordered(office, first):
        office.syncs(person)
        office.synced()
    assert [one["guid"] for one in office.alice.activities] == [one["guid"] for one in office.bob.activities]
    assert office.alice.owner(office.alice.one["guid"]) == "Alice Berg"
    assert len(office.alice.occurrences) == 5
    assert len(office.alice.outlook.entries) == len(office.bob.outlook.entries) == 1


def test_case_127_both_calendars_at_the_same_moment_make_one_activity(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = office.outsider().calls(ALICE, BOB)
    begin = DjangoStore.begin_create
    between: list[str] = []

    def overtaken(store: DjangoStore, *args: object, **more: object) -> object:
        """Bob's whole run comes between Alice's decision to make the activity and her making it."""
        if not between:
            between.append(meeting["uid"])
            assert office.bob.runs()["error"] is None
        return begin(store, *args, **more)  # type: ignore[arg-type]

    office.syncs(office.alice, office.bob)
    with monkeypatch.context() as watched:
        watched.setattr(DjangoStore, "begin_create", overtaken)
        assert office.alice.runs()["error"] is None
    office.synced()
    assert between, "they ran at the same moment"
    assert [one["guid"] for one in office.alice.activities] == [one["guid"] for one in office.bob.activities]


def test_colleagues_hear_of_a_meetings_activity_while_a_run_is_cut_off_at_it(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.syncs(office.alice, office.bob)
    key = meeting_key(office.outsider().calls(ALICE, BOB)["uid"])
    with monkeypatch.context() as broken:
        broken.setattr(DjangoStore, "record", Mock(side_effect=KeyboardInterrupt))
        assert office.command("sync", "run", "--user", BOB).status == 130
    heard = {address: _store(address).being_made([key, "another"]) for address in (ALICE, BOB)}
    assert heard == {ALICE: {key}, BOB: set()}, "his own is no colleague's"
    office.synced()
    assert not _store(ALICE).being_made([key])
    assert office.alice.one["guid"] == office.bob.one["guid"]


def _store(address: str) -> DjangoStore:
    return DjangoStore(Mailbox.objects.get(user__email=address).pk, None, real_now)


@pytest.mark.parametrize("first", ["alice", "bob"])
def test_an_outsiders_meeting_is_owned_by_the_lowest_address_whoever_ran_first(office: World, first: str) -> None:
    office.outsider().calls(BOB, ALICE)
    for person in _ordered(office, first):
        office.syncs(person)
        office.synced()
    guid = office.alice.one["guid"]
    assert guid == office.bob.one["guid"]
    assert office.alice.owner(guid) == "Alice Berg"
    assert set(office.alice.people(guid)) == office.psa.holds(BOB, XENIA)


def test_an_invitation_passes_to_the_next_who_syncs_and_goes_to_the_trash_when_none_is_left(both: World) -> None:
    both.outsider().calls(ALICE, BOB)
    both.synced()
    guid = both.alice.one["guid"]
    both.alice.outlook.answers(both.alice.outlook.one["id"], "declined")
    both.synced()
    assert both.bob.owner(guid) == "Bob Dahl"
    assert both.bob.outlook.one["subject"] == "Lunch"
    both.bob.outlook.answers(both.bob.outlook.one["id"], "declined")
    both.synced()
    assert both.alice.activities == both.bob.activities == []


def test_when_who_spoke_for_an_outsiders_meeting_has_left_the_company_the_next_does(office: World) -> None:
    office.mailbox("carol@example.org", name="Carol Ek")
    carol = office.person("carol@example.org", "Carol Ek")
    office.started(office.bob, carol)
    xenia = office.outsider()
    meeting = xenia.calls(BOB, {"address": "carol@example.org", "name": "Carol Ek"})
    office.synced()
    assert carol.one["name"] == "Lunch"
    office.done("user", "deactivate", office.bob.email)
    office.syncing = [carol]
    xenia.edits(meeting["id"], subject="Late lunch", send="all")
    office.synced()
    assert carol.one["name"] == "Late lunch"


def test_case_128_178_an_outsiders_meeting_is_his_to_change_and_own_fields_stay_free(world: World) -> None:
    xenia = world.outsider()
    meeting = xenia.calls(ALICE)
    world.synced()
    guid = world.alice.one["guid"]
    assert world.alice.owner(guid) == "Alice Berg"
    before = world.alice.outlook.one
    for field in ({"name": "Mine"}, {"location": "Attic"}, {"when": at(8)}):
        _is_not_hers_to_change(world, guid, "Xenia", **field)
    world.alice.edits(guid, type=world.psa.another_type)
    assert world.synced().exchange.all == 0
    assert world.alice.outlook.one == before
    xenia.edits(meeting["id"], at(8, 14), subject="Late lunch", send="all")
    assert world.synced().psa.updated == 1
    assert (world.alice.one["name"], world.alice.one["activityType"]["name"]) == (
        "Late lunch",
        world.psa.another_type,
    )


def _is_not_hers_to_change(world: World, guid: str, whose: str, **field: Any) -> None:
    """Alice's edit is refused with the reason; where we cannot refuse, it is taken back and kept as lost (rule 4.4)."""
    before = world.alice.activity(guid)
    if not world.in_severa:
        with pytest.raises(ApiRefused) as refused:
            world.alice.edits(guid, **field)
        assert refused.value.status == 403 and whose in str(refused.value.body)
        return
    world.alice.edits(guid, **field)
    report = world.synced()
    assert (report.psa.updated, report.exchange.all) == (1, 0)
    after = world.alice.activity(guid)
    assert {name for name in after if after[name] != before[name]} <= {"lastUpdatedDateTime", "lastUpdatedBy"}
    latest = world.alice.ask("GET", "/api/me/history", activity=guid)[0]
    assert any(one["lost"] for one in latest["fields"]) and latest["why"].startswith("Somebody else organizes")


def test_case_130_a_meeting_with_somebody_unknown_syncs(world: World) -> None:
    world.alice.outlook.calls("nobody@nowhere.invalid", "bob@example.org")
    assert world.synced().psa.created == 1
    assert set(world.alice.people(world.alice.one["guid"])) == world.psa.holds("nobody@nowhere.invalid", BOB)


def test_case_134_a_group_that_is_invited_shows_the_meeting_to_its_members(both: World) -> None:
    both.sandbox.group("team@example.org", ALICE, BOB)
    both.outsider().calls("team@example.org")
    both.synced()
    (guid,) = {one["guid"] for one in both.alice.activities + both.bob.activities}
    assert both.alice.one["name"] == both.bob.one["name"] == "Lunch"
    assert both.alice.owner(guid) == "Alice Berg"


def test_case_136_an_organizer_who_also_invites_himself_is_listed_once(world: World) -> None:
    world.alice.outlook.calls(ALICE, BOB)
    world.synced()
    assert set(world.alice.people(world.alice.one["guid"])) == {BOB}


def test_an_alias_and_the_primary_address_are_one_person(world: World) -> None:
    world.sandbox.change_mailbox(BOB, aliases=["robert@example.org"])
    world.alice.outlook.calls("Bob@Example.org", XENIA)
    world.synced()
    assert set(world.alice.people(world.alice.one["guid"])) == world.psa.holds(BOB, XENIA)


def test_case_137_five_hundred_attendees(world: World) -> None:
    guests = [f"guest{number:03}@elsewhere.example" for number in range(500)]
    world.alice.outlook.calls(*guests)
    assert world.synced().writes == 1
    assert set(world.alice.people(world.alice.one["guid"])) == world.psa.holds(*guests)


def test_case_146_a_room_stays_on_the_event_and_is_no_person(world: World) -> None:
    room = {"address": "attic@example.org", "name": "Attic", "kind": "resource"}
    meeting = world.alice.outlook.calls(BOB, room)
    world.synced()
    people = world.alice.people(world.alice.one["guid"])
    assert BOB in people
    if world.protocol == "ews":  # Graph shows a room as an attendee like others (Graph facts §1.6)
        assert set(people) == {BOB}
    world.alice.edits(world.alice.one["guid"], name="Late lunch")
    world.synced()
    assert set(world.alice.outlook.asked_to(meeting["id"])) == {BOB, "attic@example.org"}
    world.mails_allowed.update({("update", BOB): 1, ("update", "attic@example.org"): 1})


# -- answers


@pytest.mark.parametrize(
    ("answer", "status"),
    [("accepted", "Accepted"), ("tentativelyAccepted", "Tentative"), ("declined", "Declined")],
)
def test_case_131_an_answer_shows_as_the_participants_status(world: World, answer: str, status: str) -> None:
    meeting = world.alice.outlook.calls(BOB)
    world.synced()
    guid = world.alice.one["guid"]
    world.bob.outlook.answers(world.bob.outlook.one["id"], answer)
    assert world.alice.outlook.asked_to(meeting["id"]) == {BOB: answer}
    assert world.synced().psa.updated == 1
    assert world.alice.people(guid) == {BOB: status}


@pytest.mark.parametrize(
    ("answer", "response"),
    [("Accepted", "accepted"), ("Tentative", "tentativelyAccepted"), ("Declined", "declined")],
)
def test_case_131_an_answer_given_in_the_psa_is_his_response_in_outlook_and_nobody_is_mailed(
    both: World, answer: str, response: str
) -> None:
    meeting = both.outsider().calls(ALICE, BOB)
    both.synced()
    (item,) = [one["id"] for one in both.bob.outlook.entries]
    both.bob.answers(both.bob.one["guid"], answer)
    report = both.synced()
    assert report.exchange.all <= 1
    if answer == "Declined":
        assert both.bob.outlook.entries == []
    else:
        assert both.bob.outlook.entry(item)["my_response"] == response
    assert both.sandbox.entry(XENIA, meeting["id"])["attendees"][1]["response"] == "none", "no mail told her"
    assert both.alice.outlook.one["subject"] == "Lunch"


def test_case_49_who_declines_is_out_and_the_meeting_stays_for_the_others(both: World) -> None:
    both.alice.outlook.calls(BOB, XENIA)
    both.synced()
    guid = both.alice.one["guid"]
    both.bob.outlook.answers(both.bob.outlook.one["id"], "declined")
    assert both.bob.outlook.entries == []
    assert both.synced().exchange.all == 0
    assert both.alice.people(guid)[BOB] == "Declined"
    assert both.alice.outlook.one["subject"] == both.alice.one["name"] == "Lunch"


def _says_no_and_then_yes(both: World, **details: Any) -> str:
    """Bob declines in Outlook what Alice called, then says in the PSA that he comes; the activity."""
    both.alice.outlook.calls(BOB, **details)
    both.synced()
    guid = str(both.alice.one["guid"])
    both.bob.outlook.answers(both.bob.outlook.one["id"], "declined")
    both.synced()
    both.bob.answers(guid, "Tentative")
    both.synced()
    return guid


def test_who_declined_and_says_in_the_psa_that_he_comes_has_a_copy_until_he_is_invited_anew(both: World) -> None:
    guid = _says_no_and_then_yes(both)
    copy = both.bob.outlook.one
    assert (copy["subject"], copy["text"], copy["attendees"]) == ("Lunch", both.alice.outlook.one["text"], [])
    assert both.alice.people(guid) == {BOB: "Tentative"}
    assert both.bob.ask("GET", "/api/me/history")[0]["why"].startswith("Who takes part has it in his calendar")
    both.alice.outlook.edits(both.alice.outlook.one["id"], location="Bistro", send="all")
    both.synced()
    invitation = both.bob.outlook.one
    assert invitation["attendees"] and invitation["location"] == "Bistro"


@pytest.mark.parametrize("by", ["his answer", "being asked anew"])
def test_who_removed_his_copy_and_takes_part_again_in_the_psa_has_one_again(both: World, by: str) -> None:
    guid = both.alice.makes("Tea")
    both.alice.invites(both.bob, guid)
    both.synced()
    both.bob.outlook.deletes(both.bob.outlook.one["id"])
    both.synced()
    assert both.alice.people(guid) == {BOB: "Declined"}
    if by == "his answer":
        both.bob.answers(guid, "Accepted")
    else:
        both.alice.invites(both.bob, guid)
    both.synced()
    assert both.bob.outlook.one["subject"] == "Tea"


def test_what_is_changed_in_a_plain_copy_of_a_colleagues_meeting_goes_back_and_nobody_is_mailed(both: World) -> None:
    _says_no_and_then_yes(both, when=at(7), rule=weekly(count=4))
    both.bob.outlook.edits(both.bob.outlook.one["id"], subject="Dinner")
    both.bob.outlook.edits(both.bob.outlook.one["id"], on=MONDAY.replace(day=16), subject="Supper")
    both.bob.outlook.deletes(both.bob.outlook.one["id"], on=MONDAY.replace(day=23))
    both.synced()
    assert {one["subject"] for one in both.bob.outlook.occurrences + both.alice.outlook.occurrences} == {"Lunch"}
    assert len(both.bob.outlook.occurrences) == len(both.alice.outlook.occurrences) == 4
    latest = both.bob.ask("GET", "/api/me/history")[0]
    assert {"Dinner", "Supper"} <= {field["lost"] for field in latest["fields"]}
    assert latest["why"].startswith("Somebody else organizes this meeting")


def test_who_removes_a_meeting_from_his_own_calendar_removes_it_from_no_other(both: World) -> None:
    both.alice.outlook.calls(BOB)
    both.synced()
    both.bob.outlook.deletes(both.bob.outlook.one["id"])
    assert both.synced().exchange.all == 0
    assert both.alice.one["name"] == both.alice.outlook.one["subject"] == "Lunch"


def test_who_takes_her_copy_back_out_of_deleted_items_takes_part_again(both: World) -> None:
    guid = both.bob.makes("Tea")
    both.bob.invites(both.alice, guid)
    both.synced()
    there = both.alice.outlook.moves_to("deleteditems", both.alice.outlook.one["id"])
    both.synced()
    assert both.bob.people(guid) == {ALICE: "Declined"}
    both.alice.outlook.moves_to("calendar", there)
    both.synced()
    assert both.bob.people(guid) == {ALICE: "Accepted"}
    both.bob.edits(guid, name="Coffee")
    both.synced()
    assert both.alice.outlook.one["subject"] == "Coffee"


def test_case_116_one_occurrence_declined_leaves_the_series_and_the_date_to_the_others(both: World) -> None:
    both.alice.outlook.calls(BOB, when=at(7), rule=weekly(count=4))
    both.synced()
    both.bob.outlook.answers(both.bob.outlook.one["id"], "declined", on=MONDAY.replace(day=16))
    both.one_sided_by = "4.5: one date declined by Bob alone"
    both.synced()
    assert len(both.alice.outlook.occurrences) == len(both.alice.occurrences) == 4
    assert len(both.bob.outlook.occurrences) == 3


def test_a_date_its_organizer_cancelled_is_cancelled_for_all(both: World) -> None:
    meeting = both.alice.outlook.calls(BOB, when=at(7), rule=weekly(count=4))
    both.synced()
    both.alice.outlook.deletes(meeting["id"], on=MONDAY.replace(day=16), send="all")
    both.differs_by = "8.2: the attendee's copy keeps the date, marked as cancelled"
    both.synced()
    assert len(both.alice.occurrences) == 3


def test_case_118_an_invitation_to_one_date_stands_alone(world: World) -> None:
    xenia = world.outsider()
    series = xenia.calls(BOB, when=at(7), rule=weekly(count=4))
    xenia.asks(series["id"], BOB, ALICE, on=MONDAY.replace(day=16))
    assert world.synced().psa.created == 1
    assert world.alice.starts() == ["2026-03-16T09:00"]
    assert world.alice.one["recurrenceType"] == "None"


def test_an_invitation_to_one_date_of_a_linked_series_joins_it(both: World) -> None:
    series = both.alice.outlook.calls(XENIA, when=at(7), rule=weekly(count=4))
    both.synced()
    both.alice.outlook.asks(series["id"], XENIA, BOB, on=MONDAY.replace(day=16))
    both.differs_by = "3.2: Bob was asked to one date of the series"
    both.synced()
    assert len({one["guid"] for one in both.alice.activities + both.bob.activities}) == 1


# -- cancelled and gone


def test_case_145_a_meeting_its_organizer_cancelled_goes_and_its_title_is_never_the_servers(world: World) -> None:
    xenia = world.outsider()
    meeting = xenia.calls(ALICE)
    world.synced()
    xenia.deletes(meeting["id"], send="all")
    assert world.alice.outlook.one["subject"] == "Canceled: Lunch"
    world.differs_by = "8.2: the cancelled copy is the user's to remove"
    world.synced()
    assert world.alice.activities == []
    world.alice.outlook.deletes(world.alice.outlook.one["id"])
    assert world.synced().writes == 0


def test_a_past_meeting_that_is_cancelled_stays_an_activity_under_its_own_title(world: World) -> None:
    xenia = world.outsider()
    meeting = xenia.calls(ALICE, when=at(-3))
    world.synced()
    xenia.deletes(meeting["id"], send="all")
    world.differs_by = "8.2: over"
    assert world.synced().writes == 0
    assert world.alice.one["name"] == "Lunch"


def test_a_cancelled_meeting_never_comes_in_at_first(office: World) -> None:
    xenia = office.outsider()
    xenia.deletes(xenia.calls(ALICE)["id"], send="all")
    office.differs_by = "8.2: cancelled"
    office.syncs(office.alice)
    assert office.synced().writes == 0
    assert office.alice.activities == []


# -- neighbours, owners and copies


def test_case_112_an_occurrence_moved_over_its_neighbour_is_refused_by_the_server(world: World) -> None:
    world.alice.makes("Round", at(7), weekly(count=4))
    world.synced()
    with pytest.raises(Refused) as refused:
        world.alice.outlook.edits(world.alice.outlook.one["id"], at(29), on=MONDAY.replace(day=16))
    assert "neighbour" in refused.value.detail.lower() or refused.value.code
    assert world.synced().writes == 0


def test_case_40_an_edit_of_a_colleagues_meeting_is_refused_where_nobody_carries_it_to_him(world: World) -> None:
    world.bob.outlook.calls(ALICE)
    world.synced()
    guid = world.alice.one["guid"]
    assert world.alice.owner(guid) == "Bob Dahl", "he does not sync, and owns it all the same"
    _is_not_hers_to_change(world, guid, "Bob", name="Mine")
    assert world.synced().writes == 0
    assert world.alice.one["name"] == world.bob.outlook.one["subject"] == "Lunch"


def test_case_41_a_new_owner_of_what_was_never_synced_changes_nothing(both: World) -> None:
    both.psa.ticks("Meeting")
    guid = both.alice.makes("Tea", type=both.psa.another_type)
    both.one_sided_by = "1.5"
    both.synced()
    both.alice.edits(guid, ownerUser={"guid": both.bob.guid})
    assert both.synced().writes == 0
    assert both.bob.one["guid"] == guid


def test_a_new_owner_who_syncs_gets_the_event_and_the_old_one_loses_it(both: World) -> None:
    guid = both.alice.makes("Tea")
    both.synced()
    both.alice.edits(guid, ownerUser={"guid": both.bob.guid})
    report = both.synced()
    assert (report.exchange.created, report.exchange.deleted, report.writes) == (1, 1, 2)
    assert both.alice.outlook.entries == [] and both.bob.outlook.one["subject"] == "Tea"


def test_the_event_stays_with_the_old_owner_when_the_new_one_does_not_sync(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.edits(guid, ownerUser={"guid": world.bob.guid})
    world.one_sided_by = "4.7: unlinked, with notice"
    assert world.synced().writes == 0
    world.bob.edits(guid, name="Coffee")
    assert world.synced().writes == 0
    assert world.alice.outlook.one["subject"] == "Tea"


def test_attendees_added_to_a_copy_make_it_the_activitys_meeting(both: World) -> None:
    guid = both.alice.makes("Tea")
    both.alice.invites(both.bob, guid)
    both.synced()
    both.alice.outlook.asks(both.alice.outlook.one["id"], BOB, XENIA)
    assert len(both.bob.outlook.entries) == 2, "the invitation stands beside his copy"
    report = both.synced()
    assert report.exchange.deleted == 1
    assert [one["uid"] for one in both.bob.outlook.entries] == [both.alice.outlook.one["uid"]]
    assert both.alice.one["guid"] == both.bob.one["guid"] == guid
    assert set(both.alice.people(guid)) == both.psa.holds(BOB, XENIA)


@pytest.mark.parametrize("first", ["alice", "bob"])
def test_the_first_runs_of_two_who_share_meetings_mail_nobody_in_either_order(office: World, first: str) -> None:
    xenia = office.outsider()
    xenia.calls(ALICE, BOB, subject="From outside")
    office.alice.outlook.calls(BOB, XENIA, subject="Ours", when=at(8))
    office.bob.outlook.calls(ALICE, subject="His", when=at(9), rule=weekly(count=3))
    for person in _ordered(office, first):
        office.syncs(person)
    assert office.synced().exchange.all == 0
    assert {one["guid"] for one in office.alice.activities} == {one["guid"] for one in office.bob.activities}
    owners = {one["name"]: office.alice.owner(one["guid"]) for one in office.alice.activities}
    assert owners == {"From outside": "Alice Berg", "Ours": "Alice Berg", "His": "Bob Dahl"}


@pytest.mark.parametrize("first", ["alice", "bob"])
def test_case_179_an_outsider_and_two_colleagues_change_a_meeting_and_every_order_ends_the_same(
    both: World, first: str
) -> None:
    xenia = both.outsider()
    meeting = xenia.calls(ALICE, BOB)
    both.synced()
    guid = both.alice.one["guid"]
    both.alice.edits(guid, type=both.psa.another_type)
    xenia.edits(meeting["id"], location="Attic", send="all")
    both.bob.outlook.answers(both.bob.outlook.one["id"], "tentativelyAccepted")
    if first == "bob":
        both.syncing.reverse()
    both.synced()
    seen = both.alice.activity(guid)
    assert (seen["location"], seen["activityType"]["name"]) == ("Attic", both.psa.another_type)
    assert both.alice.people(guid)[BOB] == "Tentative"
