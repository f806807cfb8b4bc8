"""`samklang bench`: what sync costs on this machine, counted and measured in one run (docs/bench.md).

Everything happens in a folder of its own, with a sandbox and a database that end with the command.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from dataclasses import asdict, dataclass
from typing import Any

from samklang.cli.bench.goals import goals
from samklang.cli.output import ATTENTION, OK, print_json

_NAMES = {"ews": "EWS (Exchange 2013, NTLM)", "graph": "Graph (Office 365)"}


@dataclass(frozen=True)
class Sizes:
    """How much is measured; ratios and counts hold for either."""

    events: int
    passes: int
    first_run: int
    small: int
    large: int
    #: Changes on either side whose way to the other is timed.
    waits: int


QUICK = Sizes(events=100, passes=1, first_run=20, small=10, large=60, waits=2)
FULL = Sizes(events=500, passes=5, first_run=1000, small=500, large=5000, waits=40)


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    bench = commands.add_parser("bench", help="measure sync on this machine, against a sandbox")
    bench.add_argument("--json", action="store_true")
    bench.add_argument("--quick", action="store_true", help="small calendars: the same figures, told with less weight")
    bench.add_argument("--severa", action="store_true", help="with Severa as the PSA, and nothing else")
    bench.add_argument("--first-run", action="store_true", help="requests of large first runs, and nothing else")
    bench.add_argument("--goals", action="store_true", help="exit with status 1 unless every goal is met")
    bench.set_defaults(run=_bench)


def _bench(args: argparse.Namespace) -> int:
    if args.severa:
        figures, told = with_severa(args.quick), severa_lines
    elif args.first_run:
        figures, told = first_runs(300 if args.quick else 10_000), first_run_lines
    else:
        figures, told = measure(QUICK if args.quick else FULL), lines
    missed = any(not goal["met"] for goal in figures.get("goals", ()))
    if args.json:
        print_json(figures)
    else:
        print("\n".join(told(figures)))
    return ATTENTION if args.goals and missed else OK


def first_runs(size: int) -> dict[str, Any]:
    """Requests of first runs over so many entries. Raises Failure."""
    from samklang.cli.bench.place import PROTOCOLS, place

    figures: dict[str, Any] = {"machine": _machine()}
    with place() as here:
        from samklang.cli.bench import first_run

        for protocol in PROTOCOLS:
            for measured in (first_run.matched, first_run.written):
                _tell(f"first run of {size} entries over {protocol}: {measured.__name__}")
                asked = measured(here, protocol, size)
                figures[f"{measured.__name__}_{protocol}"] = asdict(asked) | {"least": asked.least}
    _tell("")
    return figures


def first_run_lines(figures: dict[str, Any]) -> list[str]:
    """The figures as a person reads them."""
    told = [_told_of(figures["machine"])]
    for protocol in ("ews", "graph"):
        told += ["", f"{_NAMES[protocol]}, {figures[f'matched_{protocol}']['entries']} entries"]
        for name, where in (("matched", "on both sides"), ("written", "in the PSA alone")):
            asked = figures[f"{name}_{protocol}"]
            sent = ", ".join(f"{count} {operation}" for operation, count in sorted(asked["by_operation"].items()))
            needed = ", ".join(f"{count} {what}" for what, count in asked["needed"].items() if count)
            told += [
                f"  {where:<20} {asked['requests']} requests of at least {asked['least']}",
                f"  {'':<20} sent: {sent}",
                f"  {'':<20} needed: {needed}",
            ]
    return told


def with_severa(quick: bool) -> dict[str, Any]:
    """At the rate Severa admits, and twenty times as fast with more to do. Raises Failure."""
    from samklang.cli.bench.place import place

    people, workers, polls = (4, 2, 1) if quick else (50, 3, 3)
    figures: dict[str, Any] = {"machine": _machine()}
    with place() as here:
        from samklang.cli.bench.severa import quota

        for name, each, speed in (("rate", 12, 1), *([] if quick else [("size", 100, 20)])):
            _tell(f"{people * each} entries of {people} people, {speed} times as fast as Severa")
            figures[name] = asdict(quota(here, people, workers, each, speed, polls))
    _tell("")
    return figures


def severa_lines(figures: dict[str, Any]) -> list[str]:
    """The figures as a person reads them."""
    told = [_told_of(figures["machine"])]
    for one in (figures[name] for name in ("rate", "size") if name in figures):
        told += [
            "",
            f"{one['people']} people, {one['workers']} workers, {one['activities']} activities in Severa and"
            f" {one['events']} events in Exchange"
            + (f"; both {one['speed']} times as fast" if one["speed"] > 1 else ""),
            f"  first runs           {one['requests']} requests of at least {one['least']}, in {one['seconds']} s",
            f"  in any second        {one['most_in_a_second']} requests at most, of {one['admitted']} admitted",
            f"  nothing changed      {one['idle_requests']} requests in {one['idle_polls']} polls of the whole"
            " organization",
        ]
    return told


def measure(sizes: Sizes) -> dict[str, Any]:
    """All figures, by name. Raises Failure."""
    from samklang.cli.bench.place import PROTOCOLS, place

    figures: dict[str, Any] = {"machine": _machine(), "sizes": asdict(sizes)}
    with place() as here:
        # Django's models can be imported from here on.
        from samklang.cli.bench import measures
        from samklang.cli.bench.reading import HOW_TO_GET, reading
        from samklang.cli.bench.waiting import waiting

        for protocol in PROTOCOLS:
            _tell(f"reading {sizes.events} events over {protocol}")
            read = reading(here, protocol, sizes.events, sizes.passes)
            figures[f"reading_{protocol}"] = asdict(read) | {"ratio": read.ratio}
            if read.ratio is None:
                figures[f"reading_{protocol}"]["missing"] = HOW_TO_GET
            _tell(f"writes per change over {protocol}")
            written = measures.writes(here, protocol)
            figures[f"writes_{protocol}"] = asdict(written) | {"per_place": written.per_place}
            _tell(f"requests of an idle mailbox over {protocol}")
            figures[f"idle_{protocol}"] = asdict(measures.idle(here, protocol))
            _tell(f"first run of {sizes.first_run} entries over {protocol}")
            ran = measures.first_run(here, protocol, sizes.first_run)
            figures[f"first_run_{protocol}"] = asdict(ran) | {"per_second": ran.per_second}
        _tell(f"{sizes.waits} changes on their way to either side")
        for protocol, waits in waiting(here, sizes.waits).items():
            figures[f"waiting_{protocol}"] = asdict(waits)
        _tell(f"memory at {sizes.small} and {sizes.large} entries")
        used = measures.memory(here, sizes.small, sizes.large)
        figures["memory"] = asdict(used) | {
            "first_per_entry": used.first_per_entry,
            "idle_per_entry": used.idle_per_entry,
        }
    figures["goals"] = [asdict(goal) for goal in goals(figures)]
    _tell("")
    return figures


def lines(figures: dict[str, Any]) -> list[str]:
    """The figures as a person reads them."""
    told = [_told_of(figures["machine"])]
    for protocol in ("ews", "graph"):
        read, wrote = figures[f"reading_{protocol}"], figures[f"writes_{protocol}"]
        idle, first = figures[f"idle_{protocol}"], figures[f"first_run_{protocol}"]
        waits = figures[f"waiting_{protocol}"]
        against = (
            f"{read['peer']} on the same bytes {read['peer_us']} µs: {read['ratio']} times as much"
            if read["ratio"]
            else f"{read['peer']} is not here: {read['missing']}"
        )
        told += [
            "",
            _NAMES[protocol],
            f"  reading an event     {read['own_us']} µs of processor time; {against}",
            f"  writes per change    {wrote['per_place']} for each place it must reach"
            f" ({wrote['changes']} changes, {wrote['places']} places, {wrote['mails']} mails)",
            f"  idle mailbox         {idle['requests']} request, {idle['writes']} writes"
            f" (besides: {idle['logons']} log-ons, {idle['token_requests']} token requests)",
            f"  first run            {first['per_second']} entries/s: {first['entries']} in {first['seconds']} s,"
            f" of which {first['cpu']} s processor time of ours",
            f"  on the other side    {waits['from_psa_median']} s after a change in Samklang (19 of 20 changes:"
            f" {waits['from_psa_p95']} s), {waits['from_exchange_median']} s after one in Exchange"
            f" ({waits['from_exchange_p95']} s)",
        ]
    used = figures["memory"]
    told += ["", "Peak memory of one run (EWS)"]
    for kind, name in (("first", "first run"), ("idle", "idle run")):
        small, large = used[f"{kind}_small"] / 1e6, used[f"{kind}_large"] / 1e6
        each = used[f"{kind}_per_entry"] / 1e3
        told.append(
            f"  {name:<20} {small:.0f} MB at {used['small']} entries, {large:.0f} MB at {used['large']}:"
            f" {each:.1f} kB an entry"
        )
    told += ["", "Goals", *(f"  {'met' if goal['met'] else 'missed':<20} {goal['name']}" for goal in figures["goals"])]
    return told


def _told_of(machine: dict[str, Any]) -> str:
    return f"{machine['date']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}"


def _machine() -> dict[str, Any]:
    from samklang.clock import real_now

    return {
        "date": real_now().date(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def _tell(doing: str) -> None:
    """Progress, where somebody looks on."""
    if sys.stderr.isatty():
        print(f"\r\033[K{doing}", end="", file=sys.stderr, flush=True)
