"""What would go, and what would stay, if its user switched off and had removed what the sync made (rule 12.1)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from samklang.engine.model import Side
from samklang.mailboxes import errands
from samklang.mailboxes.models import Mailbox
from samklang.sync.leave import made
from samklang.wiring import alone, open_parts


def preview(mailbox: Mailbox, sides: Collection[Side]) -> list[dict[str, Any]]:
    """Rows as of the preview of a run: "Delete", or "Stay" with its code. Writes nothing. Raises SyncError, Busy."""
    with alone(mailbox.pk), open_parts(mailbox, None) as parts:
        return [one.row().as_json() for one in made(parts, sides, errands.edited(mailbox))]
