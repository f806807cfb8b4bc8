"""What a user says about single entries of his: what becomes of one that is missing on one side (rule 8.5), and that
what is kept apart shall be synced again (rule 4.9). The next run does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from samklang.accounts.models import User
from samklang.accounts.services import audit
from samklang.engine.marks import ASKED, DELETED
from samklang.engine.missing import ANSWER, CODE, Choice
from samklang.engine.model import LinkStatus
from samklang.mailboxes import dirty
from samklang.mailboxes.models import LinkRow, Mailbox, SetAsideRow
from samklang.mailboxes.secrets import SealedBase
from samklang.mailboxes.services import Refused


@dataclass(frozen=True, slots=True)
class OneSided:
    """An entry that is there on one side alone, or both kept apart. Titles are for the mailbox's own user only."""

    id: str
    #: Where what is left stands: "psa", "exchange", or "" for both.
    side: str
    psa_id: str | None
    item_id: str | None
    #: Rule that keeps it so.
    rule: str
    title: str
    #: What was chosen already, and waits for the next run.
    chosen: str = ""


def missing(mailbox: Mailbox) -> list[OneSided]:
    """Linked entries missing on one side, for their user to choose."""
    found = []
    for row in SetAsideRow.objects.filter(mailbox=mailbox, code=CODE).order_by("pk"):
        column = "psa_id" if row.side == "psa" else "item_id"
        link = LinkRow.objects.filter(mailbox=mailbox, **{column: row.entry_id}).first()
        psa_id, item_id = (link.psa_id, link.item_id) if link else (None, None)
        chosen = str(row.params.get(ANSWER, ""))
        found.append(OneSided(str(row.pk), row.side, psa_id, item_id, "8.5", _title(link), chosen))
    return found


def apart(mailbox: Mailbox) -> list[OneSided]:
    """Entries kept apart of which something is still there; what was deleted is in the trash instead."""
    marks = LinkRow.objects.filter(mailbox=mailbox, status=LinkStatus.UNLINKED).exclude(reason=DELETED)
    return [
        OneSided(str(m.pk), "", m.psa_id, m.item_id, m.reason, _title(m), "again" if m.reason == ASKED else "")
        for m in marks.order_by("-changed_at")
    ]


def _title(link: LinkRow | None) -> str:
    if link is None:
        return ""
    sides: Mapping[str, Mapping[str, str]] = {
        side: dict(SealedBase(link.base).side(side)) for side in ("psa", "exchange")
    }
    return sides["psa"].get("title", "") or sides["exchange"].get("title", "")


@transaction.atomic
def choose(mailbox: Mailbox, choice: str, now: datetime, by: User | None, *, id: str | None = None) -> int:
    """Say what becomes of one missing entry, or (no `id`) of all: "remove" or "put_back". `now` is domain time.

    Returns how many. Raises Refused("nothing_to_choose" | "unknown_choice").
    """
    if choice not in list(Choice):
        raise Refused("unknown_choice")
    rows = SetAsideRow.objects.select_for_update().filter(mailbox=mailbox, code=CODE)
    rows = rows.filter(pk=int(id) if id.isdecimal() else 0) if id is not None else rows
    chosen = [row for row in rows if ANSWER not in row.params or id is not None]
    if not chosen:
        raise Refused("nothing_to_choose")
    for row in chosen:
        row.params, row.retry_at = {**row.params, ANSWER: choice}, now
        row.save(update_fields=["params", "retry_at"])
    audit(mailbox.user.organization, f"sync.{choice}", by=by, subject=mailbox.user.guid, entries=len(chosen))
    dirty.mark_mailboxes([mailbox.pk])
    return len(chosen)


@transaction.atomic
def sync_again(mailbox: Mailbox, id: str, by: User | None) -> None:
    """End a mark at its user's wish. Raises Refused("nothing_kept_apart")."""
    marks = LinkRow.objects.filter(mailbox=mailbox, status=LinkStatus.UNLINKED)
    try:
        found = marks.filter(pk=id).update(reason=ASKED)
    except (ValueError, ValidationError):
        found = 0
    if not found:
        raise Refused("nothing_kept_apart")
    audit(mailbox.user.organization, "sync.again", by=by, subject=mailbox.user.guid, link=id)
    dirty.mark_mailboxes([mailbox.pk])


def forget_deleted(before: datetime) -> int:
    """Remove the marks of pairs that were deleted before that time (real time): nothing of them is in a trash any
    longer, so what comes back now is new. Returns how many."""
    old = LinkRow.objects.filter(status=LinkStatus.UNLINKED, reason=DELETED, changed_at__lt=before)
    return old.delete()[0]
