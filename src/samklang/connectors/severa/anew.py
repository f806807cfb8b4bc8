"""Making an activity once more in the place of one that cannot be changed, or is gone (rules 13.1, 13.3).

Cut off anywhere, it is finished by whoever reads next: what was made wholly takes the place of the old one, what was
made in part is taken back. Until then nobody reads, so neither is ever taken for a new activity.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import msgspec

from samklang.connectors.severa.organization import SeveraOrganization
from samklang.connectors.severa.schema import Whole


class _Pending(msgspec.Struct, omit_defaults=True):
    #: Key of the create.
    key: str
    #: Id of the new one once it is made wholly.
    made: str = ""


class Anew:
    def __init__(self, organization: SeveraOrganization) -> None:
        self._all = organization
        self._mirror = organization.mirror

    def make(self, old: Whole, make: Callable[[str], Whole], why: str) -> Whole:
        """`make` is told the key to make it with; `why` as `schema.Ours.instead`."""
        id, key = old.activity.guid, f"again {uuid4()}"
        with self._mirror.alone("anew"):
            self._save({**self._pending(), id: _Pending(key)})
            made = make(key)
            self._save({**self._pending(), id: _Pending(key, made.activity.guid)})
            made.ours.key, made.ours.instead = old.ours.key, why
            self._all.feed.keep(made)
            self._replace(id, made.activity.guid)
        return made

    def finish(self) -> None:
        if not self._pending():
            return
        with self._mirror.alone("anew"):
            for id, pending in self._pending().items():
                if pending.made:
                    self._replace(id, pending.made)
                    continue
                made = self._all.creations.made(pending.key)
                if made and made != id:
                    self._all.feed.delete(made)
                self._forget(id)

    def _replace(self, old: str, new: str) -> None:
        """The key of the old one, if we made it, names the new one from now on."""
        for whole in self._all.feed.held([old]).values():
            self._all.creations.succeed(whole.ours.key, new)
        self._mirror.succeed(old, new)
        self._all.feed.delete(old)
        self._forget(old)

    def _pending(self) -> dict[str, _Pending]:
        kept = self._mirror.state("anew")
        return msgspec.json.decode(kept, type=dict[str, _Pending]) if kept else {}

    def _forget(self, id: str) -> None:
        self._save({other: pending for other, pending in self._pending().items() if other != id})

    def _save(self, pending: dict[str, _Pending]) -> None:
        self._mirror.save_state("anew", msgspec.json.encode(pending))
