"""When runs start: on use, by changes, by the schedule, at night, on demand (rules 9.1 to 9.3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.test import Client

from samklang import wiring
from samklang.activities import services as activities
from samklang.activities.services import Guest
from samklang.cli.connection import sync_now
from samklang.config import config
from samklang.engine.model import Timed
from samklang.jobs.tick import tick
from samklang.mailboxes import outcome, services
from samklang.mailboxes.models import Connection, Mailbox, Push
from samklang.mailboxes.rhythm import back_off, reconcile_is_due, turn
from samklang.sync.report import RunReport
from tests.jobs.world import Boxes, jobs, no_jobs_left
from tests.people import PASSWORD

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
IN_AN_HOUR = Timed(NOW + timedelta(hours=1), NOW + timedelta(hours=2), "Europe/Stockholm")


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    at(monkeypatch, NOW)
    yield
    monkeypatch.undo()
    config.cache_clear()


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setenv("SAMKLANG_TEST_CLOCK", moment.isoformat())
    config.cache_clear()


def synced(*boxes: Mailbox, last: datetime = NOW) -> None:
    """Their last run went well at `last`, and nothing waits."""
    for box in boxes:
        Mailbox.objects.filter(pk=box.pk).update(last_good_run=last, seq=7, synced_seq=7)


def a_run_goes_well(box: Mailbox, *, reconciled: bool = False) -> Mailbox:
    """What a good run leaves in the row."""
    mailbox = Mailbox.objects.select_related("user__organization", "connection").get(pk=box.pk)
    outcome.settle(mailbox, RunReport(), mailbox.seq, reconciled)
    mailbox.refresh_from_db()
    return mailbox


def who_runs() -> list[int]:
    found = [mailbox for mailbox, _ in jobs()]
    no_jobs_left()
    return found


# -- on use (9.1)


def test_signing_in_starts_a_run(boxes: Boxes) -> None:
    synced(boxes.alice, boxes.bob, last=NOW - timedelta(hours=3))
    Client().post("/sign-in", {"email": "alice@example.org", "password": PASSWORD}, follow=True)
    assert who_runs() == [boxes.alice.pk]


@pytest.mark.parametrize(
    ("failures", "chance", "seconds"),
    [(0, 0.0, 15), (0, 0.5, 22.5), (1, 0.0, 30), (3, 0.25, 150), (6, 0.0, 960), (7, 0.0, 1800), (500, 0.5, 2700)],
)
def test_each_failure_doubles_the_wait_up_to_an_hour_and_chance_spreads_it(
    failures: int, chance: float, seconds: float
) -> None:
    assert back_off(failures, chance) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("minutes", "starts"),
    [(4, False), (5, True), (60, True)],
    ids=["four minutes after a run: no", "five: yes", "an hour: yes"],
)
def test_navigating_starts_at_most_one_run_in_five_minutes(boxes: Boxes, minutes: int, starts: bool) -> None:
    synced(boxes.alice, last=NOW - timedelta(minutes=minutes))
    browser = Client()
    browser.force_login(boxes.alice.user, backend="django.contrib.auth.backends.ModelBackend")
    for page in ("/help/user", "/profile/calendar/synchronization", "/help/user"):
        browser.get(page)
    assert who_runs() == ([boxes.alice.pk] if starts else [])


def test_navigating_while_a_run_is_on_its_way_starts_no_second_one(boxes: Boxes) -> None:
    synced(boxes.alice, last=NOW - timedelta(hours=1))
    browser = Client()
    browser.force_login(boxes.alice.user, backend="django.contrib.auth.backends.ModelBackend")
    browser.get("/help/user")
    seq = Mailbox.objects.get(pk=boxes.alice.pk).seq
    browser.get("/help/user")
    assert Mailbox.objects.get(pk=boxes.alice.pk).seq == seq


def test_the_pages_own_looking_is_no_use_by_a_person(boxes: Boxes) -> None:
    synced(boxes.alice, last=NOW - timedelta(hours=1))
    browser = Client(headers={"X-Requested-With": "fetch"})
    browser.force_login(boxes.alice.user, backend="django.contrib.auth.backends.ModelBackend")
    browser.get("/profile/calendar/synchronization/state")
    assert who_runs() == []


def test_a_change_starts_runs_for_everybody_who_took_part_before_and_after(boxes: Boxes) -> None:
    (dora,) = boxes.more_of_ours(1)
    alice, bob = boxes.alice.user, boxes.bob.user
    meeting = activities.create(alice, name="Tea", when=IN_AN_HOUR, participants=[Guest(user=bob)])
    assert sorted(who_runs()) == sorted([boxes.alice.pk, boxes.bob.pk])
    activities.update(alice, meeting.guid, participants=[Guest(user=dora.user)])
    assert sorted(who_runs()) == sorted([boxes.alice.pk, boxes.bob.pk, dora.pk])


def test_a_user_who_is_away_starts_nothing(boxes: Boxes) -> None:
    synced(boxes.alice, boxes.bob, boxes.charlie)
    assert a_run_goes_well(boxes.alice).next_due is None
    assert tick(datetime.now(UTC) + timedelta(days=30)) == 0


# -- continuous (9.2)


def test_continuous_mode_looks_again_after_the_poll_interval(boxes: Boxes) -> None:
    services.save_connection(boxes.ours, {"mode": "continuous"}, by=boxes.alice.user)
    before = datetime.now(UTC)
    box = a_run_goes_well(boxes.alice)
    assert box.next_due is not None
    assert box.next_due - before >= timedelta(seconds=config().poll_seconds)
    no_jobs_left()
    Mailbox.objects.exclude(pk=box.pk).update(next_due=None)
    assert tick(box.next_due - timedelta(seconds=1)) == 0
    assert tick(box.next_due) == 1


def test_choosing_continuous_mode_begins_the_polling_and_choosing_on_use_ends_it(boxes: Boxes) -> None:
    synced(boxes.alice, boxes.bob, boxes.charlie)
    services.save_connection(boxes.ours, {"mode": "continuous"}, by=boxes.alice.user)
    assert tick(datetime.now(UTC)) == 2
    no_jobs_left()
    services.save_connection(boxes.ours, {"mode": "on_use"}, by=boxes.alice.user)
    assert tick(datetime.now(UTC) + timedelta(days=1)) == 0


TODAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("last", "wall", "on_use", "continuous"),
    [
        (TODAY, "00:10", False, False),
        (TODAY, "23:50", False, False),
        (TODAY - timedelta(days=1), "00:10", True, False),
        (TODAY - timedelta(days=1), "05:00", True, True),
        (TODAY - timedelta(days=2), "00:10", True, True),
        (None, "12:00", True, True),
    ],
    ids=[
        "done today",
        "done today, late",
        "a new day, before the mailbox's turn",
        "a new day, after every turn",
        "a night was missed",
        "never yet",
    ],
)
def test_the_full_comparison_is_once_a_day_on_use_and_once_a_night_continuously(
    last: date | None, wall: str, on_use: bool, continuous: bool
) -> None:
    moment = datetime.combine(TODAY, time.fromisoformat(wall))
    assert reconcile_is_due(4711, last, moment, continuous=False) is on_use
    assert reconcile_is_due(4711, last, moment, continuous=True) is continuous


def test_the_nights_comparisons_are_spread_over_the_night() -> None:
    hours = [turn(mailbox).hour for mailbox in range(1, 401)]
    assert set(hours) == {1, 2, 3, 4}
    assert all(80 <= hours.count(hour) <= 120 for hour in (1, 2, 3, 4))
    assert turn(17) == turn(17)


@pytest.mark.parametrize(
    ("utc_hour", "full"), [(23, False), (8, True)], ids=["midnight in Stockholm", "the morning in Stockholm"]
)
def test_the_night_is_that_of_the_users_zone(
    boxes: Boxes, monkeypatch: pytest.MonkeyPatch, utc_hour: int, full: bool
) -> None:
    services.save_connection(boxes.ours, {"mode": "continuous"}, by=boxes.alice.user)
    at(monkeypatch, datetime(2026, 3, 1 if utc_hour == 23 else 2, utc_hour, 30, tzinfo=UTC))
    Mailbox.objects.update(first_run_done=True, reconciled_on=date(2026, 3, 1))
    asked: list[bool] = []

    def guarded(mailbox: Mailbox, run_id: int, reconcile: bool) -> RunReport:
        asked.append(reconcile)
        return RunReport()

    monkeypatch.setattr(wiring, "_guarded", guarded)
    wiring.run_mailbox(boxes.alice.pk, "job")
    wiring.run_mailbox(boxes.alice.pk, "job")
    assert asked == [full, False]


# -- sync now (9.3)


def test_the_administrator_syncs_everybody_now_by_page_api_and_command(boxes: Boxes) -> None:
    Mailbox.objects.filter(pk=boxes.bob.pk).update(stop_asked=True)
    browser = Client()
    browser.force_login(boxes.alice.user, backend="django.contrib.auth.backends.ModelBackend")
    synced(boxes.alice, boxes.bob)
    browser.post("/settings/integrations/microsoft-exchange/sync")
    assert who_runs() == [boxes.alice.pk], "whoever stopped his runs goes on himself"
    browser.post("/api/connection/run", content_type="application/json")
    assert who_runs() == [boxes.alice.pk]
    assert sync_now(Connection.objects.get(pk=boxes.ours.pk)) == 1
    assert who_runs() == [boxes.alice.pk]


def test_nobody_else_syncs_everybody(boxes: Boxes) -> None:
    browser = Client()
    browser.force_login(boxes.bob.user, backend="django.contrib.auth.backends.ModelBackend")
    synced(boxes.alice, boxes.bob)
    assert browser.post("/settings/integrations/microsoft-exchange/sync").status_code == 403
    assert browser.post("/api/connection/run", content_type="application/json").status_code == 403
    assert who_runs() == []


# -- what the administrator sees


def test_the_page_says_how_calendars_are_kept_up_to_date(boxes: Boxes) -> None:
    Mailbox.objects.update(first_run_done=True, reconciled_on=TODAY)
    browser = Client()
    browser.force_login(boxes.alice.user, backend="django.contrib.auth.backends.ModelBackend")

    def page() -> str:
        text = browser.get("/settings/integrations/microsoft-exchange").content.decode()
        return " ".join(text[text.index("How calendars are kept up to date") :].split())

    assert "Sync everybody now" in page()
    services.save_connection(boxes.ours, {"mode": "continuous", "version": "office365"}, by=boxes.alice.user)
    assert "Every 5 min, and fully once a night" in page()
    assert "no public address" in page()
    for version, build in (("2007", ""), ("2010", "14.0.639.11")):
        services.save_connection(boxes.ours, {"version": version}, by=boxes.alice.user)
        Connection.objects.update(server_build=build)
        assert "only Exchange 2010 SP1 and later tell of changes, and this server is older" in page()
    services.save_connection(boxes.ours, {"version": "2016"}, by=boxes.alice.user)
    Push.objects.create(mailbox=boxes.alice, expires_at=NOW + timedelta(minutes=9))
    assert "1 of 2 calendars tell of changes by themselves" in page()
    assert "March 2, 2026" in page()
