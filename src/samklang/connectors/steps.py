"""A connection test in steps, tried one after the other, so that a failure names what to mend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from samklang.sync.errors import SyncError


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    error: SyncError | None = None
    #: What was found. No personal content.
    found: str = ""


def in_turn(steps: Iterable[tuple[str, Callable[[], str]]]) -> Iterator[Step]:
    """Run the steps, by name, until one fails; that one carries its error. Each returns what it found."""
    for name, run in steps:
        try:
            yield Step(name, found=run())
        except SyncError as error:
            yield Step(name, error)
            return
