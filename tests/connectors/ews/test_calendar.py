"""What an Exchange calendar does beyond the contract, against the sandbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from samklang.engine import canonical
from samklang.engine.model import Frequency, Occurrence, Recurrence, Timed
from samklang.engine.recurrence import occurrences
from samklang.sync.errors import Inexpressible, SyncError
from tests.connectors.ews.conftest import ALICE, NOW, Open
from tests.contract.calendar import CHANGED, MEETING, SERIES, WITH_EXCEPTIONS, ZONE, at, stored
from tests.sandbox_client import Sandbox

EWS = {"protocol": "ews"}


def test_a_created_event_has_the_mailboxs_reminder_unless_its_start_is_past(exchange: Sandbox, opened: Open) -> None:
    calendar = opened()
    ahead = calendar.create(MEETING, "ahead")
    when = replace(MEETING.when, start=NOW - timedelta(hours=2), end=NOW + timedelta(hours=2))  # type: ignore[arg-type]
    past = calendar.create(replace(MEETING, when=when), "past")
    assert exchange.entry(ALICE, ahead.id)["reminder"]["on"] is True
    assert exchange.entry(ALICE, past.id)["reminder"]["on"] is False


def test_a_text_written_by_a_person_as_html_is_read_as_lines_and_kept_until_the_text_changes(
    exchange: Sandbox, opened: Open
) -> None:
    html = "<html><body><h1>Agenda</h1><ul><li>One</li><li>Two <b>bold</b></li></ul></body></html>"
    made = exchange.person_creates(
        ALICE,
        subject="x",
        start="2026-03-02T09:00:00",
        end="2026-03-02T10:00:00",
        body={"type": "html", "content": html},
    )
    calendar = opened()
    seen = calendar.get([made["id"]])[made["id"]]
    assert seen is not None
    assert seen.entry.text == "Agenda\nOne\nTwo bold"
    seen = calendar.update(seen, replace(seen.entry, title="New", text="Other"), frozenset({"title"}))
    assert "<b>bold</b>" in exchange.entry(ALICE, made["id"])["body"]["content"]
    after = calendar.update(seen, replace(seen.entry, text="Other"), frozenset({"text"}))
    assert after.entry.text == "Other"


def test_an_online_meetings_block_survives_a_new_text(exchange: Sandbox, opened: Open) -> None:
    line = "_" * 80
    block = (
        f"<div><span>{line}</span></div><div><a href='https://teams.microsoft.com/l/meetup-join/19'>Join</a></div>"
        f"<div><span>{line}</span></div>"
    )
    made = exchange.person_creates(
        ALICE,
        subject="x",
        start="2026-03-02T09:00:00",
        end="2026-03-02T10:00:00",
        body={"type": "html", "content": f"<html><body><p>Old</p>{block}</body></html>"},
    )
    calendar = opened()
    seen = calendar.get([made["id"]])[made["id"]]
    assert seen is not None
    after = calendar.update(seen, replace(seen.entry, text="New"), frozenset({"text"}))
    assert after.entry.text.startswith("New")
    assert "meetup-join" in exchange.entry(ALICE, made["id"])["body"]["content"]
    assert "Old" not in after.entry.text


def test_a_meeting_is_read_with_its_people_and_an_edit_mails_nobody(exchange: Sandbox, opened: Open) -> None:
    made = exchange.person_creates(
        ALICE,
        subject="x",
        start="2026-03-02T09:00:00",
        end="2026-03-02T10:00:00",
        attendees=[{"name": "Bob", "address": "bob@example.com"}, {"address": "room@example.com", "kind": "resource"}],
    )
    exchange.zero_counts()
    calendar = opened()
    seen = calendar.get([made["id"]])[made["id"]]
    assert seen is not None
    assert (seen.is_meeting, seen.is_organizer) == (True, True)
    people = {person.address: person for person in seen.entry.people}
    assert people["bob@example.com"].name == "Bob"
    assert people["room@example.com"].resource
    calendar.update(seen, replace(seen.entry, title="New"), frozenset({"title"}))
    assert exchange.counts(ALICE)["mails"] == 0


def test_a_copy_of_our_event_carries_the_mark_but_the_oldest_is_ours(exchange: Sandbox, opened: Open) -> None:
    calendar = opened()
    made = calendar.create(MEETING, "key")
    assert calendar.find_created("key") is not None
    found = opened().find_created("key")
    assert found is not None
    assert found.id == made.id


def test_everything_sent_and_answered_was_checked_against_the_schema(exchange: Sandbox, opened: Open) -> None:
    opened().create(MEETING, "key")
    checked = exchange.validation()
    if not checked["requests_checked"]:
        pytest.skip("the EWS schemas are not here: set SAMKLANG_SCHEMAS to the folder that has them")
    assert checked["answers_checked"]


# --- series


def crossing(day: date) -> Occurrence:
    """A date moved past its neighbour."""
    return Occurrence("x", at(day + timedelta(days=8), 9), place=SERIES.place, text=SERIES.text)


def test_an_exception_exchange_cannot_hold_is_named_and_the_others_are_written(opened: Open) -> None:
    calendar = opened()
    made = calendar.create(SERIES, "key")
    good, bad, also = date(2026, 4, 9), date(2026, 4, 13), date(2026, 4, 16)
    title = Occurrence("Other", at(good, 9), place=SERIES.place, text=SERIES.text)
    wanted = replace(SERIES, exceptions={good: title, bad: crossing(bad), also: replace(title, when=at(also, 9))})
    keys = canonical.changed_keys(canonical.fields(SERIES), canonical.fields(wanted))
    with pytest.raises(Inexpressible) as caught:
        calendar.update(made, wanted, keys)
    assert caught.value.code in {"occurrence_crosses_neighbour", "occurrence_overlaps_neighbour"}
    assert set(stored(calendar, made.id).entry.exceptions) == {good, also}


def test_a_series_cut_off_before_its_exceptions_is_found_and_completed(exchange: Sandbox, opened: Open) -> None:
    exchange.fault("drop", EWS | {"operation": "UpdateItem"}, {"times": 1})
    with pytest.raises(SyncError):
        opened().create(WITH_EXCEPTIONS, "key")
    calendar = opened()
    found = calendar.find_created("key")
    assert found is not None
    assert CHANGED not in found.entry.exceptions
    keys = canonical.changed_keys(canonical.fields(found.entry), canonical.fields(WITH_EXCEPTIONS))
    after = calendar.update(found, WITH_EXCEPTIONS, keys)
    assert canonical.fields(after.entry) == canonical.fields(WITH_EXCEPTIONS)
    assert len(exchange.entries(ALICE)) == 1


def test_many_exceptions_are_written_and_read_in_few_requests(exchange: Sandbox, opened: Open) -> None:
    start = datetime(2026, 6, 1, 7, tzinfo=UTC)
    daily = replace(SERIES, when=Timed(start, start + timedelta(hours=1), ZONE), recurrence=Recurrence(Frequency.DAILY))
    days = [date(2026, 6, 2) + timedelta(days=n) for n in range(120)]
    changed = {day: Occurrence(f"On {day}", at(day, 11), place=daily.place, text=daily.text) for day in days[:80]}
    wanted = replace(daily, exceptions=changed, cancelled=frozenset(days[80:]))
    calendar = opened()
    made = calendar.create(wanted, "key")
    assert canonical.fields(made.entry) == canonical.fields(wanted)
    counts = exchange.counts(ALICE)
    assert counts["writes"] == {"create": 1, "update": 80, "delete": 40}
    assert counts["by_operation"] == {"CreateItem": 1, "UpdateItem": 1, "DeleteItem": 1, "GetItem": 2}


def test_the_sandbox_expands_a_written_series_to_the_dates_and_times_we_mean(exchange: Sandbox, opened: Open) -> None:
    opened().create(WITH_EXCEPTIONS, "key")
    first, last = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 7, 31, tzinfo=UTC)
    ours = [shown.when for _, shown in occurrences(WITH_EXCEPTIONS, first, last, ZONE)]
    theirs = exchange.entries(ALICE, expand=(first.date(), last.date()))
    assert [each.start for each in ours if isinstance(each, Timed)] == [
        datetime.fromisoformat(each["start"]) for each in theirs
    ]
