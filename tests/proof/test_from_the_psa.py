"""Real calendars that are in the PSA first: imported, then brought to an empty Exchange or Microsoft 365."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.installation import ZONE, Installation
from tests.proof.both_sides import here, there
from tests.proof.calendars import Reading, the_file
from tests.sandbox_client import Sandbox

ADDRESS, OTHER = "alice@example.org", "witness@example.org"
FILES = {
    "holidays-SwedishHolidays.ics": datetime(2020, 1, 2, 9, tzinfo=UTC),
    "holidays-NorwegianHolidays.ics": datetime(2020, 1, 2, 9, tzinfo=UTC),
    "makerspace-2019.ics": datetime(2019, 3, 4, 9, tzinfo=UTC),
}
QUICK = "holidays-NorwegianHolidays.ics"


@pytest.fixture
def installation(request: pytest.FixtureRequest, sandbox: Sandbox, db: None) -> Iterator[Installation]:
    made = Installation(sandbox, request.param, datetime(2020, 1, 1, tzinfo=UTC))
    yield made
    made.close()


@pytest.mark.parametrize(
    "name", [QUICK, *(pytest.param(name, marks=pytest.mark.full) for name in FILES if name != QUICK)]
)
@pytest.mark.parametrize("installation", ["ews", "graph"], indirect=True)
def test_an_imported_calendar_reaches_exchange_once_with_the_same_dates(installation: Installation, name: str) -> None:
    path, now, sandbox = the_file(name), FILES[name], installation.sandbox
    installation.set_clock(now)
    # What Exchange cannot hold is the server's to say: it is asked to load the same file into another mailbox.
    installation.mailbox(OTHER)
    refused = {one["uid"] for one in sandbox.load_ics(OTHER, path, installation.protocol)["rejected"]}
    installation.mailbox(ADDRESS)
    alice = installation.add_user(ADDRESS, "Alice", "Nordhavn", "--admin")
    installation.connect("Nordhavn")
    installation.command("import", str(path), "--user", ADDRESS)
    alice.switches_on()
    report = alice.runs()
    assert report["error"] is None

    text = path.read_bytes()
    possible = Reading(text, ZONE, refused).table(now).brought
    everything = Reading(text, ZONE, set()).table(now).brought
    made = Counter(one["subject"].strip() for one in sandbox.entries(ADDRESS))
    aside = alice.status()["set_aside"]
    print(f"{installation.protocol} {name}: {made.total()} brought, {len(aside)} set aside, {len(refused)} refused")
    # What no pattern holds comes date by date (rule 5.5); everything else once.
    date_by_date = set(everything) - set(possible)
    assert Counter({title: count for title, count in made.items() if title in possible}) == possible
    assert set(made) - set(possible) == date_by_date and aside == []

    two_years = now + timedelta(days=730)
    ours, theirs = here(alice, now, two_years), there(sandbox, ADDRESS, now, two_years)
    assert ours == theirs and theirs
    sandbox.zero_counts()
    again = alice.runs()
    assert again["psa"] == again["exchange"] == {"created": 0, "updated": 0, "deleted": 0}
    assert sandbox.counts(ADDRESS)["writes"] == {"create": 0, "update": 0, "delete": 0}
    assert sandbox.mails() == [] and sandbox.validation()["failures"] == []
