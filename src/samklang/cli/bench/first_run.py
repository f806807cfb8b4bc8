"""What a first run of a large calendar asks of the server: its requests, against the fewest there could be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from samklang.cli.bench import entries
from samklang.cli.bench.place import Place, Run
from samklang.cli.output import Failure
from samklang.clock import real_now
from samklang.connectors.ews.fetch import GET_BATCH
from samklang.connectors.graph.events import DELTA_PAGE

#: The most a page holds: ids of SyncFolderItems (EWS facts §2.3), events of a listing (Graph facts §3.3).
_EWS_IDS, _GRAPH_EVENTS = 512, 1000


@dataclass(frozen=True)
class Asked:
    """Requests of one first run, log-ons and tokens apart, as the sandbox counted them."""

    entries: int
    requests: int
    by_operation: dict[str, int]
    #: What could not have been done with less; its sum is the fewest there could be.
    needed: dict[str, int]

    @property
    def least(self) -> int:
        return sum(self.needed.values())


def matched(place: Place, protocol: str, size: int) -> Asked:
    """The calendar stands on both sides alike: everything is read, and nothing is to be written."""
    person, calendar = place.person(protocol), _calendar(size)
    place.fill_psa(person, calendar)
    place.fill_exchange(person, calendar)
    run, asked = _counted(place, person)
    if run.report["joined"] != size or _created(run):
        raise Failure(f"The first run joined {run.report['joined']} of {size} entries.")
    return Asked(size, sum(asked.values()), dict(asked), _reading(protocol, size))


def written(place: Place, protocol: str, size: int) -> Asked:
    """The calendar stands in the PSA alone: everything is to be written to Exchange."""
    person = place.person(protocol)
    place.fill_psa(person, _calendar(size))
    run, asked = _counted(place, person)
    if _created(run) != size:
        raise Failure(f"The first run created {_created(run)} of {size} entries.")
    # No server tells of what came and went between two tokens: one round more tells what was made.
    return Asked(
        size, sum(asked.values()), dict(asked), _reading(protocol, 0) | {"writes": size} | _echo(protocol, size)
    )


def _counted(place: Place, person: str) -> tuple[Run, Counter[str]]:
    """The person's first run, and the requests it took, by operation."""
    place.forget_counts()
    run = place.sync(person)
    if run.report["error"] or run.report["set_aside"]:
        raise Failure(f"The first run failed: {run.report}")
    asked: Counter[str] = Counter()
    for counts in place.control.get("/counts").values():
        asked.update(counts["by_operation"])
    for no_request in ("logon-leg", "token", "discovery"):
        del asked[no_request]
    return run, asked


def _reading(protocol: str, size: int) -> dict[str, int]:
    """Requests without which a mailbox cannot be found and a calendar of this size cannot be read."""
    if protocol == "ews":
        needed = {"to find the mailbox": 2, "pages of ids": _pages(size, _EWS_IDS)}
        return needed | {"pages of events": _pages(size, GET_BATCH) if size else 0}
    needed = {"to find the mailbox": 1, "pages of events": _pages(size, _GRAPH_EVENTS)}
    return needed | {"pages of the first delta round": _round(size)}


def _echo(protocol: str, size: int) -> dict[str, int]:
    """Requests without which nobody knows what became of so many entries that were just made."""
    if protocol == "graph":
        return {"pages of the round that follows": _round(size)}
    return {"pages of the ids that follow": _pages(size, _EWS_IDS), "pages of the events": _pages(size, GET_BATCH)}


def _round(size: int) -> int:
    """Pages of a delta round, which tells each date of a series, asked for or not (Graph facts §1)."""
    return _pages(size + size // entries.SERIES_EVERY * entries.OCCURRENCES, DELTA_PAGE)


def _created(run: Run) -> int:
    return int(run.report["psa"]["created"] + run.report["exchange"]["created"])


def _calendar(size: int) -> bytes:
    return entries.calendar(size, real_now() + timedelta(days=1), name="first run")


def _pages(rows: int, most: int) -> int:
    return max(1, -(-rows // most))
