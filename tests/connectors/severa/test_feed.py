"""What is asked of Severa to know what changed: once for all mailboxes, and no more than is needed (rules 7.6, 8.1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import requests

from samklang.activities import services
from samklang.activities.models import Activity
from samklang.activities.services import Guest
from samklang.connectors.severa.activities import SeveraActivities
from samklang.connectors.severa.feed import OVERLAP, PAST
from samklang.engine.model import Entry, Frequency, Person, Recurrence, Timed, Weekday
from samklang.severa.mirror import DjangoMirror, forget
from samklang.sync.errors import NotFound, TokenRejected, Unavailable
from tests.connectors.severa.compatible import Severa, ThroughDjango
from tests.connectors.severa.test_contract import type_id
from tests.contract.activities import delta, read, token_after
from tests.people import People

pytestmark = pytest.mark.django_db

TODAY = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
SOON = Timed(TODAY + timedelta(days=3), TODAY + timedelta(days=3, hours=1), "Europe/Stockholm")
MEETING = Entry("Planning", SOON)
WEEKLY = Recurrence(Frequency.WEEKLY, weekdays=(Weekday((TODAY + timedelta(days=3)).weekday()),), count=8)
LATER = timedelta(minutes=5)


@pytest.fixture
def polled(severa: Severa) -> Severa:
    """Polls every minute; a complete listing only when a test asks for one."""
    severa.fresh, severa.complete = timedelta(minutes=1), timedelta(days=1)
    return severa


def begun(port: SeveraActivities, network: ThroughDjango) -> str | None:
    token = token_after(port.read(None))
    network.sent.clear()
    return token


def test_an_idle_poll_of_the_whole_organization_is_two_requests(
    them: People, polled: Severa, network: ThroughDjango
) -> None:
    ports = [polled.of(user) for user in (them.alice, them.bob, them.alice, them.bob)]
    for n in range(5):
        services.create(them.alice, name=f"No. {n}", when=SOON, participants=[Guest(them.bob)])
    tokens = [begun(port, network) for port in ports]
    for _ in range(3):
        polled.ahead += LATER
        network.sent.clear()
        tokens = [token_after(port.read(token)) for port, token in zip(ports, tokens, strict=True)]
        assert len(network.sent) == 2


def test_the_first_listing_is_read_once_for_all(them: People, polled: Severa, network: ThroughDjango) -> None:
    for n in range(5):
        services.create(them.alice, name=f"No. {n}", when=SOON, participants=[Guest(them.bob)])
    assert len(read(polled.of(them.alice))) == 5
    assert network.counted()["GET activityparticipants"] == 5
    network.sent.clear()
    assert len(read(polled.of(them.bob))) == 5
    assert network.sent == []


def test_participants_are_asked_for_where_something_changed_only(
    them: People, polled: Severa, network: ThroughDjango
) -> None:
    ids = [services.create(them.alice, name=f"No. {n}", when=SOON).psa_id for n in range(5)]
    port = polled.of(them.alice)
    token = begun(port, network)
    services.update(them.alice, ids[2], name="Renamed", participants=[Guest(them.bob)])
    polled.ahead += LATER
    changed, _removed, _token = delta(port, token)
    assert changed.keys() == {ids[2]}
    assert changed[ids[2]].participant_ids == (them.bob.psa_id,)
    assert network.counted() == {"GET activities": 2, "GET activityparticipants": 1}


def test_what_we_wrote_ourselves_is_not_asked_about_again(them: People, polled: Severa, network: ThroughDjango) -> None:
    port = polled.of(them.alice)
    token = begun(port, network)
    wanted = replace(MEETING, people=(Person(them.bob.email),))
    made = port.create(wanted, type_id(them), "key")
    port.update(made, replace(wanted, title="New"), frozenset({"title"}))
    network.sent.clear()
    polled.ahead += LATER
    changed, _removed, token = delta(port, token)
    assert changed.keys() == {made.id}
    assert network.counted() == {"GET activities": 2}


def test_a_change_from_just_before_the_last_poll_is_not_missed(
    them: People, polled: Severa, network: ThroughDjango
) -> None:
    id_ = services.create(them.alice, name="Planning", when=SOON).psa_id
    Activity.objects.filter(guid=id_).update(modified=polled.now() - LATER, created=polled.now() - LATER)
    port = polled.of(them.alice)
    token = begun(port, network)
    services.update(them.alice, id_, name="Renamed")
    earlier = polled.now() - OVERLAP + timedelta(seconds=30)
    Activity.objects.filter(guid=id_).update(modified=earlier)
    polled.ahead += LATER
    assert delta(port, token)[0].keys() == {id_}


def test_an_entry_over_for_long_is_listed_only_once_it_changes(
    them: People, polled: Severa, network: ThroughDjango
) -> None:
    long_ago = TODAY - PAST - timedelta(days=2)
    when = Timed(long_ago, long_ago + timedelta(hours=1), "Europe/Stockholm")
    old = services.create(them.alice, name="Long ago", when=when).psa_id
    services.create(them.alice, name="Planning", when=SOON)
    Activity.objects.filter(guid=old).update(modified=long_ago)
    port = polled.of(them.alice)
    assert [seen.entry.title for seen in read(port)] == ["Planning"]
    token = begun(port, network)
    services.update(them.alice, old, notes="Minutes")
    polled.ahead += LATER
    assert delta(port, token)[0].keys() == {old}


def test_series_and_single_dates_are_found_without_listing_occurrences(
    them: People, polled: Severa, network: ThroughDjango
) -> None:
    series = services.create(them.alice, name="Stand-up", when=SOON, recurrence=WEEKLY)
    port = polled.of(them.alice)
    (seen,) = read(port)
    assert seen.entry.recurrence is not None
    token = begun(port, network)
    day = SOON.start.date() + timedelta(days=7)
    services.update_occurrence(them.alice, series.guid, day, name="With cake")
    services.cancel_occurrence(them.alice, series.guid, day + timedelta(days=7))
    found: dict[date, str] = {}
    for _ in range(2):
        polled.ahead += LATER
        changed, _removed, token = delta(port, token)
        found |= {d: one.title for seen in changed.values() for d, one in seen.entry.exceptions.items()}
        cancelled = {d for seen in changed.values() for d in seen.entry.cancelled}
    assert found == {day: "With cake"}
    assert not any("Occurrence" in one for one in network.sent)
    again = port.get([series.psa_id])[series.psa_id]
    assert again is not None and again.entry.cancelled == {day + timedelta(days=7)}
    assert cancelled <= again.entry.cancelled


def test_a_page_made_before_our_own_write_takes_nothing_back(
    them: People, polled: Severa, network: ThroughDjango
) -> None:
    port = polled.of(them.alice)
    token = begun(port, network)
    made = port.create(MEETING, type_id(them), "key")
    after = port.update(made, replace(MEETING, title="New"), frozenset({"title"}))
    network.stale = {made.id}
    polled.ahead += LATER
    changed, _removed, token = delta(port, token)
    assert changed == {made.id: after}
    gone = port.create(MEETING, type_id(them), "other")
    port.delete(gone)
    network.stale = {gone.id}
    polled.ahead += LATER
    assert gone.id not in delta(port, token)[0]


# --- what is gone -----------------------------------------------------------------------------------------------------


def test_a_delete_is_told_by_the_next_complete_listing(them: People, polled: Severa, network: ThroughDjango) -> None:
    kept, gone = (services.create(them.alice, name=name, when=SOON).psa_id for name in ("Kept", "Gone"))
    port = polled.of(them.alice)
    token = begun(port, network)
    services.trash(them.alice, gone)
    polled.ahead += LATER
    assert delta(port, token)[1] == set()
    polled.ahead += timedelta(days=1)
    _changed, removed, token = delta(port, token)
    assert removed == {gone}
    assert port.get([kept, gone])[gone] is None
    assert delta(port, token)[1] == set()


def test_missing_from_a_listing_alone_is_not_gone(
    them: People, polled: Severa, network: ThroughDjango, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = {services.create(them.alice, name=name, when=SOON).psa_id for name in ("One", "Other")}
    port = polled.of(them.alice)
    token = begun(port, network)
    hidden = min(ids)
    network.hidden = {hidden}
    polled.ahead += timedelta(days=1)
    assert delta(port, token)[1] == set()
    assert {seen.id for seen in read(port)} == ids
    assert any(one == f"GET /activities/{hidden}" for one in network.sent), "it was asked for by its id"


def test_an_empty_listing_proves_nothing(them: People, polled: Severa, network: ThroughDjango) -> None:
    ids = {services.create(them.alice, name=name, when=SOON).psa_id for name in ("One", "Other")}
    port = polled.of(them.alice)
    token = begun(port, network)
    for id_ in ids:
        services.trash(them.alice, id_)
    polled.ahead += timedelta(days=1)
    assert delta(port, token)[1] == set()


def test_not_found_alone_is_not_gone_and_has_everything_listed(
    them: People, polled: Severa, network: ThroughDjango
) -> None:
    _kept, gone = (services.create(them.alice, name=name, when=SOON).psa_id for name in ("Kept", "Gone"))
    port = polled.of(them.alice)
    token = begun(port, network)
    seen = port.get([gone])[gone]
    assert seen is not None
    services.trash(them.alice, gone)
    with pytest.raises(NotFound):
        port.update(seen, replace(seen.entry, title="New"), frozenset({"title"}))
    assert port.get([gone])[gone] is not None, "one answer proves nothing"
    assert delta(port, token)[1] == {gone}


# --- cut off, lost, forgotten -----------------------------------------------------------------------------------------


def test_a_first_listing_that_is_cut_off_goes_on_where_it_was(
    them: People, polled: Severa, network: ThroughDjango
) -> None:
    for n in range(5):
        services.create(them.alice, name=f"No. {n}", when=SOON, recurrence=WEEKLY)
    asked: list[str] = []

    def cut_off(what: str) -> None:
        if what.endswith("activityparticipants"):
            asked.append(what)
            if 3 <= len(asked) <= 6:
                raise requests.ConnectionError

    network.before = cut_off
    port = polled.of(them.alice)
    with pytest.raises(Unavailable):
        read(port)
    assert len(read(port)) == 5
    assert len(asked) == 2 + 4 + 3, "two, four times in vain, and the rest"


def test_a_token_of_another_mirror_is_rejected(them: People, polled: Severa, network: ThroughDjango) -> None:
    port = polled.of(them.alice)
    services.create(them.alice, name="Planning", when=SOON)
    token = begun(port, network) or ""
    for wrong in (f"x{token}", token + "0", "nonsense", ""):
        with pytest.raises(TokenRejected):
            list(port.read(wrong))


def test_what_is_gone_is_forgotten_in_time_and_older_tokens_with_it(
    them: People, polled: Severa, network: ThroughDjango
) -> None:
    port = polled.of(them.alice)
    made = [port.create(replace(MEETING, title=f"No. {n}"), type_id(them), f"key {n}") for n in range(2)]
    token = begun(port, network)
    port.delete(made[0])
    assert forget(datetime.now(UTC) - timedelta(days=30)) == 0
    assert DjangoMirror(them.company.pk).get([made[0].id])[made[0].id].gone
    assert forget(datetime.now(UTC) + timedelta(minutes=1)) == 1
    assert DjangoMirror(them.company.pk).get([made[0].id]) == {}
    with pytest.raises(TokenRejected):
        list(port.read(token))
    assert [seen.id for seen in read(port)] == [made[1].id]
    assert port.find_created("key 1") is not None
