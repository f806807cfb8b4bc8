"""Where no source tells how Severa behaves, both is allowed for, and what was seen is remembered (Severa facts, "Open
questions"): against the sandbox, which can behave either way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from samklang.connectors.severa.findings import Found
from samklang.engine import canonical
from samklang.engine.model import Entry, Person, SeenActivity
from samklang.severa.mirror import DjangoMirror
from samklang.sync.errors import ItemError, VersionConflict
from tests.connectors.severa.sandboxed import Acme
from tests.contract.activities import CHANGED, MEETING, SERIES, WITH_EXCEPTIONS, changed_keys, delta, read, token_after
from tests.contract.people import answers
from tests.people import people
from tests.sandbox_client import Sandbox

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_entry_is_too_old")]

Behave = Callable[..., Acme]


@pytest.fixture
def behave(sandbox: Sandbox) -> Behave:
    company = people().company

    def behave(**behaviour: Any) -> Acme:
        return Acme.of_sandbox(sandbox, company, **behaviour)

    return behave


def make(acme: Acme, entry: Entry = MEETING, key: str = "key") -> SeenActivity:
    return acme.port(acme.severa.anna).create(entry, acme.severa.types["CalendarEntry"]["guid"], key)


def found(acme: Acme) -> Found:
    return msgspec.json.decode(DjangoMirror(acme.organization.pk).state("findings"), type=Found)


@pytest.mark.parametrize(("spelling", "op"), [("any", "replace"), ("lower", "replace"), ("capital", "Replace")])
@pytest.mark.parametrize("values", ["any", "strings"])
def test_a_change_is_spelled_as_this_severa_takes_it(behave: Behave, spelling: str, op: str, values: str) -> None:
    acme = behave(patch_ops=spelling, patch_values=values)
    port, made = acme.port(acme.severa.anna), make(acme)
    day = replace(MEETING, when=canonical.with_fields(MEETING, MEETING, ()).when, title="New")
    after = port.update(made, day, frozenset({"title"}))
    assert (after.entry.title, found(acme).op) == ("New", op)


def test_notes_that_become_html_keep_their_lines_from_the_first_on(behave: Behave) -> None:
    acme = behave(notes="html")
    assert make(acme).entry.text == MEETING.text
    assert found(acme).notes_are_html
    again = make(acme, replace(MEETING, title="Second", text="a < b\n\nc"), "other")
    assert again.entry.text == "a < b\n\nc"
    assert acme.sandbox.counts("acme.api")["writes"]["update"] == 1, "the second is sent as HTML at once"


@pytest.mark.parametrize("touched_by", [[], ["participants", "exceptions"]])
def test_a_participant_who_answers_or_leaves_in_severa_is_heard_of(behave: Behave, touched_by: list[str]) -> None:
    acme = behave(touched_by=touched_by)
    port = acme.port(acme.severa.anna)
    made = make(acme, replace(MEETING, people=(Person("bo@example.com"),)))
    token = token_after(port.read(None))
    acme.sandbox.severa_answers(made.id, "bo@example.com", "Accepted")
    changed, _removed, token = delta(port, token)
    assert answers(changed[made.id]) == {"bo@example.com": "accepted"}
    acme.sandbox.severa_removes(made.id, "bo@example.com")
    changed, _removed, token = delta(port, token)
    assert answers(changed[made.id]) == {}


@pytest.mark.parametrize("touched_by", [[], ["participants", "exceptions"]])
def test_who_is_added_in_severa_gets_the_activity_at_his_next_full_reading(
    behave: Behave, touched_by: list[str]
) -> None:
    acme = behave(touched_by=touched_by)
    made = make(acme)
    bos = acme.port(acme.severa.bo)
    assert read(bos) == []
    acme.sandbox.severa_adds(made.id, "bo@example.com")
    assert [seen.id for seen in read(bos)] == [made.id]


def test_once_participants_were_seen_to_count_as_a_change_they_are_not_asked_about_by_themselves(
    behave: Behave,
) -> None:
    acme = behave(touched_by=["participants", "exceptions"])
    acme.sandbox.set_clock("2026-03-01T08:00:00Z")
    made = make(acme)
    acme.sandbox.set_clock("2026-03-01T08:05:00Z")
    port = acme.port(acme.severa.anna)
    port.update(made, replace(MEETING, people=(Person("bo@example.com"),)), frozenset({"p:bo@example.com"}))
    assert found(acme).participants_touch
    token = token_after(port.read(None))
    before = acme.clients[-1].counts.requests
    list(port.read(token))
    assert acme.clients[-1].counts.requests - before == 5, "a poll and a complete listing"


@pytest.mark.parametrize("touched_by", [[], ["exceptions"]])
def test_a_date_somebody_changed_in_severa_is_seen_before_we_write_to_it(behave: Behave, touched_by: list[str]) -> None:
    acme = behave(touched_by=touched_by)
    made = make(acme, WITH_EXCEPTIONS)
    acme.sandbox.severa_edits(made.id, CHANGED, name="By hand")
    wanted = replace(WITH_EXCEPTIONS, exceptions={CHANGED: replace(WITH_EXCEPTIONS.exceptions[CHANGED], title="Ours")})
    with pytest.raises(VersionConflict):
        acme.port(acme.severa.anna).update(made, wanted, changed_keys(WITH_EXCEPTIONS, wanted))
    assert acme.sandbox.severa_activity(made.id, CHANGED)["name"] == "By hand"


@pytest.mark.parametrize("touched_by", [[], ["exceptions"]])
def test_a_date_changed_in_severa_is_heard_of_within_two_polls(behave: Behave, touched_by: list[str]) -> None:
    acme = behave(touched_by=touched_by)
    acme.complete = timedelta(days=1)
    port, made = acme.port(acme.severa.anna), make(acme, SERIES)
    token = token_after(port.read(None))
    acme.sandbox.severa_edits(made.id, CHANGED, name="With cake")
    titles = set()
    for _ in range(2):
        changed, _removed, token = delta(port, token)
        titles |= {one.title for seen in changed.values() for one in seen.entry.exceptions.values()}
    assert titles == {"With cake"}


def test_rule_13_4_a_contact_takes_part_as_himself(behave: Behave) -> None:
    acme = behave()
    contact = acme.sandbox.severa_contact("acme", "Eva@customer.example")
    made = make(
        acme, replace(MEETING, people=(Person("eva@customer.example", response="accepted"), Person("x@y.example")))
    )
    (one,) = acme.severa.get(f"/v1/activities/{made.id}/activityparticipants")
    assert (one["participantGuid"], one["type"], one["status"]) == (contact["guid"], "Contact", "Accepted")
    assert answers(made) == {"eva@customer.example": "accepted", "x@y.example": "none"}


def test_what_takes_no_single_dates_holds_no_half_series(behave: Behave) -> None:
    acme = behave(occurrences_writable=False)
    with pytest.raises(ItemError):
        make(acme, WITH_EXCEPTIONS)
    assert read(acme.port(acme.severa.anna)) == []


def test_what_cannot_be_changed_in_place_is_asked_for_in_vain_once(behave: Behave) -> None:
    acme = behave(fixed_fields=["recurrence"])
    port = acme.port(acme.severa.anna)
    made = make(acme, SERIES)
    single = port.update(made, MEETING, frozenset({"recurrence"}))
    assert (single.id != made.id, found(acme).fixed) == (True, ["/recurrence"])
    tried = patches(acme)
    series = port.update(single, SERIES, frozenset({"recurrence"}))
    assert canonical.fields(series.entry)["recurrence"] == canonical.fields(SERIES)["recurrence"]
    assert [seen.id for seen in read(port)] == [series.id]
    assert patches(acme) == tried


def patches(acme: Acme) -> int:
    return int(acme.sandbox.counts("acme.api")["by_operation"].get("activities.update", 0))
