from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections, transaction

from samklang import clock
from samklang.activities import changes, services
from samklang.activities.housekeeping import CHANGES_DAYS, TRASH_DAYS, tidy
from samklang.activities.models import Activity, ChangeLog
from samklang.activities.services import Guest
from samklang.activities.source import BuiltInActivities
from samklang.activities.types import default_type
from samklang.engine.model import Timed
from samklang.sync.errors import TokenRejected
from tests.contract.activities import MEETING, delta, read, token_after
from tests.people import People, people

NINE = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
WHEN = Timed(NINE, NINE + timedelta(hours=1), "Europe/Stockholm")


@pytest.mark.django_db(transaction=True)
def test_a_slow_writer_hides_nothing_from_a_token_taken_meanwhile() -> None:
    them = people()
    wrote, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            services.create(them.alice, name="Slow", when=WHEN)
            wrote.set()
            assert may_commit.wait(20)
        connections.close_all()

    def quick() -> None:
        services.create(them.alice, name="Quick", when=WHEN)
        connections.close_all()

    port = BuiltInActivities(them.alice)
    writers = [threading.Thread(target=slow), threading.Thread(target=quick)]
    writers[0].start()
    assert wrote.wait(20)
    writers[1].start()
    token = token_after(port.read(None))
    may_commit.set()
    for writer in writers:
        writer.join(20)
    changed, _removed, _token = delta(port, token)
    assert {seen.entry.title for seen in changed.values()} == {"Slow", "Quick"}


@pytest.mark.django_db(transaction=True)
def test_two_who_save_the_same_version_at_once_are_told_apart() -> None:
    them = people()
    made = services.create(them.alice, name="Plan", when=WHEN, participants=[Guest(them.bob)])
    results: list[str] = []
    start = threading.Barrier(2)

    def save(user: object, name: str) -> None:
        start.wait(20)
        try:
            services.update(user, made.guid, version=made.version, name=name)  # type: ignore[arg-type]
            results.append("saved")
        except services.Outdated:
            results.append("outdated")
        connections.close_all()

    threads = [threading.Thread(target=save, args=args) for args in [(them.alice, "A"), (them.bob, "B")]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(results) == ["outdated", "saved"]


@pytest.fixture
def them(db: None) -> People:
    return people()


def test_a_runs_own_write_makes_the_others_due_but_not_itself(them: People, monkeypatch: pytest.MonkeyPatch) -> None:
    marked: list[set[int]] = []
    monkeypatch.setattr("samklang.mailboxes.dirty.mark", lambda ids: marked.append(set(ids)))
    port = BuiltInActivities(them.alice)
    made = port.create(MEETING, str(default_type(them.company).guid), "key")
    services.update(them.alice, made.id, participants=[Guest(them.bob)])
    (seen,) = read(port)
    seen = port.update(seen, MEETING, frozenset({"title"}))
    port.delete(seen)
    assert marked == [set(), {them.alice.pk, them.bob.pk}, {them.bob.pk}, {them.bob.pk}]


def test_one_organizations_changes_are_not_in_anothers_log(them: People) -> None:
    services.create(them.charlie, name="Charlie's", when=WHEN)
    assert changes.newest(them.company.pk) == 0
    assert changes.newest(them.charlie.organization.pk) == 1


def test_what_is_old_is_thrown_away_and_what_is_not_stays(them: People) -> None:
    made = services.create(them.alice, name="Old", when=WHEN)
    kept = services.create(them.alice, name="Kept", when=WHEN)
    services.trash(them.alice, made.guid)
    port = BuiltInActivities(them.alice)
    token = token_after(port.read(None))
    now = clock.now()
    assert tidy(now + timedelta(days=TRASH_DAYS - 1))["activities"] == 0
    assert tidy(now + timedelta(days=TRASH_DAYS + 1)) == {
        "activities": 1,
        "changes": 0,
        "sign_in_counts": 0,
        "history": 0,
        "tokens": 0,
    }
    assert list(Activity.objects.all()) == [kept]
    assert delta(port, token)[:2] == ({}, set())
    assert tidy(now + timedelta(days=CHANGES_DAYS + 1))["changes"] == 3
    assert not ChangeLog.objects.exists()
    assert delta(port, token)[:2] == ({}, set()), "nothing after the token was thrown away"
    with pytest.raises(TokenRejected):
        list(port.read("0"))


@pytest.mark.parametrize("token", ["", "x", "-1", "999999", "1.5"])
def test_a_token_that_is_none_of_ours_is_rejected(them: People, token: str) -> None:
    with pytest.raises(TokenRejected):
        list(BuiltInActivities(them.alice).read(token))
