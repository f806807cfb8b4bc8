"""The contract of `sync.ports.Calendar`: every implementation passes it, made as a subclass with a `side` fixture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from samklang.engine import canonical
from samklang.engine.model import (
    AllDay,
    Availability,
    Entry,
    Frequency,
    Occurrence,
    Recurrence,
    SeenEvent,
    Sensitivity,
    Timed,
    Weekday,
)
from samklang.sync.errors import NotFound, SyncError, TokenRejected, VersionConflict
from samklang.sync.ports import Calendar, EventPage

ZONE = "Europe/Stockholm"
#: A Monday, 09:00 in Stockholm; the series below cross the clock change of 2026-03-29.
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
WHEN = Timed(START, START + timedelta(hours=1), ZONE)
MEETING = Entry("Planning ☕ åäö", WHEN, place="Room 3", text="One\n\ntwo <3 & more")
WHOLE_DAYS = Entry("Fair", AllDay(date(2026, 3, 28), date(2026, 3, 31)))
RULE = Recurrence(Frequency.WEEKLY, weekdays=(Weekday.MONDAY, Weekday.THURSDAY), until=date(2026, 6, 30))
SERIES = replace(MEETING, title="Stand-up", recurrence=RULE)
CHANGED, CANCELLED = date(2026, 4, 2), date(2026, 4, 6)
MOVED = Timed(datetime(2026, 4, 2, 12, 30, tzinfo=UTC), datetime(2026, 4, 2, 13, 0, tzinfo=UTC), ZONE)
CAKE = Occurrence("Stand-up with cake", MOVED, place="Room 3", text=MEETING.text)
WITH_EXCEPTIONS = replace(SERIES, exceptions={CHANGED: CAKE}, cancelled=frozenset({CANCELLED}))
WORKDAYS = tuple(Weekday)[:5]

HELD = {
    "a timed entry": MEETING,
    "an entry without a title": replace(MEETING, title=""),
    "an entry without anything": Entry("", WHEN),
    "zero length": replace(MEETING, when=replace(WHEN, end=START)),
    "many days": replace(MEETING, when=replace(WHEN, end=START + timedelta(days=40))),
    "another zone": replace(MEETING, when=replace(WHEN, zone="America/New_York")),
    "the second of two equal wall times": replace(
        MEETING, when=Timed(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 45, tzinfo=UTC), ZONE)
    ),
    "before 1970": replace(MEETING, when=Timed(START.replace(year=1962), START.replace(year=1962, hour=9), ZONE)),
    "emoji": replace(MEETING, title="👩‍👩‍👧 🇸🇪 \u2028x", text="👍🏽\n𝔘𝔫𝔦𝔠𝔬𝔡𝔢"),
    "a text with indents and quotes": replace(MEETING, text="  indented\n\n\n\"quoted\" 'too'\n<b>not bold</b>\nend"),
    "a long text": replace(MEETING, text="\n".join(f"Line {n} with words." for n in range(1500))),
    "one whole day": Entry("Day", AllDay(date(2026, 6, 1), date(2026, 6, 2))),
    "the spring day of 23 hours": Entry("Spring", AllDay(date(2026, 3, 29), date(2026, 3, 30))),
    "the autumn day of 25 hours": Entry("Autumn", AllDay(date(2026, 10, 25), date(2026, 10, 26))),
    "several whole days": WHOLE_DAYS,
    "out of office": replace(MEETING, availability=Availability.OUT_OF_OFFICE),
    **{f"sensitivity {each}": replace(MEETING, sensitivity=each) for each in Sensitivity},
}
RULES = {
    "daily": Recurrence(Frequency.DAILY, count=30),
    "every third day": Recurrence(Frequency.DAILY, 3),
    "weekly on two days": RULE,
    "every second week from Sunday": Recurrence(
        Frequency.WEEKLY, 2, (Weekday.MONDAY, Weekday.SUNDAY), Weekday.SUNDAY, count=20
    ),
    "on workdays": Recurrence(Frequency.WEEKLY, weekdays=WORKDAYS, until=date(2026, 12, 31)),
    "monthly by date": Recurrence(Frequency.MONTHLY, 2, day_of_month=2, count=9),
    "monthly by weekday": Recurrence(Frequency.MONTHLY, weekdays=(Weekday.MONDAY,), position=1),
    "yearly by date": Recurrence(Frequency.YEARLY, day_of_month=2, month=3),
    "yearly by weekday": Recurrence(Frequency.YEARLY, weekdays=(Weekday.MONDAY,), position=1, month=3, count=5),
}
HELD |= {f"a series {name}": replace(SERIES, recurrence=rule) for name, rule in RULES.items()}
HELD |= {
    "a series on the last workday of the month": replace(
        SERIES,
        when=Timed(datetime(2026, 3, 31, 7, tzinfo=UTC), datetime(2026, 3, 31, 8, tzinfo=UTC), ZONE),
        recurrence=Recurrence(Frequency.MONTHLY, weekdays=WORKDAYS, position=-1, count=14),
    ),
    "a series of whole days": replace(
        WHOLE_DAYS, recurrence=Recurrence(Frequency.WEEKLY, 4, (Weekday.SATURDAY,), count=6)
    ),
    "a series with a changed and a cancelled date": WITH_EXCEPTIONS,
    "a series of whole days with exceptions": replace(
        Entry("Off", AllDay(date(2026, 3, 2), date(2026, 3, 3)), recurrence=Recurrence(Frequency.WEEKLY, count=8)),
        exceptions={date(2026, 3, 30): Occurrence("Off, later", AllDay(date(2026, 3, 31), date(2026, 4, 1)))},
        cancelled=frozenset({date(2026, 4, 13)}),
    ),
    "a series in another zone": replace(SERIES, when=replace(WHEN, zone="Asia/Kolkata")),
}


@dataclass(frozen=True)
class CalendarSide:
    """One implementation, with the hands of a person who works behind its back and the knobs of its server."""

    port: Calendar
    #: Another instance for the same mailbox, as another process would have it.
    another: Callable[[], Calendar]
    #: A person makes an event; its item id.
    adds: Callable[[Entry], str]
    #: A person changes fields: `edits(id, title=…, place=…)`.
    edits: Callable[..., None]
    #: A person changes the title of one date of a series, by its original date.
    edits_date: Callable[[str, date, str], None]
    deletes: Callable[[str], None]
    deletes_date: Callable[[str, date], None]
    #: A person changes something we do not read: a new version, the same content.
    touches: Callable[[str], None]
    #: The server forgets what tokens refer to.
    forget_tokens: Callable[[], None]
    #: The next create is done, but its answer never arrives.
    lose_create: Callable[[], None]
    #: The item is listed, but the server fails to give it.
    spoil: Callable[[str], None]
    #: Remote writes so far, by "create", "update", "delete".
    writes: Callable[[], Mapping[str, int]]
    #: Mails sent so far.
    mails: Callable[[], int]

    def written(self, before: Mapping[str, int]) -> dict[str, int]:
        """Writes since `before`, those that happened."""
        now = self.writes()
        return {kind: now[kind] - before[kind] for kind in now if now[kind] != before[kind]}


class CalendarContract:
    @pytest.fixture
    def side(self) -> CalendarSide:
        raise NotImplementedError

    # --- creating

    @pytest.mark.parametrize("entry", HELD.values(), ids=HELD.keys())
    def test_what_is_created_is_held_as_given(self, side: CalendarSide, entry: Entry) -> None:
        made = side.port.create(entry, "key")
        assert canonical.fields(made.entry) == canonical.fields(entry)
        assert canonical.fields(stored(side.another(), made.id).entry) == canonical.fields(entry)
        assert made.entry.availability is entry.availability

    def test_a_timed_entry_keeps_both_its_zones(self, side: CalendarSide) -> None:
        flight = replace(MEETING, when=replace(WHEN, end=START + timedelta(hours=9), end_zone="America/New_York"))
        assert side.port.create(flight, "key").entry.when == flight.when

    def test_a_created_event_is_the_users_own_without_people(self, side: CalendarSide) -> None:
        made = side.port.create(MEETING, "key")
        assert (made.is_meeting, made.is_organizer, made.is_cancelled, made.key) == (False, True, False, "key")
        assert made.uid
        assert made.version

    def test_a_create_is_one_write_and_no_mail(self, side: CalendarSide) -> None:
        before = side.writes()
        side.port.create(MEETING, "key")
        assert side.written(before) == {"create": 1}
        assert side.mails() == 0

    def test_a_created_event_can_be_updated_at_once(self, side: CalendarSide) -> None:
        for entry in (MEETING, WITH_EXCEPTIONS):
            made = side.port.create(entry, entry.title)
            after = side.port.update(made, replace(entry, title="New"), frozenset({"title"}))
            assert after.entry.title == "New"

    def test_a_create_is_found_by_its_key(self, side: CalendarSide) -> None:
        assert side.port.find_created("key") is None
        made = side.port.create(MEETING, "key")
        found = side.another().find_created("key")
        assert found is not None
        assert (found.id, found.version) == (made.id, made.version)
        assert side.port.find_created("other") is None

    def test_a_series_is_found_whole_by_its_key(self, side: CalendarSide) -> None:
        side.port.create(WITH_EXCEPTIONS, "key")
        found = side.another().find_created("key")
        assert found is not None
        assert canonical.fields(found.entry) == canonical.fields(WITH_EXCEPTIONS)

    def test_creating_again_with_the_same_key_makes_nothing(self, side: CalendarSide) -> None:
        made = side.port.create(MEETING, "key")
        assert side.port.create(MEETING, "key").id == made.id
        assert ids(side.another().read(None)) == [made.id]

    def test_a_create_whose_answer_was_lost_is_found_and_not_made_twice(self, side: CalendarSide) -> None:
        side.lose_create()
        with pytest.raises(SyncError):
            side.port.create(MEETING, "key")
        found = side.another().find_created("key")
        assert found is not None
        assert side.port.create(MEETING, "key").id == found.id
        assert ids(side.another().read(None)) == [found.id]

    # --- reading

    def test_an_empty_calendar_is_read_to_its_token(self, side: CalendarSide) -> None:
        pages = list(side.port.read(None))
        assert not ids(pages)
        assert pages[-1].token

    def test_a_calendar_is_read_in_pages_that_end_with_a_token(self, side: CalendarSide) -> None:
        added = {side.adds(replace(MEETING, title=f"Entry {n}")) for n in range(55)}
        pages = list(side.port.read(None))
        assert sorted(ids(pages)) == sorted(added)
        assert all(page.token is None for page in pages[:-1])
        assert pages[-1].token

    def test_what_a_person_made_is_read_as_it_is(self, side: CalendarSide) -> None:
        for entry in (MEETING, WHOLE_DAYS, SERIES):
            id = side.adds(entry)
            assert canonical.fields(stored(side.port, id).entry) == canonical.fields(entry)

    def test_a_second_read_without_a_change_is_empty(self, side: CalendarSide) -> None:
        side.port.create(MEETING, "key")
        token = token_of(side.port.read(None))
        pages = list(side.port.read(token))
        assert not ids(pages)
        assert not [id for page in pages for id in page.removed]

    def test_what_a_person_changes_shows_in_the_next_read(self, side: CalendarSide) -> None:
        first, second = side.adds(MEETING), side.adds(SERIES)
        token = token_of(side.port.read(None))
        side.edits(first, title="Changed")
        third = side.adds(WHOLE_DAYS)
        side.deletes(second)
        pages = list(side.port.read(token))
        titles = {event.id: event.entry.title for page in pages for event in page.events}
        assert titles == {first: "Changed", third: "Fair"}
        assert [id for page in pages for id in page.removed] == [second]
        assert not ids(side.port.read(pages[-1].token))

    def test_a_changed_date_brings_the_whole_series(self, side: CalendarSide) -> None:
        made = side.port.create(WITH_EXCEPTIONS, "key")
        token = token_of(side.port.read(None))
        other, gone = date(2026, 5, 4), date(2026, 5, 7)
        side.edits_date(made.id, other, "Moved to May")
        side.deletes_date(made.id, gone)
        (event,) = events(side.port.read(token))
        assert event.id == made.id
        assert set(event.entry.exceptions) == {CHANGED, other}
        assert event.entry.exceptions[other].title == "Moved to May"
        assert event.entry.cancelled == {CANCELLED, gone}

    def test_own_writes_come_back_with_the_content_and_version_we_know(self, side: CalendarSide) -> None:
        token = token_of(side.port.read(None))
        made = side.port.create(WITH_EXCEPTIONS, "key")
        made = side.port.update(made, replace(WITH_EXCEPTIONS, place="Attic"), frozenset({"place"}))
        for echo in events(side.port.read(token)):
            assert (echo.id, echo.version) == (made.id, made.version)
            assert canonical.fields(echo.entry) == canonical.fields(made.entry)

    def test_a_change_of_what_we_do_not_read_changes_no_content(self, side: CalendarSide) -> None:
        made = side.port.create(MEETING, "key")
        side.touches(made.id)
        after = stored(side.port, made.id)
        assert canonical.fields(after.entry) == canonical.fields(made.entry)

    def test_a_forgotten_token_is_refused(self, side: CalendarSide) -> None:
        side.adds(MEETING)
        token = token_of(side.port.read(None))
        side.forget_tokens()
        with pytest.raises(TokenRejected):
            list(side.port.read(token))
        assert len(ids(side.port.read(None))) == 1

    def test_one_unreadable_event_does_not_stop_the_others(self, side: CalendarSide) -> None:
        good, bad, also = side.adds(MEETING), side.adds(replace(MEETING, title="Bad")), side.adds(WHOLE_DAYS)
        side.spoil(bad)
        pages = list(side.port.read(None))
        assert sorted(ids(pages)) == sorted([good, also])
        assert [each.id for page in pages for each in page.unreadable] == [bad]
        assert pages[-1].token

    def test_an_id_that_is_not_there_reads_as_none(self, side: CalendarSide) -> None:
        made, gone = side.port.create(MEETING, "key"), side.adds(WHOLE_DAYS)
        side.deletes(gone)
        found = side.port.get([gone, made.id])
        assert found[gone] is None
        assert found[made.id] == made

    # --- reconciling

    def test_a_reconcile_gives_content_only_where_the_version_differs(self, side: CalendarSide) -> None:
        same, edited, gone = side.adds(MEETING), side.adds(WHOLE_DAYS), side.adds(SERIES)
        known = {event.id: event.version for event in events(side.port.read(None))}
        side.edits(edited, title="Changed")
        side.deletes(gone)
        new = side.adds(replace(MEETING, title="New"))
        pages = list(side.port.reconcile(known))
        assert sorted(ids(pages)) == sorted([edited, new])
        assert same not in ids(pages)
        assert [page.removed for page in pages if page.removed] == [(gone,)]
        assert pages[-1].removed == (gone,)

    def test_a_reconcile_ends_with_a_token_that_goes_on(self, side: CalendarSide) -> None:
        side.adds(MEETING)
        token = token_of(side.port.reconcile({}))
        added = side.adds(WHOLE_DAYS)
        assert ids(side.port.read(token)) == [added]

    def test_a_reconcile_that_knows_nothing_gives_everything(self, side: CalendarSide) -> None:
        added = [side.adds(MEETING), side.adds(SERIES)]
        assert sorted(ids(side.port.reconcile({}))) == sorted(added)

    # --- updating

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("title", "New"),
            ("title", ""),
            ("place", "Attic"),
            ("place", ""),
            ("text", "New\ntext"),
            ("text", ""),
            ("sensitivity", Sensitivity.PRIVATE),
            ("when", Timed(START + timedelta(days=30), START + timedelta(days=30, hours=2), ZONE)),
            ("when", Timed(START, START + timedelta(hours=3), "America/New_York")),
            ("when", AllDay(date(2026, 3, 29), date(2026, 3, 30))),
        ],
        ids=str,
    )
    def test_an_update_changes_the_named_field_in_one_write_without_mail(
        self, side: CalendarSide, name: str, value: Any
    ) -> None:
        made = side.port.create(MEETING, "key")
        wanted = replace(MEETING, **{name: value})
        before = side.writes()
        after = side.port.update(made, wanted, frozenset({"time" if name == "when" else name}))
        assert canonical.fields(after.entry) == canonical.fields(wanted)
        assert canonical.fields(stored(side.another(), made.id).entry) == canonical.fields(wanted)
        assert side.written(before) == {"update": 1}
        assert after.id == made.id
        assert after.version != made.version
        assert side.mails() == 0

    def test_whole_days_become_timed(self, side: CalendarSide) -> None:
        made = side.port.create(WHOLE_DAYS, "key")
        after = side.port.update(made, replace(WHOLE_DAYS, when=WHEN), frozenset({"time"}))
        assert after.entry.when == WHEN

    def test_an_update_leaves_what_is_not_named_alone(self, side: CalendarSide) -> None:
        made = side.port.create(MEETING, "key")
        wanted = Entry("New", replace(WHEN, end=START + timedelta(hours=5)), "Attic", "Not named", Sensitivity.PRIVATE)
        after = side.port.update(made, wanted, frozenset({"title", "place"}))
        assert canonical.fields(after.entry) == canonical.fields(replace(MEETING, title="New", place="Attic"))

    def test_an_update_of_an_old_version_is_refused_and_writes_nothing(self, side: CalendarSide) -> None:
        made = side.port.create(MEETING, "key")
        side.edits(made.id, title="By hand")
        with pytest.raises(VersionConflict):
            side.port.update(made, replace(MEETING, title="By us"), frozenset({"title"}))
        assert stored(side.port, made.id).entry.title == "By hand"

    def test_an_update_of_an_event_that_is_gone_is_refused(self, side: CalendarSide) -> None:
        made = side.port.create(MEETING, "key")
        side.deletes(made.id)
        with pytest.raises((NotFound, VersionConflict)):
            side.port.update(made, replace(MEETING, title="By us"), frozenset({"title"}))
        assert not ids(side.another().read(None))

    def test_a_single_becomes_a_series_and_single_again_in_place(self, side: CalendarSide) -> None:
        made = side.port.create(MEETING, "key")
        series = replace(MEETING, recurrence=RULE)
        after = side.port.update(made, series, frozenset({"recurrence"}))
        assert (after.id, canonical.fields(after.entry)) == (made.id, canonical.fields(series))
        again = side.port.update(after, MEETING, frozenset({"recurrence"}))
        assert (again.id, canonical.fields(again.entry)) == (made.id, canonical.fields(MEETING))

    # --- dates of a series

    def test_one_date_is_changed_in_one_write(self, side: CalendarSide) -> None:
        made = side.port.create(SERIES, "key")
        wanted = replace(SERIES, exceptions={CHANGED: CAKE})
        before = side.writes()
        after = update(side, made, wanted)
        assert canonical.fields(after.entry) == canonical.fields(wanted)
        assert side.written(before) == {"update": 1}

    def test_one_date_is_cancelled_in_one_write(self, side: CalendarSide) -> None:
        made = side.port.create(SERIES, "key")
        wanted = replace(SERIES, cancelled=frozenset({CANCELLED}))
        before = side.writes()
        after = update(side, made, wanted)
        assert canonical.fields(after.entry) == canonical.fields(wanted)
        assert sum(side.written(before).values()) == 1

    def test_several_dates_are_changed_and_cancelled_at_once(self, side: CalendarSide) -> None:
        made = side.port.create(SERIES, "key")
        days = [date(2026, 4, 9), date(2026, 4, 13), date(2026, 4, 16)]
        changed = {day: replace(CAKE, title=f"On {day}", when=at(day, 9)) for day in days}
        wanted = replace(SERIES, exceptions=changed, cancelled=frozenset({CANCELLED, date(2026, 5, 4)}))
        before = side.writes()
        after = update(side, made, wanted)
        assert canonical.fields(after.entry) == canonical.fields(wanted)
        assert sum(side.written(before).values()) == 5

    def test_a_changed_date_is_changed_again(self, side: CalendarSide) -> None:
        made = side.port.create(WITH_EXCEPTIONS, "key")
        wanted = replace(WITH_EXCEPTIONS, exceptions={CHANGED: replace(CAKE, title="No cake", place="Attic")})
        assert canonical.fields(update(side, made, wanted).entry) == canonical.fields(wanted)

    def test_a_changed_date_is_cancelled(self, side: CalendarSide) -> None:
        made = side.port.create(WITH_EXCEPTIONS, "key")
        wanted = replace(SERIES, cancelled=frozenset({CANCELLED, CHANGED}))
        assert canonical.fields(update(side, made, wanted).entry) == canonical.fields(wanted)

    def test_a_changed_date_becomes_as_the_series_again(self, side: CalendarSide) -> None:
        made = side.port.create(WITH_EXCEPTIONS, "key")
        wanted = replace(SERIES, cancelled=frozenset({CANCELLED}))
        assert canonical.fields(update(side, made, wanted).entry) == canonical.fields(wanted)

    def test_a_cancelled_date_is_given_back_and_the_others_stay(self, side: CalendarSide) -> None:
        both = replace(WITH_EXCEPTIONS, cancelled=frozenset({CANCELLED, date(2026, 5, 4)}))
        made = side.port.create(both, "key")
        after = update(side, made, WITH_EXCEPTIONS)
        assert canonical.fields(after.entry) == canonical.fields(WITH_EXCEPTIONS)
        assert canonical.fields(stored(side.another(), made.id).entry) == canonical.fields(WITH_EXCEPTIONS)

    @pytest.mark.parametrize(
        "rule",
        [
            replace(RULE, until=date(2026, 5, 31)),
            replace(RULE, weekdays=(Weekday.MONDAY, Weekday.THURSDAY, Weekday.FRIDAY)),
            Recurrence(Frequency.DAILY),
        ],
        ids=["shorter", "more days", "daily"],
    )
    def test_a_changed_pattern_keeps_the_exceptions_asked_for(self, side: CalendarSide, rule: Recurrence) -> None:
        made = side.port.create(WITH_EXCEPTIONS, "key")
        wanted = replace(WITH_EXCEPTIONS, recurrence=rule)
        keys = frozenset({"recurrence"}) | {key for key in canonical.fields(wanted) if key.startswith("x:")}
        after = side.port.update(made, wanted, keys)
        assert canonical.fields(after.entry) == canonical.fields(wanted)
        assert canonical.fields(stored(side.another(), made.id).entry) == canonical.fields(wanted)

    def test_another_time_of_day_keeps_the_exceptions(self, side: CalendarSide) -> None:
        made = side.port.create(WITH_EXCEPTIONS, "key")
        later = replace(WHEN, start=START + timedelta(hours=1), end=START + timedelta(hours=2))
        wanted = canonical.with_fields(WITH_EXCEPTIONS, replace(SERIES, when=later), {"time"})
        after = side.port.update(made, wanted, frozenset({"time"}))
        assert canonical.fields(after.entry) == canonical.fields(wanted)

    def test_an_edit_of_the_series_reaches_dates_but_not_what_they_changed_themselves(self, side: CalendarSide) -> None:
        made = side.port.create(WITH_EXCEPTIONS, "key")
        wanted = canonical.with_fields(
            WITH_EXCEPTIONS, replace(SERIES, title="Renamed", place="Attic"), {"title", "place"}
        )
        after = side.port.update(made, wanted, frozenset({"title", "place"}))
        assert after.entry.exceptions[CHANGED].title == CAKE.title
        assert after.entry.exceptions[CHANGED].place == "Attic"
        assert canonical.fields(after.entry) == canonical.fields(wanted)

    @pytest.mark.parametrize("wanted", [replace(SERIES, exceptions={CHANGED: CAKE}), WITH_EXCEPTIONS], ids=["x", "xc"])
    def test_dates_of_an_old_version_are_refused(self, side: CalendarSide, wanted: Entry) -> None:
        made = side.port.create(SERIES, "key")
        side.edits(made.id, title="By hand")
        with pytest.raises(VersionConflict):
            update(side, made, wanted)
        assert not stored(side.port, made.id).entry.exceptions

    def test_a_cancellation_of_an_old_version_is_refused(self, side: CalendarSide) -> None:
        made = side.port.create(SERIES, "key")
        side.edits(made.id, title="By hand")
        with pytest.raises(VersionConflict):
            update(side, made, replace(SERIES, cancelled=frozenset({CANCELLED})))
        assert not stored(side.port, made.id).entry.cancelled

    # --- deleting

    def test_a_deleted_event_is_gone_in_one_write_without_mail(self, side: CalendarSide) -> None:
        for entry in (MEETING, WITH_EXCEPTIONS):
            made = side.port.create(entry, entry.title)
            before = side.writes()
            side.port.delete(made)
            assert side.written(before) == {"delete": 1}
            assert side.port.get([made.id]) == {made.id: None}
        assert side.mails() == 0

    def test_deleting_twice_is_success(self, side: CalendarSide) -> None:
        made = side.port.create(MEETING, "key")
        side.port.delete(made)
        side.port.delete(made)

    def test_a_delete_of_an_old_version_is_refused(self, side: CalendarSide) -> None:
        made = side.port.create(MEETING, "key")
        side.edits(made.id, title="By hand")
        with pytest.raises(VersionConflict):
            side.port.delete(made)
        assert stored(side.port, made.id).entry.title == "By hand"


def at(day: date, hour: int) -> Timed:
    """An hour of a summer day in Stockholm."""
    start = datetime(day.year, day.month, day.day, hour - 2, tzinfo=UTC)
    return Timed(start, start + timedelta(hours=1), ZONE)


def events(pages: Iterable[EventPage]) -> list[SeenEvent]:
    return [event for page in pages for event in page.events]


def ids(pages: Iterable[EventPage]) -> list[str]:
    return [event.id for event in events(pages)]


def token_of(pages: Iterable[EventPage]) -> str:
    *_, last = pages
    assert last.token
    return last.token


def stored(port: Calendar, id: str) -> SeenEvent:
    """The event as a read by id gives it."""
    found = port.get([id])[id]
    assert found is not None
    return found


def update(side: CalendarSide, seen: SeenEvent, wanted: Entry) -> SeenEvent:
    """Change exactly what differs, as a run would."""
    changed = canonical.changed_keys(canonical.fields(seen.entry), canonical.fields(wanted))
    return side.port.update(seen, wanted, changed)
