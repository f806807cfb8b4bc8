"""History, restore, undo, why; waiting entries; leaving, export and erasing (rules 10.1, 11, 12)."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

import pytest

from tests.acceptance.people import Person
from tests.acceptance.when import at, weekly
from tests.acceptance.world import World
from tests.installation import ApiRefused


def _history(person: Person, **filters: Any) -> list[dict[str, Any]]:
    """The latest first."""
    return list(person.ask("GET", "/api/me/history", **filters))


def _why(person: Person, **entry: str) -> dict[str, Any]:
    return dict(person.ask("GET", "/api/me/why", **entry))


def _last_run(person: Person) -> int:
    return int(person.ask("GET", "/api/me/runs")[0]["id"])


# -- 11.1


def test_case_227_the_history_tells_who_changed_a_field_when_and_from_which_side(both: World) -> None:
    guid = both.alice.makes("Tea")
    both.alice.invites(both.bob, guid)
    both.synced()
    both.bob.edits(guid, name="Coffee")
    both.synced()
    both.alice.outlook.edits(both.alice.outlook.one["id"], subject="Cocoa")
    both.synced()
    latest, before = _history(both.alice, activity=guid)[:2]
    assert (latest["side"], latest["by"], latest["fields"]) == (
        "psa",
        "a change in Outlook",
        [{"field": "title", "before": "Coffee", "after": "Cocoa", "lost": None}],
    )
    assert before["side"] == "exchange"
    assert re.fullmatch("a change in (Samklang|Severa) by Bob Dahl", before["by"])
    assert before["at"] < latest["at"] and before["why"]


def test_every_write_is_in_the_history_once(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.edits(guid, name="Coffee")
    world.synced()
    world.alice.deletes(guid)
    world.synced()
    rows = _history(world.alice)
    assert [(row["side"], row["kind"]) for row in rows] == [
        ("exchange", "delete"),
        ("exchange", "update"),
        ("exchange", "create"),
    ]
    assert all(row["run"] for row in rows)


def test_a_history_is_its_users_own(both: World) -> None:
    both.alice.makes("Tea")
    both.synced()
    (row,) = _history(both.alice)
    assert _history(both.bob) == []
    with pytest.raises(ApiRefused, match="no_such_write"):
        both.bob.ask("POST", f"/api/me/history/{row['id']}/restore")


def test_case_164_what_became_private_is_masked_in_the_history_of_who_takes_no_part_any_longer(both: World) -> None:
    guid = both.alice.makes("Merger talks")
    both.alice.invites(both.bob, guid)
    both.synced()
    both.alice.takes_off("bob@example.org", guid)
    if both.in_severa:
        # Nobody gives it another group there (rule 13.3).
        both.alice.outlook.edits(both.alice.outlook.one["id"], sensitivity="private")
    else:
        both.alice.edits(guid, type="Private")
    both.one_sided_by = "4.7: Bob takes no part any longer"
    both.synced()
    rows = _history(both.bob, activity=both.alice.one["guid"])
    assert rows and all(row["masked"] and row["title"] == "Private" and not row["fields"] for row in rows)
    assert not any(row["restorable"] for row in rows)
    assert "Merger talks" in {row["title"] for row in _history(both.alice)}


# -- 11.2


def test_case_58_restored_from_the_history_a_deleted_activity_brings_its_event_back(world: World) -> None:
    guid = world.alice.makes("Tea", at(8), location="Attic", notes="Black")
    world.synced()
    world.alice.deletes(guid)
    world.synced()
    (deleted,) = (row for row in _history(world.alice) if row["kind"] == "delete")
    world.alice.ask("POST", f"/api/me/history/{deleted['id']}/restore")
    assert world.synced().exchange.created == 1
    event = world.alice.outlook.one
    assert (event["subject"], event["location"]) == ("Tea", "Attic")
    if not world.in_severa:  # which deletes for good: it is made anew (rule 13.1)
        assert world.alice.one["guid"] == guid, "the activity itself, with all the PSA alone knows of it"


def test_case_58_restored_from_the_history_a_deleted_event_comes_back_with_its_activity(world: World) -> None:
    item = world.alice.outlook.makes("Round", at(8), weekly(count=4))
    world.synced()
    world.alice.outlook.deletes(item)
    world.synced()
    world.done("sync", "restore", "--user", world.alice.email, str(_history(world.alice)[0]["id"]))
    assert world.synced().exchange.created == 1
    assert world.alice.outlook.starts() == world.alice.starts() and len(world.alice.starts()) == 4


def test_case_172_the_value_that_lost_a_conflict_is_readable_and_put_back_with_one_click(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.edits(guid, name="Cocoa")
    world.later(minutes=5)
    world.alice.outlook.edits(world.alice.outlook.one["id"], subject="Coffee")
    world.synced()
    (row,) = (row for row in _history(world.alice) if any(one["lost"] for one in row["fields"]))
    assert [one["lost"] for one in row["fields"]] == ["Cocoa"]
    world.alice.ask("POST", f"/api/me/history/{row['id']}/restore")
    report = world.synced()
    assert (report.exchange.updated, report.writes) == (1, 1)
    assert world.alice.outlook.one["subject"] == world.alice.one["name"] == "Cocoa"
    with pytest.raises(ApiRefused, match="restored_already"):
        world.alice.ask("POST", f"/api/me/history/{row['id']}/restore")


def test_case_226_an_undone_run_leaves_the_calendars_as_they_were_before_it(world: World) -> None:
    kept = world.alice.makes("Kept", at(8), location="Attic")
    gone = world.alice.makes("Gone", at(9))
    world.synced()
    world.alice.edits(kept, name="Overwritten")
    world.alice.deletes(gone)
    world.alice.makes("New here", at(10))
    world.alice.outlook.makes("New there", at(11))
    world.run()
    assert world.alice.ask("POST", f"/api/me/runs/{_last_run(world.alice)}/undo") == {"state": "queued"}
    world.differs_by = "11.2: what the run had created stays where a person made it, and alone"
    world.synced()
    assert {one["subject"]: one["location"] for one in world.alice.outlook.entries} == {
        "Kept": "Attic",
        "Gone": "",
        "New there": "",
    }
    assert sorted(one["name"] for one in world.alice.activities) == ["Gone", "Kept", "New here"]


def test_case_226_what_somebody_edited_since_stays_and_is_listed(world: World) -> None:
    world.alice.makes("Tea", at(8))
    edited = world.alice.makes("Coffee", at(9))
    world.run()
    run = _last_run(world.alice)
    world.alice.edits(edited, name="Coffee, black")
    world.synced()
    world.one_sided_by = "11.2"
    said = world.command("sync", "undo", "--user", world.alice.email, "--run", str(run), "--json")
    assert said.status == 1
    assert [(row["psa_id"], row["code"]) for row in said.json["stayed"]] == [(edited, "edited_since")]
    assert [one["subject"] for one in world.alice.outlook.entries] == ["Coffee, black"]


def test_only_ones_own_runs_can_be_undone(both: World) -> None:
    both.alice.makes("Tea")
    both.synced()
    with pytest.raises(ApiRefused, match="nothing_to_undo"):
        both.bob.ask("POST", f"/api/me/runs/{_last_run(both.alice)}/undo")


def test_an_undone_entry_is_synced_again_when_its_user_asks(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.done("sync", "undo", "--user", world.alice.email)
    world.one_sided_by = "11.2"
    assert world.synced().writes == 0 and world.alice.outlook.entries == []
    answer = _why(world.alice, activity=guid)
    assert (answer["status"], answer["rule"], answer["may_sync_again"]) == ("unlinked", "11.2", True)
    world.alice.ask("POST", "/api/me/why/sync-again", {"activity": guid})
    assert world.synced().exchange.created == 1
    assert world.alice.outlook.one["subject"] == "Tea"


# -- 11.3


def test_why_says_for_every_kind_of_entry_whether_it_is_synced_and_by_which_rule(both: World) -> None:
    alice = both.alice
    linked = alice.makes("Tea")
    bobs = both.bob.makes("Bob's own", at(9))
    private = both.bob.makes("Doctor", at(10), type="Private")
    old = alice.outlook.makes("Gone by", at(-3))
    both.synced()
    deleted = alice.makes("Trashed", at(12))
    both.synced()
    alice.deletes(deleted)
    both.synced()
    alice.outlook.deletes(old)
    both.one_sided_by = "8.2: over"
    both.synced()
    (stays,) = (one["guid"] for one in alice.activities if one["name"] == "Gone by")
    expected = {
        linked: ("linked", "7.2"),
        bobs: ("not_yours", "1.5"),
        private: ("masked", "1.8"),
        stays: ("unlinked", "8.2"),
        deleted: ("in_trash", "8.2"),
        "00000000-0000-4000-8000-000000000000": ("unknown", ""),
    }
    if both.in_severa:
        # Who may see it is Severa's to say, and what is deleted there lies in no trash.
        expected |= {private: ("not_yours", "1.5"), deleted: ("unlinked", "8.4")}
    found = {guid: _why(alice, activity=guid) for guid in expected}
    assert {guid: (why["status"], why["rule"]) for guid, why in found.items()} == expected
    assert all(why["sentence"].endswith(".") for why in found.values())
    assert _why(alice, event=alice.outlook.one["id"])["activity"] == linked
    assert _why(alice, event="no-such-id")["status"] == "unknown"


def test_why_names_the_activity_type_that_is_not_ticked_and_the_project_task(office: World) -> None:
    office.psa.ticks("Meeting")
    office.started(office.alice)
    other = next(name for name in office.alice.types if name not in ("Meeting", "Private"))
    guid = office.alice.makes("Quiet", type=other)
    office.synced()
    office.one_sided_by = "1.5"
    answer = _why(office.alice, activity=guid)
    assert answer["status"] in ("left_out", "not_synced") and answer["rule"] == "1.5" and answer["remedy"]


def test_why_tells_what_was_left_out_for_its_age_and_what_has_not_begun(office: World) -> None:
    guid = office.alice.makes("Old", at(-40))
    assert _why(office.alice, activity=guid)["status"] == "switched_off"
    office.started(office.alice)
    office.one_sided_by = "3.3"
    assert (_why(office.alice, activity=guid)["rule"]) == "3.3"
    said = office.command("sync", "why", "--user", office.alice.email, "--activity", guid)
    assert said.status == 1 and "30 days" in said.out and "Old" not in said.out
    fresh = office.alice.makes("Tea")
    assert _why(office.alice, activity=fresh)["status"] == "waiting"
    office.synced()


# -- 10.1


def _set_aside(world: World) -> tuple[str, dict[str, Any]]:
    operation = "CreateItem" if world.protocol == "ews" else "events.create"
    world.sandbox.fault("response_code", {"operation": operation}, code="ErrorItemSave", status=400)
    guid = world.alice.makes("Tea")
    world.synced()
    (waiting,) = world.alice.ask("GET", "/api/me/calendar-sync")["set_aside"]
    return guid, waiting


def test_a_waiting_entry_is_tried_again_when_its_user_says_so(world: World) -> None:
    guid, waiting = _set_aside(world)
    assert _why(world.alice, activity=guid)["status"] == "set_aside"
    world.sandbox.clear_faults()
    assert world.synced().writes == 0, "its time has not come"
    world.alice.ask("POST", "/api/me/set-aside/retry", {"side": waiting["side"], "id": waiting["id"]})
    assert world.synced().exchange.created == 1


def test_an_ignored_entry_is_left_alone_until_it_changes(world: World) -> None:
    guid, waiting = _set_aside(world)
    world.alice.ask("POST", "/api/me/set-aside/ignore", {"side": waiting["side"], "id": waiting["id"]})
    state = world.alice.ask("GET", "/api/me/calendar-sync")
    assert (state["set_aside"], state["ignored"]) == ([], 1)
    assert _why(world.alice, activity=guid)["status"] == "ignored"
    world.sandbox.clear_faults()
    world.later(days=3)
    assert world.synced("--reconcile").writes == 0
    world.alice.edits(guid, name="Tea again")
    assert world.synced().exchange.created == 1
    assert world.alice.ask("GET", "/api/me/calendar-sync")["ignored"] == 0


def test_nobody_touches_what_waits_for_another(both: World) -> None:
    _guid, waiting = _set_aside(both)
    for act in ("retry", "ignore"):
        with pytest.raises(ApiRefused, match="nothing_waits"):
            both.bob.ask("POST", f"/api/me/set-aside/{act}", {"side": waiting["side"], "id": waiting["id"]})
    both.sandbox.clear_faults()
    both.alice.ask("POST", "/api/me/set-aside/retry", {"side": waiting["side"], "id": waiting["id"]})
    both.synced()


def test_case_223_the_status_counts_what_the_stores_hold(world: World) -> None:
    for number in range(3):
        world.alice.makes(f"Tea {number}", at(8 + number))
    world.synced()
    _set_aside(world)
    state = world.alice.ask("GET", "/api/me/calendar-sync")
    assert (state["links"], len(state["set_aside"])) == (len(world.alice.outlook.entries), 1)
    (counted,) = world.alice.ask("GET", "/api/connection/users")
    assert counted["set_aside"] == 1 and sum(counted["codes"].values()) == 1
    world.sandbox.clear_faults()
    world.tried_again()
    state = world.alice.ask("GET", "/api/me/calendar-sync")
    assert (state["links"], state["set_aside"]) == (len(world.alice.outlook.entries), [])
    (for_administrator,) = world.alice.ask("GET", "/api/connection/users")
    assert (for_administrator["links"], for_administrator["set_aside"], for_administrator["codes"]) == (4, 0, {})


def test_near_matches_of_the_first_contact_are_listed(office: World) -> None:
    here = office.alice.makes("Tea", at(8, minutes=60))
    there = office.alice.outlook.makes("Tea", at(8, minutes=90))
    office.started(office.alice)
    assert office.alice.ask("GET", "/api/me/near-matches") == [
        {"psa_id": here, "item_id": there, "differs": "end_time"}
    ]


@pytest.mark.parametrize("who", ["user", "administrator"])
def test_case_59_a_braked_plan_can_be_read_and_is_accepted_by_its_user_or_an_administrator(
    both: World, who: str
) -> None:
    for number in range(12):
        both.bob.makes(f"Tea {number}", at(7 + number))
    both.synced()
    for event in both.bob.outlook.entries[:11]:
        both.bob.outlook.deletes(event["id"])
    stopped = both.run().runs[both.bob.email]
    assert stopped["waiting_for"] == "brake" and stopped["counts"] == {"Delete": 11}
    plan = both.bob.ask("GET", "/api/me/calendar-sync/plan")
    assert [row["kind"] for row in plan["rows"]] == ["Delete"] * 11
    assert {row["title"] for row in plan["rows"]} < {f"Tea {number}" for number in range(12)}
    address = (
        "/api/me/calendar-sync/accept" if who == "user" else f"/api/connection/users/{both.account_of(both.bob)}/accept"
    )
    asks = both.bob if who == "user" else both.alice
    with pytest.raises(ApiRefused, match="plan_outdated"):
        asks.ask("POST", address, {"plan": "another"})
    asks.ask("POST", address, {"plan": stopped["plan"]})
    assert both.synced().psa.deleted == 11


def test_nobody_begins_anothers_first_run(office: World) -> None:
    office.bob.makes("Tea")
    plan = office.bob.ask("PUT", "/api/me/calendar-sync", {"on": True})["plan"]
    office.bob.runs()
    with pytest.raises(ApiRefused, match="first_run_is_the_users"):
        office.alice.ask("POST", f"/api/connection/users/{office.account_of(office.bob)}/accept", {"plan": plan})
    assert office.bob.runs()["exchange"]["created"] == 0


# -- 12.1


def test_switched_off_and_on_again_what_happened_meanwhile_is_matched_and_nothing_doubled(world: World) -> None:
    guid = world.alice.makes("Tea")
    world.synced()
    world.alice.ask("PUT", "/api/me/calendar-sync", {"on": False})
    world.alice.edits(guid, name="Coffee")
    world.alice.makes("New here", at(9))
    world.alice.outlook.makes("New there", at(10))
    world.alice.switches_on()
    report = world.synced()
    assert (report.exchange.created, report.exchange.updated, report.psa.created) == (1, 1, 1)


@pytest.mark.parametrize("side", ["psa", "exchange"])
def test_leaving_removes_what_the_sync_made_as_previewed_and_nothing_else(world: World, side: str) -> None:
    world.alice.makes("Typed here")
    world.alice.outlook.makes("Typed there", at(9))
    for when, name in ((at(-3), "over"), (at(10), "edited")):
        world.alice.makes(f"Here, {name}", when)
        world.alice.outlook.makes(f"There, {name}", when)
    world.synced()
    word = "There" if side == "psa" else "Here"
    if side == "psa":
        (guid,) = (one["guid"] for one in world.alice.activities if one["name"] == "There, edited")
        world.alice.edits(guid, location="Attic")
    else:
        (item,) = (one["id"] for one in world.alice.outlook.entries if one["subject"] == "Here, edited")
        world.alice.outlook.edits(item, location="Attic")
    world.synced()
    rows = world.alice.ask("GET", "/api/me/calendar-sync/leaving", remove=side)
    assert {(row["title"], row["kind"], row["code"]) for row in rows} == {
        (f"Typed {word.lower()}", "Delete", ""),
        (f"{word}, over", "Stay", "is_over"),
        (f"{word}, edited", "Stay", "edited_since"),
    }
    assert len(world.alice.activities) == len(world.alice.outlook.entries) == 6, "asking wrote nothing"
    world.alice.ask("PUT", "/api/me/calendar-sync", {"on": False, "remove": [side]})
    world.run()
    assert not world.alice.ask("GET", "/api/me/calendar-sync")["on"]
    left = world.alice.ask("GET", "/api/me/undone")
    assert {row["code"] for row in left["stayed"]} == {"is_over", "edited_since"}
    sizes = (len(world.alice.activities), len(world.alice.outlook.entries))
    assert sizes == ((5, 6) if side == "psa" else (6, 5))
    world.alice.switches_on()
    world.synced()
    assert len(world.alice.activities) == len(world.alice.outlook.entries) == 6


# -- 12.2


def test_a_persons_data_can_be_taken_along_in_clear(world: World) -> None:
    guid = world.alice.makes("Tea", notes="Black")
    world.synced()
    world.alice.edits(guid, name="Coffee")
    world.synced()
    data = world.done("export", "--user", world.alice.email, "--json").json
    assert data["profile"]["email"] == world.alice.email
    assert [one["content"]["title"] for one in data["activities"]] == ["Coffee"]
    (link,) = data["synchronization"]["links"]
    assert link["psa_id"] == guid and link["base"]["exchange"]["text"] == "Black"
    assert [one["after"].get("title") for one in data["synchronization"]["history"]] == ["Tea", "Coffee"]
    packed = zipfile.ZipFile(io.BytesIO(world.alice.fetch("/api/me/export")))
    assert json.loads(packed.read("profile.json"))["email"] == world.alice.email
    assert world.in_severa or b"SUMMARY:Coffee" in packed.read("activities.ics")


def test_ones_synchronization_data_can_be_erased_and_both_calendars_stay(world: World) -> None:
    world.alice.makes("Tea")
    world.synced()
    with pytest.raises(ApiRefused, match="not_confirmed"):
        world.alice.ask("POST", "/api/me/erase", {"confirm": "somebody@else.example"})
    world.alice.ask("POST", "/api/me/erase", {"confirm": world.alice.email})
    assert world.alice.ask("GET", "/api/me/calendar-sync") == {"on": False}
    assert len(world.alice.activities) == len(world.alice.outlook.entries) == 1
    world.started(world.alice)
    world.syncing.pop()
    assert len(world.alice.activities) == len(world.alice.outlook.entries) == 1, "matched, not doubled (3.1)"


def test_a_leaver_is_erased_by_an_administrator_and_nothing_is_deleted_in_exchange(both: World) -> None:
    own = both.bob.makes("Bob's own", at(8))
    shared = both.bob.makes("With Alice", at(9))
    both.bob.invites(both.alice, shared)
    both.synced()
    with pytest.raises(ApiRefused, match="administrators_only"):
        both.bob.ask(
            "POST", f"/api/users/{both.account_of(both.alice)}/erase", {"confirm": both.alice.email, "everything": True}
        )
    both.alice.ask(
        "POST", f"/api/users/{both.account_of(both.bob)}/erase", {"confirm": both.bob.email, "everything": True}
    )
    both.syncing.remove(both.bob)
    assert both.synced().exchange.deleted == 0
    assert len(both.bob.outlook.entries) == 2
    assert [one["guid"] for one in both.alice.activities] == [shared]
    assert both.alice.ask("GET", "/api/me/history", activity=own) == []
    assert both.bob.email not in both.done("user", "list").out
