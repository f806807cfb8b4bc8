"""What Severa turned out to do where no source tells (Severa facts, "Open questions"), learned from its own answers.

Kept for the connection. Nothing is tried for the sake of learning: what is found is how a request that was wanted
anyway was answered. Until then both is allowed for.
"""

from __future__ import annotations

from typing import Any

import msgspec

from samklang.connectors.severa.mirror import Mirror


class Found(msgspec.Struct, omit_defaults=True):
    #: The spelling of PATCH's `op` that was taken: "replace" or "Replace"; "" until one was.
    op: str = ""
    #: Values of PATCH that are no text were taken as they are (True), or as text alone (False).
    plain_values: bool | None = None
    #: Notes are HTML, whatever was sent.
    notes_are_html: bool = False
    #: A change of participants counts as one of the activity.
    participants_touch: bool = False
    #: A series lists its removed dates alone as exceptions, and not its changed ones.
    only_removed_are_listed: bool = False
    #: Paths that PATCH refused, though the activity could be made anew so.
    fixed: list[str] = []


class Findings:
    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        kept = mirror.state("findings")
        self.found = msgspec.json.decode(kept, type=Found) if kept else Found()

    def note(self, **values: Any) -> None:
        """Remember what was just seen; costs nothing when it is known."""
        if all(getattr(self.found, name) == value for name, value in values.items()):
            return
        self.found = msgspec.structs.replace(self.found, **values)
        self._mirror.save_state("findings", msgspec.json.encode(self.found))
