"""Exchange 2007 and 2010: what they lack, and how little of it shows (EWS facts §2.4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from samklang.connectors.ews import EwsAccess, find_mailbox, probe
from samklang.engine import canonical
from samklang.engine.model import Availability, Entry, Frequency, Recurrence, Timed, Weekday
from samklang.sync.errors import Inexpressible, MailboxError
from tests.connectors.ews.conftest import ALICE, NOW, PASSWORD, Open
from tests.contract.calendar import MEETING, RULE, SERIES, WITH_EXCEPTIONS, stored
from tests.sandbox.oracles import ews_javascript_api
from tests.sandbox_client import Sandbox

OLD = [("2007_sp1", "2007"), ("2010", "2010"), ("2010_sp2", "2010")]


@pytest.fixture(params=OLD, ids=[server for server, _ in OLD])
def product(request: pytest.FixtureRequest) -> tuple[str, str]:
    server, chosen = request.param
    return server, chosen


def test_a_mailbox_is_found_by_each_of_its_addresses(access: EwsAccess) -> None:
    for address, matched_by in ((ALICE, "primary"), ("Alice.A@example.com", "alias")):
        found = find_mailbox(access, address)
        assert (found.address, found.matched_by) == (ALICE, matched_by)
    with pytest.raises(MailboxError) as caught:
        find_mailbox(access, "nobody@example.com")
    assert caught.value.code == "mailbox_not_found"


@pytest.mark.parametrize("address", [ALICE, "Alice.A@example.com"])
def test_the_connection_test_passes_by_each_of_its_addresses(access: EwsAccess, address: str) -> None:
    steps = list(probe(access, lambda: NOW, address, write=True))
    assert [step.name for step in steps if step.error is not None] == []
    assert steps[-1].name == "calendar write"


def test_a_series_follows_the_clocks_of_its_zone(exchange: Sandbox, opened: Open) -> None:
    made = opened().create(WITH_EXCEPTIONS, "key")
    assert exchange.entry(ALICE, made.id)["zone"] == "W. Europe Standard Time"
    assert canonical.fields(stored(opened(), made.id).entry) == canonical.fields(WITH_EXCEPTIONS)
    shown = exchange.entries(ALICE, expand=("2026-03-26", "2026-04-01"))
    assert [each["start"] for each in shown] == ["2026-03-26T08:00:00+00:00", "2026-03-30T07:00:00+00:00"]


@pytest.mark.parametrize("rule", [replace(RULE, until=date(2026, 4, 30)), replace(RULE, weekdays=(Weekday.MONDAY,))])
def test_a_series_given_another_rule_alone_goes_on_following_the_clocks_of_its_zone(
    exchange: Sandbox, opened: Open, rule: Recurrence
) -> None:
    calendar = opened()
    made = calendar.create(SERIES, "key")
    wanted = replace(made.entry, recurrence=rule)
    after = calendar.update(made, wanted, frozenset({"recurrence"}))
    assert exchange.entry(ALICE, made.id)["zone"] == "W. Europe Standard Time"
    assert canonical.fields(after.entry) == canonical.fields(wanted)


def test_a_date_given_back_leaves_the_series_in_its_zone(exchange: Sandbox, opened: Open) -> None:
    calendar = opened()
    made = calendar.create(WITH_EXCEPTIONS, "key")
    wanted = replace(made.entry, cancelled=frozenset())
    after = calendar.update(made, wanted, frozenset(f"x:{day}" for day in made.entry.cancelled))
    assert exchange.entry(ALICE, made.id)["zone"] == "W. Europe Standard Time"
    assert canonical.fields(after.entry) == canonical.fields(wanted)


def test_each_write_names_the_zone_it_is_made_in(exchange: Sandbox, opened: Open) -> None:
    opened().create(WITH_EXCEPTIONS, "key")
    taken = [line for line in exchange.log() if line["status"] == 200]
    writes = [line for line in taken if line["operation"] in ("CreateItem", "UpdateItem")]
    assert len(writes) == 2
    assert {line["headers"].get("TimeZoneContext") for line in writes} == {"W. Europe Standard Time"}


def test_working_elsewhere_shows_as_free(opened: Open) -> None:
    made = opened().create(replace(MEETING, availability=Availability.ELSEWHERE), "key")
    assert made.entry.availability is Availability.FREE


def test_a_zone_only_the_server_knows_is_the_users_own(exchange: Sandbox, opened: Open) -> None:
    fields = {"subject": "x", "start": "2026-03-02T09:00:00", "end": "2026-03-02T10:00:00"}
    made = exchange.person_creates(ALICE, zone="Pacific/Apia", **fields)
    seen = stored(opened(), made["id"])
    assert isinstance(seen.entry.when, Timed)
    assert seen.entry.when.zone == "Pacific/Apia"


def test_weeks_that_start_on_monday_are_kept_or_named(opened: Open, product: tuple[str, str]) -> None:
    start = datetime(2026, 3, 2, 8, tzinfo=UTC)
    rule = Recurrence(Frequency.WEEKLY, 2, (Weekday.MONDAY, Weekday.SUNDAY), count=6)
    series = Entry("Every second week", Timed(start, start.replace(hour=9), "Europe/Stockholm"), recurrence=rule)
    if product[1] == "2007":
        with pytest.raises(Inexpressible):
            opened().create(series, "key")
    else:
        assert canonical.fields(opened().create(series, "key").entry) == canonical.fields(series)


@pytest.mark.oracle
def test_microsofts_client_reads_what_we_wrote(exchange: Sandbox, opened: Open, product: tuple[str, str]) -> None:
    calendar = opened()
    series, single = calendar.create(WITH_EXCEPTIONS, "series"), calendar.create(MEETING, "single")
    read, one = ews_javascript_api(
        exchange,
        {"do": "get", "id": series.id},
        {"do": "get", "id": single.id},
        password=PASSWORD,
        auth="ntlm",
        version=product[0],
    )
    assert (read["type"], read["recurrence"]) == ("RecurringMaster", "WeeklyPattern")
    assert (len(read["modified"]), len(read["deleted"])) == (1, 1)
    assert (one["subject"], one["start"], one["uid"]) == (MEETING.title, "2026-03-02T08:00:00.000Z", single.uid)
