"""The journal as its user reads it, and what may still be put back (rules 11.1, 11.2).

Content is for those who may see the entry: callers mask it with `activities.queries` before they show it (rule 1.8).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from samklang.config import config
from samklang.engine.model import Side
from samklang.mailboxes.models import JournalRow, Mailbox, Run

#: Kinds of writes a user can put back one by one.
RESTORABLE = ("update", "delete")


def rows_of(mailbox: Mailbox) -> QuerySet[JournalRow]:
    """What was written for this mailbox, the latest first."""
    return JournalRow.objects.filter(mailbox=mailbox, settled=True).select_related("run").order_by("-at", "-pk")


def rows_about(organization_id: int, psa_id: str) -> QuerySet[JournalRow]:
    """Every write about one activity, whoever's calendar it was for, the latest first."""
    rows = JournalRow.objects.filter(psa_id=psa_id, settled=True, mailbox__user__organization_id=organization_id)
    return rows.select_related("run", "mailbox__user").order_by("-at", "-pk")


def runs_of(mailbox: Mailbox, most: int) -> list[dict[str, Any]]:
    """Runs that wrote something, the latest first: id, at, cause, writes, and how many of those are `undoable` yet."""
    counted = {
        "writes": Count("journal", filter=Q(journal__settled=True)),
        "undoable": Count("journal", filter=Q(journal__settled=True, journal__undone_at=None)),
    }
    runs = Run.objects.filter(mailbox=mailbox, journal__settled=True).annotate(at=F("started_at"), **counted)
    return list(runs.order_by("-started_at", "-pk").values("id", "at", "cause", *counted)[:most])


def of_run(mailbox: Mailbox, run_id: int) -> list[JournalRow]:
    """The writes of one run that nobody undid yet, in their order."""
    return list(
        JournalRow.objects.filter(mailbox=mailbox, run_id=run_id, settled=True, undone_at=None).order_by("at", "pk")
    )


def touched_since(mailbox: Mailbox, rows: Iterable[JournalRow]) -> Collection[tuple[Side, str]]:
    """Entries of these writes that a later run, in whoever's mailbox, wrote again."""
    rows = list(rows)
    if not rows:
        return set()
    later = JournalRow.objects.filter(pk__gt=rows[0].pk, undone_at=None).exclude(run=rows[0].run)
    # What a colleague's run wrote to the activity is an edit of it; what it carried to his own calendar is not.
    here = Q(mailbox=mailbox) | Q(side=Side.PSA, mailbox__user__organization_id=mailbox.user.organization_id)
    activities = later.filter(here, psa_id__in={row.psa_id for row in rows if row.psa_id})
    events = later.filter(mailbox=mailbox, item_id__in={row.item_id for row in rows if row.item_id})
    return {(Side.PSA, one) for one in activities.values_list("psa_id", flat=True) if one} | {
        (Side.EXCHANGE, one) for one in events.values_list("item_id", flat=True) if one
    }


def mark_undone(row: JournalRow, now: datetime) -> None:
    JournalRow.objects.filter(pk=row.pk).update(undone_at=now)


def purge(now: datetime) -> int:
    """Throw away what is older than the history goes back at `now` (domain time); returns how many writes."""
    before = now - timedelta(days=config().history_days)
    gone, _ = JournalRow.objects.filter(at__lt=before).delete()
    written = JournalRow.objects.filter(run=OuterRef("pk"))
    old = Run.objects.annotate(ended=Coalesce("finished_at", "started_at")).filter(ended__lt=before)
    old.filter(~Exists(written)).delete()
    return gone
