"""What Office 365 tells in a round of changes, however oddly, is carried over whole and once (Graph facts §1.2-1.4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from samklang.mailboxes.models import Connection
from tests.acceptance.when import at, weekly
from tests.acceptance.world import World
from tests.sandbox_client import Sandbox

WEEK_2, WEEK_3, WEEK_4 = date(2026, 3, 16), date(2026, 3, 23), date(2026, 3, 30)


@pytest.fixture
def cloud(sandbox: Sandbox, db: None) -> Iterator[World]:
    """Alice syncs with Office 365; her first run is done."""
    world = World(sandbox, "graph")
    yield world.started(world.alice)
    world.close()


@pytest.mark.parametrize("traps", ["odd", pytest.param(True, marks=pytest.mark.full)])
@pytest.mark.parametrize("way", ["resend", "removed", "removed_alone", "removed_by_name"])
def test_dates_taken_out_of_a_series_go_in_whatever_way_they_are_told(
    cloud: World, way: str, traps: bool | str
) -> None:
    cloud.sandbox.graph_behaves(deleted_occurrence=way, delta_traps=traps)
    outlook = cloud.alice.outlook
    series = outlook.makes("Standup", at(7), weekly())
    plain = outlook.makes("Retro", at(8), weekly("tuesday"))
    kept, gone = outlook.makes("Kept", at(9)), outlook.makes("Gone", at(10))
    assert cloud.synced().psa.created == 4
    outlook.deletes(series, on=WEEK_2)
    outlook.edits(series, on=WEEK_3, subject="Long standup")
    outlook.deletes(plain, on=date(2026, 3, 17))
    outlook.edits(kept, subject="Kept and edited")
    outlook.deletes(gone)
    outlook.makes("New", at(11))
    cloud.synced()
    cloud.is_at_rest()
    starts = cloud.alice.starts()
    assert not any(start.startswith(("2026-03-16", "2026-03-17", "2026-03-12")) for start in starts)


def test_a_date_of_which_nothing_is_told_goes_with_the_nights_comparison(cloud: World) -> None:
    cloud.sandbox.graph_behaves(deleted_occurrence="silent")
    series = cloud.alice.outlook.makes("Standup", at(7), weekly())
    cloud.synced()
    cloud.alice.outlook.deletes(series, on=WEEK_2)
    assert cloud.synced().writes == 0
    cloud.later(days=1)
    cloud.synced()
    cloud.is_at_rest()
    assert not any(start.startswith("2026-03-16") for start in cloud.alice.starts())


def test_what_is_told_late_is_neither_lost_nor_made_twice(cloud: World) -> None:
    outlook = cloud.alice.outlook
    early, gone = outlook.makes("Early"), outlook.makes("Gone", at(8))
    cloud.synced()
    cloud.sandbox.graph_behaves(delta_lag_seconds=1800, delta_traps="odd")
    outlook.makes("Late", at(9))
    outlook.edits(early, subject="Earlier")
    outlook.deletes(gone)
    cloud.alice.makes("From the PSA", at(10))
    assert cloud.synced().psa.all == 0
    outlook.edits(early, subject="Earliest")
    cloud.later(hours=1)
    cloud.synced()
    assert sorted(one["name"] for one in cloud.alice.activities) == ["Earliest", "From the PSA", "Late"]
    cloud.later(hours=1)
    cloud.is_at_rest()


@pytest.mark.parametrize("traps", ["odd", pytest.param(True, marks=pytest.mark.full)])
def test_what_is_said_to_be_removed_for_it_left_the_window_is_asked_for_and_kept(
    cloud: World, traps: bool | str
) -> None:
    cloud.sandbox.graph_behaves(delta_traps=traps)
    moved, series = cloud.alice.outlook.makes("Moved"), cloud.alice.outlook.makes("Standup", rule=weekly())
    cloud.synced()
    cloud.alice.outlook.edits(moved, at(3294))
    cloud.alice.outlook.edits(series, at(2926), recurrence=weekly())
    cloud.alice.outlook.makes("Unknown, far ahead", at(2564))
    report = cloud.synced()
    assert (report.psa.deleted, report.set_aside.total()) == (0, 0)
    assert {one["name"] for one in cloud.alice.activities} >= {"Moved", "Standup"}
    assert next(one for one in cloud.alice.activities if one["name"] == "Moved")["startDateTime"].startswith("2035")


def test_going_over_from_the_window_to_the_events_themselves_and_back_loses_nothing(cloud: World) -> None:
    outlook = cloud.alice.outlook
    series, gone = outlook.makes("Standup", at(7), weekly()), outlook.makes("Gone", at(8))
    cloud.synced()
    cloud.sandbox.graph_behaves(events_delta="ids", delta_traps="odd")
    Connection.objects.update(whole_delta="")
    outlook.makes("While it went over", at(9))
    cloud.synced("--reconcile")
    assert Connection.objects.get().whole_delta == "ids"
    outlook.deletes(series, on=WEEK_2)
    outlook.deletes(gone)
    cloud.alice.makes("From the PSA", at(10))
    cloud.synced()
    cloud.is_at_rest()
    cloud.sandbox.graph_behaves()
    outlook.makes("While it went back", at(11))
    outlook.edits(series, on=WEEK_3, subject="Long standup")
    cloud.synced()
    assert Connection.objects.get().whole_delta == "no"
    cloud.is_at_rest()
    assert len(cloud.alice.activities) == 4
