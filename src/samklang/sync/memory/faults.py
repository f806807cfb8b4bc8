"""Where a call goes wrong. Several ports may share one `Faults`; calls are then counted over all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class PowerCut(BaseException):
    """The process ends here, as by kill -9: no handler may catch it, only what was committed remains."""


@dataclass
class _Armed:
    error: BaseException
    on: str
    nth: int
    after: bool
    times: int


class Faults:
    """Fails chosen calls. Names of calls: "exchange.create", "psa.get", "store.record" …; each page is one call."""

    def __init__(self) -> None:
        #: Names of all calls made so far, in order.
        self.calls: list[str] = []
        self._armed: list[_Armed] = []

    def arm(self, error: BaseException, *, on: str = "", nth: int = 1, after: bool = False, times: int = 1) -> None:
        """Raise `error` at the nth call from now whose name starts with `on`, and at the `times` - 1 calls after it.

        `after`: the call took effect, its answer is lost. A page cannot be lost "after": the effect is none.
        """
        self._armed.append(_Armed(error, on, nth, after, times))

    @property
    def armed(self) -> bool:
        """True while something is still to fail."""
        return bool(self._armed)

    def disarm(self) -> None:
        """From here on everything works."""
        self._armed.clear()

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        """Surround the work of one call."""
        self.calls.append(name)
        due = [armed for armed in self._armed if name.startswith(armed.on)]
        for armed in due:
            armed.nth -= 1
        firing = next((armed for armed in due if armed.nth <= 0), None)
        if firing is not None:
            firing.times -= 1
            if firing.times <= 0:
                self._armed.remove(firing)
            if not firing.after:
                raise firing.error
        yield
        if firing is not None:
            raise firing.error
