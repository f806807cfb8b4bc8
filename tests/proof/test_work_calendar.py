"""A real calendar of 4,778 entries over EWS and over Graph: once across, the same dates, and edits that follow.

In a normal run all its series and a part of its single entries (over Graph fewer, with fewer edits); whole with
`./run test --full`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.installation import Installation, User
from tests.proof.both_sides import activities, here, there
from tests.proof.calendars import Reading, part_of, the_file
from tests.proof.hands import Hands
from tests.sandbox_client import Sandbox

NOW = datetime(2014, 1, 2, 9, tzinfo=UTC)
TWO_YEARS = NOW + timedelta(days=730)
OWN_ZONE = "Africa/Johannesburg"
ADDRESS = "nomsa@example.org"
#: A changed occurrence that is not rejected as a whole entry.
_PART_OF_A_SERIES = ("its RECURRENCE-ID is no date of the series", "its series was rejected")


@pytest.fixture
def installation(request: pytest.FixtureRequest, sandbox: Sandbox, db: None) -> Iterator[Installation]:
    made = Installation(sandbox, request.param, NOW)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("installation", "every", "edits"),
    [
        ("ews", 24, 20),
        pytest.param("graph", 40, 10, marks=pytest.mark.full),
        pytest.param("ews", 1, 100, marks=pytest.mark.full),
        pytest.param("graph", 1, 100, marks=pytest.mark.full),
    ],
    indirect=["installation"],
)
def test_every_entry_in_scope_comes_across_once_and_a_hundred_edits_on_each_side_follow(
    installation: Installation, every: int, edits: int
) -> None:
    text = part_of(the_file("work-4778-events.ics").read_bytes(), every)
    sandbox = installation.sandbox
    installation.mailbox(ADDRESS, zone=OWN_ZONE)
    loaded = sandbox.load_ics(ADDRESS, text.decode(), installation.protocol)
    rejected = {one["uid"] for one in loaded["rejected"] if one["reason"] not in _PART_OF_A_SERIES}
    expected = Reading(text, OWN_ZONE, rejected).table(NOW)
    assert loaded["stored"] == expected.brought.total() + expected.left_out.total()

    nomsa = _first_run(installation)
    report = nomsa.status()
    brought = Counter(one["name"].strip() for one in activities(nomsa))
    print(
        f"{installation.protocol}: {brought.total()} in, {expected.left_out.total()} left out, "
        f"{len(loaded['rejected'])} rejected, {len(report['set_aside'])} set aside"
    )
    assert brought == expected.brought, (brought - expected.brought, expected.brought - brought)
    assert report["links"] == brought.total() and report["set_aside"] == []
    _are_equal(nomsa, sandbox)
    _a_run_writes_nothing(nomsa, sandbox)

    hands = Hands(nomsa, sandbox, NOW, seed=every)
    hands.act(edits)
    installation.later(minutes=5)
    assert nomsa.runs()["error"] is None
    _are_equal(nomsa, sandbox)
    shown = Counter(one["name"] for one in nomsa.pages("/rest-api/v1/activities", **_window()))
    assert [title for title in hands.titles if shown[title] != 1] == []
    assert len(activities(nomsa)) == brought.total() + hands.made - hands.deleted
    _a_run_writes_nothing(nomsa, sandbox)
    assert sandbox.mails() == [] and sandbox.validation()["failures"] == []


def _first_run(installation: Installation) -> User:
    nomsa = installation.add_user(ADDRESS, "Nomsa", "Works", "--admin", zone=OWN_ZONE)
    installation.connect("Works")
    nomsa.switches_on()
    report = nomsa.runs()
    assert report["error"] is None and report["exchange"] == {"created": 0, "updated": 0, "deleted": 0}
    return nomsa


def _window() -> dict[str, str]:
    return {"startDateTime": NOW.isoformat(), "endDateTime": TWO_YEARS.isoformat()}


def _are_equal(nomsa: User, sandbox: Sandbox) -> None:
    """The same dates and wall-clock times on both sides for two years ahead."""
    ours, theirs = here(nomsa, NOW, TWO_YEARS), there(sandbox, ADDRESS, NOW, TWO_YEARS)
    assert ours == theirs, (list((ours - theirs).items())[:5], list((theirs - ours).items())[:5])
    assert ours


def _a_run_writes_nothing(nomsa: User, sandbox: Sandbox) -> None:
    sandbox.zero_counts()
    report = nomsa.runs()
    assert report["error"] is None
    assert report["psa"] == {"created": 0, "updated": 0, "deleted": 0}
    assert sandbox.counts(ADDRESS)["writes"] == {"create": 0, "update": 0, "delete": 0}
