"""What the figures are to be, as the issues of this product set it, and whether they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: Other people's clients take at least so many times our processor time on the same bytes.
_TIMES = {"ews": 10, "graph": 100}
#: Microseconds of processor time to read one event, at most.
_READING = 150
#: Seconds within which 19 of 20 changes are on the other side.
_WAITING = 10


@dataclass(frozen=True)
class Goal:
    name: str
    met: bool


def goals(figures: Mapping[str, Any]) -> Iterator[Goal]:
    """Those the figures of `measure` tell about."""
    for protocol, name in (("ews", "EWS"), ("graph", "Graph")):
        read, wrote = figures[f"reading_{protocol}"], figures[f"writes_{protocol}"]
        waits = figures[f"waiting_{protocol}"]
        yield Goal(f"{name}: an event is read in {_READING} µs", read["own_us"] <= _READING)
        if read["ratio"]:
            times = _TIMES[protocol]
            yield Goal(f"{name}: {read['peer']} takes {times} times as much", read["ratio"] >= times)
        yield Goal(f"{name}: one write for each place, no mail", wrote["per_place"] == 1 and not wrote["mails"])
        yield Goal(f"{name}: one request of an idle mailbox", figures[f"idle_{protocol}"]["requests"] == 1)
        slowest = max(waits["from_psa_p95"], waits["from_exchange_p95"])
        yield Goal(f"{name}: 19 of 20 changes on the other side within {_WAITING} s", slowest <= _WAITING)
