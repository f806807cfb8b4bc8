"""How many requests a server serves one account at once, by the throttling policy its version ships with (EWS facts
§2.9). Too many are answered ErrorExceededConnectionCount, which a client must not meet by sending more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from samklang.sandbox.ews.caller import Caller
from samklang.sandbox.ews.soap import SoapFault
from samklang.sandbox.store import Store

#: EWSMaxConcurrency and HangingConnectionLimit of each product; None: not limited.
_LIMITS: dict[str, tuple[int | None, int | None]] = {
    "2007": (None, None),
    "2010": (10, None),
    "2013": (27, 3),
    "2016": (27, 10),
    "2019": (27, 10),
    "se": (27, 10),
}
#: These (SP2 before its fourth update) have one budget for an account, whomever it impersonates; later ones one for
#: each of those.
_ONE_BUDGET = ("2010", "2010_sp1", "2010_sp2")


class Policy:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: Counter[tuple[str, ...]] = Counter()

    @contextmanager
    def admitted(self, caller: Caller, version: str, *, hangs: bool) -> Iterator[None]:
        """Serve a request inside. Raises SoapFault when there are too many.

        `hangs`: it stays open to tell of changes.
        """
        account = caller.account.username.casefold()
        concurrent, hanging = _LIMITS[version.partition("_")[0]]
        whom = "" if version in _ONE_BUDGET or caller.mailbox is None else caller.mailbox.address
        budget, most = (("hanging", account), hanging) if hangs else ((account, whom), concurrent)
        if most is not None and self._running[budget] >= most:
            self._store.count(account, "too_many")
            raise SoapFault("ErrorExceededConnectionCount", "You have exceeded the available concurrent connections.")
        everything = ("all", account)
        self._running.update((budget, everything))
        self._store.count_max(account, "max_concurrent", self._running[everything])
        try:
            yield
        finally:
            self._running.subtract((budget, everything))
