"""Random people and random trouble for as long as one likes; the same seed does the same things again.

    ./run prove --minutes 10            every machine for ten minutes, each in a process of its own
    ./run prove memory --seed 4711      one round of one machine, exactly as it was, and the shortest way there
    ./run prove graph --seed 4711       … over HTTP, with a real database: all steps, never the shortest way
    ./run prove --list                  names the machines

A round is one seed. Printed: the seed of the first, steps per second, steps done, and of every violation its seed and
the steps that led to it. Exit status 1 on a violation.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import re
import subprocess
import sys
import time
import traceback

from hypothesis import Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

#: Where each machine is found, and how many examples of it make a round.
MACHINES = {"memory": ("tests.machine.machine:People", 40), "meetings": ("tests.machine.meetings:Meetings", 40)}
#: Those over HTTP: a round is a case of the test. So many follow one another in one process, whose database and sandbox
#: are emptied between them, for to start those takes as long as a round.
OVER_HTTP = ("ews", "graph")
_IN_ONE_PROCESS = 5
#: Seconds between two lines of progress.
_TELL_EVERY = 30.0
_STEPS = 40
#: What is asserted after every step tells nothing of the way.
_ALWAYS = re.compile(r"state\.(nothing_is|nobody_is)")


def machine_named(name: str) -> type:
    module, _, attribute = MACHINES[name][0].partition(":")
    found: type = getattr(importlib.import_module(module), attribute)
    return found


def one_round(machine: type, number: int, examples: int, steps: int, *, shortest: bool = False) -> str:
    """What went wrong, with the steps (the `shortest` that lead there, which takes a while); "" when nothing did."""
    chosen = settings(
        machine.TestCase.settings,  # type: ignore[attr-defined]
        max_examples=examples,
        stateful_step_count=steps,
        database=None,
        derandomize=False,
        phases=[Phase.generate, Phase.shrink] if shortest else [Phase.generate],
    )
    try:
        run_state_machine_as_test(seed(number)(machine), settings=chosen)
    except Exception as error:
        return _described(error)
    return ""


def some_rounds_over_http(protocol: str, seeds: range, steps: int) -> str:
    """What went wrong, with all steps; "" when nothing did."""
    wanted = {"SAMKLANG_SEED": seeds.start, "SAMKLANG_SEEDS": len(seeds), "SAMKLANG_STEPS": steps}
    environment = os.environ | {name: str(value) for name, value in wanted.items()}
    test = ["-q", "--tb=short", "tests/machine/test_over_http.py", "-k", protocol]
    done = subprocess.run([sys.executable, "-m", "pytest", *test], env=environment, capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


def _described(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    steps = [line for note in getattr(error, "__notes__", []) for line in note.splitlines() if not _ALWAYS.search(line)]
    return "\n".join([f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})", *steps])


def rounds(name: str, minutes: float, first: int, steps: int, *, once: bool) -> int:
    """Rounds of one machine until the time is up; how many of them went wrong."""
    machine, examples = (None, 1) if name in OVER_HTTP else (machine_named(name), MACHINES[name][1])
    at_once = 1 if machine or once else _IN_ONE_PROCESS
    begun = told = time.monotonic()
    number, wrong = first, 0
    while True:
        if machine:
            said = one_round(machine, number, examples, steps)
        else:
            said = some_rounds_over_http(name, range(number, number + at_once), steps)
        if said:
            wrong += max(1, said.count("\nFAILED "))
            which = f"seed {number}" if at_once == 1 else f"a seed from {number} to {number + at_once - 1}"
            print(f"{name}: VIOLATION with {which} (./run prove {name} --seed {number})\n{said}", flush=True)
            if once and machine:
                print(f"{name}: the shortest way there:\n{one_round(machine, number, examples, steps, shortest=True)}")
        number += at_once
        now = time.monotonic()
        over = once or now - begun >= 60 * minutes
        if over or now - told > _TELL_EVERY:
            told = now
            done = number - first
            taken = machine.steps if machine else done * steps  # type: ignore[attr-defined]
            pace = f"{taken / (now - begun):.1f} steps a second"
            print(f"{name}: {taken} steps in {done} rounds from seed {first}, {pace}, {wrong} violations", flush=True)
        if over:
            return wrong


def main() -> int:
    options = argparse.ArgumentParser(prog="./run prove", description="Random people and random trouble.")
    options.add_argument("machine", nargs="*", help="which machines; all without")
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--seed", type=int, help="do this round alone")
    options.add_argument("--from", dest="first", type=int, help="the first seed; a random one without")
    options.add_argument("--steps", type=int, default=_STEPS, help="of each example; few find short ways")
    options.add_argument("--list", action="store_true", help="name the machines, run nothing")
    asked = options.parse_args()
    machines = [*MACHINES, *OVER_HTTP]
    if asked.list:
        print("\n".join(machines))
        return 0
    if unknown := set(asked.machine) - set(machines):
        options.error(f"there is no machine {', '.join(unknown)}; there are: {', '.join(machines)}")
    chosen = asked.machine or machines
    first = asked.seed if asked.seed is not None else asked.first
    if first is None:
        first = random.SystemRandom().randrange(1_000_000)
    if len(chosen) == 1:
        return 1 if rounds(chosen[0], asked.minutes, first, asked.steps, once=asked.seed is not None) else 0
    words = ["--minutes", str(asked.minutes), "--from", str(first), "--steps", str(asked.steps)]
    beside = [subprocess.Popen([sys.executable, "-m", "tests.machine", name, *words]) for name in chosen]
    return max(process.wait() for process in beside)


if __name__ == "__main__":
    sys.exit(main())
