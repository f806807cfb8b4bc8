"""What an idle run leaves alone, however many links there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime

from samklang.engine.actions import Observation
from samklang.engine.model import Base, Link, LinkStatus, Side
from samklang.engine.plan import make_plan
from samklang.engine.rules import Rules


class Closed(Mapping[str, str]):
    """A base nobody may open."""

    def __getitem__(self, key: str) -> str:
        raise AssertionError("a base was opened")

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("a base was opened")

    def __len__(self) -> int:
        raise AssertionError("a base was opened")


def test_links_that_nothing_was_seen_of_keep_their_bases_closed() -> None:
    links = tuple(
        Link(f"link-{n}", LinkStatus.LINKED, f"psa-{n}", f"item-{n}", born=Side.PSA, base=Base(Closed(), Closed()))
        for n in range(5)
    )
    rules = Rules(user_id="user", zone="Europe/Stockholm", types=(), started_on=date(2026, 1, 1))
    plan = make_plan(Observation(links=links, first_run=False), rules, datetime(2026, 3, 2, tzinfo=UTC))
    assert plan.actions == ()
    assert plan.brake is None
