"""What waits for its user, and what he does about it: retry, ignore, sync again (rules 4.9, 10.1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from samklang.accounts.services import audit
from samklang.clock import now
from samklang.engine.actions import NearMatch
from samklang.engine.model import LinkStatus, Side
from samklang.mailboxes import choices, dirty
from samklang.mailboxes.models import LinkRow, Mailbox, NearMatchRow, SetAsideRow
from samklang.mailboxes.services import Refused


def set_aside(mailbox: Mailbox) -> list[dict[str, Any]]:
    """Entries that wait, those its user ignores left out; codes only."""
    rows = SetAsideRow.objects.filter(mailbox=mailbox, ignored=False).order_by("since", "pk")
    return [
        {"side": row.side, "id": row.entry_id, "code": row.code, "params": row.params, "retry_at": row.retry_at}
        for row in rows
    ]


def ignored(mailbox: Mailbox) -> int:
    return SetAsideRow.objects.filter(mailbox=mailbox, ignored=True).count()


@transaction.atomic
def retry(mailbox: Mailbox, side: str, entry_id: str) -> None:
    """Try this entry with the next run, which is due now. Raises Refused("nothing_waits")."""
    changed = _row(mailbox, side, entry_id).update(retry_at=now(), ignored=False)
    if not changed:
        raise Refused("nothing_waits")
    dirty.mark_mailboxes([mailbox.pk])


@transaction.atomic
def ignore(mailbox: Mailbox, side: str, entry_id: str) -> None:
    """Leave this entry alone, and its user in peace, until it changes. Raises Refused("nothing_waits")."""
    if not _row(mailbox, side, entry_id).update(retry_at=None, ignored=True):
        raise Refused("nothing_waits")
    audit(mailbox.user.organization, "sync.ignore", by=mailbox.user, mailbox=mailbox.pk, side=side)


@transaction.atomic
def sync_again(mailbox: Mailbox, *, psa_id: str = "", item_id: str = "") -> None:
    """End the mark that keeps an entry apart: it is matched, or made there, as if it were new (rules 3.1, 4.9).

    Raises Refused("nothing_waits") when there is none.
    """
    marks = LinkRow.objects.filter(mailbox=mailbox, status=LinkStatus.UNLINKED)
    mark = (marks.filter(psa_id=psa_id) if psa_id else marks.filter(item_id=item_id)).first()
    if mark is None:
        raise Refused("nothing_waits")
    choices.sync_again(mailbox, str(mark.pk), mailbox.user)


def note_near_matches(mailbox_id: int, found: Iterable[NearMatch]) -> None:
    """Remember them for the user, who decides whether they are the same (rule 3.1)."""
    rows = (NearMatchRow(mailbox_id=mailbox_id, psa_id=n.psa_id, item_id=n.item_id, differs=n.differs) for n in found)
    NearMatchRow.objects.bulk_create(rows, ignore_conflicts=True)


def near_matches(mailbox: Mailbox) -> list[dict[str, str]]:
    """Pairs that were alike but for one field when they were first seen."""
    rows = NearMatchRow.objects.filter(mailbox=mailbox).order_by("pk")
    return [{"psa_id": row.psa_id, "item_id": row.item_id, "differs": row.differs} for row in rows]


def dismiss_near_match(mailbox: Mailbox, psa_id: str, item_id: str) -> None:
    """The user has seen it."""
    NearMatchRow.objects.filter(mailbox=mailbox, psa_id=psa_id, item_id=item_id).delete()


def _row(mailbox: Mailbox, side: str, entry_id: str) -> Any:
    if side not in list(Side):
        raise Refused("nothing_waits")
    return SetAsideRow.objects.filter(mailbox=mailbox, side=side, entry_id=entry_id)
