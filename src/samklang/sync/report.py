"""What came of one run: counts and codes, never titles or texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RunError:
    """Why a run ended before everything was done; the next run goes on where it stopped."""

    #: Stable code of `sync.errors`, e.g. "throttled", "access_refused".
    code: str
    #: Name of the class in `sync.errors`: which kind of error it is.
    kind: str
    #: The protocol's own code, for the administrator.
    detail: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    #: Seconds the server asks us to wait; None when it does not say, or does not ask.
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Writes:
    """Writes that took effect on one side."""

    created: int = 0
    updated: int = 0
    deleted: int = 0

    @property
    def all(self) -> int:
        return self.created + self.updated + self.deleted


@dataclass(frozen=True, slots=True)
class RunReport:
    """The outcome of `run`; `dataclasses.asdict` of it is what the run's row and the command line show."""

    psa: Writes = Writes()
    exchange: Writes = Writes()
    #: Pairs of existing entries that were linked without a write.
    joined: int = 0
    #: Entries left out by a rule, by the rule, of those this run looked at.
    left_out: Mapping[str, int] = field(default_factory=dict)
    #: Entries that wait with a reason after the run, by code.
    set_aside: Mapping[str, int] = field(default_factory=dict)
    #: When the first of them is due for another try, aware UTC.
    retry_at: datetime | None = None
    requests: int = 0
    mails: int = 0
    #: Plan a person must accept before anything is written: of the first run, or (with `brake`) of a braked one.
    needs_acceptance: str | None = None
    #: "removals", "changes" or "lost_state" (rule 8.3), with the side and the numbers.
    brake: str | None = None
    brake_side: str | None = None
    brake_count: int = 0
    brake_of: int = 0
    #: The user (or the switch, or a paused connection) stopped it; the next run continues.
    stopped: bool = False
    #: The first run, or the first run's remainder, was completed by this run.
    finished_first_run: bool = False
    error: RunError | None = None

    @property
    def writes(self) -> int:
        return self.psa.all + self.exchange.all

    @property
    def complete(self) -> bool:
        """Everything the run saw is done or set aside."""
        return self.error is None and not self.stopped and self.needs_acceptance is None
