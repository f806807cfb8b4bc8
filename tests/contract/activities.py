"""The contract of `sync.ports.Activities`: every implementation passes it, made as a subclass with a `side` fixture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from samklang.engine import canonical
from samklang.engine.model import (
    AllDay,
    Category,
    Entry,
    FieldKey,
    Frequency,
    Occurrence,
    Recurrence,
    SeenActivity,
    Timed,
    Weekday,
)
from samklang.sync.errors import TokenRejected, VersionConflict
from samklang.sync.ports import Activities, ActivityPage

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MEETING = Entry(
    "Planning ☕ åäö", Timed(START, START + timedelta(hours=1), "Europe/Stockholm"), place="Room 3", text="One\n\ntwo"
)
WHOLE_DAYS = Entry("Fair", AllDay(date(2026, 3, 28), date(2026, 3, 31)))
SERIES = replace(
    MEETING,
    title="Stand-up",
    recurrence=Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY, Weekday.THURSDAY), until=date(2026, 6, 30)),
)
CHANGED, CANCELLED = date(2026, 3, 5), date(2026, 3, 9)
WITH_EXCEPTIONS = replace(
    SERIES,
    exceptions={
        CHANGED: Occurrence(
            "Stand-up with cake",
            Timed(
                datetime(2026, 3, 5, 13, 30, tzinfo=UTC), datetime(2026, 3, 5, 14, 0, tzinfo=UTC), "Europe/Stockholm"
            ),
            place="Room 3",
            text="One\n\ntwo",
        )
    },
    cancelled=frozenset({CANCELLED}),
)


@dataclass(frozen=True)
class ActivitySide:
    """One implementation, with the hands of a person who works behind its back."""

    port: Activities
    #: Two types of category calendar entry.
    type_id: str
    other_type_id: str
    #: A person changes the title / deletes / restores; under which id it is back.
    renames: Callable[[str, str], object]
    deletes: Callable[[str], object]
    restores: Callable[[str], str]
    #: The calendar forgets everything tokens refer to.
    forget_tokens: Callable[[], object]
    #: What cannot be changed in place is made anew, under another id, where this is False.
    in_place: bool = True


class ActivitiesContract:
    @pytest.fixture
    def side(self) -> ActivitySide:
        raise NotImplementedError

    @pytest.mark.parametrize("entry", [MEETING, WHOLE_DAYS, SERIES, WITH_EXCEPTIONS], ids=lambda entry: entry.title)
    def test_what_is_created_is_held_as_given(self, side: ActivitySide, entry: Entry) -> None:
        made = side.port.create(entry, side.type_id, "key")
        assert canonical.fields(made.entry) == canonical.fields(entry)
        assert (made.type_id, made.category, made.key) == (side.type_id, Category.CALENDAR_ENTRY, "key")
        assert side.port.get([made.id]) == {made.id: made}

    def test_a_timed_entry_keeps_both_its_zones(self, side: ActivitySide) -> None:
        flight = replace(MEETING, when=Timed(START, START + timedelta(hours=9), "Europe/Stockholm", "America/New_York"))
        assert side.port.create(flight, side.type_id, "key").entry.when == flight.when

    def test_the_second_of_two_equal_wall_times_stays_the_second(self, side: ActivitySide) -> None:
        second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # 02:30 for the second time in Stockholm
        entry = replace(MEETING, when=Timed(second, second, "Europe/Stockholm"))
        assert side.port.create(entry, side.type_id, "key").entry.when == entry.when

    @pytest.mark.parametrize("year", [1962, 9998])
    def test_far_years_are_kept(self, side: ActivitySide, year: int) -> None:
        entry = replace(MEETING, when=Timed(START.replace(year=year), START.replace(year=year), "Europe/Stockholm"))
        assert side.port.create(entry, side.type_id, "key").entry.when == entry.when

    def test_creating_again_with_the_same_key_makes_nothing(self, side: ActivitySide) -> None:
        first = side.port.create(MEETING, side.type_id, "key")
        again = side.port.create(replace(MEETING, title="Other"), side.type_id, "key")
        assert (again.id, again.version, again.entry.title) == (first.id, first.version, MEETING.title)
        assert [seen.id for seen in read(side.port)] == [first.id]

    def test_one_deleted_since_is_made_with_the_same_key_as_it_is_wanted_now(self, side: ActivitySide) -> None:
        first = side.port.create(WITH_EXCEPTIONS, side.type_id, "key")
        side.port.delete(first)
        again = side.port.create(replace(MEETING, title="Other"), side.type_id, "key")
        assert (again.entry.title, again.entry.recurrence, again.entry.exceptions) == ("Other", None, {})
        assert {seen.id: seen.entry.title for seen in read(side.port)} == {again.id: "Other"}

    def test_what_is_made_keeps_the_moment_its_event_was_edited(self, side: ActivitySide) -> None:
        moment = side.port.create(MEETING, side.type_id, "other").modified - timedelta(minutes=5)  # type: ignore[operator]
        made = side.port.create(MEETING, side.type_id, "key", edited=moment)
        assert made.modified == moment

    def test_so_does_what_is_made_again_out_of_the_trash(self, side: ActivitySide) -> None:
        first = side.port.create(MEETING, side.type_id, "key")
        side.port.delete(first)
        moment = first.modified - timedelta(minutes=5)  # type: ignore[operator]
        assert side.port.create(MEETING, side.type_id, "key", edited=moment).modified == moment

    def test_a_create_is_found_by_its_key(self, side: ActivitySide) -> None:
        assert side.port.find_created("key") is None
        made = side.port.create(MEETING, side.type_id, "key")
        assert side.port.find_created("key") == made
        assert side.port.find_created("other") is None

    def test_an_update_changes_the_named_fields_only(self, side: ActivitySide) -> None:
        made = side.port.create(MEETING, side.type_id, "key")
        wanted = replace(MEETING, title="New", place="Attic", text="Not named")
        after = side.port.update(made, wanted, frozenset({"title", "place"}))
        assert (after.entry.title, after.entry.place, after.entry.text) == ("New", "Attic", MEETING.text)
        assert after.version != made.version
        assert side.port.get([made.id])[made.id] == after

    def test_an_update_of_an_old_version_is_refused_and_writes_nothing(self, side: ActivitySide) -> None:
        made = side.port.create(MEETING, side.type_id, "key")
        side.renames(made.id, "By hand")
        with pytest.raises(VersionConflict):
            side.port.update(made, replace(MEETING, title="By us"), frozenset({"title"}))
        now = side.port.get([made.id])[made.id]
        assert now is not None and now.entry.title == "By hand"

    def test_rule_7_4_a_write_that_carries_an_edit_keeps_the_moment_of_the_edit(self, side: ActivitySide) -> None:
        made = side.port.create(MEETING, side.type_id, "key")
        assert made.modified is not None
        newer, older = made.modified + timedelta(microseconds=1), made.modified - timedelta(minutes=2)
        after = side.port.update(made, replace(MEETING, title="New"), frozenset({"title"}), edited=newer)
        assert after.modified == newer
        after = side.port.update(after, replace(MEETING, place="Attic"), frozenset({"place"}), edited=older)
        assert after.modified == newer, "an edit there is newer"

    def test_an_update_can_move_the_type(self, side: ActivitySide) -> None:
        made = side.port.create(MEETING, side.type_id, "key")
        after = side.port.update(made, MEETING, frozenset(), side.other_type_id)
        assert (after.type_id, after.entry.title) == (side.other_type_id, MEETING.title)

    def test_one_occurrence_is_changed_cancelled_and_made_regular_again(self, side: ActivitySide) -> None:
        made = side.port.create(SERIES, side.type_id, "key")
        keys = changed_keys(SERIES, WITH_EXCEPTIONS)
        after = side.port.update(made, WITH_EXCEPTIONS, keys)
        assert canonical.fields(after.entry) == canonical.fields(WITH_EXCEPTIONS)
        back = side.port.update(after, SERIES, keys)
        assert canonical.fields(back.entry) == canonical.fields(SERIES)

    def test_a_changed_series_leaves_an_occurrence_what_is_its_own(self, side: ActivitySide) -> None:
        made = side.port.create(WITH_EXCEPTIONS, side.type_id, "key")
        after = side.port.update(
            made, replace(WITH_EXCEPTIONS, title="New", place="Attic"), frozenset({"title", "place"})
        )
        occurrence = after.entry.exceptions[CHANGED]
        assert (occurrence.title, occurrence.place) == ("Stand-up with cake", "Attic")
        assert after.entry.cancelled == {CANCELLED}

    def test_a_series_becomes_single_and_single_becomes_a_series_in_place(self, side: ActivitySide) -> None:
        made = side.port.create(WITH_EXCEPTIONS, side.type_id, "key")
        single = side.port.update(made, MEETING, frozenset({"recurrence"}))
        assert (single.id == made.id or not side.in_place, single.entry.recurrence) == (True, None)
        assert single.entry.exceptions == {}
        series = side.port.update(single, SERIES, frozenset({"recurrence"}))
        assert canonical.fields(series.entry)["recurrence"] == canonical.fields(SERIES)["recurrence"]

    def test_a_deleted_activity_is_gone_and_deleting_it_again_is_success(self, side: ActivitySide) -> None:
        made = side.port.create(MEETING, side.type_id, "key")
        side.port.delete(made)
        assert side.port.get([made.id]) == {made.id: None}
        side.port.delete(made)
        assert read(side.port) == []

    def test_deleting_an_old_version_is_refused(self, side: ActivitySide) -> None:
        made = side.port.create(MEETING, side.type_id, "key")
        side.renames(made.id, "By hand")
        with pytest.raises(VersionConflict):
            side.port.delete(made)
        assert side.port.get([made.id])[made.id] is not None

    def test_a_deleted_activity_can_be_restored_whole(self, side: ActivitySide) -> None:
        made = side.port.create(WITH_EXCEPTIONS, side.type_id, "key")
        side.port.delete(made)
        id_ = side.restores(made.id)
        back = side.port.get([id_])[id_]
        assert back is not None and canonical.fields(back.entry) == canonical.fields(WITH_EXCEPTIONS)

    def test_without_a_token_everything_is_listed_once(self, side: ActivitySide) -> None:
        made = {side.port.create(replace(MEETING, title=f"No. {n}"), side.type_id, f"key {n}").id for n in range(7)}
        listed = [seen.id for seen in read(side.port)]
        assert sorted(listed) == sorted(made)

    def test_an_empty_calendar_has_a_token_too(self, side: ActivitySide) -> None:
        assert token_after(side.port.read(None)) is not None

    def test_with_a_token_only_changes_come(self, side: ActivitySide) -> None:
        ids = [side.port.create(replace(MEETING, title=f"No. {n}"), side.type_id, f"key {n}").id for n in range(4)]
        token = token_after(side.port.read(None))
        assert delta(side.port, token)[:2] == ({}, set())
        side.renames(ids[1], "Renamed")
        side.deletes(ids[2])
        new = side.port.create(SERIES, side.type_id, "new key").id
        changed, removed, next_token = delta(side.port, token)
        assert {id_: seen.entry.title for id_, seen in changed.items()} == {ids[1]: "Renamed", new: "Stand-up"}
        assert removed == {ids[2]}
        assert delta(side.port, next_token)[:2] == ({}, set())

    def test_changes_come_again_until_the_token_is_used(self, side: ActivitySide) -> None:
        made = side.port.create(MEETING, side.type_id, "key")
        token = token_after(side.port.read(None))
        side.renames(made.id, "Renamed")
        assert delta(side.port, token)[0].keys() == delta(side.port, token)[0].keys() == {made.id}

    def test_a_forgotten_token_is_rejected(self, side: ActivitySide) -> None:
        side.port.create(MEETING, side.type_id, "key")
        token = token_after(side.port.read(None))
        side.forget_tokens()
        with pytest.raises(TokenRejected):
            list(side.port.read(token))

    def test_an_unknown_id_is_not_there(self, side: ActivitySide) -> None:
        unknown = "00000000-0000-4000-8000-000000000000"
        assert side.port.get([unknown]) == {unknown: None}


def read(port: Activities) -> list[SeenActivity]:
    return [seen for page in port.read(None) for seen in page.activities]


def delta(port: Activities, token: str | None) -> tuple[dict[str, SeenActivity], set[str], str | None]:
    pages = list(port.read(token))
    changed = {seen.id: seen for page in pages for seen in page.activities}
    return changed, {id_ for page in pages for id_ in page.removed}, token_after(pages)


def token_after(pages: object) -> str | None:
    tokens = [page.token for page in pages if isinstance(page, ActivityPage)]  # type: ignore[attr-defined]
    assert all(token is None for token in tokens[:-1]), "only the last page has a token"
    return tokens[-1]


def changed_keys(before: Entry, after: Entry) -> frozenset[FieldKey]:
    return canonical.changed_keys(canonical.fields(before), canonical.fields(after))
