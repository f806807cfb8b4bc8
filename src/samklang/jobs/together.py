"""Idle polls of Office 365, many mailboxes in one request (rule 9.2): whoever has nothing new is done with, whoever has
gets a run of its own.

A mailbox is asked about so only when a run would do nothing but ask: its PSA told of no change, and nothing waits for a
try, a night's comparison or a subscription. `tick` puts the next poll ahead before: should this be cut off, that one
makes it good.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

from samklang import wiring
from samklang.clock import real_now
from samklang.mailboxes import access, dirty, outcome, push, services
from samklang.mailboxes.models import Connection, Mailbox
from samklang.mailboxes.secrets import open_sealed
from samklang.sync.errors import SyncError, Throttled


def look(mailbox_ids: Sequence[int]) -> None:
    """Ask about mailboxes of one organization, as many as one request holds. What is wrong, its run finds and names."""
    with contextlib.ExitStack() as held:
        ours = [mailbox_id for mailbox_id in mailbox_ids if _take(held, mailbox_id)]
        rows = Mailbox.objects.select_related("connection", "user__organization").filter(
            pk__in=ours, on=True, connection__enabled=True, connection__paused_code=""
        )
        idle = [mailbox for mailbox in rows if not services.waits(mailbox, real_now()) and _only_asks(mailbox)]
        answers = _answers(idle[0].connection, idle) if idle else {}
        for mailbox in idle:
            match answers.get(mailbox.pk):
                case str() as token:
                    outcome.nothing_new(mailbox, token)
                case Throttled() as error:
                    outcome.held_back(mailbox, error)
    # Their places are free again.
    for mailbox_id in ours:
        if answers.get(mailbox_id) is None:
            dirty.put_in(mailbox_id)


def _take(held: contextlib.ExitStack, mailbox_id: int) -> bool:
    """Whether no run has it: one that runs asks for itself."""
    try:
        held.enter_context(wiring.alone(mailbox_id))
    except wiring.Busy:
        return False
    return True


def _only_asks(mailbox: Mailbox) -> bool:
    changed = mailbox.seq > mailbox.synced_seq
    return not (changed or wiring.reconcile_is_due(mailbox) or push.is_due(mailbox))


def _answers(connection: Connection, idle: Sequence[Mailbox]) -> Mapping[int, str | Throttled | None]:
    try:
        return access.unchanged(connection, {one.pk: open_sealed(one.exchange_token) for one in idle})
    except SyncError:
        return {}
