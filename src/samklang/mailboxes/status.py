"""What page, API and command line tell of a mailbox: numbers and codes, never content; as many as the stores hold."""

from __future__ import annotations

from collections import Counter
from typing import Any

from samklang.mailboxes import waiting
from samklang.mailboxes.models import Mailbox
from samklang.sync.errors import SAID


def status(mailbox: Mailbox) -> dict[str, Any]:
    """The mailbox's state, for its user."""
    waits = bool(mailbox.waiting_for) and mailbox.accepted_plan != mailbox.waiting_plan
    return {
        "user": mailbox.user.email,
        "user_id": mailbox.user.psa_id,
        "on": mailbox.on,
        "address": mailbox.address or None,
        "first_run_done": mailbox.first_run_done,
        "last_good_run": mailbox.last_good_run,
        "next_due": mailbox.next_due,
        "waiting_for": mailbox.waiting_for if waits else None,
        "plan": mailbox.waiting_plan if waits else None,
        "counts": mailbox.waiting_counts if waits else {},
        "progress": mailbox.progress,
        "stopped": mailbox.stop_asked,
        "refuse_inexpressible": mailbox.refuse_inexpressible,
        "links": mailbox.link_rows.filter(status="linked").count(),
        "set_aside": waiting.set_aside(mailbox),
        "ignored": waiting.ignored(mailbox),
        "near_matches": mailbox.near_match_rows.count(),
        "errand": mailbox.errand.partition(" ")[0] or None,
        "error": mailbox.error_code or mailbox.connection.paused_code or None,
        "error_detail": mailbox.error_detail or mailbox.connection.paused_detail or None,
    }


def counted(mailbox: Mailbox) -> dict[str, Any]:
    """The same for an administrator: whose it is, and of what is set aside how many, by code, and the codes servers
    gave (rule 10.1)."""
    whole = status(mailbox)
    codes = Counter(row["code"] for row in whole["set_aside"])
    said = sorted({row["params"][SAID] for row in whole["set_aside"] if row["params"].get(SAID)})
    return {"id": str(mailbox.user.guid), **whole, "set_aside": codes.total(), "codes": codes, "said": said}
